//! Texts and patterns of them: a table of hashes for whole texts, halving for `prefix*`, and one after the other for the
//! few patterns that are neither.

use core::hash::Hasher;

use siphasher::sip::SipHasher13;

use super::order;
use crate::policy::pattern::Pattern;

/// The most patterns of a list that are not a text with one `*` at its end: each request may try all of them.
pub const MAX_PATTERNS: usize = 256;

/// Texts, and patterns of them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Texts {
    exact: Table,
    /// What comes before the `*`, in ascending order; none begins with another.
    prefixes: Strings,
    patterns: Vec<Pattern>,
}

impl Texts {
    /// Takes entries in any order; in an entry `*` stands for any bytes. What is there twice is kept once.
    #[must_use]
    pub fn new<'a>(entries: impl Iterator<Item = &'a str>) -> Self {
        let (mut exact, mut prefixes) = (Strings::default(), Strings::default());
        let mut patterns = Vec::new();
        for entry in entries {
            match entry.find('*') {
                None => exact.push(entry.as_bytes()),
                Some(place) if place.saturating_add(1) == entry.len() => {
                    prefixes.push(entry.as_bytes().get(..place).unwrap_or_default());
                }
                Some(_) => patterns.push(Pattern::new(entry)),
            }
        }
        Self {
            exact: Table::new(&exact),
            prefixes: shortest(&prefixes),
            patterns,
        }
    }

    /// How many entries are patterns that are tried one after the other; see [`MAX_PATTERNS`].
    #[must_use]
    pub fn patterns(&self) -> usize {
        self.patterns.len()
    }

    /// Whether a text is on the list.
    #[must_use]
    pub fn has(&self, text: &[u8]) -> bool {
        self.exact.has(text)
            || begins_with_one_of(text, &self.prefixes)
            || self.patterns.iter().any(|pattern| pattern.matches(text))
    }
}

/// The prefixes that begin with no other, in ascending order.
fn shortest(prefixes: &Strings) -> Strings {
    let mut kept = Strings::default();
    let before = |one: u32, other: u32| prefixes.at(one) < prefixes.at(other);
    for place in order(prefixes.count(), &before) {
        let prefix = prefixes.at(place);
        // What begins with a prefix comes right after it.
        if kept.last().is_none_or(|last| !prefix.starts_with(last)) {
            kept.push(prefix);
        }
    }
    kept.shrink();
    kept
}

/// Of prefixes none of which begins with another, only the last that is not after a text can begin it: any between would
/// begin with that one.
fn begins_with_one_of(text: &[u8], prefixes: &Strings) -> bool {
    let (mut low, mut high) = (0, prefixes.count());
    while low < high {
        let middle = low.midpoint(high);
        if prefixes.at(middle) <= text {
            low = middle.saturating_add(1);
        } else {
            high = middle;
        }
    }
    low.checked_sub(1)
        .is_some_and(|place| text.starts_with(prefixes.at(place)))
}

/// Texts in a row of bytes, without an allocation for each.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Strings {
    bytes: Vec<u8>,
    /// Where each text ends, and the next begins.
    ends: Vec<u32>,
}

impl Strings {
    fn push(&mut self, text: &[u8]) {
        self.bytes.extend_from_slice(text);
        // The reader bounds how many entries there are and how long each is.
        self.ends
            .push(u32::try_from(self.bytes.len()).unwrap_or(u32::MAX));
    }

    fn count(&self) -> u32 {
        u32::try_from(self.ends.len()).unwrap_or(u32::MAX)
    }

    fn at(&self, place: u32) -> &[u8] {
        let end = |place: u32| self.ends.get(place as usize).map(|&end| end as usize);
        let begin = place.checked_sub(1).and_then(end).unwrap_or(0);
        let end = end(place).unwrap_or(begin);
        self.bytes.get(begin..end).unwrap_or_default()
    }

    fn last(&self) -> Option<&[u8]> {
        self.count().checked_sub(1).map(|place| self.at(place))
    }

    /// Gives back what was grown and not used: the policy lives as long as the process.
    fn shrink(&mut self) {
        self.bytes.shrink_to_fit();
        self.ends.shrink_to_fit();
    }
}

/// Up to this many texts comparing is quicker than hashing.
const FEW: usize = 4;

/// Texts in buckets by their hashes, about one in each.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Table {
    /// A hash of all texts, with which each is hashed: who writes a part of a list cannot choose where it falls.
    seed: u64,
    /// Where each bucket ends in `texts`, and the next begins. A power of two of them.
    ends: Vec<u32>,
    texts: Strings,
}

impl Table {
    fn new(texts: &Strings) -> Self {
        let seed = hash(&texts.bytes, 0);
        let buckets = match texts.ends.len() {
            0..=FEW => 1,
            many => many.next_power_of_two(),
        };
        let homes: Vec<usize> = (0..texts.count())
            .map(|place| bucket(texts.at(place), seed, buckets))
            .collect();
        let home = |place: u32| homes.get(place as usize).copied().unwrap_or(0);
        let (mut ends, mut kept) = (Vec::with_capacity(buckets), Strings::default());
        for place in order(texts.count(), &|one, other| home(one) < home(other)) {
            // All of the buckets before it are there.
            ends.resize(home(place), kept.count());
            let begin = ends.last().copied().unwrap_or(0);
            let text = texts.at(place);
            if !(begin..kept.count()).any(|place| kept.at(place) == text) {
                kept.push(text);
            }
        }
        ends.resize(buckets, kept.count());
        kept.shrink();
        Self {
            seed,
            ends,
            texts: kept,
        }
    }

    fn has(&self, text: &[u8]) -> bool {
        let bucket = bucket(text, self.seed, self.ends.len());
        let end = |bucket: usize| self.ends.get(bucket).copied().unwrap_or(0);
        let begin = bucket.checked_sub(1).map_or(0, end);
        (begin..end(bucket)).any(|place| self.texts.at(place) == text)
    }
}

/// Which of a power of two of buckets a text is in.
fn bucket(text: &[u8], seed: u64, buckets: usize) -> usize {
    if buckets <= 1 {
        return 0;
    }
    let mask = buckets.wrapping_sub(1) as u64;
    usize::try_from(hash(text, seed) & mask).unwrap_or(0)
}

#[inline(never)] // It is long.
fn hash(text: &[u8], seed: u64) -> u64 {
    let mut hasher = SipHasher13::new_with_keys(seed, 0);
    hasher.write(text);
    hasher.finish()
}
