//! The counters of a shard of keys: decides about requests, remembers which are under way, and settles them.

use std::collections::BTreeMap;

use super::kept::Kept;
use super::message::{self, Admit, Ask, Body, Decided, Ended, Settled};
use crate::campaign::{Batch, Book, mail};
use crate::engine::{
    Content, Decision, Ending, Engine, Lease, Reservation, Screening, Settlement, Text,
};
use crate::estimate::Estimator;
use crate::exchange::{Exchange, Millis, Now};
use crate::store::Store as _;

/// As many requests are remembered to be under way. Beyond, the oldest is forgotten: what it reserved stays charged until its
/// window is over, and its slots run out.
const MOST_OPEN: usize = 65_536;

/// The counters of a shard of keys, and what is under way.
pub struct Ledger {
    engine: Engine,
    store: Kept,
    estimator: Estimator,
    open: BTreeMap<u64, Open>,
    /// The name of the next request. Names begin at the moment at which the ledger does, so that none comes twice.
    next: u64,
    /// The latest moment, so that a clock that is set back gives nobody anything back.
    latest: Millis,
    book: Book,
    batch: Batch,
}

/// A request under way.
struct Open {
    leases: Vec<Lease>,
    reservation: Reservation,
}

impl Ledger {
    /// An empty one.
    ///
    /// # Errors
    /// When the policy has faults, or the secret can be guessed.
    pub fn new(policy: &str, secret: &str, now: Millis) -> Result<Self, String> {
        let (policy, secret) = (super::policy(policy)?, super::secret(secret)?);
        Ok(Self {
            store: Kept::new(policy.memory),
            engine: Engine::new(policy, secret),
            estimator: Estimator::new(),
            open: BTreeMap::new(),
            next: now << 20,
            latest: now,
            book: Book::default(),
            batch: Batch::default(),
        })
    }

    /// Takes a message at this moment, in milliseconds since 1970, and answers it.
    ///
    /// # Errors
    /// When it is none.
    pub fn tell(&mut self, message: &str, now: Millis) -> Result<String, String> {
        self.latest = self.latest.max(now);
        let now = Now::at(self.latest);
        Ok(match message::read(message)? {
            Ask::Admit(admit) => message::write(&self.admit(*admit, now)),
            Ask::Answered(open, status) => {
                self.answered(open, status, now);
                message::write(&Settled::default())
            }
            Ask::Ended(ended) => message::write(&self.ended(&ended, now)),
            Ask::Renew(open) => {
                if let Some(open) = self.open.get_mut(&open) {
                    // Pages in memory can always be reached.
                    let _ = self.engine.renew(&mut open.leases, now, &self.store);
                }
                message::write(&Settled::default())
            }
        })
    }

    /// How many pages there are. Pages that were written down under another number are of no use.
    #[must_use]
    pub fn pages(&self) -> u32 {
        self.store.pages()
    }

    /// Takes a page that was written down; `false` if it is none of this version.
    pub fn load(&self, page: u32, bytes: &[u8]) -> bool {
        self.store.load(page, bytes)
    }

    /// The pages that changed since this was last asked.
    #[must_use]
    pub fn take_changed(&self) -> Vec<u32> {
        self.store.take_changed()
    }

    /// What is to be written down of a page; nothing if it is empty, and need not be kept.
    #[must_use]
    pub fn page(&self, page: u32) -> Option<Vec<u8>> {
        self.store.bytes(page)
    }

    /// Forgets what is replenished on these pages.
    pub fn tidy(&self, pages: &[u32], now: Millis) {
        self.store.tidy(pages, self.latest.max(now));
    }

    /// How many requests are under way.
    #[must_use]
    pub fn open_requests(&self) -> usize {
        self.open.len()
    }

    /// Whether campaigns are looked for.
    #[must_use]
    pub const fn watches(&self) -> bool {
        self.engine.policy().campaigns.is_some()
    }

    /// What requests have shown since this was last asked, for a judge; nothing if that is nothing.
    pub fn take_mail(&mut self) -> Option<Vec<u8>> {
        if self.batch.observations().is_empty() {
            return None;
        }
        let mut bytes = Vec::new();
        mail::put(&mut bytes, &self.batch);
        self.batch.clear();
        Some(bytes)
    }

