//! Distinct counts beside the counters: what they say is so, they cost counters nothing, and no thread's is lost.

use std::collections::BTreeMap;
use std::thread;

use proptest::prelude::*;
use serde_json::{Value, json};
use stillgate::distinct::{Added, Sight, Watch, add, look, peek};
use stillgate::exchange::Millis;
use stillgate::store::page::{Census, SLOTS};
use stillgate::store::{Change, Page, Store};
use stillgate::verdict::Verdict;

use crate::gate::{Gate, Request, START};
use crate::ledger::Ledger;
use crate::stores::{Fresh, bytes, holds, on_every_store};
use crate::traffic::{Ask, cases, of_all_lengths, policy_of};

on_every_store!(
    distinct_counts_follow_the_truth,
    strangers_leave_no_trace,
    a_flood_moves_neither_counters_nor_large_sets,
    what_is_admitted_is_counted_beside_sets,
    no_threads_members_are_lost,
);

const HOUR: Millis = 3_600_000;
const DAY: Millis = 24 * HOUR;

/// Slots kept free for the newcomers of as many rules.
const RESERVED: usize = 2;

/// Spreads a number over 64 bits: SplitMix64.
fn spread(number: u64) -> u64 {
    let state = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let state = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let state = (state ^ (state >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    state ^ (state >> 31)
}

fn watch(subject: u64, number: u64) -> Watch {
    Watch {
        tag: spread(subject),
        element: (spread((subject << 32) | (number + 1)) >> 33) as u32,
        window: DAY,
    }
}

/// Visits the page of a subject.
fn visit<S: Store, T>(
    store: &S,
    subject: u64,
    mut visit: impl FnMut(&mut Page) -> (T, Change),
) -> T {
    let page = spread(subject ^ 0xabcd) % u64::from(store.pages());
    store.update(page as u32, &mut visit).unwrap()
}

fn served<S: Store>(store: &S, subject: u64, number: u64, at: Millis) -> Added {
    let watch = watch(subject, number);
    visit(store, subject, |page| add(page, &watch, RESERVED, at))
}

fn seen<S: Store>(store: &S, subject: u64, number: u64, at: Millis) -> Sight {
    let watch = watch(subject, number);
    let sight = visit(store, subject, |page| {
        (peek(page, &watch, at).0, Change::Keep)
    });
    assert_eq!(sight, visit(store, subject, |page| look(page, &watch, at)));
    sight
}

/// Whether an estimate is within so many percent.
fn near(count: u32, truth: usize, percent: u64) -> bool {
    u64::from(count).abs_diff(truth as u64) * 100 <= truth as u64 * percent
}

fn half(at: Millis) -> u64 {
    at / (DAY / 2)
}

/// Subjects of all sizes, through window turns, held against who was seen in which half of a window.
fn distinct_counts_follow_the_truth<S: Fresh>() {
    let visits = (0u64..4, 0u64..40, 1u64..60, any::<bool>(), 0u64..2 * HOUR);
    proptest!(cases(4), |(visits in prop::collection::vec(visits, 1..120))| {
        let store = S::fresh(256 << 10);
        let (mut model, mut at) = (BTreeMap::<u64, BTreeMap<u64, u64>>::new(), 10_000 * DAY);
        for (subject, first, count, serve, gap) in visits {
            at += gap;
            let model = model.entry(subject).or_default();
            // The last subject is seen with more than can be listed.
            let range = if subject == 3 { first * 40..first * 40 + count * 5 } else { first..first + count };
            for number in range {
                model.retain(|_, last| *last + 1 >= half(at));
                let (held, member) = (model.len(), model.contains_key(&number));
                let sight = seen(&store, subject, number, at);
                if sight.exact {
                    prop_assert_eq!((sight.count as usize, sight.member), (held, member));
                    if member {
                        model.insert(number, half(at));
                    }
                } else {
                    prop_assert!(near(sight.count, held, 20), "{:?} of {}", sight, held);
                    prop_assert!(sight.member || !member);
                    prop_assert!(subject == 3);
                }
                if serve {
                    let added = served(&store, subject, number, at);
                    prop_assert!(!added.full && added.sight.member);
                    model.insert(number, half(at));
                }
            }
        }
    });
}

fn strangers_leave_no_trace<S: Fresh>() {
    let store = S::fresh(64 << 10);
    let at = 10_000 * DAY;
    for (subject, count) in [(1, 1), (2, 20), (3, 150), (4, 1_000)] {
        (0..count).for_each(|number| {
            served(&store, subject, number, at);
        });
    }
    let before = bytes(&store);
    for at in [at, at + HOUR, at + DAY / 2, at + DAY, at - HOUR] {
        for stranger in 5_000..5_500 {
            (0..6).for_each(|subject| {
                seen(&store, subject, stranger, at);
            });
        }
    }
    assert_eq!(bytes(&store), before);
}

/// Two rules over a key, in memory for 930 slots.
fn rules(minute: u32, day: u32) -> Value {
    json!({"version": 1, "limits": {"memory": "64KiB"}, "quotas": [
        {"name": "minute", "per": ["key"], "count": "requests", "limit": minute, "window": "1m"},
        {"name": "day", "per": ["key"], "count": "requests", "limit": day, "window": "1d"},
    ]})
}

fn census<S: Store>(store: &S, page: u32) -> Census {
    let count = |page: &mut Page| (page.census(0), Change::Keep);
    store.update(page, count).unwrap()
}

/// Random keys, each from a network of its own: each that is let through leaves a set of one.
fn a_flood_moves_neither_counters_nor_large_sets<S: Fresh>() {
    let gate = Gate::<S>::new(&rules(4, 5));
    let (over, known) = (Request::of("sk-over"), Request::of("sk-known"));
    for turn in 0..5 {
        let at = START + turn / 4 * 70_000;
        assert_eq!(gate.ask(&over, at).verdict, Verdict::Allow);
    }
    assert_eq!(gate.ask(&known, START).verdict, Verdict::Allow);
    let large = |number: u64| (number, 5 + number * 40);
    for (subject, count) in (0..5).map(large) {
        (0..count).for_each(|number| assert!(!served(&gate.store, subject, number, START).full));
    }
    let mut let_through: u32 = 0;
    for wave in 1..6_u64 {
        let at = START + wave * HOUR;
        for number in 0..2_000 {
            let stranger = Request::of(&format!("random-{wave}-{number}"));
            if gate.ask(&stranger, at).verdict == Verdict::Allow {
                let_through += 1;
                let subject = 1_000 + wave * 10_000 + number;
                let added = served(&gate.store, subject, 0, at);
                assert!(added.full || added.sight.count == 1);
            }
        }
        assert_eq!(
            gate.ask(&over, at).verdict,
            Verdict::Throttle,
            "wave {wave}"
        );
        for (subject, count) in (0..5).map(large) {
            let sight = seen(&gate.store, subject, 0, START + HOUR);
            assert!(
                sight.member && sight.count as u64 == count && sight.exact,
                "{sight:?} of {count}"
            );
        }
        for page in 0..gate.store.pages() {
            let census = census(&gate.store, page);
            assert!(census.small + census.large <= SLOTS / 2, "{census:?}");
        }
    }
    assert!(let_through > 400, "{let_through}");
    // The known key has its own counters still, and all that they leave it.
    let decision = gate.ask(&known, START + 6 * HOUR);
    assert!(
        decision.verdict == Verdict::Allow && !decision.effort.shared,
        "{decision:?}"
    );
}

/// Full pages in which sets grow, are over and make room all the time.
fn what_is_admitted_is_counted_beside_sets<S: Fresh>() {
    let rules = of_all_lengths();
    let ask = (0u16..600, prop::bool::weighted(0.5), 0u64..2_000, 0u64..40);
    proptest!(cases(16), |(asks in prop::collection::vec(ask, 2_000..3_000))| {
        let gate = Gate::<S>::new(&policy_of(&rules, "64KiB"));
        let (mut ledger, mut at) = (Ledger::default(), START);
        for (key, post, gap, network) in asks {
            at += gap;
            let ask = Ask { key, network: 0, model: 0, post, at };
            let decision = gate.ask(&ask.request(), at);
            if decision.verdict == Verdict::Allow {
                ledger.enter(&rules, &ask);
                for state in &decision.quotas {
                    prop_assert!(holds(&gate.store, state.standing.tag), "{:?} is not written", state);
                }
                for (subject, number) in [(network, u64::from(key)), (1_000 + u64::from(key), network)] {
                    let watch = Watch { window: 20 * 60_000, ..watch(subject, number) };
                    let added = visit(&gate.store, subject, |page| add(page, &watch, 3, at));
                    prop_assert!(added.full || added.sight.member);
                }
            }
        }
        prop_assert_eq!(ledger.excesses(&rules), Vec::<String>::new());
    });
}

fn no_threads_members_are_lost<S: Fresh>() {
    for (each, threads) in [(4, 4), (40, 4), (500, 4)] {
        let (store, alone) = (S::fresh(4 << 10), S::fresh(4 << 10));
        let at = 10_000 * DAY;
        let numbers = |thread: u64| (0..each).map(move |number| number * threads + thread);
        thread::scope(|scope| {
            for thread in 0..threads {
                let store = &store;
                scope.spawn(move || {
                    // Some clocks are a moment behind, in the half before.
                    let at = at - (thread % 2) * 3;
                    served(store, 1, 0, at + 3);
                    numbers(thread).for_each(|number| {
                        assert!(!served(store, 1, number, at).full);
                    });
                });
            }
        });
        (0..each * threads).for_each(|number| {
            served(&alone, 1, number, at);
        });
        let sight = seen(&store, 1, 0, at);
        assert_eq!(sight, seen(&alone, 1, 0, at));
        assert!(!sight.exact || u64::from(sight.count) == each * threads);
        assert!((0..each * threads).all(|number| seen(&store, 1, number, at).member));
    }
}

/// 16 is what the documentation promises to be exact; the rest is what the error is said to be.
#[test]
fn estimates_are_as_good_as_they_say() {
    for (members, late) in [
        (16, 8),
        (179, 90),
        (200, 0),
        (300, 120),
        (1_000, 500),
        (4_000, 0),
    ] {
        let mut within = 0;
        for seed in 0..100 {
            let mut page = Page::default();
            let at = |number: u64| 10_000 * DAY + DAY / 2 * u64::from(number >= members - late);
            for number in 0..members {
                add(&mut page, &watch(seed, number), RESERVED, at(number));
            }
            let (sight, _) = peek(&page, &watch(seed, 0), at(members - 1));
            assert!(sight.member && sight.exact == (members < 180), "{sight:?}");
            assert!(
                near(
                    sight.count,
                    members as usize,
                    if sight.exact { 0 } else { 20 }
                ),
                "{sight:?} of {members}"
            );
            within += u32::from(near(sight.count, members as usize, 10));
        }
        assert!(within >= 95, "{within} of 100 are within 10 % of {members}");
    }
}
