//! What headers can decide does not wait for a body, and what a client leaves in the middle counts nowhere.

use serde_json::{Value, json};

use super::{ask, gate, own_ja4, policy, told};
use crate::harness::client::{Bytes, Headers as _, post_chunks, within};
use crate::harness::{Origin, Setup, Wire, until};

/// A check that headers decide, beside one that needs the body.
fn with_model(first: Value) -> Value {
    policy(json!([
        {"name": "model", "trait": "model", "in": ["secret"], "then": "tag"},
        first,
    ]))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_denied_request_is_answered_before_its_body_ends() {
    let Some(ja4) = own_ja4(Wire::TlsH2).await else {
        return;
    };
    let ciphers = ja4.split('_').nth(1).expect("a JA4 has three parts");
    for then in ["deny", "verify"] {
        let origin = Origin::start().await;
        let check =
            json!({"name": "ja4", "trait": "ja4", "in": [format!("*_{ciphers}_*")], "then": then});
        let Some(envoy) = gate(with_model(check)).start(&origin).await else {
            return;
        };
        for wire in [Wire::TlsH1, Wire::TlsH2] {
            let mut connection = envoy.connect_to("tls", wire).await;
            let (body, request) = post_chunks("/v1/chat/completions");
            body.send(Bytes::from_static(b"{\"model\": \"sec"))
                .await
                .expect("a reader");
            // The sender is held: as long as there is no reply there is no end of the body either.
            let reply = connection.begin(request.bearer("sk-one")).await;
            assert_eq!(reply.status(), 403, "{then} {wire:?}");
            drop(body);
        }
        assert!(origin.seen().is_empty());
        envoy.assert_never_died().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_no_rule_reads_is_not_held() {
    let origin = Origin::start().await;
    let check = json!({"name": "org", "trait": "org", "in": ["acme"], "then": "tag"});
    let Some(envoy) = Setup::new(policy(json!([check]))).start(&origin).await else {
        return;
    };
    for wire in [Wire::H1, Wire::H2] {
        let mut connection = envoy.connect(wire).await;
        let (body, request) = post_chunks("/v1/chat/completions");
        let request = request.bearer("sk-one").with("x-auth-org", "acme");
        let active = async || envoy.stat("cluster.origin.upstream_rq_active").await;
        let reply = tokio::spawn(async move { connection.send(request).await });
        body.send(Bytes::from_static(b"{")).await.expect("a reader");
        until("the request at the origin", async || {
            (active().await == 1).then_some(())
        })
        .await;
        drop(body);
        assert_eq!(within(reply).await.expect("a reply").status, 200);
        assert_eq!(told(origin.seen().last().expect("a request")), Some("org"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_leaves_before_its_answer_counts_nowhere() {
    let origin = Origin::start().await;
    let farm = json!({"name": "farm", "per": ["network"], "distinct": "key", "limit": 2, "window": "1h", "then": "deny"});
    let Some(envoy) = Setup::new(with_model(farm)).start(&origin).await else {
        return;
    };
    // Half a body each, in the hands of the filter when the client hangs up.
    for n in 0..8 {
        let mut connection = envoy.connect(Wire::H1).await;
        let (body, request) = post_chunks("/v1/chat/completions");
        let request = request.bearer(&format!("sk-gone-{n}"));
        let sent = tokio::spawn(async move { connection.try_send(request).await.map(|_| ()) });
        body.send(Bytes::from_static(b"{\"model\": \"sec"))
            .await
            .expect("a reader");
        until("the request at Envoy", async || {
            let active = envoy.stat("http.main.downstream_rq_active").await;
            (active == 1).then_some(())
        })
        .await;
        sent.abort();
        until("the request to end", async || {
            let active = envoy.stat("http.main.downstream_rq_active").await;
            (active == 0).then_some(())
        })
        .await;
        // Not before: its end would be the body's.
        drop(body);
    }
    assert!(origin.seen().is_empty());
    for key in ["sk-one", "sk-two", "sk-one"] {
        assert_eq!(envoy.send(ask(key)).await.status, 200);
    }
    envoy.assert_never_died().await;
}
