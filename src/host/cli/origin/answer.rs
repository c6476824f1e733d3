//! What the demo origin says, before a dialect puts it into its own form.

use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::Value;

/// An answer in words, each a token.
#[derive(Debug)]
pub(super) struct Answer {
    /// The echo of the last user message, word by word; all but the first begin with their space.
    pub(super) words: Vec<String>,
    /// Words in all messages of the request.
    pub(super) asked: u64,
    /// Whether the caller's cap cut the answer short.
    pub(super) cut: bool,
}

impl Answer {
    /// Echoes `last`, up to `cap` words; `texts` is everything that the request said.
    pub(super) fn new<'a>(
        texts: impl IntoIterator<Item = &'a str>,
        last: &str,
        cap: Option<u64>,
    ) -> Self {
        let mut words: Vec<String> = last
            .split_whitespace()
            .enumerate()
            .map(|(index, word)| {
                if index == 0 {
                    word.to_owned()
                } else {
                    format!(" {word}")
                }
            })
            .collect();
        let cap = cap
            .and_then(|cap| usize::try_from(cap).ok())
            .unwrap_or(usize::MAX);
        let cut = words.len() > cap;
        words.truncate(cap);
        Self {
            words,
            asked: texts
                .into_iter()
                .map(|text| count(text.split_whitespace()))
                .sum(),
            cut,
        }
    }

    /// The whole answer.
    pub(super) fn text(&self) -> String {
        self.words.concat()
    }

    /// Words in the answer.
    pub(super) fn said(&self) -> u64 {
        count(self.words.iter())
    }
}

fn count(items: impl Iterator) -> u64 {
    u64::try_from(items.count()).unwrap_or(u64::MAX)
}

/// The text of a message's content: a string, or parts with a `text` each.
pub(super) fn text(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(parts) => {
            let texts: Vec<&str> = parts
                .iter()
                .filter_map(|part| part.get("text")?.as_str())
                .collect();
            texts.join(" ")
        }
        _ => String::new(),
    }
}

/// A string member of an object, or what stands for it.
pub(super) fn string<'a>(value: &'a Value, name: &str, otherwise: &'a str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or(otherwise)
}

/// An identifier that no other answer of this process has.
pub(super) fn id(prefix: &str) -> String {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    format!("{prefix}{:024}", NEXT.fetch_add(1, Ordering::Relaxed))
}

/// An object with these members beside, or instead of, its own.
pub(super) fn with<const N: usize>(mut object: Value, members: [(&str, Value); N]) -> Value {
    if let Some(own) = object.as_object_mut() {
        own.extend(members.map(|(name, value)| (name.to_owned(), value)));
    }
    object
}
