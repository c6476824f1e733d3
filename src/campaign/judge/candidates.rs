//! Features that may become hot: for each the keys that had it lately, as a few bits.
//!
//! Whoever asks something that nobody else asks leaves features here by the dozen, and none of them is ever seen again. So the
//! table is small, those that were seen once make room first, and a feature stays the longer the more keys have it.

use bytemuck::{Pod, Zeroable};

use crate::traits::mix;

/// Buckets of eight cells, each bucket a cache line: 1 MiB in all.
const BUCKETS: usize = 16_384;

/// Cells of a bucket.
const WAYS: usize = 8;

/// As many of a cell's 16 bits make a feature hot: about 9 keys.
const HOT: u32 = 7;

/// How long a cell outlives its last sight for every bit after the first, in units of 16 s: an hour.
const STAY: i32 = 225;

/// A feature, and who had it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub(super) struct Cell {
    /// Half of the feature's hash; 0 for a free cell.
    tag: u32,
    /// Bits of keys.
    keys: u16,
    /// When it was last seen, in units of 16 s. It runs over after 12 days, when nothing here is that old.
    seen: u16,
}

/// A bucket. As it fills a cache line, it must not lie in two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Pod, Zeroable)]
#[repr(C, align(64))]
pub(super) struct Bucket([Cell; WAYS]);

/// The table.
#[derive(Debug)]
pub(super) struct Candidates {
    pub(super) cells: Vec<Bucket>,
}

impl Candidates {
    pub(super) fn new() -> Self {
        Self {
            cells: vec![Bucket::zeroed(); BUCKETS],
        }
    }

    /// A key has a feature; answers whether the feature is hot now. Then it leaves the table.
    pub(super) fn see(&mut self, feature: u64, key: u64, now: u32) -> bool {
        let place = (feature >> 32) as usize & (BUCKETS - 1);
        let tag = (feature as u32).max(1);
        let now = (now >> 4) as u16;
        let Some(Bucket(bucket)) = self.cells.get_mut(place) else {
            return false;
        };
        let bit = 1_u16.wrapping_shl((mix(key ^ feature) >> 60) as u32);
        if let Some(cell) = bucket.iter_mut().find(|cell| cell.tag == tag) {
            cell.keys |= bit;
            cell.seen = now;
            let hot = cell.keys.count_ones() >= HOT;
            if hot {
                *cell = Cell::zeroed();
            }
            return hot;
        }
        // Whoever would be missed least makes room.
        let spare = |cell: &Cell| {
            let idle = i32::from(now.wrapping_sub(cell.seen));
            // Most have one bit, and to count bits takes time.
            let more = match cell.keys {
                keys if keys & keys.wrapping_sub(1) == 0 => 0,
                keys => (keys.count_ones() as i32).saturating_sub(1),
            };
            if cell.tag == 0 {
                i32::MAX
            } else {
                idle.saturating_sub(STAY.wrapping_mul(more))
            }
        };
        if let Some(cell) = bucket.iter_mut().max_by_key(|cell| spare(cell)) {
            *cell = Cell {
                tag,
                keys: bit,
                seen: now,
            };
        }
        false
    }
}
