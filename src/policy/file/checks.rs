//! The parts of a written policy that are about what requests are recognised by: traits, lists and checks.

use schemars::JsonSchema;

use super::{Duration, Fact, Match, Mode, OneOrMany, Quota};
use crate::policy::Prefixes;
use crate::verdict::Verdict;

/// Where the traits are found that the host does not know by itself, and how much of an address is its network.
#[derive(Debug, Clone, PartialEq, Eq, Default, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Traits {
    /// Where the JA4 of the client's TLS is found. Default: the host's own.
    #[schemars(default, with = "Fact")]
    pub ja4: Option<Fact>,
    /// Where the JA3 of the client's TLS is found. Default: the host's own.
    #[schemars(default, with = "Fact")]
    pub ja3: Option<Fact>,
    /// Where the client's country is found, in two letters. Default: the host's own, if it knows.
    #[schemars(default, with = "Fact")]
    pub country: Option<Fact>,
    /// Where the number of the client's autonomous system is found. Default: the host's own, if it knows.
    #[schemars(default, with = "Fact")]
    pub asn: Option<Fact>,
    /// How much of an address is its network.
    #[schemars(default, with = "Bits")]
    pub network: Prefixes,
}

/// How many bits of an address are its network.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(
    dead_code,
    reason = "the schema of Prefixes, which knows nothing of schemas"
)]
struct Bits {
    /// Of an IPv4 address, from 8 to 32. Default: 24.
    #[schemars(default = "ipv4", range(min = 8, max = 32))]
    ipv4: u8,
    /// Of an IPv6 address, from 16 to 128. Default: 48.
    #[schemars(default = "ipv6", range(min = 16, max = 128))]
    ipv6: u8,
}

fn ipv4() -> u8 {
    Prefixes::default().ipv4
}

fn ipv6() -> u8 {
    Prefixes::default().ipv6
}

/// Values of a trait, spelt as the README says of each; in some `*` stands for any bytes. One that is there twice, or in
/// a block that is there too, is there once.
#[derive(JsonSchema)]
#[schemars(untagged, deny_unknown_fields)]
#[expect(
    dead_code,
    reason = "the schema of a list, which is compiled as it is read"
)]
pub(super) enum Entries {
    /// The values themselves.
    Values(OneOrMany),
    /// A file of them: one a line, where `#` begins a comment, or a list of strings in a `.json`. `stillgate up`, `check`
    /// and `embed` put its entries here; a filter reads no files.
    File {
        /// Its path, beside the policy.
        file: String,
    },
}

/// Values of a trait, or a list of them.
#[derive(JsonSchema)]
#[schemars(untagged, deny_unknown_fields)]
#[expect(
    dead_code,
    reason = "the schema of a list, which is compiled as it is read"
)]
enum In {
    /// The values, or a file of them.
    Entries(Entries),
    /// A list of the policy.
    List {
        /// Its name in `lists`.
        list: String,
    },
}

/// A list that excuses whoever is on it.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Except {
    /// The trait. A request without it is not excused.
    #[schemars(rename = "trait")]
    pub of: String,
    /// Its values.
    #[schemars(rename = "in", with = "In")]
    pub list: usize,
}

/// A check as it is read: what is written has one test of three.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// As written.
    pub name: String,
    /// What it looks for.
    pub test: Test,
    /// What follows.
    pub then: Verdict,
    /// As written.
    pub quota: Option<Quota>,
    /// As written.
    pub matches: Match,
    /// As written.
    pub except: Vec<Except>,
    /// As written.
    pub absent: Absent,
    /// As written.
    pub mode: Mode,
}

/// What a check looks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Test {
    /// A trait on a list.
    Listed(Except),
    /// An agent that this speaks against.
    Contradiction(Witness),
    /// Too many values of one trait for one value of others.
    Distinct {
        /// The others.
        per: Vec<String>,
        /// The one.
        of: String,
        /// The most that is nothing to note.
        limit: u32,
        /// How long a value counts.
        window: Duration,
    },
}

