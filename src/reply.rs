//! From a decision to what the client reads: status, headers and a body in the dialect of the API that was called.

mod body;
mod fields;

pub use fields::{FAMILIES, Family, fields};

use crate::dialect::Dialect;
use crate::engine::Decision;
use crate::exchange::{Millis, Now};
use crate::policy::{Count, Policy, Quota, campaigns};
use crate::verdict::{Reason, Verdict};

/// A header: its name in lower case, and its value.
pub type Field = (&'static str, String);

/// A refusal as it is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// The headers, without `content-length`.
    pub headers: Vec<Field>,
    /// The body, in JSON.
    pub body: String,
    /// What the host's log says beside the status, without spaces: `stillgate:throttle:quota:requests-per-minute`.
    pub details: String,
}

/// Writes the reply to a request that was refused.
#[must_use]
pub fn refusal(decision: &Decision, dialect: Dialect, policy: &Policy, now: Now) -> Reply {
    let rule = quota(decision, policy);
    let wait = wait(decision, now);
    let message = message(decision, policy, wait);
    let mut headers = vec![("content-type", String::from(body::content_type(dialect)))];
    if let Some(seconds) = wait {
        headers.push(("retry-after", seconds.to_string()));
    }
    let status = status(decision);
    if status == 401 {
        // RFC 9110 §15.5.2 demands a challenge with every 401.
        headers.push(("www-authenticate", String::from("Bearer")));
    }
    for family in FAMILIES {
        headers.extend(fields(family, decision, dialect, policy, now));
    }
    let mut details = format!(
        "stillgate:{}:{}",
        decision.verdict.label(),
        decision.reason.label()
    );
    if let Some(rule) = decision.rule {
        details.push(':');
        details.push_str(policy.name_of(rule));
    }
    Reply {
        status,
        headers,
        body: body::write(dialect, decision, &message, rule, (status, wait)),
        details,
    }
}

/// Writes the headers that tell the origin what was found about a request that goes on to it; none if that is nothing.
#[must_use]
pub fn tags(decision: &Decision, policy: &Policy) -> Vec<Field> {
    if decision.verdict != Verdict::Tag {
        return Vec::new();
    }
    let mut names = String::new();
    let found = decision.findings.iter();
    let checks = found.filter_map(|finding| policy.checks.get(finding.check));
    for check in checks.filter(|check| !check.shadow) {
        if !names.is_empty() {
            names.push(',');
        }
        names.push_str(&check.name);
    }
    let mut tags = vec![("x-stillgate-verdict", decision.verdict.label().to_owned())];
    let campaign = campaign(decision, policy);
    if !names.is_empty() || campaign.is_none() {
        tags.push(("x-stillgate-checks", names));
    }
    if let Some(name) = campaign {
        tags.push(("x-stillgate-campaign", name));
    }
    tags
}

/// The campaign of which the origin is told: not one that is only noted.
fn campaign(decision: &Decision, policy: &Policy) -> Option<String> {
    let found = decision.campaign.filter(|found| !found.held_back)?;
    let campaigns = policy.campaigns.as_ref().filter(|it| !it.shadow)?;
    let mut steps = campaigns.steps.iter();
    let tagged = steps.any(|step| step.at <= found.stage && step.then == Verdict::Tag);
    tagged.then(|| campaigns::name(found.campaign))
}

/// The status of a refusal.
#[must_use]
pub const fn status(decision: &Decision) -> u16 {
    match decision.verdict {
        Verdict::Throttle => 429,
        _ => decision.reason.status(),
    }
}

/// Whether a request header, by its name in lower case, is one that only Stillgate sets; also as CGI and its like read it, to
/// whom `_` is `-`.
#[must_use]
pub fn is_own(name: &[u8]) -> bool {
    let mut letters = name.iter();
    b"x-stillgate-".iter().all(|own| {
        let letter = letters.next();
        letter == Some(own) || (*own == b'-' && letter == Some(&b'_'))
    })
}

/// The quota that refused.
fn quota<'p>(decision: &Decision, policy: &'p Policy) -> Option<&'p Quota> {
    policy.quotas.get(decision.quota()?)
}

/// Whole seconds until it is worth asking again: rounded up, so never before the truth.
fn wait(decision: &Decision, now: Now) -> Option<u64> {
    match decision.reason {
        Reason::Quota => Some(seconds_until(decision.retry_at.unwrap_or(now.steady), now).max(1)),
        Reason::Store => Some(1),
        // The truth would tell how much the others of its campaign use.
        Reason::Campaign if decision.verdict == Verdict::Throttle => Some(CAMPAIGN_WAIT),
        _ => None,
    }
}

/// How many seconds whoever is over the budget of a campaign is told to wait.
const CAMPAIGN_WAIT: u64 = 60;

fn seconds_until(moment: Millis, now: Now) -> u64 {
    moment.saturating_sub(now.steady).div_ceil(1_000)
}

fn message(decision: &Decision, policy: &Policy, wait: Option<u64>) -> String {
    if decision.verdict == Verdict::Verify {
        return [
            "This account is to be verified before it can be used like this. Verify it at ",
            &policy.verify_url,
        ]
        .concat();
    }
    let wait = wait.unwrap_or(1);
    let rule = quota(decision, policy);
    let limit = decision
        .quotas
        .iter()
        .find(|state| Some(state.quota) == decision.quota())
        .map_or(0, |state| state.limit);
    match (decision.reason, rule) {
        (Reason::Quota, Some(rule)) if rule.is_concurrent() => format!(
            "Too many requests at a time: \"{}\" allows {limit} in flight. Try again in {wait} s or when one has ended.",
            rule.name
        ),
        (Reason::Quota, Some(rule)) => format!(
            "Rate limit reached: \"{}\" allows {} in {}. Try again in {wait} s.",
            rule.name,
            amount(rule, limit),
            fields::in_words(rule.length)
        ),
        (Reason::MissingCredential, _) => String::from("There is no API key in this request."),
        (Reason::AmbiguousCredential, _) => {
            String::from("There is more than one API key in this request. Send one, in one place.")
        }
        (Reason::BodyTooLarge, _) => {
            format!("The request's body is longer than {} bytes.", policy.body)
        }
        (Reason::Unreadable, _) => {
            String::from("The request's body cannot be read. Send JSON that is not compressed.")
        }
        (Reason::Campaign, _) if decision.verdict == Verdict::Throttle => {
            format!("Rate limit reached. Try again in {wait} s.")
        }
        (Reason::Store, _) => format!("The request could not be counted. Try again in {wait} s."),
        (
            Reason::Quota
            | Reason::None
            | Reason::List
            | Reason::Contradiction
            | Reason::Distinct
            | Reason::Campaign,
            _,
        ) => String::from("The request was refused."),
    }
}

/// A limit as a person says it: `60`, `100000 tokens`, `2.5`.
fn amount(rule: &Quota, limit: u32) -> String {
    let amount = u64::from(limit).saturating_mul(rule.unit);
    match rule.count {
        Count::Requests | Count::Concurrent => amount.to_string(),
        Count::Tokens => format!("{amount} tokens"),
        Count::InputTokens => format!("{amount} input tokens"),
        Count::OutputTokens => format!("{amount} output tokens"),
        Count::Cost => {
            let whole = amount.checked_div(1_000_000).unwrap_or(0);
            let millionths = amount.checked_rem(1_000_000).unwrap_or(0);
            let text = format!("{whole}.{millionths:06}");
            format!(
                "a cost of {}",
                text.trim_end_matches('0').trim_end_matches('.')
            )
        }
    }
}

#[cfg(test)]
mod tests;
