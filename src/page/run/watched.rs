//! Traffic as it is decided about, and what is taken down of it.

use super::{MEMORY, Options, Report};
use crate::engine::Decision;
use crate::exchange::Millis;
use crate::identity::Secret;
use crate::page::film::{Fate, Film, Person, Scene};
use crate::page::policy;
use crate::replay::{Fleet, SECRET, Tally};

/// Nodes that decide, and what came of it.
pub(super) struct Watched {
    pub(super) fleet: Fleet,
    tally: Tally,
    film: Film,
}

impl Watched {
    /// Nothing has come yet of these groups, and the policy decides. `length` is how long it will go on, where that is known.
    ///
    /// # Errors
    /// When the policy has faults.
    pub(super) fn new(
        text: &str,
        options: &Options,
        people: Vec<Person>,
        length: Option<Millis>,
    ) -> Result<Self, String> {
        let policy = policy::parse(text)?;
        Ok(Self {
            film: Film::new(people, length),
            tally: Tally::new(&policy, MEMORY),
            // Keys and campaigns have the same names here as in `stillgate replay`.
            fleet: Fleet::new(
                policy,
                Secret::new(SECRET),
                options.nodes,
                Some(options.merge),
            ),
        })
    }

    /// Takes down what the fleet has just decided about a request of a group.
    pub(super) fn take(&mut self, decision: &Decision, t: Millis, group: usize) {
        self.tally.add(decision, t);
        let new = self.film.take(&Scene {
            t,
            group,
            key: decision.key.map(|key| key.0),
            verdict: decision.verdict,
            fate: Fate::of(decision),
            campaign: decision.campaign.map(|found| found.campaign),
            shown: self.fleet.last(),
        });
        if new {
            self.look(t);
        }
    }

    /// Takes down that nothing more comes.
    pub(super) fn close(&mut self, t: Millis) {
        self.fleet.close();
        self.look(t);
    }

    /// All of it so far; the picture only if it is wanted.
    pub(super) fn report(&self, source: &'static str, picture: bool) -> Report {
        let mut report =
            Report::of(source, &self.film).with_tally(&self.tally, self.fleet.engine().policy());
        report.unobserved = self.fleet.dropped();
        if picture {
            let convicted: Vec<(u64, u64)> = self.fleet.convicted().collect();
            report.picture = Some(self.film.picture(&convicted));
        }
        report
    }

    fn look(&mut self, t: Millis) {
        let fleet = &self.fleet;
        self.film.look(&fleet.cases(), t, |id| fleet.templates(id));
    }
}
