//! Who holds a slot, and who makes room: counters first, and large sets are not to be flushed.
//!
//! Counters and sets make room when they are over. A live counter keeps those of its subject beside it; a set neither keeps
//! anybody nor is kept. Sets of at most [`SMALL`] members make room also while they live, oldest first: in a flood each
//! stranger leaves one behind, and such a set says next to nothing.

use super::{Page, SLOTS, Slot, subject};
use crate::exchange::Millis;
use crate::window::Kept;

/// The most members of a set that makes room for others.
///
/// A set says so itself: the first number of its first part is at most this then, and the last one is
/// [when it was written](Page::stamp). In any other part the first number is larger.
pub const SMALL: u32 = 2;

/// How many slots of a page are held by whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Census {
    /// By counters.
    pub counters: usize,
    /// By small sets.
    pub small: usize,
    /// By all other sets.
    pub large: usize,
}

impl Page {
    /// A moment as small sets note it: seconds of 1,024 milliseconds, which last for 139 years.
    #[must_use]
    pub const fn stamp(now: Millis) -> u32 {
        (now >> 10) as u32
    }

    /// Whether the slot at a place is to stay at `now`: that of a counter which is not replenished, or of whose subject
    /// another counter is not, so that a known subject keeps the slots that it has; or a large set's that is not over.
    #[must_use]
    pub fn matters(&self, place: usize, now: Millis) -> bool {
        let used = self.used();
        let Some(slot) = used.get(place) else {
            return false;
        };
        let live = |slot: &Slot| slot.kept.replenished() > now;
        if slot.kept.is_set() {
            return live(slot) && written(&slot.kept).is_none();
        }
        live(slot)
            || used.iter().any(|other| {
                subject(other.tag) == subject(slot.tag) && live(other) && !other.kept.is_set()
            })
    }

    /// Removes every counter that no longer matters at `now`, but none that is `needed`, and every set that is over, and
    /// says how many slots that were: forgetting those forgives nobody.
    pub fn evict(&mut self, now: Millis, needed: &dyn Fn(u64) -> bool) -> u32 {
        let mut evicted: u32 = 0;
        let mut place = 0;
        while let Some(slot) = self.used().get(place) {
            let stays = if slot.kept.is_set() {
                slot.kept.replenished() > now
            } else {
                needed(slot.tag) || self.matters(place, now)
            };
            if stays {
                place = place.saturating_add(1);
            } else {
                self.swap_remove(place);
                evicted = evicted.saturating_add(1);
            }
        }
        evicted
    }

    /// Removes small sets, oldest first, until `slots` are free or there are none left, and says how many.
    pub fn make_room(&mut self, slots: usize) -> u32 {
        let free = SLOTS.saturating_sub(self.len());
        self.evict_small(slots.saturating_sub(free))
    }

    /// Removes so many small sets, oldest first, or as many as there are, and says how many.
    pub fn evict_small(&mut self, count: usize) -> u32 {
        let mut evicted: u32 = 0;
        for _ in 0..count {
            let places = self.used().iter().enumerate();
            let small =
                places.filter_map(|(place, slot)| written(&slot.kept).map(|at| (at, place)));
            let Some((_, oldest)) = small.min() else {
                break;
            };
            self.swap_remove(oldest);
            evicted = evicted.saturating_add(1);
        }
        evicted
    }

    /// Counts slots, all but those of the set with this tag.
    #[must_use]
    pub fn census(&self, without: u64) -> Census {
        let mut census = Census::default();
        for slot in self.used() {
            let kind = if !slot.kept.is_set() {
                &mut census.counters
            } else if slot.index_in(without).is_some() {
                continue;
            } else if written(&slot.kept).is_some() {
                &mut census.small
            } else {
                &mut census.large
            };
            *kind = kind.saturating_add(1);
        }
        census
    }

    fn used(&self) -> &[Slot] {
        self.slots.get(..self.len()).unwrap_or_default()
    }
}

