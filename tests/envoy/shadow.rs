//! Promise: in shadow, traffic is byte for byte what it is without the filter.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::harness::client::Headers as _;
use crate::harness::{Envoy, Origin, Setup, get, raw};
use crate::quotas::{REQUESTS, statuses_of};

#[tokio::test(flavor = "multi_thread")]
async fn traffic_in_shadow_is_what_it_is_without_the_filter() {
    let policy = json!({
        "version": 1,
        "mode": "shadow",
        "quotas": [
            {"name": "requests", "per": ["key"], "count": "requests", "limit": 1, "window": "1h"},
            {"name": "models", "per": ["key", "model"], "count": "requests", "limit": 1, "window": "1h"},
            {"name": "in-flight", "per": ["key"], "count": "concurrent", "limit": 1},
        ],
        "limits": {"body": "1KiB"},
    });
    changes_nothing(policy, &requests(), ANSWER).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn shadow_counts_what_it_would_have_refused() {
    let origin = Origin::start().await;
    let Some(envoy) = Setup::new(shadow(2)).start(&origin).await else {
        return;
    };

    assert_eq!(statuses_of(&envoy, "sk-one", 5).await, [200; 5]);
    assert_eq!(envoy.send(get("/")).await.status, 200);
    envoy
        .metric_reaches(REQUESTS, &[("verdict", "allow")], 6)
        .await;
    envoy
        .metric_reaches(SHADOW, &[("verdict", "throttle"), ("reason", "quota")], 3)
        .await;
    envoy
        .metric_reaches(
            SHADOW,
            &[("verdict", "deny"), ("reason", "missing_credential")],
            1,
        )
        .await;
    assert_eq!(envoy.metric(REQUESTS, &[("verdict", "throttle")]).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quota_in_shadow_stands_beside_one_that_is_enforced() {
    let origin = Origin::start().await;
    let policy = json!({
        "version": 1,
        "quotas": [
            {"name": "trial", "per": ["key"], "count": "requests", "limit": 1, "window": "1h", "mode": "shadow"},
            {"name": "real", "per": ["key"], "count": "requests", "limit": 3, "window": "1h"},
        ],
    });
    let Some(envoy) = Setup::new(policy).start(&origin).await else {
        return;
    };

    assert_eq!(
        statuses_of(&envoy, "sk-one", 5).await,
        [200, 200, 200, 429, 429]
    );
    let told = envoy
        .send(get("/v1/chat/completions").bearer("sk-two"))
        .await;
    assert_eq!(
        told.header("x-ratelimit-limit-requests"),
        Some("3"),
        "clients are not told of a trial"
    );
    envoy
        .metric_reaches(SHADOW, &[("verdict", "throttle"), ("reason", "quota")], 2)
        .await;
}

/// A request by its name.
pub(crate) type Named = (&'static str, Vec<u8>);

/// Holds that clients and origin read the same with this policy as without the filter, and gives the Envoy with the policy.
pub(crate) async fn changes_nothing(
    policy: Value,
    requests: &[Named],
    answer: &'static [u8],
) -> Option<Envoy> {
    let without = exchange(Setup::without_filter(), requests, answer).await?;
    let with = exchange(Setup::new(policy), requests, answer).await?;
    for (at, (name, _)) in requests.iter().enumerate() {
        for (who, with, without) in [
            ("client", &with.got[at], &without.got[at]),
            ("origin", &with.sent[at], &without.sent[at]),
        ] {
            assert_eq!(show(with), show(without), "what the {who} reads: {name}");
            assert_eq!(with, without, "what the {who} reads: {name}");
        }
    }
    assert!(
        with.envoy.metric(SHADOW, &[]).await > 0,
        "the filter was there and judged"
    );
    with.envoy.assert_never_died().await;
    Some(with.envoy)
}

/// What was read through an Envoy, without what differs by nature.
struct Exchanged {
    sent: Vec<Vec<u8>>,
    got: Vec<Vec<u8>>,
    envoy: Envoy,
}

async fn exchange(setup: Setup, requests: &[Named], answer: &'static [u8]) -> Option<Exchanged> {
    let origin = RawOrigin::start(answer).await;
    let envoy = setup.start_before(origin.address).await?;
    let address = envoy.address("main").await;
    let mut got = Vec::new();
    for (_, request) in requests {
        got.push(comparable(&raw(address, request).await.0));
    }
    let sent = origin
        .sent
        .lock()
        .expect("no poison")
        .iter()
        .map(|bytes| comparable(bytes))
        .collect();
    Some(Exchanged { sent, got, envoy })
}

/// Every kind of request that the policy would answer differently, by name.
fn requests() -> Vec<Named> {
    let chat = r#"{"model":"m","messages":[{"role":"user","content":"héllo"}]}"#;
    let post = |headers: &str, body: &[u8]| {
        let head = format!("POST /v1/chat/completions HTTP/1.1\r\nHost: gate.test\r\n{headers}");
        let head = format!(
            "{head}Content-Length: {}\r\nConnection: close\r\n\r\n",
            body.len()
        );
        [head.as_bytes(), body].concat()
    };
    let key = "Authorization: Bearer sk-one\r\n";
    vec![
        ("admitted", post(key, chat.as_bytes())),
        ("over its quota", post(key, chat.as_bytes())),
        ("over its quota, as Anthropic", b"POST /v1/messages HTTP/1.1\r\nHost: gate.test\r\nX-Api-Key: sk-one\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}".to_vec()),
        ("without credential", post("", chat.as_bytes())),
        ("with two credentials", post(&format!("{key}X-Api-Key: sk-two\r\n"), chat.as_bytes())),
        ("with a body over the cap", post(key, &[b'x'; 4096])),
        ("with a body that is no JSON", post(key, b"{\"model\": \xff\xfe")),
        ("with headers of ours", post(&format!("{key}X-Stillgate-Verdict: allow\r\n"), b"{}")),
        ("with bytes in a header", [&b"GET /a?b=%zz HTTP/1.1\r\nHost: gate.test\r\nX-Bin: \xff\xfe\r\n"[..], key.as_bytes(), b"Connection: close\r\n\r\n"].concat()),
    ]
}

/// Without the lines that differ from one request to the next anyway.
fn comparable(bytes: &[u8]) -> Vec<u8> {
    const BY_NATURE: [&[u8]; 3] = [
        b"date:",
        b"x-request-id:",
        b"x-envoy-upstream-service-time:",
    ];
    let head = bytes
        .windows(4)
        .position(|four| four == b"\r\n\r\n")
        .map_or(bytes.len(), |end| end + 4);
    let lines = bytes[..head].split_inclusive(|byte| *byte == b'\n');
    let kept = lines.filter(|line| {
        !BY_NATURE
            .iter()
            .any(|name| line.to_ascii_lowercase().starts_with(name))
    });
    kept.flatten().chain(&bytes[head..]).copied().collect()
}

fn show(bytes: &[u8]) -> String {
    bytes.escape_ascii().to_string().replace("\\r\\n", "\n")
}

fn shadow(limit: u64) -> Value {
    json!({
        "version": 1,
        "mode": "shadow",
        "quotas": [{"name": "requests", "per": ["key"], "count": "requests", "limit": limit, "window": "1h"}],
    })
}

/// An origin that keeps the very bytes of every request and answers with the same bytes every time.
struct RawOrigin {
    address: SocketAddr,
    sent: Arc<Mutex<Vec<Vec<u8>>>>,
    server: JoinHandle<()>,
}

impl RawOrigin {
    async fn start(answer: &'static [u8]) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0))
            .await
            .expect("a free port");
        let address = listener.local_addr().expect("an address");
        let sent = Arc::new(Mutex::new(Vec::new()));
        let memory = Arc::clone(&sent);
        let server = tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                tokio::spawn(serve(socket, Arc::clone(&memory), answer));
            }
        });
        Self {
            address,
            sent,
            server,
        }
    }
}

impl Drop for RawOrigin {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn serve(mut socket: TcpStream, memory: Arc<Mutex<Vec<Vec<u8>>>>, answer: &'static [u8]) {
    let mut bytes = Vec::new();
    while socket.read_buf(&mut bytes).await.is_ok_and(|read| read > 0) {
        let Some(head) = bytes
            .windows(4)
            .position(|four| four == b"\r\n\r\n")
            .map(|end| end + 4)
        else {
            continue;
        };
        let text = String::from_utf8_lossy(&bytes[..head]).to_ascii_lowercase();
        let length = text
            .lines()
            .find_map(|line| line.strip_prefix("content-length: ")?.parse().ok())
            .unwrap_or(0);
        if bytes.len() < head + length {
            continue;
        }
        let request = bytes.drain(..head + length).collect();
        memory.lock().expect("no poison").push(request);
        if socket.write_all(answer).await.is_err() {
            return;
        }
    }
}

/// With what a filter might be tempted to touch: the case of names, order, doubles, and rate limits of its own.
const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nX-RateLimit-Limit-Tokens: 9\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n\
X-Bin: \xff\xfe\r\nContent-Type: application/json\r\nContent-Length: 18\r\n\r\n{\"usage\": \"h\xc3\xa9llo\"}";

pub(crate) const SHADOW: &str = "stillgate_shadow_total";
