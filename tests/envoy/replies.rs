//! Promise: whoever is refused reads why and until when, in the words of the API that was called.

use axum::response::Response;
use serde_json::json;
use tokio::time::{Duration, sleep};

use crate::harness::client::{Headers as _, Reply, Request};
use crate::harness::origin::json_answer;
use crate::harness::{Envoy, Origin, Setup, get, post};
use crate::quotas::per_key;

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_says_until_when() {
    let origin = Origin::start().await;
    let Some(envoy) = Setup::new(per_key(2)).start(&origin).await else {
        return;
    };

    let refused = exhaust(&envoy, 2, || get("/v1/files").bearer("sk-one")).await;
    let wait = refused.number("retry-after");
    assert!((1..=3600).contains(&wait), "{wait}");
    let (limit, reset) = rate_limit(&refused);
    assert_eq!(limit, r#""requests-per-hour";r=0"#);
    assert!(
        reset <= wait,
        "Retry-After {wait} must not be earlier than the reset {reset}"
    );
    assert_eq!(
        refused.header("ratelimit-policy"),
        Some(r#""requests-per-hour";q=2;w=3600"#)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_waits_as_told_is_admitted() {
    let origin = Origin::start().await;
    let policy = json!({
        "version": 1,
        "quotas": [{"name": "burst", "per": ["key"], "count": "requests", "limit": 2, "window": "2s"}],
    });
    let Some(envoy) = Setup::new(policy).start(&origin).await else {
        return;
    };

    for _ in 0..2 {
        let refused = exhaust(&envoy, 2, || get("/").bearer("sk-one")).await;
        // What is tested is exactly this wait.
        sleep(Duration::from_secs(refused.number("retry-after"))).await;
    }
    assert_eq!(envoy.send(get("/").bearer("sk-one")).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_allowed_request_says_what_is_left() {
    let origin = Origin::start().await;
    let Some(envoy) = Setup::new(per_key(3)).start(&origin).await else {
        return;
    };

    for left in ["2", "1", "0"] {
        let reply = envoy.send(chat("sk-one")).await;
        assert_eq!(reply.status, 200);
        assert_eq!(
            rate_limit(&reply).0,
            format!(r#""requests-per-hour";r={left}"#)
        );
        assert_eq!(
            reply.header("ratelimit-policy"),
            Some(r#""requests-per-hour";q=3;w=3600"#)
        );
        assert_eq!(reply.header("x-ratelimit-limit-requests"), Some("3"));
        assert_eq!(reply.header("x-ratelimit-remaining-requests"), Some(left));
        assert!(reply.header("x-ratelimit-reset-requests").is_some());
        assert_eq!(reply.header("retry-after"), None);
        assert_eq!(reply.text(), "{}", "the origin's body is its own");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_may_keep_the_count_down_to_itself() {
    let origin = Origin::start().await;
    let mut policy = per_key(1);
    policy["headers"] = json!("refusals");
    let Some(envoy) = Setup::new(policy).start(&origin).await else {
        return;
    };

    let allowed = envoy.send(chat("sk-one")).await;
    assert_eq!(allowed.status, 200);
    for name in [
        "ratelimit",
        "ratelimit-policy",
        "x-ratelimit-limit-requests",
    ] {
        assert_eq!(allowed.header(name), None, "{name}");
    }
    let refused = envoy.send(chat("sk-one")).await;
    assert_eq!(refused.status, 429);
    assert!(refused.header("ratelimit").is_some() && refused.header("retry-after").is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tightest_of_several_quotas_is_told() {
    let origin = Origin::start().await;
    let policy = json!({
        "version": 1,
        "quotas": [
            {"name": "wide", "per": ["key"], "count": "requests", "limit": 100, "window": "1d"},
            {"name": "tight", "per": ["key"], "count": "requests", "limit": 2, "window": "1h"},
        ],
    });
    let Some(envoy) = Setup::new(policy).start(&origin).await else {
        return;
    };

    let allowed = envoy.send(chat("sk-one")).await;
    assert_eq!(allowed.header("x-ratelimit-limit-requests"), Some("2"));
    assert_eq!(allowed.header("x-ratelimit-remaining-requests"), Some("1"));
    let refused = exhaust(&envoy, 1, || chat("sk-one")).await;
    assert_eq!(refused.header("x-ratelimit-limit-requests"), Some("2"));
    assert!(
        refused.text().contains("tight"),
        "the body names the quota: {}",
        refused.text()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn openai_clients_read_openai() {
    let origin = Origin::start().await;
    let Some(envoy) = Setup::new(per_key(1)).start(&origin).await else {
        return;
    };

    for path in [
        "/v1/chat/completions",
        "/v1/completions",
        "/v1/embeddings",
        "/v1/responses",
    ] {
        let refused = exhaust(&envoy, 1, || post(path, r#"{"model":"m"}"#).bearer(path)).await;
        assert_eq!(refused.header("content-type"), Some("application/json"));
        let error = &refused.json()["error"];
        assert_eq!(error["code"], "rate_limit_exceeded");
        assert!(
            error["type"].is_string() && error["message"].is_string(),
            "{error}"
        );
        assert!(
            error["message"]
                .as_str()
                .unwrap()
                .contains("requests-per-hour"),
            "{error}"
        );
        assert_eq!(refused.header("x-ratelimit-remaining-requests"), Some("0"));
        assert_eq!(refused.header("anthropic-ratelimit-requests-limit"), None);

        let unknown = envoy.send(post(path, "{}")).await;
        assert_eq!(unknown.status, 401);
        assert!(unknown.json()["error"]["message"].is_string());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn anthropic_clients_read_anthropic() {
    let origin = Origin::start().await;
    let Some(envoy) = Setup::new(per_key(1)).start(&origin).await else {
        return;
    };

    let messages = || {
        post(
            "/v1/messages",
            r#"{"model":"m","max_tokens":1,"messages":[]}"#,
        )
    };
    let allowed = envoy.send(messages().with("x-api-key", "sk-one")).await;
    assert_eq!(
        allowed.header("anthropic-ratelimit-requests-limit"),
        Some("1")
    );
    assert_eq!(
        allowed.header("anthropic-ratelimit-requests-remaining"),
        Some("0")
    );
    let reset = allowed
        .header("anthropic-ratelimit-requests-reset")
        .expect("a reset");
    assert!(
        reset.contains('T') && reset.ends_with('Z'),
        "RFC 3339: {reset}"
    );

    let refused = envoy.send(messages().with("x-api-key", "sk-one")).await;
    assert_eq!(refused.status, 429);
    assert_eq!(refused.json()["type"], "error");
    assert_eq!(refused.json()["error"]["type"], "rate_limit_error");
    assert_eq!(refused.header("x-ratelimit-limit-requests"), None);

    let unknown = envoy.send(messages()).await;
    assert_eq!(
        (unknown.status, &unknown.json()["error"]["type"]),
        (401, &json!("authentication_error"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn gemini_clients_read_gemini() {
    let origin = Origin::start().await;
    let Some(envoy) = Setup::new(per_key(1)).start(&origin).await else {
        return;
    };

    for (key, method) in [
        ("sk-one", "generateContent"),
        ("sk-two", "streamGenerateContent"),
    ] {
        let path = format!("/v1beta/models/gemini-pro:{method}");
        let refused = exhaust(&envoy, 1, || post(&path, "{}").with("x-goog-api-key", key)).await;
        assert_eq!(refused.json()["error"]["code"], 429);
        assert_eq!(refused.json()["error"]["status"], "RESOURCE_EXHAUSTED");
        let unknown = envoy.send(post(&path, "{}")).await;
        assert_eq!(
            (unknown.status, &unknown.json()["error"]["status"]),
            (401, &json!("UNAUTHENTICATED"))
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn everybody_else_reads_problem_details() {
    let origin = Origin::start().await;
    let Some(envoy) = Setup::new(per_key(1)).start(&origin).await else {
        return;
    };

    let refused = exhaust(&envoy, 1, || get("/reports").bearer("sk-one")).await;
    assert_eq!(
        refused.header("content-type"),
        Some("application/problem+json")
    );
    let problem = refused.json();
    assert_eq!(problem["status"], 429);
    assert_eq!(
        problem["type"],
        "https://iana.org/assignments/http-problem-types#quota-exceeded"
    );
    assert!(problem["title"].is_string(), "{problem}");
    assert_eq!(problem["violated-policies"], json!(["requests-per-hour"]));

    let unknown = envoy.send(get("/reports")).await;
    assert_eq!(
        (unknown.status, &unknown.json()["status"]),
        (401, &json!(401))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_header_family_that_the_origin_sends_is_left_as_it_is() {
    let origin = Origin::answering(|seen| {
        let mut answer: Response = json_answer("{}");
        let (name, value) = match seen.path.as_str() {
            "/v1/chat/completions" => ("x-ratelimit-limit-requests", "90000"),
            "/v1/messages" => ("anthropic-ratelimit-requests-reset", "2027-01-01T00:00:00Z"),
            _ => ("ratelimit", r#""origin";r=7;t=8"#),
        };
        answer.headers_mut().insert(name, value.parse().unwrap());
        answer
    })
    .await;
    let Some(envoy) = Setup::new(per_key(10)).start(&origin).await else {
        return;
    };

    let openai = envoy.send(chat("sk-one")).await;
    assert_eq!(
        family(&openai, "x-ratelimit-"),
        ["x-ratelimit-limit-requests: 90000"]
    );
    assert!(
        openai.header("ratelimit").is_some(),
        "a family that the origin did not send is ours"
    );

    let anthropic = envoy
        .send(post("/v1/messages", "{}").bearer("sk-one"))
        .await;
    assert_eq!(
        family(&anthropic, "anthropic-ratelimit-"),
        ["anthropic-ratelimit-requests-reset: 2027-01-01T00:00:00Z"]
    );
    assert!(anthropic.header("ratelimit").is_some());

    let other = envoy.send(get("/other").bearer("sk-one")).await;
    assert_eq!(
        family(&other, "ratelimit"),
        [r#"ratelimit: "origin";r=7;t=8"#]
    );
}

/// Uses up a limit and returns the refusal that follows.
async fn exhaust(envoy: &Envoy, limit: u32, request: impl Fn() -> Request) -> Reply {
    for _ in 0..limit {
        assert_eq!(envoy.send(request()).await.status, 200);
    }
    let refused = envoy.send(request()).await;
    assert_eq!(refused.status, 429);
    refused
}

/// `RateLimit` without its reset, and the reset.
fn rate_limit(reply: &Reply) -> (String, u64) {
    let (limit, reset) = reply
        .header("ratelimit")
        .expect("RateLimit")
        .split_once(";t=")
        .expect("a reset");
    (limit.to_owned(), reset.parse().expect("whole seconds"))
}

fn family(reply: &Reply, prefix: &str) -> Vec<String> {
    let members = reply
        .headers
        .iter()
        .filter(|(name, _)| name.as_str().starts_with(prefix));
    members
        .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
        .collect()
}

fn chat(key: &str) -> Request {
    post("/v1/chat/completions", CHAT.to_string()).bearer(key)
}

const CHAT: &str = r#"{"model":"m","messages":[{"role":"user","content":"hello"}]}"#;
