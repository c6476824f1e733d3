//! What a prompt is made of: hashes by which two prompts that were filled into one template are known for it.
//!
//! Of the last text of the user and, apart, of the system text, with case, digits, white space and invisible characters
//! folded away. *Anchors* are hashes of how a text begins and ends, at a few lengths: most templates stand before or behind
//! what is filled in. A *sample* of what stands between is the least of the hashes of all 32-byte windows in each of 16
//! bins (one-permutation hashing; P. Li, A. Owen, C.-H. Zhang, arXiv 1208.1259). All hashes are keyed.

mod fold;
mod gear;

pub use fold::{CAP, Folded};
use gear::Gear;

use core::hash::Hasher as _;

use crate::dialect::request::{Prompt, Spans};
use crate::identity::Secret;

/// Bins of the sample.
pub const BINS: usize = 16;

/// Anchors of a text of the user: its first 24, 48 and 96 bytes, then its last.
pub const ANCHORS: usize = 6;

/// How long anchors are, in folded bytes.
const LENGTHS: [usize; 3] = [24, 48, 96];

/// Reads templates. Holds the keys of the hashes, 2 KiB.
#[derive(Debug, Clone)]
pub struct Sampler {
    gear: Box<Gear>,
    secret: Secret,
}

/// What one prompt is made of. 0 stands for what is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Template {
    /// The system text as a whole.
    pub system: u64,
    /// How the system text begins and ends, at 96 bytes.
    pub system_anchors: [u64; 2],
    /// How the user's text begins and ends, at three lengths each, the shortest first.
    pub anchors: [u64; ANCHORS],
    /// A sample of the user's text.
    pub bins: [u32; BINS],
    /// The user's text as a whole.
    pub whole: u64,
}

impl Sampler {
    /// With the keys that follow from a secret.
    #[must_use]
    pub fn new(secret: Secret) -> Self {
        Self {
            gear: Box::new(Gear::new(secret)),
            secret,
        }
    }

    /// Reads the template of a prompt in this body.
    #[must_use]
    pub fn read(&self, body: &[u8], prompt: &Prompt, folded: &mut Folded) -> Template {
        let mut template = Template::default();
        self.system(body, &prompt.system, folded, &mut template);
        self.user(body, &prompt.user, folded, &mut template);
        template
    }

    /// The template of a system text, or of a user's, that an operator has written down.
    #[must_use]
    pub fn of_text(&self, text: &[u8]) -> Template {
        let mut folded = Folded::default();
        let mut template = Template::default();
        folded.read_text(text);
        self.note_system(&folded, &mut template);
        self.note_user(&folded, &mut template);
        template
    }

    fn system(&self, body: &[u8], spans: &Spans, folded: &mut Folded, template: &mut Template) {
        if !spans.is_empty() {
            folded.read(body, spans);
            self.note_system(folded, template);
        }
    }

    fn user(&self, body: &[u8], spans: &Spans, folded: &mut Folded, template: &mut Template) {
        if !spans.is_empty() {
            folded.read(body, spans);
            self.note_user(folded, template);
        }
    }

    fn note_system(&self, folded: &Folded, template: &mut Template) {
        template.system = self.whole(folded, 1);
        let longest = LENGTHS.len().saturating_sub(1);
        let (mut head, mut tail) = ([0; 3], [0; 3]);
        self.anchors(folded, 2, &mut head, &mut tail);
        template.system_anchors = [
            head.get(longest).copied().unwrap_or_default(),
            tail.get(longest).copied().unwrap_or_default(),
        ];
    }

    fn note_user(&self, folded: &Folded, template: &mut Template) {
        template.whole = self.whole(folded, 3);
        let (mut head, mut tail) = ([0; 3], [0; 3]);
        self.anchors(folded, 4, &mut head, &mut tail);
        for (place, anchor) in template.anchors.iter_mut().zip(head.iter().chain(&tail)) {
            *place = *anchor;
        }
        self.gear.sample(folded.head(), &mut template.bins);
        self.gear.sample(folded.tail(), &mut template.bins);
    }

    /// The hash of a text as a whole: of what was kept of it, and how long it is.
    fn whole(&self, folded: &Folded, domain: u64) -> u64 {
        if folded.is_empty() {
            return 0;
        }
        let mut hasher = self.secret.hasher();
        hasher.write_u64(domain);
        hasher.write_u64(folded.length());
        hasher.write(folded.head());
        hasher.write(folded.tail());
        hasher.finish().max(1)
    }

    /// How a text begins and ends, where it is long enough.
    fn anchors(&self, folded: &Folded, domain: u64, head: &mut [u64; 3], tail: &mut [u64; 3]) {
        let begin = folded.head();
        // A text that is kept whole ends in its head.
        let end = if folded.tail().is_empty() {
            begin
        } else {
            folded.tail()
        };
        for ((length, head), tail) in LENGTHS.iter().zip(head).zip(tail) {
            if let Some(bytes) = begin.get(..*length) {
                *head = self.anchor(domain, bytes);
            }
            let from = end.len().checked_sub(*length);
            if let Some(bytes) = from.and_then(|from| end.get(from..)) {
                *tail = self.anchor(domain.wrapping_add(16), bytes);
            }
        }
    }

    fn anchor(&self, domain: u64, bytes: &[u8]) -> u64 {
        let mut hasher = self.secret.hasher();
        hasher.write_u64(domain);
        hasher.write(bytes);
        hasher.finish().max(1)
    }
}
