//! Promise: a rule can ask for the model, wherever the API writes it, and the body reaches the origin as it was sent.

use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::harness::client::{Bytes, Headers as _, Request, post_chunks, post_with_trailers};
use crate::harness::{Connection, Envoy, Origin, Setup, Wire, post};
use crate::records::{decision, recorded};

#[tokio::test(flavor = "multi_thread")]
async fn each_model_has_a_quota_of_its_own_over_http_1() {
    each_model_has_a_quota_of_its_own(Wire::H1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_model_has_a_quota_of_its_own_over_http_2() {
    each_model_has_a_quota_of_its_own(Wire::H2).await;
}

async fn each_model_has_a_quota_of_its_own(wire: Wire) {
    let origin = Origin::start().await;
    let Some(envoy) = Setup::new(per_model(2)).workers(2).start(&origin).await else {
        return;
    };

    // Envoy closes an HTTP/1.1 connection after a refusal that did not wait for the body, so each request has its own.
    let send = async |request: Request| envoy.connect(wire).await.send(request).await.status;
    for (path, key) in [
        ("/v1/chat/completions", "sk-openai"),
        ("/v1/messages", "sk-anthropic"),
    ] {
        for model in ["small", "large"] {
            // The model stands behind a long prompt, as a client may write it.
            let body = json!({"max_tokens": 9, "messages": [{"role": "user", "content": "x".repeat(20_000)}], "model": model});
            for status in [200, 200, 429] {
                let request = post(path, body.to_string()).bearer(key);
                assert_eq!(send(request).await, status, "{path} {model}");
            }
        }
    }
    for model in ["gemini-small", "gemini-large"] {
        let path = format!("/v1beta/models/{model}:generateContent");
        for status in [200, 200, 429] {
            let request = post(&path, r#"{"contents":[]}"#).with("x-goog-api-key", "sk-gemini");
            assert_eq!(send(request).await, status, "{path}");
        }
    }
    assert_eq!(origin.seen().len(), 12);
    envoy.assert_never_died().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_for_one_model_leaves_the_others_alone() {
    let origin = Origin::start().await;
    let policy = json!({
        "version": 1,
        "quotas": [{
            "name": "large-model", "per": ["key"], "count": "requests", "limit": 1, "window": "1h",
            "match": {"model": "large"},
        }],
    });
    let Some(envoy) = Setup::new(policy).start(&origin).await else {
        return;
    };

    let ask = async |model: &str| envoy.send(chat(model).bearer("sk-one")).await.status;
    assert_eq!([ask("large").await, ask("large").await], [200, 429]);
    assert_eq!(
        [ask("small").await, ask("small").await, ask("larger").await],
        [200, 200, 200]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_read_reaches_the_origin_byte_for_byte_over_http_1() {
    a_body_reaches_the_origin_byte_for_byte(Wire::H1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_read_reaches_the_origin_byte_for_byte_over_http_2() {
    a_body_reaches_the_origin_byte_for_byte(Wire::H2).await;
}

async fn a_body_reaches_the_origin_byte_for_byte(wire: Wire) {
    let origin = Origin::start().await;
    let Some(envoy) = Setup::new(per_model(10)).start(&origin).await else {
        return;
    };
    let mut connection = envoy.connect(wire).await;

    let bodies: Vec<Vec<u8>> = [0, 1, 1_000, 70_000, 900_000].map(odd_chat).into();
    for body in &bodies {
        assert_eq!(
            connection
                .send(post("/v1/chat/completions", body.clone()).bearer("sk-length"))
                .await
                .status,
            200
        );
        assert_eq!(
            send_in_chunks(&mut connection, body, 16_000, "sk-chunks").await,
            200
        );
    }
    // Split inside the name, the value, an escape and a character.
    assert_eq!(
        send_in_chunks(&mut connection, &odd_chat(40), 1, "sk-bytes").await,
        200
    );

    let seen = origin.seen();
    for (pair, body) in seen.chunks(2).zip(&bodies) {
        for one in pair {
            assert!(
                one.whole && one.body == body[..],
                "{} bytes became {}",
                body.len(),
                one.body.len()
            );
        }
    }
    let last = seen.last().expect("the request in single bytes");
    assert!(last.whole);
    assert_eq!(last.body, odd_chat(40));
    envoy.assert_never_died().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_after_the_body_reaches_the_client() {
    let origin = Origin::start().await;
    let Some(envoy) = Setup::new(per_model(1)).start(&origin).await else {
        return;
    };

    for wire in [Wire::H1, Wire::H2] {
        let key = format!("sk-{wire:?}");
        for status in [200, 429, 429] {
            let mut connection = envoy.connect(wire).await;
            let reply = connection
                .send(post("/v1/chat/completions", odd_chat(500_000)).bearer(&key))
                .await;
            assert_eq!(reply.status, status, "{wire:?}");
            assert_eq!(reply.header("x-ratelimit-remaining-requests"), Some("0"));
        }
    }
    assert_eq!(
        origin.seen().len(),
        2,
        "nothing of a refused request reaches the origin"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_without_a_readable_model_is_never_free() {
    let origin = Origin::start().await;
    let Some(envoy) = Setup::new(per_model(3)).start(&origin).await else {
        return;
    };

    let broken: [&[u8]; 9] = [
        b"",
        b"{",
        b"[]",
        b"null",
        b"{\"model\": 7}",
        b"{\"model\": \"m\"",
        b"{\"model\": \"\xff\xfe\"}",
        b"{\"model\": \"a\", \"model\": \"b\"}",
        b"\x00\x01\x02",
    ];
    for body in broken {
        let statuses = statuses_with(&envoy, body, 5).await;
        let admitted = crate::quotas::count(&statuses, 200);
        assert!(
            admitted <= 3,
            "{admitted} requests with {} passed a limit of 3: {statuses:?}",
            body.escape_ascii()
        );
        assert!(
            statuses
                .iter()
                .all(|status| [200, 400, 413, 429].contains(status)),
            "{} {statuses:?}",
            body.escape_ascii()
        );
    }
    envoy.assert_never_died().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_trailers_follow_is_read_like_any_other() {
    let origin = Origin::start().await;
    let Some(envoy) = Setup::new(per_model(1)).start(&origin).await else {
        return;
    };

    let mut connection = envoy.connect(Wire::H2).await;
    for (model, status) in [
        ("small", 200),
        ("small", 429),
        ("large", 200),
        ("large", 429),
    ] {
        let body = if model == "small" {
            r#"{"model":"small"}"#
        } else {
            r#"{"model":"large"}"#
        };
        let request = post_with_trailers("/v1/chat/completions", body).bearer("sk-one");
        assert_eq!(connection.send(request).await.status, status, "{model}");
    }
    let seen = origin.seen();
    assert_eq!(seen[0].body, r#"{"model":"small"}"#);
    assert_eq!(seen[1].body, r#"{"model":"large"}"#);
    envoy.assert_never_died().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_compressed_body_is_no_way_in() {
    let origin = Origin::start().await;
    let Some(envoy) = Setup::new(per_model(2)).start(&origin).await else {
        return;
    };

    let mut statuses = Vec::new();
    for encoding in ["gzip", "br", "zstd", "identity, gzip", "x-made-up"] {
        let request = chat("m")
            .bearer("sk-one")
            .with("content-encoding", encoding);
        statuses.push(envoy.send(request).await.status);
    }
    assert_eq!(
        statuses,
        [200, 200, 429, 429, 429],
        "without a readable model they share one quota"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deeply_nested_body_is_no_way_in() {
    let origin = Origin::start().await;
    let Some(envoy) = Setup::new(per_model(3)).start(&origin).await else {
        return;
    };

    for open in ["[", "{\"a\":"] {
        let body = format!("{{\"messages\":{},\"model\":\"m\"", open.repeat(100_000));
        let statuses = statuses_with(&envoy, body.as_bytes(), 4).await;
        assert!(crate::quotas::count(&statuses, 200) <= 3, "{statuses:?}");
    }
    assert_eq!(envoy.send(chat("m").bearer("sk-after")).await.status, 200);
    envoy.assert_never_died().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_decision_after_the_body_is_in_the_access_log() {
    let origin = Origin::start().await;
    let Some(envoy) = Setup::new(recorded(per_model(1))).start(&origin).await else {
        return;
    };

    for _ in 0..2 {
        envoy.send(chat("m").bearer("sk-one")).await;
    }
    let log = envoy.access_log(2).await;
    assert_eq!(decision(&log[0])["verdict"], "allow");
    assert_eq!(decision(&log[1])["rule"], "per-model");
    assert_eq!(log[1]["details"], "stillgate:throttle:quota:per-model");
}

/// Statuses of so many requests with this body; the key is made from it.
async fn statuses_with(envoy: &Envoy, body: &[u8], requests: usize) -> Vec<u16> {
    let key = format!(
        "sk-{:x}",
        body.iter().fold(7_u64, |sum, byte| sum
            .wrapping_mul(31)
            .wrapping_add(u64::from(*byte)))
    );
    let mut statuses = Vec::new();
    for _ in 0..requests {
        statuses.push(
            envoy
                .send(post("/v1/chat/completions", body.to_vec()).bearer(&key))
                .await
                .status,
        );
    }
    statuses
}

async fn send_in_chunks(connection: &mut Connection, body: &[u8], size: usize, key: &str) -> u16 {
    let (chunks, request) = post_chunks("/v1/chat/completions");
    let feed = feed(chunks, body, size);
    let (reply, ()) = tokio::join!(connection.send(request.bearer(key)), feed);
    reply.status
}

async fn feed(chunks: mpsc::Sender<Bytes>, body: &[u8], size: usize) {
    for chunk in body.chunks(size) {
        if chunks.send(Bytes::copy_from_slice(chunk)).await.is_err() {
            return;
        }
    }
}

/// A chat of about `size` bytes with white space, escapes, characters of several bytes, and the model at its end.
fn odd_chat(size: usize) -> Vec<u8> {
    let text = "h\u{e9}llo \\\"w\\u00f6rld\\\" \u{1f642}\\n".repeat(size / 32);
    format!(" {{ \"messages\" : [{{\"role\":\"user\",\"content\":\"{text}\"}}],\n\t\"model\":\"m\" }} \n").into_bytes()
}

fn chat(model: &str) -> Request {
    post(
        "/v1/chat/completions",
        json!({"model": model, "messages": []}).to_string(),
    )
}

/// `limit` requests an hour for every key and model, under the name `per-model`: a rule that reads bodies.
pub(crate) fn per_model(limit: u64) -> Value {
    json!({
        "version": 1,
        "quotas": [{"name": "per-model", "per": ["key", "model"], "count": "requests", "limit": limit, "window": "1h"}],
    })
}
