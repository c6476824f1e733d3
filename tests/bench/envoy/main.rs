//! Stillgate in a real Envoy beside Envoy's own means, measured: `cargo bench --bench envoy -- --write`.
#![expect(
    clippy::arithmetic_side_effects,
    clippy::disallowed_types,
    reason = "a measurement reads the clock, and where it overflows it may stop"
)]

mod accuracy;
mod contender;
mod cost;
mod cpu;
mod flood;
mod load;
mod modules;
mod origin;
mod proxy;
mod quotas;
mod report;
#[path = "../results.rs"]
mod results;
mod start;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use clap::{Parser, ValueEnum};
use stillgate::host::cli::{envoy::locate, filter};

use contender::{Contender, Limit};
use cost::{Expect, Per, Workload};
use load::Request;
use proxy::Route;
use quotas::{ROOMY, chat, checks, metered, quotas, requests};
use serde_json::Value;

/// Measures Stillgate in Envoy.
#[derive(Debug, Parser)]
struct Arguments {
    /// What to measure; without it, everything.
    parts: Vec<Part>,
    /// Rounds of bursts for each workload with one key.
    #[arg(long, default_value_t = 40)]
    rounds: usize,
    /// Write the tables into tests/bench/RESULTS.md.
    #[arg(long)]
    write: bool,
    /// The Envoy to measure; without it, as `stillgate up` finds one.
    #[arg(long)]
    envoy: Option<PathBuf>,
    /// The filter's module; without it, the one that this package builds.
    #[arg(long)]
    module: Option<PathBuf>,
    /// Other builds of the filter to measure beside it with three quotas, as NAME=FILE.
    #[arg(long, value_name = "NAME=FILE")]
    beside: Vec<String>,
    /// Passed by cargo.
    #[arg(long, hide = true)]
    bench: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Processor time of requests that pass.
    Cost,
    /// Processor time of requests that pass, with 100,000 keys.
    Keys,
    /// Processor time of requests with a body to an origin.
    Origin,
    /// Processor time of chat requests of 1, 4 and 32 KiB under token rules.
    Tokens,
    /// Processor time of the events of a stream under a token rule.
    Stream,
    /// Processor time of requests that pass checks, with one key and with 100,000.
    Checks,
    /// Processor time of requests that are refused.
    Refusal,
    /// Processor time of the steps that a filter is made of.
    Steps,
    /// Memory, and a key over its limit, in a flood of random keys.
    Flood,
    /// How many requests of one key pass when many arrive at once.
    Accuracy,
    /// Start of the filter, and size of its module.
    Start,
}

/// What all parts need.
struct Bench {
    envoy: PathBuf,
    empty: PathBuf,
    stillgate: PathBuf,
    beside: Vec<(String, PathBuf)>,
    rounds: usize,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let beside = arguments.beside.iter().map(|module| {
        let (name, file) = module.split_once('=').context("--beside wants NAME=FILE")?;
        Ok((name.into(), file.into()))
    });
    let bench = Bench {
        beside: beside.collect::<Result<_>>()?,
        envoy: locate(arguments.envoy.as_deref())?,
        empty: modules::empty()?,
        stillgate: arguments.module.map_or_else(filter::build, Ok)?,
        rounds: arguments.rounds,
    };
    let parts = if arguments.parts.is_empty() {
        Part::value_variants()
    } else {
        &arguments.parts
    };
    for part in parts {
        let text = bench.run(*part).await?;
        println!("{text}");
        if arguments.write {
            let name = part.to_possible_value().context("a part without a name")?;
            let place = format!(
                "{} {}",
                results::provenance()?,
                proxy::version(&bench.envoy)?
            );
            results::write(name.get_name(), &format!("{place}\n\n{text}"))?;
        }
    }
    Ok(())
}

impl Bench {
    async fn run(&self, part: Part) -> Result<String> {
        let (get, post) = (
            Request::new("GET", b""),
            Request::new("POST", &[b' '; 1024]),
        );
        let workload = match part {
            Part::Cost | Part::Steps => Workload {
                name: "GET, one key",
                request: get,
                keys: 1,
                expect: Expect::Pass,
                per: Per::Request,
            },
            Part::Keys => Workload {
                name: "GET, 100,000 keys",
                request: get,
                keys: 100_000,
                expect: Expect::Pass,
                per: Per::Request,
            },
            Part::Origin => Workload {
                name: "POST 1 KiB to an origin, one key",
                request: post,
                keys: 1,
                expect: Expect::Pass,
                per: Per::Request,
            },
            Part::Refusal => Workload {
                name: "GET, one key over its limit",
                request: get,
                keys: 1,
                expect: Expect::Refuse,
                per: Per::Request,
            },
            Part::Checks => return self.checks(get).await,
            Part::Tokens | Part::Stream => return self.metered(part == Part::Stream).await,
            Part::Flood => return self.flood().await,
            Part::Accuracy => return self.accuracy().await,
            Part::Start => return self.start().await,
        };
        let limit = if part == Part::Refusal { 1 } else { ROOMY };
        let route = if part == Part::Origin {
            Route::Origin(origin::start()?)
        } else {
            Route::Direct
        };
        let contenders = match part {
            Part::Steps => self.steps()?,
            _ => self.contenders(Limit {
                requests: limit,
                keys: 2_000_000,
            }),
        };
        let measured =
            cost::measure(&self.envoy, &contenders, route, &workload, self.rounds).await?;
        Ok(measured
            .iter()
            .map(report::cost)
            .collect::<Vec<_>>()
            .join("\n"))
    }

