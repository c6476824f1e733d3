//! The policy as it is written. The JSON Schema is generated from these types, so a field's comment is its help.
//!
//! Objects whose names are free are lists in the order of the names: maps of them were 10 KB of the module.

mod campaigns;
mod checks;

use std::collections::BTreeMap;

use schemars::JsonSchema;

use super::list::List;
pub use super::metering::{OnUnreadable, Price, Speech, Tokens};
use super::schema::Units;
use crate::exchange::Millis;
pub use campaigns::{Budget, Campaigns, Excuse, Facts, Share, Step};
pub(super) use campaigns::{five_minutes, tenth, week};
pub use checks::{Absent, Check, Except, Test, Traits, Witness};
use checks::{Entries, Written};

/// Who may ask how much of a model server, and what happens beyond that.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema)]
#[schemars(deny_unknown_fields, title = "A policy of Stillgate")]
pub struct File {
    /// The version of this format. 1 is the only one.
    #[schemars(extend("const" = 1))]
    pub version: u64,
    /// Whether anything is enforced at all. In `shadow` every decision is made, counted and logged, and no byte of
    /// traffic changes. Default: `enforce`.
    #[schemars(default)]
    pub mode: Mode,
    /// How a request says whose it is. Default: the headers that the model APIs use.
    #[schemars(default)]
    pub identity: Identity,
    /// Facts about the account that something in front of Stillgate vouches for, by the names that rules use.
    #[schemars(default, with = "BTreeMap<String, Fact>")]
    pub account: Vec<(String, Fact)>,
    /// Where traits are found that the host does not know by itself, and how much of an address is its network.
    #[schemars(default)]
    pub traits: Traits,
    /// Lists by the names that rules use, at most 100,000 entries in all.
    #[schemars(default, with = "BTreeMap<String, Entries>")]
    pub lists: Vec<List>,
    /// Where a client can have its account verified: `http` or `https`, at most 2,048 bytes. Checks and campaigns with `verify` need it.
    #[schemars(
        default,
        with = "String",
        regex(pattern = "^https?://[!-~]+$"),
        length(max = 2048),
        skip_serializing_if = "Option::is_none"
    )]
    pub verify_url: Option<String>,
    /// Tests of what requests are recognised by, at most 32. They come before any quota.
    #[schemars(default, with = "Vec<Written>", length(max = 32))]
    pub checks: Vec<Check>,
    /// Limits, at most 24 with those of checks and of campaigns. A request must fit under all of them that it matches; then it is charged to all of them.
    #[schemars(default, length(max = 24))]
    pub quotas: Vec<Quota>,
    /// How campaigns are found and answered: many keys that act as one. Default: they are not looked for.
    #[schemars(default, with = "Campaigns")]
    pub campaigns: Option<Campaigns>,
    /// How tokens are foreseen before a request is answered.
    #[schemars(default)]
    pub tokens: Tokens,
    /// What tokens cost, for `"count": "cost"`. The first whose pattern matches the model holds; the last must match all.
    #[schemars(default, length(min = 1, max = 256))]
    pub prices: Vec<Price>,
    /// Which API is spoken on paths from which that cannot be told. The first that matches holds. Default: the path's
    /// own words tell it, such as `/v1/messages`, whatever stands before them.
    #[schemars(default, length(max = 64))]
    pub dialects: Vec<Speech>,
    /// Caps on what Stillgate itself may use.
    #[schemars(default)]
    pub limits: Limits,
    /// Which replies tell the client how much is left. Default: `always`; `refusals` spares every admitted request about
    /// a third of what Stillgate costs it, and clients the count-down.
    #[schemars(default)]
    pub headers: Headers,
    /// Which decisions are put where the host's access log finds them. Default: `interventions`, since a record costs
    /// a plain request about a tenth of what Stillgate costs it altogether.
    #[schemars(default)]
    pub record: Record,
    /// What happens to a request when its counters cannot be read or written. Default: `deny`, with status 503.
    #[schemars(default)]
    pub on_error: OnError,
    /// What happens to a request whose tokens a rule counts and whose body cannot be read: it is compressed, not JSON, cut,
    /// or nested more than 128 deep. Default: `charge_by_bytes`.
    #[schemars(default)]
    pub on_unreadable: OnUnreadable,
}

