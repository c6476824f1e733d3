//! What one subject uses of one quota, in the window that enforcement would count it in.

use smallvec::SmallVec;

use crate::exchange::Millis;
use crate::policy::Quota;
use crate::sample::Held;
use crate::window::{Kept, Shape, Window};

/// What a request takes of a quota, in units of its counter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Demand {
    /// What is reserved when it comes, however small the limit.
    pub(super) reserved: u32,
    /// What it turns out to have used.
    pub(super) used: u32,
    /// Whether what was reserved is charged if that is more: nobody knows better.
    pub(super) stands: bool,
    /// Whether it is given back if it is all that there is, since the origin did not know the key.
    pub(super) invented: bool,
}

/// A window, and the most that it came to.
#[derive(Debug, Clone, Default)]
pub(super) struct Spent {
    kept: Kept,
    /// The least limit under which all would have passed and nothing would be owed; 0 if nothing was used.
    peak: u32,
    /// The same for each of the limits by a fact that ever held for the subject: mostly one.
    peaks: SmallVec<[(u32, u32); 2]>,
}

impl Held for Spent {
    fn bytes(&self) -> usize {
        if self.peaks.spilled() {
            self.peaks.capacity().saturating_mul(8)
        } else {
            0
        }
    }
}

impl Spent {
    /// Charges a request that nothing would refuse.
    pub(super) fn spend(&mut self, quota: &Quota, group: u32, demand: &Demand, now: Millis) {
        let mut window = self.window(quota, self.peak, now);
        let before = window.used();
        let charged = charged(demand, demand.reserved);
        if !quota.is_metered() {
            // A counter has the shape that a limit of its size gives it.
            let wanted = before.saturating_add(charged);
            if wanted > self.peak && Shape::of(wanted) != Shape::of(self.peak) {
                window = self.window(quota, wanted, now);
            }
        }
        charge(&mut window, charged, demand);
        self.kept = window.keep();
        // No request reserves more than half of a limit, so one passes under any limit that is twice what others used.
        let held = before.saturating_add(demand.reserved);
        let needed = held.min(before.saturating_mul(2)).max(window.used());
        if needed == 0 {
            return;
        }
        self.peak = self.peak.max(needed);
        match self.peaks.iter_mut().find(|(other, _)| *other == group) {
            Some((_, peak)) => *peak = needed.max(*peak),
            None => self.peaks.push((group, needed)),
        }
    }

    /// The peak under each of the limits that ever held, by their places; none that is 0.
    pub(super) fn peaks(&self) -> &[(u32, u32)] {
        &self.peaks
    }

    /// Charges a request if it fits under a limit, and says whether it does.
    pub(super) fn try_to_spend(
        &mut self,
        quota: &Quota,
        limit: u32,
        demand: &Demand,
        now: Millis,
    ) -> bool {
        let reserved = if quota.is_metered() {
            demand.reserved.min(limit.div_ceil(2))
        } else {
            demand.reserved
        };
        let mut window = self.window(quota, limit, now);
        if reserved > 0 && window.used().saturating_add(reserved) > limit {
            return false;
        }
        charge(&mut window, charged(demand, reserved), demand);
        self.kept = window.keep();
        true
    }

    /// Whether a limit might have refused it something. One whose peak is within the limit was refused nothing; but a counter
    /// has the shape that its limit gives it, and those of larger limits forget a little later.
    pub(super) fn may_exceed(&self, quota: &Quota, limit: u32) -> bool {
        let slack = match (Shape::of(self.peak), Shape::of(limit)) {
            _ if quota.is_metered() => 0,
            (Shape::Log, Shape::Log) => 0,
            (Shape::Log, _) => self.peak,
            _ => self.peak / 8,
        };
        self.peak.saturating_add(slack) > limit
    }

    fn window(&self, quota: &Quota, limit: u32, now: Millis) -> Window {
        Window::read(&self.kept, quota.scale(limit), now)
    }
}

/// What a request comes to in the end, of which so much was reserved.
fn charged(demand: &Demand, reserved: u32) -> u32 {
    if demand.stands {
        demand.used.max(reserved)
    } else {
        demand.used
    }
}

fn charge(window: &mut Window, units: u32, demand: &Demand) {
    if units == 0 {
        return;
    }
    let filed = window.charge(units);
    if demand.invented && window.used() == units {
        window.refund(filed, units);
    }
}
