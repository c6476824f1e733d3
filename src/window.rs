//! A sliding window in 48 bytes: how much was used in the last `length`, never less than the truth.
//!
//! A window forgets late and never early. Small limits (up to 12) are kept as a log of single units, larger ones in
//! cells of equal width, of which one more is counted than the window is long. So in no span of `length` is more than
//! the limit admitted, and even use of a limit gets at least 90 % of it: 23 cells give 23/24, 11 cells give 11/12.
//! Token buckets, which `governor` and Envoy's own limits use, admit up to twice the limit in such a span.

mod scale;

pub use scale::{Kept, Scale, Shape};

use smallvec::SmallVec;

use crate::exchange::Millis;
use scale::{LOG_LIMIT, WORDS};

/// A log entry that holds no unit.
const NO_UNIT: u32 = u32::MAX;

/// How far a clock may seem to run backwards and still be called the same moment. Threads read their clocks before
/// they meet, so small steps back are ordinary; anything larger is a clock that was set.
const SKEW: Millis = 5_000;

/// A window at one moment: read from what was kept, advanced to now, ready to be charged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    scale: Scale,
    /// The step of now.
    newest: u64,
    /// The sum of all that counts.
    used: u32,
    /// What each step used, newest first; in a log, the age of each unit, newest first.
    words: [u16; WORDS],
}

impl Window {
    /// An empty window at `now`.
    #[must_use]
    pub fn new(scale: Scale, now: Millis) -> Self {
        let nothing = if scale.shape == Shape::Log {
            u16::MAX
        } else {
            0
        };
        Self {
            scale,
            newest: scale.step_of(now),
            used: 0,
            words: [nothing; WORDS],
        }
    }

    /// Reads what was kept and advances it to `now`. What was kept in another shape (the limit has changed) is
    /// carried over, each unit to the latest moment at which it can have been charged.
    #[must_use]
    pub fn read(kept: &Kept, scale: Scale, now: Millis) -> Self {
        let Some(shape) = kept.shape().filter(|_| kept.replenished() > 0) else {
            return Self::new(scale, now);
        };
        let held = if shape == scale.shape {
            scale
        } else {
            Scale::of(scale.length, shape)
        };
        let mut window = Self {
            scale: held,
            newest: held.step_of(now),
            used: 0,
            words: kept.words,
        };
        // Mostly the last request was in this very step; that is seen without a division.
        if shape == Shape::Log || window.over(0) != kept.replenished() {
            let newest = held
                .whole_steps(kept.replenished())
                .saturating_sub(u64::from(held.lifetime));
            window.advance(newest, now);
        }
        window.used = window.sum();
        let fits = match (shape, scale.shape) {
            // Too much for a log; or cells of two widths, between which limits that alternate would carry units ever
            // further: wider ones serve until all is replenished.
            (_, Shape::Log) => window.used > LOG_LIMIT,
            (Shape::Coarse, Shape::Fine) => true,
            _ => false,
        };
        if shape == scale.shape || fits {
            return window;
        }
        window.reshape(scale, now)
    }

    /// Ages what is held from step `then` to the step of now, which `empty` has computed.
    fn advance(&mut self, then: u64, now: Millis) {
        let back = then.saturating_sub(self.newest);
        if back > 0 && (back == 1 || self.scale.moment(back) <= SKEW) {
            // Another thread was a moment ahead: its moment is now.
            self.newest = then;
            return;
        }
        // A clock that was set back leaves every age as it was: nothing is forgotten early.
        let elapsed = self.newest.saturating_sub(then);
        match self.scale.shape {
            Shape::Log => {
                // The log's steps are rounded up; whether a unit is over is asked of the time rounded down.
                let late = self.scale.whole_steps(now);
                let end = then.saturating_add(u64::from(self.scale.lifetime));
                for [low, high] in self.words.as_chunks_mut().0 {
                    let age = join(*low, *high);
                    let live =
                        age != NO_UNIT && (back > 0 || late.saturating_add(u64::from(age)) < end);
                    let age = u32::try_from(elapsed.saturating_add(u64::from(age)));
                    (*low, *high) = split(age.ok().filter(|_| live).unwrap_or(NO_UNIT));
                }
            }
            Shape::Fine => self.shift(elapsed),
            Shape::Coarse => self.shift(elapsed.saturating_mul(2)),
        }
    }

