//! Promises 7 and 8: nothing panics, nothing leaks.

use std::net::{IpAddr, Ipv6Addr};

use proptest::prelude::*;
use serde_json::{Value, json};
use stillgate::dialect::Dialect;
use stillgate::engine::{Decision, Engine};
use stillgate::estimate::Estimator;
use stillgate::exchange::{Millis, Now};
use stillgate::identity::Secret;
use stillgate::policy::Policy;
use stillgate::store::{Page, Store};
use stillgate::verdict::Verdict;
use stillgate::{record, reply};

use crate::gate::{Gate, Request, START, decide, policy};
use crate::stores::{Fresh, SwapStore, bytes, on_every_store};
use crate::traffic::cases;

on_every_store!(nothing_panics, nothing_leaks);

/// Checks that look at every trait, each by itself and all together; most of them only tag.
fn checks() -> Vec<Value> {
    let mut checks = Vec::new();
    for of in ["path", "method", "model", "agent", "ja4", "org", "tier"] {
        checks.push(json!({"trait": of, "in": if of == "method" { json!("*") } else { json!({"list": "all"}) }}));
    }
    for (of, entry) in [
        ("key", "0123456789abcdef"),
        ("shape", "0123456789abcdef"),
        ("country", "NL"),
        ("asn", "64512"),
        ("ja3", "e7d705a3286e19ea42f587b344ee6865"),
    ] {
        checks.push(json!({"trait": of, "in": entry, "absent": "match", "mode": "shadow"}));
    }
    checks.push(json!({"trait": "network", "in": {"list": "nets"}, "absent": "match"}));
    checks.push(json!({"contradiction": ["agent", "ja4"]}));
    checks.push(json!({"contradiction": ["agent", "shape"]}));
    let all = [
        "network", "path", "method", "model", "shape", "agent", "ja4", "ja3", "country", "asn",
        "org", "tier",
    ];
    for (place, of) in all.iter().enumerate() {
        let then = ["tag", "tag", "tag", "throttle", "verify", "deny"][place % 6];
        let mut check = json!({"per": ["key"], "distinct": of, "limit": 1 + place * place, "window": "1m", "then": then, "absent": "match"});
        if then == "throttle" {
            check["quota"] = json!({"name": format!("lane-{of}"), "per": all, "count": "tokens", "limit": 5_000, "window": "1m"});
        }
        checks.push(check);
    }
    checks.push(json!({"per": all, "distinct": "key", "limit": 1, "window": "366d", "mode": "shadow", "then": "deny"}));
    for (place, check) in checks.iter_mut().enumerate() {
        check["name"] = json!(format!("check-{place}"));
        if check.get("then").is_none() {
            check["then"] = json!("tag");
        }
    }
    checks
}

/// A policy that looks at everything that there is to look at.
fn curious(mode: &str) -> Value {
    json!({
        "version": 1, "mode": mode, "record": "all", "limits": {"memory": "64KiB", "body": "1KiB"},
        "identity": {"missing": "by_network"},
        "account": {"org": {"header": "x-org"}, "tier": {"property": "metadata.tier"}},
        "traits": {"ja4": {"header": "x-ja4"}, "ja3": {"header": "x-ja3"}, "country": {"header": "x-country"},
            "asn": {"header": "x-asn"}, "network": {"ipv4": 32, "ipv6": 128}},
        "lists": {"all": ["*", "*a*b*"], "nets": ["0.0.0.0/1", "8000::/1", "192.0.2.7"]},
        "verify_url": "https://example.org/verify?\"a\\",
        "checks": checks(),
        "quotas": [
            {"name": "all", "per": ["key", "network", "path", "method", "model", "org", "tier"],
                "count": "requests", "limit": 2, "window": "1m"},
            {"name": "tier", "per": ["org"], "count": "requests", "window": "366d",
                "limit": {"by": "org", "values": {"a": 13, "b": u32::MAX}, "else": 1}},
            {"name": "match", "per": [], "count": "requests", "limit": 40, "window": "1s",
                "match": {"path": ["*a*b*", "/v1/*"], "model": "*", "method": ["POST", "GET"]}},
            {"name": "in-flight", "per": ["key"], "count": "concurrent", "limit": 3, "lease": "5s"},
            {"name": "shadow", "per": ["network"], "count": "requests", "limit": 1, "window": "1h", "mode": "shadow"},
        ]
    })
}

