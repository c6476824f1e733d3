//! Rate-limit headers in the three families that clients read.
//!
//! For requests and for tokens the tightest quota is told: the one that refused, or the one with the least left.

use super::{Field, seconds_until};
use crate::dialect::Dialect;
use crate::engine::{Decision, QuotaState};
use crate::exchange::{Millis, Now};
use crate::policy::{Count, Policy, Quota};

/// Headers that belong together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// `RateLimit` and `RateLimit-Policy` of draft-ietf-httpapi-ratelimit-headers.
    Ietf,
    /// `x-ratelimit-*`, on OpenAI's paths.
    OpenAi,
    /// `anthropic-ratelimit-*`, on Anthropic's paths.
    Anthropic,
}

/// All families.
pub const FAMILIES: [Family; 3] = [Family::Ietf, Family::OpenAi, Family::Anthropic];

/// The names of limit, remaining and reset of something that is counted.
type Names = [&'static str; 3];

const OPEN_AI: [(&[Count], Names); 2] = [
    (
        &[Count::Requests],
        [
            "x-ratelimit-limit-requests",
            "x-ratelimit-remaining-requests",
            "x-ratelimit-reset-requests",
        ],
    ),
    (
        TOKENS,
        [
            "x-ratelimit-limit-tokens",
            "x-ratelimit-remaining-tokens",
            "x-ratelimit-reset-tokens",
        ],
    ),
];

const ANTHROPIC: [(&[Count], Names); 4] = [
    (
        &[Count::Requests],
        [
            "anthropic-ratelimit-requests-limit",
            "anthropic-ratelimit-requests-remaining",
            "anthropic-ratelimit-requests-reset",
        ],
    ),
    (
        TOKENS,
        [
            "anthropic-ratelimit-tokens-limit",
            "anthropic-ratelimit-tokens-remaining",
            "anthropic-ratelimit-tokens-reset",
        ],
    ),
    (
        &[Count::InputTokens],
        [
            "anthropic-ratelimit-input-tokens-limit",
            "anthropic-ratelimit-input-tokens-remaining",
            "anthropic-ratelimit-input-tokens-reset",
        ],
    ),
    (
        &[Count::OutputTokens],
        [
            "anthropic-ratelimit-output-tokens-limit",
            "anthropic-ratelimit-output-tokens-remaining",
            "anthropic-ratelimit-output-tokens-reset",
        ],
    ),
];

/// Tokens of any kind.
const TOKENS: &[Count] = &[Count::Tokens, Count::InputTokens, Count::OutputTokens];

const ALL: &[Count] = &[
    Count::Requests,
    Count::Concurrent,
    Count::Tokens,
    Count::InputTokens,
    Count::OutputTokens,
    Count::Cost,
];

/// What is told apart in `RateLimit`; requests in flight only where there is nothing else.
const KINDS: [&[Count]; 4] = [
    &[Count::Requests],
    TOKENS,
    &[Count::Cost],
    &[Count::Concurrent],
];

/// Writes the headers of one family, for a request that was admitted or refused; none if clients of the dialect do not
/// read that family.
#[must_use]
pub fn fields(
    family: Family,
    decision: &Decision,
    dialect: Dialect,
    policy: &Policy,
    now: Now,
) -> Vec<Field> {
    let told = Told { decision, policy };
    match (family, dialect) {
        _ if decision.quotas.is_empty() => Vec::new(),
        (Family::Ietf, _) => told.ietf(now),
        (Family::OpenAi, Dialect::OpenAi) => {
            told.measures(&OPEN_AI, |state| duration_until(state, now))
        }
        (Family::Anthropic, Dialect::Anthropic) => {
            told.measures(&ANTHROPIC, |state| moment_of(state, now))
        }
        _ => Vec::new(),
    }
}

/// A decision that clients are told about.
struct Told<'d> {
    decision: &'d Decision,
    policy: &'d Policy,
}

impl<'d> Told<'d> {
    /// The quotas of some kinds, with how they stand.
    fn quotas(&self, counts: &[Count]) -> impl Iterator<Item = (&'d Quota, &'d QuotaState)> {
        let (decision, policy) = (self.decision, self.policy);
        decision.quotas.iter().filter_map(move |state| {
            let quota = policy.quotas.get(state.quota)?;
            counts.contains(&quota.count).then_some((quota, state))
        })
    }

