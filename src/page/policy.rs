//! A policy as it is being written: what is wrong with it, and what one may begin with.

use serde::Serialize;

use crate::policy::{Fault, Policy};

/// What is known of a text that is to be a policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Findings {
    /// What keeps it from being one; nothing if it is in order.
    pub faults: Vec<Fault>,
    /// What works, and will be regretted.
    pub warnings: Vec<Fault>,
}

/// A policy to begin with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Template {
    /// Its name, for programs.
    pub name: &'static str,
    /// Its name, for people.
    pub title: &'static str,
    /// What it is for, in a sentence.
    pub about: &'static str,
    /// All of it.
    pub text: &'static str,
}

/// What to begin with, the simplest first.
pub const TEMPLATES: [Template; 3] = [
    Template {
        name: "public-api",
        title: "Public API",
        about: "Limits for each key and network, tags for key farms and impostors, and campaigns watched in shadow.",
        text: include_str!("policies/public-api.json"),
    },
    Template {
        name: "enterprise",
        title: "Enterprise",
        about: "Limits by tier and a budget for each organisation, with facts that an authentication filter vouches for, and campaigns \
                answered by verification.",
        text: include_str!("policies/enterprise.json"),
    },
    Template {
        name: "campaign-watch",
        title: "Campaign watch in shadow",
        about: "Nothing but campaigns, found and recorded, and nothing done: to see what there is.",
        text: include_str!("policies/campaign-watch.json"),
    },
];

/// Reads a text and says what is wrong with it.
#[must_use]
pub fn read(text: &str) -> Findings {
    match Policy::parse(text.as_bytes()) {
        Ok(policy) => Findings {
            faults: Vec::new(),
            warnings: policy.warnings(),
        },
        Err(faults) => Findings {
            faults: faults.iter().cloned().collect(),
            warnings: Vec::new(),
        },
    }
}

/// Reads a policy that is to decide.
///
/// # Errors
/// How many faults it has, and the first of them.
pub fn parse(text: &str) -> Result<Policy, String> {
    Policy::parse(text.as_bytes()).map_err(|faults| {
        let mut all = faults.iter();
        let first = all.next().map(ToString::to_string).unwrap_or_default();
        match all.count() {
            0 => format!("The policy has a fault at {first}."),
            more => format!(
                "The policy has {} faults, the first at {first}.",
                more.saturating_add(1)
            ),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_one_may_begin_with_is_in_order() {
        for template in TEMPLATES {
            let findings = read(template.text);
            assert_eq!(
                (findings.faults, findings.warnings),
                (vec![], vec![]),
                "{}",
                template.name
            );
        }
    }

    #[test]
    fn faults_are_told_with_their_places() {
        let findings = read(r#"{"version": 1, "quota": [], "mode": "maybe"}"#);
        let places: Vec<&str> = findings
            .faults
            .iter()
            .map(|fault| fault.path.as_str())
            .collect();
        assert_eq!(places, ["/quota", "/mode"]);
        let findings = read("{\n  \"version\": 1,,\n}");
        assert_eq!(findings.faults[0].path, "");
        assert!(
            findings.faults[0].found.contains("line 2 column 16"),
            "{findings:?}"
        );
        let blind = read(r#"{"version": 1, "campaigns": {"mode": "enforce"}}"#);
        assert_eq!(blind.warnings[0].path, "/campaigns/facts");
        let told = parse("{}").unwrap_err();
        assert!(told.starts_with("The policy has a fault at /"), "{told}");
        let told = parse(r#"{"version": 1, "quota": [], "mode": "maybe"}"#).unwrap_err();
        assert!(
            told.starts_with("The policy has 2 faults, the first at /quota: "),
            "{told}"
        );
    }
}
