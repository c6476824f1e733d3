//! The wasm modules to compare with, built from their sources.

use std::fs;
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

/// The filter of `tests/bench/steps` up to a step: `None` for the one that is never called.
///
/// # Errors
/// When it does not build.
pub(crate) fn steps(step: Option<&str>) -> Result<PathBuf> {
    let package = root().join("tests/bench/steps");
    build(
        &package,
        &["--release", "--features", step.unwrap_or_default()],
    )?;
    let built = root().join("target/wasm32-wasip1/release/steps.wasm");
    let kept = built.with_file_name(format!("steps-{}.wasm", step.unwrap_or("none")));
    fs::copy(&built, &kept).with_context(|| format!("copying {}", built.display()))?;
    Ok(kept)
}

fn build(package: &Path, arguments: &[&str]) -> Result<()> {
    let status = Command::new(env!("CARGO"))
        .args(["build", "--target", "wasm32-wasip1", "--target-dir"])
        .arg(root().join("target"))
        .args(arguments)
        .current_dir(package)
        .status()
        .context("starting cargo")?;
    ensure!(
        status.success(),
        "cargo could not build the module of {}",
        package.display()
    );
    Ok(())
}

/// The package's folder.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
