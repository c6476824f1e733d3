//! Traffic that goes by while somebody looks: made up, recorded, or already decided about.

mod made;
mod reading;
mod recorded;
mod told;
mod watched;

use serde::Serialize;

use super::film::{Campaign, Film, Person, Picture, Series, Timing, Verdicts};
use crate::exchange::Millis;
use crate::policy::Policy;
use crate::policy::campaigns::Convict;
use crate::replay::{Cause, Tally};
use crate::trace::Oddities;

pub use made::{Made, Options, Preset, check as check_scenario, scenarios};
pub use reading::{Reading, Taking};
pub use recorded::{Again, Recorded};
pub(super) use told::probe as is_verdict;
pub use told::{Before, Told};

/// All that a page shows of a run.
#[derive(Debug, Serialize)]
pub struct Report {
    /// `scenario`, `trace` or `verdicts`.
    source: &'static str,
    #[serde(flatten)]
    timing: Timing,
    /// When it will end, if that is known.
    end: Option<Millis>,
    /// When the latest request came, or the end of a scenario that has come to it.
    last: Option<Millis>,
    requests: u64,
    keys: Option<u64>,
    /// Lines that were left out.
    broken: u64,
    /// The first of them, and why.
    told: Vec<(u64, String)>,
    /// The first line that is earlier than the one before it.
    backwards: Option<u64>,
    /// The first line that comes far too long after the one before it, and by how much.
    leap: Option<(u64, Millis)>,
    /// Requests that were not looked at for campaigns: too many at a time.
    unobserved: u64,
    /// What it takes to convict.
    convict: Option<Bar>,
    groups: Vec<Person>,
    series: Vec<Series>,
    verdicts: Verdicts,
    causes: Vec<Did>,
    campaigns: Vec<Campaign>,
    #[serde(skip_serializing_if = "Option::is_none")]
    picture: Option<Picture>,
}

/// What it takes to convict.
#[derive(Debug, Clone, Copy, Serialize)]
struct Bar {
    keys: u32,
    requests: u32,
    score: u32,
    families: u32,
}

/// What one rule did, or would have done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Did {
    rule: Option<String>,
    kind: &'static str,
    mode: &'static str,
    requests: u64,
    keys: Option<u64>,
}

impl From<Convict> for Bar {
    fn from(convict: Convict) -> Self {
        Self {
            keys: convict.keys,
            requests: convict.requests,
            score: convict.score,
            families: convict.families,
        }
    }
}

impl Report {
    /// Of a film, and nothing else that is known.
    fn of(source: &'static str, film: &Film) -> Self {
        Self {
            source,
            timing: film.timing(),
            end: None,
            last: None,
            requests: 0,
            keys: None,
            broken: 0,
            told: Vec::new(),
            backwards: None,
            leap: None,
            unobserved: 0,
            convict: None,
            groups: film.people().to_vec(),
            series: film.series(),
            verdicts: film.verdicts(),
            causes: Vec::new(),
            campaigns: film.campaigns(),
            picture: None,
        }
    }

    /// With what was odd about a file.
    fn with_oddities(mut self, oddities: &Oddities) -> Self {
        self.broken = oddities.broken;
        self.told.clone_from(&oddities.told);
        self.backwards = oddities.backwards;
        self.leap = oddities.leap;
        self
    }

    /// With what a policy came to.
    fn with_tally(mut self, tally: &Tally, policy: &Policy) -> Self {
        self.requests = tally.requests;
        self.last = (tally.requests > 0).then_some(tally.last);
        self.keys = Some(tally.keys());
        self.convict = policy.campaigns.as_ref().map(|it| it.convict.into());
        let causes = tally.causes.iter();
        self.causes = causes.flat_map(|cause| Did::of(cause, policy)).collect();
        self
    }
}

impl Did {
    /// What a cause did, and what it would have done, each if it is anything.
    fn of(cause: &Cause, policy: &Policy) -> Vec<Self> {
        let rule = cause.rule.map(|rule| policy.name_of(rule).to_owned());
        [("enforce", &cause.did), ("shadow", &cause.shadow)]
            .into_iter()
            .filter(|(_, count)| count.requests > 0)
            .map(|(mode, count)| Self {
                rule: rule.clone(),
                kind: cause.kind(),
                mode,
                requests: count.requests,
                keys: Some(count.keys()),
            })
            .collect()
    }
}

/// Bytes for the keys that rules touched; beyond that they are sampled.
const MEMORY: usize = 32 << 20;

#[cfg(test)]
mod tests;
