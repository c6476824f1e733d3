//! Promise: what passes, passes as it is, at the pace of whoever sends it.

use http_body_util::BodyExt as _;
use serde_json::json;

use crate::harness::client::{Headers as _, post_chunks};
use crate::harness::{Origin, Setup, chat, get, of, post, requests};

#[tokio::test(flavor = "multi_thread")]
async fn bodies_reach_the_origin_byte_for_byte() {
    let origin = Origin::start().await;
    let policy = json!({"version": 1, "limits": {"body": "4KiB"}, "quotas": [
        {"name": "tokens", "per": ["key"], "count": "tokens", "limit": 100_000_000, "window": "1h", "mode": "shadow"}]});
    let Some(worker) = Setup::new(&policy).start(&origin).await else {
        return;
    };
    let mut connection = worker.connect().await;
    let every_byte: Vec<u8> = (0..=255).cycle().take(3_000).collect();
    let long: Vec<u8> = (0..=255).cycle().take(3_000_000).collect();
    let plain =
        br#"{"model": "m",  "messages": [{"role": "user", "content": "h\u00e9 \ud83d\ude00"}]}"#
            .to_vec();
    for body in [every_byte, long, plain, Vec::new(), b"{".to_vec()] {
        let reply = connection.send(of("sk-one", chat(body.clone()))).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        let seen = origin.seen().pop().unwrap();
        assert!(
            seen.whole && seen.body == body,
            "{} of {} bytes",
            seen.body.len(),
            body.len()
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_too_long_is_refused_before_it_ends() {
    let origin = Origin::start().await;
    let policy = json!({"version": 1, "limits": {"body": "4KiB"}, "quotas": [
        {"name": "tokens", "per": ["key"], "count": "tokens", "limit": 100_000, "window": "1h"}]});
    let Some(worker) = Setup::new(&policy).start(&origin).await else {
        return;
    };
    let (chunks, request) = post_chunks("/v1/chat/completions");
    let mut connection = worker.connect().await;
    // No more than workerd takes after its answer: it ends the connection of who goes on, and the answer may be lost with that.
    let sending = tokio::spawn(async move {
        for _ in 0..5 {
            chunks.send(vec![b' '; 1_000].into()).await.unwrap();
        }
        chunks
    });
    let reply = connection.begin(of("sk-one", request)).await;
    assert_eq!(reply.status(), 413);
    // Dropped only now, the body has not ended before.
    drop(sending.await.unwrap());
    assert!(origin.seen().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_comes_at_the_origins_pace() {
    let (origin, mut holds) = Origin::holding().await;
    let policy = json!({"version": 1, "record": "all", "quotas": [
        {"name": "tokens", "per": ["key"], "count": "tokens", "limit": 100_000, "window": "1h"}]});
    let Some(worker) = Setup::new(&policy).start(&origin).await else {
        return;
    };
    let mut connection = worker.connect().await;
    let body = json!({"model": "m", "stream": true, "messages": []}).to_string();
    let reply = connection.begin(of("sk-one", chat(body))).await;
    let hold = holds.recv().await.unwrap();
    let mut body = reply.into_body();
    let event = "data: {\"choices\":[{\"delta\":{\"content\":\"yes\"}}]}\n\n";
    for _ in 0..3 {
        hold.send(event).await;
        // The next one is not sent before this one is here.
        let mut come = Vec::new();
        while come.len() < event.len() {
            let frame = body.frame().await.unwrap().unwrap();
            come.extend_from_slice(frame.data_ref().unwrap());
        }
        assert_eq!(come, event.as_bytes());
    }
    hold.send("data: {\"choices\":[],\"usage\":{\"prompt_tokens\":7,\"completion_tokens\":3}}\n\ndata: [DONE]\n\n")
        .await;
    drop(hold);
    body.collect().await.unwrap();
    let record = worker.record(|record| record["usage"].is_object()).await;
    assert_eq!(
        record["usage"],
        json!({"source": "usage", "input": 7, "cached": 0, "output": 3, "reasoning": 0})
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_and_answers_pass_as_they_are() {
    let origin = Origin::answering(|_| {
        axum::http::Response::builder()
            .status(418)
            .header("x-own", "one")
            .header("set-cookie", "a=1")
            .header("set-cookie", "b=2")
            .body("I am a teapot".into())
            .unwrap()
    })
    .await;
    let Some(worker) = Setup::new(&requests(100, "1h")).start(&origin).await else {
        return;
    };
    let mut connection = worker.connect().await;
    let request = of("sk-one", get("/v1/a%20b?c=%2F&d"))
        .with("x-stillgate-verdict", "allow")
        .with("x-latin", "caf\u{e9}");
    let reply = connection.send(request).await;
    assert_eq!(
        (reply.status, reply.text().as_str()),
        (418, "I am a teapot")
    );
    assert_eq!(reply.header("x-own"), Some("one"));
    assert_eq!(reply.headers.get_all("set-cookie").iter().count(), 2);
    assert!(reply.header("ratelimit").is_some());
    let seen = origin.only();
    assert_eq!(seen.path, "/v1/a%20b?c=%2F&d");
    assert!(!seen.headers.contains_key("x-stillgate-verdict"));
    assert_eq!(seen.headers.get("authorization").unwrap(), "Bearer sk-one");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_without_a_key_goes_no_further() {
    let origin = Origin::start().await;
    let Some(worker) = Setup::new(&requests(100, "1h")).start(&origin).await else {
        return;
    };
    let mut connection = worker.connect().await;
    let reply = connection.send(post("/v1/chat/completions", "{}")).await;
    assert_eq!(reply.status, 401);
    assert_eq!(reply.header("www-authenticate"), Some("Bearer"));
    assert_eq!(reply.json()["error"]["code"], "invalid_api_key");
    assert!(origin.seen().is_empty());
}
