//! What came of simulations: one report for each, for programs, and tables for people.

mod table;

use serde::Serialize;

use super::score::{Part, share};
use crate::campaign::Case;
use crate::exchange::Millis;
use crate::policy::campaigns::Stage;
use crate::simulate::Scenario;
pub(super) use table::text;

/// All simulations of one command.
#[derive(Debug, Serialize)]
pub(super) struct Reports {
    /// In the order in which they were asked for.
    pub(super) runs: Vec<Report>,
}

/// What came of one simulation.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    /// What was simulated.
    pub(super) scenario: Scenario,
    /// By what it was made, and who decided.
    pub(super) setting: Setting,
    /// The campaign; `None` if none came.
    pub(super) campaign: Option<CampaignReport>,
    /// All others.
    pub(super) honest: HonestReport,
    /// What was found.
    pub(super) cases: CasesReport,
    /// What simpler rules would have done; empty if nobody asked.
    pub(super) baselines: Vec<Baseline>,
    /// What it took. All else is the same whenever it is run.
    pub(super) cost: Cost,
    /// The campaign's interactions hour by hour, to draw.
    #[serde(skip)]
    pub(super) hours: Vec<Part>,
}

/// By what traffic was made, and who decided.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Setting {
    /// Which set of texts.
    pub(super) texts: &'static str,
    /// Texts from files: questions, prompts and system texts.
    pub(super) text_files: Option<[usize; 3]>,
    /// Heavy clients from files.
    pub(super) heavy_clients: usize,
    /// The policy's file; `None` for the one that is built in.
    pub(super) policy: Option<String>,
    /// How many nodes decided.
    pub(super) nodes: u32,
    /// After how many milliseconds they shared what they had seen; `None` if they never did.
    pub(super) merge_ms: Option<Millis>,
}

/// What became of a campaign.
#[derive(Debug, Serialize)]
pub(super) struct CampaignReport {
    pub(super) interactions: u64,
    /// Interactions that were answered, tagged or not.
    pub(super) let_through: u64,
    pub(super) share_let_through: f64,
    pub(super) tagged: u64,
    /// From its first interaction to the first that met a conviction; `None` if none did.
    pub(super) convicted_after_ms: Option<Millis>,
    /// Keys that it used, those that it bought later counted too.
    pub(super) keys: u64,
    pub(super) keys_refused: u64,
    /// Requests of its keys that are not its own, and how many of them were refused.
    pub(super) other_requests: u64,
    pub(super) other_refused: u64,
    /// By its templates; `None` if it has none.
    pub(super) templates: Option<TemplateReport>,
    pub(super) days: Vec<Day>,
}

/// What share of a template's interactions was let through.
#[derive(Debug, PartialEq, Serialize)]
pub(super) struct TemplateReport {
    /// Templates of which anything was sent.
    pub(super) count: usize,
    pub(super) p10: f64,
    pub(super) p50: f64,
    pub(super) p90: f64,
    pub(super) max: f64,
}

/// One day of a campaign.
#[derive(Debug, Serialize)]
pub(super) struct Day {
    /// Counted from 0.
    pub(super) day: usize,
    pub(super) interactions: u64,
    pub(super) let_through: u64,
}

/// What became of those who are no campaign.
#[derive(Debug, Serialize)]
pub(super) struct HonestReport {
    pub(super) all: PopulationReport,
    pub(super) populations: Vec<PopulationReport>,
}

/// What became of a population.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct PopulationReport {
    pub(super) name: &'static str,
    pub(super) requests: u64,
    pub(super) refused: u64,
    pub(super) tagged: u64,
    /// Keys that asked at all.
    pub(super) keys: u64,
    pub(super) keys_refused: u64,
    pub(super) keys_tagged: u64,
}

/// The campaigns that were found.
#[derive(Debug, Serialize)]
pub(super) struct CasesReport {
    /// Campaigns that met a request when they were convicted, at any time.
    pub(super) convicted: usize,
    /// Of those the ones that never met an interaction.
    pub(super) honest_only: usize,
    /// Of those the ones that met honest requests more than all others.
    pub(super) mostly_honest: usize,
    /// They, and those that are suspected at the end.
    pub(super) all: Vec<CaseReport>,
}

/// A campaign that was found.
#[derive(Debug, Serialize)]
pub(super) struct CaseReport {
    pub(super) id: String,
    #[serde(skip)]
    pub(super) number: u64,
    /// What is known of it at the end; `None` if it is forgotten by then.
    pub(super) standing: Option<Standing>,
    /// Requests that met it when it was convicted: the campaign's interactions.
    pub(super) interactions: u64,
    /// Those of honest keys.
    pub(super) honest: u64,
    /// Those of the campaign's keys that are not its own.
    pub(super) other: u64,
    pub(super) share_honest: f64,
}

