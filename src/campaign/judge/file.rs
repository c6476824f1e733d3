//! Where a request's evidence goes: to the case whose features it has, or to the row of its most specific hot feature.

use smallvec::SmallVec;

use super::features::{Kind, State};
use super::keyring;
use super::rests::Seen;
use super::row::Row;
use super::{CASE, Judge};
use crate::campaign::Observation;
use crate::campaign::book::{ENOUGH, of_bin};
use crate::policy::campaigns::Stage;

/// The features of a request: of the user's text the most specific first, then of the system text.
pub(super) fn features(seen: &Observation) -> impl Iterator<Item = (u64, Kind)> {
    let [first24, first48, first96, last24, last48, last96] = seen.anchors;
    let [first, last] = seen.system_anchors;
    let anchors = [
        (first96, Kind::Long),
        (last96, Kind::Long),
        (first48, Kind::Middle),
        (last48, Kind::Middle),
        (first24, Kind::Short),
        (last24, Kind::Short),
    ];
    let system = [
        (seen.system, Kind::System),
        (last, Kind::SystemAnchor),
        (first, Kind::SystemAnchor),
    ];
    let bins = seen.bins.into_iter().enumerate();
    let bins = bins.map(|(bin, least)| (of_bin(bin, least), Kind::Bin));
    let all = anchors.into_iter().chain(bins).chain(system);
    all.filter(|(hash, _)| *hash != 0)
}

/// Bins that are followed before anything else is known of a request: what they would add is not worth the room.
const FOLLOWED: usize = 4;

/// A hot feature that a request may be filed under.
struct Choice {
    hash: u64,
    kind: Kind,
    /// Its row, if it has one.
    row: Option<u16>,
    /// Requests of that row, where that decides.
    tried: Option<u32>,
    /// How often it was seen lately.
    count: u32,
}

impl Choice {
    /// The most specific goes first, and of several the commonest. What stands amidst a text leaves many features: of those one
    /// that has a row goes first, and the one with most evidence, so that it is gathered under as few as can be. What is added to
    /// a system text that many have is added behind it: there the end goes first.
    fn goes_before(&self, other: &Self) -> bool {
        let key = |choice: &Self| (choice.tried, choice.count);
        let same = self.kind == other.kind && self.kind != Kind::SystemAnchor;
        self.kind.rank() < other.kind.rank() || same && key(self) > key(other)
    }
}

impl Judge {
    /// Takes in one request.
    pub(super) fn take(&mut self, seen: &Observation) {
        self.activity.see(seen);
        if let Some(case) = self.case_begun(seen) {
            self.goes_on(case, seen.key, seen.at);
            return;
        }
        let rest = self.rests.see(seen.whole, seen.key);
        if rest != Seen::ByItself {
            self.ring.meet(seen.key);
        }
        let (filed, speaks) = match self.case_of(seen) {
            Some((case, feature, kind)) => {
                self.file_with_case(seen, rest, case, feature);
                let case = CASE | case;
                (Some(case), self.is_convicted(case & !CASE).then_some(kind))
            }
            None => {
                let row = self.file_with_row(seen, rest);
                let place = row.and_then(|row| self.rows.get(usize::from(row)));
                (row, place.filter(|row| row.leans != 0).map(Row::kind))
            }
        };
        self.follow(seen, filed, speaks);
    }

    /// The case whose conversation a request goes on with. What is asked further on is the conversation's, and no evidence of
    /// anything.
    fn case_begun(&mut self, seen: &Observation) -> Option<u16> {
        if seen.opening == 0 {
            return None;
        }
        let feature = self.features.get(seen.opening)?;
        (feature.state() == State::Convicted).then_some(feature.row & !CASE)
    }

    /// The case that a request belongs to, by one anchor or system text, or by three features of a sample; the most specific of
    /// these features, and the kind of the least.
    fn case_of(&mut self, seen: &Observation) -> Option<(u16, u64, Kind)> {
        let mut best: Option<(u16, u64, Kind)> = None;
        let mut parts = SmallVec::<[(u8, u8); 8]>::new();
        for (hash, kind) in features(seen) {
            let feature = self.features.get(hash);
            let Some(feature) = feature.filter(|feature| feature.state() == State::Convicted)
            else {
                continue;
            };
            let case = feature.row & !CASE;
            let (first, _, least) = best.get_or_insert((case, hash, kind));
            if case != *first {
                continue;
            }
            if kind.rank() > least.rank() {
                *least = kind;
            }
            match parts
                .iter_mut()
                .find(|(template, _)| *template == feature.template)
            {
                Some((_, weight)) => *weight = weight.saturating_add(feature.weight),
                None => parts.push((feature.template, feature.weight)),
            }
        }
        best.filter(|_| parts.iter().any(|(_, weight)| *weight >= ENOUGH))
    }

    /// Notes that a case goes on, and who is held for it.
    fn goes_on(&mut self, place: u16, key: u64, now: u32) {
        let Some(case) = self.cases.get_mut(usize::from(place)) else {
            return;
        };
        case.see(key, now);
        if case.held == 0 && case.stage() == Stage::Convicted {
            self.activity.act(key);
        }
    }

