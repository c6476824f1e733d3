//! Server-sent events, as the WHATWG's HTML standard reads them: `data` at a constant memory, whatever its lines are.

use super::tally::Tally;
use crate::scan::{Scan, wide};

/// How far a stream of events was read.
pub(super) struct Events {
    line: Line,
    /// The last byte was a carriage return; a line feed after it ends no other line.
    pub(super) returned: bool,
    /// This event has data.
    data: bool,
    /// The beginning of this event's data, to tell what is no JSON and means the end.
    head: [u8; DONE.len()],
    /// How many bytes of data this event has, up to one more than fit.
    size: u8,
    /// Whether all of this event's data is JSON so far.
    json: bool,
    /// Events that were understood.
    pub(super) good: u64,
    /// Events that were not.
    pub(super) bad: u64,
}

/// Where in its line the next byte is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Line {
    /// At its beginning.
    Start,
    /// After so many letters of `data`.
    Name(u8),
    /// After the colon, where one space may stand.
    Colon,
    /// In the data.
    Data,
    /// In what does not matter.
    Other,
}

/// Which event has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Event {
    /// The one that OpenAI sends only to tell the usage.
    OnlyUsage,
    /// Any other.
    Other,
}

impl Events {
    pub(super) const fn new() -> Self {
        Self {
            line: Line::Start,
            returned: false,
            data: false,
            head: [0; DONE.len()],
            size: 0,
            json: true,
            good: 0,
            bad: 0,
        }
    }

    /// The first line began with bytes that are passed over.
    pub(super) fn spoil_line(&mut self) {
        self.line = Line::Other;
    }

    /// Reads to the end of an event or of the chunk: where that is, and which event has ended.
    pub(super) fn next(
        &mut self,
        scan: &mut Scan<Tally>,
        chunk: &[u8],
        at: usize,
    ) -> (usize, Option<Event>) {
        let mut at = at;
        while let Some(&byte) = chunk.get(at) {
            if self.returned {
                self.returned = false;
                if byte == b'\n' {
                    at = at.wrapping_add(1);
                    continue;
                }
            }
            let ends = byte == b'\n' || byte == b'\r';
            match self.line {
                Line::Data => {
                    let end = wide::line(chunk, at);
                    self.take(scan, chunk.get(at..end).unwrap_or_default());
                    at = self.end_line(chunk, end);
                    continue;
                }
                Line::Other => {
                    at = self.end_line(chunk, wide::line(chunk, at));
                    continue;
                }
                Line::Start if ends => {
                    at = self.end_line(chunk, at);
                    if self.returned && chunk.get(at) == Some(&b'\n') {
                        self.returned = false;
                        at = at.wrapping_add(1);
                    }
                    return (at, Some(self.end(scan)));
                }
                Line::Start => {
                    self.line = if byte == b'd' {
                        Line::Name(1)
                    } else {
                        Line::Other
                    };
                }
                Line::Name(4) if byte == b':' => {
                    self.begin_data(scan);
                    self.line = Line::Colon;
                }
                Line::Name(4) if ends => {
                    self.begin_data(scan);
                    at = self.end_line(chunk, at);
                    continue;
                }
                Line::Name(count) if NAME.get(usize::from(count)) == Some(&byte) => {
                    self.line = Line::Name(count.wrapping_add(1));
                }
                Line::Name(_) => {
                    self.line = Line::Other;
                    continue;
                }
                Line::Colon => {
                    self.line = Line::Data;
                    if byte != b' ' {
                        continue;
                    }
                }
            }
            at = at.wrapping_add(1);
        }
        (at, None)
    }

    /// Ends the last event, which may lack its empty line.
    pub(super) fn finish(&mut self, scan: &mut Scan<Tally>) {
        if self.data && (self.is_done() || !self.json || scan.finish()) {
            self.end(scan);
        }
    }

    /// Ends a line at `at`, if it ends there.
    fn end_line(&mut self, chunk: &[u8], at: usize) -> usize {
        let Some(&byte) = chunk.get(at) else {
            return at;
        };
        self.returned = byte == b'\r';
        self.line = Line::Start;
        at.wrapping_add(1)
    }

    /// Begins a line of data. Lines are joined by line feeds.
    fn begin_data(&mut self, scan: &mut Scan<Tally>) {
        if self.data {
            self.take(scan, b"\n");
        }
        self.data = true;
    }

    fn take(&mut self, scan: &mut Scan<Tally>, data: &[u8]) {
        let room = self
            .head
            .get_mut(usize::from(self.size)..)
            .unwrap_or_default();
        for (room, byte) in room.iter_mut().zip(data) {
            *room = *byte;
        }
        let size = usize::from(self.size).saturating_add(data.len());
        self.size = size.min(DONE.len().saturating_add(1)) as u8;
        self.json = self.json && scan.feed(data);
    }

    fn is_done(&self) -> bool {
        usize::from(self.size) == DONE.len() && self.head == *DONE
    }

    fn end(&mut self, scan: &mut Scan<Tally>) -> Event {
        let mut event = Event::Other;
        if self.data {
            let good = self.json && scan.finish();
            let tally = scan.sink_mut();
            if self.is_done() {
                tally.ended = true;
            } else if good {
                self.good = self.good.saturating_add(1);
                if tally.tells_only_usage() {
                    tally.ended = true;
                    event = Event::OnlyUsage;
                }
            } else {
                self.bad = self.bad.saturating_add(1);
            }
            tally.next_event();
            scan.restart();
        }
        self.data = false;
        self.json = true;
        self.size = 0;
        event
    }
}

const NAME: &[u8; 4] = b"data";
/// What OpenAI ends a stream with.
const DONE: &[u8; 6] = b"[DONE]";
