//! From what the rules said to one decision.

use super::Engine;
use super::decision::{Decision, Intent, Lease, QuotaState};
use super::findings::Findings;
use super::pages::Outcome;
use super::plan::Plan;
use super::settle::Pledge;
use crate::exchange::{Millis, Now};
use crate::identity::Key;
use crate::policy::{After, Quota, Rule};
use crate::quota::Charge;
use crate::verdict::{Reason, Verdict};

/// How long a client is told to wait for a request in flight to end: nobody knows when it will.
pub(super) const IN_FLIGHT_WAIT: Millis = 1_000;

impl Engine {
    /// Sums up what the pages said.
    pub(super) fn conclude(
        &self,
        key: Key,
        plan: &Plan,
        outcome: &Outcome,
        findings: Findings,
        now: Now,
    ) -> Decision {
        let mut decision = Decision::allow(Reason::None);
        decision.key = Some(key);
        decision.effort = outcome.effort;
        decision.quotas.reserve_exact(plan.charges.len());
        let mut shadow_retry = None;
        let mut refused = None;
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
                let budget = self.budget(quota);
                if charge.shadow {
                    if !standing.fits && shadow_retry.is_none_or(|other| retry > other) {
                        shadow_retry = Some(retry);
                        decision.shadow = Some(refusal(budget, charge.quota));
                    }
                    continue;
                }
                if !standing.fits && decision.retry_at.is_none_or(|other| retry > other) {
                    refused = Some(refusal(budget, charge.quota));
                    decision.retry_at = Some(retry);
                }
                // Nobody is told what is left to a campaign.
                if budget.is_some() {
                    continue;
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
        if let Some(intent) = refused.filter(|_| outcome.refused) {
            (decision.verdict, decision.reason) = (intent.verdict, intent.reason);
            decision.rule = intent.rule;
            decision.shadow = None;
        }
        findings.conclude(&mut decision);
        decision
    }

    /// What follows where the budget of a campaign is used up, if this is one.
    fn budget(&self, quota: &Quota) -> Option<Verdict> {
        let Some(After::Step(step)) = quota.after else {
            return None;
        };
        let steps = &self.policy.campaigns.as_ref()?.steps;
        steps.get(step).map(|step| step.then)
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
        } else if charge.standing.fresh && self.policy.is_of_key(quota) {
            reservation.newcomer.push(lease);
        }
    }
}

/// What a quota does that a request does not fit under.
const fn refusal(budget: Option<Verdict>, quota: usize) -> Intent {
    match budget {
        Some(verdict) => Intent {
            verdict,
            reason: Reason::Campaign,
            rule: Some(Rule::Campaign),
        },
        None => Intent {
            verdict: Verdict::Throttle,
            reason: Reason::Quota,
            rule: Some(Rule::Quota(quota)),
        },
    }
}
