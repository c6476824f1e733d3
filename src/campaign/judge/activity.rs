//! The keys of a day: how many there are, how many accounts are young, and on how many campaigns are acted.

use bytemuck::{Pod, Zeroable};

use super::{count, count_key};
use crate::campaign::Observation;
use crate::distinct::registers::{self, NUMBERS};

/// Seconds of a day.
pub(super) const DAY: u32 = 86_400;

/// Accounts of at most so many days are young, as observations have ages.
const YOUNG: u16 = 31;

/// What is known of a day, and how it was the day before.
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub(super) struct Activity {
    day: u32,
    /// The day before: keys, those that were acted on, those whose age is known, and those that are young.
    before: [u32; 4],
    /// Keys.
    active: [u32; NUMBERS],
    /// Those on which campaigns are acted.
    acted: [u32; NUMBERS],
    /// Those whose account's age is known.
    aged: [u32; NUMBERS],
    /// Those whose account is young.
    young: [u32; NUMBERS],
}

impl Activity {
    /// Takes in a request.
    pub(super) fn see(&mut self, seen: &Observation) {
        let day = seen.at / DAY;
        if day != self.day {
            *self = Self {
                day,
                before: [self.active, self.acted, self.aged, self.young].map(|keys| count(&keys)),
                ..Self::zeroed()
            };
        }
        count_key(&mut self.active, seen.key);
        if seen.age > 0 {
            count_key(&mut self.aged, seen.key);
            if seen.age <= YOUNG {
                count_key(&mut self.young, seen.key);
            }
        }
    }

    /// A campaign is acted on with a key.
    pub(super) fn act(&mut self, key: u64) {
        count_key(&mut self.acted, key);
    }

    /// A campaign will be acted on with these keys.
    pub(super) fn act_on(&mut self, keys: &[u32; NUMBERS]) {
        registers::merge(&mut self.acted, keys);
    }

    /// The most keys on which campaigns may be acted, if that is this share of a day's keys, in millionths.
    pub(super) fn most(&self, cap: u32) -> u64 {
        let [active, ..] = self.before;
        let active = u64::from(count(&self.active).max(active));
        active.saturating_mul(u64::from(cap)) / 1_000_000
    }

    /// How many keys these are, alone or with those on which others are acted.
    pub(super) fn acted_with(&self, keys: &[u32; NUMBERS], others: bool) -> u64 {
        if !others {
            return u64::from(count(keys));
        }
        let [_, acted, ..] = self.before;
        let mut all = self.acted;
        registers::merge(&mut all, keys);
        u64::from(count(&all).max(acted))
    }

    /// The share of two days' keys whose accounts are young, of those whose age is known; 0 if those are fewer than `least`.
    pub(super) fn young(&self, least: u32) -> f32 {
        let [.., aged, young] = self.before;
        let aged = aged.saturating_add(count(&self.aged));
        let young = young.saturating_add(count(&self.young));
        if aged < least {
            0.0
        } else {
            (young as f32 / aged as f32).min(1.0)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_young_are_a_share_of_those_whose_age_is_known() {
        let mut activity = Activity::zeroed();
        let mut see = |key: u64, age: u16, at: u32| {
            let mut seen = Observation::zeroed();
            (seen.key, seen.age, seen.at) = (key.wrapping_mul(0x9e37_79b9_7f4a_7c15), age, at);
            activity.see(&seen);
            activity.young(12)
        };
        for key in 0..11 {
            assert!(see(key, 1, 0) < 0.01, "too few are known");
        }
        for key in 0..3_000 {
            see(key, [0, 5, 400][(key % 3) as usize], 1);
        }
        // The next day has begun, and two young accounts have come.
        see(1, 6, DAY);
        let share = see(4, 6, DAY + 1);
        assert!((share - 0.5).abs() < 0.07, "{share}");
    }
}
