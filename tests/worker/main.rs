//! End to end at the edge: the worker in a real workerd, between clients that misbehave and an origin that remembers.
//!
//! Every test starts its own workerd on a port of its own, so tests share nothing and run at once. A machine without workerd skips
//! them with one loud sentence; with `CI` set it fails instead.

#![expect(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that meets the unexpected should stop and say so"
)]

mod harness;

mod bodies;
mod ends;
mod limits;
mod node;
mod page;
mod settings;
