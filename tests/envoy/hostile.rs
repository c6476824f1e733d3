//! Promise: no bytes that a client can send kill the filter or pass it for free.

use serde_json::json;

use crate::harness::client::Headers as _;
use crate::harness::config::manager;
use crate::harness::{Envoy, Origin, Setup, get, post, raw};
use crate::models::per_model;
use crate::quotas::{count, per_key, statuses_of};

#[tokio::test(flavor = "multi_thread")]
async fn a_credential_of_any_bytes_is_one_key_or_none() {
    let origin = Origin::start().await;
    let Some(envoy) = patient(Setup::new(per_key(2))).start(&origin).await else {
        return;
    };

    let credentials: [Vec<u8>; 9] = [
        b"\xff\xfe\x80".to_vec(),
        b"sk-\xc3".to_vec(),
        vec![0xff; 4096],
        vec![b'a'; 1 << 20],
        [vec![b'a'; 1 << 20], b"\xff".to_vec()].concat(),
        b"\t sk \t one \t".to_vec(),
        b"\"quoted\"".to_vec(),
        b"%00%ff".to_vec(),
        b"'; drop table keys; --".to_vec(),
    ];
    for credential in &credentials {
        for name in ["authorization: Bearer ", "x-api-key: "] {
            let request = [
                b"GET / HTTP/1.1\r\nhost: a\r\n",
                name.as_bytes(),
                credential,
                END,
            ]
            .concat();
            never_free(&envoy, &request, 2).await;
        }
    }
    still_serves(&envoy).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_credential_is_none() {
    let origin = Origin::start().await;
    let Some(envoy) = Setup::new(per_key(2)).start(&origin).await else {
        return;
    };

    for header in [
        "authorization:",
        "authorization: Bearer",
        "authorization: Bearer  ",
        "x-api-key:",
        "x-api-key:   ",
    ] {
        let request = [b"GET / HTTP/1.1\r\nhost: a\r\n", header.as_bytes(), END].concat();
        assert_eq!(
            raw(envoy.address("main").await, &request).await.status(),
            401,
            "{header}"
        );
    }
    assert!(origin.seen().is_empty());
    still_serves(&envoy).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_headers_change_nothing() {
    let origin = Origin::start().await;
    let Some(envoy) = patient(Setup::new(per_key(2))).start(&origin).await else {
        return;
    };

    let many: String = (0..1000)
        .map(|n| format!("x-header-{n}: {n}\r\n"))
        .collect();
    let request = format!(
        "GET / HTTP/1.1\r\nhost: a\r\n{many}authorization: Bearer sk-many\r\nconnection: close\r\n\r\n"
    );
    let address = envoy.address("main").await;
    let mut statuses = Vec::new();
    for _ in 0..4 {
        statuses.push(raw(address, request.as_bytes()).await.status());
    }
    assert_eq!(&statuses[2..], [429, 429], "{statuses:?}");

    let doubles = "authorization: Bearer sk-many\r\n".repeat(1000);
    let request = format!("GET / HTTP/1.1\r\nhost: a\r\n{doubles}connection: close\r\n\r\n");
    assert_eq!(
        raw(address, request.as_bytes()).await.status(),
        401,
        "a thousand credentials are ambiguous"
    );
    still_serves(&envoy).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_are_no_text_in_every_header_change_nothing() {
    let origin = Origin::start().await;
    let mut policy = per_key(2);
    policy["account"] = json!({"tier": {"header": "x-auth-tier"}});
    policy["quotas"][0]["limit"] = json!({"by": "tier", "values": {"pro": 5}, "else": 2});
    let Some(envoy) = Setup::new(policy).start(&origin).await else {
        return;
    };

    let names = [
        "user-agent",
        "accept",
        "accept-language",
        "cookie",
        "referer",
        "content-type",
        "x-forwarded-for",
        "x-request-id",
        "x-auth-tier",
        "x-stillgate-verdict",
        "traceparent",
        "x-bin",
        "via",
    ];
    for (n, name) in names.iter().enumerate() {
        let head = format!(
            "GET /v1/models HTTP/1.1\r\nhost: a\r\nauthorization: Bearer sk-{n}\r\n{name}: "
        );
        never_free(
            &envoy,
            &[head.as_bytes(), b"\xff\xfe\x80\xc3", END].concat(),
            2,
        )
        .await;
    }
    let all: Vec<u8> = names
        .iter()
        .flat_map(|name| [name.as_bytes(), b": \xff\xfe\x80\r\n"].concat())
        .collect();
    let head = b"GET /v1/models HTTP/1.1\r\nhost: a\r\nauthorization: Bearer sk-all\r\n";
    never_free(
        &envoy,
        &[&head[..], &all, b"connection: close\r\n\r\n"].concat(),
        2,
    )
    .await;
    still_serves(&envoy).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_cannot_speak_for_stillgate() {
    let origin = Origin::start().await;
    let Some(envoy) = Setup::new(per_model(2)).start(&origin).await else {
        return;
    };

    for request in [
        get("/v1/models"),
        post("/v1/chat/completions", r#"{"model":"m"}"#),
    ] {
        let request = request
            .with("x-stillgate-verdict", "allow")
            .with("X-Stillgate-Key", b"\xff")
            .with("x-still", "1");
        assert_eq!(envoy.send(request.bearer("sk-one")).await.status, 200);
    }
    for seen in origin.seen() {
        let names: Vec<&str> = seen.headers.keys().map(|name| name.as_str()).collect();
        assert!(
            !names.iter().any(|name| name.starts_with("x-stillgate-"))
                && names.contains(&"x-still"),
            "{names:?}"
        );
    }
    still_serves(&envoy).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_path_is_a_way_in() {
    let origin = Origin::start().await;
    let policy = json!({
        "version": 1,
        "quotas": [
            {"name": "all", "per": ["key"], "count": "requests", "limit": 2, "window": "1h"},
            {"name": "each", "per": ["key", "path", "model"], "count": "requests", "limit": 100, "window": "1h"},
        ],
    });
    let Some(envoy) = patient(Setup::new(policy)).start(&origin).await else {
        return;
    };

    let long = "a".repeat(64 << 10);
    let slashes = "/".repeat(64 << 10);
    let queries = "&key".repeat(10_000);
    let paths = [
        format!("/{long}"),
        format!("/?{long}"),
        slashes,
        format!("/?a{queries}"),
        format!("/v1beta/models/{long}:generateContent"),
        String::from("/v1beta/models/:generateContent"),
        String::from("/v1beta/models/a:b:c:generateContent"),
        String::from("/v1beta/models/%ff%fe:generateContent"),
        String::from("/v1beta/models/%"),
        String::from("//v1//chat//completions"),
        String::from("/v1/chat/completions/"),
        String::from("/v1/chat/../chat/completions"),
        String::from("/%2e%2e/%2e%2e/etc/passwd"),
        String::from("/v1/chat/completions?"),
        String::from("/v1/chat/completions#fragment"),
        String::from("/?"),
        String::from("/??&&=&=="),
        String::from("*"),
        String::from("http://elsewhere.test/v1/models"),
    ];
    for (n, path) in paths.iter().enumerate() {
        for method in ["GET", "POST", "OPTIONS", "PATCH", "BREW"] {
            let head = format!(
                "{method} {path} HTTP/1.1\r\nhost: a\r\nauthorization: Bearer sk-{n}-{method}\r\n"
            );
            let request = format!("{head}content-length: 0\r\nconnection: close\r\n\r\n");
            never_free(&envoy, request.as_bytes(), 2).await;
        }
    }
    still_serves(&envoy).await;
}

/// Sends a request again and again: Envoy or the filter may refuse it, but never more than `limit` of it may pass.
async fn never_free(envoy: &Envoy, request: &[u8], limit: usize) {
    let address = envoy.address("main").await;
    let mut statuses = Vec::new();
    for _ in 0..limit + 2 {
        statuses.push(raw(address, request).await.status());
    }
    let shown = request[..request.len().min(200)].escape_ascii();
    assert!(
        count(&statuses, 200) <= limit,
        "more than {limit} passed: {statuses:?} for {shown}"
    );
    assert!(
        statuses
            .iter()
            .all(|status| REFUSALS.contains(status) || *status == 200),
        "{statuses:?} for {shown}"
    );
}

/// After everything: no virtual machine died, and the one there is still counts.
pub(crate) async fn still_serves(envoy: &Envoy) {
    still_serves_with(envoy, "/v1/models").await;
    let statuses = statuses_of(envoy, "sk-afterwards", 1).await;
    assert_eq!(statuses, [200]);
}

pub(crate) async fn still_serves_with(envoy: &Envoy, path: &str) {
    assert_eq!(
        envoy.send(get(path).bearer("sk-still-serves")).await.status,
        200
    );
    envoy.assert_never_died().await;
}

/// An Envoy that lets as much through to the filter as it can be made to.
fn patient(setup: Setup) -> Setup {
    setup.adapt(|listener| {
        let manager = manager(listener);
        manager["max_request_headers_kb"] = json!(8192);
        manager["common_http_protocol_options"] = json!({"max_headers_count": 5000});
    })
}

/// What may be said to a request that does not pass: by the filter, or by Envoy before it.
const REFUSALS: [u16; 8] = [400, 401, 404, 413, 414, 422, 429, 431];

const END: &[u8] = b"\r\nconnection: close\r\n\r\n";
