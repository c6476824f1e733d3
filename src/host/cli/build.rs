//! `stillgate build`: the wasm modules as they are deployed, with what JavaScript needs around them.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use flate2::{Compression, write::GzEncoder};
use wasm_bindgen_cli_support::Bindgen;

use super::filter;

/// What JavaScript loads has neither a system nor a vendor.
const JAVASCRIPT: &str = "wasm32-unknown-unknown";

/// What `build` is told.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// What is to be built
    #[arg(value_enum)]
    what: What,
    /// Where it is put [default: worker: www/worker/pkg, envoy: target/wasm32-wasip1/wasm]
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
}

/// What there is to be built.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum What {
    /// The module and its JavaScript, for CDN workers and other runtimes with fetch
    Worker,
    /// The filter, for Envoy and what embeds it
    Envoy,
}

/// Builds, and says what is where.
pub(super) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let (folder, module) = match arguments.what {
        What::Worker => {
            let folder = arguments.out.clone().unwrap_or_else(pkg);
            (folder.clone(), worker(&folder)?)
        }
        What::Envoy => {
            let built = filter::build()?;
            let folder = arguments.out.clone();
            let folder = folder.or_else(|| built.parent().map(Path::to_owned));
            let folder = folder.context("the filter lies in no folder")?;
            let module = folder.join("stillgate.wasm");
            if module != built {
                make(&folder)?;
                fs::copy(&built, &module)
                    .with_context(|| format!("cannot write {}", module.display()))?;
            }
            (folder, module)
        }
    };
    let bytes = fs::read(&module).with_context(|| format!("cannot read {}", module.display()))?;
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(&bytes)?;
    let packed = encoder.finish()?;
    println!(
        "{}: {} KiB, {} KiB with gzip; all of it is in {}",
        module.display(),
        bytes.len().div_ceil(1024),
        packed.len().div_ceil(1024),
        folder.display()
    );
    Ok(())
}

/// Where the worker looks for it.
pub(super) fn pkg() -> PathBuf {
    Path::new(filter::PACKAGE).join("www/worker/pkg")
}

/// Builds the module for JavaScript, and its glue beside it, into a folder; answers where the module is.
///
/// The glue is made by the library that `wasm-bindgen`'s own tool is made of, of the same version as what is in the module, so nothing
/// has to be installed.
///
/// # Errors
/// When cargo fails, or the folder cannot be written.
pub fn worker(folder: &Path) -> anyhow::Result<PathBuf> {
    let module = filter::compile("worker", JAVASCRIPT, "build it where they are")?;
    make(folder)?;
    // Several processes may do it at once: every file appears whole.
    let scratch = tempfile::tempdir_in(folder)
        .with_context(|| format!("cannot write to {}", folder.display()))?;
    let mut bindgen = Bindgen::new();
    bindgen
        .input_path(&module)
        .out_name("stillgate")
        .typescript(true);
    bindgen
        .web(true)
        .and_then(|bindgen| bindgen.generate(scratch.path()))
        .with_context(|| format!("cannot make the JavaScript of {}", module.display()))?;
    for entry in fs::read_dir(scratch.path())? {
        let entry = entry?;
        let to = folder.join(entry.file_name());
        fs::rename(entry.path(), &to).with_context(|| format!("cannot write {}", to.display()))?;
    }
    Ok(folder.join("stillgate_bg.wasm"))
}

fn make(folder: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(folder)
        .with_context(|| format!("cannot make the folder {}", folder.display()))
}
