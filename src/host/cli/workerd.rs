//! Finding a workerd to run: the one that was named, the one on PATH, or the official binary from npm's registry.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail};

use super::envoy::{is_program, on_path};

/// The version that is fetched when there is no workerd here.
pub const VERSION: &str = "1.20261117.1";

/// Finds workerd: `explicit`, then `workerd` on PATH, then an earlier download, then a download.
///
/// The download is a package of npm's registry, fetched with curl, since neither Node nor npm is needed to run it, and unpacked to
/// `target/workerd/<version>/workerd`. Several processes may do it at once: the file appears whole or not at all.
///
/// # Errors
/// When `explicit` is no program, or when there is no workerd and none could be fetched; the message says what to install.
pub fn locate(explicit: Option<&Path>) -> anyhow::Result<PathBuf> {
    if let Some(path) = explicit {
        if !is_program(path) {
            bail!(
                "--workerd {}: there is no program of that name; give the path of a workerd binary",
                path.display()
            );
        }
        return Ok(path.to_owned());
    }
    if let Some(path) = on_path("workerd") {
        return Ok(path);
    }
    let folder = super::filter::target().join("workerd").join(VERSION);
    let cached = folder.join("workerd");
    if !is_program(&cached) {
        fs::create_dir_all(&folder)
            .with_context(|| format!("cannot make the folder {}", folder.display()))?;
        fetch(&folder, &cached)?;
    }
    Ok(cached)
}

/// Downloads the package into a folder of its own and moves the binary to `cached`.
fn fetch(folder: &Path, cached: &Path) -> anyhow::Result<()> {
    let name = package()?;
    let registry = std::env::var("NPM_CONFIG_REGISTRY");
    let registry = registry.unwrap_or_else(|_| String::from("https://registry.npmjs.org"));
    let url = format!(
        "{}/@cloudflare/{name}/-/{name}-{VERSION}.tgz",
        registry.trim_end_matches('/')
    );
    eprintln!(
        "No workerd on PATH: fetching {VERSION} from {url} (45 MB) to {}",
        cached.display()
    );
    let scratch = tempfile::tempdir_in(folder)
        .with_context(|| format!("cannot write to {}", folder.display()))?;
    let archive = scratch.path().join("workerd.tgz");
    run(Command::new("curl")
        .args([
            "--fail",
            "--silent",
            "--show-error",
            "--location",
            "--retry",
            "3",
            "--output",
        ])
        .arg(&archive)
        .arg(&url))?;
    run(Command::new("tar")
        .arg("-xzf")
        .arg(&archive)
        .arg("-C")
        .arg(scratch.path())
        .arg("package/bin/workerd"))?;
    fs::rename(scratch.path().join("package/bin/workerd"), cached)
        .with_context(|| format!("cannot write {}", cached.display()))
}

/// The package for this machine.
fn package() -> anyhow::Result<&'static str> {
    Ok(match (std::env::consts::OS, std::env::consts::ARCH) {
        ("linux", "x86_64") => "workerd-linux-64",
        ("linux", "aarch64") => "workerd-linux-arm64",
        ("macos", "x86_64") => "workerd-darwin-64",
        ("macos", "aarch64") => "workerd-darwin-arm64",
        (system, machine) => bail!("there is no workerd for {system} on {machine}; {INSTALL}"),
    })
}

fn run(command: &mut Command) -> anyhow::Result<()> {
    let output = command.stdin(Stdio::null()).output().with_context(|| {
        let program = command.get_program().to_string_lossy();
        format!("there is no workerd here, and no {program} to fetch it with; {INSTALL}")
    })?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!(
            "there is no workerd here, and it could not be fetched; {INSTALL}\n{}",
            said.trim()
        );
    }
    Ok(())
}

/// What to do where no workerd can be had.
const INSTALL: &str =
    "install workerd (npm install workerd) and put it on PATH or name it with --workerd PATH";
