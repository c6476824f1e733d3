//! Facts: what is known of a request beside its bytes, where it is found, and how it is spelt.

use smallvec::SmallVec;

use crate::agent::fingerprint::{Ja4, is_ja3};

/// Bytes of a fact, which mostly need no memory of their own: a JA4 is 36 long.
pub type Text = SmallVec<[u8; 40]>;

/// Something known of a request beside its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    /// Its name in the policy.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// Where it is found.
    pub place: Place,
}

/// What a fact is, which says how it is spelt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Any bytes.
    Text,
    /// A TLS fingerprint of FoxIO's JA4, in lower case. What is malformed is absent.
    Ja4,
    /// A JA3: 32 hex digits, in lower case. What is malformed is absent.
    Ja3,
    /// A country in two capital letters, as ISO 3166-1 has them. What is malformed is absent.
    Country,
    /// The number of an autonomous system, without `AS` before it. What is malformed is absent.
    Asn,
}

/// Where a fact is found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// The host knows it by its name.
    Host,
    /// A header, by its name in lower case.
    Header(Vec<u8>),
    /// A property of the host's, by its path.
    Property(Vec<String>),
}

impl Kind {
    /// A fact in the one way in which it is spelt, in requests and in lists; `None` if it is malformed.
    #[must_use]
    pub fn normal(self, text: &[u8]) -> Option<Text> {
        match self {
            Self::Text => Some(Text::from_slice(text)),
            Self::Ja4 => Ja4::read(text).map(|ja4| Text::from_slice(ja4.bytes())),
            Self::Ja3 => is_ja3(text).then(|| text.to_ascii_lowercase().into()),
            Self::Country => {
                let letters = text.len() == 2 && text.iter().all(u8::is_ascii_alphabetic);
                letters.then(|| text.iter().map(u8::to_ascii_uppercase).collect())
            }
            Self::Asn => asn(text),
        }
    }
}

/// An autonomous system's number, of RFC 6793, whatever stands before it.
fn asn(text: &[u8]) -> Option<Text> {
    let digits = match text {
        [b'A' | b'a', b'S' | b's', digits @ ..] => digits,
        digits => digits,
    };
    let number = core::str::from_utf8(digits).ok()?;
    // Rust would take a sign.
    let number: u32 = number.parse().ok().filter(|_| !number.starts_with('+'))?;
    Some(Text::from_slice(number.to_string().as_bytes()))
}
