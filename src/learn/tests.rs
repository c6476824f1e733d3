#![expect(
    clippy::arithmetic_side_effects,
    reason = "a test that overflows should stop and say so"
)]

use core::fmt::Write as _;

use proptest::prelude::*;

use super::*;
use crate::campaign::Book;
use crate::dialect::request;
use crate::engine::{Content, Ending, Engine, Screening, Text};
use crate::estimate::Estimator;
use crate::policy::Trait;
use crate::policy::check::{Check, Distinct};
use crate::policy::scope::Scope;
use crate::store::MemoryStore;
use crate::usage::Seen;
use crate::verdict::{Reason, Verdict};

const START: u64 = 1_776_816_000_000;

fn secret() -> Secret {
    Secret::new(b"0123456789abcdef")
}

fn policy(quotas: &str) -> Policy {
    let text = format!(
        r#"{{"version": 1, "account": {{"tier": {{"header": "x-tier"}}}}, "limits": {{"memory": "4MiB"}},
            "prices": [{{"model": "*", "input": 2.5, "cached": 0.25, "output": 10, "reasoning": 12}}],
            "quotas": [{quotas}]}}"#
    );
    Policy::parse(text.as_bytes()).unwrap()
}

/// A policy with a check of distinct networks for each key.
fn checking(limit: u32, window: u64, then: Verdict) -> Policy {
    let mut policy = policy("");
    policy.subjects.push(crate::policy::Subject {
        id: 77,
        traits: vec![Trait::Key],
    });
    policy.checks.push(Check {
        name: String::from("shared"),
        scope: Scope::default(),
        test: Test::Distinct(Distinct {
            id: 99,
            subject: 0,
            of: Trait::Network,
            limit,
            window,
        }),
        then,
        absent_matches: false,
        reads_model: false,
        shadow: false,
    });
    policy
}

/// A request of a trace.
#[derive(Debug, Clone)]
struct Asked {
    wait: u64,
    key: u8,
    network: u8,
    tier: u8,
    cap: Option<u16>,
    status: Option<u16>,
    usage: Option<(u16, u16)>,
}

fn asked() -> impl Strategy<Value = Asked> {
    (
        0..8_000_u64,
        0..3_u8,
        0..40_u8,
        0..3_u8,
        prop::option::of(1..4_000_u16),
        prop_oneof![
            6 => Just(None),
            1 => Just(Some(401)),
            1 => Just(Some(500)),
            1 => Just(Some(504)),
            1 => Just(Some(200))
        ],
        // So much input that it cannot be of the text: nothing is learned from it, and so nothing from what is refused.
        prop::option::of((200..3_000_u16, 0..3_000_u16)),
    )
        .prop_map(|(wait, key, network, tier, cap, status, usage)| Asked {
            wait,
            key,
            network,
            tier,
            cap,
            status,
            usage,
        })
}

