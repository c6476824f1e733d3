//! Whatever a body is made of, its request is charged or refused: never free, and never the end of the filter.

use std::io::Write as _;

use axum::body::Body;
use axum::http::Response;
use serde_json::json;

use super::{UNREADABLE, budget, used};
use crate::harness::client::{Bytes, Headers as _, Reply, Request, post_chunks};
use crate::harness::origin::{Seen, json_answer};
use crate::harness::{Connection, Envoy, Origin, Setup, Wire, post};

/// A body: what it is, its bytes, and whether it can be read.
type Odd = (&'static str, Vec<u8>, bool);

fn odd_bodies() -> Vec<Odd> {
    let nested = |depth: usize, closed| {
        let close = if closed { depth } else { 0 };
        let (open, close) = ("[".repeat(depth), "]".repeat(close));
        format!("{{\"model\":\"m\",\"messages\":{open}{close}}}").into_bytes()
    };
    let chat = |text: &str| chat(&format!("\"content\":\"{text}\""), "");
    let with = |more: &str| self::chat("\"content\":\"hello\"", more);
    let mut invalid = chat("XY");
    swap(&mut invalid, b"XY", b"\xff\xfe");
    let mut nul = chat("XY");
    swap(&mut nul, b"XY", b"\0\0");
    vec![
        ("plain", with(""), true),
        ("nested 100 deep", nested(100, true), true),
        ("nested 100,000 deep", nested(100_000, true), false),
        ("nested and never closed", nested(100_000, false), false),
        ("a cap of -1", with(",\"max_tokens\":-1"), true),
        ("a cap of 1e308", with(",\"max_tokens\":1e308"), true),
        ("a cap of 1e999", with(",\"max_tokens\":1e999"), true),
        (
            "a cap of 2^64",
            with(",\"max_tokens\":18446744073709551616"),
            true,
        ),
        (
            "a cap that is a string",
            with(",\"max_tokens\":\"100\""),
            true,
        ),
        ("a cap of 0", with(",\"max_tokens\":0"), true),
        ("a cap that is null", with(",\"max_tokens\":null"), true),
        (
            "two caps",
            with(",\"max_tokens\":1,\"max_tokens\":999"),
            true,
        ),
        ("2^64 answers", with(",\"n\":18446744073709551616"), true),
        (
            "messages that are a number",
            b"{\"model\":\"m\",\"messages\":7}".to_vec(),
            true,
        ),
        ("a lone surrogate", chat("\\ud800 and \\udfff"), true),
        ("an escaped NUL", chat("\\u0000"), true),
        ("bytes that are no UTF-8", invalid, true),
        ("NUL bytes in a string", nul, false),
        ("NUL bytes alone", vec![0; 1_000], false),
        ("no JSON", b"hello".to_vec(), false),
        ("half of it", with("")[..40].to_vec(), false),
        ("two of it", [with(""), with("")].concat(), false),
        ("an array", [b"[", &with("")[..], b"]"].concat(), false),
        ("two models", with(",\"model\":\"other\""), false),
        ("white space", vec![b' '; 1_000], false),
        ("gzip", gzip(&with("")), false),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn every_body_is_charged_over_http_1() {
    every_body_is_charged(Wire::H1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_body_is_charged_over_http_2() {
    every_body_is_charged(Wire::H2).await;
}

/// The origin says of each that it was all of a limit: so one passes, and no second.
async fn every_body_is_charged(wire: Wire) {
    let origin = Origin::answering(thousand).await;
    for count in ["tokens", "input_tokens", "output_tokens"] {
        let limit = if count == "tokens" { 1_000 } else { 500 };
        let Some(envoy) = Setup::new(budget(count, limit)).start(&origin).await else {
            return;
        };
        let mut unreadable = 0;
        for (place, (what, body, readable)) in odd_bodies().into_iter().enumerate() {
            for chunked in [false, true] {
                let key = format!("sk-{place}-{chunked}");
                let send = async || {
                    let mut connection = envoy.connect(wire).await;
                    send(&mut connection, &body, chunked, what, &key).await
                };
                let statuses = [send().await.status, send().await.status];
                assert_eq!(statuses, [200, 429], "{what}, {count}, chunked: {chunked}");
                // The second one is looked at as well before it is refused.
                unreadable += if readable { 0 } else { 2 };
            }
        }
        let requests = [("part", "request")];
        envoy
            .metric_reaches(UNREADABLE, &requests, unreadable)
            .await;
        envoy.assert_never_died().await;
    }
    let sent: Vec<Vec<u8>> = odd_bodies().into_iter().map(|(_, body, _)| body).collect();
    let seen = origin.seen();
    assert_eq!(seen.len(), 3 * 2 * sent.len());
    for (pair, body) in seen.chunks(2).zip(sent.iter().cycle()) {
        assert!(pair.iter().all(|one| one.whole && one.body == body[..]));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_is_refused_where_the_policy_says_so() {
    let origin = Origin::answering(thousand).await;
    let mut policy = budget("tokens", 1_000_000);
    policy["on_unreadable"] = json!("deny");
    let Some(envoy) = Setup::new(policy).start(&origin).await else {
        return;
    };

    let mut passed = 0;
    for (what, body, readable) in odd_bodies() {
        for (path, kind) in [
            ("/v1/chat/completions", "/error/code"),
            ("/v1/messages", "/error/type"),
            ("/v1beta/models/m:generateContent", "/error/status"),
        ] {
            let request = dressed(post(path, body.clone()).bearer("sk-one"), what);
            let reply = envoy.send(request).await;
            if readable {
                assert_eq!(reply.status, 200, "{what} at {path}");
                passed += 1;
                continue;
            }
            assert_eq!(reply.status, 400, "{what} at {path}: {}", reply.text());
            let expected = match kind {
                "/error/code" => "unreadable_body",
                "/error/type" => "invalid_request_error",
                _ => "INVALID_ARGUMENT",
            };
            let error = reply.json();
            assert_eq!(error.pointer(kind), Some(&json!(expected)), "{error}");
        }
    }
    assert_eq!(
        origin.seen().len(),
        passed,
        "nothing else reaches the origin"
    );
    let call = super::call("chat");
    let charged = used(&envoy, &call, "sk-one", 1_000_000).await;
    assert_eq!(charged, passed as u64 * 1_000, "a refusal is free");
    still_reads(&envoy).await;
}

/// A chat with these members of a message, and more members of its own.
fn chat(message: &str, more: &str) -> Vec<u8> {
    format!("{{\"model\":\"m\",\"messages\":[{{\"role\":\"user\",{message}}}]{more}}}").into_bytes()
}

fn swap(body: &mut [u8], from: &[u8], to: &[u8]) {
    let place = body.windows(from.len()).position(|bytes| bytes == from);
    let place = place.expect("its place");
    body[place..place + to.len()].copy_from_slice(to);
}

fn gzip(body: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}

async fn send(
    connection: &mut Connection,
    body: &[u8],
    chunked: bool,
    what: &str,
    key: &str,
) -> Reply {
    if !chunked {
        let request = post("/v1/chat/completions", body.to_vec()).bearer(key);
        return connection.send(dressed(request, what)).await;
    }
    let (chunks, request) = post_chunks("/v1/chat/completions");
    let feed = async move {
        for piece in body.chunks(16_000) {
            // Who is refused already need not be heard to the end.
            if chunks.send(Bytes::copy_from_slice(piece)).await.is_err() {
                return;
            }
        }
    };
    let (reply, ()) = tokio::join!(connection.send(dressed(request.bearer(key), what)), feed);
    reply
}

fn dressed(request: Request, what: &str) -> Request {
    if what == "gzip" {
        request.with("content-encoding", "gzip")
    } else {
        request
    }
}

fn thousand(_: &Seen) -> Response<Body> {
    json_answer(
        r#"{"choices":[],"usage":{"prompt_tokens":500,"completion_tokens":500,"total_tokens":1000}}"#,
    )
}

async fn still_reads(envoy: &Envoy) {
    let request = post("/v1/chat/completions", chat("\"content\":\"hello\"", ""));
    assert_eq!(envoy.send(request.bearer("sk-after")).await.status, 200);
    envoy.assert_never_died().await;
}
