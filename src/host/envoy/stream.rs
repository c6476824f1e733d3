//! One request in Envoy. Everything is read in the headers callback: afterwards Envoy's header maps are gone.

use core::net::{IpAddr, SocketAddr};
use std::rc::Rc;

use proxy_wasm::traits::{Context, HttpContext};
use proxy_wasm::types::Action;

use super::abi::{self, Buffer, Level, Map};
use super::answer::Admitted;
use super::counters;
use super::kept::Kept;
use super::running::{ESTIMATOR, Running, now};
use crate::dialect::request;
use crate::engine::{Content, Decision, Screening, Text};
use crate::exchange::{Attributes, Exchange, Foreseen, Model, Now, split_target};
use crate::host::wire::pairs;
use crate::metrics::{Metric, Part};
use crate::record;
use crate::reply;

/// A request on its way through the filter.
pub(super) struct Stream {
    id: u32,
    running: Option<Rc<Running>>,
    state: State,
}

/// How far it has come.
enum State {
    /// Nothing is decided.
    New,
    /// The body is awaited: the headers as the host handed them over, and what is known of the body.
    Reading { headers: Vec<u8>, body: Body },
    /// It goes on to the origin, and an answer comes back.
    Admitted(Box<Admitted>),
    /// It was answered here.
    Refused,
}

/// What is known of a body that has not ended.
#[derive(Default)]
struct Body {
    /// How much of it Envoy holds; under a policy in shadow, which has it hold nothing, how much has passed.
    length: usize,
    /// What has passed of it says this.
    passed: Option<Box<request::Reader>>,
    /// What has passed of it, where that is evidence.
    kept: Kept,
}

/// What Envoy knows of the request beside its bytes.
struct Host;

impl Attributes for Host {
    fn source(&self) -> Option<IpAddr> {
        let text = abi::property("source\0address")?;
        let text = core::str::from_utf8(&text).ok()?;
        text.parse::<SocketAddr>()
            .map(|address| address.ip())
            .or_else(|_| text.parse())
            .ok()
    }

    fn property(&self, path: &[String]) -> Option<Vec<u8>> {
        abi::property(&path.join("\0"))
    }

    /// What the TLS inspector saw, from the filter state that `envoy.yaml` has it put into.
    fn vouched(&self, name: &str) -> Option<Vec<u8>> {
        match name {
            "ja4" => abi::property("filter_state\0fp.ja4"),
            "ja3" => abi::property("filter_state\0fp.ja3"),
            _ => None,
        }
    }
}

impl Stream {
    pub(super) const fn new(id: u32, running: Option<Rc<Running>>) -> Self {
        Self {
            id,
            running,
            state: State::New,
        }
    }

    /// Looks at the headers, and decides unless the body is needed for it.
    fn on_headers(&mut self, running: &Rc<Running>, ends: bool) -> Action {
        let headers = abi::headers(Map::Request);
        let request = Request::read(&headers);
        let shadow = running.engine.policy().shadow;
        if !shadow {
            for (name, _) in request
                .headers
                .iter()
                .filter(|(name, _)| reply::is_own(name))
            {
                abi::remove_header(Map::Request, name);
            }
        }
        let now = now();
        let screening = running
            .engine
            .screen(&request.exchange(), !ends, now, &running.store);
        match screening {
            Screening::Ready(content) => self.decide(running, &request, content, now),
            Screening::Refuse(decision) => self.act(running, *decision, &request, now),
            Screening::ReadBody => {
                self.state = State::Reading {
                    headers,
                    body: Body::default(),
                };
                // In shadow the body is read as it passes: to hold it would change the traffic's pace.
                if shadow {
                    Action::Continue
                } else {
                    Action::Pause
                }
            }
        }
    }

    /// Reads the body once it is complete, under the policy's cap. `size` is how much of it Envoy holds.
    fn on_body(&mut self, running: &Rc<Running>, size: usize, ends: bool) -> Action {
        let policy = running.engine.policy();
        let State::Reading { body, .. } = &mut self.state else {
            return self.after_decision(size);
        };
        if policy.shadow {
            body.length = body.length.saturating_add(size);
            let reader = body.passed.get_or_insert_default();
            let bytes = abi::buffer(Buffer::RequestBody, 0, size);
            reader.feed(&bytes);
            if running.watches() {
                body.kept.add(&bytes, policy.body);
            }
        } else {
            body.length = size;
        }
        let long = body.length as u64 > policy.body;
        if ends || long {
            return self.on_whole_body(running, long);
        }
        if policy.shadow {
            Action::Continue
        } else {
            Action::Pause
        }
    }

    /// Decides about a body that has ended, or is too `long` to be read.
    fn on_whole_body(&mut self, running: &Rc<Running>, long: bool) -> Action {
        let engine = &running.engine;
        let State::Reading { headers, body } = &mut self.state else {
            return self.after_decision(0);
        };
        let (headers, mut body) = (core::mem::take(headers), core::mem::take(body));
        let request = Request::read(&headers);
        let now = now();
        if long && engine.needs_body_of(&request.exchange(), now, &running.store) {
            return self.act(running, engine.too_large(), &request, now);
        }
        let length = body.length as u64;
        let mut bytes = Vec::new();
        let prompt = match body.passed {
            _ if long => None,
            Some(reader) => {
                bytes = body.kept.take();
                reader.finish()
            }
            None => {
                bytes = abi::buffer(Buffer::RequestBody, 0, body.length);
                request::read(&bytes)
            }
        };
        let content = match &prompt {
            Some(prompt) => Content::Read(prompt, Text::Bytes(&bytes)),
            None => Content::Unreadable(length),
        };
        let action = self.decide(running, &request, content, now);
        if let State::Admitted(admitted) = &mut self.state {
            match &prompt {
                Some(prompt) => admitted.ask_for_usage(running, &request, prompt, &bytes),
                None => admitted.sent = Some(length),
            }
        }
        action
    }

