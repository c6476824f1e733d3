//! The promises of the design as laws: properties that must hold for any policy, any traffic and every store.
//!
//! Each is named after its promise and runs through the engine's public interface, as a host drives it. The laws that
//! depend on a store run once on pages in memory and once on pages that are swapped, as they are in Envoy.

#![expect(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that meets the unexpected should stop and say so"
)]

mod gate;
mod guard;
mod ledger;
mod stores;
mod traffic;

mod admission;
mod bounds;
mod change;
mod checks;
mod crowd;
mod distinct;
mod flight;
mod hostile;
mod refusal;
mod shadow;
mod tokens;
