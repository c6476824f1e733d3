//! An engine on a store, driven as the Envoy host drives it.

use std::net::IpAddr;

use serde_json::Value;
use stillgate::campaign::Book;
use stillgate::dialect::request;
use stillgate::engine::{Content, Decision, Engine, Lease, Screening, Text};
use stillgate::estimate::Estimator;
use stillgate::exchange::{Attributes, Exchange, Foreseen, Millis, Model, Now, split_target};
use stillgate::identity::Secret;
use stillgate::policy::Policy;
use stillgate::store::Store;

use crate::stores::Fresh;

/// A moment to begin at: any that is not zero.
pub(crate) const START: Millis = 1_000_000_000;

/// A request as it comes: nothing of it need be well-formed.
#[derive(Debug, Clone, Default)]
pub(crate) struct Request {
    pub(crate) method: Vec<u8>,
    pub(crate) target: Vec<u8>,
    pub(crate) headers: Vec<(Vec<u8>, Vec<u8>)>,
    pub(crate) body: Vec<u8>,
    pub(crate) source: Option<IpAddr>,
}

impl Request {
    /// A chat request with this credential.
    pub(crate) fn of(credential: &str) -> Self {
        Self {
            method: b"POST".to_vec(),
            target: b"/v1/chat/completions".to_vec(),
            body: br#"{"model": "small"}"#.to_vec(),
            ..Self::default()
        }
        .with("authorization", &format!("Bearer {credential}"))
        .with("content-type", "application/json")
    }

    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }
}

impl Attributes for Request {
    fn source(&self) -> Option<IpAddr> {
        self.source
    }

    /// The last part of the path, so that every property is there.
    fn property(&self, path: &[String]) -> Option<Vec<u8>> {
        path.last().map(|part| part.clone().into_bytes())
    }
}

/// Reads a policy that is right.
pub(crate) fn policy(json: &Value) -> Policy {
    Policy::parse(json.to_string().as_bytes()).unwrap_or_else(|faults| panic!("{json}: {faults}"))
}

/// Puts a policy to work.
pub(crate) fn engine(json: &Value) -> Engine {
    Engine::new(policy(json), Secret::new(b"0123456789abcdef"))
}

/// Looks at a request's headers, then at its body if the engine asks for it, and decides.
pub(crate) fn decide<S: Store>(
    engine: &Engine,
    estimator: &Estimator,
    store: &S,
    request: &Request,
    now: Now,
) -> Decision {
    let headers: Vec<(&[u8], &[u8])> = request
        .headers
        .iter()
        .map(|(name, value)| (name.as_slice(), value.as_slice()))
        .collect();
    let (path, query) = split_target(&request.target);
    let exchange = Exchange {
        method: &request.method,
        path,
        query,
        headers: &headers,
        model: Model::Absent,
        foreseen: Foreseen::default(),
        attributes: request,
    };
    let decide =
        |content| engine.decide(&exchange, content, estimator, &Book::default(), now, store);
    match engine.screen(&exchange, !request.body.is_empty(), now, store) {
        Screening::Ready(content) => decide(content),
        Screening::ReadBody => match request::read(&request.body) {
            Some(prompt) => decide(Content::Read(&prompt, Text::Bytes(&request.body))),
            None => decide(Content::Unreadable(request.body.len() as u64)),
        },
        Screening::Refuse(decision) => *decision,
    }
}

/// One engine on one store.
pub(crate) struct Gate<S> {
    pub(crate) engine: Engine,
    pub(crate) estimator: Estimator,
    pub(crate) store: S,
}

impl<S: Store> Gate<S> {
    /// An engine on these pages.
    pub(crate) fn on(engine: Engine, store: S) -> Self {
        let estimator = Estimator::new();
        Self {
            engine,
            estimator,
            store,
        }
    }
}

impl<S: Fresh> Gate<S> {
    /// A policy at work on empty pages, with the memory that it asks for.
    pub(crate) fn new(json: &Value) -> Self {
        let engine = engine(json);
        let store = S::fresh(engine.policy().memory);
        Self::on(engine, store)
    }

    pub(crate) fn ask(&self, request: &Request, at: Millis) -> Decision {
        let (engine, estimator) = (&self.engine, &self.estimator);
        decide(engine, estimator, &self.store, request, Now::at(at))
    }

    /// Asks, and has the origin answer at once with this status if the request passes.
    pub(crate) fn serve(&self, request: &Request, status: u16, at: Millis) -> Decision {
        let mut decision = self.ask(request, at);
        self.answer(&mut decision, status, at);
        decision
    }

    /// What a host does when an answer begins: only requests that pass have one.
    pub(crate) fn answer(&self, decision: &mut Decision, status: u16, at: Millis) {
        if decision.verdict.passes() {
            let reservation = &mut decision.reservation;
            self.engine
                .remember(reservation, status, Now::at(at), &self.store)
                .unwrap();
        } else {
            assert!(decision.reservation.is_empty() && decision.leases.is_empty());
        }
    }

    pub(crate) fn release(&self, leases: &[Lease], at: Millis) {
        self.engine
            .release(leases, Now::at(at), &self.store)
            .unwrap();
    }

    pub(crate) fn renew(&self, leases: &mut [Lease], at: Millis) {
        self.engine.renew(leases, Now::at(at), &self.store).unwrap();
    }
}