/// How a case stands.
#[derive(Debug, Serialize)]
pub(super) struct Standing {
    pub(super) stage: &'static str,
    /// When it was first seen, and when it came to this stage, in milliseconds from the start.
    pub(super) first_ms: Millis,
    pub(super) since_ms: Millis,
    pub(super) keys: u32,
    pub(super) requests: u64,
    pub(super) score: i32,
    pub(super) families: u32,
    /// Each term and what it adds, in tenths of a point.
    pub(super) reasons: Vec<(&'static str, i32)>,
    pub(super) held_back: bool,
}

/// What a simpler rule would have done with the same requests.
#[derive(Debug, Serialize)]
pub(super) struct Baseline {
    pub(super) name: &'static str,
    pub(super) what: &'static str,
    pub(super) let_through: u64,
    pub(super) share_let_through: f64,
    pub(super) honest_refused: u64,
    pub(super) share_honest_refused: f64,
    pub(super) honest_keys_refused: u64,
    pub(super) share_honest_keys_refused: f64,
    pub(super) other_refused: u64,
}

/// What a simulation took.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Cost {
    pub(super) requests: u64,
    pub(super) seconds: f64,
    pub(super) requests_per_second: f64,
    /// The most memory that the process had until the simulation's end; `None` where the system does not tell.
    pub(super) peak_bytes: Option<u64>,
}

impl TemplateReport {
    /// Of the templates' parts by their numbers; 0 is none.
    pub(super) fn of(parts: &[Part]) -> Option<Self> {
        let sent = parts.iter().skip(1).filter(|part| part.sent > 0);
        let mut shares: Vec<f64> = sent.map(|part| share(part.passed, part.sent)).collect();
        shares.sort_unstable_by(f64::total_cmp);
        // By nearest rank.
        let at = |percent: usize| {
            let rank = shares.len().saturating_mul(percent).div_ceil(100);
            shares.get(rank.saturating_sub(1)).copied()
        };
        Some(Self {
            count: shares.len(),
            p10: at(10)?,
            p50: at(50)?,
            p90: at(90)?,
            max: at(100)?,
        })
    }
}

impl CasesReport {
    pub(super) fn new(all: Vec<CaseReport>) -> Self {
        let convicted = || all.iter().filter(|case| case.met() > 0);
        let honest =
            |case: &&CaseReport| case.honest > case.interactions.saturating_add(case.other);
        Self {
            convicted: convicted().count(),
            honest_only: convicted().filter(|case| case.interactions == 0).count(),
            mostly_honest: convicted().filter(honest).count(),
            all,
        }
    }
}

impl CaseReport {
    /// A case that is known at the end.
    pub(super) fn of(case: &Case, start: Millis) -> Self {
        Self {
            standing: Some(Standing {
                stage: match case.stage {
                    Stage::Suspect => "suspect",
                    Stage::Convicted => "convicted",
                },
                first_ms: case.first.saturating_sub(start),
                since_ms: case.since.saturating_sub(start),
                keys: case.keys,
                requests: case.requests,
                score: case.score,
                families: case.families,
                reasons: case.reasons.clone(),
                held_back: case.held_back,
            }),
            ..Self::past(case.id)
        }
    }

    /// One that is forgotten by then.
    pub(super) fn past(number: u64) -> Self {
        Self {
            id: format!("c-{number:016x}"),
            number,
            standing: None,
            interactions: 0,
            honest: 0,
            other: 0,
            share_honest: 0.0,
        }
    }

    /// Takes down whose requests met it.
    pub(super) fn note(&mut self, interactions: u64, honest: u64, other: u64) {
        (self.interactions, self.honest, self.other) = (interactions, honest, other);
        self.share_honest = share(honest, self.met());
    }

    const fn met(&self) -> u64 {
        self.interactions
            .saturating_add(self.honest)
            .saturating_add(self.other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_are_told_by_nearest_rank() {
        let part = |passed| Part { sent: 10, passed };
        let none = Part::default();
        let mut parts = vec![part(10), none];
        assert_eq!(TemplateReport::of(&parts), None);
        parts.extend((0..10).map(part));
        let expected = TemplateReport {
            count: 10,
            p10: 0.0,
            p50: 0.4,
            p90: 0.8,
            max: 0.9,
        };
        assert_eq!(TemplateReport::of(&parts), Some(expected));
    }

    #[test]
    fn a_case_is_judged_by_whom_it_met() {
        let case = |interactions, honest, other| {
            let mut case = CaseReport::past(7);
            case.note(interactions, honest, other);
            case
        };
        let cases = CasesReport::new(vec![
            case(90, 10, 0),
            case(10, 90, 0),
            case(0, 1, 0),
            case(0, 0, 5),
            case(0, 0, 0),
        ]);
        assert_eq!(
            (cases.convicted, cases.honest_only, cases.mostly_honest),
            (4, 2, 2)
        );
        assert_eq!(cases.all[1].share_honest, 0.9);
        assert_eq!(cases.all[0].id, "c-0000000000000007");
    }
}
