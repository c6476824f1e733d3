//! A sliding window in 48 bytes: how much was used in the last `length`, never less than the truth.
//!
//! A window forgets late and never early. Small limits (up to 12) are kept as a log of single units, larger ones in
//! cells of equal width, of which one more is counted than the window is long. So in no span of `length` is more than
//! the limit admitted, and even use of a limit gets at least 90 % of it: 23 cells give 23/24, 11 cells give 11/12.
//! Token buckets, which `governor` and Envoy's own limits use, admit up to twice the limit in such a span.

use crate::exchange::Millis;

/// How many numbers of 16 bits are kept of a window.
const WORDS: usize = 24;

/// The largest limit that is kept as a log of single units.
const LOG_LIMIT: u32 = 12;

/// Steps that a log tells apart: single milliseconds up to windows of 49 days.
const LOG_STEPS: u64 = 0xffff_fffe;

/// A log entry that holds no unit.
const NO_UNIT: u32 = u32::MAX;

/// How far a clock may seem to run backwards and still be called the same moment. Threads read their clocks before
/// they meet, so small steps back are ordinary; anything larger is a clock that was set.
const SKEW: Millis = 5_000;

/// How a window lays out its 48 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Shape {
    /// Ages of up to 12 units in 32 bits, newest first. Limits up to 12.
    Log = 0,
    /// 24 cells of 16 bits, newest first. Limits up to 65,535.
    Fine = 1,
    /// 12 cells of 32 bits, newest first. Limits up to 4,294,967,295.
    Coarse = 2,
}

impl Shape {
    /// The shape that a limit needs.
    #[must_use]
    pub const fn of(limit: u32) -> Self {
        if limit <= LOG_LIMIT {
            Self::Log
        } else if limit <= u16::MAX as u32 {
            Self::Fine
        } else {
            Self::Coarse
        }
    }

    /// Reads a stored shape; `None` for a number that no shape has.
    #[must_use]
    pub const fn from_bits(bits: u64) -> Option<Self> {
        match bits {
            0 => Some(Self::Log),
            1 => Some(Self::Fine),
            2 => Some(Self::Coarse),
            _ => None,
        }
    }

    /// Whole steps for which a unit stays, beyond the step that it falls in.
    const fn steps(self) -> u64 {
        match self {
            Self::Log => LOG_STEPS,
            Self::Fine => 23,
            Self::Coarse => 11,
        }
    }

    /// Cells, or units of a log, that there is room for.
    const fn cells(self) -> usize {
        match self {
            Self::Log | Self::Coarse => WORDS / 2,
            Self::Fine => WORDS,
        }
    }
}

/// What is kept of a window between two requests: 56 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Kept {
    /// When nothing of it counts any more, in milliseconds, shifted left by two; the low bits are the [`Shape`].
    pub clock: u64,
    /// Ages or cells.
    pub words: [u16; WORDS],
}

impl Kept {
    /// When all of it is replenished and it may be forgotten; 0 if it holds nothing.
    #[must_use]
    pub const fn replenished(&self) -> Millis {
        self.clock >> 2
    }

    /// Its shape; `None` if these are not the bytes of a window.
    #[must_use]
    pub const fn shape(&self) -> Option<Shape> {
        Shape::from_bits(self.clock & 3)
    }
}

/// How a window of one length divides its time, for one limit. Made once, so that no request divides by a length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scale {
    length: Millis,
    shape: Shape,
    /// Milliseconds of a step: a cell's width, or what a log's ages count.
    step: Millis,
    /// Steps after which a unit of step 0 no longer counts.
    lifetime: u64,
}

impl Scale {
    /// The scale of a window of `length` milliseconds for a limit.
    #[must_use]
    pub const fn new(length: Millis, limit: u32) -> Self {
        Self::of(length, Shape::of(limit))
    }

    const fn of(length: Millis, shape: Shape) -> Self {
        let step = length.div_ceil(shape.steps());
        let step = if step == 0 { 1 } else { step };
        let lifetime = match shape {
            Shape::Log => length.div_ceil(step),
            Shape::Fine | Shape::Coarse => shape.steps().saturating_add(1),
        };
        Self {
            length,
            shape,
            step,
            lifetime,
        }
    }

    /// The window's length.
    #[must_use]
    pub const fn length(&self) -> Millis {
        self.length
    }

    /// The step that a moment falls in. A log's are rounded up, so that a unit's age is never overstated.
    fn step_of(&self, now: Millis) -> u64 {
        match self.shape {
            Shape::Log => now.div_ceil(self.step),
            Shape::Fine | Shape::Coarse => self.whole_steps(now),
        }
    }

