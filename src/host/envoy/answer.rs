//! The answer to a request that was admitted: told what is left, read as it passes, and settled once.

use core::mem;

use super::abi::{self, Buffer, Map};
use super::running::{ESTIMATOR, Running, now};
use super::stream::Request;
use crate::dialect::request::{Edit, Prompt};
use crate::dialect::{Api, Dialect};
use crate::engine::{self, Content, Decision, Ending, Reservation, Text};
use crate::host::wire::pairs;
use crate::record;
use crate::reply::{self, FAMILIES};
use crate::usage::{Hider, Reader, Seen};

/// Request headers that vouch for the body's bytes, which then must stay as they are.
const DIGESTS: [&[u8]; 4] = [
    b"content-digest",
    b"digest",
    b"content-md5",
    b"signature-input",
];

/// A request that went on to the origin.
pub(super) struct Admitted {
    decision: Decision,
    dialect: Dialect,
    /// How many bytes came of a body that is not read.
    pub(super) sent: Option<u64>,
    /// The answer's status, once there is one.
    status: Option<u16>,
    answer: Answer,
}

/// How the answer's body is read.
enum Answer {
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
    pub(super) fn new(decision: Decision, dialect: Dialect) -> Self {
        let answer = if decision.reservation.is_metered() {
            Answer::Read(Box::default())
        } else {
            Answer::Unread
        };
        Self {
            decision,
            dialect,
            sent: None,
            status: None,
            answer,
        }
    }

    /// Has an OpenAI stream tell its usage whose client did not ask for it, if the policy wants that.
    pub(super) fn ask_for_usage(
        &mut self,
        running: &Running,
        request: &Request<'_>,
        prompt: &Prompt,
        body: &[u8],
    ) {
        if !running.engine.policy().asks_for_usage || self.dialect != Dialect::OpenAi {
            return;
        }
        // No other API of OpenAI's has this option, and those that are strict refuse what they do not know.
        let api = engine::api(
            self.dialect,
            request.path,
            Content::Read(prompt, Text::Bytes(body)),
        );
        let wanted = matches!(api, Api::Chat | Api::Completions)
            && self.decision.reservation.is_enforced()
            && !DIGESTS.iter().any(|name| request.has(name));
        let Some(edited) = prompt
            .usage_edit()
            .filter(|_| wanted)
            .and_then(|edit| apply(&edit, body))
        else {
            return;
        };
        if abi::set_buffer(Buffer::RequestBody, body.len(), &edited).is_ok() {
            if request.has(b"content-length") {
                abi::replace_header(Map::Request, "content-length", &edited.len().to_string());
            }
            self.answer = Answer::Hide(Box::default());
        }
    }

    pub(super) fn on_headers(&mut self, running: &Running, ends: bool) {
        let policy = running.engine.policy();
        let reservation = &self.decision.reservation;
        let metered = reservation.is_metered();
        let awaited = !reservation.is_empty();
        // Where several are looked for that are there, one read of all is cheaper than one of each.
        let block = if awaited {
            abi::headers(Map::Response)
        } else {
            Vec::new()
        };
        let headers = pairs::read(&block);
        let value = |name: &str| {
            let mut found = headers
                .iter()
                .filter(|(other, _)| *other == name.as_bytes());
            found.next().map(|&(_, value)| value)
        };
        if awaited {
            let status = value(":status").and_then(|text| core::str::from_utf8(text).ok());
            self.status = status.and_then(|text| text.parse().ok());
        }
        if let Some(status) = self.status.filter(|_| reservation.is_news()) {
            running.remember(&mut self.decision.reservation, status);
        }
        if metered
            && !value("content-encoding")
                .is_none_or(|value| value.eq_ignore_ascii_case(b"identity"))
        {
            self.answer = Answer::Unread;
        }
        // A stream that was gathered on its way has a length, which is not that of what is handed on.
        if matches!(self.answer, Answer::Hide(_)) && value("content-length").is_some() {
            abi::remove_header(Map::Response, b"content-length");
        }
        if policy.tells_always && !policy.shadow {
            self.tell(running, |name| {
                if awaited {
                    value(name).is_some()
                } else {
                    abi::has_header(Map::Response, name)
                }
            });
        }
        // Of what is not metered only the status matters.
        if ends || (awaited && !metered) {
            self.settle(running);
        }
    }

    /// Writes what is left, family by family, unless the origin speaks for that family itself.
    fn tell(&self, running: &Running, spoken: impl Fn(&str) -> bool) {
        let policy = running.engine.policy();
        let now = now();
        for family in FAMILIES {
            let fields = reply::fields(family, &self.decision, self.dialect, policy, now);
            if fields.iter().any(|(name, _)| spoken(name)) {
                continue;
            }
            for (name, value) in &fields {
                abi::add_header(Map::Response, name, value);
            }
        }
    }

    pub(super) fn on_body(&mut self, running: &Running, size: usize, ends: bool) {
        match &mut self.answer {
            Answer::Unread | Answer::Seen(_) => {}
            Answer::Read(reader) => {
                if size > 0 {
                    reader.feed(&abi::buffer(Buffer::ResponseBody, 0, size));
                }
            }
            Answer::Hide(hider) => {
                let bytes = abi::buffer(Buffer::ResponseBody, 0, size);
                let mut passed = hider.feed(&bytes);
                if ends {
                    let hider = mem::take(hider);
                    let (held, seen) = hider.finish();
                    if !held.is_empty() {
                        passed.to_mut().extend(held);
                    }
                    self.answer = Answer::Seen(seen);
                }
                if passed != bytes {
                    let _ = abi::set_buffer(Buffer::ResponseBody, size, &passed);
                }
            }
        }
        if ends {
            self.settle(running);
        }
    }

    /// Settles what the request was charged, with what is known now; only the first time.
    pub(super) fn settle(&mut self, running: &Running) {
        let mut reservation = mem::replace(&mut self.decision.reservation, Reservation::NONE);
        if reservation.is_empty() {
            return;
        }
        if let Some(sent) = self.sent {
            reservation.note_length(sent, &ESTIMATOR);
        }
        let ending = match self.status {
            None => Ending::Silent,
            Some(status) => Ending::Answered {
                status,
                seen: self.seen(),
            },
        };
        let settlement = running.settle(&reservation, &ending);
        let policy = running.engine.policy();
        if policy.records_all && reservation.is_metered() {
            let record = record::write(&self.decision, policy, Some(&settlement));
            abi::set_property("stillgate", record.as_bytes());
        }
    }

    fn seen(&mut self) -> Option<Seen> {
        match mem::replace(&mut self.answer, Answer::Unread) {
            Answer::Unread => None,
            Answer::Read(reader) => Some(reader.finish()),
            Answer::Hide(hider) => Some(hider.finish().1),
            Answer::Seen(seen) => Some(seen),
        }
    }
}

/// The body with an edit made; `None` if the edit is not of this body.
fn apply(edit: &Edit, body: &[u8]) -> Option<Vec<u8>> {
    let (before, rest) = body.split_at_checked(edit.at)?;
    let after = rest.get(edit.remove..)?;
    Some([before, edit.insert.as_bytes(), after].concat())
}
