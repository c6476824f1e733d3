//! `stillgate replay`: what a policy would have decided about recorded traffic, and which campaigns are in it.

mod report;

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

use super::embed;
use super::trace::{self, Trace};
use crate::exchange::Millis;
use crate::identity::Secret;
use crate::policy::units;
use crate::replay::{Fleet, SECRET, Tally, line};
use report::Report;

/// What `replay` is told.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Recorded traffic, JSON Lines, gzip by its name; - reads standard input
    #[arg(value_name = "TRACE")]
    trace: PathBuf,
    /// The policy that decides
    #[arg(long, value_name = "FILE")]
    policy: PathBuf,
    /// Where to write what was decided about each request, a line each; - is standard output
    #[arg(long, value_name = "FILE")]
    verdicts: Option<PathBuf>,
    /// How many nodes take turns at the requests, each with its own view of campaigns
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1024))]
    nodes: u32,
    /// How often what all nodes saw is brought together, from 1s to 1h; off leaves every node to itself
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = merge)]
    merge: Merge,
    /// How to tell what came of it
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Where to tell it [default: standard output, or standard error if the verdicts go there]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// How often nodes share what they see, if they do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Merge(pub(super) Option<Millis>);

/// Who reads the report.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Format {
    /// Tables, for people
    Text,
    /// JSON Lines: the trace, every rule, every campaign
    Json,
}

/// Reads the trace once, writes verdicts as it goes, and tells what came of it.
pub(super) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let policy = embed::policy(&arguments.policy)?;
    let mut trace = Trace::once(&arguments.trace);
    let mut verdicts = match &arguments.verdicts {
        Some(file) => Some(Verdicts::open(file, arguments)?),
        None => None,
    };
    let mut tally = Tally::new(&policy, MEMORY);
    let mut fleet = Fleet::new(policy, secret(), arguments.nodes, arguments.merge.0);
    let progress = trace::progress("replaying");
    let oddities = trace.read(&progress, |record| {
        let decision = fleet.recorded(record);
        tally.add(&decision, record.t);
        match &mut verdicts {
            Some(verdicts) => {
                let policy = fleet.engine().policy();
                verdicts.write(&line(&record.id, record.t, &decision, policy))
            }
            None => ControlFlow::Continue(()),
        }
    })?;
    progress.finish_and_clear();
    if let Some(verdicts) = verdicts
        && !verdicts.close()?
    {
        return Ok(());
    }
    trace::warn(&oddities, &trace.name());
    if tally.requests == 0 {
        bail!("{} holds no request", trace.name());
    }
    fleet.close();
    let report = Report::new(&fleet, &tally, oddities.broken);
    let told = match arguments.format {
        Format::Text => report.text(),
        Format::Json => report.json(),
    };
    match &arguments.out {
        Some(file) => {
            fs::write(file, told).with_context(|| format!("cannot write {}", file.display()))
        }
        None if is_stdout(arguments.verdicts.as_deref()) => {
            Ok(io::stderr().write_all(told.as_bytes())?)
        }
        None => Ok(io::stdout().write_all(told.as_bytes())?),
    }
}

/// Where verdicts go.
struct Verdicts {
    name: String,
    to: BufWriter<Box<dyn Write>>,
    failed: Option<io::Error>,
}

impl Verdicts {
    fn open(file: &Path, arguments: &Arguments) -> anyhow::Result<Self> {
        let (name, to): (String, Box<dyn Write>) = if is_stdout(Some(file)) {
            (String::from("standard output"), Box::new(io::stdout()))
        } else {
            let named = [
                Some(&arguments.trace),
                Some(&arguments.policy),
                arguments.out.as_ref(),
            ];
            for other in named.into_iter().flatten() {
                if other == file || same(other, file) {
                    bail!("--verdicts would overwrite {}", other.display());
                }
            }
            let name = file.display().to_string();
            let opened = File::create(file).with_context(|| format!("cannot write {name}"))?;
            (name, Box::new(opened))
        };
        Ok(Self {
            name,
            to: BufWriter::with_capacity(256 << 10, to),
            failed: None,
        })
    }

    /// Writes a line; what fails is told in the end.
    fn write(&mut self, line: &str) -> ControlFlow<()> {
        let written = self.to.write_all(line.as_bytes());
        match written.and_then(|()| self.to.write_all(b"\n")) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => {
                self.failed = Some(error);
                ControlFlow::Break(())
            }
        }
    }

    /// Writes what is left. Answers whether anybody still reads: `head` does not to the end, and that is no failure.
    fn close(mut self) -> anyhow::Result<bool> {
        let failed = self.failed.take();
        let result = failed.map_or_else(|| self.to.flush(), Err);
        match result {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
            Err(error) => Err(error).with_context(|| format!("cannot write {}", self.name)),
        }
    }
}

fn is_stdout(file: Option<&Path>) -> bool {
    file == Some(Path::new("-"))
}

/// Whether two paths are one file that is there.
fn same(one: &Path, other: &Path) -> bool {
    match (fs::canonicalize(one), fs::canonicalize(other)) {
        (Ok(one), Ok(other)) => one == other,
        _ => false,
    }
}

pub(super) fn merge(text: &str) -> Result<Merge, String> {
    if text == "off" {
        return Ok(Merge(None));
    }
    let millis = units::duration(text).filter(|millis| (1_000..=3_600_000).contains(millis));
    millis
        .map(|millis| Merge(Some(millis)))
        .ok_or_else(|| String::from("expected a duration from 1s to 1h, or off"))
}

/// The secret of the Envoy whose log names the keys and campaigns that the policy holds, or one that is always the same, so
/// that everybody who replays a trace reads the same.
pub(super) fn secret() -> Secret {
    match std::env::var_os("STILLGATE_SECRET").filter(|secret| !secret.is_empty()) {
        Some(secret) => Secret::new(secret.as_encoded_bytes()),
        None => Secret::new(SECRET),
    }
}

/// Bytes for the keys that were touched; beyond that they are sampled.
const MEMORY: usize = 256 << 20;
