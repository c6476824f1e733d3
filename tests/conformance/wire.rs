//! An exchange as it goes over a wire, and what came of it: what hosts are given, and what they give back.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::net::IpAddr;

use flate2::Compression;
use flate2::write::{GzDecoder, GzEncoder};
use serde_json::Value;

use super::case::{Expect, Leaves};

/// The host that clients ask for.
pub(crate) const HOST: &str = "gate.test";

/// What all hosts hash identifiers with.
pub(crate) const SECRET: &str = "0123456789abcdef";

/// One exchange of a case.
#[derive(Debug, Clone)]
pub(crate) struct Exchange {
    pub(crate) request: Request,
    pub(crate) response: Response,
    pub(crate) leaves: Option<Leaves>,
    pub(crate) expect: Option<Expect>,
}

/// A request with all the headers that its client sends, in their order. Bytes of values are characters of the same number.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) from: IpAddr,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Option<Vec<u8>>,
}

/// What the origin answers.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Body,
    /// The connection breaks after the last byte.
    pub(crate) breaks_off: bool,
}

/// A body of the origin's.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Body {
    /// With its length.
    Whole(Vec<u8>),
    /// Piece by piece, each sent when the last one is on its way.
    Chunks(Vec<Vec<u8>>),
}

impl Body {
    /// The pieces in which it is sent.
    pub(crate) fn chunks(&self) -> impl Iterator<Item = &[u8]> {
        let (whole, chunks): (&[u8], &[Vec<u8>]) = match self {
            Self::Whole(bytes) => (bytes, &[]),
            Self::Chunks(chunks) => (&[], chunks),
        };
        let whole = (!whole.is_empty()).then_some(whole);
        whole.into_iter().chain(chunks.iter().map(Vec::as_slice))
    }

    /// All of it.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.chunks().collect::<Vec<_>>().concat()
    }
}

/// What came of an exchange.
#[derive(Debug, Clone, Default)]
pub(crate) struct Outcome {
    /// What the client got; nothing if it left before the answer.
    pub(crate) reply: Option<Reply>,
    /// What the origin got; nothing if the request did not reach it.
    pub(crate) arrival: Option<Arrived>,
    /// What was recorded.
    pub(crate) record: Option<Value>,
    /// When it was decided: not before the first and not after the second, in milliseconds since the case began.
    pub(crate) between: (u64, u64),
}

/// What a client got.
#[derive(Debug, Clone, Default)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Headers,
    /// As far as it came.
    pub(crate) body: Vec<u8>,
}

/// What the origin got.
#[derive(Debug, Clone, Default)]
pub(crate) struct Arrived {
    pub(crate) target: String,
    pub(crate) headers: Headers,
    pub(crate) body: Vec<u8>,
}

/// Headers by name. Several of one name are one with `, ` between, but for `set-cookie`, of which nobody may make one: they have a
/// line each.
pub(crate) type Headers = BTreeMap<String, String>;

/// Headers by name.
pub(crate) fn headers<'h>(pairs: impl IntoIterator<Item = (&'h str, &'h str)>) -> Headers {
    let mut all = Headers::new();
    for (name, value) in pairs {
        let between = if name == "set-cookie" { "\n" } else { ", " };
        all.entry(name.to_owned())
            .and_modify(|all| *all = format!("{all}{between}{value}"))
            .or_insert_with(|| value.to_owned());
    }
    all
}

/// Bytes as characters of the same number.
pub(crate) fn latin(bytes: &[u8]) -> String {
    bytes.iter().map(|&byte| char::from(byte)).collect()
}

/// Characters below 256 as bytes.
pub(crate) fn bytes(text: &str) -> Vec<u8> {
    let byte = |letter: char| u8::try_from(u32::from(letter)).expect("a character of one byte");
    text.chars().map(byte).collect()
}

/// Compressed, always to the same bytes.
pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).expect("memory takes bytes");
    encoder.finish().expect("memory takes bytes")
}

/// What was compressed, as far as it came whole.
pub(crate) fn unpacked(bytes: &[u8]) -> Vec<u8> {
    let mut decoder = GzDecoder::new(Vec::new());
    let whole = decoder.write_all(bytes).and_then(|()| decoder.finish());
    whole.unwrap_or_default()
}
