//! Recorded traffic: JSON Lines, a request a line, as it was when it came, and what the origin said to it.
//!
//! A [`Record`] is read from one line and gives an [`Exchange`] to whoever decides about live ones. What is not known of the
//! format is left out; a line that is not a record says why it is none.

mod line;
mod lines;

use core::fmt::{self, Write as _};
use core::net::{IpAddr, SocketAddr};
use std::borrow::Cow;

use crate::exchange::{Attributes, Exchange, Millis, Now};
use crate::usage::Told;
use line::Line;
pub use lines::{LONGEST, Lines, Oddities, TOLD, Told as LineTold};

/// The last moment that a record may name: the end of the year 9999. What is later was not written in milliseconds.
const LAST: Millis = 253_402_300_799_999;

/// A request that was recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record<'a> {
    /// When it came, in milliseconds since 1970-01-01T00:00Z.
    pub t: Millis,
    /// Its name, which nobody looks into; empty if it has none.
    pub id: Cow<'a, str>,
    /// The client's address, if that is known.
    pub source: Option<IpAddr>,
    /// The method, as sent.
    pub method: Cow<'a, str>,
    /// The path with its query, as sent.
    pub target: Cow<'a, str>,
    /// The body; `None` if there was none.
    pub body: Option<Cow<'a, [u8]>>,
    /// The status of the answer, if it was recorded.
    pub status: Option<u16>,
    /// What the origin told of the usage, if it was recorded.
    pub usage: Option<Told>,
    ja4: Option<Cow<'a, str>>,
    ja3: Option<Cow<'a, str>>,
    headers: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    account: Vec<(Cow<'a, str>, Cow<'a, str>)>,
}

/// Why a line is no record, as a sentence without its full stop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken(String);

/// The longest that is said of a broken line, in bytes: parsers quote what they find, and that may be all of it.
const SAID: usize = 200;

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl core::error::Error for Broken {}

impl Broken {
    /// For this reason.
    #[must_use]
    pub fn new(why: impl Into<String>) -> Self {
        let mut why = why.into();
        if why.len() > SAID {
            why.truncate(why.floor_char_boundary(SAID));
            why.push('…');
            why.shrink_to_fit();
        }
        Self(why)
    }

    /// What a parser has against a line. Of several lines this is one, and the reader knows which.
    #[must_use]
    pub fn of(error: &serde_json::Error) -> Self {
        let told = error.to_string();
        let said = told
            .rsplit_once(" at line ")
            .map_or(told.as_str(), |(said, _)| said);
        // Where it is goes last, and is to be seen.
        let mut said = Self::new(said);
        let _ = write!(said.0, ", at column {}", error.column());
        said
    }
}

impl<'a> Record<'a> {
    /// Reads one line, with or without its end.
    ///
    /// # Errors
    /// When it is no record.
    pub fn parse(line: &'a [u8]) -> Result<Self, Broken> {
        let text = core::str::from_utf8(line).map_err(|_| Broken::new("not UTF-8"))?;
        // Serde would take a list for the fields in their order.
        if !text.trim_start().starts_with('{') {
            return Err(Broken::new("not a JSON object"));
        }
        let line: Line<'a> = serde_json::from_str(text).map_err(|error| Broken::of(&error))?;
        Self::of(line)
    }

    fn of(line: Line<'a>) -> Result<Self, Broken> {
        check_moment(line.t)?;
        let source = line.source.map(|text| text.0).unwrap_or_default();
        let (ja4, ja3) = line.tls.map_or((None, None), |tls| (tls.ja4, tls.ja3));
        let headers = line.headers.unwrap_or_default().into_iter();
        let headers = headers.filter(|(name, _)| !name.0.starts_with(':'));
        Ok(Self {
            t: line.t,
            id: line.id.map(|text| text.0).unwrap_or_default(),
            source: address(&source)?,
            method: line.method.0,
            target: line.path.0,
            body: line.body.map(|body| body.0),
            status: line.status,
            usage: line.usage.map(Told::from),
            ja4: ja4.map(|text| text.0),
            ja3: ja3.map(|text| text.0),
            headers: headers
                .map(|(name, value)| (lower(name.0), value.0))
                .collect(),
            account: line.account.map(|account| account.0).unwrap_or_default(),
        })
    }

    /// The headers in the client's order, names in lower case, for [`exchange`](Self::exchange).
    #[must_use]
    pub fn headers(&self) -> Vec<(&[u8], &[u8])> {
        let headers = self.headers.iter();
        headers
            .map(|(name, value)| (name.as_bytes(), value.as_bytes()))
            .collect()
    }

    /// The request, with its [`headers`](Self::headers); what its body says of it is not read.
    #[must_use]
    pub fn exchange<'e>(&'e self, headers: &'e [(&'e [u8], &'e [u8])]) -> Exchange<'e> {
        Exchange::new(
            self.method.as_bytes(),
            self.target.as_bytes(),
            headers,
            self,
        )
    }

    /// When it came.
    #[must_use]
    pub const fn now(&self) -> Now {
        Now::at(self.t)
    }
}

impl Attributes for Record<'_> {
    fn source(&self) -> Option<IpAddr> {
        self.source
    }

    fn property(&self, _: &[String]) -> Option<Vec<u8>> {
        None
    }

    fn recorded(&self, name: &str) -> Option<Vec<u8>> {
        let known = match name {
            "ja4" => self.ja4.as_ref(),
            "ja3" => self.ja3.as_ref(),
            // Of a name that comes twice the last value counts, as with most that read JSON.
            _ => {
                let mut named = self.account.iter().rev();
                named
                    .find(|(other, _)| other == name)
                    .map(|(_, value)| value)
            }
        };
        known
            .filter(|value| !value.is_empty())
            .map(|value| value.as_bytes().to_vec())
    }
}

/// Whether a moment can be one.
///
/// # Errors
/// When it is after the year 9999.
pub fn check_moment(t: Millis) -> Result<(), Broken> {
    if t <= LAST {
        return Ok(());
    }
    Err(Broken::new(format!(
        "`t` is {t}, which in milliseconds is after the year 9999"
    )))
}

/// An address, with or without a port; none if nothing stands there.
fn address(text: &str) -> Result<Option<IpAddr>, Broken> {
    if text.is_empty() {
        return Ok(None);
    }
    let bare = text
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .unwrap_or(text);
    let with_port = || text.parse::<SocketAddr>().ok().map(|address| address.ip());
    match bare.parse().ok().or_else(with_port) {
        Some(address) => Ok(Some(address)),
        None => Err(Broken::new(format!("`source` is no address: {text:?}"))),
    }
}

fn lower(name: Cow<'_, str>) -> Cow<'_, str> {
    if name.bytes().any(|byte| byte.is_ascii_uppercase()) {
        Cow::Owned(name.to_ascii_lowercase())
    } else {
        name
    }
}

#[cfg(test)]
mod tests;
