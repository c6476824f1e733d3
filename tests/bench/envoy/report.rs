//! Figures to tables.

use std::fmt::Write;

use crate::accuracy;
use crate::cost::{Measured, Per};
use crate::flood::{self, Flooded};
use crate::load::Tally;
use crate::start::{self, Started};

/// The middle of some figures and the quarters on both sides.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Quartiles {
    low: f64,
    median: f64,
    high: f64,
}

impl Quartiles {
    /// Of no figures: not a number.
    pub(crate) fn of(figures: impl IntoIterator<Item = f64>) -> Self {
        let mut sorted: Vec<f64> = figures.into_iter().collect();
        sorted.sort_by(f64::total_cmp);
        let at = |share: f64| {
            let place = (sorted.len().saturating_sub(1) as f64 * share).round() as usize;
            sorted.get(place).copied().unwrap_or(f64::NAN)
        };
        Self {
            low: at(0.25),
            median: at(0.5),
            high: at(0.75),
        }
    }

    /// `median (low to high)` with this many decimals.
    fn cell(self, decimals: usize) -> String {
        format!(
            "{:.decimals$} ({:.decimals$} to {:.decimals$})",
            self.median, self.low, self.high
        )
    }
}

/// A table of one workload. The first row is Envoy without a filter, the second the empty filter: all others are
/// compared with these two, each figure with those of its own round.
pub(crate) fn cost(measured: &Measured) -> String {
    let mut text = format!(
        "### {}\n\n| Envoy with | CPU {}, µs | added, µs | added, in empty filters |\n| - | - | - | - |\n",
        measured.workload,
        match measured.per {
            Per::Request => "a request",
            Per::Event(_) => "an event",
        },
    );
    let base = measured
        .rows
        .first()
        .map(|(_, figures)| figures.as_slice())
        .unwrap_or_default();
    let empty = measured
        .rows
        .get(1)
        .map(|(_, figures)| added(figures, base))
        .unwrap_or_default();
    let empty_median = Quartiles::of(empty.iter().copied()).median;
    for (place, (name, figures)) in measured.rows.iter().enumerate() {
        let total = Quartiles::of(figures.iter().map(|nanoseconds| nanoseconds / 1e3));
        let more = added(figures, base);
        let (more_cell, ratio_cell) = match place {
            0 => ("-".into(), "-".into()),
            1 => (Quartiles::of(more).cell(2), "1".into()),
            _ => {
                let ratios = more.iter().map(|figure| figure / empty_median);
                (
                    Quartiles::of(more.clone()).cell(2),
                    Quartiles::of(ratios).cell(2),
                )
            }
        };
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "| {name} | {} | {more_cell} | {ratio_cell} |",
            total.cell(2)
        );
    }
    text
}

/// Memory before and after the flood, and what became of the key that was over its limit. The first row is Envoy
/// without a filter: what it grew by is taken off from the others.
pub(crate) fn flood(rows: &[Flooded]) -> String {
    let mut text = String::from(
        "| Envoy with | resident before, MiB | after | at its highest | bytes a key | refused in the flood | \
         the key over its limit, after the flood |\n| - | - | - | - | - | - | - |\n",
    );
    let base = rows.first().map_or(0, Flooded::grown);
    for (place, row) in rows.iter().enumerate() {
        let a_key = if place == 0 {
            "-".into()
        } else {
            format!("{:.0}", (row.grown() - base) as f64 / flood::KEYS as f64)
        };
        let fate = match row.forgiven {
            None => "-".into(),
            Some(0) => "still refused".into(),
            Some(passed) => format!("**{passed} of {} passed**", flood::TRIES),
        };
        let [before, after, peak] = [row.before.resident, row.after.resident, row.after.peak]
            .map(|bytes| bytes as f64 / MIB);
        let _ = writeln!(
            text,
            "| {} | {before:.1} | {after:.1} | {peak:.1} | {a_key} | {} | {fate} |",
            row.name, row.refused
        );
    }
    text
}

/// How many requests of one key passed.
pub(crate) fn accuracy(rows: &[(String, Tally)]) -> String {
    let mut text = format!(
        "| limit 100; {} requests, {} connections, {} workers | passed | refused |\n| - | - | - |\n",
        accuracy::REQUESTS,
        accuracy::CONNECTIONS,
        accuracy::WORKERS
    );
    for (name, tally) in rows {
        let _ = writeln!(text, "| {name} | {} | {} |", tally.passed, tally.refused);
    }
    text
}

/// How long each contender took to start; the first row is Envoy without a filter.
pub(crate) fn start(rows: &[Started], modules: &[(&str, u64)]) -> String {
    let mut text = format!(
        "| Envoy with | until it serves, ms | CPU with 1 worker, ms | with {} | CPU of each further VM, ms |\n\
         | - | - | - | - | - |\n",
        start::MANY_WORKERS
    );
    let median = |figures: &[f64]| Quartiles::of(figures.iter().copied()).median;
    let further =
        |row: &Started| (median(&row.many) - median(&row.one)) / (start::MANY_WORKERS - 1) as f64;
    let base = rows.first().map_or(0.0, further);
    for (place, row) in rows.iter().enumerate() {
        let vm = if place == 0 {
            "-".into()
        } else {
            format!("{:.1}", further(row) - base)
        };
        let ready = Quartiles::of(row.ready.iter().copied()).cell(0);
        let _ = writeln!(
            text,
            "| {} | {ready} | {:.0} | {:.0} | {vm} |",
            row.name,
            median(&row.one),
            median(&row.many)
        );
    }
    text.push('\n');
    for (name, bytes) in modules {
        let _ = writeln!(
            text,
            "The {name} module has {:.0} KiB.",
            *bytes as f64 / 1024.0
        );
    }
    text
}

/// Microseconds more than the base in the same round.
fn added(figures: &[f64], base: &[f64]) -> Vec<f64> {
    figures
        .iter()
        .zip(base)
        .map(|(figure, base)| (figure - base) / 1e3)
        .collect()
}

const MIB: f64 = 1024.0 * 1024.0;
