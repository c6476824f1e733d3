//! A stream without the chunk that only we asked for.

use std::borrow::Cow;

use super::events::Event;
use super::{Reader, Seen};

/// How much of an event is held until it ends, in bytes. The chunk that is hidden is never that long.
pub const MAX_HELD: usize = 64 * 1024;

/// Reads a stream and hands it on, without OpenAI's chunk that holds nothing but the usage.
pub struct Hider {
    reader: Reader,
    /// What came of an event that has not ended.
    held: Vec<u8>,
    /// The event that has not ended is too long to be hidden, and passes.
    passing: bool,
    /// The last event was hidden.
    hidden: bool,
}

impl Default for Hider {
    fn default() -> Self {
        Self::new()
    }
}

impl Hider {
    /// One that has read nothing.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            reader: Reader::new(),
            held: Vec::new(),
            passing: false,
            hidden: false,
        }
    }

    /// Takes what the origin sent, and gives what the client gets of it now: all events that have ended. Borrowed if
    /// nothing was held or hidden.
    pub fn feed<'c>(&mut self, chunk: &'c [u8]) -> Cow<'c, [u8]> {
        let mut out: Option<Vec<u8>> = None;
        // What passes of this chunk and is not in `out` yet begins at `run`; the event that is read, at `from`.
        let (mut run, mut from) = (0_usize, 0_usize);
        if self.held.is_empty() && !self.passing && self.reader.is_between_lines(chunk) {
            // The second half of a line end whose first half ended an event.
            from = 1;
            if self.hidden {
                run = 1;
                out = Some(Vec::new());
            }
        }
        let mut at = 0;
        while at < chunk.len() {
            let (end, event) = self.reader.next(chunk, at);
            at = end;
            let Some(event) = event else {
                continue;
            };
            self.hidden = event == Event::OnlyUsage && !self.passing;
            if self.hidden {
                let out = out.get_or_insert_default();
                out.extend_from_slice(chunk.get(run..from).unwrap_or_default());
                run = end;
                self.held.clear();
            } else if !self.held.is_empty() {
                out.get_or_insert_default().append(&mut self.held);
            }
            self.passing = false;
            from = end;
        }
        let rest = chunk.get(from..).unwrap_or_default();
        let long = self.held.len().saturating_add(rest.len()) > MAX_HELD;
        if !rest.is_empty() && (self.passing || long || !self.reader.reads_events()) {
            if !self.held.is_empty() {
                out.get_or_insert_default().append(&mut self.held);
            }
            self.passing = true;
            from = chunk.len();
        } else {
            self.held.extend_from_slice(rest);
        }
        let passed = chunk.get(run..from).unwrap_or_default();
        match out {
            None => Cow::Borrowed(passed),
            Some(mut out) => {
                out.extend_from_slice(passed);
                Cow::Owned(out)
            }
        }
    }

    /// What was held of an event that never ended, and what the stream told.
    #[must_use]
    pub fn finish(self) -> (Vec<u8>, Seen) {
        (self.held, self.reader.finish())
    }
}
