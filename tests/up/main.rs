//! `stillgate up` with a real Envoy and a real workerd: it starts, enforces, takes a changed policy, refuses a bad one, and leaves
//! nothing behind.
#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod edge;
mod live;
mod npm;
mod page;
mod run;

use std::fs;
use std::path::Path;

use http_body_util::Full;
use hyper::body::Bytes;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use stillgate::host::cli::{envoy, filter, up};
use stillgate::policy::Faults;
use tokio::process::Command;

use run::{Run, status, stillgate, within};

#[tokio::test(flavor = "multi_thread")]
async fn envoy_accepts_the_shipped_configuration() {
    let (envoy, _) = tools();
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let made = stillgate(["certificate", "--out"])
        .arg(package.join("target/certificate"))
        .status()
        .await
        .expect("stillgate runs");
    assert!(made.success());
    // From its own folder, as its first lines say.
    let output = Command::new(envoy)
        .args(["--mode", "validate", "--config-path", "envoy.yaml"])
        .current_dir(package.join("envoy"))
        .output()
        .await
        .expect("Envoy runs");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_policy_is_put_in_force_and_a_bad_one_is_not() {
    let (envoy, filter) = tools();
    let stack = up::Stack::start(up::Options {
        envoy: Some(envoy),
        workers: Some(2),
        ..up::Options::quiet(policy(1), filter)
    });
    let stack = stack.await.expect("a stack");
    let ask = async |key| status(stack.listen, key).await;
    assert_eq!([ask("a").await, ask("a").await], [200, 429]);

    stack.apply(&policy(3)).await.expect("a good policy");
    assert_eq!(
        [
            ask("b").await,
            ask("b").await,
            ask("b").await,
            ask("b").await
        ],
        [200, 200, 200, 429]
    );

    let error = stack
        .apply(r#"{"version": 1, "quotaz": []}"#)
        .await
        .expect_err("a bad policy");
    let faults = error.downcast_ref::<Faults>().expect("faults");
    assert_eq!(
        faults
            .iter()
            .map(|fault| fault.path.as_str())
            .collect::<Vec<_>>(),
        ["/quotaz"]
    );
    assert_eq!(
        [
            ask("c").await,
            ask("c").await,
            ask("c").await,
            ask("c").await
        ],
        [200, 200, 200, 429]
    );
    stack.stop().await.expect("Envoy ends");
}

/// Envoy holds less of a body over HTTP/2 than over HTTP/1.1 unless it is told otherwise.
#[tokio::test(flavor = "multi_thread")]
async fn the_shipped_configuration_holds_a_long_body_for_a_rule_over_either_protocol() {
    let (envoy, filter) = tools();
    let policy = r#"{"version": 1, "quotas": [
        {"name": "by-model", "per": ["key", "model"], "count": "requests", "limit": 1, "window": "1d"}]}"#;
    let stack = up::Stack::start(up::Options {
        envoy: Some(envoy),
        workers: Some(1),
        ..up::Options::quiet(policy, filter)
    });
    let stack = stack.await.expect("a stack");
    let padding = "x".repeat(1_000_000);
    let message =
        format!(r#"{{"model": "m", "messages": [{{"role": "user", "content": "{padding}"}}]}}"#);
    for http2 in [false, true] {
        let client = Client::builder(TokioExecutor::new())
            .http2_only(http2)
            .build_http();
        for expected in [200, 429] {
            let request =
                hyper::Request::post(format!("http://{}/v1/chat/completions", stack.listen))
                    .header("content-type", "application/json")
                    .header("authorization", format!("Bearer {http2}"))
                    .body(Full::<Bytes>::from(message.clone()))
                    .expect("a request");
            let response = client.request(request).await.expect("a response");
            assert_eq!(response.status(), expected, "HTTP/2: {http2}");
        }
    }
    stack.stop().await.expect("Envoy ends");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_file_is_followed() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("policy.json");
    fs::write(&file, policy(1)).expect("a policy");
    let mut run = start(&file).await;
    assert_eq!([run.ask("a").await, run.ask("a").await], [200, 429]);

    fs::write(&file, r#"{"version": 1, "quotaz": []}"#).expect("a policy");
    run.wait_for("the old one stays in force").await;
    run.wait_for("/quotaz").await;
    assert_eq!([run.ask("b").await, run.ask("b").await], [200, 429]);

    // As editors do it.
    let fresh = folder.path().join("policy.json~");
    fs::write(&fresh, policy(2)).expect("a policy");
    fs::rename(&fresh, &file).expect("a rename");
    // Not the filter's own line: that comes from the first VM to read the policy, before all workers serve it.
    run.wait_for("The changed policy is in force").await;
    assert_eq!(
        [run.ask("c").await, run.ask("c").await, run.ask("c").await],
        [200, 200, 429]
    );
    run.end("TERM").await;
}

/// A list in a file of its own is a part of the policy.
#[tokio::test(flavor = "multi_thread")]
async fn the_files_of_lists_are_followed() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("policy.json");
    let list = folder.path().join("lists/keys.txt");
    fs::create_dir(folder.path().join("lists")).expect("a folder");
    fs::write(&list, "d34fa73bd47084e8\n").expect("a list");
    fs::write(
        &file,
        r#"{"version": 1, "checks": [
            {"name": "c", "trait": "key", "in": {"file": "lists/keys.txt"}, "then": "tag"}]}"#,
    )
    .expect("a policy");
    let mut run = start(&file).await;

    fs::write(&list, "# nobody\nsk-one\n").expect("a list");
    run.wait_for("the old one stays in force").await;
    run.wait_for("/checks/0/in/file: lists/keys.txt, line 2: found \"sk-one\"")
        .await;

    fs::write(&list, "d34fa73bd47084e9\n").expect("a list");
    run.wait_for("The changed policy is in force").await;
    let ended = run.end("TERM").await;
    assert!(ended.success(), "{ended}");
}

