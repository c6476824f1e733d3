//! Traffic that is made up, of which the truth is known.

use serde::{Deserialize, Serialize};

use super::Report;
use super::watched::Watched;
use crate::exchange::Millis;
use crate::page::film::{Kind, Person};
use crate::simulate::{Request, Scenario, Set, Texts, World};

/// Who decides, and what is written.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// How many nodes take turns, 1 to 1,000; 4 by default.
    pub nodes: u32,
    /// How often they share what they have seen, in milliseconds; every 10 s by default.
    pub merge: Millis,
    /// Which set of texts people and campaigns write. By default that by which nothing was chosen.
    pub texts: Wording,
}

/// Which texts are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Wording {
    /// Those that numbers were chosen by.
    Development,
    /// Those that are measured by.
    HeldOut,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            nodes: 4,
            merge: 10_000,
            texts: Wording::HeldOut,
        }
    }
}

impl Options {
    /// Reads what a page has chosen; nothing is all defaults.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(text: &str) -> Result<Self, String> {
        if text.trim().is_empty() {
            return Ok(Self::default());
        }
        let options: Self = serde_json::from_str(text)
            .map_err(|error| format!("The options of this run are none: {error}."))?;
        if !(1..=1_000).contains(&options.nodes) {
            return Err(format!(
                "{} nodes are not possible; it must be 1 to 1,000.",
                options.nodes
            ));
        }
        if !(1_000..=3_600_000).contains(&options.merge) {
            return Err(String::from(
                "Nodes share what they have seen every second at the soonest, and every hour at the latest.",
            ));
        }
        Ok(options)
    }
}

/// A simulation that goes on as far as it is told to.
pub struct Made {
    scenario: Scenario,
    world: World,
    watched: Watched,
    request: Request,
    /// Whether nothing more comes.
    over: bool,
}

impl Made {
    /// Sets up a scenario, with a policy that decides; without one it is the simulator's own.
    ///
    /// # Errors
    /// What is wrong with the scenario or the policy.
    pub fn new(scenario: &str, text: Option<&str>, options: &Options) -> Result<Self, String> {
        let scenario = read(scenario).map_err(|faults| {
            let faults = faults.join("; ");
            format!("This scenario cannot be simulated: {faults}.")
        })?;
        let set = match options.texts {
            Wording::Development => Set::Development,
            Wording::HeldOut => Set::HeldOut,
        };
        let texts = Texts::grammar(set, scenario.seed);
        let world = World::new(&scenario, &texts, &[]);
        let policy = text.unwrap_or(Scenario::POLICY);
        let length = Some(scenario.length());
        Ok(Self {
            watched: Watched::new(policy, options, people(&world), length)?,
            world,
            request: Request::default(),
            over: false,
            scenario,
        })
    }

    /// Goes on with so many requests; answers whether there may be more.
    pub fn step(&mut self, requests: u32) -> bool {
        for _ in 0..requests {
            if !self.world.next(&mut self.request) {
                self.over = true;
                self.watched.close(self.end());
                return false;
            }
            let request = &self.request;
            let decision = self.watched.fleet.made(request);
            let group = group(&self.world, request);
            self.watched.take(&decision, request.t, group);
            self.world.answered(request, decision.verdict.passes());
        }
        true
    }

    /// How much of the time has passed, from 0 to 1.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "it is shown in percent")]
    pub fn progress(&self) -> f64 {
        let length = self.scenario.length();
        let passed = self.request.t.saturating_sub(self.scenario.start);
        (passed as f64 / length.max(1) as f64).min(1.0)
    }

    const fn end(&self) -> Millis {
        self.scenario.start.saturating_add(self.scenario.length())
    }

    /// All of it so far; the picture only if it is wanted.
    #[must_use]
    pub fn report(&self, picture: bool) -> Report {
        let mut report = self.watched.report("scenario", picture);
        report.end = Some(self.end());
        if self.over {
            report.last = report.end;
        }
        report
    }
}

/// Reads a scenario that can be simulated.
///
/// # Errors
/// What is wrong with it, a sentence each.
fn read(text: &str) -> Result<Scenario, Vec<String>> {
    let scenario =
        Scenario::parse(text).map_err(|why| vec![format!("this is no scenario: {why}")])?;
    match scenario.validate() {
        faults if faults.is_empty() => Ok(scenario),
        faults => Err(faults),
    }
}

/// A scenario that has a name.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Preset {
    /// The name.
    name: &'static str,
    /// What it is, in a line.
    about: &'static str,
    /// All of it.
    scenario: Option<Scenario>,
}

/// All scenarios that have names.
#[must_use]
pub fn scenarios() -> Vec<Preset> {
    let presets = Scenario::PRESETS.iter();
    presets
        .map(|&(name, about)| Preset {
            name,
            about,
            scenario: Scenario::preset(name),
        })
        .collect()
}

/// What is wrong with a text that is to be a scenario, a sentence each; nothing if it can be simulated.
#[must_use]
pub fn check(text: &str) -> Vec<String> {
    read(text).err().unwrap_or_default()
}

/// The groups: what a campaign wants, what else its keys ask, and every honest population.
fn people(world: &World) -> Vec<Person> {
    let mut people = vec![
        Person::new("interactions", Kind::Campaign),
        Person::new("other requests of the campaign's keys", Kind::Beside),
    ];
    let honest = world.populations().iter().filter(|it| !it.campaign);
    people.extend(honest.map(|it| Person::new(it.name, Kind::Honest)));
    people
}

/// The group of a request. Populations are in the order of the world's, of which the campaign's is the last.
fn group(world: &World, request: &Request) -> usize {
    let population = usize::from(request.population);
    let of_campaign = world
        .populations()
        .get(population)
        .is_some_and(|it| it.campaign);
    match (request.interaction, of_campaign) {
        (true, _) => 0,
        (false, true) => 1,
        (false, false) => population.saturating_add(2),
    }
}
