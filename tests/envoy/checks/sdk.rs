//! The official SDKs: each raises its own error when a check refuses, at once and without a second try; and none of them, as
//! their makers ship them, contradicts itself.

use serde_json::{Value, json};

use super::contradictions::impostors;
use super::{VERIFY_URL, gate, policy};
use crate::harness::{Demo, Envoy};
use crate::records::decision;
use crate::sdk::run_over_tls;

#[tokio::test(flavor = "multi_thread")]
async fn openai_raises_its_own_error_and_does_not_try_again() {
    let told = refused("openai_client.py").await;
    let Some((verify, deny)) = told else { return };
    for (error, code) in [(&verify, "verification_required"), (&deny, "access_denied")] {
        assert_eq!(error["raised"], "PermissionDeniedError", "{error}");
        assert_eq!(error["code"], code);
        assert_eq!(error["type"], "permission_error");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn anthropic_raises_its_own_error_and_does_not_try_again() {
    let told = refused("anthropic_client.py").await;
    let Some((verify, deny)) = told else { return };
    for (error, code) in [
        (&verify, json!("verification_required")),
        (&deny, Value::Null),
    ] {
        assert_eq!(error["raised"], "PermissionDeniedError", "{error}");
        assert_eq!(error["type"], "permission_error");
        assert_eq!(error["code"], code);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn google_raises_its_own_error_and_does_not_try_again() {
    let told = refused("google_client.py").await;
    let Some((verify, deny)) = told else { return };
    for (error, reasons) in [
        (&verify, json!(["verification_required"])),
        (&deny, json!([])),
    ] {
        assert_eq!(error["raised"], "ClientError", "{error}");
        assert_eq!(error["type"], "PERMISSION_DENIED");
        assert_eq!(error["reasons"], reasons);
    }
}

/// What an SDK that comes over TLS makes of being sent to verify its account, and of being denied.
async fn refused(script: &str) -> Option<(Value, Value)> {
    let mut told = Vec::new();
    for then in ["verify", "deny"] {
        let demo = Demo::start().await;
        let policy = policy(json!([{
            "name": "sdk", "trait": "agent", "in": ["*-python/*"], "then": then,
        }]));
        let envoy = gate(policy).start_before(demo.address).await?;
        let error = run_over_tls(&envoy, script, "checked").await?["refused"].clone();
        assert_eq!(error["status"], 403, "{error}");
        let message = error["message"].as_str().expect("a message");
        assert_eq!(message.contains(VERIFY_URL), then == "verify", "{message}");
        // Stopped at its first request: a client that tries again would be in the log more than once.
        let log = envoy.access_log(1).await;
        assert_eq!(log.len(), 1, "{log:?}");
        assert_eq!(log[0]["details"], format!("stillgate:{then}:list:sdk"));
        told.push(error);
    }
    Some((told.swap_remove(0), told.swap_remove(0)))
}

#[tokio::test(flavor = "multi_thread")]
async fn openai_as_it_is_contradicts_nothing() {
    is_honest("openai_client.py", "openai-python", 5).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn anthropic_as_it_is_contradicts_nothing() {
    is_honest("anthropic_client.py", "anthropic-python", 3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn google_as_it_is_contradicts_nothing() {
    is_honest("google_client.py", "google-genai-python", 3).await;
}

/// Each request of an SDK is known for what it is, and for nothing else.
async fn is_honest(script: &str, family: &str, requests: usize) {
    let demo = Demo::start().await;
    let mut policy = impostors();
    let known = json!({"name": "known", "trait": "agent", "in": [format!("{family}/*")], "then": "tag", "mode": "shadow"});
    policy["checks"].as_array_mut().expect("checks").push(known);
    let envoy: Option<Envoy> = gate(policy).workers(2).start_before(demo.address).await;
    let Some(envoy) = envoy else { return };
    if run_over_tls(&envoy, script, "usage").await.is_none() {
        return;
    }
    let log = envoy.access_log(requests).await;
    assert!(log.iter().all(|line| line["code"] == 200), "{log:?}");
    for line in &log {
        assert!(
            line["ja4"].as_str().is_some_and(|ja4| ja4.len() == 36),
            "{line}"
        );
        let record = decision(line);
        let found = json!([{"rule": "known", "then": "tag", "mode": "shadow"}]);
        assert_eq!(
            (&record["verdict"], &record["checks"]),
            (&json!("allow"), &found),
            "{record} of {line}"
        );
    }
    println!("{} requests of {family}, as {}", log.len(), log[0]["ja4"]);
}
