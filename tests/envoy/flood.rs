//! Promise: a flood of random keys stays inside its memory, refills nobody, and hurts only the flood.

use serde_json::{Value, json};

use crate::harness::client::Headers as _;
use crate::harness::config::{manager, route};
use crate::harness::{Envoy, Origin, Setup, Wire, get};
use crate::quotas::{count, statuses_of};

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_keys_forgives_nobody() {
    let origin = Origin::start().await;
    let Some(envoy) = small(10, "1h").workers(2).start(&origin).await else {
        return;
    };

    assert_eq!(count(&statuses_of(&envoy, "sk-over", 12).await, 200), 10);
    assert_eq!(statuses_of(&envoy, "sk-known", 4).await, [200; 4]);
    // Let the filter's own memory grow to its working size first.
    flood(&envoy, 0..2_000).await;
    let before = envoy.memory().await;
    flood(&envoy, 2_000..50_000).await;
    let grown = envoy.memory().await.saturating_sub(before);

    assert_eq!(
        statuses_of(&envoy, "sk-over", 3).await,
        [429; 3],
        "over its limit before, over it afterwards"
    );
    let known = statuses_of(&envoy, "sk-known", 8).await;
    assert_eq!(
        count(&known, 200),
        6,
        "a known key has what it had left, no more and no less: {known:?}"
    );
    assert!(
        grown < (1 << 20) + ENVOYS_OWN,
        "48,000 keys took {grown} bytes"
    );
    assert!(
        envoy.metric("stillgate_shared_newcomers_total", &[]).await > 0,
        "newcomers to a full page share"
    );
    assert_eq!(envoy.metric("stillgate_store_failures_total", &[]).await, 0);
    envoy.assert_never_died().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_replenished_makes_room() {
    let origin = Origin::start().await;
    let Some(envoy) = small(1_000, "1s").start(&origin).await else {
        return;
    };

    let mut from = 0;
    crate::harness::until("keys to be evicted", async || {
        flood(&envoy, from..from + 5_000).await;
        from += 5_000;
        (envoy.metric("stillgate_evictions_total", &[]).await > 0).then_some(())
    })
    .await;
    envoy.assert_never_died().await;
}

/// Envoy answers by itself, so that the flood is the filter's.
fn small(limit: u64, window: &str) -> Setup {
    let policy: Value = json!({
        "version": 1,
        "quotas": [{"name": "requests", "per": ["key"], "count": "requests", "limit": limit, "window": window}],
        "limits": {"memory": "1MiB"},
    });
    Setup::new(policy).adapt(|listener| {
        let route = route(listener);
        route.as_object_mut().expect("a route").remove("route");
        route["direct_response"] = json!({"status": 200});
        // The access log is not what is measured.
        manager(listener)["access_log"] = json!([]);
    })
}

/// One request for each of these keys, over several connections.
async fn flood(envoy: &Envoy, keys: std::ops::Range<u32>) {
    let mut clients = tokio::task::JoinSet::new();
    for client in 0..CLIENTS {
        let mut connection = envoy.connect(Wire::H1).await;
        let keys = keys.clone();
        clients.spawn(async move {
            for key in keys.filter(|key| key % CLIENTS == client) {
                connection
                    .send(get("/").bearer(&format!("sk-flood-{key}")))
                    .await;
            }
        });
    }
    clients.join_all().await;
}

const CLIENTS: u32 = 8;

/// What Envoy may need for connections, statistics and its allocator's slack while the flood runs.
const ENVOYS_OWN: u64 = 4 << 20;
