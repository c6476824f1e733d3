#![expect(
    clippy::arithmetic_side_effects,
    reason = "a test that overflows has failed"
)]

use std::collections::BTreeMap;

use super::*;
use crate::store::page::PARTS;
use crate::window::Kept;
use proptest::prelude::*;

const HOUR: Millis = 3_600_000;
const DAY: Millis = 24 * HOUR;

/// The begin of a half window, for windows of a day and of two minutes.
const START: Millis = 1_000 * DAY;

/// Spreads a number over 32 bits, one to one.
pub(super) fn spread(number: u32) -> u32 {
    let number = (number ^ (number >> 16)).wrapping_mul(0x7feb_352d);
    let number = (number ^ (number >> 15)).wrapping_mul(0x846c_a68b);
    number ^ (number >> 16)
}

/// The `number`th element for a subject; no two are the same within 31 bits for small numbers.
fn watch(subject: u64, number: u32) -> Watch {
    Watch {
        tag: (subject << 32) | u64::from(spread(subject as u32)),
        element: spread(number),
        window: DAY,
    }
}

fn peek(page: &Page, watch: &Watch, now: Millis) -> Sight {
    super::peek(page, watch, now).0
}

fn put(page: &mut Page, watch: &Watch, now: Millis) -> Added {
    add(page, watch, 4, now).0
}

fn fill(page: &mut Page, subject: u64, numbers: core::ops::Range<u32>, now: Millis) {
    for number in numbers {
        let added = put(page, &watch(subject, number), now);
        assert!(!added.full && added.sight.member, "{number}");
    }
}

fn exact(count: u32, member: bool) -> Sight {
    Sight {
        count,
        exact: true,
        member,
    }
}

fn near(count: u32, truth: u32, percent: u32) -> bool {
    count.abs_diff(truth) * 100 <= truth * percent
}

#[test]
fn few_are_counted_one_by_one() {
    let mut page = Page::default();
    for number in 0..179 {
        let watch = watch(7, number);
        assert_eq!(peek(&page, &watch, START), exact(number, false));
        assert_eq!(
            look(&mut page, &watch, START),
            (exact(number, false), Change::Keep)
        );
        let (added, change) = add(&mut page, &watch, 4, START);
        assert_eq!(
            (added.sight, change),
            (exact(number + 1, true), Change::Replace)
        );
        assert_eq!(add(&mut page, &watch, 4, START), (added, Change::Keep));
        assert_eq!(
            page.len(),
            if number < 11 {
                1
            } else {
                1 + (number as usize + 1 - 11).div_ceil(12)
            }
        );
    }
    for number in 0..400 {
        let sight = peek(&page, &watch(7, number), START);
        assert_eq!(sight, exact(179, number < 179), "{number}");
    }
    assert_eq!(peek(&page, &watch(8, 1), START), exact(0, false));
}

#[test]
fn many_are_estimated_in_fewer_slots() {
    let mut page = Page::default();
    fill(&mut page, 7, 0..180, START);
    assert_eq!(page.len(), 8);
    let mut last = 0;
    for number in 180..9_000 {
        let sight = put(&mut page, &watch(7, number), START).sight;
        assert!(!sight.exact && sight.member);
        assert!(near(sight.count, number + 1, 20), "{sight:?} of {number}");
        assert!(sight.count >= last, "an estimate of more is no less");
        last = sight.count;
    }
    assert_eq!(page.len(), 8);
    // A member is never taken for a stranger; a stranger may be for a member, and that changes nothing.
    let before = page;
    for number in 0..18_000 {
        let (sight, change) = look(&mut page, &watch(7, number), START + 1);
        assert!((sight.member || number >= 9_000) && sight.count == last && change == Change::Keep);
    }
    assert_eq!(page, before);
}

#[test]
fn a_member_counts_for_half_a_window_to_a_whole_one() {
    for (since, last) in [(0, DAY - 1), (HOUR, DAY - HOUR - 1), (DAY / 2 - 1, DAY / 2)] {
        let mut page = Page::default();
        let (watch, at) = (watch(7, 1), START + since);
        put(&mut page, &watch, at);
        assert_eq!(peek(&page, &watch, at + last), exact(1, true));
        assert_eq!(peek(&page, &watch, at + last + 1), exact(0, false));
        assert_eq!(page.kept(0).map(Kept::replenished), Some(at + last + 1));
        assert_eq!(page.evict(at + last, &|_| false), 0);
        assert_eq!(page.evict(at + last + 1, &|_| false), 1);
    }
}

