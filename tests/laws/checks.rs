//! The promises with checks in the policy: what is found is what was seen, the strictest wins, and a refusal costs nothing.

use std::thread;

use proptest::prelude::*;
use serde_json::{Value, json};
use stillgate::engine::{Decision, Effort};
use stillgate::policy::Rule as Place;
use stillgate::verdict::{Reason, Verdict};

use crate::gate::{Gate, Request, START, engine};
use crate::guard::{Check, Found, Memory, Test, Visit, guarded, policies, visits};
use crate::ledger::Ledger;
use crate::stores::{Fresh, bytes, on_every_store};
use crate::traffic::{Ask, Rule, cases};

on_every_store!(
    findings_are_what_was_seen,
    the_strictest_wins_in_any_order,
    never_over_with_checks,
    what_a_check_refuses_might_as_well_not_have_been_asked,
    a_count_of_many_follows_the_truth,
    no_threads_values_are_lost,
    exactly_what_a_check_leaves_on_threads,
    keys_that_need_not_be_one_are_counted_nowhere,
    a_flood_of_random_keys_changes_no_finding,
);

const MINUTE: u64 = 60_000;
const HOUR: u64 = 60 * MINUTE;

/// Whether the origin's answer shows that it knows the key.
fn serves(status: u16) -> bool {
    (100..300).contains(&status)
}

fn found(decision: &Decision) -> Vec<Found> {
    let found = |finding: &stillgate::engine::Finding| Found {
        check: finding.check,
        count: finding.count.map(|(count, exact)| {
            assert!(exact, "{finding:?}");
            count
        }),
    };
    decision.findings.iter().map(found).collect()
}

/// How strict an action is.
fn rank(then: &str) -> usize {
    let words = ["tag", "throttle", "verify", "deny"];
    words.iter().position(|word| *word == then).unwrap()
}

/// Also through window turns, and under a policy that is changed back and forth while it counts.
fn findings_are_what_was_seen<S: Fresh>() {
    let change = (
        1u32..5,
        prop::sample::select(vec!["tag", "verify", "deny"]),
        any::<bool>(),
    );
    proptest!(cases(128), |((quotas, checks) in policies(0.2, true), change in change, visits in visits(300), turns in any::<u64>())| {
        let mut changed = checks.clone();
        for check in &mut changed {
            if let Test::Distinct { limit, .. } = &mut check.test {
                *limit = change.0;
            }
            check.then = change.1;
            check.shadow = change.2;
        }
        let variants = [checks, changed].map(|checks| (guarded(&quotas, &checks, "4MiB"), checks));
        let mut gate = Gate::<S>::new(&variants[0].0);
        let mut memory = Memory::default();
        for (number, visit) in visits.iter().enumerate() {
            let (policy, checks) = &variants[(turns >> (number / 8 % 64) & 1) as usize];
            gate.engine = engine(policy);
            let decision = gate.serve(&visit.request(), visit.status, visit.ask.at);
            let expected = memory.look(checks, visit);
            prop_assert_eq!(found(&decision), &expected[..], "{:?}", visit);
            let loudest = expected.iter().map(|found| &checks[found.check]).filter(|check| !check.shadow);
            let loudest = loudest.max_by_key(|check| rank(check.then));
            let verdict = match loudest.map(|check| check.then) {
                Some("deny") => Verdict::Deny,
                Some("verify") => Verdict::Verify,
                _ if decision.quotas.iter().any(|state| !state.standing.fits) => Verdict::Throttle,
                Some(_) => Verdict::Tag,
                None => Verdict::Allow,
            };
            prop_assert_eq!(decision.verdict, verdict, "{:?}", visit);
            prop_assert_eq!(decision.reason == Reason::Quota, verdict == Verdict::Throttle);
            let rule = match decision.rule {
                Some(Place::Check(place)) => Some(rank(checks[place].then)),
                _ => None,
            };
            let named = !matches!(verdict, Verdict::Allow | Verdict::Throttle);
            prop_assert_eq!(rule, loudest.filter(|_| named).map(|check| rank(check.then)));
            if decision.verdict.passes() && serves(visit.status) {
                let in_shadow = decision.shadow.is_none_or(|intent| intent.verdict.passes());
                memory.serve(checks, visit, in_shadow);
            }
        }
    });
}

