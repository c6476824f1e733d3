//! Workers and pages: what JavaScript may call.

use wasm_bindgen::prelude::wasm_bindgen;

/// The version of this crate.
#[wasm_bindgen]
#[must_use]
pub fn version() -> String {
    String::from(env!("CARGO_PKG_VERSION"))
}
