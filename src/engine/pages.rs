//! Visits to the pages of a plan: to look at them, to charge them all or none, and to give back.

use super::Engine;
use super::decision::{Effort, Lease};
use super::plan::{Plan, Visit};
use crate::exchange::{Millis, Now};
use crate::quota::{self, Admission};
use crate::store::{Change, Page, Store, StoreError};

/// What the pages of a plan said together.
#[derive(Default)]
pub(super) struct Outcome {
    pub(super) refused: bool,
    pub(super) shadow_refused: bool,
    pub(super) effort: Effort,
}

impl Engine {
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

    /// Looks at every page as it is now.
    pub(super) fn peek<S: Store>(
        &self,
        plan: &mut Plan,
        now: Now,
        store: &S,
    ) -> Result<Outcome, StoreError> {
        self.look(plan, now, |page, look| {
            store.update(page, |page| (look(page), Change::Keep))
        })
    }

    /// Looks at every page as it was a moment ago.
    pub(super) fn glance<S: Store>(
        &self,
        plan: &mut Plan,
        now: Now,
        store: &S,
    ) -> Result<Outcome, StoreError> {
        self.look(plan, now, |page, look| {
            store.glance(page, now.steady, Millis::MAX, |page| look(page))
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
    pub(super) fn charge<S: Store>(
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