    fn file_with_case(&mut self, seen: &Observation, rest: Seen, place: u16, template: u64) {
        let now = seen.at;
        self.goes_on(place, seen.key, now);
        let Some(case) = self.cases.get(usize::from(place)) else {
            return;
        };
        let lead = usize::from(case.row);
        let known = match case.stage() {
            Stage::Convicted => place,
            Stage::Suspect => keyring::NONE,
        };
        // Where tools run the same is asked on and on, which says nothing of how a key comes back.
        if rest != Seen::ByItself {
            self.ring.see(seen.key, template, seen.network, known, now);
        }
        if let Some(row) = self.rows.get_mut(lead)
            && features(seen).any(|(hash, _)| hash == row.feature)
        {
            row.see(seen, rest);
            row.note_watched(self.ring.is_watched(seen.key));
        }
    }

    /// Files a request under its most specific feature that is hot and not acquitted.
    fn file_with_row(&mut self, seen: &Observation, rest: Seen) -> Option<u16> {
        let Choice {
            hash, kind, row, ..
        } = self.choose(seen)?;
        let row = match row {
            Some(row) => row,
            None => self.open(hash, kind, seen.at)?,
        };
        let place = self.rows.get_mut(usize::from(row))?;
        place.see(seen, rest);
        place.note_watched(self.ring.is_watched(seen.key));
        // A stock phrase, or a text that is passed around, is no work that somebody was given.
        if kind != Kind::Short && kind != Kind::Bin && rest != Seen::ByItself && place.is_unique() {
            self.ring
                .see(seen.key, hash, seen.network, keyring::NONE, seen.at);
        }
        Some(row)
    }

    /// What a request is filed under.
    fn choose(&mut self, seen: &Observation) -> Option<Choice> {
        // Of bins apart, since one that is hot may be anything.
        let (mut other, mut of_bins): (Option<Choice>, Option<Choice>) = (None, None);
        let mut bins = 0_u32;
        for (hash, kind) in features(seen) {
            let Some(feature) = self.features.get(hash) else {
                continue;
            };
            if feature.state() == State::Acquitted && feature.until <= seen.at {
                feature.set(State::Hot);
            }
            let row = match feature.state() {
                State::Acquitted | State::Convicted => continue,
                State::Tried => Some(feature.row),
                State::Hot => None,
            };
            let count = feature.count;
            let (best, tried) = if kind == Kind::Bin {
                bins = bins.saturating_add(1);
                let tried = row.and_then(|row| self.rows.get(usize::from(row)));
                (&mut of_bins, tried.map(|row| row.requests))
            } else {
                (&mut other, None)
            };
            let choice = Choice {
                hash,
                kind,
                row,
                tried,
                count,
            };
            if best.as_ref().is_none_or(|best| choice.goes_before(best)) {
                *best = Some(choice);
            }
        }
        // Many of them say more than a few words at the beginning or at the end, or than what stands around all; and so does one of
        // which all that is known speaks for a campaign.
        let leading = of_bins.as_ref().and_then(|choice| choice.row);
        let leading = leading.and_then(|row| self.rows.get(usize::from(row)));
        let leans = leading.is_some_and(|row| row.leans != 0);
        let rank = if bins >= 3 || leans {
            Kind::MANY
        } else {
            Kind::Bin.rank()
        };
        let first = |other: &Choice| rank < other.kind.rank();
        if (bins >= 2 || leans) && other.as_ref().is_none_or(first) {
            return of_bins;
        }
        other
    }

    /// Opens a row for a feature, if there is one free.
    fn open(&mut self, hash: u64, kind: Kind, now: u32) -> Option<u16> {
        let place = self.rows.iter().position(|row| row.feature == 0)?;
        let free = self.rows.get_mut(place)?;
        let place = u16::try_from(place).ok()?;
        *free = Row::new(hash, kind as u8, now);
        let feature = self.features.get(hash)?;
        feature.set(State::Tried);
        feature.row = place;
        feature.inside = 0;
        feature.count = 0;
        Some(place)
    }

    /// Counts a request for all its features, and sees which go together: those that are hot with what it was filed under, and
    /// of the others those that become hot.
    ///
    /// Parts of one template may be filed apart. Neither whose key is known for a campaign is held against a part, nor what went to
    /// another that speaks for a campaign by itself, `speaks`.
    fn follow(&mut self, seen: &Observation, filed: Option<u16>, speaks: Option<Kind>) {
        let (mut bins, mut wrapped) = (0_usize, false);
        let watched = self.ring.is_watched(seen.key);
        for (hash, kind) in features(seen) {
            if let Some(feature) = self.features.get(hash) {
                // What stands inside honest people's wrapping has no anchors of its own.
                wrapped |= feature.state() == State::Acquitted && kind.is_anchor();
                feature.count = feature.count.saturating_add(1);
                feature.seen = seen.at;
                if feature.state() == State::Acquitted {
                    continue;
                }
                let alike = watched && !kind.is_of_system()
                    || speaks.is_some_and(|other| other.speaks_for(kind));
                let settled = matches!(feature.state(), State::Tried | State::Convicted);
                feature.age(settled);
                if filed == Some(feature.row) || settled && alike {
                    feature.inside = feature.inside.saturating_add(1);
                } else if settled || feature.inside > 0 {
                    feature.inside = feature.inside.saturating_sub(1);
                } else if let Some(filed) = filed {
                    feature.row = filed;
                    feature.inside = 1;
                }
                continue;
            }
            if kind == Kind::Bin {
                bins = bins.saturating_add(1);
                if filed.is_none() && !wrapped && bins > FOLLOWED {
                    continue;
                }
            }
            let excused = self.excused.binary_search(&hash).is_ok();
            if !excused && self.candidates.see(hash, seen.key, seen.at) {
                self.features.add(hash, kind, seen.at);
            }
        }
    }
}
