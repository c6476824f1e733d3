//! Checks at work: what a request shows is held against lists, against itself, and against what was seen before.

use smallvec::SmallVec;

use super::Engine;
use super::findings::Findings;
use super::plan::{page, tag};
use super::settle::Reservation;
use crate::distinct::{self, Sight, Watch};
use crate::exchange::{Millis, Now};
use crate::policy::Trait;
use crate::policy::check::{Against, Check, Test};
use crate::store::{Change, Store, StoreError};
use crate::traits::Traits;
use crate::verdict::{Reason, Verdict};

/// How late a thread may see what others have counted, in milliseconds: so much later a check may begin to act.
const LAG: Millis = 10;

/// As many bytes of a trait are told, so that a record stays a line.
const TOLD: usize = 128;

/// A value that a request shows, for one check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sighting {
    pub(super) page: u32,
    pub(super) watch: Watch,
}

/// What it took to count what requests showed, for metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Memory {
    /// Values that there was no room for.
    pub uncounted: u32,
    /// Counters that made room.
    pub evicted: u32,
}

/// How pages are looked at.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Care {
    /// As they were a moment ago, and nothing is changed.
    Glance,
    /// As they are but for [`LAG`]; whoever is known there stays known.
    Look,
}

/// A check that counts, with what it is to look at.
pub(super) struct Pending {
    pub(super) place: usize,
    pub(super) sighting: Sighting,
    pub(super) sight: Option<Sight>,
}

impl Engine {
    /// Runs every `wanted` check that is about the request. Those that need no counter go first, and where they deny the
    /// request no counter is looked at.
    pub(super) fn check<S: Store>(
        &self,
        traits: &mut Traits<'_>,
        wanted: &dyn Fn(&Check) -> bool,
        care: Care,
        now: Now,
        store: &S,
    ) -> Result<Findings, StoreError> {
        let mut findings = Findings::default();
        let mut counted: SmallVec<[Pending; 2]> = SmallVec::new();
        for (place, check) in self.policy.checks.iter().enumerate() {
            if !wanted(check) || !traits.fit(&check.scope) {
                continue;
            }
            match &check.test {
                Test::Listed(member) => {
                    if traits.is_found(check, member) {
                        findings.note(place, check, Reason::List, None);
                    }
                }
                Test::Contradiction(against) => {
                    if traits.contradict(*against) {
                        findings.note(place, check, Reason::Contradiction, None);
                    }
                }
                Test::Distinct(distinct) => {
                    if let Some((subject, element)) = traits.sight(check, distinct) {
                        let watch = Watch {
                            tag: tag(subject, distinct.id),
                            element,
                            window: distinct.window,
                        };
                        let page = page(subject, store.pages());
                        counted.push(Pending {
                            place,
                            sighting: Sighting { page, watch },
                            sight: None,
                        });
                    }
                }
            }
        }
        if findings.verdict() != Verdict::Deny {
            if findings.noted_verdict() == Verdict::Deny {
                counted.retain(|pending| !self.is_shadow(pending));
            }
            // What only a check in shadow wants to see, and cannot, is no reason to refuse.
            if let Err(error) = look(&mut counted, care, now.steady, store)
                && !counted.iter().all(|pending| self.is_shadow(pending))
            {
                return Err(error);
            }
            for pending in &counted {
                if let Some(check) = self.policy.checks.get(pending.place) {
                    findings.count(check, pending);
                }
            }
            if care == Care::Look && findings.would_refuse() {
                counted.retain(|pending| findings.refuse() || self.is_shadow(pending));
                self.renew_counted(&counted, now.steady, store)?;
            }
        }
        // What was only glanced at is told to nobody.
        let told = findings.found.iter().filter(|_| care == Care::Look);
        for finding in told {
            if let Some(check) = self.policy.checks.get(finding.check) {
                self.describe(&mut findings.traits, check, traits);
            }
        }
        Ok(findings)
    }

