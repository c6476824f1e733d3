//! Cases as they come and go: a row is charged, joins another, and is let go; features are a case's, or nobody's again.

use core::hash::Hasher as _;

use super::activity::DAY;
use super::docket::Entry;
use super::features::State;
use super::row::Row;
use super::terms::Weight;
use super::{CASE, Judge};
use crate::policy::campaigns::Stage;
use crate::traits::mix;

use bytemuck::Zeroable as _;

/// The lead of a case is weighed afresh after so long.
const FRESH: u32 = 2 * 86_400;

impl Judge {
    /// Makes a row, or the case that it leads, a part of another case.
    pub(super) fn give(&mut self, place: usize, row: &Row, case: u16) {
        if row.campaign == u16::MAX {
            self.join(place, row, case);
        } else {
            self.merge(row.campaign, case);
            self.release(place, State::Hot, 0);
        }
    }

    /// Makes a row a part of a case.
    fn join(&mut self, place: usize, row: &Row, case: u16) {
        self.convict_features(place, row, case);
        if let Some(entry) = self.cases.get_mut(usize::from(case)) {
            entry.count(row);
        }
        self.release(place, State::Hot, 0);
    }

    /// Makes a case a part of another: their keys are the same.
    fn merge(&mut self, from: u16, to: u16) {
        let Some(part) = self.cases.get(usize::from(from)).copied() else {
            return;
        };
        if let Some(whole) = self.cases.get_mut(usize::from(to)) {
            whole.absorb(&part);
        }
        for feature in self.features.iter_mut() {
            if feature.row == CASE | from {
                feature.row = CASE | to;
            }
        }
        self.ring.rename(from, to);
        if let Some(entry) = self.cases.get_mut(usize::from(from)) {
            *entry = Entry::zeroed();
        }
    }

    /// Brings a row's campaign to a stage.
    pub(super) fn charge(
        &mut self,
        place: usize,
        row: &Row,
        weight: &Weight,
        stage: Stage,
        now: u32,
    ) -> bool {
        let news = row.campaign == u16::MAX;
        let id = self.id_of(row.feature);
        let Ok(lead) = u16::try_from(place) else {
            return false;
        };
        let Some(case) = self.case_for(id, lead, row.first, now) else {
            return false;
        };
        if news {
            if let Some(row) = self.rows.get_mut(place) {
                row.campaign = case;
            }
            self.convict_features(place, row, case);
        }
        let jitter = self.jitter(id);
        let Some(entry) = self.cases.get_mut(usize::from(case)) else {
            return false;
        };
        if stage >= entry.stage() && (news || entry.stage() == Stage::Suspect) {
            entry.note(weight);
        }
        if news {
            entry.count(row);
        }
        // Whoever is convicted stays so until the case is closed.
        let more = stage > entry.stage() || news;
        if more {
            entry.set(stage.max(entry.stage()), now);
            entry.from = now.saturating_add(jitter);
        }
        more
    }

    /// The case of this campaign, or a new one.
    pub(super) fn case_for(&mut self, id: u64, row: u16, first: u32, now: u32) -> Option<u16> {
        let known = self.cases.iter().position(|case| case.id == id);
        let place = known.or_else(|| self.cases.iter().position(|case| case.id == 0))?;
        if known.is_none()
            && let Some(case) = self.cases.get_mut(place)
        {
            *case = Entry::new(id, row, first, now);
        }
        u16::try_from(place).ok()
    }

    /// A name that says nothing to whoever has not the secret.
    fn id_of(&self, feature: u64) -> u64 {
        self.hash(7, feature).max(1)
    }

    /// For how many seconds a conviction waits: always as long for this campaign.
    fn jitter(&self, id: u64) -> u32 {
        let most = (self.rules.jitter / 1_000).saturating_add(1);
        u32::try_from(self.hash(8, id).checked_rem(most).unwrap_or(0)).unwrap_or(u32::MAX)
    }

    /// A hash that nobody can foresee, for a purpose.
    fn hash(&self, purpose: u64, value: u64) -> u64 {
        let mut hasher = self.secret.hasher();
        hasher.write_u64(purpose);
        hasher.write_u64(value);
        hasher.finish()
    }

