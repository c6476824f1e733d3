//! A policy in shadow that counts tokens changes not a byte of traffic, either way, and counts all the same.

use serde_json::{Value, json};

use super::{SETTLEMENTS, TOKENS, UNREADABLE, calls};
use crate::shadow::{Named, SHADOW, changes_nothing};

#[tokio::test(flavor = "multi_thread")]
async fn token_rules_in_shadow_change_nothing_and_count() {
    let mut answered = 0;
    for on_unreadable in ["charge_by_bytes", "deny"] {
        // What cannot be read is counted nowhere if it would be refused; and of the rest the last is one too many.
        let refused = if on_unreadable == "deny" { 3 } else { 0 };
        let settled = requests().len() as u64 - refused - 1;
        let mut policy = policy();
        policy["on_unreadable"] = json!(on_unreadable);
        policy["quotas"][2]["limit"] = json!(settled);
        for (answer, usage) in [(EVENTS, true), (COMPRESSED, false)] {
            let Some(envoy) = changes_nothing(policy.clone(), &requests(), answer).await else {
                return;
            };
            answered += 1;

            let source = if usage { "usage" } else { "reserved" };
            let source = [("source", source)];
            envoy.metric_reaches(SETTLEMENTS, &source, settled).await;
            if usage {
                let [input, output] = ["input", "output"].map(|kind| [("kind", kind)]);
                envoy.metric_reaches(TOKENS, &input, settled * 700).await;
                envoy.metric_reaches(TOKENS, &output, settled * 300).await;
            }
            let throttled = [("verdict", "throttle"), ("reason", "quota")];
            envoy.metric_reaches(SHADOW, &throttled, 1).await;
            let unreadable = [("part", "request")];
            envoy.metric_reaches(UNREADABLE, &unreadable, 3).await;
            let denied = [("verdict", "deny"), ("reason", "unreadable")];
            envoy.metric_reaches(SHADOW, &denied, refused).await;
        }
    }
    assert_eq!(answered, 4);
}

/// Every call, and bodies that would be refused or changed if the policy were in force.
fn requests() -> Vec<Named> {
    let head = |path: &str, more: &str| {
        format!(
            "POST {path} HTTP/1.1\r\nHost: gate.test\r\nAuthorization: Bearer sk-one\r\n\
             Accept-Encoding: gzip, br\r\nContent-Type: application/json\r\nConnection: close\r\n{more}"
        )
    };
    let post = |path: &str, more: &str, body: &[u8]| {
        let more = format!("{more}Content-Length: {}\r\n\r\n", body.len());
        [head(path, &more).as_bytes(), body].concat()
    };
    let mut requests: Vec<Named> = calls()
        .into_iter()
        .map(|mut call| {
            // As a client writes it who does not ask for usage.
            if let Some(body) = call.body.as_object_mut() {
                body.remove("stream_options");
            }
            (
                call.name,
                post(&call.path, "", call.body.to_string().as_bytes()),
            )
        })
        .collect();
    let chat = "/v1/chat/completions";
    let stream = br#"{"model":"m","stream":true,"messages":[]}"#;
    let chunked = head(chat, "Transfer-Encoding: chunked\r\n\r\n");
    let chunks = [b"29\r\n", &stream[..], b"\r\n0\r\n\r\n"].concat();
    requests.extend([
        ("chunked", [chunked.into_bytes(), chunks].concat()),
        ("not JSON", post(chat, "", b"{\"model\": \xff\xfe")),
        (
            "compressed",
            post(chat, "Content-Encoding: gzip\r\n", b"\x1f\x8b\x08"),
        ),
        ("over the cap", post(chat, "", &[b' '; 9_000])),
        ("over its limit", post(chat, "", stream)),
    ]);
    requests
}

fn policy() -> Value {
    json!({
        "version": 1,
        "mode": "shadow",
        "quotas": [
            {"name": "tokens", "per": ["key"], "count": "tokens", "limit": 1_000_000, "window": "1h"},
            {"name": "cost", "per": ["key"], "count": "cost", "limit": 1_000, "window": "1h"},
            {"name": "requests", "per": ["key"], "count": "requests", "limit": 1, "window": "1h"},
        ],
        "prices": [{"model": "*", "input": 1, "output": 1}],
        "tokens": {"ask_for_usage": true},
        "limits": {"body": "8KiB"},
    })
}

/// A stream that tells its usage, as a client sees it that asked for it.
const EVENTS: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nX-RateLimit-Limit-Tokens: 9\r\nContent-Length: 161\r\n\r\n\
data: {\"choices\":[{\"delta\":{\"content\":\"hello\"}}]}\n\n\
data: {\"choices\":[],\"usage\":{\"prompt_tokens\":700,\"completion_tokens\":300,\"total_tokens\":1000}}\n\n\
data: [DONE]\n\n";

/// What came of `accept-encoding`; not really.
const COMPRESSED: &[u8] =
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Encoding: gzip\r\n\
Content-Length: 3\r\n\r\n\x1f\x8b\x08";
