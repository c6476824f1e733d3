//! How many tokens a body holds, before anyone has counted them: learned, model by model, from requests whose tokens the
//! origin has told.
//!
//! What is learned is a ratio of tokens to bytes of text, an average that forgets: each of the first 32 requests counts alike,
//! after which the newest counts for a 32nd. It begins at a quarter, which is what English comes to, and stays between a
//! 16th and 2, so that nobody can teach it nonsense. It only moves reservations: what is charged in the end is the truth.

use core::sync::atomic::{AtomicU64, Ordering};

/// How many models are told apart, at least. Further ones replace those that are asked for least.
const MODELS: usize = 64;

/// Models that share a place to choose from.
const PROBES: usize = 4;

/// Fractional bits of a ratio.
const POINT: u32 = 20;

const START: u64 = (1 << POINT) / 4;
const LEAST: u64 = (1 << POINT) / 16;
const MOST: u64 = 2 << POINT;

/// After how many requests the average begins to forget.
const MEMORY: u64 = 32;

/// Ratios of tokens to bytes, for any number of threads.
#[derive(Debug)]
pub struct Estimator {
    models: [AtomicU64; MODELS],
    all: AtomicU64,
}

impl Default for Estimator {
    fn default() -> Self {
        Self::new()
    }
}

impl Estimator {
    /// One that has learned nothing: four bytes are a token.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            models: [const { AtomicU64::new(0) }; MODELS],
            all: AtomicU64::new(Entry::NEW.pack()),
        }
    }

    /// Tokens of so many bytes of text for a model, given by any hash of its name; of one that is not known, as of all
    /// together. At least 1 unless there are no bytes.
    #[must_use]
    pub fn tokens(&self, model: u64, bytes: u64) -> u64 {
        let known = self.place(model).map(Entry::read);
        let entry = known.unwrap_or_else(|| Entry::read(&self.all));
        let whole = (bytes >> POINT).saturating_mul(entry.ratio);
        let rest = bytes & ((1 << POINT) - 1);
        whole.saturating_add(rest.saturating_mul(entry.ratio).div_ceil(1 << POINT))
    }

    /// Learns that a body with so many bytes of text was so many tokens to a model. Where threads meet, one of them may be
    /// forgotten.
    pub fn learn(&self, model: u64, bytes: u64, tokens: u64) {
        let scaled = tokens.saturating_mul(1 << POINT);
        let ratio = scaled.checked_div(bytes);
        let Some(ratio) = ratio.filter(|ratio| (LEAST..=MOST).contains(ratio)) else {
            return;
        };
        Entry::read(&self.all).learned(ratio).write(&self.all);
        if let Some(place) = self.place(model) {
            Entry::read(place).learned(ratio).write(place);
            return;
        }
        let weakest = self
            .probe(model)
            .min_by_key(|place| Entry::read(place).weight);
        if let Some(place) = weakest {
            let held = Entry::read(place);
            if held.weight == 0 {
                let fresh = Entry {
                    model: tag(model),
                    ..Entry::NEW
                };
                fresh.learned(ratio).write(place);
            } else {
                // It goes when others have come by often enough.
                let weight = held.weight.saturating_sub(1);
                Entry { weight, ..held }.write(place);
            }
        }
    }

    fn probe(&self, model: u64) -> impl Iterator<Item = &AtomicU64> {
        let first = (model as usize) & (MODELS - PROBES);
        self.models.iter().skip(first).take(PROBES)
    }

    fn place(&self, model: u64) -> Option<&AtomicU64> {
        let wanted = |place: &&AtomicU64| {
            let entry = Entry::read(place);
            entry.weight > 0 && entry.model == tag(model)
        };
        self.probe(model).find(wanted)
    }
}

/// One model: 32 bits of its hash, 8 of how many requests it was learned from, 24 of the ratio.
#[derive(Clone, Copy)]
struct Entry {
    model: u64,
    weight: u64,
    ratio: u64,
}

impl Entry {
    const NEW: Self = Self {
        model: 0,
        weight: 0,
        ratio: START,
    };