/// What a decision says that does not depend on where a check stands.
fn told(
    decision: &Decision,
    policy: &Value,
) -> (Verdict, Option<Verdict>, Option<u64>, Vec<String>) {
    let name = |finding: &stillgate::engine::Finding| {
        format!(
            "{} {:?}",
            policy["checks"][finding.check]["name"], finding.count
        )
    };
    let mut names: Vec<String> = decision.findings.iter().map(name).collect();
    names.sort();
    (
        decision.verdict,
        decision.shadow.map(|intent| intent.verdict),
        decision.retry_at,
        names,
    )
}

fn the_strictest_wins_in_any_order<S: Fresh>() {
    proptest!(cases(64), |((quotas, checks) in policies(0.3, false), visits in visits(200), turn in 0usize..4)| {
        let policy = guarded(&quotas, &checks, "4MiB");
        let mut other = policy.clone();
        if let Some(checks) = other["checks"].as_array_mut() {
            let turn = turn % checks.len();
            checks.rotate_left(turn);
            checks.reverse();
        }
        let (one, two) = (Gate::<S>::new(&policy), Gate::<S>::new(&other));
        for visit in &visits {
            let (request, at) = (visit.request(), visit.ask.at);
            let one = told(&one.serve(&request, visit.status, at), &policy);
            prop_assert_eq!(one, told(&two.serve(&request, visit.status, at), &other), "{:?}", visit);
        }
    });
}

/// What a ledger enters of a visit: all networks that nobody knows are one.
fn entry(visit: &Visit) -> Ask {
    Ask {
        network: if visit.is_known {
            visit.ask.network
        } else {
            u8::MAX
        },
        ..visit.ask
    }
}

fn lane(check: &Check) -> Rule {
    Rule {
        per: &["network"],
        seconds: 3_600,
        limit: check.lane,
        posts: false,
        shadow: check.shadow,
    }
}

/// Neither a quota nor what a check holds those to whom it has found.
fn never_over_with_checks<S: Fresh>() {
    proptest!(cases(96), |((quotas, checks) in policies(0.2, false), visits in visits(300))| {
        let gate = Gate::<S>::new(&guarded(&quotas, &checks, "1MiB"));
        let lanes: Vec<[Rule; 1]> = checks.iter().map(|check| [lane(check)]).collect();
        let mut ledger = Ledger::default();
        let mut slow: Vec<Ledger> = lanes.iter().map(|_| Ledger::default()).collect();
        for visit in &visits {
            let decision = gate.serve(&visit.request(), visit.status, visit.ask.at);
            if !decision.verdict.passes() {
                continue;
            }
            ledger.enter(&quotas, &entry(visit));
            for finding in &decision.findings {
                prop_assert!(checks[finding.check].shadow || rank(checks[finding.check].then) < rank("verify"));
                if checks[finding.check].then == "throttle" {
                    slow[finding.check].enter(&lanes[finding.check], &entry(visit));
                }
            }
        }
        prop_assert_eq!(ledger.excesses(&quotas), Vec::<String>::new());
        for (ledger, lane) in slow.iter().zip(&lanes) {
            prop_assert_eq!(ledger.excesses(lane), Vec::<String>::new());
        }
    });
}

