//! The policy: what an operator wrote, read once, and always valid afterwards.
//!
//! `file` holds what is written, the types here what the engine reads; `read` and `compile` lead from one to the
//! other and note every fault on the way.

mod compile;
pub mod fault;
pub mod file;
pub mod json;
pub mod node;
pub mod pattern;
mod read;
pub mod schema;
pub mod units;

pub use fault::{Fault, Faults};
pub use read::{MAX_QUOTAS, TRAITS};

use crate::exchange::{Exchange, Millis, Model};
use json::Json;
use node::{Node, Notes};
use pattern::Pattern;

use crate::window::Scale;

/// A compiled policy: every value in range, every name resolved to its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Whether nothing at all is enforced.
    pub shadow: bool,
    /// Where a credential may stand.
    pub sources: Vec<Source>,
    /// Whether requests without a credential are keyed by their network instead of refused.
    pub by_network: bool,
    /// Facts about the account that rules use.
    pub facts: Vec<Fact>,
    /// What quotas are per; no two have the same traits.
    pub subjects: Vec<Subject>,
    /// The quotas, in the order of the file.
    pub quotas: Vec<Quota>,
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

/// Where a fact about the account is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fact {
    /// A header, by its name in lower case.
    Header(Vec<u8>),
    /// A property of the host's, by its path.
    Property(Vec<String>),
}

/// One observable property of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Trait {
    /// Who asks.
    Key,
    /// The client's IPv4 /24 or IPv6 /48.
    Network,
    /// The path without its query.
    Path,
    /// The method.
    Method,
    /// The model.
    Model,
    /// A fact about the account, by its place in [`Policy::facts`].
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
    /// Hash of its meaning (name, traits, what is counted, window, matches; not its limit or mode): counters of a
    /// rule survive a change of policy as long as this is the same.
    pub id: u64,
    /// The tag under which newcomers to a full page share it.
    pub newcomers: u64,
    /// The place in [`Policy::subjects`] of what it is per.
    pub subject: usize,
    /// Whether it needs to know the model.
    pub reads_model: bool,
    /// Whether it counts requests in flight rather than requests in a window.
    pub concurrent: bool,
    /// The limit.
    pub limit: Limit,
    /// The window's length in milliseconds, or the lease's.
    pub length: Millis,
    /// Patterns of the path; `None` matches all.
    pub path: Option<Vec<Pattern>>,
    /// Patterns of the model; `None` matches all, also requests without one.
    pub model: Option<Vec<Pattern>>,
    /// Methods; `None` matches all.
    pub method: Option<Vec<Pattern>>,
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
                let notes = Notes::default();
                let found = match text {
                    [] => String::from("found nothing"),
                    _ => format!("not JSON: {error}"),
                };
                notes.add("", found, "expected a policy, such as {\"version\": 1}");
                Err(Faults::from(notes.into_faults()))
            }
        }
    }

    /// Reads a policy from JSON that is a tree already.
    ///
    /// # Errors
    /// As for [`parse`](Self::parse).
    pub fn from_json(json: &Json) -> Result<Self, Faults> {
        let notes = Notes::default();
        let policy = read::file(&Node::root(json, &notes))
            .map(|(file, quotas)| compile::compile(file, quotas, &notes));
        match (policy, notes.into_faults()) {
            (Some(policy), faults) if faults.is_empty() => Ok(policy),
            (_, faults) => Err(Faults::from(faults)),
        }
    }

    /// Whether any rule needs to know the model, which some APIs name in the body only.
    #[must_use]
    pub fn reads_model(&self) -> bool {
        self.quotas.iter().any(|quota| quota.reads_model)
    }

    /// Whether any rule needs to know the model of this request.
    #[must_use]
    pub fn reads_model_of(&self, exchange: &Exchange<'_>) -> bool {
        self.quotas
            .iter()
            .any(|quota| quota.reads_model && quota.may_cover(exchange))
    }

    /// Whether any rule that is enforced needs to know the model of this request, so that it is refused if its body
    /// is too long to be read.
    #[must_use]
    pub fn enforces_model_of(&self, exchange: &Exchange<'_>) -> bool {
        let enforced = |quota: &Quota| quota.reads_model && !quota.shadow;
        self.quotas
            .iter()
            .any(|quota| enforced(quota) && quota.may_cover(exchange))
    }
}

impl Quota {
    /// Whether the rule is about this request.
    #[must_use]
    pub fn covers(&self, exchange: &Exchange<'_>) -> bool {
        self.may_cover(exchange)
            && match exchange.model {
                Model::Named(name) => fits(self.model.as_ref(), name),
                Model::Absent => self.model.is_none(),
                // Whoever hides the model is held to every model's limit.
                Model::Unreadable => true,
            }
    }

    /// Whether the rule is about this request, depending on its model.
    #[must_use]
    pub fn may_cover(&self, exchange: &Exchange<'_>) -> bool {
        fits(self.path.as_ref(), exchange.path) && fits(self.method.as_ref(), exchange.method)
    }

    /// Whether this rule refuses whatever `other` would, before it.
    fn hides(&self, other: &Self) -> bool {
        let everything = self.path.is_none() && self.model.is_none() && self.method.is_none();
        let same =
            self.path == other.path && self.model == other.model && self.method == other.method;
        let (Limit::Fixed(mine, _), Limit::Fixed(theirs, _)) = (&self.limit, &other.limit) else {
            return false;
        };
        self.subject == other.subject
            && self.concurrent == other.concurrent
            && !self.shadow
            && (everything || same)
            && mine <= theirs
            && (self.concurrent || self.length >= other.length)
    }
}

fn fits(patterns: Option<&Vec<Pattern>>, text: &[u8]) -> bool {
    patterns.is_none_or(|patterns| patterns.iter().any(|pattern| pattern.matches(text)))
}

#[cfg(test)]
mod tests;
