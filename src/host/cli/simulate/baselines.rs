//! What simpler rules would have done with the same requests. Each judges by itself, and none has a say in the traffic.

mod crowd;

use core::net::IpAddr;

use crate::campaign::Observation;
use crate::dialect::request;
use crate::exchange::Millis;
use crate::identity::Secret;
use crate::simulate::Request;
use crate::template::{ANCHORS, Folded, Sampler};
use crowd::{Cells, Members, Pairs};

/// How many rules there are.
pub(super) const COUNT: usize = 6;

/// The rules by their names, with what each does. Minutes and days are those of the calendar, in UTC, and no limit is scaled
/// with the traffic.
pub(super) const RULES: [(&str, &str); COUNT] = [
    ("60/min", "60 requests a minute for each key"),
    ("100/day", "100 requests a day for each key"),
    ("/24", "1,000 requests a day for each /24, or /48 of IPv6"),
    (
        "ja4",
        "a JA4 of more than 1,000 keys on a day is refused for the rest of it",
    ),
    (
        "system",
        "a system text of more than 64 keys on a day is refused for the rest of it",
    ),
    (
        "template",
        "a beginning or an end of 48 bytes of the user's text, or a system text, of 64 keys on a day is refused from then on",
    ),
];

const PER_MINUTE: u16 = 60;
const PER_DAY: u16 = 100;
const PER_NETWORK: u16 = 1_000;
const KEYS_OF_JA4: u32 = 1_000;
const KEYS_OF_SYSTEM: u16 = 64;
const KEYS_OF_TEMPLATE: u16 = 64;

const MINUTE: Millis = 60_000;
const DAY: Millis = 86_400_000;

/// All rules at once.
pub(super) struct Baselines {
    day: Millis,
    keys: Vec<Pace>,
    networks: Cells,
    /// Of each JA4 its keys. There are few.
    stacks: Vec<(&'static str, Members)>,
    systems: Cells,
    of_systems: Pairs,
    templates: Cells,
    of_templates: Pairs,
    sampler: Sampler,
    folded: Folded,
}

/// How often a key has asked.
#[derive(Clone, Copy, Default)]
struct Pace {
    /// The minute, counted from 1970.
    minute: u32,
    in_minute: u16,
    in_day: u16,
}

/// What texts are known by; 0 for what is not there.
#[derive(Debug, Default, PartialEq, Eq)]
struct Known {
    system: u64,
    /// How the user's text begins and ends.
    ends: [u64; 2],
}

impl Known {
    /// Of three lengths the one in the middle is looked at.
    const fn of(system: u64, anchors: &[u64; ANCHORS]) -> Self {
        let [_, first, _, _, last, _] = *anchors;
        Self {
            system,
            ends: [first, last],
        }
    }
}

impl Baselines {
    /// Rules that have seen nothing, with room for about so many requests a day.
    pub(super) fn new(requests: u64, secret: Secret) -> Self {
        let of_templates = requests.saturating_mul(3);
        Self {
            day: 0,
            keys: Vec::new(),
            networks: Cells::new(requests),
            stacks: Vec::new(),
            systems: Cells::new(requests),
            of_systems: Pairs::new(requests),
            templates: Cells::new(of_templates),
            of_templates: Pairs::new(of_templates),
            sampler: Sampler::new(secret),
            folded: Folded::default(),
        }
    }

    /// Which rules refuse a request, a bit for each in the order of [`RULES`]. What an engine with the same secret has seen of
    /// its texts is not read again.
    pub(super) fn judge(&mut self, request: &Request, seen: Option<&Observation>) -> u16 {
        self.turn(request.t);
        let (in_minute, in_day) = self.pace(request);
        let in_network = self.networks.add(network(request.source));
        let of_ja4 = self.of_ja4(request);
        let known = match seen {
            Some(seen) => Known::of(seen.system, &seen.anchors),
            None => self.know(&request.body),
        };
        let verdicts: [bool; COUNT] = [
            in_minute > PER_MINUTE,
            in_day > PER_DAY,
            in_network > PER_NETWORK,
            of_ja4 > KEYS_OF_JA4,
            self.is_shared(known.system, request.key),
            self.is_template(&known, request.key),
        ];
        let bits = verdicts.iter().rev();
        bits.fold(0, |bits, &refuses| (bits << 1) | u16::from(refuses))
    }

    /// Forgets what counts for a day when it is over.
    fn turn(&mut self, t: Millis) {
        let day = t / DAY;
        if day == self.day {
            return;
        }
        self.day = day;
        self.keys.iter_mut().for_each(|pace| pace.in_day = 0);
        self.networks.clear();
        self.stacks.iter_mut().for_each(|(_, keys)| keys.clear());
        self.systems.clear();
        self.of_systems.clear();
        self.templates.clear();
        self.of_templates.clear();
    }

    /// The number of this request of its key's in this minute, and on this day.
    fn pace(&mut self, request: &Request) -> (u16, u16) {
        let place = request.key as usize;
        if place >= self.keys.len() {
            self.keys.resize(place.saturating_add(1), Pace::default());
        }
        let Some(pace) = self.keys.get_mut(place) else {
            return (0, 0);
        };
        let minute = (request.t / MINUTE) as u32;
        if pace.minute != minute {
            (pace.minute, pace.in_minute) = (minute, 0);
        }
        pace.in_minute = pace.in_minute.saturating_add(1);
        pace.in_day = pace.in_day.saturating_add(1);
        (pace.in_minute, pace.in_day)
    }

    /// How many keys have had this JA4 today.
    fn of_ja4(&mut self, request: &Request) -> u32 {
        let known = self
            .stacks
            .iter()
            .position(|(ja4, _)| core::ptr::eq(*ja4, request.ja4) || *ja4 == request.ja4);
        let place = known.unwrap_or_else(|| {
            self.stacks.push((request.ja4, Members::default()));
            self.stacks.len().saturating_sub(1)
        });
        let stack = self.stacks.get_mut(place);
        stack.map_or(0, |(_, keys)| keys.add(request.key))
    }

    /// What the texts of a body are known by.
    fn know(&mut self, body: &[u8]) -> Known {
        let Some(prompt) = request::read(body) else {
            return Known::default();
        };
        let template = self.sampler.read(body, &prompt, &mut self.folded);
        Known::of(template.system, &template.anchors)
    }

    /// Whether more keys than may have sent a system text today.
    fn is_shared(&mut self, system: u64, key: u32) -> bool {
        if system == 0 {
            return false;
        }
        let keys = if self.of_systems.add(system, key) {
            self.systems.add(system)
        } else {
            self.systems.get(system)
        };
        keys > KEYS_OF_SYSTEM
    }

    /// Whether as many keys as make a template have sent one of these.
    fn is_template(&mut self, known: &Known, key: u32) -> bool {
        let [first, last] = known.ends;
        let mut found = false;
        for feature in [known.system, first, last] {
            if feature == 0 {
                continue;
            }
            if self.templates.kept(feature) {
                found = true;
            } else if self.of_templates.add(feature, key)
                && self.templates.add(feature) >= KEYS_OF_TEMPLATE
            {
                self.templates.keep(feature);
                found = true;
            }
        }
        found
    }
}

/// A /24, or a /48 of IPv6.
const fn network(source: IpAddr) -> u64 {
    match source {
        IpAddr::V4(address) => (address.to_bits() >> 8) as u64,
        IpAddr::V6(address) => (address.to_bits() >> 80) as u64 | 1 << 63,
    }
}

#[cfg(test)]
mod tests;
