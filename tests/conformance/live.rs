//! A case in real time, through a gateway that listens on a socket and hands on to an origin of ours.

use std::net::SocketAddr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http_body_util::{BodyExt as _, Empty, Full};
use hyper::body::Bytes;
use hyper::http::{HeaderName, HeaderValue};
use serde_json::Value;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::case::{Case, Leaves};
use super::harness::{Connection, Wire};
use super::host::Ran;
use super::origin::Waiting;
use super::wire::{self, Exchange, Outcome, Reply, bytes, headers, latin};

/// How long a record, or an answer, may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(10);

/// Between two looks at the records.
const BREATH: Duration = Duration::from_millis(5);

/// A gateway with Stillgate in it, all of whose requests are one case's.
pub(crate) struct Gateway<R> {
    pub(crate) address: SocketAddr,
    /// Headers by which the gateway is told what a client cannot be made to show it.
    pub(crate) told: fn(&wire::Request) -> Vec<(String, String)>,
    /// What reaches the origin.
    pub(crate) desk: mpsc::UnboundedReceiver<Waiting>,
    /// All records so far.
    pub(crate) records: R,
}

impl<R: Fn() -> Vec<Value> + Send> Gateway<R> {
    /// Has the case happen.
    pub(crate) async fn run(mut self, case: &Case) -> Ran {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH);
        let wall = wall.expect("a clock after 1970").as_millis();
        let began = Instant::now();
        let (mut outcomes, mut recorded) = (Vec::new(), 0);
        for (at, exchanges) in case.moments() {
            sleep_until(began + Duration::from_millis(at)).await;
            let mut group = self.together(&exchanges, began).await;
            let count = exchanges.iter().filter(|one| is_recorded(one)).count();
            let records = self.records_from(recorded, count).await;
            recorded += records.len();
            hand_out(records, &exchanges, &mut group);
            outcomes.append(&mut group);
        }
        // What is recorded beyond is the last exchange's, who has one too many.
        let more = (self.records)().into_iter().nth(recorded);
        if let (Some(record), Some(last)) = (more, outcomes.last_mut()) {
            last.record = Some(record);
        }
        Ran {
            began: u64::try_from(wall).ok(),
            outcomes,
        }
    }

    /// Begins all of these exchanges, each when the last one is at the origin or has been answered, and then ends them in order.
    async fn together(&mut self, exchanges: &[Exchange], began: Instant) -> Vec<Outcome> {
        let since = || u64::try_from(began.elapsed().as_millis()).expect("a short case");
        let mut begun = Vec::new();
        for exchange in exchanges {
            let first = since();
            let told = (self.told)(&exchange.request);
            let mut client = tokio::spawn(send(self.address, exchange.clone(), told));
            let mut outcome = Outcome::default();
            let mut waiting = None;
            tokio::select! {
                arrived = self.desk.recv() => {
                    let arrived = arrived.expect("an origin");
                    outcome.arrival = Some(arrived.arrived.clone());
                    waiting = Some((arrived, client));
                }
                reply = &mut client => outcome.reply = reply.expect("a client that does not panic"),
            }
            outcome.between = (first, since());
            begun.push((outcome, waiting));
        }
        let mut outcomes = Vec::new();
        for (exchange, (mut outcome, waiting)) in exchanges.iter().zip(begun) {
            if let Some((waiting, client)) = waiting {
                outcome.reply = finish(exchange, waiting, client).await;
            }
            outcomes.push(outcome);
        }
        outcomes
    }

    /// The records from the one of this number on, once there are as many as these.
    async fn records_from(&self, first: usize, count: usize) -> Vec<Value> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let records = (self.records)();
            if records.len() >= first + count || Instant::now() > deadline {
                let records = records.into_iter().skip(first);
                return records.take(count).collect();
            }
            sleep(BREATH).await;
        }
    }
}

/// Answers a request as the case says, and waits for what its client gets of that.
async fn finish(
    exchange: &Exchange,
    waiting: Waiting,
    client: JoinHandle<Option<Reply>>,
) -> Option<Reply> {
    if exchange.leaves == Some(Leaves::BeforeTheAnswer) {
        client.abort();
        let _ = client.await;
        // It stays at the origin until the gateway takes it back.
        tokio::spawn(waiting.abandoned());
        return None;
    }
    waiting.answer(&exchange.response, exchange.leaves.is_some());
    client.await.expect("a client that does not panic")
}

fn is_recorded(exchange: &Exchange) -> bool {
    let expect = exchange.expect.as_ref();
    expect.is_some_and(|expect| expect.record.is_some())
}

/// Gives every exchange its record. Of those in flight at once records come in any order: each gets the one that is expected of
/// it, if that is there.
fn hand_out(mut records: Vec<Value>, exchanges: &[Exchange], outcomes: &mut [Outcome]) {
    let expected = |exchange: &Exchange| exchange.expect.as_ref()?.record.clone();
    for (exchange, outcome) in exchanges.iter().zip(outcomes.iter_mut()) {
        let wanted = expected(exchange);
        let found = records
            .iter()
            .position(|record| Some(record) == wanted.as_ref());
        outcome.record = found.map(|place| records.remove(place));
    }
    let mut rest = records.into_iter();
    for (exchange, outcome) in exchanges.iter().zip(outcomes) {
        if outcome.record.is_none() && is_recorded(exchange) {
            outcome.record = rest.next();
        }
    }
}

/// Sends a request, and reads the answer as far as it comes; nothing if none comes.
async fn send(
    address: SocketAddr,
    exchange: Exchange,
    told: Vec<(String, String)>,
) -> Option<Reply> {
    let wire::Request {
        method,
        target,
        from,
        headers: sent,
        body,
    } = exchange.request;
    let body = match body {
        Some(body) => Full::new(Bytes::from(body)).boxed(),
        None => Empty::new().boxed(),
    };
    let mut request = hyper::Request::new(body);
    *request.method_mut() = method.parse().expect("a method");
    *request.uri_mut() = target.parse().expect("a path");
    for (name, value) in sent.into_iter().chain(told) {
        let name = HeaderName::from_bytes(name.as_bytes()).expect("a header's name");
        let value = HeaderValue::from_bytes(&bytes(&value)).expect("a header's value");
        request.headers_mut().append(name, value);
    }
    // A gateway that takes no connection, or breaks it, is one that answers nothing.
    let connection = Connection::try_open_from(from, address, Wire::H1, None).await;
    let mut connection = connection.ok()?;
    let (head, mut body) = connection.try_begin(request).await.ok()?.into_parts();
    let pairs: Vec<(&str, String)> = head
        .headers
        .iter()
        .map(|(name, value)| (name.as_str(), latin(value.as_bytes())))
        .collect();
    let mut reply = Reply {
        status: head.status.as_u16(),
        headers: headers(pairs.iter().map(|(name, value)| (*name, value.as_str()))),
        body: Vec::new(),
    };
    let enough = match exchange.leaves {
        Some(_) => exchange.response.body.bytes().len(),
        None => usize::MAX,
    };
    while reply.body.len() < enough
        && let Ok(Some(Ok(frame))) = timeout(PATIENCE, body.frame()).await
    {
        if let Some(bytes) = frame.data_ref() {
            reply.body.extend_from_slice(bytes);
        }
    }
    // A client that leaves has not seen what comes behind.
    reply.body.truncate(enough);
    Some(reply)
}
