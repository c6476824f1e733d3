#![expect(
    clippy::arithmetic_side_effects,
    reason = "a test that overflows should stop and say so"
)]

use super::*;

use crate::verdict::Reason;

const START: Millis = 1_000;

fn score() -> Score {
    let population = |name, campaign| Population {
        name,
        campaign,
        keys: 10,
    };
    let populations = [population("people", false), population("campaign", true)];
    Score::new(&populations, START)
}

/// A request of a key: of 0 to 9 honest ones, or else of the campaign's.
fn request(t: Millis, key: u32, interaction: bool) -> Request {
    let mut request = Request::default();
    request.t = START + t;
    request.key = key;
    request.population = u16::from(key > 9);
    request.interaction = interaction;
    request.template = u32::from(interaction);
    request
}

fn decided(verdict: Verdict, campaign: Option<u64>) -> Decision {
    let mut decision = Decision::allow(Reason::None);
    decision.verdict = verdict;
    decision.campaign = campaign.map(|campaign| Match {
        campaign,
        stage: Stage::Convicted,
        held_back: false,
        feature: 0,
    });
    decision
}

#[test]
fn interactions_are_told_from_what_else_their_keys_ask() {
    let mut score = score();
    let (pass, deny) = (
        decided(Verdict::Allow, None),
        decided(Verdict::Deny, Some(7)),
    );
    let tag = decided(Verdict::Tag, None);
    score.count(&request(0, 10, true), &pass, 0);
    score.count(&request(5, 11, true), &tag, 0);
    score.count(&request(HOUR, 10, true), &deny, 0);
    score.count(&request(25 * HOUR, 10, true), &deny, 0);
    score.count(&request(25 * HOUR, 12, false), &deny, 0);
    score.count(&request(25 * HOUR, 12, false), &pass, 0);
    let campaign = score.campaign().unwrap();
    assert_eq!(
        (campaign.interactions, campaign.let_through, campaign.tagged),
        (4, 2, 1)
    );
    assert_eq!(campaign.share_let_through, 0.5);
    assert_eq!(campaign.convicted_after_ms, Some(HOUR));
    assert_eq!((campaign.keys, campaign.keys_refused), (3, 2));
    assert_eq!((campaign.other_requests, campaign.other_refused), (2, 1));
    let days: Vec<_> = campaign
        .days
        .iter()
        .map(|day| (day.interactions, day.let_through))
        .collect();
    assert_eq!(days, [(3, 2), (1, 0)]);
    assert_eq!(campaign.templates.unwrap().count, 1);
    assert_eq!(score.honest().all.requests, 0);
}

#[test]
fn keys_are_counted_once_for_each_thing_that_happens_to_them() {
    let mut score = score();
    let (deny, tag) = (
        decided(Verdict::Verify, Some(7)),
        decided(Verdict::Tag, Some(8)),
    );
    for t in 0..3 {
        score.count(&request(t, 1, false), &deny, 0b10);
        score.count(&request(t, 2, false), &tag, 0b01);
    }
    let honest = score.honest().all;
    assert_eq!((honest.requests, honest.refused, honest.tagged), (6, 3, 3));
    assert_eq!(
        (honest.keys, honest.keys_refused, honest.keys_tagged),
        (2, 1, 1)
    );
    let baselines = score.baselines();
    let told: Vec<_> = baselines
        .iter()
        .map(|it| (it.honest_refused, it.honest_keys_refused))
        .collect();
    assert_eq!(told, [(3, 1), (3, 1), (0, 0), (0, 0), (0, 0), (0, 0)]);
    assert!(score.campaign().is_none());
}

#[test]
fn cases_are_judged_by_the_truth() {
    let mut score = score();
    score.count(&request(0, 10, true), &decided(Verdict::Deny, Some(7)), 0);
    score.count(&request(0, 10, false), &decided(Verdict::Deny, Some(7)), 0);
    score.count(&request(0, 1, false), &decided(Verdict::Deny, Some(7)), 0);
    score.count(&request(0, 1, false), &decided(Verdict::Deny, Some(8)), 0);
    let mut suspected = decided(Verdict::Tag, Some(9));
    suspected.campaign.as_mut().unwrap().stage = Stage::Suspect;
    score.count(&request(0, 2, false), &suspected, 0);
    let standing = Case {
        id: 7,
        stage: Stage::Convicted,
        first: START + 5,
        last: START + 6,
        since: START + 6,
        keys: 100,
        requests: 900,
        features: 8,
        score: 12,
        families: 3,
        reasons: vec![("keys", 30)],
        held_back: false,
    };
    let cases = score.cases(&[standing]);
    let told: Vec<_> = cases
        .iter()
        .map(|case| (case.number, case.interactions, case.honest, case.other))
        .collect();
    assert_eq!(told, [(7, 1, 1, 1), (8, 0, 1, 0)]);
    assert_eq!(cases[0].standing.as_ref().unwrap().since_ms, 6);
    assert!(cases[1].standing.is_none());
}

#[test]
fn baselines_are_held_against_the_campaign_too() {
    let mut score = score();
    let pass = decided(Verdict::Allow, None);
    score.count(&request(0, 10, true), &pass, 0b1);
    score.count(&request(0, 10, true), &pass, 0b0);
    score.count(&request(0, 10, false), &pass, 0b1);
    let first = &score.baselines()[0];
    assert_eq!((first.let_through, first.share_let_through), (1, 0.5));
    assert_eq!((first.other_refused, first.honest_refused), (1, 0));
}
