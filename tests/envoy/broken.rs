//! Promise: whatever breaks off, grows too long or is not there at all, the filter goes on and gives back what it held.

use std::convert::Infallible;
use std::future::pending;

use axum::http::StatusCode;
use serde_json::json;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use crate::harness::client::{Bytes, Headers as _, post_chunks};
use crate::harness::{Origin, Setup, Wire, get, post, raw, until};
use crate::hostile::{still_serves, still_serves_with};
use crate::models::per_model;
use crate::quotas::per_key;
use crate::records::{decision, recorded};

#[tokio::test(flavor = "multi_thread")]
async fn a_body_over_the_cap_is_refused_before_it_is_sent() {
    let origin = Origin::start().await;
    let mut policy = per_model(100);
    policy["limits"] = json!({"body": "1KiB"});
    let Some(envoy) = Setup::new(policy).start(&origin).await else {
        return;
    };
    let address = envoy.address("main").await;

    for length in [
        "1025",
        "1000000",
        "99999999999",
        "18446744073709551615",
        "99999999999999999999999",
    ] {
        let head = "POST /v1/chat/completions HTTP/1.1\r\nhost: a\r\nauthorization: Bearer sk-one\r\nconnection: close\r\n";
        // Only the head: whoever waits for the body waits in vain.
        let status = raw(
            address,
            format!("{head}content-length: {length}\r\n\r\n").as_bytes(),
        )
        .await
        .status();
        assert!(status == 413 || status == 400, "{length}: {status}");
    }
    assert_eq!(
        envoy
            .send(post("/v1/chat/completions", vec![b' '; 1024]).bearer("sk-one"))
            .await
            .status,
        200
    );
    let over = envoy
        .send(post("/v1/chat/completions", vec![b' '; 1025]).bearer("sk-one"))
        .await;
    assert_eq!(over.status, 413);
    assert!(
        over.json()["error"]["message"].is_string(),
        "{}",
        over.text()
    );
    assert_eq!(origin.seen().len(), 1);
    still_serves(&envoy).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_without_length_is_refused_once_it_is_over_the_cap() {
    let origin = Origin::start().await;
    let mut policy = per_model(100);
    policy["limits"] = json!({"body": "10KiB"});
    let Some(envoy) = Setup::new(policy).start(&origin).await else {
        return;
    };

    for wire in [Wire::H1, Wire::H2] {
        let mut connection = envoy.connect(wire).await;
        let (chunks, request) = post_chunks("/v1/chat/completions");
        let feed = async move {
            // Never an end: only the cap can end it. Once the reply is there nobody takes chunks any more.
            while chunks.send(Bytes::from_static(&[b' '; 1024])).await.is_ok() {}
            pending::<Infallible>().await
        };
        let reply = tokio::select! {
            reply = connection.send(request.bearer("sk-one")) => reply,
            never = feed => match never {},
        };
        assert_eq!(reply.status, 413, "{wire:?}");
    }
    assert!(origin.seen().is_empty(), "nothing of it reaches the origin");
    let log = envoy.access_log(2).await;
    assert_eq!(decision(&log[0])["reason"], "body_too_large");
    still_serves(&envoy).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_leaves_in_the_middle_of_its_body_leaves_nothing_behind() {
    let origin = Origin::start().await;
    let mut policy = per_model(100);
    policy["quotas"].as_array_mut().unwrap().push(json!(
        {"name": "in-flight", "per": ["key"], "count": "concurrent", "limit": 1}
    ));
    let Some(envoy) = Setup::new(policy).start(&origin).await else {
        return;
    };
    let address = envoy.address("main").await;

    for part in ["", "{", "{\"model\":\"m", "{\"model\":\"m\"}"] {
        let mut socket = TcpStream::connect(address).await.unwrap();
        let head =
            "POST /v1/chat/completions HTTP/1.1\r\nhost: a\r\nauthorization: Bearer sk-one\r\n";
        socket
            .write_all(format!("{head}content-length: 100\r\n\r\n{part}").as_bytes())
            .await
            .unwrap();
        drop(socket);
    }
    envoy.access_log(4).await;
    until("the slot that nobody holds any more", async || {
        let reply = envoy
            .send(post("/v1/chat/completions", r#"{"model":"m"}"#).bearer("sk-one"))
            .await;
        (reply.status == 200).then_some(())
    })
    .await;
    assert!(
        origin.seen().iter().filter(|seen| seen.whole).count() == 1,
        "half a request is none: {:?}",
        origin.seen()
    );
    still_serves(&envoy).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_origin_that_is_down_is_said_to_be_down() {
    let nobody = Origin::start().await.address;
    let mut policy = per_key(3);
    policy["quotas"].as_array_mut().unwrap().push(json!(
        {"name": "in-flight", "per": ["key"], "count": "concurrent", "limit": 1}
    ));
    let Some(envoy) = Setup::new(recorded(policy)).start_before(nobody).await else {
        return;
    };

    let reply = envoy.send(get("/v1/models").bearer("sk-one")).await;
    assert_eq!(reply.status, 503);
    assert!(
        reply.text().starts_with("upstream connect error"),
        "Envoy's own words: {}",
        reply.text()
    );
    let log = envoy.access_log(1).await;
    assert_eq!(
        decision(&log[0])["verdict"],
        "allow",
        "it was not Stillgate that refused"
    );
    assert!(
        !log[0]["details"].as_str().unwrap().starts_with("stillgate"),
        "{log:?}"
    );
    until("the slot of the failed request", async || {
        (envoy.send(get("/v1/models").bearer("sk-one")).await.status == 503).then_some(())
    })
    .await;
    envoy.assert_never_died().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_origin_that_answers_with_anything_is_passed_on() {
    let origin = Origin::answering(|seen| {
        let status: u16 = seen.path[1..].parse().expect("a status in the path");
        let mut answer = axum::http::Response::new(axum::body::Body::from(vec![0xff_u8; 3]));
        *answer.status_mut() = StatusCode::from_u16(status).expect("a status");
        for (name, value) in [
            ("x-bin", &b"\xff\xfe"[..]),
            ("x-ratelimit-limit-requests", b"\xff"),
            ("content-type", b"\x80"),
        ] {
            answer.headers_mut().insert(
                name,
                axum::http::HeaderValue::from_bytes(value).expect("bytes"),
            );
        }
        answer
    })
    .await;
    let Some(envoy) = Setup::new(per_key(100)).start(&origin).await else {
        return;
    };

    for status in [200, 201, 301, 400, 401, 404, 418, 429, 500, 503, 599] {
        let reply = envoy
            .send(get(&format!("/{status}")).bearer("sk-one"))
            .await;
        assert_eq!((reply.status, &reply.body[..]), (status, &[0xff_u8; 3][..]));
        assert_eq!(
            reply.headers["x-ratelimit-limit-requests"].as_bytes(),
            b"\xff"
        );
    }
    still_serves_with(&envoy, "/200").await;
}
