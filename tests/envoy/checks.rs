//! Promise: a request is recognised by what it shows, over TLS and in the clear, and by nothing that its client only says.

mod addresses;
mod contradictions;
mod counting;
mod farm;
mod forgetting;
mod hostile;
mod large;
mod lists;
mod sdk;
mod sharing;
mod spoofing;
mod tags;
mod waiting;

use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::OnceCell;

use crate::harness::client::{Headers as _, Request};
use crate::harness::config::Listener;
use crate::harness::origin::Seen;
use crate::harness::{Envoy, Origin, Setup, Wire, get};

/// A policy that holds these checks, and records everything.
fn policy(checks: Value) -> Value {
    json!({
        "version": 1,
        "record": "all",
        "verify_url": VERIFY_URL,
        "account": {"org": {"header": "x-auth-org"}},
        "checks": checks,
    })
}

/// The same policy on two listeners that share their counters: `main`, in the clear, and `tls`.
fn gate(policy: Value) -> Setup {
    let tls = Listener::new("tls", policy.clone()).tls();
    Setup::of([Listener::new("main", policy), tls])
}

/// The JA4 of this test's own client, as Envoy without the filter sees it; `None` where there is no Envoy.
async fn own_ja4(wire: Wire) -> Option<String> {
    static KNOWN: OnceCell<Option<[String; 2]>> = OnceCell::const_new();
    let known = KNOWN.get_or_init(async || {
        let origin = Origin::start().await;
        let mut listener = Listener::new("tls", Value::Null).tls();
        listener.filter = false;
        let envoy = Setup::of([listener]).start(&origin).await?;
        for wire in [Wire::TlsH2, Wire::TlsH1] {
            envoy.connect_to("tls", wire).await.send(get("/")).await;
        }
        let log = envoy.access_log(2).await;
        let ja4 = |alpn: &str| {
            let mut seen = log.iter().filter_map(|line| line["ja4"].as_str());
            let found = seen.find(|ja4| ja4.split('_').next().is_some_and(|a| a.ends_with(alpn)));
            found
                .unwrap_or_else(|| panic!("no {alpn} in {log:?}"))
                .to_owned()
        };
        Some([ja4("h2"), ja4("h1")])
    });
    let [h2, h1] = known.await.as_ref()?;
    Some(if wire == Wire::TlsH2 { h2 } else { h1 }.clone())
}

/// A request that nothing speaks against.
fn ask(key: &str) -> Request {
    get("/v1/models").bearer(key)
}

/// What the origin was told that checks found: their names, joined by commas; `None` if it was told nothing.
fn told(seen: &Seen) -> Option<&str> {
    let text = |name| {
        let mut values = seen.headers.get_all(name).iter();
        let value = values.next().map(|value| value.to_str().expect("ASCII"));
        assert_eq!(values.next(), None, "{name} once in {:?}", seen.headers);
        value
    };
    let (verdict, checks) = (text("x-stillgate-verdict"), text("x-stillgate-checks"));
    assert_eq!(verdict, checks.map(|_| "tag"));
    checks
}

/// The decisions about the requests that carried `x-test-tag`, by the order in which they ended, once there are so many.
async fn decisions(envoy: &Envoy, tag: &str, count: usize) -> Vec<Value> {
    crate::harness::until(&format!("{count} records of {tag}"), async || {
        let log = envoy.access_log(0).await;
        let tagged: Vec<Value> = log
            .iter()
            .filter(|line| line["tag"] == tag)
            .map(crate::records::decision)
            .collect();
        (tagged.len() >= count).then_some(tagged)
    })
    .await
}

/// Waits until every worker has seen what any of them has counted: 50 ms is what the engine promises.
async fn all_workers_know() {
    tokio::time::sleep(Duration::from_millis(75)).await;
}

const VERIFY_URL: &str = "https://example.com/verify";
