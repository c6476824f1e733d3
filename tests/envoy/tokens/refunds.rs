//! What the origin did not do is not charged, and what it may have done is.

use serde_json::json;

use super::{CAP, SETTLEMENTS, TOKENS, before_demo, budget, call, calls, left, used};
use crate::harness::client::Headers as _;
use crate::harness::config::route;
use crate::harness::{Demo, Setup, Wire, get};

#[tokio::test(flavor = "multi_thread")]
async fn an_error_of_the_origin_costs_nothing() {
    let Some((_demo, envoy)) = before_demo(budget("tokens", LIMIT)).await else {
        return;
    };

    let mut settled = 0;
    for call in calls() {
        for status in [400, 401, 404, 429, 500, 503] {
            let request = call.with_key("sk-one");
            let reply = envoy
                .send(request.with("x-demo-status", status.to_string()))
                .await;
            assert_eq!(reply.status, status, "{}", call.name);
            assert!(left(&reply) < LIMIT, "reserved until it failed");
            let used = used(&envoy, &call, "sk-one", LIMIT).await;
            assert_eq!(used, 0, "{} {status}", call.name);
            settled += 1;
        }
    }
    let refunded = [("source", "refunded")];
    envoy.metric_reaches(SETTLEMENTS, &refunded, settled).await;
    assert_eq!(envoy.metric(SETTLEMENTS, &[]).await, settled);
    assert_eq!(envoy.metric(TOKENS, &[]).await, 0);
    envoy.assert_never_died().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_origin_that_is_down_costs_nothing() {
    let nobody = Demo::start().await.address;
    let Some(envoy) = Setup::new(budget("tokens", LIMIT))
        .start_before(nobody)
        .await
    else {
        return;
    };

    let call = call("chat");
    for _ in 0..3 {
        assert_eq!(envoy.send(call.with_key("sk-one")).await.status, 503);
    }
    assert_eq!(used(&envoy, &call, "sk-one", LIMIT).await, 0);
    let refunded = [("source", "refunded")];
    envoy.metric_reaches(SETTLEMENTS, &refunded, 3).await;
    envoy.assert_never_died().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_the_origin_does_not_know_leaves_no_trace() {
    let demo = Demo::start().await;
    let mut policy = budget("tokens", LIMIT);
    let rules = policy["quotas"].as_array_mut().expect("rules");
    rules.push(json!({"name": "requests", "per": ["key"], "count": "requests", "limit": 10, "window": "1h"}));
    let Some(envoy) = Setup::new(policy).start_before(demo.address).await else {
        return;
    };

    let call = call("chat");
    let ask = async |key: &str, status: Option<&str>| {
        let request = call.with_key(key).with("x-demo-tokens", "700,300");
        let reply = match status {
            Some(status) => envoy.send(request.with("x-demo-status", status)).await,
            None => envoy.send(request).await,
        };
        reply.number("x-ratelimit-remaining-requests")
    };
    for round in 0..3 {
        assert_eq!(ask("sk-unknown", Some("401")).await, 9, "round {round}");
    }
    envoy.metric_reaches(UNKNOWN_KEYS, &[], 3).await;
    // Once it has been served it is known, and what it does wrong later counts.
    assert_eq!(ask("sk-known", None).await, 9);
    assert_eq!(ask("sk-known", Some("401")).await, 8);
    assert_eq!(ask("sk-known", Some("401")).await, 7);
    // Other errors do not say that a key is none.
    assert_eq!(ask("sk-clumsy", Some("400")).await, 9);
    assert_eq!(ask("sk-clumsy", Some("400")).await, 8);
    envoy.metric_reaches(SETTLEMENTS, &[], 8).await;
    assert_eq!(envoy.metric(UNKNOWN_KEYS, &[]).await, 3);
    envoy.assert_never_died().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_leaves_before_the_answer_is_charged_its_input() {
    let Some((demo, envoy)) = before_demo(budget("tokens", LIMIT)).await else {
        return;
    };

    let call = call("chat");
    for (rounds, wire) in [(1, Wire::H1), (2, Wire::H2)] {
        let (key, name) = (format!("sk-{wire:?}"), format!("left-{wire:?}"));
        let request = call
            .with_key(&key)
            .with("x-demo-delay", "60000")
            .with("x-demo-name", &name);
        let mut connection = envoy.connect(wire).await;
        let asking = tokio::spawn(async move { connection.begin(request).await });
        demo.arrived(&name).await;
        let reserved = used(&envoy, &call, &key, LIMIT).await;
        assert!(reserved > CAP, "{reserved}");
        asking.abort();
        assert_eq!(demo.seen(&name).await["end"], "gone");
        let counted = [("source", "counted")];
        envoy.metric_reaches(SETTLEMENTS, &counted, rounds).await;
        let charged = used(&envoy, &call, &key, LIMIT).await;
        assert_eq!(charged, reserved - CAP, "{wire:?}: the input, as estimated");
    }
    envoy.assert_never_died().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_origin_that_is_too_slow_for_envoy_is_charged_its_input() {
    let demo = Demo::start().await;
    let setup = Setup::new(budget("tokens", LIMIT))
        .adapt(|listener| route(listener)["route"]["timeout"] = json!("0.2s"));
    let Some(envoy) = setup.start_before(demo.address).await else {
        return;
    };

    let call = call("chat");
    let request = call.with_key("sk-one").with("x-demo-delay", "60000");
    let reply = envoy.send(request).await;
    assert_eq!(reply.status, 504, "{}", reply.text());
    let reserved = LIMIT - left(&reply);
    assert_eq!(
        used(&envoy, &call, "sk-one", LIMIT).await,
        reserved - CAP,
        "the input, as estimated"
    );
    let counted = [("source", "counted")];
    envoy.metric_reaches(SETTLEMENTS, &counted, 1).await;
    envoy.assert_never_died().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_without_a_body_reserves_nothing() {
    let Some((_demo, envoy)) = before_demo(budget("tokens", LIMIT)).await else {
        return;
    };

    for _ in 0..3 {
        let reply = envoy.send(get("/v1/models").bearer("sk-one")).await;
        assert_eq!((reply.status, left(&reply)), (200, LIMIT));
    }
    envoy
        .metric_reaches("stillgate_requests_total", &[], 3)
        .await;
    assert_eq!(envoy.metric(SETTLEMENTS, &[]).await, 0);
}

const LIMIT: u64 = 1_000_000;
const UNKNOWN_KEYS: &str = "stillgate_unknown_keys_total";
