//! Stillgate in a real Envoy beside Envoy's own means, measured: `cargo bench --bench envoy -- --write`.
#![expect(
    clippy::arithmetic_side_effects,
    clippy::disallowed_types,
    reason = "a measurement: it reads the clock, and what overflows stops it"
)]

mod contender;
mod cost;
mod cpu;
mod load;
mod modules;
mod origin;
mod proxy;
mod report;

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Parser;
use serde_json::json;

use contender::{Contender, Limit};
use cost::{Expect, Workload};
use load::Request;
use proxy::Route;

/// Measures Stillgate in Envoy.
#[derive(Debug, Parser)]
struct Arguments {
    /// Rounds of bursts for each workload with one key.
    #[arg(long, default_value_t = 40)]
    rounds: usize,
    /// The Envoy to measure; without it, as `stillgate up` finds one.
    #[arg(long)]
    envoy: Option<PathBuf>,
    /// Other wasm modules to measure beside, as NAME=FILE.
    #[arg(long, value_name = "NAME=FILE")]
    beside: Vec<String>,
    /// Passed by cargo.
    #[arg(long, hide = true)]
    bench: bool,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let envoy = proxy::locate(arguments.envoy)?;
    let empty = modules::empty()?;
    let roomy = Limit { requests: 1_000_000_000, keys: 2_000_000 };
    let mut contenders = vec![
        Contender::no_filter(),
        Contender::empty(empty),
        Contender::local_ratelimit(roomy),
        Contender::lua(roomy),
    ];
    for module in &arguments.beside {
        let (name, file) = module.split_once('=').context("--beside wants NAME=FILE")?;
        contenders.push(Contender::module(name, file.into()));
    }
    let get = Request::new("GET", b"");
    let post = Request::new("POST", &[b' '; 1024]);
    let workloads = [
        Workload { name: "GET, one key", request: get.clone(), keys: 1, expect: Expect::Pass },
        Workload { name: "GET, 100,000 keys", request: get, keys: 100_000, expect: Expect::Pass },
    ];
    for measured in cost::measure(&envoy, &contenders, Route::Direct, &workloads, arguments.rounds).await? {
        println!("{}", report::table(&measured));
    }
    let workloads = [Workload { name: "POST 1 KiB to an origin, one key", request: post, keys: 1, expect: Expect::Pass }];
    let origin = Route::Origin(origin::start()?);
    for measured in cost::measure(&envoy, &contenders, origin, &workloads, arguments.rounds).await? {
        println!("{}", report::table(&measured));
    }
    let _ = json!({});
    Ok(())
}
