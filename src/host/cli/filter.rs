//! The filter's wasm module, built from this package.

use std::fs;
use std::path::PathBuf;

use anyhow::Context as _;

use super::wasm::{self, Target};

/// Builds the filter with cargo, if anything changed, and says where it is and how large.
///
/// The Rust target is installed through rustup where it is missing.
///
/// # Errors
/// When the sources that this program was built from are gone, or cargo fails: it has then said why.
pub fn build() -> anyhow::Result<PathBuf> {
    let module = wasm::compile(Target::Wasi)?;
    let bytes = fs::metadata(&module)
        .with_context(|| format!("cannot read {}", module.display()))?
        .len();
    eprintln!(
        "Filter: {} ({} KiB)",
        module.display(),
        bytes.div_ceil(1024)
    );
    Ok(module)
}
