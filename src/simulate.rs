//! The traffic of a whole provider, made up: honest populations and a campaign among them, as one stream in the order of
//! time and in bounded memory. The same seed gives the same stream. It knows nothing of what looks for campaigns.

mod population;
mod random;
mod request;
mod scenario;
mod stack;
mod texts;
mod write;

pub use population::Population;
pub use request::{Account, Headers, Request};
pub use scenario::{Addresses, Answers, Campaign, Crowd, Load, Rhythm, Scenario, Wording};
pub use texts::{Set, Texts};

/// A real client that makes many requests: how many a second, in windows of ten minutes, one after the other and then
/// from the first on again.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct HeavyClient {
    /// Requests a second in each window.
    pub rates: Vec<f32>,
}

/// The traffic.
#[derive(Debug)]
pub struct World {
    populations: Vec<Population>,
}

impl World {
    /// Sets up a world. A scenario that is not [valid](Scenario::validate) is simulated as well as can be. Where no heavy
    /// clients are given, some are made up.
    #[must_use]
    pub fn new(scenario: &Scenario, _texts: &Texts, _heavy: &[HeavyClient]) -> Self {
        let plans = population::honest(scenario);
        let populations = plans.iter().map(|plan| Population {
            name: plan.name,
            campaign: false,
            keys: plan.keys,
        });
        Self {
            populations: populations.collect(),
        }
    }

    /// The populations; a request tells its own by the place in this list.
    #[must_use]
    pub fn populations(&self) -> &[Population] {
        &self.populations
    }

    /// Fills in the next request; false if there is none.
    pub fn next(&mut self, _request: &mut Request) -> bool {
        false
    }

    /// Tells whether a request that came last was let through. Who is refused may try again; a campaign may give up the key.
    pub fn answered(&mut self, _request: &Request, _passed: bool) {}
}
