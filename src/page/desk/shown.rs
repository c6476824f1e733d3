//! What came of a request, as a page shows it.

use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::ask::Try;
use crate::dialect::Dialect;
use crate::engine::{Decision, Intent, QuotaState, Settlement};
use crate::exchange::{Millis, Now};
use crate::policy::check::Test;
use crate::policy::{Count, Policy};
use crate::reply::{self, FAMILIES};
use crate::{record, replay};

/// Requests one after the other that came to the same.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Run {
    from: u32,
    pub(super) to: u32,
    #[serde(flatten)]
    came: Came,
}

/// What a request came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Came {
    verdict: &'static str,
    reason: &'static str,
    rule: Option<String>,
    status: u16,
    shadow: Option<Would>,
}

/// What rules in shadow would have done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Would {
    verdict: &'static str,
    reason: &'static str,
    rule: Option<String>,
}

/// All that is told of one request.
#[derive(Debug, Serialize)]
pub(super) struct Shown {
    n: u32,
    verdict: &'static str,
    reason: &'static str,
    rule: Option<String>,
    status: u16,
    passes: bool,
    reply: Reply,
    request: Change,
    reasons: Value,
    shadow: Value,
    record: Option<Box<RawValue>>,
}

/// What the client gets: all of a refusal, or what is added to the origin's answer.
#[derive(Debug, Default, Serialize)]
struct Reply {
    headers: Vec<(&'static str, String)>,
    body: Option<String>,
}

/// What is changed of a request on its way to the origin.
#[derive(Debug, Default, Serialize)]
struct Change {
    add: Vec<(&'static str, String)>,
    remove: Vec<String>,
}

/// How a quota stands.
#[derive(Debug, PartialEq, Serialize)]
pub(super) struct Quota {
    name: String,
    per: Vec<String>,
    count: &'static str,
    /// The window's length in milliseconds; none of requests in flight.
    window: Option<Millis>,
    limit: f64,
    used: f64,
    remaining: f64,
    /// Milliseconds until all of it is back, if any is used.
    reset: Option<Millis>,
    mode: &'static str,
}

/// What a check found.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Check {
    name: String,
    then: &'static str,
    mode: &'static str,
    count: Option<u32>,
    exact: bool,
    limit: Option<u32>,
}

/// What is known when a request has been decided about.
pub(super) struct Told<'a> {
    pub(super) n: u32,
    pub(super) decision: &'a Decision,
    pub(super) settlement: Option<&'a Settlement>,
    /// The origin's.
    pub(super) status: u16,
    pub(super) dialect: Dialect,
    pub(super) now: Now,
}

const fn mode(shadow: bool) -> &'static str {
    if shadow { "shadow" } else { "enforce" }
}

const fn status(decision: &Decision, origin: u16) -> u16 {
    if decision.verdict.passes() {
        origin
    } else {
        reply::status(decision)
    }
}

impl Run {
    pub(super) fn of(n: u32, decision: &Decision, origin: u16, policy: &Policy) -> Self {
        let named = |rule| policy.name_of(rule).to_owned();
        let would = |intent: Intent| Would {
            verdict: intent.verdict.label(),
            reason: intent.reason.label(),
            rule: intent.rule.map(named),
        };
        Self {
            from: n,
            to: n,
            came: Came {
                verdict: decision.verdict.label(),
                reason: decision.reason.label(),
                rule: decision.rule.map(named),
                status: status(decision, origin),
                shadow: decision.shadow.map(would),
            },
        }
    }

    pub(super) fn is_like(&self, other: &Self) -> bool {
        self.came == other.came
    }
}

impl Shown {
    pub(super) fn of(told: &Told<'_>, one: &Try, policy: &Policy) -> Self {
        let decision = told.decision;
        let passes = decision.verdict.passes();
        // The line of a verdict has the reasons; what else is in it is here already.
        let line = replay::line("", told.now.wall, decision, policy);
        let mut line: Value = serde_json::from_str(&line).unwrap_or_default();
        let mut take = |name: &str| line.get_mut(name).map(Value::take).unwrap_or_default();
        let (reasons, shadow) = (take("reasons"), take("shadow"));
        let record = || record::write(decision, policy, told.settlement);
        let record = record::is_due(decision, policy).then(record);
        let (reply, request) = if passes {
            (added(told, policy), change(decision, one, policy))
        } else {
            (refusal(told, policy), Change::default())
        };
        Self {
            n: told.n,
            verdict: decision.verdict.label(),
            reason: decision.reason.label(),
            rule: decision.rule.map(|rule| policy.name_of(rule).to_owned()),
            status: status(decision, told.status),
            passes,
            reply,
            request,
            reasons,
            shadow,
            record: record.and_then(|text| RawValue::from_string(text).ok()),
        }
    }
}

fn refusal(told: &Told<'_>, policy: &Policy) -> Reply {
    let reply = reply::refusal(told.decision, told.dialect, policy, told.now);
    Reply {
        headers: reply.headers,
        body: Some(reply.body),
    }
}

/// What is added to an answer of an origin that has no such headers of its own.
fn added(told: &Told<'_>, policy: &Policy) -> Reply {
    let mut reply = Reply::default();
    if policy.tells_always && !policy.shadow {
        for family in FAMILIES {
            let fields = reply::fields(family, told.decision, told.dialect, policy, told.now);
            reply.headers.extend(fields);
        }
    }
    reply
}

fn change(decision: &Decision, one: &Try, policy: &Policy) -> Change {
    let enforced = decision.reservation.is_enforced();
    Change {
        add: reply::tags(decision, policy),
        remove: one.request.taken_off(policy, enforced),
    }
}

impl Quota {
    /// `None` of what the policy has no quota for.
    #[expect(
        clippy::cast_precision_loss,
        reason = "what a quota counts is read to a few digits"
    )]
    pub(super) fn of(state: &QuotaState, policy: &Policy, now: Millis) -> Option<Self> {
        let quota = policy.quotas.get(state.quota)?;
        let subject = policy.subjects.get(quota.subject)?;
        let standing = &state.standing;
        let used = state.limit.saturating_sub(standing.remaining);
        let amount = |units: u32| {
            let whole = u64::from(units).saturating_mul(quota.unit) as f64;
            if quota.count == Count::Cost {
                whole / 1e6
            } else {
                whole
            }
        };
        let traits = subject.traits.iter();
        Some(Self {
            name: quota.name.clone(),
            per: traits
                .map(|of| policy.name_of_trait(*of).to_owned())
                .collect(),
            count: quota.count.label(),
            window: (!quota.is_concurrent()).then_some(quota.length),
            limit: amount(state.limit),
            used: amount(used),
            remaining: amount(standing.remaining),
            reset: (used > 0).then(|| standing.replenished.saturating_sub(now)),
            mode: mode(quota.shadow || policy.shadow),
        })
    }
}

impl Check {
    /// All that found something.
    pub(super) fn all(decision: &Decision, policy: &Policy) -> Vec<Self> {
        let found = decision.findings.iter();
        let check = |finding: &crate::engine::Finding| {
            let check = policy.checks.get(finding.check)?;
            let limit = match &check.test {
                Test::Distinct(distinct) => Some(distinct.limit),
                _ => None,
            };
            Some(Self {
                name: check.name.clone(),
                then: check.then.label(),
                mode: mode(check.shadow || policy.shadow),
                count: finding.count.map(|(count, _)| count),
                exact: finding.count.is_none_or(|(_, exact)| exact),
                limit,
            })
        };
        found.filter_map(check).collect()
    }
}
