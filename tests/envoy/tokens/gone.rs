//! A stream that breaks off is charged for what was seen of it: its input and the text that passed, and never nothing.

use hyper::body::Incoming;

use super::{CAP, SETTLEMENTS, TOKENS, before_demo, budget, call, left_in, used};
use crate::harness::client::{Headers as _, next_chunk};
use crate::harness::{Connection, Demo, Wire};

/// The streams: after how many parts three words have passed, and what has been told of input and output by then.
const STREAMS: [(&str, u64, Option<u64>, u64); 8] = [
    ("chat-stream", 4, None, 3),
    ("completions-stream", 3, None, 3),
    ("azure-stream", 5, None, 3),
    ("responses-stream", 7, None, 3),
    ("messages-stream", 6, Some(700), 3),
    // Of 20 words that are 300 tokens, three.
    ("gemini-stream", 3, Some(700), 45),
    ("vertex-stream", 3, Some(700), 45),
    ("gemini-array", 3, Some(700), 45),
];

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_leaves_in_mid_stream_over_http_1_is_charged_what_passed() {
    what_breaks_off_is_charged_what_passed(Wire::H1, "x-demo-step", leaves).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_leaves_in_mid_stream_over_http_2_is_charged_what_passed() {
    what_breaks_off_is_charged_what_passed(Wire::H2, "x-demo-step", leaves).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_the_origin_cuts_is_charged_what_passed() {
    what_breaks_off_is_charged_what_passed(Wire::H1, "x-demo-cut", async |stream| {
        let (text, whole) = stream.read_out().await;
        assert!(text.contains("w3") && !whole, "{}: {text}", stream.name);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_ends_with_an_error_is_charged_what_passed() {
    what_breaks_off_is_charged_what_passed(Wire::H2, "x-demo-error", async |stream| {
        let (text, whole) = stream.read_out().await;
        let told = text.contains("w3") && text.contains("asked to fail");
        assert!(told && whole, "{}: {text}", stream.name);
    })
    .await;
}

async fn what_breaks_off_is_charged_what_passed(
    wire: Wire,
    switch: &str,
    end: impl AsyncFn(&mut Stream<'_>),
) {
    let Some((demo, envoy)) = before_demo(budget("tokens", LIMIT)).await else {
        return;
    };

    let (mut inputs, mut outputs) = (0, 0);
    for (place, (name, parts, input, output)) in STREAMS.into_iter().enumerate() {
        let call = call(name);
        let value = if switch == "x-demo-step" {
            name.to_owned()
        } else {
            parts.to_string()
        };
        let request = call
            .with_key("sk-one")
            .with("x-demo-tokens", "700,300")
            .with("x-demo-words", "20")
            .with(switch, value);
        let before = used(&envoy, &call, "sk-one", LIMIT).await;
        let mut connection = envoy.connect(wire).await;
        let reply = connection.begin(request).await;
        assert_eq!(reply.status(), 200, "{name}");
        let reserved = LIMIT - before - left_in(reply.headers());
        let input = input.unwrap_or(reserved - CAP);
        let mut stream = Stream {
            name,
            parts,
            demo: &demo,
            body: Some((reply.into_body(), connection)),
        };
        end(&mut stream).await;
        drop(stream);

        envoy
            .metric_reaches(SETTLEMENTS, &[], place as u64 + 1)
            .await;
        let charged = used(&envoy, &call, "sk-one", LIMIT).await - before;
        assert_eq!(charged, input + output, "{name}: {input} and {output}");
        inputs += input;
        outputs += output;
    }
    let tokens = async |kind| envoy.metric(TOKENS, &[("kind", kind)]).await;
    assert_eq!(
        [tokens("input").await, tokens("output").await],
        [inputs, outputs]
    );
    // An array that an error closes is whole JSON, whose usage is what it tells.
    let told = u64::from(switch == "x-demo-error");
    let counted = [("source", "counted")];
    assert_eq!(
        envoy.metric(SETTLEMENTS, &counted).await,
        STREAMS.len() as u64 - told
    );
    envoy.assert_never_died().await;
}

/// The client reads what there is and goes.
async fn leaves(stream: &mut Stream<'_>) {
    for sent in 2..=stream.parts {
        assert_eq!(stream.demo.step(stream.name).await, sent, "{}", stream.name);
    }
    let (body, _) = stream.body.as_mut().expect("a stream");
    let mut text = String::new();
    while !text.contains("w3") {
        let chunk = next_chunk(body).await.expect("three words");
        text += &String::from_utf8_lossy(&chunk.expect("three words"));
    }
    stream.body = None;
    let seen = stream.demo.seen(stream.name).await;
    assert_eq!(seen["end"], "gone", "{}", stream.name);
}

/// A stream on its way.
struct Stream<'d> {
    name: &'static str,
    parts: u64,
    demo: &'d Demo,
    body: Option<(Incoming, Connection)>,
}

impl Stream<'_> {
    /// All that comes, and whether it ends well.
    async fn read_out(&mut self) -> (String, bool) {
        let (body, _) = self.body.as_mut().expect("a stream");
        let mut text = String::new();
        while let Some(chunk) = next_chunk(body).await {
            match chunk {
                Ok(chunk) => text += &String::from_utf8_lossy(&chunk),
                Err(_) => return (text, false),
            }
        }
        (text, true)
    }
}

const LIMIT: u64 = 1_000_000;
