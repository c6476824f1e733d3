//! Promise: what is not set up right says what is wrong, and is no open gate.

use serde_json::json;

use crate::harness::{Origin, Setup, get, of, requests};

#[tokio::test(flavor = "multi_thread")]
async fn wrong_settings_are_a_500_that_says_what_is_wrong() {
    let policy = requests(1, "1h");
    let table = [
        (
            Setup::new(&policy).with("STILLGATE_SECRET", ""),
            "STILLGATE_SECRET is not set",
        ),
        (
            Setup::new(&policy).with("STILLGATE_SECRET", "short"),
            "STILLGATE_SECRET has 5 bytes",
        ),
        (
            Setup::new(&policy).with("STILLGATE_SHARDS", "many"),
            "STILLGATE_SHARDS is \"many\"",
        ),
        (
            Setup::new(&policy).with("STILLGATE_COUNTERS", "redis"),
            "STILLGATE_COUNTERS is \"redis\"",
        ),
        (
            Setup::new(&policy).with("STILLGATE_PAGE", "stillgate"),
            "STILLGATE_PAGE is \"stillgate\"",
        ),
        (
            Setup::new(&policy).with("STILLGATE_PAGE", "/"),
            "STILLGATE_PAGE is \"/\"",
        ),
        (
            Setup::new(&policy).with("STILLGATE_PAGE", "/a/../b"),
            "STILLGATE_PAGE is \"/a/../b\"",
        ),
        (
            Setup::new(&policy)
                .with("STILLGATE_PAGE", "/stillgate")
                .changed(
                    "workerd.capnp",
                    "(name = \"PAGE\", service = \"page\"),",
                    "",
                ),
            "PAGE is not bound",
        ),
        (
            Setup::new(&policy).with("STILLGATE_POLICY", "{"),
            "not JSON",
        ),
        (
            Setup::new(&policy).with("STILLGATE_POLICY", r#"{"version": 1, "quotaz": []}"#),
            "/quotaz",
        ),
        (
            Setup::new(&policy).changed(
                "workerd.capnp",
                "(name = \"LEDGER\", durableObjectNamespace = \"Ledger\"),",
                "",
            ),
            "LEDGER is not bound",
        ),
        (
            Setup::new(&policy).changed(
                "workerd.capnp",
                "durableObjectNamespace = \"Ledger\"",
                "durableObjectNamespace = \"Judge\"",
            ),
            "LEDGER is not bound to the class Ledger",
        ),
    ];
    for (setup, said) in table {
        let origin = Origin::start().await;
        let Some(worker) = setup.start(&origin).await else {
            return;
        };
        let mut connection = worker.connect().await;
        for _ in 0..2 {
            let reply = connection.send(of("sk-one", get("/v1/models"))).await;
            assert_eq!(reply.status, 500, "{said}");
            let told = reply.header("x-stillgate-error").unwrap_or_default();
            assert!(told.contains(said), "{said:?} is not in {told:?}");
        }
        assert!(origin.seen().is_empty(), "{said}");
        let logged = async || {
            worker
                .edge
                .log()
                .iter()
                .any(|line| line.contains("stillgate: "))
                .then_some(())
        };
        crate::harness::until("the log to say so", logged).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn counters_may_be_the_isolates_own() {
    let origin = Origin::start().await;
    let setup = Setup::new(&requests(3, "1h")).with("STILLGATE_COUNTERS", "isolate");
    let Some(worker) = setup.start(&origin).await else {
        return;
    };
    let mut connection = worker.connect().await;
    let mut passed = 0;
    for _ in 0..6 {
        passed += u32::from(
            connection
                .send(of("sk-one", get("/v1/models")))
                .await
                .status
                == 200,
        );
    }
    assert_eq!(passed, 3);
    assert_eq!(worker.ledgers(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_a_client_sends_is_not_believed() {
    use crate::harness::client::Headers as _;
    let origin = Origin::start().await;
    let policy = json!({"version": 1, "quotas": [
        {"name": "by-network", "per": ["network"], "count": "requests", "limit": 2, "window": "1h"}]});
    let Some(worker) = Setup::new(&policy).start(&origin).await else {
        return;
    };
    let mut connection = worker.connect().await;
    let mut passed = 0;
    for last in 0..6 {
        let from = format!("192.0.{last}.1");
        let request = of("sk-one", get("/v1/models")).with("cf-connecting-ip", from);
        passed += u32::from(connection.send(request).await.status == 200);
    }
    // Without Cloudflare all are of one network, which is not known.
    assert_eq!(passed, 2);
}
