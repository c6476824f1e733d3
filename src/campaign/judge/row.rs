//! The evidence about those who share one feature.

use bytemuck::{Pod, Zeroable};

use super::features::Kind;
use super::members::Members;
use super::rests::Seen;
use super::{count, count_key};
use crate::campaign::{Flags, Observation};
use crate::distinct::registers::{self, NUMBERS};

/// The evidence.
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub(super) struct Row {
    /// The feature; 0 for a row that is free.
    pub(super) feature: u64,
    /// Clients, as bits.
    stacks: u64,
    /// When the first request came, in seconds.
    pub(super) first: u32,
    /// When the last came.
    pub(super) last: u32,
    /// Requests.
    pub(super) requests: u32,
    /// Requests whose text was not the same key's last.
    pub(super) asks: u32,
    /// Those whose text another key had asked.
    pub(super) again: u32,
    /// Requests of a conversation that had begun.
    pub(super) turned: u32,
    /// Answers whose length is known, and the sum and the sum of squares of its logarithm to the base 2, in 256ths.
    pub(super) answers: u32,
    /// The sum.
    pub(super) lengths: u32,
    /// The sum of squares, in 256ths of 256ths.
    pub(super) squares: u64,
    /// What most requests ask for beside their text, and by how many they are more (R. Boyer, J Moore, MJRTY, 1981).
    parameters: Majority,
    /// The client that most are.
    stack: Majority,
    /// The organisation to which most belong.
    org: Majority,
    /// Its campaign, once there is one.
    pub(super) campaign: u16,
    /// Which case it is: rows are used again.
    pub(super) kind: u8,
    /// 1 if it would be convicted, were it larger.
    pub(super) ripe: u8,
    /// How many requests there were when it was last weighed.
    pub(super) judged: u32,
    /// When that was.
    pub(super) weighed: u32,
    /// Requests of keys that are known for a campaign.
    pub(super) watched: u32,
    /// 1 if all that is known of it speaks for a campaign.
    pub(super) leans: u8,
    pad: [u8; 3],
    /// Distinct keys.
    pub(super) keys: [u32; NUMBERS],
    /// Distinct networks, as bits.
    networks: [u64; 4],
    /// A sample of the keys.
    pub(super) members: Members,
}

/// A value that most of a stream may have, and how often it was that value when one looked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
struct Majority {
    value: u32,
    lead: u32,
    same: u32,
}

impl Majority {
    fn see(&mut self, value: u32) {
        if self.lead == 0 {
            self.value = value;
            self.same = 0;
        }
        if self.value == value {
            self.lead = self.lead.saturating_add(1);
            self.same = self.same.saturating_add(1);
        } else {
            self.lead = self.lead.saturating_sub(1);
        }
    }
}

impl Row {
    /// A row for a feature of which nothing is known yet.
    pub(super) fn new(feature: u64, kind: u8, now: u32) -> Self {
        Self {
            feature,
            kind,
            first: now,
            last: now,
            campaign: u16::MAX,
            ..Self::zeroed()
        }
    }

    /// Takes in a request.
    pub(super) fn see(&mut self, observation: &Observation, seen: Seen) {
        let one = |count: &mut u32, so: bool| *count = count.saturating_add(u32::from(so));
        let asks = seen != Seen::ByItself;
        one(&mut self.requests, true);
        one(&mut self.asks, asks);
        one(&mut self.again, seen == Seen::ByOther);
        one(&mut self.turned, observation.turns >= 3);
        self.last = observation.at;
        self.stacks |= 1_u64.wrapping_shl(observation.stack >> 26);
        self.parameters.see(observation.parameters);
        self.stack.see(observation.stack);
        self.org.see(observation.org);
        if observation.output > 0 && !observation.flags.has(Flags::REFUSED) {
            let length = log2(observation.output);
            one(&mut self.answers, true);
            self.lengths = self.lengths.saturating_add(length);
            let square = u64::from(length).saturating_mul(u64::from(length));
            self.squares = self.squares.saturating_add(square);
        }
        count_key(&mut self.keys, observation.key);
        let network = observation.network;
        if let Some(bits) = self.networks.get_mut((network >> 30) as usize) {
            *bits |= 1_u64.wrapping_shl((network >> 24) & 63);
        }
        self.members.see(observation, asks);
    }

    /// Counts the keys of another row too.
    pub(super) fn count_keys_of(&mut self, other: &Self) {
        registers::merge(&mut self.keys, &other.keys);
    }

    /// How many distinct keys there are, about.
    pub(super) fn keys(&self) -> u32 {
        count(&self.keys)
    }

    /// How many of 256 shares of all networks are there: of few networks, about as many as there are.
    pub(super) fn networks(&self) -> u32 {
        self.networks.iter().map(|bits| bits.count_ones()).sum()
    }

    /// How many different clients there are: up to 64, about.
    pub(super) const fn stacks(&self) -> u32 {
        self.stacks.count_ones()
    }

    pub(super) const fn kind(&self) -> Kind {
        Kind::of(self.kind)
    }

    /// Whether it is about a few words, and not about the beginning or the end of a text.
    pub(super) const fn is_phrase(&self) -> bool {
        matches!(self.kind(), Kind::Short | Kind::Bin)
    }

    /// Takes note of whether a request's key is known for a campaign.
    pub(super) fn note_watched(&mut self, watched: bool) {
        self.watched = self.watched.saturating_add(u32::from(watched));
    }

    /// Whether what is filled in is new each time, as far as that is known.
    pub(super) fn is_unique(&self) -> bool {
        self.asks < 8 || share(self.again, self.asks) < 0.3
    }

    /// The share of requests that ask for the same beside their text.
    pub(super) fn same_parameters(&self) -> f32 {
        share(self.parameters.same, self.requests)
    }

    /// The share of requests of the commonest client.
    pub(super) fn same_stack(&self) -> f32 {
        share(self.stack.same, self.requests)
    }

    /// The share of requests of one organisation, if most belong to one.
    pub(super) fn same_org(&self) -> f32 {
        if self.org.value == 0 {
            0.0
        } else {
            share(self.org.same, self.requests)
        }
    }

    /// The mean length of answers, and how much it varies, as logarithms to the base 2; `None` if too few are known.
    pub(super) fn answer(&self) -> Option<(f32, f32)> {
        if self.answers < 64 {
            return None;
        }
        let count = f64::from(self.answers);
        let mean = f64::from(self.lengths) / count;
        let variance = (self.squares as f64) / count - mean * mean;
        Some(((mean / 256.0) as f32, (variance / 65_536.0) as f32))
    }
}

/// A share of a whole; 0 of nothing.
pub(super) fn share(part: u32, whole: u32) -> f32 {
    if whole == 0 {
        0.0
    } else {
        part as f32 / whole as f32
    }
}

/// The logarithm to the base 2, in 256ths, linear between powers: the same on every machine.
fn log2(number: u32) -> u32 {
    let number = number.max(1);
    let whole = number.ilog2();
    let rest = (u64::from(number) << 8) >> whole;
    (whole << 8).saturating_add(rest as u32 & 0xff)
}
