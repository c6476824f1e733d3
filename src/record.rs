//! One line about a decision for the host's access log: what was decided and why, and nothing that leads back to a
//! credential.

use crate::engine::{Decision, Settlement};
use crate::json::Object;
use crate::policy::{Policy, Rule};

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
    if let Some(remaining) = remaining(decision, policy) {
        record = record.number("remaining", remaining);
    }
    if let Some(intent) = decision.shadow {
        let shadow = Object::default()
            .text("verdict", intent.verdict.label())
            .text("reason", intent.reason.label());
        record = record.object("shadow", with_rule(shadow, intent.rule));
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

/// What is left under the rule that refused; otherwise the fewest requests that are left under any rule that counts those.
fn remaining(decision: &Decision, policy: &Policy) -> Option<u64> {
    let told = decision.quotas.iter().filter_map(|state| {
        let quota = policy.quotas.get(state.quota)?;
        let told = match decision.rule {
            Some(rule) => rule == Rule::Quota(state.quota),
            None => !quota.is_metered(),
        };
        told.then(|| u64::from(state.standing.remaining).saturating_mul(quota.unit))
    });
    told.min()
}
