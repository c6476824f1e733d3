//! The wasm modules, built from their sources.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

/// The empty filter of `tests/bench/empty`.
///
/// # Errors
/// When it does not build.
pub(crate) fn empty() -> Result<PathBuf> {
    let package = root().join("tests/bench/empty");
    build(&package, &["--release"])?;
    Ok(root().join("target/wasm32-wasip1/release/empty.wasm"))
}

/// The filter of this package.
///
/// # Errors
/// When it does not build.
pub(crate) fn stillgate() -> Result<PathBuf> {
    build(root(), &["--profile", "wasm", "--lib"])?;
    Ok(root().join("target/wasm32-wasip1/wasm/stillgate.wasm"))
}

fn build(package: &Path, arguments: &[&str]) -> Result<()> {
    let status = Command::new(env!("CARGO"))
        .args(["build", "--target", "wasm32-wasip1", "--target-dir"])
        .arg(root().join("target"))
        .args(arguments)
        .current_dir(package)
        .status()
        .context("starting cargo")?;
    ensure!(status.success(), "cargo could not build the module of {}", package.display());
    Ok(())
}

/// The package's folder.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
