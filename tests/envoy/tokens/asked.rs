//! `ask_for_usage`: OpenAI's streams tell their usage whether or not the client asked, and the client sees what it asked for.

use serde_json::{Value, json};

use super::{Call, before_demo, budget, call, used};
use crate::harness::client::{
    Bytes, Headers as _, Reply, Request, post_chunks, post_with_trailers,
};
use crate::harness::demo::header;
use crate::harness::origin::{Origin, json_answer};
use crate::harness::{Demo, Envoy, Setup, Wire};

#[tokio::test(flavor = "multi_thread")]
async fn the_origin_is_asked_and_the_client_sees_nothing_of_it() {
    let Some((demo, envoy)) = before_demo(asking()).await else {
        return;
    };

    for name in ["chat-stream", "completions-stream", "azure-stream"] {
        for wire in [Wire::H1, Wire::H2] {
            let key = format!("sk-{name}-{wire:?}");
            let call = silent(name);
            let reply = envoy.connect(wire).await.send(ask(&call, &key)).await;
            is_as_without_the_filter(&demo, &call, &reply).await;

            let seen = demo.seen(&key).await;
            assert_eq!(reached(&seen), asked(&call.body), "{key}");
            assert_eq!(
                header(&seen, "content-length"),
                Some(seen["length"].to_string().as_str()),
                "{key}"
            );
            assert_eq!(used(&envoy, &call, &key, LIMIT).await, 1_000, "{key}");
        }
    }
    envoy.assert_never_died().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_without_a_length_asks_as_well() {
    let Some((demo, envoy)) = before_demo(asking()).await else {
        return;
    };

    let call = silent("chat-stream");
    for wire in [Wire::H1, Wire::H2] {
        let (chunks, request) = post_chunks(&call.path);
        let key = format!("sk-chunks-{wire:?}");
        let request = dressed(request.bearer(&key), &key);
        let text = call.body.to_string();
        let feed = async move {
            for piece in text.as_bytes().chunks(100) {
                chunks
                    .send(Bytes::copy_from_slice(piece))
                    .await
                    .expect("a reader");
            }
        };
        let mut connection = envoy.connect(wire).await;
        let (reply, ()) = tokio::join!(connection.send(request), feed);
        is_as_without_the_filter(&demo, &call, &reply).await;
        let seen = demo.seen(&key).await;
        assert_eq!(reached(&seen), asked(&call.body), "{key}");
        assert_eq!(header(&seen, "content-length"), None, "{key}");
        assert_eq!(used(&envoy, &call, &key, LIMIT).await, 1_000, "{key}");
    }

    let text: &'static str = call.body.to_string().leak();
    let request = post_with_trailers(&call.path, text).bearer("sk-trailers");
    let request = dressed(request, "sk-trailers");
    let reply = envoy.connect(Wire::H2).await.send(request).await;
    is_as_without_the_filter(&demo, &call, &reply).await;
    let seen = demo.seen("sk-trailers").await;
    assert_eq!(reached(&seen), asked(&call.body), "before trailers");
    assert_eq!(used(&envoy, &call, "sk-trailers", LIMIT).await, 1_000);
    envoy.assert_never_died().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_was_gathered_ends_without_its_chunk_although_its_length_was_told() {
    const SEEN: &str = "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n";
    const HIDDEN: &str =
        "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":700,\"completion_tokens\":300}}\n\n";
    // Sent whole, so that it has a content-length.
    let origin =
        Origin::answering(|_| json_answer(format!("{SEEN}{HIDDEN}data: [DONE]\n\n"))).await;
    let Some(envoy) = Setup::new(asking()).start_before(origin.address).await else {
        return;
    };

    let call = silent("chat-stream");
    for wire in [Wire::H1, Wire::H2] {
        let key = format!("sk-{wire:?}");
        let reply = envoy.connect(wire).await.send(call.with_key(&key)).await;
        assert_eq!(reply.text(), format!("{SEEN}data: [DONE]\n\n"), "{key}");
        assert_eq!(reply.headers.get("content-length"), None, "{key}");
    }
    envoy.assert_never_died().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_asks_itself_sees_its_usage() {
    let Some((demo, envoy)) = before_demo(asking()).await else {
        return;
    };

    for name in ["chat-stream", "completions-stream", "azure-stream"] {
        let call = call(name);
        let reply = envoy.send(ask(&call, name)).await;
        assert!(reply.text().contains("\"total_tokens\":1000"), "{name}");
        assert_eq!(demo.seen(name).await["body"], call.body.to_string());
        is_as_without_the_filter(&demo, &call, &reply).await;
        assert_eq!(used(&envoy, &call, name, LIMIT).await, 1_000, "{name}");
    }

    // Said to be unwanted, or beside other options: asked for, and hidden.
    for options in [
        json!({"include_usage": false}),
        json!({"include_obfuscation": false}),
        json!({}),
        json!(null),
    ] {
        let mut call = call("chat-stream");
        call.body["stream_options"] = options;
        let reply = envoy.send(ask(&call, "other")).await;
        is_as_without_the_filter(&demo, &call, &reply).await;
        assert_eq!(reached(&demo.seen("other").await), asked(&call.body));
    }
    envoy.assert_never_died().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_must_not_be_changed_is_not() {
    let Some((demo, envoy)) = before_demo(asking()).await else {
        return;
    };

    for name in ["content-digest", "digest", "content-md5", "signature-input"] {
        let call = silent("chat-stream");
        let request = ask(&call, name).with(name, "sha-256=:AAAA:");
        untouched(&envoy, &demo, &call, request, name).await;
    }
    // APIs that know no such option, and would refuse it.
    for name in [
        "chat",
        "responses-stream",
        "responses",
        "embeddings",
        "messages-stream",
        "gemini-stream",
    ] {
        let call = silent(name);
        untouched(&envoy, &demo, &call, ask(&call, name), name).await;
    }
    let runs = Call {
        path: String::from("/v1/threads/t/runs"),
        body: json!({"assistant_id": "a", "stream": true}),
        ..call("chat-stream")
    };
    untouched(&envoy, &demo, &runs, ask(&runs, "runs"), "runs").await;
    envoy.assert_never_died().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_asked_in_shadow_or_for_a_rule_in_shadow() {
    let demo = Demo::start().await;
    for place in ["/mode", "/quotas/0/mode"] {
        let mut policy = asking();
        policy["mode"] = json!("enforce");
        policy["quotas"][0]["mode"] = json!("enforce");
        *policy.pointer_mut(place).expect("a mode") = json!("shadow");
        let Some(envoy) = Setup::new(policy).start_before(demo.address).await else {
            return;
        };
        let call = silent("chat-stream");
        let name = place.replace('/', "-");
        untouched(&envoy, &demo, &call, ask(&call, &name), &name).await;
    }
}

/// The origin gets the body byte for byte.
async fn untouched(envoy: &Envoy, demo: &Demo, call: &Call, request: Request, name: &str) {
    envoy.send(request).await;
    let seen = demo.seen(name).await;
    assert_eq!(seen["body"], call.body.to_string(), "{name}");
    let length = call.body.to_string().len().to_string();
    assert_eq!(header(&seen, "content-length"), Some(length.as_str()));
}

/// The client reads what the origin sends to one who asks it himself, but for the null that every chunk has then.
async fn is_as_without_the_filter(demo: &Demo, call: &Call, reply: &Reply) {
    assert_eq!(reply.status, 200, "{}", reply.text());
    let direct = demo
        .ask(dressed(call.with_key("sk-direct"), "direct"))
        .await;
    let asked = direct.text().contains("\"usage\":null");
    let told = if asked {
        reply.text()
    } else {
        reply.text().replace(",\"usage\":null", "")
    };
    assert_eq!(nameless(&told), nameless(&direct.text()));
}

/// Without the identifiers, which no two answers share.
fn nameless(text: &str) -> String {
    let mut pieces = text.split("\"id\":\"");
    let first = pieces.next().unwrap_or_default().to_owned();
    pieces.fold(first, |text, piece| {
        text + "\"id\":\"" + &piece[piece.find('"').expect("the end of a name")..]
    })
}

/// The request under a name, with a usage of 1,000.
fn ask(call: &Call, name: &str) -> Request {
    dressed(call.with_key(name), name)
}

fn dressed(request: Request, name: &str) -> Request {
    request
        .with("x-demo-tokens", "700,300")
        .with("x-demo-name", name)
}

/// The call of that name, whose client does not ask for usage.
fn silent(name: &str) -> Call {
    let mut call = call(name);
    if let Some(body) = call.body.as_object_mut() {
        body.remove("stream_options");
    }
    call
}

/// The body that reached the origin.
fn reached(seen: &Value) -> Value {
    let text = seen["body"].as_str().expect("a body");
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error} in {text}"))
}

/// The body as one would write it who asks for usage.
fn asked(body: &Value) -> Value {
    let mut body = body.clone();
    if body["stream_options"].is_null() {
        body["stream_options"] = json!({});
    }
    body["stream_options"]["include_usage"] = json!(true);
    body
}

fn asking() -> Value {
    let mut policy = budget("tokens", LIMIT);
    policy["tokens"] = json!({"ask_for_usage": true});
    policy
}

const LIMIT: u64 = 1_000_000;
