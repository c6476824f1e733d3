//! Blocks of addresses: ranges in their order, found by halving.

use core::net::IpAddr;

use super::order;

/// Blocks of addresses. IPv4 is kept apart: it is half of the steps' memory, and `::/0` is not about it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Blocks {
    /// First and last address of each, in ascending order; none touches another.
    ipv4: Vec<(u32, u32)>,
    /// As `ipv4`.
    ipv6: Vec<(u128, u128)>,
}

impl Blocks {
    /// Takes ranges, first and last address of each, in any order; what overlaps or touches becomes one.
    #[must_use]
    pub fn new(ipv4: &[(u32, u32)], ipv6: &[(u128, u128)]) -> Self {
        Self {
            ipv4: merged(ipv4, |last| last.saturating_add(1)),
            ipv6: merged(ipv6, |last| last.saturating_add(1)),
        }
    }

    /// Whether an address is in a block of the list. IPv4 in IPv6 is IPv4.
    #[must_use]
    pub fn has(&self, address: IpAddr) -> bool {
        match address.to_canonical() {
            IpAddr::V4(address) => within(&self.ipv4, address.to_bits()),
            IpAddr::V6(address) => within(&self.ipv6, address.to_bits()),
        }
    }
}

fn within<T: Copy + Ord>(ranges: &[(T, T)], address: T) -> bool {
    let after = ranges.partition_point(|&(first, _)| first <= address);
    let range = after.checked_sub(1).and_then(|place| ranges.get(place));
    range.is_some_and(|&(_, last)| address <= last)
}

fn merged<T: Copy + Ord>(ranges: &[(T, T)], next: fn(T) -> T) -> Vec<(T, T)> {
    let at = |place: u32| ranges.get(place as usize).copied();
    let mut merged: Vec<(T, T)> = Vec::new();
    let count = u32::try_from(ranges.len()).unwrap_or(u32::MAX);
    for place in order(count, &|one, other| at(one) < at(other)) {
        let Some((first, last)) = at(place) else {
            continue;
        };
        match merged.last_mut() {
            Some(before) if first <= next(before.1) => before.1 = before.1.max(last),
            _ => merged.push((first, last)),
        }
    }
    // The policy lives as long as the process.
    merged.shrink_to_fit();
    merged
}