    /// Everything that is compared by processor time. The first is the base, the second the yardstick.
    fn contenders(&self, limit: Limit) -> Vec<Contender> {
        // A refusal must outlast the measurement; otherwise the windows are those that operators use.
        let windows = if limit.requests == ROOMY {
            ["1m", "1h", "1d"]
        } else {
            ["1d", "7d", "30d"]
        };
        let quotas = quotas(limit.requests, windows);
        let stillgate = |count: usize| {
            let name = format!(
                "Stillgate, {count} quota{}",
                if count == 1 { "" } else { "s" }
            );
            Contender::stillgate(
                &name,
                self.stillgate.clone(),
                quotas.get(..count).unwrap_or(&quotas),
            )
        };
        let mut all = vec![
            Contender::no_filter(),
            Contender::empty(self.empty.clone()),
            Contender::local_ratelimit(limit),
            Contender::lua(limit),
            stillgate(1),
            stillgate(3),
            stillgate(5),
        ];
        let three = quotas.get(..3).unwrap_or_default();
        let terse = "Stillgate, 3 quotas, headers on refusals";
        all.push(Contender::terse(terse, self.stillgate.clone(), three));
        let beside = self.beside.iter();
        all.extend(beside.map(|(name, file)| Contender::stillgate(name, file.clone(), three)));
        all
    }

    /// The checks of the README's example, none of which finds anything.
    async fn checks(&self, get: Request) -> Result<String> {
        let checks = checks();
        let stillgate = |name: &str, count: usize, quotas: &[Value]| {
            let checks = checks.get(..count).unwrap_or(&checks);
            Contender::checked(name, self.stillgate.clone(), checks, quotas)
        };
        let minute = [requests(ROOMY, "1m")];
        let contenders = [
            Contender::no_filter(),
            Contender::empty(self.empty.clone()),
            stillgate("Stillgate, no rule", 0, &[]),
            stillgate("Stillgate, a list of 10,000", 1, &[]),
            stillgate("Stillgate, a list and a contradiction", 2, &[]),
            stillgate("Stillgate, these and distinct networks of a key", 3, &[]),
            stillgate("Stillgate, all four checks", 4, &[]),
            stillgate(
                "Stillgate, all four and a quota, headers on refusals",
                4,
                &minute,
            ),
        ];
        let mut tables = Vec::new();
        for (name, keys) in [("GET, one key", 1), ("GET, 100,000 keys", 100_000)] {
            let workload = Workload {
                name,
                request: get.clone(),
                keys,
                expect: Expect::Pass,
                per: Per::Request,
            };
            let measured = cost::measure(
                &self.envoy,
                &contenders,
                Route::Direct,
                &workload,
                self.rounds,
            )
            .await?;
            tables.extend(measured.iter().map(report::cost));
        }
        Ok(tables.join("\n"))
    }

