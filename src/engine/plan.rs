//! Which counters a request falls under, and on which pages they lie.

use core::hash::Hasher;
use core::ops::Range;

use smallvec::SmallVec;

use crate::exchange::{Exchange, Foreseen, Model};
use crate::identity::{self, Key, Secret};
use crate::policy::price::Rates;
use crate::policy::{Count, Fact, Limit, Policy, Quota, Subject, Trait};
use crate::quota::{Charge, Few, Standing};
use crate::usage::Usage;
use crate::window::Scale;

/// All charges of a request, page by page.
#[derive(Default)]
pub(super) struct Plan {
    /// The charges, those of a page side by side.
    pub(super) charges: Few<Charge>,
    /// The pages: mostly one, seldom more than two.
    pub(super) visits: SmallVec<[Visit; 2]>,
    /// What the model's tokens cost, if a quota counts that.
    pub(super) rates: Option<Rates>,
}

/// The charges of one subject, which share a page.
#[derive(Debug, Clone)]
pub(super) struct Visit {
    pub(super) page: u32,
    /// The places of its charges in the plan.
    pub(super) charges: Range<usize>,
}

impl Plan {
    /// Plans the charges of every `wanted` quota that covers the request.
    pub(super) fn fill(
        &mut self,
        policy: &Policy,
        secret: Secret,
        exchange: &Exchange<'_>,
        key: Key,
        pages: u32,
        wanted: impl Fn(&Quota) -> bool,
    ) {
        let mut facts = Facts {
            exchange,
            policy,
            known: Vec::new(),
        };
        for (index, subject) in policy.subjects.iter().enumerate() {
            let first = self.charges.len();
            let mut found = None;
            for (place, quota) in policy.quotas.iter().enumerate() {
                if quota.subject != index || !wanted(quota) || !quota.covers(exchange) {
                    continue;
                }
                let hash =
                    *found.get_or_insert_with(|| hash(secret, subject, exchange, key, &mut facts));
                let (limit, scale) = facts.limit(quota);
                let rates = if quota.count == Count::Cost {
                    let rates = || policy.rates_of(exchange.model);
                    self.rates.get_or_insert_with(rates).at_most()
                } else {
                    Rates::default()
                };
                self.charges.push(Charge {
                    quota: place,
                    tag: (hash << 32) | (mix(hash ^ quota.id) >> 32),
                    newcomers: quota.newcomers,
                    scale,
                    limit,
                    units: units(quota, limit, exchange.foreseen, &rates),
                    shadow: quota.shadow,
                    standing: Standing::default(),
                });
            }
            if let Some(hash) = found {
                let page = ((hash >> 32).saturating_mul(u64::from(pages)) >> 32) as u32;
                self.visits.push(Visit {
                    page,
                    charges: first..self.charges.len(),
                });
            }
        }
    }

    /// The charges of a visit.
    pub(super) fn charges(&self, visit: &Visit) -> &[Charge] {
        self.charges.get(visit.charges.clone()).unwrap_or_default()
    }

    /// The charges of a visit, to be decided.
    pub(super) fn charges_mut(&mut self, visit: &Visit) -> &mut [Charge] {
        self.charges
            .get_mut(visit.charges.clone())
            .unwrap_or_default()
    }
}

/// What a quota is charged for a request before it is answered, in its counter's units, rounded up.
///
/// A metered one is charged half its limit at most, so that no single request takes all of it, or could never be admitted.
fn units(quota: &Quota, limit: u32, foreseen: Foreseen, rates: &Rates) -> u32 {
    let usage = Usage {
        input: foreseen.input,
        output: foreseen.output,
        ..Usage::default()
    };
    match quota.units(&usage, rates) {
        Some(units) => units.min(limit.div_ceil(2)),
        None => 1,
    }
}

/// Keyed hash of a request's traits. A trait that is absent is a value like any other, and no trait's value runs into
/// the next one's.
fn hash(
    secret: Secret,
    subject: &Subject,
    exchange: &Exchange<'_>,
    key: Key,
    facts: &mut Facts<'_>,
) -> u64 {
    if subject.traits.as_slice() == [Trait::Key] {
        // The commonest subject, and a keyed hash already.
        return mix(key.0 ^ subject.id);
    }
    let mut hasher = secret.hasher();
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
            // One that is there twice may be half a client's: it is as good as none.
            Fact::Header(name) => {
                let mut values = self.exchange.values(name);
                values
                    .next()
                    .filter(|_| values.next().is_none())
                    .map(<[u8]>::to_vec)
            }
            Fact::Property(path) => self.exchange.attributes.property(path),
        };
        self.known
            .get_mut(place)?
            .get_or_insert_with(read)
            .as_deref()
    }

    fn limit(&mut self, quota: &Quota) -> (u32, Scale) {
        match &quota.limit {
            Limit::Fixed(limit, scale) => (*limit, *scale),
            Limit::ByFact {
                fact,
                values,
                otherwise,
            } => {
                let value = self.get(*fact);
                let place = value.and_then(|value| {
                    values
                        .binary_search_by(|(other, _)| other.as_slice().cmp(value))
                        .ok()
                });
                let limit = place
                    .and_then(|place| values.get(place))
                    .map_or(*otherwise, |&(_, limit)| limit);
                (limit, quota.scale(limit))
            }
        }
    }
}

/// Spreads a hash that is secret already: the finisher of MurmurHash3. A tag is half the subject's hash, whose other
/// half has chosen the page, and half this.
const fn mix(hash: u64) -> u64 {
    let hash = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    let hash = (hash ^ (hash >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    hash ^ (hash >> 33)
}
