//! A demo origin: it speaks the APIs of the model providers and answers with an echo.
//!
//! It stands in for a model server where there is none, in `up` and in tests. What it answers satisfies the official
//! SDKs; its token counts are counts of words. Requests can ask it for more:
//!
//! | request header | what it does |
//! | - | - |
//! | `x-demo-echo: headers` | the response tells, as JSON in `x-demo-headers`, which headers the request arrived with |
//! | `x-demo-ratelimit: 1` | the response carries rate-limit headers of the origin's own |
//! | `x-demo-delay: 250` | milliseconds before the response and between the parts of a stream; at most a minute |

mod answer;
mod anthropic;
mod gemini;
mod openai;

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, bail};
use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::{Value, json};
use tokio::net::TcpListener;

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
        axum::serve(self.listener, router())
            .await
            .context("the demo origin stopped")
    }
}

/// An origin by its URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// Its name or address, as TLS and the `host` header know it.
    pub host: String,
    /// Its port; 80 or 443 where the URL has none.
    pub port: u16,
    /// Whether it is spoken to through TLS.
    pub tls: bool,
    /// What comes before every path: `/`, or a folder with a slash at its end.
    pub prefix: String,
}

impl Target {
    /// Reads `http://host[:port][/path]` or the same with `https`.
    ///
    /// # Errors
    /// When it is no such URL.
    pub fn parse(url: &str) -> anyhow::Result<Self> {
        let uri: Uri = url
            .parse()
            .with_context(|| format!("{url:?} is no URL; {EXAMPLE}"))?;
        let tls = match uri.scheme_str() {
            Some("http") => false,
            Some("https") => true,
            _ => bail!("{url:?} is neither http nor https; {EXAMPLE}"),
        };
        if uri.query().is_some() {
            bail!("{url:?} has a query, which an origin cannot have; {EXAMPLE}");
        }
        let host = uri
            .host()
            .unwrap_or_default()
            .trim_matches(['[', ']'])
            .to_owned();
        let port = uri.port_u16().unwrap_or(if tls { 443 } else { 80 });
        Ok(Self {
            host,
            port,
            tls,
            prefix: format!("{}/", uri.path().trim_end_matches('/')),
        })
    }
}

impl From<SocketAddr> for Target {
    fn from(address: SocketAddr) -> Self {
        Self {
            host: address.ip().to_string(),
            port: address.port(),
            tls: false,
            prefix: String::from("/"),
        }
    }
}

fn router() -> Router {
    Router::new()
        .route("/healthz", get(async || "ok\n"))
        .route("/v1/models", get(openai::models))
        .route("/v1/chat/completions", post(openai::chat))
        .route("/v1/messages", post(anthropic::messages))
        .route("/v1beta/models/{call}", post(gemini::generate))
        .fallback(missing)
        .layer(middleware::from_fn(extras))
}

/// Anything else.
async fn missing(uri: Uri) -> Response {
    let message = format!("The demo origin has nothing at {}", uri.path());
    let body = json!({"error": {"message": message, "type": "invalid_request_error", "param": null, "code": "not_found"}});
    reply(StatusCode::NOT_FOUND, &body)
}

/// What the `x-demo-*` request headers ask for.
async fn extras(request: Request, next: Next) -> Response {
    let asked = request.headers().clone();
    tokio::time::sleep(delay(&asked)).await;
    let mut response = next.run(request).await;
    if asked
        .get("x-demo-echo")
        .is_some_and(|value| value == "headers")
        && let Ok(seen) = HeaderValue::from_str(&seen(&asked).to_string())
    {
        response.headers_mut().insert("x-demo-headers", seen);
    }
    if asked.contains_key("x-demo-ratelimit") {
        for (name, value) in RATE_LIMITS {
            response
                .headers_mut()
                .insert(name, HeaderValue::from_static(value));
        }
    }
    response
}

/// How long a request asks to wait; nothing where it does not ask.
fn delay(headers: &HeaderMap) -> Duration {
    let milliseconds = headers
        .get("x-demo-delay")
        .and_then(|value| value.to_str().ok()?.parse().ok());
    Duration::from_millis(milliseconds.unwrap_or(0)).min(Duration::from_mins(1))
}

/// The headers as `[[name, value], …]`, in their order; bytes that are no visible ASCII are escaped.
fn seen(headers: &HeaderMap) -> Value {
    headers
        .iter()
        .map(|(name, value)| json!([name.as_str(), value.as_bytes().escape_ascii().to_string()]))
        .collect()
}

/// A JSON response.
fn reply(status: StatusCode, body: &Value) -> Response {
    (
        status,
        [(header::CONTENT_TYPE, "application/json")],
        body.to_string(),
    )
        .into_response()
}

const EXAMPLE: &str = "an origin looks like https://api.openai.com or http://127.0.0.1:8000";
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

#[cfg(test)]
mod tests {
    use super::Target;

    #[test]
    fn urls_become_targets() {
        for (url, host, port, tls, prefix) in [
            ("http://127.0.0.1:8000", "127.0.0.1", 8000, false, "/"),
            ("https://api.openai.com", "api.openai.com", 443, true, "/"),
            (
                "https://openrouter.ai/api/",
                "openrouter.ai",
                443,
                true,
                "/api/",
            ),
            ("http://[::1]", "::1", 80, false, "/"),
        ] {
            let target = Target::parse(url).expect(url);
            assert_eq!(
                target,
                Target {
                    host: host.to_owned(),
                    port,
                    tls,
                    prefix: prefix.to_owned()
                },
                "{url}"
            );
        }
    }

    #[test]
    fn what_is_no_url_is_told_an_example() {
        for url in [
            "",
            "localhost",
            "ftp://host",
            "http://host/?key=1",
            "http://",
        ] {
            let error = Target::parse(url).expect_err(url);
            assert!(
                error.to_string().contains("https://api.openai.com"),
                "{url}: {error}"
            );
        }
    }
}
