//! HyperLogLog: how many distinct things there are, estimated from the rarest pattern in each of 504 groups of them.
//!
//! The estimator is the improved raw one of O. Ertl, "New cardinality estimation algorithms for HyperLogLog sketches"
//! (arXiv 1702.01284), which needs no tables and is as good for few as for many. Its standard deviation is
//! 1.04 / √504 = 4.6 %. His correction for registers that are full is left out: that takes 2³¹ things.

use crate::window::WORDS;

/// How many groups there are: as many registers of 5 bits as there is room for in 7 slots, three in each word.
const COUNT: u32 = 504;

/// Slots that the registers take.
pub(super) const PARTS: usize = 7;

/// Bits of a hash that are left for the pattern once 504 groups are told apart: 2³¹ / 504 = 2²².
const PATTERN: u32 = 22;

/// The bit that no register uses, set in the second word of each part: so no part looks like a small set's.
const MARK: u16 = 0x8000;

/// Bits of a word at which a register begins.
const SHIFTS: [u32; 3] = [0, 5, 10];

/// The registers, as they are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Registers([[u16; WORDS]; PARTS]);

/// Where an element counts, and how much.
///
/// 31 bits of hash suffice: of 100,000 things 2 share theirs with another, and the longest pattern among them is about
/// 100,000 / 504 = 2⁸ times shorter than what 22 bits tell apart.
#[derive(Debug, Clone, Copy)]
pub(super) struct Spot {
    word: usize,
    shift: u32,
    rank: u16,
}

impl Spot {
    pub(super) fn of(hash: u32) -> Self {
        // 31 bits times 504: the whole part is the group, the fraction is the pattern.
        let product = u64::from(hash & super::set::HASH).wrapping_mul(u64::from(COUNT));
        let (group, fraction) = ((product >> 31) as u32, (product << 1) as u32);
        Self {
            word: (group / 3) as usize,
            shift: (group % 3).wrapping_mul(5),
            rank: fraction.leading_zeros().min(PATTERN).wrapping_add(1) as u16,
        }
    }
}

impl Default for Registers {
    fn default() -> Self {
        let mut part = [0; WORDS];
        part[1] = MARK;
        Self([part; PARTS])
    }
}

impl Registers {
    /// Reads a part; one that is not there counts nothing.
    pub(super) fn set_part(&mut self, index: usize, words: [u16; WORDS]) {
        if let Some(part) = self.0.get_mut(index) {
            *part = words;
            part[1] |= MARK;
        }
    }

    pub(super) fn part(&self, index: usize) -> Option<[u16; WORDS]> {
        self.0.get(index).copied()
    }

    /// Whether an element would change nothing: it is among what is counted, or looks as if it were.
    pub(super) fn has(&self, spot: Spot) -> bool {
        let word = self.0.as_flattened().get(spot.word);
        word.is_none_or(|word| (word >> spot.shift) & 31 >= spot.rank)
    }

    /// Counts an element.
    pub(super) fn raise(&mut self, spot: Spot) {
        if !self.has(spot)
            && let Some(word) = self.0.as_flattened_mut().get_mut(spot.word)
        {
            *word = (*word & !(31 << spot.shift)) | (spot.rank << spot.shift);
        }
    }

    /// Counts all that others count.
    pub(super) fn join(&mut self, other: &Self) {
        let pairs = self
            .0
            .as_flattened_mut()
            .iter_mut()
            .zip(other.0.as_flattened());
        for (word, &other) in pairs {
            *word = SHIFTS.iter().fold(*word & MARK, |joined, shift| {
                let register = 31 << shift;
                joined | (*word & register).max(other & register)
            });
        }
    }

    /// How many distinct elements are counted, about.
    pub(super) fn estimate(&self) -> u32 {
        let (mut zeros, mut sum): (u32, u64) = (0, 0);
        for word in self.0.as_flattened() {
            for shift in SHIFTS {
                let rank = (word >> shift) & 31;
                zeros = zeros.wrapping_add(u32::from(rank == 0));
                sum = sum.wrapping_add((1 << 32) >> rank);
            }
        }
        // What the empty ones add to the sum, 1 each, is replaced.
        let used = (sum as f64) / 4_294_967_296.0 - f64::from(zeros);
        let groups = f64::from(COUNT);
        let spread = used + groups * sigma(f64::from(zeros) / groups);
        // α = 1 / (2 ln 2); of no elements the spread is infinite.
        let estimate = groups * groups * (0.5 / core::f64::consts::LN_2) / spread;
        (estimate + 0.5) as u32
    }
}

/// What empty registers stand for: x + Σ 2^(k-1) x^(2^k), infinite where all are empty.
fn sigma(share: f64) -> f64 {
    let (mut power, mut weight, mut sum) = (share, 1.0, share);
    if share >= 1.0 {
        return f64::INFINITY;
    }
    loop {
        power *= power;
        let more = sum + power * weight;
        if more <= sum {
            return sum;
        }
        sum = more;
        weight += weight;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::distinct::tests::spread;

    fn of(hashes: impl Iterator<Item = u32>) -> Registers {
        let mut registers = Registers::default();
        hashes.for_each(|hash| registers.raise(Spot::of(hash)));
        registers
    }

    #[test]
    fn every_hash_has_a_register() {
        for hash in [0, 1, 0x3fff_ffff, 0x7fff_fffe, 0x7fff_ffff, u32::MAX] {
            let spot = Spot::of(hash);
            assert!(spot.word < WORDS * PARTS && spot.shift <= 10 && (1..=23).contains(&spot.rank));
            let registers = of([hash].into_iter());
            assert!(registers.has(spot) && !Registers::default().has(spot));
            assert_eq!(registers.estimate(), 1, "{hash}");
        }
    }

    #[test]
    fn none_and_all_are_numbers() {
        assert_eq!(Registers::default().estimate(), 0);
        let mut full = Registers::default();
        (0..PARTS).for_each(|index| full.set_part(index, [u16::MAX; WORDS]));
        assert_eq!(full.estimate(), u32::MAX);
        full.join(&Registers::default());
        assert_eq!(full.0, [[u16::MAX; WORDS]; PARTS]);
    }

    #[test]
    fn the_union_counts_what_either_counts() {
        let (low, high) = (of((0..5_000).map(spread)), of((3_000..9_000).map(spread)));
        let mut union = low;
        union.join(&high);
        assert_eq!(union, of((0..9_000).map(spread)));
        union.join(&low);
        assert!(
            (7_700..10_300).contains(&union.estimate()),
            "{}",
            union.estimate()
        );
    }
}
