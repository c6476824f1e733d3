//! What no sink asks for: followed, and nothing else.

use super::number::{self, Part};
use super::text::{self, Progress, Reading};
use super::wide;

/// The deepest nesting that is followed. serde_json and Go stop at 127 and 10,000; real requests stay below 20.
pub(super) const MAX_DEPTH: u32 = 128;

/// What comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// A value.
    Value,
    /// The first element of an array, or its end.
    First,
    /// A member's key.
    Key,
    /// The first key of an object, or its end.
    FirstKey,
    /// The rest of a key.
    InKey,
    /// The colon after a key.
    Colon,
    /// The rest of a string.
    InText,
    /// The rest of a number.
    InNumber,
    /// The rest of `true`, `false` or `null`.
    InWord,
    /// A comma, or the end of what is open.
    After,
    /// Nothing but white space: the document is over.
    End,
    /// Nothing: this is not JSON.
    Broken,
}

/// Where a scan stands in the grammar, whoever asks for it.
pub(super) struct Grammar {
    pub(super) step: Step,
    pub(super) open: Open,
    /// The depth at which a skipped value ends.
    pub(super) floor: u32,
    /// The string that is being read.
    pub(super) reading: Reading,
    /// The part of the number that is being read.
    pub(super) part: Part,
    /// The word that is being read, and how much of it was.
    pub(super) word: Word,
    pub(super) spelled: u8,
    /// Decoded bytes of all strings, and the bytes of all numbers and words.
    pub(super) text: u64,
}

/// What JSON spells out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Word {
    /// `true`
    True,
    /// `false`
    False,
    /// `null`
    Null,
}

impl Word {
    /// Its letters.
    #[inline(always)]
    pub(crate) const fn letters(self) -> &'static [u8] {
        match self {
            Self::True => b"true",
            Self::False => b"false",
            Self::Null => b"null",
        }
    }

    #[inline(always)]
    pub(super) const fn of(first: u8) -> Self {
        match first {
            b't' => Self::True,
            b'f' => Self::False,
            _ => Self::Null,
        }
    }
}

impl Grammar {
    pub(super) const fn new() -> Self {
        Self {
            step: Step::Value,
            open: Open::NONE,
            floor: 0,
            reading: Reading::new(),
            part: Part::Zero,
            word: Word::Null,
            spelled: 0,
            text: 0,
        }
    }

    /// Reads on to the end of `true`, `false` or `null`.
    pub(super) fn spell(&mut self, chunk: &[u8], at: usize) -> Progress {
        let mut at = at;
        let rest = self.word.letters().get(usize::from(self.spelled)..);
        for letter in rest.unwrap_or_default() {
            match chunk.get(at) {
                None => return Progress::More,
                Some(byte) if byte == letter => {}
                Some(_) => return Progress::Broken,
            }
            at = at.wrapping_add(1);
            self.spelled = self.spelled.wrapping_add(1);
        }
        Progress::Ended(at)
    }

