//! `stillgate simulate`: what a policy would do about a campaign, and to everybody else, in made-up traffic of which the truth
//! is known.

mod baselines;
mod course;
mod journal;
mod plot;
mod report;
mod score;
mod source;

use std::fs::{self, File};
use std::io::{self, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use anyhow::{Context as _, bail};
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::replay::{Merge, merge};
use crate::simulate::{Scenario, Set};
use course::Course;
use report::{Report, Reports};

/// What `simulate` is told.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Scenarios by their names, which --list tells, or JSON files [default: a0]
    #[arg(value_name = "SCENARIO")]
    scenarios: Vec<String>,
    /// Tell which scenarios have names
    #[arg(long, conflicts_with_all = ["scenarios", "all"])]
    list: bool,
    /// Simulate all scenarios that have names
    #[arg(long, conflicts_with = "scenarios")]
    all: bool,
    /// Divide the numbers of keys by this, from 1 to 10000 [default: the scenario's, or 100]
    #[arg(long, value_name = "N")]
    scale: Option<u32>,
    /// How many days [default: the scenario's, or 45]
    #[arg(long, value_name = "N")]
    days: Option<u32>,
    /// What chance follows from [default: the scenario's, or 1]
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Which of two sets of texts, that have nothing in common, people and campaigns write
    #[arg(long, value_enum, default_value_t = Wording::HeldOut)]
    texts: Wording,
    /// A folder of JSON Lines whose `text` or `prompt` is used too, half of them with each set of texts: files with question,
    /// system or prompt in their names
    #[arg(long, value_name = "FOLDER")]
    text_files: Option<PathBuf>,
    /// A folder with windows of ServeGen, CSV, for the clients that ask most
    #[arg(long, value_name = "FOLDER")]
    data: Option<PathBuf>,
    /// The policy that decides [default: one that tags suspects and denies the convicted]
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// How many nodes decide, one request after the other
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    nodes: u32,
    /// How often they share what they have seen, from 1s to 1h, or off
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = merge)]
    merge: Merge,
    /// Where to record the traffic as it was decided about, gzip by its name
    #[arg(long, value_name = "FILE")]
    trace: Option<PathBuf>,
    /// Where to write all figures, as JSON
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Where to draw how much was let through as time went by, SVG
    #[arg(long, value_name = "FILE")]
    plot: Option<PathBuf>,
    /// How many scenarios run side by side [default: as many as there are processors]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000))]
    jobs: Option<u32>,
    /// Leave out what simpler rules would have done, which saves time
    #[arg(long)]
    no_baselines: bool,
}

/// Which texts are written.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Wording {
    /// To choose numbers by
    Development,
    /// To measure by
    HeldOut,
}

/// Simulates, and tells what came of it.
pub(super) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    if arguments.list {
        return list();
    }
    let scenarios = scenarios(arguments)?;
    let course = Course::new(arguments)?;
    if arguments.trace.is_some() && scenarios.len() > 1 {
        bail!("--trace takes one scenario at a time");
    }
    // Nobody should wait for hours to be told that a folder is not there.
    let out = arguments.out.as_deref().map(create).transpose()?;
    let plot = arguments.plot.as_deref().map(drawing).transpose()?;
    let reports = simulate(&course, scenarios, arguments.jobs)?;
    if let Some(mut out) = out {
        serde_json::to_writer_pretty(&mut out, &reports)?;
        writeln!(out)?;
    }
    if let Some(file) = plot {
        let drawn = plot::draw(&reports.runs)?;
        fs::write(file, drawn).with_context(|| format!("cannot write {}", file.display()))?;
    }
    let told = report::text(&reports.runs);
    Ok(io::stdout().write_all(told.as_bytes())?)
}

fn list() -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    for (name, line) in Scenario::PRESETS {
        writeln!(out, "{name:<9} {line}")?;
    }
    Ok(())
}

/// The scenarios as they are to be run.
fn scenarios(arguments: &Arguments) -> anyhow::Result<Vec<Scenario>> {
    let named: Vec<&str> = if arguments.all {
        Scenario::PRESETS.iter().map(|(name, _)| *name).collect()
    } else if arguments.scenarios.is_empty() {
        vec!["a0"]
    } else {
        arguments.scenarios.iter().map(String::as_str).collect()
    };
    let read = |name: &&str| {
        let mut scenario = source::scenario(name)?;
        scenario.scale = arguments.scale.unwrap_or(scenario.scale);
        scenario.days = arguments.days.unwrap_or(scenario.days);
        scenario.seed = arguments.seed.unwrap_or(scenario.seed);
        match scenario.validate().as_slice() {
            [] => Ok(scenario),
            faults => bail!("{name} cannot be simulated:\n  {}", faults.join("\n  ")),
        }
    };
    named.iter().map(read).collect()
}

/// Simulates all of them, some side by side, and gives the reports in their order.
fn simulate(
    course: &Course,
    scenarios: Vec<Scenario>,
    jobs: Option<u32>,
) -> anyhow::Result<Reports> {
    let processors = thread::available_parallelism().map_or(1, usize::from);
    let jobs = jobs.map_or(processors, |jobs| jobs as usize);
    let bars = bars();
    let next = AtomicUsize::new(0);
    let done: Mutex<Vec<(usize, anyhow::Result<Report>)>> = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..jobs.min(scenarios.len()) {
            scope.spawn(|| {
                loop {
                    let place = next.fetch_add(1, Ordering::Relaxed);
                    let Some(scenario) = scenarios.get(place) else {
                        break;
                    };
                    let bar = bars.add(bar(scenario));
                    let report = course.run(scenario, &bar);
                    bars.remove(&bar);
                    if report.is_err() {
                        next.store(scenarios.len(), Ordering::Relaxed);
                    }
                    if let Ok(mut done) = done.lock() {
                        done.push((place, report));
                    }
                }
            });
        }
    });
    let mut done = done.into_inner().unwrap_or_default();
    done.sort_by_key(|(place, _)| *place);
    let runs = done.into_iter().map(|(_, report)| report);
    Ok(Reports {
        runs: runs.collect::<anyhow::Result<_>>()?,
    })
}

/// A bar for each scenario on a terminal, and nothing elsewhere.
fn bars() -> MultiProgress {
    MultiProgress::with_draw_target(if io::stderr().is_terminal() {
        ProgressDrawTarget::stderr_with_hz(5)
    } else {
        ProgressDrawTarget::hidden()
    })
}

fn bar(scenario: &Scenario) -> ProgressBar {
    let bar = ProgressBar::new(scenario.length()).with_message(scenario.name.clone());
    let style = "{msg:9} [{bar:40}] {percent} %, {elapsed} so far, {eta} left";
    if let Ok(style) = ProgressStyle::with_template(style) {
        bar.set_style(style.progress_chars("=> "));
    }
    bar
}

fn create(file: &Path) -> anyhow::Result<File> {
    File::create(file).with_context(|| format!("cannot write {}", file.display()))
}

/// A file that can be drawn into.
fn drawing(file: &Path) -> anyhow::Result<&Path> {
    if file.extension().is_none_or(|end| end != "svg") {
        bail!("{} does not end in .svg", file.display());
    }
    create(file)?;
    Ok(file)
}

impl From<Wording> for Set {
    fn from(wording: Wording) -> Self {
        match wording {
            Wording::Development => Self::Development,
            Wording::HeldOut => Self::HeldOut,
        }
    }
}
