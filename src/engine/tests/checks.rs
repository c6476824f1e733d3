//! What checks make of a request, and in which order.

use super::*;
use crate::policy::Trait;
use crate::store::{Change, Page, Store, StoreError};

/// A policy around checks.
fn policy(checks: &str) -> Policy {
    let lists = if checks.contains("partners") {
        r#""lists": {"partners": ["203.0.113.0/24"]},"#
    } else {
        ""
    };
    let text = format!(
        r#"{{"version": 1, "verify_url": "https://example.com/verify",
            "account": {{"org": {{"header": "x-org"}}, "verified": {{"header": "x-verified"}}}},
            {lists}
            "traits": {{"ja4": {{"header": "x-ja4"}}}},
            "checks": [{checks}]}}"#
    );
    Policy::parse(text.as_bytes()).unwrap_or_else(|faults| panic!("{faults}"))
}

/// Someone who asks: key, address, further headers.
#[derive(Clone, Copy)]
struct Client<'a>(&'a str, &'a str, &'a [(&'a str, &'a str)]);

struct At(Option<IpAddr>);

impl Attributes for At {
    fn source(&self) -> Option<IpAddr> {
        self.0
    }

    fn property(&self, _: &[String]) -> Option<Vec<u8>> {
        None
    }
}

/// Checks at work.
struct Door {
    engine: Engine,
    store: MemoryStore,
}

impl Door {
    fn new(checks: &str) -> Self {
        Self {
            engine: Engine::new(policy(checks), Secret::new(b"0123456789abcdef")),
            store: MemoryStore::new(1 << 20),
        }
    }

    fn with<T>(&self, client: Client<'_>, act: impl FnOnce(&Exchange<'_>) -> T) -> T {
        let Client(key, source, more) = client;
        let bearer = format!("Bearer {key}");
        let mut headers: Vec<(&[u8], &[u8])> = vec![(b"authorization", bearer.as_bytes())];
        let more = more.iter();
        headers.extend(more.map(|(name, value)| (name.as_bytes(), value.as_bytes())));
        act(&Exchange {
            method: b"POST",
            path: b"/v1/chat/completions",
            query: b"",
            headers: &headers,
            model: Model::Absent,
            foreseen: Foreseen::default(),
            attributes: &At(source.parse().ok()),
        })
    }

    fn ask(&self, client: Client<'_>, at: Millis) -> Decision {
        self.ask_on(&self.store, client, at)
    }

    fn ask_on<S: Store>(&self, store: &S, client: Client<'_>, at: Millis) -> Decision {
        self.with(client, |exchange| {
            self.engine.admit(exchange, Now::at(at), store)
        })
    }

    /// Asks, and has the origin answer with this status whatever passes.
    fn serve(&self, client: Client<'_>, status: u16, at: Millis) -> Decision {
        let mut decision = self.ask(client, at);
        let now = Now::at(at);
        self.engine
            .remember(&mut decision.reservation, status, now, &self.store)
            .unwrap();
        assert!(!decision.reservation.is_news());
        decision
    }
}

/// A store that cannot be reached.
struct Gone;

impl Store for Gone {
    fn pages(&self) -> u32 {
        1
    }

    fn update<T>(&self, _: u32, _: impl FnMut(&mut Page) -> (T, Change)) -> Result<T, StoreError> {
        Err(StoreError::Unavailable)
    }
}

const LISTED: &str = r#"{"name": "listed", "trait": "ja4", "in": ["t13d1516h2_8daaf6152771_02713d6af862"], "then": "deny"}"#;
const OFFICE: &str =
    r#"{"name": "office", "trait": "network", "in": {"list": "partners"}, "then": "tag"}"#;
const ORG: &str = r#"{"name": "org", "trait": "org", "in": ["acme*"], "then": "verify"}"#;
const FARM: &str = r#"{"name": "farm", "per": ["network"], "distinct": "key", "limit": 3, "window": "1h", "then": "verify",
    "except": [{"trait": "verified", "in": ["true"]}]}"#;

const JA4: (&str, &str) = ("x-ja4", "t13d1516h2_8daaf6152771_02713d6af862");
const ACME: (&str, &str) = ("x-org", "acme-labs");

fn rules(decision: &Decision) -> Vec<usize> {
    decision
        .findings
        .iter()
        .map(|finding| finding.check)
        .collect()
}

