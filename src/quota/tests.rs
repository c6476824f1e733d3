#![expect(
    clippy::arithmetic_side_effects,
    reason = "a test that overflows has failed"
)]

use super::*;
use proptest::prelude::*;

const MINUTE: Millis = 60_000;

fn charge(tag: u64, limit: u32) -> Charge {
    Charge {
        tag,
        quota: 0,
        newcomers: 1,
        scale: Scale::new(MINUTE, limit),
        limit,
        units: 1,
        shadow: false,
        standing: Standing::default(),
    }
}

fn shadow(tag: u64, limit: u32) -> Charge {
    Charge {
        shadow: true,
        ..charge(tag, limit)
    }
}

/// What a visit came to, and how each charge stands.
#[derive(Debug)]
struct Seen {
    refused: bool,
    shadow_refused: bool,
    evicted: u32,
    shared: bool,
    standings: Vec<Standing>,
}

fn visit(
    page: &mut Page,
    charges: &[Charge],
    newcomers: &[u64],
    shadow_refused: bool,
    now: Millis,
) -> (Seen, Change) {
    let mut charges = charges.to_vec();
    let (
        Admission {
            refused,
            shadow_refused,
            evicted,
            shared,
        },
        change,
    ) = admit(page, &mut charges, newcomers, shadow_refused, now);
    let standings = charges.iter().map(|charge| charge.standing).collect();
    (
        Seen {
            refused,
            shadow_refused,
            evicted,
            shared,
            standings,
        },
        change,
    )
}

fn go(page: &mut Page, charges: &[Charge], now: Millis) -> Seen {
    visit(page, charges, &[1], false, now).0
}

fn used(page: &Page, tag: u64, scale: Scale, now: Millis) -> u32 {
    let kept = page.find(tag).and_then(|place| page.kept(place));
    kept.map_or(0, |kept| Window::read(kept, scale, now).used())
}

#[test]
fn all_are_charged_or_none() {
    let mut page = Page::default();
    let (tight, loose) = (charge(10, 2), charge(11, 5));
    for left in [(1, 4), (0, 3)] {
        let admission = go(&mut page, &[tight, loose], 1_000);
        let remaining: Vec<u32> = admission
            .standings
            .iter()
            .map(|standing| standing.remaining)
            .collect();
        assert_eq!(remaining, [left.0, left.1]);
    }
    let before = page;
    let refusal = go(&mut page, &[tight, loose], 1_000);
    assert!(refusal.refused && !refusal.standings[0].fits && refusal.standings[1].fits);
    assert_eq!(refusal.standings[1].remaining, 3);
    assert_eq!(page, before, "a refusal is free");
}

#[test]
fn shadow_refuses_nobody_and_shows_what_enforcement_would_do() {
    let mut page = Page::default();
    for index in 0..5 {
        let admission = go(&mut page, &[shadow(10, 2), charge(11, 5)], 1_000);
        assert!(!admission.refused);
        assert_eq!(admission.shadow_refused, index >= 2);
        assert_eq!(admission.standings[0].remaining, [1, 0, 0, 0, 0][index]);
        assert_eq!(admission.standings[1].remaining, [4, 3, 2, 1, 0][index]);
    }
    // An enforced refusal leaves the shadow rule's counter alone, and a shadow refusal elsewhere does too.
    let before = page;
    assert!(go(&mut page, &[shadow(12, 2), charge(11, 5)], 1_000).refused);
    let (elsewhere, change) = visit(&mut page, &[shadow(12, 2)], &[1], true, 1_000);
    assert!(!elsewhere.refused && change == Change::Keep);
    assert_eq!(page, before);
}

#[test]
fn a_refusal_says_when_it_would_fit() {
    let mut page = Page::default();
    for at in [0, 10_000, 20_000] {
        assert!(!go(&mut page, &[charge(10, 3)], at).refused);
    }
    let refusal = go(&mut page, &[charge(10, 3)], 30_000);
    assert!(refusal.refused);
    let frees = refusal.standings[0].frees;
    assert!((60_000..60_010).contains(&frees), "{frees}");
    assert!(go(&mut page, &[charge(10, 3)], frees - 1).refused);
    assert!(!go(&mut page, &[charge(10, 3)], frees).refused);
}

