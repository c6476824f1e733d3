//! Checks: tests of a request's traits, and what follows from them.

use super::Trait;
use super::scope::{Membership, Scope};
use crate::exchange::Millis;
use crate::verdict::Verdict;

/// A compiled check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// Its name in the policy.
    pub name: String,
    /// Which requests it is about.
    pub scope: Scope,
    /// What it looks for.
    pub test: Test,
    /// What follows if it finds that; never [`Verdict::Allow`].
    pub then: Verdict,
    /// Whether a request that lacks a trait of the test's is found too.
    pub absent_matches: bool,
    /// Whether it needs to know the model.
    pub reads_model: bool,
    /// Whether it is only noted.
    pub shadow: bool,
}

/// What a check looks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Test {
    /// A trait on a list.
    Listed(Membership),
    /// A client that says it is one thing and looks like another.
    Contradiction(Against),
    /// Too many distinct values of one trait for one subject.
    Distinct(Distinct),
}

/// What the agent is held against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Against {
    /// The JA4, which is this trait.
    Ja4(Trait),
    /// The order and set of header names.
    Shape,
}

/// How many distinct values of a trait a subject may show within a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Distinct {
    /// Hash of its meaning (name, traits, window, matches; not its limit, action, exceptions or mode), as [`Quota::id`](super::Quota::id).
    pub id: u64,
    /// The place in [`Policy::subjects`](super::Policy::subjects) of what it is per.
    pub subject: usize,
    /// What is counted.
    pub of: Trait,
    /// The most that is nothing to note, at least 1.
    pub limit: u32,
    /// The window's length in milliseconds: what was seen counts for half of it at least, and all of it at most.
    pub window: Millis,
}
