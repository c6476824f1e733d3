//! Patterns in which `*` stands for any bytes.

use crate::exchange::find;

/// A pattern: literal parts with a `*` between each two.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern(Vec<Vec<u8>>);

impl Pattern {
    /// Reads a pattern; every string is one.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(
            text.split('*')
                .map(|part| part.as_bytes().to_vec())
                .collect(),
        )
    }

    /// Whether all of `text` matches. Work is bounded by the product of the two lengths, whatever they hold.
    #[must_use]
    pub fn matches(&self, text: &[u8]) -> bool {
        let Some((first, rest)) = self.0.split_first() else {
            return text.is_empty();
        };
        let Some((last, middle)) = rest.split_last() else {
            return text == first.as_slice();
        };
        let Some(mut text) = text
            .strip_prefix(first.as_slice())
            .and_then(|text| text.strip_suffix(last.as_slice()))
        else {
            return false;
        };
        // The earliest place for each part leaves the most for the next.
        for part in middle {
            let Some(place) = find(text, part) else {
                return false;
            };
            text = text
                .get(place.saturating_add(part.len())..)
                .unwrap_or_default();
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_stand_for_any_bytes() {
        for (pattern, text, expected) in [
            ("", "", true),
            ("", "a", false),
            ("/v1/models", "/v1/models", true),
            ("/v1/models", "/v1/models/", false),
            ("*", "", true),
            ("*", "anything", true),
            ("/v1/*", "/v1/", true),
            ("/v1/*", "/v1/chat/completions", true),
            ("/v1/*", "/v2/", false),
            ("*-mini", "gpt-mini", true),
            ("*-mini", "gpt-mini-2", false),
            ("a*a", "a", false),
            ("a*a", "aa", true),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-c-b", false),
            ("a**c", "abc", true),
            ("*b*", "abc", true),
            ("*b*b*", "abc", false),
        ] {
            assert_eq!(
                Pattern::new(pattern).matches(text.as_bytes()),
                expected,
                "{pattern} on {text}"
            );
        }
        assert!(Pattern::new("gpt*").matches(b"gpt\xff\xfe"));
    }
}
