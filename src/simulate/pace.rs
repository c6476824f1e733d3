//! When each kind of sender sends its next request, and of which conversation.

use super::HeavyClient;
use super::key::Sender;
use super::population::{Kind, Plan};
use super::random::{Random, within};
use super::request::From;
use super::rhythm::{HOUR, Week};
use super::scenario::{Campaign, Rhythm};

/// Milliseconds of a day.
pub(super) const DAY: f64 = 86_400_000.0;

/// Milliseconds of a window of heavy clients.
const WINDOW: u32 = 600_000;

/// After how many messages people begin another conversation.
const LONGEST: u8 = 12;

/// What the pace of all depends on.
#[derive(Debug)]
pub(super) struct Pace {
    people: Week,
    office: Week,
    /// Hours from some Monday to the beginning.
    origin: f64,
    clients: Vec<HeavyClient>,
    /// What rates of heavy clients are multiplied by.
    faster: f64,
    campaign: Campaign,
    /// Interactions that the campaign has begun.
    asked: u32,
}

impl Pace {
    pub(super) fn new(
        start: u64,
        seed: u64,
        campaign: Campaign,
        given: &[HeavyClient],
        heavy: Option<&Plan>,
    ) -> Self {
        let usable = |client: &&HeavyClient| client.rates.iter().any(|&rate| rate > 0.0);
        let mut clients: Vec<HeavyClient> = given.iter().filter(usable).cloned().collect();
        if clients.is_empty() {
            clients = (0..100).map(|number| made_up(seed, number)).collect();
        }
        let mean = |client: &HeavyClient| {
            let rates = client.rates.iter().map(|&rate| f64::from(rate.max(0.0)));
            rates.sum::<f64>() / client.rates.len() as f64
        };
        let means: Vec<f64> = clients.iter().map(mean).collect();
        let keys = heavy.map_or(0, |plan| plan.keys) as usize;
        let together: f64 = means.iter().cycle().take(keys).sum();
        let wanted = heavy.map_or(0.0, |plan| plan.per_day) / 86_400.0;
        // The first of January 1970 was a Thursday.
        let origin = (start as f64 / HOUR + 72.0) % 168.0;
        Self {
            people: Week::people(),
            office: Week::office(),
            origin,
            clients,
            faster: wanted / together.max(f64::MIN_POSITIVE),
            campaign,
            asked: 0,
        }
    }

    /// When a sender sends first, that is there from a moment on.
    pub(super) fn first(
        &self,
        sender: &mut Sender,
        plan: &Plan,
        kind: Kind,
        from: u32,
    ) -> Option<u32> {
        match kind {
            Kind::Flash => after(from, sender.random.waiting() * HOUR),
            _ => self.begin(sender, plan, kind, from),
        }
    }

    /// What a sender sends now that it is its turn, and when it sends again; never, if that is not in 32 bits of
    /// milliseconds.
    pub(super) fn step(
        &mut self,
        number: u32,
        sender: &mut Sender,
        plan: &Plan,
        kind: Kind,
        now: u32,
    ) -> (From, Option<u32>) {
        let fresh = sender.left == 0;
        if fresh {
            sender.left = self.session(sender, kind);
        }
        sender.left = sender.left.saturating_sub(1);
        let agentic = kind == Kind::Campaign && self.campaign.agentic;
        let gap = match kind {
            Kind::Agents => self.with_tools(number, sender, plan, fresh),
            Kind::Campaign if agentic => self.trajectory(sender, fresh),
            Kind::Campaign => {
                self.ask(sender);
                log_normal(&mut sender.random, 25_000.0, 1.0)
            }
            Kind::Clockwork => {
                sender.conversation = now / 3_600_000;
                0.0
            }
            Kind::Batch | Kind::Evaluation => {
                sender.conversation = sender.conversation.wrapping_add(1);
                let mean = if kind == Kind::Batch { 2_000.0 } else { 800.0 };
                sender.random.waiting() * mean
            }
            _ => {
                let on =
                    !fresh && sender.turn < LONGEST && sender.random.chance(plan.conversations);
                talk(sender, on);
                log_normal(&mut sender.random, 35_000.0, 1.0)
            }
        };
        let from = From {
            slot: number,
            conversation: sender.conversation,
            turn: sender.turn,
            step: sender.step,
            tries: 0,
        };
        let next = if sender.left > 0 {
            // Who has much to do waits less.
            after(now, gap.min(0.4 * DAY / f64::from(sender.daily.max(0.01))))
        } else {
            self.begin(sender, plan, kind, now)
        };
        (from, next)
    }

