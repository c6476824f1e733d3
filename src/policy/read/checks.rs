//! Reads checks: which of three tests each is, and what follows from it.

use super::quotas::{except, matches, per, quota, rule_name, trait_name};
use super::spelling::Spelling;
use super::{Names, Placed, mode};
use crate::policy::file::{Absent, Check, Duration, Except, Quota, Test, Witness};
use crate::policy::node::{Fields, Node};
use crate::verdict::Verdict;

/// The most checks that a policy has: what bounds the work per request.
pub const MAX_CHECKS: usize = 32;
/// The longest place for verification.
const MAX_URL: usize = 2_048;

pub(super) fn checks<'a>(node: &Node<'a>, names: &mut Names<'a>) -> Vec<Placed<Check>> {
    let items = node.items().unwrap_or_default();
    if items.len() > MAX_CHECKS {
        node.fault(&format!("expected at most {MAX_CHECKS} checks"));
    }
    items
        .iter()
        .filter_map(|item| Some((item.path(), check(item, names)?)))
        .collect()
}

fn check<'a>(node: &Node<'a>, names: &mut Names<'a>) -> Option<Check> {
    let fields = node.fields(&[
        "name",
        "trait",
        "in",
        "contradiction",
        "per",
        "distinct",
        "limit",
        "window",
        "then",
        "quota",
        "match",
        "except",
        "absent",
        "mode",
    ])?;
    let verdicts = [
        ("tag", Verdict::Tag),
        ("throttle", Verdict::Throttle),
        ("verify", Verdict::Verify),
        ("deny", Verdict::Deny),
    ];
    // Each is read before any is asked for, so that all faults of a rule are told at once.
    let name = fields.required("name").and_then(|node| rule_name(&node));
    let test = test(node, &fields, names);
    let then = fields
        .required("then")
        .and_then(|node| node.word(&verdicts));
    let quota = lane(&fields, then, names);
    let matches = matches(&fields);
    let except = except(&fields, names);
    let words = [("skip", Absent::Skip), ("match", Absent::Match)];
    let absent = fields
        .get("absent")
        .and_then(|node| node.word(&words))
        .unwrap_or_default();
    Some(Check {
        name: name?,
        test: test?,
        then: then?,
        quota: quota?,
        matches: matches?,
        except,
        absent,
        mode: mode(&fields),
    })
}

/// The one test of a check, by the fields that it has.
fn test<'a>(node: &Node<'a>, fields: &Fields<'a>, names: &mut Names<'a>) -> Option<Test> {
    let written = [
        &["trait", "in"][..],
        &["contradiction"],
        &["per", "distinct", "limit", "window"],
    ]
    .map(|group| group.iter().find(|&&name| fields.get(name).is_some()));
    match written {
        [Some(_), None, None] => listed(fields, names).map(Test::Listed),
        [None, Some(_), None] => contradiction(fields),
        [None, None, Some(_)] => distinct(fields, names),
        [None, None, None] => {
            node.fault_at(
                &node.path(),
                "no test",
                "add `trait` and `in`, or `contradiction`, or `per`, `distinct`, `limit` and `window`",
            );
            None
        }
        several => {
            // So that its list is not told to be of no use.
            let _ = fields
                .get("in")
                .and_then(|node| names.lists.place(&node, None));
            let several: Vec<&str> = several.into_iter().flatten().copied().collect();
            node.fault_at(
                &node.path(),
                &format!("more than one test: `{}`", several.join("`, `")),
                "expected `trait` and `in`, or `contradiction`, or `per`, `distinct`, `limit` and `window`: make a check of each",
            );
            None
        }
    }
}

/// A trait and a list of it, as in a check or an exception.
pub(super) fn listed<'a>(fields: &Fields<'a>, names: &mut Names<'a>) -> Option<Except> {
    let of = fields
        .required("trait")
        .and_then(|node| trait_name(&node, names));
    let list = fields.required("in").and_then(|node| {
        let spelling = of.map(Spelling::of);
        names.lists.place(&node, spelling)
    });
    Some(Except {
        of: of?.to_owned(),
        list: list?,
    })
}

fn contradiction(fields: &Fields<'_>) -> Option<Test> {
    if let Some(absent) = fields.get("absent") {
        absent.fault("expected no `absent`: what is not there contradicts nothing");
    }
    let node = fields.required("contradiction")?;
    let sides: Vec<&str> = node.texts()?.into_iter().map(|(_, side)| side).collect();
    let known = [("ja4", Witness::Ja4), ("shape", Witness::Shape)];
    let witness = known.iter().find(|(witness, _)| {
        // In either order.
        sides.len() == 2 && sides.contains(&"agent") && sides.contains(witness)
    });
    if witness.is_none() {
        node.fault("expected [\"agent\", \"ja4\"] or [\"agent\", \"shape\"]");
    }
    witness.map(|&(_, witness)| Test::Contradiction(witness))
}

fn distinct<'a>(fields: &Fields<'a>, names: &Names<'a>) -> Option<Test> {
    let per = fields.required("per").and_then(|node| per(&node, names));
    let distinct = fields.required("distinct");
    let of = distinct.and_then(|node| trait_name(&node, names));
    let limit = fields
        .required("limit")
        .and_then(|node| node.whole(1..=100_000_000));
    let window = fields
        .required("window")
        .and_then(|node| node.duration("1s"..="366d"));
    let (per, of) = (per?, of?);
    if per.iter().any(|other| other == of) {
        distinct?.fault("is in `per` too, so there is never more than one; count another trait");
        return None;
    }
    Some(Test::Distinct {
        per,
        of: of.to_owned(),
        limit: u32::try_from(limit?).ok()?,
        window: Duration(window?),
    })
}

/// The quota of a check that throttles; `None` if there is a fault.
fn lane<'a>(
    fields: &Fields<'a>,
    then: Option<Verdict>,
    names: &mut Names<'a>,
) -> Option<Option<Quota>> {
    let node = fields.get("quota");
    if then == Some(Verdict::Throttle) {
        return Some(Some(quota(&fields.required("quota")?, names)?));
    }
    if let (Some(node), Some(_)) = (node, then) {
        node.fault("expected no `quota`: only `\"then\": \"throttle\"` has one");
        return None;
    }
    Some(None)
}

/// Reads where an account can be verified: what is put into answers as it stands.
pub(super) fn verify_url(node: &Node<'_>) -> Option<String> {
    let text = node.text()?;
    let rest = ["https://", "http://"]
        .iter()
        .find_map(|scheme| text.strip_prefix(scheme));
    let host = rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/'));
    if host && text.len() <= MAX_URL && text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Some(text.to_owned());
    }
    node.fault("expected a URL that begins with https:// or http://, in ASCII without spaces, of at most 2048 bytes");
    None
}
