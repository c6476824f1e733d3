//! The demo origin: the form of its answers in each dialect, whole and streamed, and what `x-demo-*` headers ask for.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper::{HeaderMap, Request, StatusCode, Version};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use stillgate::host::cli::origin::Origin;

#[tokio::test]
async fn openai_chat_is_echoed_and_counted() {
    let demo = Demo::start().await;
    let messages = json!([{"role": "system", "content": "be kind"}, {"role": "user", "content": "hello big world"}]);
    let answer = demo
        .post(
            "/v1/chat/completions",
            &json!({"model": "m", "messages": messages}),
        )
        .await
        .json();
    assert_eq!(answer["object"], "chat.completion");
    assert_eq!(answer["model"], "m");
    assert_eq!(
        answer["choices"][0]["message"]["content"],
        "hello big world"
    );
    assert_eq!(answer["choices"][0]["finish_reason"], "stop");
    assert_eq!(
        counts(
            &answer["usage"],
            ["prompt_tokens", "completion_tokens", "total_tokens"]
        ),
        [5, 3, 8]
    );
}

#[tokio::test]
async fn openai_streams_end_with_done_and_tell_usage_when_asked() {
    let demo = Demo::start().await;
    let mut request = json!({"messages": [{"role": "user", "content": "one two three"}], "stream": true, "max_tokens": 2});
    let events = demo.post("/v1/chat/completions", &request).await.events();
    assert_eq!(events.last().map(String::as_str), Some("[DONE]"));
    let chunks: Vec<Value> = events
        .iter()
        .filter_map(|event| serde_json::from_str(event).ok())
        .collect();
    let text: String = chunks
        .iter()
        .filter_map(|chunk| chunk["choices"][0]["delta"]["content"].as_str())
        .collect();
    assert_eq!(text, "one two");
    assert_eq!(
        chunks.last().expect("chunks")["choices"][0]["finish_reason"],
        "length"
    );
    assert!(
        chunks
            .iter()
            .all(|chunk| chunk.get("usage").is_none() && chunk["id"] == chunks[0]["id"])
    );

    request["stream_options"] = json!({"include_usage": true});
    let events = demo.post("/v1/chat/completions", &request).await.events();
    let chunks: Vec<Value> = events
        .iter()
        .filter_map(|event| serde_json::from_str(event).ok())
        .collect();
    let (last, others) = chunks.split_last().expect("chunks");
    assert_eq!(last["choices"], json!([]));
    assert_eq!(
        counts(
            &last["usage"],
            ["prompt_tokens", "completion_tokens", "total_tokens"]
        ),
        [3, 2, 5]
    );
    assert!(others.iter().all(|chunk| chunk["usage"].is_null()));
}

#[tokio::test]
async fn anthropic_messages_are_echoed_and_counted() {
    let demo = Demo::start().await;
    let content = json!([{"type": "text", "text": "hello big world"}]);
    let request = json!({"model": "m", "max_tokens": 2, "system": "be kind", "messages": [{"role": "user", "content": content}]});
    let answer = demo.post("/v1/messages", &request).await.json();
    assert_eq!(answer["type"], "message");
    assert_eq!(
        answer["content"],
        json!([{"type": "text", "text": "hello big"}])
    );
    assert_eq!(answer["stop_reason"], "max_tokens");
    assert_eq!(
        counts(&answer["usage"], ["input_tokens", "output_tokens"]),
        [5, 2]
    );
}

#[tokio::test]
async fn anthropic_streams_have_their_events_in_order() {
    let demo = Demo::start().await;
    let request = json!({"max_tokens": 9, "stream": true, "messages": [{"role": "user", "content": "hello world"}]});
    let reply = demo.post("/v1/messages", &request).await;
    let events: Vec<Value> = reply
        .events()
        .iter()
        .map(|event| serde_json::from_str(event).expect("JSON"))
        .collect();
    let kinds: Vec<&str> = events
        .iter()
        .map(|event| event["type"].as_str().expect("a type"))
        .collect();
    let order = [
        "message_start",
        "content_block_start",
        "ping",
        "content_block_delta",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
    ];
    assert_eq!(kinds, order);
    let named: Vec<&str> = reply
        .text()
        .lines()
        .filter_map(|line| line.strip_prefix("event: "))
        .collect();
    assert_eq!(named, order);
    assert_eq!(events[0]["message"]["usage"]["input_tokens"], 2);
    assert_eq!(events[6]["usage"]["output_tokens"], 2);
}

#[tokio::test]
async fn gemini_is_echoed_whole_as_events_and_as_an_array() {
    let demo = Demo::start().await;
    let request = json!({"contents": [{"parts": [{"text": "hello world"}]}]});
    let whole = demo
        .post("/v1beta/models/g:generateContent", &request)
        .await
        .json();
    assert_eq!(
        whole["candidates"][0]["content"]["parts"][0]["text"],
        "hello world"
    );
    assert_eq!(whole["candidates"][0]["finishReason"], "STOP");
    let names = [
        "promptTokenCount",
        "candidatesTokenCount",
        "totalTokenCount",
    ];
    assert_eq!(counts(&whole["usageMetadata"], names), [2, 2, 4]);

    let events = demo
        .post("/v1beta/models/g:streamGenerateContent?alt=sse", &request)
        .await
        .events();
    let events: Vec<Value> = events
        .iter()
        .map(|event| serde_json::from_str(event).expect("JSON"))
        .collect();
    let array = demo
        .post("/v1beta/models/g:streamGenerateContent", &request)
        .await
        .json();
    for parts in [&events, array.as_array().expect("an array")] {
        let texts: Vec<&Value> = parts
            .iter()
            .map(|part| &part["candidates"][0]["content"]["parts"][0]["text"])
            .collect();
        assert_eq!(texts, ["hello", " world"]);
        assert_eq!(parts[0]["candidates"][0].get("finishReason"), None);
        assert_eq!(parts[1]["candidates"][0]["finishReason"], "STOP");
    }
}

