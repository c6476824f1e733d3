//! The order of things: whose a request is, which quotas it falls under, what they say, and what is given back.

mod decision;
mod foresee;
mod plan;
mod settle;

pub use decision::{Decision, Effort, Finding, Intent, Lease, QuotaState};
pub use foresee::{Content, api};
pub use settle::{Ending, Reservation, Settlement};

use crate::dialect::Api;
use crate::exchange::{Exchange, Millis, Now};
use crate::identity::{self, Key, Secret, Unknown};
use crate::policy::{Policy, Quota, Rule, Trait};
use crate::quota::{self, Admission, Charge};
use crate::store::{Change, Page, Store, StoreError};
use crate::traits::Traits;
use crate::verdict::{Reason, Verdict};
use plan::{Plan, Visit};
use settle::Pledge;

/// How long a client is told to wait for a request in flight to end: nobody knows when it will.
const IN_FLIGHT_WAIT: Millis = 1_000;

/// A policy at work. Holds no state: counters are the store's, time is an argument.
#[derive(Debug, Clone)]
pub struct Engine {
    policy: Policy,
    secret: Secret,
}

/// What the headers of a request settle before its body is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Screening {
    /// Nothing in the body matters, or it cannot be read: [`Engine::decide`] may be asked at once, with this.
    Ready(Content<'static>),
    /// A rule wants to know the model or the tokens, and the body says them.
    ReadBody,
    /// Refused, whatever the body says.
    Refuse(Box<Decision>),
}

/// What the pages of a plan said together.
#[derive(Default)]
struct Outcome {
    refused: bool,
    shadow_refused: bool,
    effort: Effort,
}

impl Engine {
    /// Puts a policy to work.
    #[must_use]
    pub const fn new(policy: Policy, secret: Secret) -> Self {
        Self { policy, secret }
    }

    /// The policy.
    #[must_use]
    pub const fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Looks at a request whose body, if `has_body`, has not come yet; charges nothing.
    pub fn screen<S: Store>(
        &self,
        exchange: &Exchange<'_>,
        has_body: bool,
        now: Now,
        store: &S,
    ) -> Screening {
        if !has_body || !self.reads_body_of(exchange) {
            return Screening::Ready(Content::None);
        }
        if let Some(decision) = self.refused_by_headers(exchange, now, store) {
            return Screening::Refuse(Box::new(decision));
        }
        if ends(exchange) && is_plain_json(exchange) {
            Screening::ReadBody
        } else {
            let length = content_length(exchange).unwrap_or(0);
            Screening::Ready(Content::Unreadable(length))
        }
    }

    /// Whether a rule wants to know something of this request that only its body tells.
    fn reads_body_of(&self, exchange: &Exchange<'_>) -> bool {
        // Only where a body may matter is the path looked at.
        if !self.policy.may_cover(exchange, Quota::reads_body) {
            return false;
        }
        let dialect = self.policy.dialect_of(exchange);
        let named = dialect.model_in_path(exchange.path).is_some();
        let free = Api::of(dialect, exchange.path) == Api::Free;
        let reads = |quota: &Quota| quota.reads_model && !named || quota.is_metered() && !free;
        self.policy.may_cover(exchange, reads)
    }

    /// What speaks against a request before its body is read: no key, a body that is too long, or a quota that does
    /// not depend on the model. Only looks.
    fn refused_by_headers<S: Store>(
        &self,
        exchange: &Exchange<'_>,
        now: Now,
        store: &S,
    ) -> Option<Decision> {
        if self.policy.shadow {
            return None;
        }
        let early = |quota: &Quota| !quota.shadow && !quota.reads_body();
        let mut plan = Plan::default();
        let key = match self.plan(&mut plan, exchange, store, early) {
            Ok(key) => key,
            Err(unknown) => return Some(self.turn_away(unknown)),
        };
        let long = content_length(exchange).is_some_and(|length| length > self.policy.body);
        if long && self.needs_body_of(exchange) && is_plain_json(exchange) {
            return Some(self.too_large());
        }
        if !self.glance(&mut plan, now, store).ok()?.refused {
            return None;
        }
        let outcome = self.peek(&mut plan, now, store).ok()?;
        outcome
            .refused
            .then(|| self.conclude(key, &plan, &outcome, now))
    }

    /// Decides: all quotas are looked at, then all are charged, or none.
    pub fn admit<S: Store>(&self, exchange: &Exchange<'_>, now: Now, store: &S) -> Decision {
        let mut plan = Plan::default();
        let key = match self.plan(&mut plan, exchange, store, |_| true) {
            Ok(key) => key,
            Err(unknown) => return self.turn_away(unknown),
        };
        match self.charge(&mut plan, now, store) {
            Ok(outcome) => self.conclude(key, &plan, &outcome, now),
            Err(_) => self.without_store(key),
        }
    }

    /// Whether a rule that is enforced needs to see the body of this request, so that it is refused if that is too long to be
    /// read.
    #[must_use]
    pub fn needs_body_of(&self, exchange: &Exchange<'_>) -> bool {
        let enforced = |quota: &Quota| quota.reads_body() && !quota.shadow;
        self.policy.may_cover(exchange, enforced)
    }

