//! What became of a request, why, and how it was settled: closed sets, so that metrics have bounded labels and hosts a full match.

use serde::{Deserialize, Serialize};

/// What is done with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Verdict {
    /// It passes.
    Allow,
    /// It passes, and the origin is told what was found.
    Tag,
    /// It is refused for now, with status 429 and when to come back.
    Throttle,
    /// It is refused until the account is verified, with status 403 and where that is done.
    Verify,
    /// It is refused, with a status of 400, 401, 403, 413 or 503.
    Deny,
}

/// Why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reason {
    /// Nothing spoke against it.
    None,
    /// A quota is used up.
    Quota,
    /// There is no credential.
    MissingCredential,
    /// There are two credentials, and only the origin knows which one it would take.
    AmbiguousCredential,
    /// The body is longer than the policy lets a rule read.
    BodyTooLarge,
    /// The body cannot be read, and the policy refuses what it cannot count.
    Unreadable,
    /// The counters could not be read or written.
    Store,
    /// A trait is on a list.
    List,
    /// The client says it is one thing and looks like another.
    Contradiction,
    /// Too many distinct values of a trait were seen for one subject.
    Distinct,
    /// It is part of what many keys do as one.
    Campaign,
}

/// Where the truth that was settled came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Source {
    /// The origin told it.
    Usage,
    /// The origin did not tell it, or not all of it: the estimate of the input, and the output counted as it passed.
    Counted,
    /// The answer could not be read, or comes later: what was reserved stands.
    Reserved,
    /// The origin refused or failed: nothing was used.
    Refunded,
}

impl Verdict {
    /// Whether the request goes on to the origin.
    #[must_use]
    pub const fn passes(self) -> bool {
        matches!(self, Self::Allow | Self::Tag)
    }

    /// The word in metrics and logs.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Tag => "tag",
            Self::Throttle => "throttle",
            Self::Verify => "verify",
            Self::Deny => "deny",
        }
    }
}

impl Reason {
    /// The word in metrics and logs.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Quota => "quota",
            Self::MissingCredential => "missing_credential",
            Self::AmbiguousCredential => "ambiguous_credential",
            Self::BodyTooLarge => "body_too_large",
            Self::Unreadable => "unreadable",
            Self::Store => "store",
            Self::List => "list",
            Self::Contradiction => "contradiction",
            Self::Distinct => "distinct",
            Self::Campaign => "campaign",
        }
    }

    /// The status of a refusal for this reason.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::None | Self::List | Self::Contradiction | Self::Distinct | Self::Campaign => 403,
            Self::Quota => 429,
            Self::MissingCredential | Self::AmbiguousCredential => 401,
            Self::BodyTooLarge => 413,
            Self::Unreadable => 400,
            Self::Store => 503,
        }
    }
}

impl Source {
    /// The word in metrics and logs.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Usage => "usage",
            Self::Counted => "counted",
            Self::Reserved => "reserved",
            Self::Refunded => "refunded",
        }
    }
}
