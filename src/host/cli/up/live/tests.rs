use tokio_stream::StreamExt as _;

use super::*;

fn hello() -> Hello {
    Hello {
        program: "Envoy",
        listen: String::from("http://127.0.0.1:1"),
        tls: None,
        admin: None,
        origin: String::from("http://127.0.0.1:2"),
        policy: String::from("{\n}"),
    }
}

/// The names of the events in a chunk.
fn names(chunk: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(chunk);
    let lines = text.lines();
    lines
        .filter_map(|line| line.strip_prefix("event: "))
        .map(str::to_owned)
        .collect()
}

#[tokio::test]
async fn a_listener_is_told_what_was_and_then_what_comes() {
    let live = Live::new();
    live.hello(hello());
    live.logged(r#"stillgate: campaign {"campaign":"c-1"}"#);
    live.printed(r#"stillgate {"verdict":"deny"}"#);
    live.printed("Envoy says hello");
    let mut heard = Box::pin(live.listen());
    let first = heard.next().await.expect("a chunk").expect("no error");
    assert_eq!(names(&first), ["hello", "request", "campaign"]);
    live.policy("{}");
    live.metrics("stillgate_x 1\n");
    let mut then = Vec::new();
    while then.len() < 2 {
        then.extend(names(
            &heard.next().await.expect("a chunk").expect("no error"),
        ));
    }
    assert_eq!(then, ["hello", "stats"]);
    let again = Box::pin(live.listen())
        .next()
        .await
        .expect("a chunk")
        .expect("no error");
    assert!(String::from_utf8_lossy(&again).contains(r#""policy":"{}""#));
}

#[tokio::test]
async fn what_is_kept_is_bounded() {
    let live = Live::new();
    live.hello(hello());
    for _ in 0..REQUESTS + 10 {
        live.printed(r#"stillgate {"verdict":"deny"}"#);
    }
    for number in 0..CAMPAIGNS + 10 {
        live.logged(&format!(
            r#"stillgate: campaign {{"campaign":"c-{number}"}}"#
        ));
    }
    let long = "x".repeat(LONGEST);
    live.printed(&format!(r#"stillgate {{"verdict":"{long}"}}"#));
    let first = Box::pin(live.listen())
        .next()
        .await
        .expect("a chunk")
        .expect("no error");
    assert_eq!(names(&first).len(), 1 + REQUESTS + CAMPAIGNS);
    let first = String::from_utf8_lossy(&first);
    assert!(first.contains("\"c-109\"") && !first.contains("\"c-9\""));
}

#[tokio::test]
async fn a_listener_that_does_not_read_is_cut_off_and_holds_nobody_up() {
    let live = Live::new();
    live.hello(hello());
    let mut heard = Box::pin(live.listen());
    let mut sent = 0;
    // It never ends for one that reads.
    for _ in 0..2 * RING {
        live.printed(r#"stillgate {"verdict":"deny"}"#);
        sent += 1;
    }
    let mut told = 0;
    while let Some(chunk) = heard.next().await {
        told += names(&chunk.expect("no error")).len();
    }
    assert!(told < sent, "{told} of {sent}");
    assert_eq!(live.0.news.receiver_count(), 0);
}
