//! What a recorded request is for and what it used, as the engine foresees and settles it.

use crate::campaign::Book;
use crate::dialect::request::{self, Prompt};
use crate::engine::{Content, Ending, Engine, Screening, Text};
use crate::estimate::Estimator;
use crate::exchange::{Exchange, Foreseen, Model};
use crate::identity::Secret;
use crate::policy::{Count, Limit, Policy, Quota, Scope, Subject};
use crate::store::MemoryStore;
use crate::trace::Record;
use crate::usage::{Seen, Usage};
use crate::verdict::Source;
use crate::window::Scale;

/// What a unit of the gauge's counter stands for: so much that no counter is ever full of them.
const UNIT: u64 = 1 << 40;

/// The window of the gauge's counter, which nobody looks at.
const WINDOW: u64 = 1_000;

/// An engine that counts the tokens of everything, and refuses nothing.
pub(super) struct Gauge {
    engine: Engine,
    estimator: Estimator,
    store: MemoryStore,
}

/// What a body says, as far as it can be read.
pub(super) enum Body {
    None,
    Read(Box<Prompt>),
    Unreadable(u64),
}

/// What a request used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Used {
    /// What was to be expected.
    pub(super) foreseen: Foreseen,
    /// What came of it.
    pub(super) usage: Usage,
    /// Whether nobody knows what came of it: what was reserved stands.
    pub(super) stands: bool,
}

impl Gauge {
    /// A gauge for requests under this policy.
    pub(super) fn new(policy: &Policy, secret: Secret) -> Self {
        let mut policy = policy.clone();
        policy.checks.clear();
        policy.denies_unreadable = false;
        policy.shadow = false;
        policy.subjects = vec![Subject {
            id: 0,
            traits: Vec::new(),
        }];
        policy.quotas = vec![Quota {
            name: String::new(),
            id: 0,
            newcomers: 1,
            subject: 0,
            reads_model: true,
            count: Count::Tokens,
            unit: UNIT,
            limit: Limit::Fixed(u32::MAX, Scale::new(WINDOW, u32::MAX)),
            length: WINDOW,
            scope: Scope::default(),
            after: None,
            shadow: false,
        }];
        policy.newcomers = vec![1];
        Self {
            engine: Engine::new(policy, secret),
            estimator: Estimator::new(),
            store: MemoryStore::new(0),
        }
    }

    /// Reads what a body says. One that is longer than the policy lets a rule read is charged by its bytes; one that was not
    /// recorded, of a request that used something, cannot be read.
    pub(super) fn read(&self, record: &Record<'_>, exchange: &Exchange<'_>) -> Body {
        let Some(body) = record.body.as_deref() else {
            return record.usage.map_or(Body::None, |_| Body::Unreadable(0));
        };
        let length = body.len() as u64;
        let screening = self
            .engine
            .screen(exchange, true, record.now(), &self.store);
        match screening {
            Screening::Ready(Content::None | Content::Read(..)) => Body::None,
            Screening::ReadBody if length <= self.engine.policy().body => {
                let prompt = request::read(body).map(Box::new);
                prompt.map_or(Body::Unreadable(length), Body::Read)
            }
            _ => Body::Unreadable(length),
        }
    }

    /// What a request used.
    pub(super) fn used(&self, record: &Record<'_>, exchange: &Exchange<'_>, body: &Body) -> Used {
        let now = record.now();
        let content = match body {
            Body::None => Content::None,
            Body::Read(prompt) => Content::Read(prompt, Text::Sampled(None)),
            Body::Unreadable(length) => Content::Unreadable(*length),
        };
        let decision = self.engine.decide(
            exchange,
            content,
            &self.estimator,
            &Book::default(),
            now,
            &self.store,
        );
        let reservation = &decision.reservation;
        if !reservation.is_metered() {
            return Used::default();
        }
        let seen = record.usage.map(|told| Seen {
            told,
            came: true,
            understood: true,
            complete: true,
            ..Seen::default()
        });
        let ending = Ending::Answered {
            status: record.status.unwrap_or(200),
            seen,
        };
        let (settlement, _) =
            self.engine
                .settle(reservation, &ending, &self.estimator, now, &self.store);
        Used {
            foreseen: reservation.foreseen(),
            usage: settlement.usage,
            stands: settlement.source == Source::Reserved,
        }
    }

    /// The model that a request is for.
    pub(super) fn model<'a>(in_path: Option<&'a [u8]>, body: &'a Body) -> Model<'a> {
        match (in_path, body) {
            (Some(name), _) => Model::Named(name),
            (None, Body::None) => Model::Absent,
            (None, Body::Unreadable(_)) => Model::Unreadable,
            (None, Body::Read(prompt)) => prompt.model(),
        }
    }
}
