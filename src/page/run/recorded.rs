//! Traffic that was recorded, decided about again.

use core::ops::ControlFlow;

use super::{MEMORY, Options, Report, secret};
use crate::exchange::Millis;
use crate::page::film::{Fate, Film, Kind, Person, Scene};
use crate::page::policy;
use crate::replay::{Answer, Fleet, Tally};
use crate::trace::{LineTold, Lines, Oddities, Record};

/// A trace that goes by as it is handed over.
pub struct Recorded {
    lines: Lines,
    seen: Seen,
}

/// What has come of it.
struct Seen {
    fleet: Fleet,
    tally: Tally,
    film: Film,
    oddities: Oddities,
    last: Option<Millis>,
}

/// The two groups of which more is known: see [`Kind::Found`] and [`Kind::Others`].
pub(super) fn people() -> Vec<Person> {
    let person = |name: &str, kind| Person {
        name: name.to_owned(),
        kind,
    };
    vec![
        person("requests of a campaign, as found", Kind::Found),
        person("all others", Kind::Others),
    ]
}

impl Recorded {
    /// With the policy that decides.
    ///
    /// # Errors
    /// When it has faults.
    pub fn new(text: &str, options: &Options) -> Result<Self, String> {
        let policy = policy::parse(text)?;
        Ok(Self {
            lines: Lines::default(),
            seen: Seen {
                film: Film::new(people(), None),
                tally: Tally::new(&policy, MEMORY),
                fleet: Fleet::new(policy, secret(), options.nodes, Some(options.merge)),
                oddities: Oddities::default(),
                last: None,
            },
        })
    }

    /// Takes in what comes next of the file.
    pub fn feed(&mut self, bytes: &[u8]) {
        let seen = &mut self.seen;
        // Nobody ever has enough of it.
        let _ = self
            .lines
            .feed(bytes, |number, line| seen.line(number, line));
    }

    /// Takes in that nothing more comes.
    pub fn end(&mut self) {
        let seen = &mut self.seen;
        self.lines.end(|number, line| seen.line(number, line));
        seen.fleet.close();
        seen.look(seen.last.unwrap_or(0));
    }

    /// All of it so far; the picture only if it is wanted.
    #[must_use]
    pub fn report(&self, picture: bool) -> Report {
        let seen = &self.seen;
        let mut report = Report::of("trace", &seen.film)
            .with_tally(&seen.tally, seen.fleet.engine().policy())
            .with_oddities(&seen.oddities);
        report.unobserved = seen.fleet.dropped();
        if picture {
            let convicted: Vec<(u64, u64)> = seen.fleet.convicted().collect();
            report.picture = Some(seen.film.picture(&convicted));
        }
        report
    }
}

impl Seen {
    fn line(&mut self, number: u64, line: LineTold<'_>) -> ControlFlow<()> {
        match line.and_then(Record::parse) {
            Ok(record) => {
                self.oddities.follow(number, record.t, self.last);
                self.last = Some(record.t);
                self.take(&record);
            }
            Err(broken) => self.oddities.leave_out(number, &broken),
        }
        ControlFlow::Continue(())
    }

    fn take(&mut self, record: &Record<'_>) {
        let headers = record.headers();
        let exchange = record.exchange(&headers);
        let answer = Answer {
            status: record.status.unwrap_or(200),
            usage: record.usage,
        };
        let body = record.body.as_deref();
        let decision = self.fleet.request(&exchange, body, &answer, record.now());
        self.tally.add(&decision, record.t);
        let new = self.film.take(&Scene {
            t: record.t,
            group: usize::from(decision.campaign.is_none()),
            key: decision.key.map(|key| key.0),
            verdict: decision.verdict,
            fate: Fate::of(&decision),
            campaign: decision.campaign.map(|found| found.campaign),
            shown: self.fleet.last(),
        });
        if new {
            self.look(record.t);
        }
    }

    fn look(&mut self, t: Millis) {
        let fleet = &self.fleet;
        self.film.look(&fleet.cases(), t, |id| fleet.templates(id));
    }
}
