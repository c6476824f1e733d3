//! Asking a running Envoy through its admin interface.

use std::net::{IpAddr, SocketAddr};

use anyhow::Context as _;
use http_body_util::{BodyExt as _, Empty};
use hyper::body::Bytes;
use hyper::{Method, Request, StatusCode};
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use serde_json::Value;

/// One Envoy's admin interface.
#[derive(Debug, Clone)]
pub(super) struct Admin {
    pub(super) address: SocketAddr,
    client: Client<HttpConnector, Empty<Bytes>>,
}

/// What became of the listener configurations that were handed over, since the start.
#[derive(Debug, Clone, Copy)]
pub(super) struct Deliveries {
    accepted: u64,
    rejected: u64,
    /// Listeners that were changed by them.
    changed: u64,
    /// How often a worker thread began to serve a listener.
    placed: u64,
    workers: u64,
}

impl Deliveries {
    /// Whether one more than `before` was refused.
    pub(super) fn refused_since(&self, before: &Self) -> bool {
        self.rejected > before.rejected
    }

    /// Whether one more than `before` was accepted and every worker serves what it changed.
    pub(super) fn in_force_since(&self, before: &Self) -> bool {
        let changed = self.changed.saturating_sub(before.changed);
        let placed = self.placed.saturating_sub(before.placed);
        self.accepted > before.accepted && placed >= changed.saturating_mul(self.workers)
    }
}

impl Admin {
    pub(super) fn new(address: SocketAddr) -> Self {
        Self {
            address,
            client: Client::builder(TokioExecutor::new()).build_http(),
        }
    }

    /// Whether Envoy serves: started, with its first listeners in place.
    pub(super) async fn is_live(&self) -> bool {
        matches!(
            self.ask(Method::GET, "/ready").await,
            Ok((StatusCode::OK, _))
        )
    }

    /// Asks Envoy to end, as a signal would.
    pub(super) async fn quit(&self) -> anyhow::Result<()> {
        self.ask(Method::POST, "/quitquitquit").await.map(|_| ())
    }

    /// Where the listener of this name accepts connections, if there is one.
    pub(super) async fn listener(&self, name: &str) -> anyhow::Result<Option<SocketAddr>> {
        let listeners = self.json("/listeners?format=json").await?;
        let all = listeners
            .get("listener_statuses")
            .and_then(Value::as_array)
            .into_iter()
            .flatten();
        let mut named =
            all.filter(|listener| listener.get("name").and_then(Value::as_str) == Some(name));
        let Some(socket) = named
            .next()
            .and_then(|listener| listener.pointer("/local_address/socket_address"))
        else {
            return Ok(None);
        };
        let address = socket
            .get("address")
            .and_then(Value::as_str)
            .and_then(|address| address.parse::<IpAddr>().ok());
        let port = socket
            .get("port_value")
            .and_then(Value::as_u64)
            .and_then(|port| u16::try_from(port).ok());
        Ok(address.zip(port).map(SocketAddr::from))
    }

    /// How many listener configurations were taken and refused.
    pub(super) async fn deliveries(&self) -> anyhow::Result<Deliveries> {
        let stats = self
            .json("/stats?format=json&filter=^(listener_manager|server.concurrency)")
            .await?;
        let all: Vec<&Value> = stats
            .get("stats")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .collect();
        let value = |name: &str| {
            let named = all
                .iter()
                .find(|stat| stat.get("name").and_then(Value::as_str) == Some(name));
            named
                .and_then(|stat| stat.get("value")?.as_u64())
                .unwrap_or(0)
        };
        Ok(Deliveries {
            accepted: value("listener_manager.lds.update_success"),
            rejected: value("listener_manager.lds.update_rejected"),
            changed: value("listener_manager.listener_modified"),
            placed: value("listener_manager.listener_create_success"),
            workers: value("server.concurrency"),
        })
    }

    /// The filter's metrics, in Prometheus' text format.
    pub(super) async fn metrics(&self) -> anyhow::Result<String> {
        let (_, body) = self
            .ask(Method::GET, "/stats/prometheus?filter=stillgate_")
            .await?;
        Ok(String::from_utf8_lossy(&body).into_owned())
    }

    /// Why Envoy refused listeners, in its own words; empty where it refused none.
    pub(super) async fn refusals(&self) -> anyhow::Result<Vec<String>> {
        let dump = self.json("/config_dump?resource=dynamic_listeners").await?;
        let all = dump
            .get("configs")
            .and_then(Value::as_array)
            .into_iter()
            .flatten();
        let mut said: Vec<String> = all
            .filter_map(|listener| listener.pointer("/error_state/details")?.as_str())
            .map(String::from)
            .collect();
        said.dedup();
        Ok(said)
    }

    async fn json(&self, path: &str) -> anyhow::Result<Value> {
        let (_, body) = self.ask(Method::GET, path).await?;
        serde_json::from_slice(&body).with_context(|| {
            format!("Envoy's admin interface answers {path} with something else than JSON")
        })
    }

    async fn ask(&self, method: Method, path: &str) -> anyhow::Result<(StatusCode, Bytes)> {
        let request = Request::builder()
            .method(method)
            .uri(format!("http://{}{path}", self.address))
            .body(Empty::new())?;
        let told = || {
            format!(
                "Envoy's admin interface at {} does not answer",
                self.address
            )
        };
        let response = self.client.request(request).await.with_context(told)?;
        let status = response.status();
        let body = response.into_body().collect().await.with_context(told)?;
        Ok((status, body.to_bytes()))
    }
}
