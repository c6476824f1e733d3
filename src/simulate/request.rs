//! One request of the generated traffic, as its client sends it, and the truth about it.

use core::net::{IpAddr, Ipv4Addr};

use smallvec::SmallVec;

use super::stack::{self, Stack, Value};
use super::write;
use crate::exchange::{Attributes, Exchange};

/// A request and what is known of it. One is made once and filled anew each time.
#[derive(Debug, Clone)]
pub struct Request {
    /// When it comes, in milliseconds since 1970-01-01T00:00Z.
    pub t: u64,
    /// Which of [`World::populations`](super::World::populations) its key belongs to.
    pub population: u16,
    /// The number of its key, over all populations. A key that replaces another has a new number.
    pub key: u32,
    /// Whether the campaign wants its answer; what else comes with the campaign's keys is not that.
    pub interaction: bool,
    /// The number of the template that is in its text, over all populations; 0 if there is none.
    pub template: u32,
    /// Where it comes from.
    pub source: IpAddr,
    /// The fingerprint of its client's TLS.
    pub ja4: &'static str,
    /// What it asks for.
    pub path: &'static str,
    /// What an authentication filter knows of its key.
    pub account: Account,
    /// The body, JSON.
    pub body: Vec<u8>,
    /// Tokens of the input: a quarter of the body's bytes.
    pub input: u32,
    /// Tokens of the answer, if it is answered.
    pub output: u32,
    pub(super) stack: &'static Stack,
    /// `Bearer ` and the key's secret.
    pub(super) credential: [u8; CREDENTIAL],
    /// The length of the body, and how many digits that has.
    pub(super) length: [u8; 10],
    pub(super) digits: u8,
    pub(super) from: From,
}

/// What an authentication filter knows of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Account {
    /// Whole days since it was made.
    pub age_days: u32,
    /// `free`, `paid` or `scale`.
    pub tier: &'static str,
    /// The number of its organisation; 0 if it has none.
    pub org: u32,
    /// Whether a person or an organisation has shown papers for it.
    pub verified: bool,
    /// Whether a contract allows it to collect answers.
    pub contract: bool,
}

/// Whose request it is and which, so that it can be sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(super) struct From {
    pub(super) slot: u32,
    pub(super) conversation: u32,
    /// Messages of the user before this one.
    pub(super) turn: u8,
    /// Answers of tools after it.
    pub(super) step: u8,
    /// How often it was sent before.
    pub(super) tries: u8,
}

/// `Bearer sk-` and 32 letters.
pub(super) const CREDENTIAL: usize = 42;

/// The headers of a request in their client's order, names in lower case.
pub type Headers<'a> = SmallVec<[(&'a [u8], &'a [u8]); 24]>;

impl Default for Request {
    fn default() -> Self {
        Self {
            t: 0,
            population: 0,
            key: 0,
            interaction: false,
            template: 0,
            source: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            ja4: "",
            path: "",
            account: Account {
                age_days: 0,
                tier: "free",
                org: 0,
                verified: false,
                contract: false,
            },
            body: Vec::new(),
            input: 0,
            output: 0,
            stack: stack::any(),
            credential: [b'-'; CREDENTIAL],
            length: [b'0'; 10],
            digits: 1,
            from: From::default(),
        }
    }
}

impl Request {
    /// The headers, in the order in which this client sends them.
    #[must_use]
    pub fn headers(&self) -> Headers<'_> {
        let mut headers = Headers::new();
        for (name, value) in self.stack.headers {
            let value: &[u8] = match value {
                Value::Is(value) => value.as_bytes(),
                Value::Bearer => &self.credential,
                Value::Secret => self.credential.get(7..).unwrap_or_default(),
                Value::Length => self
                    .length
                    .get(..usize::from(self.digits))
                    .unwrap_or_default(),
            };
            headers.push((name.as_bytes(), value));
        }
        headers
    }

    /// The request, with its [`headers`](Self::headers), as an engine is asked about it.
    #[must_use]
    pub fn exchange<'a>(&'a self, headers: &'a [(&'a [u8], &'a [u8])]) -> Exchange<'a> {
        Exchange::new(b"POST", self.path.as_bytes(), headers, self)
    }

    /// Writes down whose secret it carries.
    pub(super) fn sign(&mut self, seed: u64) {
        self.credential = write::credential(seed, self.key);
    }

    /// Writes down how long the body is.
    pub(super) fn measure(&mut self) {
        let bytes = u32::try_from(self.body.len()).unwrap_or(u32::MAX);
        self.input = bytes / 4;
        let (digits, length) = write::digits(bytes);
        self.length = digits;
        self.digits = length;
    }
}

impl Attributes for Request {
    fn source(&self) -> Option<IpAddr> {
        Some(self.source)
    }

    fn property(&self, _: &[String]) -> Option<Vec<u8>> {
        None
    }

    fn recorded(&self, name: &str) -> Option<Vec<u8>> {
        let account = &self.account;
        let truth = |so: bool| if so { "true" } else { "false" }.as_bytes().to_vec();
        match name {
            "ja4" => Some(self.ja4.as_bytes().to_vec()),
            "age_days" => Some(account.age_days.to_string().into_bytes()),
            "tier" => Some(account.tier.as_bytes().to_vec()),
            "org" => (account.org != 0).then(|| format!("org_{}", account.org).into_bytes()),
            "verified" => Some(truth(account.verified)),
            "contract" => Some(truth(account.contract)),
            _ => None,
        }
    }
}
