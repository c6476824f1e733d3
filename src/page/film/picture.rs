//! Keys by templates: which keys sent which of the templates that several keys share. A sample, since a screen has only so much
//! room; a campaign's keys are sampled apart, or there would be none of them among so many others.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{Fate, Scene, Timing};
use crate::campaign::{Observation, features};
use crate::exchange::Millis;
use crate::policy::campaigns;
use crate::traits::mix;

/// The most rows.
const ROWS: usize = 48;

/// The most columns.
const COLUMNS: usize = 240;

/// As many keys must share a template for a row of its own.
const SHARED: usize = 3;

/// The most requests that are remembered, of each of the two samples: 6 MiB.
const MOST: usize = 1 << 15;

/// Which keys sent which templates.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub struct Picture {
    /// The templates.
    pub rows: Vec<Row>,
    /// The keys.
    pub columns: Vec<Column>,
    /// Five numbers for each cell and frame: row, column, frame, fate, and how many requests.
    pub cells: Vec<u32>,
}

/// A template.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Row {
    /// One of its features, as 16 hex digits.
    pub template: String,
    /// The campaign that is known by it.
    pub campaign: Option<String>,
    /// How many keys of the sample have sent it.
    pub keys: usize,
}

/// A key.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Column {
    /// Its pseudonym.
    pub key: String,
    /// The group that it belongs to, by its place; of a campaign's the campaign.
    pub group: usize,
}

/// Requests that are remembered.
#[derive(Debug, Default)]
pub(super) struct Sketch {
    /// Of keys that are known for a campaign's.
    marked: Entries,
    others: Entries,
}

/// Requests of a sample of keys.
#[derive(Debug, Default)]
struct Entries {
    list: Vec<Entry>,
    /// How many low bits of a key's hash must be 0.
    halvings: u32,
}

#[derive(Debug)]
struct Entry {
    shown: Observation,
    t: Millis,
    group: usize,
    fate: Fate,
}

impl Entries {
    fn note(&mut self, entry: Entry) {
        if mix(entry.shown.key).trailing_zeros() < self.halvings {
            return;
        }
        if self.list.len() >= MOST {
            self.halvings = self.halvings.saturating_add(1);
            let halvings = self.halvings;
            self.list
                .retain(|entry| mix(entry.shown.key).trailing_zeros() >= halvings);
        }
        self.list.push(entry);
    }
}

impl Sketch {
    pub(super) fn note(&mut self, shown: &Observation, scene: &Scene<'_>, marked: bool) {
        let entries = if marked {
            &mut self.marked
        } else {
            &mut self.others
        };
        entries.note(Entry {
            shown: *shown,
            t: scene.t,
            group: scene.group,
            fate: scene.fate,
        });
    }

    #[cfg(test)]
    pub(super) const fn len(&self) -> usize {
        self.marked
            .list
            .len()
            .saturating_add(self.others.list.len())
    }

    pub(super) fn picture(&self, convicted: &[(u64, u64)], timing: Timing) -> Picture {
        let known: BTreeMap<u64, u64> = convicted.iter().copied().collect();
        let shared = self.shared();
        let entries = || self.marked.list.iter().chain(&self.others.list);
        // Every request stands for one template: the one that a campaign is known by, or else the one that most keys share.
        let labels: Vec<Option<u64>> = entries()
            .map(|entry| label(&entry.shown, &known, &shared))
            .collect();
        let labelled = || {
            let all = entries().zip(&labels);
            all.filter_map(|(entry, label)| Some((entry, (*label)?)))
        };
        let rows = rows(labelled(), &known);
        let columns = columns(labelled(), &rows, &self.marked);
        let mut cells: BTreeMap<[u32; 4], u32> = BTreeMap::new();
        for (entry, label) in labelled() {
            let row = rows.iter().position(|(template, _)| *template == label);
            let (Some(row), Some(column)) = (row, columns.get(&entry.shown.key)) else {
                continue;
            };
            let since = entry.t.saturating_sub(timing.start);
            let frame = since.checked_div(timing.step).unwrap_or(0);
            let number = |it: usize| u32::try_from(it).unwrap_or(u32::MAX);
            let frame = u32::try_from(frame).unwrap_or(u32::MAX);
            let cell = [number(row), number(column.place), frame, entry.fate as u32];
            let count = cells.entry(cell).or_default();
            *count = count.saturating_add(1);
        }
        let mut places: Vec<(&u64, &Place)> = columns.iter().collect();
        places.sort_by_key(|(_, place)| place.place);
        Picture {
            rows: rows
                .into_iter()
                .map(|(template, keys)| Row {
                    template: format!("{template:016x}"),
                    campaign: known.get(&template).map(|id| campaigns::name(*id)),
                    keys,
                })
                .collect(),
            columns: places
                .into_iter()
                .map(|(key, place)| Column {
                    key: format!("{key:016x}"),
                    group: place.group,
                })
                .collect(),
            cells: cells
                .into_iter()
                .flat_map(|([row, column, frame, fate], count)| [row, column, frame, fate, count])
                .collect(),
        }
    }

