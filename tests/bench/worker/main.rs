//! What the edge worker adds to a request: CPU of workerd and time, beside a worker that only hands on, with counters in the isolate
//! and in a Durable Object.
//!
//! `cargo bench --bench worker -- --write`
#![expect(
    clippy::arithmetic_side_effects,
    clippy::disallowed_types,
    reason = "a measurement reads the clock, and where it overflows it may stop"
)]

#[path = "../results.rs"]
mod results;

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use clap::Parser;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use stillgate::host::cli::build;
use stillgate::host::cli::up::{Edge, EdgeOptions};

/// Measures the worker.
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
    let text = table().await?;
    println!("{text}");
    if arguments.write {
        results::write("worker", &format!("{}\n\n{text}", results::provenance()?))?;
    }
    Ok(())
}

/// Turns of all workers, one after the other.
const TURNS: usize = 7;

/// Requests of a turn.
const REQUESTS: usize = 1_500;

const POLICY: &str = r#"{"version": 1, "quotas": [
    {"name": "requests", "per": ["key"], "count": "requests", "limit": 1000000, "window": "1m"},
    {"name": "tokens", "per": ["key"], "count": "tokens", "limit": 1000000000, "window": "1d"}]}"#;

/// A worker that is measured.
struct Contender {
    name: &'static str,
    edge: Edge,
    client: Client<HttpConnector, Full<Bytes>>,
    cpu: f64,
    median: f64,
}

async fn table() -> Result<String> {
    build::worker(None)?;
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("www/worker");
    let scratch = tempfile::tempdir()?;
    let pass = passing(&folder, scratch.path())?;
    let mut contenders = Vec::new();
    for (name, worker, counters) in [
        ("hands on", &pass, "durable"),
        ("isolate", &folder, "isolate"),
        ("durable", &folder, "durable"),
    ] {
        let edge = Edge::start(EdgeOptions {
            worker: Some(worker.clone()),
            environment: [
                ("STILLGATE_SECRET", "0123456789abcdef"),
                ("STILLGATE_COUNTERS", counters),
            ]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .to_vec(),
            ..EdgeOptions::quiet(POLICY)
        });
        contenders.push(Contender {
            name,
            edge: edge.await?,
            client: Client::builder(TokioExecutor::new()).build_http(),
            cpu: f64::INFINITY,
            median: f64::INFINITY,
        });
    }
    let body = body();
    for turn in 0..TURNS {
        for contender in &mut contenders {
            contender.turn(turn, &body).await?;
        }
    }
    let mut text = String::from(
        "| µs a request | CPU | over handing on | time, median | over handing on |\n| - | - | - | - | - |",
    );
    let base = contenders.first().map(|first| (first.cpu, first.median));
    let (cpu, median) = base.context("there is nothing to measure")?;
    for it in &contenders {
        write!(
            text,
            "\n| {} | {:.0} | {:.0} | {:.0} | {:.0} |",
            it.name,
            it.cpu,
            it.cpu - cpu,
            it.median,
            it.median - median
        )?;
    }
    let engine = engine(&folder, &body)?;
    write!(
        text,
        "\n\nThe engine alone, front and ledger, from the headers to the settlement: {engine} µs."
    )?;
    for contender in contenders {
        contender.edge.stop().await?;
    }
    Ok(text)
}

impl Contender {
    async fn turn(&mut self, turn: usize, body: &str) -> Result<()> {
        let url = format!("http://{}/v1/chat/completions", self.edge.listen);
        let pid = self.edge.pid().context("workerd has ended")?;
        let before = ticks(pid)?;
        let mut times = Vec::with_capacity(REQUESTS);
        for number in 0..REQUESTS {
            let request = hyper::Request::post(&url)
                .header("content-type", "application/json")
                .header("authorization", format!("Bearer sk-{}", number % 100))
                .body(Full::from(body.to_owned()))?;
            let began = Instant::now();
            let response = self.client.request(request).await?;
            let status = response.status();
            response.into_body().collect().await?;
            times.push(began.elapsed().as_secs_f64() * 1e6);
            ensure!(status == 200, "{} answers {status}", self.name);
        }
        let took = ticks(pid)?.saturating_sub(before) as f64;
        // The first turn compiles.
        if turn > 0 {
            times.sort_by(f64::total_cmp);
            let median = times.get(REQUESTS / 2).copied().unwrap_or_default();
            self.median = self.median.min(median);
            self.cpu = self.cpu.min(took * 1e6 / TICKS / REQUESTS as f64);
        }
        Ok(())
    }
}

/// What Linux counts CPU time in, a second.
const TICKS: f64 = 100.0;

/// The CPU time of a process.
fn ticks(pid: u32) -> Result<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).context("this needs Linux")?;
    // The name may have anything in it; two fields and eleven more are between it and the times.
    let fields = stat.rsplit_once(") ").map_or("", |(_, fields)| fields);
    let mut times = fields.split(' ').skip(11).take(2).map(str::parse::<u64>);
    let mut next = || times.next().context("a time")?.context("a number");
    Ok(next()? + next()?)
}

/// The files of a worker that only hands on.
fn passing(folder: &Path, scratch: &Path) -> Result<PathBuf> {
    let pass = scratch.join("pass");
    fs::create_dir_all(pass.join("pkg"))?;
    for file in [
        "workerd.capnp",
        "gate.js",
        "local.js",
        "page.js",
        "policy.json",
        "pkg/stillgate.js",
        "pkg/stillgate_bg.wasm",
    ] {
        fs::copy(folder.join(file), pass.join(file))?;
    }
    fs::write(pass.join("worker.js"), include_str!("pass.js"))?;
    Ok(pass)
}

/// A chat of 4 KiB.
fn body() -> String {
    let said = "What a long question this is, and how short its answer will be. ".repeat(62);
    format!(r#"{{"model":"m","max_tokens":64,"messages":[{{"role":"user","content":"{said}"}}]}}"#)
}

/// What the engine takes in Node.
fn engine(folder: &Path, body: &str) -> Result<String> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bench/worker/decide.mjs");
    let output = Command::new("node")
        .arg(script)
        .arg(folder)
        .args([POLICY, body])
        .output()
        .context("this needs node on PATH")?;
    ensure!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
