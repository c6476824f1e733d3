//! Tokens: what is reserved is settled once, to the truth, whatever happens in between.

use proptest::prelude::*;
use serde_json::{Value, json};
use stillgate::engine::{Ending, Engine, Reservation};
use stillgate::exchange::{Millis, Now};
use stillgate::store::{Change, Page, Store};
use stillgate::usage::{Reader, Seen};
use stillgate::verdict::{Source, Verdict};
use stillgate::window::{Scale, Shape, Window};

use crate::gate::{Gate, Request, START, engine};
use crate::stores::{Fresh, on_every_store};
use crate::traffic::cases;

on_every_store!(
    what_is_settled_adds_up_to_the_truth,
    many_at_once_never_pass_the_limit,
    a_refusal_of_the_origin_gives_everything_back,
    a_key_that_the_origin_does_not_know_leaves_no_trace,
    no_request_reserves_a_whole_budget,
);

const DAY: Millis = 86_400_000;

fn policy(limit: u64) -> Value {
    json!({"version": 1, "quotas": [
        {"name": "tokens", "per": ["key"], "count": "tokens", "limit": limit, "window": "1d"},
    ]})
}

fn request(text: usize, cap: Option<u64>) -> Request {
    let content = "word ".repeat(text);
    let mut body = json!({"model": "small", "messages": [{"role": "user", "content": content}]});
    if let Some(cap) = cap {
        body["max_tokens"] = cap.into();
    }
    Request {
        body: body.to_string().into_bytes(),
        ..Request::of("sk-one")
    }
}

/// What a whole answer with this usage says.
fn answer(input: u64, output: u64) -> Seen {
    let usage = json!({"prompt_tokens": input, "completion_tokens": output, "total_tokens": input + output});
    read(&json!({"choices": [{"message": {"content": "so"}}], "usage": usage}).to_string())
}

fn read(body: &str) -> Seen {
    let mut reader = Reader::new();
    reader.feed(body.as_bytes());
    reader.finish()
}

/// All that is charged to any counter.
fn charged<S: Store>(store: &S, at: Millis) -> u64 {
    let scale = Scale::of(DAY, Shape::Coarse);
    let sum = |page: &mut Page| {
        let kept = (0..page.len()).filter_map(|place| page.kept(place));
        let used = kept.map(|kept| u64::from(Window::read(kept, scale, at).used()));
        (used.sum::<u64>(), Change::Keep)
    };
    (0..store.pages())
        .map(|page| store.update(page, sum).unwrap())
        .sum()
}

/// What happens next.
#[derive(Debug, Clone)]
enum Step {
    /// A request, with so many words and such a cap.
    Ask(usize, Option<u64>),
    /// One of those in flight is answered, with this usage.
    Answer(prop::sample::Index, u64, u64),
    /// One is answered by this many words of a stream that breaks off.
    Cut(prop::sample::Index, usize),
    /// One is refused or fails at the origin.
    Refuse(prop::sample::Index, u16),
    /// The client of one goes before there is an answer.
    Leave(prop::sample::Index),
    /// The policy is written anew, with another limit; what is in flight belongs to the one before.
    Reload(u64),
    Pass(Millis),
}

fn step() -> impl Strategy<Value = Step> {
    use prop::sample::Index;
    let refusals = prop::sample::select(vec![400_u16, 404, 429, 500, 503]);
    prop_oneof![
        6 => (0..400_usize, prop::option::of(0..3_000_u64)).prop_map(|(words, cap)| Step::Ask(words, cap)),
        3 => (any::<Index>(), 0..3_000_u64, 0..6_000_u64).prop_map(|(which, input, output)| Step::Answer(which, input, output)),
        1 => (any::<Index>(), 0..50_usize).prop_map(|(which, words)| Step::Cut(which, words)),
        1 => (any::<Index>(), refusals).prop_map(|(which, status)| Step::Refuse(which, status)),
        1 => any::<Index>().prop_map(Step::Leave),
        1 => (10_000..60_000_u64).prop_map(Step::Reload),
        1 => (0..60_000_u64).prop_map(Step::Pass),
    ]
}