#[test]
fn newcomers_to_a_full_page_share_one_counter_and_carry_its_use_away() {
    let mut page = Page::default();
    for tag in 100..100 + SLOTS as u64 - 1 {
        assert!(!go(&mut page, &[charge(tag, 3)], 0).shared);
    }
    // The page is full but for the newcomers' slot: two strangers share three units.
    assert!(go(&mut page, &[charge(7, 3)], 1_000).shared);
    assert!(!go(&mut page, &[charge(8, 3)], 1_000).refused);
    assert!(!go(&mut page, &[charge(7, 3)], 1_000).refused);
    assert!(
        go(&mut page, &[charge(8, 3)], 1_000).refused,
        "the flood hurts the flood"
    );
    assert!(
        !go(&mut page, &[charge(100, 3)], 1_000).refused,
        "and not who was there before"
    );
    // Room is made a minute after the first charges; whoever moves in is still held to what the newcomers used.
    let later = go(&mut page, &[charge(8, 3)], 60_500);
    assert!(later.refused && later.evicted == 0);
    let after = go(&mut page, &[charge(8, 3)], 61_010);
    assert!(
        !after.refused && !after.shared && after.evicted > 0,
        "{after:?}"
    );
}

#[test]
fn a_page_without_room_even_for_newcomers_refuses() {
    // What another policy has filled, without keeping room for this one's newcomers.
    let mut page = Page::default();
    for tag in 100..100 + SLOTS as u64 {
        assert!(!visit(&mut page, &[charge(tag, 3)], &[], false, 0).0.refused);
    }
    let refusal = go(&mut page, &[charge(7, 3)], 1_000);
    assert!(
        refusal.refused && refusal.standings[0].frees >= 60_000,
        "{refusal:?}"
    );
    assert!(!go(&mut page, &[charge(7, 3)], refusal.standings[0].frees).refused);
}

#[test]
fn a_lease_is_released_once_renewed_and_lost_with_its_holder() {
    let mut page = Page::default();
    let slot = charge(10, 1);
    let standing = go(&mut page, &[slot], 0).standings[0];
    let mut held = Held {
        tag: slot.tag,
        scale: slot.scale,
        filed: standing.filed.unwrap(),
        units: 1,
    };
    assert!(go(&mut page, &[slot], 1_000).refused);
    (held.filed, _) = renew(&mut page, &held, 50_000);
    assert!(go(&mut page, &[slot], 100_000).refused, "renewed");
    assert_eq!(settle(&mut page, &held, 0, 100_000), Change::Replace);
    assert_eq!(settle(&mut page, &held, 0, 100_000), Change::Keep, "once");
    let lost = go(&mut page, &[slot], 100_000);
    assert!(!lost.refused);
    assert!(
        !go(&mut page, &[slot], 160_010).refused,
        "a lost lease runs out"
    );
}

#[test]
fn a_known_key_is_not_thrown_among_the_flood() {
    // One rule over a minute and one over an hour: of a key that comes every two minutes the first is replenished.
    let mut page = Page::default();
    let hour = |tag: u64| Charge {
        tag: (tag << 32) | 1,
        newcomers: 2,
        scale: Scale::new(60 * MINUTE, 3),
        ..charge(tag, 3)
    };
    let both = |tag: u64| [charge(tag, 3), hour(tag)];
    assert!(!visit(&mut page, &both(7), &[1, 2], false, 0).0.refused);
    for stranger in 100..300 {
        visit(&mut page, &both(stranger), &[1, 2], false, 2 * MINUTE);
    }
    let (known, _) = visit(&mut page, &both(7), &[1, 2], false, 2 * MINUTE);
    assert!(!known.refused && !known.shared, "{known:?}");
}

/// A set of so many members, and when it was written.
fn set(members: u32, written: u32) -> Kept {
    let mut numbers = [0; 12];
    (numbers[0], numbers[11]) = (members, written);
    Kept::of_set(60 * MINUTE, numbers)
}

