#![expect(
    clippy::arithmetic_side_effects,
    reason = "a test that overflows has failed"
)]

use super::scale::LOG_STEPS;
use super::*;
use proptest::prelude::*;

const LENGTHS: [Millis; 6] = [
    1_000,
    60_000,
    90_000,
    3_600_000,
    86_400_000,
    366 * 86_400_000,
];

/// One window as a caller keeps it: read, charged, kept again at every request.
struct Kit {
    length: Millis,
    limit: u32,
    kept: Kept,
}

impl Kit {
    fn new(length: Millis, limit: u32) -> Self {
        Self {
            length,
            limit,
            kept: Kept::default(),
        }
    }

    fn window(&self, now: Millis) -> Window {
        Window::read(&self.kept, Scale::new(self.length, self.limit), now)
    }

    fn ask(&mut self, now: Millis) -> Option<Millis> {
        let mut window = self.window(now);
        if window.used() >= self.limit {
            return None;
        }
        let filed = window.charge(1);
        self.kept = window.keep();
        Some(filed)
    }
}

#[test]
fn limits_have_the_shape_that_holds_them() {
    for (limit, shape) in [
        (1, Shape::Log),
        (12, Shape::Log),
        (13, Shape::Fine),
        (65_535, Shape::Fine),
        (65_536, Shape::Coarse),
        (u32::MAX, Shape::Coarse),
    ] {
        assert_eq!(Shape::of(limit), shape, "{limit}");
    }
}

#[test]
fn a_burst_on_a_fresh_window_gets_all_of_it_and_it_comes_back_soon_after_the_length() {
    for length in LENGTHS {
        for limit in [1, 7, 12, 13, 60, 1_000] {
            let mut kit = Kit::new(length, limit);
            let start = 1_776_816_000_123;
            let admitted = (0..limit + 5).filter(|_| kit.ask(start).is_some()).count();
            assert_eq!(admitted, limit as usize, "{length} {limit}");
            let frees = kit.window(start).frees(1);
            assert!(frees >= start + length, "never early: {length} {limit}");
            assert!(
                frees <= start + length + length / 23 + 2 + length / LOG_STEPS * 20,
                "nor late: {length} {limit}"
            );
            assert!(kit.ask(frees - 1).is_none());
            assert!(kit.ask(frees).is_some());
        }
    }
}

#[test]
fn even_use_gets_nine_tenths_of_every_limit() {
    for length in LENGTHS {
        for limit in (1..400).chain([1_000, 60_000, 70_000]) {
            let mut kit = Kit::new(length, limit);
            // Evenly spaced, at exactly the limit's rate, from an odd moment.
            let asked = (limit * 4).clamp(100, 20_000);
            // Beyond 49 days a log's steps are up to 8 ms; a client cannot be expected to be more even than that.
            let spacing = |index: u32| {
                if length > 49 * 86_400_000 {
                    u64::from(index) * 8
                } else {
                    0
                }
            };
            let moment = |index: u32| {
                987_654_321 + u64::from(index) * length / u64::from(limit) + spacing(index)
            };
            let admitted = (0..asked)
                .filter(|&index| kit.ask(moment(index)).is_some())
                .count();
            assert!(
                admitted as f64 >= 0.9 * f64::from(asked),
                "{admitted} of {asked}: {length} ms, limit {limit}"
            );
        }
    }
}

#[test]
fn a_clock_that_is_set_back_gives_nothing_back_and_locks_nobody_out() {
    for limit in [5, 60, 100_000] {
        let mut kit = Kit::new(60_000, limit);
        let now = 100_000_000;
        for _ in 0..limit {
            assert!(kit.ask(now).is_some());
        }
        for earlier in [now - 1, now - 4_000, now - 3_600_000, 0] {
            let mut other = Kit {
                kept: kit.kept,
                ..Kit::new(60_000, limit)
            };
            assert!(other.ask(earlier).is_none(), "{limit} at {earlier}");
        }
        let mut other = Kit {
            kept: kit.kept,
            ..Kit::new(60_000, limit)
        };
        let window = other.window(now - 3_600_000);
        other.kept = window.keep();
        assert!(
            other.ask(now - 3_600_000 + 70_000).is_some(),
            "and an hour back costs no hour: {limit}"
        );
    }
}

