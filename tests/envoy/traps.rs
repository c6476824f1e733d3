//! The twelve ways in which Envoy's proxy-wasm host is known to kill, hang or mislead a filter; a test each.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use tokio::sync::oneshot;

use crate::harness::client::{Headers as _, next_chunk};
use crate::harness::config::{plugin, route};
use crate::harness::{Origin, Setup, Wire, get, post, raw};
use crate::models::per_model;
use crate::quotas::{REQUESTS, count, per_key, statuses_of};
use crate::records::{decision, recorded};

/// The SDK's string getters panic on a header that is not UTF-8.
#[tokio::test(flavor = "multi_thread")]
async fn trap_1_a_header_that_is_not_utf_8() {
    let origin = Origin::start().await;
    let Some(envoy) = Setup::new(per_key(10)).start(&origin).await else {
        return;
    };

    let address = envoy.address("main").await;
    let request =
        b"GET / HTTP/1.1\r\nhost: a\r\nauthorization: Bearer sk-one\r\nx-bin: \xff\xfe\r\nconnection: close\r\n\r\n";
    assert_eq!(raw(address, request).await.status(), 200);
    assert_eq!(origin.only().headers["x-bin"].as_bytes(), b"\xff\xfe");
    envoy.assert_never_died().await;
}

/// Request headers cannot be read once they have been released: not in the body's callback, nor in the response's.
#[tokio::test(flavor = "multi_thread")]
async fn trap_2_request_headers_are_gone_after_their_callback() {
    let origin = Origin::start().await;
    let Some(envoy) = Setup::new(recorded(per_model(10))).start(&origin).await else {
        return;
    };

    for wire in [Wire::H1, Wire::H2] {
        let mut connection = envoy.connect(wire).await;
        let reply = connection
            .send(post("/v1/messages", r#"{"model":"m"}"#).with("x-api-key", "sk-one"))
            .await;
        assert_eq!(reply.status, 200);
        assert!(
            reply
                .header("anthropic-ratelimit-requests-remaining")
                .is_some(),
            "the path was kept for the response"
        );
    }
    let log = envoy.access_log(2).await;
    assert!(
        log.iter().all(|line| decision(line)["verdict"] == "allow"),
        "{log:?}"
    );
    envoy.assert_never_died().await;
}

/// Headers cannot be touched after a request was resumed in the same callback.
#[tokio::test(flavor = "multi_thread")]
async fn trap_3_headers_are_gone_after_a_resume() {
    let origin = Origin::start().await;
    let Some(envoy) = Setup::new(per_model(1)).start(&origin).await else {
        return;
    };

    for status in [200, 429] {
        let request = post("/v1/chat/completions", r#"{"model":"m"}"#).bearer("sk-one");
        assert_eq!(envoy.send(request).await.status, status);
    }
    assert_eq!(origin.only().body, r#"{"model":"m"}"#);
    envoy.assert_never_died().await;
}

/// Pausing in the headers' callback stops the body's from ever being called, unless Envoy is told otherwise.
#[tokio::test(flavor = "multi_thread")]
async fn trap_4_a_paused_request_whose_body_never_comes() {
    let origin = Origin::start().await;
    for (stop_iteration, policy) in [(true, per_model(1)), (false, per_key(1))] {
        let setup = stopping(stop_iteration, policy);
        let Some(envoy) = setup.start(&origin).await else {
            return;
        };
        let ask = async || {
            envoy
                .send(post("/v1/chat/completions", r#"{"model":"m"}"#).bearer("sk-one"))
                .await
                .status
        };
        assert_eq!(
            [ask().await, ask().await],
            [200, 429],
            "allow_on_headers_stop_iteration: {stop_iteration}"
        );
    }
    // A rule that reads bodies cannot work without it: that is said before it hangs.
    for (stop_iteration, exit) in [(true, 0), (false, 3)] {
        let config =
            stopping(stop_iteration, per_model(1)).bootstrap(Path::new("/nowhere"), origin.address);
        let (status, said) = check(&config.to_string());
        assert_eq!(status, Some(exit), "{said}");
        assert_eq!(
            said.contains("allow_on_headers_stop_iteration"),
            !stop_iteration,
            "{said}"
        );
    }
}

fn stopping(stop_iteration: bool, policy: Value) -> Setup {
    Setup::new(policy).adapt(move |listener| {
        plugin(listener)["allow_on_headers_stop_iteration"] = json!(stop_iteration)
    })
}

/// A configuration that is written as a Struct arrives as binary protobuf, not as JSON.
#[tokio::test(flavor = "multi_thread")]
async fn trap_5_a_policy_as_a_protobuf_struct() {
    let origin = Origin::start().await;
    let setup = Setup::new(Value::Null).adapt(|listener| {
        plugin(listener)["configuration"] =
            json!({"@type": "type.googleapis.com/google.protobuf.Struct", "value": per_key(2)});
    });
    let Some(envoy) = setup.start(&origin).await else {
        return;
    };

    assert_eq!(statuses_of(&envoy, "sk-one", 3).await, [200, 200, 429]);
}

/// A panic cuts every stream of its virtual machine: so whatever one client sends, another's stream goes on.
#[tokio::test(flavor = "multi_thread")]
async fn trap_6_a_panic_would_cut_everybody_elses_streams() {
    let (origin, mut holds) = Origin::holding().await;
    let Some(envoy) = Setup::new(per_model(1)).start(&origin).await else {
        return;
    };

    let mut connection = envoy.connect(Wire::H2).await;
    let stream = connection
        .begin(get("/v1/chat/completions").bearer("sk-patient"))
        .await;
    assert_eq!(stream.status(), 200);
    let hold = holds.recv().await.expect("a request at the origin");

    let address = envoy.address("main").await;
    for path in [
        "/v1/chat/completions",
        "/v1/messages",
        "/v1beta/models/m:generateContent",
        "/",
    ] {
        for body in [
            &b"\xff\xfe"[..],
            b"{\"model\":\"\\ud800\"}",
            b"{\"model\":{}}",
            b"[[[[[[",
        ] {
            let head = format!(
                "POST {path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: {}\r\n",
                body.len()
            );
            let request = [
                head.as_bytes(),
                b"x-bin: \xff\r\nx-api-key: \xff\xff\r\n\r\n",
                body,
            ]
            .concat();
            // Over its limit after the first, which the origin holds: nobody waits for the answer to that one.
            tokio::select! {
                _ = raw(address, &request) => {}
                _ = holds.recv() => {}
            }
        }
    }
    hold.send("data: still here\n\n").await;
    assert_eq!(
        next_chunk(&mut stream.into_body()).await.unwrap().unwrap(),
        "data: still here\n\n"
    );
    envoy.assert_never_died().await;
}

/// Without FAIL_RELOAD a worker that lost its virtual machine answers 503 for ever.
#[test]
fn trap_7_a_dead_worker_stays_dead_unless_told_to_reload() {
    let (status, said) = check(&shipped_config());
    assert_eq!(status, Some(0), "{said}");
    assert!(
        !said.contains("failure_policy"),
        "envoy/envoy.yaml sets it: {said}"
    );

    let without: String = shipped_config()
        .lines()
        .filter(|line| !line.contains("failure_policy"))
        .fold(String::new(), join);
    let (_, said) = check(&without);
    assert!(
        said.contains("failure_policy") && said.contains("FAIL_RELOAD"),
        "a warning: {said}"
    );
}

/// FAIL_OPEN does not cover the request that kills the virtual machine, and lets everything pass after it.
#[test]
fn trap_8_failing_open_is_not_what_it_says() {
    let open = shipped_config().replace("FAIL_RELOAD", "FAIL_OPEN");
    let (_, said) = check(&open);
    assert!(
        said.contains("failure_policy") && said.contains("FAIL_RELOAD"),
        "a warning: {said}"
    );
}

/// The SDK panics on a status that it does not list, such as that of a host call which the operator forbids.
#[tokio::test(flavor = "multi_thread")]
async fn trap_9_an_operator_forbids_shared_data() {
    let origin = Origin::start().await;
    for (on_error, status, verdict) in [("deny", 503, "deny"), ("allow", 200, "allow")] {
        let mut policy = per_key(1);
        policy["on_error"] = json!(on_error);
        let setup = Setup::new(policy).adapt(|listener| {
            let allowed: Value = CAPABILITIES
                .split_whitespace()
                .map(|name| (name.to_owned(), json!({})))
                .collect();
            plugin(listener)["capability_restriction_config"] =
                json!({"allowed_capabilities": allowed});
        });
        let Some(envoy) = setup.start(&origin).await else {
            return;
        };

        assert_eq!(
            statuses_of(&envoy, "sk-one", 3).await,
            [status; 3],
            "on_error: {on_error}"
        );
        envoy
            .metric_reaches(REQUESTS, &[("verdict", verdict), ("reason", "store")], 3)
            .await;
        assert!(envoy.metric("stillgate_store_failures_total", &[]).await >= 3);
        envoy.assert_never_died().await;
    }
}

/// Ticks run on every worker and on the main thread.
#[tokio::test(flavor = "multi_thread")]
async fn trap_10_every_thread_ticks() {
    let origin = Origin::start().await;
    let Some(envoy) = Setup::new(per_key(40)).workers(4).start(&origin).await else {
        return;
    };

    for round in 1..=3 {
        for _ in 0..20 {
            // A connection each, so that every worker has its share of the counts.
            envoy.send(get("/").bearer("sk-one")).await;
        }
        // `metric_reaches` fails if a value is ever beyond what it waits for.
        envoy.metric_reaches(REQUESTS, &[], round * 20).await;
    }
    envoy
        .metric_reaches(REQUESTS, &[("verdict", "allow")], 40)
        .await;
}

/// Writing a key for the first time is unconditional: two workers that do it at once lose a count.
#[tokio::test(flavor = "multi_thread")]
async fn trap_11_the_first_write_of_a_key_races() {
    let origin = Origin::start().await;
    let Some(envoy) = Setup::new(per_key(1)).workers(4).start(&origin).await else {
        return;
    };

    let mut clients = tokio::task::JoinSet::new();
    let mut starts = Vec::new();
    for _ in 0..8 {
        let mut connection = envoy.connect(Wire::H1).await;
        let (start, started) = oneshot::channel();
        starts.push(start);
        clients.spawn(async move {
            started.await.expect("a start");
            let mut statuses = Vec::new();
            for key in 0..200 {
                statuses.push(
                    connection
                        .send(get("/").bearer(&format!("sk-{key}")))
                        .await
                        .status,
                );
            }
            statuses
        });
    }
    for start in starts {
        start.send(()).expect("a waiting client");
    }
    let clients = clients.join_all().await;
    for key in 0..200 {
        let statuses: Vec<u16> = clients.iter().map(|statuses| statuses[key]).collect();
        assert_eq!(
            count(&statuses, 200),
            1,
            "fresh key {key}, asked by eight at once: {statuses:?}"
        );
    }
}

/// The attributes that older documentation names are not found in this Envoy; those under `xds` are.
#[tokio::test(flavor = "multi_thread")]
async fn trap_12_attributes_moved_under_xds() {
    let origin = Origin::start().await;
    let policy = |property: &str| {
        json!({
            "version": 1,
            "account": {"route": {"property": property}},
            "quotas": [{
                "name": "by-route", "per": ["key"], "count": "requests", "window": "1h",
                "limit": {"by": "route", "values": {"chat": 1}, "else": 3},
            }],
        })
    };
    for (property, limit) in [("xds.route_name", 1), ("route_name", 3)] {
        let setup =
            Setup::new(policy(property)).adapt(|listener| route(listener)["name"] = json!("chat"));
        let Some(envoy) = setup.start(&origin).await else {
            return;
        };
        assert_eq!(
            count(&statuses_of(&envoy, "sk-one", 5).await, 200),
            limit,
            "{property}"
        );
        envoy.assert_never_died().await;
    }
}

/// What `stillgate check` says about an Envoy configuration: its exit code and its words.
fn check(config: &str) -> (Option<i32>, String) {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let file = directory.path().join("envoy.yaml");
    std::fs::write(&file, config).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_stillgate"))
        .arg("check")
        .arg(file)
        .output()
        .expect("stillgate runs");
    let said = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(said).expect("text"))
}

fn shipped_config() -> String {
    std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/envoy/envoy.yaml"))
        .expect("envoy/envoy.yaml")
}

fn join(text: String, line: &str) -> String {
    text + line + "\n"
}

/// Everything that a filter may call or be called for, but shared data.
const CAPABILITIES: &str = "
    clock_time_get environ_get environ_sizes_get fd_write proc_exit random_get sched_yield
    proxy_add_header_map_value proxy_call_foreign_function proxy_continue_stream proxy_close_stream
    proxy_define_metric proxy_done proxy_get_buffer_bytes proxy_get_buffer_status
    proxy_get_current_time_nanoseconds proxy_get_header_map_pairs proxy_get_header_map_size
    proxy_get_header_map_value proxy_get_log_level proxy_get_metric proxy_get_property
    proxy_get_status proxy_increment_metric proxy_log proxy_record_metric
    proxy_remove_header_map_value proxy_replace_header_map_value proxy_send_local_response
    proxy_set_buffer_bytes proxy_set_effective_context proxy_set_header_map_pairs
    proxy_set_property proxy_set_tick_period_milliseconds proxy_on_configure
    proxy_on_context_create proxy_on_delete proxy_on_done proxy_on_log proxy_on_request_body
    proxy_on_request_headers proxy_on_request_trailers proxy_on_response_body
    proxy_on_response_headers proxy_on_response_trailers proxy_on_tick proxy_on_vm_start
    proxy_validate_configuration";
