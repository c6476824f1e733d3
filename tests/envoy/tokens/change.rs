//! What was reserved is settled once, whatever becomes of the policy and of the virtual machine in the meantime; or it stays.

use std::fs;
use std::path::Path;

use hyper::http::Method;
use serde_json::{Value, json};

use super::{Call, SETTLEMENTS, TOKENS, budget, call, calls, left_in, used};
use crate::harness::client::{Headers as _, next_chunk};
use crate::harness::config::plugin;
use crate::harness::{Demo, Envoy, Setup, Wire, filter_module, until};

/// Changes while streams are on their way: of the limit, and of the environment, which makes another virtual machine.
#[tokio::test(flavor = "multi_thread")]
async fn a_stream_is_settled_once_under_whatever_policy_is_in_force() {
    let demo = Demo::start().await;
    let changes = [
        in_force(LIMIT, json!({})),
        in_force(LIMIT / 2, json!({})),
        in_force(LIMIT, json!({"NODE": "other"})),
        in_force(LIMIT, json!({})),
    ];
    let setup = in_force(LIMIT, json!({})).workers(2).dynamic();
    let Some(envoy) = setup.start_before(demo.address).await else {
        return;
    };

    let mut flying = Vec::new();
    let mut begin = async |name: String| {
        let request = call("messages-stream")
            .with_key("sk-one")
            .with("x-demo-tokens", "700,300")
            .with("x-demo-step", &name);
        let mut connection = envoy.connect(Wire::H1).await;
        let reply = connection.begin(request).await;
        assert_eq!(reply.status(), 200, "{name}");
        flying.push((name, connection, reply.into_body()));
    };
    begin(String::from("before-all")).await;
    for (number, change) in changes.into_iter().enumerate() {
        assert!(envoy.reload(change).await, "{}", envoy.log());
        begin(format!("after-{number}")).await;
    }
    // The first to come is the last to go.
    let ended = flying.len() as u64;
    for (name, _connection, mut body) in flying.into_iter().rev() {
        while demo.step(&name).await > 0 {}
        while let Some(chunk) = next_chunk(&mut body).await {
            chunk.expect("the stream to its end");
        }
    }
    let told = [("source", "usage")];
    envoy.metric_reaches(SETTLEMENTS, &told, ended).await;
    envoy.metric_reaches(TOKENS, &[], ended * 1_000).await;
    let charged = used(&envoy, &call("messages"), "sk-one", LIMIT).await;
    assert_eq!(charged, ended * 1_000);
    envoy.assert_never_died().await;
}

fn in_force(limit: u64, environment: Value) -> Setup {
    Setup::new(budget("tokens", limit)).adapt(move |listener| {
        plugin(listener)["vm_config"]["environment_variables"]["key_values"] = environment.clone();
    })
}

/// A rule that counts something else now is another counter: what was reserved under the old one is no business of it.
#[tokio::test(flavor = "multi_thread")]
async fn a_stream_of_a_rule_that_is_gone_charges_no_other() {
    let demo = Demo::start().await;
    let setup = |count| Setup::new(budget(count, LIMIT));
    let Some(envoy) = setup("tokens").dynamic().start_before(demo.address).await else {
        return;
    };

    let call = call("chat-stream");
    let request = call
        .with_key("sk-one")
        .with("x-demo-tokens", "700,300")
        .with("x-demo-step", "gone");
    let mut connection = envoy.connect(Wire::H1).await;
    let mut body = connection.begin(request).await.into_body();
    assert!(envoy.reload(setup("output_tokens")).await);
    while demo.step("gone").await > 0 {}
    while next_chunk(&mut body).await.is_some() {}
    envoy.metric_reaches(SETTLEMENTS, &[], 1).await;
    assert_eq!(used(&envoy, &call, "sk-one", LIMIT).await, 0);

    assert!(envoy.reload(setup("tokens")).await);
    until("the old rule and its count", async || {
        (used(&envoy, &call, "sk-one", LIMIT).await == 1_000).then_some(())
    })
    .await;
    envoy.assert_never_died().await;
}

/// Whoever's answer it was that the virtual machine died of: what was reserved is not forgotten with it.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_reserved_stays_when_the_virtual_machine_dies() {
    let demo = Demo::start().await;
    let module = Path::new(env!("CARGO_TARGET_TMPDIR")).join("mortal.wasm");
    fs::write(&module, mortal()).unwrap();
    let setup = Setup::new(budget("tokens", LIMIT)).adapt(move |listener| {
        plugin(listener)["vm_config"]["code"]["local"]["filename"] = json!(module);
    });
    let Some(envoy) = setup.start_before(demo.address).await else {
        return;
    };

    let mut reserved = 0;
    for round in 0..2 {
        let call = &calls()[round];
        let name = format!("waiting-{round}");
        let waiting = call
            .with_key("sk-one")
            .with("x-demo-delay", "60000")
            .with("x-demo-name", &name);
        let mut connection = envoy.connect(Wire::H1).await;
        let waiting = tokio::spawn(async move { connection.begin(waiting).await });
        demo.arrived(&name).await;
        // A reply of no body is one that it survives.
        let one = still_used(&envoy, call).await - reserved;

        let killing = call.with_key("sk-one").with("x-demo-tokens", "700,300");
        let mut connection = envoy.connect(Wire::H1).await;
        let reply = connection.begin(killing).await;
        let both = LIMIT - left_in(reply.headers()) - reserved;
        assert_eq!(both, 2 * one, "the same body reserves the same");
        let mut body = reply.into_body();
        while let Some(Ok(_)) = next_chunk(&mut body).await {}

        until("the virtual machine to die", async || {
            let deaths = envoy.log().matches("invalid context_id").count();
            (deaths > round).then_some(())
        })
        .await;
        // Whose stream it was cannot settle any more.
        waiting.abort();
        assert_eq!(demo.seen(&name).await["end"], "gone");
        reserved += both;
        assert_eq!(still_used(&envoy, call).await, reserved, "round {round}");
    }
    assert_eq!(envoy.metric(SETTLEMENTS, &[]).await, 0);
}

/// What the key has used, as an answer without a body tells, once there is a virtual machine again.
async fn still_used(envoy: &Envoy, call: &Call) -> u64 {
    until("the filter to answer", async || {
        let mut request = call.probe("sk-one");
        *request.method_mut() = Method::HEAD;
        let reply = envoy.send(request).await;
        reply.header("ratelimit")?;
        Some(LIMIT - left_in(&reply.headers))
    })
    .await
}

/// The filter, such that the first bytes of an answer are the end of its virtual machine: two functions of the same form
/// have changed names, one of which must never be called for HTTP.
fn mortal() -> Vec<u8> {
    let mut module = fs::read(filter_module()).unwrap();
    let names: [&[u8]; 2] = [b"proxy_on_response_body", b"proxy_on_upstream_data"];
    let places = names.map(|name| {
        let mut found = module.windows(name.len()).enumerate();
        let place = found.find(|(_, bytes)| *bytes == name);
        place.expect("an export").0
    });
    for (name, place) in names.iter().zip([places[1], places[0]]) {
        module[place..place + name.len()].copy_from_slice(name);
    }
    module
}

const LIMIT: u64 = 1_000_000;