#[test]
fn a_look_keeps_a_member_and_writes_once_in_a_generation() {
    let mut page = Page::default();
    fill(&mut page, 7, 0..30, START);
    let (regular, stranger) = (watch(7, 3), watch(7, 99));
    for half in 1..6 {
        let at = START + half * DAY / 2;
        let held = if half == 1 { 30 } else { 1 };
        assert_eq!(
            look(&mut page, &stranger, at),
            (exact(held, false), Change::Keep)
        );
        assert_eq!(
            look(&mut page, &regular, at),
            (exact(held, true), Change::Replace)
        );
        assert_eq!(
            look(&mut page, &regular, at + HOUR),
            (exact(held, true), Change::Keep)
        );
        assert_eq!(
            look(&mut page, &stranger, at + HOUR),
            (exact(held, false), Change::Keep)
        );
        assert_eq!(page.len(), if half == 1 { 3 } else { 1 });
    }
}

#[test]
fn an_estimate_that_is_renewed_neither_rises_nor_falls() {
    let mut page = Page::default();
    fill(&mut page, 7, 0..1_000, START);
    let before = peek(&page, &watch(7, 0), START).count;
    for turn in 1..6 {
        let at = START + turn * DAY / 2;
        // Strangers who look like members change nothing that is counted, however many come.
        for number in 0..3_000 {
            renew(&mut page, &watch(7, number), 4, at);
            let sight = peek(&page, &watch(7, number), at);
            assert_eq!((sight.count, sight.exact), (before, false), "{turn}");
        }
    }
    let silence = START + 7 * DAY / 2;
    assert_eq!(peek(&page, &watch(7, 0), silence), exact(0, false));
}

#[test]
fn what_was_large_is_exact_again_once_that_is_over() {
    let mut page = Page::default();
    let half = |number: u64| START + number * DAY / 2;
    fill(&mut page, 7, 0..1_000, half(0));
    assert_eq!(page.len(), 8);
    // A list beside the registers of the generation before.
    fill(&mut page, 7, 2_000..2_050, half(1));
    assert_eq!(page.len(), 8 + 4);
    let sight = peek(&page, &watch(7, 2_001), half(1));
    assert!(!sight.exact && near(sight.count, 1_050, 15), "{sight:?}");
    assert_eq!(peek(&page, &watch(7, 2_001), half(2)), exact(50, true));
    // Registers beside registers.
    let mut other = page;
    fill(&mut other, 7, 2_050..2_084, half(1));
    assert_eq!(other.len(), PARTS);
    let sight = peek(&other, &watch(7, 2_001), half(2));
    assert!(!sight.exact && near(sight.count, 84, 15), "{sight:?}");
    fill(&mut other, 7, 0..1, half(2));
    assert_eq!(other.len(), 8);
    assert_eq!(peek(&other, &watch(7, 0), half(3)), exact(1, true));
    fill(&mut page, 7, 2_000..2_001, half(2));
    assert_eq!(
        (page.len(), peek(&page, &watch(7, 0), half(2))),
        (5, exact(50, false))
    );
    assert_eq!(peek(&page, &watch(7, 0), half(4)), exact(0, false));
}

#[test]
fn a_full_list_of_two_generations_becomes_registers_of_one_and_a_list_of_the_other() {
    let mut page = Page::default();
    fill(&mut page, 7, 0..120, START);
    fill(&mut page, 7, 100..180, START + DAY / 2);
    let sight = peek(&page, &watch(7, 0), START + DAY / 2);
    assert!(!sight.exact && near(sight.count, 180, 15), "{sight:?}");
    assert_eq!(page.len(), 1 + 6 + 7);
    assert_eq!(peek(&page, &watch(7, 0), START + DAY), exact(80, false));
}

