//! What follows from the evidence: who is suspected, convicted, acquitted and forgotten.

use core::hash::Hasher as _;

use super::docket::Entry;
use super::features::State;
use super::keyring::NONE;
use super::row::Row;
use super::terms::{Family, Weight, weigh, young};
use super::{CASE, Judge};

use crate::policy::campaigns::Stage;

use bytemuck::Zeroable as _;

/// How much of the score that convicts makes a suspect, in tenths.
const SUSPECT: i32 = 7;

/// The share of a row's keys, in hundredths, that makes it a part of their campaign.
const NEARLY_ALL: u32 = 85;

/// The share that makes two campaigns one.
const MOST: u32 = 40;

/// Counter-evidence that needs no other to acquit.
const CLEAR: i32 = -50;

/// Before so many seconds chance may have made a work queue look uneven.
const SETTLED: u32 = 12 * 3_600;

/// After so many seconds a row that came to nothing is given up.
const PATIENCE: u32 = 36 * 3_600;

/// A row that nobody has been seen with for so long makes room for others.
const IDLE: u32 = 6 * 3_600;

/// For so long an acquitted feature is not tried again.
const ACQUITTED: u32 = 86_400;

/// The lead of a case is weighed afresh after so long.
const FRESH: u32 = 2 * 86_400;

/// The longest that a conviction waits until it is acted on, so that nobody can tell which request brought it about.
const JITTER: u64 = 300;

/// What becomes of a row.
enum Sentence {
    /// Nothing yet.
    Wait,
    /// The row is given up; its feature may be tried again.
    Drop,
    /// The feature is honest people's.
    Acquit,
    /// Much speaks against it.
    Suspect,
    /// It is a campaign.
    Convict,
    /// It would be one, if it were larger: others of its kind may be parts of the same.
    Ripe,
    /// It belongs to this case.
    Join(u16),
}

impl Judge {
    /// Weighs every row of which enough is new; answers whether nodes have to know of it.
    pub(super) fn judge(&mut self, now: u32) -> bool {
        let mut changed = self.decay(now) | self.let_go();
        let free = self.rows.iter().filter(|row| row.feature == 0).count();
        self.scarce = free < self.rows.len() / 8;
        let young = young(&self.population);
        for place in 0..self.rows.len() {
            let Some(row) = self.rows.get_mut(place) else {
                continue;
            };
            if row.feature == 0 || !is_due(row, place, now) {
                continue;
            }
            row.judged = row.requests;
            let row = *row;
            let weight = weigh(&row, &self.ring, young);
            let sentence = self.sentence(&row, &weight, now);
            if let Some(row) = self.rows.get_mut(place) {
                row.ripe = u8::from(matches!(sentence, Sentence::Ripe));
            }
            changed |= self.carry_out(place, &row, &weight, sentence, now);
        }
        changed | self.judge_ripe(now)
    }

    fn sentence(&mut self, row: &Row, weight: &Weight, now: u32) -> Sentence {
        let convict = self.rules.convict;
        let points = i32::try_from(convict.score)
            .unwrap_or(i32::MAX)
            .saturating_mul(10);
        let (score, keys) = (weight.score(), row.keys());
        let coordinated = weight.of(Family::Coordination) >= 10;
        // Two that are convicted are one, if most of their keys are the same.
        if self.is_convicted(row.campaign)
            && let Some(case) = self.joined(row, MOST)
        {
            return Sentence::Join(case);
        }
        if keys >= 12
            && row.requests >= 16
            && weight.is_unique()
            && row.watched >= row.requests / 4
            && self.is_pure(row.feature)
            && weight.of(Family::Counter) > -30
            && let Some(case) = self.joined(row, NEARLY_ALL)
        {
            return Sentence::Join(case);
        }
        // What is honest people's as well cannot be held against anybody.
        let pure = row.campaign != u16::MAX || self.is_pure(row.feature);
        if keys >= convict.keys && row.requests >= convict.requests {
            if pure
                && weight.enough
                && !weight.people
                && coordinated
                && score >= points
                && weight.families() >= convict.families
            {
                return Sentence::Convict;
            }
            // Whoever is suspected is so only while much speaks for it.
            let charged = self.cases.get(usize::from(row.campaign));
            let suspect = charged.is_some_and(|case| case.stage() == Stage::Suspect);
            let low = if suspect {
                SUSPECT.saturating_sub(1)
            } else {
                4
            };
            // Before it is known how keys come, only much that speaks for them acquits.
            let long = now.saturating_sub(row.first) > SETTLED;
            let clear = weight.sure && long || weight.of(Family::Counter) <= CLEAR;
            if weight.enough && clear && score < points.saturating_mul(low) / 10 {
                return Sentence::Acquit;
            }
        } else if !self.is_convicted(row.campaign)
            && keys >= 10
            && row.requests >= 16
            && weight.is_broad()
            && pure
            && !weight.people
            && score >= points
            && weight.families() >= convict.families
        {
            return Sentence::Ripe;
        }
        if keys >= convict.keys
            && row.requests >= convict.requests / 2
            && pure
            && weight.enough
            && weight.of(Family::Counter) > CLEAR
            && coordinated
            && score >= points.saturating_mul(SUSPECT) / 10
            && weight.families() >= 2
        {
            return Sentence::Suspect;
        }
        if row.campaign == u16::MAX {
            let age = now.saturating_sub(row.first);
            let hurry = if self.scarce { 1 } else { 3 };
            if now.saturating_sub(row.last) > IDLE.saturating_mul(hurry)
                || age > PATIENCE.saturating_mul(hurry)
            {
                return if age > PATIENCE && keys >= convict.keys {
                    Sentence::Acquit
                } else {
                    Sentence::Drop
                };
            }
        }
        Sentence::Wait
    }

