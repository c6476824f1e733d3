//! A stream reaches its client at the origin's pace: each event before the next one is sent.

use hyper::body::Incoming;
use serde_json::{Value, json};

use super::{Call, budget, calls};
use crate::harness::client::{Headers as _, next_chunk};
use crate::harness::{Connection, Demo, Setup, Wire};

#[tokio::test(flavor = "multi_thread")]
async fn every_event_is_there_before_the_next_one_is_sent_over_http_1() {
    every_event_is_there_before_the_next(Wire::H1, false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_event_is_there_before_the_next_one_is_sent_over_http_2() {
    every_event_is_there_before_the_next(Wire::H2, false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_event_is_there_before_the_next_one_where_usage_is_asked_for_over_http_1() {
    every_event_is_there_before_the_next(Wire::H1, true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_event_is_there_before_the_next_one_where_usage_is_asked_for_over_http_2() {
    every_event_is_there_before_the_next(Wire::H2, true).await;
}

async fn every_event_is_there_before_the_next(wire: Wire, asks: bool) {
    let demo = Demo::start().await;
    let mut policy = budget("tokens", 100_000);
    policy["tokens"] = json!({"ask_for_usage": asks});
    let Some(envoy) = Setup::new(policy).start_before(demo.address).await else {
        return;
    };

    for mut call in calls().into_iter().filter(is_streamed) {
        if let Some(body) = call.body.as_object_mut() {
            body.remove("stream_options");
        }
        keeps_pace(&demo, &mut envoy.connect(wire).await, &call).await;
    }
    envoy.assert_never_died().await;
}

/// The first events step by step, and the rest to the end.
async fn keeps_pace(demo: &Demo, connection: &mut Connection, call: &Call) {
    let request = call
        .with_key("sk-one")
        .with("x-demo-words", "5")
        .with("x-demo-step", call.name);
    let reply = connection.begin(request).await;
    assert_eq!(reply.status(), 200, "{}", call.name);
    let mut body = reply.into_body();
    for sent in 1..=4 {
        let event = part(&mut body).await;
        let parts = demo.arrived(call.name).await["parts"].clone();
        assert_eq!(parts, sent, "{}: {event} is there", call.name);
        assert_eq!(demo.step(call.name).await, sent + 1, "{}", call.name);
    }
    while demo.step(call.name).await > 0 {}
    while let Some(chunk) = next_chunk(&mut body).await {
        chunk.expect("the stream to its end");
    }
    assert_eq!(demo.seen(call.name).await["end"], "served", "{}", call.name);
}

/// The next event, or item of an array.
async fn part(body: &mut Incoming) -> String {
    let mut part = Vec::new();
    loop {
        let chunk = next_chunk(body).await.expect("an event");
        part.extend_from_slice(&chunk.expect("an event"));
        if part.ends_with(b"\n\n") || part.ends_with(b"}") {
            return String::from_utf8_lossy(&part).into_owned();
        }
    }
}

fn is_streamed(call: &Call) -> bool {
    call.body["stream"] == Value::Bool(true) || call.path.contains(":stream")
}
