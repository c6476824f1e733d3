mod campaigns;
mod checks;
mod metered;

use core::net::IpAddr;

use super::conclude::IN_FLIGHT_WAIT;
use super::*;
use crate::campaign::Book;
use crate::dialect::request;
use crate::estimate::Estimator;
use crate::exchange::{Attributes, Foreseen, Millis, Model, split_target};
use crate::policy::Rule;
use crate::store::MemoryStore;
use crate::verdict::Verdict;

const START: Millis = 1_000_000;

/// An engine with these quotas, on empty pages.
struct Desk {
    engine: Engine,
    estimator: Estimator,
    store: MemoryStore,
}

/// A request of which only that is said which matters.
#[derive(Clone, Copy)]
struct Ask<'a> {
    method: &'a str,
    target: &'a str,
    headers: &'a [(&'a str, &'a str)],
}

const CHAT: Ask<'_> = Ask {
    method: "POST",
    target: "/v1/chat/completions",
    headers: &[("authorization", "Bearer sk-one")],
};

struct Nobody;

impl Attributes for Nobody {
    fn source(&self) -> Option<IpAddr> {
        None
    }

    fn property(&self, _: &[String]) -> Option<Vec<u8>> {
        None
    }
}

impl Desk {
    fn new(quotas: &str) -> Self {
        let policy =
            format!(r#"{{"version": 1, "limits": {{"body": "1KiB"}}, "quotas": [{quotas}]}}"#);
        let policy = Policy::parse(policy.as_bytes()).unwrap();
        Self {
            engine: Engine::new(policy, Secret::new(b"0123456789abcdef")),
            estimator: Estimator::new(),
            store: MemoryStore::new(1 << 20),
        }
    }

    fn with<T>(&self, ask: Ask<'_>, model: Model<'_>, act: impl FnOnce(&Exchange<'_>) -> T) -> T {
        let headers: Vec<(&[u8], &[u8])> = ask
            .headers
            .iter()
            .map(|(name, value)| (name.as_bytes(), value.as_bytes()))
            .collect();
        let (path, query) = split_target(ask.target.as_bytes());
        act(&Exchange {
            method: ask.method.as_bytes(),
            path,
            query,
            headers: &headers,
            model,
            foreseen: Foreseen::default(),
            attributes: &Nobody,
        })
    }

    fn screen(&self, ask: Ask<'_>, has_body: bool) -> Screening {
        self.with(ask, Model::Absent, |exchange| {
            self.engine
                .screen(exchange, has_body, Now::at(START), &self.store)
        })
    }

    fn admit(&self, ask: Ask<'_>, model: Model<'_>, at: Millis) -> Decision {
        self.with(ask, model, |exchange| {
            self.engine.admit(exchange, Now::at(at), &self.store)
        })
    }

    /// Sends a request with this body.
    fn post(&self, ask: Ask<'_>, body: &str, at: Millis) -> Decision {
        let prompt = request::read(body.as_bytes());
        let unreadable = Content::Unreadable(body.len() as u64);
        let read = |prompt| Content::Read(prompt, Text::Bytes(body.as_bytes()));
        let content = prompt.as_ref().map_or(unreadable, read);
        self.with(ask, Model::Absent, |exchange| {
            self.engine.decide(
                exchange,
                content,
                &self.estimator,
                &Book::default(),
                Now::at(at),
                &self.store,
            )
        })
    }

    fn release(&self, leases: &[Lease], at: Millis) {
        self.engine
            .release(leases, Now::at(at), &self.store)
            .unwrap();
    }
}

const MINUTE: &str =
    r#"{"name": "minute", "per": ["key"], "count": "requests", "limit": 2, "window": "1m"}"#;
const HOUR: &str =
    r#"{"name": "hour", "per": ["key"], "count": "requests", "limit": 3, "window": "1h"}"#;
const PATH: &str =
    r#"{"name": "path", "per": ["path"], "count": "requests", "limit": 2, "window": "1d"}"#;
const IN_FLIGHT: &str =
    r#"{"name": "in-flight", "per": ["key"], "count": "concurrent", "limit": 1}"#;
const MODEL: &str = r#"{"name": "model", "per": ["key"], "count": "requests", "limit": 1, "window": "1m",
    "match": {"model": "dear*", "path": "/v1*", "method": "POST"}}"#;

#[test]
fn a_body_is_read_only_if_a_rule_that_may_cover_the_request_needs_the_model() {
    use Screening::{ReadBody, Ready};

    const UNREADABLE: Screening = Ready(Content::Unreadable(0));

    let json = ("content-type", "application/json");
    let key = ("authorization", "Bearer sk-one");
    for (method, target, headers, has_body, expected) in [
        ("POST", "/v1/chat/completions", &[key][..], true, ReadBody),
        ("POST", "/v1/chat/completions", &[key, json], true, ReadBody),
        (
            "POST",
            "/v1/anything",
            &[key, ("content-type", "application/JSON; charset=utf-8")],
            true,
            ReadBody,
        ),
        (
            "POST",
            "/v1/anything",
            &[key, ("content-type", "application/problem+json")],
            true,
            ReadBody,
        ),
        (
            "POST",
            "/v1/chat/completions",
            &[key, ("content-length", "1024")],
            true,
            ReadBody,
        ),
        // Not JSON, or not as it is: every rule on a model counts it.
        (
            "POST",
            "/v1/files",
            &[key, ("content-type", "multipart/form-data; boundary=x")],
            true,
            UNREADABLE,
        ),
        (
            "POST",
            "/v1/chat/completions",
            &[key, json, ("content-encoding", "gzip")],
            true,
            UNREADABLE,
        ),
        (
            "POST",
            "/v1/chat/completions",
            &[key, json, ("content-encoding", "identity")],
            true,
            ReadBody,
        ),
        (
            "POST",
            "/v1/chat/completions",
            &[key, json, ("content-type", "text/plain")],
            true,
            UNREADABLE,
        ),
        // A body that never ends is not waited for.
        (
            "POST",
            "/v1/realtime",
            &[key, ("upgrade", "websocket")],
            true,
            UNREADABLE,
        ),
        // No body, no rule on this path, no rule on this method, or a path that names the model.
        (
            "POST",
            "/v1/chat/completions",
            &[key],
            false,
            Ready(Content::None),
        ),
        ("POST", "/other", &[key], true, Ready(Content::None)),
        (
            "PUT",
            "/v1/chat/completions",
            &[key],
            true,
            Ready(Content::None),
        ),
        (
            "POST",
            "/v1beta/models/dearest:generateContent",
            &[key],
            true,
            Ready(Content::None),
        ),
    ] {
        let desk = Desk::new(MODEL);
        let ask = Ask {
            method,
            target,
            headers,
        };
        assert_eq!(
            desk.screen(ask, has_body),
            expected,
            "{method} {target} {headers:?}"
        );
    }
    assert_eq!(Desk::new(MINUTE).screen(CHAT, true), Ready(Content::None));
}

#[test]
fn what_headers_settle_is_refused_before_the_body() {
    let key = ("authorization", "Bearer sk-one");
    for (headers, reason) in [
        (&[][..], Reason::MissingCredential),
        (&[key, ("x-api-key", "sk-two")], Reason::AmbiguousCredential),
        (&[key, ("content-length", "1025")], Reason::BodyTooLarge),
    ] {
        let desk = Desk::new(MODEL);
        let Screening::Refuse(decision) = desk.screen(Ask { headers, ..CHAT }, true) else {
            panic!("{headers:?} passes");
        };
        assert_eq!((decision.verdict, decision.reason), (Verdict::Deny, reason));
    }
}

#[test]
fn a_quota_that_needs_no_model_refuses_before_the_body_and_charges_nothing() {
    let desk = Desk::new(&[MINUTE, MODEL].join(","));
    for _ in 0..5 {
        assert_eq!(desk.screen(CHAT, true), Screening::ReadBody);
    }
    for left in [1, 0] {
        let decision = desk.admit(CHAT, Model::Named(b"cheap"), START);
        assert_eq!(decision.verdict, Verdict::Allow);
        assert_eq!(decision.quotas[0].standing.remaining, left);
    }
    let Screening::Refuse(decision) = desk.screen(CHAT, true) else {
        panic!("a quota is used up");
    };
    assert_eq!(
        (decision.verdict, decision.rule),
        (Verdict::Throttle, Some(Rule::Quota(0)))
    );
}

#[test]
fn rules_on_a_model_count_whoever_names_it_or_hides_it() {
    for (body, counted) in [
        (r#"{"model": "dear"}"#, true),
        (r#"{"model": "dearest"}"#, true),
        (r#"{"model": "cheap"}"#, false),
        (r#"{"Model": "cheap"}"#, true),
        (r#"{"model": "cheap", "model": "dear"}"#, true),
        ("{}", true),
        ("not JSON", true),
    ] {
        let desk = Desk::new(MODEL);
        let decision = desk.post(CHAT, body, START);
        assert_eq!(decision.verdict, Verdict::Allow, "{body}");
        assert_eq!(decision.quotas.len(), usize::from(counted), "{body}");
    }
}

#[test]
fn quotas_are_told_in_the_order_of_the_policy() {
    // Two subjects, each with a page of its own, and their rules in turn.
    let desk = Desk::new(&[MINUTE, PATH, IN_FLIGHT, HOUR].join(","));
    let decision = desk.admit(CHAT, Model::Absent, START);
    let told: Vec<_> = decision
        .quotas
        .iter()
        .map(|state| (state.quota, state.limit, state.standing.remaining))
        .collect();
    assert_eq!(told, [(0, 2, 1), (1, 2, 1), (2, 1, 0), (3, 3, 2)]);
    assert_eq!(
        (decision.rule, decision.retry_at, decision.leases.len()),
        (None, None, 1)
    );
}

#[test]
fn of_two_quotas_that_refuse_the_later_retry_is_told() {
    let desk = Desk::new(&[MINUTE, PATH].join(","));
    for turn in 0..2 {
        assert_eq!(
            desk.admit(CHAT, Model::Absent, START + turn).verdict,
            Verdict::Allow
        );
    }
    let decision = desk.admit(CHAT, Model::Absent, START + 2);
    assert_eq!(
        (decision.verdict, decision.reason, decision.rule),
        (Verdict::Throttle, Reason::Quota, Some(Rule::Quota(1)))
    );
    assert_eq!(decision.retry_at, Some(START + 86_400_000));
    assert!(decision.quotas.iter().all(|state| !state.standing.fits));
    // Elsewhere only the minute is used up.
    let elsewhere = desk.admit(
        Ask {
            target: "/v1/other",
            ..CHAT
        },
        Model::Absent,
        START + 2,
    );
    assert_eq!(
        (elsewhere.rule, elsewhere.retry_at),
        (Some(Rule::Quota(0)), Some(START + 60_000))
    );
}

#[test]
fn a_refusal_by_one_subject_charges_no_other() {
    let desk = Desk::new(&[PATH, HOUR].join(","));
    for _ in 0..2 {
        desk.admit(CHAT, Model::Absent, START);
    }
    for _ in 0..5 {
        assert_eq!(
            desk.admit(CHAT, Model::Absent, START).rule,
            Some(Rule::Quota(0))
        );
    }
    let decision = desk.admit(
        Ask {
            target: "/v1/other",
            ..CHAT
        },
        Model::Absent,
        START,
    );
    assert_eq!(decision.verdict, Verdict::Allow);
    assert_eq!(decision.quotas[1].standing.remaining, 0);
}

#[test]
fn a_slot_in_flight_is_held_until_its_request_ends() {
    let desk = Desk::new(IN_FLIGHT);
    let first = desk.admit(CHAT, Model::Absent, START);
    let second = desk.admit(CHAT, Model::Absent, START + 5);
    assert_eq!(
        (second.verdict, second.rule, second.leases.len()),
        (Verdict::Throttle, Some(Rule::Quota(0)), 0)
    );
    // Nobody knows when the first ends.
    assert_eq!(second.retry_at, Some(START + 5 + IN_FLIGHT_WAIT));
    desk.release(&first.leases, START + 10);
    assert_eq!(
        desk.admit(CHAT, Model::Absent, START + 10).verdict,
        Verdict::Allow
    );
}

#[test]
fn a_rule_in_shadow_is_noted_and_not_told() {
    let shadow = HOUR.replace(r#""limit": 3"#, r#""limit": 1, "mode": "shadow""#);
    let desk = Desk::new(&[MINUTE, &shadow].join(","));
    for (intent, left) in [(None, 1), (Some(1), 0)] {
        let decision = desk.admit(CHAT, Model::Absent, START);
        assert_eq!(decision.verdict, Verdict::Allow);
        assert_eq!(
            decision.shadow.and_then(|shadow| shadow.rule),
            intent.map(Rule::Quota)
        );
        let told: Vec<_> = decision
            .quotas
            .iter()
            .map(|state| (state.quota, state.standing.remaining))
            .collect();
        assert_eq!(told, [(0, left)]);
    }
    let refused = desk.admit(CHAT, Model::Absent, START);
    assert_eq!(
        (refused.verdict, refused.rule, refused.shadow),
        (Verdict::Throttle, Some(Rule::Quota(0)), None)
    );
}