    /// The one that refused, or of those that did not the one with the least left. Of a refusal nothing else is told, since
    /// nothing else matters.
    fn tightest(&self, counts: &[Count]) -> Option<(&'d Quota, &'d QuotaState)> {
        let told = self.quotas(counts).filter(|(_, state)| {
            self.decision
                .quota()
                .is_none_or(|quota| quota == state.quota)
        });
        told.min_by_key(|(quota, state)| remaining(quota, state))
    }

    /// Limit, remaining and reset of the tightest quota, for each kind that is counted.
    fn measures(
        &self,
        measures: &[(&[Count], Names)],
        reset: impl Fn(&QuotaState) -> String,
    ) -> Vec<Field> {
        let mut fields = Vec::with_capacity(6);
        for (counts, [limit_name, left_name, reset_name]) in measures {
            if let Some((quota, state)) = self.tightest(counts) {
                fields.push((*limit_name, number(whole(quota, state.limit))));
                fields.push((*left_name, number(remaining(quota, state))));
                fields.push((*reset_name, reset(state)));
            }
        }
        fields
    }

    /// `t` is when more of the quota is there: for a refusal the same moment as `Retry-After`.
    fn ietf(&self, now: Now) -> Vec<Field> {
        let (mut policies, mut limits) = (String::with_capacity(128), String::with_capacity(64));
        for (quota, state) in self.quotas(ALL) {
            separate(&mut policies);
            member(&mut policies, &quota.name, "q", whole(quota, state.limit));
            policies.push_str(quota_unit(quota.count).unwrap_or_default());
            if !quota.is_concurrent() {
                parameter(&mut policies, "w", quota.length.div_ceil(1_000));
            }
        }
        for counts in KINDS {
            let Some((quota, state)) = self.tightest(counts) else {
                continue;
            };
            if quota.is_concurrent() && !limits.is_empty() {
                continue;
            }
            separate(&mut limits);
            member(&mut limits, &quota.name, "r", remaining(quota, state));
            if !quota.is_concurrent() {
                let refused = self.decision.quota() == Some(state.quota);
                let retry_at = self.decision.retry_at.filter(|_| refused);
                let at = retry_at.unwrap_or(state.standing.frees);
                parameter(&mut limits, "t", seconds_until(at, now));
            }
        }
        vec![("ratelimit-policy", policies), ("ratelimit", limits)]
    }
}

/// A member of a structured field's list: a quoted name and a parameter (RFC 9651). Names of rules need no escapes.
fn member(text: &mut String, name: &str, key: &str, value: u64) {
    text.push('"');
    text.push_str(name);
    text.push('"');
    parameter(text, key, value);
}

fn parameter(text: &mut String, name: &str, value: u64) {
    text.push(';');
    text.push_str(name);
    text.push('=');
    digits(text, value);
}

/// Writes a number without the machinery of `format!`, which was a third of what an admitted request's headers cost.
fn digits(text: &mut String, number: u64) {
    let mut places = [0_u8; 20];
    let mut rest = number;
    let mut used: usize = 0;
    for place in places.iter_mut().rev() {
        *place = b'0'.saturating_add(rest.checked_rem(10).unwrap_or(0) as u8);
        rest = rest.checked_div(10).unwrap_or(0);
        used = used.saturating_add(1);
        if rest == 0 {
            break;
        }
    }
    let places = places.iter().skip(places.len().saturating_sub(used));
    text.extend(places.map(|&digit| char::from(digit)));
}

fn number(value: u64) -> String {
    let mut text = String::with_capacity(20);
    digits(&mut text, value);
    text
}

/// Whole requests, tokens, or millionths of a unit of cost; no more than a structured field's integer holds.
fn whole(quota: &Quota, units: u32) -> u64 {
    u64::from(units)
        .saturating_mul(quota.unit)
        .min(999_999_999_999_999)
}

fn remaining(quota: &Quota, state: &QuotaState) -> u64 {
    whole(quota, state.standing.remaining)
}

/// What a policy's `q` counts, where that is not requests.
const fn quota_unit(count: Count) -> Option<&'static str> {
    match count {
        Count::Requests => None,
        Count::Concurrent => Some(";qu=\"concurrent-requests\""),
        Count::Tokens => Some(";qu=\"tokens\""),
        Count::InputTokens => Some(";qu=\"input-tokens\""),
        Count::OutputTokens => Some(";qu=\"output-tokens\""),
        Count::Cost => Some(";qu=\"cost-millionths\""),
    }
}

