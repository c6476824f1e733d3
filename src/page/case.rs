//! A campaign as a page shows it.

use serde::ser::{Serialize, SerializeMap as _, Serializer};

use crate::campaign::Case;
use crate::exchange::Millis;
use crate::policy::campaigns;

/// How a campaign stood at a moment.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Standing {
    /// When that was, in milliseconds since 1970.
    pub t: Millis,
    /// `suspect`, `convicted` or `closed`; `named` where no more than its name is told.
    pub stage: &'static str,
    /// Whether it is only noted, since too many keys would be acted on.
    pub held_back: bool,
    /// Distinct keys, about.
    pub keys: u32,
    /// Requests, also those that were refused.
    pub requests: u64,
    /// Points.
    pub score: f64,
    /// Families that speak for it.
    pub families: u32,
    /// When its first request came.
    pub first: Millis,
    /// When it came to this stage.
    pub since: Millis,
    /// Every term with its points.
    pub terms: Terms,
}

/// Terms by their names, in tenths of a point, in the order in which they are weighed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Terms(pub Vec<(&'static str, i32)>);

impl Serialize for Terms {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut terms = to.serialize_map(Some(self.0.len()))?;
        for (name, tenths) in &self.0 {
            terms.serialize_entry(name, &points(*tenths))?;
        }
        terms.end()
    }
}

impl Standing {
    /// Of a case at a moment.
    #[must_use]
    pub fn of(case: &Case, t: Millis) -> Self {
        Self {
            t,
            stage: case.stage.label(),
            held_back: case.held_back,
            keys: case.keys,
            requests: case.requests,
            score: points(case.score),
            families: case.families,
            first: case.first,
            since: case.since,
            terms: Terms(case.reasons.clone()),
        }
    }

    /// The same when nobody carries it on any more, too much speaks against it, or it is a part of another.
    #[must_use]
    pub fn closed(&self, t: Millis) -> Self {
        Self {
            t,
            stage: CLOSED,
            since: t,
            ..self.clone()
        }
    }

    /// Whether so little has changed that nobody would see it.
    #[must_use]
    pub fn resembles(&self, later: &Self) -> bool {
        let near = |one: u64, other: u64| one.abs_diff(other) <= one.max(other) / 32;
        let same = |of: &Self| (of.stage, of.held_back, of.families, of.since);
        same(self) == same(later)
            && self.terms == later.terms
            && near(u64::from(self.keys), u64::from(later.keys))
            && near(self.requests, later.requests)
    }
}

/// What a campaign is that was one.
pub const CLOSED: &str = "closed";

/// A campaign that stands now, by its name.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Named {
    /// As records name it.
    pub id: String,
    /// How it stands.
    #[serde(flatten)]
    pub standing: Standing,
}

impl Named {
    /// Of a case at a moment.
    #[must_use]
    pub fn of(case: &Case, t: Millis) -> Self {
        Self {
            id: campaigns::name(case.id),
            standing: Standing::of(case, t),
        }
    }
}

fn points(tenths: i32) -> f64 {
    f64::from(tenths) / 10.0
}
