//! How soon the page is there, and how fast it finds a campaign: in a real Chromium, from the server of `up`.
//!
//! `cargo bench --bench page -- --write`

#[path = "../results.rs"]
mod results;
#[path = "../../page/tools.rs"]
mod tools;

use std::fmt::Write as _;
use std::fs;

use anyhow::{Context as _, Result, ensure};
use clap::Parser;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::Value;
use stillgate::host::cli::build;
use stillgate::host::cli::up::Page;

/// Measures the page.
#[derive(Debug, Parser)]
struct Arguments {
    /// Write the table into tests/bench/RESULTS.md.
    #[arg(long)]
    write: bool,
    /// Passed by cargo.
    #[arg(long, hide = true)]
    bench: bool,
}

#[tokio::main]
async fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let tools = tools::tools().context("the page cannot be measured")?;
    let page = Page::start(&build::site(), None)?;
    let scratch = tempfile::tempdir()?;
    let script = tools::root().join("tests/bench/page/measure.mjs");
    let mut node = tools.script(
        &script,
        &format!("http://{}/", page.address),
        scratch.path(),
    );
    let output = tokio::task::spawn_blocking(move || node.output()).await??;
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{errors}");
    let measured: Value = serde_json::from_slice(&output.stdout)?;
    let text = table(&measured)?;
    println!("{text}");
    if arguments.write {
        results::write("page", &format!("{}\n\n{text}", results::provenance()?))?;
    }
    Ok(())
}

fn table(measured: &Value) -> Result<String> {
    let mut text = String::from("| | |\n| - | - |\n");
    let number = |name: &str| {
        let value = measured.get(name).and_then(Value::as_f64);
        value.with_context(|| format!("the script tells no {name}"))
    };
    writeln!(
        text,
        "| first paint, median of {} loads with an empty cache | {:.0} ms |",
        number("loads")?,
        number("paint")?
    )?;
    writeln!(
        text,
        "| the engine is there and the editor has read a policy | {:.0} ms |",
        number("ready")?
    )?;
    writeln!(
        text,
        "| the module | {} KiB, {} KiB gzip |",
        size("stillgate_bg.wasm", false)?,
        size("stillgate_bg.wasm", true)?
    )?;
    for (name, what) in [
        ("five", "`a1` at 1:100, 5 days"),
        ("all", "`a1` at 1:100, all 45 days"),
    ] {
        let run = measured.get(name).context("the script tells of a run")?;
        let part = |part: &str| {
            let value = run.get(part).and_then(Value::as_f64);
            value.with_context(|| format!("the script tells no {part} of a run"))
        };
        writeln!(
            text,
            "| {what}: {:.0} interactions among {:.0} requests | {:.1} s, {:.0} requests a second |",
            part("interactions")?,
            part("requests")?,
            part("seconds")?,
            part("requests")? / part("seconds")?
        )?;
        writeln!(
            text,
            "| the longest that the page drew nothing meanwhile | {:.0} ms |",
            part("gap")?
        )?;
    }
    Ok(text)
}

/// KiB of a file of the page.
fn size(name: &str, packed: bool) -> Result<usize> {
    use std::io::Write as _;
    let bytes = fs::read(build::site().join(name))?;
    if !packed {
        return Ok(bytes.len().div_ceil(1024));
    }
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    gzip.write_all(&bytes)?;
    Ok(gzip.finish()?.len().div_ceil(1024))
}
