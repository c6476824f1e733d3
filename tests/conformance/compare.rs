//! The rules by which hosts are held to a case: all that they tell must be what the file says, to the letter, but for the times
//! until something is free again.
//!
//! A host in real time is late by some milliseconds, and its clock stands elsewhere in a window's steps. So of the whole seconds
//! that are told, in `retry-after`, `ratelimit`, `x-ratelimit-reset-*`, `anthropic-ratelimit-*-reset` and in the texts of
//! refusals, each may differ by the time by which the case was late so far, and by one step of a window that has steps, rounded
//! up. The native host is never late, and its clock always stands at the same moment: there everything is exact.

use std::collections::BTreeSet;

use serde_json::Value;
use stillgate::policy::{Limit, Policy};

use super::case::{Arrival, Expect, nothing};

/// When the native host's clock says that every case begins: 2026-01-01T00:00:00Z, in milliseconds.
pub(crate) const BEGINNING: u64 = 1_767_225_600_000;

/// How far told times may be off.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tolerance {
    /// By so many seconds.
    seconds: i64,
    /// By how many seconds the host's case began after the native one.
    began: i64,
}

impl Tolerance {
    /// None.
    pub(crate) const EXACT: Self = Self {
        seconds: 0,
        began: 0,
    };

    /// Of a host whose case began at this moment by the wall clock, and which has been late by so many milliseconds at most.
    pub(crate) fn of(policy: &Value, began: u64, late: u64) -> Self {
        let policy = Policy::parse(policy.to_string().as_bytes()).expect("a policy without faults");
        let steps = policy.quotas.iter().map(|quota| {
            let limit = match &quota.limit {
                Limit::Fixed(limit, _) => *limit,
                Limit::ByFact {
                    values, otherwise, ..
                } => values
                    .iter()
                    .map(|(_, limit)| *limit)
                    .fold(*otherwise, u32::max),
            };
            // As README.md has it: single moments, 23 steps, or 11.
            if quota.is_metered() {
                quota.length.div_ceil(11)
            } else if limit > 12 {
                quota.length.div_ceil(23)
            } else {
                0
            }
        });
        let step = steps.max().unwrap_or(0);
        Self {
            // Nothing real is in time to the millisecond.
            seconds: seconds(late.max(1)) + seconds(step),
            began: i64::try_from(began).expect("a moment") / 1_000
                - i64::try_from(BEGINNING).expect("a moment") / 1_000,
        }
    }
}

fn seconds(millis: u64) -> i64 {
    i64::try_from(millis.div_ceil(1_000)).expect("seconds")
}

/// What of an exchange is not as expected, a line each.
pub(crate) fn compare(expected: &Expect, came: &Expect, tolerance: Tolerance) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut field = |name: &str, expected: String, came: String, same: bool| {
        if !same {
            wrong.push(format!("{name} is {came} and not {expected}"));
        }
    };
    let plain = |status: Option<u16>| status.map_or(String::from("nothing"), |it| it.to_string());
    let same = expected.status == came.status;
    field("status", plain(expected.status), plain(came.status), same);
    for name in names(&expected.headers, &came.headers) {
        let (one, other) = (value(&expected.headers, name), value(&came.headers, name));
        let same = alike(name, &one, &other, tolerance);
        field(&format!("header {name}"), one, other, same);
    }
    let body = |body: &Option<Value>| match body {
        Some(body) => body.to_string(),
        None => String::from("the origin's"),
    };
    let (one, other) = (body(&expected.body), body(&came.body));
    let same = alike("", &one, &other, tolerance);
    field("body", one, other, same);
    let reached = |origin: &Option<Arrival>| {
        String::from(if origin.is_some() {
            "reached"
        } else {
            "not reached"
        })
    };
    let same = expected.origin.is_some() == came.origin.is_some();
    field(
        "the origin",
        reached(&expected.origin),
        reached(&came.origin),
        same,
    );
    if let (Some(one), Some(other)) = (&expected.origin, &came.origin) {
        for name in names(&one.headers, &other.headers) {
            let (one, other) = (value(&one.headers, name), value(&other.headers, name));
            let same = one == other;
            field(&format!("header {name} at the origin"), one, other, same);
        }
        let body = |body: &Option<Value>| match body {
            Some(body) => body.to_string(),
            None => String::from("as it was sent"),
        };
        let (one, other) = (body(&one.body), body(&other.body));
        let same = one == other;
        field("the body at the origin", one, other, same);
    }
    let empty = nothing();
    let (one, other) = (
        expected.record.as_ref().unwrap_or(&empty),
        came.record.as_ref().unwrap_or(&empty),
    );
    let all = [one, other].into_iter().filter_map(Value::as_object);
    let members: BTreeSet<&String> = all.flat_map(|record| record.keys()).collect();
    for member in members {
        let (one, other) = (&one[member], &other[member]);
        field(
            &format!("{member} in the record"),
            one.to_string(),
            other.to_string(),
            one == other,
        );
    }
    wrong
}