#[tokio::test(flavor = "multi_thread")]
async fn envoy_ends_with_it_however_it_ends() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("policy.json");
    fs::write(&file, policy(1)).expect("a policy");
    for signal in ["INT", "TERM", "HUP"] {
        let run = start(&file).await;
        assert!(run.end(signal).await.success(), "{signal}");
    }
    // Without setpriv nothing can be promised against SIGKILL.
    if cfg!(target_os = "linux") && Path::new("/usr/bin/setpriv").is_file() {
        let run = start(&file).await;
        assert!(!run.end("KILL").await.success());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_keeps_it_from_starting_is_told() {
    let (envoy, filter) = tools();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address").to_string();
    let folder = tempfile::tempdir().expect("a folder");
    let bad = folder.path().join("bad.json");
    fs::write(&bad, r#"{"version": 1, "quotaz": []}"#).expect("a policy");
    let no_wasm = folder.path().join("no.wasm");
    fs::write(&no_wasm, "no module").expect("a file");
    let text = |path: &Path| path.to_str().expect("UTF-8").to_owned();
    for (arguments, code, told) in [
        (
            vec![String::from("--listen"), address.clone()],
            1,
            "choose another port",
        ),
        (vec![String::from("--policy"), text(&bad)], 3, "/quotaz"),
        (
            vec![String::from("--policy"), String::from("no/such/file")],
            1,
            "no/such/file",
        ),
        (
            vec![String::from("--filter"), text(&no_wasm)],
            1,
            "Envoy refused its listeners",
        ),
        (
            vec![String::from("--envoy"), text(&no_wasm)],
            1,
            "give the path of an Envoy binary",
        ),
        (
            vec![String::from("--origin"), String::from("ftp://host")],
            1,
            "neither http nor https",
        ),
    ] {
        let mut command = stillgate([
            "up",
            "--no-page",
            "--tls-listen",
            "127.0.0.1:0",
            "--admin",
            "127.0.0.1:0",
        ]);
        let named = |name: &str| arguments.iter().any(|argument| argument == name);
        if !named("--listen") {
            command.args(["--listen", "127.0.0.1:0"]);
        }
        if !named("--filter") {
            command.arg("--filter").arg(&filter);
        }
        if !named("--envoy") {
            command.arg("--envoy").arg(&envoy);
        }
        let output = within(command.args(&arguments).output())
            .await
            .expect("stillgate runs");
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
        assert!(said.contains(told), "{arguments:?}: {said}");
    }
}

/// `stillgate up` with Envoy and a policy, and no page.
async fn start(policy: &Path) -> Run {
    let mut command = with_envoy(policy);
    command.arg("--no-page");
    Run::start(command).await
}

fn with_envoy(policy: &Path) -> Command {
    let (envoy, filter) = tools();
    let mut command = stillgate([
        "up",
        "--tls-listen",
        "127.0.0.1:0",
        "--admin",
        "127.0.0.1:0",
    ]);
    command
        .arg("--policy")
        .arg(policy)
        .arg("--filter")
        .arg(filter);
    command.arg("--envoy").arg(envoy).args(["--workers", "1"]);
    command
}

/// Envoy and the filter, found or made once.
fn tools() -> (std::path::PathBuf, std::path::PathBuf) {
    static TOOLS: std::sync::OnceLock<(std::path::PathBuf, std::path::PathBuf)> =
        std::sync::OnceLock::new();
    TOOLS
        .get_or_init(|| {
            (
                envoy::locate(None).expect("Envoy"),
                filter::build().expect("the filter"),
            )
        })
        .clone()
}

/// One rule: so many requests a day, for each key.
fn policy(limit: u32) -> String {
    format!(
        r#"{{"version": 1, "quotas": [{{"name": "daily", "per": ["key"], "count": "requests", "limit": {limit}, "window": "1d"}}]}}"#
    )
}
