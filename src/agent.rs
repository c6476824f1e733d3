//! What a client says it is.
use crate::exchange::Exchange;
use smallvec::SmallVec;

/// The client software that a request names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agent<'a>(&'a str);

impl Agent<'_> {
    /// `family/version`.
    #[must_use]
    pub const fn text(&self) -> &str {
        self.0
    }
}

/// Reads it.
#[must_use]
pub fn of<'a>(_: &Exchange<'a>) -> Option<Agent<'a>> {
    None
}

/// A JA4 in lower case; `None` if it is malformed.
#[must_use]
pub fn ja4(text: &[u8]) -> Option<SmallVec<[u8; 40]>> {
    let sound = text.len() == 36
        && text.iter().enumerate().all(|(place, byte)| match place {
            0..10 => byte.is_ascii_alphanumeric(),
            10 | 23 => *byte == b'_',
            _ => byte.is_ascii_hexdigit(),
        });
    sound.then(|| text.iter().map(u8::to_ascii_lowercase).collect())
}

/// A JA3 in lower case; `None` if it is malformed.
#[must_use]
pub fn ja3(text: &[u8]) -> Option<SmallVec<[u8; 40]>> {
    let sound = text.len() == 32 && text.iter().all(u8::is_ascii_hexdigit);
    sound.then(|| text.iter().map(u8::to_ascii_lowercase).collect())
}

/// c
#[must_use]
pub fn contradicts_headers(_: &Agent<'_>, _: &Exchange<'_>) -> bool {
    false
}

/// c
#[must_use]
pub fn contradicts_ja4(_: &Agent<'_>, _: &[u8]) -> bool {
    false
}