/// A request in flight, with the engine that admitted it and what it is charged.
struct Flying {
    engine: Engine,
    reservation: Reservation,
    charged: u64,
}

fn what_is_settled_adds_up_to_the_truth<S: Fresh>() {
    proptest!(cases(64), |(steps in prop::collection::vec(step(), 1..200))| {
        let mut limit = 40_000;
        let mut gate = Gate::<S>::new(&policy(limit));
        let mut at = START;
        let (mut settled, mut flying): (u64, Vec<Flying>) = (0, Vec::new());
        for step in steps {
            let (which, ending, truth) = match step {
                Step::Pass(time) => {
                    at += time;
                    continue;
                }
                Step::Reload(next) => {
                    limit = next;
                    gate.engine = engine(&policy(limit));
                    continue;
                }
                Step::Ask(words, cap) => {
                    let before = charged(&gate.store, at);
                    let mut decision = gate.ask(&request(words, cap), at);
                    let after = charged(&gate.store, at);
                    if decision.verdict == Verdict::Allow {
                        prop_assert!(after <= limit, "{after} of {limit}");
                        let reservation = std::mem::replace(&mut decision.reservation, Reservation::NONE);
                        flying.push(Flying { engine: gate.engine.clone(), reservation, charged: after - before });
                    } else {
                        prop_assert_eq!(after, before, "a refusal is free");
                    }
                    continue;
                }
                Step::Answer(which, input, output) => {
                    let seen = Some(answer(input, output));
                    (which, Ending::Answered { status: 200, seen }, Some(input + output))
                }
                Step::Cut(which, words) => {
                    let events = r#"data: {"choices":[{"delta":{"content":"word"}}]}"#.to_owned() + "\n\n";
                    let seen = Some(read(&events.repeat(words)));
                    (which, Ending::Answered { status: 200, seen }, None)
                }
                Step::Refuse(which, status) => (which, Ending::Answered { status, seen: None }, Some(0)),
                Step::Leave(which) => (which, Ending::Silent, None),
            };
            if flying.is_empty() {
                continue;
            }
            let one = flying.swap_remove(which.index(flying.len()));
            let foreseen = one.reservation.foreseen();
            let (settlement, result) = one.engine.settle(&one.reservation, &ending, &gate.estimator, Now::at(at), &gate.store);
            prop_assert!(result.is_ok());
            let used = settlement.usage.input + settlement.usage.output;
            match truth {
                Some(truth) => prop_assert_eq!(used, truth),
                // Never less than what was seen, and never nothing.
                None => prop_assert!(used >= foreseen.input && used > 0, "{settlement:?}"),
            }
            settled += used;
            let expected = settled + flying.iter().map(|one| one.charged).sum::<u64>();
            prop_assert_eq!(charged(&gate.store, at), expected);
        }
    });
}

/// Two hundred requests at once, each of which may use 4,000 tokens of a budget of 100,000.
fn many_at_once_never_pass_the_limit<S: Fresh>() {
    let gate = Gate::<S>::new(&policy(100_000));
    let request = request(500, Some(3_400));
    let admitted: Vec<Reservation> = std::thread::scope(|scope| {
        let ask = || -> Vec<Reservation> {
            let decisions = (0..25).map(|_| gate.ask(&request, START));
            let admitted = decisions.filter(|decision| decision.verdict == Verdict::Allow);
            admitted.map(|decision| decision.reservation).collect()
        };
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(ask)).collect();
        threads
            .into_iter()
            .flat_map(|thread| thread.join().unwrap())
            .collect()
    });
    let each = {
        let foreseen = admitted[0].foreseen();
        foreseen.input + foreseen.output
    };
    assert_eq!(
        admitted.len() as u64,
        100_000 / each,
        "as many as fit, and no more"
    );
    let mut truth = 0;
    for (index, reservation) in admitted.iter().enumerate() {
        let (input, output) = (600 + index as u64, 3_000);
        truth += input + output;
        let ending = Ending::Answered {
            status: 200,
            seen: Some(answer(input, output)),
        };
        let (_, result) = gate.engine.settle(
            reservation,
            &ending,
            &gate.estimator,
            Now::at(START),
            &gate.store,
        );
        assert!(result.is_ok());
    }
    assert_eq!(charged(&gate.store, START), truth);
}

