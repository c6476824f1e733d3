//! Promise: counters are exact, kept over a restart, and nothing in them leads back to anybody.

use serde_json::json;
use tokio::task::JoinSet;

use crate::harness::{Origin, SECRET, Setup, bytes_in, chat, get, of, requests};

#[tokio::test(flavor = "multi_thread")]
async fn exactly_as_many_as_the_limit_pass_over_32_connections() {
    let origin = Origin::start().await;
    let Some(worker) = Setup::new(&requests(100, "1h")).start(&origin).await else {
        return;
    };
    let mut clients = JoinSet::new();
    for _ in 0..32 {
        let mut connection = worker.connect().await;
        clients.spawn(async move {
            let mut passed = 0;
            for _ in 0..10 {
                let reply = connection.send(of("sk-one", get("/v1/models"))).await;
                match reply.status {
                    200 => passed += 1,
                    429 => assert!(reply.number("retry-after") > 0),
                    other => panic!("{other}: {}", reply.text()),
                }
            }
            passed
        });
    }
    let passed: u32 = clients.join_all().await.into_iter().sum();
    assert_eq!((passed, origin.seen().len()), (100, 100));
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_on_several_objects_are_counted_as_on_one() {
    let origin = Origin::start().await;
    let setup = Setup::new(&requests(3, "1h")).with("STILLGATE_SHARDS", "8");
    let Some(worker) = setup.start(&origin).await else {
        return;
    };
    let mut connection = worker.connect().await;
    for key in 0..20 {
        let mut passed = 0;
        for _ in 0..5 {
            let request = of(&format!("sk-{key}"), get("/v1/models"));
            passed += u32::from(connection.send(request).await.status == 200);
        }
        assert_eq!(passed, 3, "key {key}");
    }
    assert!(worker.ledgers() > 1, "keys lie on several objects");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_keeps_counters() {
    let origin = Origin::start().await;
    let policy = requests(2, "1h");
    let Some(mut worker) = Setup::new(&policy).start(&origin).await else {
        return;
    };
    let mut connection = worker.connect().await;
    for expected in [200, 200] {
        let reply = connection.send(of("sk-one", get("/v1/models"))).await;
        assert_eq!(reply.status, expected);
    }
    worker.written().await;
    worker.edge.apply(&policy.to_string()).await.unwrap();
    let mut connection = worker.connect().await;
    let status = async |connection: &mut crate::harness::Connection, key| {
        connection.send(of(key, get("/v1/models"))).await.status
    };
    assert_eq!(status(&mut connection, "sk-one").await, 429);
    assert_eq!(status(&mut connection, "sk-other").await, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_is_kept_leads_back_to_a_key_or_a_prompt() {
    let origin = Origin::start().await;
    let policy = json!({"version": 1, "campaigns": {"mode": "enforce"}, "quotas": [
        {"name": "tokens", "per": ["key"], "count": "tokens", "limit": 100_000, "window": "1h"}]});
    let Some(worker) = Setup::new(&policy).start(&origin).await else {
        return;
    };
    let mut connection = worker.connect().await;
    for number in 0..50 {
        let prompt =
            format!("Solve the riddle of the {number}th sphinx, and show every step of your work.");
        let body = json!({"model": "m", "messages": [{"role": "user", "content": prompt}]});
        let reply = connection
            .send(of("sk-very-secret-key", chat(body.to_string())))
            .await;
        assert_eq!(reply.status, 200);
    }
    worker.written().await;
    // The judge keeps what it was shown when it has sat.
    let judged =
        async || (bytes_in(&worker.storage.join("stillgate-judge")).len() > 60_000).then_some(());
    crate::harness::until("the judge to write down what it knows", judged).await;
    let kept = bytes_in(&worker.storage);
    assert!(kept.len() > 100_000);
    for secret in [
        "sk-very-secret-key",
        "riddle of the",
        "show every step",
        SECRET,
    ] {
        let found = kept
            .windows(secret.len())
            .any(|bytes| bytes == secret.as_bytes());
        assert!(!found, "{secret:?} is kept");
    }
    let log = worker.edge.log();
    let complaints: Vec<_> = log
        .iter()
        .filter(|line| line.contains("stillgate: "))
        .collect();
    assert!(complaints.is_empty(), "{complaints:?}");
}
