//! One set as it is at one moment: read from its parts, turned to the generation of now, written back.
//!
//! A set is 180 numbers, 12 in each part, of which those parts are kept that hold anything. The first number, the head, says
//! what the others are. Elements are listed from the second number on. What outgrows the list becomes registers: those of this
//! generation in parts 1 to 7, those of the one before in parts 8 to 14. Each generation turns into registers for itself, so a
//! set that was large and is small again is exact again once the large generation is over.

use super::{Watch, registers};
use crate::exchange::Millis;
use crate::store::Page;
use crate::store::page::{PARTS, SMALL};
use crate::window::Kept;

/// Numbers in a part.
const EACH: usize = 12;

/// Where the registers of the generation before begin, those of this one being between the first part and them.
const MIDDLE: usize = EACH + registers::NUMBERS;

/// All numbers of a set.
const NUMBERS: usize = MIDDLE + registers::NUMBERS;

/// The most elements that are listed where nothing is in registers: 179, all 15 parts full.
const ALONE: usize = NUMBERS - 1;

/// The most that are listed beside the registers of the generation before: more would take as many parts as registers.
const BESIDE: usize = registers::NUMBERS - 1;

/// The bits of an element that are its hash.
const HASH: u32 = 0x7fff_ffff;

/// The bit of an element that says that it was seen in this generation; if not, it was in the one before. No register uses
/// it; it is set in the first number of each of their parts, so that none looks like the head of a small set.
const SEEN: u32 = 0x8000_0000;

/// The smallest hash of an element, so that no part of a list looks like the head of a small set.
const LEAST: u32 = 0x100;

/// The bits of the head that say how many elements are listed.
const LISTED: u32 = 0xff;

/// The bit of the head that says that this generation is counted in registers.
const CURRENT: u32 = 0x100;

/// The bit of the head that says that the generation before is.
const BEFORE: u32 = 0x200;

/// Where in the head the estimate begins.
const ESTIMATE: u32 = 10;

/// How far a clock may seem to run backwards, beside one generation, and still be called the same moment.
const SKEW: Millis = 5_000;

/// A set at one moment.
pub(super) struct Set {
    /// When all of this generation is over.
    over: Millis,
    /// The parts, but for the head.
    numbers: [u32; NUMBERS],
    /// How many elements are listed.
    listed: usize,
    /// Whether this generation, and the one before, are in registers.
    current: bool,
    before: bool,
    /// How many elements there are, if any are in registers.
    estimate: u32,
    /// Whether it was kept in another generation than now's.
    pub(super) stale: bool,
    /// Slots that it was kept in, and whether it was to make room for others.
    slots: usize,
    small: bool,
}

/// How an element stands to a set.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Seen {
    /// Not in either generation.
    Never,
    /// In the generation before.
    Before,
    /// In this generation.
    Now,
}

/// The hash of an element, as it is kept.
pub(super) fn hash(element: u32) -> u32 {
    let hash = element & HASH;
    if hash < LEAST { hash | LEAST } else { hash }
}

impl Set {
    /// Reads what a page holds of a set, without what is over.
    pub(super) fn read(page: &Page, watch: &Watch, now: Millis) -> Self {
        let half = (watch.window / 2).max(1);
        let generation = now.checked_div(half).unwrap_or(0);
        let mut set = Self {
            over: generation.saturating_add(2).saturating_mul(half),
            numbers: [0; NUMBERS],
            listed: 0,
            current: false,
            before: false,
            estimate: 0,
            stale: true,
            slots: 0,
            small: true,
        };
        let mut over = 0;
        page.each_part(watch.tag, |index, kept| {
            if index == 0 {
                over = kept.replenished();
            }
            if let Some(numbers) = set.numbers.as_chunks_mut().0.get_mut(index) {
                *numbers = kept.numbers();
            }
            set.slots = set.slots.saturating_add(1);
        });
        let mut turns = 0;
        if over == set.over {
            set.stale = false;
        } else {
            let kept = over.checked_div(half).unwrap_or(0).saturating_sub(2);
            let ahead = kept.saturating_sub(generation);
            if ahead == 1 || (ahead > 0 && ahead.saturating_mul(half) <= SKEW) {
                // Another thread was a moment ahead: its moment is now.
                (set.over, set.stale) = (over, false);
            }
            // From a clock that was set back all begins anew as it was: nothing is forgotten early.
            turns = generation.saturating_sub(kept);
        }
        if turns > 1 {
            set.numbers = [0; NUMBERS];
            return set;
        }
        let [head, ..] = set.numbers;
        set.small = head <= SMALL;
        (set.current, set.before) = (head & CURRENT != 0, head & BEFORE != 0);
        set.listed = ((head & LISTED) as usize).min(set.most_listed());
        set.estimate = head >> ESTIMATE;
        if turns == 1 {
            set.turn();
        }
        set
    }

