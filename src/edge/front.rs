//! Where requests come in: reads them, carries out what is decided, and reads answers as they pass.
//!
//! A host goes through a request in this order: [`begin`](Front::begin); [`longest`](Front::longest), and if that is not 0
//! [`body`](Front::body); [`ask`](Front::ask), and if that is a message carries it to a ledger; [`act`](Front::act); if it
//! passes, [`answered`](Front::answered), [`pass`](Front::pass) for every chunk, [`held`](Front::held), [`end`](Front::end), and
//! [`close`](Front::close), which may come at any time.

use std::collections::BTreeMap;

use super::answer::Passing;
use super::memo::{Memo, Refusal};
use super::message::{self, Action, Admit, Ask, Body, Decided, Edit, Request, Settled};
use super::stream::{Admitted, State, Stream};
use crate::dialect::{Api, Dialect, request};
use crate::engine::{self, Content, Decision, Engine, Screening, Text};
use crate::exchange::{Exchange, Millis, Now};
use crate::identity::{self, Secret};
use crate::policy::check::Test;
use crate::record;
use crate::reply;
use crate::store::MemoryStore;
use crate::verdict::Reason;

/// Request headers that vouch for the body's bytes, which then must stay as they are.
const DIGESTS: [&[u8]; 4] = [
    b"content-digest",
    b"digest",
    b"content-md5",
    b"signature-input",
];

/// As many requests are under way. Beyond, the oldest is forgotten, as one whose host died without a word.
const MOST_STREAMS: usize = 16_384;

/// What is said of a stream that there is none of.
const GONE: &str = "there is no such request here: it was closed, or never begun";

/// Where requests come in.
pub struct Front {
    engine: Engine,
    secret: Secret,
    /// No counters: what they would say is a ledger's to say.
    nothing: MemoryStore,
    memo: Memo,
    streams: BTreeMap<u32, Stream>,
    next: u32,
}

impl Front {
    /// With nothing under way.
    ///
    /// # Errors
    /// When the policy has faults, or the secret can be guessed.
    pub fn new(policy: &str, secret: &str) -> Result<Self, String> {
        let (policy, secret) = (super::policy(policy)?, super::secret(secret)?);
        Ok(Self {
            engine: Engine::new(policy, secret),
            secret,
            nothing: MemoryStore::new(0),
            memo: Memo::default(),
            streams: BTreeMap::new(),
            next: 0,
        })
    }

    /// Whether the counters of a key may lie on another ledger than those of others: only if every rule counts by key, for what
    /// is counted of several keys together must lie in one place.
    #[must_use]
    pub fn spreads(&self) -> bool {
        self.engine.counts_by_key()
    }

    /// Takes a request at this moment; answers the name of its stream.
    ///
    /// # Errors
    /// When it is not a [`Request`] as JSON.
    pub fn begin(&mut self, request: &str, has_body: bool, now: Millis) -> Result<u32, String> {
        let mut request: Request =
            serde_json::from_str(request).map_err(|error| format!("not a request: {error}"))?;
        request.facts.trim(self.engine.policy());
        let mut stream = Stream::new(request);
        let screening = stream.with(|exchange| {
            self.engine
                .screen(exchange, has_body, Now::at(now), &self.nothing)
        });
        stream.reads = !matches!(screening, Screening::Ready(Content::None));
        let counted = |check: &crate::policy::check::Check| {
            matches!(check.test, Test::Distinct(_)) && !check.reads_model
        };
        let unread = if has_body { Body::Unread } else { Body::None };
        stream.state = match screening {
            // What counts is also told of a request that is refused for something else.
            Screening::Refuse(_) if self.engine.policy().checks.iter().any(counted) => {
                State::Asking(unread)
            }
            Screening::Refuse(decision) => State::Decided(decision),
            Screening::Ready(_) => State::Asking(unread),
            Screening::ReadBody => State::Reading,
        };
        if matches!(stream.state, State::Asking(_) | State::Reading) {
            let counters = stream.with(|exchange| self.engine.counters(exchange, stream.reads));
            if let Some(refusal) = self.memo.find(&counters, now) {
                stream.ahead = refusal.ahead;
                stream.state = State::Decided(Box::new(refusal.decision.clone()));
            }
        }
        let name = self.next;
        self.next = self.next.wrapping_add(1);
        self.streams.insert(name, stream);
        if self.streams.len() > MOST_STREAMS {
            self.streams.pop_first();
        }
        Ok(name)
    }

    /// How many bytes of the request's body are wanted at most; 0 if it may go unread. Of a longer one its beginning, of any
    /// length above this, is to be shown.
    #[must_use]
    pub fn longest(&self, stream: u32) -> u64 {
        match self.streams.get(&stream).map(|stream| &stream.state) {
            Some(State::Reading) => self.engine.policy().body,
            _ => 0,
        }
    }

