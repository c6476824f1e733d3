//! Promise: tokens and cost are reserved before a request is answered and settled to the truth after it, whatever API is
//! spoken and whatever breaks.

mod answers;
mod asked;
mod bodies;
mod change;
mod crowd;
mod gone;
mod large;
mod log;
mod pace;
mod refunds;
mod sdk;
mod shadow;
mod truth;

use hyper::http::HeaderMap;
use serde_json::{Value, json};

use crate::harness::client::{Headers as _, Reply, Request};
use crate::harness::{Demo, Envoy, Setup, get, post};

/// A call of an API as its clients make it.
#[derive(Debug, Clone)]
struct Call {
    name: &'static str,
    path: String,
    /// The header that carries the key, and what stands before it.
    key: (&'static str, &'static str),
    body: Value,
    /// The header that tells the tokens that are left, beside `ratelimit`.
    told: Option<&'static str>,
    /// Whether the answer is made of tokens.
    generates: bool,
}

impl Call {
    /// The call with this key.
    fn with_key(&self, key: &str) -> Request {
        let (header, scheme) = self.key;
        post(&self.path, self.body.to_string()).with(header, format!("{scheme}{key}"))
    }

    /// A request of this key that reserves nothing, since it has no body: its answer tells how the counters stand.
    fn probe(&self, key: &str) -> Request {
        let (header, scheme) = self.key;
        get(&self.path).with(header, format!("{scheme}{key}"))
    }
}

/// An Envoy with this policy before a demo origin, which lives as long as the first is held; `None` where there is no Envoy.
async fn before_demo(policy: Value) -> Option<(Demo, Envoy)> {
    let demo = Demo::start().await;
    let envoy = Setup::new(policy).start_before(demo.address).await?;
    Some((demo, envoy))
}

/// What every call that sets a cap sets it to.
const CAP: u64 = 50;

/// Long enough that the estimator may learn 700 tokens for it.
fn text() -> String {
    "The quick brown fox jumps over the lazy dog. ".repeat(12)
}

/// A call of every API, whole and streamed.
fn calls() -> Vec<Call> {
    let mut calls: Vec<Call> = [false, true].into_iter().flat_map(spoken).collect();
    let body = json!({"model": "m-embeddings", "input": text()});
    calls.push(Call {
        generates: false,
        ..open_ai("embeddings", "/v1/embeddings", body)
    });
    calls
}

/// The call of that name.
fn call(name: &str) -> Call {
    let mut calls = calls().into_iter();
    calls.find(|call| call.name == name).expect("a call")
}

fn spoken(stream: bool) -> Vec<Call> {
    let name = |whole, streamed| if stream { streamed } else { whole };
    let turns = json!([{"role": "user", "content": text()}]);
    // A model each, so that each has an estimate of its own.
    let model = |name: &str| format!("m-{name}{}", if stream { "-stream" } else { "" });
    let chat = |name: &str| {
        let mut body = json!({"model": model(name), "max_tokens": CAP, "messages": turns});
        if stream {
            body["stream"] = json!(true);
            body["stream_options"] = json!({"include_usage": true});
        }
        body
    };
    let mut completions = chat("completions");
    completions["prompt"] = json!(text());
    let responses = json!({"model": model("responses"), "max_output_tokens": CAP, "input": text(), "stream": stream});
    let messages =
        json!({"model": model("messages"), "max_tokens": CAP, "messages": turns, "stream": stream});
    let contents = json!({
        "contents": [{"role": "user", "parts": [{"text": text()}]}],
        "generationConfig": {"maxOutputTokens": CAP},
    });
    let gemini = |name, place: &str, query: &str| Call {
        name,
        path: if stream {
            format!("{place}/models/m-{name}:streamGenerateContent{query}")
        } else {
            format!("{place}/models/m-{name}:generateContent")
        },
        key: ("x-goog-api-key", ""),
        body: contents.clone(),
        told: None,
        generates: true,
    };
    let vertex = "/v1/projects/p/locations/l/publishers/google";
    let deployment = format!(
        "/openai/deployments/{}/chat/completions?api-version=1",
        model("azure")
    );
    let mut calls = vec![
        open_ai(
            name("chat", "chat-stream"),
            "/v1/chat/completions",
            chat("chat"),
        ),
        open_ai(
            name("completions", "completions-stream"),
            "/v1/completions",
            completions,
        ),
        open_ai(
            name("responses", "responses-stream"),
            "/v1/responses",
            responses,
        ),
        Call {
            key: ("api-key", ""),
            ..open_ai(name("azure", "azure-stream"), &deployment, chat("azure"))
        },
        Call {
            name: name("messages", "messages-stream"),
            path: String::from("/v1/messages"),
            key: ("x-api-key", ""),
            body: messages,
            told: Some("anthropic-ratelimit-tokens-remaining"),
            generates: true,
        },
        gemini(name("gemini", "gemini-stream"), "/v1beta", "?alt=sse"),
        gemini(name("vertex", "vertex-stream"), vertex, "?alt=sse"),
    ];
    if stream {
        calls.push(gemini("gemini-array", "/v1beta", ""));
    }
    calls
}

fn open_ai(name: &'static str, path: &str, body: Value) -> Call {
    Call {
        name,
        path: path.to_owned(),
        key: ("authorization", "Bearer "),
        body,
        told: Some("x-ratelimit-remaining-tokens"),
        generates: true,
    }
}

/// A limit on something of every key, an hour long, under the name `budget`.
fn budget(count: &str, limit: u64) -> Value {
    json!({
        "version": 1,
        "quotas": [{"name": "budget", "per": ["key"], "count": count, "limit": limit, "window": "1h"}],
    })
}

/// What the quota `budget` has left, as a reply tells it.
fn left(reply: &Reply) -> u64 {
    left_in(&reply.headers)
}

fn left_in(headers: &HeaderMap) -> u64 {
    let told = headers.get("ratelimit").expect("a rate limit");
    let told = told.to_str().expect("a header in ASCII");
    let found = told.split(", ").find_map(|member| {
        let rest = member.strip_prefix("\"budget\";r=")?;
        rest.split(';').next()?.parse().ok()
    });
    found.unwrap_or_else(|| panic!("no budget in {told}"))
}

/// How much a key has used of a limit, as a request without a body is told.
async fn used(envoy: &Envoy, call: &Call, key: &str, limit: u64) -> u64 {
    limit - left(&envoy.send(call.probe(key)).await)
}

const TOKENS: &str = "stillgate_tokens_total";
const SETTLEMENTS: &str = "stillgate_settlements_total";
const UNREADABLE: &str = "stillgate_unreadable_total";
