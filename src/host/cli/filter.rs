//! Wasm modules of this package: built with cargo, for Envoy or for JavaScript.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, bail};

/// Builds the filter with cargo, if anything changed, and says where it is and how large.
///
/// The Rust target is installed through rustup where it is missing.
///
/// # Errors
/// When the sources that this program was built from are gone, or cargo fails: it has then said why.
pub fn build() -> anyhow::Result<PathBuf> {
    let module = compile("filter", ENVOY, "give a built one with --filter PATH")?;
    let bytes = size(&module)?;
    eprintln!(
        "Filter: {} ({} KiB)",
        module.display(),
        bytes.div_ceil(1024)
    );
    Ok(module)
}

/// Builds this package's module for a Rust target, if anything changed; answers where it is.
///
/// # Errors
/// As of [`build`]; `otherwise` is what else to do.
pub(super) fn compile(what: &str, target: &str, otherwise: &str) -> anyhow::Result<PathBuf> {
    let package = Path::new(PACKAGE);
    if !package.join("Cargo.toml").is_file() {
        bail!("the sources are no longer in {PACKAGE}, so the {what} cannot be built; {otherwise}");
    }
    install_target(package, target)?;
    let module = self::target()
        .join(target)
        .join("wasm")
        .join("stillgate.wasm");
    if !module.is_file() {
        eprintln!("Building the {what}, which takes a minute or two the first time");
    }
    let status = cargo(package)
        .args(["build", "--quiet", "--locked", "--profile", "wasm", "--lib", "--target", target])
        .status()
        .with_context(|| format!("cannot run cargo to build the {what}; install Rust (https://rustup.rs) or {otherwise}"))?;
    if !status.success() {
        bail!("cargo could not build the {what} ({status}); what it said is above");
    }
    size(&module)?;
    Ok(module)
}

/// How many bytes a module has.
fn size(module: &Path) -> anyhow::Result<u64> {
    let data = fs::metadata(module);
    let data =
        data.with_context(|| format!("cargo built it, but it is not at {}", module.display()))?;
    Ok(data.len())
}

/// Where cargo puts what it builds from this package: `CARGO_TARGET_DIR`, or `target` in the package.
pub(super) fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(
        || Path::new(PACKAGE).join("target"),
        |dir| Path::new(PACKAGE).join(dir),
    )
}

/// Installs a Rust target, unless it is there. Without rustup the target is cargo's own business.
fn install_target(package: &Path, target: &str) -> anyhow::Result<()> {
    let Some(rustup) = super::envoy::on_path("rustup") else {
        return Ok(());
    };
    let output = Command::new(&rustup)
        .args(["target", "list", "--installed"])
        .current_dir(package)
        .env_remove("RUSTUP_TOOLCHAIN")
        .output()
        .context("cannot run rustup")?;
    if String::from_utf8_lossy(&output.stdout)
        .lines()
        .any(|line| line == target)
    {
        return Ok(());
    }
    let status = Command::new(&rustup)
        .args(["target", "add", target])
        .current_dir(package)
        .env_remove("RUSTUP_TOOLCHAIN")
        .status()
        .context("cannot run rustup")?;
    if !status.success() {
        bail!(
            "the Rust target {target} is missing and could not be installed; run `rustup target add {target}`"
        );
    }
    Ok(())
}

/// Cargo in the package's folder. What an enclosing `cargo run` told its child is no business of this build.
fn cargo(package: &Path) -> Command {
    let mut command = Command::new("cargo");
    command.current_dir(package);
    for inherited in [
        "CARGO",
        "RUSTUP_TOOLCHAIN",
        "CARGO_MANIFEST_DIR",
        "CARGO_ENCODED_RUSTFLAGS",
    ] {
        command.env_remove(inherited);
    }
    command
}

/// The folder that this program was built from.
pub(super) const PACKAGE: &str = env!("CARGO_MANIFEST_DIR");
/// proxy-wasm modules are WASI libraries.
const ENVOY: &str = "wasm32-wasip1";
