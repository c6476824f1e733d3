//! Promise: never over, and never stingy with a fresh key.

use serde_json::{Value, json};

use crate::harness::client::Headers as _;
use crate::harness::{Envoy, Origin, Setup, Wire, get, post};

#[tokio::test(flavor = "multi_thread")]
async fn exactly_the_limit_is_admitted_with_one_worker_over_http_1() {
    exactly_the_limit_is_admitted(1, Wire::H1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn exactly_the_limit_is_admitted_with_four_workers_over_http_1() {
    exactly_the_limit_is_admitted(4, Wire::H1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn exactly_the_limit_is_admitted_with_one_worker_over_http_2() {
    exactly_the_limit_is_admitted(1, Wire::H2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn exactly_the_limit_is_admitted_with_four_workers_over_http_2() {
    exactly_the_limit_is_admitted(4, Wire::H2).await;
}

/// One key, 100 a minute, 2,000 requests over 32 connections.
async fn exactly_the_limit_is_admitted(workers: u32, wire: Wire) {
    let origin = Origin::start().await;
    let Some(envoy) = Setup::new(per_key(100))
        .workers(workers)
        .start(&origin)
        .await
    else {
        return;
    };

    let mut clients = tokio::task::JoinSet::new();
    for client in 0..32 {
        let mut connection = envoy.connect(wire).await;
        // 2,000 is not a multiple of 32.
        let share = if client < 16 { 63 } else { 62 };
        clients.spawn(async move {
            let mut statuses = Vec::new();
            for _ in 0..share {
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
    let statuses = clients.join_all().await.concat();

    assert_eq!(statuses.len(), 2000);
    assert_eq!(count(&statuses, 200), 100);
    assert_eq!(count(&statuses, 429), 1900);
    assert_eq!(
        origin.seen().len(),
        100,
        "what is refused never reaches the origin"
    );
    envoy
        .metric_reaches(REQUESTS, &[("verdict", "allow"), ("reason", "none")], 100)
        .await;
    envoy
        .metric_reaches(
            REQUESTS,
            &[("verdict", "throttle"), ("reason", "quota")],
            1900,
        )
        .await;
    assert_eq!(envoy.metric("stillgate_store_failures_total", &[]).await, 0);
    envoy.assert_never_died().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_do_not_share_a_quota() {
    let origin = Origin::start().await;
    let Some(envoy) = Setup::new(per_key(2)).start(&origin).await else {
        return;
    };

    assert_eq!(statuses_of(&envoy, "sk-one", 3).await, [200, 200, 429]);
    assert_eq!(statuses_of(&envoy, "sk-two", 3).await, [200, 200, 429]);
    assert_eq!(statuses_of(&envoy, "sk-one", 1).await, [429]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_refused_by_one_quota_costs_nothing_of_the_others() {
    let origin = Origin::start().await;
    let policy = json!({
        "version": 1,
        "quotas": [
            {"name": "all", "per": ["key"], "count": "requests", "limit": 3, "window": "1h"},
            {"name": "each-path", "per": ["key", "path"], "count": "requests", "limit": 1, "window": "1h"},
        ],
    });
    let Some(envoy) = Setup::new(policy).start(&origin).await else {
        return;
    };

    assert_eq!(status(&envoy, "/a").await, 200);
    for _ in 0..5 {
        assert_eq!(status(&envoy, "/a").await, 429, "refused by each-path");
    }
    assert_eq!(
        status(&envoy, "/b").await,
        200,
        "the refusals did not use up all"
    );
    assert_eq!(status(&envoy, "/c").await, 200);
    assert_eq!(status(&envoy, "/d").await, 429, "refused by all");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quota_counts_only_what_it_matches() {
    let origin = Origin::start().await;
    let policy = json!({
        "version": 1,
        "quotas": [{
            "name": "posts", "per": ["key"], "count": "requests", "limit": 1, "window": "1h",
            "match": {"method": "POST", "path": "/v1/embeddings"},
        }],
    });
    let Some(envoy) = Setup::new(policy).start(&origin).await else {
        return;
    };

    let embed = || post("/v1/embeddings", r#"{"model":"m","input":"x"}"#).bearer("sk-one");
    assert_eq!(envoy.send(embed()).await.status, 200);
    assert_eq!(envoy.send(embed()).await.status, 429);
    assert_eq!(
        envoy
            .send(get("/v1/embeddings").bearer("sk-one"))
            .await
            .status,
        200,
        "another method"
    );
    assert_eq!(
        envoy
            .send(post("/v1/completions", "{}").bearer("sk-one"))
            .await
            .status,
        200,
        "another path"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quota_per_network_counts_all_keys_of_an_address_together() {
    let origin = Origin::start().await;
    let policy = json!({
        "version": 1,
        "quotas": [{"name": "network", "per": ["network"], "count": "requests", "limit": 2, "window": "1h"}],
    });
    let Some(envoy) = Setup::new(policy).start(&origin).await else {
        return;
    };

    assert_eq!(statuses_of(&envoy, "sk-one", 1).await, [200]);
    assert_eq!(statuses_of(&envoy, "sk-two", 1).await, [200]);
    assert_eq!(statuses_of(&envoy, "sk-three", 1).await, [429]);
}

/// `limit` requests an hour for every key, under the name `requests-per-hour`.
pub(crate) fn per_key(limit: u64) -> Value {
    json!({
        "version": 1,
        "quotas": [{"name": "requests-per-hour", "per": ["key"], "count": "requests", "limit": limit, "window": "1h"}],
    })
}

/// The statuses of so many requests of a key, one after the other.
pub(crate) async fn statuses_of(envoy: &Envoy, key: &str, requests: usize) -> Vec<u16> {
    let mut connection = envoy.connect(Wire::H1).await;
    let mut statuses = Vec::new();
    for _ in 0..requests {
        statuses.push(connection.send(get("/v1/models").bearer(key)).await.status);
    }
    statuses
}

/// How often a status occurs.
pub(crate) fn count(statuses: &[u16], status: u16) -> usize {
    statuses.iter().filter(|one| **one == status).count()
}

async fn status(envoy: &Envoy, path: &str) -> u16 {
    envoy.send(get(path).bearer("sk-one")).await.status
}

/// Requests by verdict and reason.
pub(crate) const REQUESTS: &str = "stillgate_requests_total";
