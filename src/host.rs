//! Where the engine meets the world. The target decides the host, and of JavaScript's two the feature `page`; only this file knows.

#[cfg(not(target_family = "wasm"))]
pub mod cli;
#[cfg(target_os = "wasi")]
mod envoy;
#[cfg(all(target_arch = "wasm32", target_os = "unknown", feature = "page"))]
pub mod page;
pub mod wire;
#[cfg(all(target_arch = "wasm32", target_os = "unknown", not(feature = "page")))]
pub mod worker;