    /// The version of what is known of campaigns.
    #[must_use]
    pub const fn edition(&self) -> u32 {
        self.book.version()
    }

    /// Takes what a judge has found; `false` if it is not that.
    pub fn take_book(&mut self, bytes: &[u8]) -> bool {
        let Some(book) = Book::from_bytes(bytes) else {
            return false;
        };
        self.book = book;
        true
    }

    fn admit(&mut self, admit: Admit, now: Now) -> Decided {
        let headers = admit.request.bytes();
        let pairs = message::pairs(&headers);
        let exchange = admit.request.exchange(&pairs);
        let mut decision = self.decide(&exchange, &admit.body, now);
        let leases = core::mem::take(&mut decision.leases);
        let mut reservation = core::mem::take(&mut decision.reservation);
        if !decision.verdict.passes()
            && let Some(observation) = reservation.take_refused()
        {
            self.batch.push(observation);
        }
        let awaited = decision.verdict.passes() && !reservation.is_empty();
        let mut decided = Decided {
            now: now.steady,
            open: None,
            awaited,
            metered: awaited && reservation.is_metered(),
            enforced: awaited && reservation.is_enforced(),
            lease: leases.iter().map(Lease::length).min(),
            decision,
        };
        if awaited || !leases.is_empty() {
            decided.open = Some(self.next);
            self.open.insert(
                self.next,
                Open {
                    leases,
                    reservation,
                },
            );
            self.next = self.next.saturating_add(1);
            if self.open.len() > MOST_OPEN {
                self.open.pop_first();
            }
        }
        decided
    }

    /// Decides in the order that every host keeps: first what the headers alone settle.
    fn decide(&self, exchange: &Exchange<'_>, body: &Body, now: Now) -> Decision {
        let (engine, store) = (&self.engine, &self.store);
        let decide =
            |content| engine.decide(exchange, content, &self.estimator, &self.book, now, store);
        match engine.screen(exchange, *body != Body::None, now, store) {
            Screening::Refuse(decision) => *decision,
            Screening::Ready(content) => decide(content),
            Screening::ReadBody => match body {
                Body::None => decide(Content::None),
                Body::Unread => decide(Content::Unreadable(0)),
                Body::TooLong(_) if engine.needs_body_of(exchange, now, store) => {
                    engine.too_large()
                }
                Body::TooLong(length) | Body::Unreadable(length) => {
                    decide(Content::Unreadable(*length))
                }
                Body::Read(prompt, sample) => {
                    decide(Content::Read(prompt, Text::Sampled(sample.as_deref())))
                }
            },
        }
    }

    /// Counts what a request showed that has this answer, and settles what the status alone decides.
    fn answered(&mut self, name: u64, status: u16, now: Now) {
        let Some(open) = self.open.get_mut(&name) else {
            return;
        };
        if open.reservation.is_news() {
            let remembered = self
                .engine
                .remember(&mut open.reservation, status, now, &self.store);
            // Pages in memory can always be reached.
            let _ = remembered;
        }
        if !open.reservation.is_metered() {
            let reservation = core::mem::take(&mut open.reservation);
            if open.leases.is_empty() {
                self.open.remove(&name);
            }
            self.settle(&reservation, &Ending::Answered { status, seen: None }, now);
        }
    }

    fn ended(&mut self, ended: &Ended, now: Now) -> Settled {
        let Some(mut open) = self.open.remove(&ended.open) else {
            return Settled::default();
        };
        // Pages in memory can always be reached.
        let _ = self.engine.release(&open.leases, now, &self.store);
        if open.reservation.is_empty() {
            return Settled::default();
        }
        if let Some(sent) = ended.sent {
            open.reservation.note_length(sent, &self.estimator);
        }
        let ending = match ended.status {
            None => Ending::Silent,
            Some(status) => Ending::Answered {
                status,
                seen: ended.seen,
            },
        };
        let settlement = self.settle(&open.reservation, &ending, now);
        Settled {
            settlement: open.reservation.is_metered().then_some(settlement),
        }
    }

    fn settle(&mut self, reservation: &Reservation, ending: &Ending, now: Now) -> Settlement {
        let (settlement, _) =
            self.engine
                .settle(reservation, ending, &self.estimator, now, &self.store);
        if let Some(observation) = reservation.served(ending, &settlement) {
            self.batch.push(observation);
        }
        settlement
    }
}
