//! The origin that `up` ships, as Envoy's upstream: real usage in every dialect, and trouble on demand.

use std::net::SocketAddr;

use serde_json::Value;
use tokio::task::JoinHandle;

use super::client::{Connection, Reply, Request, Wire, get, post};

/// A demo origin. Dropping it closes it.
pub(crate) struct Demo {
    pub(crate) address: SocketAddr,
    server: JoinHandle<()>,
}

impl Demo {
    pub(crate) async fn start() -> Self {
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let origin = stillgate::host::cli::origin::Origin::bind(any)
            .await
            .expect("a free port");
        let address = origin.address;
        let server = tokio::spawn(async { drop(origin.serve().await) });
        Self { address, server }
    }

    /// What came of the request of that name, once it has ended at the origin.
    pub(crate) async fn seen(&self, name: &str) -> Value {
        self.ask(get(&format!("/demo/seen/{name}"))).await.json()
    }

    /// Waits until the request of that name is at the origin.
    pub(crate) async fn arrived(&self, name: &str) -> Value {
        self.ask(get(&format!("/demo/seen/{name}?now")))
            .await
            .json()
    }

    /// Has the stream of that name send one part more; how many it has sent then, or 0 if there is none more.
    pub(crate) async fn step(&self, name: &str) -> u64 {
        let reply = self.ask(post(&format!("/demo/step/{name}"), "")).await;
        reply.json()["parts"].as_u64().unwrap_or(0)
    }

    /// Without Envoy.
    pub(crate) async fn ask(&self, request: Request) -> Reply {
        Connection::open(self.address, Wire::H1, None)
            .await
            .send(request)
            .await
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// The only header of that name that the origin saw; `None` if it saw none.
pub(crate) fn header<'s>(seen: &'s Value, name: &str) -> Option<&'s str> {
    let all = seen["headers"].as_array().expect("headers");
    let mut values = all.iter().filter(|pair| pair[0] == name);
    let value = values.next()?[1].as_str();
    assert!(values.next().is_none(), "{name} occurs twice in {all:?}");
    value
}
