//! What the judge makes of crowds whose habits are known, told as observations.

#![expect(
    clippy::arithmetic_side_effects,
    reason = "a test that overflows has failed"
)]

mod crowds;

use super::*;
use crate::policy::campaigns::{Convict, Facts};
use crate::policy::scope::Scope;
use crate::template::Template;
use crowds::{
    Campaign, Dice, alone, amidst, campaign, clockwork, others, people, slots, with_template,
};

fn rules() -> Campaigns {
    Campaigns {
        shadow: false,
        scope: Scope::default(),
        window: 7 * 86_400_000,
        convict: Convict::default(),
        steps: Vec::new(),
        facts: Facts::default(),
        excused: Vec::new(),
        excused_texts: Vec::new(),
        acquitted: Vec::new(),
        jitter: 300_000,
        cap: 1_000_000,
    }
}

fn judge() -> Judge {
    Judge::new(rules(), crate::identity::Secret::new(b"0123456789abcdef"))
}

/// Shows requests in order, ten seconds at a time.
fn show(judge: &mut Judge, mut all: Vec<Observation>) {
    all.sort_by_key(|seen| seen.at);
    let mut batch = Batch::default();
    let mut next = 10;
    for seen in all {
        while seen.at >= next {
            judge.sit(&[&batch], u64::from(next) * 1_000);
            batch.clear();
            next += 10;
        }
        batch.push(seen);
    }
    judge.sit(&[&batch], u64::from(next) * 1_000);
}

const HOUR: u32 = 3_600;

/// How far the evidence goes after these requests among everybody else's; `None` if nothing is held against anybody.
fn stage_of(mut crowd: Vec<Observation>, hours: u32) -> Option<Stage> {
    let mut judge = judge();
    crowd.extend(others(&mut Dice(9), 0.5, hours * HOUR));
    show(&mut judge, crowd);
    judge.cases().iter().map(|case| case.stage).max()
}

#[test]
fn a_work_queue_is_convicted_and_people_are_not() {
    let queue = |templates, quiet| {
        let what = Campaign {
            keys: 2_500,
            templates,
            pace: 1.35,
            quiet,
        };
        campaign(&mut Dice(1), what, 0, 14 * HOUR)
    };
    let mut dice = Dice(2);
    let dice = &mut dice;
    let day = 14 * HOUR;
    for (name, crowd, expected) in [
        ("one template", queue(1, false), Some(Stage::Convicted)),
        ("without give-aways", queue(1, true), Some(Stage::Convicted)),
        ("100 templates", queue(100, false), Some(Stage::Convicted)),
        ("nobody", Vec::new(), None),
        ("an app", people(dice, 700, 50, 0, day, |_, _, _| {}), None),
        (
            "an app of which everybody is new",
            people(dice, 700, 51, 0, day, |seen, _, _| seen.age = 2),
            None,
        ),
        (
            "conversations",
            people(dice, 700, 52, 0, day, |seen, turn, _| {
                seen.turns = 1 + 2 * turn as u16;
            }),
            None,
        ),
        (
            "a crowd that passes texts around",
            people(dice, 700, 53, 0, day, |seen, _, dice| {
                seen.age = 2;
                seen.whole = dice.below(100);
            }),
            None,
        ),
        ("clockwork", clockwork(dice, 400, 54, day), None),
        (
            "a slot grammar",
            slots(queue(1, false)),
            Some(Stage::Convicted),
        ),
        (
            "an app of many phrases",
            slots(people(dice, 700, 57, 0, day, |_, _, _| {})),
            None,
        ),
        (
            "amidst other text",
            amidst(queue(1, false), 70),
            Some(Stage::Convicted),
        ),
        (
            "an app amidst other text",
            amidst(people(dice, 700, 55, 0, day, |_, _, _| {}), 72),
            None,
        ),
        (
            "clockwork amidst other text",
            amidst(clockwork(dice, 400, 56, day), 73),
            None,
        ),
    ] {
        assert_eq!(stage_of(crowd, 14), expected, "{name}");
    }
}

