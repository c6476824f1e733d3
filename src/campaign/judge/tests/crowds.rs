//! Crowds whose habits are known: campaigns, people, clocks and everybody else.

use super::{Observation, mix};
use bytemuck::Zeroable;

/// A stream of numbers that is the same every time.
pub(super) struct Dice(pub(super) u64);

impl Dice {
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    pub(super) fn below(&mut self, end: u64) -> u64 {
        self.next() % end.max(1)
    }

    pub(super) fn share(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// A request whose every feature is its own.
pub(super) fn alone(dice: &mut Dice, key: u64, at: u32) -> Observation {
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
pub(super) fn with_template(mut seen: Observation, template: u64) -> Observation {
    for (place, anchor) in (0_u64..).zip(seen.anchors.iter_mut().take(3)) {
        *anchor = mix(template * 8 + place + 1);
    }
    for (place, bin) in (0_u64..).zip(seen.bins.iter_mut().take(6)) {
        *bin = mix(template * 64 + place) as u32 | 1;
    }
    seen
}

/// With what was a template at its head amidst other text: no anchor shows it, and two bins of five.
pub(super) fn amidst(crowd: Vec<Observation>, template: u64) -> Vec<Observation> {
    let mut dice = Dice(10);
    let inside = |mut seen: Observation| {
        for (place, bin) in (0_u64..).zip(&mut seen.bins) {
            *bin = if dice.below(5) < 2 {
                mix(template * 64 + place) as u32 | 1
            } else {
                dice.next() as u32
            };
        }
        seen.anchors = core::array::from_fn(|_| dice.next());
        seen
    };
    crowd.into_iter().map(inside).collect()
}

/// With one of eight phrases at the head, and one of eight at the end: no phrase is in most of the requests.
pub(super) fn slots(crowd: Vec<Observation>) -> Vec<Observation> {
    let mut dice = Dice(11);
    let put = |mut seen: Observation| {
        seen.anchors = core::array::from_fn(|_| dice.next());
        seen.bins = core::array::from_fn(|_| dice.next() as u32);
        for place in [1, 4] {
            if let Some(anchor) = seen.anchors.get_mut(place) {
                *anchor = mix((place as u64) << 8 | dice.below(8));
            }
        }
        seen
    };
    crowd.into_iter().map(put).collect()
}

#[derive(Clone, Copy)]
pub(super) struct Campaign {
    pub(super) keys: u64,
    pub(super) templates: u64,
    /// Seconds between requests of all.
    pub(super) pace: f64,
    pub(super) quiet: bool,
}

/// Requests of a campaign in order, from `start` to `end`.
pub(super) fn campaign(dice: &mut Dice, what: Campaign, start: u32, end: u32) -> Vec<Observation> {
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
pub(super) fn people(
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
pub(super) fn clockwork(dice: &mut Dice, keys: u64, template: u64, end: u32) -> Vec<Observation> {
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

/// Everybody else: each asks something of their own, now and then.
pub(super) fn others(dice: &mut Dice, pace: f64, end: u32) -> Vec<Observation> {
    let mut at = 0.0;
    let mut all = Vec::new();
    while at < f64::from(end) {
        let key = 1 << 50 | dice.below(20_000);
        all.push(alone(dice, key, at as u32));
        at += pace;
    }
    all
}