/// Everything that a host does with a decision.
fn print(decision: &Decision, policy: &Policy, path: &[u8], now: Now) -> String {
    let dialect = Dialect::of(path, || false);
    let reply = reply::refusal(decision, dialect, policy, now);
    let fields =
        reply::FAMILIES.map(|family| reply::fields(family, decision, dialect, policy, now));
    let tags = reply::tags(decision, policy);
    format!(
        "{reply:?} {fields:?} {tags:?} {} {decision:?}",
        record::write(decision, policy, None)
    )
}

fn some_bytes(most: usize) -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any::<u8>(), 0..most)
}

/// Bytes in the place of any part, half of the time near what is expected there.
fn request() -> impl Strategy<Value = Request> {
    let near = |known: &'static [&'static [u8]], most| {
        let tail = (prop::sample::select(known), some_bytes(8))
            .prop_map(|(known, tail)| [known, &tail].concat());
        prop_oneof![
            prop::sample::select(known).prop_map(<[u8]>::to_vec),
            tail,
            some_bytes(most)
        ]
    };
    let names: &[&[u8]] = &[
        b"authorization",
        b"x-api-key",
        b"content-type",
        b"content-length",
        b"content-encoding",
        b"x-org",
        b"host",
        b"user-agent",
        b"x-ja4",
        b"x-ja3",
        b"x-country",
        b"x-asn",
        b"x-stainless-lang",
        b"x-stillgate-verdict",
    ];
    let values: &[&[u8]] = &[
        b"Bearer a",
        b"Bearer  ",
        b"application/json",
        b"99999999999999999999",
        b"a",
        b"identity",
        b"OpenAI/Python 1.40.0",
        b"Mozilla/5.0 (X11) AppleWebKit/537.36 Chrome/131.0.0.0 Safari/537.36",
        b"t13d1516h2_8daaf6152771_02713d6af862",
        b"e7d705a3286e19ea42f587b344ee6865",
        b"NL",
        b"AS4294967295",
        b"",
    ];
    let targets: &[&[u8]] = &[
        b"/v1/chat/completions",
        b"/v1/messages?key=%",
        b"/v1beta/models/m:generateContent",
        b"/v1/models/%zz:x?key=a&key=b",
        b"/openai/deployments/",
        b"",
        b"*",
        b"?",
    ];
    let bodies: &[&[u8]] = &[
        br#"{"model": "small"}"#,
        br#"{"model": "\ud800"#,
        b"[[[[",
        b"",
        b"{\"Model\":1,",
    ];
    let header = (near(names, 12), near(values, 40));
    (
        near(&[b"POST", b"GET", b"CONNECT"], 8),
        near(targets, 60),
        prop::collection::vec(header, 0..8),
        near(bodies, 80),
        any::<Option<[u8; 16]>>(),
    )
        .prop_map(|(method, target, headers, body, source)| Request {
            method,
            target,
            headers,
            body,
            source: source.map(|octets| Ipv6Addr::from(octets).into()),
        })
}

fn moment() -> impl Strategy<Value = Millis> {
    prop_oneof![
        4 => (0..100_000u64).prop_map(|since| START + since),
        1 => any::<u64>(),
        1 => Just(0),
        1 => Just(u64::MAX),
    ]
}

fn nothing_panics<S: Fresh>() {
    let step = (request(), moment(), any::<u64>());
    let gates = ["enforce", "shadow"].map(|mode| Gate::<S>::new(&curious(mode)));
    proptest!(cases(96), |(steps in prop::collection::vec(step, 1..40))| {
        for gate in &gates {
            for (request, steady, wall) in &steps {
                let now = Now { steady: *steady, wall: *wall };
                let mut decision = decide(&gate.engine, &gate.estimator, &gate.store, request, now);
                print(&decision, gate.engine.policy(), &request.target, now);
                gate.answer(&mut decision, if *wall % 3 > 0 { 200 } else { 404 }, *steady);
                gate.renew(&mut decision.leases, *wall);
                gate.release(&decision.leases, *steady);
            }
        }
    });
}

