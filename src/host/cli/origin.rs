//! A demo origin: it speaks the APIs of the model providers and answers with an echo.
//!
//! It stands in for a model server where there is none, in `up` and in tests. What it answers satisfies the official
//! SDKs, at the paths of OpenAI (chat completions, completions, responses, embeddings), Azure, Anthropic, Gemini and
//! Vertex. Its token counts are counts of words. OpenAI's streams tell usage when `stream_options.include_usage` asks.
//!
//! Requests can ask it for more, and for worse:
//!
//! | request header | what it does |
//! | - | - |
//! | `x-demo-tokens: 90,40,30,10` | usage to report: all input, all output, how much of the input was cached, how much of the output was reasoning; the last two may be left out. Each dialect tells them in its own terms |
//! | `x-demo-usage: none` | no usage anywhere. `negative`: counts below zero. `absurd`: 1e300 and 2^63 by turns. `text`: counts as strings. `repeated`: in every part of a stream that can, growing up to the truth, and in a whole answer twice, first by half |
//! | `x-demo-words: 500` | an answer of that many words instead of the echo; at most 100,000, and cut by the request's cap |
//! | `x-demo-status: 429` | an error of that status, in the dialect's form, instead of an answer |
//! | `x-demo-error: 3` | after so many parts of a stream an error event, in the dialect's form, and a clean end |
//! | `x-demo-cut: 3` | after so many parts of a stream the connection breaks; after half of its bytes for a whole answer, whose `content-length` is that of all |
//! | `x-demo-delay: 250` | milliseconds before the response and between the parts of a stream; at most a minute |
//! | `x-demo-encoding: gzip` | a compressed answer if the request accepts one; `gzip!` even if not |
//! | `x-demo-type: text/plain` | this content type instead of the right one |
//! | `x-demo-line-end: crlf` | what ends the lines of server-sent events: `lf`, `crlf` or `cr` |
//! | `x-demo-ratelimit: 1` | the response carries rate-limit headers of the origin's own |
//! | `x-demo-echo: headers` | the response tells, as JSON in `x-demo-headers`, which headers the request arrived with. `body`: in `x-demo-body`, as base64, the first 8 KiB of its body. Both: with a comma |
//! | `x-demo-name: a-1` | names the request for `/demo/seen/a-1` |
//! | `x-demo-step: a-1` | names it, and makes each part of a stream but the first wait for its `/demo/step/a-1` |
//!
//! A switch that is unknown, there twice or not of its form is answered with 400.
//!
//! Beside the APIs there are two calls for tests. Both wait for up to ten seconds until they have something to tell:
//!
//! * `GET /demo/seen/NAME` tells, when the named request has come to its end, its `headers`, the `length` and the first
//!   64 KiB of its `body`, the `parts` that were sent, and its `end`: `served`, `cut`, or `gone` with the client; null
//!   where it has none yet. With `?now` it waits for the request, and not for its end.
//! * `POST /demo/step/NAME` releases one part and answers when it is sent, with the number of `parts` sent so far; with
//!   409 when there is none.
//!
//! The last 64 names are remembered.

mod answer;
mod anthropic;
mod gemini;
mod openai;
mod refusal;
mod seen;
mod switches;
mod target;
mod usage;
mod wire;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri};
use axum::response::Response;
use axum::routing::{MethodFilter, MethodRouter, get, on, post};
use axum::serve::ListenerExt as _;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use answer::{Asked, Said};
use refusal::{Dialect, Refusal};
use seen::{Seen, Trail};
use switches::Switches;
pub use target::Target;

/// The demo origin, bound to an address and not yet serving.
#[derive(Debug)]
pub struct Origin {
    /// Where it listens.
    pub address: SocketAddr,
    listener: TcpListener,
}

impl Origin {
    /// Takes an address; port 0 takes any free one.
    ///
    /// # Errors
    /// When the address is taken or not this machine's.
    pub async fn bind(address: SocketAddr) -> anyhow::Result<Self> {
        let told = || format!("the demo origin cannot listen on {address}");
        let listener = TcpListener::bind(address).await.with_context(told)?;
        Ok(Self {
            address: listener.local_addr().with_context(told)?,
            listener,
        })
    }

