//! What an edge host knows of a request beside its bytes.

use core::net::IpAddr;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::exchange::Attributes;
use crate::policy::{Place, Policy};

/// What a host knows of a request. No client can set any of it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Facts {
    /// The client's address.
    #[serde(default)]
    pub source: Option<IpAddr>,
    /// What the host vouches for by its name: `ja4`, `ja3`, `country`, `asn`.
    #[serde(default)]
    pub vouched: BTreeMap<String, Value>,
    /// Everything else, which a policy names by its path: on Cloudflare `cf`.
    #[serde(default)]
    pub properties: Value,
}

impl Facts {
    /// Forgets what no rule of the policy can want, before it is sent on.
    pub(super) fn trim(&mut self, policy: &Policy) {
        let facts = &policy.facts;
        self.vouched
            .retain(|name, _| facts.iter().any(|fact| fact.name == *name));
        let mut kept = Value::Null;
        for fact in facts {
            if let Place::Property(path) = &fact.place
                && let Some(value) = find(&self.properties, path).cloned()
            {
                put(&mut kept, path, value);
            }
        }
        self.properties = kept;
    }
}

impl Attributes for Facts {
    fn source(&self) -> Option<IpAddr> {
        self.source
    }

    fn property(&self, path: &[String]) -> Option<Vec<u8>> {
        find(&self.properties, path).and_then(plain)
    }

    fn vouched(&self, name: &str) -> Option<Vec<u8>> {
        self.vouched.get(name).and_then(plain)
    }
}

/// What stands at a path.
fn find<'v>(value: &'v Value, path: &[String]) -> Option<&'v Value> {
    path.iter().try_fold(value, |value, name| value.get(name))
}

/// Puts a value at a path.
fn put(place: &mut Value, path: &[String], value: Value) {
    let Some((name, rest)) = path.split_first() else {
        *place = value;
        return;
    };
    if !place.is_object() {
        *place = Value::Object(serde_json::Map::new());
    }
    if let Some(object) = place.as_object_mut() {
        put(
            object.entry(name.as_str()).or_insert(Value::Null),
            rest,
            value,
        );
    }
}

/// A value as text; `None` of what is empty, or no plain value.
fn plain(value: &Value) -> Option<Vec<u8>> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Bool(is) => is.to_string(),
        Value::Null | Value::Array(_) | Value::Object(_) => return None,
    };
    (!text.is_empty()).then(|| text.into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_policy_names_is_sent_on() {
        let policy = Policy::parse(
            br#"{"version": 1, "account": {"plan": {"property": ["cf", "plan", "name"]}}, "quotas": [
                {"name": "a", "per": ["plan", "ja4"], "count": "requests", "limit": 1, "window": "1s"}]}"#,
        )
        .unwrap();
        let mut facts: Facts = serde_json::from_str(
            r#"{"source": "192.0.2.1", "vouched": {"ja4": "t13d", "colour": "red", "asn": 1},
                "properties": {"cf": {"plan": {"name": "pro", "since": 3}, "city": "Bern"}}}"#,
        )
        .unwrap();
        facts.trim(&policy);
        assert_eq!(
            serde_json::to_string(&facts).unwrap(),
            r#"{"source":"192.0.2.1","vouched":{"asn":1,"ja4":"t13d"},"properties":{"cf":{"plan":{"name":"pro"}}}}"#
        );
        let path = ["cf", "plan", "name"].map(String::from);
        assert_eq!(facts.property(&path).unwrap(), b"pro");
        assert_eq!(facts.property(&path[..1]), None);
        assert_eq!(facts.property(&[String::from("dc")]), None);
    }
}
