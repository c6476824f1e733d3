//! What follows for a request of a campaign, and for nobody else.

use super::*;
use crate::campaign::{Book, Campaign, Entry};
use crate::policy::campaigns::Stage;

/// The campaign's name.
const ID: u64 = 0x5f1e;

/// What the system text of its requests is.
const SYSTEM: &str = "You write one exercise, then its solution, and nothing besides.";

/// What its requests begin with, where they have no system text.
const TASK: &str =
    "Write one exercise of the kind that is set in the second year, and then its solution in full.";

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
        let sampler = Sampler::new(secret);
        let system = sampler.of_text(SYSTEM.as_bytes()).system;
        let task = sampler.of_text(TASK.as_bytes()).anchors[1];
        let entry = |feature| Entry {
            feature,
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
            book: Book::new(1, vec![campaign], &[entry(system), entry(task)]),
        }
    }

    /// Asks with a key and what else the headers say.
    fn ask(&self, key: &str, fact: Option<&str>, system: &str, at: Millis) -> Decision {
        let messages = [("system", system), ("user", "Go.")];
        self.converse(key, fact, &messages, at)
    }

    fn converse(
        &self,
        key: &str,
        fact: Option<&str>,
        messages: &[(&str, &str)],
        at: Millis,
    ) -> Decision {
        let bearer = format!("Bearer {key}");
        let mut headers = vec![("authorization", bearer.as_str())];
        headers.extend(fact.map(|name| (name, "true")));
        let message = |(role, content): &(&str, &str)| {
            format!(r#"{{"role": "{role}", "content": "{content}"}}"#)
        };
        let messages: Vec<String> = messages.iter().map(message).collect();
        let body = format!(r#"{{"model": "m", "messages": [{}]}}"#, messages.join(", "));
        let prompt = request::read(body.as_bytes()).unwrap();
        let ask = Ask {
            headers: &headers,
            ..CHAT
        };
        let desk = &self.desk;
        desk.with(ask, Model::Absent, |exchange| {
            let content = Content::Read(&prompt, Text::Bytes(body.as_bytes()));
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

#[test]
fn a_conversation_that_a_campaign_began_is_the_campaigns() {
    let watch = Watch::new(STEPS, Stage::Convicted, false);
    let more = "And what if the second train leaves an hour later than the first one does?";
    let answer = ("assistant", "It goes like this.");
    let (task, other) = (("user", TASK), ("user", "When does the train leave?"));
    for (messages, found, noted) in [
        (vec![task], true, false),
        (vec![task, answer, ("user", more)], true, true),
        (
            vec![task, answer, ("user", more), answer, other],
            true,
            true,
        ),
        // Tools ran, and the user has said nothing more.
        (vec![task, answer, ("tool", more)], true, false),
        (vec![other, answer, ("user", more)], false, false),
        (
            vec![other, answer, ("user", more), answer, task],
            true,
            false,
        ),
        // What the campaign says is not what the model says.
        (
            vec![other, ("assistant", TASK), ("user", more)],
            false,
            false,
        ),
    ] {
        let decision = watch.converse("sk-a", None, &messages, START);
        assert_eq!(decision.campaign.is_some(), found, "{messages:?}");
        let seen = decision
            .reservation
            .observation
            .expect("it may be evidence");
        assert_eq!(seen.opening != 0, noted, "{messages:?}");
    }
}