    /// Writes down the traits that a check looks at.
    fn describe(&self, told: &mut Vec<(Trait, String)>, check: &Check, traits: &mut Traits<'_>) {
        let mut tell = |of: Trait| {
            if of != Trait::Key && told.iter().all(|&(other, _)| other != of) {
                traits.text(of, |text| {
                    let text = text.get(..TOLD).unwrap_or(text);
                    told.push((of, String::from_utf8_lossy(text).into_owned()));
                });
            }
        };
        match &check.test {
            Test::Listed(member) => tell(member.of),
            Test::Contradiction(against) => {
                tell(Trait::Agent);
                tell(match against {
                    Against::Ja4(ja4) => *ja4,
                    Against::Shape => Trait::Shape,
                });
            }
            Test::Distinct(distinct) => {
                let subject = self.policy.subjects.get(distinct.subject);
                let parts = subject.map_or(&[][..], |subject| &subject.traits);
                parts.iter().copied().chain([distinct.of]).for_each(tell);
            }
        }
    }

    /// Whether what is to be looked at is only noted.
    fn is_shadow(&self, pending: &Pending) -> bool {
        let check = self.policy.checks.get(pending.place);
        check.is_some_and(|check| check.shadow)
    }

    /// Lets those whom a check keeps out stay in its count: a campaign that goes on is not forgotten because nobody serves it.
    fn renew_counted<S: Store>(
        &self,
        counted: &[Pending],
        now: Millis,
        store: &S,
    ) -> Result<(), StoreError> {
        let reserved = self.policy.newcomers.len();
        let listed = |sight: Sight| sight.exact || !sight.member;
        for pending in counted
            .iter()
            .filter(|pending| !pending.sight.is_none_or(listed))
        {
            let Sighting { page, watch } = &pending.sighting;
            store.update(*page, |page| {
                ((), distinct::renew(page, watch, reserved, now))
            })?;
        }
        Ok(())
    }

    /// Counts what a request showed, once its status is known: only if the origin has served it is its key known to be one; a
    /// redirection asks for none. A host calls this when the answer begins, since it may be long. Answers what it took.
    ///
    /// # Errors
    /// The store's, if any page could not be reached; what lies there goes uncounted.
    pub fn remember<S: Store>(
        &self,
        reservation: &mut Reservation,
        status: u16,
        now: Now,
        store: &S,
    ) -> Result<Memory, StoreError> {
        let unseen = core::mem::take(&mut reservation.unseen);
        let mut memory = Memory::default();
        let mut result = Ok(());
        for Sighting { page, watch } in unseen.iter().filter(|_| status < 300) {
            let reserved = self.policy.newcomers.len();
            let added = store.update(*page, |page| {
                distinct::add(page, watch, reserved, now.steady)
            });
            match added {
                Ok(added) => {
                    memory.uncounted = memory.uncounted.saturating_add(u32::from(added.full));
                    memory.evicted = memory.evicted.saturating_add(added.evicted);
                }
                Err(error) => result = Err(error),
            }
        }
        result.map(|()| memory)
    }
}

/// Looks at every page once, for all the checks whose counters lie there.
fn look<S: Store>(
    counted: &mut [Pending],
    care: Care,
    now: Millis,
    store: &S,
) -> Result<(), StoreError> {
    let age = match care {
        Care::Glance => Millis::MAX,
        Care::Look => LAG,
    };
    while let Some(first) = counted.iter().find(|pending| pending.sight.is_none()) {
        let page = first.sighting.page;
        let mut due = store.glance(page, now, age, |content| {
            see(counted, page, |watch| distinct::peek(content, watch, now))
        })?;
        if care == Care::Glance {
            due = Change::Keep;
        }
        // Once for every listed member in half a window.
        if due == Change::Replace {
            store.update(page, |content| {
                let change = see(counted, page, |watch| distinct::look(content, watch, now));
                ((), change)
            })?;
        }
    }
    Ok(())
}

/// Notes what `look` sees for all whose counters lie on a page, and whether any of it changes the page.
fn see(
    counted: &mut [Pending],
    page: u32,
    mut look: impl FnMut(&Watch) -> (Sight, Change),
) -> Change {
    let mut change = Change::Keep;
    for pending in counted {
        if pending.sighting.page == page {
            let (sight, changed) = look(&pending.sighting.watch);
            pending.sight = Some(sight);
            if changed == Change::Replace {
                change = changed;
            }
        }
    }
    change
}
