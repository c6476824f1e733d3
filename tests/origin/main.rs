//! The demo origin: the form of its answers in each dialect, whole and streamed, and what `x-demo-*` headers ask for.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod dialects;
mod harness;
mod headers;
mod streams;
mod usage;
