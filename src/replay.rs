//! Requests that were recorded or made up, decided about as live ones are, by as many nodes as one likes.
//!
//! Every request goes the way that Envoy leads it: screened, its body read if the engine asks for it, decided about, and
//! settled as its answer says, all at one moment. So a request is never in flight, and a limit on those finds nothing.

mod line;
mod tally;

pub use line::line;
pub use tally::{Cause, Count, Tally, Touched, VERDICTS};

use crate::campaign::{Batch, Book, Case, Judge, MOST, Observation};
use crate::dialect::request;
use crate::engine::{Content, Decision, Ending, Engine, QuotaState, Screening, Settlement, Text};
use crate::estimate::Estimator;
use crate::exchange::{Exchange, Millis, Now};
use crate::identity::Secret;
use crate::policy::Policy;
use crate::simulate;
use crate::store::MemoryStore;
use crate::trace::Record;
use crate::usage::{Seen, Told};

/// How often a judge sits that has only one node to listen to, in milliseconds: as often as in Envoy.
pub const SITTING: Millis = 10_000;

/// The secret where nobody has one, so that everybody who looks at the same traffic reads the same names.
pub const SECRET: &[u8] = b"a replay is no secret";

/// After a pause that was longer than a sitting, judges catch up on as many at most.
const CATCH_UP: u64 = 2;

/// Nodes that decide, and share what they see.
///
/// Counters are exact and the same for all of them; so is what is learned of tokens. What campaigns are known is each judge's
/// word, which comes as late as it does live: a new book reaches nodes with the sitting after the one that made it.
pub struct Fleet {
    engine: Engine,
    store: MemoryStore,
    estimator: Estimator,
    /// One for all nodes, or one for each; none if campaigns are not looked for.
    courts: Vec<Court>,
    nodes: usize,
    /// Whose turn it is.
    turn: usize,
    every: Millis,
    /// When the judges sit next, on the steady clock; 0 before the first request.
    due: Millis,
    /// The latest moment of a request.
    latest: Millis,
    dropped: u64,
    last: Option<Observation>,
    settlement: Option<Settlement>,
}

/// What came of a request that passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answer {
    /// The origin's status.
    pub status: u16,
    /// What it told of the usage. Without it, what was reserved stands.
    pub usage: Option<Told>,
}

/// A judge, and the nodes that listen to it.
struct Court {
    judge: Judge,
    /// What each of its nodes has seen since it last sat.
    batches: Vec<Batch>,
    /// What its nodes go by.
    book: Book,
    /// What they will go by when it has sat again.
    coming: Option<Book>,
}

impl Fleet {
    /// As many nodes, at least one, that have seen nothing. Every `merge` milliseconds what they saw is brought together and
    /// judged; without it every node judges for itself, each [`SITTING`].
    #[must_use]
    pub fn new(policy: Policy, secret: Secret, nodes: u32, merge: Option<Millis>) -> Self {
        let nodes = (nodes as usize).max(1);
        let (courts, size) = match merge {
            Some(_) => (1, nodes),
            None => (nodes, 1),
        };
        let court = |rules| Court {
            judge: Judge::new(rules, secret),
            batches: vec![Batch::default(); size],
            book: Book::default(),
            coming: None,
        };
        let rules = policy.campaigns.as_ref();
        Self {
            courts: rules
                .map(|rules| (0..courts).map(|_| court(rules.clone())).collect())
                .unwrap_or_default(),
            store: MemoryStore::new(policy.memory),
            engine: Engine::new(policy, secret),
            estimator: Estimator::new(),
            nodes,
            turn: 0,
            every: merge.unwrap_or(SITTING).max(1),
            due: 0,
            latest: 0,
            dropped: 0,
            last: None,
            settlement: None,
        }
    }

    /// Decides about a request at the node whose turn it is, settles it as its answer says if it passes, and takes down what
    /// it showed. If it is the first for some time, the judges sit before.
    pub fn request(
        &mut self,
        exchange: &Exchange<'_>,
        body: Option<&[u8]>,
        answer: &Answer,
        now: Now,
    ) -> Decision {
        self.attend(now.steady);
        let node = self.turn;
        self.turn = self.turn.saturating_add(1);
        if self.turn >= self.nodes {
            self.turn = 0;
        }
        let place = self.court_of(node);
        let nobody = Book::default();
        let book = place
            .and_then(|(court, _)| self.courts.get(court))
            .map_or(&nobody, |court| &court.book);
        let (mut decision, unread) = self.decide(exchange, body, book, now);
        self.settlement = None;
        let observation = if decision.verdict.passes() {
            self.settle(&mut decision, unread, answer, now)
        } else {
            decision.reservation.take_refused()
        };
        self.last = observation;
        let (Some(observation), Some((court, batch))) = (observation, place) else {
            return decision;
        };
        let Some(court) = self.courts.get_mut(court) else {
            return decision;
        };
        if let Some(batch) = court.batches.get_mut(batch) {
            batch.push(observation);
            if batch.observations().len() >= MOST {
                self.dropped = self.dropped.saturating_add(court.sit(self.latest));
            }
        }
        decision
    }

