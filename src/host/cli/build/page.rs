//! The page, ready to be served: its sources in few files, the module, and the JavaScript around that, flat in one folder.

use core::fmt::Write as _;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::hash::Hasher as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, bail};
use serde_json::Value;
use siphasher::sip::SipHasher13;

use super::glue;
use crate::host::cli::npm::{self, Effort};
use crate::host::cli::scratch::Scratch;
use crate::host::cli::wasm::{self, Target};

/// Builds the page into a folder; returns its files, by name.
///
/// Files are replaced whole and one after the other, those that name others last, so that who reads them meanwhile finds a page
/// that works. One build at a time does so. What an earlier one has left in pieces of other names goes away when no page that is open
/// would miss it.
///
/// # Errors
/// When npm is missing or fails, the module cannot be compiled, the sources do not fit together, or the folder cannot be written.
pub(super) fn make(out: &Path, effort: Effort) -> anyhow::Result<Vec<PathBuf>> {
    let told = || {
        format!(
            "cannot write to {}; name another folder with --out",
            out.display()
        )
    };
    let scratch = Scratch::below(out).with_context(told)?;
    let packages = packages(effort)?;
    let module = wasm::compile(Target::Page)?;
    glue::make(&module, false, scratch.path())?;
    bundle(&packages, scratch.path())?;
    fs::write(scratch.path().join(LICENCES), licences(&packages)?).with_context(told)?;
    for source in COPIED {
        let source = wasm::package().join(source);
        let name = source.file_name().unwrap_or_default();
        fs::copy(&source, scratch.path().join(name))
            .with_context(|| format!("cannot copy {}", source.display()))?;
    }

    let mut made = files(scratch.path()).with_context(told)?;
    made.sort_by_key(|file| {
        LAST.iter()
            .position(|last| file.file_name() == Some(OsStr::new(last)))
    });
    let mut placed = Vec::new();
    for file in made {
        let place = out.join(file.file_name().unwrap_or_default());
        fs::rename(&file, &place).with_context(told)?;
        placed.push(place);
    }
    for file in files(out).with_context(told)? {
        if is_piece(&file) && !placed.contains(&file) && is_old(&file) {
            fs::remove_file(&file).with_context(told)?;
        }
    }
    placed.sort();
    Ok(placed)
}

/// Installs what the sources import, once for each lock; returns the folder.
fn packages(effort: Effort) -> anyhow::Result<PathBuf> {
    let sources = wasm::package().join("www");
    let read = |name: &str| {
        let file = sources.join(name);
        fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))
    };
    let (list, lock) = (read("package.json")?, read("package-lock.json")?);
    let mut hasher = SipHasher13::new();
    hasher.write(list.as_bytes());
    hasher.write(lock.as_bytes());
    let home = wasm::folder()
        .join("npm")
        .join(format!("{:016x}", hasher.finish()));
    if !home.join(esbuild()).is_file() {
        eprintln!(
            "Fetching from npm what the page is made with, to {}",
            home.display()
        );
    }
    let packages = npm::Packages {
        list: &list,
        lock: &lock,
        program: &esbuild(),
        effort,
    };
    packages
        .install(&home)
        .context("cannot fetch what the page is made with")?;
    Ok(home)
}

/// Puts the sources, and what they import, into few files.
fn bundle(packages: &Path, out: &Path) -> anyhow::Result<()> {
    // It runs in the folder of the sources.
    let out = std::path::absolute(out).context("there is no working directory")?;
    let mut outdir = OsString::from("--outdir=");
    outdir.push(out);
    let output = Command::new(packages.join(esbuild()))
        .args(ENTRIES)
        .args(["--bundle", "--splitting", "--format=esm", "--minify"])
        .args(["--target=es2022", "--log-level=warning"])
        // It is made beside the others, and found there.
        .arg("--external:./stillgate.js")
        .arg(outdir)
        .current_dir(wasm::package().join("www"))
        .env("NODE_PATH", packages.join("node_modules"))
        .output()
        .context("cannot run esbuild")?;
    let said = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        bail!("esbuild does not take the sources in www:\n{}", said.trim());
    }
    eprint!("{said}");
    Ok(())
}

/// The licences of what is bundled, which want to be where that goes.
fn licences(packages: &Path) -> anyhow::Result<String> {
    let lock = fs::read_to_string(wasm::package().join("www/package-lock.json"))
        .context("cannot read www/package-lock.json")?;
    let lock: Value = serde_json::from_str(&lock).context("www/package-lock.json is no lock")?;
    let locked = lock.get("packages").and_then(Value::as_object);
    // esbuild makes the page, and is not in it.
    let bundled = locked.into_iter().flatten().filter_map(|(place, _)| {
        let name = place.strip_prefix("node_modules/")?;
        (!name.contains("esbuild")).then_some((place, name))
    });
    let mut text = String::from("The page of Stillgate is Apache-2.0; in it are also:\n");
    for (place, name) in bundled {
        let file = packages.join(place).join("LICENSE");
        let licence = fs::read_to_string(&file)
            .with_context(|| format!("{name} has no licence at {}", file.display()))?;
        let _ = write!(text, "\n{name}\n\n{}\n", licence.trim());
    }
    Ok(text)
}

/// Where npm puts esbuild itself; the program of its own name starts Node first, which speaks when this one fails.
fn esbuild() -> PathBuf {
    let system = match std::env::consts::OS {
        "macos" => "darwin",
        other => other,
    };
    let processor = match std::env::consts::ARCH {
        "x86_64" => "x64",
        "aarch64" => "arm64",
        other => other,
    };
    PathBuf::from(format!(
        "node_modules/@esbuild/{system}-{processor}/bin/esbuild"
    ))
}

/// The files of a folder, by name.
fn files(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_file() {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// Whether a file's name is one that esbuild invents: `chunk-5N6YRKXQ.js`. Each build may invent others.
fn is_piece(file: &Path) -> bool {
    let name = file.file_name().and_then(OsStr::to_str);
    let stem = name.and_then(|name| name.strip_suffix(".js").or(name.strip_suffix(".css")));
    stem.and_then(|stem| stem.rsplit_once('-'))
        .is_some_and(|(_, hash)| {
            let invented = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
            hash.len() == 8 && hash.bytes().all(invented)
        })
}

/// Whether nobody misses a piece any more. One whose age is not known is missed.
fn is_old(piece: &Path) -> bool {
    let made = fs::metadata(piece).and_then(|piece| piece.modified());
    made.is_ok_and(|made| made.elapsed().is_ok_and(|age| age > MISSED))
}

/// Where the page begins, its long work, and its look.
const ENTRIES: [&str; 3] = ["page.js", "run.js", "style.css"];
/// What is in the page as it is in the sources.
const COPIED: [&str; 2] = ["www/index.html", "envoy/policy.schema.json"];
/// The licences of what is bundled.
const LICENCES: &str = "licences.txt";
/// What names other files, in the order in which it is put in place.
const LAST: [&str; 4] = ["run.js", "page.js", "style.css", "index.html"];
/// For how long after it was made a piece may be asked for by a page that was opened before the last build.
const MISSED: Duration = Duration::from_hours(1);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_told_from_what_has_a_name() {
        for piece in [
            "chunk-5N6YRKXQ.js",
            "campaign-ABCDEFGH.js",
            "a-b-23456789.css",
        ] {
            assert!(is_piece(Path::new(piece)), "{piece}");
        }
        for name in [
            "page.js",
            "my-notes12.js",
            "chunk-5N6YRKXQ.html",
            "chunk-5N6YRKX.js",
        ] {
            assert!(!is_piece(Path::new(name)), "{name}");
        }
    }
}
