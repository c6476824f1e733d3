//! What a judge knows, as pieces of bytes, so that another goes on where it has stopped.
//!
//! Pieces may be of different ages, and anything may stand in them: every place in a table is looked up with care wherever
//! it is used, and what does not fit together is let go when a judge resumes.

use super::docket::Entry;
use super::features::{Feature, Kind, State};
use super::row::Row;
use super::{CASE, Judge, excused};
use crate::campaign::Book;
use crate::campaign::book::Entry as Known;
use crate::policy::campaigns::Campaigns;

use bytemuck::{Zeroable as _, cast_slice, cast_slice_mut};
use core::slice;

/// How long a piece is, without its head.
const PIECE: usize = 65_536;

/// How a piece begins: which version this is; then its place, and how long all tables are.
const MARK: [u8; 4] = *b"sgj3";

/// How many templates of a campaign are named.
const NAMED: usize = 32;

impl Judge {
    /// Everything, what has been found first.
    fn parts(&self) -> [&[u8]; 7] {
        [
            cast_slice(&self.cases),
            cast_slice(&self.features.buckets),
            cast_slice(slice::from_ref(&self.activity)),
            cast_slice(&self.rows),
            cast_slice(&self.ring.buckets),
            cast_slice(&self.rests.places),
            cast_slice(&self.candidates.cells),
        ]
    }

