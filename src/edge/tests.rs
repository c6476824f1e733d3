//! A front and a ledger, told what a worker tells them.

#![expect(
    clippy::arithmetic_side_effects,
    reason = "a test that overflows has failed"
)]

use super::{Bench, Front, Ledger};
use serde_json::{Value, json};

const SECRET: &str = "0123456789abcdef";

/// A deployment of one front and one ledger.
struct Edge {
    front: Front,
    ledger: Ledger,
    /// Whether the ledger can be reached.
    reached: bool,
    /// How often the front asked.
    asked: u32,
}

/// What a request is answered with, and what came of it.
struct Outcome {
    action: Value,
    answer: Value,
    body: Vec<u8>,
    record: Option<Value>,
}

impl Edge {
    fn new(policy: &Value) -> Self {
        let policy = policy.to_string();
        Self {
            front: Front::new(&policy, SECRET).unwrap(),
            ledger: Ledger::new(&policy, SECRET, 70_000).unwrap(),
            reached: true,
            asked: 0,
        }
    }

    fn tell(&mut self, message: &str, now: u64) -> Option<String> {
        // The ledger's clock is another one.
        self.reached
            .then(|| self.ledger.tell(message, now + 77_000).unwrap())
    }

    /// Sends a request with these headers, and answers what passes with a status and a body.
    fn send(
        &mut self,
        headers: &[(&str, &str)],
        body: &str,
        origin: (u16, &str),
        now: u64,
    ) -> Outcome {
        let request =
            json!({"method": "POST", "target": "/v1/chat/completions", "headers": headers});
        let stream = self
            .front
            .begin(&request.to_string(), !body.is_empty(), now)
            .unwrap();
        let longest = self.front.longest(stream) as usize;
        if longest > 0 {
            let shown = body.len().min(longest + 1);
            self.front.body(stream, &body.as_bytes()[..shown]).unwrap();
        }
        let message = self.front.ask(stream).unwrap();
        let decided = message.and_then(|message| {
            self.asked += 1;
            self.tell(&message, now)
        });
        let action = self.front.act(stream, decided.as_deref(), now).unwrap();
        let action: Value = serde_json::from_str(&action).unwrap();
        let mut outcome = Outcome {
            record: action["record"]
                .as_str()
                .map(|line| serde_json::from_str(line).unwrap()),
            action,
            answer: Value::Null,
            body: Vec::new(),
        };
        if outcome.action["pass"] != true {
            assert_eq!(self.front.close(stream, None), None);
            return outcome;
        }
        let answer = self.front.answered(stream, origin.0, "[]", now).unwrap();
        outcome.answer = serde_json::from_str(&answer).unwrap();
        if let Some(message) = outcome.answer["tell"].as_str() {
            self.tell(message, now);
        }
        for chunk in origin.1.as_bytes().chunks(7) {
            let passed = self.front.pass(stream, chunk);
            outcome.body.extend(passed.as_deref().unwrap_or(chunk));
        }
        outcome.body.extend(self.front.held(stream));
        let message = self.front.end(stream, body.len() as u64);
        let settled = message.and_then(|message| self.tell(&message, now));
        if let Some(line) = self.front.close(stream, settled.as_deref()) {
            outcome.record = Some(serde_json::from_str(&line).unwrap());
        }
        outcome
    }
}

fn key(name: &str) -> (&'static str, String) {
    ("authorization", format!("Bearer sk-{name}"))
}

fn ask(edge: &mut Edge, name: &str, now: u64) -> Outcome {
    let (header, value) = key(name);
    edge.send(&[(header, &value)], "", (200, ""), now)
}

fn requests(limit: u32, window: &str) -> Value {
    json!({"version": 1, "record": "all", "quotas": [
        {"name": "burst", "per": ["key"], "count": "requests", "limit": limit, "window": window}]})
}

#[test]
fn a_limit_is_held_and_a_refusal_is_remembered_until_it_is_over() {
    let mut edge = Edge::new(&requests(2, "10s"));
    let passes = |edge: &mut Edge, now| ask(edge, "one", now).action["pass"] == true;
    assert!(passes(&mut edge, 0));
    assert!(passes(&mut edge, 1_000));
    let first = ask(&mut edge, "one", 2_000);
    assert_eq!(first.action["pass"], false);
    assert_eq!(edge.asked, 3);
    let refused = ask(&mut edge, "one", 3_500);
    assert_eq!(edge.asked, 3, "it is known to be over its limit");
    assert_eq!(refused.action["status"], 429);
    let wait = |outcome: &Outcome| {
        let headers = outcome.action["headers"].as_array().unwrap().clone();
        let found = headers.into_iter().find(|pair| pair[0] == "retry-after");
        found.map(|pair| pair[1].as_str().unwrap().parse::<u64>().unwrap())
    };
    let waits = (wait(&first).unwrap(), wait(&refused).unwrap());
    assert!(matches!(waits.0 - waits.1, 1 | 2), "{waits:?}");
    let until = 3_500 + 1_000 * waits.1;
    assert_eq!(refused.record.unwrap()["reason"], "quota");
    assert!(ask(&mut edge, "other", 3_500).action["pass"] == true);
    assert!(!passes(&mut edge, 9_999));
    assert!(
        passes(&mut edge, until),
        "the first one has left the window"
    );
}

