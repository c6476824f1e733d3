//! Promise: what was decided can be read afterwards, in the access log and in metrics, and no secret with it.

use serde_json::{Value, json};

use crate::harness::client::Headers as _;
use crate::harness::{Origin, Setup, get, post};
use crate::quotas::{REQUESTS, per_key};

#[tokio::test(flavor = "multi_thread")]
async fn the_access_log_tells_every_decision() {
    let origin = Origin::start().await;
    let Some(envoy) = Setup::new(recorded(per_key(1))).start(&origin).await else {
        return;
    };

    for tag in ["allowed", "refused"] {
        envoy
            .send(get("/v1/models").bearer("sk-one").with("x-test-tag", tag))
            .await;
    }
    envoy
        .send(get("/v1/models").with("x-test-tag", "unknown"))
        .await;

    let log = envoy.access_log(3).await;
    let [allowed, refused, unknown] = ["allowed", "refused", "unknown"].map(|tag| {
        log.iter()
            .find(|line| line["tag"] == tag)
            .unwrap_or_else(|| panic!("no {tag} in {log:?}"))
    });
    let key = decision(allowed)["key"].clone();
    assert!(
        key.as_str().is_some_and(
            |key| key.len() == 16 && key.bytes().all(|digit| digit.is_ascii_hexdigit())
        ),
        "{key}"
    );

    assert_eq!(
        (&allowed["code"], &allowed["details"]),
        (&json!(200), &json!("via_upstream"))
    );
    assert_eq!(decision(allowed)["verdict"], "allow");
    assert_eq!(decision(allowed)["remaining"], 0);

    assert_eq!(
        refused["details"],
        "stillgate:throttle:quota:requests-per-hour"
    );
    assert_eq!(refused["code"], 429);
    let expected = json!({"verdict": "throttle", "reason": "quota", "rule": "requests-per-hour", "key": key, "remaining": 0});
    assert_eq!(decision(refused), expected);

    assert_eq!(
        (&unknown["code"], &unknown["details"]),
        (&json!(401), &json!("stillgate:deny:missing_credential"))
    );
    assert_eq!(decision(unknown)["verdict"], "deny");
    assert_eq!(decision(unknown)["reason"], "missing_credential");
    assert!(decision(unknown).get("key").is_none_or(Value::is_null));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plain_admission_is_recorded_only_on_demand() {
    let origin = Origin::start().await;
    let Some(envoy) = Setup::new(per_key(1)).start(&origin).await else {
        return;
    };

    for _ in 0..2 {
        envoy.send(get("/v1/models").bearer("sk-one")).await;
    }
    let log = envoy.access_log(2).await;
    assert!(log[0]["decision"].is_null(), "{log:?}");
    assert_eq!(decision(&log[1])["verdict"], "throttle");
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_count_requests_by_verdict_and_reason() {
    let origin = Origin::start().await;
    let mut policy = per_key(2);
    policy["limits"] = json!({"body": "1KiB"});
    policy["quotas"].as_array_mut().unwrap().push(json!(
        {"name": "large-model", "per": ["key"], "count": "requests", "limit": 1, "window": "1h", "match": {"model": "large"}}
    ));
    let Some(envoy) = Setup::new(policy).workers(2).start(&origin).await else {
        return;
    };

    for _ in 0..5 {
        envoy.send(get("/").bearer("sk-one")).await;
    }
    for _ in 0..3 {
        envoy.send(get("/")).await;
    }
    for _ in 0..2 {
        envoy
            .send(get("/").bearer("sk-one").with("x-api-key", "sk-two"))
            .await;
    }
    envoy
        .send(post("/v1/embeddings", vec![b'x'; 2048]).bearer("sk-three"))
        .await;

    for (verdict, reason, requests) in [
        ("allow", "none", 2),
        ("throttle", "quota", 3),
        ("deny", "missing_credential", 3),
        ("deny", "ambiguous_credential", 2),
        ("deny", "body_too_large", 1),
    ] {
        envoy
            .metric_reaches(
                REQUESTS,
                &[("verdict", verdict), ("reason", reason)],
                requests,
            )
            .await;
    }
    envoy.metric_reaches(REQUESTS, &[], 11).await;
    envoy
        .metric_reaches("stillgate_policy_loads_total", &[("result", "accepted")], 1)
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_credential_is_written_down_nowhere() {
    let origin = Origin::start().await;
    let Some(envoy) = Setup::new(recorded(per_key(1))).start(&origin).await else {
        return;
    };

    let secret = "sk-4b1d7e9f2c6a8035";
    for _ in 0..2 {
        envoy.send(get("/v1/models").bearer(secret)).await;
        envoy
            .send(get(&format!("/v1beta/models?key={secret}")))
            .await;
        envoy
            .send(get("/v1/models").bearer(secret).with("x-api-key", secret))
            .await;
        envoy
            .send(get("/v1/models").with("authorization", format!("Basic {secret}")))
            .await;
    }
    envoy.metric_reaches(REQUESTS, &[], 8).await;

    // Envoy's own access log could be told to write headers; what Stillgate adds to it must not hold the key.
    let access_log = format!("{:?}", envoy.access_log(8).await);
    for (place, text) in [
        ("log", envoy.log()),
        ("statistics", envoy.all_stats().await),
        ("access log", access_log),
    ] {
        assert!(
            !text.contains(secret),
            "the credential is in Envoy's {place}:\n{text}"
        );
        assert!(
            !text.contains(&secret[3..]),
            "a part of the credential is in Envoy's {place}:\n{text}"
        );
    }
}

/// The policy, such that it records every decision.
pub(crate) fn recorded(mut policy: Value) -> Value {
    policy["record"] = json!("all");
    policy
}

/// The decision that the filter left for the access log.
pub(crate) fn decision(line: &Value) -> Value {
    let text = line["decision"]
        .as_str()
        .unwrap_or_else(|| panic!("no decision in {line}"));
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error} in {text}"))
}