    /// How many bytes all that takes.
    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        self.parts().iter().map(|part| part.len()).sum()
    }

    fn parts_mut(&mut self) -> [&mut [u8]; 7] {
        [
            cast_slice_mut(&mut self.cases),
            cast_slice_mut(&mut self.features.buckets),
            cast_slice_mut(slice::from_mut(&mut self.activity)),
            cast_slice_mut(&mut self.rows),
            cast_slice_mut(&mut self.ring.buckets),
            cast_slice_mut(&mut self.rests.places),
            cast_slice_mut(&mut self.candidates.cells),
        ]
    }

    /// How many bytes all parts have, or the first `parts` of them.
    fn size(&self, parts: usize) -> usize {
        let parts = self.parts().into_iter().take(parts);
        parts.map(<[u8]>::len).fold(0, usize::saturating_add)
    }

    /// How many pieces there are.
    #[must_use]
    pub fn pieces(&self) -> usize {
        self.size(usize::MAX).div_ceil(PIECE)
    }

    /// How many of them, from the first on, say what has been found: those that must not be lost.
    #[must_use]
    pub fn vital(&self) -> usize {
        self.size(2).div_ceil(PIECE)
    }

    /// How a piece at this place begins.
    fn head(&self, place: usize) -> [u8; 12] {
        let number = |number: usize| u32::try_from(number).unwrap_or(u32::MAX).to_le_bytes();
        let mut head = [0; 12];
        let bytes = [MARK, number(place), number(self.size(usize::MAX))];
        for (place, byte) in head.iter_mut().zip(bytes.into_iter().flatten()) {
            *place = byte;
        }
        head
    }

    /// The piece at this place.
    #[must_use]
    pub fn piece(&self, place: usize) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(PIECE.saturating_add(12));
        bytes.extend_from_slice(&self.head(place));
        let (mut skip, mut left) = (place.saturating_mul(PIECE), PIECE);
        for part in self.parts() {
            let (_, rest) = part.split_at(skip.min(part.len()));
            skip = skip.saturating_sub(part.len());
            let taken = rest.get(..left).unwrap_or(rest);
            left = left.saturating_sub(taken.len());
            bytes.extend_from_slice(taken);
        }
        bytes
    }

    /// Takes over a piece of another judge's; `false` if it is none, or of other tables. After the last one
    /// [`resume`](Self::resume) is to be called.
    pub fn take_over(&mut self, place: usize, piece: &[u8]) -> bool {
        let Some(mut bytes) = piece.strip_prefix(&self.head(place)) else {
            return false;
        };
        let mut skip = place.saturating_mul(PIECE);
        for part in self.parts_mut() {
            let length = part.len();
            let (_, rest) = part.split_at_mut(skip.min(length));
            skip = skip.saturating_sub(length);
            let (these, others) = bytes.split_at(bytes.len().min(rest.len()));
            if let Some(rest) = rest.get_mut(..these.len()) {
                rest.copy_from_slice(these);
            }
            bytes = others;
        }
        true
    }

    /// Goes on with what was taken over, and with the book that nodes have: what stands there and is not known any more is
    /// found all the same. Answers whether nodes have to know of it.
    pub fn resume(&mut self, before: &Book, now: u32) -> bool {
        self.adopt(before, now);
        self.mend();
        let found = self.cases.iter().any(|case| case.id != 0);
        // Nodes take a book for new by its version.
        self.book = Book::new(before.version(), Vec::new(), &[]);
        let changed = found || !before.campaigns().is_empty();
        if changed {
            self.publish();
        }
        changed
    }

    /// Lets go of what does not fit together.
    fn mend(&mut self) {
        for (place, row) in self.rows.iter_mut().enumerate() {
            let Some(feature) = self.features.get(row.feature) else {
                *row = Row::zeroed();
                continue;
            };
            let place = u16::try_from(place).unwrap_or(u16::MAX);
            let case = self.cases.get(usize::from(feature.row & !CASE));
            let leads = case.is_some_and(|case| case.id != 0 && case.row == place);
            match feature.state() {
                State::Tried if feature.row == place => row.campaign = u16::MAX,
                State::Convicted if leads => row.campaign = feature.row & !CASE,
                _ => *row = Row::zeroed(),
            }
        }
        for feature in self.features.iter_mut() {
            let row = usize::from(feature.row & !CASE);
            let fits = match feature.state() {
                State::Hot | State::Acquitted => true,
                State::Tried => {
                    let row = self.rows.get(row);
                    row.is_some_and(|row| row.feature == feature.hash)
                }
                State::Convicted => self.cases.get(row).is_some_and(|case| case.id != 0),
            };
            if !fits {
                feature.set(State::Hot);
                (feature.row, feature.inside) = (u16::MAX, 0);
            }
        }
    }

    /// Takes over what a book has and the tables have not.
    fn adopt(&mut self, before: &Book, now: u32) {
        for (number, campaign) in before.campaigns().iter().enumerate() {
            let news = !self.cases.iter().any(|case| case.id == campaign.id);
            let Some(place) = self.case_for(campaign.id, u16::MAX, now, now) else {
                return;
            };
            let of_this = |entry: &&Known| usize::from(entry.campaign) == number;
            let mut features = 0_u32;
            for entry in before.entries().filter(of_this) {
                let kind = match entry.weight {
                    1 => Kind::Bin,
                    2 => Kind::Short,
                    _ => Kind::Long,
                };
                if self.features.get(entry.feature).is_none() {
                    self.features.add(entry.feature, kind, now);
                }
                if let Some(feature) = self.features.get(entry.feature) {
                    if feature.state() != State::Convicted {
                        feature.set(State::Convicted);
                        feature.row = CASE | place;
                        (feature.weight, feature.template) = (entry.weight, entry.template);
                    }
                    features = features.saturating_add(1);
                }
            }
            if let Some(case) = self.cases.get_mut(usize::from(place)).filter(|_| news) {
                case.set(campaign.stage, now);
                case.from = u32::try_from(campaign.from / 1_000).unwrap_or(u32::MAX);
                (case.held, case.features) = (u8::from(campaign.held_back), features);
            }
        }
    }

    /// Goes on by other rules: what they excuse is nobody's any more. Answers whether nodes have to know of it.
    pub fn set_rules(&mut self, rules: Campaigns) -> bool {
        self.excused = excused(&rules, self.secret);
        self.rules = rules;
        let mut changed = false;
        for place in 0..self.excused.len() {
            let hash = self.excused.get(place).copied().unwrap_or_default();
            let Some(feature) = self.features.get(hash) else {
                continue;
            };
            let Feature { row, .. } = *feature;
            let state = feature.state();
            *feature = Feature::zeroed();
            let leads = |row: &Row| row.feature == hash;
            if let Some(lead) = self.rows.iter().position(leads) {
                self.release(lead, State::Hot, 0);
            }
            if state == State::Convicted {
                changed = true;
                let others = self.features.iter();
                let left =
                    others.filter(|other| other.state() == State::Convicted && other.row == row);
                let left = u32::try_from(left.count()).unwrap_or(u32::MAX);
                match self.cases.get_mut(usize::from(row & !CASE)) {
                    Some(case) if left > 0 => case.features = left,
                    Some(case) => *case = Entry::zeroed(),
                    None => {}
                }
            }
        }
        if changed {
            self.publish();
        }
        changed
    }

    /// The templates by which a campaign is known, those that say most first, at most 32: what an operator may excuse.
    #[must_use]
    pub fn templates(&self, campaign: u64) -> Vec<u64> {
        let case = self.cases.iter().position(|case| case.id == campaign);
        let Some(case) = case.and_then(|case| u16::try_from(case).ok()) else {
            return Vec::new();
        };
        let mut named = Vec::new();
        for kind in 0..=Kind::SystemAnchor as u8 {
            for feature in self.features.iter() {
                let own = feature.state() == State::Convicted && feature.row == CASE | case;
                if own && feature.kind == kind && named.len() < NAMED {
                    named.push(feature.hash);
                }
            }
        }
        named
    }
}

#[cfg(test)]
mod tests;
