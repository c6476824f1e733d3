//! The same exchanges through every host, and the same answers to the letter: README.md says how a case is written.

#![expect(
    clippy::arithmetic_side_effects,
    clippy::disallowed_types,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    reason = "a test that meets the unexpected should stop and say so"
)]

mod case;
mod compare;
mod cover;
mod envoy;
mod host;
mod live;
mod native;
mod observe;
mod origin;
mod wire;
mod workerd;
mod write;

/// What the tests of the filter in Envoy stand on.
#[path = "../envoy"]
mod shared {
    #[expect(
        dead_code,
        unused_imports,
        clippy::unwrap_used,
        reason = "these tests do not need all of it"
    )]
    pub(crate) mod harness;
}

use host::{Host, hold};
use shared::harness;
use std::rc::Rc;

/// Holds a host to all cases, so many at a time.
async fn conforms<H: Host + 'static>(host: H, at_once: usize) {
    let name = host.name();
    let (wrong, count) = hold(Rc::new(host), at_once).await;
    assert!(count > 0, "there are cases for {name}");
    assert!(
        wrong.is_empty(),
        "{name} differs in {} places, in {count} cases:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

#[tokio::test]
async fn native() {
    conforms(native::Native, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn envoy() {
    if let Some(envoys) = envoy::Envoys::start().await {
        conforms(envoys, 8).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn workerd() {
    if let Some(workerd) = workerd::Workerd::start() {
        conforms(workerd, 4).await;
    }
}
