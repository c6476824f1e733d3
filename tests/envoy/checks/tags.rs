//! Tags: the origin learns what was found from Stillgate alone, and a refused request reaches no origin.

use serde_json::{Value, json};

use super::{ask, gate, policy, told};
use crate::harness::client::{Headers as _, Request, post_with_trailers};
use crate::harness::config::manager;
use crate::harness::{Origin, Setup, Wire, post, raw};
use crate::quotas::REQUESTS;
use crate::shadow::{Named, SHADOW, changes_nothing};

/// Two checks that find everybody with such an organisation, one that needs the body, and one that refuses.
fn checks() -> Value {
    policy(json!([
        {"name": "first", "trait": "org", "in": ["acme*"], "then": "tag"},
        {"name": "trial", "trait": "org", "in": ["acme*"], "then": "deny", "mode": "shadow"},
        {"name": "second", "trait": "model", "in": ["big"], "then": "tag"},
        {"name": "third", "trait": "org", "in": ["acme-evil"], "then": "deny"},
    ]))
}

/// What a client says that would speak for Stillgate.
fn boasting(request: Request) -> Request {
    request
        .with("x-stillgate-verdict", "allow")
        .with("x-stillgate-verdict", "tag")
        .with("X-Stillgate-Checks", "none,of,these")
        .with("x-STILLGATE-anything-else", b"\xff\xfe")
        .with("x-stillgate-", "")
        .with("x-stillgat", "stays")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_origin_learns_what_was_found_and_only_from_us() {
    let origin = Origin::start().await;
    let Some(envoy) = gate(checks()).workers(2).start(&origin).await else {
        return;
    };
    let chat = |model: &str| {
        let body =
            json!({"messages": [{"role": "user", "content": "x".repeat(70_000)}], "model": model});
        post("/v1/chat/completions", body.to_string()).bearer("sk-one")
    };
    let trailing =
        || post_with_trailers("/v1/chat/completions", r#"{"model": "big"}"#).bearer("sk-one");
    for (listener, wire) in [
        ("main", Wire::H1),
        ("main", Wire::H2),
        ("tls", Wire::TlsH1),
        ("tls", Wire::TlsH2),
    ] {
        let mut cases = vec![
            (ask("sk-one"), None),
            (ask("sk-one").with("x-auth-org", "acme"), Some("first")),
            (chat("small"), None),
            (chat("big"), Some("second")),
            (chat("big").with("x-auth-org", "acme"), Some("first,second")),
        ];
        if matches!(wire, Wire::H2 | Wire::TlsH2) {
            cases.push((trailing(), Some("second")));
        }
        for (request, expected) in cases {
            let what = format!("{wire:?} {} {expected:?}", request.method());
            let mut connection = envoy.connect_to(listener, wire).await;
            assert_eq!(
                connection.send(boasting(request)).await.status,
                200,
                "{what}"
            );
            let seen = origin.seen();
            let seen = seen.last().expect("a request");
            assert_eq!(told(seen), expected, "{what}");
            let ours = seen
                .headers
                .keys()
                .filter(|name| name.as_str().starts_with("x-stillgate"));
            assert_eq!(
                ours.count(),
                expected.map_or(0, |_| 2),
                "{:?}",
                seen.headers
            );
            assert_eq!(seen.headers["x-stillgat"], "stays");
        }
    }
    envoy.assert_never_died().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_origin_of_an_upgrade_learns_it_too() {
    let origin = Origin::start().await;
    let setup = Setup::new(checks()).adapt(|listener| {
        manager(listener)["upgrade_configs"] = json!([{"upgrade_type": "websocket"}]);
    });
    let Some(envoy) = setup.start(&origin).await else {
        return;
    };
    let address = envoy.address("main").await;
    // Its model, which no request of this kind says, is held to be the one that the second check looks for.
    for (org, tags) in [("acme", Some("first,second")), ("other", Some("second"))] {
        let request = format!(
            "GET /v1/realtime HTTP/1.1\r\nhost: a\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\
             sec-websocket-version: 13\r\nsec-websocket-key: c3RpbGxnYXRlIHRlc3QhIQ==\r\nauthorization: Bearer sk-one\r\n\
             X-StillGate-Verdict: allow\r\nX-Stillgate-Checks: mine\r\nx-auth-org: {org}\r\n\r\n"
        );
        let reply = raw(address, request.as_bytes()).await;
        assert_ne!(
            reply.status(),
            0,
            "the origin does not upgrade, but answers"
        );
        let seen = origin.seen();
        let seen = seen.last().expect("a request");
        assert_eq!(seen.headers["upgrade"], "websocket");
        assert_eq!(told(seen), tags);
    }
    let denied = b"GET / HTTP/1.1\r\nhost: a\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\
        authorization: Bearer sk-one\r\nx-auth-org: acme-evil\r\n\r\n";
    assert_eq!(raw(address, denied).await.status(), 403);
    assert_eq!(origin.seen().len(), 2);
    envoy.assert_never_died().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_reaches_no_origin() {
    let origin = Origin::start().await;
    let Some(envoy) = gate(checks()).start(&origin).await else {
        return;
    };
    let evil = |request: Request| request.bearer("sk-one").with("x-auth-org", "acme-evil");
    let body = json!({"messages": [], "model": "big"}).to_string();
    let mut asked = 0;
    for (path, kind, code) in [
        ("/v1/chat/completions", "permission_error", "access_denied"),
        ("/v1/messages", "permission_error", ""),
        ("/v1beta/models/m:generateContent", "", "403"),
        ("/elsewhere", "about:blank", ""),
    ] {
        for wire in [Wire::TlsH1, Wire::TlsH2] {
            let mut connection = envoy.connect_to("tls", wire).await;
            let reply = connection.send(evil(post(path, body.clone()))).await;
            assert_eq!(reply.status, 403, "{path}");
            let told = reply.json();
            let error = if path == "/elsewhere" {
                &told
            } else {
                &told["error"]
            };
            assert_eq!(error["type"].as_str().unwrap_or_default(), kind, "{told}");
            let found = error
                .get("code")
                .map(|code| code.as_str().map_or(code.to_string(), str::to_owned));
            assert_eq!(found.unwrap_or_default(), code, "{told}");
            asked += 1;
        }
    }
    assert!(origin.seen().is_empty());
    let denied = [("verdict", "deny"), ("reason", "list")];
    envoy.metric_reaches(REQUESTS, &denied, asked).await;
    // What a check in shadow would have done is no more than was done.
    assert_eq!(envoy.metric(SHADOW, &[]).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_in_shadow_changes_nothing_and_tells_nobody() {
    let mut policy = policy(json!([
        {"name": "tagged", "trait": "org", "in": ["acme"], "then": "tag"},
        {"name": "held", "trait": "org", "in": ["acme"], "then": "throttle",
         "quota": {"name": "slow", "per": [], "count": "requests", "limit": 1, "window": "1h"}},
        {"name": "verified", "trait": "model", "in": ["big"], "then": "verify"},
        {"name": "denied", "trait": "agent", "in": ["curl*"], "then": "deny"},
        {"name": "impostor", "contradiction": ["agent", "shape"], "then": "deny"},
        {"name": "farm", "per": ["network"], "distinct": "key", "limit": 1, "window": "1h", "then": "deny"},
    ]));
    policy["mode"] = json!("shadow");
    let Some(envoy) = changes_nothing(policy, &requests(), ANSWER).await else {
        return;
    };
    for (verdict, reason) in [
        ("tag", "list"),
        ("throttle", "quota"),
        ("verify", "list"),
        ("deny", "list"),
        ("deny", "contradiction"),
        ("deny", "distinct"),
    ] {
        let found = envoy
            .metric(SHADOW, &[("verdict", verdict), ("reason", reason)])
            .await;
        assert_eq!(found, 1, "{verdict} {reason}");
    }
}

/// A request that each check would act on: the last is the third key that is seen.
fn requests() -> Vec<Named> {
    let post = |key: &str, headers: &str, body: &str| {
        let length = body.len();
        let head = format!(
            "POST /v1/chat/completions HTTP/1.1\r\nHost: gate.test\r\nAuthorization: Bearer {key}\r\n"
        );
        format!("{head}{headers}X-Stillgate-Checks: mine\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}").into_bytes()
    };
    let json = "Content-Type: application/json\r\n";
    vec![
        ("nothing", post("sk-one", "", SMALL)),
        ("tagged", post("sk-one", "X-Auth-Org: acme\r\n", SMALL)),
        ("held", post("sk-one", "X-Auth-Org: acme\r\n", SMALL)),
        ("verified", post("sk-one", json, r#"{"model": "big"}"#)),
        ("denied", post("sk-one", "User-Agent: Curl/8.0\r\n", SMALL)),
        (
            "impostor",
            post(
                "sk-one",
                "User-Agent: OpenAI/Python 1.40.0\r\nX-Stainless-Lang: js\r\n",
                SMALL,
            ),
        ),
        ("another key", post("sk-two", "", SMALL)),
        ("a farm", post("sk-three", "", SMALL)),
    ]
}

/// A body that names a model of no interest.
const SMALL: &str = r#"{"model": "small"}"#;

const ANSWER: &[u8] =
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}";
