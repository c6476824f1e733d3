//! The order of things: whose a request is, which quotas it falls under, what they say, and what is given back.

use core::hash::Hasher;

use smallvec::SmallVec;

use crate::dialect::Dialect;
use crate::exchange::{Exchange, Millis, Model, Now};
use crate::identity::{self, Key, Secret, Unknown};
use crate::policy::{Fact, Limit, Policy, Quota, Subject, Trait};
use crate::quota::window::Scale;
use crate::quota::{self, Admission, Charge, Few, Standing};
use crate::store::{Change, Store, StoreError};
use crate::verdict::{Reason, Verdict};

/// How long a client is told to wait for a request in flight to end: nobody knows when it will.
const IN_FLIGHT_WAIT: Millis = 1_000;

/// A policy at work. Holds no state: counters are the store's, time is an argument.
#[derive(Debug, Clone)]
pub struct Engine {
    policy: Policy,
    secret: Secret,
}

/// What was decided about a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// What is done with it.
    pub verdict: Verdict,
    /// Why.
    pub reason: Reason,
    /// The quota that refused, by its place in the policy.
    pub rule: Option<usize>,
    /// Who asked, if that is known.
    pub key: Option<Key>,
    /// What rules in shadow would have done, if that is more than was done.
    pub shadow: Option<Intent>,
    /// How every enforced quota that covers the request stands now, in the order of the policy.
    pub quotas: Few<QuotaState>,
    /// When the request would be admitted, if a quota refused it.
    pub retry_at: Option<Millis>,
    /// Slots in flight that are to be released when the request ends.
    pub leases: Vec<Lease>,
    /// What the store was put to.
    pub effort: Effort,
}

/// What a rule in shadow would have done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Intent {
    /// What.
    pub verdict: Verdict,
    /// Why.
    pub reason: Reason,
    /// The quota, by its place in the policy.
    pub rule: Option<usize>,
}

/// How one quota stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuotaState {
    /// Its place in the policy.
    pub quota: usize,
    /// The limit that held for this request.
    pub limit: u32,
    /// How its counter stands.
    pub standing: Standing,
}

/// A slot in flight. It runs out by itself unless it is renewed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lease {
    page: u32,
    tag: u64,
    scale: Scale,
    filed: Millis,
}

impl Lease {
    /// After how many milliseconds it runs out unless it is renewed.
    #[must_use]
    pub const fn length(&self) -> Millis {
        self.scale.length()
    }
}

/// What a decision cost the store, for metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Effort {
    /// Replenished counters that made room for new ones.
    pub evicted: u32,
    /// Whether the request was counted among the newcomers to a full page.
    pub shared: bool,
}

/// What the headers of a request settle before its body is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Screening {
    /// Nothing in the body matters: [`Engine::admit`] may be asked at once, with this model.
    Ready(Option<Vec<u8>>),
    /// The body names the model, and a rule wants to know it.
    ReadBody,
    /// The body matters and cannot be read: [`Engine::admit`] may be asked with [`Model::Unreadable`].
    Unreadable,
    /// Refused, whatever the body says.
    Refuse(Box<Decision>),
}

/// The charges of one subject, which share a page.
struct Visit {
    page: u32,
    charges: Few<Charge>,
}

