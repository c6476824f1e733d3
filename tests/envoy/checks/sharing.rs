//! Distinct counts beside the keys of one network: keys in too many places, what a new policy keeps, and what is told.

use serde_json::{Value, json};

use super::counting::statuses_of_keys;
use super::{all_workers_know, ask, decisions, gate, policy, told};
use crate::harness::client::Headers as _;
use crate::harness::{Origin, Setup, Wire, post, until};
use crate::quotas::REQUESTS;

#[tokio::test(flavor = "multi_thread")]
async fn a_key_in_too_many_networks_is_found_wherever_it_is() {
    let origin = Origin::start().await;
    let policy = policy(json!([{
        "name": "shared-key", "per": ["key"], "distinct": "network", "limit": 5, "window": "1d", "then": "tag",
    }]));
    let Some(envoy) = gate(policy).workers(4).start(&origin).await else {
        return;
    };
    let tags = async |key: &str, source: [u8; 4]| {
        let (listener, wire) = if source[3].is_multiple_of(2) {
            ("tls", Wire::TlsH2)
        } else {
            ("main", Wire::H1)
        };
        let mut connection = envoy.connect_from(source, listener, wire).await;
        let reply = connection.send(ask(key).with("x-test-tag", key)).await;
        assert_eq!(reply.status, 200);
        told(origin.seen().last().expect("a request")).map(str::to_owned)
    };
    let found = Some(String::from("shared-key"));
    for network in 0..6 {
        // Many addresses of one network are one; the first of the sixth is the one too many.
        for &host in if network < 5 { &[1, 2, 200][..] } else { &[1] } {
            assert_eq!(
                tags("sk-shared", [127, 20, network, host]).await,
                None,
                "{network} {host}"
            );
        }
    }
    all_workers_know().await;
    for network in [0, 5, 6] {
        assert_eq!(
            tags("sk-shared", [127, 20, network, 1]).await,
            found,
            "{network}"
        );
        assert_eq!(
            tags("sk-own", [127, 20, network, 1]).await,
            None,
            "{network}"
        );
    }
    let records = decisions(&envoy, "sk-shared", 19).await;
    let counts: Vec<&Value> = records
        .iter()
        .map(|record| &record["checks"][0]["count"])
        .collect();
    // The seventh network was served, so it counts too, from then on.
    assert_eq!(
        counts[16..],
        [&json!(6), &json!(6), &json!(6)],
        "{counts:?}"
    );
    all_workers_know().await;
    assert_eq!(tags("sk-shared", [127, 20, 0, 1]).await, found);
    let records = decisions(&envoy, "sk-shared", 20).await;
    assert_eq!(records[19]["checks"][0]["count"], 7);
    assert_eq!(records[19]["checks"][0]["limit"], 5);
    envoy.assert_never_died().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_asks_for_too_many_models_is_found_by_its_bodies() {
    let origin = Origin::start().await;
    let policy = policy(json!([{
        "name": "prober", "per": ["key"], "distinct": "model", "limit": 2, "window": "1d", "then": "verify",
    }]));
    let Some(envoy) = gate(policy).workers(2).start(&origin).await else {
        return;
    };
    let status = async |key: &str, path: &str, body: Value| {
        let mut connection = envoy.connect_to("tls", Wire::TlsH2).await;
        connection
            .send(post(path, body.to_string()).bearer(key))
            .await
            .status
    };
    for (model, expected) in [
        ("a", 200),
        ("b", 200),
        ("a", 200),
        ("c", 200),
        ("a", 403),
        ("d", 403),
    ] {
        let body =
            json!({"messages": [{"role": "user", "content": "x".repeat(9_000)}], "model": model});
        all_workers_know().await;
        assert_eq!(
            status("sk-one", "/v1/chat/completions", body).await,
            expected,
            "{model}"
        );
    }
    // Another key, and what names no model.
    assert_eq!(
        status("sk-two", "/v1/chat/completions", json!({"model": "d"})).await,
        200
    );
    assert_eq!(envoy.send(ask("sk-one")).await.status, 200);
    envoy.assert_never_died().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_that_changes_the_limit_alone_forgets_nobody() {
    let origin = Origin::start().await;
    let setup = |limit: u32| {
        let policy = policy(json!([{
            "name": "crowd", "per": ["network"], "distinct": "key", "limit": limit, "window": "1h", "then": "deny",
        }]));
        Setup::new(policy).workers(4).dynamic()
    };
    let Some(envoy) = setup(3).start(&origin).await else {
        return;
    };
    let in_force = async |status: u16| {
        until("the new policy on all workers", async || {
            // Only known keys ask, so that nobody is counted meanwhile.
            let mut same = true;
            for _ in 0..16 {
                same &= envoy.send(ask("sk-0")).await.status == status;
            }
            same.then_some(())
        })
        .await;
    };
    assert_eq!(
        statuses_of_keys(&envoy, 0..6).await,
        [200, 200, 200, 200, 403, 403]
    );
    assert!(envoy.reload(setup(6)).await, "{}", envoy.log());
    in_force(200).await;
    // Four are counted: the limit is six, and the seventh is the first too many.
    assert_eq!(
        statuses_of_keys(&envoy, 10..15).await,
        [200, 200, 200, 403, 403]
    );
    assert!(envoy.reload(setup(20)).await, "{}", envoy.log());
    in_force(200).await;
    assert!(envoy.reload(setup(6)).await, "{}", envoy.log());
    in_force(403).await;
    envoy.assert_never_died().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_key_address_or_prompt_is_written_down() {
    let origin = Origin::start().await;
    let policy = policy(json!([
        {"name": "farm", "per": ["network", "shape", "ja4"], "distinct": "key", "limit": 1, "window": "1h", "then": "verify"},
        {"name": "shared", "per": ["key"], "distinct": "network", "limit": 1, "window": "1h", "then": "tag"},
        {"name": "office", "trait": "network", "in": ["127.83.0.0/16"], "then": "tag"},
        {"name": "who", "trait": "key", "in": ["0123456789abcdef"], "then": "deny"},
    ]));
    let Some(envoy) = gate(policy).workers(2).start(&origin).await else {
        return;
    };
    let body = json!({"model": "m", "messages": [{"role": "user", "content": "a prompt of 6c1f"}]})
        .to_string();
    let mut asked = 0;
    for source in [[127, 83, 61, 97], [127, 83, 62, 97]] {
        for key in [
            "sk-5b1d7e9f2c6a8035",
            "sk-91c4aa07d2e8f36b",
            "sk-0d3f6b8e1a7c9254",
        ] {
            for _ in 0..2 {
                let mut connection = envoy.connect_from(source, "tls", Wire::TlsH2).await;
                let request = post("/v1/chat/completions", body.clone()).bearer(key);
                connection.send(request.with("x-test-tag", "asked")).await;
                asked += 1;
            }
        }
    }
    envoy.metric_reaches(REQUESTS, &[], asked).await;
    let records = decisions(&envoy, "asked", asked as usize).await;
    let reasons = |reason: &str| {
        records
            .iter()
            .filter(|record| record["reason"] == reason)
            .count()
    };
    assert!(
        reasons("distinct") > 0 && reasons("list") > 0,
        "{records:?}"
    );
    // The same network has the same pseudonym, whichever check names it.
    let networks: std::collections::BTreeSet<&str> = records
        .iter()
        .filter_map(|record| record["traits"]["network"].as_str())
        .collect();
    assert_eq!(networks.len(), 2, "{networks:?}");

    let access_log = format!("{:?}", envoy.access_log(asked as usize).await);
    let places = [
        ("log", envoy.log()),
        ("statistics", envoy.all_stats().await),
        ("access log", access_log),
    ];
    for (place, text) in places {
        for secret in [
            "5b1d7e9f2c6a8035",
            "91c4aa07d2e8f36b",
            "0d3f6b8e1a7c9254",
            "127.83.6",
            "127, 83",
            "6c1f",
        ] {
            assert!(
                !text.contains(secret),
                "{secret} is in Envoy's {place}:\n{text}"
            );
        }
    }
}
