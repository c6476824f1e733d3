//! Refusals that hold until a known moment: whoever comes back before is refused without asking again.

use std::collections::BTreeMap;

use crate::engine::Decision;
use crate::exchange::Millis;

/// How many refusals are kept. Beyond, those go first that are over first.
const MOST: usize = 4_096;

/// Refusals by the counter that refused.
#[derive(Default)]
pub(super) struct Memo {
    refusals: BTreeMap<(usize, u64), Refusal>,
}

/// One of them.
pub(super) struct Refusal {
    pub(super) decision: Decision,
    /// Until when it holds, on the front's clock.
    pub(super) until: Millis,
    /// How far the clock by which it was decided is ahead of that.
    pub(super) ahead: Millis,
}

impl Memo {
    /// Keeps a refusal by the counter of a quota.
    pub(super) fn keep(&mut self, counter: (usize, u64), refusal: Refusal, now: Millis) {
        if self.refusals.len() >= MOST {
            self.refusals.retain(|_, refusal| refusal.until > now);
        }
        if self.refusals.len() >= MOST {
            let soonest = self.refusals.iter().min_by_key(|(_, held)| held.until);
            if let Some(counter) = soonest.map(|(counter, _)| *counter) {
                self.refusals.remove(&counter);
            }
        }
        self.refusals.insert(counter, refusal);
    }

    /// The refusal that holds for a request of these counters.
    pub(super) fn find(&self, counters: &[(usize, u64)], now: Millis) -> Option<&Refusal> {
        let mut found = counters.iter().filter_map(|it| self.refusals.get(it));
        found.find(|refusal| refusal.until > now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::Reason;

    #[test]
    fn the_refusals_that_hold_longest_are_kept() {
        let mut memo = Memo::default();
        for number in 0..=MOST as u64 {
            let refusal = Refusal {
                decision: Decision::deny(Reason::Quota, false),
                until: 1_000_u64.saturating_add(number),
                ahead: 0,
            };
            memo.keep((0, number), refusal, 10);
        }
        assert_eq!(memo.refusals.len(), MOST);
        assert!(memo.find(&[(0, 0)], 10).is_none());
        assert!(memo.find(&[(7, 1), (0, 1)], 1_000).is_some());
        assert!(memo.find(&[(0, 1)], 1_001).is_none());
    }
}
