//! A page: 62 slots side by side, the same bytes in memory and in a host's store. A counter takes one slot, a set of
//! distinct things up to 15.

mod room;

pub use room::{Census, SMALL};

use bytemuck::{Pod, Zeroable};

use crate::window::Kept;

#[cfg(target_endian = "big")]
compile_error!(
    "pages are stored as they lie in memory, which is little-endian on every host of ours"
);

/// How many slots a page has.
pub const SLOTS: usize = 62;

/// The most slots that one set takes.
pub const PARTS: usize = 15;

/// The layout below. A page that begins with another number was written by another version, or is no page.
const VERSION: u8 = 1;

/// One counter, or a part of a set: whose it is, and what is kept of it. 64 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Pod, Zeroable)]
#[repr(C)]
pub struct Slot {
    /// Keyed hash of subject and rule; of a set's part, what [`part`] makes of it.
    pub tag: u64,
    /// The window, or the part.
    pub kept: Kept,
}

/// A set-associative bucket of counters and sets: 4,032 bytes.
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

    /// Whether what is held twice agrees. Windows and sets may be any bytes.
    fn is_whole(&self) -> bool {
        let mut slots = self.prints.iter().zip(&self.slots).take(self.len());
        slots.all(|(&mark, slot)| mark == print(slot.tag))
    }

    /// The page as it is stored.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        bytemuck::bytes_of(self)
    }

    /// Slots in use.
    #[must_use]
    pub fn len(&self) -> usize {
        usize::from(self.len).min(SLOTS)
    }

    /// Whether no slot is in use.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The place of the counter with this tag.
    #[must_use]
    pub fn find(&self, tag: u64) -> Option<usize> {
        self.find_slot(tag, false)
    }

    fn find_slot(&self, tag: u64, set: bool) -> Option<usize> {
        let prints = self.prints.get(..self.len())?;
        let mut places = memchr::memchr_iter(print(tag), prints);
        places.find(|&place| {
            self.slots
                .get(place)
                .is_some_and(|slot| slot.tag == tag && slot.kept.is_set() == set)
        })
    }

    /// Visits the parts that are there of the set with this tag, each with its index.
    pub fn each_part<'p>(&'p self, tag: u64, mut visit: impl FnMut(usize, &'p Kept)) {
        let prints = self.prints.get(..self.len()).unwrap_or_default();
        for place in memchr::memchr_iter(print(tag), prints) {
            if let Some(slot) = self.slots.get(place)
                && let Some(index) = slot.index_in(tag)
            {
                visit(index, &slot.kept);
            }
        }
    }

    /// Replaces or adds a part of a set; `false` if it is new and the page is full.
    pub fn put_part(&mut self, tag: u64, index: usize, kept: Kept) -> bool {
        let tag = part(tag, index);
        match self.find_slot(tag, true) {
            Some(place) => {
                self.put(place, kept);
                true
            }
            None => self.push(tag, kept),
        }
    }

    /// Removes a part of a set, if it is there.
    pub fn remove_part(&mut self, tag: u64, index: usize) {
        if let Some(place) = self.find_slot(part(tag, index), true) {
            self.swap_remove(place);
        }
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

    #[inline(never)] // All that makes room calls it, and none of it is in a hurry.
    fn swap_remove(&mut self, place: usize) {
        let last = self.len().saturating_sub(1);
        if place < self.len() {
            self.slots.swap(place, last);
            self.prints.swap(place, last);
            self.len = self.len.saturating_sub(1);
        }
    }
}

impl Slot {
    /// Which part of the set with this tag it is, if it is one.
    fn index_in(&self, tag: u64) -> Option<usize> {
        let index = (self.tag ^ tag) >> 8;
        (self.kept.is_set() && index < PARTS as u64 && print(self.tag) == print(tag))
            .then_some(index as usize)
    }
}

/// The tag of a set's part by its index; the first has the set's own. All have the low byte in common, so that one look at
/// the prints finds them.
#[must_use]
pub const fn part(tag: u64, index: usize) -> u64 {
    tag ^ ((index as u64) << 8)
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
    use crate::exchange::Millis;
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
                page.evict(now, &|_| false);
                while page.push(1, Kept::default()) {}
                prop_assert_eq!(page.len(), SLOTS);
            }
        }
    }
}
