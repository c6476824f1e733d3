//! The page: what its JavaScript calls. Each function hands over to the engine; what goes in and out is text, numbers and bytes.

use wasm_bindgen::prelude::wasm_bindgen;

/// The version of this module.
#[must_use]
#[wasm_bindgen]
pub fn version() -> String {
    String::from(env!("CARGO_PKG_VERSION"))
}
