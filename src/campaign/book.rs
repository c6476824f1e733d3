//! What every node has to know to recognise a campaign's request: features, and how far the evidence goes.

use crate::exchange::Millis;
use crate::policy::campaigns::Stage;
use crate::template::Template;
use crate::traits::mix;

/// What is known of campaigns; a copy of what the judge has found.
#[derive(Debug, Clone, Default)]
pub struct Book {
    /// Features by their hashes, in a table with open addressing: 0 is a free place.
    places: Vec<Entry>,
    campaigns: Vec<Campaign>,
    version: u32,
}

/// A feature of a campaign.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Entry {
    /// The feature.
    pub feature: u64,
    /// The campaign, by its place in the book.
    pub campaign: u16,
    /// How much it says, in thirds: 3 is enough alone.
    pub weight: u16,
}

/// A campaign in the book.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Campaign {
    /// Its name.
    pub id: u64,
    /// How far the evidence goes.
    pub stage: Stage,
    /// When that begins to matter, on the steady clock: later than it was known, by a while that nobody can foresee.
    pub from: Millis,
    /// Whether it is only noted, since too many keys would be acted on.
    pub held_back: bool,
}

/// The campaign that a request is part of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Match {
    /// The campaign's name.
    pub campaign: u64,
    /// How far the evidence goes.
    pub stage: Stage,
    /// Whether it is only noted.
    pub held_back: bool,
}

/// Enough of a request's features are a campaign's.
const ENOUGH: u16 = 3;

/// Features of a request that are looked up: the system text and its anchors, the user's anchors, and the sample.
const FEATURES: usize = 9;

impl Book {
    /// A book of these campaigns and features.
    #[must_use]
    pub fn new(version: u32, campaigns: Vec<Campaign>, entries: &[Entry]) -> Self {
        let size = entries.len().saturating_mul(2).next_power_of_two();
        let mut book = Self {
            places: Vec::new(),
            campaigns,
            version,
        };
        if entries.is_empty() {
            return book;
        }
        book.places.resize(size, Entry::default());
        for entry in entries.iter().filter(|entry| entry.feature != 0) {
            book.insert(*entry);
        }
        book
    }

    /// Which of several this is.
    #[must_use]
    pub const fn version(&self) -> u32 {
        self.version
    }

    /// The campaigns.
    #[must_use]
    pub fn campaigns(&self) -> &[Campaign] {
        &self.campaigns
    }

    /// The features.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.places.iter().filter(|entry| entry.feature != 0)
    }

    /// The campaign that a prompt is part of: of several the one for which most speaks, and among equals the first.
    #[must_use]
    pub fn find(&self, template: &Template, now: Millis) -> Option<Match> {
        if self.places.is_empty() {
            return None;
        }
        let mut best: Option<(u16, u16)> = None;
        let mut found = [(0_u16, 0_u16); 8];
        let mut count = 0_usize;
        for feature in features(template) {
            let Some(entry) = self.get(feature) else {
                continue;
            };
            let known = found
                .iter()
                .take(count)
                .position(|(campaign, _)| *campaign == entry.campaign);
            let place = known.unwrap_or(count);
            let Some((campaign, weight)) = found.get_mut(place) else {
                continue;
            };
            count = count.max(place.saturating_add(1));
            *campaign = entry.campaign;
            *weight = weight.saturating_add(entry.weight);
            if best.is_none_or(|(_, most)| *weight > most) {
                best = Some((entry.campaign, *weight));
            }
        }
        let (campaign, _) = best.filter(|&(_, weight)| weight >= ENOUGH)?;
        let campaign = self.campaigns.get(usize::from(campaign))?;
        (campaign.from <= now).then_some(Match {
            campaign: campaign.id,
            stage: campaign.stage,
            held_back: campaign.held_back,
        })
    }

    fn insert(&mut self, entry: Entry) {
        let mask = self.places.len().saturating_sub(1);
        let mut at = entry.feature as usize & mask;
        for _ in 0..self.places.len() {
            match self.places.get_mut(at) {
                Some(place) if place.feature == 0 || place.feature == entry.feature => {
                    *place = entry;
                    return;
                }
                _ => at = at.wrapping_add(1) & mask,
            }
        }
    }

    fn get(&self, feature: u64) -> Option<&Entry> {
        if feature == 0 {
            return None;
        }
        let mask = self.places.len().saturating_sub(1);
        let mut at = feature as usize & mask;
        loop {
            let entry = self.places.get(at)?;
            if entry.feature == feature {
                return Some(entry);
            }
            if entry.feature == 0 {
                return None;
            }
            at = at.wrapping_add(1) & mask;
        }
    }
}

/// The features of a prompt, those that say most first.
fn features(template: &Template) -> impl Iterator<Item = u64> {
    let [first, last] = template.system_anchors;
    let [a, b, c, d, e, f] = template.anchors;
    let anchors: [u64; FEATURES] = [template.system, first, last, c, f, b, e, a, d];
    let bins = template.bins.into_iter().enumerate();
    anchors
        .into_iter()
        .chain(bins.map(|(bin, least)| of_bin(bin, least)))
}

/// The feature that a bin's least hash is.
pub(in crate::campaign) fn of_bin(bin: usize, least: u32) -> u64 {
    if least == 0 {
        return 0;
    }
    // No anchor looks like this but one in 2³².
    mix(((bin as u64) << 32) | u64::from(least))
}
