//! Who hears a scan.

use super::{Word, text};

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

    /// A number: its value if it is [`whole`](super::whole).
    fn number(&mut self, at: Self::Place, value: Option<u64>);

    /// A word, which ends before the byte `end` of the document.
    fn word(&mut self, at: Self::Place, word: Word, end: u64);

    /// An object or an array begins; its first member or element comes after the byte before `start`.
    fn open(&mut self, at: Self::Place, kind: Kind, start: u64);

    /// An object or an array ends before the byte `end`.
    fn close(&mut self, at: Self::Place, kind: Kind, end: u64);
}

impl Kind {
    /// The kind that a bracket opens or closes.
    #[inline(always)]
    pub(super) const fn of(bracket: u8) -> Self {
        match bracket {
            b'{' | b'}' => Self::Object,
            _ => Self::Array,
        }
    }
}

/// A sink that stays where it is.
impl<S: Sink> Sink for &mut S {
    type Place = S::Place;

    const ROOT: S::Place = S::ROOT;

    fn field(&mut self, at: S::Place, key: &[u8]) -> Option<S::Place> {
        (**self).field(at, key)
    }

    fn item(&mut self, at: S::Place) -> Option<S::Place> {
        (**self).item(at)
    }

    fn wanted(&self, at: S::Place) -> usize {
        (**self).wanted(at)
    }

    fn text(&mut self, at: S::Place, text: Text<'_>) {
        (**self).text(at, text);
    }

    fn number(&mut self, at: S::Place, value: Option<u64>) {
        (**self).number(at, value);
    }

    fn word(&mut self, at: S::Place, word: Word, end: u64) {
        (**self).word(at, word, end);
    }

    fn open(&mut self, at: S::Place, kind: Kind, start: u64) {
        (**self).open(at, kind, start);
    }

    fn close(&mut self, at: S::Place, kind: Kind, end: u64) {
        (**self).close(at, kind, end);
    }
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
