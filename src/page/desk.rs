//! One request, tried as often as one likes, on counters of its own: what is decided, what the client and the origin get, and how
//! every quota stands then.

mod ask;
mod shown;

use serde::Serialize;

use super::case::Named;
use super::policy;
use crate::engine::Decision;
use crate::exchange::{Millis, Now};
use crate::identity::Secret;
use crate::replay::Fleet;
use ask::{Ask, Try};
use shown::{Check, Quota, Run, Shown};

/// As many answers are told in full.
const SHOWN: usize = 20;

/// An engine with counters of its own, and a clock that goes on when it is told to.
pub struct Desk {
    fleet: Fleet,
    now: Millis,
}

/// What came of it.
#[derive(Debug, Serialize)]
pub struct Outcome {
    /// The moment after the last one.
    now: Millis,
    /// Requests one after the other that came to the same.
    runs: Vec<Run>,
    /// The first of each, as far as there is room.
    shown: Vec<Shown>,
    /// The quotas that cover the last one.
    quotas: Vec<Quota>,
    /// What the last one was found by.
    checks: Vec<Check>,
    /// The campaigns that are suspected or convicted.
    campaigns: Vec<Named>,
}

impl Desk {
    /// One that has seen nothing, at a moment in milliseconds since 1970.
    ///
    /// # Errors
    /// When the policy has faults.
    pub fn new(text: &str, now: Millis) -> Result<Self, String> {
        let policy = policy::parse(text)?;
        Ok(Self {
            // What is hashed here leaves the page as little as what it is hashed from.
            fleet: Fleet::new(
                policy,
                Secret::new(b"a page keeps no secret"),
                1,
                Some(SITTING),
            ),
            now,
        })
    }

    /// The moment.
    #[must_use]
    pub const fn now(&self) -> Millis {
        self.now
    }

    /// Lets time pass.
    pub const fn advance(&mut self, millis: Millis) {
        self.now = self.now.saturating_add(millis);
    }

    /// Sends a request, as often as it says.
    ///
    /// # Errors
    /// What is wrong with it, in a sentence.
    pub fn ask(&mut self, text: &str) -> Result<Outcome, String> {
        let ask = Ask::read(text)?;
        let mut outcome = Outcome {
            now: self.now,
            runs: Vec::new(),
            shown: Vec::new(),
            quotas: Vec::new(),
            checks: Vec::new(),
            campaigns: Vec::new(),
        };
        for n in 1..=ask.times {
            if n > 1 {
                self.advance(ask.every);
            }
            let one = ask.one(n)?;
            let decision = self.send(&ask, &one);
            let policy = self.fleet.engine().policy();
            let run = Run::of(n, &decision, ask.answer.status, policy);
            let same = outcome.runs.last_mut().filter(|last| last.is_like(&run));
            if let Some(last) = same {
                last.to = n;
            } else {
                outcome.runs.push(run);
                if outcome.shown.len() < SHOWN {
                    let shown = self.show(n, &ask, &one, &decision);
                    outcome.shown.push(shown);
                }
            }
            if n == ask.times {
                outcome.checks = Check::all(&decision, self.fleet.engine().policy());
                outcome.quotas = self.quotas(&one);
            }
        }
        outcome.now = self.now;
        let cases = self.fleet.cases();
        outcome.campaigns = cases.iter().map(|case| Named::of(case, self.now)).collect();
        Ok(outcome)
    }

    fn send(&mut self, ask: &Ask, one: &Try) -> Decision {
        let (now, fleet) = (Now::at(self.now), &mut self.fleet);
        one.with(|exchange, body| fleet.request(exchange, body, &ask.answer.told(), now))
    }

    fn show(&self, n: u32, ask: &Ask, one: &Try, decision: &Decision) -> Shown {
        let policy = self.fleet.engine().policy();
        let now = Now::at(self.now);
        let dialect = one.with(|exchange, _| policy.dialect_of(exchange));
        let told = shown::Told {
            n,
            decision,
            settlement: self.fleet.settlement(),
            status: ask.answer.status,
            dialect,
            now,
        };
        Shown::of(&told, one, policy)
    }

    fn quotas(&self, one: &Try) -> Vec<Quota> {
        let now = Now::at(self.now);
        let states = one.with(|exchange, body| self.fleet.standings(exchange, body, now));
        let policy = self.fleet.engine().policy();
        let states = states.iter();
        states
            .filter_map(|state| Quota::of(state, policy, self.now))
            .collect()
    }
}

/// How often campaigns are judged, in milliseconds: as in Envoy.
const SITTING: Millis = 1_000;

#[cfg(test)]
mod tests;
