//! A text with what may differ between two copies of a template folded away: case, digits, white space, and characters that
//! nobody sees. Escapes of JSON are decoded on the way.

use crate::dialect::request::Spans;

/// How many folded bytes are kept of the beginning of a text, and as many of its end.
pub const CAP: usize = 1_024;

/// A folded text: its beginning, and its end if it is longer than [`CAP`]. To be used again, so that it is allocated once.
#[derive(Debug, Clone, Default)]
pub struct Folded {
    bytes: Vec<u8>,
    /// Where the end begins in `bytes`.
    split: usize,
    /// How many bytes the text has, as written.
    length: u64,
}

/// Bytes of a text as they are written, which stand for less when folded: as many are read from the end.
const REACH: usize = 2 * CAP;

impl Folded {
    /// How the text begins; all of it if it is short.
    #[must_use]
    pub fn head(&self) -> &[u8] {
        self.bytes.get(..self.split).unwrap_or_default()
    }

    /// How the text ends; nothing if the beginning is all of it.
    #[must_use]
    pub fn tail(&self) -> &[u8] {
        self.bytes.get(self.split..).unwrap_or_default()
    }

    /// How many bytes the text has, as written, if it is kept in part; otherwise as folded.
    #[must_use]
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Whether nothing is left of it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Reads a text that is no JSON.
    pub fn read_text(&mut self, text: &[u8]) {
        self.begin();
        let mut pen = Pen::default();
        pen.write(text, false, usize::MAX, &mut self.bytes);
        self.end_short();
        if self.bytes.len() > CAP {
            self.length = text.len() as u64;
            let tail = self.bytes.split_off(self.bytes.len().saturating_sub(CAP));
            self.bytes.truncate(CAP);
            self.split = self.bytes.len();
            self.bytes.extend_from_slice(&tail);
        }
    }

    /// Reads the pieces of a text, as they stand in a body.
    pub fn read(&mut self, body: &[u8], spans: &Spans) {
        self.begin();
        let mut pen = Pen::default();
        let mut more = false;
        for span in spans.iter() {
            let piece = body.get(span).unwrap_or_default();
            more |= pen.write(piece, true, CAP, &mut self.bytes) < piece.len();
            if more {
                break;
            }
        }
        if !more {
            self.end_short();
            return;
        }
        self.split = self.bytes.len();
        self.length = spans.bytes();
        self.read_end(body, spans);
    }

    /// Reads how a text ends that is too long to be kept whole.
    fn read_end(&mut self, body: &[u8], spans: &Spans) {
        // The last pieces that together reach far enough.
        let (mut skip, mut reach) = (spans.bytes().saturating_sub(REACH as u64), false);
        let mut pen = Pen::default();
        for span in spans.iter() {
            let piece = body.get(span).unwrap_or_default();
            let from = usize::try_from(skip).unwrap_or(usize::MAX).min(piece.len());
            skip = skip.saturating_sub(piece.len() as u64);
            let rest = piece.get(whole_from(piece, from)..).unwrap_or_default();
            reach |= !rest.is_empty();
            if reach {
                pen.write(rest, true, usize::MAX, &mut self.bytes);
            }
        }
        self.trim_end();
        let tail = self.bytes.len().saturating_sub(self.split);
        if let Some(extra) = tail.checked_sub(CAP) {
            self.bytes
                .drain(self.split..self.split.saturating_add(extra));
        }
    }

    fn begin(&mut self) {
        self.bytes.clear();
        self.split = 0;
        self.length = 0;
    }

    fn end_short(&mut self) {
        self.trim_end();
        self.split = self.bytes.len();
        self.length = self.bytes.len() as u64;
    }

    fn trim_end(&mut self) {
        while self.bytes.len() > self.split && self.bytes.last() == Some(&b' ') {
            self.bytes.pop();
        }
    }
}

/// The first place from `from` on at which no character and no escape of a JSON string is cut.
fn whole_from(piece: &[u8], from: usize) -> usize {
    if from == 0 {
        return 0;
    }
    // An escape is six bytes at most. Behind as many without a backslash none can reach, and a character begins at any byte
    // that continues none.
    let mut plain = 0_usize;
    let mut at = from;
    while let Some(&byte) = piece.get(at) {
        if plain >= 6 && byte & 0xc0 != 0x80 {
            return at;
        }
        plain = if byte == b'\\' {
            0
        } else {
            plain.saturating_add(1)
        };
        at = at.saturating_add(1);
    }
    piece.len()
}

