//! The order of things: whose a request is, which quotas it falls under, what they say, and what is given back.

mod apart;
mod campaigns;
mod checks;
mod conclude;
mod decision;
mod findings;
mod foresee;
mod look;
mod pages;
mod plan;
mod settle;

pub use campaigns::Sample;
pub use checks::Memory;
pub use decision::{Decision, Effort, Finding, Intent, Lease, QuotaState};
pub use foresee::{Content, Text, api};
pub use settle::{Ending, Reservation, Settlement};

use crate::dialect::Api;
use crate::exchange::{Exchange, Now};
use crate::identity::{self, Key, Secret, Unknown};
use crate::policy::check::Check;
use crate::policy::{Policy, Quota};
use crate::store::Store;
use crate::template::Sampler;
use crate::traits::Traits;
use crate::verdict::Reason;
use campaigns::Known;
use checks::Care;
use findings::Findings;
use plan::Plan;

/// A policy at work. Holds no state: counters are the store's, time is an argument.
#[derive(Debug, Clone)]
pub struct Engine {
    policy: Policy,
    secret: Secret,
    /// Reads templates, if campaigns are looked for.
    sampler: Option<Sampler>,
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

impl Engine {
    /// Puts a policy to work.
    #[must_use]
    pub fn new(policy: Policy, secret: Secret) -> Self {
        let sampler = policy.campaigns.as_ref().map(|_| Sampler::new(secret));
        Self {
            policy,
            secret,
            sampler,
        }
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
        if self.watches(exchange) {
            return true;
        }
        let checked = self.policy.may_check(exchange, |check| check.reads_model);
        if !checked && !self.policy.may_cover(exchange, Quota::reads_body) {
            return false;
        }
        let dialect = self.policy.dialect_of(exchange);
        let named = dialect.model_in_path(exchange.path).is_some();
        let free = Api::of(dialect, exchange.path) == Api::Free;
        let reads = |quota: &Quota| quota.reads_model && !named || quota.is_metered() && !free;
        checked && !named || self.policy.may_cover(exchange, reads)
    }

    /// What speaks against a request before its body is read: no key, a check that needs no body, a body that is too long, or
    /// a quota that does not depend on the model. Only looks.
    fn refused_by_headers<S: Store>(
        &self,
        exchange: &Exchange<'_>,
        now: Now,
        store: &S,
    ) -> Option<Decision> {
        if self.policy.shadow {
            return None;
        }
        let key = match identity::identify(exchange, &self.policy, self.secret) {
            Ok(key) => key,
            Err(unknown) => return Some(self.turn_away(unknown)),
        };
        let mut traits = Traits::new(exchange, &self.policy, self.secret, key);
        let known = |check: &Check| !check.shadow && !check.reads_model;
        let mut findings = self
            .check(&mut traits, &known, Care::Glance, now, store)
            .ok()?;
        // What is refused is recorded with all that can be known of it, also what is only noted.
        let all = |check: &Check| !check.reads_model;
        if findings.refuse() {
            findings = self.check(&mut traits, &all, Care::Look, now, store).ok()?;
        }
        if findings.refuse() {
            return Some(refused_by(findings, key));
        }
        let long = content_length(exchange).is_some_and(|length| length > self.policy.body);
        if long && self.needs(exchange, &findings) && is_plain_json(exchange) {
            return Some(self.too_large());
        }
        let mut plan = Plan::default();
        let early =
            |quota: &Quota| !quota.shadow && !quota.reads_body() && findings.activate(quota);
        plan.fill(&self.policy, &mut traits, store.pages(), &early);
        if !self.glance(&mut plan, now, store).ok()?.refused {
            return None;
        }
        let outcome = self.peek(&mut plan, now, store).ok()?;
        if !outcome.refused {
            return None;
        }
        let findings = self.check(&mut traits, &all, Care::Look, now, store).ok()?;
        Some(if findings.refuse() {
            refused_by(findings, key)
        } else {
            self.conclude(key, &plan, &outcome, findings, now)
        })
    }

    /// Decides: first the checks, then the quotas, which are all looked at, and then all charged, or none.
    pub fn admit<S: Store>(&self, exchange: &Exchange<'_>, now: Now, store: &S) -> Decision {
        self.admit_known(exchange, &Known::default(), now, store)
    }

    /// [Admits](Self::admit) a request of whose prompt this is known.
    fn admit_known<S: Store>(
        &self,
        exchange: &Exchange<'_>,
        known: &Known<'_>,
        now: Now,
        store: &S,
    ) -> Decision {
        let key = match identity::identify(exchange, &self.policy, self.secret) {
            Ok(key) => key,
            Err(unknown) => return self.turn_away(unknown),
        };
        let mut traits = Traits::new(exchange, &self.policy, self.secret, key);
        let Ok(mut findings) = self.check(&mut traits, &|_| true, Care::Look, now, store) else {
            return self.without_store(key);
        };
        let campaign = self.answer(known, &mut traits, &mut findings);
        let mut decision = self.admit_found(&mut traits, findings, key, now, store);
        decision.campaign = campaign;
        self.observe(known, &mut traits, &mut decision, now);
        decision
    }

    /// Decides about a request of which the checks have found this: by their word, or else by the quotas.
    fn admit_found<S: Store>(
        &self,
        traits: &mut Traits<'_>,
        findings: Findings,
        key: Key,
        now: Now,
        store: &S,
    ) -> Decision {
        if findings.refuse() {
            return refused_by(findings, key);
        }
        let mut plan = Plan::default();
        let active = |quota: &Quota| findings.activate(quota);
        plan.fill(&self.policy, traits, store.pages(), &active);
        match self.charge(&mut plan, findings.would_refuse(), now, store) {
            Ok(outcome) => self.conclude(key, &plan, &outcome, findings, now),
            Err(_) => self.without_store(key),
        }
    }

    /// Whether a rule that is enforced needs to see the body of this request, so that it is refused if that is too long to be
    /// read.
    #[must_use]
    pub fn needs_body_of<S: Store>(&self, exchange: &Exchange<'_>, now: Now, store: &S) -> bool {
        self.needs(exchange, &Findings::default())
            || self.needs(exchange, &self.found(exchange, now, store))
    }

    /// What checks find that are enforced, or would be, for quotas that are only of those; only looks.
    fn found<S: Store>(&self, exchange: &Exchange<'_>, now: Now, store: &S) -> Findings {
        let Ok(key) = identity::identify(exchange, &self.policy, self.secret) else {
            return Findings::default();
        };
        let mut traits = Traits::new(exchange, &self.policy, self.secret, key);
        let known = |check: &Check| !check.shadow || self.policy.shadow;
        let findings = self.check(&mut traits, &known, Care::Glance, now, store);
        findings.unwrap_or_default()
    }

    fn needs(&self, exchange: &Exchange<'_>, findings: &Findings) -> bool {
        let quota = |quota: &Quota| quota.reads_body() && !quota.shadow && findings.activate(quota);
        let check = |check: &Check| check.reads_model && !check.shadow;
        self.policy.may_check(exchange, check) || self.policy.may_cover(exchange, quota)
    }

    /// The decision about a body that turned out to be longer than the policy lets a rule read.
    #[must_use]
    pub const fn too_large(&self) -> Decision {
        Decision::deny(Reason::BodyTooLarge, self.policy.shadow)
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
}

/// The decision about a request that checks refuse.
fn refused_by(findings: Findings, key: Key) -> Decision {
    let mut decision = Decision::allow(Reason::None);
    decision.key = Some(key);
    findings.conclude(&mut decision);
    decision
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
