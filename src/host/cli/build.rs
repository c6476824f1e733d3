//! `stillgate build`: the wasm modules and what JavaScript needs around them, and the page.

mod glue;
mod page;

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use flate2::Compression;
use flate2::write::GzEncoder;

use super::npm::Effort;
use super::wasm::{self, Target};

/// What `build` is told.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// What to build
    #[arg(value_enum)]
    what: What,
    /// The folder for it [default: www/worker/pkg, www/pkg, or cargo's target folder for envoy]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

/// What can be built.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum What {
    /// The engine for Cloudflare Workers, workerd, Node, Deno and Bun: a module, and the JavaScript that calls it
    Worker,
    /// The page, for any web server: its files in one folder, with the engine as a module among them
    Page,
    /// The filter for Envoy
    Envoy,
}

/// Builds it, and tells what is where and how large.
pub(super) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let out = arguments.out.as_deref();
    let files = match arguments.what {
        What::Worker => worker(out)?,
        What::Page => page(out)?,
        What::Envoy => vec![filter(out)?],
    };
    for file in files {
        println!("{}", told(&file)?);
    }
    Ok(())
}

/// Builds what `www/worker/worker.js` imports, to a folder or where it is looked for; returns its files, by name.
///
/// # Errors
/// When the module cannot be compiled, its glue not be made, or the folder not be written.
pub fn worker(out: Option<&Path>) -> anyhow::Result<Vec<PathBuf>> {
    let out = out.map_or_else(|| wasm::package().join("www/worker/pkg"), Path::to_owned);
    glue::make(&wasm::compile(Target::Worker)?, true, &out)
}

/// Builds the page, to a folder or to [`site`]; returns its files, by name.
///
/// # Errors
/// As for the worker, and when what npm has for it is not there and cannot be had.
pub fn page(out: Option<&Path>) -> anyhow::Result<Vec<PathBuf>> {
    page::make(&out.map_or_else(site, Path::to_owned), Effort::Patient)
}

/// Builds the page to [`site`] for somebody who can do without it: where nothing can be fetched, that is known soon.
pub(super) fn optional_page() -> anyhow::Result<Vec<PathBuf>> {
    page::make(&site(), Effort::Brief)
}

/// The folder from which `up` serves the page.
#[must_use]
pub fn site() -> PathBuf {
    wasm::package().join("www/pkg")
}

/// The filter, in a folder or where cargo puts it.
fn filter(out: Option<&Path>) -> anyhow::Result<PathBuf> {
    let module = wasm::compile(Target::Wasi)?;
    let Some(out) = out else {
        return Ok(module);
    };
    let copy = out.join("stillgate.wasm");
    let told = || {
        format!(
            "cannot write {}; name another folder with --out",
            copy.display()
        )
    };
    fs::create_dir_all(out).with_context(told)?;
    fs::copy(&module, &copy).with_context(told)?;
    Ok(copy)
}

/// A file and how large it is: as it is, and as a server sends it.
fn told(file: &Path) -> anyhow::Result<String> {
    let bytes = fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    gzip.write_all(&bytes)?;
    let packed = gzip.finish()?;
    let kib = |bytes: &[u8]| bytes.len().div_ceil(1024);
    Ok(format!(
        "{} ({} KiB, {} KiB gzip)",
        file.display(),
        kib(&bytes),
        kib(&packed)
    ))
}