/// What a request asks of the store: mostly one page, seldom more than two.
type Visits = SmallVec<[Visit; 2]>;
type Admissions = SmallVec<[Admission; 2]>;

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
        let path = exchange.path;
        let dialect = Dialect::of(path, exchange.values(b"anthropic-version").next().is_some());
        if let Some(model) = dialect.model_in_path(path) {
            return Screening::Ready(Some(model.to_vec()));
        }
        if !self.policy.reads_body() || !has_body || dialect == Dialect::Other {
            return Screening::Ready(None);
        }
        if let Some(decision) = self.refused_by_headers(exchange, now, store) {
            return Screening::Refuse(Box::new(decision));
        }
        let encoded = exchange
            .values(b"content-encoding")
            .any(|value| !value.eq_ignore_ascii_case(b"identity"));
        if encoded {
            Screening::Unreadable
        } else {
            Screening::ReadBody
        }
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
        let key = match identity::identify(exchange, &self.policy, self.secret) {
            Ok(key) => key,
            Err(unknown) => return Some(self.turn_away(unknown)),
        };
        let length = exchange
            .values(b"content-length")
            .next()
            .and_then(|text| core::str::from_utf8(text).ok()?.parse().ok());
        if self.policy.enforces_by_body()
            && length.is_some_and(|length: u64| length > self.policy.body)
        {
            return Some(self.too_large());
        }
        let exchange = Exchange {
            model: Model::Absent,
            ..*exchange
        };
        let early = |quota: &Quota| !quota.shadow && !self.policy.reads_model(quota);
        let visits = self.visits(&exchange, key, store.pages(), early);
        let admissions = self.peek_all(&visits, now, store).ok()?;
        let refused = admissions.iter().any(|admission| admission.refused);
        refused.then(|| self.conclude(key, &visits, &admissions, now))
    }

    /// Decides: all quotas are looked at, then all are charged, or none.
    pub fn admit<S: Store>(&self, exchange: &Exchange<'_>, now: Now, store: &S) -> Decision {
        let key = match identity::identify(exchange, &self.policy, self.secret) {
            Ok(key) => key,
            Err(unknown) => return self.turn_away(unknown),
        };
        let visits = self.visits(exchange, key, store.pages(), |_| true);
        match self.charge_all(&visits, now, store) {
            Ok(admissions) => self.conclude(key, &visits, &admissions, now),
            Err(_) => self.without_store(key),
        }
    }

    /// The decision about a body that turned out to be longer than the policy lets a rule read.
    #[must_use]
    pub fn too_large(&self) -> Decision {
        self.refusal(Verdict::Deny, Reason::BodyTooLarge)
    }

    /// Gives slots in flight back. Answers what it could not give back, which runs out by itself.
    ///
    /// # Errors
    /// The store's, if any page could not be reached.
    pub fn release<S: Store>(
        &self,
        leases: &[Lease],
        now: Now,
        store: &S,
    ) -> Result<(), StoreError> {
        leases
            .iter()
            .try_for_each(|lease| give_back(store, lease, 1, now))
    }

    /// Makes slots in flight last for another lease from now.
    ///
    /// # Errors
    /// The store's; then the lease is as it was.
    pub fn renew<S: Store>(
        &self,
        leases: &mut [Lease],
        now: Now,
        store: &S,
    ) -> Result<(), StoreError> {
        for lease in leases {
            lease.filed = store.update(lease.page, |page| {
                quota::renew(page, lease.tag, lease.scale, lease.filed, now.steady)
            })?;
        }
        Ok(())
    }

    fn turn_away(&self, unknown: Unknown) -> Decision {
        self.refusal(
            Verdict::Deny,
            match unknown {
                Unknown::Missing => Reason::MissingCredential,
                Unknown::Ambiguous => Reason::AmbiguousCredential,
            },
        )
    }

    fn without_store(&self, key: Key) -> Decision {
        let passed = Decision {
            key: Some(key),
            ..allowed(Reason::Store)
        };
        if self.policy.allow_on_error {
            return passed;
        }
        Decision {
            key: Some(key),
            ..self.refusal(Verdict::Deny, Reason::Store)
        }
    }

    /// A refusal, or under a policy in shadow a note of one.
    fn refusal(&self, verdict: Verdict, reason: Reason) -> Decision {
        if self.policy.shadow {
            let intent = Intent {
                verdict,
                reason,
                rule: None,
            };
            return Decision {
                shadow: Some(intent),
                ..allowed(Reason::None)
            };
        }
        Decision {
            verdict,
            reason,
            ..allowed(Reason::None)
        }
    }

    /// One visit for every subject that a wanted quota covers this request for.
    fn visits(
        &self,
        exchange: &Exchange<'_>,
        key: Key,
        pages: u32,
        wanted: impl Fn(&Quota) -> bool,
    ) -> Visits {
        let mut visits = Visits::new();
        let mut facts = Facts {
            exchange,
            policy: &self.policy,
            known: Vec::new(),
        };
        for (index, subject) in self.policy.subjects.iter().enumerate() {
            let mut visit: Option<(Visit, u64)> = None;
            for (place, quota) in self.policy.quotas.iter().enumerate() {
                if quota.subject != index || !wanted(quota) || !quota.covers(exchange) {
                    continue;
                }
                let (visit, hash) = visit.get_or_insert_with(|| {
                    let hash = self.subject(subject, exchange, key, &mut facts);
                    let page = ((hash >> 32).saturating_mul(u64::from(pages)) >> 32) as u32;
                    (
                        Visit {
                            page,
                            charges: Few::new(),
                        },
                        hash,
                    )
                });
                let (limit, scale) = match &quota.limit {
                    Limit::Fixed(limit, scale) => (*limit, *scale),
                    Limit::ByFact {
                        fact,
                        values,
                        otherwise,
                    } => {
                        let limit = by_value(values, *otherwise, facts.get(*fact));
                        (limit, Scale::new(quota.length, limit))
                    }
                };
                visit.charges.push(Charge {
                    quota: place,
                    tag: mix(*hash ^ quota.id),
                    newcomers: quota.newcomers,
                    scale,
                    limit,
                    units: 1,
                    shadow: quota.shadow,
                });
            }
            visits.extend(visit.map(|(visit, _)| visit));
        }
        visits
    }

    /// Keyed hash of a request's traits. A trait that is absent is a value like any other, and no trait's value runs
    /// into the next one's.
    fn subject(
        &self,
        subject: &Subject,
        exchange: &Exchange<'_>,
        key: Key,
        facts: &mut Facts<'_>,
    ) -> u64 {
        let mut hasher = self.secret.hasher();
        hasher.write_u64(subject.id);
        let mut write = |value: Option<&[u8]>| {
            hasher.write_u64(value.map_or(u64::MAX, |value| value.len() as u64));
            hasher.write(value.unwrap_or_default());
        };
        for part in &subject.traits {
            match part {
                Trait::Key => write(Some(&key.0.to_le_bytes())),
                Trait::Network => write(Some(&identity::network(exchange.attributes.source()))),
                Trait::Path => write(Some(exchange.path)),
                Trait::Method => write(Some(exchange.method)),
                Trait::Model => match exchange.model {
                    Model::Named(name) => write(Some(name)),
                    Model::Absent => write(None),
                    Model::Unreadable => write(Some(b"\0unreadable")),
                },
                Trait::Fact(place) => write(facts.get(*place)),
            }
        }
        hasher.finish()
    }

    fn peek_all<S: Store>(
        &self,
        visits: &[Visit],
        now: Now,
        store: &S,
    ) -> Result<Admissions, StoreError> {
        let peek = |visit: &Visit| {
            store.update(visit.page, |page| {
                (
                    quota::peek(page, &visit.charges, &self.policy.newcomers, now.steady),
                    Change::Keep,
                )
            })
        };
        visits.iter().map(peek).collect()
    }

    /// Charges every visit, or none. With several pages all are looked at first, so that a refusal writes nothing;
    /// where another thread is faster between the look and the charge, what was charged is given back.
    fn charge_all<S: Store>(
        &self,
        visits: &[Visit],
        now: Now,
        store: &S,
    ) -> Result<Admissions, StoreError> {
        let mut shadow_refused = false;
        if visits.len() > 1 {
            let looks = self.peek_all(visits, now, store)?;
            if looks.iter().any(|admission| admission.refused) {
                return Ok(looks);
            }
            shadow_refused = looks.iter().any(|admission| admission.shadow_refused);
        }
        let mut admissions = Admissions::new();
        for visit in visits {
            let admission = store.update(visit.page, |page| {
                quota::admit(
                    page,
                    &visit.charges,
                    &self.policy.newcomers,
                    shadow_refused,
                    now.steady,
                )
            });
            match admission {
                Ok(admission) if !admission.refused => admissions.push(admission),
                failed => {
                    self.take_back(visits, &admissions, now, store);
                    let refusal = failed?;
                    admissions.push(refusal);
                    return Ok(admissions);
                }
            }
        }
        Ok(admissions)
    }

    /// Gives back what a request was charged that in the end was refused.
    fn take_back<S: Store>(&self, visits: &[Visit], admissions: &[Admission], now: Now, store: &S) {
        for (visit, admission) in visits.iter().zip(admissions) {
            for (charge, standing) in visit.charges.iter().zip(&admission.standings) {
                if let Some(lease) = lease(visit.page, charge, standing) {
                    // If the page is out of reach the charge stays until its window has passed: never over.
                    let _ = give_back(store, &lease, charge.units, now);
                }
            }
        }
    }

    /// Sums up what the pages said.
    fn conclude(&self, key: Key, visits: &[Visit], admissions: &[Admission], now: Now) -> Decision {
        let mut decision = Decision {
            key: Some(key),
            ..allowed(Reason::None)
        };
        let mut shadow_retry = None;
        decision.quotas.reserve(self.policy.quotas.len());
        for (visit, admission) in visits.iter().zip(admissions) {
            decision.effort.evicted = decision.effort.evicted.saturating_add(admission.evicted);
            decision.effort.shared |= admission.shared;
            for (charge, standing) in visit.charges.iter().zip(&admission.standings) {
                let place = charge.quota;
                let concurrent = self
                    .policy
                    .quotas
                    .get(place)
                    .is_some_and(|quota| quota.concurrent);
                let retry = if concurrent {
                    now.steady.saturating_add(IN_FLIGHT_WAIT)
                } else {
                    standing.frees
                };
                let state = QuotaState {
                    quota: place,
                    limit: charge.limit,
                    standing: *standing,
                };
                if concurrent {
                    decision.leases.extend(lease(visit.page, charge, standing));
                }
                if charge.shadow {
                    if !standing.fits && shadow_retry.is_none_or(|other| retry > other) {
                        shadow_retry = Some(retry);
                        decision.shadow = Some(Intent {
                            verdict: Verdict::Throttle,
                            reason: Reason::Quota,
                            rule: Some(place),
                        });
                    }
                    continue;
                }
                if !standing.fits && decision.retry_at.is_none_or(|other| retry > other) {
                    decision.retry_at = Some(retry);
                    decision.rule = Some(place);
                }
                // In the order of the policy, which subjects may have mixed up.
                let after = decision.quotas.iter().position(|other| other.quota > place);
                decision
                    .quotas
                    .insert(after.unwrap_or(decision.quotas.len()), state);
            }
        }
        if decision.rule.is_some() {
            (decision.verdict, decision.reason) = (Verdict::Throttle, Reason::Quota);
            decision.shadow = None;
            decision.leases.clear();
        }
        decision
    }
}

