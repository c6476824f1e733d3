//! How many requests of one key get through when many arrive at once.

use std::path::Path;

use anyhow::Result;

use crate::contender::Contender;
use crate::load::{Client, Request, Tally};
use crate::proxy::{Proxy, Route};

/// Sends the requests and counts what passed.
///
/// # Errors
/// When Envoy does not start or a connection breaks.
pub(crate) async fn race(envoy: &Path, contender: &Contender) -> Result<Tally> {
    let proxy = Proxy::start(envoy, contender, Route::Direct, WORKERS)?;
    let mut client = Client::connect(proxy.address, CONNECTIONS).await?;
    client
        .burst(&Request::new("GET", b""), |_| 0, REQUESTS)
        .await
}

/// Requests of the one key.
pub(crate) const REQUESTS: u64 = 2_000;

/// Connections that they come over.
pub(crate) const CONNECTIONS: usize = 32;

/// Workers of the Envoy.
pub(crate) const WORKERS: usize = 4;
