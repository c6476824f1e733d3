//! The access log tells what a request used, where the policy records everything.

use serde_json::{Value, json};

use super::{budget, call};
use crate::harness::client::{Headers as _, Request, next_chunk};
use crate::harness::{Demo, Setup, Wire};
use crate::records::{decision, recorded};

#[tokio::test(flavor = "multi_thread")]
async fn the_access_log_tells_what_was_used_and_how_that_is_known() {
    let demo = Demo::start().await;
    let Some(envoy) = Setup::new(recorded(budget("tokens", LIMIT)))
        .start_before(demo.address)
        .await
    else {
        return;
    };

    let ask = |tag: &str, name: &str| {
        let request = call(name).with_key("sk-one");
        request
            .with("x-demo-tokens", "700,300,200")
            .with("x-test-tag", tag)
    };
    let send = async |request: Request| drop(envoy.connect(Wire::H1).await.try_send(request).await);
    send(ask("whole", "chat")).await;
    send(ask("streamed", "messages-stream")).await;
    send(
        ask("cut", "messages-stream")
            .with("x-demo-words", "9")
            .with("x-demo-cut", "6"),
    )
    .await;
    send(ask("compressed", "chat").with("x-demo-encoding", "gzip!")).await;
    send(ask("failed", "chat").with("x-demo-status", "500")).await;
    // Its client leaves after three words.
    let request = ask("left", "messages-stream").with("x-demo-words", "9");
    let mut connection = envoy.connect(Wire::H1).await;
    let reply = connection.begin(request.with("x-demo-step", "left")).await;
    for sent in 2..=6 {
        assert_eq!(demo.step("left").await, sent);
    }
    let mut body = reply.into_body();
    next_chunk(&mut body)
        .await
        .expect("events")
        .expect("events");
    drop((body, connection));
    // And one that waits in vain.
    let request = ask("silent", "chat").with("x-demo-delay", "60000");
    let request = request.with("x-demo-name", "silent");
    let mut connection = envoy.connect(Wire::H1).await;
    let waiting = tokio::spawn(async move { connection.begin(request).await });
    demo.arrived("silent").await;
    waiting.abort();

    let log = envoy.access_log(7).await;
    let line = |tag: &str| {
        let found = log.iter().find(|line| line["tag"] == tag);
        decision(found.unwrap_or_else(|| panic!("no {tag} in {log:?}")))
    };
    for (tag, source, [input, cached, output]) in [
        ("whole", "usage", [700, 200, 300]),
        ("streamed", "usage", [700, 200, 300]),
        ("cut", "counted", [700, 200, 3]),
        ("left", "counted", [700, 200, 3]),
        ("failed", "refunded", [0, 0, 0]),
    ] {
        let usage = json!({"source": source, "input": input, "cached": cached, "output": output, "reasoning": 0});
        assert_eq!(line(tag)["usage"], usage, "{tag}");
        assert_eq!(line(tag)["verdict"], "allow", "{tag}");
    }
    for (tag, source) in [("compressed", "reserved"), ("silent", "counted")] {
        let usage: Value = line(tag)["usage"].clone();
        assert_eq!(usage["source"], source, "{tag}: {usage}");
        assert!(usage["input"].as_u64().is_some_and(|input| input > 0));
    }
    envoy.assert_never_died().await;
}

const LIMIT: u64 = 1_000_000;