    /// What becomes of bytes that come when all is decided.
    fn after_decision(&mut self, size: usize) -> Action {
        match &mut self.state {
            State::Refused => Action::Pause,
            State::Admitted(admitted) => {
                if let Some(sent) = &mut admitted.sent {
                    *sent = sent.saturating_add(size as u64);
                }
                Action::Continue
            }
            State::New | State::Reading { .. } => Action::Continue,
        }
    }

    fn decide(
        &mut self,
        running: &Rc<Running>,
        request: &Request<'_>,
        content: Content<'_>,
        now: Now,
    ) -> Action {
        let (engine, exchange) = (&running.engine, request.exchange());
        let unread = matches!(content, Content::Unreadable(_));
        if unread {
            counters::count(Metric::Unreadable(Part::Request), 1);
        }
        let decision = engine.decide(
            &exchange,
            content,
            &ESTIMATOR,
            &running.book(),
            now,
            &running.store,
        );
        let action = self.act(running, decision, request, now);
        if let State::Admitted(admitted) = &mut self.state {
            admitted.sent = unread.then_some(0);
        }
        action
    }

    /// Counts and records a decision, and carries it out.
    fn act(
        &mut self,
        running: &Rc<Running>,
        mut decision: Decision,
        request: &Request<'_>,
        now: Now,
    ) -> Action {
        let policy = running.engine.policy();
        let dialect = policy.dialect_of(&request.exchange());
        running.count(&decision);
        if record::is_due(&decision, policy) {
            let record = record::write(&decision, policy, None);
            abi::set_property("stillgate", record.as_bytes());
        }
        if decision.verdict.passes() {
            for (name, value) in reply::tags(&decision, policy) {
                abi::add_header(Map::Request, name, &value);
            }
            if !decision.leases.is_empty() {
                running.hold(self.id, core::mem::take(&mut decision.leases), now);
            }
            // An answer that is compressed cannot be read.
            if decision.reservation.is_enforced() && request.has(b"accept-encoding") {
                abi::remove_header(Map::Request, b"accept-encoding");
            }
            self.state = State::Admitted(Box::new(Admitted::new(decision, dialect)));
            return Action::Continue;
        }
        running.observe(decision.reservation.take_refused());
        self.state = State::Refused;
        let reply = reply::refusal(&decision, dialect, policy, now);
        let headers = pairs::write(
            reply
                .headers
                .iter()
                .map(|(name, value)| (*name, value.as_str())),
        );
        if abi::reply(
            u32::from(reply.status),
            &reply.details,
            &headers,
            &reply.body,
        )
        .is_err()
        {
            abi::log(
                Level::Error,
                "stillgate: the host did not take a reply; the request is held",
            );
        }
        Action::Pause
    }
}

impl Context for Stream {}

impl HttpContext for Stream {
    fn on_http_request_headers(&mut self, _: usize, ends: bool) -> Action {
        match self.running.clone() {
            Some(running) => self.on_headers(&running, ends),
            None => Action::Continue,
        }
    }

    fn on_http_request_body(&mut self, size: usize, ends: bool) -> Action {
        match self.running.clone() {
            Some(running) => self.on_body(&running, size, ends),
            None => Action::Continue,
        }
    }

    fn on_http_request_trailers(&mut self, _: usize) -> Action {
        // A body that trailers follow has no last callback of its own.
        match self.running.clone() {
            Some(running) => self.on_whole_body(&running, false),
            None => Action::Continue,
        }
    }

    fn on_http_response_headers(&mut self, _: usize, ends: bool) -> Action {
        if let (State::Admitted(admitted), Some(running)) = (&mut self.state, &self.running) {
            admitted.on_headers(running, ends);
        }
        Action::Continue
    }

    fn on_http_response_body(&mut self, size: usize, ends: bool) -> Action {
        if let (State::Admitted(admitted), Some(running)) = (&mut self.state, &self.running) {
            admitted.on_body(running, size, ends);
        }
        Action::Continue
    }

    fn on_log(&mut self) {
        if let Some(running) = &self.running {
            if let State::Admitted(admitted) = &mut self.state {
                admitted.settle(running);
            }
            running.release(self.id);
        }
    }
}

/// A request's headers, taken apart.
pub(super) struct Request<'h> {
    method: &'h [u8],
    /// Without its query.
    pub(super) path: &'h [u8],
    query: &'h [u8],
    headers: Vec<(&'h [u8], &'h [u8])>,
}

impl<'h> Request<'h> {
    fn read(block: &'h [u8]) -> Self {
        let mut request = Self {
            method: b"",
            path: b"",
            query: b"",
            headers: pairs::read(block),
        };
        for &(name, value) in &request.headers {
            match name {
                b":method" => request.method = value,
                b":path" => (request.path, request.query) = split_target(value),
                _ => {}
            }
        }
        request
    }

    fn exchange(&self) -> Exchange<'_> {
        Exchange {
            method: self.method,
            path: self.path,
            query: self.query,
            headers: &self.headers,
            model: Model::Absent,
            foreseen: Foreseen::default(),
            attributes: &Host,
        }
    }

    /// Whether there is a header of this name, in lower case.
    pub(super) fn has(&self, name: &[u8]) -> bool {
        self.headers.iter().any(|(other, _)| *other == name)
    }
}
