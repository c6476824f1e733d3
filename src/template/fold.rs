//! A text with what may differ between two copies of a template folded away: case, digits, white space, and characters that
//! nobody sees. Escapes of JSON are decoded on the way.

use super::pen::{Pen, ROOM};
use crate::dialect::request::Spans;

/// How many folded bytes are kept of the beginning of a text, and as many of its end.
pub const CAP: usize = 1_024;

/// A folded text: its beginning, and its end if it is longer than [`CAP`]. Takes 3 KiB.
#[derive(Debug, Clone)]
pub struct Folded {
    /// Room for the beginning, and behind it for twice as much of the end.
    bytes: [u8; END + 2 * CAP + ROOM],
    /// Where the beginning ends.
    split: usize,
    /// From where to where the end stands.
    tail: (usize, usize),
    /// How many bytes the text has, as written, if it is kept in part; otherwise as folded.
    length: u64,
}

/// No more bytes are read of a beginning or an end, as they are written. If they fold to less than is kept, so be it.
const FAR: usize = 8 * CAP;

/// More than this of an end is folded before as much as is kept is taken: where one begins to read in the middle of an
/// escape or behind white space, the first bytes are not what they would be.
const SURPLUS: usize = 16;

/// Where the end begins: behind the beginning, and what tells whether there is more.
const END: usize = CAP + ROOM;

impl Default for Folded {
    fn default() -> Self {
        Self {
            bytes: [0; END + 2 * CAP + ROOM],
            split: 0,
            tail: (0, 0),
            length: 0,
        }
    }
}

impl Folded {
    /// How the text begins; all of it if it is short.
    #[must_use]
    pub fn head(&self) -> &[u8] {
        self.bytes.get(..self.split).unwrap_or_default()
    }

    /// How the text ends; nothing if the beginning is all of it. In a text that is not twice as long they overlap.
    #[must_use]
    pub fn tail(&self) -> &[u8] {
        let (from, to) = self.tail;
        self.bytes.get(from..to).unwrap_or_default()
    }

    /// How many bytes the text has, as written, if it is kept in part; otherwise as folded.
    #[must_use]
    pub const fn length(&self) -> u64 {
        self.length
    }

    /// Whether nothing is left of it.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.split == 0
    }

    /// Reads a text that is no JSON.
    pub fn read_text(&mut self, text: &[u8]) {
        self.read_pieces(|| core::iter::once(text), text.len() as u64, false);
    }

    /// Reads the pieces of a text, as they stand in a body.
    pub fn read(&mut self, body: &[u8], spans: &Spans) {
        let pieces = || spans.iter().map(|span| body.get(span).unwrap_or_default());
        self.read_pieces(pieces, spans.bytes(), true);
    }

    fn read_pieces<'a, I: Iterator<Item = &'a [u8]>>(
        &mut self,
        pieces: impl Fn() -> I,
        written: u64,
        escaped: bool,
    ) {
        self.tail = (0, 0);
        let mut pen = Pen::new(&mut self.bytes, escaped);
        let mut left = FAR;
        for piece in pieces() {
            // Two more than are kept, of which one may be white space at the end.
            left = left.saturating_sub(pen.write(piece, left, CAP + 2));
            if left == 0 || pen.at >= CAP + 2 {
                break;
            }
        }
        let length = pen.trimmed();
        if length <= CAP && left > 0 {
            (self.split, self.length) = (length, length as u64);
            return;
        }
        (self.split, self.length) = (length.min(CAP), written);
        let mut reach = CAP + CAP / 4;
        while !self.read_end(pieces(), written, escaped, reach) {
            reach = reach.saturating_mul(2).min(FAR);
        }
    }

    /// Reads so many bytes of how a text ends, as written; answers whether that is enough.
    fn read_end<'a>(
        &mut self,
        pieces: impl Iterator<Item = &'a [u8]>,
        written: u64,
        escaped: bool,
        reach: usize,
    ) -> bool {
        let room = self.bytes.get_mut(END..).unwrap_or_default();
        let mut pen = Pen::new(room, escaped);
        let mut skip = written.saturating_sub(reach as u64);
        for piece in pieces {
            let from = usize::try_from(skip).unwrap_or(usize::MAX).min(piece.len());
            skip = skip.saturating_sub(piece.len() as u64);
            let mut rest = piece.get(from..).unwrap_or_default();
            while !rest.is_empty() {
                if pen.at >= 2 * CAP {
                    pen.keep_last(CAP + SURPLUS);
                }
                let read = pen.write(rest, usize::MAX, 2 * CAP);
                rest = rest.get(read..).unwrap_or_default();
            }
        }
        let length = pen.trimmed();
        let from = END.saturating_add(length.saturating_sub(CAP));
        self.tail = (from, END.saturating_add(length));
        length >= CAP + SURPLUS - 1 || reach >= FAR || reach as u64 >= written
    }
}
