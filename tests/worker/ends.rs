//! Promise: however a request ends, it is settled once, and what fails says so.

use http_body_util::BodyExt as _;
use serde_json::json;

use crate::harness::client::within;
use crate::harness::{Origin, Setup, chat, get, of, requests, until};

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_goes_away_is_settled_and_lets_the_origin_go() {
    let (origin, mut holds) = Origin::holding().await;
    let policy = json!({"version": 1, "record": "all", "quotas": [
        {"name": "tokens", "per": ["key"], "count": "tokens", "limit": 100_000, "window": "1h"},
        {"name": "flight", "per": ["key"], "count": "concurrent", "limit": 1}]});
    let Some(worker) = Setup::new(&policy).start(&origin).await else {
        return;
    };
    let ask = || {
        of(
            "sk-one",
            chat(json!({"model": "m", "stream": true, "messages": []}).to_string()),
        )
    };
    let mut connection = worker.connect().await;
    let mut reply = connection.begin(ask()).await;
    let hold = holds.recv().await.unwrap();
    hold.send("data: {\"choices\":[{\"delta\":{\"content\":\"yes\"}}]}\n\n")
        .await;
    reply.body_mut().frame().await.unwrap().unwrap();
    let mut other = worker.connect().await;
    assert_eq!(other.send(ask()).await.status, 429, "its slot is taken");
    drop((reply, connection));
    // workerd sees that a client is gone when there is something to be written to it.
    let written = async {
        loop {
            hold.send("data: {\"choices\":[{\"delta\":{\"content\":\"yes\"}}]}\n\n")
                .await;
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        () = within(hold.abandoned()) => {}
        () = written => {}
    }
    let record = worker.record(|record| record["usage"].is_object()).await;
    assert_eq!(record["usage"]["source"], "counted");
    assert!(record["usage"]["output"].as_u64().unwrap() >= 1);
    let free = async || {
        let mut connection = worker.connect().await;
        (connection.begin(ask()).await.status() == 200).then_some(())
    };
    until("the slot to be free", free).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_breaks_off_is_counted_as_far_as_it_came() {
    let (origin, mut holds) = Origin::holding().await;
    let policy = json!({"version": 1, "record": "all", "quotas": [
        {"name": "tokens", "per": ["key"], "count": "tokens", "limit": 100_000, "window": "1h"}]});
    let Some(worker) = Setup::new(&policy).start(&origin).await else {
        return;
    };
    let mut connection = worker.connect().await;
    let body = json!({"model": "m", "stream": true, "messages": []}).to_string();
    let mut reply = connection.begin(of("sk-one", chat(body))).await;
    let hold = holds.recv().await.unwrap();
    hold.send("data: {\"choices\":[{\"delta\":{\"content\":\"one\"}}]}\n\n")
        .await;
    reply.body_mut().frame().await.unwrap().unwrap();
    hold.die().await;
    assert!(
        reply.into_body().collect().await.is_err(),
        "the client is told that it broke off"
    );
    let record = worker.record(|record| record["usage"].is_object()).await;
    assert_eq!(record["usage"]["source"], "counted");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_origin_that_is_down_is_a_502_and_costs_no_slot() {
    let origin = Origin::start().await;
    let policy = json!({"version": 1, "quotas": [
        {"name": "flight", "per": ["key"], "count": "concurrent", "limit": 1}]});
    let Some(worker) = Setup::new(&policy).start(&origin).await else {
        return;
    };
    drop(origin);
    let mut connection = worker.connect().await;
    for _ in 0..3 {
        let refused = async || {
            let reply = connection.send(of("sk-one", get("/v1/models"))).await;
            (reply.status == 502).then_some(())
        };
        until("the slot to be free", refused).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_its_ledger_the_policy_says_what_happens() {
    let down = (
        "worker.js",
        "const answer = this.counters.tell(message, now);",
        "throw new Error(\"down\");",
    );
    for (on_error, expected) in [("deny", 503), ("allow", 200)] {
        let origin = Origin::start().await;
        let mut policy = requests(1, "1h");
        policy["on_error"] = json!(on_error);
        let setup = Setup::new(&policy).changed(down.0, down.1, down.2);
        let Some(worker) = setup.start(&origin).await else {
            return;
        };
        let mut connection = worker.connect().await;
        for _ in 0..3 {
            let reply = connection.send(of("sk-one", get("/v1/models"))).await;
            assert_eq!(reply.status, expected, "{}", reply.text());
        }
        let record = worker.record(|record| record["reason"] == "store").await;
        assert_eq!(record["verdict"] == "allow", expected == 200);
        let told = async || {
            let log = worker.edge.log();
            log.iter()
                .any(|line| line.contains("the ledger could not be reached"))
                .then_some(())
        };
        until("the log to say so", told).await;
    }
}
