//! Reads how campaigns are found and answered.

use core::ops::RangeInclusive;

use super::Names;
use super::quotas::{except, fact, matches};
use crate::policy::campaigns::{Convict, Stage};
use crate::policy::file::{
    Budget, Campaigns, Duration, Excuse, Facts, Mode, Share, Step, five_minutes, tenth, week,
};
use crate::policy::node::{Fields, Node};
use crate::verdict::Verdict;

/// The most steps.
const MAX_STEPS: usize = 8;
/// The most texts that are excused, and the most campaigns that are acquitted.
const MAX_EXCUSED: usize = 256;
/// The longest text that is excused, in bytes.
const MAX_TEXT: usize = 65_536;
/// The most that it may take to convict.
const MOST: u64 = 1_000_000_000;

pub(super) fn campaigns<'a>(
    node: &Node<'a>,
    names: &mut Names<'a>,
    verifiable: bool,
) -> Option<Campaigns> {
    let fields = node.fields(&[
        "mode", "match", "except", "window", "convict", "steps", "facts", "excuse", "acquit",
        "jitter", "cap",
    ])?;
    let modes = [("enforce", Mode::Enforce), ("shadow", Mode::Shadow)];
    let mode = fields.get("mode").and_then(|node| node.word(&modes));
    let window = fields
        .get("window")
        .and_then(|node| node.duration("1d"..="30d"));
    let jitter = fields
        .get("jitter")
        .and_then(|node| node.duration("0s"..="1d"));
    let steps = match fields.get("steps") {
        Some(node) => list(&node, MAX_STEPS, |item| step(item, verifiable)),
        None => usual_steps(verifiable),
    };
    Some(Campaigns {
        mode: mode.unwrap_or(Mode::Shadow),
        except: except(&fields, names),
        window: window.map_or_else(week, Duration),
        convict: fields
            .get("convict")
            .and_then(|node| convict(&node))
            .unwrap_or_default(),
        steps,
        facts: facts(&fields, &names.facts),
        excuse: fields
            .get("excuse")
            .map(|node| list(&node, MAX_EXCUSED, excuse))
            .unwrap_or_default(),
        acquit: fields
            .get("acquit")
            .map(|node| list(&node, MAX_EXCUSED, acquitted))
            .unwrap_or_default(),
        jitter: jitter.map_or_else(five_minutes, Duration),
        cap: fields
            .get("cap")
            .and_then(|node| cap(&node))
            .unwrap_or_else(tenth),
        matches: matches(&fields)?,
    })
}

/// All items of a list that is not too long. Those with a fault are left out, and noted.
fn list<T>(node: &Node<'_>, most: usize, read: impl Fn(&Node<'_>) -> Option<T>) -> Vec<T> {
    let items = items(node, most);
    let mut all = Vec::with_capacity(items.len());
    for item in &items {
        all.extend(read(item));
    }
    all
}

#[inline(never)] // As `Fields::get`.
fn items<'a>(node: &Node<'a>, most: usize) -> Vec<Node<'a>> {
    let items = node.items().unwrap_or_default();
    if items.len() > most {
        node.fault(&format!("expected at most {most} entries"));
        return Vec::new();
    }
    items
}

#[inline(never)] // As `Fields::get`.
fn convict(node: &Node<'_>) -> Option<Convict> {
    let fields = node.fields(&["keys", "requests", "score", "families"])?;
    let usual = Convict::default();
    Some(Convict {
        keys: number(&fields, "keys", 16..=MOST, usual.keys),
        requests: number(&fields, "requests", 64..=MOST, usual.requests),
        score: number(&fields, "score", 4..=100, usual.score),
        families: number(&fields, "families", 2..=5, usual.families),
    })
}

#[inline(never)] // As `Fields::get`.
fn number(fields: &Fields<'_>, name: &str, range: RangeInclusive<u64>, usual: u32) -> u32 {
    let number = fields.get(name).and_then(|node| node.whole(range));
    let number = number.and_then(|number| u32::try_from(number).ok());
    number.unwrap_or(usual)
}

/// What follows where the policy does not say it.
fn usual_steps(verifiable: bool) -> Vec<Step> {
    let over = if verifiable {
        Verdict::Verify
    } else {
        Verdict::Deny
    };
    vec![
        Step::Then {
            at: Stage::Suspect,
            then: Verdict::Tag,
        },
        Step::Budget {
            at: Stage::Convicted,
            budget: Budget {
                requests: 1_000,
                window: Duration(86_400_000),
            },
            over,
        },
    ]
}