#[test]
fn a_campaign_of_more_keys_than_the_cap_allows_is_only_noted() {
    for (keys, held) in [(600, false), (4_000, true)] {
        let what = Campaign {
            keys,
            templates: 1,
            pace: 2.0,
            quiet: false,
        };
        let mut crowd = campaign(&mut Dice(1), what, 0, 14 * HOUR);
        crowd.extend(others(&mut Dice(9), 0.5, 14 * HOUR));
        let cap = 100_000;
        let secret = crate::identity::Secret::new(b"0123456789abcdef");
        let mut judge = Judge::new(Campaigns { cap, ..rules() }, secret);
        show(&mut judge, crowd);
        for now in (14 * 3_600_000..).step_by(1_000).take(100) {
            let cases = judge.cases().into_iter();
            let cases: Vec<bool> = cases.map(|case| case.held_back).collect();
            assert_eq!(cases, [held], "{keys} keys at {now}");
            judge.sit(&[], now);
        }
    }
}

#[test]
fn how_a_question_begins_stops_nobody() {
    // All that a campaign's texts share are their first 24 bytes; whoever asks like that has 48 of his own.
    for (place, stopped) in [(0, false), (1, true)] {
        let what = Campaign {
            keys: 2_500,
            templates: 1,
            pace: 1.35,
            quiet: false,
        };
        let mut dice = Dice(12);
        let mut crowd = campaign(&mut Dice(1), what, 0, 14 * HOUR);
        for seen in &mut crowd {
            seen.anchors = core::array::from_fn(|_| dice.next());
            seen.bins = core::array::from_fn(|_| dice.next() as u32);
            if let Some(anchor) = seen.anchors.get_mut(place) {
                *anchor = 5;
            }
        }
        crowd.extend(others(&mut Dice(9), 0.5, 14 * HOUR));
        let mut judge = judge();
        show(&mut judge, crowd);
        let convicted = |case: &Case| case.stage == Stage::Convicted;
        assert!(judge.cases().iter().any(convicted), "{place}");
        let mut template = Template::default();
        if let Some(anchor) = template.anchors.get_mut(place) {
            *anchor = 5;
        }
        let found = judge.book().find(&template, Millis::MAX);
        assert_eq!(found.is_some(), stopped, "{place}");
    }
}

#[test]
fn what_an_agent_says_stops_none_of_its_users() {
    // A campaign has its templates behind an agent's system text, or in what the user says, or asks bare questions. The agent's
    // users sleep at first.
    let (agent, behind) = (6, 1 << 20);
    let what = Campaign {
        keys: 2_500,
        templates: 10,
        pace: 1.35,
        quiet: false,
    };
    let mut dice = Dice(13);
    let mut crowd = campaign(&mut Dice(1), what, 0, 14 * HOUR);
    for seen in &mut crowd {
        let template = (0..10).find(|it| seen.anchors.first() == Some(&mix((1_000 + it) * 8 + 1)));
        let template = template.unwrap_or_default();
        seen.system = dice.next();
        seen.system_anchors = [agent, dice.next()];
        if !(2..4).contains(&template) {
            let end = if template < 2 {
                behind + template
            } else {
                dice.next()
            };
            *seen = Observation {
                system: seen.system,
                system_anchors: [agent, end],
                age: seen.age,
                output: seen.output,
                parameters: seen.parameters,
                ..alone(&mut dice, 0, seen.at)
            };
            seen.key = mix(1 << 40 | dice.below(what.keys));
        }
    }
    let (from, end) = (8 * HOUR, 14 * HOUR);
    let users = people(&mut dice, 700, 60, from, end, |seen, turn, dice| {
        *seen = Observation {
            key: seen.key,
            system: dice.next(),
            system_anchors: [agent, dice.next()],
            turns: 1 + 2 * turn as u16,
            ..alone(dice, 0, seen.at)
        };
    });
    crowd.extend(users);
    crowd.extend(others(&mut Dice(9), 0.5, end));
    let mut judge = judge();
    show(&mut judge, crowd);
    let book = judge.book();
    for (name, anchors, first, found) in [
        ("the agent", [agent, 0], 0, false),
        ("behind it", [agent, behind + 1], 0, true),
        ("asked", [agent, 0], mix(1_002 * 8 + 3), true),
    ] {
        let mut template = Template {
            system_anchors: anchors,
            ..Template::default()
        };
        if let Some(longest) = template.anchors.get_mut(2) {
            *longest = first;
        }
        assert_eq!(book.find(&template, Millis::MAX).is_some(), found, "{name}");
    }
}