/// Whether a decision is carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, JsonSchema)]
#[schemars(rename_all = "lowercase")]
pub enum Mode {
    /// Decide, count, log and act.
    #[default]
    Enforce,
    /// Decide, count and log, and change nothing.
    Shadow,
}

/// Which replies carry rate-limit headers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, JsonSchema)]
#[schemars(rename_all = "lowercase")]
pub enum Headers {
    /// Every reply to a request that a quota covers.
    #[default]
    Always,
    /// Refusals only.
    Refusals,
}

/// Which decisions are recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, JsonSchema)]
#[schemars(rename_all = "lowercase")]
pub enum Record {
    /// Everything but plain admissions: refusals, what rules in shadow would have done, failures.
    #[default]
    Interventions,
    /// Every decision.
    All,
}

/// What happens to a request that cannot be decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, JsonSchema)]
#[schemars(rename_all = "lowercase")]
pub enum OnError {
    /// It passes, uncounted.
    Allow,
    /// It is refused with status 503.
    #[default]
    Deny,
}

/// How a request says whose it is.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Identity {
    /// Where a credential may stand. A request that carries two that differ, one place twice, or one with white space or
    /// a comma inside, is ambiguous and is refused with status 401.
    #[schemars(default, length(min = 1, max = 16))]
    pub from: Vec<Source>,
    /// What a request without a credential is. Default: `deny`.
    #[schemars(default)]
    pub missing: Missing,
}

/// A place where a credential may stand.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema)]
#[schemars(untagged, deny_unknown_fields)]
pub enum Source {
    /// A header.
    Header {
        /// The header's name, in any case.
        header: String,
        /// The word before the credential, such as `Bearer`, in any case. Without it the whole value is the credential.
        #[schemars(default, with = "String", skip_serializing_if = "Option::is_none")]
        scheme: Option<String>,
    },
    /// A parameter of the query.
    Query {
        /// The parameter's name.
        query: String,
    },
}

/// What a request without a credential is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, JsonSchema)]
#[schemars(rename_all = "snake_case")]
pub enum Missing {
    /// Refused with status 401.
    #[default]
    Deny,
    /// A request of its network: all that come from one without a credential are one key.
    ByNetwork,
}

/// Where a fact about the account is read.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema)]
#[schemars(untagged, deny_unknown_fields)]
pub enum Fact {
    /// A header that something in front of Stillgate sets and clients cannot: it is trusted because it is named here.
    /// One that comes twice counts as none.
    Header {
        /// The header's name, in any case.
        header: String,
    },
    /// A property of the host's, such as dynamic metadata of an authentication filter.
    Property {
        /// Its path: parts with dots between them, or a list of parts where a part has a dot in it.
        property: OneOrMany,
    },
}

/// A limit on what something may use.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Quota {
    /// The rule's name, in replies, logs and metrics: 1 to 64 of `a-z 0-9 . _ -`, and no other rule's.
    #[schemars(regex(pattern = "^[a-z0-9._-]{1,64}$"))]
    pub name: String,
    /// What the limit is per: `key`, `network`, `path`, `method`, `model`, `shape`, `agent`, `ja4`, `ja3`, `country`, `asn`, and
    /// names from `account`. An empty list limits everyone together. A request without the trait counts with all others
    /// without it, and one whose model cannot be read with all others like it.
    #[schemars(extend("uniqueItems" = true))]
    pub per: Vec<String>,
    /// What is counted.
    pub count: Count,
    /// How much fits into a window: a number, or one by a fact about the account. Requests are whole numbers up to
    /// 4,294,967,295, tokens up to 1,000,000,000,000,000; cost is in the units of `prices`, up to 1,000,000,000 with
    /// up to six decimals.
    pub limit: Limit,
    /// How long a window is, from `1s` to `366d`. For all but `concurrent`.
    #[schemars(default, with = "Duration")]
    pub window: Option<Duration>,
    /// After how long a slot is free again if nobody says that its request has ended, from `5s` to `1h`; live requests
    /// renew theirs. For `concurrent`. Default: `1m`.
    #[schemars(default, with = "Duration")]
    pub lease: Option<Duration>,
    /// Which requests the rule is about. Default: all.
    #[schemars(default, rename = "match")]
    pub matches: Match,
    /// Lists that excuse whoever is on one of them, at most 16.
    #[schemars(default, length(max = 16))]
    pub except: Vec<Except>,
    /// Whether this rule is enforced. Default: what the policy's `mode` says, which `enforce` here does not override.
    /// A rule in shadow that needs the model still has the body read before the request goes on.
    #[schemars(default)]
    pub mode: Mode,
}