/// Facts about the account, each read from the host at most once a request.
struct Facts<'e> {
    exchange: &'e Exchange<'e>,
    policy: &'e Policy,
    known: Vec<Option<Option<Vec<u8>>>>,
}

impl Facts<'_> {
    fn get(&mut self, place: usize) -> Option<&[u8]> {
        self.known.resize(self.policy.facts.len(), None);
        let read = || match self.policy.facts.get(place)? {
            Fact::Header(name) => self.exchange.values(name).next().map(<[u8]>::to_vec),
            Fact::Property(path) => self.exchange.attributes.property(path),
        };
        self.known
            .get_mut(place)?
            .get_or_insert_with(read)
            .as_deref()
    }
}

fn allowed(reason: Reason) -> Decision {
    Decision {
        verdict: Verdict::Allow,
        reason,
        rule: None,
        key: None,
        shadow: None,
        quotas: Few::new(),
        retry_at: None,
        leases: Vec::new(),
        effort: Effort::default(),
    }
}

fn lease(page: u32, charge: &Charge, standing: &Standing) -> Option<Lease> {
    let filed = standing.filed?;
    Some(Lease {
        page,
        tag: standing.tag,
        scale: charge.scale,
        filed,
    })
}

fn give_back<S: Store>(store: &S, lease: &Lease, units: u32, now: Now) -> Result<(), StoreError> {
    store.update(lease.page, |page| {
        let change = quota::refund(page, lease.tag, lease.scale, units, lease.filed, now.steady);
        ((), change)
    })
}

fn by_value(values: &[(Vec<u8>, u32)], otherwise: u32, value: Option<&[u8]>) -> u32 {
    let place = value.and_then(|value| {
        values
            .binary_search_by(|(other, _)| other.as_slice().cmp(value))
            .ok()
    });
    place
        .and_then(|place| values.get(place))
        .map_or(otherwise, |&(_, limit)| limit)
}

/// Spreads a hash that is secret already: the finisher of MurmurHash3.
fn mix(hash: u64) -> u64 {
    let hash = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    let hash = (hash ^ (hash >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    hash ^ (hash >> 33)
}
