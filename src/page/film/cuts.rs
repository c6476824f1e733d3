//! Where one frame ends and the next begins.

use crate::exchange::Millis;

/// The most frames: as many as there are places to stop at on a small screen.
pub(super) const MOST: u64 = 480;

/// How long a frame is at least, in milliseconds.
const SHORTEST: Millis = 1_000;

/// The lengths that people know, in seconds: where it is known how long all is, a frame is one of these.
const KNOWN: [Millis; 14] = [
    1, 2, 5, 10, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 14_400,
];

/// Frames of one length from a moment on. Where there would be too many they become twice as long.
#[derive(Debug)]
pub(super) struct Cuts {
    start: Option<Millis>,
    step: Millis,
    last: Option<usize>,
}

/// Where a moment belongs.
pub(super) struct Cut {
    pub(super) frame: usize,
    /// Whether nothing was in this frame before, or after it.
    pub(super) new: bool,
    /// How often frames were joined two by two before.
    pub(super) joined: u32,
}

impl Cuts {
    pub(super) fn new(length: Option<Millis>) -> Self {
        let mut known = KNOWN.iter().map(|seconds| seconds.saturating_mul(1_000));
        let step = length.and_then(|length| known.find(|step| step.saturating_mul(MOST) >= length));
        Self {
            start: None,
            step: step.unwrap_or(SHORTEST),
            last: None,
        }
    }

    pub(super) const fn step(&self) -> Millis {
        self.step
    }

    pub(super) fn start(&self) -> Millis {
        self.start.unwrap_or(0)
    }

    /// The frame of a moment. What comes before the beginning belongs to the first.
    pub(super) fn frame(&mut self, t: Millis) -> Cut {
        // Seconds begin on the second, so that labels are short.
        let start = *self.start.get_or_insert(t.saturating_sub(t % SHORTEST));
        let since = t.saturating_sub(start);
        let mut joined = 0_u32;
        while since.checked_div(self.step).unwrap_or(0) >= MOST {
            self.step = self.step.saturating_mul(2);
            self.last = self.last.map(|last| last / 2);
            joined = joined.saturating_add(1);
        }
        let frame = usize::try_from(since.checked_div(self.step).unwrap_or(0)).unwrap_or(0);
        let new = self.last.is_none_or(|last| frame > last);
        if new {
            self.last = Some(frame);
        }
        Cut { frame, new, joined }
    }
}