/// What a quota counts. All but `concurrent` is counted in a sliding window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, JsonSchema)]
#[schemars(rename_all = "snake_case")]
pub enum Count {
    /// Admitted requests.
    Requests,
    /// Requests in flight.
    Concurrent,
    /// Tokens, of the input and of the output. What is foreseen is reserved, and settled to the truth.
    Tokens,
    /// Tokens of the input.
    InputTokens,
    /// Tokens of the output, reasoning included.
    OutputTokens,
    /// What tokens cost by `prices`.
    Cost,
}

impl Count {
    /// All of them, by the words for them.
    pub const NAMES: [(&'static str, Self); 6] = [
        ("requests", Self::Requests),
        ("concurrent", Self::Concurrent),
        ("tokens", Self::Tokens),
        ("input_tokens", Self::InputTokens),
        ("output_tokens", Self::OutputTokens),
        ("cost", Self::Cost),
    ];

    /// The word in policies.
    #[must_use]
    pub fn label(self) -> &'static str {
        let mut names = Self::NAMES.iter();
        names
            .find(|(_, count)| *count == self)
            .map_or("", |(name, _)| name)
    }
}

/// How much fits into a window.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema)]
#[schemars(untagged, deny_unknown_fields)]
pub enum Limit {
    /// The same for all.
    Number(#[schemars(with = "Units")] u64),
    /// By a fact about the account.
    By {
        /// The fact's name in `account`.
        by: String,
        /// The limit for each of its values.
        #[schemars(with = "BTreeMap<String, Units>")]
        values: Vec<(String, u64)>,
        /// The limit for any other value, and for none.
        #[schemars(rename = "else", with = "Units")]
        otherwise: u64,
    },
}

/// Which requests a rule is about: those for which every field that is written has a pattern that matches. In a
/// pattern `*` stands for any bytes, also none.
#[derive(Debug, Clone, PartialEq, Eq, Default, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Match {
    /// Patterns of the path, without its query, as the host hands it over: let the host normalise it.
    #[schemars(default, with = "OneOrMany")]
    pub path: Option<OneOrMany>,
    /// Patterns of the model's name. A body that does not name its model, or of which it cannot be read (not JSON,
    /// compressed, too long, ambiguous), matches every pattern.
    #[schemars(default, with = "OneOrMany")]
    pub model: Option<OneOrMany>,
    /// Methods, in capitals.
    #[schemars(default, with = "OneOrMany")]
    pub method: Option<OneOrMany>,
}

/// One string, or several.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema)]
#[schemars(untagged, deny_unknown_fields)]
pub enum OneOrMany {
    /// One.
    One(String),
    /// Several, at least one.
    Many(#[schemars(length(min = 1))] Vec<String>),
}

impl OneOrMany {
    /// All of them.
    #[must_use]
    pub fn into_vec(self) -> Vec<String> {
        match self {
            Self::One(text) => vec![text],
            Self::Many(texts) => texts,
        }
    }
}

/// Caps on what Stillgate itself may use.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Limits {
    /// Memory for counters, from `64KiB` to `4GiB`; all workers of a proxy share it. 64 bytes a counter. Default: `32MiB`.
    #[schemars(default)]
    pub memory: Size,
    /// The longest request body that is read when a rule needs to see it, from `1KiB` to `256MiB`; longer ones are
    /// refused with status 413. Default: `1MiB`.
    #[schemars(default)]
    pub body: Size,
}

/// A length of time, in milliseconds here, written as `"90s"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Duration(pub Millis);

/// A number of bytes, written as `"1MiB"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Size(pub u64);

impl Default for Identity {
    fn default() -> Self {
        let header = |name: &str, scheme: Option<&str>| Source::Header {
            header: name.to_owned(),
            scheme: scheme.map(str::to_owned),
        };
        Self {
            from: vec![
                header("authorization", Some("Bearer")),
                header("x-api-key", None),
                header("api-key", None),
                header("x-goog-api-key", None),
                Source::Query {
                    query: String::from("key"),
                },
            ],
            missing: Missing::default(),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory: Size(32 << 20),
            body: Size(1 << 20),
        }
    }
}
