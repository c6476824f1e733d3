//! Figures to tables.

use std::fmt::Write;

use crate::cost::Measured;

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
        Self { low: at(0.25), median: at(0.5), high: at(0.75) }
    }

    /// `median (low to high)` with this many decimals.
    fn cell(self, decimals: usize) -> String {
        format!("{:.decimals$} ({:.decimals$} to {:.decimals$})", self.median, self.low, self.high)
    }
}

/// A table of one workload. The first row is Envoy without a filter, the second the empty filter: all others are
/// compared with these two, each figure with those of its own round.
pub(crate) fn table(measured: &Measured) -> String {
    let mut text = format!(
        "### {}\n\n| Envoy with | CPU a request, µs | added, µs | added, in empty filters |\n| - | - | - | - |\n",
        measured.workload
    );
    let base = measured.rows.first().map(|(_, figures)| figures.as_slice()).unwrap_or_default();
    let empty = measured.rows.get(1).map(|(_, figures)| added(figures, base)).unwrap_or_default();
    let empty_median = Quartiles::of(empty.iter().copied()).median;
    for (place, (name, figures)) in measured.rows.iter().enumerate() {
        let total = Quartiles::of(figures.iter().map(|nanoseconds| nanoseconds / 1e3));
        let more = added(figures, base);
        let (more_cell, ratio_cell) = match place {
            0 => ("-".into(), "-".into()),
            1 => (Quartiles::of(more).cell(2), "1".into()),
            _ => {
                let ratios = more.iter().map(|figure| figure / empty_median);
                (Quartiles::of(more.clone()).cell(2), Quartiles::of(ratios).cell(2))
            }
        };
        // Writing to a String cannot fail.
        let _ = writeln!(text, "| {name} | {} | {more_cell} | {ratio_cell} |", total.cell(2));
    }
    text
}

/// Microseconds more than the base in the same round.
fn added(figures: &[f64], base: &[f64]) -> Vec<f64> {
    figures.iter().zip(base).map(|(figure, base)| (figure - base) / 1e3).collect()
}
