//! The same exchanges through every host, and the same answers to the letter: README.md says how a case is written.

#![expect(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    reason = "a test that meets the unexpected should stop and say so"
)]

mod case;
mod compare;
mod host;
mod native;
mod observe;
mod wire;
mod write;

use host::{Host, hold};

/// Holds a host to all cases.
async fn conforms(host: &impl Host) {
    let (wrong, count) = hold(host).await;
    assert!(count > 0, "there are cases for {}", host.name());
    assert!(
        wrong.is_empty(),
        "{} differs in {} places, in {count} cases:\n{}",
        host.name(),
        wrong.len(),
        wrong.join("\n")
    );
}

#[tokio::test]
async fn native() {
    conforms(&native::Native).await;
}
