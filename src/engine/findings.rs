//! What the checks found about a request, and what follows from all of it together.

use smallvec::SmallVec;

use super::checks::{Pending, Sighting};
use super::decision::{Decision, Finding, Intent};
use crate::policy::campaigns::Step;
use crate::policy::check::{Check, Test};
use crate::policy::{After, Quota, Rule, Trait};
use crate::verdict::{Reason, Verdict};

/// What all checks of a request came to.
#[derive(Default)]
pub(super) struct Findings {
    /// What was found, in the order of the policy.
    pub(super) found: SmallVec<[Finding; 4]>,
    /// Values that were not counted yet. They are, once the origin has served the request.
    unseen: Vec<Sighting>,
    /// The same for checks in shadow, which count what enforcement would have them see.
    noted_unseen: Vec<Sighting>,
    /// The strictest that is enforced.
    enforced: Option<Loudest>,
    /// The strictest that is only noted.
    noted: Option<Loudest>,
    /// The steps that a campaign has come to and that have budgets, as bits.
    steps: u32,
    /// What the checks that found something had looked at.
    pub(super) traits: Vec<(Trait, String)>,
}

/// The strictest of several checks.
#[derive(Clone, Copy)]
struct Loudest {
    verdict: Verdict,
    reason: Reason,
    rule: Rule,
}

impl Findings {
    /// What the checks alone would have done with the request.
    pub(super) fn verdict(&self) -> Verdict {
        self.enforced
            .map_or(Verdict::Allow, |loudest| loudest.verdict)
    }

    /// The same if what is only noted were enforced.
    pub(super) fn noted_verdict(&self) -> Verdict {
        let noted = self.noted.map_or(Verdict::Allow, |loudest| loudest.verdict);
        noted.max(self.verdict())
    }

    /// Whether a quota holds for this request, as far as that depends on checks.
    pub(super) fn activate(&self, quota: &Quota) -> bool {
        match quota.after {
            None => true,
            Some(After::Check(check)) => self.found.iter().any(|finding| finding.check == check),
            Some(After::Step(step)) => self.steps & bit(step) != 0,
        }
    }

    /// Whether the request is refused, whatever its quotas say.
    pub(super) fn refuse(&self) -> bool {
        !effect(self.verdict()).passes()
    }

    /// Whether it would be refused if what is only noted were enforced. Then rules in shadow count it no more than they would.
    pub(super) fn would_refuse(&self) -> bool {
        !effect(self.noted_verdict()).passes()
    }

    pub(super) fn count(&mut self, check: &Check, pending: &Pending) {
        let (Some(sight), Test::Distinct(distinct)) = (&pending.sight, &check.test) else {
            return;
        };
        if sight.news {
            let unseen = if check.shadow {
                &mut self.noted_unseen
            } else {
                &mut self.unseen
            };
            unseen.push(pending.sighting);
        }
        if sight.count > distinct.limit {
            let count = Some((sight.count, sight.exact));
            self.note(pending.place, check, Reason::Distinct, count);
        }
    }

    pub(super) fn note(
        &mut self,
        place: usize,
        check: &Check,
        reason: Reason,
        count: Option<(u32, bool)>,
    ) {
        let after = self.found.partition_point(|finding| finding.check < place);
        let finding = Finding {
            check: place,
            count,
        };
        self.found.insert(after, finding);
        self.raise(check.then, reason, Rule::Check(place), check.shadow);
    }

    /// A campaign has come to this step.
    pub(super) fn campaign(&mut self, place: usize, step: &Step, shadow: bool) {
        if step.budget.is_some() {
            self.steps |= bit(place);
        } else {
            self.raise(step.then, Reason::Campaign, Rule::Campaign, shadow);
        }
    }

    fn raise(&mut self, verdict: Verdict, reason: Reason, rule: Rule, shadow: bool) {
        let loudest = if shadow {
            &mut self.noted
        } else {
            &mut self.enforced
        };
        if loudest.is_none_or(|other| verdict > other.verdict) {
            *loudest = Some(Loudest {
                verdict,
                reason,
                rule,
            });
        }
    }

    /// Writes what was found into a decision about which the quotas have spoken, or need not speak.
    pub(super) fn conclude(self, decision: &mut Decision) {
        if let Some(loudest) = self.enforced
            && effect(loudest.verdict) > decision.verdict
        {
            decision.verdict = effect(loudest.verdict);
            decision.reason = loudest.reason;
            decision.rule = Some(loudest.rule);
        }
        if let Some(loudest) = self.noted {
            let verdict = effect(loudest.verdict);
            let louder = decision
                .shadow
                .map_or(decision.verdict, |intent| intent.verdict);
            if verdict > louder.max(decision.verdict) {
                decision.shadow = Some(Intent {
                    verdict,
                    reason: loudest.reason,
                    rule: Some(loudest.rule),
                });
            }
        }
        if decision.verdict.passes() {
            decision.reservation.unseen = self.unseen;
            if decision.shadow.is_none_or(|intent| intent.verdict.passes()) {
                decision.reservation.unseen.extend(self.noted_unseen);
            }
        }
        decision.findings = self.found.into_vec();
        decision.traits = self.traits;
    }
}

/// What an action does by itself: a tighter quota is a quota's business, and what fits under it passes, marked.
const fn effect(then: Verdict) -> Verdict {
    match then {
        Verdict::Throttle => Verdict::Tag,
        other => other,
    }
}

/// A step as a bit; there are at most 8.
const fn bit(step: usize) -> u32 {
    1_u32.wrapping_shl(step as u32)
}