    /// How many requests come together, from now on.
    fn session(&self, sender: &mut Sender, kind: Kind) -> u16 {
        let size = match kind {
            Kind::Heavy | Kind::Clockwork => 1.0,
            Kind::Campaign if self.campaign.agentic => {
                f64::from(sender.random.below(9).saturating_add(4))
            }
            Kind::Campaign if self.campaign.rhythm == Rhythm::Balanced => 1.0,
            Kind::Batch => log_normal(&mut sender.random, 250.0, 0.8),
            Kind::Evaluation => log_normal(&mut sender.random, 500.0, 0.6),
            _ => 1.0 + sender.random.waiting() * (usual(kind, sender.daily) - 1.0),
        };
        (size as u16).max(1)
    }

    /// When the next session or job begins.
    fn begin(&self, sender: &mut Sender, plan: &Plan, kind: Kind, now: u32) -> Option<u32> {
        let daily = f64::from(sender.daily.max(1e-6));
        let balanced = self.campaign.rhythm == Rhythm::Balanced;
        match kind {
            Kind::Heavy => self.heavy(sender, now),
            Kind::Clockwork => clock(sender, now),
            Kind::Batch => after(now, sender.random.waiting() * 344.0 / daily * DAY),
            Kind::Evaluation => after(now, sender.random.waiting() * 598.0 / daily * DAY),
            Kind::Campaign if self.campaign.agentic && balanced => {
                after(now, sender.random.waiting() * 8.0 / daily * DAY)
            }
            Kind::Campaign if balanced => after(now, sender.random.waiting() / daily * DAY),
            Kind::Flash if now > flash(sender.born).saturating_add(3 * 86_400_000) => {
                // Few come back after three days.
                self.awake(sender, &self.people, now, 40.0 * usual(kind, 0.0) / daily)
            }
            _ => {
                let week = if plan.kind == Kind::Corporate {
                    &self.office
                } else {
                    &self.people
                };
                let size = match kind {
                    Kind::Campaign if self.campaign.agentic => 8.0,
                    _ => usual(kind, sender.daily),
                };
                self.awake(sender, week, now, size / daily)
            }
        }
    }

    /// The next moment of a person who comes once in so many days.
    fn awake(&self, sender: &mut Sender, week: &Week, now: u32, days: f64) -> Option<u32> {
        let hours = self.origin + f64::from(sender.zone) + 168.0;
        let from = hours + f64::from(now) / HOUR;
        let later = week.later(from, sender.random.waiting() * days * 24.0);
        after(now, (later - from) * HOUR)
    }

    /// The next request of a heavy client: windows have each a rate, and chance has no memory.
    fn heavy(&self, sender: &mut Sender, now: u32) -> Option<u32> {
        let count = u32::try_from(self.clients.len()).unwrap_or(u32::MAX);
        let number = u32::from(sender.group);
        let client = self.clients.get(number.checked_rem(count)? as usize)?;
        let windows = u32::try_from(client.rates.len()).unwrap_or(u32::MAX);
        // Who stands for the same client as another is some hours off.
        let offset = number.checked_div(count)?.saturating_mul(17);
        let mut at = now;
        for _ in 0..6_000 {
            let window = (at / WINDOW).saturating_add(offset).checked_rem(windows)?;
            let rate = client.rates.get(window as usize).copied()?.max(0.0);
            let rate = f64::from(rate) * self.faster / 1_000.0;
            let end = (at / WINDOW).saturating_add(1).checked_mul(WINDOW)?;
            let wait = sender.random.waiting() / rate;
            if wait < f64::from(end.saturating_sub(at)) {
                return after(at, wait);
            }
            at = end;
        }
        None
    }

