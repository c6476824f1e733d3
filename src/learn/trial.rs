//! The second pass: what limits would have touched, each by itself.

use std::collections::{BTreeMap, BTreeSet};

use super::lens::{Lens, Rules, Sighting, Spending, Totals};
use super::row::{Row, TRIALS};
use super::sets::Values;
use super::spent::Spent;
use crate::identity::Key;
use crate::policy::Policy;
use crate::policy::check::Test;
use crate::sample::Sample;
use crate::trace::Record;
use crate::traits::mix;
use crate::verdict::Verdict;

/// Limits that are tried on the same traffic again. [`observe`](Self::observe) wants to see it in the same order.
pub struct Rehearsal {
    lens: Lens,
    bench: Bench,
}

/// The rules with all limits that are tried, those of quotas and of checks by their places in the policy.
pub(super) struct Bench {
    pub(super) quotas: Vec<Tried<Spent>>,
    pub(super) checks: Vec<Tried<Values>>,
}

/// One rule.
pub(super) struct Tried<V> {
    /// Its rows, one for each of its limits.
    pub(super) rows: Vec<Row>,
    /// Its counters under each limit that is tried.
    pub(super) counters: [Counters<V>; TRIALS],
}

/// The counters of a rule under one limit that is tried.
pub(super) struct Counters<V> {
    /// Of those whom the limit may touch; nobody else's matter.
    subjects: BTreeMap<u64, V>,
    /// Who was touched, for each row.
    touched: Vec<Touched>,
}

/// Who was touched by a limit.
struct Touched {
    subjects: BTreeSet<u64>,
    keys: Sample<()>,
}

impl<V: Default> Tried<V> {
    /// A rule with these rows, of whose subjects a limit may touch those that `touched` names.
    pub(super) fn new(
        rows: Vec<Row>,
        room: usize,
        mut touched: impl FnMut(u32) -> Vec<u64>,
    ) -> Self {
        let counters = core::array::from_fn(|trial| {
            let limits = rows.iter().map(|row| limit(row, trial));
            let subjects = touched(limits.min().unwrap_or(u32::MAX)).into_iter();
            Counters {
                subjects: subjects.map(|subject| (subject, V::default())).collect(),
                touched: rows
                    .iter()
                    .map(|_| Touched {
                        subjects: BTreeSet::new(),
                        keys: Sample::new(room),
                    })
                    .collect(),
            }
        });
        Self { rows, counters }
    }

    /// Asks every limit about a request of a subject: `touches` says whether a limit does. Answers whether the one in
    /// force did.
    fn ask(
        &mut self,
        subject: u64,
        key: Key,
        group: usize,
        mut touches: impl FnMut(&mut V, u32) -> bool,
    ) -> bool {
        let mut in_force = false;
        let Some(row) = self.rows.get_mut(group) else {
            return false;
        };
        for (index, counters) in self.counters.iter_mut().enumerate() {
            let Some(counter) = counters.subjects.get_mut(&subject) else {
                continue;
            };
            if !touches(counter, limit(row, index)) {
                continue;
            }
            in_force |= index == 0;
            if let Some(trial) = row.trials.get_mut(index) {
                trial.requests = trial.requests.saturating_add(row.weight);
            }
            if let Some(touched) = counters.touched.get_mut(group) {
                touched.subjects.insert(subject);
                touched.keys.with(mix(key.0), |()| ());
            }
        }
        in_force
    }

    /// The rows, with who was touched.
    fn finish(mut self) -> Vec<Row> {
        for (index, counters) in self.counters.iter().enumerate() {
            for (row, touched) in self.rows.iter_mut().zip(&counters.touched) {
                if let Some(trial) = row.trials.get_mut(index) {
                    let subjects = touched.subjects.len() as u64;
                    trial.subjects = subjects.saturating_mul(row.weight);
                    trial.keys = touched.keys.len().saturating_mul(row.weight);
                }
            }
        }
        self.rows
    }
}

fn limit(row: &Row, trial: usize) -> u32 {
    row.trials.get(trial).map_or(u32::MAX, |trial| trial.limit)
}

impl Rehearsal {
    pub(super) const fn new(lens: Lens, bench: Bench) -> Self {
        Self { lens, bench }
    }

    /// Tries all limits on a request.
    pub fn observe(&mut self, record: &Record<'_>) {
        self.lens.show(record, &mut self.bench);
    }

    /// What there was, as the second pass has seen it.
    #[must_use]
    pub fn totals(&self) -> Totals {
        self.lens.totals()
    }

    /// What came of it: quotas in the order of the policy, then checks that count.
    #[must_use]
    pub fn finish(self) -> Vec<Row> {
        let mut totals = self.lens.totals();
        let quotas = self.bench.quotas.into_iter().flat_map(Tried::finish);
        let checks = self.bench.checks.into_iter().flat_map(Tried::finish);
        let mut rows: Vec<Row> = quotas.chain(checks).collect();
        // A sample may say more than there is.
        totals.keys = totals.keys.max(1);
        for row in &mut rows {
            for trial in &mut row.trials {
                trial.keys = trial.keys.min(totals.keys);
                trial.requests = trial.requests.min(row.requests);
            }
        }
        rows
    }
}

impl Rules for Bench {
    fn show(&mut self, policy: &Policy, sighting: &Sighting) -> bool {
        let rule = self.checks.get_mut(sighting.check);
        let (Some(check), Some(rule)) = (policy.checks.get(sighting.check), rule) else {
            return false;
        };
        let Test::Distinct(distinct) = &check.test else {
            return false;
        };
        let (window, now) = (distinct.window, sighting.now);
        rule.ask(sighting.subject, sighting.key, 0, |values, limit| {
            let sight = values.look(sighting.element, window, now);
            let found = sight.count > limit;
            // What is refused is not served, and shows nothing.
            let passes = !found || matches!(check.then, Verdict::Tag | Verdict::Throttle);
            if passes && sighting.served && sight.news {
                values.add(sighting.element, window, now);
            }
            found
        })
    }

    fn spend(&mut self, policy: &Policy, spending: &Spending) {
        let rule = self.quotas.get_mut(spending.quota);
        if let (Some(quota), Some(rule)) = (policy.quotas.get(spending.quota), rule) {
            rule.ask(
                spending.subject,
                spending.key,
                spending.group,
                |spent, limit| !spent.try_to_spend(quota, limit, &spending.demand, spending.now),
            );
        }
    }
}
