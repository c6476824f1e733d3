//! Traffic that was recorded, decided about again.

use super::reading::{Reading, Taking};
use super::watched::Watched;
use super::{Options, Report};
use crate::exchange::Millis;
use crate::page::film::{Kind, Person};
use crate::trace::{Broken, Record};

/// A trace that goes by as it is handed over.
pub type Recorded = Reading<Again>;

/// Requests that are decided about again.
pub struct Again(Watched);

/// The two groups of which more is known: see [`Kind::Found`] and [`Kind::Others`].
pub(super) fn people() -> Vec<Person> {
    vec![
        Person::new("requests of a campaign, as found", Kind::Found),
        Person::new("all others", Kind::Others),
    ]
}

impl Recorded {
    /// With the policy that decides.
    ///
    /// # Errors
    /// When it has faults.
    pub fn new(text: &str, options: &Options) -> Result<Self, String> {
        let watched = Watched::new(text, options, people(), None)?;
        Ok(Self::of(Again(watched)))
    }

    /// All of it so far; the picture only if it is wanted.
    #[must_use]
    pub fn report(&self, picture: bool) -> Report {
        let report = self.taken.0.report("trace", picture);
        report.with_oddities(&self.oddities)
    }
}

impl Taking for Again {
    fn take(&mut self, line: &[u8]) -> Result<Millis, Broken> {
        let record = Record::parse(line)?;
        let decision = self.0.fleet.recorded(&record);
        let group = usize::from(decision.campaign.is_none());
        self.0.take(&decision, record.t, group);
        Ok(record.t)
    }

    fn close(&mut self, last: Millis) {
        self.0.close(last);
    }
}