type Values = std::collections::BTreeMap<String, Option<String>>;

fn names<'v>(one: &'v Values, other: &'v Values) -> BTreeSet<&'v String> {
    one.keys().chain(other.keys()).collect()
}

/// A header's value; one that is not named is as it was sent, which for Stillgate's own is not at all.
fn value(values: &Values, name: &str) -> String {
    match values.get(name) {
        Some(Some(value)) => format!("`{value}`"),
        Some(None) => String::from("absent"),
        None => String::from("as it was sent"),
    }
}

/// Whether two texts are the same but for times that are close.
fn alike(name: &str, one: &str, other: &str, tolerance: Tolerance) -> bool {
    let moments = name.ends_with("-reset") && tolerance.began != 0;
    if one == other && !moments {
        return true;
    }
    let ((one, ours), (other, theirs)) = (times(name, one), times(name, other));
    let close = |(ours, theirs): (&i64, &i64)| {
        // A moment is told in whole seconds, and so is the beginning of the case.
        let (began, rounding) = if moments {
            (tolerance.began, 1)
        } else {
            (0, 0)
        };
        (ours + began - theirs).abs() <= tolerance.seconds + rounding
    };
    tolerance.seconds > 0
        && one == other
        && ours.len() == theirs.len()
        && ours.iter().zip(&theirs).all(close)
}

/// A text with its times taken out, and the times in seconds.
fn times(name: &str, text: &str) -> (String, Vec<i64>) {
    if name == "retry-after" {
        return cut(text, "`");
    }
    if name == "ratelimit" {
        return cut(text, ";t=");
    }
    let inner = text.trim_matches('`');
    let told = if name.starts_with("x-ratelimit-reset-") {
        duration(inner)
    } else if name.starts_with("anthropic-ratelimit-") && name.ends_with("-reset") {
        moment(inner)
    } else if name.is_empty() {
        let (text, mut seconds) = cut(text, "again in ");
        let (text, more) = cut(&text, "\"retryDelay\":\"");
        seconds.extend(more);
        return (text, seconds);
    } else {
        None
    };
    match told {
        Some(seconds) => (String::new(), vec![seconds]),
        None => (text.to_owned(), Vec::new()),
    }
}

/// Takes out the numbers that stand behind a mark.
fn cut(text: &str, mark: &str) -> (String, Vec<i64>) {
    let (mut rest, mut left, mut numbers) = (text, String::new(), Vec::new());
    while let Some((before, after)) = rest.split_once(mark) {
        let end = after.find(|letter: char| !letter.is_ascii_digit());
        let (digits, tail) = after.split_at(end.unwrap_or(after.len()));
        left.push_str(before);
        left.push_str(mark);
        match digits.parse() {
            Ok(number) => numbers.push(number),
            Err(_) => left.push_str(digits),
        }
        rest = tail;
    }
    left.push_str(rest);
    (left, numbers)
}

