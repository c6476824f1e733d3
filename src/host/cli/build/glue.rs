//! The JavaScript around a module, made by wasm-bindgen as a library: there is no tool to install.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use wasm_bindgen_cli_support::Bindgen;

/// Makes `stillgate.js`, `stillgate_bg.wasm` and, if they are wanted, their types in a folder; returns the files, by name.
///
/// The JavaScript is an ES module that is handed a compiled module or fetches it: one form for workers and pages. Files are
/// replaced whole, so that who reads them meanwhile finds the old or the new.
///
/// # Errors
/// When the module is none of wasm-bindgen's, or the folder cannot be written.
pub(super) fn make(module: &Path, types: bool, out: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let told = || {
        format!(
            "cannot write to {}; name another folder with --out",
            out.display()
        )
    };
    fs::create_dir_all(out).with_context(told)?;
    let scratch = tempfile::tempdir_in(out).with_context(told)?;
    let mut bindgen = Bindgen::new();
    bindgen
        .input_path(module)
        .out_name(NAME)
        .typescript(types)
        .remove_name_section(true)
        .remove_producers_section(true);
    bindgen
        .web(true)
        .and_then(|bindgen| bindgen.generate(scratch.path()))
        .with_context(|| {
            format!(
                "cannot make JavaScript for {}; `cargo clean --profile wasm` and another build make it anew",
                module.display()
            )
        })?;
    let mut files = Vec::new();
    for made in fs::read_dir(scratch.path()).with_context(told)? {
        let made = made.with_context(told)?;
        let file = out.join(made.file_name());
        fs::rename(made.path(), &file).with_context(told)?;
        files.push(file);
    }
    files.sort();
    Ok(files)
}

/// What the files' names begin with.
const NAME: &str = "stillgate";
