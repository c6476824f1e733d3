//! The readers of bodies and answers beside `serde_json`, natively and in Envoy's wasm engine.
//!
//! `cargo bench --bench scan -- --write`
#![expect(
    clippy::arithmetic_side_effects,
    clippy::disallowed_types,
    reason = "a measurement reads the clock, and where it overflows it may stop"
)]

extern crate stillgate;

#[path = "scan/src/bodies.rs"]
#[expect(dead_code, reason = "prose alone is for others")]
mod bodies;
#[path = "results.rs"]
mod results;
#[path = "scan/src/rounds.rs"]
mod rounds;

use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use clap::Parser;
use rounds::{Figure, READERS, STREAM_READERS};
use serde_json::json;
use stillgate::host::cli::envoy;

/// Measures the readers.
#[derive(Debug, Parser)]
struct Arguments {
    /// The Envoy to measure in; otherwise the one that `stillgate up` would take.
    #[arg(long)]
    envoy: Option<PathBuf>,
    /// Write the table into tests/bench/RESULTS.md.
    #[arg(long)]
    write: bool,
    /// Passed by cargo.
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let envoy = envoy::locate(arguments.envoy.as_deref())?;
    let mut native = Vec::new();
    rounds::measure(|figure| native.push(figure));
    let wasm = in_envoy(&envoy, &module()?)?;
    let text = format!(
        "{}\n\n{}",
        bodies(&native, &wasm)?,
        streams(&native, &wasm)?
    );
    println!("{text}");
    if arguments.write {
        results::write("scan", &format!("{}\n\n{text}", results::provenance()?))?;
    }
    Ok(())
}

/// Builds the plugin that measures itself.
fn module() -> Result<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let status = Command::new(env!("CARGO"))
        .args([
            "build",
            "--release",
            "--target",
            "wasm32-wasip1",
            "--target-dir",
        ])
        .arg(root.join("target"))
        .current_dir(root.join("tests/bench/scan"))
        .status()
        .context("starting cargo")?;
    ensure!(status.success(), "cargo could not build the plugin");
    Ok(root.join("target/wasm32-wasip1/release/scan.wasm"))
}

/// Starts an Envoy with the plugin, and reads the figures from its log.
fn in_envoy(envoy: &Path, module: &Path) -> Result<Vec<Figure>> {
    let directory = tempfile::tempdir()?;
    let config = directory.path().join("envoy.json");
    let bootstrap = json!({"bootstrap_extensions": [{
        "name": "envoy.bootstrap.wasm",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.wasm.v3.WasmService",
            "singleton": true,
            "config": {"vm_config": {
                "runtime": "envoy.wasm.runtime.v8",
                "code": {"local": {"filename": module}},
            }},
        },
    }]});
    fs::write(&config, bootstrap.to_string())?;
    let mut child = Command::new(envoy)
        .arg("--config-path")
        .arg(&config)
        .args([
            "--concurrency",
            "1",
            "--use-dynamic-base-id",
            "--log-level",
            "warn",
        ])
        .stderr(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .with_context(|| format!("starting {}", envoy.display()))?;
    let said = BufReader::new(child.stderr.take().context("Envoy has no stderr")?);
    let (mut figures, mut others, mut ended) = (Vec::new(), Vec::new(), false);
    for line in said.lines() {
        let line = line?;
        if line.contains("figures end") {
            ended = true;
            break;
        }
        match figure(&line) {
            Some(figure) => figures.push(figure),
            None => others.push(line),
        }
    }
    // It may have ended by itself; then there is nothing to end.
    let _ = child.kill();
    child.wait()?;
    ensure!(ended, "Envoy did not measure:\n{}", others.join("\n"));
    Ok(figures)
}

/// Reads a line of the plugin's.
fn figure(line: &str) -> Option<Figure> {
    let (_, numbers) = line.split_once("figure ")?;
    let mut numbers = numbers.split_whitespace();
    let kind: i64 = numbers.next()?.parse().ok()?;
    Some(Figure {
        kind: usize::try_from(kind).ok(),
        size: numbers.next()?.parse().ok()?,
        reader: numbers.next()?.parse().ok()?,
        nanoseconds: numbers.next()?.parse().ok()?,
    })
}

/// A row for each body, in GB/s.
fn bodies(native: &[Figure], wasm: &[Figure]) -> Result<String> {
    let mut text = String::from(
        "| GB/s | KiB | native: request | scan | `IgnoredAny` | in Envoy: request | scan | `IgnoredAny` |\n| - | - | - | - | - | - | - | - |",
    );
    for (kind, (name, _)) in bodies::KINDS.iter().enumerate() {
        let of_kind = |figure: &&Figure| figure.kind == Some(kind);
        let native: Vec<&Figure> = native.iter().filter(of_kind).collect();
        let wasm: Vec<&Figure> = wasm.iter().filter(of_kind).collect();
        ensure!(native.len() == wasm.len(), "{name}: figures are missing");
        for (native, wasm) in native.chunks(READERS.len()).zip(wasm.chunks(READERS.len())) {
            let size = native.first().context("a figure")?.size;
            write!(text, "\n| {name} | {} |", size.div_ceil(1024))?;
            for figure in native.iter().chain(wasm) {
                write!(
                    text,
                    " {:.2} |",
                    size as f64 / figure.nanoseconds.max(1) as f64
                )?;
            }
        }
    }
    Ok(text)
}

/// A row for each reader of the stream, in nanoseconds an event.
fn streams(native: &[Figure], wasm: &[Figure]) -> Result<String> {
    let mut text = String::from("| ns an event | native | in Envoy |\n| - | - | - |");
    for (reader, name) in STREAM_READERS.iter().enumerate() {
        write!(text, "\n| `{name}` |")?;
        for figures in [native, wasm] {
            let of_reader = |figure: &&Figure| figure.kind.is_none() && figure.reader == reader;
            let figure = figures
                .iter()
                .find(of_reader)
                .context("figures are missing")?;
            write!(text, " {} |", figure.nanoseconds)?;
        }
    }
    Ok(text)
}