    /// Lets one generation pass.
    fn turn(&mut self) {
        self.keep_seen(HASH);
        (self.before, self.current) = (self.current, false);
        if self.before {
            self.numbers.copy_within(EACH..MIDDLE, MIDDLE);
        }
        self.estimate();
    }

    /// Takes out of the list whoever was not seen in this generation, and leaves those bits of the others.
    fn keep_seen(&mut self, bits: u32) {
        let mut kept: usize = 0;
        for place in 1..=self.listed {
            let element = self.numbers.get_mut(place).map_or(0, core::mem::take);
            if element & SEEN != 0 {
                kept = kept.saturating_add(1);
                if let Some(number) = self.numbers.get_mut(kept) {
                    *number = element & bits;
                }
            }
        }
        self.listed = kept;
    }

    /// Whether every element is listed.
    pub(super) fn exact(&self) -> bool {
        !self.current && !self.before
    }

    /// How many elements there are.
    pub(super) fn count(&self) -> u32 {
        if self.exact() {
            self.listed as u32
        } else {
            self.estimate
        }
    }

    /// How many elements may be listed.
    fn most_listed(&self) -> usize {
        match (self.current, self.before) {
            (true, _) => 0,
            (false, true) => BESIDE,
            (false, false) => ALONE,
        }
    }

    fn list(&self) -> &[u32] {
        let list = self
            .numbers
            .get(1..)
            .and_then(|rest| rest.get(..self.listed));
        list.unwrap_or_default()
    }

    /// The registers of this generation; none if it is listed.
    fn this(&self) -> &[u32] {
        let registers = self.numbers.get(EACH..MIDDLE).filter(|_| self.current);
        registers.unwrap_or_default()
    }

    /// The registers of the generation before.
    fn last(&self) -> &[u32] {
        let registers = self.numbers.get(MIDDLE..).filter(|_| self.before);
        registers.unwrap_or_default()
    }

    /// How an element stands to the set.
    pub(super) fn seen(&self, hash: u32) -> Seen {
        let listed = self.list().iter().find(|&element| element & HASH == hash);
        let seen = listed.is_some_and(|element| element & SEEN != 0);
        if seen || (self.current && registers::has(self.this(), hash)) {
            Seen::Now
        } else if listed.is_some() || (self.before && registers::has(self.last(), hash)) {
            Seen::Before
        } else {
            Seen::Never
        }
    }

    /// Whether an element that stands so is written down as seen in this generation.
    pub(super) fn has_now(&self, seen: Seen) -> bool {
        seen == Seen::Now && !self.stale
    }

    /// Counts an element in this generation.
    pub(super) fn add(&mut self, hash: u32) {
        let news = self.seen(hash) == Seen::Never;
        if !self.current {
            let mut list = self.numbers.iter_mut().skip(1).take(self.listed);
            if let Some(element) = list.find(|element| **element & HASH == hash) {
                *element |= SEEN;
            } else if self.listed < self.most_listed() {
                self.listed = self.listed.saturating_add(1);
                if let Some(number) = self.numbers.get_mut(self.listed) {
                    *number = hash | SEEN;
                }
            } else {
                self.condense();
                return self.add(hash);
            }
        } else if let Some(registers) = self.numbers.get_mut(EACH..MIDDLE) {
            registers::raise(registers, hash);
        }
        if news && !self.exact() {
            self.estimate();
        }
    }

