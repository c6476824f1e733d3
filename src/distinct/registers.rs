//! HyperLogLog: how many distinct things there are, estimated from the rarest pattern in each of 504 groups of them.
//!
//! The estimator is the improved raw one of O. Ertl, "New cardinality estimation algorithms for HyperLogLog sketches"
//! (arXiv 1702.01284), which needs no tables and is as good for few as for many. Its standard deviation is
//! 1.04 / √504 = 4.6 %. His correction for registers that are full is left out: that takes 2³¹ things.

/// How many groups there are: as many registers of 5 bits as 7 slots hold.
const GROUPS: u32 = 504;

/// Registers in a number: three in each half, whose highest bit is free.
const EACH: u32 = 6;

/// Numbers that the registers take.
pub(crate) const NUMBERS: usize = (GROUPS / EACH) as usize;

/// Bits of a hash that are left for the pattern once 504 groups are told apart: 2³¹ / 504 = 2²².
const PATTERN: u32 = 22;

/// Where an element counts, and how much.
///
/// 31 bits of hash suffice: of 100,000 things 2 share theirs with another, and the longest pattern among them has about
/// 17 − 9 bits more than those which tell its group, of 22.
struct Spot {
    number: usize,
    shift: u32,
    rank: u32,
}

impl Spot {
    fn of(hash: u32) -> Self {
        // 31 bits times 504: the whole part is the group, the fraction is the pattern.
        let product = u64::from(hash << 1).wrapping_mul(u64::from(GROUPS));
        let (group, fraction) = ((product >> 32) as u32, product as u32);
        Self {
            number: (group / EACH) as usize,
            shift: shift(group % EACH),
            rank: fraction.leading_zeros().min(PATTERN).wrapping_add(1),
        }
    }
}

/// Where in a number a register begins.
const fn shift(place: u32) -> u32 {
    place.wrapping_mul(5).wrapping_add((place >= 3) as u32)
}

/// Whether an element would change nothing: it is among what is counted, or looks as if it were.
pub(super) fn has(registers: &[u32], hash: u32) -> bool {
    let spot = Spot::of(hash);
    let number = registers.get(spot.number);
    number.is_none_or(|number| (number >> spot.shift) & 31 >= spot.rank)
}

/// Counts an element.
pub(crate) fn raise(registers: &mut [u32], hash: u32) {
    let spot = Spot::of(hash);
    if let Some(number) = registers.get_mut(spot.number) {
        let rank = ((*number >> spot.shift) & 31).max(spot.rank);
        *number = (*number & !(31 << spot.shift)) | (rank << spot.shift);
    }
}

/// Counts what other registers count too: the larger of each two.
pub(crate) fn merge(registers: &mut [u32; NUMBERS], other: &[u32; NUMBERS]) {
    for (number, other) in registers.iter_mut().zip(other) {
        *number = (0..EACH).fold(0, |merged, place| {
            let rank = |number: u32| (number >> shift(place)) & 31;
            merged | (rank(*number).max(rank(*other)) << shift(place))
        });
    }
}

/// How many distinct elements several registers count together, about. Those that are empty need not be there.
pub(crate) fn estimate(all: [&[u32]; 3]) -> u32 {
    let mut merged = [0; NUMBERS];
    let mut there = all.into_iter().filter(|registers| !registers.is_empty());
    if let Some(first) = there.next() {
        merged
            .iter_mut()
            .zip(first)
            .for_each(|(to, from)| *to = *from);
    }
    for registers in there {
        if let Some(registers) = registers.first_chunk() {
            merge(&mut merged, registers);
        }
    }
    let (mut zeros, mut sum): (u32, u64) = (0, 0);
    for number in merged {
        for place in 0..EACH {
            let rank = (number >> shift(place)) & 31;
            zeros = zeros.wrapping_add(u32::from(rank == 0));
            sum = sum.wrapping_add((1 << 32) >> rank);
        }
    }
    // What the empty ones add to the sum, 1 each, is replaced.
    let used = (sum as f64) / 4_294_967_296.0 - f64::from(zeros);
    let groups = f64::from(GROUPS);
    let spread = used + groups * sigma(f64::from(zeros) / groups);
    // α = 1 / (2 ln 2); of no elements the spread is infinite.
    let estimate = groups * groups * (0.5 / core::f64::consts::LN_2) / spread;
    (estimate + 0.5) as u32
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

    fn of(hashes: impl Iterator<Item = u32>) -> [u32; NUMBERS] {
        let mut registers = [0; NUMBERS];
        hashes.for_each(|hash| raise(&mut registers, hash));
        registers
    }

    #[test]
    fn every_hash_has_a_register() {
        for hash in [0, 1, 0x3fff_ffff, 0x7fff_fffe, 0x7fff_ffff, u32::MAX] {
            let spot = Spot::of(hash);
            assert!(spot.number < NUMBERS && spot.shift <= 26 && (1..=23).contains(&spot.rank));
            let registers = of([hash].into_iter());
            assert!(has(&registers, hash) && !has(&[0; NUMBERS], hash));
            assert_eq!(estimate([&registers, &[], &[]]), 1, "{hash}");
        }
    }

    #[test]
    fn no_register_runs_into_the_next() {
        let mut registers = [0; NUMBERS];
        let mut hashes = (0..20_000).map(spread).collect::<Vec<_>>();
        hashes.retain(|&hash| {
            let news = !has(&registers, hash);
            let before = registers;
            raise(&mut registers, hash);
            let bits: u32 = registers
                .iter()
                .zip(before)
                .map(|(now, was)| (now ^ was).count_ones())
                .sum();
            assert!(has(&registers, hash) && news == (registers != before) && bits <= 5);
            news
        });
        assert!(hashes.len() > 1_000 && hashes.iter().all(|&hash| has(&registers, hash)));
        assert!(registers.iter().all(|number| number & 0x8000_8000 == 0));
    }

    #[test]
    fn none_and_all_are_numbers() {
        assert_eq!((estimate([&[]; 3]), estimate([&[0; NUMBERS]; 3])), (0, 0));
        assert_eq!(
            estimate([&[u32::MAX; NUMBERS], &[0; NUMBERS], &[]]),
            u32::MAX
        );
    }

    #[test]
    fn the_union_counts_what_either_counts() {
        let (low, high) = (of((0..5_000).map(spread)), of((3_000..9_000).map(spread)));
        let union = estimate([&low, &high, &[]]);
        assert_eq!(union, estimate([&[], &[], &of((0..9_000).map(spread))]));
        assert_eq!(union, estimate([&high, &low, &low]));
        assert!((7_700..10_300).contains(&union), "{union}");
    }
}
