//! One request at a front, from its headers to the end of its answer.

use super::message::{self, Body, Decided, Request};
use crate::dialect::request::Edit;
use crate::engine::Decision;
use crate::exchange::{Exchange, Millis};

use super::answer::Passing;

/// A request under way.
pub(super) struct Stream {
    pub(super) request: Request,
    /// The headers again, as bytes.
    headers: Vec<(Vec<u8>, Vec<u8>)>,
    pub(super) state: State,
    /// Whether it is first looked at without its body, which matters.
    pub(super) reads: bool,
    /// How its stream can be made to tell its usage, if the policy wants that.
    pub(super) edit: Option<Edit>,
    /// How far the clock by which it is decided is ahead of the front's.
    pub(super) ahead: Millis,
}

/// How far it has come.
pub(super) enum State {
    /// Its body is awaited.
    Reading,
    /// A ledger is to be asked, about this body.
    Asking(Body),
    /// It is decided, without a ledger.
    Decided(Box<Decision>),
    /// It goes on to the origin, and an answer comes back.
    Admitted(Box<Admitted>),
    /// Nothing more is to be done.
    Over,
}

/// A request that went on.
pub(super) struct Admitted {
    pub(super) decided: Decided,
    /// Whether its body was not read, so that it matters how long it was.
    pub(super) unread: bool,
    pub(super) status: Option<u16>,
    /// Whether the ledger has been told all that it wants to know but the end.
    pub(super) answered: bool,
    pub(super) passing: Passing,
}

impl Stream {
    pub(super) fn new(request: Request) -> Self {
        Self {
            headers: request.bytes(),
            request,
            state: State::Over,
            reads: false,
            edit: None,
            ahead: 0,
        }
    }

    /// Calls `with` the request as the engine sees it.
    pub(super) fn with<T>(&self, with: impl FnOnce(&Exchange<'_>) -> T) -> T {
        let pairs = message::pairs(&self.headers);
        with(&self.request.exchange(&pairs))
    }

    /// Whether there is a header of this name, in lower case.
    pub(super) fn has(&self, name: &[u8]) -> bool {
        self.headers.iter().any(|(other, _)| other == name)
    }
}