#[inline(never)] // As `Fields::get`.
fn step(node: &Node<'_>, verifiable: bool) -> Option<Step> {
    let fields = node.fields(&["at", "then", "budget", "over"])?;
    let stages = [("suspect", Stage::Suspect), ("convicted", Stage::Convicted)];
    // Each is read before any is asked for, so that all faults of a step are told at once.
    let at = fields.required("at").and_then(|node| node.word(&stages));
    let verdict = |name: &str, first: (&'static str, Verdict)| {
        let node = fields.required(name)?;
        let words = [first, ("verify", Verdict::Verify), ("deny", Verdict::Deny)];
        let verdict = node.word(&words)?;
        if verdict == Verdict::Verify && !verifiable {
            node.fault_at(
                &node.path(),
                "\"verify\" needs `verify_url`",
                "add \"verify_url\": \"https://…\", where a client can have its account verified",
            );
        }
        Some(verdict)
    };
    match (fields.get("then"), fields.get("budget"), fields.get("over")) {
        (Some(_), None, None) => {
            let then = verdict("then", ("tag", Verdict::Tag));
            Some(Step::Then {
                at: at?,
                then: then?,
            })
        }
        (None, Some(budget), Some(_)) => {
            let budget = self::budget(&budget);
            let over = verdict("over", ("throttle", Verdict::Throttle));
            Some(Step::Budget {
                at: at?,
                budget: budget?,
                over: over?,
            })
        }
        _ => {
            node.fault(
                "expected {\"at\": …, \"then\": …} or {\"at\": …, \"budget\": …, \"over\": …}",
            );
            None
        }
    }
}

fn budget(node: &Node<'_>) -> Option<Budget> {
    let fields = node.fields(&["requests", "window"])?;
    let requests = fields
        .required("requests")
        .and_then(|node| node.whole(1..=u64::from(u32::MAX)));
    let window = fields
        .required("window")
        .and_then(|node| node.duration("1s"..="366d"));
    Some(Budget {
        requests: u32::try_from(requests?).ok()?,
        window: Duration(window?),
    })
}

/// Names of facts: those that are written, and otherwise those that `account` has.
#[inline(never)] // As `Fields::get`.
fn facts(fields: &Fields<'_>, known: &[&str]) -> Facts {
    let fields = fields
        .get("facts")
        .and_then(|node| node.fields(&["age", "org", "verified", "contract"]));
    let name = |field: &str, usual: &str| match fields.as_ref().and_then(|fields| fields.get(field))
    {
        Some(node) => fact(&node, known),
        None => known.contains(&usual).then(|| usual.to_owned()),
    };
    Facts {
        age: name("age", "age_days"),
        org: name("org", "org"),
        verified: name("verified", "verified"),
        contract: name("contract", "contract"),
    }
}

fn excuse(node: &Node<'_>) -> Option<Excuse> {
    let fields = node.fields(&["text", "template"])?;
    match (fields.get("text"), fields.get("template")) {
        (Some(text), None) => {
            let written = text.text()?;
            if written.len() > MAX_TEXT {
                text.fault("expected at most 65536 bytes");
            }
            Some(Excuse::Text {
                text: written.to_owned(),
            })
        }
        (None, Some(template)) => hash(
            &template,
            "",
            "expected 16 hex digits, as records show them",
        )
        .map(|template| Excuse::Template { template }),
        _ => {
            node.fault("expected {\"text\": …} or {\"template\": …}");
            None
        }
    }
}

fn acquitted(node: &Node<'_>) -> Option<u64> {
    hash(
        node,
        "c-",
        "expected the name of a campaign as records show it: c- and 16 hex digits",
    )
}

/// Reads what is written as 16 hex digits behind a beginning.
#[inline(never)] // As `Fields::get`.
fn hash(node: &Node<'_>, begin: &str, expected: &str) -> Option<u64> {
    let digits = node.text()?.strip_prefix(begin).unwrap_or_default();
    let value = digits.chars().try_fold(0_u64, |value, digit| {
        Some((value << 4) | u64::from(digit.to_digit(16)?))
    });
    let hash = value.filter(|_| digits.len() == 16);
    if hash.is_none() {
        node.fault(expected);
    }
    hash
}

fn cap(node: &Node<'_>) -> Option<Share> {
    let cap = node.decimal(1)?;
    if cap == 0 {
        node.fault("expected more than 0");
    }
    Some(Share(cap))
}
