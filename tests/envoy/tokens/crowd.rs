//! However many ask at once, no more is admitted than the limit; and when all have settled the counter is the sum of the usages.

use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::{Call, budget, call, left};
use crate::harness::client::{Headers as _, next_chunk};
use crate::harness::{Connection, Demo, Envoy, Setup, Wire};

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_at_once_never_pass_the_limit() {
    let admitted = two_hundred_at_once(12_000, 1_000, [3_000, 1_000]).await;
    if let Some((admitted, settled)) = admitted {
        assert!((24..=25).contains(&admitted), "{admitted} of 4,000 tokens");
        assert!(settled <= LIMIT, "what told the truth stays below it");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_at_once_that_ask_for_less_than_they_use_pass_it_by_that_alone() {
    let admitted = two_hundred_at_once(4_000, 1_000, [1_000, 3_000]).await;
    if let Some((admitted, settled)) = admitted {
        assert!((49..=50).contains(&admitted), "{admitted} of 2,000 tokens");
        let beyond = admitted * 2_000;
        assert!(settled > LIMIT && settled <= LIMIT + beyond, "{settled}");
    }
}

/// 200 streams of one key at a time, each with so many bytes of text and such a cap, while the origin answers none of them to its
/// end; how many were admitted, and what they are charged once they have ended with this usage.
async fn two_hundred_at_once(
    text: usize,
    cap: u64,
    [input, output]: [u64; 2],
) -> Option<(u64, u64)> {
    let demo = Demo::start().await;
    let setup = |limit| Setup::new(budget("tokens", limit)).workers(4).dynamic();
    let envoy = setup(LIMIT).start_before(demo.address).await?;
    let mut call = call("chat-stream");
    call.body["max_tokens"] = json!(cap);
    call.body["messages"][0]["content"] = Value::from("x".repeat(text));

    let mut clients = JoinSet::new();
    for number in 0..200 {
        let mut connection = envoy.connect(Wire::H1).await;
        let name = format!("crowd-{number}");
        let request = call
            .with_key("sk-one")
            .with("x-demo-tokens", format!("{input},{output}"))
            .with("x-demo-words", "1")
            .with("x-demo-step", &name);
        clients.spawn(async move {
            let reply = connection.begin(request).await;
            (name, connection, reply)
        });
    }
    let mut flying = Vec::new();
    for (name, connection, reply) in clients.join_all().await {
        if reply.status() == 200 {
            flying.push((name, connection, reply.into_body()));
        } else {
            assert_eq!(reply.status(), 429);
        }
    }
    let admitted = flying.len() as u64;
    let reserved = charged(&envoy, &call, LIMIT).await;
    assert!(reserved <= LIMIT, "{reserved} are reserved");
    let each = reserved / admitted;
    assert_eq!(each * admitted, reserved, "all reserve the same");
    assert_eq!(admitted, LIMIT / each, "and as many as fit are admitted");

    for (name, _connection, mut body) in flying {
        while demo.step(&name).await > 0 {}
        while let Some(chunk) = next_chunk(&mut body).await {
            chunk.expect("the stream to its end");
        }
    }
    // Headers tell no more than that nothing is left: with a larger limit they tell how much was used.
    assert!(envoy.reload(setup(LARGER)).await, "{}", envoy.log());
    let settled = charged(&envoy, &call, LARGER).await;
    assert_eq!(settled, admitted * (input + output));
    envoy.assert_never_died().await;
    Some((admitted, settled))
}

/// What the key has used, once every worker follows the policy with this limit.
async fn charged(envoy: &Envoy, call: &Call, limit: u64) -> u64 {
    let told = format!("\"budget\";q={limit};");
    crate::harness::until("the policy to be in force", async || {
        let mut connection: Connection = envoy.connect(Wire::H1).await;
        let reply = connection.send(call.probe("sk-one")).await;
        let policy = reply.header("ratelimit-policy").expect("a policy");
        policy.starts_with(&told).then(|| limit - left(&reply))
    })
    .await
}

const LIMIT: u64 = 100_000;
const LARGER: u64 = 10_000_000;
