//! JSON as bytes that pass: one scan, no tree, in a fixed amount of memory.
//!
//! A [`Scan`] is fed a document in chunks, cut anywhere, and tells a [`Sink`] what it meets at the places that the sink
//! asked for. All else is skipped: its grammar is followed, and nothing of it is kept or decoded. It never assumes
//! UTF-8.
//!
//! It understands what serde_json understands, and depths of up to 128; half a surrogate pair alone is no error, since
//! origins differ there, and nobody's limits depend on it.

mod names;
mod number;
mod sink;
mod skip;
#[cfg(test)]
mod tests;
mod text;
pub(crate) mod wide;

pub use names::Names;
pub use number::whole;
pub use sink::{HEAD, Kind, Sink, Text};
pub use skip::Word;

use number::Part;
use skip::{Grammar, Open, Step, past};
use text::Progress;

/// How deep a place can lie that a sink asks for. What is deeper is skipped.
const PLACES: usize = 16;

/// The longest key that is told, in bytes.
const KEY: usize = names::LONGEST;

/// The longest number that is read as a value, in bytes. Nobody writes a longer one.
const NUMBER: usize = 64;

/// A scan of one document.
pub struct Scan<S: Sink> {
    sink: S,
    grammar: Grammar,
    /// The places of what is open, the outermost first.
    places: [S::Place; PLACES],
    /// The place of the value that comes or is being read; `None` while it is skipped.
    place: Option<S::Place>,
    /// How many bytes of the document came in chunks before this one.
    before: u64,
}

impl<S: Sink> Scan<S> {
    /// A scan that has read nothing.
    #[must_use]
    pub const fn new(sink: S) -> Self {
        Self {
            sink,
            grammar: Grammar::new(),
            places: [S::ROOT; PLACES],
            place: Some(S::ROOT),
            before: 0,
        }
    }

    /// Begins with another document. The sink stays as it is.
    pub fn restart(&mut self) {
        let grammar = &mut self.grammar;
        (grammar.step, grammar.open, grammar.text) = (Step::Value, Open::NONE, 0);
        self.place = Some(S::ROOT);
        self.before = 0;
    }

    /// Reads on. `false` once this cannot become a JSON document.
    pub fn feed(&mut self, chunk: &[u8]) -> bool {
        let mut at = 0;
        loop {
            let progress = if self.place.is_none() {
                self.grammar.skip(chunk, at)
            } else {
                self.read(chunk, at)
            };
            match progress {
                Progress::Ended(end) => at = end,
                Progress::More => break,
                Progress::Broken => {
                    self.grammar.step = Step::Broken;
                    break;
                }
            }
            // What was skipped has ended, or something that is to be skipped begins.
            self.place = if self.place.is_none() {
                Some(S::ROOT)
            } else {
                self.grammar.floor = self.grammar.open.depth;
                None
            };
        }
        self.before = self.before.wrapping_add(chunk.len() as u64);
        self.grammar.step != Step::Broken
    }

    /// Whether what was read is one whole document, if nothing follows.
    pub fn finish(&mut self) -> bool {
        let grammar = &mut self.grammar;
        if grammar.step == Step::InNumber && grammar.open.depth == 0 && grammar.part.ends() {
            grammar.step = Step::End;
            self.kept_number(S::ROOT);
        }
        self.grammar.step == Step::End
    }

    /// Whether what was read cannot become a JSON document.
    #[must_use]
    pub fn is_broken(&self) -> bool {
        self.grammar.step == Step::Broken
    }

    /// The string that is being read and has not ended: its place, if that matters, and its bytes so far, decoded.
    #[must_use]
    pub fn unfinished(&self) -> Option<(S::Place, u64)> {
        let place = self.place?;
        (self.grammar.step == Step::InText).then_some((place, self.grammar.reading.bytes))
    }

    /// Who hears it.
    #[must_use]
    pub const fn sink(&self) -> &S {
        &self.sink
    }

    /// Who hears it, to be changed between documents.
    #[must_use]
    pub const fn sink_mut(&mut self) -> &mut S {
        &mut self.sink
    }

    /// Who heard it.
    #[must_use]
    pub fn into_sink(self) -> S {
        self.sink
    }

    /// The decoded bytes of all strings and keys so far, those of skipped ones too, and the bytes of all numbers and
    /// words: a document without its punctuation, its white space and what escapes take more than they stand for.
    #[must_use]
    pub const fn text_bytes(&self) -> u64 {
        self.grammar.text
    }

