//! What tokens cost: whole micro-units, never floats.

use super::pattern::Pattern;

/// Tokens for which a price is written.
const PER: u64 = 1_000_000;

/// What the tokens of some models cost, in micro-units per million tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Price {
    /// Patterns of the model.
    pub model: Vec<Pattern>,
    /// What its tokens cost.
    pub rates: Rates,
}

/// What a million tokens of each kind cost, in micro-units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Rates {
    /// Input that was not cached.
    pub input: u64,
    /// Input from a cache.
    pub cached: u64,
    /// Output but reasoning.
    pub output: u64,
    /// Reasoning.
    pub reasoning: u64,
}

impl Rates {
    /// What tokens of these numbers cost, in micro-units, rounded up once. `cached` and `reasoning` are parts of `input` and
    /// `output`. More than 2^64 is as much.
    #[must_use]
    pub fn cost(&self, input: u64, cached: u64, output: u64, reasoning: u64) -> u64 {
        let (cached, reasoning) = (cached.min(input), reasoning.min(output));
        [
            (input.saturating_sub(cached), self.input),
            (cached, self.cached),
            (output.saturating_sub(reasoning), self.output),
            (reasoning, self.reasoning),
        ]
        .iter()
        .fold(0, |sum: u64, &(tokens, rate)| {
            sum.saturating_add(tokens.saturating_mul(rate))
        })
        .div_ceil(PER)
    }

    /// With every token of the input, and every one of the output, as dear as the dearest of its kind: what is not known yet to
    /// be cached or reasoning may be either.
    #[must_use]
    pub fn at_most(self) -> Self {
        let [input, output] = [self.input.max(self.cached), self.output.max(self.reasoning)];
        Self {
            input,
            cached: input,
            output,
            reasoning: output,
        }
    }

    /// The dearer of both, kind by kind.
    #[must_use]
    pub fn max(self, other: Self) -> Self {
        Self {
            input: self.input.max(other.input),
            cached: self.cached.max(other.cached),
            output: self.output.max(other.output),
            reasoning: self.reasoning.max(other.reasoning),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cost_is_whole_and_rounded_up_once() {
        let rates = Rates {
            input: 2_500_000,
            cached: 250_000,
            output: 10_000_000,
            reasoning: 20_000_000,
        };
        for (tokens, cost) in [
            ([0, 0, 0, 0], 0),
            ([1, 0, 0, 0], 3),
            ([2, 0, 0, 0], 5),
            ([1_000, 0, 0, 0], 2_500),
            ([1_000, 1_000, 0, 0], 250),
            ([1_000, 9_999, 0, 0], 250),
            ([1_000, 400, 100, 50], 1_500 + 100 + 500 + 1_000),
            ([u64::MAX, 0, u64::MAX, 0], u64::MAX.div_ceil(PER)),
        ] {
            let [input, cached, output, reasoning] = tokens;
            assert_eq!(
                rates.cost(input, cached, output, reasoning),
                cost,
                "{tokens:?}"
            );
            let most = rates.at_most().cost(input, 0, output, 0);
            assert!(most >= cost, "{tokens:?}");
        }
    }
}