    /// The decision about a body that turned out to be longer than the policy lets a rule read.
    #[must_use]
    pub const fn too_large(&self) -> Decision {
        Decision::deny(Reason::BodyTooLarge, self.policy.shadow)
    }

    /// Gives slots in flight back. What cannot be given back runs out by itself.
    ///
    /// # Errors
    /// The store's, if any page could not be reached.
    pub fn release<S: Store>(
        &self,
        leases: &[Lease],
        now: Now,
        store: &S,
    ) -> Result<(), StoreError> {
        let mut result = Ok(());
        for lease in leases {
            result = result.and(give_back(store, lease, now));
        }
        result
    }

    /// Makes slots in flight last for another lease from now.
    ///
    /// # Errors
    /// The store's, if any page could not be reached; the leases on it are as they were.
    pub fn renew<S: Store>(
        &self,
        leases: &mut [Lease],
        now: Now,
        store: &S,
    ) -> Result<(), StoreError> {
        let mut result = Ok(());
        for lease in leases {
            let renewed = store.update(lease.page, |page| {
                quota::renew(page, &lease.held, now.steady)
            });
            match renewed {
                Ok(filed) => lease.held.filed = filed,
                Err(error) => result = Err(error),
            }
        }
        result
    }

    /// Finds whose the request is, and plans the charges of every `wanted` quota that covers it.
    fn plan<S: Store>(
        &self,
        plan: &mut Plan,
        exchange: &Exchange<'_>,
        store: &S,
        wanted: impl Fn(&Quota) -> bool,
    ) -> Result<Key, Unknown> {
        let key = identity::identify(exchange, &self.policy, self.secret)?;
        let mut traits = Traits::new(exchange, &self.policy, self.secret, key);
        plan.fill(&self.policy, &mut traits, store.pages(), wanted);
        Ok(key)
    }

    const fn turn_away(&self, unknown: Unknown) -> Decision {
        let reason = match unknown {
            Unknown::Missing => Reason::MissingCredential,
            Unknown::Ambiguous => Reason::AmbiguousCredential,
        };
        Decision::deny(reason, self.policy.shadow)
    }

    fn without_store(&self, key: Key) -> Decision {
        let mut decision = if self.policy.allow_on_error {
            Decision::allow(Reason::Store)
        } else {
            Decision::deny(Reason::Store, self.policy.shadow)
        };
        decision.key = Some(key);
        decision
    }

    /// Looks at every page as it is now.
    fn peek<S: Store>(&self, plan: &mut Plan, now: Now, store: &S) -> Result<Outcome, StoreError> {
        self.look(plan, now, |page, look| {
            store.update(page, |page| (look(page), Change::Keep))
        })
    }

    /// Looks at every page as it was a moment ago.
    fn glance<S: Store>(
        &self,
        plan: &mut Plan,
        now: Now,
        store: &S,
    ) -> Result<Outcome, StoreError> {
        self.look(plan, now, |page, look| {
            store.glance(page, |page| look(page))
        })
    }

    fn look(
        &self,
        plan: &mut Plan,
        now: Now,
        mut visit: impl FnMut(u32, &mut dyn FnMut(&Page) -> Admission) -> Result<Admission, StoreError>,
    ) -> Result<Outcome, StoreError> {
        let mut outcome = Outcome::default();
        for place in plan.visits.clone() {
            let charges = plan.charges_mut(&place);
            let mut look =
                |page: &Page| quota::peek(page, charges, &self.policy.newcomers, now.steady);
            let admission = visit(place.page, &mut look)?;
            outcome.refused |= admission.refused;
            outcome.shadow_refused |= admission.shadow_refused;
        }
        Ok(outcome)
    }

    /// Charges every page, or none. With several pages all are looked at first, so that a refusal writes nothing;
    /// where another thread is faster between the look and the charge, what was charged is given back.
    fn charge<S: Store>(
        &self,
        plan: &mut Plan,
        now: Now,
        store: &S,
    ) -> Result<Outcome, StoreError> {
        let mut outcome = Outcome::default();
        if plan.visits.len() > 1 {
            outcome = self.peek(plan, now, store)?;
            if outcome.refused {
                return Ok(outcome);
            }
        }
        let visits = plan.visits.clone();
        for (done, visit) in visits.iter().enumerate() {
            let charges = plan.charges_mut(visit);
            let shadow_refused = outcome.shadow_refused;
            let admission = store.update(visit.page, |page| {
                quota::admit(
                    page,
                    charges,
                    &self.policy.newcomers,
                    shadow_refused,
                    now.steady,
                )
            });
            if !matches!(&admission, Ok(admission) if !admission.refused) {
                take_back(plan, visits.iter().take(done), now, store);
            }
            let admission = admission?;
            outcome.refused = admission.refused;
            outcome.shadow_refused |= admission.shadow_refused;
            outcome.effort.evicted = outcome.effort.evicted.saturating_add(admission.evicted);
            outcome.effort.shared |= admission.shared;
            if admission.refused {
                break;
            }
        }
        Ok(outcome)
    }