#[test]
fn what_is_asked_further_in_a_campaigns_conversation_is_no_evidence() {
    let what = Campaign {
        keys: 2_500,
        templates: 1,
        pace: 1.35,
        quiet: false,
    };
    let further = 1_999;
    for begun in [true, false] {
        let mut crowd = campaign(&mut Dice(1), what, 0, 12 * HOUR);
        let more = campaign(&mut Dice(2), what, 12 * HOUR, 24 * HOUR);
        let asked = more.len() as u64;
        crowd.extend(more.into_iter().map(|seen| Observation {
            opening: if begun { mix(1_000 * 8 + 3) } else { 0 },
            turns: 3,
            ..with_template(seen, further)
        }));
        crowd.extend(others(&mut Dice(9), 0.5, 24 * HOUR));
        let mut judge = judge();
        show(&mut judge, crowd);
        let template = Template {
            anchors: [0, 0, mix(further * 8 + 3), 0, 0, 0],
            ..Template::default()
        };
        let found = judge.book().find(&template, Millis::MAX);
        assert_eq!(found.is_some(), !begun);
        let counted = judge.cases().iter().map(|case| case.requests).max();
        assert!(!begun || counted > Some(asked), "{counted:?} of {asked}");
    }
}

#[test]
fn a_text_alone_convicts_nobody() {
    // 5,000 keys with one template, each of which comes once: nothing is known of how they come.
    let mut dice = Dice(3);
    let once = (0..5_000_u64).map(|number| {
        let mut seen = alone(&mut dice, number, number as u32);
        seen.age = 400;
        with_template(seen, 60)
    });
    assert_eq!(stage_of(once.collect(), 2), None);
}

#[test]
fn the_order_of_requests_and_who_saw_them_make_no_difference() {
    let what = Campaign {
        keys: 300,
        templates: 3,
        pace: 12.0,
        quiet: false,
    };
    let all = campaign(&mut Dice(4), what, 0, 12 * HOUR);
    let run = |nodes: usize, turn: bool| {
        let mut judge = judge();
        for sitting in all.chunk_by(|one, other| one.at / 60 == other.at / 60) {
            let mut batches = vec![Batch::default(); nodes];
            for (place, seen) in sitting.iter().enumerate() {
                batches[place % nodes].push(*seen);
            }
            if turn {
                let seen: Vec<Observation> = batches[0].observations().to_vec();
                batches[0].clear();
                seen.iter().rev().for_each(|seen| batches[0].push(*seen));
                batches.reverse();
            }
            let end = u64::from(sitting[0].at / 60 + 1) * 60_000;
            judge.sit(&batches.iter().collect::<Vec<_>>(), end);
        }
        (judge.cases(), judge.book().to_bytes())
    };
    let one = run(1, false);
    assert!(!one.0.is_empty());
    for (nodes, turn) in [(1, true), (2, false), (3, true), (7, false)] {
        assert_eq!(run(nodes, turn), one, "{nodes} nodes, turned {turn}");
    }
}

#[test]
fn a_flood_of_random_texts_takes_no_more_memory_and_convicts_nobody() {
    let mut judge = judge();
    let before = judge.bytes();
    assert!(before <= 4 << 20, "{before}");
    let mut dice = Dice(5);
    for second in 0..300 {
        let mut batch = Batch::default();
        for _ in 0..500 {
            let key = dice.next();
            batch.push(alone(&mut dice, key, second));
        }
        judge.sit(&[&batch], u64::from(second) * 1_000);
    }
    assert_eq!(judge.bytes(), before);
    assert_eq!(judge.cases(), []);
}
