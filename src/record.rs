//! One line about a decision for the host's access log: what was decided and why, and nothing that leads back to a
//! credential.

use crate::campaign::Case;
use crate::distinct::ERROR;
use crate::engine::{Decision, Finding, Settlement};
use crate::exchange::Millis;
use crate::json::Object;
use crate::policy::check::Test;
use crate::policy::{Policy, Rule, campaigns};
use crate::verdict::Reason;

/// Whether a decision is recorded: a plain admission is only where the policy wants all.
#[must_use]
pub fn is_due(decision: &Decision, policy: &Policy) -> bool {
    decision.reason != Reason::None || decision.shadow.is_some() || policy.records_all
}

/// Writes the record as compact JSON; with its settlement, once there is one.
#[must_use]
pub fn write(decision: &Decision, policy: &Policy, settlement: Option<&Settlement>) -> String {
    let with_rule = |object: Object, rule: Option<Rule>| match rule {
        Some(rule) => object.text("rule", policy.name_of(rule)),
        None => object,
    };
    let mut record = Object::default()
        .text("verdict", decision.verdict.label())
        .text("reason", decision.reason.label());
    record = with_rule(record, decision.rule);
    if let Some(key) = decision.key {
        record = record.text("key", &key.to_string());
    }
    if let Some(found) = decision.campaign {
        record = record
            .text("campaign", &campaigns::name(found.campaign))
            .text("stage", found.stage.label());
    }
    if let Some(remaining) = remaining(decision, policy) {
        record = record.number("remaining", remaining);
    }
    if let Some(intent) = decision.shadow {
        let shadow = Object::default()
            .text("verdict", intent.verdict.label())
            .text("reason", intent.reason.label());
        record = record.object("shadow", with_rule(shadow, intent.rule));
    }
    if !decision.findings.is_empty() {
        record = record.list_of(
            "checks",
            decision
                .findings
                .iter()
                .map(|finding| found(finding, policy)),
        );
        let mut traits = Object::default();
        for (of, text) in &decision.traits {
            traits = traits.text(policy.name_of_trait(*of), text);
        }
        record = record.object("traits", traits);
    }
    if let Some(Settlement { source, usage, .. }) = settlement {
        let usage = Object::default()
            .text("source", source.label())
            .number("input", usage.input)
            .number("cached", usage.cached)
            .number("output", usage.output)
            .number("reasoning", usage.reasoning);
        record = record.object("usage", usage);
    }
    record.finish()
}

/// Writes what happened to a campaign as compact JSON, with every term that speaks for it and against it.
#[must_use]
pub fn campaign(event: &str, case: &Case, templates: &[u64], now: Millis) -> String {
    let mut terms = Object::default();
    for (name, points) in &case.reasons {
        terms = terms.points(name, *points);
    }
    Object::default()
        .text("campaign", &campaigns::name(case.id))
        .text("event", event)
        .number("keys", u64::from(case.keys))
        .number("requests", case.requests)
        .number("seconds", now.saturating_sub(case.first) / 1_000)
        .points("score", case.score)
        .number("families", u64::from(case.families))
        .object("terms", terms)
        .list_of_hashes("templates", templates)
        .finish()
}

/// What one check found. A count that is an estimate has its error beside it: two standard deviations.
fn found(finding: &Finding, policy: &Policy) -> Object {
    let mut object = Object::default().text("rule", policy.name_of(Rule::Check(finding.check)));
    let Some(check) = policy.checks.get(finding.check) else {
        return object;
    };
    object = object.text("then", check.then.label());
    if let (Some((count, exact)), Test::Distinct(distinct)) = (finding.count, &check.test) {
        object = object.number("count", u64::from(count));
        if !exact {
            object = object.text("error", ERROR);
        }
        object = object.number("limit", u64::from(distinct.limit));
    }
    if check.shadow {
        object = object.text("mode", "shadow");
    }
    object
}

/// What is left under the rule that refused; otherwise the fewest requests that are left under any rule that counts those.
fn remaining(decision: &Decision, policy: &Policy) -> Option<u64> {
    let told = decision.quotas.iter().filter_map(|state| {
        let quota = policy.quotas.get(state.quota)?;
        let told = match decision.quota() {
            Some(place) => place == state.quota,
            None => !quota.is_metered(),
        };
        told.then(|| u64::from(state.standing.remaining).saturating_mul(quota.unit))
    });
    told.min()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::campaign::Match;
    use crate::policy::campaigns::Stage;
    use crate::verdict::Verdict;

    #[test]
    fn a_campaign_is_named_with_how_far_the_evidence_goes() {
        let policy = Policy::parse(br#"{"version": 1, "campaigns": {}}"#).unwrap();
        let decision = Decision {
            verdict: Verdict::Tag,
            rule: Some(Rule::Campaign),
            campaign: Some(Match {
                campaign: 255,
                stage: Stage::Suspect,
                held_back: false,
                feature: 0,
            }),
            ..Decision::allow(Reason::Campaign)
        };
        assert_eq!(
            write(&decision, &policy, None),
            r#"{"verdict":"tag","reason":"campaign","rule":"campaign","campaign":"c-00000000000000ff","stage":"suspect"}"#
        );
    }
}
