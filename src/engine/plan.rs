//! Which counters a request falls under, and on which pages they lie.

use core::ops::Range;

use smallvec::SmallVec;

use crate::exchange::Foreseen;
use crate::policy::price::Rates;
use crate::policy::{Count, Limit, Policy, Quota};
use crate::quota::{Charge, Few, Standing};
use crate::traits::{Traits, mix};
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
        traits: &mut Traits<'_>,
        pages: u32,
        wanted: &dyn Fn(&Quota) -> bool,
    ) {
        let exchange = traits.exchange();
        for (index, subject) in policy.subjects.iter().enumerate() {
            let first = self.charges.len();
            let mut found = None;
            for (place, quota) in policy.quotas.iter().enumerate() {
                if quota.subject != index
                    || !wanted(quota)
                    || !quota.scope.covers(exchange)
                    || traits.excepted(&quota.scope.except)
                {
                    continue;
                }
                let hash = *found.get_or_insert_with(|| traits.hash(subject).0);
                let (limit, scale) = limit(quota, traits);
                let rates = if quota.count == Count::Cost {
                    let rates = || policy.rates_of(exchange.model);
                    self.rates.get_or_insert_with(rates).at_most()
                } else {
                    Rates::default()
                };
                self.charges.push(Charge {
                    quota: place,
                    tag: tag(hash, quota.id),
                    newcomers: quota.newcomers,
                    scale,
                    limit,
                    units: units(quota, limit, exchange.foreseen, &rates),
                    shadow: quota.shadow,
                    standing: Standing::default(),
                });
            }
            if let Some(hash) = found {
                self.visits.push(Visit {
                    page: page(hash, pages),
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

/// The limit of a quota for this request, and the scale of its window.
fn limit(quota: &Quota, traits: &mut Traits<'_>) -> (u32, Scale) {
    match &quota.limit {
        Limit::Fixed(limit, scale) => (*limit, *scale),
        Limit::ByFact {
            fact,
            values,
            otherwise,
        } => {
            let value = traits.fact(*fact);
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

/// The page on which a subject's counters lie.
pub(super) const fn page(subject: u64, pages: u32) -> u32 {
    ((subject >> 32).saturating_mul(pages as u64) >> 32) as u32
}

/// The tag of one rule's counter for a subject: half the subject's hash, whose other half has chosen the page.
pub(super) const fn tag(subject: u64, rule: u64) -> u64 {
    (subject << 32) | (mix(subject ^ rule) >> 32)
}