    fn whole_steps(&self, time: Millis) -> u64 {
        if self.step == 1 {
            time
        } else {
            time.checked_div(self.step).unwrap_or(0)
        }
    }
}

/// A window at one moment: read from what was kept, advanced to now, ready to be charged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    scale: Scale,
    /// The step of now.
    newest: u64,
    /// The sum of all that counts.
    used: u64,
    /// What each step used, newest first; in a log, the age of each unit, newest first.
    cells: [u32; WORDS],
}

impl Window {
    /// An empty window at `now`.
    #[must_use]
    pub fn new(scale: Scale, now: Millis) -> Self {
        let nothing = if scale.shape == Shape::Log {
            NO_UNIT
        } else {
            0
        };
        Self {
            scale,
            newest: scale.step_of(now),
            used: 0,
            cells: [nothing; WORDS],
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
            cells: unpack(shape, &kept.words),
        };
        // Mostly the last request was in this very step; that is seen without a division.
        let this_step = window.over(0) == kept.replenished();
        if !this_step || shape == Shape::Log {
            let newest = held
                .whole_steps(kept.replenished())
                .saturating_sub(held.lifetime);
            window.advance(newest, now);
        }
        window.used = window.sum();
        if shape == scale.shape || (scale.shape == Shape::Log && window.used > u64::from(LOG_LIMIT))
        {
            return window;
        }
        window.reshape(scale, now)
    }

