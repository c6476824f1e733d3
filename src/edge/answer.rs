//! The answer of an origin as it passes a front: told what is left, and read for what it used.

use std::borrow::Cow;

use super::message::{Answer, Ask, Ended, write};
use super::stream::Admitted;
use crate::dialect::Dialect;
use crate::exchange::Now;
use crate::policy::Policy;
use crate::reply::{self, FAMILIES};
use crate::usage::{Hider, Reader, Seen};

/// How the body of an answer is read.
pub(super) enum Passing {
    /// Nobody wants to know it, or it cannot be read.
    Unread,
    /// As it passes.
    Read(Box<Reader>),
    /// As it passes, without what the client did not ask for.
    Hide(Box<Hider>),
    /// To its end.
    Seen(Seen),
}

impl Admitted {
    /// What is to be done with an answer of this status and these headers.
    pub(super) fn answer(
        &mut self,
        status: u16,
        headers: &[(String, String)],
        dialect: Dialect,
        policy: &Policy,
        now: Now,
    ) -> Answer {
        self.status = Some(status);
        let value = |name: &str| {
            let mut found = headers.iter().filter(|(other, _)| other == name);
            found.next().map(|(_, value)| value.as_str())
        };
        let mut answer = Answer::default();
        if !value("content-encoding").is_none_or(|value| value.eq_ignore_ascii_case("identity")) {
            self.passing = Passing::Unread;
        }
        // What is taken out of a stream makes it shorter.
        if matches!(self.passing, Passing::Hide(_)) {
            answer.remove.push("content-length");
        }
        if policy.tells_always && !policy.shadow {
            for family in FAMILIES {
                let fields = reply::fields(family, &self.decided.decision, dialect, policy, now);
                // An origin that speaks of a family itself is left to it.
                if !fields.iter().any(|(name, _)| value(name).is_some()) {
                    answer.headers.extend(fields);
                }
            }
        }
        answer.read = !matches!(self.passing, Passing::Unread);
        answer.watch = self.decided.metered || self.decided.lease.is_some();
        if let Some(open) = self.decided.open.filter(|_| self.decided.awaited) {
            self.answered = !self.decided.metered;
            answer.tell = Some(write(&Ask::Answered(open, status)));
        }
        answer
    }

    /// Reads on; answers what is to be handed on instead, if that is something else.
    pub(super) fn pass(&mut self, chunk: &[u8]) -> Option<Vec<u8>> {
        match &mut self.passing {
            Passing::Unread | Passing::Seen(_) => None,
            Passing::Read(reader) => {
                reader.feed(chunk);
                None
            }
            Passing::Hide(hider) => match hider.feed(chunk) {
                Cow::Borrowed(passed) if passed.len() == chunk.len() => None,
                passed => Some(passed.into_owned()),
            },
        }
    }

    /// What was held back of the answer, now that no more of it comes.
    pub(super) fn held(&mut self) -> Vec<u8> {
        match core::mem::replace(&mut self.passing, Passing::Unread) {
            Passing::Hide(hider) => {
                let (held, seen) = hider.finish();
                self.passing = Passing::Seen(seen);
                held
            }
            passing => {
                self.passing = passing;
                Vec::new()
            }
        }
    }

    /// What the ledger is to know of the end, after which so many bytes of the request's body had gone to the origin.
    pub(super) fn end(&mut self, sent: u64) -> Option<String> {
        let seen = match core::mem::replace(&mut self.passing, Passing::Unread) {
            Passing::Unread => None,
            Passing::Read(reader) => Some(reader.finish()),
            Passing::Hide(hider) => Some(hider.finish().1),
            Passing::Seen(seen) => Some(seen),
        };
        let wanted = self.decided.lease.is_some() || !self.answered;
        let open = self.decided.open.filter(|_| wanted)?;
        let ended = Ended {
            open,
            status: self.status,
            seen,
            sent: self.unread.then_some(sent),
        };
        Some(write(&Ask::Ended(Box::new(ended))))
    }
}
