//! What was filled into templates lately, and by whom: whether the same is asked again.

use crate::traits::mix;

/// Sets of four texts: 131,072 are remembered in 512 KiB.
const SETS: usize = 32_768;

/// The last texts, each in the set that its hash says, the newest first: half a tag, half a key. A set forgets the oldest, so that
/// what a key repeats within minutes is hardly ever taken for new, however much others ask.
#[derive(Debug)]
pub(super) struct Rests {
    pub(super) places: Vec<[u32; 4]>,
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
            places: vec![[0; 4]; SETS],
        }
    }

    /// A key has asked this text, whole, with what it is a template for.
    pub(super) fn see(&mut self, whole: u64, key: u64) -> Seen {
        let hash = mix(whole);
        let tag = ((hash >> 48) as u32).max(1) << 16;
        let key = (mix(key) >> 48) as u32;
        let Some(set) = self.places.get_mut(hash as usize & (SETS - 1)) else {
            return Seen::Never;
        };
        let known = set.iter().position(|text| text & 0xffff_0000 == tag);
        let before = known.and_then(|place| set.get(place)).copied();
        let end = known.unwrap_or(set.len().saturating_sub(1));
        if let Some(newer) = set.get_mut(..=end) {
            newer.rotate_right(1);
        }
        let [first, ..] = set;
        *first = tag | key;
        match before {
            None => Seen::Never,
            Some(before) if before & 0xffff == key => Seen::ByItself,
            Some(_) => Seen::ByOther,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_key_repeats_is_known_whatever_others_ask() {
        let mut rests = Rests::new();
        assert_eq!(rests.see(7, 1), Seen::Never);
        for other in 100..1_100 {
            rests.see(mix(other), other);
        }
        assert_eq!(rests.see(7, 1), Seen::ByItself);
        assert_eq!(rests.see(7, 2), Seen::ByOther);
        assert_eq!(rests.see(7, 2), Seen::ByItself);
        // Four that share a set push out what came before them, and no three.
        let same = |text: &u64| mix(*text) as usize & (SETS - 1) == mix(7) as usize & (SETS - 1);
        let others: Vec<u64> = (1 << 32..).filter(same).take(4).collect();
        for (count, text) in (1..).zip(&others) {
            assert_eq!(rests.see(*text, 3), Seen::Never, "{count}");
        }
        assert_eq!(rests.see(7, 2), Seen::Never);
        let kept = |text: &&u64| rests.see(**text, 3) == Seen::ByItself;
        assert_eq!(others.iter().rev().filter(kept).count(), 3);
    }
}
