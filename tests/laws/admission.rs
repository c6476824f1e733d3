//! Promises 1 and 2: never over, never stingy.

use std::sync::Barrier;
use std::thread;

use proptest::prelude::*;
use serde_json::json;
use stillgate::estimate::Estimator;
use stillgate::exchange::Now;
use stillgate::verdict::Verdict;

use crate::gate::{Gate, Request, START, decide, engine};
use crate::ledger::Ledger;
use crate::stores::{Fresh, on_every_store};
use crate::traffic::{Ask, cases, policy_of, rules, traffic};

on_every_store!(
    never_over,
    never_over_on_threads,
    never_over_while_limits_change,
    exactly_the_limit_on_threads,
    never_stingy,
    never_stingy_while_limits_alternate,
    a_burst_on_a_fresh_key_gets_all,
);

fn never_over<S: Fresh>() {
    proptest!(cases(96), |((rules, asks) in traffic(0.3, 3, 1..400))| {
        let gate = Gate::<S>::new(&policy_of(&rules, "1MiB"));
        let mut ledger = Ledger::default();
        for ask in &asks {
            if gate.ask(&ask.request(), ask.at).verdict == Verdict::Allow {
                ledger.enter(&rules, ask);
            }
        }
        prop_assert_eq!(ledger.excesses(&rules), Vec::<String>::new());
    });
}

fn never_over_on_threads<S: Fresh>() {
    proptest!(cases(24), |(rules in rules(0.3), pace in 0u64..4_000)| {
        let gate = Gate::<S>::new(&policy_of(&rules, "1MiB"));
        // All read the same clock and meet before it moves: what is held is the counters, not the stamps of a thread
        // that slept between its look at the clock and its turn.
        let barrier = Barrier::new(4);
        let admitted = thread::scope(|scope| {
            let work = |thread: u64| {
                let (gate, barrier) = (&gate, &barrier);
                move || {
                    let ask = |turn: u64| {
                        if turn.is_multiple_of(5) {
                            barrier.wait();
                        }
                        Ask {
                            key: (turn % 2) as u16,
                            network: (turn % 3 / 2) as u8,
                            model: (turn % 5 / 3) as u8,
                            post: turn % 4 != thread,
                            at: START + turn / 5 * pace,
                        }
                    };
                    let asks = (0..150).map(ask);
                    asks.filter(|ask| gate.ask(&ask.request(), ask.at).verdict == Verdict::Allow).collect::<Vec<_>>()
                }
            };
            let threads: Vec<_> = (0..4).map(|thread| scope.spawn(work(thread))).collect();
            threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
        });
        let mut ledger = Ledger::default();
        admitted.iter().for_each(|ask| ledger.enter(&rules, ask));
        prop_assert_eq!(ledger.excesses(&rules), Vec::<String>::new());
    });
}

/// Two subjects, so that a refusal by the second gives back what the first was charged.
fn exactly_the_limit_on_threads<S: Fresh>() {
    for round in 0..20 {
        let gate = Gate::<S>::new(&json!({"version": 1, "quotas": [
            {"name": "key", "per": ["key"], "count": "requests", "limit": 50, "window": "1h"},
            {"name": "model", "per": ["key", "model"], "count": "requests", "limit": 10, "window": "1h"},
        ]}));
        let ask = |model: u64| Ask {
            key: 0,
            network: 0,
            model: model as u8,
            post: true,
            at: START + round,
        };
        let admitted = |model| {
            let ask = ask(model);
            gate.ask(&ask.request(), ask.at).verdict == Verdict::Allow
        };
        let together: usize = thread::scope(|scope| {
            let work = |thread: u64| {
                move || {
                    (0..50_u64)
                        .filter(|turn| admitted((turn + thread) % 4))
                        .count()
                }
            };
            let threads: Vec<_> = (0..4).map(|thread| scope.spawn(work(thread))).collect();
            threads
                .into_iter()
                .map(|thread| thread.join().unwrap())
                .sum()
        });
        let after = (4..8).map(|model| (0..50).filter(|_| admitted(model)).count());
        assert_eq!(together + after.sum::<usize>(), 50, "round {round}");
    }
}

