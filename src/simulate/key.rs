//! One who sends requests: a key, or one of several people behind a key.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::population::{Kind, Plan};
use super::random::{Random, spread, within};
use super::request::Account;
use super::scenario::Addresses;
use super::stack::{self, Stack};

/// What is kept of each: 48 bytes.
#[derive(Debug, Clone)]
pub(super) struct Sender {
    pub(super) random: Random,
    /// The number of its key.
    pub(super) key: u32,
    /// Requests a day.
    pub(super) daily: f32,
    /// Its last conversation.
    pub(super) conversation: u32,
    /// What its network follows from.
    home: u32,
    org: u32,
    /// The day on which its key was made; those before the first are negative.
    pub(super) born: i16,
    /// Requests left of this session or job.
    pub(super) left: u16,
    pub(super) group: u16,
    /// The place of its population in the list.
    pub(super) population: u8,
    stack: u8,
    /// Hours that its clock is ahead.
    pub(super) zone: i8,
    pub(super) turn: u8,
    pub(super) step: u8,
    pub(super) refusals: u8,
    flags: u8,
}

const VERIFIED: u8 = 1;
const CONTRACT: u8 = 2;
/// Not a campaign's own requests, though it sends by a campaign's key.
const GUEST: u8 = 4;
/// Sometimes on another network.
const ROAMS: u8 = 8;
/// At a provider of servers.
const HOSTED: u8 = 16;

/// How a campaign's keys are provided for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cover {
    pub(super) addresses: Addresses,
    pub(super) stacks: u32,
    /// Whether it pretends to be an agent.
    pub(super) cloaked: bool,
}

impl Sender {
    /// The sender with this key, as others of its population are. `index` is its place among them.
    pub(super) fn new(seed: u64, key: u32, population: u8, plan: &Plan, index: u32) -> Self {
        let mut random = Random::keyed(seed, u64::from(key), 0x0073_656e_6465);
        let group = match plan.kind {
            Kind::Heavy | Kind::Batch | Kind::Flash => within(u64::from(index), plan.groups),
            _ => random.early(plan.groups),
        };
        let group = u16::try_from(group).unwrap_or(u16::MAX);
        let mut flags = 0;
        for (flag, share) in [
            (VERIFIED, plan.verified),
            (CONTRACT, plan.contract),
            (ROAMS, roams(plan.kind)),
            (HOSTED, hosted(plan.kind)),
        ] {
            if random.chance(share) {
                flags |= flag;
            }
        }
        let org = match (plan.kind, random.chance(plan.organised)) {
            (_, false) => 0,
            (Kind::Corporate, true) => u32::from(group).saturating_add(1),
            // Others' have a few keys each.
            (_, true) => random
                .below((plan.keys / 4).saturating_add(1))
                .saturating_add(u32::from(population).saturating_mul(1 << 24))
                .saturating_add(100_000),
        };
        let home = match plan.kind {
            Kind::Corporate => u32::from(group),
            Kind::Aggregator => u32::from(group)
                .wrapping_mul(4)
                .wrapping_add(random.below(3)),
            _ => random.bits() as u32,
        };
        let stack = match plan.kind {
            // One kind of software each.
            Kind::Products | Kind::Corporate | Kind::Clockwork | Kind::Aggregator | Kind::Flash => {
                stack::popular(&mut Random::keyed(
                    seed,
                    u64::from(group),
                    u64::from(population),
                ))
            }
            Kind::Agents => u32::from(group),
            _ => stack::popular(&mut random),
        };
        Self {
            key,
            daily: 0.0,
            conversation: 0,
            home,
            org,
            born: 0,
            left: 0,
            group,
            population,
            stack: stack as u8,
            zone: match plan.kind {
                // A company's people are in one place.
                Kind::Corporate => zone(&mut Random::keyed(seed, u64::from(group), 0x7a6f_6e65)),
                _ => zone(&mut random),
            },
            turn: 0,
            step: 0,
            refusals: 0,
            flags,
            random,
        }
    }

    /// Gives up a key for another one, made on this day.
    pub(super) fn replaced(&mut self, key: u32, day: i16) {
        self.key = key;
        self.born = day;
        self.refusals = 0;
        self.flags &= !VERIFIED;
        self.home = self.random.bits() as u32;
    }

    /// One more who sends by the same key, for himself.
    pub(super) fn guest(&self, number: u32) -> Self {
        let mut guest = self.clone();
        guest.random = Random::keyed(self.random.0, u64::from(number), 0x6775_6573);
        guest.zone = zone(&mut guest.random);
        guest.flags |= GUEST;
        guest
    }

