//! One request as facts borrowed from the host: bytes, never assumed to be UTF-8.

pub mod latin;

use core::net::IpAddr;
use std::borrow::Cow;

/// Milliseconds, as a moment or as a length.
pub type Millis = u64;

/// The moment of a decision, on two clocks.
///
/// Counters live by the steady clock alone, so a wall clock that jumps an hour back or a day forward gives nobody a
/// free budget and locks nobody out. The wall clock is only ever printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// Milliseconds since any fixed moment, on a clock that is never set.
    pub steady: Millis,
    /// Milliseconds since 1970-01-01T00:00Z.
    pub wall: Millis,
}

impl Now {
    /// Both clocks at the same number, as in a replay, where the recorded time is the only one.
    #[must_use]
    pub const fn at(millis: Millis) -> Self {
        Self {
            steady: millis,
            wall: millis,
        }
    }
}

/// What the host knows of a request beside its bytes. Asked only for what the policy uses.
pub trait Attributes {
    /// The client's address, after whatever trust of `x-forwarded-for` the host applies. `None` if unknown.
    fn source(&self) -> Option<IpAddr>;

    /// A property of the host's by its path, as text; `None` if there is none, or it is empty.
    fn property(&self, path: &[String]) -> Option<Vec<u8>>;

    /// What the host itself vouches for under a trait's name, where the policy does not say where else it is found:
    /// `ja4`, `ja3`, `country`, `asn`. No client can set it. Nothing by default.
    fn vouched(&self, _name: &str) -> Option<Vec<u8>> {
        None
    }

    /// What was recorded of a past request under the name of a trait or of a fact in `account`, wherever the policy
    /// says that it is found in a live one. Nothing by default.
    fn recorded(&self, _name: &str) -> Option<Vec<u8>> {
        None
    }
}

/// The model that a request is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Model<'a> {
    /// The request is for no model, or does not say for which.
    Absent,
    /// The request says it, in its path or its body.
    Named(&'a [u8]),
    /// There is a body, and it is not one that the model could be read from.
    Unreadable,
}

/// How many tokens a request is expected to use at most. All 0 if it uses none, or nobody wants to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Foreseen {
    /// Of the input: an estimate.
    pub input: u64,
    /// Of the output: what the request itself allows, or the policy's default.
    pub output: u64,
}

/// A request on its way to the origin.
#[derive(Clone, Copy)]
pub struct Exchange<'a> {
    /// The method, as sent.
    pub method: &'a [u8],
    /// The path without its query, as sent.
    pub path: &'a [u8],
    /// The query without its question mark; empty if there is none.
    pub query: &'a [u8],
    /// All other headers in the client's order, names in lower case.
    pub headers: &'a [(&'a [u8], &'a [u8])],
    /// The model, once known.
    pub model: Model<'a>,
    /// The tokens, once they can be foreseen.
    pub foreseen: Foreseen,
    /// What else the host knows.
    pub attributes: &'a dyn Attributes,
}

/// Splits what a request line asks for into its path and its query.
#[must_use]
pub fn split_target(target: &[u8]) -> (&[u8], &[u8]) {
    let place = memchr::memchr(b'?', target).unwrap_or(target.len());
    let (path, rest) = target.split_at_checked(place).unwrap_or((target, &[]));
    (path, rest.get(1..).unwrap_or_default())
}

/// Decodes `%2F`, and `+` too if it stands for a space. What is no such code stands for itself.
#[must_use]
pub fn percent_decode(text: &[u8], plus: bool) -> Cow<'_, [u8]> {
    if !text
        .iter()
        .any(|&byte| byte == b'%' || (plus && byte == b'+'))
    {
        return Cow::Borrowed(text);
    }
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        match (byte, tail) {
            (b'+', _) if plus => decoded.push(b' '),
            (b'%', [high, low, after @ ..]) => match (nibble(*high), nibble(*low)) {
                (Some(high), Some(low)) => {
                    decoded.push((high << 4) | low);
                    rest = after;
                }
                _ => decoded.push(byte),
            },
            _ => decoded.push(byte),
        }
    }
    Cow::Owned(decoded)
}

/// Where the first copy of `part` begins in `text`. One that is empty is everywhere.
pub(crate) fn find(text: &[u8], part: &[u8]) -> Option<usize> {
    if part.is_empty() {
        return Some(0);
    }
    text.windows(part.len()).position(|window| window == part)
}

fn nibble(digit: u8) -> Option<u8> {
    char::from(digit)
        .to_digit(16)
        .and_then(|value| u8::try_from(value).ok())
}

impl<'a> Exchange<'a> {
    /// A request by its method, its path with its query, and its headers, names in lower case; what its body says is not known.
    #[must_use]
    pub fn new(
        method: &'a [u8],
        target: &'a [u8],
        headers: &'a [(&'a [u8], &'a [u8])],
        attributes: &'a dyn Attributes,
    ) -> Self {
        let (path, query) = split_target(target);
        Self {
            method,
            path,
            query,
            headers,
            model: Model::Absent,
            foreseen: Foreseen::default(),
            attributes,
        }
    }

    /// Every value of a header, in order. `name` is in lower case.
    pub fn values(&self, name: &[u8]) -> impl Iterator<Item = &'a [u8]> {
        self.headers
            .iter()
            .filter(move |(other, _)| *other == name)
            .map(|&(_, value)| value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_a_path_and_a_query() {
        for (target, path, query) in [
            ("/v1/models", "/v1/models", ""),
            ("/v1/models?", "/v1/models", ""),
            ("/a?b=c?d", "/a", "b=c?d"),
            ("", "", ""),
            ("?x", "", "x"),
            ("*", "*", ""),
        ] {
            assert_eq!(
                split_target(target.as_bytes()),
                (path.as_bytes(), query.as_bytes()),
                "{target}"
            );
        }
    }

    #[test]
    fn percent_codes_are_decoded_and_what_is_none_stays() {
        assert_eq!(percent_decode(b"%zz%4", true).as_ref(), b"%zz%4");
        assert_eq!(percent_decode(b"a+b%2Bc%ff", true).as_ref(), b"a b+c\xff");
        assert_eq!(percent_decode(b"a+b%2Bc", false).as_ref(), b"a+b+c");
    }
}