    /// Ages what is held from step `then` to the step of now, which `empty` has computed.
    fn advance(&mut self, then: u64, now: Millis) {
        let back = then.saturating_sub(self.newest);
        if back > 0 && (back == 1 || back.saturating_mul(self.scale.step) <= SKEW) {
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
                let end = then.saturating_add(self.scale.lifetime);
                for cell in self.cells.iter_mut().filter(|cell| **cell != NO_UNIT) {
                    let live = back > 0 || late.saturating_add(u64::from(*cell)) < end;
                    let age = elapsed.saturating_add(u64::from(*cell));
                    *cell = u32::try_from(age).ok().filter(|_| live).unwrap_or(NO_UNIT);
                }
            }
            Shape::Fine | Shape::Coarse => {
                let places = usize::try_from(elapsed).unwrap_or(WORDS).min(WORDS);
                self.cells
                    .copy_within(..WORDS.saturating_sub(places), places);
                self.cells
                    .iter_mut()
                    .take(places)
                    .for_each(|cell| *cell = 0);
                self.cells
                    .iter_mut()
                    .skip(self.scale.shape.cells())
                    .for_each(|cell| *cell = 0);
            }
        }
    }

    /// The same use on another scale, each unit at the end of the step that it was in.
    fn reshape(&self, scale: Scale, now: Millis) -> Self {
        let mut other = Self::new(scale, now);
        for (age, count) in self.oldest_first() {
            let end = self
                .newest
                .saturating_sub(age)
                .saturating_add(1)
                .saturating_mul(self.scale.step);
            other.add(other.newest.saturating_sub(scale.step_of(end)), count);
        }
        other.used = other.sum();
        other
    }

    /// Units in use now.
    #[must_use]
    pub const fn used(&self) -> u64 {
        self.used
    }

    fn sum(&self) -> u64 {
        match self.scale.shape {
            Shape::Log => self
                .cells
                .iter()
                .map(|&age| u64::from(age != NO_UNIT))
                .sum(),
            Shape::Fine | Shape::Coarse => self.cells.iter().map(|&count| u64::from(count)).sum(),
        }
    }

    /// Ages in steps with their units, oldest first.
    fn oldest_first(&self) -> impl Iterator<Item = (u64, u32)> + '_ {
        let log = self.scale.shape == Shape::Log;
        let cells = self.cells.iter().enumerate().rev();
        cells.filter_map(move |(index, &cell)| match (log, cell) {
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
        self.used = self.used.saturating_add(u64::from(units));
        self.newest.saturating_mul(self.scale.step)
    }

    /// Adds units of the given age in steps.
    fn add(&mut self, age: u64, units: u32) {
        match self.scale.shape {
            Shape::Log => {
                let age = u32::try_from(age).unwrap_or(NO_UNIT);
                for _ in 0..units.min(LOG_LIMIT) {
                    let place = self
                        .cells
                        .iter()
                        .position(|&other| other >= age)
                        .unwrap_or(WORDS);
                    if let Some(tail) = self.cells.get_mut(place..self.scale.shape.cells()) {
                        tail.rotate_right(1);
                        tail.iter_mut().take(1).for_each(|cell| *cell = age);
                    }
                }
            }
            Shape::Fine | Shape::Coarse => {
                let index = usize::try_from(age).unwrap_or(WORDS);
                if let Some(cell) = self.cells.get_mut(index) {
                    *cell = cell.saturating_add(units);
                }
            }
        }
    }

    /// Gives back `units` that were charged at the moment `at`. Units that are over are not given back twice; after a
    /// change of shape the units filed next after `at` are meant.
    pub fn refund(&mut self, at: Millis, units: u32) {
        let step = self.scale.whole_steps(at);
        let age = self.newest.saturating_sub(step);
        let mut left = units;
        if age >= self.scale.lifetime {
            return;
        }
        match self.scale.shape {
            Shape::Log => {
                while left > 0 {
                    let Some(place) = self.cells.iter().rposition(|&cell| u64::from(cell) <= age)
                    else {
                        break;
                    };
                    if let Some(tail) = self.cells.get_mut(place..) {
                        tail.rotate_left(1);
                    }
                    self.cells
                        .iter_mut()
                        .rev()
                        .take(1)
                        .for_each(|cell| *cell = NO_UNIT);
                    left = left.saturating_sub(1);
                }
            }
            Shape::Fine | Shape::Coarse => {
                let reach = usize::try_from(age).unwrap_or(0).saturating_add(1);
                for cell in self.cells.iter_mut().take(reach).rev() {
                    let back = left.min(*cell);
                    *cell = cell.saturating_sub(back);
                    left = left.saturating_sub(back);
                }
            }
        }
        self.used = self
            .used
            .saturating_sub(u64::from(units.saturating_sub(left)));
    }

    /// The earliest moment at which at least `units` of what is used now will have been replenished, if nothing more
    /// is charged. Now (as the window files it) if `units` is 0; the moment of full replenishment if it is too many.
    #[must_use]
    pub fn frees(&self, units: u64) -> Millis {
        let mut freed: u64 = 0;
        let mut at = self.newest.saturating_mul(self.scale.step);
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
        let newest = match self.scale.shape {
            Shape::Log => self
                .cells
                .first()
                .filter(|&&age| age != NO_UNIT)
                .map(|&age| u64::from(age)),
            Shape::Fine | Shape::Coarse => self
                .cells
                .iter()
                .position(|&count| count > 0)
                .map(|age| age as u64),
        };
        newest.map_or_else(
            || self.newest.saturating_mul(self.scale.step),
            |age| self.over(age),
        )
    }

    /// When units of this age stop counting.
    fn over(&self, age: u64) -> Millis {
        self.newest
            .saturating_sub(age)
            .saturating_add(self.scale.lifetime)
            .saturating_mul(self.scale.step)
    }

    /// What is to be kept until the next request.
    #[must_use]
    pub fn keep(&self) -> Kept {
        let shape = self.scale.shape as u64;
        let words = pack(self.scale.shape, &self.cells);
        // From the newest step rather than the newest unit, so that the step can be read back.
        let replenished = if self.used == 0 { 0 } else { self.over(0) };
        Kept {
            clock: (replenished << 2) | shape,
            words,
        }
    }
}

fn unpack(shape: Shape, words: &[u16; WORDS]) -> [u32; WORDS] {
    let mut cells = [if shape == Shape::Log { NO_UNIT } else { 0 }; WORDS];
    match shape {
        Shape::Fine => cells
            .iter_mut()
            .zip(words)
            .for_each(|(cell, &word)| *cell = u32::from(word)),
        Shape::Log | Shape::Coarse => {
            for (cell, [low, high]) in cells.iter_mut().zip(words.as_chunks().0) {
                *cell = u32::from(*low) | (u32::from(*high) << 16);
            }
        }
    }
    cells
}

/// A cell that outgrows its shape is held at the most that it can hold, which is never less than the limit.
fn pack(shape: Shape, cells: &[u32; WORDS]) -> [u16; WORDS] {
    let mut words = [0; WORDS];
    match shape {
        Shape::Fine => {
            words
                .iter_mut()
                .zip(cells)
                .for_each(|(word, &cell)| *word = u16::try_from(cell).unwrap_or(u16::MAX));
        }
        Shape::Log | Shape::Coarse => {
            for ([low, high], cell) in words.as_chunks_mut().0.iter_mut().zip(cells) {
                (*low, *high) = ((cell & 0xffff) as u16, (cell >> 16) as u16);
            }
        }
    }
    words
}

#[cfg(test)]
mod tests;
