//! One simulation from its first request to its last.

use std::fs;

use indicatif::ProgressBar;

use super::baselines::Baselines;
use super::journal::Journal;
use super::report::{CasesReport, Cost, Report, Setting};
use super::score::Score;
use super::source::{self, Files};
use super::{Arguments, Wording};
use crate::host::cli::{embed, replay};
use crate::identity::Secret;
use crate::policy::Policy;
use crate::replay::Fleet;
use crate::simulate::{HeavyClient, Request, Scenario, Set, Texts, World};

/// How many requests go by before the bar is told.
const PER_STEP: u64 = 0x3fff;

/// What all simulations of one command have in common.
pub(super) struct Course<'a> {
    arguments: &'a Arguments,
    policy: Policy,
    secret: Secret,
    set: Set,
    files: Option<Files>,
    heavy: Vec<HeavyClient>,
}

impl<'a> Course<'a> {
    /// Reads what simulations are made from.
    pub(super) fn new(arguments: &'a Arguments) -> anyhow::Result<Self> {
        let set = Set::from(arguments.texts);
        let policy = match &arguments.policy {
            Some(file) => embed::policy(file)?,
            None => Policy::parse(Scenario::POLICY.as_bytes())?,
        };
        let read = |folder| Files::read(folder, set);
        Ok(Self {
            arguments,
            policy,
            secret: replay::secret(),
            set,
            files: arguments.text_files.as_deref().map(read).transpose()?,
            heavy: arguments
                .data
                .as_deref()
                .map_or(Ok(Vec::new()), source::heavy)?,
        })
    }

    /// Runs a scenario.
    pub(super) fn run(&self, scenario: &Scenario, bar: &ProgressBar) -> anyhow::Result<Report> {
        let clock = Clock::start();
        let mut world = World::new(scenario, &self.texts(scenario), &self.heavy);
        let mut fleet = Fleet::new(
            self.policy.clone(),
            self.secret,
            self.arguments.nodes,
            self.arguments.merge.0,
        );
        let mut score = Score::new(world.populations(), scenario.start);
        let compares = !self.arguments.no_baselines;
        let mut baselines = compares.then(|| Baselines::new(per_day(scenario), self.secret));
        let trace = self.arguments.trace.as_deref();
        let mut journal = trace.map(Journal::create).transpose()?;
        let mut request = Request::default();
        let mut requests: u64 = 0;
        while world.next(&mut request) {
            let decision = fleet.made(&request);
            if let Some(journal) = &mut journal {
                journal.write(&request)?;
            }
            let seen = fleet.last();
            let against = baselines.as_mut().map(|it| it.judge(&request, seen));
            score.count(&request, &decision, against.unwrap_or(0));
            world.answered(&request, decision.verdict.passes());
            requests = requests.saturating_add(1);
            if requests & PER_STEP == 0 {
                bar.set_position(request.t.saturating_sub(scenario.start));
            }
        }
        if let Some(journal) = journal {
            journal.finish()?;
        }
        fleet.close();
        let cases = score.cases(&fleet.cases());
        Ok(Report {
            scenario: scenario.clone(),
            setting: self.setting(),
            campaign: score.campaign(),
            honest: score.honest(),
            cases: CasesReport::new(cases),
            baselines: baselines.map_or_else(Vec::new, |_| score.baselines()),
            cost: clock.stop(requests),
            hours: score.hours().to_vec(),
        })
    }

    fn texts(&self, scenario: &Scenario) -> Texts {
        match &self.files {
            Some(files) => Texts::from_parts(
                &files.questions,
                &files.prompts,
                &files.systems,
                self.set,
                scenario.seed,
            ),
            None => Texts::grammar(self.set, scenario.seed),
        }
    }

    fn setting(&self) -> Setting {
        let policy = self.arguments.policy.as_ref();
        Setting {
            texts: match self.arguments.texts {
                Wording::Development => "development",
                Wording::HeldOut => "held-out",
            },
            text_files: self.files.as_ref().map(Files::count),
            heavy_clients: self.heavy.len(),
            policy: policy.map(|file| file.display().to_string()),
            nodes: self.arguments.nodes,
            merge_ms: self.arguments.merge.0,
        }
    }
}

/// About how many requests a day there are.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "it is only used to choose how much memory is taken, within bounds"
)]
fn per_day(scenario: &Scenario) -> u64 {
    let campaign = &scenario.campaign;
    let its = f64::from(campaign.keys) * campaign.per_day / campaign.share.max(0.01);
    let honest = scenario.ratio * 640_000.0;
    ((its + honest) / f64::from(scenario.scale.max(1))) as u64
}

/// Measures what a simulation takes.
#[expect(
    clippy::disallowed_types,
    reason = "what is measured is this program, not the traffic"
)]
struct Clock(std::time::Instant);

impl Clock {
    #[expect(
        clippy::disallowed_types,
        reason = "what is measured is this program, not the traffic"
    )]
    fn start() -> Self {
        Self(std::time::Instant::now())
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "a speed is read to a few digits"
    )]
    fn stop(&self, requests: u64) -> Cost {
        let seconds = self.0.elapsed().as_secs_f64();
        Cost {
            requests,
            seconds,
            requests_per_second: requests as f64 / seconds.max(f64::MIN_POSITIVE),
            peak_bytes: peak(),
        }
    }
}

/// The most memory that this process ever had, where the system tells.
fn peak() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib.saturating_mul(1_024))
}
