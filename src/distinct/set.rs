//! One set as it is at one moment: read from its parts, turned to the generation of now, written back.
//!
//! The first part holds a number that says what there is, and 11 elements; more lists follow at 12 elements a part, in
//! parts 1 to 14. A set that outgrows them becomes registers: those of this generation in parts 1 to 7, those of the
//! one before in parts 8 to 14. Each generation turns into registers for itself, so a set that was large and is small
//! again is exact again once the large generation is over.

use super::Watch;
use super::registers::{self, Registers, Spot};
use crate::exchange::Millis;
use crate::store::Page;
use crate::store::page::{PARTS, SMALL};
use crate::window::{Kept, WORDS};

/// The bits of an element that are its hash.
pub(super) const HASH: u32 = 0x7fff_ffff;

/// The bit of an element that says that it was seen in this generation; if not, it was in the one before.
const SEEN: u32 = 0x8000_0000;

/// The smallest hash of an element, so that no list looks like the head of a set.
const LEAST: u32 = 0x100;

/// The bits of the head that say how many elements are listed.
const LISTED: u32 = 0xff;

/// The bit of the head that says that this generation is counted in registers.
const CURRENT: u32 = 0x100;

/// The bit of the head that says that the generation before is.
const BEFORE: u32 = 0x200;

/// Where in the head the estimate begins, and the most that it can say.
const ESTIMATE: u32 = 10;
const MOST: u32 = u32::MAX >> ESTIMATE;

/// Elements in the first part.
const FIRST: usize = 11;

/// Elements in each further part.
const FURTHER: usize = WORDS / 2;

/// The most elements that are listed where nothing is in registers: all 15 parts full.
const ALONE: usize = FIRST + FURTHER * (PARTS - 1);

/// The most that are listed beside the registers of the generation before: more would take as many parts as registers.
const BESIDE: usize = FIRST + FURTHER * (registers::PARTS - 1);

/// How far a clock may seem to run backwards, beside one generation, and still be called the same moment.
const SKEW: Millis = 5_000;

/// A set at one moment.
pub(super) struct Set {
    /// When all of this generation is over.
    over: Millis,
    /// Elements, each with whether it was seen in this generation.
    list: Vec<u32>,
    /// This generation, if it is not listed.
    current: Option<Registers>,
    /// The generation before, if it is not listed.
    before: Option<Registers>,
    /// How many there are, if any are in registers.
    estimate: u32,
    /// Whether it was kept in another generation than now's.
    pub(super) stale: bool,
    /// Slots that it was kept in, and whether it was to make room for others.
    slots: usize,
    small: bool,
}

