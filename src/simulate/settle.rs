//! How a world is peopled before it begins.

use super::World;
use super::key::Sender;
use super::pace::{self, DAY};
use super::population::{Kind, Plan};
use super::random::Random;
use super::scenario::{Load, Scenario};
use super::wheel::Wheel;

/// A scenario that can be simulated whatever it says.
pub(super) fn bounded(scenario: &Scenario) -> Scenario {
    let mut bounded = scenario.clone();
    bounded.scale = bounded.scale.clamp(1, 10_000);
    bounded.days = bounded.days.clamp(1, 49);
    bounded.start = bounded.start.min(1 << 52);
    let campaign = &mut bounded.campaign;
    campaign.templates = campaign.templates.clamp(1, 100_000);
    campaign.bank = campaign.bank.max(1);
    campaign.stacks = campaign.stacks.max(1);
    campaign.begins = campaign.begins.min(bounded.days);
    campaign.share = campaign.share.clamp(0.01, 1.0);
    bounded
}

/// The most requests a day of one of the people who share a campaign's key with it.
const GUEST_DAILY: f64 = 30.0;

impl World {
    /// Makes all keys, and says when each is used first.
    pub(super) fn settle(&mut self, scenario: &Scenario) {
        let plans = core::mem::take(&mut self.plans);
        for (population, plan) in plans.iter().enumerate() {
            let population = u8::try_from(population).unwrap_or(u8::MAX);
            for index in 0..plan.keys {
                let key = self.keys;
                self.keys = self.keys.saturating_add(1);
                let mut sender = Sender::new(self.seed, key, population, plan, index);
                born(&mut sender, plan, scenario);
                sender.daily = busy(&mut sender.random, plan, scenario);
                let guests = guests(&sender, plan, scenario);
                self.senders.push(sender);
                for number in 0..guests.0 {
                    if let Some(last) = self.senders.last() {
                        let mut guest = last.guest(number);
                        guest.daily = guests.1;
                        self.senders.push(guest);
                    }
                }
            }
        }
        self.wheel = Wheel::new(self.senders.len());
        let begins = scenario.campaign.begins.saturating_mul(86_400_000);
        for (number, sender) in self.senders.iter_mut().enumerate() {
            let Some(plan) = plans.get(usize::from(sender.population)) else {
                continue;
            };
            let from = match plan.kind {
                Kind::Campaign => begins,
                Kind::Flash => {
                    let late = f64::from(sender.zone.unsigned_abs()) * 3_600_000.0;
                    pace::flash(sender.born).saturating_add(late as u32)
                }
                _ => u32::try_from(sender.born)
                    .unwrap_or(0)
                    .saturating_mul(86_400_000),
            };
            let kind = self.writer.kind(sender);
            let first = self.pace.first(sender, plan, kind, from);
            if let (Some(due), Ok(number)) = (first, u32::try_from(number))
                && due < self.end
            {
                self.wheel.set(number, due);
            }
        }
        self.plans = plans;
    }
}

/// How much longer than a month this goes on: as many keys come in a day as came before.
fn coming(plan: &Plan, scenario: &Scenario) -> f64 {
    match plan.kind {
        Kind::Campaign | Kind::Flash => 0.0,
        _ => plan.young * f64::from(scenario.days) / 30.0,
    }
}

/// Draws the day on which a key was made.
fn born(sender: &mut Sender, plan: &Plan, scenario: &Scenario) {
    let random = &mut sender.random;
    let days = f64::from(scenario.days);
    let begins = match plan.kind {
        Kind::Campaign => f64::from(scenario.campaign.begins),
        _ => 0.0,
    };
    let drawn = random.unit() * (1.0 + coming(plan, scenario));
    let born = if plan.kind == Kind::Flash {
        // One event after the other, and most come on its first day.
        let event = f64::from(sender.group) + 1.0;
        let first = (event * days / (f64::from(plan.groups) + 1.0)).floor();
        first + f64::from(random.below(3) / 2)
    } else if drawn < plan.young {
        begins - 1.0 - 29.0 * random.unit()
    } else if drawn < 1.0 {
        begins - 30.0 - (5.2 + 0.9 * random.normal()).exp().min(1_500.0)
    } else {
        days * random.unit()
    };
    sender.born = born.floor() as i16;
}

/// Draws how many requests a key makes in a day.
fn busy(random: &mut Random, plan: &Plan, scenario: &Scenario) -> f32 {
    let coming = coming(plan, scenario);
    let there = match plan.kind {
        // About three days and a half.
        Kind::Flash => (3.5 / f64::from(scenario.days)).min(1.0),
        // Who comes later is there for half the time.
        _ => (1.0 + coming / 2.0) / (1.0 + coming),
    };
    let mean = plan.per_day / (f64::from(plan.keys.max(1)) * there);
    let spread = match plan.kind {
        Kind::Clockwork => {
            let hourly = ((mean - 2.5) / 21.5).clamp(0.0, 1.0);
            let daily = match (random.chance(hourly), random.below(4)) {
                (true, _) => 24.0,
                (false, 0) => 6.0,
                (false, 1) => 2.0,
                _ => 1.0,
            };
            return daily;
        }
        Kind::Campaign if scenario.campaign.load == Load::Even => 0.0,
        Kind::Campaign => 1.3,
        Kind::Ordinary => 1.6,
        Kind::Aggregator => 1.5,
        Kind::Agents | Kind::Products => 1.4,
        Kind::Collections | Kind::Batch | Kind::Flash => 1.2,
        Kind::Heavy | Kind::Evaluation | Kind::Corporate => 1.0,
    };
    let drawn = (spread * random.normal() - spread * spread / 2.0).exp();
    let most = DAY / 4_000.0;
    (mean * drawn).min(most) as f32
}

/// How many people share a campaign's key with it, and how many requests a day each makes.
fn guests(sender: &Sender, plan: &Plan, scenario: &Scenario) -> (u32, f32) {
    let share = scenario.campaign.share;
    if plan.kind != Kind::Campaign || share >= 1.0 {
        return (0, 0.0);
    }
    let others = f64::from(sender.daily) * (1.0 - share) / share;
    let count = (others / GUEST_DAILY).ceil().clamp(1.0, 1_000.0);
    (count as u32, (others / count) as f32)
}