#[test]
fn of_several_checks_the_strictest_wins_and_all_are_recorded() {
    let door = Door::new(&[OFFICE, ORG, LISTED].join(","));
    let (home, office) = ("198.51.100.9", "203.0.113.77");
    for (client, verdict, rule, found) in [
        (Client("a", home, &[]), Verdict::Allow, None, &[][..]),
        (Client("a", office, &[]), Verdict::Tag, Some(0), &[0]),
        (
            Client("a", "::ffff:203.0.113.1", &[]),
            Verdict::Tag,
            Some(0),
            &[0],
        ),
        (
            Client("a", office, &[ACME]),
            Verdict::Verify,
            Some(1),
            &[0, 1],
        ),
        (Client("a", home, &[ACME]), Verdict::Verify, Some(1), &[1]),
        (
            Client("a", office, &[ACME, JA4]),
            Verdict::Deny,
            Some(2),
            &[0, 1, 2],
        ),
        (
            Client(
                "a",
                "unknown",
                &[("x-ja4", "T13D1516H2_8DAAF6152771_02713D6AF862")],
            ),
            Verdict::Deny,
            Some(2),
            &[2],
        ),
        // Malformed, or two: absent.
        (
            Client("a", home, &[("x-ja4", "t13d1516h2_8daaf6152771")]),
            Verdict::Allow,
            None,
            &[],
        ),
        (Client("a", home, &[JA4, JA4]), Verdict::Allow, None, &[]),
    ] {
        let decision = door.ask(client, START);
        let told = (decision.verdict, decision.rule, rules(&decision));
        assert_eq!(
            told,
            (verdict, rule.map(Rule::Check), found.to_vec()),
            "{:?}",
            (client.1, client.2)
        );
        let reason = if found.is_empty() {
            Reason::None
        } else {
            Reason::List
        };
        assert_eq!(decision.reason, reason);
    }
}

#[test]
fn a_request_that_is_denied_by_what_it_shows_is_counted_nowhere() {
    let door = Door::new(&[FARM, LISTED].join(","));
    let client = Client("a", "192.0.2.1", &[JA4]);
    let denied = door.ask_on(&Gone, client, START);
    assert_eq!(
        (denied.verdict, denied.reason),
        (Verdict::Deny, Reason::List)
    );
    let failed = door.ask_on(&Gone, Client("a", "192.0.2.1", &[]), START);
    assert_eq!(
        (failed.verdict, failed.reason),
        (Verdict::Deny, Reason::Store)
    );
}

