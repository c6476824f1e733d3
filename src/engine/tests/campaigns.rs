//! What follows for a request of a campaign, and for nobody else.

use super::*;
use crate::campaign::{Book, Campaign, Entry};
use crate::policy::campaigns::Stage;

/// The campaign's name.
const ID: u64 = 0x5f1e;

/// What the system text of its requests is.
const SYSTEM: &str = "You write one exercise, then its solution, and nothing besides.";

/// An engine that knows one campaign.
struct Watch {
    desk: Desk,
    book: Book,
}

impl Watch {
    fn new(campaigns: &str, stage: Stage, held_back: bool) -> Self {
        let policy = format!(
            r#"{{"version": 1, "limits": {{"memory": "1MiB"}}, "verify_url": "https://example.org/verify",
                "account": {{"verified": {{"header": "x-verified"}}, "contract": {{"header": "x-contract"}}}},
                "campaigns": {campaigns}}}"#
        );
        let policy = Policy::parse(policy.as_bytes()).unwrap_or_else(|faults| panic!("{faults}"));
        let secret = Secret::new(b"0123456789abcdef");
        let entry = Entry {
            feature: Sampler::new(secret).of_text(SYSTEM.as_bytes()).system,
            campaign: 0,
            weight: 3,
            template: 0,
        };
        let campaign = Campaign {
            id: ID,
            stage,
            from: START,
            held_back,
        };
        Self {
            desk: Desk {
                engine: Engine::new(policy, secret),
                estimator: Estimator::new(),
                store: MemoryStore::new(1 << 20),
            },
            book: Book::new(1, vec![campaign], &[entry]),
        }
    }

    /// Asks with a key and what else the headers say.
    fn ask(&self, key: &str, fact: Option<&str>, system: &str, at: Millis) -> Decision {
        let bearer = format!("Bearer {key}");
        let mut headers = vec![("authorization", bearer.as_str())];
        headers.extend(fact.map(|name| (name, "true")));
        let body = format!(
            r#"{{"model": "m", "messages": [{{"role": "system", "content": "{system}"}}, {{"role": "user", "content": "Go."}}]}}"#
        );
        let prompt = request::read(body.as_bytes()).unwrap();
        let ask = Ask {
            headers: &headers,
            ..CHAT
        };
        let desk = &self.desk;
        desk.with(ask, Model::Absent, |exchange| {
            let content = Content::Read(&prompt, body.as_bytes());
            let (now, store) = (Now::at(at), &desk.store);
            desk.engine
                .decide(exchange, content, &desk.estimator, &self.book, now, store)
        })
    }
}

const STEPS: &str = r#"{"mode": "enforce", "steps": [
    {"at": "suspect", "then": "tag"},
    {"at": "convicted", "budget": {"requests": 2, "window": "1d"}, "over": "verify"}]}"#;

#[test]
fn a_budget_is_what_all_keys_of_a_campaign_share() {
    let watch = Watch::new(STEPS, Stage::Convicted, false);
    let ask = |key: &str| watch.ask(key, None, SYSTEM, START);
    for key in ["sk-a", "sk-b"] {
        let decision = ask(key);
        assert_eq!(decision.verdict, Verdict::Tag, "{key}");
        assert_eq!(decision.reason, Reason::Campaign);
        // Nobody is told what is left.
        assert!(decision.quotas.is_empty());
        assert_eq!(decision.campaign.map(|found| found.campaign), Some(ID));
    }
    let mut decision = ask("sk-c");
    assert_eq!(
        (decision.verdict, decision.reason, decision.rule),
        (Verdict::Verify, Reason::Campaign, Some(Rule::Campaign))
    );
    assert!(decision.reservation.take_refused().is_some());
    // Its keys' other requests are not touched.
    let other = watch.ask("sk-c", None, "You are a poet.", START);
    assert_eq!((other.verdict, other.campaign), (Verdict::Allow, None));
    // A day later there is a budget again.
    let later = START + 2 * 86_400_000;
    let verdict = watch.ask("sk-c", None, SYSTEM, later).verdict;
    assert_eq!(verdict, Verdict::Tag);
}

#[test]
fn a_suspect_has_no_budget() {
    let watch = Watch::new(STEPS, Stage::Suspect, false);
    for _ in 0..5 {
        let verdict = watch.ask("sk-a", None, SYSTEM, START).verdict;
        assert_eq!(verdict, Verdict::Tag);
    }
    // Before its time nothing is known.
    let early = watch.ask("sk-a", None, SYSTEM, START - 1);
    assert_eq!((early.verdict, early.campaign), (Verdict::Allow, None));
}

#[test]
fn who_is_verified_passes_and_who_has_a_contract_is_no_part() {
    let watch = Watch::new(STEPS, Stage::Convicted, false);
    for _ in 0..5 {
        let decision = watch.ask("sk-a", Some("x-verified"), SYSTEM, START);
        assert_eq!(decision.verdict, Verdict::Tag);
        let decision = watch.ask("sk-b", Some("x-contract"), SYSTEM, START);
        assert_eq!(
            (decision.verdict, decision.campaign),
            (Verdict::Allow, None)
        );
        assert!(decision.reservation.is_empty());
    }
    // None of them has used any of the budget.
    assert_eq!(watch.ask("sk-c", None, SYSTEM, START).verdict, Verdict::Tag);
}

#[test]
fn what_is_only_noted_is_noted() {
    let shadow = STEPS.replace("enforce", "shadow");
    let acquitted = STEPS.replacen('{', r#"{"acquit": ["c-0000000000005f1e"], "#, 1);
    for (steps, held_back, noted, found) in [
        (shadow.as_str(), false, Some(Verdict::Verify), true),
        // Its budget would be charged, and is left alone.
        (STEPS, true, Some(Verdict::Tag), true),
        (acquitted.as_str(), false, None, false),
    ] {
        let watch = Watch::new(steps, Stage::Convicted, held_back);
        let mut last = None;
        for key in ["sk-a", "sk-b", "sk-c"] {
            let decision = watch.ask(key, None, SYSTEM, START);
            assert_eq!(decision.verdict, Verdict::Allow, "{steps}");
            assert_eq!(decision.campaign.is_some(), found);
            last = decision.shadow.map(|intent| intent.verdict);
        }
        assert_eq!(last, noted, "{steps} {held_back}");
    }
}
