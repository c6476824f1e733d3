//! Metrics in Envoy: defined when first counted, so that only what happens is exported, and once per VM.

use core::cell::Cell;

use super::abi;
use crate::metrics::{COUNT, Metric, PLAIN};

thread_local! {
    /// Envoy's numbers of the metrics; 0 is one that has not been asked for.
    static NUMBERS: [Cell<Option<u32>>; COUNT] = const { [const { Cell::new(None) }; COUNT] };
}

/// Defines the metrics that have no labels, so that they stand at 0 and not nowhere.
pub(super) fn define() {
    for plain in PLAIN {
        count(Metric::Plain(plain), 0);
    }
}

/// Adds to a metric.
pub(super) fn count(metric: Metric, by: u64) {
    NUMBERS.with(|numbers| {
        let Some(number) = numbers.get(metric.index()) else {
            return;
        };
        if number.get().is_none() {
            number.set(abi::counter(&metric.name()));
        }
        if let Some(number) = number.get().filter(|_| by > 0) {
            abi::count(number, by);
        }
    });
}
