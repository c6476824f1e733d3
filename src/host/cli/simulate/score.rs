//! What was decided, held against the truth.

use std::collections::BTreeMap;

use super::baselines;
use super::report::{
    Baseline, CampaignReport, CaseReport, Day, HonestReport, PopulationReport, TemplateReport,
};
use crate::campaign::{Case, Match};
use crate::engine::Decision;
use crate::exchange::Millis;
use crate::policy::campaigns::Stage;
use crate::simulate::{Population, Request};
use crate::verdict::Verdict;

/// Counts while a simulation runs.
pub(super) struct Score {
    populations: Vec<Population>,
    tallies: Vec<Tally>,
    /// What became of each key, by its number: [`SEEN`] and what follows.
    keys: Vec<u16>,
    /// When the campaign's first interaction came.
    began: Option<Millis>,
    /// When an interaction first met a conviction.
    convicted: Option<Millis>,
    interactions: Answers,
    /// The campaign's interactions, hour by hour.
    hours: Vec<Part>,
    /// The campaign's interactions, by their templates.
    templates: Vec<Part>,
    met: BTreeMap<u64, Met>,
    baselines: [Against; baselines::COUNT],
    start: Millis,
}

/// Of so many so many passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Part {
    pub(super) sent: u64,
    pub(super) passed: u64,
}

/// How requests were answered.
#[derive(Clone, Copy, Default)]
struct Answers {
    requests: u64,
    refused: u64,
    tagged: u64,
}

/// How requests and keys of one population were answered. Of a campaign's, those requests that are not its own.
#[derive(Clone, Copy, Default)]
struct Tally {
    answers: Answers,
    keys: u64,
    keys_refused: u64,
    keys_tagged: u64,
}

/// Whose requests met a campaign when it was convicted.
#[derive(Clone, Copy, Default)]
struct Met {
    interactions: u64,
    honest: u64,
    /// Other requests of a campaign's keys.
    other: u64,
}

/// What a baseline did.
#[derive(Clone, Copy, Default)]
struct Against {
    passed: u64,
    honest_refused: u64,
    honest_keys: u64,
    other_refused: u64,
}

/// What may be known of a key, as bits: it asked, it was refused, it was tagged; from [`BASELINES`] on, that it was
/// refused by a baseline.
const SEEN: u16 = 1;
const REFUSED: u16 = 2;
const TAGGED: u16 = 4;
const BASELINES: u16 = 3;

const HOUR: Millis = 3_600_000;

/// Templates are counted one by one up to this number.
const TEMPLATES: usize = 1 << 20;

impl Score {
    pub(super) fn new(populations: &[Population], start: Millis) -> Self {
        Self {
            populations: populations.to_vec(),
            tallies: vec![Tally::default(); populations.len()],
            keys: Vec::new(),
            began: None,
            convicted: None,
            interactions: Answers::default(),
            hours: Vec::new(),
            templates: Vec::new(),
            met: BTreeMap::new(),
            baselines: [Against::default(); baselines::COUNT],
            start,
        }
    }

    /// Counts a request, and which baselines would have refused it.
    pub(super) fn count(&mut self, request: &Request, decision: &Decision, against: u16) {
        let place = usize::from(request.population);
        let campaign = self.populations.get(place).is_some_and(|it| it.campaign);
        let passed = decision.verdict.passes();
        let tagged = decision.verdict == Verdict::Tag;
        let news = self.note_key(request.key, passed, tagged, against);
        if let Some(tally) = self.tallies.get_mut(place) {
            tally.keys = tally.keys.saturating_add(u64::from(news & SEEN != 0));
            let refused = u64::from(news & REFUSED != 0);
            tally.keys_refused = tally.keys_refused.saturating_add(refused);
            tally.keys_tagged = tally
                .keys_tagged
                .saturating_add(u64::from(news & TAGGED != 0));
            if !request.interaction {
                tally.answers.count(passed, tagged);
            }
        }
        if request.interaction {
            self.count_interaction(request, passed, tagged);
        }
        if let Some(found) = &decision.campaign {
            self.count_match(request, campaign, found);
        }
        for (place, baseline) in self.baselines.iter_mut().enumerate() {
            let refuses = against & (1 << place) != 0;
            let new = news & (1 << BASELINES << place) != 0;
            baseline.count(request.interaction, campaign, refuses, new);
        }
    }

    /// Notes what became of a key; answers what of it is new.
    fn note_key(&mut self, key: u32, passed: bool, tagged: bool, against: u16) -> u16 {
        let place = key as usize;
        if place >= self.keys.len() {
            self.keys.resize(place.saturating_add(1), 0);
        }
        let mut bits = SEEN | (against << BASELINES);
        if !passed {
            bits |= REFUSED;
        }
        if tagged {
            bits |= TAGGED;
        }
        let Some(known) = self.keys.get_mut(place) else {
            return 0;
        };
        let news = bits & !*known;
        *known |= bits;
        news
    }

    fn count_interaction(&mut self, request: &Request, passed: bool, tagged: bool) {
        self.began.get_or_insert(request.t);
        self.interactions.count(passed, tagged);
        let hour = request.t.saturating_sub(self.start) / HOUR;
        let hour = usize::try_from(hour).unwrap_or(0);
        count_part(&mut self.hours, hour, passed);
        let template = request.template as usize;
        if template < TEMPLATES {
            count_part(&mut self.templates, template, passed);
        }
    }

    fn count_match(&mut self, request: &Request, campaign: bool, found: &Match) {
        if found.stage != Stage::Convicted {
            return;
        }
        let met = self.met.entry(found.campaign).or_default();
        let count = if request.interaction {
            self.convicted.get_or_insert(request.t);
            &mut met.interactions
        } else if campaign {
            &mut met.other
        } else {
            &mut met.honest
        };
        *count = count.saturating_add(1);
    }

