//! The part of a written policy that is about many keys which act as one.

use schemars::JsonSchema;

use super::{Duration, Except, Match, Mode};
use crate::policy::campaigns::{Convict, Stage};
use crate::verdict::Verdict;

/// How campaigns are found and answered: many keys whose prompts come from the same templates, and that act as one. `{}` is
/// enough to see what there is.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Campaigns {
    /// Whether anything follows, or is only noted. Default: `shadow`, also in a policy that is enforced.
    #[schemars(default)]
    pub mode: Mode,
    /// Which requests are watched. Default: all that have a prompt.
    #[schemars(default, rename = "match")]
    pub matches: Match,
    /// Lists that excuse whoever is on one of them, at most 16.
    #[schemars(default, length(max = 16))]
    pub except: Vec<Except>,
    /// How long evidence counts, and how long a campaign is remembered that nobody carries on, from `1d` to `30d`.
    /// Default: `7d`.
    #[schemars(default = "week")]
    pub window: Duration,
    /// What it takes to convict; a campaign needs all of it.
    #[schemars(default, with = "Convicts")]
    pub convict: Convict,
    /// What follows, at most 8 steps. Default: who is suspected is tagged, and all keys of a campaign that is convicted share
    /// 1,000 requests a day, over which they are asked for verification if there is a `verify_url`, and denied if not.
    #[schemars(default, length(max = 8))]
    pub steps: Vec<Step>,
    /// Names in `account` under which facts are found that speak for or against. Default: the same names, where `account`
    /// has them.
    #[schemars(default)]
    pub facts: Facts,
    /// Texts that are never held against anybody, at most 256: what many have a right to share.
    #[schemars(default, length(max = 256))]
    pub excuse: Vec<Excuse>,
    /// Campaigns that are none, by their names as records have them, at most 256.
    #[schemars(default, with = "Vec<Name>", length(max = 256))]
    pub acquit: Vec<u64>,
    /// The longest that a conviction waits until it is acted on, so that nobody can tell which request brought it about, from
    /// `0s` to `1d`. How long a campaign waits is a secret. Default: `5m`.
    #[schemars(default = "five_minutes")]
    pub jitter: Duration,
    /// The largest share of a day's keys on which campaigns newly convicted may be acted, above 0 and up to 1. What is beyond
    /// is only noted. Default: 0.1.
    #[schemars(default = "tenth")]
    pub cap: Share,
}

/// A part of a whole, in millionths here, written as `0.1`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share(pub u64);

/// A tenth.
pub(in crate::policy) const fn tenth() -> Share {
    Share(100_000)
}

/// Seven days.
pub(in crate::policy) const fn week() -> Duration {
    Duration(604_800_000)
}

/// Five minutes.
pub(in crate::policy) const fn five_minutes() -> Duration {
    Duration(300_000)
}

/// What it takes to convict.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(
    dead_code,
    reason = "the schema of Convict, which knows nothing of schemas"
)]
struct Convicts {
    /// Distinct keys, from 16 to 1,000,000,000. Default: 64.
    #[schemars(default = "keys", range(min = 16, max = 1_000_000_000))]
    keys: u32,
    /// Requests, from 64 to 1,000,000,000. Default: 500.
    #[schemars(default = "requests", range(min = 64, max = 1_000_000_000))]
    requests: u32,
    /// Points, from 4 to 100. Default: 10.
    #[schemars(default = "score", range(min = 4, max = 100))]
    score: u32,
    /// Families of evidence that speak for it, from 2 to 5. Default: 3.
    #[schemars(default = "families", range(min = 2, max = 5))]
    families: u32,
}

fn keys() -> u32 {
    Convict::default().keys
}

fn requests() -> u32 {
    Convict::default().requests
}

fn score() -> u32 {
    Convict::default().score
}

fn families() -> u32 {
    Convict::default().families
}

/// What follows once the evidence goes so far. Of several the strictest acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, JsonSchema)]
#[schemars(untagged, deny_unknown_fields)]
pub enum Step {
    /// Whatever the campaign asks.
    Then {
        /// How far.
        #[schemars(with = "Reached")]
        at: Stage,
        /// What follows for each of its requests.
        #[schemars(with = "Act")]
        then: Verdict,
    },
    /// Beyond what all its keys may use together.
    Budget {
        /// How far.
        #[schemars(with = "Reached")]
        at: Stage,
        /// What all its keys may use together.
        budget: Budget,
        /// What follows for what is over it.
        #[schemars(with = "Over")]
        over: Verdict,
    },
}

/// What all keys of a campaign may use together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Budget {
    /// Requests, up to 4,294,967,295.
    #[schemars(range(min = 1))]
    pub requests: u32,
    /// How long a window is, from `1s` to `366d`.
    pub window: Duration,
}

/// How far the evidence goes.
#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
#[expect(dead_code, reason = "as Convicts")]
enum Reached {
    /// Much speaks for it, and not enough.
    Suspect,
    /// It is convicted.
    Convicted,
}

/// What follows for a request of a campaign.
#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
#[expect(dead_code, reason = "as Convicts")]
enum Act {
    /// It passes, and the origin is told.
    Tag,
    /// It is refused with status 403, and the client is told where to verify its account. Who is verified passes.
    Verify,
    /// It is refused with status 403.
    Deny,
}

/// What follows for a request that is over a campaign's budget.
#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
#[expect(dead_code, reason = "as Convicts")]
enum Over {
    /// It is refused with status 429.
    Throttle,
    /// It is refused with status 403, and the client is told where to verify its account. Who is verified passes.
    Verify,
    /// It is refused with status 403.
    Deny,
}

/// Names in `account`.
#[derive(Debug, Clone, PartialEq, Eq, Default, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Facts {
    /// The account's age in days. Default: `age_days`.
    #[schemars(default, with = "String", skip_serializing_if = "Option::is_none")]
    pub age: Option<String>,
    /// The organisation that it belongs to. Default: `org`.
    #[schemars(default, with = "String", skip_serializing_if = "Option::is_none")]
    pub org: Option<String>,
    /// Whether somebody has verified it: `true`, `yes` or `1`. Default: `verified`.
    #[schemars(default, with = "String", skip_serializing_if = "Option::is_none")]
    pub verified: Option<String>,
    /// Whether it may do what it does by contract: then it is not watched, and nothing follows. Default: `contract`.
    #[schemars(default, with = "String", skip_serializing_if = "Option::is_none")]
    pub contract: Option<String>,
}

/// What is never held against anybody.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema)]
#[schemars(untagged, deny_unknown_fields)]
pub enum Excuse {
    /// A text, such as a system prompt or the fixed part of a template.
    Text {
        /// The text, whole, of at most 65,536 bytes. Case, digits and white space do not matter.
        #[schemars(length(min = 1, max = 65_536))]
        text: String,
    },
    /// A template that a record has named.
    Template {
        /// Its hash: 16 hex digits.
        #[schemars(with = "String", regex(pattern = "^[0-9A-Fa-f]{16}$"))]
        template: u64,
    },
}

/// The name of a campaign.
#[derive(JsonSchema)]
#[schemars(transparent)]
#[expect(dead_code, reason = "as Convicts")]
struct Name(#[schemars(regex(pattern = "^c-[0-9A-Fa-f]{16}$"))] String);
