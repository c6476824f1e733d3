//! As many things as there is room for, by their hashes; beyond that a fair sample of them.

use std::collections::BTreeMap;

/// What a place in the tree costs beside the value, in bytes, and how much of its nodes such a tree leaves empty: a
/// third.
const PLACE: usize = 16;

/// Something that is held by its hash.
pub trait Held: Default {
    /// The bytes that it has asked for, beside its own.
    fn bytes(&self) -> usize;
}

impl Held for () {
    fn bytes(&self) -> usize {
        0
    }
}

/// Things by their hashes, in bounded memory. Where that is not enough, every second one goes, and with it all that
/// will come of the same half: which ones depends on the hash alone, so what stays is seen from its first to its last.
#[derive(Debug, Clone)]
pub struct Sample<V> {
    held: BTreeMap<u64, V>,
    /// How many low bits of a hash must be 0.
    halvings: u32,
    room: usize,
    /// Bytes in use, or more, since what was given back is only seen when all is counted.
    used: usize,
    /// When all is to be counted again.
    due: usize,
}

impl<V: Held> Sample<V> {
    /// Holds things in about so many bytes, and at least one.
    #[must_use]
    pub const fn new(room: usize) -> Self {
        Self {
            held: BTreeMap::new(),
            halvings: 0,
            room,
            used: 0,
            due: room,
        }
    }

    /// Does something with the thing of this hash, which is made if it is new; `None` if it is not of the sample.
    pub fn with<T>(&mut self, hash: u64, action: impl FnOnce(&mut V) -> T) -> Option<T> {
        if self.used > self.due {
            self.shrink();
        }
        if hash.trailing_zeros() < self.halvings {
            return None;
        }
        let mut more = 0;
        let value = self.held.entry(hash).or_insert_with(|| {
            more = cost::<V>();
            V::default()
        });
        let before = value.bytes();
        let result = action(value);
        more = more.saturating_add(value.bytes().saturating_sub(before));
        self.used = self.used.saturating_add(more);
        Some(result)
    }

    /// Halves the sample until there is room.
    fn shrink(&mut self) {
        self.count();
        while self.used > self.room && self.held.len() > 1 {
            self.halvings = self.halvings.saturating_add(1);
            let halvings = self.halvings;
            self.held
                .retain(|hash, _| hash.trailing_zeros() >= halvings);
            self.count();
        }
        // Some more, so that it is not all counted again with the next one.
        self.due = self.room.max(self.used).saturating_add(self.room / 8);
    }

    fn count(&mut self) {
        let bytes = self.held.values().map(V::bytes);
        self.used = bytes.fold(0, |sum: usize, bytes| {
            sum.saturating_add(bytes).saturating_add(cost::<V>())
        });
    }

    /// How many things there are of each one that is held.
    #[must_use]
    pub fn weight(&self) -> u64 {
        1_u64.checked_shl(self.halvings).unwrap_or(u64::MAX)
    }

    /// How many things there are, about.
    #[must_use]
    pub fn len(&self) -> u64 {
        (self.held.len() as u64).saturating_mul(self.weight())
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.held.is_empty()
    }

    /// All that is held, by hash.
    pub fn iter(&self) -> impl Iterator<Item = (u64, &V)> {
        self.held.iter().map(|(&hash, value)| (hash, value))
    }
}

/// What a thing costs, in bytes.
const fn cost<V>() -> usize {
    let bytes = size_of::<V>().saturating_add(PLACE);
    bytes.saturating_add(bytes / 2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::traits::mix;

    #[test]
    fn what_fits_is_held_whole() {
        let mut sample = Sample::<()>::new(24 * 1_000);
        for index in 0..1_000 {
            assert_eq!(sample.with(mix(index), |()| 7), Some(7));
        }
        assert_eq!((sample.len(), sample.weight()), (1_000, 1));
    }

    #[test]
    fn what_does_not_fit_is_sampled_fairly() {
        let mut sample = Sample::<()>::new(24 * 1_000);
        for _ in 0..2 {
            for index in 0..100_000 {
                sample.with(mix(index), |()| ());
            }
        }
        let held = sample.iter().count();
        assert!(held <= 1_200, "{held}");
        assert!(
            (128..=256).contains(&sample.weight()),
            "{}",
            sample.weight()
        );
        assert!(
            (90_000..=110_000).contains(&sample.len()),
            "{}",
            sample.len()
        );
    }

    #[test]
    fn one_is_held_whatever_it_takes() {
        let mut sample = Sample::<()>::new(0);
        (1..1_000).for_each(|index| {
            sample.with(mix(index), |()| ());
        });
        assert!(sample.iter().count() <= 2);
    }
}