    /// Takes the request's body, or the beginning of one that is too long.
    ///
    /// # Errors
    /// When there is no such stream.
    pub fn body(&mut self, stream: u32, bytes: &[u8]) -> Result<(), String> {
        let stream = self.streams.get_mut(&stream).ok_or(GONE)?;
        let length = bytes.len() as u64;
        let policy = self.engine.policy();
        if length > policy.body {
            stream.state = State::Asking(Body::TooLong(length));
            return Ok(());
        }
        stream.state = State::Asking(match request::read(bytes) {
            None => Body::Unreadable(length),
            Some(prompt) => {
                let sample = stream.with(|exchange| self.engine.sample(exchange, &prompt, bytes));
                if policy.asks_for_usage && !DIGESTS.iter().any(|name| stream.has(name)) {
                    let asks = stream.with(|exchange| {
                        // No other API of OpenAI's has this option, and those that are strict refuse what they do not know.
                        let content = Content::Read(&prompt, Text::Sampled(None));
                        let dialect = policy.dialect_of(exchange);
                        let api = engine::api(dialect, exchange.path, content);
                        dialect == Dialect::OpenAi && matches!(api, Api::Chat | Api::Completions)
                    });
                    stream.edit = prompt.usage_edit().filter(|_| asks);
                }
                Body::Read(Box::new(prompt), sample.map(Box::new))
            }
        });
        Ok(())
    }

    /// What a ledger is to be asked about the request; nothing if it is decided already.
    ///
    /// # Errors
    /// When there is no such stream.
    pub fn ask(&self, stream: u32) -> Result<Option<String>, String> {
        let stream = self.streams.get(&stream).ok_or(GONE)?;
        let body = match &stream.state {
            State::Asking(body) => body.clone(),
            State::Reading => Body::Unread,
            _ => return Ok(None),
        };
        let admit = Admit {
            request: stream.request.clone(),
            body,
        };
        Ok(Some(message::write(&Ask::Admit(Box::new(admit)))))
    }

    /// On which of so many ledgers the counters of the request lie, from 0.
    #[must_use]
    pub fn shard(&self, stream: u32, shards: u32) -> u32 {
        let Some(stream) = self.streams.get(&stream).filter(|_| self.spreads()) else {
            return 0;
        };
        let policy = self.engine.policy();
        let key = stream.with(|exchange| identity::identify(exchange, policy, self.secret));
        // The lower half: the upper one chooses the page.
        let key = key.map_or(0, |key| key.0 as u32);
        key.checked_rem(shards).unwrap_or(0)
    }

    /// What is to be done with the request, as an [`Action`] in JSON, now that the ledger has answered this; `None` if it could not
    /// be reached, or none was to be asked.
    ///
    /// # Errors
    /// When there is no such stream, or the answer is none.
    pub fn act(
        &mut self,
        stream: u32,
        answer: Option<&str>,
        now: Millis,
    ) -> Result<String, String> {
        let stream = self.streams.get_mut(&stream).ok_or(GONE)?;
        let state = core::mem::replace(&mut stream.state, State::Over);
        let unread = matches!(
            state,
            State::Asking(Body::Unread | Body::TooLong(_) | Body::Unreadable(_))
        );
        let decided = match (state, answer) {
            (State::Decided(decision), _) => alone(*decision, now),
            (_, None) => {
                let uncounted = |exchange: &Exchange<'_>| self.engine.uncounted(exchange);
                alone(stream.with(uncounted), now)
            }
            (_, Some(answer)) => {
                let decided: Decided = message::read(answer)?;
                stream.ahead = decided.now.wrapping_sub(now);
                let counters = stream.with(|exchange| self.engine.counters(exchange, stream.reads));
                remember(&mut self.memo, &counters, &decided, now);
                decided
            }
        };
        let action = carry_out(&self.engine, stream, decided, unread, now);
        Ok(message::write(&action))
    }

    /// What is to be done with the origin's answer, as an [`Answer`](message::Answer) in JSON. `headers` are pairs in JSON, names
    /// in lower case.
    ///
    /// # Errors
    /// When there is no such stream, or it was not admitted, or the headers are none.
    pub fn answered(
        &mut self,
        stream: u32,
        status: u16,
        headers: &str,
        now: Millis,
    ) -> Result<String, String> {
        let stream = self.streams.get_mut(&stream).ok_or(GONE)?;
        let policy = self.engine.policy();
        let dialect = stream.with(|exchange| policy.dialect_of(exchange));
        let now = clock(stream, now);
        let State::Admitted(admitted) = &mut stream.state else {
            return Err(String::from("a request that did not go on has no answer"));
        };
        let headers: Vec<(String, String)> = serde_json::from_str(headers)
            .map_err(|error| format!("not the headers of an answer: {error}"))?;
        let answer = admitted.answer(status, &headers, dialect, policy, now);
        Ok(message::write(&answer))
    }

