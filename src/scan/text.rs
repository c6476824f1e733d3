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
    wanted: u16,
    kept: u16,
    head: [u8; KEPT],
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
            kept: 0,
            head: [0; KEPT],
        }
    }

    /// Begins a string of which up to `wanted` bytes are to be kept.
    pub(super) fn begin(&mut self, start: u64, wanted: usize) {
        self.start = start;
        self.bytes = 0;
        self.escape = Escape::None;
        self.high = 0;
        self.wanted = wanted.min(KEPT) as u16;
        self.kept = 0;
    }

    /// The beginning of the string, decoded, as much as was wanted.
    pub(super) fn head(&self) -> &[u8] {
        self.head.get(..usize::from(self.kept)).unwrap_or_default()
    }

    /// Reads on to the quote that ends the string.
    pub(super) fn read(&mut self, chunk: &[u8], at: usize) -> Progress {
        let mut at = at;
        while self.escape != Escape::None {
            let Some(&byte) = chunk.get(at) else {
                return Progress::More;
            };
            if !self.escaped(byte) {
                return Progress::Broken;
            }
            at = at.wrapping_add(1);
        }
        loop {
            let end = wide::plain(chunk, at);
            if end != at {
                self.take(chunk, at, end);
            }
            match chunk.get(end) {
                None => return Progress::More,
                Some(b'"') => {
                    self.lone();
                    return Progress::Ended(end.wrapping_add(1));
                }
                Some(b'\\') => {}
                Some(_) => return Progress::Broken,
            }
            at = match self.escape(chunk, end.wrapping_add(1)) {
                Progress::Ended(at) => at,
                other => return other,
            };
        }
    }

    /// Takes bytes that stand for themselves.
    #[inline(always)]
    pub(super) fn take(&mut self, chunk: &[u8], at: usize, end: usize) {
        self.lone();
        self.bytes = self.bytes.wrapping_add(end.wrapping_sub(at) as u64);
        if self.kept < self.wanted {
            self.keep(chunk.get(at..end).unwrap_or_default());
        }
    }

    /// Reads what follows a backslash: in most cases it is all there.
    #[inline(always)]
    fn escape(&mut self, chunk: &[u8], at: usize) -> Progress {
        let Some(&byte) = chunk.get(at) else {
            self.escape = Escape::Begun;
            return Progress::More;
        };
        if byte != b'u' {
            self.escape = Escape::Begun;
            return if self.escaped(byte) {
                Progress::Ended(at.wrapping_add(1))
            } else {
                Progress::Broken
            };
        }
        let mut at = at.wrapping_add(1);
        let whole = chunk.get(at..).and_then(|rest| rest.first_chunk::<4>());
        if let Some(&digits) = whole {
            let Some(code) = wide::hex(digits) else {
                return Progress::Broken;
            };
            self.unit(code);
            return Progress::Ended(at.wrapping_add(4));
        }
        self.escape = Escape::Digits(0);
        self.code = 0;
        while let Some(&byte) = chunk.get(at) {
            if !self.escaped(byte) {
                return Progress::Broken;
            }
            at = at.wrapping_add(1);
        }
        Progress::More
    }

    /// Takes the next byte of an escape; `false` if it cannot be one.
    #[inline(always)]
    fn escaped(&mut self, byte: u8) -> bool {
        let Escape::Digits(count) = self.escape else {
            let plain = match byte {
                b'"' | b'\\' | b'/' => byte,
                b'n' => b'\n',
                b't' => b'\t',
                b'r' => b'\r',
                b'b' => 0x08,
                b'f' => 0x0c,
                b'u' => {
                    self.escape = Escape::Digits(0);
                    self.code = 0;
                    return true;
                }
                _ => return false,
            };
            self.escape = Escape::None;
            self.lone();
            self.bytes = self.bytes.wrapping_add(1);
            if self.kept < self.wanted {
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
    #[inline(always)]
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
    #[inline(always)]
    fn lone(&mut self) {
        if self.high != 0 {
            self.high = 0;
            self.character(u32::from(char::REPLACEMENT_CHARACTER));
        }
    }

    fn character(&mut self, code: u32) {
        let size = match code {
            ..0x80 => 1,
            ..0x800 => 2,
            ..0x1_0000 => 3,
            _ => 4,
        };
        self.bytes = self.bytes.wrapping_add(size);
        if self.kept < self.wanted {
            let mut utf8 = [0; 4];
            let character = char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER);
            self.keep(character.encode_utf8(&mut utf8).as_bytes());
        }
    }

    /// Keeps what is wanted of more bytes.
    pub(super) fn keep(&mut self, bytes: &[u8]) {
        let (kept, wanted) = (usize::from(self.kept), usize::from(self.wanted));
        let room = self.head.get_mut(kept..wanted).unwrap_or_default();
        for (room, byte) in room.iter_mut().zip(bytes) {
            *room = *byte;
        }
        self.kept = kept.saturating_add(bytes.len()).min(wanted) as u16;
    }
}
