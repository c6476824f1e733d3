//! What is in order in a policy, and will be regretted.

use super::{Fault, Policy};
use crate::verdict::Verdict;

impl Policy {
    /// What campaigns that are answered would have to know and cannot, each with what would help.
    #[must_use]
    pub fn warnings(&self) -> Vec<Fault> {
        let mut warnings = Vec::new();
        let Some(campaigns) = self.campaigns.as_ref().filter(|it| !it.shadow) else {
            return warnings;
        };
        let mut warn = |path: &str, found: &str, expected: &str| {
            warnings.push(Fault {
                path: String::from(path),
                found: String::from(found),
                expected: String::from(expected),
            });
        };
        if campaigns.facts.age.is_none() {
            warn(
                "/campaigns/facts",
                "found no fact about the age of accounts, so that less can speak for a campaign, and old accounts cannot speak against one",
                "expected `age_days` in `account`, or its name in `facts.age`",
            );
        }
        let mut steps = campaigns.steps.iter();
        if steps.any(|step| step.then == Verdict::Verify) && campaigns.facts.verified.is_none() {
            warn(
                "/campaigns/steps",
                "found `verify`, and no fact about who is verified: whoever verifies an account is asked again",
                "expected `verified` in `account`, or its name in `facts.verified`",
            );
        }
        warnings
    }
}
