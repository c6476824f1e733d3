use super::*;
use crate::verdict::{Reason, Verdict};

fn fleet(rules: &str, nodes: u32, merge: Option<Millis>) -> Fleet {
    let text = format!(r#"{{"version": 1, "limits": {{"memory": "1MiB"}}{rules}}}"#);
    let policy = Policy::parse(text.as_bytes()).unwrap_or_else(|faults| panic!("{faults}"));
    Fleet::new(policy, Secret::new(b"0123456789abcdef"), nodes, merge)
}

fn line(t: Millis, key: &str, rest: &str) -> String {
    format!(
        r#"{{"t": {t}, "method": "POST", "path": "/v1/chat/completions",
            "headers": [["authorization", "Bearer {key}"]]{rest}}}"#
    )
}

fn ask(fleet: &mut Fleet, line: &str) -> Decision {
    let record = Record::parse(line.as_bytes()).unwrap();
    fleet.recorded(&record)
}

const REQUESTS: &str = r#", "quotas": [{"name": "q", "per": ["key"], "count": "requests", "limit": 3, "window": "1m"}]"#;

#[test]
fn nodes_share_their_counters() {
    for (nodes, merge) in [(1, Some(10_000)), (7, Some(10_000)), (7, None), (0, None)] {
        let mut fleet = fleet(REQUESTS, nodes, merge);
        let passed = (0..20)
            .filter(|at| {
                let decision = ask(&mut fleet, &line(1_000_000 + at, "sk-a", ""));
                decision.verdict.passes()
            })
            .count();
        assert_eq!(passed, 3, "{nodes} nodes");
        assert!(fleet.cases().is_empty());
    }
}

#[test]
fn what_passes_is_settled_by_its_answer() {
    let rules = r#", "quotas": [
        {"name": "t", "per": ["key"], "count": "tokens", "limit": 100, "window": "1m"},
        {"name": "c", "per": ["key"], "count": "concurrent", "limit": 1}
    ]"#;
    let body = r#", "body": {"model": "m", "messages": [], "max_tokens": 40}"#;
    for (answer, passed) in [
        (r#", "usage": {"input": 5, "output": 5}"#, 6),
        (r#", "usage": {"input": 5, "output": 90}"#, 1),
        (r#", "status": 500"#, 8),
        ("", 2),
    ] {
        let mut fleet = fleet(rules, 2, None);
        let asked = (0..8).map(|at| {
            let decision = ask(
                &mut fleet,
                &line(1_000_000 + at, "sk-a", &format!("{body}{answer}")),
            );
            assert_ne!(
                decision.rule,
                Some(crate::policy::Rule::Quota(1)),
                "in flight"
            );
            decision.verdict.passes()
        });
        assert_eq!(asked.filter(|passes| *passes).count(), passed, "{answer}");
    }
}

#[test]
fn a_body_that_is_too_long_to_be_read_is_refused_as_in_envoy() {
    let rules = r#", "limits": {"memory": "1MiB", "body": "1KiB"}, "quotas": [
        {"name": "t", "per": ["key"], "count": "tokens", "limit": 100, "window": "1m"}
    ]"#;
    let text = format!(r#"{{"version": 1{rules}}}"#);
    let policy = Policy::parse(text.as_bytes()).unwrap_or_else(|faults| panic!("{faults}"));
    let mut fleet = Fleet::new(policy, Secret::new(b"0123456789abcdef"), 1, None);
    let long = "x".repeat(2_000);
    let decision = ask(
        &mut fleet,
        &line(1_000, "sk-a", &format!(r#", "body": {{"x": "{long}"}}"#)),
    );
    assert_eq!(
        (decision.verdict, decision.reason),
        (Verdict::Deny, Reason::BodyTooLarge)
    );
    let decision = ask(&mut fleet, &line(1_000, "sk-a", r#", "body": "no JSON""#));
    assert_eq!(decision.verdict, Verdict::Allow);
}
