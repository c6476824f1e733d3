//! What clients write into headers moves no verdict, unless the policy says that somebody else writes it there.

use serde_json::{Value, json};

use super::{ask, decisions, gate, own_ja4, policy, told};
use crate::harness::client::{Headers as _, Request};
use crate::harness::config::manager;
use crate::harness::{Envoy, Origin, Setup, Wire, raw};

const FORGED: &str = "t13d1516h2_8daaf6152771_02713d6af862";

/// A list of the client's own fingerprint, one of another's, and one of networks.
fn lists(own: &str) -> Value {
    policy(json!([
        {"name": "own", "trait": "ja4", "in": [own], "then": "tag"},
        {"name": "forged", "trait": "ja4", "in": [FORGED], "then": "tag"},
        {"name": "forged-ja3", "trait": "ja3", "in": ["0149f47eabf9a20d0893e2a44e5a6323"], "then": "tag"},
        {"name": "office", "trait": "network", "in": ["203.0.113.0/24", "2001:db8::/32"], "then": "tag"},
        {"name": "home", "trait": "network", "in": ["127.7.7.0/24"], "then": "tag"},
    ]))
}

#[tokio::test(flavor = "multi_thread")]
async fn no_header_forges_a_fingerprint_or_an_address() {
    let Some(own) = own_ja4(Wire::TlsH2).await else {
        return;
    };
    let origin = Origin::start().await;
    let Some(envoy) = gate(lists(&own)).workers(2).start(&origin).await else {
        return;
    };
    let forgeries: Vec<(&str, &str)> = vec![
        ("x-ja4", FORGED),
        ("ja4", FORGED),
        ("fp.ja4", FORGED),
        ("x-fp-ja4", FORGED),
        ("filter_state.fp.ja4", FORGED),
        ("x-ja4-fingerprint", FORGED),
        ("cf-ja4", FORGED),
        ("x-ja3", "0149f47eabf9a20d0893e2a44e5a6323"),
        ("fp.ja3", "0149f47eabf9a20d0893e2a44e5a6323"),
        ("x-stillgate-verdict", "tag"),
        ("x-stillgate-checks", "office"),
        ("x-stillgate-ja4", FORGED),
        ("x-forwarded-for", "203.0.113.7"),
        ("x-forwarded-for", "203.0.113.7, 203.0.113.8"),
        ("x-forwarded-for", "2001:db8::1"),
        ("x-forwarded-for", "127.7.7.7"),
        ("forwarded", "for=203.0.113.7"),
        ("x-real-ip", "203.0.113.7"),
        ("true-client-ip", "203.0.113.7"),
        ("cf-connecting-ip", "203.0.113.7"),
        ("x-envoy-external-address", "203.0.113.7"),
        ("x-envoy-original-dst-host", "203.0.113.7:80"),
        ("x-client-cert", FORGED),
    ];
    for (listener, wire, fingerprint) in [
        ("tls", Wire::TlsH2, Some("own")),
        ("main", Wire::H1, None),
        ("main", Wire::H2, None),
    ] {
        for (source, network) in [([127, 0, 0, 1], None), ([127, 7, 7, 9], Some("home"))] {
            let expected: Vec<&str> = fingerprint.into_iter().chain(network).collect();
            let mut connection = envoy.connect_from(source, listener, wire).await;
            let everything = forgeries
                .iter()
                .fold(ask("sk-one"), |request, (name, value)| {
                    request.with(name, value)
                });
            let each = forgeries
                .iter()
                .map(|(name, value)| ask("sk-one").with(name, value));
            for request in each.chain([everything]) {
                let what = format!("{wire:?} {source:?} {:?}", request.headers());
                assert_eq!(connection.send(request).await.status, 200, "{what}");
                let seen = origin.seen();
                let tags = told(seen.last().expect("a request")).map(str::to_owned);
                assert_eq!(tags.unwrap_or_default(), expected.join(","), "{what}");
            }
        }
    }
    envoy.assert_never_died().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_a_load_balancer_only_its_own_entry_counts() {
    let origin = Origin::start().await;
    let setup =
        gate(lists(FORGED)).adapt(|listener| manager(listener)["xff_num_trusted_hops"] = json!(1));
    let Some(envoy) = setup.start(&origin).await else {
        return;
    };
    for (entries, expected) in [
        (&["203.0.113.7"][..], Some("office")),
        (&["198.51.100.1"], None),
        // What a client wrote stands before what the load balancer appended.
        (&["203.0.113.7, 198.51.100.1"], None),
        (&["203.0.113.7", "198.51.100.1"], None),
        (&["198.51.100.1, 203.0.113.7"], Some("office")),
        (&["198.51.100.1", "203.0.113.7"], Some("office")),
        (&["nonsense, 203.0.113.7"], Some("office")),
        (&["2001:db8:7::1"], Some("office")),
        (&["::ffff:203.0.113.7"], Some("office")),
        (&["::ffff:cb00:7107"], Some("office")),
        (&["::203.0.113.7"], None),
        (&["203.0.113.7, nonsense"], None),
        (&["203.0.113.7, "], None),
        (&["203.0.113.7:443, 1.2.3"], None),
        (&[""], None),
        (&[], None),
    ] {
        let mut connection = envoy.connect_to("main", Wire::H1).await;
        let request = entries.iter().fold(ask("sk-one"), |request, entry| {
            request.with("x-forwarded-for", entry)
        });
        assert_eq!(connection.send(request).await.status, 200, "{entries:?}");
        let seen = origin.seen();
        assert_eq!(
            told(seen.last().expect("a request")),
            expected,
            "{entries:?}"
        );
    }
    envoy.assert_never_died().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ja4_from_a_header_that_the_policy_names_is_read_once_and_well_formed_or_not_at_all() {
    let Some(own) = own_ja4(Wire::TlsH2).await else {
        return;
    };
    let origin = Origin::start().await;
    let mut policy = lists(&own);
    policy["traits"] = json!({"ja4": {"header": "x-lb-ja4"}});
    let Some(envoy) = gate(policy).start(&origin).await else {
        return;
    };
    let upper = FORGED.to_uppercase();
    let mixed = "t13D1516h2_8DaAf6152771_02713d6aF862";
    let cases: Vec<(Vec<&[u8]>, Option<&str>)> = vec![
        (vec![FORGED.as_bytes()], Some("forged")),
        (vec![upper.as_bytes()], Some("forged")),
        (vec![mixed.as_bytes()], Some("forged")),
        (vec![own.as_bytes()], Some("own")),
        // Twice may be half a client's.
        (vec![FORGED.as_bytes(), FORGED.as_bytes()], None),
        (vec![FORGED.as_bytes(), b""], None),
        (vec![b"", FORGED.as_bytes()], None),
        (
            vec![b"t13d1516h2_8daaf6152771_02713d6af862, t13d1516h2_8daaf6152771_02713d6af862"],
            None,
        ),
        (vec![b"t13d1516h2_8daaf6152771"], None),
        (vec![b"t13d1516h2_8daaf6152771_02713d6af86"], None),
        (vec![b"t13d1516h2_8daaf6152771_02713d6af8620"], None),
        (vec![b"t13d1516h2_8daaf6152771_02713d6af86g"], None),
        (vec![b"t13d1516h2-8daaf6152771-02713d6af862"], None),
        (vec![b"*"], None),
        (vec![b"\xff\xfe\x80"], None),
        (vec![&[b't'; 65_000][..30_000]], None),
        (vec![b""], None),
        // The connection's own fingerprint is its load balancer's, which is nobody's here.
        (vec![], None),
    ];
    for (listener, wire) in [("main", Wire::H1), ("tls", Wire::TlsH2)] {
        for (values, expected) in &cases {
            let mut connection = envoy.connect_to(listener, wire).await;
            let request = values.iter().fold(ask("sk-one"), |request, value| {
                request.with("x-lb-ja4", value)
            });
            let shown = values
                .iter()
                .map(|value| value[..value.len().min(80)].escape_ascii().to_string());
            let what = format!("{wire:?} {:?}", shown.collect::<Vec<_>>());
            assert_eq!(connection.send(request).await.status, 200, "{what}");
            let seen = origin.seen();
            assert_eq!(told(seen.last().expect("a request")), *expected, "{what}");
        }
    }
    envoy.assert_never_died().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_said_to_be_a_fact_is_none_without_the_policys_word() {
    let origin = Origin::start().await;
    let policy = json!({
        "version": 1,
        "record": "all",
        "account": {"org": {"header": "x-auth-org"}},
        "checks": [
            {"name": "org", "trait": "org", "in": ["acme"], "then": "deny"},
            {"name": "nl", "trait": "country", "in": ["NL"], "then": "deny"},
            {"name": "asn", "trait": "asn", "in": ["64512"], "then": "deny"},
        ],
        "traits": {"country": {"header": "x-lb-country"}, "asn": {"header": "x-lb-asn"}},
    });
    let Some(envoy) = Setup::new(policy).start(&origin).await else {
        return;
    };
    for (name, value, status) in [
        ("x-org", "acme", 200),
        ("x-auth-org", "acme", 403),
        ("x-lb-country", "nl", 403),
        ("x-lb-country", " NL ", 403),
        ("x-lb-country", "NLD", 200),
        ("x-country", "NL", 200),
        ("cf-ipcountry", "NL", 200),
        ("x-lb-asn", "AS64512", 403),
        ("x-lb-asn", "64512", 403),
        ("x-lb-asn", "+64512", 200),
        ("x-lb-asn", "99999999999", 200),
    ] {
        assert_eq!(
            status_with(&envoy, name, value).await,
            status,
            "{name}: {value}"
        );
    }
    // Twice is as good as absent, wherever a fact comes from a header.
    for name in ["x-lb-country: NL", "x-lb-asn: 64512", "x-auth-org: acme"] {
        let request = format!(
            "GET / HTTP/1.1\r\nhost: a\r\nauthorization: Bearer sk-one\r\n{name}\r\n{name}\r\nx-test-tag: twice\r\nconnection: close\r\n\r\n"
        );
        assert_eq!(
            raw(envoy.address("main").await, request.as_bytes())
                .await
                .status(),
            200,
            "{name}"
        );
    }
    for record in decisions(&envoy, "twice", 3).await {
        assert_eq!(record["verdict"], "allow");
    }
}

async fn status_with(envoy: &Envoy, name: &str, value: &str) -> u16 {
    let request: Request = ask("sk-one").with(name, value);
    envoy.send(request).await.status
}
