//! What the demo origin saw of requests that have a name, for tests that must not guess by waiting.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{Path, RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use hyper::body::{Frame, SizeHint};
use serde_json::{Value, json};
use tokio::sync::{Mutex, watch};
use tokio::time::timeout;

use super::refusal::{Dialect, Refusal};

/// The requests that had a name, oldest first; the last [`KEPT`] of them.
#[derive(Debug, Clone)]
pub(super) struct Seen(Arc<watch::Sender<VecDeque<Arc<Entry>>>>);

/// One of them.
#[derive(Debug)]
pub(super) struct Entry {
    name: String,
    headers: Value,
    progress: watch::Sender<Progress>,
    /// Held by whoever releases a part, so that two do not take each other's.
    turn: Mutex<()>,
}

/// How far it has come.
#[derive(Debug, Default)]
struct Progress {
    /// Of the body, in bytes.
    length: usize,
    /// Its first bytes, up to [`SHOWN`], in memory of their own.
    start: Vec<u8>,
    /// Parts that the connection took.
    sent: usize,
    /// Parts that may be sent beside the first.
    released: usize,
    end: Option<&'static str>,
}

impl Seen {
    /// Nothing seen yet.
    pub(super) fn new() -> Self {
        Self(Arc::new(watch::Sender::new(VecDeque::new())))
    }

    /// Notes a request. A name that was there before is the new one's.
    pub(super) fn enter(&self, name: &str, headers: Value) -> Trail {
        let entry = Arc::new(Entry {
            name: name.to_owned(),
            headers,
            progress: watch::Sender::new(Progress::default()),
            turn: Mutex::new(()),
        });
        self.0.send_modify(|entries| {
            entries.retain(|old| old.name != name);
            if entries.len() >= KEPT {
                entries.pop_front();
            }
            entries.push_back(Arc::clone(&entry));
        });
        Trail(entry)
    }

    /// The request of that name, if it comes soon.
    async fn find(&self, name: &str) -> Option<Arc<Entry>> {
        let mut entries = self.0.subscribe();
        let named = |entry: &&Arc<Entry>| entry.name == name;
        let there = entries.wait_for(|entries| entries.iter().any(|entry| named(&entry)));
        let entries = timeout(PATIENCE, there).await.ok()?.ok()?;
        entries.iter().find(named).cloned()
    }
}

impl Entry {
    /// Waits until the part at this place, counted from 0, may be sent.
    pub(super) async fn released(&self, place: usize) {
        self.progress_to(|progress| progress.released >= place)
            .await;
    }

    async fn progress_to(&self, far: impl Fn(&Progress) -> bool) {
        // An error would mean that the sender is gone, which is `self`.
        let mut progress = self.progress.subscribe();
        let _there = progress.wait_for(|now| far(now)).await;
    }

    fn end(&self, end: &'static str) {
        self.progress
            .send_modify(|progress| progress.end = progress.end.or(Some(end)));
    }
}

/// Follows a request to its end. Dropped before that, it tells that the client went.
#[derive(Debug)]
pub(super) struct Trail(Arc<Entry>);

impl Trail {
    /// What is followed.
    pub(super) fn entry(&self) -> Arc<Entry> {
        Arc::clone(&self.0)
    }

    /// Notes the request's body.
    pub(super) fn body(&self, body: &Bytes) {
        self.0.progress.send_modify(|progress| {
            progress.length = body.len();
            progress.start = body.get(..SHOWN).unwrap_or(body).to_vec();
        });
    }

    /// Follows the response as the connection takes it.
    pub(super) fn follow(self, response: Response) -> Response {
        response.map(|body| Body::new(Followed { body, trail: self }))
    }
}

impl Drop for Trail {
    fn drop(&mut self) {
        self.0.end("gone");
    }
}

struct Followed {
    body: Body,
    trail: Trail,
}

impl HttpBody for Followed {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        let entry = &self.trail.0;
        match &polled {
            Poll::Ready(Some(Ok(_))) => entry.progress.send_modify(|progress| {
                progress.sent = progress.sent.saturating_add(1);
            }),
            Poll::Ready(Some(Err(_))) => entry.end("cut"),
            Poll::Ready(None) => entry.end("served"),
            Poll::Pending => {}
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Followed {
    fn drop(&mut self) {
        // A body of known length is not asked again once that length was taken.
        if self.body.is_end_stream() {
            self.trail.0.end("served");
        }
    }
}

/// `GET /demo/seen/{name}`
pub(super) async fn seen(
    State(seen): State<Seen>,
    Path(name): Path<String>,
    RawQuery(query): RawQuery,
) -> Response {
    let Some(entry) = seen.find(&name).await else {
        return unknown(&name);
    };
    if query.as_deref() != Some("now") {
        let ended = entry.progress_to(|progress| progress.end.is_some());
        // Without an end in time, what is there is told.
        let _late = timeout(PATIENCE, ended).await;
    }
    let progress = entry.progress.borrow();
    super::plain(
        StatusCode::OK,
        &json!({
            "headers": entry.headers,
            "length": progress.length,
            "body": String::from_utf8_lossy(&progress.start),
            "parts": progress.sent,
            "end": progress.end,
        }),
    )
}

/// `POST /demo/step/{name}`
pub(super) async fn step(State(seen): State<Seen>, Path(name): Path<String>) -> Response {
    let Some(entry) = seen.find(&name).await else {
        return unknown(&name);
    };
    let released = async {
        let _turn = entry.turn.lock().await;
        // A part waits when all that were released before it, and the first, are sent.
        let far = |now: &Progress| now.end.is_some() || now.sent > now.released;
        entry.progress_to(far).await;
        let mut released = None;
        entry.progress.send_modify(|now| {
            if now.end.is_none() {
                now.released = now.released.saturating_add(1);
                released = Some(now.released);
            }
        });
        let released = released?;
        let far = |now: &Progress| now.end.is_some() || now.sent > released;
        entry.progress_to(far).await;
        let sent = entry.progress.borrow().sent;
        (sent > released).then_some(sent)
    };
    match timeout(PATIENCE, released).await {
        Ok(Some(sent)) => super::plain(StatusCode::OK, &json!({"parts": sent})),
        _ => {
            let message = format!("No part of {name} waits to be released.");
            refuse(StatusCode::CONFLICT, message)
        }
    }
}

fn unknown(name: &str) -> Response {
    let message = format!("The demo origin has seen no request with this name: {name}");
    refuse(StatusCode::NOT_FOUND, message)
}

fn refuse(status: StatusCode, message: String) -> Response {
    let refusal = Refusal::new(status, message);
    super::plain(status, &Dialect::OpenAi.refuse(&refusal))
}

/// How many requests are remembered.
const KEPT: usize = 64;
/// How much of a body is remembered, in bytes.
const SHOWN: usize = 64 << 10;
/// How long a call waits for what it asks about.
const PATIENCE: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::{KEPT, Seen};

    #[test]
    fn only_the_last_names_are_kept_and_each_once() {
        let seen = Seen::new();
        for number in 0..=KEPT {
            seen.enter(&number.to_string(), Value::Null);
        }
        seen.enter("1", Value::Null);
        let names: Vec<String> = seen
            .0
            .borrow()
            .iter()
            .map(|entry| entry.name.clone())
            .collect();
        let expected: Vec<String> = (2..=KEPT)
            .chain([1])
            .map(|number| number.to_string())
            .collect();
        assert_eq!(names, expected);
    }
}
