//! What happened in traffic, as time went by: who asked, what became of it, which campaigns were found, and which keys shared
//! which templates. Bounded, however long the traffic is.

mod crowd;
mod cuts;
mod history;
mod picture;

use serde::Serialize;

use crate::campaign::{Case, Observation};
use crate::engine::Decision;
use crate::exchange::Millis;
use crate::verdict::Verdict;
use crowd::Crowd;
pub use crowd::{Kind, Person};
use cuts::Cuts;
pub use history::Campaign;
use history::History;
pub use picture::Picture;
use picture::Sketch;

/// What became of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fate {
    /// It was let through.
    Passed,
    /// It was let through, and the origin told of it.
    Tagged,
    /// It was refused.
    Refused,
    /// It was let through, and rules in shadow would have refused it.
    Would,
}

impl Fate {
    /// Of a decision. What was done goes before what would have been.
    #[must_use]
    pub fn of(decision: &Decision) -> Self {
        Self::from_verdicts(decision.verdict, decision.shadow.map(|it| it.verdict))
    }

    /// Of what was done, and what rules in shadow would have done.
    #[must_use]
    pub fn from_verdicts(did: Verdict, would: Option<Verdict>) -> Self {
        match (did, would) {
            (did, _) if !did.passes() => Self::Refused,
            (_, Some(would)) if !would.passes() => Self::Would,
            (Verdict::Tag, _) => Self::Tagged,
            _ => Self::Passed,
        }
    }
}

/// A request, as it is taken down.
#[derive(Debug, Clone, Copy)]
pub struct Scene<'a> {
    /// When it came.
    pub t: Millis,
    /// To which of the groups it belongs.
    pub group: usize,
    /// Whose it was, if that is known: a hash.
    pub key: Option<u64>,
    /// What was decided.
    pub verdict: Verdict,
    /// What became of it.
    pub fate: Fate,
    /// The campaign that it was known to be part of.
    pub campaign: Option<u64>,
    /// What it showed, if that may be evidence.
    pub shown: Option<&'a Observation>,
}

/// What happened.
#[derive(Debug)]
pub struct Film {
    people: Vec<Person>,
    cuts: Cuts,
    crowds: Vec<Crowd>,
    verdicts: Vec<[u32; 5]>,
    history: History,
    sketch: Sketch,
}

/// One group, frame by frame.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Series {
    /// How many requests.
    pub requests: Vec<u32>,
    /// Of these so many were tagged, and nothing in shadow would have refused them.
    pub tagged: Vec<u32>,
    /// So many refused.
    pub refused: Vec<u32>,
    /// And so many would have been.
    pub would: Vec<u32>,
    /// Distinct keys until the frame's end.
    pub keys: Option<Vec<u64>>,
    /// Of these so many were tagged, in requests that nothing in shadow would have refused.
    pub keys_tagged: Option<Vec<u64>>,
    /// So many refused.
    pub keys_refused: Option<Vec<u64>>,
    /// And so many would have been.
    pub keys_would: Option<Vec<u64>>,
}

/// Verdicts, frame by frame.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Verdicts {
    allow: Vec<u32>,
    tag: Vec<u32>,
    throttle: Vec<u32>,
    verify: Vec<u32>,
    deny: Vec<u32>,
}

/// When the frames are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Timing {
    /// When the first begins, in milliseconds since 1970.
    pub start: Millis,
    /// How long each is.
    pub step: Millis,
    /// How many there are.
    pub frames: usize,
}

impl Film {
    /// Nothing has happened yet to these groups. `length` is how long it will go on, where that is known.
    #[must_use]
    pub fn new(people: Vec<Person>, length: Option<Millis>) -> Self {
        let groups = people.len();
        Self {
            crowds: people.iter().map(|_| Crowd::default()).collect(),
            people,
            cuts: Cuts::new(length),
            verdicts: Vec::new(),
            history: History::new(groups),
            sketch: Sketch::default(),
        }
    }

    /// The groups.
    #[must_use]
    pub fn people(&self) -> &[Person] {
        &self.people
    }

