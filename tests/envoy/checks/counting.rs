//! Distinct counts: a check fires when it has seen what the policy says, and is over when those whom it saw are gone.

use axum::body::Body;
use axum::http::Response;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::{all_workers_know, ask, decisions, gate, policy};
use crate::harness::client::Headers as _;
use crate::harness::{Connection, Envoy, Origin, Setup, Wire, until};
use crate::quotas::{REQUESTS, count};

/// Too many keys behind one network, shape and handshake.
pub(super) fn key_farm(limit: u32, window: &str) -> Value {
    policy(json!([{
        "name": "key-farm", "per": ["network", "shape", "ja4"], "distinct": "key",
        "limit": limit, "window": window, "then": "verify",
    }]))
}

/// The same without TLS.
pub(super) fn crowd(limit: u32, window: &str) -> Value {
    policy(json!([{
        "name": "crowd", "per": ["network"], "distinct": "key", "limit": limit, "window": window, "then": "verify",
    }]))
}

const FOUND: [(&str, &str); 2] = [("verdict", "verify"), ("reason", "distinct")];

#[tokio::test(flavor = "multi_thread")]
async fn a_key_farm_is_found_at_its_limit_and_then_all_its_keys() {
    let origin = Origin::start().await;
    let Some(envoy) = gate(key_farm(20, "1h")).workers(2).start(&origin).await else {
        return;
    };
    let farm = [127, 66, 7, 1];
    let mut connection = envoy.connect_from(farm, "tls", Wire::TlsH2).await;
    let send = async |connection: &mut Connection, key: u32| {
        let request = ask(&format!("sk-farm-{key}")).with("x-test-tag", "farm");
        connection.send(request).await.status
    };
    // The 21st is the first too many: that is known when it has been served.
    for key in 0..21 {
        let turns = if key < 20 { 2 } else { 1 };
        for _ in 0..turns {
            assert_eq!(send(&mut connection, key).await, 200, "{key}");
        }
    }
    all_workers_know().await;
    // Then everybody, also those that were there before, on every connection and worker, from the whole network.
    for source in [[127, 66, 7, 1], [127, 66, 7, 200]] {
        for _ in 0..4 {
            let mut connection = envoy.connect_from(source, "tls", Wire::TlsH2).await;
            for key in [0, 7, 20, 21, 999] {
                assert_eq!(send(&mut connection, key).await, 403, "{source:?} {key}");
            }
        }
    }
    assert_eq!(origin.seen().len(), 41);
    envoy.metric_reaches(REQUESTS, &FOUND, 40).await;

    let records = decisions(&envoy, "farm", 81).await;
    let found = records.last().expect("records");
    let check = json!({"rule": "key-farm", "then": "verify", "count": 21, "limit": 20});
    assert_eq!(found["checks"], json!([check]));
    assert_eq!(found["reason"], "distinct");
    let traits = found["traits"].as_object().expect("traits");
    let names: Vec<&String> = traits.keys().collect();
    assert_eq!(names, ["network", "shape", "ja4"], "{traits:?}");

    // Another network, another handshake, another shape, and none at all: nobody of the farm.
    let elsewhere = [127, 66, 8, 1];
    let mut connection = envoy.connect_from(elsewhere, "tls", Wire::TlsH2).await;
    assert_eq!(send(&mut connection, 0).await, 200);
    let mut connection = envoy.connect_from(farm, "tls", Wire::TlsH1).await;
    assert_eq!(send(&mut connection, 0).await, 200);
    let mut connection = envoy.connect_from(farm, "main", Wire::H2).await;
    assert_eq!(send(&mut connection, 0).await, 200);
    let mut connection = envoy.connect_from(farm, "tls", Wire::TlsH2).await;
    let request = ask("sk-farm-0").with("x-another", "1");
    assert_eq!(connection.send(request).await.status, 200);
    assert_eq!(send(&mut connection, 0).await, 403);
    envoy.assert_never_died().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_farm_of_32_connections_passes_its_limit_by_what_is_in_flight() {
    let origin = Origin::start().await;
    let Some(envoy) = gate(key_farm(50, "1h")).workers(4).start(&origin).await else {
        return;
    };
    let mut clients = tokio::task::JoinSet::new();
    for client in 0..32 {
        let source = [127, 66, 7, client + 1];
        let mut connection = envoy.connect_from(source, "tls", Wire::TlsH2).await;
        clients.spawn(async move {
            let mut statuses = Vec::new();
            for n in 0..16 {
                let key = format!("sk-{client}-{n}");
                statuses.push(connection.send(ask(&key)).await.status);
            }
            statuses
        });
    }
    let statuses = clients.join_all().await.concat();
    let passed = count(&statuses, 200);
    println!("limit 50, 32 in flight, 4 workers: {passed} keys passed");
    assert!((51..=50 + 32 + 4).contains(&passed), "{passed} passed");
    assert_eq!(count(&statuses, 403), statuses.len() - passed);
    assert_eq!(origin.seen().len(), passed);
    envoy
        .metric_reaches(REQUESTS, &FOUND, (statuses.len() - passed) as u64)
        .await;
    assert_eq!(
        envoy
            .metric("stillgate_distinct_uncounted_total", &[])
            .await,
        0
    );
    envoy.assert_never_died().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_worker_knows_what_one_of_them_has_counted() {
    let origin = Origin::start().await;
    let setup = Setup::new(crowd(3, "1h")).workers(4);
    let Some(envoy) = setup.start(&origin).await else {
        return;
    };
    // Enough that they are no one worker's, and all have looked before there was anything to see.
    let mut connections = Vec::new();
    for _ in 0..24 {
        let mut connection = envoy.connect(Wire::H1).await;
        assert_eq!(connection.send(ask("sk-0")).await.status, 200);
        connections.push(connection);
    }
    for key in ["sk-1", "sk-2", "sk-3"] {
        assert_eq!(connections[0].send(ask(key)).await.status, 200, "{key}");
    }
    all_workers_know().await;
    for (n, connection) in connections.iter_mut().enumerate() {
        for key in ["sk-0", "sk-stranger"] {
            let reply = connection.send(ask(key)).await;
            assert_eq!(reply.status, 403, "{key} over connection {n}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whom_the_origin_does_not_serve_is_nobody() {
    let origin = Origin::answering(|seen| {
        let status = seen
            .headers
            .get("x-answer")
            .and_then(|value| value.to_str().ok());
        Response::builder()
            .status(status.unwrap_or("200"))
            .body(Body::from("{}"))
            .expect("a response")
    })
    .await;
    let Some(envoy) = Setup::new(crowd(3, "1h")).workers(2).start(&origin).await else {
        return;
    };
    let send = async |key: &str, status: u16| {
        let request = ask(key).with("x-answer", status.to_string());
        envoy.send(request).await.status
    };
    for (n, status) in [302, 304, 400, 401, 403, 404, 422, 429, 500, 502, 503, 504]
        .into_iter()
        .enumerate()
    {
        for turn in 0..4 {
            assert_eq!(
                send(&format!("sk-invented-{n}-{turn}"), status).await,
                status
            );
        }
    }
    for (key, status) in [
        ("sk-a", 200),
        ("sk-b", 201),
        ("sk-c", 206),
        ("sk-a", 200),
        ("sk-d", 500),
        ("sk-d", 203),
    ] {
        assert_eq!(send(key, status).await, status, "{key}");
    }
    all_workers_know().await;
    assert_eq!(send("sk-a", 200).await, 403);
    assert_eq!(send("sk-invented-0-0", 401).await, 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_origin_that_is_down_counts_nobody() {
    // A port that was free a moment ago.
    let listener = TcpListener::bind(("127.0.0.1", 0))
        .await
        .expect("a free port");
    let address = listener.local_addr().expect("an address");
    drop(listener);
    let Some(envoy) = Setup::new(crowd(1, "1h")).start_before(address).await else {
        return;
    };
    for n in 0..6 {
        assert_eq!(envoy.send(ask(&format!("sk-{n}"))).await.status, 503);
    }
    envoy
        .metric_reaches(REQUESTS, &[("verdict", "allow")], 6)
        .await;
    envoy.assert_never_died().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_hangs_up_before_the_answer_counts_for_nobody() {
    // It takes connections, and never says a word.
    let silent = TcpListener::bind(("127.0.0.1", 0))
        .await
        .expect("a free port");
    let address = silent.local_addr().expect("an address");
    let Some(envoy) = Setup::new(crowd(1, "1h")).start_before(address).await else {
        return;
    };
    let active = async |count| {
        until("requests at the origin", async || {
            let active = envoy.stat("cluster.origin.upstream_rq_active").await;
            (active == count).then_some(())
        })
        .await;
    };
    for (n, wire) in [Wire::H1, Wire::H2, Wire::H1, Wire::H2]
        .into_iter()
        .enumerate()
    {
        let mut connection = envoy.connect(wire).await;
        let key = format!("sk-{n}");
        let asked = tokio::spawn(async move { connection.try_send(ask(&key)).await.map(|_| ()) });
        active(1).await;
        asked.abort();
        active(0).await;
    }
    // Had they been counted, this one were refused at once.
    let mut connection = envoy.connect(Wire::H1).await;
    let asked = tokio::spawn(async move { connection.try_send(ask("sk-last")).await.map(|_| ()) });
    active(1).await;
    asked.abort();
    active(0).await;
    envoy
        .metric_reaches(REQUESTS, &[("verdict", "allow")], 5)
        .await;
    envoy.assert_never_died().await;
}

/// So many requests of keys of their own.
pub(super) async fn statuses_of_keys(envoy: &Envoy, keys: std::ops::Range<u32>) -> Vec<u16> {
    let mut connection = envoy.connect_to("main", Wire::H1).await;
    let mut statuses = Vec::new();
    for key in keys {
        statuses.push(connection.send(ask(&format!("sk-{key}"))).await.status);
    }
    statuses
}
