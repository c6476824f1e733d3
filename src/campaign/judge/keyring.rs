//! Keys that were seen with hot templates: how many different ones each has used, and whether a campaign's were among them.
//!
//! A campaign's keys are the quiet ones, so it is not the busiest that stay but those that have used most templates.

use bytemuck::{Pod, Zeroable};

use crate::traits::mix;

/// Buckets of eight: 32,768 keys in 1 MiB.
const BUCKETS: usize = 4_096;

/// Keys of a bucket.
const WAYS: usize = 8;

/// Nobody's campaign.
pub(super) const NONE: u16 = u16::MAX;

/// Requests of one key within this many seconds belong to one sitting.
pub(super) const CLOSE: u32 = 900;

/// How long habits are gathered, in seconds.
const WHILE: u32 = 2 * 86_400;

/// What is known of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub(super) struct Keyed {
    pub(super) key: u64,
    /// When it came into the ring, in seconds.
    pub(super) since: u32,
    /// When it was last seen here.
    pub(super) last: u32,
    /// Templates that it has used, as bits.
    pub(super) templates: u32,
    /// Requests with hot templates.
    pub(super) hits: u16,
    /// Requests within a sitting.
    pub(super) close: u16,
    /// Networks, as bits.
    pub(super) networks: u16,
    /// Requests of a campaign's.
    pub(super) guilty: u16,
    /// The campaign.
    pub(super) campaign: u16,
    /// All requests.
    pub(super) seen: u16,
}

impl Keyed {
    /// Whether it is known for a campaign, and does little else than what many are given to do: a key with much other traffic says nothing by what it shares.
    pub(super) const fn is_watched(&self) -> bool {
        self.guilty >= 2 && self.hits.saturating_mul(2) >= self.seen
    }

    /// Begins anew after a while: habits are of days, and not of months.
    fn age(&mut self, now: u32) {
        if now.saturating_sub(self.since) > WHILE {
            self.since = now;
            (self.templates, self.hits, self.close, self.networks) = (0, 0, 0, 0);
            self.guilty /= 2;
            self.seen = 0;
        }
    }
}

/// The ring.
#[derive(Debug)]
pub(super) struct Keyring {
    pub(super) buckets: Vec<[Keyed; WAYS]>,
}

impl Keyring {
    pub(super) fn new() -> Self {
        Self {
            buckets: vec![[Keyed::zeroed(); WAYS]; BUCKETS],
        }
    }

    pub(super) fn get(&self, key: u64) -> Option<&Keyed> {
        let bucket = self.buckets.get(place(key))?;
        bucket.iter().find(|keyed| keyed.key == key)
    }

    /// Whether a key is known for a campaign: see [`Keyed::is_watched`].
    pub(super) fn is_watched(&self, key: u64) -> bool {
        self.get(key).is_some_and(Keyed::is_watched)
    }

    /// A key has sent any request.
    pub(super) fn meet(&mut self, key: u64) {
        let bucket = self.buckets.get_mut(place(key));
        let known = bucket.and_then(|bucket| bucket.iter_mut().find(|keyed| keyed.key == key));
        if let Some(keyed) = known {
            keyed.seen = keyed.seen.saturating_add(1);
        }
    }

    /// A campaign has become a part of another.
    pub(super) fn rename(&mut self, from: u16, to: u16) {
        for keyed in self.buckets.iter_mut().flatten() {
            if keyed.campaign == from {
                keyed.campaign = to;
            }
        }
    }

    /// A key has used a template; with a campaign, if it is one's.
    pub(super) fn see(&mut self, key: u64, template: u64, network: u32, campaign: u16, now: u32) {
        let Some(bucket) = self.buckets.get_mut(place(key)) else {
            return;
        };
        let known = bucket.iter().position(|keyed| keyed.key == key);
        let worth = |keyed: &Keyed| {
            // Who has not come for a day goes before whoever has.
            let idle = now.saturating_sub(keyed.last) / 86_400;
            let templates = keyed.templates.count_ones().min(8);
            let stays = templates.saturating_add(u32::from(keyed.guilty.min(4)) * 2);
            let stays = stays.saturating_sub(idle.saturating_mul(2));
            // Among equals a fair sample stays, the same that rows of evidence have.
            (keyed.key != 0, stays, !mix(keyed.key))
        };
        let spare = || {
            let all = bucket.iter().enumerate();
            let (place, least) = all.min_by_key(|(_, keyed)| worth(keyed))?;
            let room = worth(least) < (true, 1, !mix(key)) || campaign != NONE;
            room.then_some(place)
        };
        let Some(keyed) = known.or_else(spare).and_then(|place| bucket.get_mut(place)) else {
            return;
        };
        if keyed.key != key {
            *keyed = Keyed {
                key,
                since: now,
                last: now,
                seen: 1,
                campaign: NONE,
                ..Keyed::zeroed()
            };
        } else if now.saturating_sub(keyed.last) < CLOSE {
            keyed.close = keyed.close.saturating_add(1);
        }
        keyed.age(now);
        keyed.last = now;
        keyed.hits = keyed.hits.saturating_add(1);
        keyed.templates |= 1_u32.wrapping_shl((mix(template) >> 59) as u32);
        keyed.networks |= 1_u16.wrapping_shl(network >> 28);
        if campaign != NONE {
            keyed.guilty = keyed.guilty.saturating_add(1);
            keyed.campaign = campaign;
        }
    }
}

fn place(key: u64) -> usize {
    (mix(key ^ 0x5bd1) >> 40) as usize & (BUCKETS - 1)
}
