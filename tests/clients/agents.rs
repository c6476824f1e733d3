//! Promises: every client that was measured is recognised, contradicts nothing it says itself, and is found out where it
//! says that it is another.

use core::net::IpAddr;
use std::collections::{BTreeMap, BTreeSet};

use siphasher::sip::SipHasher13;
use stillgate::agent::{self, Agent, known};
use stillgate::exchange::{Attributes, Exchange, Foreseen, Model};
use stillgate::shape;

use crate::captured::{Row, read};
use crate::programs::{Client, Via, clients};

#[test]
fn what_was_measured_is_what_is_in_the_table() {
    let measured: BTreeSet<String> = read().into_iter().map(|row| row.name).collect();
    let listed: BTreeSet<String> = clients().iter().map(Client::name).collect();
    assert_eq!(
        measured, listed,
        "cargo test --test clients -- --ignored measure"
    );
    assert_eq!(listed.len(), clients().len(), "every name is there once");
}

#[test]
fn every_client_is_recognised() {
    for (client, row) in measured() {
        let agent = agent_of(&row);
        let family = agent.as_ref().map_or("", Agent::family);
        assert_eq!(family, client.family, "{row:?}");
        let version = agent.as_ref().map_or("", Agent::version);
        match client.family {
            // These do not say which version they are.
            "" | "node" | "node-fetch" => assert_eq!(version, "", "{}", row.name),
            // The version of HTTP that it speaks.
            "go-http-client" => {
                assert_eq!(version, if row.http == "HTTP/2" { "2.0" } else { "1.1" })
            }
            family if client.spoof || BROWSERS.contains(&family) => {
                assert!(version.starts_with(|digit: char| digit.is_ascii_digit()));
            }
            _ => assert_eq!(version, row.version(), "{}", row.name),
        }
    }
}

#[test]
fn no_honest_client_contradicts_itself() {
    for (_, row) in measured().filter(|(client, _)| !client.spoof) {
        let Some(agent) = agent_of(&row) else {
            continue;
        };
        assert!(
            !known::contradicts_ja4(&agent, row.ja4.as_bytes()),
            "{row:?}"
        );
        assert!(!headers_contradict(&agent, &row), "{row:?}");
    }
}

#[test]
fn who_says_what_it_is_not_is_found_out() {
    let found: BTreeMap<String, (bool, bool)> = measured()
        .filter(|(client, _)| client.spoof)
        .map(|(_, row)| {
            let agent = agent_of(&row).expect("a spoof says something");
            let by_tls = known::contradicts_ja4(&agent, row.ja4.as_bytes());
            (row.name.clone(), (by_tls, headers_contradict(&agent, &row)))
        })
        .collect();
    let expected = [
        // OpenSSL's default is anybody's; that a Chrome says nothing about itself is not.
        ("as-chrome@curl", (false, true)),
        ("fetch-as-chrome@js-new-on-node", (true, true)),
        // Has Chrome's TLS, and sends what Chrome sends.
        ("impersonate-as-openai@curl-cffi", (true, true)),
        // Sends all that the SDK sends.
        ("relay@go-new", (true, false)),
        ("requests-as-chrome@python-new", (true, true)),
    ];
    let expected = expected.map(|(name, found)| (name.to_owned(), found));
    assert_eq!(found, BTreeMap::from(expected));
}

#[test]
fn every_agent_with_the_tls_of_every_other() {
    let rows: Vec<(Client, Row)> = measured().filter(|(client, _)| !client.spoof).collect();
    let (mut contradictions, mut silences) = (0, 0);
    for (client, row) in &rows {
        let Some(agent) = agent_of(row) else {
            continue;
        };
        for (other, shown) in &rows {
            let library = library(other, shown);
            let expected = may_run_on(client.family)
                .is_some_and(|libraries| library != OPENSSL && !libraries.contains(&library));
            assert_eq!(
                known::contradicts_ja4(&agent, shown.ja4.as_bytes()),
                expected,
                "{} with the TLS of {}, {}",
                row.name,
                shown.name,
                shown.ja4
            );
            if expected {
                contradictions += 1;
            } else {
                silences += 1;
            }
        }
    }
    assert!(
        contradictions > 5_000 && silences > 1_000,
        "{contradictions} contradictions, {silences} silences"
    );
}