    /// Takes a chunk of the answer; answers what is to be handed on instead, if that is something else.
    pub fn pass(&mut self, stream: u32, chunk: &[u8]) -> Option<Vec<u8>> {
        self.admitted(stream)?.pass(chunk)
    }

    /// What a ledger is told so that the request keeps its slots in flight.
    #[must_use]
    pub fn renew(&mut self, stream: u32) -> Option<String> {
        let open = self.admitted(stream)?.decided.open?;
        Some(message::write(&Ask::Renew(open)))
    }

    /// What was held back of the answer, and is to be handed on now that no more of it comes.
    pub fn held(&mut self, stream: u32) -> Vec<u8> {
        let admitted = self.admitted(stream);
        admitted.map(Admitted::held).unwrap_or_default()
    }

    /// With what message a ledger is told that the request is over, if it is to know. So many bytes of the request's body went to
    /// the origin.
    pub fn end(&mut self, stream: u32, sent: u64) -> Option<String> {
        self.admitted(stream)?.end(sent)
    }

    /// Forgets a stream; answers a line for the log, if there is something to be told only now. `settled` is what the ledger
    /// answered to its end, if it did.
    pub fn close(&mut self, stream: u32, settled: Option<&str>) -> Option<String> {
        let State::Admitted(admitted) = self.streams.remove(&stream)?.state else {
            return None;
        };
        let policy = self.engine.policy();
        if !policy.records_all || !admitted.decided.metered {
            return None;
        }
        let settled: Option<Settled> = settled.and_then(|text| message::read(text).ok());
        let settlement = settled.and_then(|settled| settled.settlement);
        let decision = &admitted.decided.decision;
        Some(record::write(decision, policy, settlement.as_ref()))
    }

    fn admitted(&mut self, stream: u32) -> Option<&mut Admitted> {
        match &mut self.streams.get_mut(&stream)?.state {
            State::Admitted(admitted) => Some(admitted),
            _ => None,
        }
    }
}

/// A decision for which no ledger was asked.
fn alone(decision: Decision, now: Millis) -> Decided {
    Decided {
        decision,
        now,
        open: None,
        awaited: false,
        metered: false,
        enforced: false,
        lease: None,
    }
}

/// Keeps a refusal that holds until a known moment: one of a quota that counts requests, which nothing is given back to.
fn remember(memo: &mut Memo, counters: &[(usize, u64)], decided: &Decided, now: Millis) {
    let decision = &decided.decision;
    let refused = decision.reason == Reason::Quota && !decision.verdict.passes();
    let (Some(place), Some(retry_at)) = (decision.quota().filter(|_| refused), decision.retry_at)
    else {
        return;
    };
    if let Some(counter) = counters.iter().find(|(quota, _)| *quota == place) {
        let refusal = Refusal {
            decision: decision.clone(),
            until: now.saturating_add(retry_at.saturating_sub(decided.now)),
            ahead: decided.now.wrapping_sub(now),
        };
        memo.keep(*counter, refusal, now);
    }
}

/// The moment, on the clock by which a request was decided.
const fn clock(stream: &Stream, now: Millis) -> Now {
    Now {
        steady: now.wrapping_add(stream.ahead),
        wall: now,
    }
}

/// Carries out a decision.
fn carry_out(
    engine: &Engine,
    stream: &mut Stream,
    decided: Decided,
    unread: bool,
    now: Millis,
) -> Action {
    let policy = engine.policy();
    let decision = &decided.decision;
    let told = record::is_due(decision, policy);
    // Of what is settled in the end it is told then.
    let later = policy.records_all && decided.metered;
    let record = (told && !later).then(|| record::write(decision, policy, None));
    if !decision.verdict.passes() {
        let dialect = stream.with(|exchange| policy.dialect_of(exchange));
        let reply = reply::refusal(decision, dialect, policy, clock(stream, now));
        return Action {
            pass: false,
            status: Some(reply.status),
            headers: reply.headers,
            remove: Vec::new(),
            body: Some(reply.body),
            edit: None,
            renew: None,
            record,
        };
    }
    let remove = stream.request.taken_off(policy, decided.enforced);
    let edit = stream.edit.take().filter(|_| decided.enforced);
    let passing = match &edit {
        Some(_) => Passing::Hide(Box::default()),
        None if decided.metered => Passing::Read(Box::default()),
        None => Passing::Unread,
    };
    let action = Action {
        pass: true,
        status: None,
        headers: reply::tags(decision, policy),
        remove,
        body: None,
        edit: edit.map(|edit| Edit {
            at: edit.at,
            remove: edit.remove,
            insert: edit.insert,
        }),
        renew: decided.lease.and_then(|lease| lease.checked_div(3)),
        record,
    };
    stream.state = State::Admitted(Box::new(Admitted {
        decided,
        unread,
        status: None,
        answered: false,
        passing,
    }));
    action
}
