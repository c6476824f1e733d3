//! After a request the counter stands at exactly what the origin says was used.

use serde_json::{Value, json};

use super::{CAP, Call, SETTLEMENTS, TOKENS, before_demo, budget, call, calls, left, used};
use crate::harness::client::Headers as _;
use crate::harness::config::Listener;
use crate::harness::{Connection, Demo, Setup, Wire};

#[tokio::test(flavor = "multi_thread")]
async fn the_counter_stands_at_the_truth_in_every_dialect_over_http_1() {
    the_counter_stands_at_the_truth(Wire::H1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_counter_stands_at_the_truth_in_every_dialect_over_http_2() {
    the_counter_stands_at_the_truth(Wire::H2).await;
}

async fn the_counter_stands_at_the_truth(wire: Wire) {
    let demo = Demo::start().await;
    let listeners = COUNTS.map(|count| Listener::new(count, priced(count)).root_id(count));
    let Some(envoy) = Setup::of(listeners).start_before(demo.address).await else {
        return;
    };

    for count in COUNTS {
        let mut connection = envoy.connect_to(count, wire).await;
        for call in calls() {
            let place = format!("{count} of {}", call.name);
            settles_to_the_truth(&mut connection, count, &call, &place).await;
        }
    }

    let twice = |some: fn(&Call) -> bool| {
        let calls = calls().iter().filter(|call| some(call)).count();
        (2 * COUNTS.len() * calls) as u64
    };
    // Embeddings are nothing to a rule on output.
    let all = twice(|_| true) - 2;
    let generating = twice(|call| call.generates);
    for (kind, tokens) in [
        ("input", 700 * all),
        ("cached", 200 * generating),
        ("output", 300 * generating),
        ("reasoning", 100 * generating),
    ] {
        envoy
            .metric_reaches(TOKENS, &[("kind", kind)], tokens)
            .await;
    }
    envoy
        .metric_reaches(SETTLEMENTS, &[("source", "usage")], all)
        .await;
    envoy.metric_reaches(SETTLEMENTS, &[], all).await;
    envoy.assert_never_died().await;
}

/// Two calls: after the first the counter stands at its usage, and the second is told what is left beyond its own reservation.
async fn settles_to_the_truth(connection: &mut Connection, count: &str, call: &Call, place: &str) {
    let key = format!("sk-{}", call.name);
    let send = || call.with_key(&key).with("x-demo-tokens", "700,300,200,100");
    let first = connection.send(send()).await;
    assert_eq!(first.status, 200, "{place}: {}", first.text());

    // Embeddings are told as 700 tokens and no output, nothing of it cached.
    let output = if call.generates { 300 } else { 0 };
    let cost = if call.generates {
        500 * 2 + 200 + 200 * 10 + 100 * 20
    } else {
        700 * 2
    };
    let truth = match count {
        "tokens" => 700 + output,
        "input_tokens" => 700,
        "output_tokens" => output,
        _ => cost,
    };
    let probe = connection.send(call.probe(&key)).await;
    assert_eq!(left(&probe), limit(count) - truth, "{place}");
    if let Some(told) = told(call, count) {
        assert_eq!(probe.number(&told), limit(count) - truth, "{place}: {told}");
    }

    // By now the same text is known to be 700 tokens, give or take the rounding.
    let cap = if call.generates { CAP } else { 0 };
    let reserved = match count {
        "tokens" => 700 + cap..=701 + cap,
        "input_tokens" => 700..=701,
        "output_tokens" => cap..=cap,
        _ => 700 * 2 + cap * 20..=701 * 2 + cap * 20,
    };
    let second = connection.send(send()).await;
    let own = limit(count) - truth - left(&second);
    assert!(
        reserved.contains(&own),
        "{place}: {own} and not {reserved:?}"
    );
    let probe = connection.send(call.probe(&key)).await;
    assert_eq!(left(&probe), limit(count) - 2 * truth, "{place}");
}

/// The dialect's own header for what is left of such a count, where it has one.
fn told(call: &Call, count: &str) -> Option<String> {
    let told = call.told?;
    match (count, told.starts_with("anthropic")) {
        ("cost", _) => None,
        ("tokens", _) | (_, false) => Some(told.to_owned()),
        (count, true) => Some(told.replace("tokens", &count.replace('_', "-"))),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn counting_tokens_is_free() {
    let Some((_demo, envoy)) = before_demo(budget("tokens", 1_000)).await else {
        return;
    };

    for (name, path) in [
        ("messages", "/v1/messages/count_tokens"),
        ("gemini", "/v1beta/models/m:countTokens"),
    ] {
        let spent = call(name);
        let count = Call {
            path: path.to_owned(),
            ..spent.clone()
        };
        let key = format!("sk-{name}");
        let ask = async |call: &Call| {
            let request = call.with_key(&key).with("x-demo-tokens", "700,300");
            envoy.send(request).await.status
        };
        assert_eq!(ask(&count).await, 200);
        assert_eq!(used(&envoy, &spent, &key, 1_000).await, 0, "{name}");
        assert_eq!([ask(&spent).await, ask(&spent).await], [200, 429]);
        assert_eq!(ask(&count).await, 200, "{name} when nothing is left");
        assert_eq!(used(&envoy, &spent, &key, 1_000).await, 1_000, "{name}");
    }
    envoy.metric_reaches(SETTLEMENTS, &[], 2).await;
    envoy.assert_never_died().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_has_its_own_price() {
    let Some((_demo, envoy)) = before_demo(priced("cost")).await else {
        return;
    };

    let mut dear = call("chat");
    dear.body["model"] = json!("another");
    let request = dear
        .with_key("sk-one")
        .with("x-demo-tokens", "700,300,200,100");
    assert_eq!(envoy.send(request).await.status, 200);
    assert_eq!(
        used(&envoy, &dear, "sk-one", limit("cost")).await,
        100 * 1_000
    );
}

const COUNTS: [&str; 4] = ["tokens", "input_tokens", "output_tokens", "cost"];

/// The limit on such a count, as headers tell it: cost in millionths.
fn limit(count: &str) -> u64 {
    if count == "cost" { 1_000_000 } else { 100_000 }
}

fn priced(count: &str) -> Value {
    let mut policy = budget(count, if count == "cost" { 1 } else { limit(count) });
    policy["prices"] = json!([
        {"model": "m-*", "input": 2, "cached": 1, "output": 10, "reasoning": 20},
        {"model": "*", "input": 100, "output": 100},
    ]);
    policy
}
