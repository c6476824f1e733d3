//! Lists of values of a trait, thousands of entries long, and looked through in no time.

mod blocks;
mod texts;

pub use blocks::{Block, Blocks};
pub use texts::{MAX_PATTERNS, Texts};

/// A list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum List {
    /// Texts, and patterns of them.
    Texts(Texts),
    /// Blocks of addresses.
    Blocks(Blocks),
}

/// The places of `count` items in their order, as `before` says it; equal ones stay as they came. A merge sort: the
/// library's sorts are made for more than one list at a start, and each is several KB of the module.
fn order(count: u32, before: &dyn Fn(u32, u32) -> bool) -> Vec<u32> {
    let mut order: Vec<u32> = (0..count).collect();
    let mut width = 1;
    while width < order.len() {
        let mut merged = Vec::with_capacity(order.len());
        let both = width.saturating_mul(2);
        for run in order.chunks(both) {
            let (mut left, mut right) = run.split_at(width.min(run.len()));
            while let ([first, others @ ..], [second, rest @ ..]) = (left, right) {
                if before(*second, *first) {
                    merged.push(*second);
                    right = rest;
                } else {
                    merged.push(*first);
                    left = others;
                }
            }
            merged.extend_from_slice(left);
            merged.extend_from_slice(right);
        }
        order = merged;
        width = both;
    }
    order
}

#[cfg(test)]
mod tests;
