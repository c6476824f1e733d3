//! A page: up to 63 counters side by side, 4 KiB in memory, only as long as it needs to be in a host's store.

use crate::exchange::Millis;
use crate::quota::window::Kept;

/// How many counters a page holds.
pub const SLOTS: usize = 63;

/// The first bytes of a stored page: two letters and the version of the layout. A page that begins with anything
/// else was written by another version, or by something else altogether.
const MAGIC: [u8; 3] = [b'S', b'G', 1];

/// Bytes before the first slot of a stored page.
const HEAD: usize = 4;

/// Bytes of a stored slot.
const SLOT: usize = 64;

/// One counter: whose it is, and what is kept of its window. A cache line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[repr(C, align(64))]
pub struct Slot {
    /// Keyed hash of subject and rule.
    pub tag: u64,
    /// The window.
    pub kept: Kept,
}

/// A set-associative bucket of counters.
///
/// INVARIANT: the first `len` slots are in use, `len` is at most [`SLOTS`], and `prints` holds the low byte of each
/// one's tag, so that a look-up touches two cache lines and not the whole page.
#[derive(Debug, Clone, PartialEq, Eq)]
#[repr(C, align(4096))]
pub struct Page {
    len: u8,
    prints: [u8; SLOTS],
    slots: [Slot; SLOTS],
}

/// The bytes are not a page of this version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotAPage;

impl Default for Page {
    fn default() -> Self {
        Self {
            len: 0,
            prints: [0; SLOTS],
            slots: [Slot::default(); SLOTS],
        }
    }
}

impl Page {
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

    /// Forgets every counter.
    pub fn clear(&mut self) {
        self.len = 0;
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

    /// Removes every counter that is fully replenished at `now`, and says how many: forgetting those forgives nobody.
    pub fn evict(&mut self, now: Millis) -> u32 {
        let mut evicted: u32 = 0;
        let mut place = 0;
        while place < self.len() {
            if self
                .kept(place)
                .is_some_and(|kept| kept.replenished() <= now)
            {
                self.swap_remove(place);
                evicted = evicted.saturating_add(1);
            } else {
                place = place.saturating_add(1);
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

    /// Reads a stored page into this one.
    ///
    /// # Errors
    /// The bytes are of another version, or corrupted; then the page is empty. Whatever the bytes, nothing panics.
    pub fn decode(&mut self, bytes: &[u8]) -> Result<(), NotAPage> {
        self.len = 0;
        let (head, body) = bytes.split_at_checked(HEAD).ok_or(NotAPage)?;
        let (magic, len) = (head.get(..3), head.get(3).copied().unwrap_or(0));
        let count = usize::from(len);
        if magic != Some(MAGIC.as_slice())
            || count > SLOTS
            || body.len() != count.saturating_mul(SLOT)
        {
            return Err(NotAPage);
        }
        for ((slot, mark), bytes) in self
            .slots
            .iter_mut()
            .zip(&mut self.prints)
            .zip(body.as_chunks::<SLOT>().0)
        {
            *slot = decode_slot(bytes);
            *mark = print(slot.tag);
            if slot.kept.shape().is_none() {
                return Err(NotAPage);
            }
        }
        self.len = len;
        Ok(())
    }

    /// Writes the page as it is stored, in place of what `bytes` held: 4 bytes and 64 for every counter in use.
    pub fn encode(&self, bytes: &mut Vec<u8>) {
        bytes.clear();
        bytes.extend_from_slice(&MAGIC);
        bytes.push(self.len);
        for slot in self.slots.iter().take(self.len()) {
            bytes.extend_from_slice(&encode_slot(slot));
        }
    }
}

fn print(tag: u64) -> u8 {
    (tag & 0xff) as u8
}

fn decode_slot(bytes: &[u8; SLOT]) -> Slot {
    let (numbers, words) = bytes.split_at(16);
    let mut numbers = numbers
        .as_chunks::<8>()
        .0
        .iter()
        .map(|chunk| u64::from_le_bytes(*chunk));
    let (tag, clock) = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    let mut kept = Kept {
        clock,
        ..Kept::default()
    };
    for (word, chunk) in kept.words.iter_mut().zip(words.as_chunks::<2>().0) {
        *word = u16::from_le_bytes(*chunk);
    }
    Slot { tag, kept }
}

fn encode_slot(slot: &Slot) -> [u8; SLOT] {
    let mut bytes = [0; SLOT];
    let (numbers, words) = bytes.split_at_mut(16);
    for (chunk, number) in numbers
        .as_chunks_mut::<8>()
        .0
        .iter_mut()
        .zip([slot.tag, slot.kept.clock])
    {
        *chunk = number.to_le_bytes();
    }
    for (chunk, word) in words
        .as_chunks_mut::<2>()
        .0
        .iter_mut()
        .zip(&slot.kept.words)
    {
        *chunk = word.to_le_bytes();
    }
    bytes
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
    fn a_page_is_one_memory_page_and_fits_its_cost() {
        assert_eq!(size_of::<Page>(), 4_096);
        assert_eq!(size_of::<Slot>(), SLOT);
        let mut page = Page::default();
        while page.push(7, kept(1)) {}
        let mut bytes = Vec::new();
        page.encode(&mut bytes);
        assert!(bytes.len() < 4_096, "{}", bytes.len());
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
            assert!(page.push(at, kept(at)));
        }
        assert!(!page.push(99, kept(99)));
        assert_eq!(page.evict(30), 31);
        assert_eq!(page.len(), SLOTS - 31);
        assert!((0..=30).all(|tag| page.find(tag).is_none()));
        assert!((31..63).all(|tag| page.find(tag).is_some()));
    }

    #[test]
    fn foreign_bytes_are_no_page() {
        let mut page = Page::default();
        page.push(1, kept(5));
        let mut bytes = Vec::new();
        page.encode(&mut bytes);
        let mut versions = vec![
            Vec::new(),
            vec![0],
            b"SG".to_vec(),
            bytes[..bytes.len() - 1].to_vec(),
        ];
        for (place, value) in [(0, b'X'), (2, 2), (3, 2), (3, 64), (12, 3)] {
            let mut other = bytes.clone();
            other[place] = value;
            versions.push(other);
        }
        for other in versions {
            assert_eq!(page.decode(&other), Err(NotAPage), "{other:?}");
            assert!(page.is_empty());
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(slots in prop::collection::vec((any::<u64>(), 0..u64::MAX / 4, any::<[u16; 24]>()), 0..=SLOTS)) {
            let mut page = Page::default();
            for &(tag, at, words) in &slots {
                page.push(tag, Kept { clock: at << 2, words });
            }
            let mut bytes = Vec::new();
            page.encode(&mut bytes);
            let mut other = Page::default();
            prop_assert_eq!(other.decode(&bytes), Ok(()));
            for &(tag, ..) in &slots {
                prop_assert_eq!(page.find(tag).map(|place| page.kept(place)), other.find(tag).map(|place| other.kept(place)));
            }
        }

        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..5000), len in 0u8..70) {
            let mut page = Page::default();
            let _ = page.decode(&bytes);
            let mut framed = vec![b'S', b'G', 1, len];
            framed.extend_from_slice(&bytes);
            framed.truncate(HEAD + usize::from(len) * SLOT);
            let _ = page.decode(&framed);
            page.evict(u64::MAX);
        }
    }
}
