//! A line as it is written: borrowed where it can be, and bodies left as they are.

use core::fmt;
use std::borrow::Cow;

use serde::Deserialize;
use serde::de::{Deserializer, Error as _, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::usage::Told;

/// The fields of a record. What else there is, is left out.
#[derive(Deserialize)]
pub(super) struct Line<'a> {
    pub(super) t: u64,
    #[serde(borrow)]
    pub(super) method: Text<'a>,
    #[serde(borrow)]
    pub(super) path: Text<'a>,
    #[serde(borrow)]
    pub(super) id: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) source: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) tls: Option<Tls<'a>>,
    #[serde(borrow)]
    pub(super) headers: Option<Vec<(Text<'a>, Text<'a>)>>,
    #[serde(borrow)]
    pub(super) account: Option<Account<'a>>,
    #[serde(borrow)]
    pub(super) body: Option<Body<'a>>,
    pub(super) status: Option<u16>,
    pub(super) usage: Option<Tokens>,
}

/// A string, decoded only where it has to be.
#[derive(Deserialize)]
#[serde(transparent)]
pub(super) struct Text<'a>(#[serde(borrow)] pub(super) Cow<'a, str>);

/// Facts of the connection.
#[derive(Deserialize)]
pub(super) struct Tls<'a> {
    #[serde(borrow)]
    pub(super) ja4: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) ja3: Option<Text<'a>>,
}

/// What the origin told.
#[derive(Deserialize)]
pub(super) struct Tokens {
    input: Option<u64>,
    output: Option<u64>,
    #[serde(default)]
    cached: u64,
    #[serde(default)]
    reasoning: u64,
}

impl From<Tokens> for Told {
    fn from(tokens: Tokens) -> Self {
        Self {
            input: tokens.input,
            cached: tokens.cached,
            output: tokens.output,
            reasoning: tokens.reasoning,
        }
    }
}

/// A body: a JSON value as it is written, or what a string says.
pub(super) struct Body<'a>(pub(super) Cow<'a, [u8]>);

impl<'de: 'a, 'a> Deserialize<'de> for Body<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&RawValue>::deserialize(deserializer)?.get();
        if !raw.starts_with('"') {
            return Ok(Self(Cow::Borrowed(raw.as_bytes())));
        }
        let text: Text<'a> = serde_json::from_str(raw).map_err(D::Error::custom)?;
        Ok(Self(match text.0 {
            Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
            Cow::Owned(text) => Cow::Owned(text.into_bytes()),
        }))
    }
}

/// Facts about the account as text. What is neither text, number nor truth value is none.
pub(super) struct Account<'a>(pub(super) Vec<(Cow<'a, str>, Cow<'a, str>)>);

impl<'de: 'a, 'a> Deserialize<'de> for Account<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Facts).map(Self)
    }
}

struct Facts;

impl<'de> Visitor<'de> for Facts {
    type Value = Vec<(Cow<'de, str>, Cow<'de, str>)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of facts")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut facts = Vec::new();
        while let Some((name, value)) = map.next_entry::<Text<'de>, &'de RawValue>()? {
            let raw = value.get();
            let text = match raw.as_bytes().first() {
                Some(b'{' | b'[' | b'n') => continue,
                Some(b'"') => {
                    serde_json::from_str::<Text<'de>>(raw)
                        .map_err(A::Error::custom)?
                        .0
                }
                _ => Cow::Borrowed(raw),
            };
            facts.push((name.0, text));
        }
        Ok(facts)
    }
}
