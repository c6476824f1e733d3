//! What limits would have to be: recorded traffic is shown to the rules of a policy, and what its subjects used is summed
//! up.
//!
//! Twice, in the order in which it came. A [`Learner`] counts as enforcement counts, in the same windows, and as if nothing
//! were ever refused: of every subject the *peak*, which is the least limit under which all of its requests would have
//! passed. From the peaks come limits, and a [`Rehearsal`] tries them, and the one in force, on the same traffic, each rule
//! by itself: what is refused is not charged, and shows nothing. (Only how many tokens a text is likely to be is learned
//! from all requests alike.)
//!
//! Memory is bounded: where there are more subjects than there is room for, those whose hash is even stay, and so on.

mod gauge;
mod lens;
mod row;
mod sets;
mod spent;
mod trial;

pub use lens::Totals;
pub use row::{Peaks, Row, TRIALS, TRIED, Trial, Value};
pub use trial::Rehearsal;

use crate::identity::Secret;
use crate::policy::check::Test;
use crate::policy::{Limit, Policy, Quota, Rule};
use crate::sample::{Held, Sample};
use crate::trace::Record;
use lens::{Lens, Rules, Sighting, Spending};
use sets::Values;
use spent::Spent;
use trial::{Bench, Tried};

/// What subjects use, as if nothing were ever refused.
pub struct Learner {
    lens: Lens,
    tables: Tables,
    secret: Secret,
    room: usize,
}

/// The counters of all rules, by their places in the policy.
struct Tables {
    quotas: Vec<Table<Spent>>,
    checks: Vec<Table<Shown>>,
}

/// The counters of one rule.
struct Table<V> {
    subjects: Sample<V>,
    /// Requests that it was about, for each of its limits.
    requests: Vec<u64>,
}

/// The values that one subject shows, and the most that there were.
#[derive(Default)]
struct Shown {
    values: Values,
    peak: u32,
    /// Whether the most is an estimate.
    estimated: bool,
}

impl Held for Shown {
    fn bytes(&self) -> usize {
        self.values.bytes()
    }
}

impl Learner {
    /// One that has seen nothing, and that holds about `memory` bytes at most, shared by all rules alike.
    #[must_use]
    pub fn new(mut policy: Policy, secret: Secret, memory: usize) -> Self {
        // What a campaign may use is nobody's habit. Budgets come after all other quotas, so these keep their places.
        policy.campaigns = None;
        policy.quotas.retain(|quota| !quota.is_budget());
        let rules = policy.quotas.len().saturating_add(policy.checks.len());
        // One share more, for the keys of all.
        let shares = rules.saturating_add(1);
        let room = memory.checked_div(shares).unwrap_or(memory);
        let tables = Tables {
            quotas: policy
                .quotas
                .iter()
                .map(|quota| Table::new(room, groups(quota)))
                .collect(),
            checks: policy.checks.iter().map(|_| Table::new(room, 1)).collect(),
        };
        Self {
            lens: Lens::new(policy, secret, room),
            tables,
            secret,
            room,
        }
    }

    /// Counts a request.
    pub fn observe(&mut self, record: &Record<'_>) {
        self.lens.show(record, &mut self.tables);
    }

    /// What there was.
    #[must_use]
    pub fn totals(&self) -> Totals {
        self.lens.totals()
    }

    /// Sums up what was counted, and goes on to try limits on the same traffic.
    #[must_use]
    pub fn rehearse(self) -> Rehearsal {
        let policy = self.lens.policy().clone();
        // Few subjects are near a limit that is worth trying, and few keys are touched.
        let room = self.room / 8;
        let quotas = policy.quotas.iter().zip(self.tables.quotas).enumerate();
        let quotas = quotas.map(|(place, (quota, table))| {
            let rows = quota_rows(place, quota, &table);
            Tried::new(rows, room, |limit| {
                table.subjects_that(|spent| spent.may_exceed(quota, limit))
            })
        });
        let checks = policy.checks.iter().zip(self.tables.checks).enumerate();
        let checks = checks.map(|(place, (check, table))| {
            let rows = match &check.test {
                Test::Distinct(distinct) => vec![check_row(place, distinct.limit, &table)],
                Test::Listed(_) | Test::Contradiction(_) => Vec::new(),
            };
            Tried::new(rows, room, |limit| {
                table.subjects_that(|shown| shown.peak > limit)
            })
        });
        let bench = Bench {
            quotas: quotas.collect(),
            checks: checks.collect(),
        };
        Rehearsal::new(Lens::new(policy, self.secret, self.room), bench)
    }
}

