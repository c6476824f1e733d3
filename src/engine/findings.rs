//! What the checks found about a request, and what follows from all of it together.

use smallvec::SmallVec;

use super::checks::{Pending, Sighting};
use super::decision::{Decision, Finding, Intent};
use crate::policy::check::{Check, Test};
use crate::policy::{Quota, Rule, Trait};
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
    /// What the checks that found something had looked at.
    pub(super) traits: Vec<(Trait, String)>,
}

/// The strictest of several checks.
#[derive(Clone, Copy)]
struct Loudest {
    verdict: Verdict,
    reason: Reason,
    check: usize,
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
        quota
            .after
            .is_none_or(|check| self.found.iter().any(|finding| finding.check == check))
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
        let loudest = if check.shadow {
            &mut self.noted
        } else {
            &mut self.enforced
        };
        if loudest.is_none_or(|other| check.then > other.verdict) {
            *loudest = Some(Loudest {
                verdict: check.then,
                reason,
                check: place,
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
            decision.rule = Some(Rule::Check(loudest.check));
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
                    rule: Some(Rule::Check(loudest.check)),
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
