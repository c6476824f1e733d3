//! What a policy says of campaigns, and every fault that it may have there.

use super::*;
use crate::policy::campaigns::{Convict, Facts, Stage, Step, name};
use crate::verdict::Verdict;

/// A policy around campaigns, with what else it says.
fn around(rest: &str, campaigns: &str) -> String {
    format!(
        r#"{{"version": 1, "account": {{"age_days": {{"header": "x-age"}}, "team": {{"header": "x-team"}}}}{rest},
            "campaigns": {campaigns}}}"#
    )
}

const URL: &str = r#", "verify_url": "https://example.org/verify""#;

fn parsed(rest: &str, campaigns: &str) -> Policy {
    let text = around(rest, campaigns);
    Policy::parse(text.as_bytes()).unwrap_or_else(|faults| panic!("{campaigns}: {faults}"))
}

#[test]
fn nothing_has_to_be_said() {
    for (rest, over) in [("", Verdict::Deny), (URL, Verdict::Verify)] {
        let policy = parsed(rest, "{}");
        assert!(!policy.shadow && policy.reads_bodies());
        let campaigns = policy.campaigns.as_ref().unwrap();
        assert!(campaigns.shadow && campaigns.scope.is_everything());
        assert_eq!(campaigns.convict, Convict::default());
        assert_eq!(
            (campaigns.window, campaigns.jitter, campaigns.cap),
            (604_800_000, 300_000, 100_000)
        );
        let age = policy.facts.iter().position(|fact| fact.name == "age_days");
        assert!(age.is_some());
        let facts = Facts {
            age,
            ..Facts::default()
        };
        assert_eq!(campaigns.facts, facts);
        let tag = Step {
            at: Stage::Suspect,
            then: Verdict::Tag,
            budget: None,
        };
        let budget = Step {
            at: Stage::Convicted,
            then: over,
            budget: Some(0),
        };
        assert_eq!(campaigns.steps, [tag, budget]);
        let quota = &policy.quotas[0];
        assert_eq!(
            (quota.name.as_str(), quota.length, quota.shadow, quota.after),
            ("campaign-2", 86_400_000, true, Some(After::Step(1)))
        );
        assert!(matches!(quota.limit, Limit::Fixed(1_000, _)));
        assert_eq!(policy.subjects[quota.subject].traits, [Trait::Campaign]);
    }
    assert!(
        Policy::parse(br#"{"version": 1}"#)
            .unwrap()
            .campaigns
            .is_none()
    );
}

#[test]
fn all_of_it_can_be_said() {
    let policy = parsed(
        r#", "quotas": [{"name": "campaign-1", "per": ["key"], "count": "requests", "limit": 5, "window": "1m"}]"#,
        r#"{"mode": "enforce", "match": {"model": "big*"}, "window": "30d",
            "convict": {"keys": 16, "requests": 64, "score": 4, "families": 5},
            "steps": [{"at": "suspect", "budget": {"requests": 5, "window": "1h"}, "over": "throttle"},
                      {"at": "convicted", "budget": {"requests": 3, "window": "1h"}, "over": "deny"}],
            "facts": {"age": "team", "org": "team"},
            "excuse": [{"text": "You are a poet."}, {"template": "00000000000000Ff"}],
            "acquit": ["c-00000000000000fe"], "jitter": "0s", "cap": 1}"#,
    );
    let campaigns = policy.campaigns.unwrap();
    assert!(!campaigns.shadow && campaigns.scope.reads_model());
    assert_eq!(
        (campaigns.window, campaigns.jitter, campaigns.cap),
        (30 * 86_400_000, 0, 1_000_000)
    );
    assert_eq!(
        (campaigns.convict.keys, campaigns.convict.families),
        (16, 5)
    );
    assert_eq!(campaigns.facts.age, campaigns.facts.org);
    assert_eq!(campaigns.excused_texts, ["You are a poet."]);
    assert_eq!(
        (campaigns.excused, campaigns.acquitted),
        (vec![255], vec![254])
    );
    assert_eq!(name(254), "c-00000000000000fe");
    let budgets: Vec<_> = campaigns.steps.iter().map(|step| step.budget).collect();
    assert_eq!(budgets, [Some(1), Some(2)]);
    let mut tags: Vec<u64> = policy.quotas.iter().map(|quota| quota.id).collect();
    tags.dedup();
    assert_eq!((tags.len(), policy.newcomers.len()), (3, 3));
    assert_eq!(policy.quotas[1].subject, policy.quotas[2].subject);
    assert!(policy.quotas.iter().all(|quota| !quota.shadow));
}

