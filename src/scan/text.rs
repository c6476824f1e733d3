//! A string that is read in pieces, or that has escapes.

use super::wide;

/// The longest beginning of a string that is kept, decoded, in bytes.
pub(super) const KEPT: usize = 264;

/// What reading a token came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Progress {
    /// It ended, and what follows it is at this place of the chunk.
    Ended(usize),
    /// The chunk ended first.
    More,
    /// This is not JSON.
    Broken,
}

/// A string up to where it was read.
pub(super) struct Reading {
    /// Where its first byte is, counted from the beginning of the document.
    pub(super) start: u64,
    /// How many bytes it has so far, decoded.
    pub(super) bytes: u64,
    escape: Escape,
    /// The hexadecimal digits of an escape so far.
    code: u16,
    /// The first half of a surrogate pair, if the second may follow; otherwise 0.
    high: u16,
    wanted: usize,
    /// What was kept. Empty for most strings, which end in the chunk that they began in, and have no escapes.
    head: Vec<u8>,
}

/// How far an escape was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Escape {
    /// No escape.
    None,
    /// Its backslash.
    Begun,
    /// `\u` and this many digits.
    Digits(u8),
}

impl Reading {
    pub(super) const fn new() -> Self {
        Self {
            start: 0,
            bytes: 0,
            escape: Escape::None,
            code: 0,
            high: 0,
            wanted: 0,
            head: Vec::new(),
        }
    }

    /// Begins a string of which up to `wanted` bytes are to be kept, and of which `bytes` were passed.
    pub(super) fn begin(&mut self, start: u64, wanted: usize, bytes: u64) {
        self.start = start;
        self.bytes = bytes;
        self.escape = Escape::None;
        self.high = 0;
        self.wanted = wanted.min(KEPT);
        self.head.clear();
    }

    /// The beginning of the string, decoded, as much as was wanted.
    pub(super) fn head(&self) -> &[u8] {
        &self.head
    }

    /// Reads on to the quote that ends the string.
    pub(super) fn read(&mut self, chunk: &[u8], at: usize) -> Progress {
        let mut at = at;
        loop {
            if self.head.len() >= self.wanted && self.escape == Escape::None && self.high == 0 {
                let (end, bytes) = pass(chunk, at, wide::plain_long(chunk, at));
                self.bytes = self.bytes.wrapping_add(bytes);
                at = end;
            }
            let Some(&byte) = chunk.get(at) else {
                return Progress::More;
            };
            if self.escape != Escape::None {
                if !self.escaped(byte) {
                    return Progress::Broken;
                }
            } else if byte == b'"' {
                self.lone();
                return Progress::Ended(at.wrapping_add(1));
            } else if byte == b'\\' {
                self.escape = Escape::Begun;
            } else if byte < 0x20 {
                return Progress::Broken;
            } else {
                let end = wide::plain_long(chunk, at);
                self.take(chunk, at, end);
                at = end;
                continue;
            }
            at = at.wrapping_add(1);
        }
    }

    /// Takes bytes that stand for themselves.
    #[inline(always)]
    pub(super) fn take(&mut self, chunk: &[u8], at: usize, end: usize) {
        if end == at {
            return;
        }
        self.lone();
        self.bytes = self.bytes.wrapping_add(end.wrapping_sub(at) as u64);
        if self.head.len() < self.wanted {
            self.keep(chunk.get(at..end).unwrap_or_default());
        }
    }

    /// Takes the next byte of an escape; `false` if it cannot be one.
    fn escaped(&mut self, byte: u8) -> bool {
        let Escape::Digits(count) = self.escape else {
            if byte == b'u' {
                self.escape = Escape::Digits(0);
                self.code = 0;
                return true;
            }
            let Some(plain) = plain(byte) else {
                return false;
            };
            self.escape = Escape::None;
            self.lone();
            self.bytes = self.bytes.wrapping_add(1);
            if self.head.len() < self.wanted {
                self.keep(&[plain]);
            }
            return true;
        };
        let Some(digit) = char::from(byte).to_digit(16) else {
            return false;
        };
        self.code = (self.code << 4) | digit as u16;
        if count < 3 {
            self.escape = Escape::Digits(count.wrapping_add(1));
        } else {
            self.escape = Escape::None;
            self.unit(self.code);
        }
        true
    }

    /// Takes a unit of UTF-16.
    fn unit(&mut self, unit: u16) {
        if self.high != 0 && unit & 0xfc00 == 0xdc00 {
            let (high, low) = (u32::from(self.high & 0x3ff), u32::from(unit & 0x3ff));
            self.high = 0;
            self.character(((high << 10) | low).wrapping_add(0x1_0000));
            return;
        }
        self.lone();
        if unit & 0xfc00 == 0xd800 {
            self.high = unit;
        } else {
            self.character(u32::from(unit));
        }
    }

