//! What the rules of a policy see of a recorded request: which of them are about it, for whom, and how much it takes.

use super::gauge::{Gauge, Used};
use super::spent::Demand;
use crate::exchange::{Exchange, Millis};
use crate::identity::{self, Key, Secret, Unknown};
use crate::policy::After;
use crate::policy::check::{Check, Test};
use crate::policy::price::Rates;
use crate::policy::{Count, Policy, Quota};
use crate::sample::Sample;
use crate::trace::Record;
use crate::traits::{Traits, mix};
use crate::usage::Usage;

/// Requests up to this status were served: then what they showed is counted.
const SERVED: u16 = 299;

/// Whoever counts what rules see.
pub(super) trait Rules {
    /// A value that a check counts; answers whether the check found something.
    fn show(&mut self, policy: &Policy, sighting: &Sighting) -> bool;

    /// What a quota is charged.
    fn spend(&mut self, policy: &Policy, spending: &Spending);
}

/// A value that a check counts for one subject.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sighting {
    /// The check, by its place in the policy.
    pub(super) check: usize,
    pub(super) key: Key,
    pub(super) subject: u64,
    pub(super) element: u32,
    /// Whether the origin has served the request.
    pub(super) served: bool,
    pub(super) now: Millis,
}

/// What a request takes of one quota.
#[derive(Debug, Clone, Copy)]
pub(super) struct Spending {
    /// The quota, by its place in the policy.
    pub(super) quota: usize,
    pub(super) key: Key,
    pub(super) subject: u64,
    /// Which of the limits by a fact holds.
    pub(super) group: usize,
    pub(super) demand: Demand,
    pub(super) now: Millis,
}

/// What there was, whatever rules there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Totals {
    /// Requests.
    pub requests: u64,
    /// Requests without a credential, which are refused before any rule is asked.
    pub missing: u64,
    /// Requests with two, or with one that could be two; they are refused too.
    pub ambiguous: u64,
    /// Requests whose usage was recorded, and whose body was not: their model is not known.
    pub bodiless: u64,
    /// Different keys, beyond some millions an estimate.
    pub keys: u64,
    /// The earliest moment of a request, in milliseconds since 1970.
    pub first: Millis,
    /// The latest.
    pub last: Millis,
}

/// A policy, and what is known of all requests together.
pub(super) struct Lens {
    policy: Policy,
    secret: Secret,
    gauge: Gauge,
    keys: Sample<()>,
    totals: Totals,
}

impl Lens {
    pub(super) fn new(policy: Policy, secret: Secret, room: usize) -> Self {
        Self {
            gauge: Gauge::new(&policy, secret),
            policy,
            secret,
            keys: Sample::new(room),
            totals: Totals::default(),
        }
    }

    pub(super) const fn policy(&self) -> &Policy {
        &self.policy
    }

    pub(super) fn totals(&self) -> Totals {
        Totals {
            keys: self.keys.len(),
            ..self.totals
        }
    }

    /// Shows a request to every rule that is about it.
    pub(super) fn show(&mut self, record: &Record<'_>, rules: &mut impl Rules) {
        let headers = record.headers();
        let mut exchange = record.exchange(&headers);
        let Some(key) = self.meet(record, &exchange) else {
            return;
        };
        let (dialect, body);
        let in_path;
        let mut used = Used::default();
        if self.policy.reads_bodies() {
            dialect = self.policy.dialect_of(&exchange);
            in_path = dialect.model_in_path(exchange.path);
            body = self.gauge.read(record, &exchange);
            if self.policy.may_cover(&exchange, Quota::is_metered) {
                used = self.gauge.used(record, &exchange, &body);
            }
            exchange.model = Gauge::model(in_path.as_deref(), &body);
        }
        let mut traits = Traits::new(&exchange, &self.policy, self.secret, key);
        let mut found: u64 = 0;
        for (place, check) in self.policy.checks.iter().enumerate() {
            if traits.fit(&check.scope) && self.finds(place, check, &mut traits, record, rules) {
                found |= bit(place);
            }
        }
        for (place, quota) in self.policy.quotas.iter().enumerate() {
            if quota.is_concurrent()
                || matches!(quota.after, Some(After::Check(check)) if found & bit(check) == 0)
                || !traits.fit(&quota.scope)
            {
                continue;
            }
            let Some(subject) = self.policy.subjects.get(quota.subject) else {
                continue;
            };
            let spending = Spending {
                quota: place,
                key,
                subject: traits.hash(subject).0,
                group: traits.limit(quota).1,
                demand: self.demand(quota, &exchange, record, &used),
                now: record.t,
            };
            rules.spend(&self.policy, &spending);
        }
    }

    /// Takes note of a request, and says whose it is.
    fn meet(&mut self, record: &Record<'_>, exchange: &Exchange<'_>) -> Option<Key> {
        let totals = &mut self.totals;
        let first = totals.requests == 0;
        totals.first = if first {
            record.t
        } else {
            totals.first.min(record.t)
        };
        totals.last = totals.last.max(record.t);
        totals.requests = totals.requests.saturating_add(1);
        let bodiless = record.usage.is_some() && record.body.is_none();
        totals.bodiless = totals.bodiless.saturating_add(u64::from(bodiless));
        match identity::identify(exchange, &self.policy, self.secret) {
            Ok(key) => {
                self.keys.with(mix(key.0), |()| ());
                return Some(key);
            }
            Err(Unknown::Missing) => totals.missing = totals.missing.saturating_add(1),
            Err(Unknown::Ambiguous) => totals.ambiguous = totals.ambiguous.saturating_add(1),
        }
        None
    }

    /// Whether a check finds something in a request that it is about.
    fn finds(
        &self,
        place: usize,
        check: &Check,
        traits: &mut Traits<'_>,
        record: &Record<'_>,
        rules: &mut impl Rules,
    ) -> bool {
        match &check.test {
            Test::Listed(member) => traits.is_found(check, member),
            Test::Contradiction(against) => traits.contradict(*against),
            Test::Distinct(distinct) => {
                let Some((subject, element)) = traits.sight(check, distinct) else {
                    return false;
                };
                let sighting = Sighting {
                    check: place,
                    key: traits.key(),
                    subject,
                    element,
                    served: record.status.unwrap_or(200) <= SERVED,
                    now: record.t,
                };
                rules.show(&self.policy, &sighting)
            }
        }
    }

    fn demand(
        &self,
        quota: &Quota,
        exchange: &Exchange<'_>,
        record: &Record<'_>,
        used: &Used,
    ) -> Demand {
        let rates = if quota.count == Count::Cost {
            self.policy.rates_of(exchange.model)
        } else {
            Rates::default()
        };
        let foreseen = Usage {
            input: used.foreseen.input,
            output: used.foreseen.output,
            ..Usage::default()
        };
        let reserved = quota.units(&foreseen, &rates.at_most());
        match reserved.zip(quota.units(&used.usage, &rates)) {
            Some((reserved, used_up)) => Demand {
                reserved,
                used: used_up,
                stands: used.stands,
                invented: false,
            },
            None => Demand {
                reserved: 1,
                used: 1,
                stands: false,
                invented: record.status == Some(401) && self.policy.is_of_key(quota),
            },
        }
    }
}

/// A policy has at most 32 checks.
fn bit(check: usize) -> u64 {
    u32::try_from(check)
        .ok()
        .and_then(|check| 1_u64.checked_shl(check))
        .unwrap_or(0)
}
