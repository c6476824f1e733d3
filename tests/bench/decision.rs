//! One decision, natively: Stillgate's engine beside `governor`, on the same keys in the same order.
//!
//! `cargo bench --bench decision -- --write`
#![expect(
    clippy::arithmetic_side_effects,
    clippy::disallowed_types,
    reason = "a measurement reads the clock, and where it overflows it may stop"
)]

#[path = "results.rs"]
mod results;

use std::fmt::Write;
use std::net::{IpAddr, Ipv4Addr};
use std::num::NonZeroU32;
use std::path::Path;
use std::time::{Duration, Instant};
use std::{env, fs, hint, iter};

use anyhow::{Context, Result, ensure};
use clap::Parser;
use criterion::Criterion;
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use serde_json::json;
use stillgate::engine::Engine;
use stillgate::exchange::{Attributes, Exchange, Foreseen, Model, Now};
use stillgate::identity::Secret;
use stillgate::policy::Policy;
use stillgate::store::MemoryStore;
use stillgate::verdict::Verdict;

/// Measures decisions natively.
#[derive(Debug, Parser)]
struct Arguments {
    /// Measure only those whose name contains this; the table shows what was last measured of the others.
    filter: Option<String>,
    /// Write the table into tests/bench/RESULTS.md.
    #[arg(long)]
    write: bool,
    /// Passed by cargo.
    #[arg(long, hide = true)]
    bench: bool,
}

/// Who asks, and what the answer is.
struct Workload {
    /// Its column in the results.
    name: &'static str,
    /// How many keys there are. All have been seen before; they come in the order of no hash.
    keys: u64,
    /// Requests an hour for each.
    limit: NonZeroU32,
    /// Whether the answer is always yes, or always no.
    passes: bool,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let mut criterion = Criterion::default().with_filter(arguments.filter.unwrap_or_default());
    let mut names = vec![String::from("governor, 1 quota")];
    names.extend(QUOTAS.map(|count| {
        format!(
            "Stillgate, {count} quota{}",
            if count == 1 { "" } else { "s" }
        )
    }));
    for workload in &WORKLOADS {
        let keys: Vec<String> = (0..workload.keys).map(credential).collect();
        for (name, quotas) in names.iter().zip([None].into_iter().chain(QUOTAS.map(Some))) {
            match quotas {
                None => bench(&mut criterion, workload, name, || governor(workload, &keys))?,
                Some(count) => {
                    let engine = engine(workload, count)?;
                    bench(&mut criterion, workload, name, || {
                        stillgate(engine.clone(), &keys)
                    })?;
                }
            }
        }
    }
    let text = table(&names)?;
    println!("{text}");
    if arguments.write {
        results::write("decision", &format!("{}\n\n{text}", results::provenance()?))?;
    }
    Ok(())
}

/// Measures what `make` makes, which answers whether the next request passes, and holds it to what the workload expects.
fn bench<D>(
    criterion: &mut Criterion,
    workload: &Workload,
    limiter: &str,
    make: impl Fn() -> D,
) -> Result<()>
where
    D: FnMut() -> bool,
{
    let known = || {
        let mut decide = make();
        // Each key once: from here on all are known, and a limit of one is used up.
        for _ in 0..workload.keys {
            hint::black_box(decide());
        }
        decide
    };
    let (mut decide, mut wrong) = (None, 0_u64);
    criterion
        .benchmark_group(workload.name)
        .warm_up_time(Duration::from_secs(2))
        .measurement_time(Duration::from_secs(5))
        .bench_function(limiter, |bencher| {
            let decide = decide.get_or_insert_with(known);
            bencher.iter(|| wrong += u64::from(decide() != workload.passes));
        });
    ensure!(
        wrong == 0,
        "{}: {limiter} gave {wrong} wrong answers",
        workload.name
    );
    Ok(())
}

/// `governor` with a quota for each key.
fn governor(workload: &Workload, keys: &[String]) -> impl FnMut() -> bool {
    let limiter: DefaultKeyedRateLimiter<String> =
        RateLimiter::keyed(Quota::per_hour(workload.limit));
    let mut order = keys.iter().cycle();
    move || {
        order
            .next()
            .is_some_and(|key| limiter.check_key(key).is_ok())
    }
}

/// The engine with the first `count` of five quotas: four for each key, and one for its network.
fn engine(workload: &Workload, count: usize) -> Result<Engine> {
    let limit = workload.limit.get();
    let requests = |window: &str, limit: u32| json!({"name": window, "per": ["key"], "count": "requests", "limit": limit, "window": window});
    let quotas = [
        requests("1h", limit),
        requests("1d", limit * 2),
        requests("7d", limit * 4),
        requests("30d", limit * 8),
        json!({"name": "network", "per": ["network"], "count": "requests", "limit": u32::MAX, "window": "1h"}),
    ];
    let policy = json!({
        "version": 1,
        "identity": {"from": [{"header": "authorization", "scheme": "Bearer"}]},
        "quotas": quotas.get(..count).context("there are five quotas")?,
    });
    let policy = Policy::parse(policy.to_string().as_bytes())?;
    Ok(Engine::new(policy, Secret::new(b"0123456789abcdef")))
}

