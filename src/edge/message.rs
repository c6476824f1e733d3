//! What goes back and forth: JSON, so that a host can carry it however it likes. Its form may change with every version; both
//! ends are of one deployment.

use serde::{Deserialize, Serialize};

use super::facts::Facts;
use crate::dialect::request::Prompt;
use crate::engine::{Decision, Sample, Settlement};
use crate::exchange::{Exchange, Millis, latin};
use crate::policy::Policy;
use crate::reply;
use crate::usage::Seen;

/// A request as a host tells it. Bytes of headers are characters of the same number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// The method.
    pub method: String,
    /// The path with its query, as sent.
    pub target: String,
    /// The headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// What the host knows beside.
    #[serde(default)]
    pub facts: Facts,
}

/// What a front says to a ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ask {
    /// Whether this request may go on. Answered with [`Decided`].
    Admit(Box<Admit>),
    /// A request was answered with this status; its body, if there is one, matters to nobody.
    Answered(u64, u16),
    /// A request is over. Answered with [`Settled`].
    Ended(Box<Ended>),
    /// A request is still going on, and holds its slots in flight.
    Renew(u64),
}

/// A request that waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Admit {
    /// The request.
    pub request: Request,
    /// Its body.
    pub body: Body,
}

/// What is known of a request's body.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Body {
    /// There is none.
    #[default]
    None,
    /// Nobody wanted to know it.
    Unread,
    /// It was read.
    Read(Box<Prompt>, Option<Box<Sample>>),
    /// It was read, and could not be understood; so many bytes.
    Unreadable(u64),
    /// It is longer than the policy lets a rule read; so many bytes came until that was clear.
    TooLong(u64),
}

/// What a ledger has decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decided {
    /// The decision, without what only the ledger needs of it.
    pub decision: Decision,
    /// The ledger's moment.
    pub now: Millis,
    /// The name under which the request is open; `None` if nothing is to be settled.
    pub open: Option<u64>,
    /// Whether the status matters as soon as it is known.
    pub awaited: bool,
    /// Whether what the answer says of its usage matters.
    pub metered: bool,
    /// Whether it matters to a rule that is enforced.
    pub enforced: bool,
    /// After how many milliseconds slots in flight run out, unless they are renewed; `None` if it has none.
    pub lease: Option<Millis>,
}

/// How a request ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    /// The name under which it is open.
    pub open: u64,
    /// The status of its answer; `None` if there was none.
    pub status: Option<u16>,
    /// What the answer said; `None` if it could not be read.
    pub seen: Option<Seen>,
    /// How many bytes went to the origin of a body that was not read; `None` of one that was.
    pub sent: Option<u64>,
}

/// What came of a request that ended; nothing if it was not open any more, or nothing was metered.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Settled {
    /// The settlement.
    pub settlement: Option<Settlement>,
}

/// What a host is to do with a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Action {
    /// Whether it goes on to the origin. If not, what follows is the reply.
    pub pass: bool,
    /// The status of the reply.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Headers to be added to the request, or those of the reply.
    pub headers: Vec<(&'static str, String)>,
    /// Headers to be taken from the request before.
    pub remove: Vec<String>,
    /// The body of the reply.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// How the body is to be changed on its way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub edit: Option<Edit>,
    /// How often, in milliseconds, [`Front::renew`](super::Front::renew) is to be asked for until the request is over.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub renew: Option<Millis>,
    /// A line for the log.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub record: Option<String>,
}

/// A change of a body: at this byte so many are replaced by a text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Edit {
    /// The byte at which it begins.
    pub at: usize,
    /// How many bytes are taken out.
    pub remove: usize,
    /// What is put there.
    pub insert: &'static str,
}

/// What a host is to do with an answer.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Answer {
    /// Headers to be set.
    pub headers: Vec<(&'static str, String)>,
    /// Headers to be taken away before.
    pub remove: Vec<&'static str>,
    /// Whether its end is to be told.
    pub watch: bool,
    /// Whether its body is to be shown as it passes.
    pub read: bool,
    /// A message for the ledger, of which nothing is awaited.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tell: Option<String>,
}

impl Request {
    /// The headers as bytes.
    #[must_use]
    pub fn bytes(&self) -> Vec<(Vec<u8>, Vec<u8>)> {
        let headers = self.headers.iter();
        headers
            .map(|(name, value)| (latin::bytes(name), latin::bytes(value)))
            .collect()
    }

    /// The request as the engine sees it, with its [`bytes`](Self::bytes) as [`pairs`].
    #[must_use]
    pub fn exchange<'a>(&'a self, headers: &'a [(&'a [u8], &'a [u8])]) -> Exchange<'a> {
        let (method, target) = (self.method.as_bytes(), self.target.as_bytes());
        Exchange::new(method, target, headers, &self.facts)
    }

    /// What is taken from the headers of a request that goes on to the origin: what only Stillgate sets, and where an enforced rule
    /// needs to read the answer, what would have that compressed.
    #[must_use]
    pub fn taken_off(&self, policy: &Policy, enforced: bool) -> Vec<String> {
        let names = || self.headers.iter().map(|(name, _)| name);
        let mut taken: Vec<String> = Vec::new();
        if !policy.shadow {
            let own = names().filter(|name| reply::is_own(name.as_bytes()));
            taken.extend(own.cloned());
        }
        taken.extend(
            names()
                .find(|name| enforced && *name == "accept-encoding")
                .cloned(),
        );
        taken
    }
}

/// Headers as an exchange borrows them.
#[must_use]
pub fn pairs(headers: &[(Vec<u8>, Vec<u8>)]) -> Vec<(&[u8], &[u8])> {
    let headers = headers.iter();
    headers
        .map(|(name, value)| (name.as_slice(), value.as_slice()))
        .collect()
}

/// Writes a message.
pub(super) fn write<T: Serialize>(message: &T) -> String {
    // Of what messages are made nothing can fail to be written: keys are text, and there are no floats.
    serde_json::to_string(message).unwrap_or_default()
}

/// Reads a message.
///
/// # Errors
/// When it is none, which says that the two ends are not of one deployment.
pub(super) fn read<'m, T: Deserialize<'m>>(message: &'m str) -> Result<T, String> {
    serde_json::from_str(message).map_err(|error| {
        format!("a message of the ledger's or the front's is none ({error}): both must be of one version")
    })
}
