//! What the judge makes of crowds whose habits are known, told as observations.

use super::*;
use crate::campaign::Flags;
use crate::policy::campaigns::{Convict, Facts};
use crate::policy::scope::Scope;

/// A stream of numbers that is the same every time.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end.max(1)
    }

    fn share(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }
}

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
        cap: 1_000_000,
    }
}

fn judge() -> Judge {
    Judge::new(rules(), crate::identity::Secret::new(b"0123456789abcdef"))
}

/// A request whose every feature is its own.
fn alone(dice: &mut Dice, key: u64, at: u32) -> Observation {
    let mut seen = Observation::zeroed();
    seen.key = mix(key);
    seen.at = at;
    for anchor in &mut seen.anchors {
        *anchor = dice.next();
    }
    for bin in &mut seen.bins {
        *bin = dice.next() as u32;
    }
    seen.whole = dice.next();
    seen.network = mix(key ^ 77) as u32;
    seen.stack = mix(dice.below(40)) as u32;
    seen.parameters = mix(dice.below(200)) as u32;
    seen.age = 1 + (mix(key ^ 5) % 900) as u16;
    seen.turns = 1;
    seen.output = 30 + dice.below(2_000) as u32;
    seen
}

/// With a template at its head.
fn with_template(mut seen: Observation, template: u64) -> Observation {
    for (place, anchor) in (0_u64..).zip(seen.anchors.iter_mut().take(3)) {
        *anchor = mix(template * 8 + place + 1);
    }
    for (place, bin) in (0_u64..).zip(seen.bins.iter_mut().take(6)) {
        *bin = mix(template * 64 + place) as u32 | 1;
    }
    seen
}

#[derive(Clone, Copy)]
struct Campaign {
    keys: u64,
    templates: u64,
    /// Seconds between requests of all.
    pace: f64,
    quiet: bool,
}

/// Requests of a campaign in order, from `start` to `end`.
fn campaign(dice: &mut Dice, what: Campaign, start: u32, end: u32) -> Vec<Observation> {
    let mut at = f64::from(start);
    let mut all = Vec::new();
    loop {
        at += -what.pace * (1.0 - dice.share()).ln();
        if at >= f64::from(end) {
            return all;
        }
        let key = 1 << 40 | dice.below(what.keys);
        let template = 1_000 + dice.below(what.templates);
        let mut seen = with_template(alone(dice, key, at as u32), template);
        if !what.quiet {
            seen.age = 1 + (mix(key) % 25) as u16;
            seen.output = 400 + dice.below(500) as u32;
            seen.parameters = 9;
        }
        all.push(seen);
    }
}

/// Requests of people who use an app when they like: in sittings, some much more than others.
fn people(
    dice: &mut Dice,
    keys: u64,
    template: u64,
    start: u32,
    end: u32,
    change: impl Fn(&mut Observation, u64, &mut Dice),
) -> Vec<Observation> {
    let mut all = Vec::new();
    for number in 0..keys {
        let key = template << 32 | number;
        // Log-normal, with a mean of about three sittings a day.
        let normal: f64 = (0..12).map(|_| dice.share()).sum::<f64>() - 6.0;
        let pause = 86_400.0 / (2.0 * normal.exp());
        let mut at = f64::from(start) + pause * dice.share();
        while at < f64::from(end) {
            let mut within = at;
            for turn in 0..=dice.below(6) {
                if within < f64::from(end) {
                    let mut seen = with_template(alone(dice, key, within as u32), template);
                    seen.stack = 5;
                    seen.parameters = 6;
                    change(&mut seen, turn, dice);
                    all.push(seen);
                }
                within += 20.0 + 200.0 * dice.share();
            }
            at += -pause * (1.0 - dice.share()).ln();
        }
    }
    all
}