/// Twice the bytes that the counters of all keys take: what an operator is told to give them, and a little more.
fn memory(engine: &Engine, keys: usize) -> u64 {
    let counters = engine.policy().quotas.len() * keys;
    (128 * counters as u64).max(32 << 20)
}

/// Requests to an engine in a store with room for all counters. A decision begins with a request's bytes, as in a host.
fn stillgate(engine: Engine, keys: &[String]) -> impl FnMut() -> bool {
    let store = MemoryStore::new(memory(&engine, keys.len()));
    let bearers: Vec<String> = keys.iter().map(|key| format!("Bearer {key}")).collect();
    let began = Instant::now();
    let mut next = 0;
    move || {
        let bearer = bearers.get(next).map_or("", String::as_str);
        next = if next + 1 < bearers.len() {
            next + 1
        } else {
            0
        };
        let headers: [(&[u8], &[u8]); 6] = [
            (b"accept", b"application/json"),
            (b"user-agent", b"OpenAI/Python 2.8.1"),
            (b"x-stainless-lang", b"python"),
            (b"authorization", bearer.as_bytes()),
            (b"content-type", b"application/json"),
            (b"content-length", b"1024"),
        ];
        let exchange = Exchange {
            method: b"POST",
            path: b"/v1/chat/completions",
            query: b"",
            headers: &headers,
            model: Model::Absent,
            foreseen: Foreseen::default(),
            attributes: &Client,
        };
        let now = Now::at(EPOCH + began.elapsed().as_millis() as u64);
        engine.admit(&exchange, now, &store).verdict == Verdict::Allow
    }
}

/// A client of whom the host knows the address.
struct Client;

impl Attributes for Client {
    fn source(&self) -> Option<IpAddr> {
        Some(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7)))
    }

    fn property(&self, _: &[String]) -> Option<Vec<u8>> {
        None
    }
}

/// A credential as providers hand them out: 51 characters.
fn credential(number: u64) -> String {
    let mut state = number;
    let mut digits = iter::repeat_with(|| {
        state = state
            .wrapping_mul(0x5851_f42d_4c95_7f2d)
            .wrapping_add(0x1405_7b7e_f767_814f);
        format!("{:016x}", state ^ (state >> 29))
    });
    digits
        .by_ref()
        .take(3)
        .fold(String::from("sk-"), |text, part| text + &part)
}

/// Medians in nanoseconds, as criterion has filed them: a row for each limiter, a column for each workload.
fn table(limiters: &[String]) -> Result<String> {
    let mut text = String::from("| ns a decision |");
    WORKLOADS
        .iter()
        .try_for_each(|workload| write!(text, " {} |", workload.name))?;
    write!(text, "\n| - |{}", " - |".repeat(WORKLOADS.len()))?;
    for limiter in limiters {
        write!(text, "\n| {limiter} |")?;
        for workload in &WORKLOADS {
            write!(text, " {:.0} |", median(workload.name, limiter)?)?;
        }
    }
    Ok(text)
}

fn median(group: &str, function: &str) -> Result<f64> {
    let target = env::var_os("CARGO_TARGET_DIR")
        .unwrap_or_else(|| concat!(env!("CARGO_MANIFEST_DIR"), "/target").into());
    let path = Path::new(&target)
        .join("criterion")
        .join(group)
        .join(function)
        .join("new/estimates.json");
    let text = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
    let estimates: serde_json::Value = serde_json::from_str(&text)?;
    let median = estimates
        .pointer("/median/point_estimate")
        .and_then(serde_json::Value::as_f64);
    median.with_context(|| format!("{} holds no median", path.display()))
}

/// How many quotas the engine is measured with.
const QUOTAS: [usize; 3] = [1, 3, 5];

/// The first moment: any that is not zero.
const EPOCH: u64 = 1_700_000_000_000;

const PLENTY: NonZeroU32 = NonZeroU32::new(500_000_000).expect("it is not zero");

const WORKLOADS: [Workload; 3] = [
    Workload {
        name: "one key",
        keys: 1,
        limit: PLENTY,
        passes: true,
    },
    Workload {
        name: "a million keys",
        keys: 1_000_000,
        limit: PLENTY,
        passes: true,
    },
    Workload {
        name: "one key over its limit",
        keys: 1,
        limit: NonZeroU32::MIN,
        passes: false,
    },
];
