//! Which counters a request falls under, and on which pages they lie.

use core::ops::Range;

use smallvec::SmallVec;

use crate::exchange::Foreseen;
use crate::policy::price::Rates;
use crate::policy::{Count, Policy, Quota};
use crate::quota::{Charge, Few, Standing};
use crate::traits::{Traits, mix};
use crate::usage::Usage;

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
                if quota.subject != index || !wanted(quota) || !traits.fit(&quota.scope) {
                    continue;
                }
                let hash = *found.get_or_insert_with(|| traits.hash(subject).0);
                let (limit, _) = traits.limit(quota);
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
                    scale: quota.scale_for(limit),
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

/// The page on which a subject's counters lie.
pub(super) const fn page(subject: u64, pages: u32) -> u32 {
    ((subject >> 32).saturating_mul(pages as u64) >> 32) as u32
}

/// The tag of one rule's counter for a subject: half the subject's hash, whose other half has chosen the page.
pub(super) const fn tag(subject: u64, rule: u64) -> u64 {
    (subject << 32) | (mix(subject ^ rule) >> 32)
}