    /// How many keys of the samples have each feature.
    fn shared(&self) -> BTreeMap<u64, usize> {
        let entries = self.marked.list.iter().chain(&self.others.list);
        let mut pairs: Vec<(u64, u64)> = entries
            .flat_map(|entry| features(&entry.shown).map(|hash| (hash, entry.shown.key)))
            .collect();
        pairs.sort_unstable();
        pairs.dedup();
        let mut shared: BTreeMap<u64, usize> = BTreeMap::new();
        for group in pairs.chunk_by(|(one, _), (other, _)| one == other) {
            if let Some((hash, _)) = group.first()
                && group.len() >= SHARED
            {
                shared.insert(*hash, group.len());
            }
        }
        shared
    }
}

/// The template that a request stands for.
fn label(
    shown: &Observation,
    known: &BTreeMap<u64, u64>,
    shared: &BTreeMap<u64, usize>,
) -> Option<u64> {
    let candidates = features(shown).filter_map(|hash| {
        let keys = shared.get(&hash)?;
        Some((known.contains_key(&hash), *keys, hash))
    });
    // Of equals the first, which is the most specific.
    let better = |best: (bool, usize, u64), next: (bool, usize, u64)| {
        if (next.0, next.1) > (best.0, best.1) {
            next
        } else {
            best
        }
    };
    candidates.reduce(better).map(|(_, _, hash)| hash)
}

/// The templates with most keys, those of campaigns first, each with its number of keys.
fn rows<'a>(
    labelled: impl Iterator<Item = (&'a Entry, u64)>,
    known: &BTreeMap<u64, u64>,
) -> Vec<(u64, usize)> {
    let mut pairs: Vec<(u64, u64)> = labelled
        .map(|(entry, label)| (label, entry.shown.key))
        .collect();
    pairs.sort_unstable();
    pairs.dedup();
    let mut rows: Vec<(u64, usize)> = pairs
        .chunk_by(|(one, _), (other, _)| one == other)
        .filter_map(|group| Some((group.first()?.0, group.len())))
        .filter(|(_, keys)| *keys >= SHARED)
        .collect();
    let rank = |(template, keys): &(u64, usize)| {
        let campaign = known.get(template).copied();
        (campaign.is_none(), campaign, core::cmp::Reverse(*keys))
    };
    rows.sort_by_key(rank);
    // A campaign of many templates leaves room for what others share.
    let own = rows
        .iter()
        .filter(|(template, _)| known.contains_key(template))
        .count();
    let most = ROWS.saturating_mul(3) / 4;
    if own > most {
        rows.drain(most..own);
    }
    rows.truncate(ROWS);
    rows
}

/// Where a key stands.
struct Place {
    place: usize,
    group: usize,
}

/// The keys that sent most of the rows, half of them of those that are known for a campaign's; those of one row together.
fn columns<'a>(
    labelled: impl Iterator<Item = (&'a Entry, u64)>,
    rows: &[(u64, usize)],
    marked: &Entries,
) -> BTreeMap<u64, Place> {
    struct Seen {
        marked: bool,
        group: usize,
        row: usize,
        requests: usize,
    }
    let mut known: Vec<u64> = marked.list.iter().map(|entry| entry.shown.key).collect();
    known.sort_unstable();
    let mut keys: BTreeMap<u64, Seen> = BTreeMap::new();
    for (entry, label) in labelled {
        let Some(row) = rows.iter().position(|(template, _)| *template == label) else {
            continue;
        };
        let seen = keys.entry(entry.shown.key).or_insert_with(|| Seen {
            marked: known.binary_search(&entry.shown.key).is_ok(),
            group: entry.group,
            row,
            requests: 0,
        });
        seen.row = seen.row.min(row);
        seen.group = seen.group.min(entry.group);
        seen.requests = seen.requests.saturating_add(1);
    }
    let (mut own, mut others): (Vec<_>, Vec<_>) =
        keys.into_iter().partition(|(_, seen)| seen.marked);
    for list in [&mut own, &mut others] {
        // By hash, which is by chance.
        list.sort_by_key(|(key, _)| mix(*key));
    }
    let half = COLUMNS / 2;
    let room = COLUMNS.saturating_sub(others.len().min(half));
    own.truncate(room.max(half));
    others.truncate(COLUMNS.saturating_sub(own.len()));
    let mut all: Vec<(u64, Seen)> = own.into_iter().chain(others).collect();
    all.sort_by_key(|(key, seen)| {
        let many = core::cmp::Reverse(seen.requests);
        (!seen.marked, seen.row, seen.group, many, *key)
    });
    let place = |(place, (key, seen)): (usize, (u64, Seen))| {
        let group = seen.group;
        (key, Place { place, group })
    };
    all.into_iter().enumerate().map(place).collect()
}
