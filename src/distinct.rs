//! How many distinct things were seen for one subject within a window, in the pages in which the counters are.
//!
//! Few are listed one by one, so up to 179 the number is exact; many are estimated (HyperLogLog), within 10 % in at
//! least 95 of 100 cases. The window slides by halves: an element counts until the end of the half after the one in which
//! it was last seen, so for at least half a window and at most a whole one. Pure functions of page and time.
//!
//! Only [`add`] makes an element a member, and a host calls it for what was served: keys that are made up, or refused, count
//! nowhere. A page has no more than half its slots for sets, and counters come first: sets of one or two members make room
//! when slots are wanted, and a set that finds none undercounts.

pub(crate) mod registers;
mod set;

use crate::exchange::Millis;
use crate::store::page::SLOTS;
use crate::store::{Change, Page};
use set::{Seen, Set};

/// The most slots of a page that all its sets take together.
const ROOM: usize = SLOTS / 2;

/// The error of a count that is an estimate, as it is written beside it: two standard deviations.
pub const ERROR: &str = "10%";

/// One thing seen for one subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Watch {
    /// Keyed hash of subject and rule, the upper half being the subject's.
    pub tag: u64,
    /// Keyed hash of what is counted, of which the lower 31 bits are used.
    pub element: u32,
    /// The window's length. A rule that changes it should change the tag: what is held would be read on another scale.
    pub window: Millis,
}

/// What a set shows to one who asks for an element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sight {
    /// Distinct elements in the window; the one that was asked for only if it is a member. At most 4,194,303.
    pub count: u32,
    /// Whether the count is exact. If not, it is an estimate, within 10 % (two standard deviations).
    pub exact: bool,
    /// Whether the element is a member. Beside an estimate a stranger may look like one, the likelier the more members there
    /// are; a member never looks like a stranger.
    pub member: bool,
    /// Whether it is to be [added](add) if it is served: a stranger is; and beside an estimate, where a look lets nobody stay,
    /// so is whoever was not seen in this half of the window.
    pub news: bool,
}

/// What became of an element that was to be added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Added {
    /// How the set stands now.
    pub sight: Sight,
    /// Whether there was no room for it: then the set is as it was.
    pub full: bool,
    /// Slots of counters and sets that made room.
    pub evicted: u32,
}

/// Looks, and lets a member stay for as long as if it had been added now: a listed one, since in an estimate nobody can be
/// told from a stranger. Adds nobody.
pub fn look(page: &mut Page, watch: &Watch, now: Millis) -> (Sight, Change) {
    let mut set = Set::read(page, watch, now);
    let hash = set::hash(watch.element);
    let seen = set.seen(hash);
    let change = due(&set, seen);
    let sight = sight(&set, seen);
    if change == Change::Replace {
        set.add(hash);
        set.write(page, watch.tag, now);
    }
    (sight, change)
}

/// Looks and changes nothing; also says whether [`look`] would.
#[must_use]
pub fn peek(page: &Page, watch: &Watch, now: Millis) -> (Sight, Change) {
    let set = Set::read(page, watch, now);
    let seen = set.seen(set::hash(watch.element));
    (sight(&set, seen), due(&set, seen))
}

/// Whether a look lets an element stay longer.
fn due(set: &Set, seen: Seen) -> Change {
    if seen == Seen::Never || !set.exact() || set.has_now(seen) {
        Change::Keep
    } else {
        Change::Replace
    }
}

/// Lets whoever looks like a member stay for as long as if it had been added now, also where the count is an estimate: no
/// count rises by that, and none falls to which its members cling. For those whom the count keeps out.
pub fn renew(page: &mut Page, watch: &Watch, reserved: usize, now: Millis) -> Change {
    let set = Set::read(page, watch, now);
    match set.seen(set::hash(watch.element)) {
        Seen::Never => Change::Keep,
        seen => keep(page, set, seen, watch, reserved, now).1,
    }
}

/// Makes an element a member, or lets it stay longer.
///
/// `reserved` slots are kept free for counters, or held by small sets, which make room for them.
pub fn add(page: &mut Page, watch: &Watch, reserved: usize, now: Millis) -> (Added, Change) {
    let set = Set::read(page, watch, now);
    let seen = set.seen(set::hash(watch.element));
    keep(page, set, seen, watch, reserved, now)
}

/// Counts an element in this generation, unless it is.
fn keep(
    page: &mut Page,
    mut set: Set,
    seen: Seen,
    watch: &Watch,
    reserved: usize,
    now: Millis,
) -> (Added, Change) {
    let mut added = Added {
        sight: sight(&set, seen),
        full: false,
        evicted: 0,
    };
    if set.has_now(seen) {
        return (added, Change::Keep);
    }
    set.add(set::hash(watch.element));
    added.full = !make_room(page, &mut set, watch.tag, reserved, now, &mut added.evicted);
    if !added.full {
        set.write(page, watch.tag, now);
        added.sight = sight(&set, Seen::Now);
    }
    let change = if added.full && added.evicted == 0 {
        Change::Keep
    } else {
        Change::Replace
    };
    (added, change)
}

/// Makes room for what a set has become, and says whether there is any: first what is over goes, then the set becomes
/// registers if those take less, then small sets go.
fn make_room(
    page: &mut Page,
    set: &mut Set,
    tag: u64,
    reserved: usize,
    now: Millis,
    evicted: &mut u32,
) -> bool {
    if set.has_room() {
        return true;
    }
    let mut missing = lack(page, set, tag, reserved);
    if missing != Some(0) {
        *evicted = page.evict(now, &|_| false);
        missing = lack(page, set, tag, reserved);
    }
    if missing.is_none() && set.exact() {
        set.condense();
        missing = lack(page, set, tag, reserved);
    }
    if let Some(missing) = missing {
        *evicted = evicted.saturating_add(page.evict_small(missing));
    }
    missing.is_some()
}

/// How many small sets must go before the set fits; `None` if that is not enough.
fn lack(page: &Page, set: &Set, tag: u64, reserved: usize) -> Option<usize> {
    let census = page.census(tag);
    let lasting = census.large.saturating_add(set.slots());
    let sets = lasting.saturating_add(census.small);
    let all = sets.saturating_add(census.counters);
    let (lasting, room) = (
        lasting.saturating_add(census.counters),
        SLOTS.saturating_sub(reserved),
    );
    let lack = all.saturating_sub(SLOTS).max(sets.saturating_sub(ROOM));
    (lack <= census.small && (set.small() || lasting <= room)).then_some(lack)
}

fn sight(set: &Set, seen: Seen) -> Sight {
    Sight {
        count: set.count(),
        exact: set.exact(),
        member: seen != Seen::Never,
        news: seen == Seen::Never || (seen == Seen::Before && !set.exact()),
    }
}

#[cfg(test)]
mod tests;