/// Pages that others have written, wholly at random or with a beginning that is right.
#[test]
fn no_stored_page_panics() {
    let length = Page::default().as_bytes().len();
    let page = (
        prop::collection::vec(any::<u8>(), length),
        any::<u8>(),
        0..3u8,
    )
        .prop_map(move |(mut bytes, len, kind)| {
            match kind {
                0 => bytes.truncate(length * usize::from(len) / 255),
                1 => bytes[..2].copy_from_slice(&[1, len % 63]),
                _ => bytes[1..].fill(len),
            }
            bytes
        });
    let step = (request(), moment());
    proptest!(cases(64), |(pages in prop::collection::vec(page, 15), steps in prop::collection::vec(step, 1..20))| {
        let gate = Gate::<SwapStore>::new(&curious("enforce"));
        prop_assert_eq!(gate.store.pages() as usize, pages.len());
        for (number, bytes) in pages.into_iter().enumerate() {
            gate.store.corrupt(number as u32, bytes);
        }
        for (request, at) in &steps {
            let mut decision = gate.ask(request, *at);
            print(&decision, gate.engine.policy(), &request.target, Now::at(*at));
            gate.answer(&mut decision, 200, *at);
            gate.renew(&mut decision.leases, *at);
            gate.release(&decision.leases, *at);
        }
    });
}

/// What a client puts where only names and versions are read.
const HIDDEN: &str = "Something.That.Nobody.Reads";

/// Neither credential nor address is in anything that is kept or told, whatever the verdict.
fn nothing_leaks<S: Fresh>() {
    let carriers = |credential: &str| -> Vec<Request> {
        let bare = || Request {
            headers: Vec::new(),
            ..Request::of("")
        };
        let query = format!("/v1/chat/completions?key={credential}");
        vec![
            Request::of(credential),
            bare().with("x-api-key", credential),
            Request {
                target: query.into_bytes(),
                ..bare()
            },
            Request::of(credential).with("x-api-key", "another"),
            Request::of(credential)
                .with("user-agent", &format!("curl/8 ({credential}; {HIDDEN})"))
                .with("cookie", HIDDEN),
            bare(),
        ]
    };
    let octets = any::<[u8; 16]>().prop_filter("too few distinct bytes", |octets| {
        octets[..6].iter().all(|&byte| byte > 0)
    });
    proptest!(cases(48), |(credential in "[A-Za-z0-9]{12,40}", octets in octets, v4 in any::<[u8; 4]>())| {
        let secret = b"a secret that nobody may read";
        for mode in ["enforce", "shadow"] {
            let engine = Engine::new(policy(&curious(mode)), Secret::new(secret));
            let store = S::fresh(64 << 10);
            let sources: [IpAddr; 2] = [octets.into(), v4.into()];
            let mut told = format!("{engine:?}");
            let mut verdicts = Vec::new();
            for request in carriers(&credential).iter().flat_map(|request| [request; 4]) {
                for source in sources {
                    let request = Request { source: Some(source), ..request.clone() };
                    let mut decision = decide(&engine, &Estimator::new(), &store, &request, Now::at(START));
                    told += &format!("{decision:?}");
                    engine.remember(&mut decision.reservation, 200, Now::at(START), &store).unwrap();
                    let path = request.target.split(|&byte| byte == b'?').next().unwrap_or_default();
                    told += &print(&decision, engine.policy(), path, Now::at(START));
                    verdicts.push(decision.verdict);
                }
            }
            let refuses = verdicts.contains(&Verdict::Throttle) && verdicts.contains(&Verdict::Deny);
            prop_assert_eq!(refuses, mode == "enforce", "{:?}", verdicts);
            for text in [&credential, HIDDEN, core::str::from_utf8(secret).unwrap(), &sources[0].to_string()] {
                prop_assert!(!told.contains(text), "{} in {}", text, told);
            }
            // A short address may be part of a number by chance, with its dots it is not.
            prop_assert!(!told.contains(&sources[1].to_string()));
            let stored = bytes(&store);
            for raw in [credential.as_bytes(), HIDDEN.as_bytes(), &octets[..6], secret] {
                prop_assert!(!stored.windows(raw.len()).any(|window| window == raw));
            }
        }
    });
}
