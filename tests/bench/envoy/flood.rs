//! A flood of keys that are never seen again: what it costs in memory, and whether a key over its limit gets away.

use std::path::Path;

use anyhow::{Result, ensure};

use crate::contender::Contender;
use crate::cpu::{self, Memory};
use crate::load::{Client, Request, mix};
use crate::proxy::{Proxy, Route};

/// What a flood did to one Envoy.
#[derive(Debug)]
pub(crate) struct Flooded {
    /// The contender.
    pub(crate) name: String,
    /// Memory after the over-limit key, before the flood.
    pub(crate) before: Memory,
    /// Memory after the flood.
    pub(crate) after: Memory,
    /// Requests of the flood that were refused.
    pub(crate) refused: u64,
    /// Of ten requests after the flood of a key that was over its limit before it: how many passed. Nothing for an Envoy
    /// that limits nothing.
    pub(crate) forgiven: Option<u64>,
}

impl Flooded {
    /// What the flood added to the resident memory, in bytes.
    pub(crate) fn grown(&self) -> i64 {
        self.after.resident.cast_signed() - self.before.resident.cast_signed()
    }
}

/// Drives one key over its limit of a day, floods, and asks again with that key.
///
/// # Errors
/// When an Envoy does not start or breaks, or does not limit the key to begin with.
pub(crate) async fn flood(envoy: &Path, contender: &Contender, limit: u64) -> Result<Flooded> {
    let proxy = Proxy::start(envoy, contender, Route::Direct, WORKERS)?;
    let mut client = Client::connect(proxy.address, CONNECTIONS).await?;
    let request = Request::new("GET", b"");
    let one = |_| ONE_KEY;
    let first = client.burst(&request, one, limit + TRIES).await?;
    ensure!(
        !contender.limits || first.refused > 0,
        "{} refused nothing: {first:?}",
        contender.name
    );
    let before = cpu::memory(proxy.pid())?;
    let flood = client
        .burst(&request, |number| mix(number) | FLOOD_KEYS, KEYS)
        .await?;
    let after = cpu::memory(proxy.pid())?;
    let again = client.burst(&request, one, TRIES).await?;
    let forgiven = contender.limits.then_some(again.passed);
    Ok(Flooded {
        name: contender.name.clone(),
        before,
        after,
        refused: flood.refused,
        forgiven,
    })
}

/// Random keys in the flood.
pub(crate) const KEYS: u64 = 1_000_000;

/// Workers of each Envoy.
pub(crate) const WORKERS: usize = 4;

/// Requests of the over-limit key after the flood.
pub(crate) const TRIES: u64 = 10;

/// The number of the key that is over its limit.
const ONE_KEY: u64 = 0;

/// A bit that no other key's number has, so that the flood's keys are its own.
const FLOOD_KEYS: u64 = 1 << 63;

/// Connections to each Envoy.
const CONNECTIONS: usize = 32;
