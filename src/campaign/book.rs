//! What every node has to know to recognise a campaign's request: features, and how far the evidence goes.

use crate::exchange::Millis;
use crate::policy::campaigns::Stage;
use crate::template::Template;
use crate::traits::mix;
use serde::{Deserialize, Serialize};

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
    pub weight: u8,
    /// The template that it is a part of, in 256 kinds: what parts of different templates say does not add up.
    pub template: u8,
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Match {
    /// The campaign's name.
    pub campaign: u64,
    /// How far the evidence goes.
    pub stage: Stage,
    /// Whether it is only noted.
    pub held_back: bool,
    /// The first of the prompt's features that are the campaign's.
    pub feature: u64,
}

/// How a written book begins; then its version, how many campaigns there are, and how many features.
const MARK: [u8; 4] = *b"sgb1";

/// How long a written book is at most.
const LONGEST: usize = 256 << 10;

/// Enough of a request's features are a campaign's.
pub(in crate::campaign) const ENOUGH: u8 = 3;

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

    /// Whether nothing can be found in it.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.places.is_empty()
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

    /// For shared data: at most 256 KiB, of which features that are more have no part.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let head = 16_usize.saturating_add(self.campaigns.len().saturating_mul(24));
        let room = LONGEST.saturating_sub(head) / 12;
        let entries = || self.entries().take(room);
        let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX).to_le_bytes();
        let mut bytes = Vec::with_capacity(head);
        bytes.extend_from_slice(&MARK);
        bytes.extend_from_slice(&self.version.to_le_bytes());
        bytes.extend_from_slice(&count(self.campaigns.len()));
        bytes.extend_from_slice(&count(entries().count()));
        for campaign in &self.campaigns {
            bytes.extend_from_slice(&campaign.id.to_le_bytes());
            bytes.extend_from_slice(&campaign.from.to_le_bytes());
            let convicted = u8::from(campaign.stage == Stage::Convicted);
            bytes.extend_from_slice(&[convicted, u8::from(campaign.held_back)]);
            bytes.extend_from_slice(&[0; 6]);
        }
        for entry in entries() {
            bytes.extend_from_slice(&entry.feature.to_le_bytes());
            bytes.extend_from_slice(&entry.campaign.to_le_bytes());
            bytes.extend_from_slice(&[entry.weight, entry.template]);
        }
        bytes
    }

    /// From shared data; `None` if it is something else, or of another version of Stillgate's.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let rest = bytes
            .strip_prefix(&MARK)
            .filter(|_| bytes.len() <= LONGEST)?;
        let (version, rest) = rest.split_first_chunk()?;
        let (campaigns, rest) = rest.split_first_chunk()?;
        let (entries, rest) = rest.split_first_chunk()?;
        let size =
            |count: [u8; 4], each: usize| (u32::from_le_bytes(count) as usize).checked_mul(each);
        let (campaigns, rest) = rest.split_at_checked(size(*campaigns, 24)?)?;
        if size(*entries, 12)? != rest.len() {
            return None;
        }
        let campaigns = campaigns.chunks_exact(24).filter_map(|bytes| {
            let (id, rest) = bytes.split_first_chunk()?;
            let (from, rest) = rest.split_first_chunk()?;
            let [convicted, held_back, ..] = rest else {
                return None;
            };
            let stage = match convicted {
                0 => Stage::Suspect,
                _ => Stage::Convicted,
            };
            Some(Campaign {
                id: u64::from_le_bytes(*id),
                stage,
                from: u64::from_le_bytes(*from),
                held_back: *held_back != 0,
            })
        });
        let entries = rest.chunks_exact(12).filter_map(|bytes| {
            let (feature, rest) = bytes.split_first_chunk()?;
            let (campaign, rest) = rest.split_first_chunk()?;
            let [weight, template] = *rest.first_chunk()?;
            Some(Entry {
                feature: u64::from_le_bytes(*feature),
                campaign: u16::from_le_bytes(*campaign),
                weight,
                template,
            })
        });
        let entries: Vec<Entry> = entries.collect();
        let version = u32::from_le_bytes(*version);
        Some(Self::new(version, campaigns.collect(), &entries))
    }

    /// The campaign that a prompt is part of: of several the one for which most speaks, and among equals the first.
    #[must_use]
    pub fn find(&self, template: &Template, now: Millis) -> Option<Match> {
        if self.places.is_empty() {
            return None;
        }
        let mut best: Option<(u16, u8, u64)> = None;
        let mut found = [((0_u16, 0_u8), 0_u8, 0_u64); 8];
        let mut count = 0_usize;
        for feature in features(template) {
            let Some(entry) = self.get(feature) else {
                continue;
            };
            let known = found
                .iter()
                .take(count)
                .position(|(part, ..)| *part == (entry.campaign, entry.template));
            let place = known.unwrap_or(count);
            let Some((part, weight, first)) = found.get_mut(place) else {
                continue;
            };
            if known.is_none() {
                *first = feature;
            }
            count = count.max(place.saturating_add(1));
            *part = (entry.campaign, entry.template);
            *weight = weight.saturating_add(entry.weight);
            if best.is_none_or(|(_, most, _)| *weight > most) {
                best = Some((entry.campaign, *weight, *first));
            }
        }
        let (campaign, _, feature) = best.filter(|&(_, weight, _)| weight >= ENOUGH)?;
        let campaign = self.campaigns.get(usize::from(campaign))?;
        (campaign.from <= now).then_some(Match {
            campaign: campaign.id,
            stage: campaign.stage,
            held_back: campaign.held_back,
            feature,
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

#[cfg(test)]
mod tests {
    #![expect(
        clippy::arithmetic_side_effects,
        reason = "a test that overflows has failed"
    )]

    use super::*;

    fn book() -> Book {
        let campaigns = (1..=5).map(|id| Campaign {
            id,
            stage: if id > 2 {
                Stage::Convicted
            } else {
                Stage::Suspect
            },
            from: id * 1_000,
            held_back: id == 4,
        });
        let entries: Vec<Entry> = (1..300)
            .map(|feature| Entry {
                feature: mix(feature),
                campaign: (feature % 5) as u16,
                weight: 1 + (feature % 3) as u8,
                template: (feature % 7) as u8,
            })
            .collect();
        Book::new(7, campaigns.collect(), &entries)
    }

    #[test]
    fn what_parts_of_different_templates_say_does_not_add_up() {
        let campaign = Campaign {
            id: 1,
            stage: Stage::Convicted,
            from: 0,
            held_back: false,
        };
        let prompt = Template {
            anchors: [11, 12, 0, 0, 0, 0],
            ..Template::default()
        };
        for (weights, templates, expected) in [
            ([2, 1], [5, 5], true),
            ([2, 1], [5, 6], false),
            ([2, 3], [5, 6], true),
            ([1, 1], [5, 5], false),
        ] {
            let entry = |place: usize| Entry {
                feature: 11 + place as u64,
                campaign: 0,
                weight: weights[place],
                template: templates[place],
            };
            let book = Book::new(1, vec![campaign], &[entry(0), entry(1)]);
            assert_eq!(
                book.find(&prompt, 1).is_some(),
                expected,
                "{weights:?} of {templates:?}"
            );
        }
    }

    #[test]
    fn a_book_can_be_written_and_read() {
        for book in [book(), Book::default()] {
            let bytes = book.to_bytes();
            let read = Book::from_bytes(&bytes).expect("a book");
            assert_eq!(read.version(), book.version());
            assert_eq!(read.campaigns(), book.campaigns());
            assert_eq!(read.entries().count(), book.entries().count());
            assert!(
                book.entries()
                    .all(|entry| read.get(entry.feature) == Some(entry))
            );
        }
    }

    #[test]
    fn a_written_book_is_bounded() {
        let entries: Vec<Entry> = (1..50_000)
            .map(|feature| Entry {
                feature: mix(feature),
                campaign: 0,
                weight: 3,
                template: 0,
            })
            .collect();
        let bytes = Book::new(1, book().campaigns, &entries).to_bytes();
        assert!(bytes.len() <= LONGEST, "{}", bytes.len());
        assert!(Book::from_bytes(&bytes).is_some());
    }

    #[test]
    fn no_bytes_are_too_odd_to_be_read() {
        let whole = book().to_bytes();
        for end in 0..whole.len() {
            assert!(Book::from_bytes(&whole[..end]).is_none(), "{end}");
        }
        for place in 0..whole.len() {
            for byte in [0, 1, 0x7f, 0xff] {
                let mut bytes = whole.clone();
                bytes[place] = byte;
                if let Some(book) = Book::from_bytes(&bytes) {
                    let mut template = Template::default();
                    template.anchors[2] = mix(3);
                    let _ = book.find(&template, u64::MAX);
                }
            }
        }
    }
}
