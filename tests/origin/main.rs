//! The demo origin: the form of its answers in each dialect, whole and streamed, and what `x-demo-*` headers ask for.
#![expect(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod dialects;
mod harness;
mod headers;
mod streams;
mod usage;
