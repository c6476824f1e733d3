//! What is told of one limit: what its subjects used, and whom another one would touch.

use crate::policy::Rule;

/// How many limits are tried: the one in force, and one for each of [`TRIED`].
pub const TRIALS: usize = 3;

/// The shares of subjects for which limits are proposed, in ten thousandths.
pub const TRIED: [u64; TRIALS - 1] = [9_990, 9_999];

/// One limit of one rule: a rule whose limit goes by a fact has one for each value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The rule.
    pub rule: Rule,
    /// For which value of its fact this limit holds; `None` for a limit that holds for all.
    pub value: Option<Value>,
    /// The limit in force, in units of the rule's counter.
    pub limit: u32,
    /// Requests that the rule was about, with a key and without what was excepted.
    pub requests: u64,
    /// Subjects that used something, about.
    pub subjects: u64,
    /// Of how many subjects each one that was looked at stands for: 1 unless there were too many.
    pub weight: u64,
    /// Whether every peak is exact. If not, the largest are estimates, as those of enforcement are.
    pub exact: bool,
    /// The peaks; `None` if no subject used anything.
    pub peaks: Option<Peaks>,
    /// What each limit would have touched: the one in force, then those at [`TRIED`].
    pub trials: [Trial; TRIALS],
}

/// A value of the fact that a limit goes by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// This one.
    Of(Vec<u8>),
    /// Any other, or none.
    Else,
}

/// The most that subjects used within a window, by nearest rank: at least so many of all subjects did not use more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peaks {
    /// Half of them.
    pub p50: u32,
    /// 99 of 100.
    pub p99: u32,
    /// 999 of 1,000.
    pub p999: u32,
    /// 9,999 of 10,000.
    pub p9999: u32,
    /// All of them.
    pub max: u32,
}

/// What a limit would have touched, had its rule been the only one: requests that it refused, or that it found something
/// in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Trial {
    /// The limit, in units of the rule's counter.
    pub limit: u32,
    /// Keys with such requests.
    pub keys: u64,
    /// Subjects with such requests.
    pub subjects: u64,
    /// Such requests.
    pub requests: u64,
}

impl Peaks {
    /// Sums peaks up; `None` if there are none.
    pub(super) fn of(peaks: &mut [u32]) -> Option<Self> {
        peaks.sort_unstable();
        Some(Self {
            p50: nearest_rank(peaks, 5_000)?,
            p99: nearest_rank(peaks, 9_900)?,
            p999: nearest_rank(peaks, 9_990)?,
            p9999: nearest_rank(peaks, 9_999)?,
            max: *peaks.last()?,
        })
    }

    /// The limit that each trial is about: the one in force, or else what so many subjects did not use more of.
    pub(super) fn limits(peaks: Option<&Self>, current: u32) -> [u32; TRIALS] {
        let at = |peak: fn(&Self) -> u32| peaks.map_or(current, |peaks| peak(peaks).max(1));
        [current, at(|peaks| peaks.p999), at(|peaks| peaks.p9999)]
    }
}

/// The smallest of ascending values that at least this share, in ten thousandths, do not exceed.
fn nearest_rank(sorted: &[u32], share: u64) -> Option<u32> {
    let rank = (sorted.len() as u64)
        .saturating_mul(share)
        .div_ceil(10_000)
        .max(1);
    let place = usize::try_from(rank.saturating_sub(1)).ok()?;
    sorted.get(place).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_are_the_nearest() {
        assert_eq!(Peaks::of(&mut []), None);
        let peaks = |count: u32| {
            let mut peaks: Vec<u32> = (1..=count).rev().collect();
            let peaks = Peaks::of(&mut peaks).unwrap();
            [peaks.p50, peaks.p99, peaks.p999, peaks.p9999, peaks.max]
        };
        assert_eq!(peaks(1), [1, 1, 1, 1, 1]);
        assert_eq!(peaks(2), [1, 2, 2, 2, 2]);
        assert_eq!(peaks(3), [2, 3, 3, 3, 3]);
        assert_eq!(peaks(100), [50, 99, 100, 100, 100]);
        assert_eq!(peaks(1_000), [500, 990, 999, 1_000, 1_000]);
        assert_eq!(peaks(9_999), [5_000, 9_900, 9_990, 9_999, 9_999]);
        assert_eq!(peaks(10_000), [5_000, 9_900, 9_990, 9_999, 10_000]);
    }

    #[test]
    fn no_limit_is_none() {
        let nothing = Peaks::of(&mut [0, 0]);
        assert_eq!(Peaks::limits(nothing.as_ref(), 7), [7, 1, 1]);
        assert_eq!(Peaks::limits(None, 7), [7, 7, 7]);
    }
}
