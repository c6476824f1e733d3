//! Bytes as text, each as the character of its number, as ISO 8859-1 has them: so that bytes which may be anything go through
//! JSON and come out as they were. For serde's `with`.

use serde::{Deserialize as _, Deserializer, Serializer};

/// Bytes as text.
#[must_use]
pub fn text(bytes: &[u8]) -> String {
    bytes.iter().copied().map(char::from).collect()
}

/// The bytes that a text stands for. One with other characters is none that [`text`] made, and stands for its UTF-8.
#[must_use]
pub fn bytes(text: &str) -> Vec<u8> {
    let known: Result<Vec<u8>, _> = text.chars().map(u8::try_from).collect();
    known.unwrap_or_else(|_| text.as_bytes().to_vec())
}

/// Bytes that may not be there.
pub mod maybe {
    use super::{Deserializer, Serializer};
    use serde::{Deserialize as _, Serialize as _};

    /// Writes them.
    ///
    /// # Errors
    /// The serializer's.
    pub fn serialize<S: Serializer>(bytes: &Option<Vec<u8>>, to: S) -> Result<S::Ok, S::Error> {
        bytes.as_deref().map(super::text).serialize(to)
    }

    /// Reads them.
    ///
    /// # Errors
    /// When there is something else than text or null.
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Vec<u8>>, D::Error> {
        let text = Option::<String>::deserialize(from)?;
        Ok(text.map(|text| super::bytes(&text)))
    }
}

/// Writes bytes.
///
/// # Errors
/// The serializer's.
pub fn serialize<S: Serializer>(bytes: &[u8], to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&text(bytes))
}

/// Reads bytes.
///
/// # Errors
/// When there is something else than text.
pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
    Ok(bytes(&String::deserialize(from)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_bytes_come_out_as_they_were() {
        let all: Vec<u8> = (0..=255).collect();
        assert_eq!(bytes(&text(&all)), all);
        assert_eq!(bytes("\u{20ac}"), "\u{20ac}".as_bytes());
    }
}
