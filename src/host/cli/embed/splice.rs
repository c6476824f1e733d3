//! Where a policy names files: in the text itself, so that all else of it stays as it was written.

use core::fmt;
use core::ops::Range;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::host::cli::plugin;

/// A file that a policy names.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Reference {
    /// Where, as an RFC 6901 pointer.
    pub(super) pointer: String,
    /// Where, in the text: the object around the name.
    pub(super) place: Range<usize>,
    /// The name.
    pub(super) name: String,
}

/// Where lists stand; `*` is any name or place.
const LISTS: [&[&str]; 5] = [
    &["lists", "*"],
    &["checks", "*", "in"],
    &["checks", "*", "except", "*", "in"],
    &["checks", "*", "quota", "except", "*", "in"],
    &["quotas", "*", "except", "*", "in"],
];

/// The files that a policy names, in the order of the text; none if it is not JSON.
pub(super) fn references(text: &str) -> Vec<Reference> {
    let mut found = Vec::new();
    if let Ok(policy) = serde_json::from_str::<&RawValue>(text) {
        for path in LISTS {
            visit(policy, path, String::new(), &mut |pointer, value| {
                let start = value.get().as_ptr().addr();
                let start = start.saturating_sub(text.as_ptr().addr());
                if let Some(name) = name_of_file(value) {
                    found.push(Reference {
                        pointer,
                        place: start..start.saturating_add(value.get().len()),
                        name,
                    });
                }
            });
        }
    }
    found.sort_by_key(|reference| reference.place.start);
    found
}

/// Hands over every value at a path, with its pointer.
fn visit<'t>(
    value: &'t RawValue,
    path: &[&str],
    pointer: String,
    hand: &mut impl FnMut(String, &'t RawValue),
) {
    let Some((step, rest)) = path.split_first() else {
        return hand(pointer, value);
    };
    let mut go = |name: &str, value| {
        let mut pointer = pointer.clone();
        plugin::push(&mut pointer, name);
        visit(value, rest, pointer, hand);
    };
    if let Ok(Entries(entries)) = serde_json::from_str(value.get()) {
        for (name, value) in entries
            .iter()
            .filter(|(name, _)| ["*", name].contains(step))
        {
            go(name, value);
        }
    } else if let Ok(items) = serde_json::from_str::<Vec<&RawValue>>(value.get())
        && *step == "*"
    {
        for (place, value) in items.into_iter().enumerate() {
            go(&place.to_string(), value);
        }
    }
}

/// The name in `{"file": "…"}`.
fn name_of_file(value: &RawValue) -> Option<String> {
    let Entries(entries) = serde_json::from_str(value.get()).ok()?;
    match entries.as_slice() {
        [(name, value)] if name == "file" => serde_json::from_str(value.get())
            .ok()
            .filter(|name: &String| !name.is_empty()),
        _ => None,
    }
}

/// An object as it was written: fields in order, repeated ones kept.
struct Entries<'t>(Vec<(String, &'t RawValue)>);

impl<'de> Deserialize<'de> for Entries<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(EntriesVisitor)
    }
}

struct EntriesVisitor;

impl<'de> Visitor<'de> for EntriesVisitor {
    type Value = Entries<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entries<'de>, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(Entries(entries))
    }
}