#[test]
fn a_limit_that_changes_keeps_what_was_used() {
    for (from, to) in [
        (10, 60),
        (60, 10),
        (60, 100_000),
        (100_000, 60),
        (10, 100_000),
        (100_000, 10),
        (12, 13),
    ] {
        let mut kit = Kit::new(60_000, from);
        let now = 5_000_000;
        for _ in 0..10 {
            kit.ask(now);
        }
        kit.limit = to;
        let window = kit.window(now + 1_000);
        assert_eq!(window.used(), 10, "{from} to {to}");
        assert!(
            window.frees(10) >= now + 60_000,
            "nothing early: {from} to {to}"
        );
        assert!(
            window.frees(10) <= now + 60_000 + 2 * 60_000 / 11 + 2,
            "{from} to {to}: {}",
            window.frees(10)
        );
        assert_eq!(kit.window(now + 75_000).used(), 0, "{from} to {to}");
    }
}

proptest! {
    /// Promise 1, for one window: in no span of the length is more than the limit admitted.
    #[test]
    fn never_over(
        limit in prop_oneof![1u32..40, 40u32..300, Just(70_000u32)],
        length in prop_oneof![1_000u64..100_000, Just(86_400_000)],
        start in 0u64..10_000_000_000,
        steps in prop::collection::vec((0u64..2_000, 1u32..20), 1..400),
    ) {
        let mut kit = Kit::new(length, limit);
        let mut now = start;
        let mut log: Vec<Millis> = Vec::new();
        for (gap, asks) in steps {
            now += gap * length / 20_000;
            for _ in 0..asks {
                if kit.ask(now).is_some() {
                    log.push(now);
                }
            }
        }
        for (index, &first) in log.iter().enumerate() {
            let within = log[index..].iter().take_while(|&&at| at < first + length).count();
            prop_assert!(within <= limit as usize, "{within} > {limit} from {first}");
        }
    }

    /// What `frees` says is exact: not one step earlier, and then indeed.
    #[test]
    fn told_is_true(
        limit in prop_oneof![1u32..30, 30u32..200],
        length in 1_000u64..10_000_000,
        gaps in prop::collection::vec(0u64..5_000, 1..300),
    ) {
        let mut kit = Kit::new(length, limit);
        let mut now = 1_000_000;
        for gap in gaps {
            now += gap * length / 100_000;
            if kit.ask(now).is_none() {
                let frees = kit.window(now).frees(1);
                prop_assert!(frees > now);
                prop_assert!(kit.window(frees - 1).used() >= limit);
                prop_assert!(kit.window(frees).used() < limit);
            }
        }
    }

    /// Refunds give back what was charged and never more.
    #[test]
    fn refunds_are_exact(
        limit in prop_oneof![2u32..24, 25u32..200, Just(70_000u32)],
        gaps in prop::collection::vec((0u64..20_000, any::<bool>()), 1..100),
    ) {
        let mut kit = Kit::new(60_000, limit);
        let mut now = 1_000_000;
        for (gap, undo) in gaps {
            now += gap;
            let before = kit.window(now).used();
            if let Some(filed) = kit.ask(now) {
                prop_assert_eq!(kit.window(now).used(), before + 1);
                if undo {
                    let mut window = kit.window(now + gap % 3_000);
                    let held = window.used();
                    window.refund(filed, 1);
                    prop_assert_eq!(window.used(), held - 1);
                    window.refund(filed.saturating_sub(200_000), 1);
                    prop_assert_eq!(window.used(), held - 1, "what is over is not given back");
                    kit.kept = window.keep();
                }
            }
        }
    }
}