#[test]
fn clocks_that_differ_forget_nothing() {
    for members in [3, 50, 300] {
        let mut page = Page::default();
        fill(&mut page, 7, 0..members, START);
        let count = peek(&page, &watch(7, 0), START).count;
        let over = page.kept(0).map(Kept::replenished);
        // A thread that is a moment behind, in the half before.
        let behind = watch(7, 1);
        assert_eq!(look(&mut page, &behind, START - 1).1, Change::Keep);
        put(&mut page, &watch(7, members), START - 1);
        assert!(near(peek(&page, &behind, START).count, count + 1, 3));
        assert_eq!(page.kept(0).map(Kept::replenished), over);
        // A clock that was set back by ten days: all goes on from there.
        let back = START - 10 * DAY;
        put(&mut page, &watch(7, members + 1), back);
        assert!(near(peek(&page, &behind, back).count, count + 2, 3));
        assert_eq!(page.kept(0).map(Kept::replenished), Some(back + DAY));
        assert_eq!(peek(&page, &behind, back + DAY), exact(0, false));
    }
    // Short windows: several generations lie within a moment.
    let mut page = Page::default();
    let short = Watch {
        window: 1_000,
        ..watch(7, 1)
    };
    put(&mut page, &short, START);
    put(
        &mut page,
        &Watch {
            element: 5_000,
            ..short
        },
        START - 2_000,
    );
    assert_eq!(peek(&page, &short, START), exact(2, true));
}

#[test]
fn small_sets_give_way_to_others_oldest_first() {
    let mut page = Page::default();
    for subject in 0..40 {
        let added = put(&mut page, &watch(subject, 1), START + subject * 2_000);
        assert_eq!(added.evicted, u32::from(subject >= 31), "{subject}");
    }
    let held: Vec<u64> = (0..40)
        .filter(|&subject| peek(&page, &watch(subject, 1), START).member)
        .collect();
    assert_eq!((page.len(), held), (31, (9..40).collect()));
    // Who has three members stays, and takes what it needs from those who have fewer.
    fill(&mut page, 9, 0..100, START + HOUR);
    for subject in 40..200 {
        put(
            &mut page,
            &watch(subject, 1),
            START + 2 * HOUR + subject * 2_000,
        );
    }
    assert_eq!(peek(&page, &watch(9, 1), START), exact(100, true));
    assert_eq!(page.len(), 31);
}

#[test]
fn large_sets_stay_until_they_are_over_and_who_finds_no_room_undercounts() {
    let mut page = Page::default();
    for subject in 0..31 {
        fill(&mut page, subject, 0..3, START);
    }
    let full = put(&mut page, &watch(99, 1), START + HOUR);
    assert_eq!((full.full, full.sight), (true, exact(0, false)));
    fill(&mut page, 5, 3..11, START);
    let before = page;
    let (added, change) = add(&mut page, &watch(5, 11), 4, START);
    assert_eq!(
        (added.full, added.sight, change),
        (true, exact(11, false), Change::Keep)
    );
    assert_eq!(page, before);
    assert_eq!(
        look(&mut page, &watch(5, 10), START + DAY / 2).0,
        exact(11, true)
    );
    let later = put(&mut page, &watch(99, 1), START + DAY);
    assert_eq!((later.full, later.evicted, page.len()), (false, 30, 2));
    assert_eq!(peek(&page, &watch(5, 10), START + DAY), exact(1, true));
}

#[test]
fn a_long_list_becomes_registers_where_it_cannot_grow() {
    let mut page = Page::default();
    for subject in 1..=23 {
        fill(&mut page, subject, 0..3, START);
    }
    fill(&mut page, 77, 0..95, START);
    assert_eq!(
        (page.len(), peek(&page, &watch(77, 0), START)),
        (31, exact(95, true))
    );
    fill(&mut page, 77, 95..5_000, START);
    let sight = peek(&page, &watch(77, 0), START);
    assert!(
        near(sight.count, 5_000, 15) && page.len() == 31,
        "{sight:?}"
    );
}

#[test]
fn counters_keep_their_room() {
    let mut page = Page::default();
    let live = Kept {
        clock: (START + DAY) << 2,
        ..Kept::default()
    };
    for at in 0..57u64 {
        assert!(page.push((1_000 + at) << 32, live));
    }
    // Four slots are reserved: one is left for a set to grow in, the others only for small ones.
    for subject in 0..5 {
        assert!(!put(&mut page, &watch(subject, 1), START + subject * 2_000).full);
    }
    fill(&mut page, 3, 0..8, START + HOUR);
    fill(&mut page, 4, 0..2, START + HOUR);
    let third = put(&mut page, &watch(4, 5), START + HOUR);
    assert_eq!((third.full, third.sight), (true, exact(2, false)));
    assert!(put(&mut page, &watch(3, 11), START + HOUR).sight.member);
    assert_eq!((page.make_room(4), page.len()), (4, 58));
    assert_eq!(peek(&page, &watch(3, 1), START), exact(9, true));
}