/// A limit that holds for a request holds against all that was admitted before it, under whatever limit.
fn never_over_while_limits_change<S: Fresh>() {
    let limits = prop::collection::vec(prop_oneof![1u32..13, 13u32..200, Just(70_000u32)], 2..4);
    let steps = prop::collection::vec((0u64..60, 0usize..4, 1usize..12), 1..120);
    proptest!(cases(96), |(limits in limits, seconds in 1u64..4_000, steps in steps)| {
        let policy = |limit: &u32| json!({"version": 1, "quotas": [
            {"name": "q", "per": ["key"], "count": "requests", "limit": limit, "window": format!("{seconds}s")},
        ]});
        let engines: Vec<_> = limits.iter().map(|limit| engine(&policy(limit))).collect();
        let store = S::fresh(1 << 20);
        let (mut at, mut admitted) = (START, Vec::new());
        for (gap, which, times) in steps {
            at += gap * seconds * 10;
            let which = which % limits.len();
            for _ in 0..times {
                if decide(&engines[which], &Estimator::new(), &store, &Request::of("sk-one"), Now::at(at)).verdict == Verdict::Allow {
                    admitted.push(at);
                    let within = admitted.iter().filter(|&&then| at < then + seconds * 1_000).count();
                    prop_assert!(within <= limits[which] as usize, "{} > {} at {}", within, limits[which], at);
                }
            }
        }
    });
}

fn even_use<S: Fresh>(gate: &Gate<S>, limit: u32, window: u64, request: impl Fn(u64) -> Request) {
    let gap = window.div_ceil(limit.into());
    let asked = 4 * u64::from(limit);
    let passes = |turn: &u64| {
        let decision = gate.ask(&request(*turn), START + turn * gap);
        decision.verdict == Verdict::Allow
    };
    let admitted = (0..asked).filter(passes).count() as u64;
    assert!(
        admitted * 10 >= asked * 9,
        "{limit} in {window} ms: {admitted} of {asked}"
    );
}

fn never_stingy<S: Fresh>() {
    let seconds = prop_oneof![1u64..100, Just(3_600), Just(86_400), Just(30 * 86_400)];
    proptest!(cases(96), |(limit in prop_oneof![1u32..13, 13u32..=200], seconds in seconds)| {
        let gate = Gate::<S>::new(&json!({"version": 1, "quotas": [
            {"name": "q", "per": ["key"], "count": "requests", "limit": limit, "window": format!("{seconds}s")},
        ]}));
        even_use(&gate, limit, seconds * 1_000, |_| Request::of("sk-one"));
    });
}

/// Two members of one organisation, whose limits differ and share a counter.
fn never_stingy_while_limits_alternate<S: Fresh>() {
    for (less, more) in [(12, 13), (12, 12), (100, 200), (200, 70_000)] {
        let gate = Gate::<S>::new(&json!({
            "version": 1,
            "account": {"org": {"header": "x-org"}, "tier": {"header": "x-tier"}},
            "quotas": [{"name": "q", "per": ["org"], "count": "requests", "window": "1m",
                "limit": {"by": "tier", "values": {"pro": more}, "else": less}}],
        }));
        even_use(&gate, less, 60_000, |turn| {
            Request::of("sk-one")
                .with("x-org", "acme")
                .with("x-tier", ["free", "pro"][turn as usize % 2])
        });
    }
}

fn a_burst_on_a_fresh_key_gets_all<S: Fresh>() {
    proptest!(cases(48), |(limit in 1u32..=200, seconds in 1u64..100_000, span in 0u64..500)| {
        let gate = Gate::<S>::new(&json!({"version": 1, "quotas": [
            {"name": "q", "per": ["key"], "count": "requests", "limit": limit, "window": format!("{seconds}s")},
        ]}));
        // Spread over less than a window, in which nothing is replenished.
        let at = |turn: u64| START + turn * (seconds * span) / u64::from(limit + 1);
        for turn in 0..u64::from(limit) {
            let decision = gate.ask(&Request::of("sk-one"), at(turn));
            prop_assert_eq!(decision.verdict, Verdict::Allow, "request {}", turn);
        }
        let decision = gate.ask(&Request::of("sk-one"), at(limit.into()));
        prop_assert_eq!(decision.verdict, Verdict::Throttle);
    });
}
