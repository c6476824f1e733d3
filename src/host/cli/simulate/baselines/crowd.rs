//! Counting in memory of a fixed size, since a day of a whole provider has millions of things to count.

use crate::traits::mix;

/// How often each of many things came, or a little more: a count-min sketch of two rows.
pub(super) struct Cells {
    rows: [Vec<u16>; 2],
    mask: usize,
}

/// What a cell holds that is never cleared.
const EVER: u16 = u16::MAX;

impl Cells {
    /// Room for about `things` of which few share their cells in both rows.
    pub(super) fn new(things: u64) -> Self {
        let cells = things.clamp(1 << 12, 1 << 22).next_power_of_two();
        let cells = usize::try_from(cells).unwrap_or(1 << 12);
        Self {
            rows: [vec![0; cells], vec![0; cells]],
            mask: cells.saturating_sub(1),
        }
    }

    /// How often a thing came.
    pub(super) fn get(&self, thing: u64) -> u16 {
        let [one, two] = &self.rows;
        let of = |row: &Vec<u16>, place: usize| row.get(place).copied().unwrap_or_default();
        let (first, second) = self.places(thing);
        of(one, first).min(of(two, second))
    }

    /// Notes that a thing came, and answers how often it did.
    pub(super) fn add(&mut self, thing: u64) -> u16 {
        let count = self.get(thing).saturating_add(1).min(EVER - 1);
        self.raise(thing, count);
        count
    }

    /// Holds a thing for one that comes for ever.
    pub(super) fn keep(&mut self, thing: u64) {
        self.raise(thing, EVER);
    }

    /// Whether a thing is held for one that comes for ever.
    pub(super) fn kept(&self, thing: u64) -> bool {
        self.get(thing) == EVER
    }

    /// Begins anew, but for what comes for ever.
    pub(super) fn clear(&mut self) {
        for cell in self.rows.iter_mut().flatten() {
            if *cell != EVER {
                *cell = 0;
            }
        }
    }

    /// Neither cell of a thing holds less than this; others that share one do not come into it.
    fn raise(&mut self, thing: u64, count: u16) {
        let (first, second) = self.places(thing);
        let [one, two] = &mut self.rows;
        for cell in [one.get_mut(first), two.get_mut(second)]
            .into_iter()
            .flatten()
        {
            *cell = count.max(*cell);
        }
    }

    const fn places(&self, thing: u64) -> (usize, usize) {
        let hash = mix(thing);
        (hash as usize & self.mask, (hash >> 32) as usize & self.mask)
    }
}

/// Which of many keys have come with which of many things: a Bloom filter with a line of the processor's cache for each
/// pair.
pub(super) struct Pairs {
    lines: Vec<[u64; 8]>,
    mask: usize,
}

impl Pairs {
    /// Room for about `pairs`, of which one in a thousand is taken for one that has come.
    pub(super) fn new(pairs: u64) -> Self {
        let lines = (pairs / 24).clamp(1 << 8, 1 << 20).next_power_of_two();
        let lines = usize::try_from(lines).unwrap_or(1 << 8);
        Self {
            lines: vec![[0; 8]; lines],
            mask: lines.saturating_sub(1),
        }
    }

    /// Notes a pair, and answers whether it is new.
    pub(super) fn add(&mut self, thing: u64, key: u32) -> bool {
        let hash = mix(thing ^ u64::from(key).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let Some(line) = self.lines.get_mut((hash >> 40) as usize & self.mask) else {
            return true;
        };
        let mut new = false;
        // Four bits, of nine bits of the hash each: which word, and which bit of it.
        for turn in [0, 9, 18, 27] {
            let part = hash >> turn;
            if let Some(word) = line.get_mut((part & 7) as usize) {
                let bit = 1 << ((part >> 3) & 63);
                new |= *word & bit == 0;
                *word |= bit;
            }
        }
        new
    }

    /// Begins anew.
    pub(super) fn clear(&mut self) {
        self.lines.fill([0; 8]);
    }
}

/// Which keys came, exactly, by their numbers.
#[derive(Default)]
pub(super) struct Members {
    words: Vec<u64>,
    count: u32,
}

impl Members {
    /// Notes a key, and answers how many came.
    pub(super) fn add(&mut self, key: u32) -> u32 {
        let place = (key >> 6) as usize;
        if place >= self.words.len() {
            self.words.resize(place.saturating_add(1), 0);
        }
        if let Some(word) = self.words.get_mut(place) {
            let bit = 1 << (key & 63);
            self.count = self.count.saturating_add(u32::from(*word & bit == 0));
            *word |= bit;
        }
        self.count
    }

    /// Begins anew.
    pub(super) fn clear(&mut self) {
        self.words.fill(0);
        self.count = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_count_and_forget_all_but_what_is_kept() {
        let mut cells = Cells::new(1_000);
        for _ in 0..70 {
            cells.add(7);
        }
        cells.add(8);
        cells.keep(9);
        assert_eq!(
            [7, 8, 9, 10].map(|thing| cells.get(thing)),
            [70, 1, EVER, 0]
        );
        cells.clear();
        assert_eq!(
            [7, 8, 9, 10].map(|thing| cells.kept(thing)),
            [false, false, true, false]
        );
        assert_eq!(cells.get(7), 0);
    }

    #[test]
    fn few_things_share_all_their_cells() {
        let mut cells = Cells::new(100_000);
        (0..100_000).for_each(|thing| {
            cells.add(thing);
        });
        let wrong = (0..100_000).filter(|&thing| cells.get(thing) > 2).count();
        assert!(
            wrong < 5_000,
            "{wrong} of 100,000 are counted three times or more"
        );
        assert!((0..100_000).all(|thing| cells.get(thing) < 8));
    }

    #[test]
    fn a_pair_is_new_once() {
        let mut pairs = Pairs::new(100_000);
        let mut count = |things: core::ops::Range<u64>| {
            let new = |thing| (0..100).filter(|&key| pairs.add(thing, key)).count();
            things.map(new).sum::<usize>()
        };
        let first = count(0..1_000);
        assert!(first > 99_800, "{first}");
        assert_eq!(count(0..1_000), 0);
        pairs.clear();
        assert!(pairs.add(1, 1) && !pairs.add(1, 1) && pairs.add(1, 2) && pairs.add(2, 1));
    }

    #[test]
    fn members_are_counted_once() {
        let mut members = Members::default();
        assert_eq!(
            [5, 5, 700, 0, 700].map(|key| members.add(key)),
            [1, 1, 2, 3, 3]
        );
        members.clear();
        assert_eq!(members.add(5), 1);
    }
}
