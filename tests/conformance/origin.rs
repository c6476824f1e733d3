//! The origin behind hosts in real time: it hands every request to the case that sent it, and answers what that says.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, Response};
use http_body_util::BodyExt as _;
use hyper::body::Bytes;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::sleep;
use tokio_stream::wrappers::ReceiverStream;

use super::wire::{self, Arrived, bytes, latin};

/// By this header, which a gateway adds behind Stillgate, a request says whose it is, where one origin serves several cases.
pub(crate) const CASE: &str = "x-case";

/// How long the last bytes of an answer that breaks off have to get on their way.
const LAST_WORDS: Duration = Duration::from_millis(100);

/// An origin. Dropping it closes it.
pub(crate) struct Origin {
    pub(crate) address: SocketAddr,
    desks: Desks,
    server: JoinHandle<()>,
}

type Desks = Arc<Mutex<BTreeMap<String, mpsc::UnboundedSender<Waiting>>>>;

/// A request that is there whole, and waits for its answer.
pub(crate) struct Waiting {
    pub(crate) arrived: Arrived,
    answer: oneshot::Sender<Response<Body>>,
}

impl Origin {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await;
        let listener = listener.expect("a free port");
        let desks = Desks::default();
        let all = Arc::clone(&desks);
        let app =
            Router::new().fallback(move |request: Request| receive(request, Arc::clone(&all)));
        Self {
            address: listener.local_addr().expect("an address"),
            desks,
            server: tokio::spawn(async { drop(axum::serve(listener, app).await) }),
        }
    }

    /// The requests of a case, from now on.
    pub(crate) fn desk(&self, case: &str) -> mpsc::UnboundedReceiver<Waiting> {
        let (sender, desk) = mpsc::unbounded_channel();
        let mut desks = self.desks.lock().unwrap_or_else(PoisonError::into_inner);
        desks.insert(case.to_owned(), sender);
        desk
    }
}

impl Drop for Origin {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Waiting {
    /// Answers nothing, and returns when nobody waits for that any more.
    pub(crate) async fn abandoned(mut self) {
        self.answer.closed().await;
    }

    /// Answers; if it is to be `held`, the answer does not end after its last byte.
    pub(crate) fn answer(self, response: &wire::Response, held: bool) {
        let mut head = Response::builder().status(response.status);
        for (name, value) in &response.headers {
            let name = HeaderName::from_bytes(name.as_bytes()).expect("a header's name");
            let value = HeaderValue::from_bytes(&bytes(value)).expect("a header's value");
            head = head.header(name, value);
        }
        let body = match &response.body {
            wire::Body::Whole(bytes) => Body::from(bytes.clone()),
            wire::Body::Chunks(chunks) => {
                Body::from_stream(stream(chunks.clone(), response.breaks_off, held))
            }
        };
        // Whoever has gone away gets no answer.
        let _ = self.answer.send(head.body(body).expect("a response"));
    }
}

fn stream(
    chunks: Vec<Vec<u8>>,
    breaks_off: bool,
    held: bool,
) -> ReceiverStream<Result<Bytes, std::io::Error>> {
    let (frames, body) = mpsc::channel(1);
    tokio::spawn(async move {
        for chunk in chunks {
            if frames.send(Ok(Bytes::from(chunk))).await.is_err() {
                return;
            }
        }
        if breaks_off {
            sleep(LAST_WORDS).await;
            let broken = std::io::Error::other("the origin breaks off");
            drop(frames.send(Err(broken)).await);
        } else if held {
            frames.closed().await;
        }
    });
    ReceiverStream::new(body)
}

async fn receive(request: Request, desks: Desks) -> Response<Body> {
    let (head, body) = request.into_parts();
    let case = head.headers.get(CASE).map(|value| latin(value.as_bytes()));
    let pairs: Vec<(&str, String)> = head
        .headers
        .iter()
        .filter(|(name, _)| *name != CASE)
        .map(|(name, value)| (name.as_str(), latin(value.as_bytes())))
        .collect();
    let arrived = Arrived {
        target: head
            .uri
            .path_and_query()
            .map_or_else(String::new, ToString::to_string),
        headers: wire::headers(pairs.iter().map(|(name, value)| (*name, value.as_str()))),
        body: body
            .collect()
            .await
            .map_or_else(|_| Vec::new(), |body| body.to_bytes().into()),
    };
    let (answer, answered) = oneshot::channel();
    let waiting = Waiting { arrived, answer };
    let desk = {
        let desks = desks.lock().unwrap_or_else(PoisonError::into_inner);
        desks.get(&case.unwrap_or_default()).cloned()
    };
    let told = desk.is_some_and(|desk| desk.send(waiting).is_ok());
    let nobody = || {
        let response = Response::builder().status(599);
        response.body(Body::from("of no case")).expect("a response")
    };
    if told {
        answered.await.unwrap_or_else(|_| nobody())
    } else {
        nobody()
    }
}
