//! The judge: takes in what all nodes have seen, and finds who acts as one.
//!
//! A feature that many keys share lately is hot. Requests with a hot feature are filed under the most specific one, a row of
//! evidence each, until what is known of its keys suffices to say what it is: honest people's, and it is acquitted, so that
//! the next feature of their requests speaks for them; or a campaign's, and it goes into the book with all features that go
//! with it. A feature most of whose keys are a campaign's already belongs to that campaign.

mod activity;
mod candidates;
mod cases;
mod docket;
mod features;
mod file;
mod keyring;
mod members;
mod rests;
mod row;
mod sentence;
mod snapshot;
mod terms;

use super::book::{Book, Campaign, Entry};
use super::{Batch, Observation};
use crate::distinct::registers::{self, NUMBERS};
use crate::exchange::Millis;
use crate::identity::Secret;
use crate::policy::campaigns::{Campaigns, Stage};
use crate::template::Sampler;
use crate::traits::mix;
use activity::Activity;
use candidates::Candidates;
use docket::CASES;
use features::{Features, State};
use keyring::Keyring;
use rests::Rests;
use row::Row;
use terms::NAMES;

use bytemuck::Zeroable as _;

/// How many features may be tried at a time.
const ROWS: usize = 640;

/// Places above this are cases.
const CASE: u16 = 0x8000;

/// Gathers evidence and judges. There is one for all nodes that share what they see. Takes 3.9 MiB.
#[derive(Debug)]
pub struct Judge {
    rules: Campaigns,
    secret: Secret,
    /// Features that the operator has excused.
    excused: Vec<u64>,
    candidates: Candidates,
    features: Features,
    rows: Vec<Row>,
    ring: Keyring,
    rests: Rests,
    cases: Vec<docket::Entry>,
    /// Whether few rows are free.
    scarce: bool,
    activity: Activity,
    book: Book,
}

/// A campaign, with all that speaks for and against it.
#[derive(Debug, Clone, PartialEq)]
pub struct Case {
    /// Its name.
    pub id: u64,
    /// How far the evidence goes.
    pub stage: Stage,
    /// When its first request came, in milliseconds on the steady clock.
    pub first: Millis,
    /// When its last came.
    pub last: Millis,
    /// When it came to this stage.
    pub since: Millis,
    /// Distinct keys, about.
    pub keys: u32,
    /// Requests, also those that were refused.
    pub requests: u64,
    /// Features by which it is known.
    pub features: u32,
    /// Points, in tenths.
    pub score: i32,
    /// Families that speak for it.
    pub families: u32,
    /// Every term by its name, with what it adds, in tenths of a point.
    pub reasons: Vec<(&'static str, i32)>,
    /// Whether it is only noted, since too many keys would be acted on.
    pub held_back: bool,
}

impl Judge {
    /// One that has seen nothing.
    #[must_use]
    pub fn new(rules: Campaigns, secret: Secret) -> Self {
        Self {
            excused: excused(&rules, secret),
            rules,
            secret,
            candidates: Candidates::new(),
            features: Features::new(),
            rows: vec![Row::zeroed(); ROWS],
            ring: Keyring::new(),
            rests: Rests::new(),
            cases: vec![docket::Entry::zeroed(); CASES],
            scarce: false,
            activity: Activity::zeroed(),
            book: Book::default(),
        }
    }

    /// Takes in what nodes have seen since it was last called, and judges; answers whether the book has changed. In whatever
    /// order the batches and their observations come, it comes to the same. To be called every few seconds.
    pub fn sit(&mut self, batches: &[&Batch], now: Millis) -> bool {
        let mut all: Vec<&Observation> = Vec::new();
        for batch in batches {
            all.extend(batch.observations());
        }
        all.sort_unstable_by(|one, other| one.at.cmp(&other.at).then_with(|| one.cmp(other)));
        for observation in all {
            self.take(observation);
        }
        let now = u32::try_from(now / 1_000).unwrap_or(u32::MAX);
        let changed = self.judge(now);
        if changed {
            self.publish();
        }
        changed
    }

    /// What nodes need to know.
    #[must_use]
    pub const fn book(&self) -> &Book {
        &self.book
    }

    /// The campaigns that are suspected or convicted, in the order in which they were found.
    #[must_use]
    pub fn cases(&self) -> Vec<Case> {
        let cases = self.cases.iter().filter(|case| case.id != 0);
        let mut cases: Vec<Case> = cases.map(of_entry).collect();
        cases.sort_unstable_by_key(|case| (case.since, case.id));
        cases
    }

    /// Writes the book anew.
    fn publish(&mut self) {
        let mut campaigns = Vec::new();
        let mut places = vec![u16::MAX; self.cases.len()];
        for (case, place) in self.cases.iter().zip(&mut places) {
            if case.id != 0 {
                *place = u16::try_from(campaigns.len()).unwrap_or(u16::MAX);
                campaigns.push(Campaign {
                    id: case.id,
                    stage: case.stage(),
                    from: Millis::from(case.from).saturating_mul(1_000),
                    held_back: case.held != 0,
                });
            }
        }
        let mut entries = Vec::new();
        for feature in self.features.iter() {
            if feature.state() != State::Convicted {
                continue;
            }
            let case = usize::from(feature.row & !CASE);
            if let Some(&campaign) = places.get(case).filter(|place| **place != u16::MAX) {
                entries.push(Entry {
                    feature: feature.hash,
                    campaign,
                    weight: feature.weight,
                    template: feature.template,
                });
            }
        }
        let version = self.book.version().wrapping_add(1);
        self.book = Book::new(version, campaigns, &entries);
    }
}

/// The features of a request by which a campaign may be known: of the user's text the most specific first, then of the system
/// text.
pub fn features(seen: &Observation) -> impl Iterator<Item = u64> {
    file::features(seen).map(|(hash, _)| hash)
}

/// Counts a key among distinct ones.
fn count_key(registers: &mut [u32; NUMBERS], key: u64) {
    registers::raise(registers, (mix(key) >> 33) as u32);
}

/// How many distinct keys were counted.
fn count(registers: &[u32; NUMBERS]) -> u32 {
    registers::estimate([registers, &[], &[]])
}

/// The features that the operator has excused, in order.
fn excused(rules: &Campaigns, secret: Secret) -> Vec<u64> {
    let sampler = Sampler::new(secret);
    let mut excused = rules.excused.clone();
    for text in &rules.excused_texts {
        let template = Observation::of(&sampler.of_text(text.as_bytes()));
        excused.extend(file::features(&template).map(|(hash, _)| hash));
    }
    excused.retain(|&hash| hash != 0);
    excused.sort_unstable();
    excused
}

fn of_entry(entry: &docket::Entry) -> Case {
    let weight = entry.weight();
    let millis = |seconds: u32| Millis::from(seconds).saturating_mul(1_000);
    let reasons = NAMES.iter().zip(weight.terms);
    Case {
        id: entry.id,
        stage: entry.stage(),
        first: millis(entry.first),
        last: millis(entry.last),
        since: millis(entry.since),
        keys: entry.keys(),
        requests: entry.requests,
        features: entry.features,
        score: weight.score(),
        families: weight.families(),
        reasons: reasons
            .map(|(&(name, _), term)| (name, i32::from(term)))
            .collect(),
        held_back: entry.held != 0,
    }
}

#[cfg(test)]
mod tests;