    fn read(place: &AtomicU64) -> Self {
        let bits = place.load(Ordering::Relaxed);
        Self {
            model: bits >> 32,
            weight: (bits >> 24) & 0xff,
            ratio: bits & 0xff_ffff,
        }
    }

    const fn pack(self) -> u64 {
        (self.model << 32) | (self.weight << 24) | self.ratio
    }

    fn write(self, place: &AtomicU64) {
        place.store(self.pack(), Ordering::Relaxed);
    }

    fn learned(self, ratio: u64) -> Self {
        let weight = self.weight.saturating_add(1).min(MEMORY);
        let kept = self.ratio.saturating_mul(weight.saturating_sub(1));
        let ratio = kept.saturating_add(ratio).checked_div(weight);
        Self {
            model: self.model,
            weight,
            ratio: ratio.unwrap_or(START),
        }
    }
}

const fn tag(model: u64) -> u64 {
    model >> 32
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ONE: u64 = 0x0123_4567_89ab_cdef;
    const OTHER: u64 = 0xfedc_ba98_7654_3210;

    #[test]
    fn what_nobody_has_taught_is_four_bytes_a_token() {
        let estimator = Estimator::new();
        for (bytes, tokens) in [
            (0, 0),
            (1, 1),
            (4, 1),
            (5, 2),
            (4_000, 1_000),
            (u64::MAX, u64::MAX / 4 + 1),
        ] {
            assert!(
                estimator.tokens(ONE, bytes).abs_diff(tokens) <= 1 << 44
                    && (bytes > 9_999 || estimator.tokens(ONE, bytes) == tokens),
                "{bytes}"
            );
        }
    }

    #[test]
    fn each_model_has_its_own_ratio_and_a_new_one_that_of_all() {
        let estimator = Estimator::new();
        for _ in 0..200 {
            estimator.learn(ONE, 3_000, 1_000);
            estimator.learn(OTHER, 1_000, 1_000);
        }
        assert!(estimator.tokens(ONE, 3_000).abs_diff(1_000) <= 1);
        assert!(estimator.tokens(OTHER, 3_000).abs_diff(3_000) <= 1);
        let new = estimator.tokens(77, 3_000);
        assert!((1_500..2_500).contains(&new), "{new}");
    }

    #[test]
    fn the_average_follows_a_change_within_a_hundred_requests() {
        let estimator = Estimator::new();
        for _ in 0..1_000 {
            estimator.learn(ONE, 4_000, 1_000);
        }
        for _ in 0..100 {
            estimator.learn(ONE, 4_000, 2_000);
        }
        let tokens = estimator.tokens(ONE, 4_000);
        assert!((1_930..=2_000).contains(&tokens), "{tokens}");
    }

    #[test]
    fn what_cannot_be_of_the_text_teaches_nothing() {
        let estimator = Estimator::new();
        for tokens in [0, 1, 2_001, u64::MAX] {
            estimator.learn(ONE, 1_000, tokens);
        }
        assert_eq!(estimator.tokens(ONE, 1_000), 250);
    }

    #[test]
    fn names_without_number_replace_each_other_and_not_what_is_in_use() {
        let estimator = Estimator::new();
        for name in 0..100_000_u64 {
            estimator.learn(ONE, 1_000, 1_000);
            estimator.learn(name.wrapping_mul(0x9e37_79b9_7f4a_7c15), 1_000, 250);
        }
        assert!(estimator.tokens(ONE, 1_000) > 900);
    }

    proptest! {
        #[test]
        fn nothing_teaches_it_nonsense(lessons in prop::collection::vec((any::<u64>(), any::<u64>(), any::<u64>()), 0..200), bytes in 0..(1_u64 << 40)) {
            let estimator = Estimator::new();
            for (model, bytes, tokens) in lessons {
                estimator.learn(model % 9, bytes, tokens);
            }
            for model in 0..9 {
                let tokens = estimator.tokens(model, bytes);
                prop_assert!(tokens >= bytes / 16 && tokens <= bytes.saturating_mul(2).saturating_add(1));
            }
        }
    }
}
