//! A judge is followed by another: all of it, parts of any age, and nothing.

#![expect(
    clippy::arithmetic_side_effects,
    reason = "a test that overflows has failed"
)]

use super::*;
use crate::campaign::{Batch, Observation};
use crate::identity::Secret;
use crate::policy::Policy;
use crate::traits::mix;

fn rules() -> Campaigns {
    let policy =
        br#"{"version": 1, "campaigns": {"convict": {"score": 5, "families": 2}, "cap": 1}}"#;
    let policy = Policy::parse(policy).unwrap();
    policy.campaigns.unwrap()
}

fn judge() -> Judge {
    Judge::new(rules(), Secret::new(b"0123456789abcdef"))
}

/// A request of a campaign's, from one of its keys.
fn request(number: u64, at: u32) -> Observation {
    let mut seen = Observation::zeroed();
    (seen.key, seen.at) = (mix(1 + number % 300), at);
    (seen.anchors[0], seen.anchors[1], seen.anchors[2]) = (mix(1), mix(2), mix(3));
    (seen.whole, seen.network) = (mix(number << 20), mix(number) as u32);
    (seen.age, seen.turns, seen.parameters) = (1 + (number % 9) as u16, 1, 9);
    seen
}

/// One of nobody else's.
fn other(number: u64, at: u32) -> Observation {
    let mut seen = request(number, at);
    seen.key = mix(1 << 40 | number);
    seen.anchors = [0; 6].map(|_: u64| mix(number << 8 | 7));
    seen.age = 900;
    seen
}

/// Has a judge see a campaign, from this second on.
fn show(judge: &mut Judge, from: u32, seconds: u32) {
    for second in from..from + seconds {
        let mut batch = Batch::default();
        for number in 0..10 {
            let number = u64::from(second) * 10 + number;
            batch.push(request(number, second * 60));
            batch.push(other(number, second * 60));
        }
        judge.sit(&[&batch], u64::from(second) * 60_000);
    }
}

/// One that has convicted.
fn convinced() -> Judge {
    let mut judge = judge();
    show(&mut judge, 1_000, 300);
    assert_eq!(judge.cases().len(), 1, "{:?}", judge.cases());
    judge
}

#[test]
fn a_judge_that_takes_over_everything_goes_on_as_the_other_would() {
    let mut one = convinced();
    let mut two = judge();
    assert_eq!(one.pieces(), two.pieces());
    for place in 0..one.pieces() {
        assert!(one.piece(place).len() <= 65_536 + 12);
        assert!(two.take_over(place, &one.piece(place)), "{place}");
    }
    assert!(two.resume(one.book(), 5));
    assert!(two.book().version() > one.book().version());
    assert_eq!(one.cases(), two.cases());
    assert_eq!(one.book().campaigns(), two.book().campaigns());
    show(&mut one, 2_000, 50);
    show(&mut two, 2_000, 50);
    assert_eq!(one.cases(), two.cases());
    for place in 0..one.pieces() {
        assert!(one.piece(place) == two.piece(place), "{place}");
    }
}

#[test]
fn what_was_found_is_known_after_the_loss_of_any_piece_and_of_all() {
    let one = convinced();
    for lost in (0..one.pieces()).map(Some).chain([None]) {
        let mut two = judge();
        for place in (0..one.pieces()).filter(|&place| lost.is_some_and(|lost| lost != place)) {
            two.take_over(place, &one.piece(place));
        }
        two.resume(one.book(), 5);
        let known =
            |judge: &Judge| -> Vec<u64> { judge.cases().iter().map(|case| case.id).collect() };
        assert_eq!(known(&one), known(&two), "without {lost:?}");
        assert_eq!(
            one.book().campaigns(),
            two.book().campaigns(),
            "without {lost:?}"
        );
        let (mut before, mut after): (Vec<u64>, Vec<u64>) = (
            one.book().entries().map(|entry| entry.feature).collect(),
            two.book().entries().map(|entry| entry.feature).collect(),
        );
        before.sort_unstable();
        after.sort_unstable();
        assert_eq!(before, after, "without {lost:?}");
        show(&mut two, 2_000, 50);
    }
}

#[test]
fn pieces_may_be_of_any_age() {
    let mut old = judge();
    show(&mut old, 1_000, 20);
    let new = convinced();
    for turn in 0..8_usize {
        let mut two = judge();
        for place in 0..new.pieces() {
            let from = if (place * 7 + turn) % 8 < 4 {
                &old
            } else {
                &new
            };
            assert!(two.take_over(place, &from.piece(place)));
        }
        two.resume(new.book(), 5);
        assert_eq!(two.book().campaigns().len(), 1, "{turn}");
        show(&mut two, 2_000, 50);
        assert_eq!(two.book().campaigns().len(), 1, "{turn}");
    }
}

#[test]
fn no_bytes_are_too_odd_to_go_on_with() {
    let mut state = 1_u64;
    for round in 0..12_u32 {
        let mut judge = judge();
        for place in 0..judge.pieces() {
            let mut piece = judge.piece(place);
            for byte in &mut piece[12..] {
                state = mix(state.wrapping_add(1));
                // Also many that are small, or as large as can be.
                *byte = match round % 3 {
                    0 => state as u8,
                    1 => (state as u8) & 1,
                    _ => (state as u8) | 0xfe,
                };
            }
            assert!(judge.take_over(place, &piece));
        }
        judge.resume(&Book::default(), 5);
        show(&mut judge, 1_000 * round, 20);
        let _ = judge.cases();
        judge.set_rules(rules());
        show(&mut judge, 70_000_000, 3);
    }
}

#[test]
fn what_is_no_piece_is_not_taken() {
    let (one, mut two) = (convinced(), judge());
    let piece = one.piece(0);
    assert!(!two.take_over(1, &piece));
    assert!(!two.take_over(0, b""));
    assert!(!two.take_over(0, &[b"sgj1", &piece[4..]].concat()));
    // A part of one is one, as far as it goes.
    assert!(two.take_over(0, &piece[..100]));
}

#[test]
fn what_the_policy_excuses_is_a_campaigns_no_more() {
    let mut judge = convinced();
    let case = judge.cases()[0].id;
    let templates = judge.templates(case);
    assert!(templates.contains(&mix(3)), "{templates:?}");
    let mut rules = rules();
    rules.excused = vec![mix(1), mix(2), mix(3)];
    assert!(judge.set_rules(rules.clone()));
    assert_eq!(
        (judge.cases().len(), judge.book().entries().count()),
        (0, 0)
    );
    assert!(!judge.set_rules(rules));
    show(&mut judge, 2_000, 300);
    assert_eq!(judge.cases(), []);
}
