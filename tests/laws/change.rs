//! Counters survive a change of policy for rules whose meaning did not change, and a clock that is set.

use proptest::prelude::*;
use serde_json::{Value, json};
use stillgate::estimate::Estimator;
use stillgate::exchange::Now;
use stillgate::verdict::Verdict;

use crate::gate::{Gate, Request, START, decide, engine};
use crate::stores::{Fresh, on_every_store};
use crate::traffic::{cases, policy_of, traffic};

on_every_store!(
    counters_survive_where_the_meaning_does,
    another_meaning_starts_afresh,
    the_wall_clock_changes_nothing,
);

fn rule() -> Value {
    json!({"name": "q", "per": ["key", "model"], "count": "requests", "limit": 20, "window": "1h",
        "match": {"method": ["POST", "PUT"]}})
}

/// `rule` with a field changed.
fn changed(field: &str, value: Value) -> Value {
    let mut rule = rule();
    rule[field] = value;
    rule
}

/// A policy of this rule behind another, so that its place is not its meaning.
fn policy(rule: &Value) -> Value {
    let other = json!({"name": "other", "per": ["network"], "count": "requests", "limit": 4_000_000, "window": "1m"});
    json!({"version": 1, "account": {"tier": {"header": "x-tier"}}, "quotas": [other, rule]})
}

/// What is left of a rule named `q`, told with the next request; `None` if that is refused.
fn left<S: Fresh>(policy: &Value, store: &S, at: u64) -> Option<u32> {
    let engine = engine(policy);
    let decision = decide(
        &engine,
        &Estimator::new(),
        store,
        &Request::of("sk-one"),
        Now::at(at),
    );
    let state = decision
        .quotas
        .iter()
        .find(|state| engine.policy().quotas[state.quota].name == "q");
    (decision.verdict == Verdict::Allow).then(|| state.unwrap().standing.remaining)
}

fn counters_survive_where_the_meaning_does<S: Fresh>() {
    let by_tier = json!({"by": "tier", "values": {"pro": 7}, "else": 50});
    for (what, after, limit) in [
        ("nothing", policy(&rule()), 20),
        ("its place", json!({"version": 1, "quotas": [rule()]}), 20),
        ("a larger limit", policy(&changed("limit", json!(21))), 21),
        ("a log", policy(&changed("limit", json!(12))), 12),
        (
            "wide cells",
            policy(&changed("limit", json!(70_000))),
            70_000,
        ),
        ("a limit by tier", policy(&changed("limit", by_tier)), 50),
        (
            "a limit below what was used",
            policy(&changed("limit", json!(5))),
            5,
        ),
        (
            "the order of traits",
            policy(&changed("per", json!(["model", "key"]))),
            20,
        ),
    ] {
        for used in [1, 5, 11] {
            let store = S::fresh(1 << 20);
            for turn in 0..used {
                assert_eq!(left(&policy(&rule()), &store, START), Some(19 - turn));
            }
            let expected = u32::checked_sub(limit, used + 1);
            assert_eq!(
                left(&after, &store, START + 1_000),
                expected,
                "{what}, {used} used"
            );
            // In shadow it goes on counting, and is enforced again where it left off.
            let mut shadow = policy(&rule());
            shadow["mode"] = json!("shadow");
            let gate = Gate::on(engine(&shadow), store);
            assert_eq!(
                gate.ask(&Request::of("sk-one"), START + 2_000).verdict,
                Verdict::Allow
            );
            let since = used + 1 + u32::from(expected.is_some());
            assert_eq!(
                left(&policy(&rule()), &gate.store, START + 3_000),
                u32::checked_sub(19, since)
            );
        }
    }
}

fn another_meaning_starts_afresh<S: Fresh>() {
    for (field, value) in [
        ("window", json!("2h")),
        ("per", json!(["key"])),
        ("match", json!({"method": "POST"})),
        ("match", json!({"method": ["POST", "PUT"], "path": "/v1/*"})),
    ] {
        let store = S::fresh(1 << 20);
        for _ in 0..15 {
            left(&policy(&rule()), &store, START);
        }
        let after = policy(&changed(field, value));
        assert_eq!(left(&after, &store, START), Some(19), "{field}");
    }
}

/// The wall clock is only ever printed: no jump of it moves a counter.
fn the_wall_clock_changes_nothing<S: Fresh>() {
    let walls = prop::collection::vec(any::<u64>(), 300);
    proptest!(cases(48), |((rules, asks) in traffic(0.3, 3, 1..300), walls in walls)| {
        let policy = policy_of(&rules, "1MiB");
        let (true_time, jumping) = (Gate::<S>::new(&policy), Gate::<S>::new(&policy));
        for (ask, wall) in asks.iter().zip(walls) {
            let now = Now { steady: ask.at, wall };
            let expected = true_time.ask(&ask.request(), ask.at);
            prop_assert_eq!(decide(&jumping.engine, &jumping.estimator, &jumping.store, &ask.request(), now), expected);
        }
    });
}