    /// The case whose keys `least` hundredths of a row's keys are; of several cases, the one with most of them.
    fn joined(&self, row: &Row, least: u32) -> Option<u16> {
        let (mut all, mut guilty, mut votes) = (0_u32, 0_u32, [(NONE, 0_u32); 8]);
        for member in row.members.iter() {
            all = all.saturating_add(1);
            let Some(keyed) = self.ring.get(member.key).filter(|keyed| keyed.is_watched()) else {
                continue;
            };
            let campaign = keyed.campaign;
            if campaign == row.campaign || !self.is_convicted(campaign) {
                continue;
            }
            guilty = guilty.saturating_add(1);
            let place = votes
                .iter_mut()
                .find(|(other, _)| *other == campaign || *other == NONE);
            if let Some((other, count)) = place {
                *other = campaign;
                *count = count.saturating_add(1);
            }
        }
        let most = votes.iter().max_by_key(|(_, count)| *count);
        let (case, _) = most.copied().filter(|(case, _)| *case != NONE)?;
        (all >= 12 && guilty.saturating_mul(100) >= all.saturating_mul(least)).then_some(case)
    }

    fn is_convicted(&self, case: u16) -> bool {
        let case = self.cases.get(usize::from(case));
        case.is_some_and(|case| case.id != 0 && case.stage() == Stage::Convicted)
    }

    fn carry_out(
        &mut self,
        place: usize,
        row: &Row,
        weight: &Weight,
        sentence: Sentence,
        now: u32,
    ) -> bool {
        match sentence {
            Sentence::Wait | Sentence::Ripe => {
                self.note(row, weight);
                false
            }
            Sentence::Drop => self.release(place, State::Hot, 0),
            Sentence::Acquit => {
                let changed = self.close(row.campaign);
                self.release(place, State::Acquitted, now.saturating_add(ACQUITTED));
                changed
            }
            Sentence::Suspect => self.charge(place, row, weight, Stage::Suspect, now),
            Sentence::Convict => self.charge(place, row, weight, Stage::Convicted, now),
            Sentence::Join(case) => {
                self.give(place, row, case);
                true
            }
        }
    }

    /// Writes down what is known now of the case that a row leads.
    fn note(&mut self, row: &Row, weight: &Weight) {
        let case = self.cases.get_mut(usize::from(row.campaign));
        let open = |case: &&mut Entry| case.stage() == Stage::Suspect && weight.enough;
        if let Some(case) = case.filter(open) {
            case.note(weight);
        }
    }

