//! The origin behind Envoy: it answers as the test says and remembers what reached it.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, Response};
use http_body_util::BodyExt as _;
use hyper::body::Bytes;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_stream::wrappers::ReceiverStream;

/// A server that remembers. Dropping it closes it.
pub(crate) struct Origin {
    pub(crate) address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
    server: JoinHandle<()>,
}

/// A request as it reached the origin.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    /// Path and query.
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// `false` when the request broke off before its end.
    pub(crate) whole: bool,
    pub(crate) at: Instant,
}

impl Origin {
    /// Answers everything with `200` and a small JSON.
    pub(crate) async fn start() -> Self {
        Self::answering(|_| json_answer("{}")).await
    }

    /// Answers as `answer` says, once a request is there whole.
    pub(crate) async fn answering<F>(answer: F) -> Self
    where
        F: Fn(&Seen) -> Response<Body> + Send + Sync + 'static,
    {
        let listener = TcpListener::bind(("127.0.0.1", 0))
            .await
            .expect("a free port");
        let address = listener.local_addr().expect("an address");
        let seen = Arc::new(Mutex::new(Vec::new()));
        let answer = Arc::new(answer);
        let memory = Arc::clone(&seen);
        let app = Router::new().fallback(move |request: Request| {
            let (memory, answer) = (Arc::clone(&memory), Arc::clone(&answer));
            async move {
                let seen = receive(request, Record(memory)).await;
                answer(&seen)
            }
        });
        let server = tokio::spawn(async { drop(axum::serve(listener, app).await) });
        Self {
            address,
            seen,
            server,
        }
    }

    /// Sends the head of an event stream at once and leaves the events to the test.
    pub(crate) async fn holding() -> (Self, mpsc::UnboundedReceiver<Hold>) {
        let (holds, held) = mpsc::unbounded_channel();
        let origin = Self::answering(move |_| {
            let (frames, body) = mpsc::channel(1);
            drop(holds.send(Hold { frames }));
            let body = Body::from_stream(ReceiverStream::new(body));
            Response::builder()
                .header("content-type", "text/event-stream")
                .body(body)
                .expect("a response")
        });
        (origin.await, held)
    }

    /// Every request that reached the origin, in the order in which they arrived.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen
            .lock()
            .expect("no test panicked while it held the lock")
            .clone()
    }

    /// The only request that reached the origin.
    pub(crate) fn only(&self) -> Seen {
        let mut seen = self.seen();
        assert_eq!(seen.len(), 1, "one request reaches the origin: {seen:?}");
        seen.remove(0)
    }
}

impl Drop for Origin {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// A response that is still being sent. Dropping it ends the response well.
pub(crate) struct Hold {
    frames: mpsc::Sender<Result<Bytes, std::io::Error>>,
}

impl Hold {
    /// Sends a piece of the body.
    pub(crate) async fn send(&self, bytes: &'static str) {
        drop(
            self.frames
                .send(Ok(Bytes::from_static(bytes.as_bytes())))
                .await,
        );
    }

    /// Breaks the connection in the middle of the response.
    pub(crate) async fn die(self) {
        drop(
            self.frames
                .send(Err(std::io::Error::other("the origin dies")))
                .await,
        );
    }

    /// Returns when Envoy no longer wants the response.
    pub(crate) async fn abandoned(&self) {
        self.frames.closed().await;
    }
}

/// A `200` with this JSON.
pub(crate) fn json_answer(json: impl Into<Body>) -> Response<Body> {
    Response::builder()
        .header("content-type", "application/json")
        .body(json.into())
        .expect("a response")
}

/// Remembers a request even if its body never ends, because then its handler is dropped.
async fn receive(request: Request, record: Record) -> Seen {
    let (head, mut body) = request.into_parts();
    let mut seen = Pending {
        record,
        seen: Some(Seen {
            path: head
                .uri
                .path_and_query()
                .map_or_else(String::new, ToString::to_string),
            headers: head.headers,
            body: Bytes::new(),
            whole: false,
            at: Instant::now(),
        }),
    };
    let mut bytes = Vec::new();
    loop {
        match body.frame().await {
            Some(Ok(frame)) => {
                bytes.extend_from_slice(frame.data_ref().map_or(&[][..], |data| data))
            }
            Some(Err(_)) => return seen.finish(bytes, false),
            None => return seen.finish(bytes, true),
        }
    }
}

struct Record(Arc<Mutex<Vec<Seen>>>);

struct Pending {
    record: Record,
    seen: Option<Seen>,
}

impl Pending {
    fn finish(&mut self, body: Vec<u8>, whole: bool) -> Seen {
        let seen = Seen {
            body: body.into(),
            whole,
            ..self.seen.take().expect("finished once")
        };
        self.record
            .0
            .lock()
            .expect("no test panicked while it held the lock")
            .push(seen.clone());
        seen
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        if self.seen.is_some() {
            self.finish(Vec::new(), false);
        }
    }
}
