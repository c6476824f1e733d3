//! What is larger than it should be, or never ends: a body over the cap, a line without an end, an upgraded connection.

use std::net::SocketAddr;

use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

use super::{SETTLEMENTS, TOKENS, budget, call, used};
use crate::harness::client::{Bytes, Headers as _, Reply, next_chunk, post_chunks, within};
use crate::harness::config::manager;
use crate::harness::{Envoy, Origin, Setup, Wire, raw};

/// Paths, and where the body of their refusal says what.
const APIS: [(&str, &str, &str); 3] = [
    ("/v1/chat/completions", "/error/code", "request_too_large"),
    ("/v1/messages", "/error/type", "request_too_large"),
    (
        "/v1beta/models/m:generateContent",
        "/error/status",
        "INVALID_ARGUMENT",
    ),
];

#[tokio::test(flavor = "multi_thread")]
async fn ten_mebibytes_are_refused_before_they_are_sent() {
    let origin = Origin::start().await;
    let Some(envoy) = Setup::new(budget("tokens", LIMIT)).start(&origin).await else {
        return;
    };

    let address = envoy.address("main").await;
    for (path, place, word) in APIS {
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: a\r\nauthorization: Bearer sk-one\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n",
            10 << 20
        );
        let reply = raw(address, head.as_bytes()).await;
        assert_eq!(reply.status(), 413);
        let text = String::from_utf8_lossy(&reply.0);
        let body = text.split("\r\n\r\n").nth(1).expect("a body");
        says(&serde_json::from_str(body).expect("JSON"), place, word);

        let (_chunks, request) = post_chunks(path);
        let request = request.bearer("sk-one").with("content-length", "10485760");
        let reply = envoy.connect(Wire::H2).await.send(request).await;
        assert_eq!(reply.status, 413);
        says(&reply.json(), place, word);
    }
    nothing_was_charged(&origin, &envoy).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_without_a_length_is_refused_at_the_cap() {
    let origin = Origin::start().await;
    let mut policy = budget("tokens", LIMIT);
    policy["limits"] = json!({"body": "64KiB"});
    let Some(envoy) = Setup::new(policy).start(&origin).await else {
        return;
    };

    for wire in [Wire::H1, Wire::H2] {
        for (path, place, word) in APIS {
            let (chunks, request) = post_chunks(path);
            let mut connection = envoy.connect(wire).await;
            let feed = async move {
                // Without an end, until nobody listens any more.
                while chunks.send(Bytes::from(vec![b' '; 4 << 10])).await.is_ok() {}
                std::future::pending::<()>().await;
            };
            let reply: Reply = tokio::select! {
                reply = connection.send(request.bearer("sk-one")) => reply,
                () = feed => unreachable!("it waits for the reply"),
            };
            assert_eq!(reply.status, 413, "{wire:?} {path}");
            says(&reply.json(), place, word);
        }
    }
    nothing_was_charged(&origin, &envoy).await;
}

fn says(error: &Value, place: &str, word: &str) {
    assert_eq!(error.pointer(place), Some(&json!(word)), "{error}");
}

