//! Promise 4: eviction forgives nobody, and a flood of random keys hurts the flood.

use proptest::prelude::*;
use serde_json::{Value, json};
use stillgate::verdict::Verdict;

use crate::gate::{Gate, Request, START};
use crate::ledger::Ledger;
use crate::stores::{Fresh, holds, on_every_store};
use crate::traffic::{Ask, cases, of_all_lengths, policy_of};

on_every_store!(
    eviction_forgives_nobody,
    what_is_admitted_is_counted,
    a_flood_does_not_hurt_a_known_key,
    a_flood_passes,
);

/// Two rules over a key, in memory for 930 counters.
fn rules(minute: u32, day: u32) -> Value {
    json!({"version": 1, "limits": {"memory": "64KiB"}, "quotas": [
        {"name": "minute", "per": ["key"], "count": "requests", "limit": minute, "window": "1m"},
        {"name": "day", "per": ["key"], "count": "requests", "limit": day, "window": "1d"},
    ]})
}

/// A thousand requests, each with a key that was never seen before.
fn flood<S: Fresh>(gate: &Gate<S>, wave: u64, at: u64) {
    for number in 0..1_000 {
        gate.ask(&Request::of(&format!("random-{wave}-{number}")), at);
    }
}

fn eviction_forgives_nobody<S: Fresh>() {
    // The larger limit is more than newcomers use up, so whoever is forgotten would get something.
    for limit in [2, 9, 1_000] {
        proptest!(cases(2), |(known in any::<u32>())| {
            let minute = limit / 2;
            let gate = Gate::<S>::new(&rules(minute, limit));
            let over = Request::of(&format!("sk-{known}"));
            for turn in 0..limit {
                let at = START + u64::from(turn / minute) * 70_000;
                prop_assert_eq!(gate.ask(&over, at).verdict, Verdict::Allow, "request {}", turn);
            }
            for wave in 1..12 {
                let at = START + wave * 7_000_000;
                flood(&gate, wave, at);
                prop_assert_eq!(gate.ask(&over, at).verdict, Verdict::Throttle, "wave {}", wave);
            }
            prop_assert_eq!(gate.ask(&over, START + 2 * 86_400_000).verdict, Verdict::Allow);
        });
    }
}

/// Full pages, whose counters are replenished and make room all the time.
fn what_is_admitted_is_counted<S: Fresh>() {
    let rules = of_all_lengths();
    let ask = (0u16..600, prop::bool::weighted(0.5), 0u64..2_000);
    proptest!(cases(16), |(asks in prop::collection::vec(ask, 2_000..3_000))| {
        let gate = Gate::<S>::new(&policy_of(&rules, "64KiB"));
        let (mut ledger, mut at) = (Ledger::default(), START);
        for (key, post, gap) in asks {
            at += gap;
            let ask = Ask { key, network: 0, model: 0, post, at };
            let decision = gate.ask(&ask.request(), at);
            if decision.verdict != Verdict::Allow {
                continue;
            }
            ledger.enter(&rules, &ask);
            for state in &decision.quotas {
                prop_assert!(holds(&gate.store, state.standing.tag), "{:?} is not written", state);
            }
        }
        prop_assert_eq!(ledger.excesses(&rules), Vec::<String>::new());
    });
}

/// A key of which any counter is held gets all that its rules give it, however full its page.
fn a_flood_does_not_hurt_a_known_key<S: Fresh>() {
    let gate = Gate::<S>::new(&rules(60, 1_000));
    let known = Request::of("sk-known");
    assert_eq!(gate.ask(&known, START).verdict, Verdict::Allow);
    for wave in 1..8 {
        // By now all that it used of its minute is replenished.
        let at = START + wave * 120_000;
        flood(&gate, wave, at);
        for turn in 0..60 {
            let decision = gate.ask(&known, at + 1_000);
            assert_eq!(
                decision.verdict,
                Verdict::Allow,
                "request {turn} of wave {wave}: {decision:?}"
            );
        }
        assert_eq!(gate.ask(&known, at + 1_000).verdict, Verdict::Throttle);
    }
}

/// Once the windows of a flood have passed, newcomers have counters of their own again.
fn a_flood_passes<S: Fresh>() {
    let gate = Gate::<S>::new(&rules(60, 1_000));
    flood(&gate, 0, START);
    let later = START + 2 * 86_400_000;
    for key in 0..50 {
        let newcomer = Request::of(&format!("sk-{key}"));
        for turn in 0..60 {
            let decision = gate.ask(&newcomer, later);
            assert_eq!(
                decision.verdict,
                Verdict::Allow,
                "key {key}, request {turn}"
            );
            assert!(!decision.effort.shared, "key {key}, request {turn}");
        }
    }
}