    /// Reads on to where something is to be skipped.
    fn read(&mut self, chunk: &[u8], at: usize) -> Progress {
        let (mut at, mut step, mut open) = (at, self.grammar.step, self.grammar.open);
        let (mut text, mut place) = (self.grammar.text, self.place.unwrap_or(S::ROOT));
        // As in `skip`, the step comes first, then the byte.
        let progress = loop {
            match step {
                Step::Value | Step::First => {
                    let Some(&byte) = chunk.get(at) else {
                        break Progress::More;
                    };
                    if is_space(byte) {
                        at = at.wrapping_add(1);
                        continue;
                    }
                    if byte == b']' && step == Step::First {
                        at = at.wrapping_add(1);
                        self.close(&mut open, Kind::Array, at);
                    } else {
                        if open.depth > 0 && !open.in_object() {
                            step = Step::Value;
                            match self.sink.item(self.around(open)) {
                                Some(item) => place = item,
                                None => break Progress::Ended(at),
                            }
                        }
                        match byte {
                            b'"' => {
                                let begin = at.wrapping_add(1);
                                let wanted = self.sink.wanted(place);
                                at = wide::plain(chunk, begin);
                                let mut bytes = at.wrapping_sub(begin) as u64;
                                let mut head = chunk.get(begin..at).unwrap_or_default();
                                head = head.get(..wanted).unwrap_or(head);
                                if chunk.get(at) != Some(&b'"') {
                                    (at, bytes) = if wanted == 0 {
                                        text::pass(chunk, begin, at)
                                    } else {
                                        (begin, 0)
                                    };
                                    if chunk.get(at) != Some(&b'"') || wanted > 0 {
                                        let start = self.offset(begin);
                                        self.grammar.reading.begin(start, wanted, bytes);
                                        step = Step::InText;
                                        continue;
                                    }
                                }
                                text = text.wrapping_add(bytes);
                                let told = Text {
                                    head,
                                    bytes,
                                    start: self.offset(begin),
                                    end: self.offset(at),
                                };
                                self.sink.text(place, told);
                                at = at.wrapping_add(1);
                            }
                            b'{' | b'[' => {
                                let kind = Kind::of(byte);
                                // There is no room for places as deep as this.
                                let Some(kept) = self.places.get_mut(open.depth as usize) else {
                                    step = Step::Value;
                                    break Progress::Ended(at);
                                };
                                *kept = place;
                                open.push(kind == Kind::Object);
                                at = at.wrapping_add(1);
                                self.sink.open(place, kind, self.offset(at));
                                step = if kind == Kind::Object {
                                    Step::FirstKey
                                } else {
                                    Step::First
                                };
                                continue;
                            }
                            b'-' | b'0'..=b'9' => {
                                let end = number::end(chunk, at);
                                if end == at {
                                    self.grammar.part = Part::of(byte);
                                    self.grammar.reading.begin(0, NUMBER, 0);
                                    self.grammar.reading.keep(&[byte]);
                                    at = at.wrapping_add(1);
                                    text = text.wrapping_add(1);
                                    step = Step::InNumber;
                                    continue;
                                }
                                let digits = chunk.get(at..end).unwrap_or_default();
                                text = text.wrapping_add(digits.len() as u64);
                                at = end;
                                self.number(place, digits);
                            }
                            b't' | b'f' | b'n' => {
                                self.grammar.word = Word::of(byte);
                                self.grammar.spelled = 0;
                                step = Step::InWord;
                                continue;
                            }
                            _ => break Progress::Broken,
                        }
                    }
                }
                Step::Key | Step::FirstKey => {
                    let Some(&byte) = chunk.get(at) else {
                        break Progress::More;
                    };
                    match byte {
                        b'"' => {
                            let begin = at.wrapping_add(1);
                            at = wide::plain(chunk, begin);
                            if chunk.get(at) != Some(&b'"') {
                                self.grammar.reading.begin(0, KEY.wrapping_add(1), 0);
                                at = begin;
                                step = Step::InKey;
                                continue;
                            }
                            let key = chunk.get(begin..at).unwrap_or_default();
                            text = text.wrapping_add(key.len() as u64);
                            at = at.wrapping_add(1);
                            (at, step) = match past(chunk, at, b':') {
                                Some(next) => (next, Step::Value),
                                None => (at, Step::Colon),
                            };
                            if let Some(field) = self.field(open, key) {
                                place = field;
                                continue;
                            }
                            let end = skip::short(chunk, at);
                            if step == Step::Colon || end == at {
                                break Progress::Ended(at);
                            }
                            let quotes = if chunk.get(at) == Some(&b'"') { 2 } else { 0 };
                            text = text
                                .wrapping_add(end.wrapping_sub(at) as u64)
                                .wrapping_sub(quotes);
                            at = end;
                        }
                        b'}' if step == Step::FirstKey => {
                            at = at.wrapping_add(1);
                            self.close(&mut open, Kind::Object, at);
                        }
                        _ if is_space(byte) => {
                            at = at.wrapping_add(1);
                            continue;
                        }
                        _ => break Progress::Broken,
                    }
                }
                Step::Colon => {
                    let Some(&byte) = chunk.get(at) else {
                        break Progress::More;
                    };
                    match byte {
                        b':' => step = Step::Value,
                        _ if is_space(byte) => {}
                        _ => break Progress::Broken,
                    }
                    at = at.wrapping_add(1);
                    continue;
                }
                Step::After => {
                    let Some(&byte) = chunk.get(at) else {
                        break Progress::More;
                    };
                    at = at.wrapping_add(1);
                    match (byte, open.in_object()) {
                        (b',', _) => {
                            step = open.after_comma();
                            continue;
                        }
                        (b'}', true) | (b']', false) => {
                            self.close(&mut open, Kind::of(byte), at);
                        }
                        _ if is_space(byte) => continue,
                        _ => break Progress::Broken,
                    }
                }
                Step::InKey | Step::InText => match self.grammar.reading.read(chunk, at) {
                    Progress::Ended(end) => {
                        at = end;
                        let reading = &self.grammar.reading;
                        text = text.wrapping_add(reading.bytes);
                        if step == Step::InKey {
                            step = Step::Colon;
                            let around = self.around(open);
                            match field(&mut self.sink, around, reading.head()) {
                                Some(field) => place = field,
                                None => break Progress::Ended(at),
                            }
                            continue;
                        }
                        let told = Text {
                            head: reading.head(),
                            bytes: reading.bytes,
                            start: reading.start,
                            end: self.offset(at).wrapping_sub(1),
                        };
                        self.sink.text(place, told);
                    }
                    other => break other,
                },
                Step::InNumber => {
                    let end = self.grammar.part.read(chunk, at);
                    let digits = chunk.get(at..end).unwrap_or_default();
                    text = text.wrapping_add(digits.len() as u64);
                    self.grammar.reading.keep(digits);
                    at = end;
                    if at >= chunk.len() {
                        break Progress::More;
                    }
                    if !self.grammar.part.ends() {
                        break Progress::Broken;
                    }
                    self.kept_number(place);
                }
                Step::InWord => match self.grammar.spell(chunk, at) {
                    Progress::Ended(end) => {
                        at = end;
                        let word = self.grammar.word;
                        text = text.wrapping_add(word.letters().len() as u64);
                        self.sink.word(place, word, self.offset(at));
                    }
                    other => break other,
                },
                Step::End => match chunk.get(at) {
                    None => break Progress::More,
                    Some(&byte) if is_space(byte) => {
                        at = at.wrapping_add(1);
                        continue;
                    }
                    Some(_) => break Progress::Broken,
                },
                Step::Broken => break Progress::Broken,
            }
            // A value has ended.
            step = Step::After;
            if open.depth == 0 {
                step = Step::End;
            } else if let Some(next) = past(chunk, at, b',') {
                (at, step) = (next, open.after_comma());
            }
        };
        let grammar = &mut self.grammar;
        (grammar.step, grammar.open, grammar.text) = (step, open, text);
        self.place = Some(place);
        progress
    }