#[test]
fn tokens_are_settled_by_what_the_answer_says() {
    let mut edge = Edge::new(&json!({"version": 1, "record": "all", "quotas": [
        {"name": "tokens", "per": ["key"], "count": "tokens", "limit": 1_000, "window": "1h"}]}));
    let (header, value) = key("one");
    let body =
        r#"{"model": "m", "max_tokens": 400, "messages": [{"role": "user", "content": "hi"}]}"#;
    let origin = r#"{"choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 21}}"#;
    let outcome = edge.send(
        &[(header, &value), ("accept-encoding", "gzip")],
        body,
        (200, origin),
        0,
    );
    assert_eq!(outcome.action["remove"], json!(["accept-encoding"]));
    assert_eq!(outcome.body, origin.as_bytes());
    let usage = &outcome.record.unwrap()["usage"];
    assert_eq!((&usage["input"], &usage["output"]), (&json!(9), &json!(21)));
    let outcome = edge.send(&[(header, &value)], body, (503, ""), 1_000);
    assert_eq!(outcome.record.unwrap()["usage"]["source"], "refunded");
    let outcome = edge.send(&[(header, &value)], body, (200, origin), 2_000);
    let limits = outcome.answer["headers"].to_string();
    assert!(limits.contains("x-ratelimit-remaining-tokens"), "{limits}");
    assert!(edge.ledger.open_requests() == 0);
}

#[test]
fn a_stream_tells_its_usage_and_the_client_does_not_see_it() {
    let mut edge = Edge::new(
        &json!({"version": 1, "record": "all", "tokens": {"ask_for_usage": true}, "quotas": [
        {"name": "tokens", "per": ["key"], "count": "tokens", "limit": 1_000, "window": "1h"}]}),
    );
    let (header, value) = key("one");
    let body = r#"{"model": "m", "stream": true, "messages": [{"role": "user", "content": "hi"}]}"#;
    let said = "data: {\"choices\":[{\"delta\":{\"content\":\"yes\"}}]}\n\n";
    let told = "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":1}}\n\n";
    let origin = format!("{said}{told}data: [DONE]\n\n");
    let outcome = edge.send(&[(header, &value)], body, (200, &origin), 0);
    assert_eq!(
        outcome.action["edit"]["insert"],
        r#""stream_options":{"include_usage":true},"#
    );
    assert_eq!(
        String::from_utf8(outcome.body).unwrap(),
        format!("{said}data: [DONE]\n\n")
    );
    assert_eq!(outcome.record.unwrap()["usage"]["input"], 5);
}

#[test]
fn slots_in_flight_come_back_when_a_request_is_over() {
    let mut edge = Edge::new(&json!({"version": 1, "quotas": [
        {"name": "flight", "per": ["key"], "count": "concurrent", "limit": 1}]}));
    let (header, value) = key("one");
    let request =
        json!({"method": "GET", "target": "/v1/models", "headers": [[header, value]]}).to_string();
    let begin = |edge: &mut Edge, now| {
        let stream = edge.front.begin(&request, false, now).unwrap();
        let message = edge.front.ask(stream).unwrap().unwrap();
        let decided = edge.tell(&message, now);
        let action = edge.front.act(stream, decided.as_deref(), now).unwrap();
        (stream, serde_json::from_str::<Value>(&action).unwrap())
    };
    let (first, action) = begin(&mut edge, 0);
    let every = action["renew"].as_u64().unwrap();
    // It goes on for longer than its lease, and keeps its slot.
    let mut now = 0;
    for _ in 0..9 {
        now += every;
        let message = edge.front.renew(first).unwrap();
        edge.tell(&message, now);
        assert_eq!(begin(&mut edge, now).1["pass"], false);
    }
    let message = edge.front.end(first, 0);
    edge.tell(&message.unwrap(), now);
    assert_eq!(begin(&mut edge, now).1["pass"], true);
    // A front that is gone renews nothing.
    assert_eq!(begin(&mut edge, now + 3 * every + 1).1["pass"], true);
}

