//! Rate-limit headers in the three families that clients read.
//!
//! The tightest quota is told: of those over a window the one with the fewest requests left, or the one that refused.

use super::{Field, seconds_until};
use crate::dialect::Dialect;
use crate::engine::{Decision, QuotaState};
use crate::exchange::{Millis, Now};
use crate::policy::Policy;

/// Headers that belong together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// `RateLimit` and `RateLimit-Policy` of draft-ietf-httpapi-ratelimit-headers.
    Ietf,
    /// `x-ratelimit-*-requests`, on OpenAI's paths.
    OpenAi,
    /// `anthropic-ratelimit-requests-*`, on Anthropic's paths.
    Anthropic,
}

/// All families.
pub const FAMILIES: [Family; 3] = [Family::Ietf, Family::OpenAi, Family::Anthropic];

impl Family {
    /// The names of its headers that are written here, in lower case. An origin that sends any of them speaks for the
    /// whole family.
    #[must_use]
    pub const fn names(self) -> &'static [&'static str] {
        match self {
            Self::Ietf => &["ratelimit", "ratelimit-policy"],
            Self::OpenAi => &[
                "x-ratelimit-limit-requests",
                "x-ratelimit-remaining-requests",
                "x-ratelimit-reset-requests",
            ],
            Self::Anthropic => &[
                "anthropic-ratelimit-requests-limit",
                "anthropic-ratelimit-requests-remaining",
                "anthropic-ratelimit-requests-reset",
            ],
        }
    }

    /// Whether clients of a dialect read this family.
    #[must_use]
    pub const fn speaks(self, dialect: Dialect) -> bool {
        match self {
            Self::Ietf => true,
            Self::OpenAi => matches!(dialect, Dialect::OpenAi),
            Self::Anthropic => matches!(dialect, Dialect::Anthropic),
        }
    }
}

/// Writes the headers of the wanted families, for a request that was admitted or refused.
#[must_use]
pub fn fields(
    decision: &Decision,
    dialect: Dialect,
    policy: &Policy,
    now: Now,
    wanted: &[Family],
) -> Vec<Field> {
    let mut fields = Vec::with_capacity(5);
    let Some(tightest) = tightest(decision, policy) else {
        return fields;
    };
    for family in wanted.iter().filter(|family| family.speaks(dialect)) {
        match family {
            Family::Ietf => ietf(&mut fields, decision, tightest, policy, now),
            Family::OpenAi if !is_concurrent(policy, tightest) => {
                open_ai(&mut fields, tightest, now)
            }
            Family::Anthropic if !is_concurrent(policy, tightest) => {
                anthropic(&mut fields, tightest, now)
            }
            Family::OpenAi | Family::Anthropic => {}
        }
    }
    fields
}

fn tightest<'d>(decision: &'d Decision, policy: &Policy) -> Option<&'d QuotaState> {
    let refused = decision
        .quotas
        .iter()
        .find(|state| Some(state.quota) == decision.rule);
    let rank = |state: &&QuotaState| (is_concurrent(policy, state), state.standing.remaining);
    refused.or_else(|| decision.quotas.iter().min_by_key(rank))
}

fn is_concurrent(policy: &Policy, state: &QuotaState) -> bool {
    policy
        .quotas
        .get(state.quota)
        .is_some_and(|quota| quota.concurrent)
}

/// `t` is when more of the quota is there: for a refusal the same moment as `Retry-After`.
fn ietf(
    fields: &mut Vec<Field>,
    decision: &Decision,
    tightest: &QuotaState,
    policy: &Policy,
    now: Now,
) {
    let mut policies = String::with_capacity(128);
    for state in &decision.quotas {
        let Some(quota) = policy.quotas.get(state.quota) else {
            continue;
        };
        if !policies.is_empty() {
            policies.push_str(", ");
        }
        member(&mut policies, &quota.name, "q", u64::from(state.limit));
        if quota.concurrent {
            policies.push_str(";qu=\"concurrent-requests\"");
        } else {
            parameter(&mut policies, "w", quota.length.div_ceil(1_000));
        }
    }
    let name = policy
        .quotas
        .get(tightest.quota)
        .map_or("", |quota| &quota.name);
    let remaining = if tightest.standing.fits {
        tightest.standing.remaining
    } else {
        0
    };
    let mut limit = String::with_capacity(64);
    member(&mut limit, name, "r", u64::from(remaining));
    if !is_concurrent(policy, tightest) {
        let at = decision.retry_at.unwrap_or(tightest.standing.frees);
        parameter(&mut limit, "t", seconds_until(at, now));
    }
    fields.push(("ratelimit-policy", policies));
    fields.push(("ratelimit", limit));
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

/// OpenAI's `reset` is when the limit is back to its initial state, as a duration such as `6m0s`.
fn open_ai(fields: &mut Vec<Field>, state: &QuotaState, now: Now) {
    let seconds = seconds_until(state.standing.replenished, now);
    fields.push(("x-ratelimit-limit-requests", number(u64::from(state.limit))));
    fields.push((
        "x-ratelimit-remaining-requests",
        number(u64::from(state.standing.remaining)),
    ));
    fields.push(("x-ratelimit-reset-requests", clock_duration(seconds)));
}

/// Anthropic's `reset` is when the limit is fully replenished, as a moment of RFC 3339.
fn anthropic(fields: &mut Vec<Field>, state: &QuotaState, now: Now) {
    let wait = state.standing.replenished.saturating_sub(now.steady);
    let moment = now.wall.saturating_add(wait).div_ceil(1_000);
    fields.push((
        "anthropic-ratelimit-requests-limit",
        number(u64::from(state.limit)),
    ));
    fields.push((
        "anthropic-ratelimit-requests-remaining",
        number(u64::from(state.standing.remaining)),
    ));
    fields.push(("anthropic-ratelimit-requests-reset", timestamp(moment)));
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