/// What folding remembers of the bytes before: it begins as if there were white space.
struct Pen {
    last: u8,
}

impl Default for Pen {
    fn default() -> Self {
        Self { last: b' ' }
    }
}

impl Pen {
    /// Folds a piece until `to` holds `cap` bytes; answers how much of it was read.
    fn write(&mut self, piece: &[u8], escaped: bool, cap: usize, to: &mut Vec<u8>) -> usize {
        let mut at = 0_usize;
        while to.len() < cap {
            let Some(&byte) = piece.get(at) else {
                break;
            };
            let mapped = MAP.get(usize::from(byte)).copied().unwrap_or(byte);
            if mapped != 0 {
                self.put(mapped, to);
                at = at.saturating_add(1);
                continue;
            }
            at = at.saturating_add(match byte {
                b'\\' if escaped => self.escape(piece.get(at..).unwrap_or_default(), to),
                0..0x80 => {
                    self.put(byte, to);
                    1
                }
                _ => self.wide(piece.get(at..).unwrap_or_default(), to),
            });
        }
        at
    }

    #[inline(always)]
    fn put(&mut self, mapped: u8, to: &mut Vec<u8>) {
        let again = mapped == self.last && (mapped == b' ' || mapped == b'0');
        if !again {
            to.push(mapped);
        }
        self.last = mapped;
    }

    /// A character of several bytes that may be invisible, or white.
    fn wide(&mut self, bytes: &[u8], to: &mut Vec<u8>) -> usize {
        let length = match bytes.first() {
            Some(0xc2 | 0xcd | 0xd8) => 2,
            Some(0xf0 | 0xf3) => 4,
            _ => 3,
        };
        let Some(character) = bytes.get(..length) else {
            bytes.iter().for_each(|&byte| self.put(byte, to));
            return bytes.len();
        };
        match core::str::from_utf8(character)
            .ok()
            .and_then(|text| text.chars().next())
        {
            Some(character) => self.character(character, to),
            None => {
                self.put(bytes.first().copied().unwrap_or_default(), to);
                return 1;
            }
        }
        length
    }

    fn character(&mut self, character: char, to: &mut Vec<u8>) {
        if is_invisible(character) {
            return;
        }
        if character.is_whitespace() || character.is_control() {
            self.put(b' ', to);
            return;
        }
        if character.is_ascii() {
            let byte = character as u8;
            let mapped = MAP.get(usize::from(byte)).copied().unwrap_or(byte);
            self.put(if mapped == 0 { byte } else { mapped }, to);
            return;
        }
        let mut utf8 = [0; 4];
        for &byte in character.encode_utf8(&mut utf8).as_bytes() {
            self.put(byte, to);
        }
    }

    /// An escape of JSON; answers how long it is.
    fn escape(&mut self, bytes: &[u8], to: &mut Vec<u8>) -> usize {
        match bytes.get(1) {
            Some(b'u') => {}
            Some(b'n' | b't' | b'r' | b'b' | b'f') => {
                self.put(b' ', to);
                return 2;
            }
            Some(&letter) => {
                self.put(letter, to);
                return 2;
            }
            None => return 1,
        }
        let unit = |from: usize| {
            let digits = bytes.get(from..from.saturating_add(4))?;
            u32::from_str_radix(core::str::from_utf8(digits).ok()?, 16).ok()
        };
        let Some(first) = unit(2) else {
            return 2;
        };
        let second = match bytes.get(6..8) {
            Some(b"\\u") => unit(8),
            _ => None,
        };
        let pair = second.filter(|second| first & 0xfc00 == 0xd800 && second & 0xfc00 == 0xdc00);
        let (code, length) = match pair {
            Some(second) => {
                let code = ((first & 0x3ff) << 10) | (second & 0x3ff);
                (code.saturating_add(0x1_0000), 12)
            }
            None => (first, 6),
        };
        self.character(
            char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER),
            to,
        );
        length
    }
}

/// Characters that take no room and say nothing: format characters, variation selectors and tags.
const fn is_invisible(character: char) -> bool {
    matches!(character,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{e0000}'..='\u{e0fff}')
}

/// What each byte is folded to; 0 for what takes a closer look.
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
