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

/// A block of addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Block {
    /// Whether the addresses are of IPv4, and have 32 bits.
    pub is_ipv4: bool,
    /// The first address.
    pub first: u128,
    /// The last.
    pub last: u128,
}

impl Blocks {
    /// Takes blocks in any order; what overlaps or touches becomes one.
    #[must_use]
    pub fn new(blocks: &[Block]) -> Self {
        let at = |place: u32| blocks.get(place as usize);
        let count = u32::try_from(blocks.len()).unwrap_or(u32::MAX);
        let mut merged: Vec<Block> = Vec::new();
        for place in order(count, &|one, other| at(one) < at(other)) {
            let Some(&block) = at(place) else { continue };
            match merged.last_mut() {
                Some(before)
                    if before.is_ipv4 == block.is_ipv4
                        && block.first <= before.last.saturating_add(1) =>
                {
                    before.last = before.last.max(block.last);
                }
                _ => merged.push(block),
            }
        }
        let mut blocks = Self::default();
        for block in merged {
            if block.is_ipv4 {
                let bits = |address| u32::try_from(address).unwrap_or(u32::MAX);
                blocks.ipv4.push((bits(block.first), bits(block.last)));
            } else {
                blocks.ipv6.push((block.first, block.last));
            }
        }
        // The policy lives as long as the process.
        blocks.ipv4.shrink_to_fit();
        blocks.ipv6.shrink_to_fit();
        blocks
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
