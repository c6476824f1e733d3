//! From a reservation to the truth: what is known at the end replaces what was reserved, once.

use super::Engine;
use super::checks::Sighting;
use super::decision::Lease;
use crate::campaign::Observation;
use crate::estimate::Estimator;
use crate::exchange::{Foreseen, Now};
use crate::policy::price::Rates;
use crate::quota;
use crate::store::{Store, StoreError};
use crate::usage::{Seen, Usage};
use crate::verdict::Source;
use serde::{Deserialize, Serialize};

/// What a request was charged before it could be known what it uses. [`Engine::settle`] takes it, once.
///
/// If it is lost with its holder, what was reserved stays charged until its window is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reservation {
    /// Charges of rules that count tokens or cost.
    pub(super) metered: Vec<Pledge>,
    /// Charges that are the first of a key that nobody had seen within their windows.
    pub(super) newcomer: Vec<Lease>,
    /// What the request showed that checks count, and that was not counted yet.
    pub(super) unseen: Vec<Sighting>,
    /// What the request showed that may be evidence of a campaign.
    pub(super) observation: Option<Box<Observation>>,
    /// What the charges were computed from.
    pub(super) foreseen: Foreseen,
    /// What the model's tokens cost.
    pub(super) rates: Rates,
    /// From what its input was estimated.
    pub(super) lesson: Option<Lesson>,
    /// Whether a rule that is enforced needs the answer.
    pub(super) enforced: bool,
    /// Whether the origin goes on when this exchange has ended, and is asked for the answer later.
    pub(super) background: bool,
}

/// One charge of a reservation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pledge {
    /// The quota's place in the policy.
    pub(super) quota: usize,
    pub(super) lease: Lease,
}

/// From what an input was estimated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Lesson {
    /// The model, hashed.
    pub(super) model: u64,
    /// Bytes of text.
    pub(super) bytes: u64,
    /// Whether the truth says something about them: not where they were not read, or were not all that the origin read.
    pub(super) teaches: bool,
}

/// How a request ended, as far as its host could see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// Nobody answered: the client left, or the origin broke off, before there was a status.
    Silent,
    /// The origin answered with this status.
    Answered {
        /// The status.
        status: u16,
        /// What its body said, as far as it came; `None` if it could not be read, as when it is compressed.
        seen: Option<Seen>,
    },
}

/// What came of a reservation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settlement {
    /// Where the numbers came from.
    pub source: Source,
    /// What was used.
    pub usage: Usage,
    /// What the input was estimated at, if the origin told the truth about an estimate.
    pub estimated: Option<u64>,
    /// Numbers of the origin's that were none, and were left out.
    pub odd: u32,
    /// Whether the origin did not know the key, and what was the first trace of it is taken back.
    pub unknown_key: bool,
}

impl Default for Reservation {
    fn default() -> Self {
        Self::NONE
    }
}

impl Reservation {
    /// Of a request of which nothing is to be settled.
    pub const NONE: Self = Self {
        metered: Vec::new(),
        newcomer: Vec::new(),
        unseen: Vec::new(),
        observation: None,
        foreseen: Foreseen {
            input: 0,
            output: 0,
        },
        rates: Rates {
            input: 0,
            cached: 0,
            output: 0,
            reasoning: 0,
        },
        lesson: None,
        enforced: false,
        background: false,
    };

