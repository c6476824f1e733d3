//! Promise 10: memory and work have caps that no client moves; and what happens when a store is out of reach.

use proptest::prelude::*;
use serde_json::{Value, json};
use stillgate::policy::{MAX_QUOTAS, Policy};
use stillgate::store::{MemoryStore, PAGE_COST, Page, Store};
use stillgate::verdict::{Reason, Verdict};

use crate::gate::{Gate, Request, START, engine};
use crate::ledger::Ledger;
use crate::stores::{Luck, SwapStore};
use crate::traffic::{cases, policy_of, traffic};

/// As many quotas as there may be, each over traits of its own.
fn widest() -> Value {
    let account: serde_json::Map<String, Value> = (0..MAX_QUOTAS)
        .map(|place| {
            (
                format!("fact-{place}"),
                json!({"header": format!("x-{place}")}),
            )
        })
        .collect();
    let quotas: Vec<Value> = (0..MAX_QUOTAS)
        .map(|place| {
            json!({"name": format!("q-{place}"), "per": [format!("fact-{place}")], "count": "requests",
                "limit": 1_000_000, "window": "1h"})
        })
        .collect();
    json!({"version": 1, "limits": {"memory": "64KiB"}, "account": account, "quotas": quotas})
}

#[test]
fn bounded_memory() {
    let gate = Gate::<SwapStore>::new(&widest());
    let pages = gate.store.pages();
    assert!(u64::from(pages) * PAGE_COST <= 64 << 10);
    let page = Page::default().as_bytes().len();
    for number in 0..2_000_u64 {
        let request = (0..MAX_QUOTAS)
            .fold(Request::of(&format!("sk-{number}")), |request, place| {
                request.with(&format!("x-{place}"), &format!("{number}"))
            });
        gate.ask(&request, START + number);
        let (held, values) = gate.store.size();
        assert!(values <= pages as usize && held == values * page);
    }
    assert_eq!(gate.store.pages(), pages);
    assert_eq!(gate.store.size(), (pages as usize * page, pages as usize));
}

#[test]
fn bounded_work() {
    let mut policy = widest();
    let engine = engine(&policy);
    let store = SwapStore::scripted(1 << 20, &[]);
    let gate = Gate::on(engine, store);
    for turn in 0..100 {
        let before = gate.store.attempts();
        let decision = gate.ask(&Request::of("sk-one"), START + turn);
        assert_eq!(decision.quotas.len(), MAX_QUOTAS);
        // A look at every subject's page, and a charge.
        assert!(gate.store.attempts() - before <= 2 * MAX_QUOTAS);
    }
    let one_more = policy["quotas"][0].clone();
    let quotas = policy["quotas"].as_array_mut().unwrap();
    quotas.push(one_more);
    quotas[MAX_QUOTAS]["name"] = json!("one-more");
    quotas[MAX_QUOTAS]["window"] = json!("2h");
    quotas[MAX_QUOTAS]["limit"] = json!(1_000_001);
    assert!(Policy::parse(policy.to_string().as_bytes()).is_err());
}

#[test]
fn memory_is_what_the_policy_says() {
    for memory in [64 << 10, 1 << 20, 32 << 20] {
        let pages = u64::from(MemoryStore::new(memory).pages());
        assert!(pages * PAGE_COST <= memory && (pages + 1) * PAGE_COST > memory);
    }
}

/// Any mixture of troubles.
fn script() -> impl Strategy<Value = Vec<Luck>> {
    let luck = prop_oneof![
        6 => Just(Luck::Good), 1 => Just(Luck::Conflict), 1 => Just(Luck::NoRead), 1 => Just(Luck::NoWrite)
    ];
    prop::collection::vec(luck, 1..40)
}

/// Whatever fails, what was counted is never over, and what could not be counted goes as the policy says.
#[test]
fn on_error_decides_where_the_store_cannot() {
    proptest!(cases(128), |((rules, asks) in traffic(0.0, 3, 1..300), script in script(), allow in any::<bool>())| {
        let mut policy = policy_of(&rules, "1MiB");
        policy["on_error"] = json!(if allow { "allow" } else { "deny" });
        let gate = Gate::on(engine(&policy), SwapStore::scripted(1 << 20, &script));
        let mut ledger = Ledger::default();
        for ask in &asks {
            let decision = gate.ask(&ask.request(), ask.at);
            match (decision.verdict, decision.reason) {
                (Verdict::Allow, Reason::None) => ledger.enter(&rules, ask),
                (Verdict::Throttle, Reason::Quota) => {}
                (verdict, Reason::Store) => {
                    prop_assert_eq!(verdict, if allow { Verdict::Allow } else { Verdict::Deny });
                    prop_assert!(decision.leases.is_empty() && decision.quotas.is_empty());
                }
                other => prop_assert!(false, "{:?}", other),
            }
        }
        prop_assert_eq!(ledger.excesses(&rules), Vec::<String>::new());
    });
}

#[test]
fn a_store_that_never_answers_is_an_error_every_time() {
    for luck in [Luck::Conflict, Luck::NoRead, Luck::NoWrite] {
        for (mode, on_error, verdict, intent) in [
            ("enforce", "deny", Verdict::Deny, None),
            ("enforce", "allow", Verdict::Allow, None),
            ("shadow", "deny", Verdict::Allow, Some(Verdict::Deny)),
            ("shadow", "allow", Verdict::Allow, None),
        ] {
            let policy = json!({"version": 1, "mode": mode, "on_error": on_error, "quotas": [
                {"name": "key", "per": ["key"], "count": "concurrent", "limit": 5},
                {"name": "all", "per": [], "count": "requests", "limit": 5, "window": "1m"},
            ]});
            let store = SwapStore::scripted(1 << 20, &[luck]);
            let gate = Gate::on(engine(&policy), store);
            for _ in 0..20 {
                let decision = gate.ask(&Request::of("sk-one"), START);
                assert_eq!(decision.verdict, verdict, "{luck:?} {mode} {on_error}");
                assert_eq!(decision.shadow.map(|shadow| shadow.verdict), intent);
                let reason = decision
                    .shadow
                    .map_or(decision.reason, |shadow| shadow.reason);
                assert_eq!(reason, Reason::Store, "{luck:?} {mode} {on_error}");
            }
            assert_eq!(gate.store.size(), (0, 0));
        }
    }
}
