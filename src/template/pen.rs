//! Folding bytes: eight at a time where nothing is odd, and one by one where something is.

use crate::scan::wide::{HIGH, first, hex, repeat};

/// How far behind its limit a pen may write.
pub(super) const ROOM: usize = 16;

/// Writes what it reads, folded, into room that is there.
pub(super) struct Pen<'a> {
    to: &'a mut [u8],
    /// How much has been written.
    pub(super) at: usize,
    /// The last byte that was written. It begins as if there were white space.
    last: u8,
    /// Whether escapes of JSON are decoded.
    escaped: bool,
}

/// Eight bytes, folded, up to the first that is odd.
struct Folding {
    bytes: u64,
    /// Bit 7 of each byte that is odd: that is no ASCII, begins an escape, or is white space or a digit behind another.
    odd: u64,
    /// Bit 7 of each byte that is a digit, and of each that is white space.
    digits: u64,
    blanks: u64,
}

impl Folding {
    /// Folds. What came before matters only if it was a digit, or white space: then these are 0x80, otherwise 0.
    #[inline(always)]
    fn of(word: u64, digit_before: u64, blank_before: u64) -> Self {
        // Sums that do not run over into the next byte, since the highest bit is taken away. A byte that has it is odd, whatever
        // else is found of it.
        let low = word & !HIGH;
        let from = |byte: u8| low.wrapping_add(repeat(0x80_u8.wrapping_sub(byte)));
        let digits = from(b'0') & !from(b'9' + 1) & HIGH;
        let capitals = from(b'A') & !from(b'Z' + 1) & HIGH;
        let blanks = !from(b' ' + 1) & HIGH;
        let other = (low ^ repeat(b'\\')).wrapping_add(repeat(0x7f));
        let again =
            (digits & (digits << 8 | digit_before)) | (blanks & (blanks << 8 | blank_before));
        // A bit 7 becomes the bits that a digit or a blank loses.
        let lost = (digits >> 3).wrapping_sub(digits >> 7) | blanks.wrapping_sub(blanks >> 7);
        Self {
            bytes: (low & !lost) | capitals >> 2 | blanks >> 2,
            odd: ((word | from(0x7f) | !other) & HIGH) | again,
            digits,
            blanks,
        }
    }
}

impl<'a> Pen<'a> {
    pub(super) fn new(to: &'a mut [u8], escaped: bool) -> Self {
        Self {
            to,
            at: 0,
            last: b' ',
            escaped,
        }
    }

    /// Folds no more than `most` bytes of a piece, and none once `limit` bytes are written; answers how many were read.
    pub(super) fn write(&mut self, piece: &[u8], most: usize, limit: usize) -> usize {
        let piece = piece.get(..most).unwrap_or(piece);
        let mut from = 0_usize;
        let (mut digit, mut blank) = self.before();
        while self.at < limit {
            let next = piece.get(from..).and_then(|rest| rest.first_chunk());
            let room = self.to.get_mut(self.at..);
            let room = room.and_then(|room| room.first_chunk_mut());
            let (Some(next), Some(room)) = (next, room) else {
                break;
            };
            let folding = Folding::of(u64::from_le_bytes(*next), digit, blank);
            *room = folding.bytes.to_le_bytes();
            if folding.odd == 0 {
                (digit, blank) = (folding.digits >> 56, folding.blanks >> 56);
                from = from.wrapping_add(8);
                self.at = self.at.wrapping_add(8);
                self.last = (folding.bytes >> 56) as u8;
                continue;
            }
            let plain = first(folding.odd);
            from = from.wrapping_add(plain);
            self.at = self.at.wrapping_add(plain);
            if plain > 0 {
                self.last = (folding.bytes >> (plain.wrapping_mul(8).wrapping_sub(8) & 63)) as u8;
            }
            from = self.odd(piece, from, limit);
            (digit, blank) = self.before();
        }
        while self.at < limit && from < piece.len() {
            from = self.one(piece, from);
        }
        from
    }

    /// How much has been written, without white space at the end.
    pub(super) fn trimmed(&self) -> usize {
        // Two blanks never follow each other.
        self.at
            .saturating_sub(usize::from(self.at > 0 && self.last == b' '))
    }

    /// Forgets all that was written but the last so many bytes, if it is more.
    pub(super) fn keep_last(&mut self, count: usize) {
        if let Some(from) = self.at.checked_sub(count) {
            self.to.copy_within(from..self.at, 0);
            self.at = count;
        }
    }

    /// What [`Folding::of`] is told of the last byte.
    #[inline(always)]
    fn before(&self) -> (u64, u64) {
        let is = |byte: u8| u64::from(self.last == byte) << 7;
        (is(b'0'), is(b' '))
    }

    /// Folds what is odd, up to what is not.
    fn odd(&mut self, piece: &[u8], from: usize, limit: usize) -> usize {
        let mut from = from;
        while self.at < limit {
            from = self.one(piece, from);
            let Some(&byte) = piece.get(from) else {
                break;
            };
            let again = map(byte) == self.last && matches!(self.last, b' ' | b'0');
            if byte < 0x80 && byte != b'\\' && !again {
                break;
            }
        }
        from
    }

