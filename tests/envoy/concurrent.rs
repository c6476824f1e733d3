//! Promise: what is in flight is counted while it is in flight, and given back whatever ends it.

use hyper::body::Incoming;
use serde_json::{Value, json};
use tokio::time::{Duration, Instant, sleep};

use crate::harness::client::{Headers as _, next_chunk};
use crate::harness::{Connection, Envoy, Origin, Setup, Wire, get, until};

#[tokio::test(flavor = "multi_thread")]
async fn one_more_than_the_limit_is_refused_until_one_ends() {
    let (origin, mut holds) = Origin::holding().await;
    let Some(envoy) = Setup::new(in_flight(3)).start(&origin).await else {
        return;
    };

    let mut streams = Vec::new();
    let mut held = Vec::new();
    for _ in 0..3 {
        streams.push(Stream::open(&envoy, Wire::H1).await.expect("a slot"));
        held.push(holds.recv().await.expect("a request at the origin"));
    }
    assert!(
        Stream::open(&envoy, Wire::H1).await.is_none(),
        "all three slots are taken"
    );

    drop(held.pop());
    let mut ended = streams.pop().expect("three streams");
    assert!(
        next_chunk(&mut ended.body).await.is_none(),
        "the stream ends as the origin ended it"
    );
    until("the slot to be free", async || {
        Stream::open(&envoy, Wire::H1).await
    })
    .await;
    envoy.assert_never_died().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_hangs_up_gives_its_slot_back() {
    a_slot_is_given_back(Wire::H1, async |stream, hold| {
        drop(stream);
        hold.abandoned().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_resets_its_stream_gives_its_slot_back() {
    a_slot_is_given_back(Wire::H2, async |stream, hold| {
        // The connection stays; only this stream of it goes.
        let Stream { body, connection } = stream;
        drop(body);
        hold.abandoned().await;
        drop(connection);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_origin_that_dies_gives_the_slot_back() {
    a_slot_is_given_back(Wire::H1, async |mut stream, hold| {
        hold.send("data: 1\n\n").await;
        assert_eq!(
            next_chunk(&mut stream.body).await.unwrap().unwrap(),
            "data: 1\n\n"
        );
        hold.die().await;
        while let Some(Ok(_)) = next_chunk(&mut stream.body).await {}
    })
    .await;
}

async fn a_slot_is_given_back(wire: Wire, end: impl AsyncFn(Stream, crate::harness::origin::Hold)) {
    let (origin, mut holds) = Origin::holding().await;
    let Some(envoy) = Setup::new(in_flight(1)).workers(2).start(&origin).await else {
        return;
    };

    for round in 0..3 {
        let stream = until("a free slot", async || Stream::open(&envoy, wire).await).await;
        let hold = holds.recv().await.expect("a request at the origin");
        assert!(
            Stream::open(&envoy, wire).await.is_none(),
            "round {round}: the only slot is taken"
        );
        end(stream, hold).await;
    }
    envoy.assert_never_died().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_outlasts_its_lease_keeps_its_slot() {
    a_stream_outlasts_its_lease(false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_outlasts_its_lease_and_its_policy_keeps_its_slot() {
    a_stream_outlasts_its_lease(true).await;
}

/// Nobody may take the slot of a stream for longer than a lease, the shortest that a policy can ask for.
async fn a_stream_outlasts_its_lease(reload: bool) {
    let (origin, mut holds) = Origin::holding().await;
    let policy = |record: &str| {
        let mut policy = in_flight(1);
        policy["quotas"][0]["lease"] = json!("5s");
        policy["record"] = json!(record);
        policy
    };
    let Some(envoy) = Setup::new(policy("interventions"))
        .workers(2)
        .dynamic()
        .start(&origin)
        .await
    else {
        return;
    };

    let mut stream = Stream::open(&envoy, Wire::H1).await.expect("the slot");
    let hold = holds.recv().await.expect("a request at the origin");
    if reload {
        assert!(envoy.reload(Setup::new(policy("all"))).await);
    }
    let opened = Instant::now();
    while opened.elapsed() < Duration::from_secs(7) {
        assert!(
            Stream::open(&envoy, Wire::H1).await.is_none(),
            "taken after {:?}",
            opened.elapsed()
        );
        sleep(Duration::from_millis(100)).await;
    }
    hold.send("data: still here\n\n").await;
    assert_eq!(
        next_chunk(&mut stream.body).await.unwrap().unwrap(),
        "data: still here\n\n"
    );
    drop((hold, stream));
    until("the slot to be free", async || {
        Stream::open(&envoy, Wire::H1).await
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn workers_share_the_slots_of_a_key() {
    let (origin, _holds) = Origin::holding().await;
    let Some(envoy) = Setup::new(in_flight(5)).workers(4).start(&origin).await else {
        return;
    };

    let mut clients = tokio::task::JoinSet::new();
    for _ in 0..24 {
        let connection = envoy.connect(Wire::H1).await;
        clients.spawn(Stream::open_on(connection));
    }
    let streams = clients.join_all().await;
    assert_eq!(streams.iter().flatten().count(), 5);
    assert_eq!(origin.seen().len(), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_refused_by_another_quota_takes_no_slot() {
    let origin = Origin::start().await;
    let policy = json!({
        "version": 1,
        "quotas": [
            {"name": "in-flight", "per": ["network"], "count": "concurrent", "limit": 1},
            {"name": "requests", "per": ["key"], "count": "requests", "limit": 1, "window": "1h"},
        ],
    });
    let Some(envoy) = Setup::new(policy).start(&origin).await else {
        return;
    };

    for key in ["sk-one", "sk-two", "sk-three"] {
        let first = until("the slot of the request before", async || {
            let status = envoy.send(get("/v1/models").bearer(key)).await.status;
            (status == 200).then_some(status)
        });
        first.await;
        for _ in 0..3 {
            assert_eq!(envoy.send(get("/v1/models").bearer(key)).await.status, 429);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn events_pass_one_by_one_over_http_1() {
    events_pass_one_by_one(Wire::H1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn events_pass_one_by_one_over_http_2() {
    events_pass_one_by_one(Wire::H2).await;
}

/// The origin sends an event only after the client has read the one before: whoever buffered would hang.
async fn events_pass_one_by_one(wire: Wire) {
    let (origin, mut holds) = Origin::holding().await;
    let Some(envoy) = Setup::new(in_flight(1)).start(&origin).await else {
        return;
    };

    let mut stream = Stream::open(&envoy, wire).await.expect("a slot");
    let hold = holds.recv().await.expect("a request at the origin");
    for event in [
        "data: one\n\n",
        "data: two\n\n",
        "data: three\n\n",
        "data: [DONE]\n\n",
    ] {
        hold.send(event).await;
        assert_eq!(next_chunk(&mut stream.body).await.unwrap().unwrap(), event);
    }
    drop(hold);
    assert!(next_chunk(&mut stream.body).await.is_none());
}

/// A response that is still coming, with the connection that it comes on.
struct Stream {
    body: Incoming,
    connection: Connection,
}

impl Stream {
    /// Opens a stream; `None` when it is refused for lack of a slot.
    async fn open(envoy: &Envoy, wire: Wire) -> Option<Self> {
        Self::open_on(envoy.connect(wire).await).await
    }

    async fn open_on(mut connection: Connection) -> Option<Self> {
        let response = connection
            .begin(get("/v1/chat/completions").bearer("sk-one"))
            .await;
        match response.status().as_u16() {
            200 => Some(Self {
                body: response.into_body(),
                connection,
            }),
            429 => None,
            status => panic!("{status} is neither a slot nor a refusal"),
        }
    }
}

fn in_flight(limit: u64) -> Value {
    json!({
        "version": 1,
        "quotas": [{"name": "in-flight", "per": ["key"], "count": "concurrent", "limit": limit}],
    })
}
