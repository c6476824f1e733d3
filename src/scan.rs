//! JSON as bytes that pass: one scan, no tree, in a fixed amount of memory.
//!
//! A [`Scan`] is fed a document in chunks, cut anywhere, and tells a [`Sink`] what it meets at the places that the sink
//! asked for. All else is skipped: its grammar is followed, and nothing of it is kept or decoded. It never assumes
//! UTF-8.
//!
//! It understands what serde_json understands, and depths of up to 128; half a surrogate pair alone is no error, since
//! origins differ there, and nobody's limits depend on it.

mod number;
mod skip;
#[cfg(test)]
mod tests;
mod text;
pub(crate) mod wide;

pub use number::whole;
pub use skip::Word;

use number::Part;
use skip::{Grammar, Step};
use text::Progress;

/// How deep a place can lie that a sink asks for. What is deeper is skipped.
const PLACES: usize = 16;

/// The longest key that is told, in bytes. A longer one is told cut, one byte longer than this.
const KEY: usize = 48;

/// The longest number that is read as a value, in bytes. Nobody writes a longer one.
const NUMBER: usize = 64;

/// What a sink may ask of a string, at most, in bytes: [`Sink::wanted`].
pub const HEAD: usize = text::KEPT;

/// Who hears what a document holds, and says which of its places matter.
pub trait Sink {
    /// A place in a document, as the sink tells them apart.
    type Place: Copy;

    /// The place of the document itself.
    const ROOT: Self::Place;

    /// Where a member of the object at `at` leads; `None` if it is of no interest. `key` is decoded.
    fn field(&mut self, at: Self::Place, key: &[u8]) -> Option<Self::Place>;

    /// Where an element of the array at `at` leads.
    fn item(&mut self, at: Self::Place) -> Option<Self::Place>;

    /// How much of the beginning of a string at `at` is to be told, decoded: up to [`HEAD`] bytes.
    fn wanted(&self, at: Self::Place) -> usize;

    /// A string.
    fn text(&mut self, at: Self::Place, text: Text<'_>);

    /// A number: its value if it is [`whole`].
    fn number(&mut self, at: Self::Place, value: Option<u64>);

    /// A word, which ends before the byte `end` of the document.
    fn word(&mut self, at: Self::Place, word: Word, end: u64);

    /// An object or an array begins; its first member or element comes after the byte before `start`.
    fn open(&mut self, at: Self::Place, kind: Kind, start: u64);

    /// An object or an array ends before the byte `end`.
    fn close(&mut self, at: Self::Place, kind: Kind, end: u64);
}

/// A string of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Text<'a> {
    /// Its beginning, decoded; as much of it as [`Sink::wanted`].
    pub head: &'a [u8],
    /// How many bytes it has, decoded.
    pub bytes: u64,
    /// Where its first byte is in the document, after the quote.
    pub start: u64,
    /// Where its closing quote is.
    pub end: u64,
}

