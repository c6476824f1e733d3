//! Lists of values of a trait, thousands of entries long, and looked through in no time.

use core::net::IpAddr;

use super::pattern::Pattern;

/// A list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum List {
    /// Texts, and patterns of them.
    Texts(Texts),
    /// Blocks of addresses.
    Blocks(Blocks),
}

/// Texts in ascending order, and patterns.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Texts {
    exact: Vec<Vec<u8>>,
    patterns: Vec<Pattern>,
}

/// Blocks of addresses.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Blocks {
    /// First and last address of each, as IPv6, in ascending order; none touches another.
    ranges: Vec<(u128, u128)>,
}

impl Texts {
    /// Takes entries in any order; in an entry `*` stands for any bytes.
    #[must_use]
    pub fn new<'a>(entries: impl Iterator<Item = &'a str>) -> Self {
        let mut texts = Self::default();
        for entry in entries {
            if entry.contains('*') {
                texts.patterns.push(Pattern::new(entry));
            } else if let Err(place) = texts
                .exact
                .binary_search_by(|other| other.as_slice().cmp(entry.as_bytes()))
            {
                texts.exact.insert(place, entry.as_bytes().to_vec());
            }
        }
        texts
    }

    /// Whether a text is on the list.
    #[must_use]
    pub fn has(&self, text: &[u8]) -> bool {
        self.exact
            .binary_search_by(|other| other.as_slice().cmp(text))
            .is_ok()
            || self.patterns.iter().any(|pattern| pattern.matches(text))
    }
}

impl Blocks {
    /// Whether an address is in a block of the list.
    #[must_use]
    pub fn has(&self, address: IpAddr) -> bool {
        let address = match address.to_canonical() {
            IpAddr::V4(address) => address.to_ipv6_mapped().to_bits(),
            IpAddr::V6(address) => address.to_bits(),
        };
        let after = self.ranges.partition_point(|&(first, _)| first <= address);
        let range = after
            .checked_sub(1)
            .and_then(|place| self.ranges.get(place));
        range.is_some_and(|&(_, last)| address <= last)
    }
}
