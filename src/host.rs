//! Where the engine meets the world. The target decides the host, and only this file knows.

#[cfg(not(target_family = "wasm"))]
pub mod cli;
#[cfg(target_os = "wasi")]
mod envoy;
pub mod wire;
#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
pub mod worker;