    /// The campaign's interactions, hour by hour.
    pub(super) fn hours(&self) -> &[Part] {
        &self.hours
    }

    /// What became of the campaign; `None` if none came.
    pub(super) fn campaign(&self) -> Option<CampaignReport> {
        let began = self.began?;
        let all = self.populations.iter().zip(&self.tallies);
        let its = all.filter(|(population, _)| population.campaign);
        let mut other = Tally::default();
        its.for_each(|(_, tally)| other.add(tally));
        let Answers {
            requests,
            refused,
            tagged,
        } = self.interactions;
        let let_through = requests.saturating_sub(refused);
        let days = self.hours.chunks(24).enumerate();
        let days = days.map(|(day, hours)| {
            let sum = |of: fn(&Part) -> u64| hours.iter().map(of).fold(0, u64::saturating_add);
            Day {
                day,
                interactions: sum(|part| part.sent),
                let_through: sum(|part| part.passed),
            }
        });
        Some(CampaignReport {
            interactions: requests,
            let_through,
            share_let_through: share(let_through, requests),
            tagged,
            convicted_after_ms: self.convicted.map(|then| then.saturating_sub(began)),
            keys: other.keys,
            keys_refused: other.keys_refused,
            other_requests: other.answers.requests,
            other_refused: other.answers.refused,
            templates: TemplateReport::of(&self.templates),
            days: days.collect(),
        })
    }

    /// What became of the honest.
    pub(super) fn honest(&self) -> HonestReport {
        let all = self.populations.iter().zip(&self.tallies);
        let honest = all.filter(|(population, _)| !population.campaign);
        let mut total = Tally::default();
        let mut populations = Vec::new();
        for (population, tally) in honest {
            total.add(tally);
            populations.push(tally.report(population.name));
        }
        HonestReport {
            all: total.report("all"),
            populations,
        }
    }

    /// Every campaign that stands at the end, or that was convicted at any time, with whose requests it met since.
    pub(super) fn cases(&self, standing: &[Case]) -> Vec<CaseReport> {
        let mut met = self.met.clone();
        let mut cases: Vec<CaseReport> = standing
            .iter()
            .map(|case| CaseReport::of(case, self.start))
            .collect();
        for case in &mut cases {
            let whose = met.remove(&case.number).unwrap_or_default();
            case.note(whose.interactions, whose.honest, whose.other);
        }
        for (number, whose) in met {
            let mut case = CaseReport::past(number);
            case.note(whose.interactions, whose.honest, whose.other);
            cases.push(case);
        }
        cases
    }

    /// What simpler rules would have done.
    pub(super) fn baselines(&self) -> Vec<Baseline> {
        let honest = self.honest().all;
        let rules = baselines::RULES.iter().zip(&self.baselines);
        rules
            .map(|((name, what), against)| Baseline {
                name,
                what,
                let_through: against.passed,
                share_let_through: share(against.passed, self.interactions.requests),
                honest_refused: against.honest_refused,
                share_honest_refused: share(against.honest_refused, honest.requests),
                honest_keys_refused: against.honest_keys,
                share_honest_keys_refused: share(against.honest_keys, honest.keys),
                other_refused: against.other_refused,
            })
            .collect()
    }
}

impl Answers {
    fn count(&mut self, passed: bool, tagged: bool) {
        self.requests = self.requests.saturating_add(1);
        self.refused = self.refused.saturating_add(u64::from(!passed));
        self.tagged = self.tagged.saturating_add(u64::from(tagged));
    }
}

impl Tally {
    fn add(&mut self, other: &Self) {
        let (mine, its) = (&mut self.answers, &other.answers);
        for (sum, more) in [
            (&mut mine.requests, its.requests),
            (&mut mine.refused, its.refused),
            (&mut mine.tagged, its.tagged),
            (&mut self.keys, other.keys),
            (&mut self.keys_refused, other.keys_refused),
            (&mut self.keys_tagged, other.keys_tagged),
        ] {
            *sum = sum.saturating_add(more);
        }
    }

    const fn report(&self, name: &'static str) -> PopulationReport {
        PopulationReport {
            name,
            requests: self.answers.requests,
            refused: self.answers.refused,
            tagged: self.answers.tagged,
            keys: self.keys,
            keys_refused: self.keys_refused,
            keys_tagged: self.keys_tagged,
        }
    }
}

impl Against {
    fn count(&mut self, interaction: bool, campaign: bool, refuses: bool, new_key: bool) {
        let count = |number: &mut u64, so: bool| *number = number.saturating_add(u64::from(so));
        count(&mut self.passed, interaction && !refuses);
        count(&mut self.honest_refused, !campaign && refuses);
        count(&mut self.honest_keys, !campaign && new_key);
        let other = campaign && !interaction;
        count(&mut self.other_refused, other && refuses);
    }
}

fn count_part(parts: &mut Vec<Part>, place: usize, passed: bool) {
    if place >= parts.len() {
        parts.resize(place.saturating_add(1), Part::default());
    }
    if let Some(part) = parts.get_mut(place) {
        part.sent = part.sent.saturating_add(1);
        part.passed = part.passed.saturating_add(u64::from(passed));
    }
}

/// What share a part is of a whole; 0 of nothing.
#[expect(
    clippy::cast_precision_loss,
    reason = "a share is read to a few digits"
)]
pub(super) fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 {
        0.0
    } else {
        part as f64 / whole as f64
    }
}

#[cfg(test)]
mod tests;