    /// Answers requests, over HTTP/1.1 and HTTP/2 without TLS, until the task is dropped.
    ///
    /// # Errors
    /// When the listening socket fails.
    pub async fn serve(self) -> anyhow::Result<()> {
        let listener = self.listener.tap_io(|connection| {
            // Small parts must not wait for one another. Without it they come, only later.
            let _slower = connection.set_nodelay(true);
        });
        axum::serve(listener, router())
            .await
            .context("the demo origin stopped")
    }
}

fn router() -> Router {
    use Dialect::{Anthropic, Gemini, OpenAi, Responses};
    let mut router = Router::new()
        .route("/healthz", get(async || "ok\n"))
        .route("/demo/seen/{name}", get(seen::seen))
        .route("/demo/step/{name}", post(seen::step))
        .route(
            "/v1/models",
            speak(MethodFilter::GET, OpenAi, openai::models),
        );
    let mut posts = |path: String, dialect, say| {
        router = core::mem::take(&mut router).route(&path, speak(MethodFilter::POST, dialect, say));
    };
    // Azure has OpenAI's API at two places, of which the older names the model in the path.
    for prefix in ["/v1", "/openai/v1", "/openai/deployments/{deployment}"] {
        posts(format!("{prefix}/chat/completions"), OpenAi, openai::chat);
        posts(format!("{prefix}/completions"), OpenAi, openai::complete);
        posts(format!("{prefix}/embeddings"), OpenAi, openai::embed);
    }
    for prefix in ["/v1", "/openai/v1"] {
        posts(format!("{prefix}/responses"), Responses, openai::respond);
    }
    for (path, say) in [
        ("/v1/messages", anthropic::messages as Say),
        ("/v1/messages/count_tokens", anthropic::count),
    ] {
        posts(path.to_owned(), Anthropic, say);
    }
    let vertex = "projects/{project}/locations/{location}/publishers/google/";
    for version in ["v1", "v1beta", "v1beta1"] {
        for place in ["", vertex] {
            posts(
                format!("/{version}/{place}models/{{call}}"),
                Gemini,
                gemini::call,
            );
        }
    }
    router.fallback(missing).with_state(Seen::new())
}

/// How a dialect answers.
type Say = fn(&Asked) -> Result<Said, Refusal>;

fn speak(method: MethodFilter, dialect: Dialect, say: Say) -> MethodRouter<Seen> {
    on(
        method,
        move |State(seen): State<Seen>,
              Path(path): Path<BTreeMap<String, String>>,
              request: Request| { exchange(seen, path, dialect, Ok(say), request) },
    )
}

/// Anything else.
async fn missing(State(seen): State<Seen>, uri: Uri, request: Request) -> Response {
    let message = format!("The demo origin has nothing at {}", uri.path());
    let refusal = Refusal::new(StatusCode::NOT_FOUND, message);
    let path = BTreeMap::new();
    exchange(seen, path, Dialect::OpenAi, Err(refusal), request).await
}

