//! How a window divides its time, and what is kept of it between two requests.

use bytemuck::{Pod, Zeroable};

use crate::exchange::Millis;

/// How many numbers of 16 bits are kept of a window.
pub(super) const WORDS: usize = 24;

/// The number in the place of a shape that marks a part of a set.
const SET: u64 = 3;

/// The largest limit that is kept as a log of single units.
pub(super) const LOG_LIMIT: u32 = 12;

/// Steps that a log tells apart: single milliseconds up to windows of 49 days.
pub(super) const LOG_STEPS: u64 = 0xffff_fffe;

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

    /// Reads a stored shape; `None` for the number that marks a set, which is no window.
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
    pub(super) const fn steps(self) -> u64 {
        match self {
            Self::Log => LOG_STEPS,
            Self::Fine => 23,
            Self::Coarse => 11,
        }
    }

    /// Cells, or units of a log, that there is room for.
    pub(super) const fn cells(self) -> usize {
        match self {
            Self::Log | Self::Coarse => WORDS / 2,
            Self::Fine => WORDS,
        }
    }
}

/// What is kept of a window between two requests, or of a part of a set: 56 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Pod, Zeroable)]
#[repr(C)]
pub struct Kept {
    /// When nothing of it counts any more, in milliseconds, shifted left by two; the low bits are the [`Shape`], or 3
    /// for a part of a set.
    pub clock: u64,
    /// Ages or cells; or what a set holds.
    pub words: [u16; WORDS],
}

impl Kept {
    /// A part of a set of distinct things, of which nothing counts any more at `over`.
    #[must_use]
    pub fn of_set(over: Millis, numbers: [u32; WORDS / 2]) -> Self {
        Self {
            clock: (over << 2) | SET,
            words: bytemuck::cast(numbers),
        }
    }

    /// Whether this is a part of a set and not a window.
    #[must_use]
    pub const fn is_set(&self) -> bool {
        self.clock & 3 == SET
    }

    /// The words two by two, the low one first.
    #[must_use]
    pub fn numbers(&self) -> [u32; WORDS / 2] {
        bytemuck::cast(self.words)
    }

    /// When all of it is replenished and it may be forgotten; 0 if it holds nothing.
    #[must_use]
    pub const fn replenished(&self) -> Millis {
        self.clock >> 2
    }

    /// Its shape; `None` if this is no window.
    #[must_use]
    pub const fn shape(&self) -> Option<Shape> {
        Shape::from_bits(self.clock & 3)
    }
}

/// How a window of one length divides its time, for one limit. Made once, so that no request divides by a length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scale {
    pub(super) length: Millis,
    /// Milliseconds of a step: a cell's width, or what a log's ages count.
    pub(super) step: u32,
    /// Steps after which a unit of step 0 no longer counts.
    pub(super) lifetime: u32,
    pub(super) shape: Shape,
}

impl Scale {
    /// The scale of a window of `length` milliseconds, at most 366 days, for a limit.
    #[must_use]
    pub const fn new(length: Millis, limit: u32) -> Self {
        Self::of(length, Shape::of(limit))
    }

    /// The scale of a window of that length in a shape of the caller's choice, which must hold what is charged to it.
    #[must_use]
    pub const fn of(length: Millis, shape: Shape) -> Self {
        let step = length.div_ceil(shape.steps());
        let step = if step == 0 { 1 } else { step };
        let lifetime = match shape {
            Shape::Log => length.div_ceil(step),
            Shape::Fine | Shape::Coarse => shape.steps().saturating_add(1),
        };
        // 366 days in 11 steps, and 2^32 - 2 steps of a log, are what 32 bits hold.
        Self {
            length,
            step: step as u32,
            lifetime: lifetime as u32,
            shape,
        }
    }

    /// The window's length.
    #[must_use]
    pub const fn length(&self) -> Millis {
        self.length
    }

    /// The step that a moment falls in. A log's are rounded up, so that a unit's age is never overstated.
    pub(super) fn step_of(&self, now: Millis) -> u64 {
        match self.shape {
            Shape::Log if self.step == 1 => now,
            Shape::Log => now.div_ceil(u64::from(self.step)),
            Shape::Fine | Shape::Coarse => self.whole_steps(now),
        }
    }

    pub(super) fn whole_steps(&self, time: Millis) -> u64 {
        if self.step == 1 {
            time
        } else {
            time.checked_div(u64::from(self.step)).unwrap_or(0)
        }
    }

    /// The first moment of a step.
    pub(super) fn moment(&self, step: u64) -> Millis {
        step.saturating_mul(u64::from(self.step))
    }
}