/// How an element stands to a set.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd)]
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
        let parts = page.parts(watch.tag);
        let half = (watch.window / 2).max(1);
        let generation = now.checked_div(half).unwrap_or(0);
        let mut set = Self {
            over: over(generation, half),
            list: Vec::new(),
            current: None,
            before: None,
            estimate: 0,
            stale: true,
            slots: 0,
            small: true,
        };
        let [Some(base), further @ ..] = &parts else {
            return set;
        };
        let mut turns = 0;
        if base.replenished() == set.over {
            set.stale = false;
        } else {
            let kept = base
                .replenished()
                .checked_div(half)
                .unwrap_or(0)
                .saturating_sub(2);
            turns = generation.saturating_sub(kept);
            let ahead = kept.saturating_sub(generation);
            if ahead == 1 || (ahead > 0 && ahead.saturating_mul(half) <= SKEW) {
                // Another thread was a moment ahead: its moment is now. From a clock that was set back everything
                // begins anew as it was: nothing is forgotten early.
                set.over = base.replenished();
                set.stale = false;
            }
        }
        if turns > 1 {
            return set;
        }
        let head = base.numbers().next().unwrap_or(0);
        let (this, last) = further.split_at(registers::PARTS);
        set.slots = parts.iter().flatten().count();
        set.small = head <= SMALL;
        set.before = (head & BEFORE != 0).then(|| read_registers(last));
        if head & CURRENT == 0 {
            let lists = if set.before.is_some() { this } else { further };
            let listed = (head & LISTED) as usize;
            set.list.reserve_exact(listed.saturating_add(FURTHER));
            set.list.extend(base.numbers().skip(1));
            for part in lists.iter().flatten() {
                set.list.extend(part.numbers());
            }
            set.list.truncate(listed);
        } else {
            set.current = Some(read_registers(this));
        }
        set.estimate = head >> ESTIMATE;
        if turns == 1 {
            set.turn();
        }
        set
    }

    /// Lets one generation pass.
    fn turn(&mut self) {
        self.before = self.current.take();
        self.list.retain(|element| element & SEEN != 0);
        self.list.iter_mut().for_each(|element| *element &= HASH);
        self.estimate = self
            .before
            .as_ref()
            .map_or(0, Registers::estimate)
            .min(MOST);
    }

    /// Whether every element is listed.
    pub(super) fn exact(&self) -> bool {
        self.current.is_none() && self.before.is_none()
    }

    /// How many elements there are.
    pub(super) fn count(&self) -> u32 {
        if self.exact() {
            self.list.len() as u32
        } else {
            self.estimate
        }
    }

    /// How an element stands to the set.
    pub(super) fn seen(&self, hash: u32) -> Seen {
        let spot = Spot::of(hash);
        let has =
            |registers: &Option<Registers>| registers.as_ref().is_some_and(|all| all.has(spot));
        let listed = self.list.iter().find(|&element| element & HASH == hash);
        match listed {
            Some(element) if element & SEEN != 0 => Seen::Now,
            _ if has(&self.current) => Seen::Now,
            None if !has(&self.before) => Seen::Never,
            _ => Seen::Before,
        }
    }

    /// Counts an element in this generation.
    pub(super) fn add(&mut self, hash: u32) {
        let known = self.seen(hash) != Seen::Never;
        if let Some(current) = &mut self.current {
            current.raise(Spot::of(hash));
        } else {
            match self
                .list
                .iter_mut()
                .find(|element| **element & HASH == hash)
            {
                Some(element) => *element |= SEEN,
                None => self.list.push(hash | SEEN),
            }
            if self.list.len() > if self.exact() { ALONE } else { BESIDE } {
                self.condense();
            }
        }
        if !known && !self.exact() {
            self.estimate();
        }
    }

    /// Turns what is listed into registers, if they take less room.
    pub(super) fn condense(&mut self) {
        if self.exact() {
            self.before = registers_of(&self.list, 0);
            self.list.retain(|element| element & SEEN != 0);
        }
        if self.current.is_none() && (self.before.is_none() || self.list.len() > BESIDE) {
            self.current = registers_of(&self.list, SEEN);
            self.list.clear();
        }
        self.estimate();
    }

    fn estimate(&mut self) {
        let mut union = registers_of(&self.list, SEEN).unwrap_or_default();
        for registers in [&self.current, &self.before].into_iter().flatten() {
            union.join(registers);
        }
        self.estimate = union.estimate().min(MOST);
    }

    /// Whether the set makes room for others.
    pub(super) fn small(&self) -> bool {
        self.exact() && self.list.len() <= SMALL as usize
    }

    /// Whether the slots that it was kept in will do, and it made room for others no more than now.
    pub(super) fn has_room(&self) -> bool {
        self.slots() <= self.slots && (!self.small || self.small())
    }

    /// Slots that it takes.
    pub(super) fn slots(&self) -> usize {
        (0..PARTS).filter(|&index| self.has_part(index)).count()
    }

    fn has_part(&self, index: usize) -> bool {
        match index {
            0 => true,
            1..=registers::PARTS if self.current.is_some() => true,
            _ if index > registers::PARTS && self.before.is_some() => true,
            _ => self.list.len() > first_of(index),
        }
    }

    /// Writes all parts, in the room that there is.
    pub(super) fn write(&self, page: &mut Page, tag: u64, now: Millis) {
        for index in (0..PARTS).filter(|&index| !self.has_part(index)) {
            page.remove_part(tag, index);
        }
        for index in (0..PARTS).filter(|&index| self.has_part(index)) {
            page.put_part(tag, index, Kept::of_set(self.over, self.part(index, now)));
        }
    }

    fn part(&self, index: usize, now: Millis) -> [u16; WORDS] {
        let (this, last) = (
            index.wrapping_sub(1),
            index.wrapping_sub(1 + registers::PARTS),
        );
        let registers = (self.before.as_ref().and_then(|all| all.part(last)))
            .or_else(|| self.current.as_ref().and_then(|all| all.part(this)));
        if let Some(words) = registers {
            return words;
        }
        let mut words = [0; WORDS];
        let mut pairs = words.as_chunks_mut().0.iter_mut();
        let mut elements = self.list.iter().skip(first_of(index));
        let head = (index == 0).then(|| self.head());
        for (pair, number) in pairs.by_ref().zip(head.iter().chain(elements.by_ref())) {
            *pair = split(*number);
        }
        if index == 0
            && self.small()
            && let Some(pair) = pairs.next_back()
        {
            *pair = split(Page::stamp(now));
        }
        words
    }

    fn head(&self) -> u32 {
        let bit = |there: bool, bit| if there { bit } else { 0 };
        self.list.len() as u32
            | bit(self.current.is_some(), CURRENT)
            | bit(self.before.is_some(), BEFORE)
            | self.estimate << ESTIMATE
    }
}

/// The first element of a list's part.
fn first_of(index: usize) -> usize {
    index
        .saturating_mul(FURTHER)
        .saturating_sub(FURTHER - FIRST)
}

/// When all of a generation is over: with the end of the next one.
fn over(generation: u64, half: Millis) -> Millis {
    generation.saturating_add(2).saturating_mul(half)
}

fn read_registers(parts: &[Option<&Kept>]) -> Registers {
    let mut registers = Registers::default();
    for (index, part) in parts.iter().enumerate() {
        if let Some(kept) = part {
            registers.set_part(index, kept.words);
        }
    }
    registers
}

/// Registers of those elements of a list whose generation is `seen`; `None` if there are none.
fn registers_of(list: &[u32], seen: u32) -> Option<Registers> {
    let mut registers = None;
    for element in list.iter().filter(|&element| element & SEEN == seen) {
        let registers = registers.get_or_insert_with(Registers::default);
        registers.raise(Spot::of(element & HASH));
    }
    registers
}

const fn split(number: u32) -> [u16; 2] {
    [(number & 0xffff) as u16, (number >> 16) as u16]
}
