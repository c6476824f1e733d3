//! Campaigns in one VM: what it has seen goes to whoever judges, and what was found comes back as a book.
//!
//! Any VM may judge, and one does, by a lease in shared data. It is best one that serves no requests, as that of the main
//! thread, and whose policy is the one in force. It writes down what it knows piece by piece, so that another one can go on.

mod bench;

use core::cell::{Cell, RefCell};
use std::rc::Rc;

use super::counters;
use super::running::add;
use super::shared::{SharedStore, fingerprint};
use crate::campaign::lease::{Lease, Turn};
use crate::campaign::{Batch, Book, Observation, mail};
use crate::exchange::Millis;
use crate::identity::Secret;
use crate::metrics::{Metric, Plain};
use crate::policy::campaigns::Campaigns;
use bench::Bench;

/// Boxes for what VMs have seen: a VM always takes the same one, and where there are more VMs some share one.
const BOXES: u64 = 32;

/// How often it is tried to put something into a box that others also use, or to take it out; then a tick later.
const ATTEMPTS: u32 = 8;

/// What a VM does about campaigns under one policy.
pub(super) struct Watch {
    rules: Campaigns,
    secret: Secret,
    /// Which policy this is.
    policy: [u8; 8],
    /// Who this is; 0 before the first tick.
    me: Cell<u64>,
    /// Whether requests come by here.
    serves: Cell<bool>,
    batch: RefCell<Batch>,
    book: RefCell<Rc<Book>>,
    /// Where it judges, if it does.
    bench: RefCell<Option<Bench>>,
}

impl Watch {
    /// Before the first tick.
    pub(super) fn new(
        rules: Campaigns,
        secret: Secret,
        configuration: &[u8],
        store: &SharedStore,
    ) -> Self {
        Self {
            rules,
            secret,
            policy: fingerprint(configuration),
            me: Cell::new(0),
            serves: Cell::new(false),
            batch: RefCell::default(),
            // What was found before holds from the first request on.
            book: RefCell::new(Rc::new(book(store).unwrap_or_default())),
            bench: RefCell::default(),
        }
    }

    /// What is known of campaigns.
    pub(super) fn book(&self) -> Rc<Book> {
        let book = self.book.try_borrow();
        book.map(|book| Rc::clone(&book)).unwrap_or_default()
    }

    /// Takes down what a request showed.
    pub(super) fn observe(&self, observation: Observation) {
        self.serves.set(true);
        if let Ok(mut batch) = self.batch.try_borrow_mut() {
            batch.push(observation);
        }
    }

    /// What is done every second: sends what was seen, judges if it is this VM's turn, and takes the book.
    pub(super) fn tick(&self, store: &SharedStore, now: Millis) {
        if self.me.get() == 0 {
            self.enter(store);
        }
        self.send(store);
        self.take_turn(store, now);
        let (edition, _) = store.value(EDITION);
        let edition = edition.as_slice().try_into().map(u32::from_le_bytes);
        if edition.is_ok_and(|edition| edition != self.book().version())
            && let Some(book) = book(store)
            && let Ok(mut held) = self.book.try_borrow_mut()
        {
            *held = Rc::new(book);
        }
    }

    /// Takes a number, and says that its policy is the one in force now.
    fn enter(&self, store: &SharedStore) {
        let number = (0..ATTEMPTS).find_map(|_| {
            let (last, cas) = store.value("vms");
            let last = last.as_slice().try_into().map_or(0, u64::from_le_bytes);
            let number = last.wrapping_add(1).max(1);
            let taken = store.replace("vms", &number.to_le_bytes(), cas);
            taken.then_some(number)
        });
        if let Some(number) = number {
            self.me.set(number);
            store.note(IN_FORCE, &self.policy);
        }
    }

    /// Puts what was seen where the judge takes it from.
    fn send(&self, store: &SharedStore) {
        let Ok(mut batch) = self.batch.try_borrow_mut() else {
            return;
        };
        if batch.observations().is_empty() {
            return;
        }
        let name = name_of('m', self.me.get() % BOXES);
        for _ in 0..ATTEMPTS {
            let (mut held, cas) = store.value(&name);
            let lost = mail::put(&mut held, &batch);
            if store.replace(&name, &held, cas) {
                let lost = lost.saturating_add(batch.dropped());
                add(Metric::Plain(Plain::CampaignUnobserved), u64::from(lost));
                batch.clear();
                return;
            }
        }
    }

    /// Judges, or lets another one judge.
    fn take_turn(&self, store: &SharedStore, now: Millis) {
        let Ok(mut bench) = self.bench.try_borrow_mut() else {
            return;
        };
        let (held, cas) = store.value("lease");
        let held = Lease::from_bytes(&held);
        let (in_force, _) = store.value(IN_FORCE);
        // An old policy lives on until its last stream has ended.
        let outdated = u64::from(in_force != self.policy);
        let rank = outdated << 1 | u64::from(self.serves.get());
        let turn = match self.me.get() {
            0 => Turn::Wait,
            me => Lease::turn(held, me, rank, now),
        };
        let write = |lease: Lease| store.replace("lease", &lease.to_bytes(), cas);
        match turn {
            Turn::Wait => *bench = None,
            Turn::Apply(lease) => {
                write(lease);
                *bench = None;
            }
            Turn::HandOver(lease) => {
                if let Some(bench) = bench.take() {
                    bench.write_all(store);
                }
                write(lease);
            }
            Turn::Judge(lease) => {
                // Whoever applies has come in between, and waits.
                let mine = held.is_some_and(|held| held.owner == lease.owner);
                if !write(lease) && !mine {
                    *bench = None;
                    return;
                }
                let rules = || self.rules.clone();
                let take_seat = || Bench::new(rules(), self.secret, store, now);
                bench.get_or_insert_with(take_seat).sit(store, now);
                counters::count(Metric::Plain(Plain::CampaignSittings), 1);
            }
        }
    }
}

/// The book in shared data.
fn book(store: &SharedStore) -> Option<Book> {
    Book::from_bytes(&store.value(BOOK).0)
}

/// The name of one of several values: a letter, and two digits.
fn name_of(kind: char, number: u64) -> String {
    let digit = |place: u64| char::from_digit((number >> place) as u32 & 15, 16);
    let digits = [digit(4), digit(0)].into_iter().flatten();
    core::iter::once(kind).chain(digits).collect()
}

/// The policy that came last.
const IN_FORCE: &str = "force";

/// The book.
const BOOK: &str = "book";

/// Its version: what all look at every second.
const EDITION: &str = "edition";