    /// The place of the innermost object or array that is open.
    #[inline(always)]
    fn around(&self, open: Open) -> S::Place {
        let above = open.depth.wrapping_sub(1) as usize;
        self.places.get(above).copied().unwrap_or(S::ROOT)
    }

    #[inline(always)]
    fn field(&mut self, open: Open, key: &[u8]) -> Option<S::Place> {
        let around = self.around(open);
        field(&mut self.sink, around, key)
    }

    fn close(&mut self, open: &mut Open, kind: Kind, at: usize) {
        let place = self.around(*open);
        open.pop();
        self.sink.close(place, kind, self.offset(at));
    }

    /// Tells a number that came in pieces.
    fn kept_number(&mut self, place: S::Place) {
        let digits = self.grammar.reading.head();
        let value = value(digits);
        self.sink.number(place, value);
    }

    fn number(&mut self, place: S::Place, digits: &[u8]) {
        self.sink.number(place, value(digits));
    }

    /// Where a place of this chunk is in the document.
    #[inline(always)]
    fn offset(&self, at: usize) -> u64 {
        self.before.wrapping_add(at as u64)
    }
}

/// Asks a sink for the place that a key leads to, unless it is longer than those that any sink knows.
#[inline(always)]
fn field<S: Sink>(sink: &mut S, around: S::Place, key: &[u8]) -> Option<S::Place> {
    if key.len() > KEY {
        return None;
    }
    sink.field(around, key)
}

fn value(digits: &[u8]) -> Option<u64> {
    if digits.len() < NUMBER {
        whole(digits)
    } else {
        None
    }
}

#[inline(always)]
const fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\n' | b'\r' | b'\t')
}