fn a_refusal_of_the_origin_gives_everything_back<S: Fresh>() {
    for (status, source, empty) in [
        (200, Source::Reserved, false),
        (302, Source::Refunded, true),
        (400, Source::Refunded, true),
        (401, Source::Refunded, true),
        (429, Source::Refunded, true),
        (500, Source::Refunded, true),
        // Somebody's patience ended, and the origin may have read the input by then.
        (504, Source::Counted, false),
        (408, Source::Counted, false),
    ] {
        let gate = Gate::<S>::new(&policy(100_000));
        let decision = gate.ask(&request(100, None), START);
        let ending = Ending::Answered { status, seen: None };
        let (settlement, _) = gate.engine.settle(
            &decision.reservation,
            &ending,
            &gate.estimator,
            Now::at(START),
            &gate.store,
        );
        assert_eq!(settlement.source, source, "{status}");
        assert_eq!(charged(&gate.store, START) == 0, empty, "{status}");
    }
}

fn a_key_that_the_origin_does_not_know_leaves_no_trace<S: Fresh>() {
    let policy = json!({"version": 1, "quotas": [
        {"name": "requests", "per": ["key"], "count": "requests", "limit": 100_000, "window": "1d"},
        {"name": "tokens", "per": ["key"], "count": "tokens", "limit": 100_000, "window": "1d"},
        {"name": "network", "per": ["network"], "count": "requests", "limit": 100_000, "window": "1d"},
    ]});
    let gate = Gate::<S>::new(&policy);
    let end = |status: u16, reservation: &Reservation| {
        let ending = Ending::Answered { status, seen: None };
        gate.engine
            .settle(
                reservation,
                &ending,
                &gate.estimator,
                Now::at(START),
                &gate.store,
            )
            .0
    };
    let first = gate.ask(&request(10, None), START);
    assert!(end(401, &first.reservation).unknown_key);
    let left = |decision: &stillgate::engine::Decision| -> Vec<u32> {
        decision
            .quotas
            .iter()
            .map(|state| state.standing.remaining)
            .collect()
    };
    let second = gate.ask(&request(10, None), START);
    assert_eq!(
        [left(&second)[0], left(&second)[2]],
        [99_999, 99_998],
        "the network still counts"
    );
    end(200, &second.reservation);
    // A key that has been served once is known, and a later 401 is one of its requests.
    let third = gate.ask(&request(10, None), START);
    assert!(!end(401, &third.reservation).unknown_key);
    let fourth = gate.ask(&request(10, None), START);
    assert_eq!(left(&fourth)[0], 99_997);
}

fn no_request_reserves_a_whole_budget<S: Fresh>() {
    for (cap, reserved) in [
        (Some(u64::MAX), 500),
        (Some(10_000), 500),
        (Some(100), 100),
        // Nothing is foreseen as none: what takes no reservation would not be settled.
        (Some(0), 1),
    ] {
        let gate = Gate::<S>::new(&policy(1_000));
        let decision = gate.ask(&request(0, cap), START);
        assert_eq!(decision.verdict, Verdict::Allow);
        let input = decision.reservation.foreseen().input;
        assert_eq!(
            charged(&gate.store, START),
            (reserved + input).min(500),
            "{cap:?}"
        );
    }
}
