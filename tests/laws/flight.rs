//! Requests in flight: never more than the limit, every slot given back once, and none lost for good.

use proptest::prelude::*;
use serde_json::{Value, json};
use stillgate::engine::Lease;
use stillgate::verdict::Verdict;

use crate::gate::{Gate, Request, START};
use crate::stores::{Fresh, on_every_store};
use crate::traffic::cases;

on_every_store!(
    in_flight_is_exact_while_leases_are_kept,
    lost_leases_run_out,
    a_refused_request_holds_no_slot,
);

const LEASE: u64 = 30_000;

fn policy(limit: u32) -> Value {
    json!({"version": 1, "quotas": [
        {"name": "in-flight", "per": ["key"], "count": "concurrent", "limit": limit, "lease": "30s"},
    ]})
}

/// What happens next to the requests of one key.
#[derive(Debug, Clone)]
enum Step {
    Begin,
    /// One of those in flight ends.
    End(prop::sample::Index),
    /// Time passes, and whoever is in flight keeps its slot.
    Pass(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        5 => Just(Step::Begin),
        3 => any::<prop::sample::Index>().prop_map(Step::End),
        2 => (0..LEASE / 3).prop_map(Step::Pass),
    ]
}

/// A request is admitted if, and only if, a slot is free.
fn in_flight_is_exact_while_leases_are_kept<S: Fresh>() {
    let limits = prop_oneof![1u32..13, 13u32..30];
    proptest!(cases(96), |(limit in limits, steps in prop::collection::vec(step(), 1..300))| {
        let gate = Gate::<S>::new(&policy(limit));
        let request = Request::of("sk-one");
        let mut at = START;
        let mut flying: Vec<Vec<Lease>> = Vec::new();
        for step in steps {
            match step {
                Step::Begin => {
                    let free = flying.len() < limit as usize;
                    let decision = gate.ask(&request, at);
                    prop_assert_eq!(decision.verdict == Verdict::Allow, free, "{} in flight", flying.len());
                    prop_assert_eq!(decision.leases.len(), usize::from(free));
                    if free {
                        flying.push(decision.leases);
                    }
                }
                Step::End(which) if !flying.is_empty() => {
                    let leases = flying.swap_remove(which.index(flying.len()));
                    gate.release(&leases, at);
                }
                Step::End(_) => {}
                Step::Pass(time) => {
                    at += time;
                    flying.iter_mut().for_each(|leases| gate.renew(leases, at));
                }
            }
        }
    });
}

/// Nobody says that these requests have ended: their slots are held for a lease and are all free soon after.
fn lost_leases_run_out<S: Fresh>() {
    proptest!(cases(48), |(limit in prop_oneof![1u32..13, 13u32..100], early in 1..LEASE)| {
        let gate = Gate::<S>::new(&policy(limit));
        let request = Request::of("sk-one");
        for _ in 0..limit {
            prop_assert_eq!(gate.ask(&request, START).verdict, Verdict::Allow);
        }
        prop_assert_eq!(gate.ask(&request, START + LEASE - early).verdict, Verdict::Throttle);
        // Time is kept in 23 steps a lease.
        let late = START + LEASE + LEASE.div_ceil(23);
        for _ in 0..limit {
            prop_assert_eq!(gate.ask(&request, late).verdict, Verdict::Allow);
        }
    });
}

/// A slot that a request had before another rule refused it is free again.
fn a_refused_request_holds_no_slot<S: Fresh>() {
    let gate = Gate::<S>::new(&json!({"version": 1, "quotas": [
        {"name": "in-flight", "per": ["key"], "count": "concurrent", "limit": 2},
        {"name": "network", "per": ["network"], "count": "requests", "limit": 1, "window": "1m"},
    ]}));
    let (near, far) = (
        Request::of("sk-one"),
        Request {
            source: Some([203, 0, 113, 9].into()),
            ..Request::of("sk-one")
        },
    );
    assert_eq!(gate.ask(&near, START).verdict, Verdict::Allow);
    for _ in 0..5 {
        let refused = gate.ask(&near, START);
        assert_eq!(
            (refused.verdict, refused.leases),
            (Verdict::Throttle, Vec::new())
        );
    }
    assert_eq!(gate.ask(&far, START).verdict, Verdict::Allow);
}
