//! The cases: campaigns that are suspected or convicted.

use bytemuck::{Pod, Zeroable};

use super::row::Row;
use super::terms::{TERMS, Weight};
use super::{count, count_key};
use crate::distinct::registers::{self, NUMBERS};
use crate::policy::campaigns::Stage;

/// How many cases there is room for.
pub(super) const CASES: usize = 192;

/// A case.
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub(super) struct Entry {
    /// The campaign's name; 0 for a free place.
    pub(super) id: u64,
    /// Requests.
    pub(super) requests: u64,
    /// When its first request came, in seconds.
    pub(super) first: u32,
    /// When its last came.
    pub(super) last: u32,
    /// When it came to this stage.
    pub(super) since: u32,
    /// From when on it is answered so.
    pub(super) from: u32,
    /// The row that leads, where evidence is gathered on.
    pub(super) row: u16,
    /// 1 suspect, 2 convicted.
    stage: u8,
    /// 1 if it is only noted.
    pub(super) held: u8,
    /// Features that are its own.
    pub(super) features: u32,
    /// What its terms came to.
    pub(super) terms: [i16; TERMS],
    /// Distinct keys.
    pub(super) keys: [u32; NUMBERS],
}

impl Entry {
    pub(super) fn new(id: u64, row: u16, first: u32, now: u32) -> Self {
        Self {
            id,
            row,
            first,
            last: now,
            since: now,
            stage: 1,
            ..Self::zeroed()
        }
    }

    pub(super) const fn stage(&self) -> Stage {
        match self.stage {
            2 => Stage::Convicted,
            _ => Stage::Suspect,
        }
    }

    pub(super) const fn set(&mut self, stage: Stage, now: u32) {
        self.stage = match stage {
            Stage::Suspect => 1,
            Stage::Convicted => 2,
        };
        self.since = now;
    }

    /// A key has sent a request of this campaign.
    pub(super) fn see(&mut self, key: u64, now: u32) {
        self.requests = self.requests.saturating_add(1);
        self.last = now;
        count_key(&mut self.keys, key);
    }

    /// Takes in what a row has counted.
    pub(super) fn count(&mut self, row: &Row) {
        self.requests = self.requests.saturating_add(u64::from(row.requests));
        registers::merge(&mut self.keys, &row.keys);
    }

    /// Takes in a case that is a part of this one.
    pub(super) fn absorb(&mut self, part: &Self) {
        self.requests = self.requests.saturating_add(part.requests);
        self.first = self.first.min(part.first);
        self.last = self.last.max(part.last);
        self.features = self.features.saturating_add(part.features);
        registers::merge(&mut self.keys, &part.keys);
    }

    pub(super) fn keys(&self) -> u32 {
        count(&self.keys)
    }

    pub(super) fn note(&mut self, weight: &Weight) {
        self.terms = weight.terms;
    }

    pub(super) fn weight(&self) -> Weight {
        Weight {
            terms: self.terms,
            enough: true,
            people: false,
            sure: true,
        }
    }
}
