//! How long a filter takes to start.

use std::path::Path;

use anyhow::Result;

use crate::contender::Contender;
use crate::cpu;
use crate::load::{Client, Request};
use crate::proxy::{Proxy, Route};

/// What starting one contender took, in milliseconds; one figure a start.
#[derive(Debug)]
pub(crate) struct Started {
    /// The contender.
    pub(crate) name: String,
    /// From the start of the process, with one worker, until its main loop ran: module compiled, policy accepted.
    pub(crate) ready: Vec<f64>,
    /// Processor time until each of many connections had its first reply, with one worker.
    pub(crate) one: Vec<f64>,
    /// The same with [`MANY_WORKERS`] workers, each of which has a VM of its own.
    pub(crate) many: Vec<f64>,
}

/// Starts each contender a few times, in turns.
///
/// # Errors
/// When an Envoy does not start.
pub(crate) async fn measure(
    envoy: &Path,
    contenders: &[Contender],
    starts: usize,
) -> Result<Vec<Started>> {
    let none = |contender: &Contender| Started {
        name: contender.name.clone(),
        ready: Vec::new(),
        one: Vec::new(),
        many: Vec::new(),
    };
    let mut started: Vec<Started> = contenders.iter().map(none).collect();
    for _ in 0..starts {
        for (contender, figures) in contenders.iter().zip(&mut started) {
            let (ready, one) = start(envoy, contender, 1).await?;
            let (_, many) = start(envoy, contender, MANY_WORKERS).await?;
            figures.ready.push(ready);
            figures.one.push(one);
            figures.many.push(many);
        }
    }
    Ok(started)
}

/// Wall time until the main loop, and processor time until all workers have answered.
async fn start(envoy: &Path, contender: &Contender, workers: usize) -> Result<(f64, f64)> {
    let proxy = Proxy::start(envoy, contender, Route::Direct, workers)?;
    let mut client = Client::connect(proxy.address, CONNECTIONS).await?;
    client
        .burst(
            &Request::new("GET", b""),
            |number| number,
            CONNECTIONS as u64,
        )
        .await?;
    let used = cpu::nanoseconds(proxy.pid())?;
    Ok((proxy.start.as_secs_f64() * 1e3, used as f64 / 1e6))
}

/// Workers of the larger Envoy.
pub(crate) const MANY_WORKERS: usize = 8;

/// Connections: enough that the kernel gives some to each worker.
const CONNECTIONS: usize = 64;