    /// A new question of the campaign's.
    fn ask(&mut self, sender: &mut Sender) {
        sender.conversation = self.asked;
        self.asked = self.asked.wrapping_add(1);
        (sender.turn, sender.step) = (0, 0);
    }

    /// A step of a trajectory: tools' answers, and now and then another message.
    fn trajectory(&mut self, sender: &mut Sender, fresh: bool) -> f64 {
        if fresh {
            self.ask(sender);
        } else if sender.step < 5 {
            sender.step = sender.step.saturating_add(1);
        } else {
            (sender.turn, sender.step) = (sender.turn.saturating_add(1), 0);
        }
        log_normal(&mut sender.random, 12_000.0, 0.8)
    }

    /// A step of an agent's: tools answer at once, people after some thought.
    fn with_tools(&self, number: u32, sender: &mut Sender, plan: &Plan, fresh: bool) -> f64 {
        let who = u64::from(number) << 32 | u64::from(sender.conversation);
        let steps = Random::keyed(who, u64::from(sender.turn), 0x0073_7465).early(9);
        if !fresh && u32::from(sender.step) < steps {
            sender.step = sender.step.saturating_add(1);
            return log_normal(&mut sender.random, 7_000.0, 0.8);
        }
        let on = !fresh && sender.turn < LONGEST && sender.random.chance(plan.conversations);
        talk(sender, on);
        log_normal(&mut sender.random, 50_000.0, 1.1)
    }
}

/// Goes on with a conversation, or begins another.
fn talk(sender: &mut Sender, on: bool) {
    sender.step = 0;
    if on {
        sender.turn = sender.turn.saturating_add(1);
    } else {
        sender.conversation = sender.conversation.wrapping_add(1);
        sender.turn = 0;
    }
}

/// The mean size of people's sessions.
fn usual(kind: Kind, daily: f32) -> f64 {
    let base = match kind {
        Kind::Agents => 14.0,
        Kind::Campaign => 6.0,
        Kind::Ordinary => 3.5,
        _ => 4.0,
    };
    base + f64::from(daily) / 8.0
}

/// When the day begins on which the crowd came of which this sender is one.
pub(super) fn flash(born: i16) -> u32 {
    u32::try_from(born).unwrap_or(0).saturating_mul(86_400_000)
}

/// The next time that a plugin's clock strikes: hourly, or twice a day or once.
fn clock(sender: &mut Sender, now: u32) -> Option<u32> {
    let period = (DAY / f64::from(sender.daily.max(0.5))) as u32;
    let mut fixed = Random::keyed(u64::from(sender.key), 0, 0x636c_6f63);
    // Many have it done on the hour.
    let phase = if fixed.below(5) < 2 {
        within(u64::from(fixed.below(24)).saturating_mul(3_600_000), period)
    } else {
        fixed.below(period)
    };
    let since = now.saturating_sub(phase).saturating_add(period / 2);
    let strike = since
        .checked_div(period)?
        .saturating_add(u32::from(now >= phase))
        .checked_mul(period)?;
    strike
        .checked_add(phase)?
        .checked_add(sender.random.below(25_000))
}

fn log_normal(random: &mut Random, median: f64, deviation: f64) -> f64 {
    median * (deviation * random.normal()).exp()
}

/// A moment some milliseconds later; none if it is beyond all.
pub(super) fn after(now: u32, wait: f64) -> Option<u32> {
    let later = f64::from(now) + wait.max(1.0);
    (later < f64::from(u32::MAX)).then_some(later as u32)
}

/// A client that is heavy as real ones are: most of all requests are a few clients', some sleep and some do not.
fn made_up(seed: u64, number: u64) -> HeavyClient {
    let mut random = Random::keyed(seed, number, 0x6865_6176);
    let base = (1.6 * random.normal()).exp();
    let swing = random.unit();
    let noise = 0.1 + 0.5 * random.unit();
    let peak = 24.0 * random.unit();
    let rates = (0..1_008).map(|window| {
        let hour = f64::from(window) / 6.0 - peak;
        let day = 1.0 + swing * (hour / 24.0 * core::f64::consts::TAU).cos();
        (base * day * (noise * random.normal()).exp()) as f32
    });
    HeavyClient {
        rates: rates.collect(),
    }
}
