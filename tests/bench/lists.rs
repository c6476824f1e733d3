//! Lists: what a look-up takes and what reading them takes, natively, beside a `HashSet` and looking at one entry after the other.
//!
//! `cargo bench --bench lists -- --write`
#![expect(
    clippy::arithmetic_side_effects,
    clippy::disallowed_types,
    reason = "a measurement reads the clock, and where it overflows it may stop"
)]

#[path = "results.rs"]
mod results;

use std::collections::HashSet;
use std::fmt::Write;
use std::hint;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use clap::Parser;
use serde_json::json;
use stillgate::policy::Policy;
use stillgate::policy::list::{List, Texts};

/// Measures lists natively.
#[derive(Debug, Parser)]
struct Arguments {
    /// Write the table into tests/bench/RESULTS.md.
    #[arg(long)]
    write: bool,
    /// Passed by cargo.
    #[arg(long, hide = true)]
    bench: bool,
}

/// A trait of which there is a list.
struct Kind {
    name: &'static str,
    of: &'static str,
    /// The entry with this number.
    entry: fn(u32) -> String,
    /// A value that only this entry has on the list.
    value: fn(u32) -> String,
    /// What it is measured beside.
    beside: &'static str,
}

const KINDS: [Kind; 4] = [
    Kind {
        name: "whole JA4s",
        of: "ja4",
        entry: ja4,
        value: ja4,
        beside: "`HashSet`",
    },
    Kind {
        name: "prefixes",
        of: "model",
        entry: |number| format!("{:08x}-*", spread(number)),
        value: |number| format!("{:08x}-2026-11-23", spread(number)),
        beside: "one after the other",
    },
    Kind {
        name: "blocks of IPv4",
        of: "network",
        entry: |number| format!("{}/28", Ipv4Addr::from_bits(spread(number) & !15)),
        value: |number| Ipv4Addr::from_bits(spread(number) | 9).to_string(),
        beside: "one after the other",
    },
    Kind {
        name: "blocks of IPv6",
        of: "network",
        entry: |number| format!("{}/48", ipv6(number, 0)),
        value: |number| ipv6(number, 0x1234_5678).to_string(),
        beside: "one after the other",
    },
];

const COUNTS: [u32; 3] = [10, 10_000, 100_000];
/// How many values are asked for in turn; half of them are on the list.
const ASKED: u32 = 4_096;

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let mut text = String::from(
        "| | entries | read from the policy, ms | a look-up, ns | beside it, ns |\n| - | - | - | - | - |",
    );
    for kind in &KINDS {
        for count in COUNTS {
            let row = row(kind, count)?;
            write!(text, "\n{row}")?;
            println!("{row}");
        }
    }
    if arguments.write {
        results::write("lists", &format!("{}\n\n{text}", results::provenance()?))?;
    }
    Ok(())
}

fn row(kind: &Kind, count: u32) -> Result<String> {
    let entries: Vec<String> = (0..count).map(kind.entry).collect();
    let check = json!({"name": "c", "trait": kind.of, "in": entries, "then": "tag"});
    let policy = json!({"version": 1, "checks": [check]}).to_string();
    let mut reading = Vec::new();
    let mut parsed = Policy::parse(policy.as_bytes())?;
    for _ in 0..7 {
        let began = Instant::now();
        parsed = Policy::parse(policy.as_bytes())?;
        reading.push(began.elapsed());
    }
    reading.sort_unstable();
    // Every second is beyond the list's end.
    let asked: Vec<String> = (0..ASKED)
        .map(|turn| {
            let number = turn.wrapping_mul(0x9e37_79b1) % count;
            (kind.value)(if turn % 2 == 0 {
                number
            } else {
                number + count
            })
        })
        .collect();
    let list = parsed.lists.first().context("a list")?;
    let (mine, other) = match list {
        List::Texts(texts) => texts_beside(texts, kind, &entries, &asked)?,
        List::Blocks(blocks) => {
            let asked: Vec<IpAddr> = asked
                .iter()
                .map(|text| text.parse())
                .collect::<Result<_, _>>()?;
            let ranges: Vec<(IpAddr, IpAddr)> = entries
                .iter()
                .map(|entry| range(entry))
                .collect::<Result<_>>()?;
            let mine = nanos(&asked, 1, |&address| blocks.has(address))?;
            let other = nanos(&asked, count, |address| {
                ranges
                    .iter()
                    .any(|(first, last)| first <= address && address <= last)
            })?;
            (mine, other)
        }
    };
    Ok(format!(
        "| {} | {count} | {:.1} | {mine:.0} | {other:.0} ({}) |",
        kind.name,
        reading.get(3).context("a median")?.as_secs_f64() * 1e3,
        kind.beside
    ))
}

fn texts_beside(
    texts: &Texts,
    kind: &Kind,
    entries: &[String],
    asked: &[String],
) -> Result<(f64, f64)> {
    let mine = nanos(asked, 1, |text| texts.has(text.as_bytes()))?;
    if kind.beside == "`HashSet`" {
        let set: HashSet<&[u8]> = entries.iter().map(String::as_bytes).collect();
        return Ok((mine, nanos(asked, 1, |text| set.contains(text.as_bytes()))?));
    }
    let prefixes: Vec<&str> = entries
        .iter()
        .map(|entry| entry.trim_end_matches('*'))
        .collect();
    let count = u32::try_from(prefixes.len())?;
    let other = nanos(asked, count, |text| {
        prefixes.iter().any(|prefix| text.starts_with(prefix))
    })?;
    Ok((mine, other))
}

/// Nanoseconds for each value that is asked for: the median of several rounds. `work` is about how many steps one takes.
fn nanos<T>(asked: &[T], work: u32, has: impl Fn(&T) -> bool) -> Result<f64> {
    let asked = if work > 1_000 {
        asked.get(..256).context("as many values")?
    } else {
        asked
    };
    let mut rounds = Vec::new();
    let began = Instant::now();
    while rounds.len() < 9 || began.elapsed() < Duration::from_millis(300) {
        let round = Instant::now();
        let found = asked
            .iter()
            .filter(|value| has(hint::black_box(value)))
            .count();
        rounds.push(round.elapsed());
        ensure!(found * 2 == asked.len(), "{found} of {} found", asked.len());
    }
    rounds.sort_unstable();
    let median = rounds.get(rounds.len() / 2).context("a round")?;
    Ok(median.as_secs_f64() * 1e9 / asked.len() as f64)
}

fn range(entry: &str) -> Result<(IpAddr, IpAddr)> {
    let (address, bits) = entry.split_once('/').context("a block")?;
    let bits: u32 = bits.parse()?;
    let first: IpAddr = address.parse()?;
    let last = match first {
        IpAddr::V4(first) => IpAddr::V4(Ipv4Addr::from_bits(first.to_bits() | (u32::MAX >> bits))),
        IpAddr::V6(first) => IpAddr::V6(Ipv6Addr::from_bits(first.to_bits() | (u128::MAX >> bits))),
    };
    Ok((first, last))
}

/// Another number for each number, in no order. Up to 2^28 of them differ in all but their last four bits.
fn spread(number: u32) -> u32 {
    number.wrapping_mul(0x9e37_79b1).rotate_left(7) << 4
}

fn ja4(number: u32) -> String {
    format!("t13d1516h2_{:08x}abcd_{number:012x}", spread(number))
}

fn ipv6(number: u32, host: u128) -> Ipv6Addr {
    let network = u128::from(number.wrapping_mul(0x9e37_79b1));
    Ipv6Addr::from_bits((0x2a << 120) | (network << 80) | host)
}