/// A page of `counters`, then small sets, of which the last is the oldest.
fn crowd(counters: u64) -> Page {
    let mut page = Page::default();
    for tag in 100..100 + counters {
        assert!(!go(&mut page, &[charge(tag, 3)], 0).refused);
    }
    while page.len() < SLOTS {
        let place = page.len();
        assert!(page.push((1_000 + place as u64) << 32, set(2, 99 - place as u32)));
    }
    page
}

#[test]
fn small_sets_make_room_for_counters_and_no_more_than_needed() {
    let mut page = crowd(40);
    let oldest = |page: &Page| {
        let mut held = false;
        page.each_part(1_061 << 32, |_, _| held = true);
        held
    };
    assert!(oldest(&page));
    let known = go(&mut page, &[charge(100, 3)], 1_000);
    assert_eq!((known.evicted, page.len()), (0, SLOTS));
    for stranger in 0..21 {
        let seen = go(&mut page, &[charge(500 + stranger, 3)], 1_000);
        assert!(
            !seen.refused && !seen.shared && seen.evicted == 1,
            "{stranger}: {seen:?}"
        );
        assert!(!oldest(&page));
    }
    // One slot is left to the newcomers, held by a small set; another counter's own there is not.
    let shared = go(&mut page, &[charge(600, 3)], 1_000);
    assert!(
        !shared.refused && shared.shared && shared.evicted == 1,
        "{shared:?}"
    );
    assert!(go(&mut page, &[charge(601, 3)], 1_000).shared);
    assert_eq!(page.census(0).counters, SLOTS);
}

#[test]
fn large_sets_make_no_room_before_they_are_over() {
    let mut page = crowd(40);
    for place in 40..SLOTS {
        page.put(place, set(3, 0));
    }
    assert!(go(&mut page, &[charge(600, 3)], 1_000).refused);
    let later = go(&mut page, &[charge(600, 3)], 61_000);
    assert!(!later.refused && later.evicted == 40, "{later:?}");
    assert_eq!(page.census(0).large, 22);
    assert_eq!(go(&mut page, &[charge(601, 3)], 60 * MINUTE).evicted, 0);
}

#[test]
fn what_was_spent_is_written_in_a_small_sets_place() {
    let mut page = Page::default();
    let held = reserve(&mut page, 400, 0);
    let mut page = crowd(40);
    settle(&mut page, &held, 900, 200_000);
    assert_eq!((spent(&page, 200_000), page.len()), (500, SLOTS));
    assert_eq!(page.census(0).small, 21);
}

proptest! {
    /// An admitted request is on the page, with every one of its charges, however full that is.
    #[test]
    fn whatever_is_admitted_is_counted(
        asks in prop::collection::vec((0u64..40, 1usize..4, 0u64..40_000), 1..400), sets in 0u64..62,
    ) {
        let mut page = Page::default();
        let mut now = 0;
        for at in 0..sets {
            page.push((1_000 + at) << 32, set(1 + (at % 2) as u32, at as u32));
        }
        for (key, rules, gap) in asks {
            now += gap;
            let charges: Vec<Charge> = (0..rules as u64)
                .map(|rule| Charge {
                    tag: (key << 32) | rule,
                    newcomers: 1 + rule,
                    scale: Scale::new(MINUTE << (rule * 2), 3),
                    ..charge(key, 3)
                })
                .collect();
            let before: Vec<u32> = charges.iter().map(|charge| used(&page, charge.tag, charge.scale, now)).collect();
            let (seen, _) = visit(&mut page, &charges, &[1, 2, 3], false, now);
            for ((charge, standing), before) in charges.iter().zip(&seen.standings).zip(before) {
                let after = used(&page, standing.tag, charge.scale, now);
                if seen.refused {
                    prop_assert_eq!(used(&page, charge.tag, charge.scale, now), before);
                } else {
                    if standing.tag == charge.tag {
                        prop_assert!(after > before, "{:?}", standing);
                    }
                    prop_assert!(page.find(standing.tag).is_some(), "{:?}", standing);
                }
            }
        }
    }

    /// Whatever a page holds, a visit neither panics nor admits more than is left.
    #[test]
    fn any_page_is_survived(
        slots in prop::collection::vec((0u64..40, any::<u64>(), any::<[u16; 24]>()), 0..=SLOTS),
        limit in 1u32..200_000, length in 1_000u64..40_000_000_000, now in any::<u64>(), units in 0u32..50, used in any::<u32>(),
    ) {
        let mut page = Page::default();
        for (tag, clock, words) in slots {
            page.push(tag, Kept { clock, words });
        }
        let charges: Vec<Charge> = (0..5).map(|tag| Charge { quota: 0, tag, newcomers: 30 + tag, scale: Scale::new(length, limit), limit, units, shadow: tag == 2, standing: Standing::default() }).collect();
        let newcomers: Vec<u64> = (30..35).collect();
        let (admission, _) = visit(&mut page, &charges, &newcomers, false, now);
        for standing in &admission.standings {
            prop_assert!(standing.remaining <= limit);
            prop_assert!(standing.frees >= now && standing.replenished >= now);
        }
        let held = Held { tag: 1, scale: Scale::new(length, limit), filed: now, units };
        renew(&mut page, &held, now);
        settle(&mut page, &held, used, now);
    }
}

