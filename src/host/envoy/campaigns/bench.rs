//! Where the VM judges whose turn it is: takes in what all have seen, and tells them and the log what is found.

use super::{BOOK, BOXES, EDITION, book, name_of};
use crate::campaign::{Batch, Event, Judge, News, mail};
use crate::exchange::Millis;
use crate::host::envoy::abi::{self, Level};
use crate::host::envoy::running::add;
use crate::host::envoy::shared::SharedStore;
use crate::identity::Secret;
use crate::metrics::{Metric, Plain};
use crate::policy::campaigns::{Campaigns, Stage};
use crate::record;

/// As soon as there is so much to take in, the rest waits for the next tick: what a tick takes is bounded.
const ENOUGH: usize = 2_048;

/// How many pieces of what is known are written down in a tick: all of them within half a minute.
const PIECES: usize = 2;

/// A judge at work.
pub(super) struct Bench {
    judge: Judge,
    news: News,
    /// The piece that is written down next.
    next: usize,
    /// The box that is opened first.
    first: u64,
}

impl Bench {
    /// Goes on where another one has stopped, if one has.
    pub(super) fn new(rules: Campaigns, secret: Secret, store: &SharedStore, now: Millis) -> Self {
        let mut judge = Judge::new(rules.clone(), secret);
        for place in 0..judge.pieces() {
            judge.take_over(place, &store.value(&piece(place)).0);
        }
        let before = book(store).unwrap_or_default();
        let seconds = u32::try_from(now / 1_000).unwrap_or(u32::MAX);
        // What the policy excuses is closed, and said to be.
        let news = judge.resume(&before, seconds);
        let mut known = News::default();
        known.take(judge.cases());
        let mut bench = Self {
            news: known,
            judge,
            next: 0,
            first: 0,
        };
        if bench.judge.set_rules(rules) || news {
            bench.publish(store, now);
        }
        bench
    }

    /// Takes in what all have seen, and judges.
    pub(super) fn sit(&mut self, store: &SharedStore, now: Millis) {
        let mut batches = Vec::new();
        let mut taken = 0_usize;
        for _ in 0..BOXES {
            if taken >= ENOUGH {
                break;
            }
            let number = self.first % BOXES;
            self.first = self.first.wrapping_add(1);
            if let Some(batch) = empty(store, &name_of('m', number)) {
                taken = taken.saturating_add(batch.observations().len());
                batches.push(batch);
            }
        }
        let all: Vec<&Batch> = batches.iter().collect();
        if self.judge.sit(&all, now) {
            self.publish(store, now);
        }
        for _ in 0..PIECES {
            self.write(store, self.next);
            self.next = self.next.saturating_add(1);
            if self.next >= self.judge.pieces() {
                self.next = 0;
            }
        }
    }

    /// Writes down all that is known.
    pub(super) fn write_all(&self, store: &SharedStore) {
        for place in 0..self.judge.pieces() {
            self.write(store, place);
        }
    }

    fn write(&self, store: &SharedStore, place: usize) {
        store.write(&piece(place), &self.judge.piece(place));
    }

    /// Tells all VMs and the log what is known now.
    fn publish(&mut self, store: &SharedStore, now: Millis) {
        for place in 0..self.judge.vital() {
            self.write(store, place);
        }
        let book = self.judge.book();
        store.write(BOOK, &book.to_bytes());
        store.write(EDITION, &book.version().to_le_bytes());
        self.report(now);
    }

    /// Says in the log what has changed.
    fn report(&mut self, now: Millis) {
        for (event, case) in self.news.take(self.judge.cases()) {
            let metric = match event {
                Event::HeldBack => Plain::CampaignsHeldBack,
                Event::Suspected => Plain::CampaignsSuspected,
                Event::Convicted => Plain::CampaignsConvicted,
                Event::Closed => Plain::CampaignsClosed,
            };
            let level = match (event, case.stage) {
                (Event::Closed, _) | (_, Stage::Suspect) => Level::Info,
                (_, Stage::Convicted) => Level::Warn,
            };
            add(Metric::Plain(metric), 1);
            let templates = self.judge.templates(case.id);
            let line = record::campaign(event.label(), &case, &templates, now);
            abi::log(level, &["stillgate: campaign ", &line].concat());
        }
    }
}

/// Takes out what a box holds.
fn empty(store: &SharedStore, name: &str) -> Option<Batch> {
    for _ in 0..super::ATTEMPTS {
        let (held, cas) = store.value(name);
        if held.is_empty() {
            return None;
        }
        if store.replace(name, &[], cas) {
            return mail::open(&held);
        }
    }
    None
}

/// The name of a piece of what is known.
fn piece(place: usize) -> String {
    name_of('p', place as u64)
}
