//! The policy: what an operator wrote, read once, and always valid afterwards.
//!
//! `file` holds what is written, the types here what the engine reads; `read` and `compile` lead from one to the
//! other and note every fault on the way.

pub mod campaigns;
pub mod check;
mod compile;
pub mod fact;
pub mod fault;
pub mod file;
pub mod json;
pub mod list;
mod metering;
pub mod node;
pub mod pattern;
pub mod price;
mod read;
pub mod schema;
pub mod scope;
pub mod units;
mod warnings;

pub use fact::{Fact, Kind, Place};
pub use fault::{Fault, Faults};
pub use file::Count;
pub use read::{MAX_CHECKS, MAX_QUOTAS, TRAITS};
pub use scope::{Membership, Scope};

use crate::dialect::Dialect;
use crate::exchange::{Exchange, Millis, Model};
use crate::usage::Usage;
use campaigns::Campaigns;
use check::Check;
use json::Json;
use list::List;
use node::{Node, Notes};
use pattern::Pattern;
use price::{Price, Rates};
use serde::{Deserialize, Serialize};

use crate::window::{Scale, Shape};

/// A compiled policy: every value in range, every name resolved to its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Whether nothing at all is enforced.
    pub shadow: bool,
    /// Where a credential may stand.
    pub sources: Vec<Source>,
    /// Whether requests without a credential are keyed by their network instead of refused.
    pub by_network: bool,
    /// How much of an address is its network.
    pub prefixes: Prefixes,
    /// What is known of a request beside its bytes: facts about the account, and traits that the host vouches for. In
    /// ascending order of their names.
    pub facts: Vec<Fact>,
    /// What quotas are per; no two have the same traits.
    pub subjects: Vec<Subject>,
    /// The quotas, in the order of the file; after them those that checks name.
    pub quotas: Vec<Quota>,
    /// The checks, in the order of the file.
    pub checks: Vec<Check>,
    /// How campaigns are found and answered, if they are.
    pub campaigns: Option<Campaigns>,
    /// Lists that rules name.
    pub lists: Vec<List>,
    /// Where an account can be verified. There is one if a check says `verify`.
    pub verify_url: String,
    /// The tags under which newcomers to a full page share each quota.
    pub newcomers: Vec<u64>,
    /// Bytes of memory for counters.
    pub memory: u64,
    /// The longest body that is read, in bytes.
    pub body: u64,
    /// Whether admitted requests are told how much is left.
    pub tells_always: bool,
    /// Whether plain admissions are recorded too.
    pub records_all: bool,
    /// Whether a request passes when its counters cannot be reached.
    pub allow_on_error: bool,
    /// Whether a request is refused when its tokens cannot be read from its body.
    pub denies_unreadable: bool,
    /// What tokens cost, by model; the first that matches holds.
    pub prices: Vec<Price>,
    /// The dearest of all prices, kind by kind: what a request for an unreadable model is charged.
    pub dearest: Rates,
    /// The APIs of paths that the operator has named; the first that matches holds.
    pub dialects: Vec<(Vec<Pattern>, Dialect)>,
    /// Output tokens that are reserved for a request without a cap of its own.
    pub output: u64,
    /// Input tokens that are reserved for each image, file or recording.
    pub media: u64,
    /// Whether streams that do not tell their usage are made to.
    pub asks_for_usage: bool,
}

/// A place where a credential may stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A header, by its name in lower case.
    Header {
        /// The name.
        name: Vec<u8>,
        /// The word before the credential, compared in any case.
        scheme: Option<Vec<u8>>,
    },
    /// A parameter of the query.
    Query(Vec<u8>),
}

/// How much of an address is its network, in bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Prefixes {
    /// Of an IPv4 address, 8 to 32.
    pub ipv4: u8,
    /// Of an IPv6 address, 16 to 128.
    pub ipv6: u8,
}

impl Default for Prefixes {
    fn default() -> Self {
        Self { ipv4: 24, ipv6: 48 }
    }
}

/// One observable property of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Trait {
    /// Who asks.
    Key,
    /// The client's network: the first bits of its address.
    Network,
    /// The path without its query.
    Path,
    /// The method.
    Method,
    /// The model.
    Model,
    /// The order and set of header names.
    Shape,
    /// What the client says it is.
    Agent,
    /// The campaign that it is part of. Only budgets of campaigns are per this.
    Campaign,
    /// A fact, by its place in [`Policy::facts`].
    Fact(usize),
}

/// What a quota is per.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// Tells this combination of traits from others.
    pub id: u64,
    /// The traits, in ascending order.
    pub traits: Vec<Trait>,
}

