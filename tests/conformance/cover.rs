//! That the cases leave nothing out, and that hosts are left out by name and for a reason.

use std::collections::BTreeSet;

use serde_json::Value;

use super::case::{File, files};

/// The hosts that there are.
const HOSTS: [&str; 3] = ["native", "envoy", "workerd"];

/// What a policy may say, by the members under which it says it.
const SAID: &[(&str, &[&str])] = &[
    (
        "count",
        &[
            "requests",
            "tokens",
            "input_tokens",
            "output_tokens",
            "cost",
            "concurrent",
        ],
    ),
    (
        "per",
        &[
            "key", "network", "path", "method", "model", "shape", "agent", "country", "asn", "org",
        ],
    ),
    (
        "trait",
        &[
            "key", "network", "path", "method", "model", "agent", "ja4", "ja3", "country", "asn",
            "org",
        ],
    ),
    ("distinct", &["key", "network", "model"]),
    ("contradiction", &["agent", "ja4"]),
    ("then", &["tag", "throttle", "verify", "deny"]),
    ("mode", &["shadow", "enforce"]),
    ("headers", &["refusals"]),
    ("record", &["interventions"]),
    ("on_unreadable", &["deny"]),
    ("missing", &["by_network"]),
    ("absent", &["match"]),
    ("dialect", &["anthropic", "other"]),
];

/// What a record may say.
const RECORDED: &[(&str, &[&str])] = &[
    ("verdict", &["allow", "tag", "throttle", "verify", "deny"]),
    (
        "reason",
        &[
            "none",
            "quota",
            "list",
            "contradiction",
            "distinct",
            "missing_credential",
            "ambiguous_credential",
            "body_too_large",
            "unreadable",
        ],
    ),
    ("source", &["usage", "counted", "reserved", "refunded"]),
];

#[test]
fn nothing_is_left_out() {
    let (mut said, mut recorded) = (BTreeSet::new(), BTreeSet::new());
    for case in files().iter_mut().flat_map(|file| &mut file.cases) {
        gather(&mut said, "", &case.policy);
        for expect in case.expectations().into_iter().flatten() {
            if let Some(record) = &expect.record {
                gather(&mut recorded, "", record);
            }
        }
    }
    let mut missing = Vec::new();
    for (all, found) in [(SAID, said), (RECORDED, recorded)] {
        for (member, words) in all {
            let words = words.iter();
            let pairs = words.map(|word| (String::from(*member), String::from(*word)));
            missing.extend(pairs.filter(|pair| !found.contains(pair)));
        }
    }
    assert_eq!(missing, [], "no case has these");
}

#[test]
fn names_are_unique_and_hosts_are_left_out_for_a_reason() {
    let mut names = BTreeSet::new();
    for File { path, cases, .. } in files() {
        for case in cases {
            let place = format!("{}: {}", path.display(), case.name);
            for (host, reason) in &case.not_on {
                assert!(HOSTS.contains(&host.as_str()), "{place}: no host is {host}");
                assert!(reason.len() > 20, "{place}: why not on {host}?");
            }
            assert!(
                names.insert(case.name),
                "{place}: another case has this name"
            );
        }
    }
    assert!(names.len() > 80, "{} cases", names.len());
}

/// All texts within a value, each with the member that it stands under.
fn gather(found: &mut BTreeSet<(String, String)>, under: &str, value: &Value) {
    match value {
        Value::String(text) => {
            found.insert((under.to_owned(), text.clone()));
        }
        Value::Array(items) => items.iter().for_each(|item| gather(found, under, item)),
        Value::Object(members) => members
            .iter()
            .for_each(|(name, value)| gather(found, name, value)),
        _ => {}
    }
}