#[test]
fn what_only_a_check_in_shadow_cannot_see_refuses_nobody() {
    let shadow = FARM.replacen('{', r#"{"mode": "shadow", "#, 1);
    for (checks, verdict) in [
        (shadow.clone(), Verdict::Allow),
        (FARM.to_owned(), Verdict::Deny),
    ] {
        let door = Door::new(&checks);
        let decision = door.ask_on(&Gone, Client("a", "192.0.2.1", &[]), START);
        assert_eq!(decision.verdict, verdict);
    }
}

#[test]
fn only_keys_that_the_origin_has_served_are_counted() {
    let door = Door::new(FARM);
    let client = |key| Client(key, "192.0.2.1", &[]);
    for (key, status) in [
        ("invented-1", 401),
        ("invented-2", 403),
        ("invented-3", 400),
        ("invented-4", 500),
        ("a", 200),
        ("b", 201),
        ("invented-6", 302),
        ("a", 200),
        ("c", 200),
        ("invented-5", 404),
    ] {
        let decision = door.serve(client(key), status, START);
        assert_eq!(decision.verdict, Verdict::Allow, "{key}");
    }
    // Three are what the limit allows; a fourth is seen when it has been served.
    assert_eq!(door.serve(client("d"), 200, START).verdict, Verdict::Allow);
    for key in ["e", "a", "d"] {
        let decision = door.serve(client(key), 200, START + 1);
        assert_eq!(
            (decision.verdict, decision.reason, decision.rule),
            (Verdict::Verify, Reason::Distinct, Some(Rule::Check(0)))
        );
        assert_eq!(decision.findings[0].count, Some((4, true)));
        assert!(!decision.reservation.is_news());
    }
    // Elsewhere, and where the policy makes an exception, nothing of that matters.
    let elsewhere = door.serve(Client("a", "192.0.3.1", &[]), 200, START + 1);
    assert_eq!(elsewhere.verdict, Verdict::Allow);
    let verified = Client("a", "192.0.2.1", &[("x-verified", "true")]);
    assert_eq!(door.serve(verified, 200, START + 1).verdict, Verdict::Allow);
    // Those who are known and keep asking keep it going; when they stop it ends.
    for half in 1..6 {
        let decision = door.ask(client("a"), START + half * 1_800_000);
        door.ask(client("b"), START + half * 1_800_000);
        door.ask(client("c"), START + half * 1_800_000);
        door.ask(client("d"), START + half * 1_800_000);
        assert_eq!(decision.verdict, Verdict::Verify, "{half}");
    }
    let later = door.ask(client("e"), START + 7 * 1_800_000);
    assert_eq!(later.verdict, Verdict::Allow);
}

#[test]
fn many_who_keep_asking_stay_counted_from_one_half_window_to_the_next() {
    let farm = FARM
        .replace("\"limit\": 3", "\"limit\": 300")
        .replace("verify\",", "tag\",");
    let door = Door::new(&farm);
    let ask = |key: usize, at| {
        let key = format!("key-{key}");
        door.serve(Client(&key, "192.0.2.1", &[]), 200, at)
    };
    for half in 0..6 {
        let at = START + half * 1_800_000;
        // When a half begins the one before is all that is known.
        for key in 0..1_000 {
            let decision = ask(key, at);
            let count = decision.findings.first().and_then(|finding| finding.count);
            assert!(
                half == 0 || matches!(count, Some((850..1_150, false))),
                "{count:?} in half {half}"
            );
        }
    }
}

#[test]
fn what_lacks_a_trait_is_skipped_unless_the_check_says_otherwise() {
    for (absent, listed, counted) in [
        ("skip", Verdict::Allow, Verdict::Allow),
        ("match", Verdict::Verify, Verdict::Verify),
    ] {
        let absent = format!(r#", "absent": "{absent}"}}"#);
        let door = Door::new(&ORG.replace('}', &absent));
        assert_eq!(door.ask(Client("a", "", &[]), START).verdict, listed);
        let farm = FARM.replace(
            r#""window": "1h""#,
            &format!(r#""window": "1h"{}"#, absent.trim_end_matches('}')),
        );
        let door = Door::new(&farm);
        for key in ["a", "b", "c", "d"] {
            door.serve(Client(key, "unknown", &[]), 200, START);
        }
        assert_eq!(
            door.ask(Client("e", "unknown", &[]), START).verdict,
            counted
        );
    }
}

#[test]
fn a_check_that_throttles_names_a_tighter_quota() {
    const LANE: &str = r#"{"name": "lane", "trait": "network", "in": {"list": "partners"}, "then": "throttle",
        "quota": {"name": "slow", "per": ["network"], "count": "requests", "limit": 2, "window": "1m"}}"#;
    for shadow in [false, true] {
        let lane = if shadow {
            LANE.replacen('{', r#"{"mode": "shadow", "#, 1)
        } else {
            LANE.to_owned()
        };
        let door = Door::new(&lane);
        for (turn, key) in ["a", "b", "c"].into_iter().enumerate() {
            let decision = door.ask(Client(key, "203.0.113.5", &[]), START);
            let told = (decision.verdict, decision.rule, decision.quotas.len());
            let intent = decision.shadow.map(|intent| (intent.verdict, intent.rule));
            match (shadow, turn) {
                (false, 0 | 1) => assert_eq!(told, (Verdict::Tag, Some(Rule::Check(0)), 1)),
                (false, _) => assert_eq!(told, (Verdict::Throttle, Some(Rule::Quota(0)), 1)),
                (true, _) => assert_eq!(told, (Verdict::Allow, None, 0)),
            }
            match (shadow, turn) {
                (false, _) => assert_eq!(intent, None),
                (true, 0 | 1) => assert_eq!(intent, Some((Verdict::Tag, Some(Rule::Check(0))))),
                (true, _) => assert_eq!(intent, Some((Verdict::Throttle, Some(Rule::Quota(0))))),
            }
            assert_eq!(rules(&decision), [0]);
            // Nobody else is held to it.
            assert_eq!(
                door.ask(Client(key, "192.0.2.5", &[]), START).verdict,
                Verdict::Allow
            );
        }
    }
}

#[test]
fn a_check_in_shadow_is_noted_beside_what_is_done() {
    let shadow = |check: &str| check.replacen('{', r#"{"mode": "shadow", "#, 1);
    let door = Door::new(&[OFFICE, &shadow(ORG), &shadow(LISTED)].join(","));
    let decision = door.ask(Client("a", "203.0.113.5", &[ACME, JA4]), START);
    assert_eq!(
        (decision.verdict, rules(&decision)),
        (Verdict::Tag, vec![0, 1, 2])
    );
    let intent = decision.shadow.map(|intent| (intent.verdict, intent.rule));
    assert_eq!(intent, Some((Verdict::Deny, Some(Rule::Check(2)))));
    // What would have been no more than was done is not told.
    let door = Door::new(&[ORG, &shadow(OFFICE)].join(","));
    let decision = door.ask(Client("a", "203.0.113.5", &[ACME]), START);
    assert_eq!((decision.verdict, decision.shadow), (Verdict::Verify, None));
}

#[test]
fn a_finding_names_the_traits_it_was_made_from_and_no_address() {
    let door = Door::new(&[FARM, OFFICE, LISTED].join(","));
    let decision = door.ask(Client("a", "203.0.113.5", &[JA4]), START);
    let names: Vec<&str> = decision
        .traits
        .iter()
        .map(|&(of, _)| door.engine.policy().name_of_trait(of))
        .collect();
    assert_eq!(names, ["network", "ja4"]);
    let network = &decision.traits[0];
    assert_eq!((network.0, network.1.len()), (Trait::Network, 16));
    assert_eq!(decision.traits[1].1, JA4.1);
}

#[test]
fn a_check_that_needs_no_body_does_not_wait_for_one() {
    let model = r#"{"name": "model", "trait": "model", "in": ["secret-*"], "then": "deny"}"#;
    let json = ("content-type", "application/json");
    for (checks, client, expected) in [
        (
            LISTED.to_owned(),
            Client("a", "", &[json]),
            Some(Verdict::Allow),
        ),
        (
            [LISTED, model].join(","),
            Client("a", "", &[json, JA4]),
            Some(Verdict::Deny),
        ),
        ([LISTED, model].join(","), Client("a", "", &[json]), None),
    ] {
        let door = Door::new(&checks);
        let screening = door.with(client, |exchange| {
            door.engine
                .screen(exchange, true, Now::at(START), &door.store)
        });
        match (screening, expected) {
            (Screening::Ready(_), Some(Verdict::Allow)) | (Screening::ReadBody, None) => {}
            (Screening::Refuse(decision), Some(verdict)) => assert_eq!(decision.verdict, verdict),
            (other, _) => panic!("{other:?}"),
        }
    }
    let door = Door::new(model);
    for (body, verdict) in [
        (r#"{"model": "secret-1"}"#, Verdict::Deny),
        (r#"{"model": "public"}"#, Verdict::Allow),
        ("{}", Verdict::Deny),
        ("not JSON", Verdict::Deny),
        ("", Verdict::Allow),
    ] {
        let prompt = request::read(body.as_bytes());
        let unread = match body {
            "" => Content::None,
            _ => Content::Unreadable(1),
        };
        let read = |prompt| Content::Read(prompt, Text::Bytes(body.as_bytes()));
        let content = prompt.as_ref().map_or(unread, read);
        let decision = door.with(Client("a", "", &[json]), |exchange| {
            door.engine.decide(
                exchange,
                content,
                &Estimator::new(),
                &Book::default(),
                Now::at(START),
                &door.store,
            )
        });
        assert_eq!(decision.verdict, verdict, "{body}");
    }
}

#[test]
fn the_body_of_whom_a_check_does_not_find_may_be_too_long_for_its_quota_or_unreadable() {
    let door = Door::new(
        r#"{"name": "lane", "trait": "network", "in": ["203.0.113.0/24"], "then": "throttle",
            "quota": {"name": "slow", "per": ["network"], "count": "tokens", "limit": 5000, "window": "1h"}}"#,
    );
    let long = [
        ("content-type", "application/json"),
        ("content-length", "9000000"),
    ];
    let mut unread = door.engine.policy().clone();
    unread.denies_unreadable = true;
    let unread = Engine::new(unread, Secret::new(b"0123456789abcdef"));
    for (source, needed) in [("192.0.2.1", false), ("203.0.113.1", true)] {
        let (screening, needs) = door.with(Client("a", source, &long), |exchange| {
            let now = Now::at(START);
            let screening = door.engine.screen(exchange, true, now, &door.store);
            (
                screening,
                door.engine.needs_body_of(exchange, now, &door.store),
            )
        });
        assert_eq!(needs, needed, "{source}");
        let decision = door.with(Client("a", source, &long), |exchange| {
            let content = Content::Unreadable(9_000_000);
            unread.decide(
                exchange,
                content,
                &Estimator::new(),
                &Book::default(),
                Now::at(START),
                &door.store,
            )
        });
        assert_eq!(decision.reason == Reason::Unreadable, needed, "{source}");
        assert_eq!(
            matches!(screening, Screening::Refuse(_)),
            needed,
            "{source}"
        );
    }
}
