//! Features that many keys share, and what is held of each.

use bytemuck::{Pod, Zeroable};

/// Buckets of eight: 8,192 features in 256 KiB.
const BUCKETS: usize = 1_024;

/// Features of a bucket.
const WAYS: usize = 8;

/// As many requests tell to whom a feature belongs.
const RECENT: u32 = 128;

/// What is held of a feature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// It is hot, and no more.
    Hot,
    /// Evidence is gathered about those who have it.
    Tried,
    /// It belongs to honest people too: others of a request's features speak for it.
    Acquitted,
    /// It is a campaign's.
    Convicted,
}

/// A hot feature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub(super) struct Feature {
    /// Its hash; 0 for a free place.
    pub(super) hash: u64,
    /// How many requests had it.
    pub(super) count: u32,
    /// How many of them belonged to `row`, less those that belonged elsewhere while it was in doubt.
    pub(super) inside: u32,
    /// When it was last seen, in seconds.
    pub(super) seen: u32,
    /// Until when it is acquitted, in seconds.
    pub(super) until: u32,
    /// The row, or the campaign once it is convicted, that it goes with.
    pub(super) row: u16,
    /// Its [`State`].
    state: u8,
    /// How specific it is: see [`Kind`].
    pub(super) kind: u8,
    /// How much it says alone once it is convicted: 3 is enough.
    pub(super) weight: u8,
    /// The template with which it was convicted, as the book has it.
    pub(super) template: u8,
    pad: u16,
}

/// Where a feature is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// 96 bytes of the user's text.
    Long,
    /// 48 bytes.
    Middle,
    /// 24 bytes.
    Short,
    /// The least of a bin.
    Bin,
    /// The whole system text.
    System,
    /// 96 bytes of it.
    SystemAnchor,
}

impl Kind {
    /// The kind that a number stands for, as features and rows hold it.
    pub(super) const fn of(number: u8) -> Self {
        match number {
            0 => Self::Long,
            1 => Self::Middle,
            2 => Self::Short,
            3 => Self::Bin,
            4 => Self::System,
            _ => Self::SystemAnchor,
        }
    }

    /// The rank of bins of which a request has several that are hot.
    pub(super) const MANY: u8 = 2;

    /// How specific it is, the most specific first. What the user's text says goes before what the system text says, unless it is
    /// a few words, which any question may begin or end with.
    pub(super) const fn rank(self) -> u8 {
        match self {
            Self::Long => 0,
            Self::Middle => 1,
            Self::System => 3,
            Self::SystemAnchor => 4,
            Self::Short => 5,
            Self::Bin => 6,
        }
    }

    /// Whether what is known of this speaks for a part of another kind that comes with it: only for one that is as specific, since
    /// a campaign may hide among honest people who have what is less so. A system text may end with a campaign's template behind
    /// what all users of an agent have, so that an anchor of it speaks for the whole text and for no other anchor.
    pub(super) const fn speaks_for(self, part: Self) -> bool {
        match (self.is_of_system(), part.is_of_system()) {
            (false, true) => false,
            (true, true) => part.rank() < self.rank(),
            (_, false) => part.rank() <= self.rank(),
        }
    }

    /// Whether it is of the system text.
    pub(super) const fn is_of_system(self) -> bool {
        matches!(self, Self::System | Self::SystemAnchor)
    }

    /// Whether it is an anchor of the user's text.
    pub(super) const fn is_anchor(self) -> bool {
        matches!(self, Self::Long | Self::Middle | Self::Short)
    }

    /// How much a convicted feature says alone. An anchor of 24 bytes may be how any question begins, whatever is known of those
    /// who ask it; and what is in a bin a part of what is asked, unless it is the very feature that the evidence is about.
    pub(super) const fn weight(self, own: bool) -> u8 {
        match (self, own) {
            (Self::Bin, false) => 1,
            (Self::Short, _) => 2,
            _ => 3,
        }
    }
}

impl Feature {
    pub(super) const fn kind(&self) -> Kind {
        Kind::of(self.kind)
    }

    pub(super) const fn state(&self) -> State {
        match self.state {
            0 => State::Hot,
            1 => State::Tried,
            2 => State::Acquitted,
            _ => State::Convicted,
        }
    }

    /// Lets what was long ago count less.
    pub(super) const fn age(&mut self, settled: bool) {
        if settled && self.count >= RECENT {
            self.count /= 2;
            self.inside /= 2;
        }
    }

    /// Whether hardly any requests had it that belong elsewhere.
    pub(super) fn is_pure(&self) -> bool {
        u64::from(self.inside).saturating_mul(100) >= u64::from(self.count).saturating_mul(85)
    }

    pub(super) fn set(&mut self, state: State) {
        self.state = match state {
            State::Hot => 0,
            State::Tried => 1,
            State::Acquitted => 2,
            State::Convicted => 3,
        };
    }

    /// How much its loss would be felt.
    fn worth(&self) -> (u8, u32) {
        let kept = match self.state() {
            State::Hot => 0,
            State::Tried | State::Acquitted => 1,
            State::Convicted => 2,
        };
        (kept, self.seen)
    }
}

/// The table.
#[derive(Debug)]
pub(super) struct Features {
    pub(super) buckets: Vec<[Feature; WAYS]>,
}

impl Features {
    pub(super) fn new() -> Self {
        Self {
            buckets: vec![[Feature::zeroed(); WAYS]; BUCKETS],
        }
    }

    pub(super) fn get(&mut self, hash: u64) -> Option<&mut Feature> {
        let bucket = self.buckets.get_mut(place(hash))?;
        bucket.iter_mut().find(|feature| feature.hash == hash)
    }

    /// A feature has become hot; one that is missed less makes room, if there is any.
    pub(super) fn add(&mut self, hash: u64, kind: Kind, now: u32) {
        let Some(bucket) = self.buckets.get_mut(place(hash)) else {
            return;
        };
        let free = bucket.iter_mut().min_by_key(|feature| match feature.hash {
            0 => (0, 0),
            _ => {
                let (kept, seen) = feature.worth();
                (kept.saturating_add(1), seen)
            }
        });
        if let Some(free) = free.filter(|free| free.hash == 0 || free.state() != State::Convicted) {
            *free = Feature {
                hash,
                seen: now,
                row: u16::MAX,
                kind: kind as u8,
                ..Feature::zeroed()
            };
        }
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Feature> {
        let all = self.buckets.iter_mut().flatten();
        all.filter(|feature| feature.hash != 0)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Feature> {
        let all = self.buckets.iter().flatten();
        all.filter(|feature| feature.hash != 0)
    }
}

const fn place(hash: u64) -> usize {
    (hash >> 20) as usize & (BUCKETS - 1)
}
