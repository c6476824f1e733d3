//! What is to be tried: a request, how often, and what the origin is to answer.

use core::net::IpAddr;
use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use crate::edge::Facts;
use crate::edge::message::{self, Request};
use crate::exchange::{Exchange, Millis};
use crate::replay::Answer;
use crate::usage::Told;

/// The most requests at a time.
const MOST: u32 = 10_000;

/// The longest pause between two of them: a year, in milliseconds.
const LONGEST: Millis = 366 * 86_400_000;

/// A request, and how often it comes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Ask {
    method: String,
    target: String,
    #[serde(default)]
    headers: Vec<(String, String)>,
    #[serde(default)]
    body: Option<String>,
    #[serde(default)]
    facts: Known,
    /// How often it comes.
    #[serde(default = "once")]
    pub(super) times: u32,
    /// Milliseconds between one and the next.
    #[serde(default)]
    pub(super) every: Millis,
    /// Whether `#` stands for the number of each.
    #[serde(default)]
    numbered: bool,
    /// What the origin answers.
    #[serde(default)]
    pub(super) answer: Reply,
}

/// What a host would know of the request.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Known {
    #[serde(default)]
    source: Option<String>,
    #[serde(default)]
    vouched: BTreeMap<String, Value>,
    #[serde(default)]
    properties: Value,
}

/// What the origin answers.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Reply {
    pub(super) status: u16,
    #[serde(default)]
    input: Option<u64>,
    #[serde(default)]
    output: Option<u64>,
}

/// One of the requests.
pub(super) struct Try {
    pub(super) request: Request,
    body: Option<String>,
}

const fn once() -> u32 {
    1
}

impl Default for Reply {
    fn default() -> Self {
        Self {
            status: 200,
            input: None,
            output: None,
        }
    }
}

impl Reply {
    pub(super) fn told(&self) -> Answer {
        let tells = self.input.is_some() || self.output.is_some();
        Answer {
            status: self.status,
            usage: tells.then_some(Told {
                input: self.input,
                output: self.output,
                cached: 0,
                reasoning: 0,
            }),
        }
    }
}

impl Ask {
    /// Reads what a page has made up.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        let ask: Self = serde_json::from_str(text)
            .map_err(|error| format!("This is no request to try: {error}."))?;
        if !(1..=MOST).contains(&ask.times) {
            return Err(format!(
                "{} requests are not possible at a time; it must be 1 to 10,000.",
                ask.times
            ));
        }
        if ask.every > LONGEST {
            return Err(String::from(
                "The pause between requests is longer than a year.",
            ));
        }
        if !(100..=599).contains(&ask.answer.status) {
            return Err(format!(
                "{} is no status that an origin answers with; it must be 100 to 599.",
                ask.answer.status
            ));
        }
        if ask.method.is_empty() || !ask.target.starts_with('/') {
            return Err(String::from(
                "A request has a method, and a path that begins with a slash.",
            ));
        }
        Ok(ask)
    }

    /// The request of this number.
    ///
    /// # Errors
    /// When its address is none.
    pub(super) fn one(&self, n: u32) -> Result<Try, String> {
        let number = n.to_string();
        let put = |text: &str| {
            if self.numbered {
                text.replace('#', &number)
            } else {
                text.to_owned()
            }
        };
        let headers = self.headers.iter();
        let source = self.facts.source.as_deref().map(str::trim);
        let source = source.filter(|text| !text.is_empty());
        Ok(Try {
            request: Request {
                method: self.method.clone(),
                target: put(&self.target),
                headers: headers
                    .map(|(name, value)| (name.to_ascii_lowercase(), put(value)))
                    .collect(),
                facts: Facts {
                    source: source
                        .map(|text| address(text, n, self.numbered))
                        .transpose()?,
                    vouched: self.facts.vouched.clone(),
                    properties: self.facts.properties.clone(),
                },
            },
            body: self.body.as_deref().map(put),
        })
    }
}

/// An address, in which `#` stands for the last byte of a number.
fn address(text: &str, n: u32, numbered: bool) -> Result<IpAddr, String> {
    let text = if numbered {
        text.replace('#', &(n % 256).to_string())
    } else {
        text.to_owned()
    };
    text.parse()
        .map_err(|_| format!("{text} is no address; write one such as 203.0.113.7 or 2001:db8::7."))
}

impl Try {
    /// Shows the request to somebody.
    pub(super) fn with<T>(&self, show: impl FnOnce(&Exchange<'_>, Option<&[u8]>) -> T) -> T {
        let headers = self.request.bytes();
        let pairs = message::pairs(&headers);
        let exchange = self.request.exchange(&pairs);
        show(&exchange, self.body.as_deref().map(str::as_bytes))
    }
}
