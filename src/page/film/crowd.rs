//! One group of those who ask: how many requests of it there were in each frame, what became of them, and of how many keys.

use serde::Serialize;

use super::{Fate, Scene, Series, Timing, at, join};
use crate::exchange::Millis;
use crate::sample::{Held, Sample};
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

impl Person {
    /// By its name and kind.
    #[must_use]
    pub fn new(name: &str, kind: Kind) -> Self {
        let name = name.to_owned();
        Self { name, kind }
    }
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
}

/// When a key first met a fate. Lines may come late.
#[derive(Debug, Clone, Copy)]
struct First(Millis);

impl Default for First {
    fn default() -> Self {
        Self(Millis::MAX)
    }
}

impl Held for First {
    fn bytes(&self) -> usize {
        0
    }
}

/// A group.
#[derive(Debug)]
pub(super) struct Crowd {
    frames: Vec<Frame>,
    /// All keys, those that were tagged, that were refused, and that would have been.
    keys: [Sample<First>; 4],
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
    pub(super) fn count(&mut self, frame: usize, scene: &Scene<'_>) {
        let Some(frame) = at(&mut self.frames, frame) else {
            return;
        };
        frame.requests = frame.requests.saturating_add(1);
        let befell = match scene.fate {
            Fate::Passed => None,
            Fate::Tagged => Some((1, &mut frame.tagged)),
            Fate::Refused => Some((2, &mut frame.refused)),
            Fate::Would => Some((3, &mut frame.would)),
        };
        let mut place = 0;
        if let Some((of, count)) = befell {
            *count = count.saturating_add(1);
            place = of;
        }
        let Some(key) = scene.key else {
            return;
        };
        self.named = true;
        for (of, keys) in self.keys.iter_mut().enumerate() {
            if of == 0 || of == place {
                keys.with(mix(key), |first| first.0 = first.0.min(scene.t));
            }
        }
    }

    pub(super) fn join(&mut self) {
        join(&mut self.frames, |sum, more| {
            sum.requests = sum.requests.saturating_add(more.requests);
            sum.tagged = sum.tagged.saturating_add(more.tagged);
            sum.refused = sum.refused.saturating_add(more.refused);
            sum.would = sum.would.saturating_add(more.would);
        });
    }

    /// Whether it was told whose a request was.
    pub(super) const fn is_named(&self) -> bool {
        self.named
    }

    /// All of it, in these frames; the keys only where they are named.
    pub(super) fn series(&self, timing: Timing, named: bool) -> Series {
        let all = || {
            let rest = core::iter::repeat(Frame::default());
            self.frames.iter().copied().chain(rest).take(timing.frames)
        };
        let [keys, tagged, refused, would] = &self.keys;
        let known = |keys: &Sample<First>| named.then(|| until(keys, timing));
        Series {
            requests: all().map(|frame| frame.requests).collect(),
            tagged: all().map(|frame| frame.tagged).collect(),
            refused: all().map(|frame| frame.refused).collect(),
            would: all().map(|frame| frame.would).collect(),
            keys: known(keys),
            keys_tagged: known(tagged),
            keys_refused: known(refused),
            keys_would: known(would),
        }
    }
}

/// How many keys there were until each frame's end.
fn until(keys: &Sample<First>, timing: Timing) -> Vec<u64> {
    let mut known = vec![0_u64; timing.frames];
    for (_, first) in keys.iter() {
        let since = first.0.saturating_sub(timing.start);
        let frame = since.checked_div(timing.step).unwrap_or(0);
        let frame = usize::try_from(frame).unwrap_or(usize::MAX);
        if let Some(count) = known.get_mut(frame) {
            *count = count.saturating_add(keys.weight());
        }
    }
    let mut sum = 0_u64;
    for count in &mut known {
        sum = sum.saturating_add(*count);
        *count = sum;
    }
    known
}
