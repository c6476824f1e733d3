//! One line about a decision for the host's access log: what was decided and why, and nothing that leads back to a
//! credential.

use serde_json::{Map, Value, json};

use crate::engine::{Decision, Settlement};
use crate::policy::Policy;

/// Writes the record as compact JSON; with its settlement, once there is one.
#[must_use]
pub fn write(decision: &Decision, policy: &Policy, settlement: Option<&Settlement>) -> String {
    let rule = |place: Option<usize>| {
        place
            .and_then(|place| policy.quotas.get(place))
            .map(|quota| json!(quota.name))
    };
    let mut record = Map::new();
    let mut put = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            record.insert(String::from(name), value);
        }
    };
    put("verdict", Some(json!(decision.verdict.label())));
    put("reason", Some(json!(decision.reason.label())));
    put("rule", rule(decision.rule));
    put("key", decision.key.map(|key| json!(key.to_string())));
    put("remaining", remaining(decision, policy).map(Value::from));
    if let Some(intent) = decision.shadow {
        let mut shadow =
            json!({"verdict": intent.verdict.label(), "reason": intent.reason.label()});
        if let (Some(rule), Some(shadow)) = (rule(intent.rule), shadow.as_object_mut()) {
            shadow.insert(String::from("rule"), rule);
        }
        put("shadow", Some(shadow));
    }
    if let Some(Settlement { source, usage, .. }) = settlement {
        let usage = json!({
            "source": source.label(),
            "input": usage.input,
            "cached": usage.cached,
            "output": usage.output,
            "reasoning": usage.reasoning,
        });
        put("usage", Some(usage));
    }
    Value::Object(record).to_string()
}

/// What is left under the rule that refused; otherwise the fewest requests that are left under any rule that counts those.
fn remaining(decision: &Decision, policy: &Policy) -> Option<u64> {
    let told = decision.quotas.iter().filter_map(|state| {
        let quota = policy.quotas.get(state.quota)?;
        let told = match decision.rule {
            Some(rule) => rule == state.quota,
            None => !quota.is_metered(),
        };
        told.then(|| u64::from(state.standing.remaining).saturating_mul(quota.unit))
    });
    told.min()
}