impl<V: Held> Table<V> {
    fn new(room: usize, limits: usize) -> Self {
        Self {
            subjects: Sample::new(room),
            requests: vec![0; limits],
        }
    }

    fn count(&mut self, limit: usize) {
        if let Some(requests) = self.requests.get_mut(limit) {
            *requests = requests.saturating_add(1);
        }
    }

    fn subjects_that(&self, reach: impl Fn(&V) -> bool) -> Vec<u64> {
        let reaching = self.subjects.iter().filter(|(_, value)| reach(value));
        reaching.map(|(subject, _)| subject).collect()
    }

    /// A row, from the peaks of those who used something.
    fn row(&self, rule: Rule, value: Option<Value>, limit: (usize, u32), peaks: Vec<u32>) -> Row {
        let mut peaks = peaks;
        peaks.retain(|&peak| peak > 0);
        let subjects = (peaks.len() as u64).saturating_mul(self.subjects.weight());
        let peaks = Peaks::of(&mut peaks);
        let (place, limit) = limit;
        Row {
            rule,
            value,
            limit,
            requests: self.requests.get(place).copied().unwrap_or(0),
            subjects,
            weight: self.subjects.weight(),
            exact: true,
            peaks,
            trials: Peaks::limits(peaks.as_ref(), limit).map(|limit| Trial {
                limit,
                ..Trial::default()
            }),
        }
    }
}

impl Rules for Tables {
    fn show(&mut self, policy: &Policy, sighting: &Sighting) -> bool {
        let table = self.checks.get_mut(sighting.check);
        let (Some(check), Some(table)) = (policy.checks.get(sighting.check), table) else {
            return false;
        };
        let Test::Distinct(distinct) = &check.test else {
            return false;
        };
        table.count(0);
        let found = table.subjects.with(sighting.subject, |shown| {
            let (window, now) = (distinct.window, sighting.now);
            let sight = shown.values.look(sighting.element, window, now);
            let mut most = (sight.count, sight.exact);
            if sighting.served && !sight.member {
                most = shown.values.add(sighting.element, window, now);
            }
            if most.0 > shown.peak {
                (shown.peak, shown.estimated) = (most.0, !most.1);
            }
            sight.count > distinct.limit
        });
        found == Some(true)
    }

    fn spend(&mut self, policy: &Policy, spending: &Spending) {
        let table = self.quotas.get_mut(spending.quota);
        if let (Some(quota), Some(table)) = (policy.quotas.get(spending.quota), table) {
            table.count(spending.group);
            table.subjects.with(spending.subject, |spent| {
                let group = u32::try_from(spending.group).unwrap_or(u32::MAX);
                spent.spend(quota, group, &spending.demand, spending.now);
            });
        }
    }
}

/// How many limits a quota has.
fn groups(quota: &Quota) -> usize {
    match &quota.limit {
        Limit::Fixed(..) => 1,
        Limit::ByFact { values, .. } => values.len().saturating_add(1),
    }
}

/// The rows of a quota; none of one that counts requests in flight, about which a trace says nothing.
fn quota_rows(place: usize, quota: &Quota, table: &Table<Spent>) -> Vec<Row> {
    if quota.is_concurrent() {
        return Vec::new();
    }
    let limits = match &quota.limit {
        Limit::Fixed(limit, _) => vec![(None, *limit)],
        Limit::ByFact {
            values, otherwise, ..
        } => {
            let named = values
                .iter()
                .map(|(value, limit)| (Some(Value::Of(value.clone())), *limit));
            named.chain([(Some(Value::Else), *otherwise)]).collect()
        }
    };
    let mut peaks = vec![Vec::new(); limits.len()];
    for (_, spent) in table.subjects.iter() {
        for &(group, peak) in spent.peaks() {
            if let Some(peaks) = peaks.get_mut(group as usize) {
                peaks.push(peak);
            }
        }
    }
    let rows = limits.into_iter().zip(peaks).enumerate();
    rows.map(|(group, ((value, limit), peaks))| {
        table.row(Rule::Quota(place), value, (group, limit), peaks)
    })
    .collect()
}

fn check_row(place: usize, limit: u32, table: &Table<Shown>) -> Row {
    let shown = table.subjects.iter();
    let peaks = shown.map(|(_, shown)| shown.peak).collect();
    let estimated = table.subjects.iter().any(|(_, shown)| shown.estimated);
    let mut row = table.row(Rule::Check(place), None, (0, limit), peaks);
    row.exact = !estimated;
    row
}

#[cfg(test)]
mod tests;
