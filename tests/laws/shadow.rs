//! Promise 9: shadow is invisible.

use proptest::prelude::*;
use serde_json::json;
use stillgate::dialect::Dialect;
use stillgate::engine::Decision;
use stillgate::exchange::Now;
use stillgate::policy::{Policy, Rule as Place};
use stillgate::reply::{self, FAMILIES, fields};
use stillgate::verdict::Verdict;

use crate::gate::{Gate, Request, START};
use crate::guard::{Check, guarded, policies, visits};
use crate::stores::{Fresh, on_every_store};
use crate::traffic::{Rule, cases, policy_of, traffic};

on_every_store!(
    a_policy_in_shadow_is_invisible_and_shows_what_enforcement_does,
    a_rule_in_shadow_is_invisible,
    checks_in_shadow_show_what_enforcement_does,
    a_check_in_shadow_is_invisible,
    nothing_is_refused_in_shadow,
);

fn told(decision: &Decision, policy: &Policy, at: u64) -> Vec<(&'static str, String)> {
    let family = |family| fields(family, decision, Dialect::OpenAi, policy, Now::at(at));
    FAMILIES.into_iter().flat_map(family).collect()
}

/// The same traffic before a policy and before the same policy in shadow: what the one does, the other notes.
fn a_policy_in_shadow_is_invisible_and_shows_what_enforcement_does<S: Fresh>() {
    proptest!(cases(96), |((rules, asks) in traffic(0.0, 3, 1..400))| {
        let mut policy = policy_of(&rules, "1MiB");
        let enforcing = Gate::<S>::new(&policy);
        policy["mode"] = json!("shadow");
        let shadow = Gate::<S>::new(&policy);
        let reads_model = enforcing.engine.policy().reads_bodies();
        for ask in &asks {
            let done = enforcing.ask(&ask.request(), ask.at);
            let noted = shadow.ask(&ask.request(), ask.at);
            prop_assert_eq!(noted.verdict, Verdict::Allow);
            prop_assert!(noted.quotas.is_empty() && noted.retry_at.is_none(), "{:?}", noted);
            prop_assert_eq!(told(&noted, shadow.engine.policy(), ask.at), vec![]);
            let intent = noted.shadow.map(|intent| (intent.verdict, intent.reason));
            let refusal = (done.verdict != Verdict::Allow).then_some((done.verdict, done.reason));
            prop_assert_eq!(intent, refusal, "{:?}", ask);
            // A refusal by headers alone has not asked the rules that wait for the body.
            if !reads_model {
                prop_assert_eq!(noted.shadow.and_then(|intent| intent.rule), done.rule);
            }
        }
    });
}

/// The same traffic before a policy and before what of it is enforced: nobody who asks can tell them apart.
fn a_rule_in_shadow_is_invisible<S: Fresh>() {
    proptest!(cases(96), |((rules, asks) in traffic(0.5, 3, 1..400))| {
        let enforced: Vec<Rule> = rules.iter().filter(|rule| !rule.shadow).cloned().collect();
        let mut policy = policy_of(&rules, "1MiB");
        let with = Gate::<S>::new(&policy);
        if let Some(quotas) = policy["quotas"].as_array_mut() {
            quotas.retain(|quota| quota["mode"] == "enforce");
        }
        let without = Gate::<S>::new(&policy);
        prop_assert_eq!(without.engine.policy().quotas.len(), enforced.len());
        for ask in &asks {
            let one = with.ask(&ask.request(), ask.at);
            let other = without.ask(&ask.request(), ask.at);
            prop_assert_eq!((one.verdict, one.reason, one.retry_at), (other.verdict, other.reason, other.retry_at));
            prop_assert_eq!(told(&one, with.engine.policy(), ask.at), told(&other, without.engine.policy(), ask.at));
        }
    });
}