    /// Turns what is listed into registers: what was seen in the generation before, if that is listed, and the rest if
    /// that was all of it, or if no more can be listed.
    pub(super) fn condense(&mut self) {
        let (this, last) = (self.registers_of(SEEN), self.registers_of(0));
        if self.exact() {
            let listed = self.listed;
            self.keep_seen(u32::MAX);
            self.before = self.listed < listed;
            if let Some(registers) = self.numbers.get_mut(MIDDLE..).filter(|_| self.before) {
                registers.copy_from_slice(&last);
            }
        }
        if !self.before || self.listed >= BESIDE {
            (self.current, self.listed) = (true, 0);
            if let Some((list, rest)) = self.numbers.split_first_chunk_mut::<EACH>() {
                *list = [0; EACH];
                if let Some(registers) = rest.first_chunk_mut() {
                    *registers = this;
                }
            }
        }
        self.estimate();
    }

    /// What is listed of a generation, in registers.
    fn registers_of(&self, seen: u32) -> [u32; registers::NUMBERS] {
        let mut registers = [0; registers::NUMBERS];
        for element in self.list().iter().filter(|&element| element & SEEN == seen) {
            registers::raise(&mut registers, element & HASH);
        }
        registers
    }

    fn estimate(&mut self) {
        self.estimate = 0;
        if !self.exact() {
            let listed = self.registers_of(SEEN);
            let estimate = registers::estimate([&listed, self.this(), self.last()]);
            self.estimate = estimate.min(u32::MAX >> ESTIMATE);
        }
    }

    /// Whether the set makes room for others.
    pub(super) fn small(&self) -> bool {
        self.exact() && self.listed <= SMALL as usize
    }

    /// Whether the slots that it was kept in will do, and it made room for others no more than now.
    pub(super) fn has_room(&self) -> bool {
        self.slots() <= self.slots && (!self.small || self.small())
    }

    /// Slots that it takes.
    pub(super) fn slots(&self) -> usize {
        let lists = (self.listed / EACH).saturating_add(1);
        [self.current, self.before]
            .iter()
            .fold(lists, |slots, &registers| {
                slots.saturating_add(if registers {
                    registers::NUMBERS / EACH
                } else {
                    0
                })
            })
    }

    fn has_part(&self, index: usize) -> bool {
        let first = index.saturating_mul(EACH);
        first <= self.listed || self.has_registers(first)
    }

    /// Whether the part that begins with this number holds registers.
    fn has_registers(&self, first: usize) -> bool {
        first > 0
            && if first < MIDDLE {
                self.current
            } else {
                self.before
            }
    }

    /// Writes all parts, in the room that there is.
    pub(super) fn write(&self, page: &mut Page, tag: u64, now: Millis) {
        let absent = (0..PARTS).filter(|&index| !self.has_part(index));
        absent.for_each(|index| page.remove_part(tag, index));
        for (index, &numbers) in self.numbers.as_chunks().0.iter().enumerate() {
            let mut numbers: [u32; EACH] = numbers;
            let [first, .., last] = &mut numbers;
            if index == 0 {
                *first = self.head();
                if self.small() {
                    *last = Page::stamp(now);
                }
            } else if self.has_registers(index.saturating_mul(EACH)) {
                *first |= SEEN;
            }
            if self.has_part(index) {
                page.put_part(tag, index, Kept::of_set(self.over, numbers));
            }
        }
    }

    fn head(&self) -> u32 {
        let bit = |there: bool, bit| if there { bit } else { 0 };
        let flags = bit(self.current, CURRENT) | bit(self.before, BEFORE);
        self.listed as u32 | flags | (self.estimate << ESTIMATE)
    }
}
