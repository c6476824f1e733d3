//! What was filled into templates lately, and by whom: whether the same is asked again.

use crate::traits::mix;

/// How many are remembered: 512 KiB.
const PLACES: usize = 131_072;

/// The last texts, each at the place that its hash says: half a tag, half a key.
#[derive(Debug)]
pub(super) struct Rests {
    pub(super) places: Vec<u32>,
}

/// How a text compares with those before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Seen {
    /// It is new.
    Never,
    /// The same key has just asked it: a conversation goes on, or a request is tried again.
    ByItself,
    /// Another key has asked it.
    ByOther,
}

impl Rests {
    pub(super) fn new() -> Self {
        Self {
            places: vec![0; PLACES],
        }
    }

    /// A key has asked this text, whole, with what it is a template for.
    pub(super) fn see(&mut self, whole: u64, key: u64) -> Seen {
        let hash = mix(whole);
        let tag = ((hash >> 48) as u32).max(1) << 16;
        let key = (mix(key) >> 48) as u32;
        let Some(place) = self.places.get_mut(hash as usize & (PLACES - 1)) else {
            return Seen::Never;
        };
        let before = core::mem::replace(place, tag | key);
        if before & 0xffff_0000 != tag {
            Seen::Never
        } else if before & 0xffff == key {
            Seen::ByItself
        } else {
            Seen::ByOther
        }
    }
}
