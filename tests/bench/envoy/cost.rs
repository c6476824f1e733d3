//! Processor time of Envoy per request: all contenders up at once, hit in short bursts that take turns.

use std::path::Path;

use anyhow::{Result, ensure};

use crate::contender::Contender;
use crate::cpu;
use crate::load::{Client, Request, mix};
use crate::proxy::{Proxy, Route};

/// What the clients of a workload do.
#[derive(Debug, Clone)]
pub(crate) struct Workload {
    /// Its heading in the results.
    pub(crate) name: &'static str,
    /// What is sent.
    pub(crate) request: Request,
    /// How many keys take part; each is used once before one is used again.
    pub(crate) keys: u64,
    /// What all replies must be.
    pub(crate) expect: Expect,
    /// What the figures are of.
    pub(crate) per: Per,
}

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Per {
    /// Requests.
    Request,
    /// Events of a streamed reply, so many of them.
    Event(u64),
}

impl Per {
    /// Requests in a burst: about a fifth of a second.
    const fn burst(self) -> u64 {
        match self {
            Self::Request => BURST,
            Self::Event(_) => STREAMS,
        }
    }

    /// How many of these a request is.
    const fn of_a_request(self) -> u64 {
        match self {
            Self::Request => 1,
            Self::Event(events) => events,
        }
    }
}

/// What a workload's replies must all be, or the figures would be of something else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Expect {
    /// 200.
    Pass,
    /// 429, but by an Envoy that limits nothing.
    Refuse,
}

/// Processor time per request in nanoseconds: for each contender, one figure a round.
#[derive(Debug)]
pub(crate) struct Measured {
    /// The workload's heading.
    pub(crate) workload: String,
    /// What the figures are of.
    pub(crate) per: Per,
    /// In the order of the contenders: name, and a figure a round.
    pub(crate) rows: Vec<(String, Vec<f64>)>,
}

/// A running contender with its connections.
struct Target {
    name: String,
    limits: bool,
    proxy: Proxy,
    client: Client,
}

/// Measures a workload with all contenders.
///
/// # Errors
/// When an Envoy does not start, or replies otherwise than the workload expects.
pub(crate) async fn measure(
    envoy: &Path,
    contenders: &[Contender],
    route: Route,
    workload: &Workload,
    rounds: usize,
) -> Result<Vec<Measured>> {
    let mut targets = Vec::with_capacity(contenders.len());
    for contender in contenders {
        let proxy = Proxy::start(envoy, contender, route, 1)?;
        let client = Client::connect(proxy.address, CONNECTIONS).await?;
        targets.push(Target {
            name: contender.name.clone(),
            limits: contender.limits,
            proxy,
            client,
        });
    }
    turns(&mut targets, workload, rounds).await
}

/// Bursts in turns. A workload of many keys is measured twice: while its keys are new, and when they are known.
async fn turns(
    targets: &mut [Target],
    workload: &Workload,
    rounds: usize,
) -> Result<Vec<Measured>> {
    // Warm: the wasm is compiled anew once it has run for a while, and a limit is only reached by reaching it.
    for target in targets.iter_mut() {
        let warm = |_| WARM_KEY;
        let warming = 2 * workload.per.burst();
        target
            .client
            .burst(&workload.request, warm, warming)
            .await?;
    }
    let many = workload.keys > 1;
    let rounds = if many {
        (workload.keys / BURST) as usize
    } else {
        rounds
    };
    let passes: &[&str] = if many {
        &[", first time", ", second time"]
    } else {
        &[""]
    };
    let mut measured = Vec::new();
    for pass in passes {
        let mut rows: Vec<(String, Vec<f64>)> = targets
            .iter()
            .map(|target| (target.name.clone(), Vec::new()))
            .collect();
        for round in 0..rounds {
            for index in order(round as u64, targets.len()) {
                let (Some(target), Some((_, figures))) =
                    (targets.get_mut(index), rows.get_mut(index))
                else {
                    continue;
                };
                figures.push(burst(target, workload, round as u64).await?);
            }
        }
        measured.push(Measured {
            workload: format!("{}{pass}", workload.name),
            per: workload.per,
            rows,
        });
    }
    Ok(measured)
}

/// Whose turn it is in a round: another order each time, so that nobody always follows the same neighbour.
fn order(round: u64, targets: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..targets).collect();
    order.sort_by_key(|&index| mix(mix(round) ^ index as u64));
    order
}

/// One burst: nanoseconds of processor time per request.
async fn burst(target: &mut Target, workload: &Workload, round: u64) -> Result<f64> {
    let keys = workload.keys;
    let key = move |number: u64| {
        if keys > 1 {
            mix((round * BURST + number) % keys)
        } else {
            WARM_KEY
        }
    };
    let before = cpu::nanoseconds(target.proxy.pid())?;
    let requests = workload.per.burst();
    let tally = target
        .client
        .burst(&workload.request, key, requests)
        .await?;
    let used = cpu::nanoseconds(target.proxy.pid())? - before;
    let refused = workload.expect == Expect::Refuse && target.limits;
    let right = if refused { tally.refused } else { tally.passed };
    ensure!(
        right == requests,
        "{}: {}: {tally:?} of {requests} replies",
        workload.name,
        target.name
    );
    Ok(used as f64 / (requests * workload.per.of_a_request()) as f64)
}

/// Requests in a burst: about a fifth of a second.
pub(crate) const BURST: u64 = 4_000;

/// Streams in a burst.
const STREAMS: u64 = 64;

/// The one key of a workload with one key.
const WARM_KEY: u64 = 0;

/// Connections to each Envoy.
const CONNECTIONS: usize = 16;