fn separate(text: &mut String) {
    if !text.is_empty() {
        text.push_str(", ");
    }
}

/// OpenAI's `reset` is when the limit is back to its initial state, as a duration such as `6m0s`.
fn duration_until(state: &QuotaState, now: Now) -> String {
    clock_duration(seconds_until(state.standing.replenished, now))
}

/// Anthropic's `reset` is when the limit is fully replenished, as a moment of RFC 3339.
fn moment_of(state: &QuotaState, now: Now) -> String {
    let wait = state.standing.replenished.saturating_sub(now.steady);
    timestamp(now.wall.saturating_add(wait).div_ceil(1_000))
}

/// `3723` as `1h2m3s`.
fn clock_duration(seconds: u64) -> String {
    let (hours, minutes, rest) = split_seconds(seconds);
    let mut text = String::with_capacity(16);
    let parts = [
        (hours, 'h', hours > 0),
        (minutes, 'm', hours > 0 || minutes > 0),
        (rest, 's', true),
    ];
    for (value, unit, _) in parts.into_iter().filter(|&(_, _, told)| told) {
        digits(&mut text, value);
        text.push(unit);
    }
    text
}

fn split_seconds(seconds: u64) -> (u64, u64, u64) {
    let minutes = seconds.checked_div(60).unwrap_or(0);
    (
        minutes.checked_div(60).unwrap_or(0),
        minutes.checked_rem(60).unwrap_or(0),
        seconds.checked_rem(60).unwrap_or(0),
    )
}

/// A length of time as a person says it: the largest unit that it is a whole number of.
pub(super) fn in_words(length: Millis) -> String {
    let units = [
        (86_400_000, "d"),
        (3_600_000, "h"),
        (60_000, "m"),
        (1_000, "s"),
    ];
    let unit = units.iter().find(|&&(unit, _)| length.is_multiple_of(unit));
    match unit {
        Some(&(unit, name)) => format!("{} {name}", length.checked_div(unit).unwrap_or(0)),
        None => format!("{length} ms"),
    }
}

/// Seconds since 1970 in RFC 3339, UTC.
fn timestamp(moment: u64) -> String {
    let days = moment.checked_div(86_400).unwrap_or(0);
    let (hours, minutes, seconds) = split_seconds(moment.checked_rem(86_400).unwrap_or(0));
    let (year, month, day) = date(days);
    format!("{year:04}-{month:02}-{day:02}T{hours:02}:{minutes:02}:{seconds:02}Z")
}

/// The Gregorian date of a day counted from 1970-01-01: whole years, then whole months, are taken off. At most a few
/// hundred steps, and only for a header.
fn date(mut days: u64) -> (u64, u64, u64) {
    let mut year: u64 = 1970;
    while year < 9999 {
        let length = if is_leap(year) { 366 } else { 365 };
        let Some(rest) = days.checked_sub(length) else {
            break;
        };
        days = rest;
        year = year.saturating_add(1);
    }
    let february = if is_leap(year) { 29 } else { 28 };
    let mut month: u64 = 1;
    for length in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30] {
        let Some(rest) = days.checked_sub(length) else {
            break;
        };
        days = rest;
        month = month.saturating_add(1);
    }
    (year, month, days.min(30).saturating_add(1))
}

const fn is_leap(year: u64) -> bool {
    (year.is_multiple_of(4) && !year.is_multiple_of(100)) || year.is_multiple_of(400)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_as_clients_expect() {
        for (seconds, text) in [
            (0, "0s"),
            (59, "59s"),
            (60, "1m0s"),
            (360, "6m0s"),
            (3_723, "1h2m3s"),
            (90_000, "25h0m0s"),
        ] {
            assert_eq!(clock_duration(seconds), text);
        }
        for (millis, text) in [
            (60_000, "1 m"),
            (90_000, "90 s"),
            (86_400_000, "1 d"),
            (1_500, "1500 ms"),
            (18_000_000, "5 h"),
        ] {
            assert_eq!(in_words(millis), text);
        }
    }

    #[test]
    fn moments_are_dates() {
        for (moment, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (951_868_800, "2000-03-01T00:00:00Z"),
            (1_776_816_000, "2026-04-22T00:00:00Z"),
            (1_798_761_599, "2026-12-31T23:59:59Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
        ] {
            assert_eq!(timestamp(moment), text);
        }
        assert_eq!(
            timestamp(u64::MAX).len(),
            20,
            "the far future is the end of what fits"
        );
    }
}