    /// Follows a value that began at `step` to its end, at the depth of `floor`.
    pub(super) fn skip(&mut self, chunk: &[u8], at: usize) -> Progress {
        let floor = self.floor;
        let (mut at, mut step, mut open, mut text) = (at, self.step, self.open, self.text);
        // The step comes first, then the byte: so the compiler sees which step follows which.
        let progress = loop {
            match step {
                Step::Value | Step::First => {
                    let Some(&byte) = chunk.get(at) else {
                        break Progress::More;
                    };
                    match byte {
                        b'"' => {
                            let begin = at.wrapping_add(1);
                            at = wide::plain(chunk, begin);
                            let mut bytes = at.wrapping_sub(begin) as u64;
                            if chunk.get(at) != Some(&b'"') {
                                (at, bytes) = text::pass(chunk, begin, at);
                                if chunk.get(at) != Some(&b'"') {
                                    self.reading.begin(0, 0, bytes);
                                    step = Step::InText;
                                    continue;
                                }
                            }
                            text = text.wrapping_add(bytes);
                            at = at.wrapping_add(1);
                        }
                        b' ' | b'\n' | b'\r' | b'\t' => {
                            at = at.wrapping_add(1);
                            continue;
                        }
                        b'{' | b'[' => {
                            let object = byte == b'{';
                            if !open.push(object) {
                                break Progress::Broken;
                            }
                            at = at.wrapping_add(1);
                            step = if object { Step::FirstKey } else { Step::First };
                            continue;
                        }
                        b'-' | b'0'..=b'9' => {
                            let end = number::end(chunk, at);
                            if end == at {
                                self.part = Part::of(byte);
                                at = at.wrapping_add(1);
                                text = text.wrapping_add(1);
                                step = Step::InNumber;
                                continue;
                            }
                            text = text.wrapping_add(end.wrapping_sub(at) as u64);
                            at = end;
                        }
                        b't' | b'f' | b'n' => {
                            self.word = Word::of(byte);
                            self.spelled = 0;
                            step = Step::InWord;
                            continue;
                        }
                        b']' if step == Step::First => {
                            open.pop();
                            at = at.wrapping_add(1);
                        }
                        _ => break Progress::Broken,
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
                            let mut bytes = at.wrapping_sub(begin) as u64;
                            if chunk.get(at) != Some(&b'"') {
                                (at, bytes) = text::pass(chunk, begin, at);
                                if chunk.get(at) != Some(&b'"') {
                                    self.reading.begin(0, 0, bytes);
                                    step = Step::InKey;
                                    continue;
                                }
                            }
                            text = text.wrapping_add(bytes);
                            at = at.wrapping_add(1);
                            step = Step::Colon;
                            continue;
                        }
                        b' ' | b'\n' | b'\r' | b'\t' => {
                            at = at.wrapping_add(1);
                            continue;
                        }
                        b'}' if step == Step::FirstKey => {
                            open.pop();
                            at = at.wrapping_add(1);
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
                        b' ' | b'\n' | b'\r' | b'\t' => {}
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
                        (b',', true) => {
                            step = Step::Key;
                            continue;
                        }
                        (b',', false) => {
                            step = Step::Value;
                            continue;
                        }
                        (b'}', true) | (b']', false) => open.pop(),
                        (b' ' | b'\n' | b'\r' | b'\t', _) => continue,
                        _ => break Progress::Broken,
                    }
                }
                Step::InKey | Step::InText => match self.reading.read(chunk, at) {
                    Progress::Ended(end) => {
                        text = text.wrapping_add(self.reading.bytes);
                        at = end;
                        if step == Step::InKey {
                            step = Step::Colon;
                            continue;
                        }
                    }
                    other => break other,
                },
                Step::InNumber => {
                    let end = self.part.read(chunk, at);
                    text = text.wrapping_add(end.wrapping_sub(at) as u64);
                    at = end;
                    if at >= chunk.len() {
                        break Progress::More;
                    }
                    if !self.part.ends() {
                        break Progress::Broken;
                    }
                }
                Step::InWord => match self.spell(chunk, at) {
                    Progress::Ended(end) => {
                        text = text.wrapping_add(self.word.letters().len() as u64);
                        at = end;
                    }
                    other => break other,
                },
                Step::End | Step::Broken => break Progress::Broken,
            }
            // A value has ended.
            step = Step::After;
            if open.depth == floor {
                break Progress::Ended(at);
            }
        };
        (self.step, self.open, self.text) = (step, open, text);
        progress
    }
}

/// What is open: objects (1) and arrays (0), as the bits of a number, the innermost lowest.
#[derive(Debug, Clone, Copy)]
pub(super) struct Open {
    kinds: u128,
    /// How many.
    pub(super) depth: u32,
}

impl Open {
    pub(super) const NONE: Self = Self { kinds: 0, depth: 0 };

    /// Opens an object or an array; `false` if that is too deep.
    #[inline(always)]
    pub(super) const fn push(&mut self, object: bool) -> bool {
        if self.depth >= MAX_DEPTH {
            return false;
        }
        self.kinds = (self.kinds << 1) | object as u128;
        self.depth = self.depth.wrapping_add(1);
        true
    }

    #[inline(always)]
    pub(super) const fn pop(&mut self) {
        self.kinds >>= 1;
        self.depth = self.depth.wrapping_sub(1);
    }

    #[inline(always)]
    pub(super) const fn in_object(&self) -> bool {
        self.kinds & 1 == 1
    }

    /// What comes after a comma.
    #[inline(always)]
    pub(super) const fn after_comma(&self) -> Step {
        if self.in_object() {
            Step::Key
        } else {
            Step::Value
        }
    }
}

/// Where a short value that begins at `at` ends, if it needs no memory; otherwise `at`. A shortcut past [`Grammar::skip`],
/// and how many bytes of text it is, is its length without its quotes.
#[inline(never)]
pub(super) fn short(chunk: &[u8], at: usize) -> usize {
    match chunk.get(at) {
        Some(b'"') => {
            let end = wide::plain(chunk, at.wrapping_add(1));
            if chunk.get(end) == Some(&b'"') {
                return end.wrapping_add(1);
            }
        }
        Some(b'n') => {
            let rest = chunk.get(at..).unwrap_or_default();
            if rest.starts_with(Word::Null.letters()) {
                return at.wrapping_add(Word::Null.letters().len());
            }
        }
        Some(b'0'..=b'9') => return number::end(chunk, at),
        _ => {}
    }
    at
}

/// The place after a punctuation mark at `at` and the space that often follows it. A shortcut for what steps do too.
#[inline(always)]
pub(super) fn past(chunk: &[u8], at: usize, mark: u8) -> Option<usize> {
    if chunk.get(at) != Some(&mark) {
        return None;
    }
    let at = at.wrapping_add(1);
    let space = chunk.get(at) == Some(&b' ');
    Some(at.wrapping_add(usize::from(space)))
}