/// From a request to its response, as the request's switches have it.
async fn exchange(
    seen: Seen,
    path: BTreeMap<String, String>,
    dialect: Dialect,
    say: Result<Say, Refusal>,
    request: Request,
) -> Response {
    let (head, body) = request.into_parts();
    let switches = match Switches::read(&head.headers) {
        Ok(switches) => switches,
        Err(refusal) => return plain(refusal.status, &dialect.refuse(&refusal)),
    };
    let trail = switches
        .name
        .as_ref()
        .map(|name| seen.enter(name, listed(&head.headers)));
    let body = axum::body::to_bytes(body, BODY).await;
    if let (Some(trail), Ok(body)) = (&trail, &body) {
        trail.body(body);
    }
    pause(switches.delay).await;
    let said = say.and_then(|say| {
        let body = read(dialect, &head.method, body.as_ref().ok(), &switches)?;
        say(&Asked {
            path,
            query: head.uri.query().unwrap_or_default().to_owned(),
            body,
            switches: switches.clone(),
        })
    });
    let mut response = match said {
        Ok(Said::Whole(text)) => wire::whole(StatusCode::OK, text, &switches),
        Ok(Said::Stream(framing, parts)) => {
            let entry = trail.as_ref().map(Trail::entry);
            let failure = |place| dialect.failure(place);
            wire::stream(framing, parts, failure, &switches, entry)
        }
        Err(refusal) => wire::whole(
            refusal.status,
            dialect.refuse(&refusal).to_string(),
            &switches,
        ),
    };
    tell(
        response.headers_mut(),
        &head.headers,
        &body.unwrap_or_default(),
        &switches,
    );
    match trail {
        Some(trail) => trail.follow(response),
        None => response,
    }
}

/// The body as JSON, which only a POST is expected to have, unless an error is asked for.
fn read(
    dialect: Dialect,
    method: &Method,
    body: Option<&Bytes>,
    switches: &Switches,
) -> Result<Value, Refusal> {
    if let Some(status) = switches.status {
        let message = "The demo origin was asked for this error.";
        return Err(Refusal::new(status, message));
    }
    let Some(body) = body else {
        let message = "The body did not come whole, or is larger than 64 MiB.";
        return Err(Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, message));
    };
    if method == Method::POST {
        serde_json::from_slice(body).map_err(|_| dialect.garbled())
    } else {
        Ok(Value::Null)
    }
}

/// Adds the response headers that the request asked for.
fn tell(told: &mut HeaderMap, asked: &HeaderMap, body: &Bytes, switches: &Switches) {
    if switches.echo_headers
        && let Ok(headers) = HeaderValue::from_str(&listed(asked).to_string())
    {
        told.insert("x-demo-headers", headers);
    }
    let start = body.get(..ECHOED).unwrap_or(body);
    if switches.echo_body
        && let Ok(start) = HeaderValue::from_str(&BASE64_STANDARD.encode(start))
    {
        told.insert("x-demo-body", start);
    }
    if switches.ratelimit {
        told.extend(RATE_LIMITS.map(|(name, value)| {
            (
                HeaderName::from_static(name),
                HeaderValue::from_static(value),
            )
        }));
    }
}

/// Waits, if there is something to wait for: the shortest sleep is a millisecond.
async fn pause(delay: Duration) {
    if !delay.is_zero() {
        tokio::time::sleep(delay).await;
    }
}

/// The headers as `[[name, value], …]`, in their order; bytes that are no visible ASCII are escaped.
fn listed(headers: &HeaderMap) -> Value {
    headers
        .iter()
        .map(|(name, value)| json!([name.as_str(), value.as_bytes().escape_ascii().to_string()]))
        .collect()
}

/// A JSON response, whatever the switches.
fn plain(status: StatusCode, body: &Value) -> Response {
    wire::whole(status, body.to_string(), &Switches::default())
}

/// The largest body that is read, in bytes.
const BODY: usize = 64 << 20;
/// How much of a body `x-demo-echo` tells, in bytes: some clients take no headers of more than 16 KiB.
const ECHOED: usize = 8 << 10;
/// What `x-demo-ratelimit` adds: an origin with limits of its own, told in every dialect.
const RATE_LIMITS: [(&str, &str); 8] = [
    ("x-ratelimit-limit-requests", "7777"),
    ("x-ratelimit-remaining-requests", "7776"),
    ("x-ratelimit-reset-requests", "8ms"),
    ("anthropic-ratelimit-requests-limit", "7777"),
    ("anthropic-ratelimit-requests-remaining", "7776"),
    ("anthropic-ratelimit-requests-reset", "2030-01-01T00:00:00Z"),
    ("ratelimit-policy", "\"origin\";q=7777;w=60"),
    ("ratelimit", "\"origin\";r=7776;t=1"),
];