/// As for quotas. What passes in shadow is served; under the policy that is enforced it would have been served as well, or not
/// have come that far.
fn checks_in_shadow_show_what_enforcement_does<S: Fresh>() {
    proptest!(cases(128), |((quotas, checks) in policies(0.0, true), visits in visits(300))| {
        let mut policy = guarded(&quotas, &checks, "4MiB");
        let enforcing = Gate::<S>::new(&policy);
        policy["mode"] = json!("shadow");
        let shadow = Gate::<S>::new(&policy);
        for visit in &visits {
            let (request, at) = (visit.request(), visit.ask.at);
            let done = enforcing.serve(&request, visit.status, at);
            let noted = shadow.serve(&request, visit.status, at);
            prop_assert_eq!(noted.verdict, Verdict::Allow);
            prop_assert_eq!(all_told(&noted, shadow.engine.policy(), at), vec![]);
            let intent = noted.shadow.map(|intent| (intent.verdict, intent.reason, intent.rule));
            let expected = (done.verdict != Verdict::Allow).then_some((done.verdict, done.reason, done.rule));
            prop_assert_eq!(intent, expected, "{:?}", visit);
            prop_assert_eq!(&noted.findings, &done.findings);
            prop_assert_eq!(&noted.traits, &done.traits);
        }
    });
}

/// The same traffic before a policy and before what of it is enforced: neither clients nor the origin can tell them apart.
fn a_check_in_shadow_is_invisible<S: Fresh>() {
    proptest!(cases(128), |((quotas, checks) in policies(0.5, false), visits in visits(300))| {
        let policy = guarded(&quotas, &checks, "4MiB");
        let with = Gate::<S>::new(&policy);
        let enforced: Vec<Check> = checks.iter().filter(|check| !check.shadow).cloned().collect();
        let mut without = policy;
        for rules in ["quotas", "checks"] {
            without[rules].as_array_mut().unwrap().retain(|rule| rule["mode"] == "enforce");
        }
        let without = Gate::<S>::new(&without);
        prop_assert_eq!(without.engine.policy().checks.len(), enforced.len());
        for visit in &visits {
            let (request, at) = (visit.request(), visit.ask.at);
            let one = with.serve(&request, visit.status, at);
            let other = without.serve(&request, visit.status, at);
            prop_assert_eq!((one.verdict, one.reason, one.retry_at), (other.verdict, other.reason, other.retry_at), "{:?}", visit);
            prop_assert_eq!(all_told(&one, with.engine.policy(), at), all_told(&other, without.engine.policy(), at));
            let name = |gate: &Gate<S>, rule: Option<Place>| rule.map(|rule| gate.engine.policy().name_of(rule).to_owned());
            prop_assert_eq!(name(&with, one.rule), name(&without, other.rule));
        }
    });
}

/// All that clients and the origin are told.
fn all_told(decision: &Decision, policy: &Policy, at: u64) -> Vec<(&'static str, String)> {
    let mut all = told(decision, policy, at);
    all.extend(reply::tags(decision, policy));
    if !decision.verdict.passes() {
        let reply = reply::refusal(decision, Dialect::OpenAi, policy, Now::at(at));
        all.extend(reply.headers);
        all.push(("details", reply.details));
        all.push(("body", reply.body));
    }
    all
}

/// Whatever else a policy refuses for is noted too, and no more.
fn nothing_is_refused_in_shadow<S: Fresh>() {
    let policy = |mode: &str| {
        json!({"version": 1, "mode": mode, "limits": {"body": "1KiB"}, "quotas": [
            {"name": "q", "per": ["key", "model"], "count": "requests", "limit": 1, "window": "1m"},
        ]})
    };
    let (enforcing, shadow) = (
        Gate::<S>::new(&policy("enforce")),
        Gate::<S>::new(&policy("shadow")),
    );
    let anonymous = Request {
        headers: Vec::new(),
        ..Request::of("sk-one")
    };
    let twice = Request::of("sk-one").with("x-api-key", "sk-two");
    let long = Request::of("sk-one").with("content-length", "2000");
    for (request, reason) in [
        (anonymous, "missing_credential"),
        (twice, "ambiguous_credential"),
        (long, "body_too_large"),
    ] {
        let done = enforcing.ask(&request, START);
        assert_eq!((done.verdict, done.reason.label()), (Verdict::Deny, reason));
        let noted = shadow.ask(&request, START);
        assert_eq!(noted.verdict, Verdict::Allow, "{reason}");
        assert!(
            told(&noted, shadow.engine.policy(), START).is_empty(),
            "{reason}"
        );
        let intent = noted.shadow.map(|intent| intent.reason.label());
        // How long a body is only turns out as it passes; the host says so then.
        assert_eq!(
            intent,
            Some(reason).filter(|&reason| reason != "body_too_large")
        );
    }
}