    /// Sums up what the pages said.
    fn conclude(&self, key: Key, plan: &Plan, outcome: &Outcome, now: Now) -> Decision {
        let mut decision = Decision::allow(Reason::None);
        decision.key = Some(key);
        decision.effort = outcome.effort;
        decision.quotas.reserve_exact(plan.charges.len());
        let mut shadow_retry = None;
        for visit in &plan.visits {
            for charge in plan.charges(visit) {
                let standing = &charge.standing;
                let Some(quota) = self.policy.quotas.get(charge.quota) else {
                    continue;
                };
                let concurrent = quota.is_concurrent();
                let retry = if concurrent {
                    now.steady.saturating_add(IN_FLIGHT_WAIT)
                } else {
                    standing.frees
                };
                if let Some(lease) = Lease::of(visit.page, charge).filter(|_| !outcome.refused) {
                    self.hold(&mut decision, charge, quota, lease);
                }
                if charge.shadow {
                    if !standing.fits && shadow_retry.is_none_or(|other| retry > other) {
                        shadow_retry = Some(retry);
                        decision.shadow = Some(Intent {
                            verdict: Verdict::Throttle,
                            reason: Reason::Quota,
                            rule: Some(Rule::Quota(charge.quota)),
                        });
                    }
                    continue;
                }
                if !standing.fits && decision.retry_at.is_none_or(|other| retry > other) {
                    (decision.retry_at, decision.rule) =
                        (Some(retry), Some(Rule::Quota(charge.quota)));
                }
                // In the order of the policy, which subjects may have mixed up.
                let after = decision
                    .quotas
                    .iter()
                    .position(|other| other.quota > charge.quota);
                let state = QuotaState {
                    quota: charge.quota,
                    limit: charge.limit,
                    standing: *standing,
                };
                decision
                    .quotas
                    .insert(after.unwrap_or(decision.quotas.len()), state);
            }
        }
        if decision.reservation.is_metered() {
            decision.reservation.rates = plan.rates.unwrap_or_default();
        }
        if outcome.refused {
            (decision.verdict, decision.reason) = (Verdict::Throttle, Reason::Quota);
            decision.shadow = None;
        }
        decision
    }

    /// Notes what is to be given back, or settled, when the request has ended.
    fn hold(&self, decision: &mut Decision, charge: &Charge, quota: &Quota, lease: Lease) {
        let reservation = &mut decision.reservation;
        if quota.is_concurrent() {
            decision.leases.push(lease);
        } else if quota.is_metered() {
            reservation.enforced |= !quota.shadow;
            reservation.metered.push(Pledge {
                quota: charge.quota,
                lease,
            });
        } else if charge.standing.fresh && self.is_of_key(quota) {
            reservation.newcomer.push(lease);
        }
    }

    /// Whether a quota's counters are of keys, about which the origin's word is awaited.
    fn is_of_key(&self, quota: &Quota) -> bool {
        let subject = self.policy.subjects.get(quota.subject);
        !self.policy.by_network
            && subject.is_some_and(|subject| subject.traits.contains(&Trait::Key))
    }
}

/// Gives back what a request was charged that in the end was refused. If a page is out of reach the charge stays
/// until its window has passed: too much is counted then, never too little.
fn take_back<'v, S: Store>(
    plan: &Plan,
    visits: impl Iterator<Item = &'v Visit>,
    now: Now,
    store: &S,
) {
    for visit in visits {
        for charge in plan.charges(visit) {
            if let Some(lease) = Lease::of(visit.page, charge) {
                let _ = give_back(store, &lease, now);
            }
        }
    }
}

fn give_back<S: Store>(store: &S, lease: &Lease, now: Now) -> Result<(), StoreError> {
    store.update(lease.page, |page| {
        ((), quota::settle(page, &lease.held, 0, now.steady))
    })
}

/// The length that a body says it has.
fn content_length(exchange: &Exchange<'_>) -> Option<u64> {
    let text = exchange.values(b"content-length").next()?;
    core::str::from_utf8(text).ok()?.parse().ok()
}

/// Whether a body has an end that is worth waiting for; an upgraded connection's has none.
fn ends(exchange: &Exchange<'_>) -> bool {
    exchange.method != b"CONNECT" && exchange.values(b"upgrade").next().is_none()
}

/// Whether a body says that it is JSON, and not compressed. Of any other the model is not read, and every limit on a
/// model counts it.
fn is_plain_json(exchange: &Exchange<'_>) -> bool {
    let json = |value: &[u8]| {
        let media = value
            .split(|&byte| byte == b';')
            .next()
            .unwrap_or_default()
            .trim_ascii()
            .to_ascii_lowercase();
        media == b"application/json" || media.ends_with(b"+json")
    };
    let plain = |value: &[u8]| value.eq_ignore_ascii_case(b"identity");
    exchange.values(b"content-type").all(json) && exchange.values(b"content-encoding").all(plain)
}

#[cfg(test)]
mod tests;