#[test]
fn one_program_has_one_shape_wherever_it_runs() {
    let rows: BTreeMap<String, Row> = read()
        .into_iter()
        .map(|row| (row.name.clone(), row))
        .collect();
    for same in [
        &[
            "openai@python-new",
            "openai@python-313",
            "openai-async@python-new",
        ][..],
        &[
            "openai@js-new-on-node",
            "openai@js-new-on-node-22",
            "openai@js-year-on-node-24",
        ],
        &["requests@python-new", "requests@python-old"],
        &["http1@go", "http1@go-new"],
        &["https@js-new-on-node", "https@js-old-on-node-18"],
    ] {
        let shapes: BTreeSet<u64> = same.iter().map(|name| shape_of(&rows[*name])).collect();
        assert_eq!(shapes.len(), 1, "{same:?}");
    }
    let distinct: BTreeSet<u64> = [
        "openai@python-new",
        "openai@js-new-on-node",
        "openai@js-new-on-bun",
        "anthropic@python-new",
        "google@python-new",
        "requests@python-new",
        "httpx@python-new",
        "aiohttp@python-new",
        "fetch@js-new-on-node",
        "http1@go",
        "http1@curl",
        "http1@rust",
        "fetch@chromium",
        "fetch@firefox",
    ]
    .iter()
    .map(|name| shape_of(&rows[*name]))
    .collect();
    assert_eq!(distinct.len(), 14);
}

/// Whose handshake a client's is.
fn library(client: &Client, row: &Row) -> &'static str {
    if row.ja4.contains("_e8f1e7e78f70_") {
        return OPENSSL;
    }
    let imitates = |browser: &str| client.scene.contains(browser);
    match client.via {
        Via::Python(_) if imitates("firefox") => "firefox",
        Via::Python(_) if imitates("safari") => "apple",
        Via::Python(_) if imitates("chrome") || imitates("edge") => "chromium",
        Via::Python(_) => "python",
        Via::Node(..) => "node",
        Via::Bun(_) => "bun",
        // Deno is on rustls too.
        Via::Deno(_) | Via::Rust => "rustls",
        Via::Go(_) => "go",
        Via::Java => "java",
        Via::Chromium => "chromium",
        Via::Firefox => "firefox",
        Via::Curl => "curl's own",
    }
}

/// OpenSSL with its default ciphers: curl, reqwest with `native-tls`, Python before 3.10, and who knows who else.
const OPENSSL: &str = "openssl";

/// On which of these a family runs; `None` if nobody has looked.
fn may_run_on(family: &str) -> Option<&'static [&'static str]> {
    Some(match family {
        "openai-python"
        | "anthropic-python"
        | "google-genai-python"
        | "python-requests"
        | "python-httpx"
        | "python-urllib"
        | "aiohttp" => &["python"],
        "openai-js" | "anthropic-js" | "google-genai-js" => {
            &["node", "bun", "rustls", "chromium", "firefox", "apple"]
        }
        "node" => &["node"],
        "node-fetch" | "axios" => &["node", "bun", "rustls"],
        "bun" => &["bun"],
        "deno" | "reqwest" => &["rustls"],
        "curl" => &["bun", "rustls", "apple"],
        "go-http-client" => &["go"],
        "chrome" | "headless-chrome" | "edge" => &["chromium"],
        "firefox" => &["firefox"],
        "safari" => &["apple"],
        _ => return None,
    })
}

const BROWSERS: &[&str] = &["chrome", "headless-chrome", "edge", "firefox", "safari"];

fn measured() -> impl Iterator<Item = (Client, Row)> {
    let rows = read();
    clients().into_iter().filter_map(move |client| {
        let name = client.name();
        let row = rows.iter().find(|row| row.name == name)?;
        Some((client, row.clone()))
    })
}

struct Nowhere;

impl Attributes for Nowhere {
    fn source(&self) -> Option<IpAddr> {
        None
    }

    fn property(&self, _: &[String]) -> Option<Vec<u8>> {
        None
    }
}

fn with_exchange<T>(row: &Row, look: impl FnOnce(&Exchange<'_>) -> T) -> T {
    look(&Exchange {
        method: row.method.as_bytes(),
        path: b"/v1/chat/completions",
        query: b"",
        headers: &row.borrowed(),
        model: Model::Absent,
        foreseen: Foreseen::default(),
        attributes: &Nowhere,
    })
}

fn agent_of(row: &Row) -> Option<Agent> {
    with_exchange(row, agent::of)
}

fn headers_contradict(agent: &Agent, row: &Row) -> bool {
    with_exchange(row, |exchange| known::contradicts_headers(agent, exchange))
}

fn shape_of(row: &Row) -> u64 {
    with_exchange(row, |exchange| {
        shape::of(exchange, SipHasher13::new_with_keys(1, 2))
    })
}
