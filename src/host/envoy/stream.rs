//! One request in Envoy. Everything is read in the headers callback: afterwards Envoy's header maps are gone.

use core::net::{IpAddr, SocketAddr};
use std::rc::Rc;

use proxy_wasm::traits::{Context, HttpContext};
use proxy_wasm::types::Action;
use smallvec::SmallVec;

use super::abi::{self, Buffer, Level, Map};
use super::running::{Running, now};
use crate::dialect::Dialect;
use crate::dialect::request::{self, Prompt};
use crate::engine::{Decision, Screening};
use crate::exchange::{Attributes, Exchange, Model, Now, split_target};
use crate::host::wire::pairs;
use crate::record;
use crate::reply::{self, FAMILIES, Family};
use crate::verdict::{Reason, Verdict};

/// Request headers that only Stillgate sets.
const OWN_HEADERS: &[u8] = b"x-stillgate-";

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
    /// The body is awaited: the headers as the host handed them over, and in shadow what has passed of the body.
    Reading { headers: Vec<u8>, body: Body },
    /// It goes on to the origin.
    Admitted {
        decision: Box<Decision>,
        dialect: Dialect,
    },
    /// It was answered here.
    Refused,
}

/// What is known of a body that has not ended.
#[derive(Default)]
struct Body {
    /// How much of it Envoy holds.
    held: usize,
    /// What has passed of it, under a policy in shadow: there Envoy holds nothing.
    passed: Vec<u8>,
}

/// What Envoy knows of the request beside its bytes.
struct Host;

impl Attributes for Host {
    fn source(&self) -> Option<IpAddr> {
        let text = abi::property(&["source", "address"])?;
        let text = core::str::from_utf8(&text).ok()?;
        text.parse::<SocketAddr>()
            .map(|address| address.ip())
            .or_else(|_| text.parse())
            .ok()
    }

    fn property(&self, path: &[String]) -> Option<Vec<u8>> {
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        abi::property(&path)
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
                .filter(|(name, _)| name.starts_with(OWN_HEADERS))
            {
                abi::remove_header(Map::Request, name);
            }
        }
        let now = now();
        let screening =
            running
                .engine
                .screen(&request.exchange(Model::Absent), !ends, now, &running.store);
        match screening {
            Screening::Ready(None) => self.decide(running, &request, Model::Absent, now),
            Screening::Ready(Some(model)) => {
                self.decide(running, &request, Model::Named(&model), now)
            }
            Screening::Unreadable => self.decide(running, &request, Model::Unreadable, now),
            Screening::Refuse(decision) => self.act(running, *decision, request.dialect(), now),
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
            return self.after_decision();
        };
        body.held = size;
        let cap = usize::try_from(policy.body).unwrap_or(usize::MAX);
        if policy.shadow && body.passed.len() <= cap {
            body.passed
                .extend(abi::buffer(Buffer::RequestBody, 0, size));
        }
        let long = if policy.shadow {
            body.passed.len()
        } else {
            size
        } > cap;
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
        let policy = running.engine.policy();
        let State::Reading { headers, body } = &mut self.state else {
            return self.after_decision();
        };
        let (headers, body) = (core::mem::take(headers), core::mem::take(body));
        let request = Request::read(&headers);
        if long && policy.enforces_model_of(&request.exchange(Model::Absent)) {
            return self.act(
                running,
                running.engine.too_large(),
                request.dialect(),
                now(),
            );
        }
        let found = match (long, policy.shadow) {
            (true, _) => None,
            (false, true) => request::read(&body.passed),
            (false, false) => request::read(&abi::buffer(Buffer::RequestBody, 0, body.held)),
        };
        let model = found.as_ref().map_or(Model::Unreadable, Prompt::model);
        self.decide(running, &request, model, now())
    }

    /// What becomes of bytes that come when all is decided.
    const fn after_decision(&self) -> Action {
        if matches!(self.state, State::Refused) {
            Action::Pause
        } else {
            Action::Continue
        }
    }

    fn decide(
        &mut self,
        running: &Rc<Running>,
        request: &Request<'_>,
        model: Model<'_>,
        now: Now,
    ) -> Action {
        let decision = running
            .engine
            .admit(&request.exchange(model), now, &running.store);
        self.act(running, decision, request.dialect(), now)
    }

    /// Counts and records a decision, and carries it out.
    fn act(
        &mut self,
        running: &Rc<Running>,
        mut decision: Decision,
        dialect: Dialect,
        now: Now,
    ) -> Action {
        let policy = running.engine.policy();
        running.count(&decision);
        if decision.reason != Reason::None || decision.shadow.is_some() || policy.records_all {
            abi::set_property("stillgate", record::write(&decision, policy).as_bytes());
        }
        if decision.verdict == Verdict::Allow {
            if !decision.leases.is_empty() {
                running.hold(self.id, core::mem::take(&mut decision.leases), now);
            }
            self.state = State::Admitted {
                decision: Box::new(decision),
                dialect,
            };
            return Action::Continue;
        }
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

    fn on_http_response_headers(&mut self, _: usize, _: bool) -> Action {
        if let (State::Admitted { decision, dialect }, Some(running)) = (&self.state, &self.running)
            && running.engine.policy().tells_always
            && !running.engine.policy().shadow
            && !decision.quotas.is_empty()
        {
            let silent = |family: &Family| {
                !family
                    .names()
                    .iter()
                    .any(|name| abi::has_header(Map::Response, name))
            };
            let told = |family: &Family| family.speaks(*dialect) && silent(family);
            let wanted: SmallVec<[Family; 3]> = FAMILIES.into_iter().filter(told).collect();
            for (name, value) in
                reply::fields(decision, *dialect, running.engine.policy(), now(), &wanted)
            {
                abi::add_header(Map::Response, name, &value);
            }
        }
        Action::Continue
    }

    fn on_log(&mut self) {
        if let Some(running) = &self.running {
            running.release(self.id);
        }
    }
}

/// A request's headers, taken apart.
struct Request<'h> {
    method: &'h [u8],
    path: &'h [u8],
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

    fn exchange<'e>(&'e self, model: Model<'e>) -> Exchange<'e> {
        Exchange {
            method: self.method,
            path: self.path,
            query: self.query,
            headers: &self.headers,
            model,
            attributes: &Host,
        }
    }

    fn dialect(&self) -> Dialect {
        Dialect::of_exchange(&self.exchange(Model::Absent))
    }
}
