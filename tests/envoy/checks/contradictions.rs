//! Contradictions: a client whose handshake or headers are not those of what it says it is. Who is unknown never is one.

use serde_json::{Value, json};

use super::{ask, decisions, gate, own_ja4, policy, told};
use crate::harness::client::Headers as _;
use crate::harness::{Origin, Wire};

const CHROME: &str = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0.0.0 Safari/537.36";

/// An agent, further headers, and the checks that find it over TLS and in the clear.
type Case = (
    &'static str,
    &'static [(&'static str, &'static str)],
    &'static str,
    &'static str,
);

/// Two checks, one for each thing that can speak against an agent.
pub(super) fn impostors() -> Value {
    policy(json!([
        {"name": "by-tls", "contradiction": ["agent", "ja4"], "then": "tag"},
        {"name": "by-shape", "contradiction": ["shape", "agent"], "then": "tag"},
    ]))
}

#[tokio::test(flavor = "multi_thread")]
async fn who_says_to_be_another_is_found_by_its_handshake_or_its_headers() {
    let Some(ja4) = own_ja4(Wire::TlsH2).await else {
        return;
    };
    let origin = Origin::start().await;
    let Some(envoy) = gate(impostors()).workers(2).start(&origin).await else {
        return;
    };
    // What rustls with ring sends; its handshake is reqwest's and Deno's too.
    let python = &[
        ("x-stainless-lang", "python"),
        ("x-stainless-package-version", "1.40.0"),
    ][..];
    let cases: Vec<Case> = vec![
        // Nobody, and nobody known.
        ("", &[], "", ""),
        ("stillgate-test/1.0", &[], "", ""),
        (
            "Mozilla/5.0 (compatible; GPTBot/1.2; +https://openai.com/gptbot)",
            &[],
            "",
            "",
        ),
        ("okhttp/4.12.0", &[], "", ""),
        // Honest: these are built on rustls, or can be.
        ("reqwest/0.12.4", &[], "", ""),
        ("curl/8.14.1", &[], "", ""),
        ("Deno/2.9.0", &[], "", ""),
        // Other software altogether.
        ("OpenAI/Python 1.40.0", python, "by-tls", ""),
        ("AsyncOpenAI/Python 1.40.0", python, "by-tls", ""),
        ("OpenAI/Python 1.40.0", &[], "by-tls,by-shape", "by-shape"),
        (
            "OpenAI/Python 1.40.0",
            &[("x-stainless-lang", "js")],
            "by-tls,by-shape",
            "by-shape",
        ),
        (
            "OpenAI/Python 1.41.0",
            python,
            "by-tls,by-shape",
            "by-shape",
        ),
        (
            CHROME,
            &[
                ("sec-fetch-mode", "cors"),
                ("sec-ch-ua", "\"Chromium\";v=\"143\""),
            ],
            "by-tls",
            "",
        ),
        // Over TLS a browser says what its requests are for; in the clear it does not.
        (CHROME, &[], "by-tls,by-shape", ""),
        ("Go-http-client/2.0", &[], "by-tls", ""),
        ("python-requests/2.32.0", &[], "by-tls", ""),
        (
            "curl/8.14.1",
            &[("sec-ch-ua", "\"Chromium\";v=\"143\"")],
            "by-shape",
            "by-shape",
        ),
    ];
    for (listener, wire) in [
        ("tls", Wire::TlsH2),
        ("tls", Wire::TlsH1),
        ("main", Wire::H2),
    ] {
        for (agent, more, over_tls, in_the_clear) in &cases {
            let expected = if listener == "tls" {
                over_tls
            } else {
                in_the_clear
            };
            let mut request = ask("sk-one");
            if !agent.is_empty() {
                request = request.with("user-agent", agent);
            }
            let request = more
                .iter()
                .fold(request, |request, (name, value)| request.with(name, value));
            let what = format!("{wire:?} {agent} {more:?}");
            let request = request.with(
                "x-test-tag",
                if *over_tls == "by-tls" {
                    "liar"
                } else {
                    "other"
                },
            );
            let mut connection = envoy.connect_to(listener, wire).await;
            assert_eq!(connection.send(request).await.status, 200, "{what}");
            let seen = origin.seen();
            let tags = told(seen.last().expect("a request")).unwrap_or_default();
            assert_eq!(tags, *expected, "{what}");
        }
    }
    let found = &decisions(&envoy, "liar", 1).await[0];
    assert_eq!(
        (&found["verdict"], &found["reason"], &found["rule"]),
        (&json!("tag"), &json!("contradiction"), &json!("by-tls"))
    );
    assert_eq!(
        found["traits"],
        json!({"agent": "openai-python/1.40.0", "ja4": ja4})
    );
    let contradictions = [("verdict", "tag"), ("reason", "contradiction")];
    let once = |(_, _, over_tls, in_the_clear): &Case| {
        2 * u64::from(!over_tls.is_empty()) + u64::from(!in_the_clear.is_empty())
    };
    envoy
        .metric_reaches(
            crate::quotas::REQUESTS,
            &contradictions,
            cases.iter().map(once).sum(),
        )
        .await;
    envoy.assert_never_died().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handshake_that_nobody_knows_contradicts_nothing() {
    let origin = Origin::start().await;
    let mut policy = impostors();
    policy["traits"] = json!({"ja4": {"header": "x-lb-ja4"}});
    let Some(envoy) = gate(policy).start(&origin).await else {
        return;
    };
    for (ja4, expected) in [
        // Chromium's, Go's and Python's.
        ("t13d1516h2_8daaf6152771_02713d6af862", ""),
        ("t13d1310h2_9dc949149365_e7c285222651", "by-tls"),
        ("t13d1812h1_85036bcba153_d41ae481755e", "by-tls"),
        // OpenSSL's default, which half the world has; nobody's; and none.
        ("t13d311100_e8f1e7e78f70_d41ae481755e", ""),
        ("t13d1516h2_000000000000_000000000000", ""),
        ("t13d1516h2", ""),
        ("", ""),
    ] {
        let request = ask("sk-one")
            .with("user-agent", CHROME)
            .with("sec-fetch-mode", "cors")
            .with("x-lb-ja4", ja4);
        assert_eq!(envoy.send(request).await.status, 200, "{ja4}");
        let seen = origin.seen();
        let tags = told(seen.last().expect("a request")).unwrap_or_default();
        assert_eq!(tags, expected, "{ja4}");
    }
}
