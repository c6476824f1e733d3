//! What every end-to-end test stands on: an Envoy, an origin, clients, and waiting for events instead of sleeping.

pub(crate) mod client;
pub(crate) mod config;
pub(crate) mod demo;
pub(crate) mod envoy;
pub(crate) mod origin;
pub(crate) mod prometheus;
pub(crate) mod raw;
mod tls;

use std::fmt::Display;
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::Duration;

use tokio::time::{Instant, sleep};

pub(crate) use client::{Connection, Wire, get, post};
pub(crate) use config::Setup;
pub(crate) use demo::Demo;
pub(crate) use envoy::Envoy;
pub(crate) use origin::Origin;
pub(crate) use raw::raw;

/// Asks again and again until there is an answer; a test that waits in vain says what for.
pub(crate) async fn until<T>(what: &str, mut probe: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(answer) = probe().await {
            return answer;
        }
        assert!(
            Instant::now() < deadline,
            "waited {PATIENCE:?} in vain for {what}"
        );
        sleep(BREATH).await;
    }
}

/// The Envoy binary, or `None` on a machine that has none.
pub(crate) fn envoy_binary() -> Option<PathBuf> {
    static BINARY: OnceLock<Option<PathBuf>> = OnceLock::new();
    let locate = || stillgate::host::cli::envoy::locate(None);
    BINARY
        .get_or_init(|| {
            locate()
                .map_err(|error| skip("no end-to-end test runs", &error))
                .ok()
        })
        .clone()
}

/// Says in one loud sentence what is not tested here, and why.
///
/// # Panics
/// Where `CI` is set: there, a skipped test is a failed one.
pub(crate) fn skip(what: &str, why: &dyn Display) {
    assert!(std::env::var_os("CI").is_none(), "in CI, {what}: {why:#}");
    // Not `eprintln!`: the test harness swallows that for tests that pass.
    let _ = writeln!(std::io::stderr(), "\nSKIPPED: {what}: {why:#}\n");
}

/// The filter, built once for all tests of this process.
pub(crate) fn filter_module() -> PathBuf {
    static MODULE: OnceLock<PathBuf> = OnceLock::new();
    MODULE
        .get_or_init(|| stillgate::host::cli::filter::build().expect("the filter builds"))
        .clone()
}

/// How long an event may take on a busy machine before the test gives up on it.
const PATIENCE: Duration = Duration::from_secs(30);

/// Between two looks at the same thing.
const BREATH: Duration = Duration::from_millis(20);
