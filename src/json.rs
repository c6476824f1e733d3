//! A JSON object, written front to back without a tree: what replies and records need of JSON.

/// An object that is being written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// The text so far, from the brace on.
    text: String,
}

impl Default for Object {
    fn default() -> Self {
        Self {
            text: String::from("{"),
        }
    }
}

impl Object {
    /// An object with room for so many bytes before it has to grow.
    #[must_use]
    pub fn with_room(bytes: usize) -> Self {
        let mut text = String::with_capacity(bytes);
        text.push('{');
        Self { text }
    }

    /// Adds a string.
    #[must_use]
    pub fn text(mut self, name: &str, value: &str) -> Self {
        self.name(name);
        quote(&mut self.text, value);
        self
    }

    /// Adds a number.
    #[must_use]
    pub fn number(self, name: &str, value: u64) -> Self {
        self.plain(name, &value.to_string())
    }

    /// Adds a decimal by its millionths, without needless zeros.
    #[must_use]
    pub fn millionths(self, name: &str, value: u64) -> Self {
        let text = format!("{}.{:06}", value / 1_000_000, value % 1_000_000);
        self.plain(name, text.trim_end_matches('0').trim_end_matches('.'))
    }

    /// Adds a number that is given in tenths.
    #[must_use]
    pub fn points(self, name: &str, tenths: i32) -> Self {
        let sign = if tenths < 0 { "-" } else { "" };
        let tenths = tenths.unsigned_abs();
        let [whole, rest] = [tenths / 10, tenths % 10].map(|digits| digits.to_string());
        self.plain(name, &[sign, &whole, ".", &rest].concat())
    }

    /// Adds a list of hashes, as 16 hex digits each.
    #[must_use]
    pub fn list_of_hashes(self, name: &str, hashes: &[u64]) -> Self {
        let mut list = String::from("[");
        for hash in hashes {
            if list.len() > 1 {
                list.push(',');
            }
            list.push('"');
            for byte in hash.to_be_bytes() {
                let digits = [byte >> 4, byte & 15].map(u32::from);
                list.extend(
                    digits
                        .into_iter()
                        .filter_map(|digit| char::from_digit(digit, 16)),
                );
            }
            list.push('"');
        }
        list.push(']');
        self.plain(name, &list)
    }

    /// Adds `null`.
    #[must_use]
    pub fn null(self, name: &str) -> Self {
        self.plain(name, "null")
    }

    /// Adds an object.
    #[must_use]
    pub fn object(self, name: &str, value: Self) -> Self {
        self.plain(name, &value.finish())
    }

    /// Adds a list of objects.
    #[must_use]
    pub fn list_of(mut self, name: &str, values: impl IntoIterator<Item = Self>) -> Self {
        self.name(name);
        let mut separator = '[';
        for value in values {
            self.text.push(separator);
            self.text.push_str(&value.finish());
            separator = ',';
        }
        if separator == '[' {
            self.text.push('[');
        }
        self.text.push(']');
        self
    }

    /// Adds a list of one string.
    #[must_use]
    pub fn list_of_text(mut self, name: &str, value: &str) -> Self {
        self.name(name);
        self.text.push('[');
        quote(&mut self.text, value);
        self.text.push(']');
        self
    }

    /// The object, complete.
    #[must_use]
    pub fn finish(mut self) -> String {
        self.text.push('}');
        self.text
    }

    /// Adds a value that is JSON already.
    fn plain(mut self, name: &str, json: &str) -> Self {
        self.name(name);
        self.text.push_str(json);
        self
    }

    fn name(&mut self, name: &str) {
        if self.text.len() > 1 {
            self.text.push(',');
        }
        quote(&mut self.text, name);
        self.text.push(':');
    }
}

/// Writes a string: quotes, backslashes and control characters escaped, as RFC 8259 §7 demands.
fn quote(text: &mut String, value: &str) {
    text.push('"');
    for letter in value.chars() {
        match letter {
            '"' | '\\' => text.extend(['\\', letter]),
            '\0'..='\x1f' => {
                let code = u32::from(letter);
                let digit = |place: u32| char::from_digit((code >> place) & 15, 16);
                text.push_str("\\u00");
                text.extend([digit(4), digit(0)].into_iter().flatten());
            }
            _ => text.push(letter),
        }
    }
    text.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    #[test]
    fn an_object_is_compact_and_in_order() {
        let inner = |name: &str| Object::default().number(name, u64::MAX);
        let object = Object::default()
            .text("b", "x")
            .null("a")
            .object("o", inner("n"))
            .list_of("l", [inner("m"), inner("n")])
            .list_of("e", [])
            .list_of_text("t", "y");
        assert_eq!(
            object.finish(),
            r#"{"b":"x","a":null,"o":{"n":18446744073709551615},"l":[{"m":18446744073709551615},{"n":18446744073709551615}],"e":[],"t":["y"]}"#
        );
        assert_eq!(Object::default().finish(), "{}");
    }

    proptest! {
        #[test]
        fn any_text_is_read_back(name in ".*", value in any::<String>()) {
            let text = Object::default().text(&name, &value).finish();
            let read: Value = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(read, json!({ name: value }));
        }
    }
}