/// Who was last seen when, by subject.
type Model = BTreeMap<u64, BTreeMap<u32, Millis>>;

fn members(model: &Model, subject: u64, now: Millis) -> usize {
    let halves = |at: Millis| at / (DAY / 2);
    model.get(&subject).map_or(0, |seen| {
        seen.values()
            .filter(|&&at| halves(at) + 1 >= halves(now))
            .count()
    })
}

proptest! {
    #[test]
    fn lists_are_what_a_list_would_be(
        steps in prop::collection::vec((0u64..2, 0u32..90, 0u8..3, prop::bool::weighted(0.03), 0u64..40 * 60_000), 1..600)
    ) {
        let (mut page, mut model, mut now) = (Page::default(), Model::new(), START);
        for (subject, number, what, leap, gap) in steps {
            now += gap + if leap { DAY / 3 } else { 0 };
            let watch = watch(subject, number);
            let held = members(&model, subject, now) as u32;
            let seen = model.entry(subject).or_default();
            let member = seen.get(&number).is_some_and(|&at| at / (DAY / 2) + 1 >= now / (DAY / 2));
            prop_assert_eq!(peek(&page, &watch, now), exact(held, member));
            if what == 0 {
                prop_assert_eq!(put(&mut page, &watch, now).sight, exact(held + u32::from(!member), true));
                seen.insert(number, now);
            } else {
                prop_assert_eq!(look(&mut page, &watch, now).0, exact(held, member));
                if member {
                    seen.insert(number, now);
                }
            }
            let over = page.kept(0).map_or(0, Kept::replenished);
            prop_assert!(over <= now + DAY);
        }
    }

}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn estimates_follow_what_was_added(seed in any::<u32>(), waves in prop::collection::vec((1u32..900, 0u64..3), 1..8)) {
        let (mut page, mut held, mut halves, mut next) = (Page::default(), BTreeMap::new(), 2_000, seed);
        for (count, gap) in waves {
            halves += gap;
            let now = halves * DAY / 2;
            for _ in 0..count {
                put(&mut page, &watch(7, next), now);
                next = next.wrapping_add(1);
            }
            *held.entry(halves).or_insert(0) += count;
            for later in halves..halves + 3 {
                let truth: u32 = held.range(later - 1..=later).map(|(_, count)| count).sum();
                let sight = peek(&page, &watch(8, 1), later * DAY / 2 + 5);
                prop_assert_eq!(sight, exact(0, false));
                let sight = peek(&page, &watch(7, next), later * DAY / 2 + 5);
                prop_assert!(near(sight.count, truth, 25), "{:?} of {}", sight, truth);
                prop_assert!(!sight.exact || sight.count == truth);
            }
        }
    }

    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 4_032), slots in 0u64..63, now in any::<u64>(), window in prop_oneof![Just(0u64), Just(1), Just(DAY), any::<u64>()], head in any::<u32>()) {
        let mut page = Page::default();
        let watch = Watch { window, ..watch(7, 3) };
        for at in 0..slots {
            // Most are parts of one set, with some of them there twice.
            let mut words = [0; 24];
            for (word, pair) in words.iter_mut().zip(bytes[at as usize * 64..].as_chunks::<2>().0) {
                *word = u16::from_le_bytes(*pair);
            }
            if at % 16 == 0 {
                words[0] = (head & 0x3ff) as u16;
            }
            let clock = if at % 3 == 0 { now.saturating_add(u64::from(head)) } else { u64::from(words[20]) << 40 };
            page.push(crate::store::page::part(watch.tag, at as usize % 16), Kept { clock: (clock << 2) | (3 - u64::from(at % 11 == 5)), words });
        }
        for (step, at) in [(0, now), (1, now), (2, now.saturating_add(window / 2)), (3, now / 2), (4, u64::MAX), (5, 0)] {
            let other = Watch { element: head.wrapping_add(step), ..watch };
            let _ = peek(&page, &other, at);
            look(&mut page, &other, at);
            add(&mut page, &other, step as usize, at);
            page.evict(at, &|_| false);
            page.make_room(step as usize);
            prop_assert!(page.len() <= SLOTS);
        }
    }
}