/// A counter goes on as long as its meaning is the same: not its limit, nor what follows, nor the rules around it.
#[test]
fn a_budget_is_known_again() {
    let id = |rest: &str, window: &str, limit: u32, over: &str| {
        let steps = format!(
            r#"{{"steps": [{{"at": "suspect", "budget": {{"requests": {limit}, "window": "{window}"}}, "over": "{over}"}}]}}"#
        );
        parsed(rest, &steps).quotas.pop().map(|quota| quota.id)
    };
    let quotas = format!(r#", "quotas": [{QUOTA}]"#);
    assert_eq!(id("", "1d", 5, "deny"), id(&quotas, "1d", 9, "throttle"));
    assert_ne!(id("", "1d", 5, "deny"), id("", "2d", 5, "deny"));
}

#[test]
fn a_policy_in_shadow_has_its_campaigns_there() {
    for (rest, mode, shadow) in [
        ("", "enforce", false),
        ("", "shadow", true),
        (r#", "mode": "shadow""#, "enforce", true),
    ] {
        let policy = parsed(rest, &format!(r#"{{"mode": "{mode}"}}"#));
        assert_eq!(policy.campaigns.unwrap().shadow, shadow, "{rest} {mode}");
        assert_eq!(policy.quotas[0].shadow, shadow, "{rest} {mode}");
    }
}

#[test]
fn every_fault_of_campaigns_has_a_sentence_of_its_own() {
    const STEP: &str =
        "expected {\"at\": …, \"then\": …} or {\"at\": …, \"budget\": …, \"over\": …}";
    for (campaigns, expected) in [
        ("[]", "/campaigns: found a list of 0; expected an object {…}".to_owned()),
        (
            r#"{"modus": "shadow"}"#,
            "/campaigns/modus: unknown field `modus`; did you mean `mode`? Known here: mode, match, except, window, convict, steps, facts, excuse, acquit, jitter, cap".to_owned(),
        ),
        (
            r#"{"mode": "on"}"#,
            "/campaigns/mode: found \"on\"; expected one of: enforce, shadow".to_owned(),
        ),
        (
            r#"{"window": "1h"}"#,
            "/campaigns/window: found \"1h\"; expected a duration from \"1d\" to \"30d\", such as \"90s\" \"1m\" \"5h\" \"7d\"".to_owned(),
        ),
        (
            r#"{"convict": {"keys": 15}}"#,
            "/campaigns/convict/keys: found 15; expected a whole number from 16 to 1000000000".to_owned(),
        ),
        (
            r#"{"convict": {"requests": 63}}"#,
            "/campaigns/convict/requests: found 63; expected a whole number from 64 to 1000000000".to_owned(),
        ),
        (
            r#"{"convict": {"score": 3}}"#,
            "/campaigns/convict/score: found 3; expected a whole number from 4 to 100".to_owned(),
        ),
        (
            r#"{"convict": {"families": 6}}"#,
            "/campaigns/convict/families: found 6; expected a whole number from 2 to 5".to_owned(),
        ),
        (
            r#"{"steps": [{"at": "suspect"}]}"#,
            format!("/campaigns/steps/0: found an object; {STEP}"),
        ),
        (
            r#"{"steps": [{"at": "suspect", "then": "tag", "over": "deny"}]}"#,
            format!("/campaigns/steps/0: found an object; {STEP}"),
        ),
        (
            r#"{"steps": [{"then": "tag"}]}"#,
            "/campaigns/steps/0: `at` is missing; add \"at\"".to_owned(),
        ),
        (
            r#"{"steps": [{"at": "guilty", "then": "tag"}]}"#,
            "/campaigns/steps/0/at: found \"guilty\"; expected one of: suspect, convicted".to_owned(),
        ),
        (
            r#"{"steps": [{"at": "suspect", "then": "throttle"}]}"#,
            "/campaigns/steps/0/then: found \"throttle\"; expected one of: tag, verify, deny".to_owned(),
        ),
        (
            r#"{"steps": [{"at": "suspect", "budget": {"requests": 1, "window": "1d"}, "over": "tag"}]}"#,
            "/campaigns/steps/0/over: found \"tag\"; expected one of: throttle, verify, deny".to_owned(),
        ),
        (
            r#"{"steps": [{"at": "suspect", "then": "verify"}]}"#,
            "/campaigns/steps/0/then: \"verify\" needs `verify_url`; add \"verify_url\": \"https://…\", where a client can have its account verified".to_owned(),
        ),
        (
            r#"{"steps": [{"at": "suspect", "budget": {"window": "1d"}, "over": "deny"}]}"#,
            "/campaigns/steps/0/budget: `requests` is missing; add \"requests\"".to_owned(),
        ),
        (
            r#"{"steps": [{"at": "suspect", "budget": {"requests": 0, "window": "1d"}, "over": "deny"}]}"#,
            "/campaigns/steps/0/budget/requests: found 0; expected a whole number from 1 to 4294967295".to_owned(),
        ),
        (
            r#"{"facts": {"org": "taem"}}"#,
            "/campaigns/facts/org: found \"taem\"; did you mean \"team\"? It must be named under `account`".to_owned(),
        ),
        (
            r#"{"facts": {"org": "organisation"}}"#,
            "/campaigns/facts/org: found \"organisation\"; expected a name from `account`".to_owned(),
        ),
        (
            r#"{"excuse": [{}]}"#,
            "/campaigns/excuse/0: found an object; expected {\"text\": …} or {\"template\": …}".to_owned(),
        ),
        (
            r#"{"excuse": [{"template": "abc"}]}"#,
            "/campaigns/excuse/0/template: found \"abc\"; expected 16 hex digits, as records show them".to_owned(),
        ),
        (
            r#"{"acquit": ["00000000000000fe"]}"#,
            "/campaigns/acquit/0: found \"00000000000000fe\"; expected the name of a campaign as records show it: c- and 16 hex digits".to_owned(),
        ),
        (
            r#"{"jitter": "2d"}"#,
            "/campaigns/jitter: found \"2d\"; expected a duration from \"0s\" to \"1d\", such as \"90s\" \"1m\" \"5h\" \"7d\"".to_owned(),
        ),
        (
            r#"{"cap": 0}"#,
            "/campaigns/cap: found 0; expected more than 0".to_owned(),
        ),
        (
            r#"{"cap": 1.5}"#,
            "/campaigns/cap: found 1.5; expected a number from 0 to 1 with at most six decimals".to_owned(),
        ),
    ] {
        assert_eq!(faults(&around("", campaigns)), [expected], "{campaigns}");
    }
}

#[test]
fn lists_are_bounded_and_budgets_are_quotas() {
    let step = r#"{"at": "suspect", "budget": {"requests": 1, "window": "1d"}, "over": "deny"}"#;
    let steps = |count: usize| format!(r#"{{"steps": [{}]}}"#, vec![step; count].join(", "));
    assert_eq!(faults(&around("", &steps(8))), Vec::<String>::new());
    assert_eq!(
        faults(&around("", &steps(9))),
        ["/campaigns/steps: found a list of 9; expected at most 8 entries"]
    );
    let quota = |place: usize| {
        format!(
            r#"{{"name": "q{place}", "per": ["key"], "count": "requests", "limit": {}, "window": "{}s"}}"#,
            place + 1,
            place + 1
        )
    };
    let quotas: Vec<String> = (0..20).map(quota).collect();
    let quotas = format!(r#", "quotas": [{}]"#, quotas.join(", "));
    assert_eq!(faults(&around(&quotas, &steps(4))), Vec::<String>::new());
    assert_eq!(
        faults(&around(&quotas, &steps(5))),
        ["/campaigns/steps: makes 25 quotas with all others; expected at most 24"]
    );
    let acquit = vec![r#""c-00000000000000fe""#; 257].join(", ");
    assert_eq!(
        faults(&around("", &format!(r#"{{"acquit": [{acquit}]}}"#))),
        ["/campaigns/acquit: found a list of 257; expected at most 256 entries"]
    );
    let text = "x".repeat(65_537);
    let fault = faults(&around(
        "",
        &format!(r#"{{"excuse": [{{"text": "{text}"}}]}}"#),
    ));
    assert!(fault.len() == 1 && fault[0].ends_with("expected at most 65536 bytes"));
}