/// A rule, by its place among its like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Rule {
    /// In [`Policy::quotas`].
    Quota(usize),
    /// In [`Policy::checks`].
    Check(usize),
    /// [`Policy::campaigns`].
    Campaign,
}

/// What a quota waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum After {
    /// That the check at this place in [`Policy::checks`] finds something.
    Check(usize),
    /// That the step at this place in [`Campaigns::steps`] is reached.
    Step(usize),
}

/// How much fits into a window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Limit {
    /// The same for all, with its scale.
    Fixed(u32, Scale),
    /// By the value of a fact.
    ByFact {
        /// The fact's place in [`Policy::facts`].
        fact: usize,
        /// Limits by value, in ascending order of the values.
        values: Vec<(Vec<u8>, u32)>,
        /// The limit for any other value, and for none.
        otherwise: u32,
    },
}

/// A compiled quota.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quota {
    /// Its name in the policy.
    pub name: String,
    /// Hash of its meaning (name, traits, what is counted, window, matches; not its limit, exceptions or mode): counters of a
    /// rule survive a change of policy as long as this is the same.
    pub id: u64,
    /// The tag under which newcomers to a full page share it.
    pub newcomers: u64,
    /// The place in [`Policy::subjects`] of what it is per.
    pub subject: usize,
    /// Whether it needs to know the model.
    pub reads_model: bool,
    /// What it counts.
    pub count: Count,
    /// How much of that a unit of its counter stands for, at least 1: tokens, or millionths of a unit of cost.
    pub unit: u64,
    /// The limit, in units.
    pub limit: Limit,
    /// The window's length in milliseconds, or the lease's.
    pub length: Millis,
    /// Which requests it is about.
    pub scope: Scope,
    /// The check or the step that names it: it holds only for requests that the check has found, or that are of a campaign which
    /// has come so far.
    pub after: Option<After>,
    /// Whether its refusals are only noted.
    pub shadow: bool,
}

impl Policy {
    /// Reads a policy from JSON.
    ///
    /// # Errors
    /// Every fault found, each with its path; never only the first.
    pub fn parse(text: &[u8]) -> Result<Self, Faults> {
        match serde_json::from_slice::<Json>(text) {
            Ok(json) => Self::from_json(&json),
            Err(error) => {
                let found = match text {
                    [] => String::from("found nothing"),
                    _ => format!("not JSON: {error}"),
                };
                Err(Faults::from(vec![Fault {
                    path: String::new(),
                    found,
                    expected: String::from("expected a policy, such as {\"version\": 1}"),
                }]))
            }
        }
    }

    /// Reads a policy from JSON that is a tree already.
    ///
    /// # Errors
    /// As for [`parse`](Self::parse).
    pub fn from_json(json: &Json) -> Result<Self, Faults> {
        let notes = Notes::new(json);
        let policy = read::file(&Node::root(&notes))
            .map(|(file, rules)| compile::compile(file, rules, &notes));
        match (policy, notes.into_faults()) {
            (Some(policy), faults) if faults.is_empty() => Ok(policy),
            (_, faults) => Err(Faults::from(faults)),
        }
    }

    /// Whether any rule needs to see a body, for its model or its tokens.
    #[must_use]
    pub fn reads_bodies(&self) -> bool {
        self.quotas.iter().any(Quota::reads_body)
            || self.checks.iter().any(|check| check.reads_model)
            || self.campaigns.is_some()
    }

    /// The name of a trait.
    #[must_use]
    pub fn name_of_trait(&self, of: Trait) -> &str {
        match of {
            Trait::Key => "key",
            Trait::Network => "network",
            Trait::Path => "path",
            Trait::Method => "method",
            Trait::Model => "model",
            Trait::Shape => "shape",
            Trait::Agent => "agent",
            Trait::Campaign => "campaign",
            Trait::Fact(place) => self.facts.get(place).map_or("", |fact| &fact.name),
        }
    }

    /// Whether any quota of a kind may cover this request.
    #[must_use]
    pub fn may_cover(&self, exchange: &Exchange<'_>, kind: impl Fn(&Quota) -> bool) -> bool {
        self.quotas
            .iter()
            .any(|quota| kind(quota) && quota.scope.may_cover(exchange))
    }

    /// Whether any check of a kind may be about this request.
    #[must_use]
    pub fn may_check(&self, exchange: &Exchange<'_>, kind: impl Fn(&Check) -> bool) -> bool {
        self.checks
            .iter()
            .any(|check| kind(check) && check.scope.may_cover(exchange))
    }

