//! What a prompt is made of: hashes by which two prompts that were filled into one template are known for it.
//!
//! Of the last text of the user and, apart, of the system text, with case, digits, white space and invisible characters
//! folded away. *Anchors* are hashes of how a text begins and ends, at a few lengths: most templates stand before or behind
//! what is filled in. A *sample* of what stands between is the least of the hashes of all 32-byte windows in each of 16
//! bins (one-permutation hashing; P. Li, A. Owen, C.-H. Zhang, arXiv 1208.1259). All hashes are keyed.

mod fold;
mod gear;
mod pen;

pub use fold::{CAP, Folded};
use gear::Gear;
use serde::{Deserialize, Serialize};

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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
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

    /// Reads the template that a conversation began with; `None` if the prompt is its beginning.
    #[must_use]
    pub fn read_opening(
        &self,
        body: &[u8],
        prompt: &Prompt,
        folded: &mut Folded,
    ) -> Option<Template> {
        let mut template = Template::default();
        self.user(body, &prompt.opening, folded, &mut template);
        (template != Template::default()).then_some(template)
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
        let [_, _, first] = self.heads(folded, 1, &mut template.system);
        let [_, _, last] = self.tails(folded, 2);
        template.system_anchors = [first, last];
    }

    fn note_user(&self, folded: &Folded, template: &mut Template) {
        let heads = self.heads(folded, 3, &mut template.whole);
        let tails = self.tails(folded, 4);
        for (place, anchor) in template
            .anchors
            .iter_mut()
            .zip(heads.into_iter().chain(tails))
        {
            *place = anchor;
        }
        let mut least = [u64::MAX; BINS];
        self.gear.sample(folded.head(), &mut least);
        self.gear.sample(folded.tail(), &mut least);
        for (bin, least) in template.bins.iter_mut().zip(least) {
            if least != u64::MAX {
                *bin = ((least >> 28) as u32).max(1);
            }
        }
    }

    /// How a text begins, at each length that it has, and beside it the text as a whole: what was kept of it, and how long it
    /// is. One hash that is asked on its way for all of them.
    fn heads(&self, folded: &Folded, domain: u64, whole: &mut u64) -> [u64; LENGTHS.len()] {
        let mut heads = [0; LENGTHS.len()];
        if folded.is_empty() {
            return heads;
        }
        let mut hasher = self.secret.hasher();
        hasher.write_u64(domain);
        let (mut rest, mut before) = (folded.head(), 0_usize);
        for (length, head) in LENGTHS.iter().zip(&mut heads) {
            let Some((bytes, behind)) = rest.split_at_checked(length.wrapping_sub(before)) else {
                break;
            };
            hasher.write(bytes);
            *head = hasher.finish().max(1);
            (rest, before) = (behind, *length);
        }
        hasher.write(rest);
        hasher.write(folded.tail());
        hasher.write_u64(folded.length());
        *whole = hasher.finish().max(1);
        heads
    }

    /// How a text ends, at each length that it has: its pieces in the order in which they are hashed, the last first.
    fn tails(&self, folded: &Folded, domain: u64) -> [u64; LENGTHS.len()] {
        let mut tails = [0; LENGTHS.len()];
        // A text that is kept whole ends in its head.
        let mut rest = match folded.tail() {
            [] => folded.head(),
            tail => tail,
        };
        let mut hasher = self.secret.hasher();
        hasher.write_u64(domain);
        let mut behind = 0_usize;
        for (length, tail) in LENGTHS.iter().zip(&mut tails) {
            let from = rest.len().checked_sub(length.wrapping_sub(behind));
            let Some((before, bytes)) = from.and_then(|from| rest.split_at_checked(from)) else {
                break;
            };
            hasher.write(bytes);
            *tail = hasher.finish().max(1);
            (rest, behind) = (before, *length);
        }
        tails
    }
}

#[cfg(test)]
mod tests;
