//! `stillgate learn`: what limits would have to be, from recorded traffic and not from guesses.

mod report;

use std::fs;
use std::io::{self, Write as _};
use std::ops::ControlFlow;
use std::path::PathBuf;

use anyhow::{Context as _, bail};

use super::embed;
use super::trace::{self, Trace};
use crate::identity::Secret;
use crate::learn::Learner;
use report::Report;

/// What `learn` is told.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Recorded traffic, JSON Lines, gzip by its name; - reads standard input
    #[arg(value_name = "TRACE")]
    trace: PathBuf,
    /// The policy whose limits are to be learned
    #[arg(long, value_name = "FILE")]
    policy: PathBuf,
    /// How to tell what was learned
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Where to tell it [default: standard output]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Who reads the report.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Format {
    /// Tables, for people
    Text,
    /// JSON Lines: the trace, then every limit
    Json,
}

/// Reads the trace twice, and tells what came of it.
pub(super) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let policy = embed::policy(&arguments.policy)?;
    let mut trace = Trace::new(&arguments.trace);
    let mut learner = Learner::new(policy.clone(), secret()?, MEMORY);
    let progress = trace::progress("counting");
    let oddities = trace.read(&progress, |record| {
        learner.observe(record);
        ControlFlow::Continue(())
    })?;
    progress.finish_and_clear();
    trace::warn(&oddities, &trace.name());
    let totals = learner.totals();
    if totals.requests == 0 {
        bail!("{} holds no request", trace.name());
    }
    let mut rehearsal = learner.rehearse();
    let progress = trace::progress("trying limits");
    trace.read(&progress, |record| {
        rehearsal.observe(record);
        ControlFlow::Continue(())
    })?;
    progress.finish_and_clear();
    let report = Report::new(&policy, totals, oddities.broken, rehearsal.finish());
    let told = match arguments.format {
        Format::Text => report.text(),
        Format::Json => report.json(),
    };
    match &arguments.out {
        Some(file) => {
            fs::write(file, told).with_context(|| format!("cannot write {}", file.display()))
        }
        None => Ok(io::stdout().write_all(told.as_bytes())?),
    }
}

/// The secret of the Envoy whose log names the keys that the policy's lists hold, or any.
fn secret() -> anyhow::Result<Secret> {
    if let Some(secret) = std::env::var_os("STILLGATE_SECRET").filter(|secret| !secret.is_empty()) {
        return Ok(Secret::new(secret.as_encoded_bytes()));
    }
    let mut random = [0; 32];
    getrandom::fill(&mut random).map_err(|error| anyhow::anyhow!("no randomness: {error}"))?;
    Ok(Secret::new(&random))
}

/// Bytes for the counters of all rules together; beyond that subjects are sampled.
const MEMORY: usize = 1 << 30;