/// What an agent is held against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Witness {
    /// The JA4.
    Ja4,
    /// The shape of the headers.
    Shape,
}

/// A test of what requests are recognised by, and what follows. It has one test: `trait` and `in`, or `contradiction`, or
/// `per`, `distinct`, `limit` and `window`. Of several checks that find something the strictest acts.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, rename = "Check")]
#[expect(dead_code, reason = "the schema of Check, which has one test of three")]
pub(super) struct Written {
    /// The rule's name, in logs and metrics: 1 to 64 of `a-z 0-9 . _ -`, and no other rule's.
    #[schemars(regex(pattern = "^[a-z0-9._-]{1,64}$"))]
    name: String,
    /// The trait that is looked for in `in`.
    #[schemars(
        default,
        rename = "trait",
        with = "String",
        skip_serializing_if = "Option::is_none"
    )]
    of: Option<String>,
    /// The values of `trait` that are looked for.
    #[schemars(default, rename = "in", with = "In")]
    list: Option<In>,
    /// What is held against what: `agent` and either `ja4` or `shape`. An agent, a JA4 or a shape that nobody knows is never a
    /// contradiction.
    #[schemars(default, with = "[Side; 2]", extend("uniqueItems" = true))]
    contradiction: Option<[Side; 2]>,
    /// What `distinct` is counted for, as in a quota.
    #[schemars(default, with = "Vec<String>", extend("uniqueItems" = true), skip_serializing_if = "Option::is_none")]
    per: Option<Vec<String>>,
    /// The trait whose values are counted, each once a window: exactly up to 179, then within 10 % in 19 of 20 cases.
    #[schemars(default, with = "String", skip_serializing_if = "Option::is_none")]
    distinct: Option<String>,
    /// The most values that are nothing to note, up to 100,000,000. Beyond, every request of that subject is found.
    #[schemars(
        default,
        with = "u32",
        range(min = 1, max = 100_000_000),
        skip_serializing_if = "Option::is_none"
    )]
    limit: Option<u32>,
    /// How long a value counts, from `1s` to `366d`: for half of it at least, and for all of it at most.
    #[schemars(default, with = "Duration")]
    window: Option<Duration>,
    /// What follows.
    then: Then,
    /// The quota that holds what is found. With `throttle`, and only then.
    #[schemars(default, with = "Quota")]
    quota: Option<Quota>,
    /// Which requests the check is about. Default: all.
    #[schemars(default, rename = "match", with = "Match")]
    matches: Match,
    /// Lists that excuse whoever is on one of them, at most 16.
    #[schemars(default, length(max = 16))]
    except: Vec<Except>,
    /// What a request is that lacks a trait of the test. Not for contradictions. Default: `skip`.
    #[schemars(default)]
    absent: Absent,
    /// Whether this check is enforced. Default: what the policy's `mode` says, which `enforce` here does not override.
    #[schemars(default)]
    mode: Mode,
}

/// What can contradict each other.
#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
#[expect(dead_code, reason = "as Written")]
enum Side {
    /// What the client says it is.
    Agent,
    /// Its TLS.
    Ja4,
    /// Its headers.
    Shape,
}

/// What follows from a check.
#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
#[expect(dead_code, reason = "as Written")]
enum Then {
    /// The request passes, and the origin is told.
    Tag,
    /// The request is held to the check's own quota.
    Throttle,
    /// The request is refused with status 403, and the client is told where to verify its account.
    Verify,
    /// The request is refused with status 403.
    Deny,
}

/// What a request is that lacks a trait of the test.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, JsonSchema)]
#[schemars(rename_all = "lowercase")]
pub enum Absent {
    /// None of the check's business. In a count, nobody.
    #[default]
    Skip,
    /// Found. In a count, all who lack the trait are one.
    Match,
}
