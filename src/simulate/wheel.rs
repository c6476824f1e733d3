//! When each of many things is due: a wheel of seconds within a wheel of hours, lists linked through the things
//! themselves, so that a million of them take eight bytes each.

use core::cmp::Reverse;
use std::collections::BinaryHeap;

/// Things by their numbers and when each is due, in milliseconds from the beginning; each at most once.
#[derive(Debug)]
pub(super) struct Wheel {
    /// The first thing of each of the next 4,096 spans of 1.024 s.
    near: Vec<u32>,
    /// The first thing of each span of 4,096 of those.
    far: Vec<u32>,
    /// When each thing is due, and the next thing in its list.
    links: Vec<(u32, u32)>,
    /// What is due in this span.
    now: BinaryHeap<Reverse<(u32, u32)>>,
    /// The span: what is due in it or before it is in `now`.
    span: u32,
    /// How many things are not in `now`.
    waiting: u32,
}

const NONE: u32 = u32::MAX;
const SPANS: u32 = 4_096;

impl Wheel {
    /// A wheel for so many things, none of which is due yet.
    pub(super) fn new(things: usize) -> Self {
        Self {
            near: vec![NONE; SPANS as usize],
            far: vec![NONE; 1_024],
            links: vec![(0, NONE); things],
            now: BinaryHeap::new(),
            span: 0,
            waiting: 0,
        }
    }

    /// Says when a thing is due that is not due already. Before now is now.
    pub(super) fn set(&mut self, thing: u32, due: u32) {
        let span = due >> 10;
        if span <= self.span {
            self.now.push(Reverse((due, thing)));
            return;
        }
        let list = if span >> 12 == self.span >> 12 {
            self.near.get_mut((span % SPANS) as usize)
        } else {
            self.far.get_mut((span >> 12) as usize)
        };
        let (Some(first), Some(link)) = (list, self.links.get_mut(thing as usize)) else {
            return;
        };
        *link = (due, *first);
        *first = thing;
        self.waiting = self.waiting.saturating_add(1);
    }

    /// When the first thing is due.
    pub(super) fn due(&mut self) -> Option<u32> {
        while self.now.is_empty() {
            if self.waiting == 0 {
                return None;
            }
            self.turn();
        }
        self.now.peek().map(|Reverse((due, _))| *due)
    }

    /// Takes the first thing out.
    pub(super) fn take(&mut self) -> Option<u32> {
        self.due()?;
        self.now.pop().map(|Reverse((_, thing))| thing)
    }

    /// Goes on to the next span.
    fn turn(&mut self) {
        self.span = self.span.saturating_add(1);
        if self.span.is_multiple_of(SPANS)
            && let Some(first) = self.far.get_mut((self.span >> 12) as usize)
        {
            let first = core::mem::replace(first, NONE);
            self.spill(first);
        }
        if let Some(first) = self.near.get_mut((self.span % SPANS) as usize) {
            let first = core::mem::replace(first, NONE);
            self.spill(first);
        }
    }

    /// Sets all things of a list anew.
    fn spill(&mut self, first: u32) {
        let mut thing = first;
        while let Some(&(due, next)) = self.links.get(thing as usize) {
            self.waiting = self.waiting.saturating_sub(1);
            self.set(thing, due);
            thing = next;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulate::random::Random;

    #[test]
    fn things_come_when_they_are_due() {
        let mut random = Random(1);
        let mut wheel = Wheel::new(5_000);
        let mut all: Vec<(u32, u32)> = (0..5_000)
            .map(|thing| {
                // From a moment to all that 32 bits hold.
                let due = (random.bits() >> (32 + random.below(32))) as u32;
                wheel.set(thing, due);
                (due, thing)
            })
            .collect();
        all.sort_unstable();
        for (due, thing) in all {
            assert_eq!(wheel.due(), Some(due));
            assert_eq!(wheel.take(), Some(thing));
        }
        assert_eq!(wheel.take(), None);
    }

    #[test]
    fn a_thing_can_be_set_again_and_again() {
        let mut wheel = Wheel::new(2);
        wheel.set(0, 5);
        wheel.set(1, 5_000_000);
        let mut last = 0;
        for _ in 0..10_000 {
            let due = wheel.due().unwrap();
            assert!(due >= last);
            last = due;
            let thing = wheel.take().unwrap();
            wheel.set(thing, due.saturating_add(700));
        }
    }
}