async fn nothing_was_charged(origin: &Origin, envoy: &Envoy) {
    assert!(origin.seen().is_empty());
    assert_eq!(used(envoy, &call("chat"), "sk-one", LIMIT).await, 0);
    assert_eq!(envoy.metric(SETTLEMENTS, &[]).await, 0);
    envoy.assert_never_died().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_that_pass_in_shadow_take_no_memory() {
    const EACH: usize = 10 << 20;
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
    let origin = listener.local_addr().expect("an address");
    let (counts, mut counted) = mpsc::unbounded_channel();
    let server = tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let counts = counts.clone();
            tokio::spawn(async move {
                let mut bytes = vec![0; 64 << 10];
                while let Ok(read @ 1..) = socket.read(&mut bytes).await {
                    let _gone = counts.send(read);
                }
            });
        }
    });
    let mut policy = budget("tokens", LIMIT);
    (policy["mode"], policy["limits"]) = (json!("shadow"), json!({"body": "16MiB"}));
    let Some(envoy) = Setup::new(policy).start_before(origin).await else {
        return;
    };

    let address = envoy.address("main").await;
    let head = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: a\r\nauthorization: Bearer sk-one\r\n\
         content-length: {}\r\n\r\n{{\"messages\": \"",
        2 * EACH
    );
    let (mut clients, mut before) = (Vec::new(), 0);
    for _ in 0..8 {
        let mut client = TcpStream::connect(address).await.expect("a connection");
        client.write_all(head.as_bytes()).await.unwrap();
        client.write_all(&vec![b'x'; EACH]).await.unwrap();
        clients.push(client);
        let mut read = 0;
        while read < EACH {
            read += within(counted.recv()).await.expect("a count");
        }
        before = if before == 0 {
            envoy.resident()
        } else {
            before
        };
    }
    let grown = envoy.resident().saturating_sub(before);
    assert!(grown < 16 << 20, "70 MiB of bodies took {grown} bytes");
    envoy.assert_never_died().await;
    server.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_that_never_ends_passes_and_takes_no_memory() {
    a_line_that_never_ends_passes(false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_that_never_ends_passes_where_usage_is_asked_for_and_takes_no_memory() {
    a_line_that_never_ends_passes(true).await;
}

/// 5 MB and then 45 MB more of one event's line, from which nothing is kept.
async fn a_line_that_never_ends_passes(asks: bool) {
    let (origin, mut holds) = Origin::holding().await;
    let mut policy = budget("tokens", LIMIT);
    policy["tokens"] = json!({"ask_for_usage": asks});
    let Some(envoy) = Setup::new(policy).start(&origin).await else {
        return;
    };

    let mut call = call("chat-stream");
    call.body
        .as_object_mut()
        .expect("a body")
        .remove("stream_options");
    let mut connection = envoy.connect(Wire::H1).await;
    let reply = connection.begin(call.with_key("sk-one")).await;
    let mut body = reply.into_body();
    let hold = holds.recv().await.expect("a request at the origin");
    let text: &'static str = "x".repeat(50_000).leak();
    let sending = tokio::spawn(async move {
        hold.send(HEAD).await;
        for _ in 0..1_000 {
            hold.send(text).await;
        }
        hold
    });
    let (mut read, mut before, head) = (0, 0, HEAD.len());
    while read < head + 50_000_000 {
        let chunk = next_chunk(&mut body).await.expect("more").expect("more");
        let text = &chunk[head.saturating_sub(read).min(chunk.len())..];
        assert!(text.iter().all(|byte| *byte == b'x'), "byte for byte");
        read += chunk.len();
        if before == 0 && read > 5_000_000 {
            before = envoy.resident();
        }
    }
    assert_eq!(read, head + 50_000_000);
    let grown = envoy.resident().saturating_sub(before);
    assert!(grown < 8 << 20, "45 MB of a line took {grown} bytes");

    drop((body, connection, sending.await));
    envoy.metric_reaches(SETTLEMENTS, &[], 1).await;
    // Four bytes a token, and a few tokens before them.
    let charged = envoy.metric(TOKENS, &[("kind", "output")]).await;
    assert!((12_500_000..12_500_100).contains(&charged), "{charged}");
    envoy.assert_never_died().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upgraded_connection_passes_both_ways() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
    let origin = listener.local_addr().expect("an address");
    let server = tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            tokio::spawn(echo(socket));
        }
    });
    let mut policy = budget("tokens", LIMIT);
    policy["tokens"] = json!({"ask_for_usage": true});
    let setup = Setup::new(policy).adapt(|listener| {
        manager(listener)["upgrade_configs"] = json!([{"upgrade_type": "websocket"}]);
    });
    let Some(envoy) = setup.start_before(origin).await else {
        return;
    };

    let address: SocketAddr = envoy.address("main").await;
    let mut client = TcpStream::connect(address).await.expect("a connection");
    let head = "GET /v1/realtime?model=m HTTP/1.1\r\nhost: a\r\nauthorization: Bearer sk-one\r\n\
                connection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n\
                sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n";
    client.write_all(head.as_bytes()).await.unwrap();
    let answer = read_until(&mut client, b"\r\n\r\n").await;
    assert!(
        answer.starts_with(b"HTTP/1.1 101 "),
        "{}",
        answer.escape_ascii()
    );
    for frame in [&b"\x81\x05hello"[..], b"\x82\x03\0\xff\n", b"\x81\x02{}"] {
        client.write_all(frame).await.unwrap();
        assert_eq!(read_until(&mut client, frame).await, frame);
    }
    drop(client);
    envoy.metric_reaches(SETTLEMENTS, &[], 1).await;
    let charged = used(&envoy, &call("chat"), "sk-one", LIMIT).await;
    assert!(charged >= 1_024, "what was reserved: {charged}");
    envoy.assert_never_died().await;
    server.abort();
}

/// Takes an upgrade, and then says what it hears.
async fn echo(mut socket: TcpStream) {
    read_until(&mut socket, b"\r\n\r\n").await;
    let head =
        b"HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\r\n";
    if socket.write_all(head).await.is_ok() {
        let (mut reading, mut writing) = socket.into_split();
        drop(tokio::io::copy(&mut reading, &mut writing).await);
    }
}

/// All that comes up to and with this end.
async fn read_until(socket: &mut (impl AsyncRead + Unpin), end: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    while !bytes.ends_with(end) {
        let read = within(socket.read_buf(&mut bytes)).await;
        assert!(read.is_ok_and(|read| read > 0), "{}", bytes.escape_ascii());
    }
    bytes
}

/// The beginning of an event.
const HEAD: &str = r#"data: {"choices":[{"delta":{"content":""#;
const LIMIT: u64 = 100_000_000;
