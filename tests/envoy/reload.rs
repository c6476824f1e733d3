//! Promise: a new policy takes over without a lost count, and a bad one does not take over at all.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};

use crate::harness::client::{Headers as _, Wire};
use crate::harness::config::Listener;
use crate::harness::{Connection, Origin, Setup, get, until};
use crate::quotas::{REQUESTS, count, per_key, statuses_of};

#[tokio::test(flavor = "multi_thread")]
async fn no_count_is_lost_when_the_policy_changes_under_load() {
    let origin = Origin::start().await;
    let Some(envoy) = Setup::new(two_rules(500, 10))
        .workers(4)
        .dynamic()
        .start(&origin)
        .await
    else {
        return;
    };

    let address = envoy.address("main").await;
    let reloaded = Arc::new(AtomicBool::new(false));
    let mut clients = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let reloaded = Arc::clone(&reloaded);
        clients.spawn(async move {
            let mut statuses = Vec::new();
            // At least 100 each, and on until the last policy is in force, so that load spans every reload.
            while statuses.len() < 100 || !reloaded.load(Ordering::Relaxed) {
                let mut connection = Connection::open(address, Wire::H1, None).await;
                statuses.push(
                    connection
                        .send(get("/v1/models").bearer("sk-one"))
                        .await
                        .status,
                );
            }
            statuses
        });
    }
    for limit in [20, 30, 40] {
        assert!(
            envoy.reload(Setup::new(two_rules(500, limit))).await,
            "{}",
            envoy.log()
        );
    }
    reloaded.store(true, Ordering::Relaxed);
    let mut statuses = clients.join_all().await.concat();
    // However fast that was: the rest of the limit, and not one more.
    statuses.extend(statuses_of(&envoy, "sk-one", 500).await);

    assert_eq!(count(&statuses, 200), 500);
    assert_eq!(count(&statuses, 429), statuses.len() - 500);
    assert_eq!(origin.seen().len(), 500);
    envoy
        .metric_reaches(REQUESTS, &[("verdict", "allow")], 500)
        .await;
    envoy
        .metric_reaches(REQUESTS, &[], statuses.len() as u64)
        .await;
    envoy.assert_never_died().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_limit_takes_effect_and_what_was_used_stays_used() {
    let origin = Origin::start().await;
    let Some(envoy) = Setup::new(per_key(2)).dynamic().start(&origin).await else {
        return;
    };

    assert_eq!(statuses_of(&envoy, "sk-one", 3).await, [200, 200, 429]);
    assert!(envoy.reload(Setup::new(per_key(4))).await);
    assert_eq!(
        statuses_of(&envoy, "sk-one", 3).await,
        [200, 200, 429],
        "two were used before"
    );
    assert!(envoy.reload(Setup::new(per_key(100))).await);
    let statuses = statuses_of(&envoy, "sk-one", 97).await;
    assert_eq!(
        (count(&statuses, 200), statuses[96]),
        (96, 429),
        "four were used before, however limits are kept"
    );
    assert!(envoy.reload(Setup::new(per_key(3))).await);
    assert_eq!(statuses_of(&envoy, "sk-one", 1).await, [429]);
    assert_eq!(statuses_of(&envoy, "sk-two", 4).await, [200, 200, 200, 429]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_policy_is_refused_with_every_fault_and_the_old_one_stays() {
    let origin = Origin::start().await;
    let Some(envoy) = Setup::new(per_key(2))
        .workers(2)
        .dynamic()
        .start(&origin)
        .await
    else {
        return;
    };
    assert_eq!(statuses_of(&envoy, "sk-one", 1).await, [200]);

    assert!(
        !envoy.reload(Setup::new(three_faults())).await,
        "Envoy takes a bad policy"
    );
    let log = envoy.log();
    for fault in ["/quotas/0/limit", "/quotas/0/window", "/qoutas"] {
        assert!(
            log.contains(fault),
            "the fault at {fault} is not in the log:\n{log}"
        );
    }
    assert_eq!(
        statuses_of(&envoy, "sk-one", 2).await,
        [200, 429],
        "the old policy and its counts are in force"
    );
    envoy
        .metric_reaches(LOADS, &[("result", "rejected")], 1)
        .await;
    envoy
        .metric_reaches(LOADS, &[("result", "accepted")], 1)
        .await;

    assert!(
        envoy.reload(Setup::new(per_key(3))).await,
        "a good policy after a bad one"
    );
    assert_eq!(statuses_of(&envoy, "sk-one", 2).await, [200, 429]);
    envoy.assert_never_died().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn envoy_does_not_start_with_a_bad_policy() {
    let origin = Origin::start().await;
    let Some(log) = Setup::new(three_faults()).refused(&origin).await else {
        return;
    };
    for fault in ["/quotas/0/limit", "/quotas/0/window", "/qoutas"] {
        assert!(
            log.contains(fault),
            "the fault at {fault} is not in the log:\n{log}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_load_counts_once_and_not_once_a_worker() {
    let origin = Origin::start().await;
    let Some(envoy) = Setup::new(per_key(2))
        .workers(4)
        .dynamic()
        .start(&origin)
        .await
    else {
        return;
    };

    envoy
        .metric_reaches(LOADS, &[("result", "accepted")], 1)
        .await;
    for (limit, loads) in [(3, 2), (4, 3), (5, 4)] {
        assert!(envoy.reload(Setup::new(per_key(limit))).await);
        envoy
            .metric_reaches(LOADS, &[("result", "accepted")], loads)
            .await;
    }
    assert_eq!(envoy.metric(LOADS, &[("result", "rejected")]).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn instances_in_one_envoy_keep_their_counters_apart() {
    let origin = Origin::start().await;
    let instances = |chat, batch| {
        Setup::of([
            Listener::new("chat", per_key(chat)).root_id("stillgate-chat"),
            Listener::new("batch", per_key(batch)).root_id("stillgate-batch"),
        ])
    };
    let Some(envoy) = instances(2, 3).workers(2).dynamic().start(&origin).await else {
        return;
    };

    let statuses = async |listener: &str, requests: usize| {
        let mut connection = envoy.connect_to(listener, Wire::H1).await;
        let mut statuses = Vec::new();
        for _ in 0..requests {
            statuses.push(connection.send(get("/").bearer("sk-one")).await.status);
        }
        statuses
    };
    assert_eq!(statuses("chat", 3).await, [200, 200, 429]);
    assert_eq!(statuses("batch", 4).await, [200, 200, 200, 429]);

    assert!(envoy.reload(instances(2, 5)).await);
    assert_eq!(
        statuses("chat", 1).await,
        [429],
        "untouched by the other's policy"
    );
    assert_eq!(statuses("batch", 3).await, [200, 200, 429]);
    envoy.assert_never_died().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_was_admitted_under_the_old_policy_ends_under_the_new_one() {
    let (origin, mut holds) = Origin::holding().await;
    let in_flight = |limit| {
        json!({
            "version": 1,
            "quotas": [{"name": "in-flight", "per": ["key"], "count": "concurrent", "limit": limit}],
        })
    };
    let Some(envoy) = Setup::new(in_flight(1)).dynamic().start(&origin).await else {
        return;
    };

    let mut connection = envoy.connect(Wire::H1).await;
    let stream = connection.begin(get("/").bearer("sk-one")).await;
    assert_eq!(stream.status(), 200);
    let hold = holds.recv().await.expect("a request at the origin");
    assert!(envoy.reload(Setup::new(in_flight(2))).await);

    let mut second = envoy.connect(Wire::H1).await;
    let other = second.begin(get("/").bearer("sk-one")).await;
    assert_eq!(other.status(), 200, "one more than before");
    assert_eq!(
        envoy
            .connect(Wire::H1)
            .await
            .begin(get("/").bearer("sk-one"))
            .await
            .status(),
        429
    );
    drop((hold, stream, connection));
    until("the old stream's slot", async || {
        let mut third = envoy.connect(Wire::H1).await;
        (third.begin(get("/").bearer("sk-one")).await.status() == 200).then_some(())
    })
    .await;
}

fn two_rules(limit: u64, other: u64) -> Value {
    json!({
        "version": 1,
        "quotas": [
            {"name": "all", "per": ["key"], "count": "requests", "limit": limit, "window": "1h"},
            {"name": "uploads", "per": ["key"], "count": "requests", "limit": other, "window": "1h",
             "match": {"method": "PUT"}},
        ],
    })
}

fn three_faults() -> Value {
    let mut policy = per_key(0);
    policy["quotas"][0]["window"] = json!("400d");
    policy["qoutas"] = json!([]);
    policy
}

const LOADS: &str = "stillgate_policy_loads_total";
