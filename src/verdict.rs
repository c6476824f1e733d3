//! What became of a request, why, and how it was settled: closed sets, so that metrics have bounded labels and hosts a full match.

/// What is done with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// It passes.
    Allow,
    /// It is refused for now, with status 429 and when to come back.
    Throttle,
    /// It is refused, with a status of 400, 401, 403, 413 or 503.
    Deny,
}

/// Why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
}

/// Where the truth that was settled came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
    /// The word in metrics and logs.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Throttle => "throttle",
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
        }
    }

    /// The status of a refusal for this reason.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::None => 403,
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