/// `1h2m3s` in seconds.
fn duration(text: &str) -> Option<i64> {
    let (mut rest, mut seconds) = (text, 0);
    for (unit, length) in [('h', 3_600), ('m', 60), ('s', 1)] {
        if let Some((number, after)) = rest.split_once(unit) {
            seconds += number.parse::<i64>().ok()? * length;
            rest = after;
        }
    }
    rest.is_empty().then_some(seconds)
}

/// A moment of RFC 3339 in UTC, in seconds since 1970.
fn moment(text: &str) -> Option<i64> {
    let numbers: Vec<i64> = text
        .strip_suffix('Z')?
        .split(['-', 'T', ':'])
        .map(|part| part.parse().ok())
        .collect::<Option<_>>()?;
    let [year, month, day, hours, minutes, seconds] = *numbers.as_slice() else {
        return None;
    };
    // Days since 1970 by the civil calendar, in years that begin with March.
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let days = 365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day - 1;
    Some((days - 719_468) * 86_400 + hours * 3_600 + minutes * 60 + seconds)
}

#[test]
fn times_are_close_and_all_else_is_the_same() {
    let tolerance = Tolerance {
        seconds: 2,
        began: 1_000,
    };
    for (name, one, other, same) in [
        ("retry-after", "`60`", "`62`", true),
        ("retry-after", "`60`", "`63`", false),
        ("retry-after", "`60`", "absent", false),
        (
            "ratelimit",
            "`\"a\";r=0;t=9, \"b\";r=7;t=60`",
            "`\"a\";r=0;t=10, \"b\";r=7;t=58`",
            true,
        ),
        ("ratelimit", "`\"a\";r=0;t=9`", "`\"a\";r=1;t=9`", false),
        (
            "ratelimit",
            "`\"a\";r=0;t=9, \"b\";r=7;t=60`",
            "`\"a\";r=0;t=9, \"b\";r=7;t=63`",
            false,
        ),
        (
            "ratelimit-policy",
            "`\"a\";q=1;w=60`",
            "`\"a\";q=1;w=61`",
            false,
        ),
        ("x-ratelimit-reset-requests", "`1m0s`", "`59s`", true),
        ("x-ratelimit-reset-requests", "`1h1m0s`", "`1h0m57s`", false),
        ("x-ratelimit-limit-requests", "`5`", "`6`", false),
        (
            "anthropic-ratelimit-tokens-reset",
            "`2026-01-01T00:01:00Z`",
            "`2026-01-01T00:17:41Z`",
            true,
        ),
        (
            "anthropic-ratelimit-tokens-reset",
            "`2026-01-01T00:01:00Z`",
            "`2026-01-01T00:01:00Z`",
            false,
        ),
        ("anthropic-ratelimit-tokens-reset", "absent", "absent", true),
        (
            "anthropic-ratelimit-tokens-reset",
            "`2026-01-01T00:01:00Z`",
            "`2026-01-01T00:02:00Z`",
            false,
        ),
        (
            "",
            "{\"message\":\"Try again in 60 s.\"}",
            "{\"message\":\"Try again in 61 s.\"}",
            true,
        ),
        (
            "",
            "{\"message\":\"Try again in 60 s.\"}",
            "{\"message\":\"Try again in 61 s!\"}",
            false,
        ),
        (
            "",
            "{\"retryDelay\":\"60s\"}",
            "{\"retryDelay\":\"64s\"}",
            false,
        ),
    ] {
        assert_eq!(
            alike(name, one, other, tolerance),
            same,
            "{name} {one} {other}"
        );
        assert_eq!(
            alike(name, one, other, Tolerance::EXACT),
            one == other,
            "{name} {one} {other}"
        );
    }
    assert_eq!(moment("2026-01-01T00:00:00Z"), Some(1_767_225_600));
}
