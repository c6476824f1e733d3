//! The traffic of a whole provider, made up: honest populations and a campaign among them, as one stream in the order of
//! time and in bounded memory. The same seed gives the same stream, if the same answers come. It knows nothing of what
//! looks for campaigns.
//!
//! ```text
//! scenario ─► population ─► key ─► wheel ─► pace ─► body ─► request
//!                                    ▲        │       └── texts, template, stack
//!                                    └────────┘
//! ```

mod body;
mod key;
mod pace;
mod population;
mod random;
mod request;
mod rhythm;
mod scenario;
mod settle;
mod stack;
mod template;
#[cfg(test)]
mod tests;
mod texts;
mod wheel;
mod write;

use core::cmp::Reverse;
use std::collections::BinaryHeap;

use body::Writer;
use key::{Cover, Sender};
use pace::Pace;
use population::{Kind, Plan};
use random::spread;
use request::From;
use wheel::Wheel;

pub use population::Population;
pub use request::{Account, Headers, Request};
pub use scenario::{Addresses, Answers, Campaign, Crowd, Load, Rhythm, Scenario, Wording};
pub use texts::{Set, Texts};

/// A real client that makes many requests: how many a second, in windows of ten minutes, one after the other and then
/// from the first on again.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct HeavyClient {
    /// Requests a second in each window.
    pub rates: Vec<f32>,
}

/// The traffic, request by request.
#[derive(Debug)]
pub struct World {
    seed: u64,
    /// Milliseconds since 1970.
    start: u64,
    /// Milliseconds from the start on.
    end: u32,
    populations: Vec<Population>,
    plans: Vec<Plan>,
    senders: Vec<Sender>,
    wheel: Wheel,
    /// What is sent again, and when.
    again: BinaryHeap<Reverse<(u32, From)>>,
    pace: Pace,
    writer: Writer,
    cover: Cover,
    /// After how many refusals a campaign's key is given up.
    patience: u8,
    /// How many keys there have been.
    keys: u32,
    /// The last moment that was told.
    now: u32,
}

/// The most requests that wait to be sent again; whoever comes beyond them gives up.
const AGAIN: usize = 1 << 16;

impl World {
    /// Sets up a world. A scenario that is not [valid](Scenario::validate) is simulated as well as can be. Where no heavy
    /// clients are given, some are made up.
    #[must_use]
    pub fn new(scenario: &Scenario, texts: &Texts, heavy: &[HeavyClient]) -> Self {
        let scenario = settle::bounded(scenario);
        let mut plans = population::honest(&scenario);
        plans.extend(population::campaign(&scenario));
        let seed = spread(scenario.seed);
        let campaign = scenario.campaign.clone();
        let pace = Pace::new(
            scenario.start,
            seed,
            campaign.clone(),
            heavy,
            plans.iter().find(|plan| plan.kind == Kind::Heavy),
        );
        let populations = plans.iter().map(|plan| Population {
            name: plan.name,
            campaign: plan.kind == Kind::Campaign,
            keys: plan.keys,
        });
        let day = scenario.start / 86_400_000;
        let mut world = Self {
            seed,
            start: scenario.start,
            end: scenario.days.saturating_mul(86_400_000),
            populations: populations.collect(),
            senders: Vec::new(),
            wheel: Wheel::new(0),
            again: BinaryHeap::new(),
            pace,
            writer: Writer::new(texts.clone(), seed, campaign.clone(), &plans, day),
            cover: Cover {
                addresses: campaign.addresses,
                stacks: campaign.stacks.max(1),
                cloaked: campaign.cloaked,
            },
            patience: campaign.replaced_after,
            keys: 0,
            now: 0,
            plans,
        };
        world.settle(&scenario);
        world
    }

    /// The populations; a request tells its own by the place in this list.
    #[must_use]
    pub fn populations(&self) -> &[Population] {
        &self.populations
    }

