//! The client software that a request says it is.
//!
//! | what is sent | agent |
//! | - | - |
//! | `user-agent: AsyncOpenAI/Python 1.40.0`, as all SDKs of one maker put it | `openai-python/1.40.0` |
//! | `user-agent: google-genai-sdk/1.2.0 gl-python/3.9.18` | `google-genai-python/1.2.0` |
//! | `user-agent: Python/3.11 aiohttp/3.13.2` | `aiohttp/3.13.2` |
//! | `user-agent: Mozilla/5.0 (…) … Chrome/131.0.0.0 Safari/537.36` | `chrome/131` |
//! | `user-agent: Mozilla/5.0 (compatible; GPTBot/1.2; …)` | `gptbot/1.2` |
//! | `user-agent: curl/8.14.1`, and whatever else begins with a product of RFC 9110 §10.1.5 | `curl/8.14.1` |
//! | no user-agent, but `x-stainless-lang: js` and `x-stainless-package-version: 7.1.0` | `openai-js/7.1.0` |
//!
//! A client can say anything. [`known`] tells what does not go with what it says.

mod browser;
pub mod fingerprint;
pub mod known;

use core::fmt;

use crate::exchange::Exchange;
use crate::scan::Names;

/// An agent's text is at most this many bytes; what is beyond them is cut off.
pub const TEXT_BYTES: usize = 64;

/// A family of client software, and its version.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Agent {
    /// Lower-case letters, digits and `-._+`, with a slash before the version.
    text: [u8; TEXT_BYTES],
    length: u8,
    family: u8,
}

/// Finds what a request says it is: by its `user-agent`, else by what SDKs send beside it. `None` if it says nothing,
/// or nothing that could be written down.
#[must_use]
pub fn of(exchange: &Exchange<'_>) -> Option<Agent> {
    let first = |name: &[u8]| first(exchange, name);
    read(first(b"user-agent").unwrap_or_default())
        .or_else(|| {
            let language = language(first(b"x-stainless-lang")?)?;
            let version = first(b"x-stainless-package-version")?;
            let maker: &[u8] = match first(b"anthropic-version") {
                Some(_) => b"anthropic",
                None => b"openai",
            };
            Agent::build(&[maker, b"-", language], version)
        })
        .or_else(|| read(first(b"x-goog-api-client")?))
}

/// Reads a `user-agent`.
fn read(text: &[u8]) -> Option<Agent> {
    let mut words = text.split(|&byte| byte == b' ' || byte == b'\t');
    let first = words.next()?;
    let (name, version) = product(first);
    if name == b"Mozilla" {
        return browser::read(text);
    }
    let second = words.next().unwrap_or_default();
    if let Some(language) = language(version)
        && second.first().is_some_and(u8::is_ascii_digit)
    {
        // A synchronous and an asynchronous client are one.
        let maker = name.strip_prefix(b"Async").unwrap_or(name);
        return Agent::build(&[maker, b"-", language], second);
    }
    if name == b"google-genai-sdk" {
        let language = match product(second).0 {
            b"gl-node" | b"gl-web" => b"js",
            other => other.strip_prefix(b"gl-").unwrap_or_default(),
        };
        return Agent::build(&[b"google-genai-", language], version);
    }
    if name == b"Python" && second.starts_with(b"aiohttp/") {
        let (name, version) = product(second);
        return Agent::build(&[name], version);
    }
    Agent::build(&[name], version)
}

/// A product's name and its version, which ends at a second slash.
#[inline(never)]
fn product(word: &[u8]) -> (&[u8], &[u8]) {
    let mut parts = word.split(|&byte| byte == b'/');
    (
        parts.next().unwrap_or_default(),
        parts.next().unwrap_or_default(),
    )
}

/// As much of a header's first value as is looked at; browsers' are less than half of it.
#[inline(never)]
fn first<'a>(exchange: &Exchange<'a>, name: &[u8]) -> Option<&'a [u8]> {
    let value = exchange.values(name).next()?.trim_ascii();
    Some(value.get(..512).unwrap_or(value))
}

/// The languages that one maker generates SDKs for, all of which put themselves as `Maker/Language 1.2.3`.
const LANGUAGES: Names<&[u8], 8> = Names::new([
    ("js", b"js"),
    ("go", b"go"),
    ("php", b"php"),
    ("java", b"java"),
    ("ruby", b"ruby"),
    ("python", b"python"),
    ("kotlin", b"kotlin"),
    ("csharp", b"csharp"),
]);

/// A language by its name in any case.
fn language(name: &[u8]) -> Option<&'static [u8]> {
    let mut folded = [0; 6];
    let folded = folded.get_mut(..name.len())?;
    folded.copy_from_slice(name);
    folded.make_ascii_lowercase();
    LANGUAGES.find(folded)
}

impl Agent {
    /// Puts an agent together of the parts of its family and a version; `None` if nothing of the family is left.
    #[inline(never)]
    fn build(family: &[&[u8]], version: &[u8]) -> Option<Self> {
        let mut agent = Self {
            text: [0; TEXT_BYTES],
            length: 0,
            family: 0,
        };
        for part in family {
            agent.push(part);
        }
        agent.family = agent.length;
        if agent.family == 0 {
            return None;
        }
        agent.push_byte(b'/');
        agent.push(version);
        if agent.length == agent.family.saturating_add(1) {
            agent.length = agent.family;
        }
        Some(agent)
    }

    /// Adds what may stand in an agent, in lower case, up to the first `(`, `;` or `,`, where another thing begins.
    fn push(&mut self, part: &[u8]) {
        for &byte in part {
            match byte {
                b'(' | b';' | b',' => return,
                b'-' | b'.' | b'_' | b'+' => self.push_byte(byte),
                _ if byte.is_ascii_alphanumeric() => self.push_byte(byte.to_ascii_lowercase()),
                _ => {}
            }
        }
    }

    fn push_byte(&mut self, byte: u8) {
        if let Some(place) = self.text.get_mut(usize::from(self.length)) {
            *place = byte;
            self.length = self.length.saturating_add(1);
        }
    }

    /// Family and version, as in `openai-python/1.40.0`; the family alone if there is no version.
    #[must_use]
    pub fn text(&self) -> &str {
        let bytes = self.text.get(..usize::from(self.length));
        core::str::from_utf8(bytes.unwrap_or_default()).unwrap_or_default()
    }

    /// The family, as in `openai-python`.
    #[must_use]
    pub fn family(&self) -> &str {
        self.text()
            .get(..usize::from(self.family))
            .unwrap_or_default()
    }

    /// The version, as in `1.40.0`, of browsers only the first number; empty if there is none.
    #[must_use]
    pub fn version(&self) -> &str {
        let start = usize::from(self.family).saturating_add(1);
        self.text().get(start..).unwrap_or_default()
    }
}

impl fmt::Debug for Agent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Agent({})", self.text())
    }
}

#[cfg(test)]
mod tests;