    /// Holds campaigns back that are to be acted on more of a day's keys than the policy allows, in their first day, and lets them
    /// go once that is no longer so.
    pub(super) fn keep_cap(&mut self, now: u32) -> bool {
        let (most, mut changed) = (self.activity.most(self.rules.cap), false);
        let convicted = |case: &&mut Entry| case.id != 0 && case.stage() == Stage::Convicted;
        for case in self.cases.iter_mut().filter(convicted) {
            let young = now.saturating_sub(case.since) < DAY;
            if case.held == 0 && !young {
                continue;
            }
            let was = case.held != 0;
            let news = was || case.since == now;
            let held = self.activity.acted_with(&case.keys, news) > most;
            case.held = u8::from(held);
            changed |= held != was;
            if news && !held {
                self.activity.act_on(&case.keys);
            }
        }
        changed
    }

    /// Has the features that go with a row known as a case's: those that most requests of the row have, and hardly any others.
    fn convict_features(&mut self, place: usize, row: &Row, case: u16) {
        let mut features = 0_u32;
        let least = row.requests / 5;
        for feature in self.features.iter_mut() {
            let own = feature.hash == row.feature;
            let mine = usize::from(feature.row) == place && feature.state() == State::Hot;
            if (own || mine) && feature.is_pure() && (own || feature.inside >= least.max(16)) {
                feature.set(State::Convicted);
                feature.row = CASE | case;
                feature.weight = feature.kind().weight(own);
                feature.template = mix(row.feature) as u8;
                features = features.saturating_add(1);
            }
        }
        if let Some(case) = self.cases.get_mut(usize::from(case)) {
            case.features = case.features.saturating_add(features);
        }
    }

    /// Whether a feature is hardly anybody else's.
    pub(super) fn is_pure(&mut self, feature: u64) -> bool {
        self.features
            .get(feature)
            .is_some_and(|feature| feature.is_pure())
    }

    /// Frees a row; its feature goes on as `state`, unless it is a case's.
    pub(super) fn release(&mut self, place: usize, state: State, until: u32) {
        let Some(row) = self.rows.get_mut(place) else {
            return;
        };
        let Row {
            feature: hash,
            requests,
            ..
        } = core::mem::replace(row, Row::zeroed());
        if let Some(feature) = self.features.get(hash)
            && feature.state() != State::Convicted
        {
            feature.set(state);
            feature.until = until;
            feature.row = u16::MAX;
            feature.inside = 0;
        }
        for feature in self.features.iter_mut() {
            if usize::from(feature.row) == place {
                // Other parts of the same text are acquitted with it.
                if state == State::Acquitted && feature.inside >= requests / 3 {
                    feature.set(State::Acquitted);
                    feature.until = until;
                }
                feature.row = u16::MAX;
                feature.inside = 0;
            }
        }
    }

    /// Closes a case: its features are nobody's any more.
    pub(super) fn close(&mut self, case: u16) -> bool {
        let Some(entry) = self.cases.get_mut(usize::from(case)) else {
            return false;
        };
        *entry = Entry::zeroed();
        for feature in self.features.iter_mut() {
            if feature.state() == State::Convicted && feature.row == CASE | case {
                feature.set(State::Hot);
                feature.row = u16::MAX;
                feature.inside = 0;
            }
        }
        true
    }

    /// Forgets cases that nobody has carried on for a window; what is quiet for a quarter of it is a suspect again.
    pub(super) fn decay(&mut self, now: u32) -> bool {
        let window = u32::try_from(self.rules.window / 1_000).unwrap_or(u32::MAX);
        let mut changed = false;
        for place in 0..self.cases.len() {
            let Some(case) = self.cases.get_mut(place).filter(|case| case.id != 0) else {
                continue;
            };
            let idle = now.saturating_sub(case.last);
            let lead = usize::from(case.row);
            if idle > window {
                self.release(lead, State::Hot, 0);
                changed |= self.close(u16::try_from(place).unwrap_or(u16::MAX));
            } else if idle > window / 4 && case.stage() == Stage::Convicted {
                case.set(Stage::Suspect, now);
                changed = true;
            } else if let Some(row) = self.rows.get_mut(lead)
                && now.saturating_sub(row.first) > FRESH
                && row.requests > self.rules.convict.requests.saturating_mul(4)
            {
                let (feature, kind, campaign) = (row.feature, row.kind, row.campaign);
                *row = Row::new(feature, kind, now);
                row.campaign = campaign;
            }
        }
        changed
    }
}
