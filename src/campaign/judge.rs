//! The judge: takes in what all nodes have seen, and finds who acts as one.

use super::{Batch, Book};
use crate::exchange::Millis;
use crate::identity::Secret;
use crate::policy::campaigns::Campaigns;

/// Gathers evidence and judges. There is one for all nodes that share what they see.
#[derive(Debug)]
pub struct Judge {
    rules: Campaigns,
    secret: Secret,
    book: Book,
}

impl Judge {
    /// One that has seen nothing.
    #[must_use]
    pub fn new(rules: Campaigns, secret: Secret) -> Self {
        Self {
            rules,
            secret,
            book: Book::default(),
        }
    }

    /// Takes in what nodes have seen since it was last called, and judges; answers whether the book has changed. In whatever order
    /// the batches and their observations come, it comes to the same. To be called every few seconds.
    pub fn sit(&mut self, _batches: &[&Batch], _now: Millis) -> bool {
        let _ = (&self.rules, self.secret);
        false
    }

    /// What nodes need to know.
    #[must_use]
    pub const fn book(&self) -> &Book {
        &self.book
    }

    /// The campaigns that are suspected or convicted, those that are convicted first.
    #[must_use]
    pub fn cases(&self) -> Vec<Case> {
        Vec::new()
    }
}

/// A campaign, with all that speaks for and against it.
#[derive(Debug, Clone, PartialEq)]
pub struct Case {
    /// Its name.
    pub id: u64,
    /// How far the evidence goes.
    pub stage: crate::policy::campaigns::Stage,
    /// When it was first seen, and when it came to this stage, on the steady clock.
    pub first: Millis,
    /// When it came to this stage.
    pub since: Millis,
    /// Distinct keys, about.
    pub keys: u32,
    /// Requests, also those that were refused.
    pub requests: u64,
    /// Points.
    pub score: i32,
    /// Families that speak for it.
    pub families: u32,
    /// Every term with its name and what it adds, in tenths of a point.
    pub reasons: Vec<(&'static str, i32)>,
    /// Whether it is only noted, since too many keys would be acted on.
    pub held_back: bool,
}
