//! Reads quotas, and what they have in common with checks.

use super::checks::listed;
use super::identity::put;
use super::{Names, Placed, TRAITS, mode};
use crate::policy::file::{Count, Duration, Except, Limit, Match, OneOrMany, Quota};
use crate::policy::json::Json;
use crate::policy::node::{Fields, Node, nearest};

/// The most quotas that a policy has: what bounds the work per request, and the room that a page keeps for newcomers.
pub const MAX_QUOTAS: usize = 24;
/// The most lists that excuse from one rule.
const MAX_EXCEPT: usize = 16;

pub(super) fn quotas<'a>(node: &Node<'a>, names: &mut Names<'a>) -> Vec<Placed<Quota>> {
    let items = node.items().unwrap_or_default();
    if items.len() > MAX_QUOTAS {
        node.fault(&format!("expected at most {MAX_QUOTAS} quotas"));
    }
    items
        .iter()
        .filter_map(|item| Some((item.path(), quota(item, names)?)))
        .collect()
}

pub(super) fn quota<'a>(node: &Node<'a>, names: &mut Names<'a>) -> Option<Quota> {
    let fields = node.fields(&[
        "name", "per", "count", "limit", "window", "lease", "match", "except", "mode",
    ])?;
    // Each is read before any is asked for, so that all faults of a rule are told at once.
    let name = fields.required("name").and_then(|node| rule_name(&node));
    let per = fields.required("per").and_then(|node| per(&node, names));
    let count = fields
        .required("count")
        .and_then(|node| node.word(&Count::NAMES));
    let limit = fields
        .required("limit")
        .and_then(|node| self::limit(&node, &names.facts, count));
    let matches = matches(&fields);
    let except = except(&fields, names);
    let mode = mode(&fields);
    let (window, lease) = lengths(&fields, count);
    let (Some(name), Some(per), Some(count), Some(limit), Some(matches)) =
        (name, per, count, limit, matches)
    else {
        return None;
    };
    Some(Quota {
        name,
        per,
        count,
        limit,
        window,
        lease,
        matches,
        except,
        mode,
    })
}

/// A window for what is counted over time, a lease for what is in flight, and neither with the other.
fn lengths(fields: &Fields<'_>, count: Option<Count>) -> (Option<Duration>, Option<Duration>) {
    let (window, lease) = (fields.get("window"), fields.get("lease"));
    match count {
        Some(count) if count != Count::Concurrent => {
            if let Some(lease) = lease {
                lease.fault("expected no `lease`: only `\"count\": \"concurrent\"` has one");
            }
            let window = fields
                .required("window")
                .and_then(|node| node.duration("1s"..="366d"));
            (Some(Duration(window.unwrap_or(60_000))), None)
        }
        Some(_) => {
            if let Some(window) = window {
                window.fault("expected no `window`: requests in flight have a `lease`");
            }
            let lease = lease.map_or(Some(60_000), |node| node.duration("5s"..="1h"));
            (None, Some(Duration(lease.unwrap_or(60_000))))
        }
        None => (None, None),
    }
}

pub(super) fn rule_name(node: &Node<'_>) -> Option<String> {
    let text = node.text()?;
    let letters =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-".contains(&byte);
    if text.len() <= 64 && text.bytes().all(letters) {
        return Some(text.to_owned());
    }
    node.fault("expected a name of 1 to 64 of: a-z 0-9 . _ -");
    None
}

/// The traits of a subject, each once.
pub(super) fn per(node: &Node<'_>, names: &Names<'_>) -> Option<Vec<String>> {
    let mut traits: Vec<String> = Vec::new();
    let mut sound = true;
    for item in node.items()? {
        let Some(name) = trait_name(&item, names) else {
            sound = false;
            continue;
        };
        if traits.iter().any(|other| other == name) {
            item.fault("is written twice; write it once");
            sound = false;
        } else {
            traits.push(name.to_owned());
        }
    }
    sound.then_some(traits)
}

