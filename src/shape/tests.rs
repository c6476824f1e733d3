use core::net::IpAddr;

use proptest::prelude::*;
use siphasher::sip::SipHasher13;

use super::*;
use crate::exchange::{Attributes, Foreseen, Model};

struct Nowhere;

impl Attributes for Nowhere {
    fn source(&self) -> Option<IpAddr> {
        None
    }

    fn property(&self, _: &[String]) -> Option<Vec<u8>> {
        None
    }
}

fn shape<'a>(names: impl IntoIterator<Item = &'a [u8]>) -> u64 {
    let headers: Vec<(&[u8], &[u8])> = names.into_iter().map(|name| (name, &b"x"[..])).collect();
    let exchange = Exchange {
        method: b"POST",
        path: b"/",
        query: b"",
        headers: &headers,
        model: Model::Absent,
        foreseen: Foreseen::default(),
        attributes: &Nowhere,
    };
    of(&exchange, SipHasher13::new_with_keys(1, 2))
}

fn words(names: &str) -> u64 {
    shape(names.split_whitespace().map(str::as_bytes))
}

const OPENAI_PYTHON: &str = "accept-encoding authorization accept content-type user-agent x-stainless-lang \
    x-stainless-package-version x-stainless-os x-stainless-arch x-stainless-runtime x-stainless-runtime-version \
    x-stainless-async";

#[test]
fn names_and_their_order_make_the_shape() {
    assert_eq!(words("accept user-agent"), words("accept user-agent"));
    assert_ne!(words("accept user-agent"), words("user-agent accept"));
    assert_ne!(words("accept user-agent"), words("accept"));
    assert_ne!(words("accept"), words(""));
    assert_ne!(words("ab c"), words("a bc"));
    assert_ne!(words("abc"), words("ab c"));
}

#[test]
fn what_proxies_add_is_not_the_clients() {
    for added in [
        ":method",
        ":authority",
        "host",
        "connection",
        "te",
        "content-length",
        "transfer-encoding",
        "cookie",
        "x-forwarded-for",
        "x-forwarded-proto",
        "x-forwarded-client-cert",
        "forwarded",
        "via",
        "x-real-ip",
        "x-request-id",
        "x-envoy-external-address",
        "x-envoy-expected-rq-timeout-ms",
        "x-stillgate-verdict",
        "x-amzn-trace-id",
        "x-amz-cf-id",
        "cloudfront-viewer-country",
        "cf-connecting-ip",
        "cf-ipcountry",
        "cdn-loop",
        "true-client-ip",
        "traceparent",
        "tracestate",
        "baggage",
        "b3",
        "x-b3-traceid",
        "priority",
        "if-none-match",
        "range",
        "idempotency-key",
        "x-stainless-retry-count",
        "x-stainless-read-timeout",
        "proxy-connection",
    ] {
        for place in 0..3 {
            let mut names = vec!["accept", "user-agent"];
            names.insert(place, added);
            assert_eq!(
                words(&names.join(" ")),
                words("accept user-agent"),
                "{added}"
            );
        }
    }
    for own in [
        "x-goog-api-client",
        "x-forward",
        "hosts",
        "x-api-key",
        "iffy",
        "x-stainless-lang",
        "sec-fetch-mode",
    ] {
        assert_ne!(words(own), words(""), "{own}");
    }
}

#[test]
fn one_client_has_one_shape_with_and_without_a_proxy() {
    let through = format!(
        "x-forwarded-for {OPENAI_PYTHON} x-stainless-retry-count x-forwarded-proto x-request-id"
    );
    assert_eq!(words(OPENAI_PYTHON), words(&through));
}

#[test]
fn a_header_in_many_lines_is_one_header() {
    let many = vec![&b"x-a"[..]; 500];
    assert_eq!(shape(many), words("x-a"));
    assert_eq!(words("x-a x-a via x-a accept"), words("x-a accept"));
    assert_ne!(words("x-a accept x-a"), words("x-a accept"));
}

#[test]
fn of_more_than_64_names_it_counts_that_there_are_more() {
    let names: Vec<String> = (0..100).map(|number| format!("x-{number}")).collect();
    let first = |count: usize| shape(names[..count].iter().map(String::as_bytes));
    assert_ne!(first(63), first(64));
    assert_ne!(first(64), first(65));
    assert_eq!(first(65), first(100));
}

#[test]
fn odd_names_have_shapes_too() {
    let long = vec![b'x'; 65_536];
    assert_ne!(shape([&long[..]]), shape([&long[1..]]));
    assert_ne!(shape([&b""[..], b"a"]), shape([&b"\0"[..], b"a"]));
    let mut forwarded = b"x-forwarded-".to_vec();
    forwarded.extend(&long);
    assert_eq!(shape([&forwarded[..]]), words(""));
}

proptest! {
    #[test]
    fn what_a_proxy_adds_anywhere_changes_no_shape(
        names in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..70), 0..60),
        place in 0_usize..60,
    ) {
        let mut added = names.clone();
        added.insert(place.min(names.len()), b"x-forwarded-for".to_vec());
        prop_assert_eq!(
            shape(names.iter().map(Vec::as_slice)),
            shape(added.iter().map(Vec::as_slice))
        );
    }
}
