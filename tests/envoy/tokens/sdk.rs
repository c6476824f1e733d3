//! The official SDKs read what they used through Envoy, the counter agrees with them, and they raise their own error when
//! nothing is left.

use serde_json::{Value, json};

use super::{budget, call, used};
use crate::harness::{Demo, Setup};
use crate::sdk::run;

#[tokio::test(flavor = "multi_thread")]
async fn openai_and_the_counter_agree() {
    let told = agree("openai_client.py", "chat", &[100, 100, 100, 100, 70], 100).await;
    let Some([usage, spend]) = told else { return };
    assert_eq!(usage["silent"], true, "no chunk that nobody asked for");
    let refused = &spend["refused"];
    assert_eq!(refused["raised"], "RateLimitError");
    assert_eq!(refused["type"], "tokens");
    assert_eq!(refused["code"], "rate_limit_exceeded");
}

#[tokio::test(flavor = "multi_thread")]
async fn anthropic_and_the_counter_agree() {
    let told = agree("anthropic_client.py", "messages", &[100, 100], 0).await;
    let Some([usage, spend]) = told else { return };
    assert_eq!(usage["counted"], 70, "counting tokens is free");
    let refused = &spend["refused"];
    assert_eq!(refused["raised"], "RateLimitError");
    assert_eq!(refused["type"], "rate_limit_error");
}

#[tokio::test(flavor = "multi_thread")]
async fn google_and_the_counter_agree() {
    let told = agree("google_client.py", "gemini", &[100, 100], 0).await;
    let Some([usage, spend]) = told else { return };
    assert_eq!(usage["counted"], 70, "counting tokens is free");
    let refused = &spend["refused"];
    assert_eq!(refused["raised"], "ClientError");
    assert_eq!(refused["type"], "RESOURCE_EXHAUSTED");
}

/// What a client says that its calls used is what the key is charged, beside what went `unsaid`; and then it spends all that
/// is left.
async fn agree(script: &str, name: &str, says: &[u64], unsaid: u64) -> Option<[Value; 2]> {
    let demo = Demo::start().await;
    let mut policy = budget("tokens", LIMIT);
    policy["tokens"] = json!({"ask_for_usage": true});
    let envoy = Setup::new(policy)
        .workers(2)
        .start_before(demo.address)
        .await?;

    let usage = run(&envoy, script, "usage").await?;
    assert_eq!(usage["used"], json!(says));
    let charged = used(&envoy, &call(name), "sk-one", LIMIT).await;
    assert_eq!(charged, says.iter().sum::<u64>() + unsaid);

    let spend = run(&envoy, script, "spend").await?;
    let refused = &spend["refused"];
    assert_eq!(refused["status"], 429, "{refused}");
    let message = refused["message"].as_str().expect("a message");
    assert!(message.contains("10000 tokens"), "{message}");
    envoy.assert_never_died().await;
    Some([usage, spend])
}

const LIMIT: u64 = 10_000;
