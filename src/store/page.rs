//! A page: 62 counters side by side, the same bytes in memory and in a host's store.

use bytemuck::{Pod, Zeroable};

use crate::exchange::Millis;
use crate::window::Kept;

#[cfg(target_endian = "big")]
compile_error!(
    "pages are stored as they lie in memory, which is little-endian on every host of ours"
);

/// How many counters a page holds.
pub const SLOTS: usize = 62;

/// The layout below. A page that begins with another number was written by another version, or is no page.
const VERSION: u8 = 1;

/// One counter: whose it is, and what is kept of its window. 64 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Pod, Zeroable)]
#[repr(C)]
pub struct Slot {
    /// Keyed hash of subject and rule.
    pub tag: u64,
    /// The window.
    pub kept: Kept,
}

/// A set-associative bucket of counters: 4,032 bytes.
///
/// INVARIANT: the first `len` slots are in use, `len` is at most [`SLOTS`], and `prints` holds the low byte of each
/// one's tag, so that a look-up touches two cache lines and not the whole page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Page {
    version: u8,
    len: u8,
    prints: [u8; SLOTS],
    slots: [Slot; SLOTS],
}

impl Default for Page {
    fn default() -> Self {
        Self {
            version: VERSION,
            len: 0,
            prints: [0; SLOTS],
            slots: [Slot::default(); SLOTS],
        }
    }
}

impl Page {
    /// The page that these bytes are, in place; `None` if they are of another version, or corrupted, or do not begin at
    /// a multiple of 8, as whatever an allocator hands out does. Always as long as
    /// [`as_bytes`](Self::as_bytes) writes: in Envoy a value that grows leaves its shorter forms behind in the
    /// allocator's lists, which with pages that grew slot by slot came to more than twice their own size.
    #[must_use]
    pub fn from_bytes(bytes: &mut [u8]) -> Option<&mut Self> {
        let page: &mut Self = bytemuck::try_from_bytes_mut(bytes).ok()?;
        (page.version == VERSION && usize::from(page.len) <= SLOTS && page.is_whole())
            .then_some(page)
    }

    /// Whether what is held twice agrees, and every window has a shape.
    fn is_whole(&self) -> bool {
        let mut slots = self.prints.iter().zip(&self.slots).take(self.len());
        slots.all(|(&mark, slot)| mark == print(slot.tag) && slot.kept.shape().is_some())
    }

    /// The page as it is stored.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        bytemuck::bytes_of(self)
    }

    /// Counters in use.
    #[must_use]
    pub fn len(&self) -> usize {
        usize::from(self.len).min(SLOTS)
    }

    /// Whether no counter is in use.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The place of the counter with this tag.
    #[must_use]
    pub fn find(&self, tag: u64) -> Option<usize> {
        let prints = self.prints.get(..self.len())?;
        let mut places = memchr::memchr_iter(print(tag), prints);
        places.find(|&place| self.slots.get(place).is_some_and(|slot| slot.tag == tag))
    }

    /// What is kept at a place.
    #[must_use]
    pub fn kept(&self, place: usize) -> Option<&Kept> {
        self.slots
            .get(place)
            .filter(|_| place < self.len())
            .map(|slot| &slot.kept)
    }

    /// Replaces what is kept at a place that [`find`](Self::find) has named.
    pub fn put(&mut self, place: usize, kept: Kept) {
        if let Some(slot) = self.slots.get_mut(place) {
            slot.kept = kept;
        }
    }

    /// Adds a counter; `false` if the page is full.
    pub fn push(&mut self, tag: u64, kept: Kept) -> bool {
        let place = self.len();
        let (Some(slot), Some(mark)) = (self.slots.get_mut(place), self.prints.get_mut(place))
        else {
            return false;
        };
        *slot = Slot { tag, kept };
        *mark = print(tag);
        self.len = self.len.saturating_add(1);
        true
    }

    /// Whether the counter at a place still matters at `now`: it is not replenished, or another of the same subject
    /// is not, so that a known subject keeps the slots that it has.
    #[must_use]
    pub fn matters(&self, place: usize, now: Millis) -> bool {
        let used = self.slots.get(..self.len()).unwrap_or_default();
        let Some(slot) = used.get(place) else {
            return false;
        };
        let live = |slot: &Slot| slot.kept.replenished() > now;
        live(slot)
            || used
                .iter()
                .any(|other| subject(other.tag) == subject(slot.tag) && live(other))
    }

    /// Removes every counter that no longer matters at `now`, but none that is `needed`, and says how many:
    /// forgetting those forgives nobody.
    pub fn evict(&mut self, now: Millis, needed: impl Fn(u64) -> bool) -> u32 {
        let mut evicted: u32 = 0;
        let mut place = 0;
        while place < self.len() {
            let tag = self.slots.get(place).map_or(0, |slot| slot.tag);
            if needed(tag) || self.matters(place, now) {
                place = place.saturating_add(1);
            } else {
                self.swap_remove(place);
                evicted = evicted.saturating_add(1);
            }
        }
        evicted
    }

    fn swap_remove(&mut self, place: usize) {
        let last = self.len().saturating_sub(1);
        if place < self.len() {
            self.slots.swap(place, last);
            self.prints.swap(place, last);
            self.len = self.len.saturating_sub(1);
        }
    }
}

