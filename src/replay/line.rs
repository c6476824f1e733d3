//! What was decided about one request, as a line for programs: always the same bytes for the same decision.

use crate::distinct::ERROR;
use crate::engine::{Decision, Finding, Intent, QuotaState};
use crate::exchange::Millis;
use crate::json::Object;
use crate::policy::check::Test;
use crate::policy::{Count, Policy, Rule, campaigns};
use crate::verdict::{Reason, Verdict};

/// What the line of a plain admission takes beside its name, in bytes.
const PLAIN: usize = 96;

/// Writes a decision as compact JSON, without the end of its line.
#[must_use]
pub fn line(id: &str, t: Millis, decision: &Decision, policy: &Policy) -> String {
    let mut line = Object::with_room(PLAIN.saturating_add(id.len()))
        .text("id", id)
        .number("t", t)
        .text("verdict", decision.verdict.label())
        .list_of("reasons", reasons(decision, policy));
    if let Some(found) = decision.campaign {
        line = line.text("campaign", &campaigns::name(found.campaign));
    }
    line.list_of("shadow", shadow(decision, policy)).finish()
}

/// What an enforced rule said that led to the verdict.
fn reasons(decision: &Decision, policy: &Policy) -> Vec<Object> {
    let mut reasons = Vec::new();
    if decision.verdict == Verdict::Allow {
        return reasons;
    }
    match decision.reason {
        Reason::None | Reason::List | Reason::Contradiction | Reason::Distinct => {}
        Reason::Quota => {
            let full = decision.quotas.iter().filter(|it| !it.standing.fits);
            reasons.extend(full.filter_map(|state| quota(state, policy)));
        }
        Reason::Campaign => reasons.push(campaign(decision)),
        reason => reasons.push(Object::default().text("kind", reason.label())),
    }
    let found = decision.findings.iter();
    reasons.extend(found.filter_map(|finding| check(finding, policy, false)));
    reasons
}

/// What rules in shadow would have done.
fn shadow(decision: &Decision, policy: &Policy) -> Vec<Object> {
    let found = decision.findings.iter();
    let mut shadow: Vec<Object> = found
        .filter_map(|finding| check(finding, policy, true))
        .collect();
    // Checks have spoken for themselves.
    let Some(intent) = decision.shadow.filter(|intent| !is_check(intent)) else {
        return shadow;
    };
    let object = match (intent.rule, intent.reason) {
        (_, Reason::Campaign) => campaign(decision),
        (Some(rule), reason) => Object::default()
            .text("rule", policy.name_of(rule))
            .text("kind", reason.label()),
        (None, reason) => Object::default().text("kind", reason.label()),
    };
    shadow.push(object.text("verdict", intent.verdict.label()));
    shadow
}

const fn is_check(intent: &Intent) -> bool {
    matches!(intent.rule, Some(Rule::Check(_)))
}

fn campaign(decision: &Decision) -> Object {
    let object = Object::default()
        .text("rule", "campaign")
        .text("kind", "campaign");
    match decision.campaign {
        Some(found) => object.text("stage", found.stage.label()),
        None => object,
    }
}

/// A quota that the request does not fit under. What counts requests counts this one too.
fn quota(state: &QuotaState, policy: &Policy) -> Option<Object> {
    let quota = policy.quotas.get(state.quota)?;
    let own = u32::from(!quota.is_metered());
    let used = state.limit.saturating_sub(state.standing.remaining);
    let amount = |units: u32| u64::from(units).saturating_mul(quota.unit);
    let (limit, used) = (amount(state.limit), amount(used.saturating_add(own)));
    let object = Object::default()
        .text("rule", &quota.name)
        .text("kind", "quota");
    Some(if quota.count == Count::Cost {
        object.millionths("limit", limit).millionths("used", used)
    } else {
        object.number("limit", limit).number("used", used)
    })
}

/// What a check has found, if it is one that is enforced, or in shadow.
fn check(finding: &Finding, policy: &Policy, shadow: bool) -> Option<Object> {
    let check = policy.checks.get(finding.check)?;
    if check.shadow != shadow {
        return None;
    }
    let mut object = Object::default()
        .text("rule", &check.name)
        .text("kind", "check");
    if let (Some((count, exact)), Test::Distinct(distinct)) = (finding.count, &check.test) {
        object = object
            .number("limit", u64::from(distinct.limit))
            .number("used", u64::from(count));
        if !exact {
            object = object.text("error", ERROR);
        }
    }
    Some(if shadow {
        object.text("verdict", check.then.label())
    } else {
        object
    })
}
