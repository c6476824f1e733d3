//! What official SDKs, libraries and browsers really send, and that each is recognised by it.

#![expect(
    clippy::arithmetic_side_effects,
    clippy::disallowed_types,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that meets the unexpected should stop and say so; a measurement may wait"
)]

mod agents;
mod captured;
mod gate;
mod install;
mod measure;
mod page;
mod programs;
