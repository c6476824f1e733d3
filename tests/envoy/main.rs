//! End to end: the filter in a real Envoy, between clients that misbehave and an origin that remembers what reached it.
//!
//! Every test starts its own Envoy (about half a second) on ports of its own, so tests share nothing and run at once.
//! A machine without Envoy skips them with one loud sentence; with `CI` set it fails instead.

#![expect(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "a test that meets the unexpected should stop and say so"
)]

mod harness;

mod account;
mod broken;
mod campaigns;
mod checks;
mod concurrent;
mod flood;
mod hostile;
mod identity;
mod models;
mod quotas;
mod records;
mod reload;
mod replies;
mod sdk;
mod shadow;
mod tls;
mod tokens;
mod traps;