#[test]
fn without_a_ledger_the_policy_says_what_happens() {
    for (on_error, passes) in [("deny", false), ("allow", true)] {
        let mut policy = requests(2, "10s");
        policy["on_error"] = json!(on_error);
        let mut edge = Edge::new(&policy);
        edge.reached = false;
        let outcome = ask(&mut edge, "one", 0);
        assert_eq!(outcome.action["pass"], passes);
        assert_eq!(outcome.record.unwrap()["reason"], "store");
    }
}

#[test]
fn counters_are_written_down_and_read_again() {
    let policy = requests(2, "10s");
    let mut edge = Edge::new(&policy);
    ask(&mut edge, "one", 0);
    ask(&mut edge, "one", 0);
    let mut after = Edge::new(&policy);
    for page in edge.ledger.take_changed() {
        let bytes = edge.ledger.page(page).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        assert!(!text.contains("sk-one") && !text.contains(SECRET));
        assert!(after.ledger.load(page, &bytes));
    }
    assert_eq!(ask(&mut after, "one", 1_000).action["pass"], false);
    assert_eq!(ask(&mut after, "other", 1_000).action["pass"], true);
}

#[test]
fn bodies_that_are_too_long_are_refused_after_what_headers_say() {
    let mut edge = Edge::new(
        &json!({"version": 1, "limits": {"body": "4KiB"}, "quotas": [
        {"name": "requests", "per": ["key"], "count": "requests", "limit": 1, "window": "10s"},
        {"name": "tokens", "per": ["key"], "count": "tokens", "limit": 1_000, "window": "1h"}]}),
    );
    let (header, value) = key("one");
    let long = " ".repeat(5_000);
    let status = |edge: &mut Edge, headers: &[(&str, &str)]| {
        let outcome = edge.send(headers, &long, (200, ""), 0);
        outcome.action["status"].clone()
    };
    let said = [(header, value.as_str()), ("content-length", "5000")];
    assert_eq!(status(&mut edge, &said), 413);
    assert_eq!(status(&mut edge, &said[..1]), 413);
    assert_eq!(ask(&mut edge, "one", 0).action["pass"], true);
    assert_eq!(status(&mut edge, &said), 413);
    assert_eq!(status(&mut edge, &said[..1]), 429);
}

#[test]
fn what_many_keys_have_in_common_is_found_and_known_to_ledgers() {
    let policy = json!({"version": 1, "campaigns": {"mode": "enforce"}}).to_string();
    let mut bench = Bench::new(&policy, SECRET).unwrap();
    let mut edge = Edge::new(&json!({"version": 1, "campaigns": {"mode": "enforce"}}));
    let (header, value) = key("one");
    let body = r#"{"model": "m", "messages": [{"role": "user", "content": "Solve this step by step, and show all of your work."}]}"#;
    let outcome = edge.send(&[(header, &value)], body, (200, "{}"), 0);
    assert_eq!(outcome.action["pass"], true);
    let mail = edge.ledger.take_mail().unwrap();
    assert!(!String::from_utf8_lossy(&mail).contains("step by step"));
    assert!(bench.take(&mail));
    assert!(!bench.take(b"no mail"));
    assert_eq!(bench.sit(1_000), Vec::<String>::new());
    let mut next = Bench::new(&policy, SECRET).unwrap();
    for place in 0..bench.pieces() {
        assert!(next.load(place, &bench.piece(place)));
    }
    next.resume(&bench.book(), 2_000);
    assert!(edge.ledger.take_book(&next.book()));
    assert_eq!(edge.ledger.edition(), next.edition());
    assert!(!edge.ledger.take_book(b"no book"));
}

#[test]
fn what_is_wrong_is_said() {
    let told = |result: Result<Front, String>| result.err().unwrap();
    let policy = requests(1, "1s").to_string();
    assert!(told(Front::new(&policy, "short")).starts_with("STILLGATE_SECRET has 5 bytes"));
    assert!(told(Front::new("{", SECRET)).contains("not JSON"));
    let mut front = Front::new(&policy, SECRET).unwrap();
    assert!(front.begin("[]", false, 0).is_err());
    assert!(front.ask(7).is_err());
    assert!(front.act(7, None, 0).is_err());
    assert!(front.answered(7, 200, "[]", 0).is_err());
    assert_eq!(front.pass(7, b"x"), None);
    assert_eq!(front.close(7, None), None);
    let mut ledger = Ledger::new(&policy, SECRET, 0).unwrap();
    assert!(ledger.tell("{}", 0).is_err());
    assert!(Bench::new(&policy, SECRET).is_err());
}
