//! The filter's wasm module: built from this package, or given.

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
    let package = Path::new(PACKAGE);
    if !package.join("Cargo.toml").is_file() {
        bail!(
            "the sources are no longer in {PACKAGE}, so the filter cannot be built; give a built one with --filter PATH"
        );
    }
    install_target(package)?;
    let module = target().join(TARGET).join("wasm").join("stillgate.wasm");
    if !module.is_file() {
        eprintln!("Building the filter, which takes a minute or two the first time");
    }
    let status = cargo(package)
        .args(["build", "--quiet", "--locked", "--profile", "wasm", "--lib", "--target", TARGET])
        .status()
        .context("cannot run cargo to build the filter; install Rust (https://rustup.rs) or give a built one with --filter PATH")?;
    if !status.success() {
        bail!("cargo could not build the filter ({status}); what it said is above");
    }
    let bytes = fs::metadata(&module)
        .with_context(|| {
            format!(
                "cargo built the filter, but it is not at {}",
                module.display()
            )
        })?
        .len();
    eprintln!(
        "Filter: {} ({} KiB)",
        module.display(),
        bytes.div_ceil(1024)
    );
    Ok(module)
}

/// Where cargo puts what it builds from this package: `CARGO_TARGET_DIR`, or `target` in the package.
pub(super) fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(
        || Path::new(PACKAGE).join("target"),
        |dir| Path::new(PACKAGE).join(dir),
    )
}

/// Installs the Rust target of the filter, unless it is there. Without rustup the target is cargo's own business.
fn install_target(package: &Path) -> anyhow::Result<()> {
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
        .any(|line| line == TARGET)
    {
        return Ok(());
    }
    let status = Command::new(&rustup)
        .args(["target", "add", TARGET])
        .current_dir(package)
        .env_remove("RUSTUP_TOOLCHAIN")
        .status()
        .context("cannot run rustup")?;
    if !status.success() {
        bail!(
            "the Rust target {TARGET} is missing and could not be installed; run `rustup target add {TARGET}`"
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
const PACKAGE: &str = env!("CARGO_MANIFEST_DIR");
/// proxy-wasm modules are WASI libraries.
const TARGET: &str = "wasm32-wasip1";
