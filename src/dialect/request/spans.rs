//! Which bytes of a body hold a text.

use core::ops::Range;

use smallvec::SmallVec;

/// How many pieces of a text are kept. More than a person writes; what is dropped is counted.
pub const SPANS: usize = 16;

/// The pieces of a text, as ranges of bytes in a body, between the quotes and with their escapes as they are.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Spans {
    /// Most texts are one piece or a few.
    ranges: SmallVec<[(u32, u32); 4]>,
    dropped: u32,
}

impl Spans {
    /// The pieces in their order.
    pub fn iter(&self) -> impl Iterator<Item = Range<usize>> {
        self.ranges
            .iter()
            .map(|&(start, end)| start as usize..end as usize)
    }

    /// How many bytes they have together, as written.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.ranges
            .iter()
            .map(|&(start, end)| u64::from(end.saturating_sub(start)))
            .fold(0, u64::saturating_add)
    }

    /// Whether there is no text: an empty one is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// How many pieces came when there was no room for more.
    #[must_use]
    pub const fn dropped(&self) -> u32 {
        self.dropped
    }

    /// Adds a piece, unless it is empty.
    pub(super) fn push(&mut self, start: u64, end: u64) {
        let (Ok(start), Ok(end)) = (u32::try_from(start), u32::try_from(end)) else {
            self.dropped = self.dropped.saturating_add(1);
            return;
        };
        if start >= end {
            return;
        }
        if self.ranges.len() < SPANS {
            self.ranges.push((start, end));
        } else {
            self.dropped = self.dropped.saturating_add(1);
        }
    }

    /// Adds all pieces of another text.
    pub(super) fn append(&mut self, other: &Self) {
        for &(start, end) in &other.ranges {
            self.push(u64::from(start), u64::from(end));
        }
        self.dropped = self.dropped.saturating_add(other.dropped);
    }

    /// Forgets all pieces.
    pub(super) fn clear(&mut self) {
        self.ranges.clear();
        self.dropped = 0;
    }

    /// How many pieces there are, to come back to.
    pub(super) fn count(&self) -> usize {
        self.ranges.len()
    }

    /// Forgets all pieces but the first `count`.
    pub(super) fn truncate(&mut self, count: usize) {
        self.ranges.truncate(count);
    }
}

impl core::fmt::Debug for Spans {
    fn fmt(&self, to: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        to.debug_list().entries(self.iter()).finish()
    }
}
