//! What became of a request, and why: closed sets, so that metrics have bounded labels and hosts a full match.

/// What is done with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// It passes.
    Allow,
    /// It is refused for now, with status 429 and when to come back.
    Throttle,
    /// It is refused, with a status of 401, 403, 413 or 503.
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
    /// The counters could not be read or written.
    Store,
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
            Self::Store => 503,
        }
    }
}
