//! What an answer used, read as it passes: JSON or server-sent events, cut anywhere, in less than a KiB.
//!
//! Nothing is held back and no line is gathered: bytes go into a [scan](crate::scan) as they come. The first of them tell
//! the format, since origins send wrong content types. Where an origin does not tell what it used, or breaks off, the
//! text that passed is what is known.

mod events;
mod hide;
mod tally;
#[cfg(test)]
mod tests;

pub use hide::{Hider, MAX_HELD};

use events::{Event, Events};
use serde::{Deserialize, Serialize};
use tally::Tally;

use crate::scan::Scan;

/// The tokens of one exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Usage {
    /// All that were read, cached ones included.
    pub input: u64,
    /// Those of the input that came from the origin's cache.
    pub cached: u64,
    /// All that were written, thoughts included.
    pub output: u64,
    /// Those of the output that the model thought and did not say.
    pub reasoning: u64,
}

/// What an origin told of the usage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Told {
    /// As [`Usage::input`], if it was told.
    pub input: Option<u64>,
    /// As [`Usage::cached`]; 0 if it was not told.
    pub cached: u64,
    /// As [`Usage::output`], if it was told. Of a stream that broke off it may be the beginning.
    pub output: Option<u64>,
    /// As [`Usage::reasoning`]; 0 if it was not told.
    pub reasoning: u64,
}

/// What was seen of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Seen {
    /// What the origin told.
    pub told: Told,
    /// Strings of answer text that were not empty. Each is at least a token.
    pub pieces: u64,
    /// The bytes of answer text, decoded.
    pub text_bytes: u64,
    /// Counts that were negative, fractional, absurd or no numbers. They are passed over.
    pub odd: u32,
    /// Anything came but white space.
    pub came: bool,
    /// All that came was JSON, or events of JSON, and something came.
    pub understood: bool,
    /// The whole answer came: a JSON document to its end, or a stream's last event.
    pub complete: bool,
}

impl Seen {
    /// How many tokens the text that passed is, roughly: never none for some text.
    #[must_use]
    pub fn output_estimate(&self) -> u64 {
        self.pieces.max(self.text_bytes.div_ceil(4))
    }

    /// What is charged: what was told, as far as it was. Otherwise `input` stands for the input; and the output is never
    /// less than what passed, unless the origin told it in an answer that is whole.
    #[must_use]
    pub fn settled(&self, input: u64) -> Usage {
        let output = match self.told.output {
            Some(output) if self.complete => output,
            output => output.unwrap_or(0).max(self.output_estimate()),
        };
        Usage {
            input: self.told.input.unwrap_or(input),
            cached: self.told.cached,
            output,
            reasoning: self.told.reasoning,
        }
    }
}

/// Reads one answer.
pub struct Reader {
    scan: Scan<Tally>,
    events: Events,
    format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    /// Not known yet; so many bytes of a byte order mark were read.
    Unknown(u8),
    Json,
    Events,
}

impl Default for Reader {
    fn default() -> Self {
        Self::new()
    }
}

impl Reader {
    /// One that has read nothing.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            scan: Scan::new(Tally::new()),
            events: Events::new(),
            format: Format::Unknown(0),
        }
    }

    /// Reads on.
    pub fn feed(&mut self, chunk: &[u8]) {
        let mut at = 0;
        while at < chunk.len() {
            (at, _) = self.next(chunk, at);
        }
    }

    /// What was seen, now that no more comes.
    #[must_use]
    pub fn finish(mut self) -> Seen {
        // Of a text that breaks off, what passed was said.
        if let Some((at, bytes)) = self.scan.unfinished() {
            self.scan.sink_mut().broken_off(at, bytes);
        }
        let (understood, complete) = match self.format {
            Format::Unknown(_) => (false, false),
            Format::Json => (!self.scan.is_broken(), self.scan.finish()),
            Format::Events => {
                self.events.finish(&mut self.scan);
                let understood = self.events.good > 0 && self.events.bad == 0;
                (understood, self.scan.sink().ended)
            }
        };
        let tally = self.scan.sink();
        Seen {
            told: tally.told(),
            pieces: tally.pieces,
            text_bytes: tally.text_bytes,
            odd: tally.odd,
            came: !matches!(self.format, Format::Unknown(_)),
            understood,
            complete,
        }
    }

    /// Reads on to the end of an event or of the chunk: where that is, and which event has ended.
    fn next(&mut self, chunk: &[u8], at: usize) -> (usize, Option<Event>) {
        let at = if let Format::Unknown(_) = self.format {
            self.begin(chunk, at)
        } else {
            at
        };
        match self.format {
            Format::Unknown(_) => (chunk.len(), None),
            Format::Events => self.events.next(&mut self.scan, chunk, at),
            Format::Json => {
                self.scan.feed(chunk.get(at..).unwrap_or_default());
                (chunk.len(), None)
            }
        }
    }

    /// Reads to where the format shows.
    fn begin(&mut self, chunk: &[u8], at: usize) -> usize {
        let mut at = at;
        while let (Format::Unknown(marks), Some(&byte)) = (self.format, chunk.get(at)) {
            let mark = MARK.get(usize::from(marks)) == Some(&byte);
            self.format = match byte {
                _ if mark => Format::Unknown(marks.saturating_add(1)),
                b' ' | b'\t' | b'\n' | b'\r' if !(1..3).contains(&marks) => Format::Unknown(3),
                b'{' | b'[' if !(1..3).contains(&marks) => {
                    self.format = Format::Json;
                    return at;
                }
                _ => {
                    if (1..3).contains(&marks) {
                        self.events.spoil_line();
                    }
                    self.format = Format::Events;
                    return at;
                }
            };
            at = at.saturating_add(1);
        }
        at
    }

    /// Whether this is, or may become, a stream of events.
    fn reads_events(&self) -> bool {
        self.format != Format::Json
    }

    /// Whether the chunk begins with the line feed that belongs to the carriage return before it.
    fn is_between_lines(&self, chunk: &[u8]) -> bool {
        self.events.returned && chunk.first() == Some(&b'\n')
    }
}

/// UTF-8's byte order mark.
const MARK: [u8; 3] = [0xef, 0xbb, 0xbf];
