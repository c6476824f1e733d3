//! `stillgate build`: the wasm modules and what JavaScript needs around them, with nothing to install.

mod glue;

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use flate2::Compression;
use flate2::write::GzEncoder;

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
    /// The same for a page
    Page,
    /// The filter for Envoy
    Envoy,
}

/// Builds it, and tells what is where and how large.
pub(super) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let out = arguments.out.as_deref();
    let files = match arguments.what {
        What::Worker => worker(out)?,
        What::Page => web(out.unwrap_or(&wasm::package().join("www/pkg")))?,
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
    web(out.unwrap_or(&wasm::package().join("www/worker/pkg")))
}

/// The module for JavaScript and its glue, in a folder.
fn web(out: &Path) -> anyhow::Result<Vec<PathBuf>> {
    glue::make(&wasm::compile(Target::Web)?, out)
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