    /// Folds a character or an escape; answers where the next begins.
    #[inline(always)]
    fn one(&mut self, piece: &[u8], from: usize) -> usize {
        let rest = piece.get(from..).unwrap_or_default();
        let byte = rest.first().copied().unwrap_or_default();
        let length = match map(byte) {
            0 if byte != b'\\' => self.wide(rest),
            0 if self.escaped => self.escape(rest),
            0 => {
                self.put(byte);
                1
            }
            mapped => {
                self.put(mapped);
                1
            }
        };
        from.wrapping_add(length)
    }

    #[inline(always)]
    fn put(&mut self, mapped: u8) {
        let again = mapped == self.last && matches!(mapped, b' ' | b'0');
        if let Some(place) = self.to.get_mut(self.at) {
            *place = mapped;
            self.at = self.at.wrapping_add(usize::from(!again));
        }
        self.last = mapped;
    }

    /// A character of several bytes that may be invisible, or white; answers how many.
    fn wide(&mut self, bytes: &[u8]) -> usize {
        let lead = bytes.first().copied().unwrap_or_default();
        let length = match lead {
            ..0xe0 => 2_usize,
            0xe0..0xf0 => 3,
            _ => 4,
        };
        let begun = u32::from(lead & (0x7f >> length));
        let code = bytes.get(1..length).and_then(|rest| {
            rest.iter().try_fold(begun, |code, &byte| {
                (byte & 0xc0 == 0x80).then_some(code << 6 | u32::from(byte & 0x3f))
            })
        });
        match code {
            Some(code) if is_invisible(code) => {}
            Some(code) if is_blank(code) => self.put(b' '),
            Some(_) => {
                let bytes = bytes.get(..length).unwrap_or_default();
                bytes.iter().for_each(|&byte| self.put(byte));
            }
            None => {
                self.put(lead);
                return 1;
            }
        }
        length
    }

    /// An escape of JSON; answers how long it is.
    fn escape(&mut self, bytes: &[u8]) -> usize {
        match bytes.get(1) {
            Some(b'u') => {}
            Some(b'n' | b't' | b'r' | b'b' | b'f') => {
                self.put(b' ');
                return 2;
            }
            Some(&letter) => {
                self.put(letter);
                return 2;
            }
            None => return 1,
        }
        let unit = |from: usize| {
            let digits = bytes.get(from..)?.first_chunk()?;
            hex(*digits).map(u32::from)
        };
        let Some(first) = unit(2) else {
            return 2;
        };
        let second = match bytes.get(6..8) {
            Some(b"\\u") if first & 0xfc00 == 0xd800 => unit(8),
            _ => None,
        };
        let (code, length) = match second.filter(|second| second & 0xfc00 == 0xdc00) {
            Some(second) => {
                let code = ((first & 0x3ff) << 10) | (second & 0x3ff);
                (code.wrapping_add(0x1_0000), 12)
            }
            None => (first, 6),
        };
        let character = char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER);
        if code < 0x80 {
            let byte = code as u8;
            self.put(if byte == b'\\' { byte } else { map(byte) });
        } else if is_blank(code) {
            self.put(b' ');
        } else if !is_invisible(code) {
            let mut utf8 = [0; 4];
            let bytes = character.encode_utf8(&mut utf8).as_bytes();
            bytes.iter().for_each(|&byte| self.put(byte));
        }
        length
    }
}

/// Characters that take no room and say nothing: format characters, variation selectors and tags.
const fn is_invisible(code: u32) -> bool {
    matches!(code,
        0xad | 0x34f | 0x61c | 0x180e | 0x200b..=0x200f | 0x202a..=0x202e
        | 0x2060..=0x206f | 0xfe00..=0xfe0f | 0xfeff | 0xe_0000..=0xe_0fff)
}

/// White space beyond ASCII, and control characters.
const fn is_blank(code: u32) -> bool {
    matches!(code,
        0x80..=0xa0 | 0x1680 | 0x2000..=0x200a | 0x2028 | 0x2029 | 0x202f | 0x205f | 0x3000)
}

/// What a byte is folded to; 0 for what takes a closer look.
#[inline(always)]
fn map(byte: u8) -> u8 {
    MAP.get(usize::from(byte)).copied().unwrap_or(byte)
}

const MAP: [u8; 256] = {
    let mut map = [0; 256];
    let mut byte = 0_u8;
    loop {
        let mapped = match byte {
            b'\\' | 0xc2 | 0xcd | 0xd8 | 0xe1 | 0xe2 | 0xe3 | 0xef | 0xf3 => 0,
            b'0'..=b'9' => b'0',
            0..=b' ' | 0x7f => b' ',
            _ => byte.to_ascii_lowercase(),
        };
        #[expect(
            clippy::indexing_slicing,
            reason = "the array has a place for every byte, and this runs when it is compiled"
        )]
        {
            map[byte as usize] = mapped;
        }
        if byte == u8::MAX {
            break;
        }
        byte = byte.wrapping_add(1);
    }
    map
};