    /// Decides about a request that was recorded, which ends as it did then; see [`request`](Self::request).
    pub fn recorded(&mut self, record: &Record<'_>) -> Decision {
        let headers = record.headers();
        let answer = Answer {
            status: record.status.unwrap_or(200),
            usage: record.usage,
        };
        let (exchange, body) = (record.exchange(&headers), record.body.as_deref());
        self.request(&exchange, body, &answer, record.now())
    }

    /// Decides about a request that was made up, which is answered if it passes; see [`request`](Self::request).
    pub fn made(&mut self, request: &simulate::Request) -> Decision {
        let headers = request.headers();
        let answer = Answer {
            status: 200,
            usage: Some(Told {
                input: Some(u64::from(request.input)),
                output: Some(u64::from(request.output)),
                cached: 0,
                reasoning: 0,
            }),
        };
        let (exchange, body) = (request.exchange(&headers), Some(request.body.as_slice()));
        self.request(&exchange, body, &answer, Now::at(request.t))
    }

    /// The campaigns that are suspected or convicted, those that are convicted first. One that several judges have found is
    /// named once, as the judge sees it that has seen most of it.
    #[must_use]
    pub fn cases(&self) -> Vec<Case> {
        let mut cases: Vec<Case> = Vec::new();
        for case in self.courts.iter().flat_map(|court| court.judge.cases()) {
            match cases.iter_mut().find(|other| other.id == case.id) {
                Some(other) if (case.stage, case.requests) > (other.stage, other.requests) => {
                    *other = case;
                }
                Some(_) => {}
                None => cases.push(case),
            }
        }
        cases.sort_by_key(|case| core::cmp::Reverse(case.stage));
        cases
    }

    /// Has the judges sit once more, over what they have not been shown yet.
    pub fn close(&mut self) {
        for court in &mut self.courts {
            self.dropped = self.dropped.saturating_add(court.sit(self.latest));
        }
    }

    /// What the last request showed, if it may be evidence: so that it need not be read again by whoever looks on.
    #[must_use]
    pub const fn last(&self) -> Option<&Observation> {
        self.last.as_ref()
    }

    /// What came of the last request's tokens, if a quota counts them and it passed.
    #[must_use]
    pub const fn settlement(&self) -> Option<&Settlement> {
        self.settlement.as_ref()
    }

    /// How every quota stands that covers a request like this; it is not counted.
    #[must_use]
    pub fn standings(
        &self,
        exchange: &Exchange<'_>,
        body: Option<&[u8]>,
        now: Now,
    ) -> Vec<QuotaState> {
        let nobody = Book::default();
        let book = self.courts.first().map_or(&nobody, |court| &court.book);
        let bytes = body.unwrap_or_default();
        let long = bytes.len() as u64 > self.engine.policy().body;
        let prompt = request::read(bytes).filter(|_| !long);
        let content = match (&prompt, body) {
            (_, None) => Content::None,
            (Some(prompt), _) => Content::Read(prompt, Text::Bytes(bytes)),
            (None, Some(bytes)) => Content::Unreadable(bytes.len() as u64),
        };
        self.engine
            .standings(exchange, content, book, now, &self.store)
    }

    /// The features by which a campaign is known, 32 at most, the most specific first.
    #[must_use]
    pub fn templates(&self, campaign: u64) -> Vec<u64> {
        let mut known = self
            .courts
            .iter()
            .map(|court| court.judge.templates(campaign));
        known.find(|it| !it.is_empty()).unwrap_or_default()
    }

    /// The features that are known for campaigns', each with its campaign.
    pub fn convicted(&self) -> impl Iterator<Item = (u64, u64)> {
        self.courts.iter().flat_map(|court| {
            let book = court.judge.book();
            book.entries().filter_map(|entry| {
                let campaign = book.campaigns().get(usize::from(entry.campaign))?;
                Some((entry.feature, campaign.id))
            })
        })
    }

