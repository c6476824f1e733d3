//! This package's library, compiled to wasm with cargo.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, bail};

/// What the library is compiled for. The target decides which host is in the module.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Target {
    /// Envoy: proxy-wasm modules are WASI libraries.
    Wasi,
    /// Workers: no system at all, JavaScript around it.
    Worker,
    /// The page: the same, with other functions for JavaScript to call.
    Page,
}

impl Target {
    /// As rustup and cargo call it.
    fn triple(self) -> &'static str {
        match self {
            Self::Wasi => "wasm32-wasip1",
            Self::Worker | Self::Page => "wasm32-unknown-unknown",
        }
    }

    /// What is built, in messages.
    fn product(self) -> &'static str {
        match self {
            Self::Wasi => "filter",
            Self::Worker => "worker",
            Self::Page => "page",
        }
    }

    /// What else there is to do where nothing can be built, in messages.
    fn otherwise(self) -> &'static str {
        match self {
            Self::Wasi => "; or give a built one with --filter PATH",
            Self::Worker | Self::Page => "",
        }
    }

    /// Where cargo puts it. The page has a folder of its own: cargo gives its module the name of the worker's.
    fn folder(self) -> PathBuf {
        match self {
            Self::Wasi | Self::Worker => folder(),
            Self::Page => folder().join("page"),
        }
    }
}

/// Compiles the library with cargo, if anything changed, and says where the module is.
///
/// The Rust target is installed through rustup where it is missing.
///
/// # Errors
/// When the sources that this program was built from are gone, or cargo fails: it has then said why.
pub(super) fn compile(target: Target) -> anyhow::Result<PathBuf> {
    let (triple, product, otherwise) = (target.triple(), target.product(), target.otherwise());
    let package = package();
    if !package.join("Cargo.toml").is_file() {
        bail!(
            "the sources are no longer in {}, so the {product} cannot be built; clone them again and run `cargo run --release -- …` there{otherwise}",
            package.display()
        );
    }
    install(triple, package)?;
    let folder = target.folder();
    let module = folder.join(triple).join("wasm").join("stillgate.wasm");
    if !module.is_file() {
        eprintln!("Building the {product}, which takes a minute or two the first time");
    }
    let mut cargo = cargo(package);
    cargo.args([
        "build",
        "--quiet",
        "--locked",
        "--profile",
        "wasm",
        "--lib",
        "--target",
        triple,
    ]);
    if target == Target::Page {
        cargo
            .args(["--features", "page", "--target-dir"])
            .arg(&folder);
    }
    if target != Target::Wasi {
        // wasm-bindgen reads the names of wasm's features from the module, and takes them and all other names out itself.
        cargo.env("CARGO_PROFILE_WASM_STRIP", "debuginfo");
    }
    let status = cargo.status().with_context(|| {
        format!(
            "cannot run cargo to build the {product}; install Rust (https://rustup.rs){otherwise}"
        )
    })?;
    if !status.success() {
        bail!(
            "cargo could not build the {product} ({status}); what it said is above, and where it misses the target, \
             `rustup target add {triple}` installs it{otherwise}"
        );
    }
    if !module.is_file() {
        bail!(
            "cargo built the {product}, but it is not at {}; is a target folder configured elsewhere than in CARGO_TARGET_DIR?",
            module.display()
        );
    }
    Ok(module)
}

/// The folder that this program was built from.
pub(super) fn package() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Where cargo puts what it builds from this package: `CARGO_TARGET_DIR`, or `target` in the package.
pub(super) fn folder() -> PathBuf {
    let named = std::env::var_os("CARGO_TARGET_DIR");
    named.map_or_else(|| package().join("target"), |dir| package().join(dir))
}

/// Installs a Rust target, unless it is there. Without rustup the target is cargo's own business.
fn install(triple: &str, package: &Path) -> anyhow::Result<()> {
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
        .any(|line| line == triple)
    {
        return Ok(());
    }
    let status = Command::new(&rustup)
        .args(["target", "add", triple])
        .current_dir(package)
        .env_remove("RUSTUP_TOOLCHAIN")
        .status()
        .context("cannot run rustup")?;
    if !status.success() {
        bail!(
            "the Rust target {triple} is missing and could not be installed; run `rustup target add {triple}`"
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
