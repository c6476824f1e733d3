//! What an engine can say where it has no counters, for a host that asks for decisions elsewhere.

use core::hash::Hasher as _;

use super::plan::Plan;
use super::{Decision, Engine};
use crate::exchange::Exchange;
use crate::identity;
use crate::policy::check::Test;
use crate::policy::{Count, Limit, Quota, Trait};
use crate::traits::Traits;

impl Engine {
    /// The decision about a request whose counters cannot be reached: what the policy's `on_error` says.
    #[must_use]
    pub fn uncounted(&self, exchange: &Exchange<'_>) -> Decision {
        match identity::identify(exchange, &self.policy, self.secret) {
            Ok(key) => self.without_store(key),
            Err(unknown) => self.turn_away(unknown),
        }
    }

    /// Whether no counter is of several keys together: then those of different keys may lie in different places.
    #[must_use]
    pub fn counts_by_key(&self) -> bool {
        let by_key = |subject: usize| {
            let subject = self.policy.subjects.get(subject);
            subject.is_some_and(|subject| subject.traits.contains(&Trait::Key))
        };
        let mut quotas = self.policy.quotas.iter();
        let mut checks = self.policy.checks.iter();
        quotas.all(|quota| by_key(quota.subject))
            && checks.all(|check| match &check.test {
                Test::Distinct(distinct) => by_key(distinct.subject),
                _ => true,
            })
    }

    /// The counters of a request that, once they are used up, stay so until a known moment, each with its quota's place: those
    /// of quotas that count requests, to which nothing is given back. None where a check may have more to say, or the limit is
    /// another one for others who share the counter.
    ///
    /// The second number is the same for those requests only that are refused alike by that counter, in replies and in records:
    /// by the same key, under the same limits, and all of them before their bodies are read or none.
    #[must_use]
    pub fn counters(&self, exchange: &Exchange<'_>, reads_body: bool) -> Vec<(usize, u64)> {
        if self.policy.shadow || self.policy.may_check(exchange, |_| true) {
            return Vec::new();
        }
        let Ok(key) = identity::identify(exchange, &self.policy, self.secret) else {
            return Vec::new();
        };
        let mut traits = Traits::new(exchange, &self.policy, self.secret, key);
        let mut plan = Plan::default();
        plan.fill(&self.policy, &mut traits, 1, &|_| true);
        let mut all = self.secret.hasher();
        all.write_u64(key.0);
        all.write_u8(reads_body.into());
        for charge in &plan.charges {
            all.write_usize(charge.quota);
            all.write_u64(charge.tag);
            all.write_u32(charge.limit);
        }
        let lasting = |quota: &Quota| {
            quota.count == Count::Requests
                && !quota.reads_model
                && !quota.shadow
                && quota.after.is_none()
                && matches!(quota.limit, Limit::Fixed(..))
        };
        let charges = plan.charges.iter();
        let charges = charges.filter(|charge| {
            let quota = self.policy.quotas.get(charge.quota);
            quota.is_some_and(lasting)
        });
        charges
            .map(|charge| (charge.quota, charge.tag ^ all.finish()))
            .collect()
    }
}