#[tokio::test]
async fn what_cannot_be_answered_is_refused_in_the_dialect() {
    let demo = Demo::start().await;
    for (path, body, status, pointer, expected) in [
        (
            "/v1/chat/completions",
            "{",
            400,
            "/error/type",
            json!("invalid_request_error"),
        ),
        (
            "/v1/chat/completions",
            r#"{"messages": []}"#,
            400,
            "/error/param",
            json!("messages"),
        ),
        (
            "/v1/messages",
            "nonsense",
            400,
            "/error/type",
            json!("invalid_request_error"),
        ),
        (
            "/v1/messages",
            r#"{"messages": [{"role": "user", "content": "x"}]}"#,
            400,
            "/error/message",
            json!("max_tokens: Field required"),
        ),
        (
            "/v1beta/models/g:generateContent",
            "{}",
            400,
            "/error/status",
            json!("INVALID_ARGUMENT"),
        ),
        (
            "/v1beta/models/g:paint",
            "{}",
            404,
            "/error/status",
            json!("NOT_FOUND"),
        ),
        ("/elsewhere", "", 404, "/error/code", json!("not_found")),
    ] {
        let reply = demo.send("POST", path, &[], body, Version::HTTP_11).await;
        assert_eq!(reply.status, status, "{path}");
        assert_eq!(
            reply.json().pointer(pointer),
            Some(&expected),
            "{path} {body}"
        );
    }
}

#[tokio::test]
async fn models_and_health_are_told_over_either_version_of_http() {
    let demo = Demo::start().await;
    for version in [Version::HTTP_11, Version::HTTP_2] {
        let models = demo.send("GET", "/v1/models", &[], "", version).await;
        assert_eq!(
            (models.version, &models.json()["data"][0]["id"]),
            (version, &json!("demo"))
        );
        let health = demo.send("GET", "/healthz", &[], "", version).await;
        assert_eq!((health.status, health.text()), (StatusCode::OK, "ok\n"));
    }
}

#[tokio::test]
async fn request_headers_are_told_back_and_limits_are_sent_only_when_asked() {
    let demo = Demo::start().await;
    let asked = [
        ("x-demo-echo", "headers"),
        ("x-demo-ratelimit", "1"),
        ("x-mine", "a"),
        ("x-mine", "b"),
    ];
    let reply = demo
        .send("GET", "/v1/models", &asked, "", Version::HTTP_11)
        .await;
    let seen: Value =
        serde_json::from_slice(reply.headers["x-demo-headers"].as_bytes()).expect("JSON");
    let mine: Vec<&Value> = seen
        .as_array()
        .expect("pairs")
        .iter()
        .filter(|pair| pair[0] == "x-mine")
        .map(|pair| &pair[1])
        .collect();
    assert_eq!(mine, ["a", "b"]);
    for name in [
        "x-ratelimit-remaining-requests",
        "anthropic-ratelimit-requests-remaining",
        "ratelimit",
    ] {
        assert!(reply.headers.contains_key(name), "{name}");
    }
    let plain = demo
        .send("GET", "/v1/models", &[], "", Version::HTTP_11)
        .await;
    assert!(
        !plain
            .headers
            .keys()
            .any(|name| name.as_str().contains("demo") || name.as_str().contains("ratelimit"))
    );
}

/// A demo origin that serves until the test ends.
struct Demo {
    address: std::net::SocketAddr,
}

struct Reply {
    status: StatusCode,
    version: Version,
    headers: HeaderMap,
    body: Bytes,
}

impl Demo {
    async fn start() -> Self {
        let origin = Origin::bind(([127, 0, 0, 1], 0).into())
            .await
            .expect("a free port");
        let address = origin.address;
        tokio::spawn(origin.serve());
        Self { address }
    }

    async fn post(&self, path: &str, body: &Value) -> Reply {
        self.send("POST", path, &[], &body.to_string(), Version::HTTP_11)
            .await
    }

    async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
        version: Version,
    ) -> Reply {
        let client = Client::builder(TokioExecutor::new())
            .http2_only(version == Version::HTTP_2)
            .build_http();
        let mut request = Request::builder()
            .method(method)
            .uri(format!("http://{}{path}", self.address));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request
            .body(Full::new(Bytes::copy_from_slice(body.as_bytes())))
            .expect("a request");
        let (parts, body) = client
            .request(request)
            .await
            .expect("a response")
            .into_parts();
        let body = body.collect().await.expect("a whole body").to_bytes();
        Reply {
            status: parts.status,
            version: parts.version,
            headers: parts.headers,
            body,
        }
    }
}

impl Reply {
    fn text(&self) -> &str {
        str::from_utf8(&self.body).expect("UTF-8")
    }

    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("JSON")
    }

    /// The data of its server-sent events.
    fn events(&self) -> Vec<String> {
        assert_eq!(self.headers["content-type"], "text/event-stream");
        self.text()
            .lines()
            .filter_map(|line| line.strip_prefix("data: "))
            .map(String::from)
            .collect()
    }
}

fn counts<const N: usize>(usage: &Value, names: [&str; N]) -> [u64; N] {
    names.map(|name| usage[name].as_u64().expect(name))
}
