//! What the origin tells of a request, and the switches that change a whole answer.

use std::io::Read as _;

use hyper::{StatusCode, Version};
use serde_json::{Value, json};

use crate::harness::{Demo, ways};

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

#[tokio::test]
async fn the_body_is_told_back_as_it_came() {
    let demo = Demo::start().await;
    let long = "x".repeat(100_000);
    // 8 KiB are 2730 times three bytes, and two.
    let echoed = format!("{}eHg=", "eHh4".repeat(2730));
    for (body, expected) in [
        (r#"{"a": 1}"#, "eyJhIjogMX0="),
        ("", ""),
        ("no JSON: \u{fe}\r\n", "bm8gSlNPTjogw74NCg=="),
        (&long, &echoed),
    ] {
        let asked = [("x-demo-echo", "body, headers"), ("x-demo-name", "it")];
        let reply = demo
            .send("POST", "/v1/responses", &asked, body, Version::HTTP_2)
            .await;
        assert!(reply.headers.contains_key("x-demo-headers"));
        let told = reply.headers["x-demo-body"].to_str().expect("ASCII");
        assert_eq!(told, expected);

        let seen = demo.seen("it").await;
        assert_eq!(seen["length"], body.len());
        assert_eq!(seen["body"].as_str(), body.get(..body.len().min(65_536)));
        assert_eq!(seen["end"], "served");
        let headers = seen["headers"].as_array().expect("headers");
        assert!(headers.contains(&json!(["x-demo-name", "it"])), "{seen}");
    }
}

#[tokio::test]
async fn a_bad_switch_is_told_in_the_dialect() {
    let demo = Demo::start().await;
    for way in ways() {
        for (name, value) in [
            ("x-demo-words", "many"),
            ("x-demo-cutt", "1"),
            ("x-demo-status", "99"),
        ] {
            let reply = demo.ask(way.path, &way.body, &[(name, value)]).await;
            assert_eq!(reply.status, 400);
            let message = &reply.json()["error"]["message"];
            assert!(
                message.as_str().expect("a message").starts_with(name),
                "{message}"
            );
        }
    }
}

#[tokio::test]
async fn an_error_is_in_the_form_of_the_dialect() {
    let demo = Demo::start().await;
    for (path, status, pointer, expected) in [
        (
            "/v1/chat/completions",
            "401",
            "/error/code",
            json!("invalid_api_key"),
        ),
        (
            "/v1/responses",
            "429",
            "/error/code",
            json!("rate_limit_exceeded"),
        ),
        (
            "/v1/embeddings",
            "503",
            "/error/type",
            json!("server_error"),
        ),
        (
            "/openai/deployments/d/completions",
            "404",
            "/error/code",
            json!("not_found"),
        ),
        (
            "/v1/messages",
            "401",
            "/error/type",
            json!("authentication_error"),
        ),
        (
            "/v1/messages",
            "529",
            "/error/type",
            json!("overloaded_error"),
        ),
        ("/v1/messages/count_tokens", "500", "/type", json!("error")),
        (
            "/v1beta/models/g:streamGenerateContent",
            "429",
            "/error/status",
            json!("RESOURCE_EXHAUSTED"),
        ),
        (
            "/v1beta/models/g:generateContent",
            "500",
            "/error/code",
            json!(500),
        ),
    ] {
        let reply = demo
            .ask(path, &json!({}), &[("x-demo-status", status)])
            .await;
        assert_eq!(reply.status.as_str(), status);
        assert_eq!(
            reply.json().pointer(pointer),
            Some(&expected),
            "{}",
            reply.text()
        );
    }
}

#[tokio::test]
async fn an_answer_has_the_words_and_the_type_that_are_asked_for() {
    let demo = Demo::start().await;
    for way in ways() {
        let asked = [("x-demo-words", "4"), ("x-demo-type", "text/plain; x=y")];
        let reply = demo.ask(way.path, &way.body, &asked).await;
        assert_eq!(reply.headers["content-type"], "text/plain; x=y");
        let text = reply.text();
        let last = if way.streams {
            "\" w4\""
        } else {
            "w1 w2 w3 w4"
        };
        assert!(
            text.contains(last) || way.path.contains("embeddings"),
            "{text}"
        );
    }
    let request = json!({"max_tokens": 7, "messages": [{"role": "user", "content": "hi"}]});
    let reply = demo
        .ask("/v1/messages", &request, &[("x-demo-words", "100000")])
        .await;
    assert_eq!(reply.json()["usage"]["output_tokens"], 7);
}

#[tokio::test]
async fn an_answer_is_compressed_as_the_request_accepts_it() {
    let demo = Demo::start().await;
    for way in ways() {
        let plain = demo
            .ask(way.path, &way.body, &[("x-demo-encoding", "gzip")])
            .await;
        assert_eq!(plain.headers.get("content-encoding"), None);
        for asked in [
            &[("x-demo-encoding", "gzip"), ("accept-encoding", "br, gzip")][..],
            &[("x-demo-encoding", "gzip!")],
        ] {
            let reply = demo.ask(way.path, &way.body, asked).await;
            assert_eq!(reply.headers["content-encoding"], "gzip");
            assert_eq!(reply.headers["content-type"], plain.headers["content-type"]);
            let mut text = String::new();
            let read = flate2::read::GzDecoder::new(&reply.body[..]).read_to_string(&mut text);
            read.expect("a whole gzip stream");
            assert_eq!(without_ids(&text), without_ids(plain.text()));
        }
    }
}

/// The text with every digit of a run of more than twenty made a zero.
fn without_ids(text: &str) -> String {
    let runs = text.split_inclusive(|letter: char| !letter.is_ascii_digit());
    runs.map(|run| if run.len() > 20 { "0" } else { run })
        .collect()
}