    /// Moves all words towards the old end by `places`, filling with zero.
    fn shift(&mut self, places: u64) {
        let places = usize::try_from(places).unwrap_or(WORDS).min(WORDS);
        self.words
            .copy_within(..WORDS.saturating_sub(places), places);
        self.words
            .iter_mut()
            .take(places)
            .for_each(|word| *word = 0);
    }

    /// The same use on another scale, each unit at the last moment of the step that it was in.
    fn reshape(&self, scale: Scale, now: Millis) -> Self {
        let mut other = Self::new(scale, now);
        for (age, count) in self.oldest_first() {
            let end = self
                .scale
                .moment(self.newest.saturating_sub(age).saturating_add(1))
                .saturating_sub(1);
            other.add(other.newest.saturating_sub(scale.step_of(end)), count);
        }
        other.used = other.sum();
        other
    }

    /// Units in use now.
    #[must_use]
    pub const fn used(&self) -> u32 {
        self.used
    }

    fn sum(&self) -> u32 {
        let pairs = self.words.as_chunks().0;
        match self.scale.shape {
            Shape::Log => pairs
                .iter()
                .map(|&[low, high]| u32::from(join(low, high) != NO_UNIT))
                .sum(),
            Shape::Fine => self.words.iter().map(|&count| u32::from(count)).sum(),
            Shape::Coarse => pairs.iter().fold(0, |sum: u32, &[low, high]| {
                sum.saturating_add(join(low, high))
            }),
        }
    }

    /// What a cell holds, or in a log the age of a unit; `None` beyond the last.
    fn cell(&self, index: usize) -> Option<u32> {
        match self.scale.shape {
            Shape::Fine => self.words.get(index).map(|&word| u32::from(word)),
            Shape::Log | Shape::Coarse => self
                .words
                .as_chunks()
                .0
                .get(index)
                .map(|&[low, high]| join(low, high)),
        }
    }

    /// A cell that outgrows its shape is held at the most that it can hold, which is never less than the limit.
    fn set_cell(&mut self, index: usize, value: u32) {
        match self.scale.shape {
            Shape::Fine => {
                if let Some(word) = self.words.get_mut(index) {
                    *word = u16::try_from(value).unwrap_or(u16::MAX);
                }
            }
            Shape::Log | Shape::Coarse => {
                if let Some([low, high]) = self.words.as_chunks_mut().0.get_mut(index) {
                    (*low, *high) = split(value);
                }
            }
        }
    }

