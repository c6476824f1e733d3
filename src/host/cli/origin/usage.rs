//! The usage that the demo origin reports, and how it can be made to lie.

use serde_json::{Number, Value, json};

/// What an answer used, in tokens. Each dialect tells it in its own terms.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Usage {
    /// All of the input, cached or not.
    pub(super) input: u64,
    /// All of the output, reasoning included.
    pub(super) output: u64,
    /// How much of the input came from a cache.
    pub(super) cached: u64,
    /// How much of the output was reasoning.
    pub(super) reasoning: u64,
}

impl Usage {
    /// Reads `INPUT,OUTPUT[,CACHED[,REASONING]]`; nothing where a part is larger than its whole.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut numbers = text.split(',').map(|number| number.trim().parse().ok());
        let usage = Self {
            input: numbers.next()??,
            output: numbers.next()??,
            cached: numbers.next().unwrap_or(Some(0))?,
            reasoning: numbers.next().unwrap_or(Some(0))?,
        };
        (numbers.next().is_none() && usage.cached <= usage.input && usage.reasoning <= usage.output)
            .then_some(usage)
    }

    /// Input and output.
    pub(super) fn total(&self) -> u64 {
        self.input.saturating_add(self.output)
    }

    /// The input that came from no cache.
    pub(super) fn fresh(&self) -> u64 {
        self.input.saturating_sub(self.cached)
    }

    /// The output that is no reasoning.
    pub(super) fn visible(&self) -> u64 {
        self.output.saturating_sub(self.reasoning)
    }

    /// As it was when `done` of `all` parts of the answer were said: reasoning comes before them.
    pub(super) fn until(&self, done: usize, all: usize) -> Self {
        let [visible, done, all] = [
            u128::from(self.visible()),
            u128::try_from(done).unwrap_or(u128::MAX),
            u128::try_from(all).unwrap_or(u128::MAX),
        ];
        let visible = visible
            .saturating_mul(done)
            .checked_div(all)
            .and_then(|part| u64::try_from(part).ok())
            .unwrap_or(self.visible());
        Self {
            output: self.reasoning.saturating_add(visible),
            ..*self
        }
    }

    /// Half of every count.
    pub(super) fn half(&self) -> Self {
        Self {
            input: self.input >> 1,
            output: self.output >> 1,
            cached: self.cached >> 1,
            reasoning: self.reasoning >> 1,
        }
    }
}

/// How usage is told.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Told {
    /// As it is, where the vendor would.
    #[default]
    Truly,
    /// Nowhere.
    Never,
    /// Every count below zero.
    Negative,
    /// Counts of 1e300 and 2^63 by turns.
    Absurd,
    /// In every part of a stream, growing, and in a whole answer twice: half of it, then the truth.
    Repeated,
    /// Counts as strings.
    Text,
}

impl Told {
    /// The switch by its name.
    pub(super) fn parse(text: &str) -> Option<Self> {
        match text {
            "none" => Some(Self::Never),
            "negative" => Some(Self::Negative),
            "absurd" => Some(Self::Absurd),
            "repeated" => Some(Self::Repeated),
            "text" => Some(Self::Text),
            _ => None,
        }
    }

    /// What becomes of a usage in a dialect's form; nothing where none is to be told.
    pub(super) fn form(self, mut usage: Value) -> Option<Value> {
        let mut place = 0_u32;
        match self {
            Self::Never => return None,
            Self::Truly | Self::Repeated => {}
            Self::Negative => numbers(&mut usage, &mut |number| {
                let count = i128::from(number.as_u64().unwrap_or_default());
                json!(i64::try_from(count.saturating_neg()).unwrap_or(i64::MIN))
            }),
            Self::Absurd => numbers(&mut usage, &mut |_| {
                place = place.wrapping_add(1);
                if place % 2 == 1 {
                    json!(1e300)
                } else {
                    json!(1_u64 << 63)
                }
            }),
            Self::Text => numbers(&mut usage, &mut |number| json!(number.to_string())),
        }
        Some(usage)
    }
}

/// Puts something else in place of every number.
fn numbers(value: &mut Value, other: &mut impl FnMut(&Number) -> Value) {
    match value {
        Value::Number(number) => *value = other(number),
        Value::Array(items) => items.iter_mut().for_each(|item| numbers(item, other)),
        Value::Object(members) => members.values_mut().for_each(|item| numbers(item, other)),
        Value::Null | Value::Bool(_) | Value::String(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Told, Usage};

    #[test]
    fn usage_is_read_and_a_part_is_never_larger_than_its_whole() {
        let usage = |input, output, cached, reasoning| Usage {
            input,
            output,
            cached,
            reasoning,
        };
        for (text, expected) in [
            ("3,4", Some(usage(3, 4, 0, 0))),
            ("3, 4, 1", Some(usage(3, 4, 1, 0))),
            ("3,4,3,4", Some(usage(3, 4, 3, 4))),
            ("18446744073709551615,0", Some(usage(u64::MAX, 0, 0, 0))),
            ("3", None),
            ("3,4,5", None),
            ("3,4,0,5", None),
            ("3,4,0,0,0", None),
            ("3,-4", None),
            ("3,4,", None),
            ("", None),
        ] {
            assert_eq!(Usage::parse(text), expected, "{text:?}");
        }
    }

    #[test]
    fn usage_grows_to_the_truth() {
        let usage = Usage::parse("9,12,3,2").unwrap();
        let outputs: Vec<u64> = (0..=5).map(|done| usage.until(done, 5).output).collect();
        assert_eq!(outputs, [2, 4, 6, 8, 10, 12]);
        assert_eq!(usage.until(5, 5), usage);
        assert_eq!(usage.until(0, 0), usage);
        let most = Usage::parse("0,18446744073709551615").unwrap();
        assert_eq!(most.until(usize::MAX, usize::MAX), most);
        assert_eq!(most.half().output, u64::MAX / 2);
        assert_eq!(
            Usage::parse("1,18446744073709551615").unwrap().total(),
            u64::MAX
        );
    }

    #[test]
    fn every_count_is_spoiled_and_nothing_else() {
        let truth = json!({"a": 7, "b": {"c": 0}, "tier": "x", "d": [{"e": u64::MAX}]});
        for (name, expected) in [
            ("none", None),
            ("repeated", Some(truth.clone())),
            (
                "negative",
                Some(json!({"a": -7, "b": {"c": 0}, "tier": "x", "d": [{"e": i64::MIN}]})),
            ),
            (
                "absurd",
                Some(
                    json!({"a": 1e300, "b": {"c": 9_223_372_036_854_775_808_u64}, "tier": "x", "d": [{"e": 1e300}]}),
                ),
            ),
            (
                "text",
                Some(
                    json!({"a": "7", "b": {"c": "0"}, "tier": "x", "d": [{"e": "18446744073709551615"}]}),
                ),
            ),
        ] {
            let told = Told::parse(name).unwrap();
            assert_eq!(told.form(truth.clone()), expected, "{name}");
        }
        assert_eq!(Told::parse("true"), None);
    }
}