    /// Whether there is nothing to settle, whatever the answer.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.metered.is_empty()
            && self.newcomer.is_empty()
            && self.unseen.is_empty()
            && self.observation.is_none()
    }

    /// Whether the request showed something that checks count, and that was not counted yet.
    #[must_use]
    pub fn is_news(&self) -> bool {
        !self.unseen.is_empty()
    }

    /// What a request showed that was refused as a campaign's: that the campaign goes on.
    pub fn take_refused(&mut self) -> Option<Observation> {
        self.observation.take().map(|observation| *observation)
    }

    /// What a request showed that the origin has served. One that it has not is evidence of nothing: its key may be invented.
    #[must_use]
    pub fn served(&self, ending: &Ending, settlement: &Settlement) -> Option<Observation> {
        let mut observation = **self.observation.as_ref()?;
        match ending {
            Ending::Answered { status, .. } if *status < 300 => {}
            _ => return None,
        }
        if matches!(settlement.source, Source::Usage | Source::Counted) {
            let output = settlement.usage.output;
            observation.output = u32::try_from(output).unwrap_or(u32::MAX);
        }
        Some(observation)
    }

    /// Whether what the answer says of its usage matters.
    #[must_use]
    pub fn is_metered(&self) -> bool {
        !self.metered.is_empty()
    }

    /// Whether it matters to a rule that is enforced, so that a host may see to it that the answer can be read.
    #[must_use]
    pub const fn is_enforced(&self) -> bool {
        self.enforced
    }

    /// What the request was expected to use.
    #[must_use]
    pub const fn foreseen(&self) -> Foreseen {
        self.foreseen
    }

    /// Takes note of how much came of a body that could not be read. What its headers said of that was good for the
    /// reservation, and no longer: a client that says much, sends nothing and leaves would charge it to whoever shares its
    /// limits.
    pub fn note_length(&mut self, bytes: u64, estimator: &Estimator) {
        if let Some(lesson) = self.lesson {
            self.foreseen.input = estimator.tokens(lesson.model, bytes).max(1);
        }
    }
}

impl Engine {
    /// Replaces what a request was charged by what it used. Answers what came of it, and whether all counters could be
    /// reached; of one that could not, what was reserved stands.
    ///
    /// # Errors
    /// The store's, beside the settlement.
    pub fn settle<S: Store>(
        &self,
        reservation: &Reservation,
        ending: &Ending,
        estimator: &Estimator,
        now: Now,
        store: &S,
    ) -> (Settlement, Result<(), StoreError>) {
        let mut settlement = reservation.conclude(ending);
        if reservation.background && settlement.source == Source::Counted {
            // What passed is not all that comes, and nothing is charged for fetching the rest.
            settlement.source = Source::Reserved;
        }
        let mut result = Ok(());
        if settlement.unknown_key {
            result = result.and(self.release(&reservation.newcomer, now, store));
        }
        for Pledge { quota, lease } in &reservation.metered {
            let quota = self.policy.quotas.get(*quota);
            let mut used = quota
                .and_then(|quota| quota.units(&settlement.usage, &reservation.rates))
                .unwrap_or(lease.held.units);
            if settlement.source == Source::Reserved {
                used = used.max(lease.held.units);
            }
            result = result.and(store.update(lease.page, |page| {
                ((), quota::settle(page, &lease.held, used, now.steady))
            }));
        }
        let lesson = reservation.lesson.filter(|lesson| lesson.teaches);
        if let (Some(lesson), Some(_)) = (lesson, settlement.estimated) {
            estimator.learn(lesson.model, lesson.bytes, settlement.usage.input);
        }
        (settlement, result)
    }
}

impl Reservation {
    /// What an ending comes to.
    fn conclude(&self, ending: &Ending) -> Settlement {
        let mut settlement = Settlement {
            source: Source::Counted,
            usage: Usage {
                input: self.foreseen.input,
                ..Usage::default()
            },
            estimated: None,
            odd: 0,
            unknown_key: false,
        };
        let (status, seen) = match ending {
            Ending::Silent => return settlement,
            Ending::Answered { status, seen } => (*status, seen),
        };
        if !worked(status) {
            settlement.source = Source::Refunded;
            settlement.usage = Usage::default();
            settlement.unknown_key = status == 401 && !self.newcomer.is_empty();
            return settlement;
        }
        if status >= 300 {
            // What came with it tells of the failure, and not of what was used.
            return settlement;
        }
        let Some(seen) = seen else {
            settlement.source = Source::Reserved;
            return settlement;
        };
        settlement.usage = seen.settled(self.foreseen.input);
        settlement.odd = seen.odd;
        settlement.source = match (seen.told.input, seen.told.output) {
            (Some(_), Some(_)) if seen.complete => Source::Usage,
            // Of embeddings no output is told, for they have none.
            (Some(_), None) if seen.complete && seen.pieces == 0 => Source::Usage,
            (None, None) if !seen.understood && seen.came => Source::Reserved,
            _ => Source::Counted,
        };
        if self.lesson.is_some() && seen.told.input.is_some() {
            settlement.estimated = Some(self.foreseen.input);
        }
        settlement
    }
}

/// Whether an origin with this status may have used something: it succeeded, or somebody's patience ended before it did.
const fn worked(status: u16) -> bool {
    matches!(status, 100..=299 | 408 | 499 | 504)
}