/// A counter of tokens, charged by one request.
fn reserve(page: &mut Page, units: u32, now: Millis) -> Held {
    let scale = Scale::of(MINUTE, crate::window::Shape::Coarse);
    let charge = Charge {
        scale,
        units,
        ..charge(10, 1_000)
    };
    let (seen, _) = visit(page, &[charge], &[], false, now);
    assert!(!seen.refused);
    Held {
        tag: 10,
        scale,
        filed: seen.standings[0].filed.unwrap(),
        units,
    }
}

fn spent(page: &Page, now: Millis) -> u32 {
    let scale = Scale::of(MINUTE, crate::window::Shape::Coarse);
    used(page, 10, scale, now)
}

#[test]
fn a_reservation_is_replaced_by_the_truth_whatever_that_is() {
    for truth in [0, 1, 399, 400, 401, 5_000, u32::MAX] {
        let mut page = Page::default();
        let (first, second) = (reserve(&mut page, 400, 0), reserve(&mut page, 300, 20_000));
        settle(&mut page, &first, truth, 30_000);
        assert_eq!(spent(&page, 30_000), truth.saturating_add(300), "{truth}");
        if truth < 5_000 {
            settle(&mut page, &second, 0, 31_000);
            assert_eq!(spent(&page, 31_000), truth, "{truth}");
        }
    }
}

#[test]
fn what_is_given_back_counts_no_longer_and_what_is_missing_counts_from_now() {
    let mut page = Page::default();
    let held = reserve(&mut page, 400, 0);
    settle(&mut page, &held, 900, 50_000);
    // The 400 were filed at 0 and are over, the 500 that were missing are not.
    assert_eq!(spent(&page, 80_000), 500);
    assert_eq!(spent(&page, 130_000), 0);
}

#[test]
fn a_counter_that_is_gone_takes_only_what_is_missing() {
    for (truth, left) in [(0, 0), (400, 0), (900, 500)] {
        let mut page = Page::default();
        let held = reserve(&mut page, 400, 0);
        let mut page = Page::default();
        settle(&mut page, &held, truth, 200_000);
        assert_eq!(spent(&page, 200_000), left, "{truth}");
        assert_eq!(page.len(), usize::from(left > 0));
    }
}

#[test]
fn what_takes_nothing_fits_always_and_leaves_no_trace() {
    let mut page = Page::default();
    let held = reserve(&mut page, 1_000, 0);
    settle(&mut page, &held, 9_000, 1_000);
    let nothing = Charge {
        units: 0,
        scale: held.scale,
        ..charge(10, 1_000)
    };
    let (seen, change) = visit(
        &mut page,
        &[nothing, Charge { tag: 11, ..nothing }],
        &[],
        false,
        2_000,
    );
    assert!(!seen.refused && change == Change::Keep);
    assert_eq!((page.len(), seen.standings[0].filed), (1, None));
}