/// Two gates: one is asked everything, the other only what the first let pass. They tell the same. Within half a window, so
/// that nobody has to be kept from being forgotten.
fn what_a_check_refuses_might_as_well_not_have_been_asked<S: Fresh>() {
    proptest!(cases(48), |((quotas, mut checks) in policies(0.2, false), mut visits in visits(300))| {
        for check in &mut checks {
            if let Test::Distinct { minutes, .. } = &mut check.test {
                *minutes = 1_440;
            }
        }
        for (number, visit) in visits.iter_mut().enumerate() {
            visit.ask.at = START + number as u64 * 700;
        }
        let policy = guarded(&quotas, &checks, "64KiB");
        let (asked, spared) = (Gate::<S>::new(&policy), Gate::<S>::new(&policy));
        let bare = |decision: Decision| Decision { effort: Effort::default(), ..decision };
        for visit in &visits {
            let (request, at) = (visit.request(), visit.ask.at);
            let before = bytes(&asked.store);
            let decision = asked.serve(&request, visit.status, at);
            if decision.verdict.passes() {
                prop_assert_eq!(bare(decision), bare(spared.serve(&request, visit.status, at)));
            } else if decision.effort.evicted == 0 {
                prop_assert!(before == bytes(&asked.store), "{:?} has changed a page", visit);
            }
        }
    });
}

/// A policy with one check that counts keys per network.
fn farm(limit: u32, then: &str, memory: &str) -> Value {
    let mut check = json!({"name": "farm", "per": ["network"], "distinct": "key", "limit": limit, "window": "1h", "then": then});
    if then == "throttle" {
        check["quota"] = json!({"name": "lane", "per": ["network"], "count": "requests", "limit": 4_000_000, "window": "1m"});
    }
    json!({"version": 1, "verify_url": "https://example.org/", "limits": {"memory": memory}, "checks": [check], "quotas": [
        {"name": "day", "per": ["key"], "count": "requests", "limit": 50, "window": "1d"},
    ]})
}

/// A request of the key with this number, behind a network.
fn client(number: u64, network: u8) -> Request {
    Request {
        source: Some([198, 51, network, 7].into()),
        ..Request::of(&format!("sk-{number}"))
    }
}

/// Keys that go on asking for hours are counted for as long as they do, and forgotten afterwards.
fn a_count_of_many_follows_the_truth<S: Fresh>() {
    for (keys, then) in [
        (150, "tag"),
        (400, "tag"),
        (1_500, "throttle"),
        (400, "verify"),
        (150, "deny"),
    ] {
        let refuses = matches!(then, "verify" | "deny");
        let gate = Gate::<S>::new(&farm(100, then, "1MiB"));
        let mut learnt = 0;
        for quarter in 0..14_u64 {
            for number in 0..keys {
                let at = START + quarter * HOUR / 4 + number;
                let decision = gate.serve(&client(number, 1), 200, at);
                learnt = learnt.max(number + 1);
                let truth = if refuses { learnt.min(101) } else { learnt };
                if truth <= 101 {
                    continue;
                }
                // The count was taken before this request was served.
                let (count, exact) = decision.findings[0].count.unwrap();
                let off = u64::from(count).abs_diff(truth);
                let allowed = if exact { 1 } else { 20 };
                assert!(
                    off * 100 <= truth * allowed,
                    "{count} of {truth} in quarter {quarter}"
                );
            }
            if refuses {
                let decision = gate.ask(&client(0, 1), START + quarter * HOUR / 4 + keys);
                assert_eq!(
                    decision.findings[0].count,
                    Some((101, true)),
                    "quarter {quarter}"
                );
            }
        }
        let later = gate.ask(&client(0, 1), START + 5 * HOUR);
        assert_eq!(later.verdict, Verdict::Allow);
    }
}

