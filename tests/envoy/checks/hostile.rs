//! Nothing that a client can send kills a virtual machine or gets another verdict than what it shows.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::{Value, json};

use super::{decisions, policy};
use crate::harness::config::{manager, route};
use crate::harness::{Envoy, Setup, raw};
use crate::hostile::still_serves;

/// Every trait that a request can be asked for, and a list that finds whoever has the organisation.
fn everything() -> Value {
    let distinct = |name: &str, per: &[&str], of: &str| json!({"name": name, "per": per, "distinct": of, "limit": 100_000, "window": "1h", "then": "deny"});
    let mut policy = policy(json!([
        {"name": "org", "trait": "org", "in": ["acme"], "then": "tag"},
        {"name": "scanner", "trait": "agent", "in": ["scanner*", "*-scanner/*"], "then": "deny"},
        {"name": "ja4", "trait": "ja4", "in": ["t13d*_8daaf6152771_*"], "then": "deny"},
        {"name": "country", "trait": "country", "in": ["KP"], "then": "deny"},
        {"name": "asn", "trait": "asn", "in": ["AS64512"], "then": "deny"},
        {"name": "by-tls", "contradiction": ["agent", "ja4"], "then": "tag"},
        {"name": "by-shape", "contradiction": ["agent", "shape"], "then": "tag"},
        distinct("shapes", &["key"], "shape"),
        distinct("agents", &["network"], "agent"),
        distinct("farm", &["network", "shape", "agent", "ja4", "ja3", "country", "asn", "org", "path", "method"], "key"),
    ]));
    policy["traits"] = json!({
        "ja4": {"header": "x-lb-ja4"}, "ja3": {"header": "x-lb-ja3"},
        "country": {"header": "x-lb-country"}, "asn": {"header": "x-lb-asn"},
    });
    policy
}

/// An Envoy that lets as much through to the filter as it can be made to, and answers by itself: no origin takes so much.
async fn patient() -> Option<Envoy> {
    let setup = Setup::new(everything()).adapt(|listener| {
        let route = route(listener);
        route.as_object_mut().expect("a route").remove("route");
        route["direct_response"] = json!({"status": 200});
        let manager = manager(listener);
        manager["max_request_headers_kb"] = json!(8192);
        manager["common_http_protocol_options"] = json!({"max_headers_count": 5000});
    });
    setup
        .start_before(SocketAddr::from(([127, 0, 0, 1], 1)))
        .await
}

/// Sends headers as they are, and returns the status and the checks that found something; those are none where Envoy refuses the
/// request by itself.
async fn send(envoy: &Envoy, headers: &[u8]) -> (u16, String) {
    let (status, record) = send_and_read(envoy, headers).await;
    let found = record["checks"].as_array().into_iter().flatten();
    let names: Vec<&str> = found.filter_map(|found| found["rule"].as_str()).collect();
    (status, names.join(","))
}

/// The same with the whole record.
async fn send_and_read(envoy: &Envoy, headers: &[u8]) -> (u16, Value) {
    static SENT: AtomicU32 = AtomicU32::new(0);
    let tag = format!("sent-{}", SENT.fetch_add(1, Ordering::Relaxed));
    let head = format!(
        "GET /v1/models HTTP/1.1\r\nhost: a\r\nauthorization: Bearer sk-one\r\nx-test-tag: {tag}\r\n"
    );
    let request = [head.as_bytes(), headers, b"connection: close\r\n\r\n"].concat();
    let status = raw(envoy.address("main").await, &request).await.status();
    if status == 400 {
        return (status, Value::Null);
    }
    (status, decisions(envoy, &tag, 1).await.swap_remove(0))
}