    /// Ages in steps with their units, oldest first.
    fn oldest_first(&self) -> impl Iterator<Item = (u64, u32)> + '_ {
        let log = self.scale.shape == Shape::Log;
        let cells = (0..self.scale.shape.cells()).rev();
        cells.filter_map(move |index| match (log, self.cell(index)?) {
            (true, NO_UNIT) | (false, 0) => None,
            (true, age) => Some((u64::from(age), 1)),
            (false, count) => Some((index as u64, count)),
        })
    }

    /// Charges `units` now and says at which moment they are filed, which [`refund`](Self::refund) wants to hear.
    ///
    /// The caller has seen that they fit under the limit whose shape this is; what does not fit is not counted.
    pub fn charge(&mut self, units: u32) -> Millis {
        self.add(0, units);
        self.used = self.used.saturating_add(units);
        self.scale.moment(self.newest)
    }

    /// Adds units of the given age in steps.
    fn add(&mut self, age: u64, units: u32) {
        if self.scale.shape == Shape::Log {
            let age = u32::try_from(age).unwrap_or(NO_UNIT);
            for _ in 0..units.min(LOG_LIMIT) {
                let younger = |&index: &usize| self.cell(index).is_some_and(|other| other >= age);
                let place = (0..self.scale.shape.cells()).find(younger).unwrap_or(WORDS);
                if let Some(tail) = self.words.get_mut(place.saturating_mul(2)..) {
                    tail.rotate_right(2);
                }
                self.set_cell(place, age);
            }
        } else if let Ok(index) = usize::try_from(age)
            && let Some(held) = self.cell(index)
        {
            self.set_cell(index, held.saturating_add(units));
        }
    }

    /// Gives back `units` that were charged at the moment `at`. Units that are over are not given back twice; after a
    /// change of shape the units filed next after `at` are meant.
    pub fn refund(&mut self, at: Millis, units: u32) {
        let age = self.newest.saturating_sub(self.scale.whole_steps(at));
        if age >= u64::from(self.scale.lifetime) {
            return;
        }
        let mut left = units;
        if self.scale.shape == Shape::Log {
            let reach = |index: &usize| {
                self.cell(*index)
                    .is_some_and(|other| u64::from(other) <= age)
            };
            let mut places: SmallVec<[usize; WORDS]> =
                (0..self.scale.shape.cells()).filter(reach).collect();
            while let Some(place) = places.pop().filter(|_| left > 0) {
                if let Some(tail) = self.words.get_mut(place.saturating_mul(2)..) {
                    tail.rotate_left(2);
                }
                self.set_cell(self.scale.shape.cells().saturating_sub(1), NO_UNIT);
                left = left.saturating_sub(1);
            }
        } else {
            let oldest = usize::try_from(age).unwrap_or(0);
            for index in (0..=oldest).rev() {
                let held = self.cell(index).unwrap_or(0);
                let back = left.min(held);
                self.set_cell(index, held.saturating_sub(back));
                left = left.saturating_sub(back);
            }
        }
        self.used = self.used.saturating_sub(units.saturating_sub(left));
    }

    /// The earliest moment at which at least `units` of what is used now will have been replenished, if nothing more
    /// is charged. Now (as the window files it) if `units` is 0; the moment of full replenishment if it is too many.
    #[must_use]
    pub fn frees(&self, units: u64) -> Millis {
        let mut freed: u64 = 0;
        let mut at = self.scale.moment(self.newest);
        for (age, count) in self.oldest_first() {
            if freed >= units {
                break;
            }
            freed = freed.saturating_add(u64::from(count));
            at = self.over(age);
        }
        at
    }

    /// When everything is replenished, if nothing more is charged.
    #[must_use]
    pub fn replenished(&self) -> Millis {
        let cells = self.scale.shape.cells();
        let newest = match self.scale.shape {
            Shape::Log => self.cell(0).filter(|&age| age != NO_UNIT).map(u64::from),
            Shape::Fine | Shape::Coarse => (0..cells)
                .find(|&index| self.cell(index) != Some(0))
                .map(|age| age as u64),
        };
        newest.map_or_else(|| self.scale.moment(self.newest), |age| self.over(age))
    }

    /// When units of this age stop counting.
    fn over(&self, age: u64) -> Millis {
        let step = self
            .newest
            .saturating_sub(age)
            .saturating_add(u64::from(self.scale.lifetime));
        self.scale.moment(step)
    }

    /// What is to be kept until the next request.
    #[must_use]
    pub fn keep(&self) -> Kept {
        // From the newest step rather than the newest unit, so that the step can be read back.
        let replenished = if self.used == 0 { 0 } else { self.over(0) };
        Kept {
            clock: (replenished << 2) | self.scale.shape as u64,
            words: self.words,
        }
    }
}

const fn join(low: u16, high: u16) -> u32 {
    (low as u32) | ((high as u32) << 16)
}

const fn split(number: u32) -> (u16, u16) {
    ((number & 0xffff) as u16, (number >> 16) as u16)
}

#[cfg(test)]
mod tests;
