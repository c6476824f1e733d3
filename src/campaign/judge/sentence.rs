//! What follows from the evidence: who is suspected, convicted, acquitted and forgotten.

use super::Judge;
use super::docket::Entry;
use super::features::State;
use super::keyring::NONE;
use super::row::Row;
use super::terms::{FEW, Family, Weight, weigh};
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
        let mut changed = self.decay(now);
        let free = self.rows.iter().filter(|row| row.feature == 0).count();
        self.scarce = free < self.rows.len() / 8;
        let young = self.activity.young(FEW);
        for place in 0..self.rows.len() {
            let Some(row) = self.rows.get_mut(place) else {
                continue;
            };
            if row.feature == 0 || !is_due(row, place, now) {
                continue;
            }
            (row.judged, row.weighed) = (row.requests, now);
            let row = *row;
            let weight = weigh(&row, &self.ring, young);
            let sentence = self.sentence(&row, &weight, now);
            let leans = self.leans(&row, &weight);
            if let Some(row) = self.rows.get_mut(place) {
                row.ripe = u8::from(matches!(sentence, Sentence::Ripe));
                row.leans = u8::from(leans);
            }
            changed |= self.carry_out(place, &row, &weight, sentence, now);
        }
        changed |= self.judge_ripe(young, now);
        changed | self.keep_cap(now)
    }

    /// Whether all that is known of those who have a feature speaks for a campaign, but for who else has it.
    fn leans(&self, row: &Row, weight: &Weight) -> bool {
        let convict = self.rules.convict;
        let points = i32::try_from(convict.score)
            .unwrap_or(i32::MAX)
            .saturating_mul(10);
        row.keys() >= 10
            && weight.enough
            && !weight.people
            && weight.of(Family::Coordination) >= 10
            && weight.score() >= points
            && weight.families() >= convict.families
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
            && (weight.of(Family::Counter) > -30 || nearly_all(row.watched, row.requests))
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
            && !weight.people
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
                let speaks = score >= points.saturating_mul(SUSPECT) / 10;
                return if age > PATIENCE && keys >= convict.keys && !speaks {
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

    pub(super) fn is_convicted(&self, case: u16) -> bool {
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
            Sentence::Drop => {
                self.release(place, State::Hot, 0);
                false
            }
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
    fn judge_ripe(&mut self, young: f32, now: u32) -> bool {
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
        let weight = weigh(&row, &self.ring, young);
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
}

/// Whether hardly any are missing: then it does not matter that a campaign talks as people do.
const fn nearly_all(part: u32, whole: u32) -> bool {
    (part as u64).saturating_mul(100) >= (whole as u64).saturating_mul(NEARLY_ALL as u64)
}

/// Whether a row has grown by a quarter since it was last weighed, or at all in a quarter of its time. One that does not grow is
/// looked at once in 17 minutes.
const fn is_due(row: &Row, place: usize, now: u32) -> bool {
    let grown = row.requests.saturating_sub(row.judged);
    let enough = row.judged / 4;
    let enough = if enough < 32 { 32 } else { enough };
    let long = row.weighed.saturating_sub(row.first) / 4;
    let long = if long < 8 { 8 } else { long };
    let idle = now.saturating_sub(row.last) > IDLE || now.saturating_sub(row.first) > PATIENCE;
    let turn = (now >> 4) & 63 == place as u32 & 63;
    grown >= enough || grown > 0 && now.saturating_sub(row.weighed) >= long || idle && turn
}
