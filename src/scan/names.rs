//! The keys that a sink knows.

/// The longest key that can be known, in bytes.
pub(super) const LONGEST: usize = 32;

/// Keys and what they mean, found by their length first: most keys of a document are none of them, and are told so
/// without a look at their letters.
pub struct Names<T: 'static, const COUNT: usize> {
    names: [(&'static str, T); COUNT],
    /// How many are shorter than so many bytes.
    shorter: [u8; LONGEST + 2],
}

impl<T: Copy, const COUNT: usize> Names<T, COUNT> {
    /// These keys, the shorter ones before the longer ones. Anything else, or more than 255 keys, does not compile where
    /// this is a constant.
    #[must_use]
    pub const fn new(names: [(&'static str, T); COUNT]) -> Self {
        let mut shorter = [0; LONGEST + 2];
        let mut length = 0;
        let mut count = 0;
        while length < shorter.len() {
            #[expect(
                clippy::indexing_slicing,
                clippy::arithmetic_side_effects,
                reason = "this runs when it is compiled, and a wrong index would stop that"
            )]
            {
                while count < COUNT && names[count].0.len() < length {
                    count += 1;
                }
                shorter[length] = count as u8;
                length += 1;
            }
        }
        assert!(
            count == COUNT && count < 256,
            "a key is too long, or out of order"
        );
        Self { names, shorter }
    }

    /// What a key means; `None` if it is not known.
    #[inline]
    pub fn find(&self, key: &[u8]) -> Option<T> {
        let from = *self.shorter.get(key.len())?;
        let to = *self.shorter.get(key.len().wrapping_add(1))?;
        let alike = self.names.get(usize::from(from)..usize::from(to))?;
        let found = alike.iter().find(|(name, _)| {
            let name = name.as_bytes();
            name.first() == key.first() && name == key
        });
        found.map(|(_, meaning)| *meaning)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_found_whole_and_no_others() {
        const NAMES: Names<u8, 5> =
            Names::new([("", 0), ("a", 1), ("bc", 2), ("bd", 3), ("a long key", 4)]);
        for (key, meaning) in [
            ("", Some(0)),
            ("a", Some(1)),
            ("bc", Some(2)),
            ("bd", Some(3)),
            ("a long key", Some(4)),
            ("b", None),
            ("be", None),
            ("abc", None),
            ("a long kez", None),
            (
                "a key that is longer than any that can be known to anybody",
                None,
            ),
        ] {
            assert_eq!(NAMES.find(key.as_bytes()), meaning, "{key}");
        }
    }
}