/// When a small set was written; `None` if this is none.
fn written(kept: &Kept) -> Option<u32> {
    let [low, high, .., last_low, last_high] = kept.words;
    let small = kept.is_set() && u32::from(low) <= SMALL && high == 0;
    small.then_some(u32::from(last_low) | u32::from(last_high) << 16)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::page::PARTS;

    fn kept(replenished: Millis) -> Kept {
        Kept {
            clock: replenished << 2,
            ..Kept::default()
        }
    }

    /// A set of so many members, in one slot.
    fn set(members: u32, over: Millis, written: u32) -> Kept {
        let mut numbers = [0; 12];
        (numbers[0], numbers[11]) = (members, written);
        Kept::of_set(over, numbers)
    }

    fn holds(page: &Page, tag: u64) -> bool {
        let mut held = false;
        page.each_part(tag, |index, _| held |= index == 0);
        held
    }

    #[test]
    fn only_what_is_replenished_is_evicted() {
        let mut page = Page::default();
        for at in 0..SLOTS as u64 {
            assert!(page.push((at << 32) | at, kept(at)));
        }
        assert!(!page.push(99, kept(99)));
        assert_eq!(page.evict(30, &|_| false), 31);
        assert_eq!(page.len(), SLOTS - 31);
        assert!((0..=30u64).all(|at| page.find((at << 32) | at).is_none()));
        assert!((31..62u64).all(|at| page.find((at << 32) | at).is_some()));
    }

    #[test]
    fn a_replenished_counter_stays_beside_a_live_one_of_its_subject() {
        let mut page = Page::default();
        let (dead, sibling, other) = ((7 << 32) | 1, (7 << 32) | 2, (8 << 32) | 1);
        for (tag, at) in [(dead, 5), (sibling, 50), (other, 5)] {
            assert!(page.push(tag, kept(at)));
        }
        assert_eq!(page.evict(10, &|tag| tag == other), 0);
        assert_eq!(page.evict(10, &|_| false), 1);
        assert!(page.find(dead).is_some() && page.find(other).is_none());
        assert_eq!(page.evict(50, &|_| false), 2);
    }

    #[test]
    fn a_set_keeps_nobody_and_is_kept_by_nobody() {
        let mut page = Page::default();
        let tag = |index: u64| (7 << 32) | index;
        assert!(page.push(tag(1), kept(5)));
        assert!(page.push(tag(2), set(2, 50, 0)));
        assert!(page.push(tag(3), set(9, 50, 0)));
        assert_eq!(
            (0..3)
                .map(|place| page.matters(place, 10))
                .collect::<Vec<_>>(),
            [false, false, true]
        );
        assert_eq!(page.evict(10, &|_| false), 1);
        assert!(page.push(tag(1), kept(99)));
        assert_eq!(page.evict(50, &|_| false), 2);
        assert_eq!(
            page.census(0),
            Census {
                counters: 1,
                ..Census::default()
            }
        );
    }

    #[test]
    fn small_sets_make_room_oldest_first_and_no_more_than_needed() {
        let mut page = Page::default();
        for at in 0..SLOTS as u64 {
            let (members, written) = (1 + (at % 3) as u32, ((at * 37) % 62) as u32);
            assert!(page.push(at << 32, set(members, 1_000, written)));
        }
        assert_eq!(
            page.census(0),
            Census {
                small: 41,
                large: 20,
                counters: 0
            }
        );
        assert_eq!(
            (page.make_room(0), page.make_room(3), page.make_room(2)),
            (0, 3, 0)
        );
        let mut small: Vec<u64> = (0..62).filter(|at| at % 3 < 2).collect();
        small.sort_by_key(|at| (at * 37) % 62);
        for (rank, at) in small.iter().enumerate() {
            assert_eq!(holds(&page, at << 32), rank >= 3, "{rank}");
        }
        assert_eq!(page.make_room(62), 39);
        assert_eq!(page.len(), 20);
    }

    #[test]
    fn a_counter_and_a_set_of_one_tag_are_two_things() {
        let mut page = Page::default();
        let tag = (7 << 32) | 0x1234;
        assert!(page.put_part(tag, 0, set(3, 50, 0)));
        assert_eq!(page.find(tag), None);
        assert!(page.push(tag, kept(60)));
        assert_eq!(page.find(tag), Some(1));
        for index in (1..PARTS).rev() {
            assert!(page.put_part(tag, index, set(100 + index as u32, 50, 0)));
            assert!(page.put_part(tag, index, set(200 + index as u32, 50, 0)));
        }
        assert_eq!(page.len(), 1 + PARTS);
        let mut parts = [0; PARTS];
        page.each_part(tag, |index, kept| parts[index] = kept.words[0]);
        assert_eq!((parts[0], parts[1], parts[14]), (3, 201, 214));
        assert_eq!(
            page.census(tag),
            Census {
                counters: 1,
                ..Census::default()
            }
        );
        (0..PARTS).for_each(|index| page.remove_part(tag, index));
        assert_eq!((page.len(), page.find(tag)), (1, Some(0)));
    }
}