/// Whom a check throttles gets as much as its quota allows, from all threads together.
fn exactly_what_a_check_leaves_on_threads<S: Fresh>() {
    let gate = Gate::<S>::new(&json!({"version": 1, "checks": [
        {"name": "listed", "trait": "network", "in": ["198.51.1.0/24"], "then": "throttle",
            "quota": {"name": "lane", "per": ["network"], "count": "requests", "limit": 30, "window": "1h"}},
        {"name": "shadow", "trait": "network", "in": ["198.51.0.0/16"], "then": "deny", "mode": "shadow"},
    ], "quotas": [{"name": "key", "per": ["key"], "count": "requests", "limit": 12, "window": "1h"}]}));
    let admitted = |network: u8| -> usize {
        thread::scope(|scope| {
            let work = |thread: u64| {
                let gate = &gate;
                let passes = move |turn: &u64| {
                    let request = client((turn + thread) % 5, network);
                    gate.serve(&request, 200, START).verdict.passes()
                };
                move || (0..40).filter(passes).count()
            };
            let threads: Vec<_> = (0..4).map(|thread| scope.spawn(work(thread))).collect();
            threads
                .into_iter()
                .map(|thread| thread.join().unwrap())
                .sum()
        })
    };
    // Five keys with twelve requests each; half of them are spent where the check finds them.
    let (found, elsewhere) = (admitted(1), admitted(2));
    assert!(
        found <= 30 && found + elsewhere == 60,
        "{found} and {elsewhere}"
    );
}

/// Neither by what refuses them, nor by what answers whoever comes.
fn keys_that_need_not_be_one_are_counted_nowhere<S: Fresh>() {
    let gate = Gate::<S>::new(&farm(1, "deny", "64KiB"));
    let preflight = |number| Request {
        method: b"OPTIONS".to_vec(),
        ..client(number, 1)
    };
    for number in 0..20 {
        for status in [301, 302, 304, 308, 400, 401, 403, 404, 429, 500, 503] {
            gate.serve(
                &client(number * 1_000 + u64::from(status), 1),
                status,
                START,
            );
        }
        for status in [200, 204] {
            gate.serve(&preflight(number), status, START);
        }
    }
    for number in 1..3 {
        let decision = gate.serve(&client(number, 1), 200, START);
        assert_eq!(decision.verdict, Verdict::Allow);
    }
    assert_eq!(gate.ask(&client(3, 1), START).verdict, Verdict::Deny);
}

/// Each thread serves keys of its own to the same networks.
fn no_threads_values_are_lost<S: Fresh>() {
    let gate = Gate::<S>::new(&farm(10, "throttle", "64KiB"));
    thread::scope(|scope| {
        for thread in 0..4_u64 {
            let gate = &gate;
            scope.spawn(move || {
                for number in 0..40 {
                    for network in 0..3 {
                        gate.serve(&client(number * 4 + thread, network), 200, START + number);
                    }
                }
            });
        }
    });
    for network in 0..3 {
        let decision = gate.ask(&client(9_999, network), START + 100);
        assert_eq!(decision.findings[0].count, Some((160, true)));
    }
}

/// Through a million random keys whoever is over a quota or in a large set stays so, and keys that nobody serves are counted
/// nowhere.
fn a_flood_of_random_keys_changes_no_finding<S: Fresh>() {
    let gate = Gate::<S>::new(&farm(5, "verify", "64KiB"));
    let over = client(1, 1);
    for turn in 0..50 {
        assert_eq!(gate.serve(&over, 200, START + turn).verdict, Verdict::Allow);
    }
    for number in 100..106 {
        gate.serve(&client(number, 2), 200, START);
    }
    for wave in 1..5_u64 {
        let at = START + wave * HOUR / 4;
        for number in 0..250_000 {
            // Half of them from the farm's own network, where they are refused, and from one that shows many of them.
            let network = [2, 3][(number % 2) as usize];
            let number = 1_000_000 * wave + number;
            let decision = gate.serve(&client(number, network), 401, at);
            assert_eq!(decision.verdict == Verdict::Verify, network == 2);
        }
        let refused = gate.ask(&over, at);
        assert_eq!(
            (refused.verdict, refused.reason),
            (Verdict::Throttle, Reason::Quota)
        );
        for number in 100..106 {
            let found = gate.ask(&client(number, 2), at);
            assert_eq!(
                (found.verdict, found.findings[0].count),
                (Verdict::Verify, Some((6, true)))
            );
        }
        assert!(gate.ask(&client(7, 3), at).findings.is_empty());
    }
}