/// What can be open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `{}`
    Object,
    /// `[]`
    Array,
}

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
        (grammar.step, grammar.depth, grammar.text) = (Step::Value, 0, 0);
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
                Some(self.around())
            } else {
                self.grammar.floor = self.grammar.depth;
                None
            };
        }
        self.before = self.before.wrapping_add(chunk.len() as u64);
        self.grammar.step != Step::Broken
    }

    /// Whether what was read is one whole document, if nothing follows.
    pub fn finish(&mut self) -> bool {
        let grammar = &mut self.grammar;
        if grammar.step == Step::InNumber && grammar.depth == 0 && grammar.part.ends() {
            self.end_number();
        }
        self.grammar.step == Step::End
    }

    /// Whether what was read cannot become a JSON document.
    #[must_use]
    pub fn is_broken(&self) -> bool {
        self.grammar.step == Step::Broken
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
        let mut at = at;
        while let Some(&byte) = chunk.get(at) {
            let step = self.grammar.step;
            match (step, byte) {
                (Step::InKey | Step::InText, _) => match self.grammar.reading.read(chunk, at) {
                    Progress::Ended(end) => {
                        at = end;
                        if !self.end_text(step, at) {
                            return Progress::Ended(at);
                        }
                    }
                    other => return other,
                },
                (Step::InNumber, _) => {
                    let end = self.grammar.part.read(chunk, at);
                    let digits = chunk.get(at..end).unwrap_or_default();
                    self.grammar.text = self.grammar.text.wrapping_add(digits.len() as u64);
                    self.grammar.reading.keep(digits);
                    if end >= chunk.len() {
                        return Progress::More;
                    }
                    if !self.grammar.part.ends() {
                        return Progress::Broken;
                    }
                    at = end;
                    self.end_number();
                }
                (Step::InWord, _) => match self.grammar.spell(chunk, at) {
                    Progress::Ended(end) => {
                        at = end;
                        self.end_word(at);
                    }
                    other => return other,
                },
                (_, b' ' | b'\n' | b'\r' | b'\t') => at = at.wrapping_add(1),
                (Step::FirstKey, b'}') | (Step::First, b']') => {
                    at = at.wrapping_add(1);
                    self.close(at);
                }
                (Step::Key | Step::FirstKey, b'"') => {
                    at = at.wrapping_add(1);
                    let end = wide::plain(chunk, at);
                    if chunk.get(end) == Some(&b'"') {
                        let key = chunk.get(at..end).unwrap_or_default();
                        at = end.wrapping_add(1);
                        if !self.key(key) {
                            return Progress::Ended(at);
                        }
                    } else {
                        self.begin_text(Step::InKey, KEY.wrapping_add(1), chunk, at, end);
                        at = end;
                    }
                }
                (Step::Colon, b':') => {
                    at = at.wrapping_add(1);
                    self.grammar.step = Step::Value;
                }
                (Step::After, b',') => {
                    at = at.wrapping_add(1);
                    self.grammar.step = if self.grammar.in_object() {
                        Step::Key
                    } else {
                        Step::Value
                    };
                }
                (Step::After, b'}' | b']') if self.grammar.in_object() == (byte == b'}') => {
                    at = at.wrapping_add(1);
                    self.close(at);
                }
                (Step::Value | Step::First, _) => {
                    let Some(place) = self.coming(byte) else {
                        self.grammar.step = Step::Value;
                        return Progress::Ended(at);
                    };
                    self.place = Some(place);
                    match byte {
                        b'"' => {
                            at = at.wrapping_add(1);
                            let end = wide::plain(chunk, at);
                            if chunk.get(end) == Some(&b'"') {
                                let text = chunk.get(at..end).unwrap_or_default();
                                at = end.wrapping_add(1);
                                self.text(place, text, at);
                            } else {
                                let wanted = self.sink.wanted(place);
                                self.begin_text(Step::InText, wanted, chunk, at, end);
                                at = end;
                            }
                        }
                        b'{' | b'[' => {
                            at = at.wrapping_add(1);
                            self.open(place, byte == b'{', at);
                        }
                        b'-' | b'0'..=b'9' => {
                            self.grammar.part = Part::of(byte);
                            self.begin_text(Step::InNumber, NUMBER, chunk, at, at);
                            self.grammar.reading.keep(&[byte]);
                            self.grammar.text = self.grammar.text.wrapping_add(1);
                            at = at.wrapping_add(1);
                        }
                        b't' | b'f' | b'n' => {
                            self.grammar.word = Word::of(byte);
                            self.grammar.spelled = 0;
                            self.grammar.step = Step::InWord;
                        }
                        _ => return Progress::Broken,
                    }
                }
                _ => return Progress::Broken,
            }
        }
        Progress::More
    }

    /// The place of the value that begins with `byte`.
    #[inline(always)]
    fn coming(&mut self, byte: u8) -> Option<S::Place> {
        let place = if self.grammar.depth > 0 && !self.grammar.in_object() {
            self.sink.item(self.around())
        } else {
            self.place
        };
        // There is no room for places as deep as this.
        let deep = self.grammar.depth as usize >= PLACES && matches!(byte, b'{' | b'[');
        place.filter(|_| !deep)
    }

    /// The place of the innermost object or array that is open.
    #[inline(always)]
    fn around(&self) -> S::Place {
        let above = self.grammar.depth.wrapping_sub(1) as usize;
        self.places.get(above).copied().unwrap_or(S::ROOT)
    }

    /// Takes a key; `false` if its value is to be skipped.
    #[inline(always)]
    fn key(&mut self, key: &[u8]) -> bool {
        self.grammar.text = self.grammar.text.wrapping_add(key.len() as u64);
        let long = key.len() > KEY;
        let field = if long {
            None
        } else {
            self.sink.field(self.around(), key)
        };
        self.lead(field)
    }

    /// Goes where a key leads.
    #[inline(always)]
    fn lead(&mut self, field: Option<S::Place>) -> bool {
        self.grammar.step = Step::Colon;
        if field.is_some() {
            self.place = field;
        }
        field.is_some()
    }

    /// Takes a string that was read in one go; what follows it is at `at`.
    #[inline(always)]
    fn text(&mut self, place: S::Place, text: &[u8], at: usize) {
        let end = self.offset(at).wrapping_sub(1);
        let bytes = text.len() as u64;
        self.grammar.text = self.grammar.text.wrapping_add(bytes);
        let wanted = self.sink.wanted(place);
        let text = Text {
            head: text.get(..wanted).unwrap_or(text),
            bytes,
            start: end.wrapping_sub(bytes),
            end,
        };
        self.sink.text(place, text);
        self.end_value();
    }

    /// Begins what is to be read in pieces with the bytes up to `end`.
    fn begin_text(&mut self, step: Step, wanted: usize, chunk: &[u8], at: usize, end: usize) {
        self.grammar.step = step;
        self.grammar.reading.begin(self.offset(at), wanted);
        self.grammar.reading.take(chunk, at, end);
    }

    /// Takes a string that was read in pieces; `false` if what follows it is to be skipped.
    fn end_text(&mut self, step: Step, at: usize) -> bool {
        let (around, end) = (self.around(), self.offset(at).wrapping_sub(1));
        let reading = &self.grammar.reading;
        let (head, bytes) = (reading.head(), reading.bytes);
        self.grammar.text = self.grammar.text.wrapping_add(bytes);
        if step == Step::InKey {
            let long = head.len() > KEY;
            let field = if long {
                None
            } else {
                self.sink.field(around, head)
            };
            return self.lead(field);
        }
        if let Some(place) = self.place {
            let text = Text {
                head,
                bytes,
                start: reading.start,
                end,
            };
            self.sink.text(place, text);
        }
        self.end_value();
        true
    }

    fn end_number(&mut self) {
        let digits = self.grammar.reading.head();
        let value = if digits.len() < NUMBER {
            whole(digits)
        } else {
            None
        };
        if let Some(place) = self.place {
            self.sink.number(place, value);
        }
        self.end_value();
    }

    fn end_word(&mut self, at: usize) {
        let word = self.grammar.word;
        self.grammar.text = self.grammar.text.wrapping_add(word.letters().len() as u64);
        if let Some(place) = self.place {
            self.sink
                .word(place, word, self.before.wrapping_add(at as u64));
        }
        self.end_value();
    }

    fn open(&mut self, place: S::Place, object: bool, at: usize) {
        // Places are fewer than levels, and a place was asked for.
        let _ = self.grammar.open(object);
        if let Some(kept) = self
            .places
            .get_mut(self.grammar.depth.wrapping_sub(1) as usize)
        {
            *kept = place;
        }
        let start = self.offset(at);
        if object {
            self.grammar.step = Step::FirstKey;
            self.sink.open(place, Kind::Object, start);
        } else {
            self.grammar.step = Step::First;
            self.sink.open(place, Kind::Array, start);
        }
    }

    fn close(&mut self, at: usize) {
        let kind = if self.grammar.in_object() {
            Kind::Object
        } else {
            Kind::Array
        };
        let place = self.around();
        self.grammar.close();
        self.sink.close(place, kind, self.offset(at));
        self.end_value();
    }

    #[inline(always)]
    fn end_value(&mut self) {
        self.grammar.step = if self.grammar.depth == 0 {
            Step::End
        } else {
            Step::After
        };
    }

    /// Where a place of this chunk is in the document.
    #[inline(always)]
    fn offset(&self, at: usize) -> u64 {
        self.before.wrapping_add(at as u64)
    }
}
