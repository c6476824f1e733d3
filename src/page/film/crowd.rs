//! One group of those who ask: how many requests of it there were in each frame, what became of them, and of how many keys.

use serde::Serialize;

use super::{Fate, Series, at, join};
use crate::sample::Sample;
use crate::traits::mix;

/// Bytes for the keys of one fate; beyond that they are sampled.
const MEMORY: usize = 1 << 20;

/// A group, in words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Person {
    /// What it is called.
    pub name: String,
    /// What it is.
    pub kind: Kind,
}

/// What a group is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// What a campaign wants answers to. This is the truth, which only who made the traffic knows.
    Campaign,
    /// What else is asked with its keys.
    Beside,
    /// Everybody else.
    Honest,
    /// What was found to be a campaign's.
    Found,
    /// What was not.
    Others,
}

/// How often each fate befell somebody, in one frame.
#[derive(Debug, Clone, Copy, Default)]
struct Frame {
    requests: u32,
    tagged: u32,
    refused: u32,
    would: u32,
    /// Distinct keys until now: all, tagged, refused, and those that would have been.
    keys: [u64; 4],
}

/// A group.
#[derive(Debug)]
pub(super) struct Crowd {
    frames: Vec<Frame>,
    keys: [Sample<()>; 4],
    named: bool,
}

impl Default for Crowd {
    fn default() -> Self {
        Self {
            frames: Vec::new(),
            keys: core::array::from_fn(|_| Sample::new(MEMORY)),
            named: false,
        }
    }
}

impl Crowd {
    pub(super) fn count(&mut self, frame: usize, fate: Fate, key: Option<u64>) {
        let Some(frame) = at(&mut self.frames, frame) else {
            return;
        };
        frame.requests = frame.requests.saturating_add(1);
        let of = match fate {
            Fate::Passed => None,
            Fate::Tagged => Some((1, &mut frame.tagged)),
            Fate::Refused => Some((2, &mut frame.refused)),
            Fate::Would => Some((3, &mut frame.would)),
        };
        let mut places = [Some(0), None];
        if let Some((place, count)) = of {
            *count = count.saturating_add(1);
            places = [Some(0), Some(place)];
        }
        let Some(key) = key else {
            return;
        };
        self.named = true;
        for place in places.into_iter().flatten() {
            let sets = self.keys.get_mut(place).zip(frame.keys.get_mut(place));
            if let Some((set, count)) = sets {
                set.with(mix(key), |()| ());
                *count = set.len();
            }
        }
    }

    pub(super) fn join(&mut self) {
        join(&mut self.frames, |sum, more| {
            sum.requests = sum.requests.saturating_add(more.requests);
            sum.tagged = sum.tagged.saturating_add(more.tagged);
            sum.refused = sum.refused.saturating_add(more.refused);
            sum.would = sum.would.saturating_add(more.would);
            for (most, keys) in sum.keys.iter_mut().zip(more.keys) {
                *most = (*most).max(keys);
            }
        });
    }

    /// Whether it was told whose a request was.
    pub(super) const fn is_named(&self) -> bool {
        self.named
    }

    /// All of it, to so many frames; the keys only where they are named.
    pub(super) fn series(&self, frames: usize, named: bool) -> Series {
        let all = || {
            let rest = core::iter::repeat(Frame::default());
            self.frames.iter().copied().chain(rest).take(frames)
        };
        let keys = |place: usize| {
            let mut most = 0;
            let known = all().map(|frame| {
                // Where nobody came the number stays what it was.
                most = frame.keys.get(place).copied().unwrap_or(0).max(most);
                most
            });
            named.then(|| known.collect())
        };
        Series {
            requests: all().map(|frame| frame.requests).collect(),
            tagged: all().map(|frame| frame.tagged).collect(),
            refused: all().map(|frame| frame.refused).collect(),
            would: all().map(|frame| frame.would).collect(),
            keys: keys(0),
            keys_tagged: keys(1),
            keys_refused: keys(2),
            keys_would: keys(3),
        }
    }
}
