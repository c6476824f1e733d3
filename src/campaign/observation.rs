//! What one request showed, as hashes and small numbers: nothing that leads back to a credential, an address or a text.

use bytemuck::{Pod, Zeroable};

use crate::template::{ANCHORS, BINS, Template};

/// What one request showed. 0 stands for what is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Pod, Zeroable)]
#[repr(C)]
pub struct Observation {
    /// Who asked: a keyed hash.
    pub key: u64,
    /// The system text as a whole.
    pub system: u64,
    /// How the system text begins and ends.
    pub system_anchors: [u64; 2],
    /// How the user's text begins and ends, at three lengths each, the shortest first.
    pub anchors: [u64; ANCHORS],
    /// The user's text as a whole: by it, what is filled into a template is known again.
    pub whole: u64,
    /// The feature by which a campaign's conversation was known that this goes on with: the user's text is none of its own.
    pub opening: u64,
    /// A sample of the user's text.
    pub bins: [u32; BINS],
    /// When, in seconds on the steady clock.
    pub at: u32,
    /// The client's network, hashed.
    pub network: u32,
    /// What the client is: its TLS fingerprint, the shape of its headers and what it says it is, hashed.
    pub stack: u32,
    /// The model and the numbers that bound the answer, hashed.
    pub parameters: u32,
    /// The organisation that the account belongs to, hashed.
    pub org: u32,
    /// The account's age in days, plus 1.
    pub age: u16,
    /// Messages of the user and of the model.
    pub turns: u16,
    /// Tokens of the answer.
    pub output: u32,
    /// What else there is to say.
    pub flags: Flags,
}

/// Truths about a request, as bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Pod, Zeroable)]
#[repr(transparent)]
pub struct Flags(pub u32);

impl Flags {
    /// The account is verified.
    pub const VERIFIED: Self = Self(1);
    /// The request was refused as a campaign's. It shows that the campaign goes on, and is no evidence.
    pub const REFUSED: Self = Self(4);

    /// Whether all bits of another are set.
    #[must_use]
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// With the bits of another, if so.
    #[must_use]
    pub const fn with(self, other: Self, so: bool) -> Self {
        if so { Self(self.0 | other.0) } else { self }
    }
}

impl Observation {
    /// An observation of a template, of which nothing else is known.
    #[must_use]
    pub fn of(template: &Template) -> Self {
        Self {
            system: template.system,
            system_anchors: template.system_anchors,
            anchors: template.anchors,
            whole: template.whole,
            bins: template.bins,
            ..Self::zeroed()
        }
    }
}