/// The part of a tag that all counters of one subject share: its upper half.
#[must_use]
pub const fn subject(tag: u64) -> u64 {
    tag >> 32
}

fn print(tag: u64) -> u8 {
    (tag & 0xff) as u8
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn kept(replenished: Millis) -> Kept {
        Kept {
            clock: replenished << 2,
            ..Kept::default()
        }
    }

    #[test]
    fn a_page_fits_its_cost() {
        assert_eq!((size_of::<Slot>(), size_of::<Page>()), (64, 4_032));
        assert!(size_of::<Page>() as u64 + 128 <= crate::store::PAGE_COST);
    }

    #[test]
    fn tags_that_share_their_low_byte_are_told_apart() {
        let mut page = Page::default();
        for tag in [0x1_07, 0x2_07, 0x3_07] {
            assert!(page.push(tag, kept(tag)));
        }
        assert_eq!(page.find(0x2_07), Some(1));
        assert_eq!(page.find(0x4_07), None);
        assert_eq!(page.kept(1).map(Kept::replenished), Some(0x2_07));
        assert_eq!(page.kept(3), None);
    }

    #[test]
    fn only_what_is_replenished_is_evicted() {
        let mut page = Page::default();
        for at in 0..SLOTS as u64 {
            assert!(page.push((at << 32) | at, kept(at)));
        }
        assert!(!page.push(99, kept(99)));
        assert_eq!(page.evict(30, |_| false), 31);
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
        assert_eq!(page.evict(10, |tag| tag == other), 0);
        assert_eq!(page.evict(10, |_| false), 1);
        assert!(page.find(dead).is_some() && page.find(other).is_none());
        assert_eq!(page.evict(50, |_| false), 2);
    }

    #[test]
    fn foreign_bytes_are_no_page() {
        let mut page = Page::default();
        page.push(1, kept(5));
        let read = |bytes: &[u8]| Page::from_bytes(&mut bytes.to_vec()).copied();
        assert_eq!(read(page.as_bytes()), Some(page));
        for (place, value) in [
            (0, 0),
            (0, 2),
            (0, b'{'),
            (1, 63),
            (1, 255),
            (2, 9),
            (64, 9),
            (72, 3),
        ] {
            let mut other = page.as_bytes().to_vec();
            other[place] = value;
            assert_eq!(read(&other), None, "{value} at {place}");
        }
        for length in [0, 1, 4_031, 4_033, 8_064] {
            let mut other = page.as_bytes().to_vec();
            other.resize(length, 0);
            assert_eq!(read(&other), None, "{length}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(slots in prop::collection::vec((any::<u64>(), 0..u64::MAX / 4, any::<[u16; 24]>()), 0..=SLOTS)) {
            let mut page = Page::default();
            for &(tag, at, words) in &slots {
                let pushed = page.push(tag, Kept { clock: at << 2, words });
                prop_assert!(pushed);
            }
            let read = Page::from_bytes(&mut page.as_bytes().to_vec()).copied();
            prop_assert_eq!(read, Some(page));
            for &(tag, ..) in &slots {
                prop_assert!(page.find(tag).is_some());
            }
        }

        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 4_032), len in 0u8..70, now in any::<u64>()) {
            let mut bytes = bytes;
            (bytes[0], bytes[1]) = (VERSION, len);
            if let Some(page) = Page::from_bytes(&mut bytes) {
                let _ = page.find(u64::from(len));
                page.evict(now, |_| false);
                while page.push(1, Kept::default()) {}
                prop_assert_eq!(page.len(), SLOTS);
            }
        }
    }
}
