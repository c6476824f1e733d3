//! Lists: each trait is looked for as it is, and what follows is what the policy says.

use serde_json::{Value, json};

use super::{VERIFY_URL, ask, decisions, gate, own_ja4, policy, told};
use crate::harness::client::{Headers as _, Request};
use crate::harness::{Envoy, Origin, Wire, get, post};

#[tokio::test(flavor = "multi_thread")]
async fn a_ja4_on_a_list_gets_what_the_policy_says() {
    let (Some(listed), Some(other)) = (own_ja4(Wire::TlsH2).await, own_ja4(Wire::TlsH1).await)
    else {
        return;
    };
    assert_ne!(listed, other, "the protocol is a part of the fingerprint");
    for (then, statuses) in [
        ("tag", [200, 200, 200]),
        ("throttle", [200, 429, 429]),
        ("verify", [403, 403, 403]),
        ("deny", [403, 403, 403]),
    ] {
        let origin = Origin::start().await;
        // In capitals: a fingerprint has one spelling, whoever wrote it down.
        let mut check = json!({
            "name": "listed", "trait": "ja4", "in": [listed.to_uppercase()], "then": then,
        });
        if then == "throttle" {
            check["quota"] = json!({"name": "slow", "per": ["ja4"], "count": "requests", "limit": 1, "window": "1h"});
        }
        let Some(envoy) = gate(policy(json!([check]))).start(&origin).await else {
            return;
        };

        for wire in [Wire::TlsH1, Wire::TlsH2] {
            let mut connection = envoy.connect_to("tls", wire).await;
            for (turn, status) in statuses.into_iter().enumerate() {
                let expected = if wire == Wire::TlsH2 { status } else { 200 };
                let key = format!("sk-{turn}");
                let reply = connection.send(ask(&key).with("x-test-tag", "asked")).await;
                assert_eq!(reply.status, expected, "{then} {wire:?} {turn}");
                if wire == Wire::TlsH2 && then == "verify" {
                    let error = &reply.json()["error"];
                    assert_eq!(error["code"], "verification_required");
                    let message = error["message"].as_str().expect("a message");
                    assert!(message.contains(VERIFY_URL), "{message}");
                }
                if status == 403 && wire == Wire::TlsH2 {
                    assert!(
                        !reply.text().contains("ja4") && !reply.text().contains("listed"),
                        "who tries to find out is told nothing: {}",
                        reply.text()
                    );
                }
            }
        }
        let passed = 3 + statuses.iter().filter(|status| **status == 200).count();
        let seen = origin.seen();
        assert_eq!(seen.len(), passed, "{then}");
        assert!(seen[..3].iter().all(|seen| told(seen).is_none()));
        assert!(seen[3..].iter().all(|seen| told(seen) == Some("listed")));

        let found = &decisions(&envoy, "asked", 6).await[3];
        assert_eq!(
            (&found["reason"], &found["rule"]),
            (&json!("list"), &json!("listed"))
        );
        assert_eq!(
            found["checks"],
            json!([{"rule": "listed", "then": then}]),
            "{found}"
        );
        assert_eq!(found["traits"], json!({"ja4": listed}));
        envoy.assert_never_died().await;
    }
}

/// Through which listener, how and from where what is sent, and the checks that find it.
type Case = (&'static str, Wire, [u8; 4], Request, Option<&'static str>);