    /// The engine that all nodes share.
    #[must_use]
    pub const fn engine(&self) -> &Engine {
        &self.engine
    }

    /// How many observations there was no room for in a batch.
    #[must_use]
    pub const fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Has the judges sit if it is time.
    fn attend(&mut self, now: Millis) {
        self.latest = self.latest.max(now);
        if self.latest < self.due || self.courts.is_empty() {
            return;
        }
        // All of them sit at full multiples, wherever a trace begins.
        let beyond = self.latest.checked_rem(self.every).unwrap_or(0);
        let last = self.latest.saturating_sub(beyond);
        let first = self.due;
        self.due = last.saturating_add(self.every);
        if first == 0 {
            return;
        }
        let behind = last.saturating_sub(first).checked_div(self.every);
        let missed = behind.unwrap_or(0).min(CATCH_UP);
        let mut sittings = vec![first];
        sittings.extend((0..missed).rev().map(|back| {
            let back = back.saturating_mul(self.every);
            last.saturating_sub(back)
        }));
        for at in sittings {
            for court in &mut self.courts {
                self.dropped = self.dropped.saturating_add(court.sit(at));
            }
        }
    }

    /// The court of a node, and its place there.
    fn court_of(&self, node: usize) -> Option<(usize, usize)> {
        match self.courts.len() {
            0 => None,
            1 => Some((0, node)),
            _ => Some((node, 0)),
        }
    }

    /// What is decided about a request, and how long its body is if it could not be read.
    fn decide(
        &self,
        exchange: &Exchange<'_>,
        body: Option<&[u8]>,
        book: &Book,
        now: Now,
    ) -> (Decision, Option<u64>) {
        let (engine, store) = (&self.engine, &self.store);
        let decide = |content| engine.decide(exchange, content, &self.estimator, book, now, store);
        let bytes = body.unwrap_or_default();
        let length = bytes.len() as u64;
        match engine.screen(exchange, body.is_some(), now, store) {
            Screening::Refuse(decision) => (*decision, None),
            Screening::Ready(content) => {
                let unread = matches!(content, Content::Unreadable(_));
                (decide(content), unread.then_some(length))
            }
            Screening::ReadBody => {
                let long = length > engine.policy().body;
                if long && engine.needs_body_of(exchange, now, store) {
                    return (engine.too_large(), None);
                }
                match request::read(bytes).filter(|_| !long) {
                    Some(prompt) => (decide(Content::Read(&prompt, Text::Bytes(bytes))), None),
                    None => (decide(Content::Unreadable(length)), Some(length)),
                }
            }
        }
    }

    /// Ends a request that passed; answers what it showed. Pages in memory can always be reached.
    fn settle(
        &mut self,
        decision: &mut Decision,
        unread: Option<u64>,
        answer: &Answer,
        now: Now,
    ) -> Option<Observation> {
        let (engine, store) = (&self.engine, &self.store);
        if !decision.leases.is_empty() {
            let _ = engine.release(&decision.leases, now, store);
        }
        let reservation = &mut decision.reservation;
        if reservation.is_empty() {
            return None;
        }
        if reservation.is_news() {
            let _ = engine.remember(reservation, answer.status, now, store);
        }
        if let Some(length) = unread {
            reservation.note_length(length, &self.estimator);
        }
        let ending = Ending::Answered {
            status: answer.status,
            seen: answer.usage.map(|told| Seen {
                told,
                came: true,
                understood: true,
                complete: true,
                ..Seen::default()
            }),
        };
        let (settlement, _) = engine.settle(reservation, &ending, &self.estimator, now, store);
        let shown = reservation.served(&ending, &settlement);
        self.settlement = reservation.is_metered().then_some(settlement);
        shown
    }
}

impl Court {
    /// Hands out what the last sitting found, and judges what was seen since; answers how much there was no room for.
    fn sit(&mut self, now: Millis) -> u64 {
        if let Some(book) = self.coming.take() {
            self.book = book;
        }
        let batches: Vec<&Batch> = self.batches.iter().collect();
        let news = self.judge.sit(&batches, now);
        if news {
            self.coming = Some(self.judge.book().clone());
        }
        let dropped = self.batches.iter().map(|batch| u64::from(batch.dropped()));
        let dropped = dropped.fold(0, u64::saturating_add);
        self.batches.iter_mut().for_each(Batch::clear);
        dropped
    }
}

#[cfg(test)]
mod tests;
