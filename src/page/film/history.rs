//! Campaigns as they are found, grow and end.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::campaign::Case;
use crate::exchange::Millis;
use crate::page::case::{CLOSED, Standing, Terms};
use crate::policy::campaigns;

/// The most campaigns of which there is a history. There is room for 192 at a time.
const MOST: usize = 1_024;

/// The most moments in the history of one.
const MOMENTS: usize = 512;

/// A campaign from when it was found to its end.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Campaign {
    /// As records name it.
    pub id: String,
    /// Features by which it is known, as 16 hex digits, the most specific first.
    pub templates: Vec<String>,
    /// Requests that were known to be of it.
    pub requests_known: u64,
    /// Those of them that were refused.
    pub refused: u64,
    /// How many of them were of each group.
    pub whose: Vec<u64>,
    /// How it stood. Each moment holds until the next.
    pub history: Vec<Standing>,
}

/// All campaigns that there were.
#[derive(Debug)]
pub(super) struct History {
    groups: usize,
    known: BTreeMap<u64, Known>,
}

#[derive(Debug, Default)]
struct Known {
    templates: Vec<u64>,
    requests: u64,
    refused: u64,
    whose: Vec<u64>,
    moments: Vec<Standing>,
}

impl History {
    pub(super) const fn new(groups: usize) -> Self {
        Self {
            groups,
            known: BTreeMap::new(),
        }
    }

    /// Counts a request that was known to be of a campaign.
    pub(super) fn meet(&mut self, campaign: u64, group: usize, refused: bool) {
        let Some(known) = self.of(campaign) else {
            return;
        };
        known.requests = known.requests.saturating_add(1);
        known.refused = known.refused.saturating_add(u64::from(refused));
        if let Some(count) = known.whose.get_mut(group) {
            *count = count.saturating_add(1);
        }
    }

    /// Takes down how all stand that there are.
    pub(super) fn look(&mut self, cases: &[Case], t: Millis, templates: impl Fn(u64) -> Vec<u64>) {
        for case in cases {
            let now = Standing::of(case, t);
            let Some(known) = self.of(case.id) else {
                continue;
            };
            if known.note(now) {
                known.templates = templates(case.id);
            }
        }
        for (id, known) in &mut self.known {
            let last = known.moments.last();
            let stands = last.filter(|last| last.stage != CLOSED);
            if let Some(last) = stands
                && !cases.iter().any(|case| case.id == *id)
            {
                let closed = last.closed(t);
                known.note(closed);
            }
        }
    }

    /// Takes down a campaign of which only the name is told.
    pub(super) fn name(&mut self, campaign: u64, t: Millis) {
        if let Some(known) = self.of(campaign)
            && known.moments.is_empty()
        {
            known.moments.push(Standing {
                t,
                stage: "named",
                held_back: false,
                keys: 0,
                requests: 0,
                score: 0.0,
                families: 0,
                first: t,
                since: t,
                terms: Terms::default(),
            });
        }
    }

    /// All of them, in the order in which they were found.
    pub(super) fn campaigns(&self) -> Vec<Campaign> {
        let mut all: Vec<Campaign> = self
            .known
            .iter()
            .filter(|(_, known)| !known.moments.is_empty())
            .map(|(id, known)| Campaign {
                id: campaigns::name(*id),
                templates: known
                    .templates
                    .iter()
                    .map(|hash| format!("{hash:016x}"))
                    .collect(),
                requests_known: known.requests,
                refused: known.refused,
                whose: known.whose.clone(),
                history: known.moments.clone(),
            })
            .collect();
        all.sort_by_key(|it| it.history.first().map(|moment| moment.t));
        all
    }

    fn of(&mut self, campaign: u64) -> Option<&mut Known> {
        if self.known.len() >= MOST && !self.known.contains_key(&campaign) {
            return None;
        }
        let groups = self.groups;
        Some(self.known.entry(campaign).or_insert_with(|| Known {
            whose: vec![0; groups],
            ..Known::default()
        }))
    }
}

impl Known {
    /// Takes down how it stands, if somebody would see a difference; answers whether it did.
    fn note(&mut self, now: Standing) -> bool {
        if self.moments.last().is_some_and(|last| last.resembles(&now)) {
            return false;
        }
        if self.moments.len() >= MOMENTS {
            // Every second one goes, but for those at which the stage changed.
            let mut stage = "";
            let mut keep = false;
            self.moments.retain(|moment| {
                keep = !keep;
                let changed = moment.stage != stage;
                stage = moment.stage;
                keep || changed
            });
            // Where it changed all the time the middle goes.
            let quarter = MOMENTS / 4;
            let more = self.moments.len().saturating_sub(MOMENTS / 2);
            if more >= quarter {
                self.moments.drain(quarter..quarter.saturating_add(more));
            }
        }
        self.moments.push(now);
        true
    }
}