    /// Whether it sends by a campaign's key for himself.
    pub(super) const fn is_guest(&self) -> bool {
        self.flags & GUEST != 0
    }

    /// What an authentication filter knows of its key on a day.
    pub(super) fn account(&self, day: i16) -> Account {
        let age = i32::from(day).saturating_sub(i32::from(self.born));
        let contract = self.flags & CONTRACT != 0;
        let tier = match (contract || self.daily > 2_000.0, self.home % 4) {
            (true, _) => "scale",
            (false, 0) => "free",
            (false, _) => "paid",
        };
        Account {
            age_days: u32::try_from(age).unwrap_or(0),
            tier,
            org: self.org,
            verified: self.flags & VERIFIED != 0,
            contract,
        }
    }

    /// The software with which it sends a request.
    pub(super) fn stack(&self, kind: Kind, cover: &Cover) -> &'static Stack {
        match kind {
            Kind::Agents => stack::agent(u32::from(self.stack)),
            Kind::Campaign if cover.cloaked => stack::agent(0),
            // As relays do: one kind of software for each account, and always the same.
            Kind::Campaign => stack::common(within(spread(u64::from(self.key)), cover.stacks)),
            _ => stack::common(u32::from(self.stack)),
        }
    }

    /// Where it sends a request from.
    pub(super) fn source(&self, kind: Kind, conversation: u32, cover: &Cover) -> IpAddr {
        let once = spread(u64::from(self.key) << 32 | u64::from(conversation));
        match (kind, cover.addresses) {
            (Kind::Campaign, Addresses::Few) => hosted_at(once as u32 % 40, (once >> 32) as u8),
            (Kind::Campaign, Addresses::Rotating) => person_at(once),
            (Kind::Corporate, _) => hosted_at(
                self.home.wrapping_add(100_000),
                spread(u64::from(self.key)) as u8,
            ),
            (Kind::Aggregator, _) => hosted_at(self.home.wrapping_add(200_000), once as u8 % 16),
            _ if self.flags & HOSTED != 0 => hosted_at(
                (self.home % 4_000).saturating_add(1_000),
                (self.home >> 20) as u8,
            ),
            _ if self.flags & ROAMS != 0 && once.is_multiple_of(3) => {
                person_at(u64::from(self.home).wrapping_add(1))
            }
            _ => person_at(u64::from(self.home)),
        }
    }
}

/// Which share of senders are programs on servers that are hired.
const fn hosted(kind: Kind) -> f64 {
    match kind {
        Kind::Heavy | Kind::Batch => 0.95,
        Kind::Evaluation => 0.7,
        Kind::Clockwork => 0.3,
        Kind::Ordinary => 0.15,
        _ => 0.05,
    }
}

/// Which share of senders are people who go about.
const fn roams(kind: Kind) -> f64 {
    match kind {
        Kind::Heavy | Kind::Batch | Kind::Clockwork => 0.0,
        _ => 0.25,
    }
}

/// Hours ahead, as people live: in the Americas, in Europe and Africa, in Asia.
fn zone(random: &mut Random) -> i8 {
    let (first, count) = match random.below(10) {
        0..4 => (-8, 5),
        4..7 => (0, 4),
        _ => (5, 5),
    };
    i8::saturating_add(first, random.below(count) as i8)
}

/// First bytes of networks that people are on.
const PEOPLE: [u8; 16] = [
    24, 31, 46, 62, 71, 77, 86, 90, 98, 108, 117, 122, 151, 176, 187, 201,
];

/// An address of a person's: one of about 500,000 networks, and always the same in it.
fn person_at(home: u64) -> IpAddr {
    let bits = spread(home ^ 0x686f_6d65);
    let [first, second, third, fourth, host, ..] = bits.to_le_bytes();
    let start = PEOPLE
        .get(usize::from(first & 15))
        .copied()
        .unwrap_or_default();
    if fourth < 25 {
        let network = u16::from_le_bytes([second, third & 63]);
        let part = |byte: u8| u16::from(byte);
        return IpAddr::V6(Ipv6Addr::new(
            0x2a01,
            part(first & 15),
            network,
            part(fourth),
            0,
            0,
            part(host),
            1,
        ));
    }
    IpAddr::V4(Ipv4Addr::new(start, second, third & 127, host))
}

/// An address of a provider of servers.
fn hosted_at(network: u32, host: u8) -> IpAddr {
    let [low, middle, high, _] = network.to_le_bytes();
    IpAddr::V4(Ipv4Addr::new(high.wrapping_add(3), middle, low, host))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sender_is_small() {
        assert!(size_of::<Sender>() <= 48, "{}", size_of::<Sender>());
    }
}
