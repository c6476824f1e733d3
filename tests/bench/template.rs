//! What a prompt's template costs natively, over the scan that finds the prompt: folded, hashed, and looked up.
//!
//! `cargo bench --bench template -- --write`
#![expect(
    clippy::arithmetic_side_effects,
    clippy::disallowed_types,
    reason = "a measurement reads the clock, and where it overflows it may stop"
)]

#[path = "scan/src/bodies.rs"]
#[expect(dead_code, reason = "only its words are used")]
mod bodies;
#[path = "results.rs"]
mod results;

use std::fmt::Write as _;
use std::hint::black_box;
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use clap::Parser;
use stillgate::campaign::{Book, Campaign, Entry};
use stillgate::dialect::request;
use stillgate::identity::Secret;
use stillgate::policy::campaigns::Stage;
use stillgate::template::{Folded, Sampler};

/// Measures templates.
#[derive(Debug, Parser)]
struct Arguments {
    /// Write the table into tests/bench/RESULTS.md.
    #[arg(long)]
    write: bool,
    /// Passed by cargo.
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let text = table()?;
    println!("{text}");
    if arguments.write {
        results::write("template", &format!("{}\n\n{text}", results::provenance()?))?;
    }
    Ok(())
}

/// Texts by what they are, and how long the system's and the user's is, in bytes.
const TEXTS: [(&str, usize, usize); 6] = [
    ("user 300 B", 0, 300),
    ("system 700 B, user 300 B", 700, 300),
    ("user 1 KiB", 0, 1 << 10),
    ("system 2 KiB, user 2 KiB", 2 << 10, 2 << 10),
    ("user 4 KiB", 0, 4 << 10),
    ("user 32 KiB", 0, 32 << 10),
];

/// Bodies of each kind, so that no processor learns one by heart.
const BODIES: u64 = 32;

/// Features in the book: those of a large campaign.
const FEATURES: u64 = 4_096;

const ROUNDS: usize = 21;

/// How often a body is read in a round.
const TIMES: usize = 2_000;

/// A row for each kind of text.
fn table() -> Result<String> {
    let mut text = String::from(
        "| ns, natively | scan | and template | and look-up | over the scan |\n| - | - | - | - | - |",
    );
    let sampler = Sampler::new(Secret::new(b"0123456789abcdef"));
    let book = book();
    for (name, system, user) in TEXTS {
        let bodies: Vec<Vec<u8>> = (0..BODIES).map(|seed| body(system, user, seed)).collect();
        let mut folded = Folded::default();
        let mut fold = |body: &[u8]| {
            let prompt = request::read(black_box(body))?;
            Some(sampler.read(body, &prompt, &mut folded))
        };
        let mut scan = |body: &[u8]| request::read(black_box(body)).is_some();
        let mut read = |body: &[u8]| fold(body).is_some_and(|template| template.whole != 0);
        let mut folded = Folded::default();
        let mut find = |body: &[u8]| {
            let template = request::read(black_box(body))
                .map(|prompt| sampler.read(body, &prompt, &mut folded));
            template.is_some_and(|template| book.find(&template, 0).is_none())
        };
        let [scan, read, find] = in_turns(&bodies, [&mut scan, &mut read, &mut find])?;
        write!(
            text,
            "\n| {name} | {scan} | {read} | {find} | {} |",
            find.saturating_sub(scan)
        )?;
    }
    Ok(text)
}

/// A body with texts of these lengths.
fn body(system: usize, user: usize, seed: u64) -> Vec<u8> {
    let mut text = String::from(r#"{"model":"gpt-4o-mini","messages":["#);
    if system > 0 {
        let said = bodies::words(seed + BODIES, system);
        text.push_str(&format!(r#"{{"role":"system","content":"{said}"}},"#));
    }
    let said = bodies::words(seed, user);
    text.push_str(&format!(r#"{{"role":"user","content":"{said}"}}]}}"#));
    text.into_bytes()
}

/// A book in which nothing of these bodies is.
fn book() -> Book {
    let spread = |number: u64| (number + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let entries: Vec<Entry> = (0..FEATURES)
        .map(|number| Entry {
            feature: spread(number),
            campaign: 0,
            weight: 3,
            template: 0,
        })
        .collect();
    let campaign = Campaign {
        id: 1,
        stage: Stage::Convicted,
        from: 0,
        held_back: false,
    };
    Book::new(1, vec![campaign], &entries)
}

/// Reads a body, and says whether that went well.
type Reader<'r> = &'r mut dyn FnMut(&[u8]) -> bool;

/// The median time that each takes for a body, in nanoseconds. They take turns, so that whatever else the machine does falls on
/// all of them.
fn in_turns(bodies: &[Vec<u8>], mut readers: [Reader<'_>; 3]) -> Result<[u64; 3]> {
    let mut figures = [const { Vec::new() }; 3];
    for _ in 0..ROUNDS {
        for (read, figures) in readers.iter_mut().zip(&mut figures) {
            let began = Instant::now();
            let right = bodies
                .iter()
                .cycle()
                .take(TIMES)
                .filter(|body| read(body))
                .count();
            figures.push(began.elapsed().as_nanos() as u64 / TIMES as u64);
            ensure!(right == TIMES, "{} bodies were misread", TIMES - right);
        }
    }
    let mut medians = [0; 3];
    for (median, figures) in medians.iter_mut().zip(&mut figures) {
        figures.sort_unstable();
        *median = *figures.get(ROUNDS / 2).context("no round")?;
    }
    Ok(medians)
}
