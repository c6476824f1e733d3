//! What happens in front of the page as it happens: requests, campaigns and counters of a running gate, for whoever listens.
//!
//! Nobody waits for a listener. What is told goes into a ring of fixed length, and a listener that has not read it when it is
//! overwritten is cut off: a browser comes again by itself, and is told anew.

mod line;
mod metrics;
#[cfg(test)]
mod tests;

use core::convert::Infallible;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::body::Bytes;
use serde::Serialize;
use serde_json::{Value, json};
use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tokio::sync::{Notify, broadcast, mpsc};
use tokio::time;
use tokio_stream::Stream;
use tokio_stream::wrappers::ReceiverStream;

use line::Request;

/// What is running.
#[derive(Debug, Clone, Serialize)]
pub struct Hello {
    /// `Envoy` or `workerd`.
    pub program: &'static str,
    /// The URL at which plaintext HTTP is accepted.
    pub listen: String,
    /// The URL at which TLS is.
    pub tls: Option<String>,
    /// The URL of Envoy's admin interface.
    pub admin: Option<String>,
    /// Where requests go.
    pub origin: String,
    /// The text of the policy that is in force.
    pub policy: String,
}

/// Where what happens is told, and heard. All copies are one.
#[derive(Debug, Clone)]
pub struct Live(Arc<Hub>);

#[derive(Debug)]
struct Hub {
    told: Mutex<Told>,
    /// Events as they are sent, and what a listener missed by being slow.
    news: broadcast::Sender<Bytes>,
    somebody: Notify,
}

/// What a new listener is told first.
#[derive(Debug, Default)]
struct Told {
    hello: Option<Hello>,
    requests: VecDeque<Bytes>,
    campaigns: VecDeque<Bytes>,
}

impl Default for Live {
    fn default() -> Self {
        Self::new()
    }
}

impl Live {
    /// One of which nobody has heard anything.
    #[must_use]
    pub fn new() -> Self {
        Self(Arc::new(Hub {
            told: Mutex::default(),
            news: broadcast::Sender::new(RING),
            somebody: Notify::new(),
        }))
    }

    /// Tells what is running.
    pub fn hello(&self, hello: Hello) {
        let mut told = self.told();
        self.send(greeting(&hello));
        told.hello = Some(hello);
    }

    /// Tells that another policy is in force.
    pub(super) fn policy(&self, policy: &str) {
        let hello = self.told().hello.clone();
        if let Some(hello) = hello {
            self.hello(Hello {
                policy: policy.to_owned(),
                ..hello
            });
        }
    }

    /// Takes a line that the gate has printed: of Envoy's access log, or of the worker's log. What it says nothing by is left out.
    pub fn printed(&self, line: &str) {
        if let Some(request) = Request::printed(line, line::now()) {
            let mut told = self.told();
            self.keep(&mut told.requests, REQUESTS, event("request", &request));
        } else if line.starts_with("stillgate: campaign ") {
            self.logged(line);
        }
    }

    /// Takes a line of Envoy's own log, in which campaigns are.
    pub fn logged(&self, line: &str) {
        if let Some(campaign) = line::campaign(line, line::now()) {
            let mut told = self.told();
            self.keep(&mut told.campaigns, CAMPAIGNS, event("campaign", &campaign));
        }
    }

    /// Takes the metrics of Envoy's admin interface.
    pub fn metrics(&self, text: &str) {
        let metrics = metrics::read(text, "stillgate_");
        self.send(event("stats", &json!({ "metrics": metrics })));
    }

    /// Returns when somebody listens.
    pub(super) async fn somebody(&self) {
        while self.0.news.receiver_count() == 0 {
            self.0.somebody.notified().await;
        }
    }

    /// What has happened, and what happens from now on, as server-sent events.
    pub(super) fn listen(&self) -> impl Stream<Item = Result<Bytes, Infallible>> + use<> {
        let (sender, receiver) = mpsc::channel(1);
        let (first, news) = {
            // Held meanwhile: nothing is told twice, and nothing left out.
            let told = self.told();
            let hello = told.hello.as_ref().map(greeting);
            let kept = told.requests.iter().chain(&told.campaigns).cloned();
            let first: Vec<Bytes> = hello.into_iter().chain(kept).collect();
            (first, self.0.news.subscribe())
        };
        self.0.somebody.notify_one();
        tokio::spawn(tell(first, news, sender));
        ReceiverStream::new(receiver)
    }

    fn keep(&self, kept: &mut VecDeque<Bytes>, most: usize, event: Bytes) {
        if event.len() > LONGEST {
            return;
        }
        if kept.len() == most {
            kept.pop_front();
        }
        kept.push_back(event.clone());
        self.send(event);
    }

    fn send(&self, event: Bytes) {
        // Nobody may be listening.
        let _ = self.0.news.send(event);
    }

    fn told(&self) -> MutexGuard<'_, Told> {
        self.0.told.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Tells one listener, until it is gone or too slow.
async fn tell(
    first: Vec<Bytes>,
    mut news: broadcast::Receiver<Bytes>,
    sender: mpsc::Sender<Result<Bytes, Infallible>>,
) {
    let mut chunk = first.concat();
    loop {
        if !chunk.is_empty() && sender.send(Ok(Bytes::from(chunk))).await.is_err() {
            return;
        }
        let next = tokio::select! {
            next = time::timeout(ALIVE, news.recv()) => next,
            () = sender.closed() => return,
        };
        chunk = match next {
            Ok(Ok(event)) => event.into(),
            Ok(Err(RecvError::Lagged(_) | RecvError::Closed)) => return,
            // So that whatever stands between does not take the silence for the end.
            Err(_) => b":\n\n".to_vec(),
        };
        // What is there already goes with it.
        while chunk.len() < CHUNK {
            match news.try_recv() {
                Ok(event) => chunk.extend_from_slice(&event),
                Err(TryRecvError::Empty) => break,
                Err(TryRecvError::Lagged(_) | TryRecvError::Closed) => return,
            }
        }
    }
}

fn greeting(hello: &Hello) -> Bytes {
    let mut told = json!(hello);
    if let Value::Object(fields) = &mut told {
        fields.insert(String::from("now"), line::now().into());
    }
    event("hello", &told)
}

/// One event. JSON has no line ends outside its texts, and in them writes them as `\n`.
fn event(name: &str, data: &impl Serialize) -> Bytes {
    let data = serde_json::to_string(data).unwrap_or_else(|_| String::from("null"));
    format!("event: {name}\ndata: {data}\n\n").into()
}

/// How many requests a new listener is told of.
const REQUESTS: usize = 1000;
/// How many campaigns.
const CAMPAIGNS: usize = 100;
/// How many events a listener may be behind.
const RING: usize = 4096;
/// Bytes of the longest event that is kept.
const LONGEST: usize = 16 << 10;
/// Bytes that go at once, where there are many events.
const CHUNK: usize = 64 << 10;
/// After how much silence a sign of life is sent.
const ALIVE: Duration = Duration::from_secs(15);