fn lines(trace: &[Asked]) -> Vec<String> {
    let mut t = START;
    let mut lines = Vec::new();
    for asked in trace {
        t += asked.wait;
        let mut line = format!(
            r#"{{"t": {t}, "source": "192.0.{}.1", "method": "POST", "path": "/v1/chat/completions", "headers": [["authorization", "Bearer sk-{}"], ["x-tier", "t{}"]]"#,
            asked.network, asked.key, asked.tier
        );
        let cap = asked
            .cap
            .map_or_else(String::new, |cap| format!(r#", "max_tokens": {cap}"#));
        let _ = write!(
            line,
            r#", "body": {{"model": "m", "messages": [{{"role": "user", "content": "one two three"}}]{cap}}}"#
        );
        if let Some(status) = asked.status {
            let _ = write!(line, r#", "status": {status}"#);
        }
        if let Some((input, output)) = asked.usage {
            let _ = write!(
                line,
                r#", "usage": {{"input": {input}, "output": {output}}}"#
            );
        }
        line.push('}');
        lines.push(line);
    }
    lines
}

fn learn(policy: &Policy, lines: &[String], memory: usize) -> (Totals, Vec<Row>) {
    let mut learner = Learner::new(policy.clone(), secret(), memory);
    let records: Vec<Record<'_>> = lines
        .iter()
        .map(|line| Record::parse(line.as_bytes()).unwrap())
        .collect();
    for record in &records {
        learner.observe(record);
    }
    let totals = learner.totals();
    let mut rehearsal = learner.rehearse();
    for record in &records {
        rehearsal.observe(record);
    }
    assert_eq!(rehearsal.totals(), totals);
    (totals, rehearsal.finish())
}

/// Requests that the engine itself refuses, or in which a check finds something.
fn engine_touches(policy: &Policy, lines: &[String]) -> u64 {
    let engine = Engine::new(policy.clone(), secret());
    let (store, estimator) = (MemoryStore::new(policy.memory), Estimator::new());
    let mut touched = 0;
    for line in lines {
        let record = Record::parse(line.as_bytes()).unwrap();
        let headers = record.headers();
        let (exchange, now) = (record.exchange(&headers), record.now());
        let body = record.body.as_deref();
        let mut decision = match engine.screen(&exchange, body.is_some(), now, &store) {
            Screening::Ready(content) => engine.decide(
                &exchange,
                content,
                &estimator,
                &Book::default(),
                now,
                &store,
            ),
            Screening::ReadBody => {
                let prompt = request::read(body.unwrap()).unwrap();
                engine.decide(
                    &exchange,
                    Content::Read(&prompt, Text::Bytes(body.unwrap())),
                    &estimator,
                    &Book::default(),
                    now,
                    &store,
                )
            }
            Screening::Refuse(decision) => *decision,
        };
        touched += u64::from(decision.reason == Reason::Quota || !decision.findings.is_empty());
        if decision.verdict.passes() {
            let status = record.status.unwrap_or(200);
            engine
                .remember(&mut decision.reservation, status, now, &store)
                .unwrap();
            let seen = record.usage.map(|told| Seen {
                told,
                came: true,
                understood: true,
                complete: true,
                ..Seen::default()
            });
            let ending = Ending::Answered { status, seen };
            let settled = engine.settle(&decision.reservation, &ending, &estimator, now, &store);
            settled.1.unwrap();
        }
    }
    touched
}

/// The same policy with another limit for its only quota.
fn with_limit(policy: &Policy, limit: u32) -> Policy {
    let mut policy = policy.clone();
    let quota = &mut policy.quotas[0];
    quota.limit = Limit::Fixed(limit, quota.scale(limit));
    policy
}

fn tokens(count: &str, limit: &str) -> Policy {
    policy(&format!(
        r#"{{"name": "q", "per": ["key"], "count": "{count}", "limit": {limit}, "window": "1m"}}"#
    ))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn limits_touch_what_the_engine_refuses(
        trace in prop::collection::vec(asked(), 1..120),
        limit in 1..30_u32,
        large in 1..20_000_u32,
    ) {
        let lines = lines(&trace);
        for policy in [
            tokens("requests", &limit.to_string()),
            tokens("tokens", &large.to_string()),
            tokens("output_tokens", &large.to_string()),
            tokens("cost", "0.02"),
        ] {
            let (_, rows) = learn(&policy, &lines, 1 << 24);
            for trial in &rows[0].trials {
                let tried = with_limit(&policy, trial.limit);
                prop_assert_eq!(engine_touches(&tried, &lines), trial.requests, "{:?}", trial);
            }
        }
    }

    #[test]
    fn checks_touch_what_the_engine_finds(
        trace in prop::collection::vec(asked(), 1..120),
        limit in 1..12_u32,
    ) {
        let lines = lines(&trace);
        for then in [Verdict::Tag, Verdict::Verify, Verdict::Deny] {
            let policy = checking(limit, 60_000, then);
            let (_, rows) = learn(&policy, &lines, 1 << 24);
            for trial in &rows[0].trials {
                let tried = checking(trial.limit, 60_000, then);
                prop_assert_eq!(engine_touches(&tried, &lines), trial.requests, "{:?}", trial);
            }
        }
    }

    #[test]
    fn a_peak_is_the_least_limit_that_touches_nobody(trace in prop::collection::vec(asked(), 1..60)) {
        let lines = lines(&trace);
        for count in ["requests", "tokens"] {
            let policy = tokens(count, "1000000");
            let (_, rows) = learn(&policy, &lines, 1 << 24);
            let Some(peaks) = rows[0].peaks else {
                continue;
            };
            if count == "tokens" || peaks.max <= 12 {
                let (_, again) = learn(&with_limit(&policy, peaks.max), &lines, 1 << 24);
                prop_assert_eq!(again[0].trials[0].requests, 0);
                if count == "requests" && peaks.max > 1 {
                    let (_, again) = learn(&with_limit(&policy, peaks.max - 1), &lines, 1 << 24);
                    prop_assert!(again[0].trials[0].requests > 0);
                }
            }
        }
    }
}

#[test]
fn limits_by_a_fact_are_learned_for_each_value() {
    let policy = policy(
        r#"{"name": "q", "per": ["key"], "count": "requests", "window": "1m",
            "limit": {"by": "tier", "values": {"t0": 1, "t1": 5}, "else": 2}}"#,
    );
    let ask = |key: u8, tier: u8, times: usize| {
        let one = Asked {
            wait: 0,
            key,
            network: 1,
            tier,
            cap: None,
            status: None,
            usage: None,
        };
        vec![one; times]
    };
    let trace = [ask(1, 0, 3), ask(2, 1, 4), ask(3, 2, 7), ask(4, 3, 1)].concat();
    let (totals, rows) = learn(&policy, &lines(&trace), 1 << 20);
    assert_eq!((totals.requests, totals.keys), (15, 4));
    let told: Vec<_> = rows
        .iter()
        .map(|row| {
            let peaks = row.peaks.unwrap();
            let touched = row.trials[0];
            (
                row.value.clone(),
                row.limit,
                row.subjects,
                peaks.max,
                touched.keys,
                touched.requests,
            )
        })
        .collect();
    let value = |text: &str| Some(Value::Of(text.as_bytes().to_vec()));
    assert_eq!(
        told,
        [
            (value("t0"), 1, 1, 3, 1, 2),
            (value("t1"), 5, 1, 4, 0, 0),
            (Some(Value::Else), 2, 2, 7, 1, 5),
        ]
    );
}

#[test]
fn what_the_origin_did_not_know_leaves_nothing_behind() {
    let policy = tokens("requests", "5");
    let mut trace = Vec::new();
    for key in 0..200 {
        trace.push(Asked {
            wait: 1,
            key,
            network: 1,
            tier: 0,
            cap: None,
            status: if key < 2 { None } else { Some(401) },
            usage: None,
        });
    }
    let (totals, rows) = learn(&policy, &lines(&trace), 1 << 20);
    assert_eq!(
        (totals.keys, rows[0].subjects, rows[0].requests),
        (200, 2, 200)
    );
}

#[test]
fn a_throttle_is_learned_from_what_its_check_finds() {
    let mut policy = checking(2, 60_000, Verdict::Throttle);
    let mut lane = tokens("requests", "1").quotas.remove(0);
    lane.subject = 0;
    lane.after = Some(crate::policy::After::Check(0));
    policy.quotas.push(lane);
    let ask = |network: u8| Asked {
        wait: 10,
        key: 1,
        network,
        tier: 0,
        cap: None,
        status: None,
        usage: None,
    };
    // The third network is counted when it has been served; from then on the check finds something.
    let trace: Vec<Asked> = [1, 2, 3, 1, 2, 3, 4].map(ask).to_vec();
    let (_, rows) = learn(&policy, &lines(&trace), 1 << 20);
    let [lane, check] = rows.as_slice() else {
        panic!("{rows:?}")
    };
    assert_eq!((lane.requests, lane.peaks.unwrap().max), (4, 4));
    assert_eq!((lane.trials[0].limit, lane.trials[0].requests), (1, 3));
    assert_eq!((check.requests, check.peaks.unwrap().max), (7, 4));
    assert_eq!((check.trials[0].limit, check.trials[0].requests), (2, 4));
}

#[test]
fn more_subjects_than_there_is_room_for_are_a_sample() {
    let policy = tokens("requests", "3");
    let mut lines = Vec::new();
    for round in 0..5_u64 {
        for key in 0..20_000_u64 {
            // One key in ten asks five times, all others once.
            if round == 0 || key % 10 == 0 {
                let t = START + round;
                lines.push(format!(
                    r#"{{"t": {t}, "method": "GET", "path": "/", "headers": [["x-api-key", "{key}"]]}}"#
                ));
            }
        }
    }
    let (totals, rows) = learn(&policy, &lines, 1 << 20);
    let row = &rows[0];
    assert!(row.weight > 1);
    let near = |number: u64, expected: u64| number.abs_diff(expected) <= expected / 5;
    assert!(near(totals.keys, 20_000), "{totals:?}");
    assert!(near(row.subjects, 20_000), "{row:?}");
    assert_eq!(row.requests, 28_000);
    assert_eq!(row.peaks.map(|peaks| (peaks.p50, peaks.p99)), Some((1, 5)));
    assert!(near(row.trials[0].keys, 2_000), "{row:?}");
    assert!(near(row.trials[0].requests, 4_000), "{row:?}");
}

#[test]
fn requests_of_nobody_are_told_and_no_rule_is_asked() {
    let policy = tokens("requests", "1");
    let line = |headers: &str| {
        format!(r#"{{"t": {START}, "method": "GET", "path": "/", "headers": [{headers}]}}"#)
    };
    let lines = [
        line(""),
        line(r#"["x-api-key", "one"]"#),
        line(r#"["x-api-key", "one"], ["api-key", "two"]"#),
        line(r#"["x-api-key", "one, two"]"#),
    ];
    let (totals, rows) = learn(&policy, &lines, 1 << 20);
    assert_eq!((totals.missing, totals.ambiguous, totals.keys), (1, 2, 1));
    assert_eq!((totals.requests, rows[0].requests), (4, 1));
}