    /// Half a pair alone: what origins make of it differs, and its size is that of what most make of it.
    #[inline]
    fn lone(&mut self) {
        if self.high != 0 {
            self.high = 0;
            self.character(u32::from(char::REPLACEMENT_CHARACTER));
        }
    }

    fn character(&mut self, code: u32) {
        self.bytes = self.bytes.wrapping_add(size(code) as u64);
        if self.head.len() < self.wanted {
            let mut utf8 = [0; 4];
            let character = char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER);
            self.keep(character.encode_utf8(&mut utf8).as_bytes());
        }
    }

    /// Keeps what is wanted of more bytes.
    pub(super) fn keep(&mut self, bytes: &[u8]) {
        let room = self.wanted.saturating_sub(self.head.len());
        self.head
            .extend_from_slice(bytes.get(..room).unwrap_or(bytes));
    }
}

/// Passes what needs no keeping and no memory, and stops before anything else: most strings are read here. Says where
/// it stopped, and how many bytes that was, decoded. Up to `plain` there is nothing but plain bytes.
#[inline(never)]
pub(super) fn pass(chunk: &[u8], start: usize, plain: usize) -> (usize, u64) {
    let (mut at, mut saved) = (plain, 0_usize);
    while let Some([b'\\', letter]) = ahead(chunk, at) {
        if SIMPLE.get(usize::from(*letter)) == Some(&true) {
            at = at.wrapping_add(2);
            saved = saved.wrapping_add(1);
        } else {
            let (end, bytes) = units(chunk, at);
            if end == at {
                break;
            }
            saved = saved.wrapping_add(end.wrapping_sub(at).wrapping_sub(bytes));
            at = end;
        }
        at = wide::plain(chunk, at);
    }
    (at, at.wrapping_sub(start).wrapping_sub(saved) as u64)
}

/// What a letter after a backslash stands for.
#[inline(always)]
const fn plain(letter: u8) -> Option<u8> {
    Some(match letter {
        b'"' | b'\\' | b'/' => letter,
        b'n' => b'\n',
        b't' => b'\t',
        b'r' => b'\r',
        b'b' => 0x08,
        b'f' => 0x0c,
        _ => return None,
    })
}

/// Passes characters in escapes, of which one in UTF-16 seldom comes alone: where they end, and how many bytes they are.
#[inline(always)]
fn units(chunk: &[u8], at: usize) -> (usize, usize) {
    let (mut at, mut bytes) = (at, 0_usize);
    while let Some([b'\\', letter]) = ahead(chunk, at) {
        if *letter != b'u' {
            if SIMPLE.get(usize::from(*letter)) != Some(&true) {
                break;
            }
            bytes = bytes.wrapping_add(1);
            at = at.wrapping_add(2);
            continue;
        }
        let Some(one) = unit(chunk, at) else {
            break;
        };
        if one & 0xf800 != 0xd800 {
            bytes = bytes.wrapping_add(size(u32::from(one)));
            at = at.wrapping_add(6);
        } else {
            let next = unit(chunk, at.wrapping_add(6));
            if one & 0xfc00 != 0xd800 || next.is_none_or(|next| next & 0xfc00 != 0xdc00) {
                break;
            }
            bytes = bytes.wrapping_add(4);
            at = at.wrapping_add(12);
        }
    }
    (at, bytes)
}

/// The unit of UTF-16 that a whole escape at `at` stands for.
#[inline(always)]
fn unit(chunk: &[u8], at: usize) -> Option<u16> {
    let [b'\\', b'u', digits @ ..] = ahead::<6>(chunk, at)? else {
        return None;
    };
    wide::hex(*digits)
}

/// How many bytes a character has in UTF-8.
#[inline(always)]
fn size(code: u32) -> usize {
    1_usize
        .wrapping_add(usize::from(code >= 0x80))
        .wrapping_add(usize::from(code >= 0x800))
        .wrapping_add(usize::from(code >= 0x1_0000))
}

#[inline(always)]
fn ahead<const COUNT: usize>(chunk: &[u8], at: usize) -> Option<&[u8; COUNT]> {
    chunk.get(at..)?.first_chunk()
}

/// The letters that are an escape alone.
const SIMPLE: [bool; 256] = {
    let mut simple = [false; 256];
    let mut letter = 0_u8;
    while letter < u8::MAX {
        #[expect(
            clippy::indexing_slicing,
            reason = "the array has a place for every byte, and this runs when it is compiled"
        )]
        {
            simple[letter as usize] = plain(letter).is_some();
        }
        letter = letter.wrapping_add(1);
    }
    simple
};