    /// Whether a quota's counters are of keys, about which the origin's word counts.
    #[must_use]
    pub fn is_of_key(&self, quota: &Quota) -> bool {
        let subject = self.subjects.get(quota.subject);
        !self.by_network && subject.is_some_and(|subject| subject.traits.contains(&Trait::Key))
    }

    /// The name of a rule.
    #[must_use]
    pub fn name_of(&self, rule: Rule) -> &str {
        let name = match rule {
            Rule::Quota(place) => self.quotas.get(place).map(|quota| &quota.name),
            Rule::Check(place) => self.checks.get(place).map(|check| &check.name),
            Rule::Campaign => return "campaign",
        };
        name.map_or("", String::as_str)
    }

    /// The API that a request is for: what the operator says of its path, or what the path says itself.
    #[must_use]
    pub fn dialect_of(&self, exchange: &Exchange<'_>) -> Dialect {
        let named = self
            .dialects
            .iter()
            .find(|(path, _)| path.iter().any(|pattern| pattern.matches(exchange.path)));
        named.map_or_else(|| Dialect::of_exchange(exchange), |&(_, dialect)| dialect)
    }

    /// What the tokens of a model cost. Of a model that cannot be read, as much as of the dearest.
    #[must_use]
    pub fn rates_of(&self, model: Model<'_>) -> Rates {
        let Model::Named(name) = model else {
            return self.dearest;
        };
        let price = self
            .prices
            .iter()
            .find(|price| price.model.iter().any(|pattern| pattern.matches(name)));
        price.map_or(self.dearest, |price| price.rates)
    }
}

impl Quota {
    /// Whether it counts requests in flight.
    #[must_use]
    pub fn is_concurrent(&self) -> bool {
        self.count == Count::Concurrent
    }

    /// Whether it is what all keys of a campaign may use, of which nobody is told.
    #[must_use]
    pub const fn is_budget(&self) -> bool {
        matches!(self.after, Some(After::Step(_)))
    }

    /// Whether it counts what is only foreseen when a request comes, and known when it has ended.
    #[must_use]
    pub fn is_metered(&self) -> bool {
        !matches!(self.count, Count::Requests | Count::Concurrent)
    }

    /// Whether it needs to see the body.
    #[must_use]
    pub fn reads_body(&self) -> bool {
        self.reads_model || self.is_metered()
    }

    /// What a usage comes to in units of its counter, rounded up; `None` if it is not metered.
    #[must_use]
    pub fn units(&self, usage: &Usage, rates: &Rates) -> Option<u32> {
        let amount = match self.count {
            Count::Requests | Count::Concurrent => return None,
            Count::Tokens => usage.input.saturating_add(usage.output),
            Count::InputTokens => usage.input,
            Count::OutputTokens => usage.output,
            Count::Cost => rates.cost(usage.input, usage.cached, usage.output, usage.reasoning),
        };
        Some(in_units(amount, self.unit))
    }

    /// How its windows divide their time, for the limit that holds for a request.
    #[must_use]
    pub fn scale_for(&self, limit: u32) -> Scale {
        match &self.limit {
            Limit::Fixed(_, scale) => *scale,
            Limit::ByFact { .. } => self.scale(limit),
        }
    }

    /// How its windows divide their time, for a limit in units.
    #[must_use]
    pub fn scale(&self, limit: u32) -> Scale {
        scale(self.count, self.length, limit)
    }

    /// Whether this rule refuses whatever `other` would, before it.
    fn hides(&self, other: &Self) -> bool {
        let (Limit::Fixed(mine, _), Limit::Fixed(theirs, _)) = (&self.limit, &other.limit) else {
            return false;
        };
        self.subject == other.subject
            && self.count == other.count
            && self.unit == other.unit
            && !self.shadow
            && (self.scope.is_everything() || self.scope == other.scope)
            && (self.after.is_none() || self.after == other.after)
            && mine <= theirs
            && (self.is_concurrent() || self.length >= other.length)
    }
}

/// How many units an amount is, rounded up.
fn in_units(amount: u64, unit: u64) -> u32 {
    let whole = amount.checked_div(unit).unwrap_or(amount);
    let rest = u64::from(!amount.is_multiple_of(unit));
    u32::try_from(whole.saturating_add(rest)).unwrap_or(u32::MAX)
}

/// Tokens and cost are kept in the shape that holds most, since what was used may turn out to be above any limit.
fn scale(count: Count, length: Millis, limit: u32) -> Scale {
    match count {
        Count::Requests | Count::Concurrent => Scale::new(length, limit),
        Count::Tokens | Count::InputTokens | Count::OutputTokens | Count::Cost => {
            Scale::of(length, Shape::Coarse)
        }
    }
}

#[cfg(test)]
mod tests;