/// The name of a trait.
pub(super) fn trait_name<'a>(node: &Node<'a>, names: &Names<'_>) -> Option<&'a str> {
    let name = node.text()?;
    let known: Vec<&str> = TRAITS.iter().chain(&names.facts).copied().collect();
    if known.contains(&name) {
        return Some(name);
    }
    let list = format!("known: {} (more under `account`)", known.join(", "));
    node.fault(&nearest(name, &known).map_or(list.clone(), |near| {
        format!("did you mean \"{near}\"? {list}")
    }));
    None
}

/// The lists that excuse from a rule. One with a fault is left out, and noted.
pub(super) fn except<'a>(fields: &Fields<'a>, names: &mut Names<'a>) -> Vec<Except> {
    let node = fields.get("except");
    let items = node.and_then(|node| node.items()).unwrap_or_default();
    if let Some(node) = node.filter(|_| items.len() > MAX_EXCEPT) {
        node.fault(&format!("expected at most {MAX_EXCEPT} lists"));
    }
    items
        .iter()
        .filter_map(|item| listed(&item.fields(&["trait", "in"])?, names))
        .collect()
}

/// The most tokens, and the most units of cost, that a limit may allow.
const MOST_TOKENS: u64 = 1_000_000_000_000_000;
const MOST_COST: u64 = 1_000_000_000;

/// The name of a fact.
#[inline(never)] // As `Fields::get`.
pub(super) fn fact(node: &Node<'_>, facts: &[&str]) -> Option<String> {
    let name = node.text()?;
    if facts.contains(&name) {
        return Some(name.to_owned());
    }
    node.fault(&match nearest(name, facts) {
        Some(near) => format!("did you mean \"{near}\"? It must be named under `account`"),
        None => String::from("expected a name from `account`"),
    });
    None
}

fn limit(node: &Node<'_>, facts: &[&str], count: Option<Count>) -> Option<Limit> {
    let number = |node: &Node<'_>| match count {
        Some(Count::Requests | Count::Concurrent) | None => node.whole(1..=u64::from(u32::MAX)),
        Some(Count::Tokens | Count::InputTokens | Count::OutputTokens) => {
            node.whole(1..=MOST_TOKENS)
        }
        Some(Count::Cost) => {
            let limit = node.decimal(MOST_COST)?;
            if limit == 0 {
                node.fault("expected more than 0");
            }
            Some(limit)
        }
    };
    if !matches!(node.value(), Json::Object(_)) {
        return number(node).map(Limit::Number);
    }
    let fields = node.fields(&["by", "values", "else"])?;
    let by = fields.required("by").and_then(|node| fact(&node, facts));
    let otherwise = fields.required("else").and_then(|node| number(&node));
    let mut values = Vec::new();
    for (name, node) in fields.required("values")?.entries()?.iter() {
        if let Some(limit) = number(&node) {
            put(&mut values, name, limit, &node);
        }
    }
    Some(Limit::By {
        by: by?,
        values,
        otherwise: otherwise?,
    })
}

/// Which requests a rule is about.
pub(super) fn matches(fields: &Fields<'_>) -> Option<Match> {
    let Some(node) = fields.get("match") else {
        return Some(Match::default());
    };
    let fields = node.fields(&["path", "model", "method"])?;
    Some(Match {
        path: rooted_patterns(&fields),
        model: patterns(&fields, "model", |_| true, ""),
        method: patterns(
            &fields,
            "method",
            |text| {
                text.bytes()
                    .all(|byte| byte.is_ascii_uppercase() || byte == b'-')
            },
            "can never match: methods are in capitals, such as POST",
        ),
    })
}

fn patterns(
    fields: &Fields<'_>,
    name: &str,
    fits: fn(&str) -> bool,
    expected: &str,
) -> Option<OneOrMany> {
    let texts = fields.get(name)?.texts()?;
    for (item, text) in &texts {
        if !fits(text) {
            item.fault(expected);
        }
    }
    Some(OneOrMany::Many(
        texts.into_iter().map(|(_, text)| text.to_owned()).collect(),
    ))
}

/// Patterns of a path.
pub(super) fn rooted_patterns(fields: &Fields<'_>) -> Option<OneOrMany> {
    let rooted =
        |text: &str| (text.starts_with('/') || text.starts_with('*')) && !text.contains('?');
    let expected = "can never match: every path begins with `/` and ends before `?`; expected such a pattern, or one that begins with `*`";
    patterns(fields, "path", rooted, expected)
}
