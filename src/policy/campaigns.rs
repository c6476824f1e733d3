//! What the policy says of campaigns: what is watched, when many keys are held to act as one, and what then follows.

use core::fmt::Write as _;
use serde::{Deserialize, Serialize};

use super::scope::Scope;
use crate::exchange::Millis;
use crate::verdict::Verdict;

/// How campaigns are found and answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Campaigns {
    /// Whether answers are only noted. So it is unless the policy says otherwise.
    pub shadow: bool,
    /// Which requests are watched.
    pub scope: Scope,
    /// How long evidence counts, and how long a campaign is remembered that nobody carries on, in milliseconds.
    pub window: Millis,
    /// What it takes to convict.
    pub convict: Convict,
    /// What follows, in the order of the file.
    pub steps: Vec<Step>,
    /// Where facts about accounts are found.
    pub facts: Facts,
    /// Hashes of templates that are never held against anybody.
    pub excused: Vec<u64>,
    /// Texts whose templates are not.
    pub excused_texts: Vec<String>,
    /// Campaigns that the operator acquits, by their names.
    pub acquitted: Vec<u64>,
    /// The longest that a conviction waits until it is acted on, in milliseconds.
    pub jitter: Millis,
    /// The largest share of a day's keys on which campaigns newly convicted may be acted, in millionths.
    pub cap: u32,
}

/// What it takes to convict; a campaign needs all of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Convict {
    /// Distinct keys, at least 16.
    pub keys: u32,
    /// Requests, at least 64.
    pub requests: u32,
    /// Points, at least 4.
    pub score: u32,
    /// Families of evidence that speak for it, 2 to 5.
    pub families: u32,
}

impl Default for Convict {
    fn default() -> Self {
        Self {
            keys: 64,
            requests: 500,
            score: 10,
            families: 3,
        }
    }
}

/// How far the evidence goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Stage {
    /// Much speaks for it, and not enough.
    Suspect,
    /// It is convicted.
    Convicted,
}

impl Stage {
    /// The word in policies and logs.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Suspect => "suspect",
            Self::Convicted => "convicted",
        }
    }
}

/// How a campaign is called in records, and where an operator acquits it: `c-` and 16 hex digits.
#[must_use]
pub fn name(campaign: u64) -> String {
    let mut name = String::from("c-");
    let _ = write!(name, "{campaign:016x}");
    name
}

/// What follows once the evidence goes so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// How far.
    pub at: Stage,
    /// What follows, for requests beyond the budget if there is one. Never [`Verdict::Allow`].
    pub then: Verdict,
    /// The quota that all keys of a campaign share, by its place in [`Policy::quotas`](super::Policy::quotas).
    pub budget: Option<usize>,
}

/// Facts about accounts, by their places in [`Policy::facts`](super::Policy::facts).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Facts {
    /// Its age in days.
    pub age: Option<usize>,
    /// The organisation that it belongs to.
    pub org: Option<usize>,
    /// Whether somebody has verified it.
    pub verified: Option<usize>,
    /// Whether it may do what it does by contract: then it is not watched.
    pub contract: Option<usize>,
}