    /// Takes down a request. Answers whether it is the first of a frame: then it is time to look at the campaigns.
    pub fn take(&mut self, scene: &Scene<'_>) -> bool {
        let cut = self.cuts.frame(scene.t);
        for _ in 0..cut.joined {
            self.crowds.iter_mut().for_each(Crowd::join);
            join(&mut self.verdicts, |sum, more| {
                sum.iter_mut()
                    .zip(more)
                    .for_each(|(sum, more)| *sum = sum.saturating_add(*more));
            });
        }
        if let Some(crowd) = self.crowds.get_mut(scene.group) {
            crowd.count(cut.frame, scene);
        }
        let frame = at(&mut self.verdicts, cut.frame);
        let place = scene.verdict as usize;
        if let Some(count) = frame.and_then(|frame| frame.get_mut(place)) {
            *count = count.saturating_add(1);
        }
        if let Some(campaign) = scene.campaign {
            let refused = scene.fate == Fate::Refused;
            self.history.meet(campaign, scene.group, refused);
        }
        let marked = scene.campaign.is_some()
            || self
                .people
                .get(scene.group)
                .is_some_and(|it| it.kind == Kind::Campaign);
        if let Some(shown) = scene.shown {
            self.sketch.note(shown, scene, marked);
        }
        cut.new
    }

    /// Takes down how the campaigns stand.
    pub fn look(&mut self, cases: &[Case], t: Millis, templates: impl Fn(u64) -> Vec<u64>) {
        self.history.look(cases, t, templates);
    }

    /// Takes down a campaign of which only the name is told.
    pub fn name(&mut self, campaign: u64, t: Millis) {
        self.history.name(campaign, t);
    }

    /// When the frames are.
    #[must_use]
    pub fn timing(&self) -> Timing {
        Timing {
            start: self.cuts.start(),
            step: self.cuts.step(),
            frames: self.verdicts.len(),
        }
    }

    /// All groups, frame by frame.
    #[must_use]
    pub fn series(&self) -> Vec<Series> {
        // A file that names keys names them for all.
        let named = self.crowds.iter().any(Crowd::is_named);
        let crowds = self.crowds.iter();
        let timing = self.timing();
        crowds.map(|crowd| crowd.series(timing, named)).collect()
    }

    /// Verdicts, frame by frame.
    #[must_use]
    pub fn verdicts(&self) -> Verdicts {
        let of = |place: usize| {
            let frames = self.verdicts.iter();
            frames
                .map(|frame| frame.get(place).copied().unwrap_or(0))
                .collect()
        };
        Verdicts {
            allow: of(0),
            tag: of(1),
            throttle: of(2),
            verify: of(3),
            deny: of(4),
        }
    }

    /// The campaigns that there were, in the order in which they were found.
    #[must_use]
    pub fn campaigns(&self) -> Vec<Campaign> {
        self.history.campaigns()
    }

    /// How many requests are remembered for the picture.
    #[cfg(test)]
    const fn sketch_len(&self) -> usize {
        self.sketch.len()
    }

    /// Which keys shared which templates. `convicted` are features that are known for campaigns'.
    #[must_use]
    pub fn picture(&self, convicted: &[(u64, u64)]) -> Picture {
        self.sketch.picture(convicted, self.timing())
    }
}

/// The place of a frame, which is made with all before it if it is new.
fn at<T: Default + Clone>(frames: &mut Vec<T>, frame: usize) -> Option<&mut T> {
    if frame >= frames.len() {
        frames.resize(frame.saturating_add(1), T::default());
    }
    frames.get_mut(frame)
}

/// Joins frames two by two.
fn join<T: Clone>(frames: &mut Vec<T>, add: impl Fn(&mut T, &T)) {
    let pairs = frames.chunks(2).filter_map(|pair| {
        let (first, rest) = pair.split_first()?;
        let mut sum = first.clone();
        rest.iter().for_each(|more| add(&mut sum, more));
        Some(sum)
    });
    *frames = pairs.collect();
}

#[cfg(test)]
mod tests;