    /// How many keys there have been until now, those included that a campaign bought in place of others.
    #[must_use]
    pub const fn keys(&self) -> u32 {
        self.keys
    }

    /// Fills in the next request; false if there is none.
    pub fn next(&mut self, request: &mut Request) -> bool {
        let due = self.wheel.due();
        let again = self.again.peek().map(|Reverse((due, _))| *due);
        let (from, now) = match (due, again) {
            (_, Some(again)) if due.is_none_or(|due| again <= due) => match self.again.pop() {
                Some(Reverse((now, from))) if now < self.end => (from, now),
                _ => return false,
            },
            (Some(now), _) if now < self.end => match self.step(now) {
                Some(from) => (from, now),
                None => return false,
            },
            _ => return false,
        };
        self.now = now;
        self.tell(from, now, request)
    }

    /// Tells whether a request that came last was let through. Who is refused may try again; a campaign may give up the key.
    pub fn answered(&mut self, request: &Request, passed: bool) {
        if passed {
            return;
        }
        let from = request.from;
        let day = days(self.now);
        let Some(sender) = self.senders.get_mut(from.slot as usize) else {
            return;
        };
        let kind = self.writer.kind(sender);
        if kind != Kind::Campaign {
            // SDKs try twice more.
            if from.tries < 2 && sender.random.below(10) < 7 {
                let wait =
                    600.0 * f64::from(from.tries.saturating_add(1)) * (1.0 + sender.random.unit());
                self.repeat(from, wait);
            }
            return;
        }
        sender.refusals = sender.refusals.saturating_add(1);
        if self.patience > 0 && sender.refusals >= self.patience && sender.key == request.key {
            sender.replaced(self.keys, day);
            self.keys = self.keys.saturating_add(1);
        }
    }

    /// The turn of whoever is due.
    fn step(&mut self, now: u32) -> Option<From> {
        self.now = now;
        let number = self.wheel.take()?;
        let sender = self.senders.get_mut(number as usize)?;
        let plan = self.plans.get(usize::from(sender.population))?;
        let kind = self.writer.kind(sender);
        let (from, next) = self.pace.step(number, sender, plan, kind, now);
        if let Some(next) = next
            && next < self.end
        {
            self.wheel.set(number, next);
        }
        // Answers are lost, and people impatient.
        let lost = kind != Kind::Campaign && sender.random.below(70) == 0;
        if lost {
            let wait = sender.random.waiting() * 8_000.0;
            self.repeat(from, wait);
        }
        Some(from)
    }

    /// Has a request sent again after some milliseconds.
    fn repeat(&mut self, from: From, wait: f64) {
        let again = From {
            tries: from.tries.saturating_add(1),
            ..from
        };
        if self.again.len() < AGAIN
            && let Some(due) = pace::after(self.now, wait)
        {
            self.again.push(Reverse((due, again)));
        }
    }

    /// Writes a request down.
    fn tell(&self, from: From, now: u32, request: &mut Request) -> bool {
        let Some(sender) = self.senders.get(from.slot as usize) else {
            return false;
        };
        let Some(plan) = self.plans.get(usize::from(sender.population)) else {
            return false;
        };
        request.t = self.start.saturating_add(u64::from(now));
        request.population = u16::from(sender.population);
        request.key = sender.key;
        request.from = from;
        let day = days(now);
        request.account = sender.account(day);
        request.source = sender.source(plan.kind, from.conversation, &self.cover);
        request.stack = sender.stack(plan.kind, &self.cover);
        request.ja4 = request.stack.ja4;
        request.path = if request.stack.messages {
            "/v1/messages"
        } else {
            "/v1/chat/completions"
        };
        request.sign(self.seed);
        let day = u32::try_from(day).unwrap_or(0);
        self.writer.fill(sender, from, day, request);
        true
    }
}

/// Whole days from the start on.
fn days(now: u32) -> i16 {
    i16::try_from(now / 86_400_000).unwrap_or(i16::MAX)
}