    /// Convicts rows together that are too small each, and whose keys use so many templates that they must have them from one
    /// place, once they are large enough together.
    fn judge_ripe(&mut self, now: u32) -> bool {
        let convict = self.rules.convict;
        let (mut requests, mut keys) = (0_u32, Row::zeroed());
        let mut largest: Option<(u32, usize)> = None;
        for (place, row) in self
            .rows
            .iter()
            .enumerate()
            .filter(|(_, row)| row.ripe != 0)
        {
            requests = requests.saturating_add(row.requests);
            keys.count_keys_of(row);
            if largest.is_none_or(|(most, _)| row.requests > most) {
                largest = Some((row.requests, place));
            }
        }
        let Some((_, lead)) = largest else {
            return false;
        };
        if requests < convict.requests || keys.keys() < convict.keys {
            return false;
        }
        let Some(row) = self.rows.get(lead).copied() else {
            return false;
        };
        let weight = weigh(&row, &self.ring, young(&self.population));
        self.charge(lead, &row, &weight, Stage::Convicted, now);
        let case = self.rows.get_mut(lead).map_or(u16::MAX, |row| {
            row.ripe = 0;
            row.campaign
        });
        for place in 0..self.rows.len() {
            let ripe = self.rows.get(place).copied().filter(|row| row.ripe != 0);
            if let Some(row) = ripe.filter(|row| row.campaign != case) {
                self.give(place, &row, case);
            }
        }
        true
    }

    /// Makes a row, or the case that it leads, a part of another case.
    fn give(&mut self, place: usize, row: &Row, case: u16) {
        if row.campaign == u16::MAX {
            self.join(place, row, case);
        } else {
            self.merge(row.campaign, case);
            self.release(place, State::Convicted, 0);
        }
    }

    /// Makes a row a part of a case.
    fn join(&mut self, place: usize, row: &Row, case: u16) {
        self.convict_features(place, row, case);
        if let Some(entry) = self.cases.get_mut(usize::from(case)) {
            entry.count(row);
        }
        self.release(place, State::Convicted, 0);
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
    fn charge(&mut self, place: usize, row: &Row, weight: &Weight, stage: Stage, now: u32) -> bool {
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
        let held = stage == Stage::Convicted && self.would_harm_too_many(row);
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
            entry.held = u8::from(held);
            entry.from = now.saturating_add(jitter);
        }
        more
    }

    /// A name that says nothing to whoever has not the secret.
    fn id_of(&self, feature: u64) -> u64 {
        let mut hasher = self.secret.hasher();
        hasher.write_u64(7);
        hasher.write_u64(feature);
        hasher.finish().max(1)
    }

    fn jitter(&self, id: u64) -> u32 {
        let mut hasher = self.secret.hasher();
        hasher.write_u64(8);
        hasher.write_u64(id);
        (hasher.finish() % JITTER) as u32
    }

    /// Whether with this row's keys campaigns would be acted on more of a day's keys than the policy allows.
    fn would_harm_too_many(&self, row: &Row) -> bool {
        self.activity.is_over(self.rules.cap, row.keys())
    }

    /// Lets campaigns be acted on that were held back, where that is no longer too many keys.
    fn let_go(&mut self) -> bool {
        let held = |case: &Entry| case.id != 0 && case.held != 0;
        if !self.cases.iter().any(held) || self.activity.is_over(self.rules.cap, 0) {
            return false;
        }
        for case in self.cases.iter_mut().filter(|case| held(case)) {
            case.held = 0;
        }
        true
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
                features = features.saturating_add(1);
            }
        }
        if let Some(case) = self.cases.get_mut(usize::from(case)) {
            case.features = case.features.saturating_add(features);
        }
    }

    fn is_pure(&mut self, feature: u64) -> bool {
        self.features
            .get(feature)
            .is_some_and(|feature| feature.is_pure())
    }

    /// Frees a row; its feature goes on as `state`, unless it is a case's.
    pub(super) fn release(&mut self, place: usize, state: State, until: u32) -> bool {
        let Some(row) = self.rows.get_mut(place) else {
            return false;
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
        false
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
    fn decay(&mut self, now: u32) -> bool {
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

/// Whether a row has grown by a quarter since it was last weighed, or has waited long; that is looked at once in 17 minutes.
const fn is_due(row: &Row, place: usize, now: u32) -> bool {
    let grown = row.requests.saturating_sub(row.judged);
    let enough = row.judged / 4;
    let enough = if enough < 32 { 32 } else { enough };
    let idle = now.saturating_sub(row.last) > IDLE || now.saturating_sub(row.first) > PATIENCE;
    let turn = (now >> 4) & 63 == place as u32 & 63;
    grown >= enough || idle && turn
}