#[tokio::test(flavor = "multi_thread")]
async fn no_user_agent_is_too_short_too_long_or_too_odd() {
    let Some(envoy) = patient().await else {
        return;
    };
    let long = |byte: u8| vec![byte; 64 << 10];
    let with = |start: &[u8], rest: Vec<u8>| [start, &rest].concat();
    let agents: Vec<(Vec<u8>, u16, &str)> = vec![
        (vec![], 200, ""),
        (b"   ".to_vec(), 200, ""),
        (b"/".to_vec(), 200, ""),
        (b"///////".to_vec(), 200, ""),
        (b"\xff\xfe\x80".to_vec(), 200, ""),
        (b"(((((;;;;,,,,".to_vec(), 200, ""),
        (b"Mozilla/5.0".to_vec(), 200, ""),
        (b"Mozilla/5.0 (".to_vec(), 200, ""),
        (b"Mozilla/5.0 ( Chrome/ Safari/".to_vec(), 200, ""),
        (b"Mozilla/5.0 Chrome/99999999999999999999".to_vec(), 200, ""),
        (b"Python/3.11 aiohttp/".to_vec(), 200, ""),
        (b"google-genai-sdk/".to_vec(), 200, ""),
        (b"google-genai-sdk/1 gl-python/".to_vec(), 200, "by-shape"),
        (b"OpenAI/Python".to_vec(), 200, ""),
        (long(b'a'), 200, ""),
        (long(b'/'), 200, ""),
        (long(0xff), 200, ""),
        (with(b"Mozilla/5.0 ", long(b'(')), 200, ""),
        (with(b"Mozilla/5.0 (", b" Chrome/1".repeat(7_000)), 200, ""),
        // What is looked at is its beginning, and there it says what it is.
        (with(b"scanner/1.0 ", long(b'x')), 403, "scanner"),
        (with(b"big-Scanner/2 ", long(b' ')), 403, "scanner"),
        (with(b"OpenAI/Python 1.40.0 ", long(b'x')), 200, "by-shape"),
    ];
    for (agent, status, found) in agents {
        let header = [b"user-agent: ", &agent[..], b"\r\n"].concat();
        let shown = agent[..agent.len().min(60)].escape_ascii().to_string();
        let expected = (status, found.to_owned());
        assert_eq!(
            send(&envoy, &header).await,
            expected,
            "{shown}, {} bytes",
            agent.len()
        );
    }
    assert_eq!(
        send(&envoy, b"").await,
        (200, String::new()),
        "and none at all"
    );
    // Envoy joins several to one, of which the first is looked at.
    let twice = b"user-agent: curl/8.0\r\nuser-agent: scanner/1\r\n";
    assert_eq!(send(&envoy, twice).await, (200, String::new()));
    still_serves(&envoy).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn five_hundred_headers_of_one_name_are_one_in_a_shape() {
    let Some(envoy) = patient().await else {
        return;
    };
    // Who says to be OpenAI's SDK and is not has its shape written down.
    let shape = async |headers: &[u8]| {
        let headers = [b"user-agent: OpenAI/Python 1.40.0\r\n", headers].concat();
        let (status, record) = send_and_read(&envoy, &headers).await;
        assert_eq!((status, &record["rule"]), (200, &json!("by-shape")));
        let shape = record["traits"]["shape"].clone();
        assert_eq!(shape.as_str().map(str::len), Some(16), "{shape}");
        shape
    };
    let none = shape(b"").await;
    let one = shape(b"x-same: 1\r\n").await;
    let many = shape(&b"x-same: 1\r\n".repeat(500)).await;
    let upper = shape(&b"X-SAME: another\r\n".repeat(500)).await;
    let (mixed, other) = (
        shape(&b"x-same: 1\r\nx-other: 2\r\n".repeat(250)).await,
        shape(b"y-same: 1\r\n").await,
    );
    assert_ne!(none, one);
    assert_eq!([&many, &upper], [&one, &one]);
    assert!(mixed != one && other != one && mixed != other);

    for headers in [
        (0..4_000)
            .map(|n| format!("x-{n}: {n}\r\n"))
            .collect::<String>()
            .into_bytes(),
        b"user-agent: curl/8.0\r\n".repeat(500),
        b"x-lb-ja4: t13d1516h2_8daaf6152771_02713d6af862\r\n".repeat(500),
        b"x-stillgate-verdict: deny\r\n".repeat(500),
        b"x-stainless-lang: python\r\n".repeat(500),
    ] {
        let shown = headers[..20].escape_ascii().to_string();
        assert_eq!(
            send(&envoy, &headers).await,
            (200, String::new()),
            "{shown}"
        );
    }
    let found = [&b"x-auth-org: acme\r\n"[..], &b"x-same: 1\r\n".repeat(500)].concat();
    assert_eq!(send(&envoy, &found).await, (200, String::from("org")));
    still_serves(&envoy).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn odd_names_and_bytes_are_as_good_as_any() {
    let Some(envoy) = patient().await else {
        return;
    };
    let long = vec![b'n'; 30_000];
    for name in [
        &b"!#$%&'*+-.^_`|~"[..],
        b"~",
        b"-",
        b"--------------------------------------",
        b"x-stillgate",
        b"x-forwarded",
        b"x_auth_org",
        b"X-Auth-Org-",
        b"1234567890",
        &long,
    ] {
        let header = [name, b": \xff\x01\x80 acme\r\n"].concat();
        // A control byte is Envoy's to refuse, before the filter.
        let status = send(&envoy, &header).await.0;
        assert!(
            [200, 400].contains(&status),
            "{status} {}",
            name.escape_ascii()
        );
        let header = [name, b": \xff\xfe\x80\xc3( acme\r\nx-auth-org: acme\r\n"].concat();
        let (status, found) = send(&envoy, &header).await;
        let shown = &name[..name.len().min(60)].escape_ascii();
        assert_eq!((status, found.as_str()), (200, "org"), "{shown}");
    }
    for header in [
        &b"n\xc3\xa4me: 1\r\n"[..],
        b"\xff: 1\r\n",
        b"a b: 1\r\n",
        b": 1\r\n",
        b"a\0b: 1\r\n",
        b"a: 1\0\r\n",
    ] {
        assert_eq!(
            send(&envoy, header).await,
            (400, String::new()),
            "{}",
            header.escape_ascii()
        );
    }
    // Where the policy looks for a trait: bytes that are none of it are absent, or a value like any other.
    for name in [
        "x-auth-org",
        "x-lb-ja4",
        "x-lb-ja3",
        "x-lb-country",
        "x-lb-asn",
        "user-agent",
        "x-stainless-lang",
        "x-goog-api-client",
        "sec-ch-ua",
        "accept-language",
    ] {
        for value in [
            &b"\xff\xfe\x80"[..],
            b"",
            b"*",
            b"\xf0\x9f\x92\xa9",
            &[b'9'; 60_000],
        ] {
            let header = [name.as_bytes(), b": ", value, b"\r\n"].concat();
            let (status, found) = send(&envoy, &header).await;
            assert_eq!(
                (status, found),
                (200, String::new()),
                "{name}: {}",
                value[..value.len().min(9)].escape_ascii()
            );
        }
    }
    still_serves(&envoy).await;
}
