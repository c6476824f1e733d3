//! Distinct counts natively: how far off they are, what memory they take, and how long they take.
//!
//! `cargo bench --bench distinct -- --write`
#![expect(
    clippy::arithmetic_side_effects,
    clippy::disallowed_types,
    reason = "a measurement reads the clock, and where it overflows it may stop"
)]

#[path = "results.rs"]
mod results;

use std::fmt::Write as _;
use std::hint::black_box;
use std::time::Instant;

use anyhow::{Result, ensure};
use clap::Parser;
use stillgate::distinct::{Watch, add, look};
use stillgate::store::{Change, Page};

/// Measures distinct counts.
#[derive(Debug, Parser)]
struct Arguments {
    /// Write the tables into tests/bench/RESULTS.md.
    #[arg(long)]
    write: bool,
    /// Passed by cargo.
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let text = format!("{}\n\n{}", errors()?, times()?);
    println!("{text}");
    if arguments.write {
        results::write("distinct", &format!("{}\n\n{text}", results::provenance()?))?;
    }
    Ok(())
}

const DAY: u64 = 86_400_000;

/// A moment to begin at: the begin of a half window.
const START: u64 = 20_000 * DAY;

const SEEDS: u64 = 300;

const SIZES: [u64; 10] = [10, 16, 100, 179, 200, 500, 1_000, 10_000, 25_000, 100_000];

/// Members and strangers of a subject that a seed makes up.
fn watch(seed: u64, number: u64) -> Watch {
    let mut state = (seed << 32 | number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    state = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    state = (state ^ (state >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    Watch {
        tag: seed << 32 | 0x5eed,
        element: ((state ^ (state >> 31)) >> 33) as u32,
        window: DAY,
    }
}

/// A page with a set of `size` members, of whom the last `late` were seen a half window after the others.
fn filled(seed: u64, size: u64, late: u64) -> Page {
    let mut page = Page::default();
    for number in 0..size {
        let half = u64::from(number >= size - late);
        add(&mut page, &watch(seed, number), 0, START + half * DAY / 2);
    }
    page
}

/// A row for each number of members.
fn errors() -> Result<String> {
    let mut text = String::from(
        "| members | bytes | mean error | standard deviation | largest | within 10 % | strangers taken for members |\n| - | - | - | - | - | - | - |",
    );
    for size in SIZES {
        let (mut off, mut off_late, mut taken) = (Vec::new(), Vec::new(), 0_u32);
        let mut bytes = (usize::MAX, 0);
        for seed in 0..SEEDS {
            for (late, off) in [(0, &mut off), (size / 2, &mut off_late)] {
                let mut page = filled(seed, size, late);
                let now = START + DAY / 2 * u64::from(late > 0);
                let (sight, _) = look(&mut page, &watch(seed, 0), now);
                ensure!(sight.member, "a member is missing");
                off.push(f64::from(sight.count) / size as f64 - 1.0);
                let held = page.len() * 64;
                bytes = (held.min(bytes.0), held.max(bytes.1));
                if late == 0 {
                    let strangers = (0..100).map(|number| watch(seed, size + number));
                    taken += strangers
                        .map(|other| u32::from(look(&mut page, &other, now).0.member))
                        .sum::<u32>();
                }
            }
        }
        ensure!(off == off_late, "a turn has changed an estimate");
        let percent = |share: f64| format!("{:.2} %", share * 100.0);
        let mean = |off: &[f64]| off.iter().sum::<f64>() / off.len() as f64;
        let deviation =
            |off: &[f64]| (off.iter().map(|off| off * off).sum::<f64>() / off.len() as f64).sqrt();
        let largest = |off: &[f64]| off.iter().fold(0.0, |most: f64, off| most.max(off.abs()));
        let within = off.iter().filter(|off| off.abs() <= 0.1).count() as f64 / off.len() as f64;
        write!(
            text,
            "\n| {size} | {} | {} | {} | {} | {} | {} |",
            if bytes.0 == bytes.1 {
                format!("{}", bytes.0)
            } else {
                format!("{} to {}", bytes.0, bytes.1)
            },
            percent(mean(&off)),
            percent(deviation(&off)),
            percent(largest(&off)),
            percent(within),
            percent(f64::from(taken) / (SEEDS * 100) as f64),
        )?;
    }
    Ok(text)
}

/// A row for each state of a set.
fn times() -> Result<String> {
    let mut text = String::from(
        "| ns, natively | look, a member | look, a stranger | add, a member | add, a stranger |\n| - | - | - | - | - |",
    );
    for (name, size, late) in [
        ("1 member", 1, 0),
        ("10 members", 10, 0),
        ("100", 100, 0),
        ("175", 175, 0),
        ("1,000 in one half", 1_000, 0),
        ("1,050 and 50 of them late", 1_050, 50),
        ("1,000 and 500 of them late", 1_000, 500),
        ("25,000 in one half", 25_000, 0),
    ] {
        let page = filled(1, size, late);
        let now = START + DAY / 2 * u64::from(late > 0);
        let members = late
            .max(size - late)
            .min(if late > 0 { late } else { size });
        let first = size - members;
        let member = |turn: u64| watch(1, first + turn % members);
        let mut same = page;
        let looked = median(&mut same, |page, turn| {
            look(page, &member(turn), now).1 == Change::Keep
        })?;
        let strange = median(&mut same, |page, turn| {
            look(page, &watch(1, size + turn), now).1 == Change::Keep
        })?;
        let known = median(&mut same, |page, turn| {
            add(page, &member(turn), 0, now).1 == Change::Keep
        })?;
        ensure!(same == page, "a look has changed the page");
        // Each stranger comes to the page as it was, so what the copy takes is taken off.
        let copy = median(&mut same, |held, _| {
            *held = *black_box(&page);
            true
        })?;
        let added = median(&mut same, |held, turn| {
            *held = *black_box(&page);
            !add(held, &watch(1, size + turn), 0, now).0.full
        })?;
        write!(
            text,
            "\n| {name} | {looked} | {strange} | {known} | {} |",
            added.saturating_sub(copy)
        )?;
    }
    Ok(text)
}

/// The median over rounds of what one turn takes, in nanoseconds.
fn median(page: &mut Page, mut turn: impl FnMut(&mut Page, u64) -> bool) -> Result<u64> {
    const TURNS: u64 = 10_000;
    let mut rounds = Vec::new();
    for round in 0..21 {
        let began = Instant::now();
        let mut right = 0;
        for number in 0..TURNS {
            right += u64::from(turn(black_box(page), round * TURNS + number));
        }
        rounds.push(began.elapsed().as_nanos() as u64 / TURNS);
        ensure!(
            right == TURNS,
            "{} of {TURNS} turns went wrong",
            TURNS - right
        );
    }
    rounds.sort_unstable();
    Ok(rounds.get(rounds.len() / 2).copied().unwrap_or_default())
}