/// Requests of machines that wake by the clock.
fn clockwork(dice: &mut Dice, keys: u64, template: u64, end: u32) -> Vec<Observation> {
    let mut all = Vec::new();
    for number in 0..keys {
        let key = template << 32 | number;
        let mut at = dice.below(3_600) as u32;
        while at < end {
            let late = dice.below(40) as u32;
            let mut seen = with_template(alone(dice, key, at + late), template);
            seen.stack = 5;
            seen.parameters = 6;
            all.push(seen);
            at += 3_600;
        }
    }
    all
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

fn tell(judge: &Judge, name: &str) {
    println!(
        "== {name}: {} features in the book",
        judge.book().entries().count()
    );
    for case in judge.cases() {
        println!(
            "  {:?} at {:.2} h, keys {}, requests {}, features {}, score {}, families {}, {:?}",
            case.stage,
            case.since as f64 / 3.6e6,
            case.keys,
            case.requests,
            case.features,
            case.score,
            case.families,
            case.reasons
                .iter()
                .filter(|(_, points)| *points != 0)
                .collect::<Vec<_>>()
        );
    }
    let young = terms::young(&judge.population);
    for row in judge.rows.iter().filter(|row| row.feature != 0).take(4) {
        let weight = terms::weigh(row, &judge.ring, young);
        println!(
            "  row: keys {} requests {} score {} enough {} {:?}",
            row.keys(),
            row.requests,
            weight.score(),
            weight.enough,
            NAMES
                .iter()
                .zip(weight.terms)
                .filter(|(_, points)| *points != 0)
                .map(|(name, points)| (name.0, points))
                .collect::<Vec<_>>()
        );
    }
}

#[test]
#[ignore = "tells, and holds nothing"]
fn explore() {
    const HOUR: u32 = 3_600;
    for (name, what, hours) in [
        (
            "a0",
            Campaign {
                keys: 25_000,
                templates: 1,
                pace: 0.135,
                quiet: false,
            },
            6,
        ),
        (
            "quiet",
            Campaign {
                keys: 25_000,
                templates: 1,
                pace: 0.135,
                quiet: true,
            },
            12,
        ),
        (
            "t100",
            Campaign {
                keys: 25_000,
                templates: 100,
                pace: 0.135,
                quiet: false,
            },
            12,
        ),
        (
            "t1000",
            Campaign {
                keys: 25_000,
                templates: 1_000,
                pace: 0.135,
                quiet: false,
            },
            48,
        ),
        (
            "t1000 quiet",
            Campaign {
                keys: 25_000,
                templates: 1_000,
                pace: 0.135,
                quiet: true,
            },
            48,
        ),
        (
            "small t100",
            Campaign {
                keys: 250,
                templates: 100,
                pace: 13.5,
                quiet: false,
            },
            96,
        ),
        (
            "slow",
            Campaign {
                keys: 130_000,
                templates: 10,
                pace: 0.135,
                quiet: false,
            },
            12,
        ),
    ] {
        let mut dice = Dice(1);
        let mut judge = judge();
        let mut all = campaign(&mut dice, what, 0, hours * HOUR);
        // Everybody else.
        let pace = 0.5_f64.max(what.pace / 4.0);
        let mut at = 0.0;
        while at < f64::from(hours * HOUR) {
            let key = dice.below(100_000);
            all.push(alone(&mut dice, key, at as u32));
            at += pace;
        }
        let total = all.len();
        show(&mut judge, all);
        println!("{total} observations");
        tell(&judge, name);
    }
    let mut dice = Dice(2);
    for (name, all) in [
        (
            "app",
            people(&mut dice, 3_000, 50, 0, 24 * HOUR, |_, _, _| {}),
        ),
        (
            "new app",
            people(&mut dice, 3_000, 51, 0, 24 * HOUR, |seen, _, _| {
                seen.age = 2
            }),
        ),
        (
            "chat",
            people(&mut dice, 3_000, 52, 0, 24 * HOUR, |seen, turn, _| {
                seen.turns = 1 + 2 * turn as u16
            }),
        ),
        (
            "flash crowd",
            people(&mut dice, 3_000, 53, 0, 24 * HOUR, |seen, _, dice| {
                seen.age = 2;
                seen.whole = dice.below(300);
            }),
        ),
        ("clockwork", clockwork(&mut dice, 3_000, 54, 24 * HOUR)),
    ] {
        let mut judge = judge();
        let mut all = all;
        let mut at = 0.0;
        while at < f64::from(24 * HOUR) {
            let key = 1 << 50 | dice.below(100_000);
            all.push(alone(&mut dice, key, at as u32));
            at += 0.5;
        }
        show(&mut judge, all);
        tell(&judge, name);
    }
    assert!(Flags::default() == Flags(0));
}