#[tokio::test(flavor = "multi_thread")]
async fn every_trait_can_be_listed_and_each_check_finds_its_own() {
    let Some(ja4) = own_ja4(Wire::TlsH2).await else {
        return;
    };
    let origin = Origin::start().await;
    let ciphers = ja4.split('_').nth(1).expect("a JA4 has three parts");
    let list = |name: &str, of: &str, list: Value| json!({"name": name, "trait": of, "in": list, "then": "tag"});
    let mut policy = policy(json!([
        list("by-ja4", "ja4", json!([format!("t*_{ciphers}_*")])),
        // The second lies in the first, and is there twice.
        list("by-network", "network", json!({"list": "offices"})),
        list("by-agent", "agent", json!(["Curl/8.*", "wget*"])),
        list("by-org", "org", json!(["acme", "*-labs"])),
        list("by-model", "model", json!(["big-*"])),
        list("by-path", "path", json!(["/v1/responses"])),
        list("by-method", "method", json!(["DELETE"])),
    ]));
    policy["lists"] =
        json!({"offices": ["127.3.4.0/24", "127.3.4.9", "127.3.4.9", "2001:db8::/32"]});
    let Some(envoy) = gate(policy).workers(2).start(&origin).await else {
        return;
    };

    let chat = |model: &str| {
        let body =
            json!({"messages": [{"role": "user", "content": "x".repeat(5_000)}], "model": model});
        post("/v1/chat/completions", body.to_string()).bearer("sk-one")
    };
    let here = [127, 0, 0, 1];
    let agent = |agent: &str| ask("sk-one").with("user-agent", agent);
    let org = |org: &str| ask("sk-one").with("x-auth-org", org);
    let mut deletion = ask("sk-one");
    *deletion.method_mut() = hyper::Method::DELETE;
    let cases: Vec<Case> = vec![
        ("main", Wire::H1, here, ask("sk-one"), None),
        ("tls", Wire::TlsH2, here, ask("sk-one"), Some("by-ja4")),
        ("tls", Wire::TlsH1, here, ask("sk-one"), Some("by-ja4")),
        (
            "main",
            Wire::H1,
            [127, 3, 4, 200],
            ask("sk-one"),
            Some("by-network"),
        ),
        (
            "main",
            Wire::H2,
            [127, 3, 4, 0],
            ask("sk-one"),
            Some("by-network"),
        ),
        ("main", Wire::H1, [127, 3, 5, 9], ask("sk-one"), None),
        (
            "main",
            Wire::H1,
            here,
            agent("curl/8.14.1"),
            Some("by-agent"),
        ),
        ("main", Wire::H1, here, agent("Wget/1.21"), Some("by-agent")),
        ("main", Wire::H1, here, agent("curl/7.88.0"), None),
        ("main", Wire::H1, here, org("acme"), Some("by-org")),
        ("main", Wire::H1, here, org("north-labs"), Some("by-org")),
        ("main", Wire::H1, here, org("acme2"), None),
        ("main", Wire::H1, here, chat("big-1"), Some("by-model")),
        ("main", Wire::H2, here, chat("small"), None),
        (
            "main",
            Wire::H1,
            here,
            get("/v1/responses").bearer("sk-one"),
            Some("by-path"),
        ),
        (
            "main",
            Wire::H1,
            here,
            get("/v1/responses?a").bearer("sk-one"),
            Some("by-path"),
        ),
        ("main", Wire::H1, here, deletion, Some("by-method")),
        (
            "tls",
            Wire::TlsH2,
            [127, 3, 4, 5],
            chat("big-2")
                .with("user-agent", "curl/8.0")
                .with("x-auth-org", "acme"),
            Some("by-ja4,by-network,by-agent,by-org,by-model"),
        ),
    ];
    for (listener, wire, source, request, expected) in cases {
        let what = format!("{wire:?} {source:?} {request:?}");
        let mut connection = envoy.connect_from(source, listener, wire).await;
        assert_eq!(connection.send(request).await.status, 200, "{what}");
        let seen = origin.seen();
        assert_eq!(told(seen.last().expect("a request")), expected, "{what}");
    }
    envoy.assert_never_died().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exception_excuses_and_what_is_absent_is_as_the_policy_says() {
    let Some(ja4) = own_ja4(Wire::TlsH2).await else {
        return;
    };
    let origin = Origin::start().await;
    let policy = policy(json!([
        {"name": "scraper", "trait": "ja4", "in": [ja4], "then": "deny",
         "except": [{"trait": "org", "in": ["acme*"]}, {"trait": "network", "in": ["127.8.0.0/16"]}]},
        {"name": "no-tls", "trait": "ja4", "in": ["t00i000000_000000000000_000000000000"], "then": "tag", "absent": "match"},
        {"name": "org-skip", "trait": "org", "in": ["evil"], "then": "deny"},
    ]));
    let Some(envoy) = gate(policy).start(&origin).await else {
        return;
    };

    let [here, office] = [[127, 0, 0, 1], [127, 8, 9, 9]];
    let org = |org: &str| ask("sk-one").with("x-auth-org", org);
    for (listener, source, request, status, tags) in [
        ("tls", here, ask("sk-one"), 403, None),
        ("tls", here, org("acme-labs"), 200, None),
        ("tls", here, org("other"), 403, None),
        // An absent trait excuses nobody.
        ("tls", here, org(""), 403, None),
        ("tls", office, ask("sk-one"), 200, None),
        ("tls", office, org("evil"), 403, None),
        ("main", here, ask("sk-one"), 200, Some("no-tls")),
        ("main", here, org("evil"), 403, None),
    ] {
        let wire = if listener == "tls" {
            Wire::TlsH2
        } else {
            Wire::H1
        };
        let what = format!("{listener} {source:?} {request:?}");
        let before = origin.seen().len();
        let mut connection = envoy.connect_from(source, listener, wire).await;
        assert_eq!(connection.send(request).await.status, status, "{what}");
        let seen = origin.seen();
        assert_eq!(seen.len(), before + usize::from(status == 200), "{what}");
        if status == 200 {
            assert_eq!(told(&seen[before]), tags, "{what}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_that_throttles_holds_whom_it_found_and_nobody_else() {
    let origin = Origin::start().await;
    let policy = policy(json!([{
        "name": "lane", "trait": "org", "in": ["acme"], "then": "throttle",
        "quota": {"name": "slow", "per": ["org"], "count": "requests", "limit": 2, "window": "1h"},
    }]));
    let Some(envoy) = gate(policy).workers(2).start(&origin).await else {
        return;
    };
    let statuses = async |org: &str| send_five(&envoy, org).await;
    assert_eq!(statuses("acme").await, [200, 200, 429, 429, 429]);
    assert_eq!(statuses("other").await, [200; 5]);
    let throttled = [("verdict", "throttle"), ("reason", "quota")];
    envoy
        .metric_reaches(crate::quotas::REQUESTS, &throttled, 3)
        .await;
    let tagged = [("verdict", "tag"), ("reason", "list")];
    envoy
        .metric_reaches(crate::quotas::REQUESTS, &tagged, 2)
        .await;
}

async fn send_five(envoy: &Envoy, org: &str) -> Vec<u16> {
    let mut connection = envoy.connect_to("main", Wire::H1).await;
    let mut statuses = Vec::new();
    for turn in 0..5 {
        let request = ask(&format!("sk-{turn}")).with("x-auth-org", org);
        statuses.push(connection.send(request).await.status);
    }
    statuses
}