    /// Token rules, before an origin that tells the usage.
    async fn metered(&self, streams: bool) -> Result<String> {
        let tokens = [
            metered("tokens", "1d"),
            requests(ROOMY, "1m"),
            metered("output_tokens", "1h"),
        ];
        let stillgate = |name: &str, quotas: &[Value]| {
            Contender::stillgate(name, self.stillgate.clone(), quotas)
        };
        let contenders = [
            Contender::no_filter(),
            Contender::empty(self.empty.clone()),
            stillgate(
                "Stillgate, 1 token quota",
                tokens.get(..1).unwrap_or_default(),
            ),
            stillgate("Stillgate, 2 token quotas and 1 of requests", &tokens),
            Contender::terse(
                "Stillgate, 1 token quota, headers on refusals",
                self.stillgate.clone(),
                tokens.get(..1).unwrap_or_default(),
            ),
        ];
        let workload = |name, body: &str, per| Workload {
            name,
            request: Request::new("POST", body.as_bytes()),
            keys: 1,
            expect: Expect::Pass,
            per,
        };
        let workloads = if streams {
            let streams = [
                (
                    "a stream of 500 events, each sent by itself",
                    origin::STREAMED,
                ),
                ("a stream of 500 events, sent at once", origin::AT_ONCE),
            ];
            let stream = |(name, begin)| {
                let body = chat(1).replacen('{', begin, 1);
                workload(name, &body, Per::Event(origin::EVENTS))
            };
            streams.map(stream).to_vec()
        } else {
            let sizes = [
                (1, "POST 1 KiB chat to an origin"),
                (4, "POST 4 KiB chat to an origin"),
                (32, "POST 32 KiB chat to an origin"),
            ];
            sizes
                .map(|(kib, name)| workload(name, &chat(kib), Per::Request))
                .to_vec()
        };
        // A burst of streams takes ten times as long.
        let rounds = if streams {
            self.rounds.div_ceil(4)
        } else {
            self.rounds
        };
        let route = Route::Origin(origin::start()?);
        let mut tables = Vec::new();
        for workload in &workloads {
            let measured = cost::measure(&self.envoy, &contenders, route, workload, rounds).await?;
            tables.extend(measured.iter().map(report::cost));
        }
        Ok(tables.join("\n"))
    }

    /// A filter that grows step by step.
    fn steps(&self) -> Result<Vec<Contender>> {
        let mut all = vec![Contender::no_filter(), Contender::empty(self.empty.clone())];
        for (step, name) in STEPS {
            all.push(Contender::module(name, modules::steps(step)?));
        }
        Ok(all)
    }

    async fn flood(&self) -> Result<String> {
        let limit = Limit {
            requests: 100,
            keys: 2_000_000,
        };
        let contenders = [
            Contender::no_filter(),
            Contender::local_ratelimit(limit),
            Contender::stillgate(
                "Stillgate, 1 quota",
                self.stillgate.clone(),
                &[requests(limit.requests, "1d")],
            ),
        ];
        let mut flooded = Vec::new();
        for contender in &contenders {
            flooded.push(flood::flood(&self.envoy, contender, limit.requests).await?);
        }
        let text = report::flood(&flooded);
        if let [none, .., stillgate] = flooded.as_slice() {
            ensure!(
                stillgate.forgiven == Some(0),
                "the flood freed a key that was over its limit:\n{text}"
            );
            let grown = stillgate.grown() - none.grown();
            ensure!(
                grown <= MEMORY,
                "the counters take {grown} bytes, and may take {MEMORY}:\n{text}"
            );
        }
        Ok(text)
    }

    async fn accuracy(&self) -> Result<String> {
        let limit = Limit {
            requests: 100,
            keys: 2_000_000,
        };
        let contenders = [
            Contender::local_ratelimit(limit),
            Contender::lua(limit),
            Contender::stillgate(
                "Stillgate, 1 quota",
                self.stillgate.clone(),
                &[requests(limit.requests, "1m")],
            ),
        ];
        let mut rows = Vec::new();
        for contender in &contenders {
            rows.push((
                contender.name.clone(),
                accuracy::race(&self.envoy, contender).await?,
            ));
        }
        let exact = rows
            .last()
            .is_some_and(|(_, tally)| tally.passed == limit.requests);
        ensure!(
            exact,
            "not {} requests passed:\n{}",
            limit.requests,
            report::accuracy(&rows)
        );
        Ok(report::accuracy(&rows))
    }

    async fn start(&self) -> Result<String> {
        let contenders = [
            Contender::no_filter(),
            Contender::empty(self.empty.clone()),
            Contender::stillgate(
                "Stillgate, 3 quotas",
                self.stillgate.clone(),
                quotas(ROOMY, ["1m", "1h", "1d"])
                    .get(..3)
                    .unwrap_or_default(),
            ),
        ];
        let started = start::measure(&self.envoy, &contenders, STARTS).await?;
        Ok(report::start(
            &started,
            &[
                ("empty", size(&self.empty)?),
                ("Stillgate", size(&self.stillgate)?),
            ],
        ))
    }
}

fn size(module: &Path) -> Result<u64> {
    Ok(fs::metadata(module)
        .with_context(|| format!("reading {}", module.display()))?
        .len())
}

/// The features of `tests/bench/steps`, and what each does more than the one before it.
const STEPS: [(Option<&str>, &str); 6] = [
    (None, "a module without callbacks"),
    (
        Some("callbacks"),
        "+ two callbacks: request and response headers",
    ),
    (Some("headers"), "+ all request headers read"),
    (Some("page"), "+ a page of 4 KiB read and swapped"),
    (Some("reply"), "+ five response headers"),
    (Some("property"), "+ 100 bytes into filter state"),
];

/// The most that counters may take by default, in bytes.
const MEMORY: i64 = 32 << 20;

/// How often each contender is started.
const STARTS: usize = 9;
