//! Answers that say too little, nonsense, or something unreadable: each is charged a defined amount.

use serde_json::json;

use super::{CAP, Call, SETTLEMENTS, UNREADABLE, before_demo, budget, call, calls, left, used};
use crate::harness::client::{Headers as _, Request};
use crate::harness::config::Listener;
use crate::harness::demo::header;
use crate::harness::{Demo, Setup, Wire};

#[tokio::test(flavor = "multi_thread")]
async fn without_usage_the_text_is_counted() {
    for told in ["none", "negative", "absurd", "text"] {
        each_answer_counts("x-demo-usage", told, told != "none").await;
    }
}

/// Every call is answered by twenty words without a number in it that could be believed.
async fn each_answer_counts(switch: &str, value: &str, odd: bool) {
    let Some((_demo, envoy)) = before_demo(budget("tokens", LIMIT)).await else {
        return;
    };

    for (place, call) in calls().into_iter().enumerate() {
        let before = used(&envoy, &call, "sk-one", LIMIT).await;
        let numbers = envoy.metric(UNREADABLE, NUMBER).await;
        let reply = envoy.send(twenty_words(&call).with(switch, value)).await;
        assert_eq!(reply.status, 200, "{}", call.name);
        let cap = if call.generates { CAP } else { 0 };
        let input = LIMIT - before - left(&reply) - cap;
        // Twenty deltas; or all of them together, which are 70 bytes.
        let output = match (call.generates, is_streamed(&call)) {
            (false, _) => 0,
            (true, true) => 20,
            (true, false) => 18,
        };
        let charged = used(&envoy, &call, "sk-one", LIMIT).await - before;
        assert_eq!(charged, input + output, "{} {value}", call.name);
        let counted = [("source", "counted")];
        envoy
            .metric_reaches(SETTLEMENTS, &counted, place as u64 + 1)
            .await;
        let more = envoy.metric(UNREADABLE, NUMBER).await > numbers;
        assert_eq!(more, odd, "{} {value}", call.name);
    }
    envoy.assert_never_died().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn usage_is_found_however_it_is_told() {
    let Some((_demo, envoy)) = before_demo(budget("tokens", LIMIT)).await else {
        return;
    };

    let ways = [
        ("x-demo-usage", "repeated"),
        ("x-demo-type", "text/plain"),
        ("x-demo-type", "application/octet-stream"),
        ("x-demo-line-end", "crlf"),
        ("x-demo-line-end", "cr"),
    ];
    let mut settled = 0;
    for call in calls() {
        let truth = if call.generates { 1_000 } else { 700 };
        for (switch, value) in ways {
            let before = used(&envoy, &call, "sk-one", LIMIT).await;
            let reply = envoy.send(twenty_words(&call).with(switch, value)).await;
            assert_eq!(reply.status, 200, "{}", call.name);
            let charged = used(&envoy, &call, "sk-one", LIMIT).await - before;
            assert_eq!(charged, truth, "{} {switch}: {value}", call.name);
            settled += 1;
        }
    }
    let told = [("source", "usage")];
    envoy.metric_reaches(SETTLEMENTS, &told, settled).await;
    assert_eq!(envoy.metric(UNREADABLE, &[]).await, 0);
    envoy.assert_never_died().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_compressed_anyway_is_charged_what_was_reserved() {
    let Some((_demo, envoy)) = before_demo(budget("tokens", LIMIT)).await else {
        return;
    };

    for (place, call) in calls().into_iter().enumerate() {
        let before = used(&envoy, &call, "sk-one", LIMIT).await;
        let request = twenty_words(&call).with("x-demo-encoding", "gzip!");
        let reply = envoy.send(request).await;
        assert_eq!(reply.header("content-encoding"), Some("gzip"));
        assert!(reply.body.starts_with(b"\x1f\x8b"), "{}", call.name);
        let reserved = LIMIT - before - left(&reply);
        let charged = used(&envoy, &call, "sk-one", LIMIT).await - before;
        assert_eq!(charged, reserved, "{}", call.name);
        let so_far = place as u64 + 1;
        let reserved = [("source", "reserved")];
        envoy.metric_reaches(SETTLEMENTS, &reserved, so_far).await;
        let answers = [("part", "answer")];
        envoy.metric_reaches(UNREADABLE, &answers, so_far).await;
    }
    envoy.assert_never_died().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_is_asked_for_uncompressed_where_a_rule_needs_it() {
    let demo = Demo::start().await;
    let mut trial = budget("tokens", LIMIT);
    trial["quotas"][0]["mode"] = json!("shadow");
    let mut other = budget("tokens", LIMIT);
    other["quotas"][0]["match"] = json!({"model": "another"});
    let listeners = [
        ("needed", budget("tokens", LIMIT), true),
        ("trial", trial, false),
        ("another", other, false),
        ("requests", budget("requests", LIMIT), false),
    ];
    let setup = listeners
        .iter()
        .map(|(name, policy, _)| Listener::new(name, policy.clone()).root_id(name));
    let Some(envoy) = Setup::of(setup).start_before(demo.address).await else {
        return;
    };

    for (listener, _, needed) in listeners {
        for name in ["chat", "messages-stream", "gemini-stream"] {
            for wire in [Wire::H1, Wire::H2] {
                let call = call(name);
                let request = twenty_words(&call)
                    .with("accept-encoding", "gzip, br")
                    .with("x-demo-encoding", "gzip")
                    .with("x-demo-name", "asked");
                let reply = envoy.connect_to(listener, wire).await.send(request).await;
                assert_eq!(reply.status, 200);
                let place = format!("{listener} {name}");
                assert_eq!(
                    header(&demo.seen("asked").await, "accept-encoding"),
                    (!needed).then_some("gzip, br"),
                    "{place}"
                );
                let encoding = reply.header("content-encoding");
                assert_eq!(encoding, (!needed).then_some("gzip"), "{place}");
            }
        }
    }
    envoy.assert_never_died().await;
}

/// The call, answered by twenty words and a usage of 700 and 300 tokens.
fn twenty_words(call: &Call) -> Request {
    call.with_key("sk-one")
        .with("x-demo-tokens", "700,300")
        .with("x-demo-words", "20")
}

fn is_streamed(call: &Call) -> bool {
    call.body["stream"] == json!(true) || call.path.contains(":stream")
}

const LIMIT: u64 = 1_000_000;
const NUMBER: &[(&str, &str)] = &[("part", "number")];
