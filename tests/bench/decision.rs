//! One decision, natively: Stillgate's engine beside `governor`, on the same keys in the same order.
//!
//! `cargo bench --bench decision -- --write`

#[path = "results.rs"]
mod results;

use std::fmt::Write;
use std::num::NonZeroU32;
use std::path::Path;
use std::time::Duration;
use std::{env, fs, hint, iter};

use anyhow::{Context, Result, ensure};
use criterion::Criterion;
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

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
    let mut criterion = Criterion::default();
    for workload in &WORKLOADS {
        let keys: Vec<String> = (0..workload.keys).map(credential).collect();
        bench(&mut criterion, workload, "governor", governor(workload, &keys))?;
    }
    let text = table(&["governor"])?;
    println!("{text}");
    if env::args().any(|argument| argument == "--write") {
        results::write("decision", &format!("{}\n\n{text}", results::provenance()?))?;
    }
    Ok(())
}

/// Measures `decide`, which answers whether the next request passes, and holds it to what the workload expects.
fn bench(
    criterion: &mut Criterion,
    workload: &Workload,
    limiter: &str,
    mut decide: impl FnMut() -> bool,
) -> Result<()> {
    // Each key once: from here on all are known, and a limit of one is used up.
    for _ in 0..workload.keys {
        hint::black_box(decide());
    }
    let mut wrong = 0_u64;
    criterion
        .benchmark_group(workload.name)
        .warm_up_time(Duration::from_secs(2))
        .measurement_time(Duration::from_secs(5))
        .bench_function(limiter, |bencher| {
            bencher.iter(|| wrong = wrong.saturating_add(u64::from(decide() != workload.passes)))
        });
    ensure!(wrong == 0, "{}: {limiter} gave {wrong} wrong answers", workload.name);
    Ok(())
}

/// `governor` with a quota for each key.
fn governor(workload: &Workload, keys: &[String]) -> impl FnMut() -> bool {
    let limiter: DefaultKeyedRateLimiter<String> = RateLimiter::keyed(Quota::per_hour(workload.limit));
    let mut order = keys.iter().cycle();
    move || order.next().is_some_and(|key| limiter.check_key(key).is_ok())
}

/// A credential as providers hand them out: 51 characters.
fn credential(number: u64) -> String {
    let mut state = number;
    let mut digits = iter::repeat_with(|| {
        state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
        format!("{:016x}", state ^ (state >> 29))
    });
    digits.by_ref().take(3).fold(String::from("sk-"), |text, part| text + &part)
}

/// Medians in nanoseconds, as criterion has filed them: a row for each limiter, a column for each workload.
fn table(limiters: &[&str]) -> Result<String> {
    let mut text = String::from("| ns a decision |");
    WORKLOADS.iter().try_for_each(|workload| write!(text, " {} |", workload.name))?;
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
    let target =
        env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| concat!(env!("CARGO_MANIFEST_DIR"), "/target").into());
    let path = Path::new(&target).join("criterion").join(group).join(function).join("new/estimates.json");
    let text = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
    let estimates: serde_json::Value = serde_json::from_str(&text)?;
    let median = estimates.pointer("/median/point_estimate").and_then(serde_json::Value::as_f64);
    median.with_context(|| format!("{} holds no median", path.display()))
}

const PLENTY: NonZeroU32 = NonZeroU32::new(500_000_000).expect("it is not zero");

const WORKLOADS: [Workload; 3] = [
    Workload { name: "one key", keys: 1, limit: PLENTY, passes: true },
    Workload { name: "a million keys", keys: 1_000_000, limit: PLENTY, passes: true },
    Workload { name: "one key over its limit", keys: 1, limit: NonZeroU32::MIN, passes: false },
];
