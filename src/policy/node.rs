//! A value of the file with its path: reads what should be there and notes a fault where something else is.

use core::cell::RefCell;
use core::ops::RangeInclusive;
use core::ptr;

use super::fault::Fault;
use super::json::Json;
use super::units;
use crate::exchange::Millis;

/// The file, and the faults that are gathered while reading goes on.
#[derive(Debug)]
pub struct Notes<'a> {
    file: &'a Json,
    faults: RefCell<Vec<Fault>>,
}

impl<'a> Notes<'a> {
    /// Nothing has been noted about this file.
    #[must_use]
    pub const fn new(file: &'a Json) -> Self {
        Self {
            file,
            faults: RefCell::new(Vec::new()),
        }
    }

    /// Notes that `found` stands at `path` where `expected` should.
    pub fn add(&self, path: &str, found: &str, expected: &str) {
        self.faults.borrow_mut().push(Fault {
            path: path.to_owned(),
            found: found.to_owned(),
            expected: expected.to_owned(),
        });
    }

    /// Everything noted.
    #[must_use]
    pub fn into_faults(self) -> Vec<Fault> {
        self.faults.into_inner()
    }
}

/// A value of the file, which knows the file that it is a part of.
#[derive(Debug, Clone, Copy)]
pub struct Node<'a> {
    value: &'a Json,
    notes: &'a Notes<'a>,
}

/// An object of the file whose field names have been looked at.
#[derive(Debug, Clone, Copy)]
pub struct Fields<'a> {
    node: Node<'a>,
    entries: &'a [(String, Json)],
}

impl<'a> Node<'a> {
    /// The whole file.
    #[must_use]
    pub const fn root(notes: &'a Notes<'a>) -> Self {
        Self {
            value: notes.file,
            notes,
        }
    }

    /// Where this stands: an RFC 6901 pointer. Looked for when it is asked for, since few values have faults.
    #[must_use]
    #[inline(never)] // As `Fields::get`.
    pub fn path(&self) -> String {
        let mut steps = Vec::new();
        find(self.notes.file, self.value, &mut steps);
        let mut path = String::new();
        for step in steps.iter().rev() {
            path.push('/');
            path.push_str(step);
        }
        path
    }

    /// The value itself.
    #[must_use]
    pub const fn value(&self) -> &'a Json {
        self.value
    }

    /// Notes that something else should stand here.
    #[cold]
    pub fn fault(&self, expected: &str) {
        let found = ["found ", &self.value.describe()].concat();
        self.notes.add(&self.path(), &found, expected);
    }

    /// Notes a fault somewhere else, which only a look at the whole has shown.
    pub fn fault_at(&self, path: &str, found: &str, expected: &str) {
        self.notes.add(path, found, expected);
    }

    const fn child(&self, value: &'a Json) -> Self {
        Self {
            value,
            notes: self.notes,
        }
    }

    /// An object with no other fields than `known`.
    #[must_use]
    #[inline(never)] // As `Fields::get`.
    pub fn fields(&self, known: &[&str]) -> Option<Fields<'a>> {
        let fields = self.entries()?;
        for (index, (name, value)) in fields.entries.iter().enumerate() {
            if !known.contains(&name.as_str()) {
                let names = known.join(", ");
                let remedy = match nearest(name, known) {
                    Some(near) => format!("did you mean `{near}`? Known here: {names}"),
                    None => format!("known here: {names}"),
                };
                self.notes.add(
                    &self.child(value).path(),
                    &format!("unknown field `{}`", name.escape_debug()),
                    &remedy,
                );
            } else if fields
                .entries
                .iter()
                .take(index)
                .any(|(other, _)| other == name)
            {
                self.notes.add(
                    &self.child(value).path(),
                    &format!("`{name}` is written twice"),
                    "write it once",
                );
            }
        }
        Some(fields)
    }

    /// An object whose field names are free.
    #[must_use]
    #[inline(never)] // As `Fields::get`.
    pub fn entries(&self) -> Option<Fields<'a>> {
        let Json::Object(entries) = self.value else {
            self.fault("expected an object {…}");
            return None;
        };
        Some(Fields {
            node: *self,
            entries,
        })
    }

    /// A list.
    #[must_use]
    #[inline(never)] // As `Fields::get`.
    pub fn items(&self) -> Option<Vec<Node<'a>>> {
        let Json::List(items) = self.value else {
            self.fault("expected a list […]");
            return None;
        };
        Some(items.iter().map(|item| self.child(item)).collect())
    }

    /// One string, or a list of strings that is not empty.
    #[must_use]
    #[inline(never)] // As `Fields::get`.
    pub fn texts(&self) -> Option<Vec<(Node<'a>, &'a str)>> {
        if matches!(self.value, Json::Text(_)) {
            return Some(vec![(*self, self.text()?)]);
        }
        let items = self.items()?;
        if items.is_empty() {
            self.fault("nothing is in an empty list, so the rule could never fire; leave the field out to match everything");
        }
        let texts: Vec<_> = items
            .iter()
            .filter_map(|item| Some((*item, item.text()?)))
            .collect();
        (!texts.is_empty()).then_some(texts)
    }

    /// A string that is not empty.
    #[must_use]
    #[inline(never)] // As `Fields::get`.
    pub fn text(&self) -> Option<&'a str> {
        match self.value {
            Json::Text(text) if !text.is_empty() => Some(text),
            _ => {
                self.fault("expected a string that is not empty");
                None
            }
        }
    }

    /// A whole number in a range. A number in quotes is one too: Envoy's YAML reader makes such of numbers in a `Struct`.
    #[must_use]
    #[inline(never)] // As `Fields::get`.
    pub fn whole(&self, range: RangeInclusive<u64>) -> Option<u64> {
        let number = match self.value {
            Json::Number(number) => number.as_u64().or_else(|| whole_float(number.as_f64()?)),
            Json::Text(text) => text.parse().ok(),
            _ => None,
        };
        let number = number.filter(|number| range.contains(number));
        if number.is_none() {
            self.fault(&format!(
                "expected a whole number from {} to {}",
                range.start(),
                range.end()
            ));
        }
        number
    }

    /// A number from 0 up to `most`, with up to six decimals, in millionths. Like a whole one it may stand in quotes.
    #[must_use]
    #[inline(never)] // As `Fields::get`.
    pub fn decimal(&self, most: u64) -> Option<u64> {
        let number = match self.value {
            Json::Number(number) => units::millionths(&number.to_string()),
            Json::Text(text) => units::millionths(text),
            _ => None,
        };
        let number = number.filter(|&number| number <= most.saturating_mul(1_000_000));
        if number.is_none() {
            self.fault(&format!(
                "expected a number from 0 to {most} with at most six decimals"
            ));
        }
        number
    }

    /// `true` or `false`.
    #[must_use]
    pub fn flag(&self) -> Option<bool> {
        let Json::Bool(flag) = self.value else {
            self.fault("expected true or false");
            return None;
        };
        Some(*flag)
    }

    /// A duration in a range.
    #[must_use]
    #[inline(never)] // As `Fields::get`.
    pub fn duration(&self, range: RangeInclusive<&str>) -> Option<Millis> {
        let bounds = (
            units::duration(range.start())?,
            units::duration(range.end())?,
        );
        let found = self
            .measure(units::duration)
            .filter(|found| (bounds.0..=bounds.1).contains(found));
        if found.is_none() {
            self.fault(&format!(
                "expected a duration from \"{}\" to \"{}\", such as \"90s\" \"1m\" \"5h\" \"7d\"",
                range.start(),
                range.end()
            ));
        }
        found
    }

    /// A size in bytes in a range.
    #[must_use]
    #[inline(never)] // As `Fields::get`.
    pub fn size(&self, range: RangeInclusive<&str>) -> Option<u64> {
        let bounds = (units::size(range.start())?, units::size(range.end())?);
        let found = self
            .measure(units::size)
            .filter(|found| (bounds.0..=bounds.1).contains(found));
        if found.is_none() {
            self.fault(&format!(
                "expected a size from \"{}\" to \"{}\", such as \"512KiB\" \"1MiB\"",
                range.start(),
                range.end()
            ));
        }
        found
    }

    fn measure(&self, read: fn(&str) -> Option<u64>) -> Option<u64> {
        match self.value {
            Json::Text(text) => read(text),
            _ => None,
        }
    }

    /// One of a few words.
    #[must_use]
    pub fn word<T: Copy, const N: usize>(&self, words: &[(&str, T); N]) -> Option<T> {
        let place = self.place_of(&words.each_ref().map(|&(word, _)| word))?;
        words.get(place).map(|&(_, meaning)| meaning)
    }

    /// The place of a word among those that may stand here.
    #[inline(never)] // As `get`.
    fn place_of(&self, known: &[&str]) -> Option<usize> {
        let text = match self.value {
            Json::Text(text) => text.as_str(),
            _ => "",
        };
        let found = known.iter().position(|&word| word == text);
        if found.is_none() {
            let list = format!("expected one of: {}", known.join(", "));
            self.fault(&nearest(text, known).map_or(list.clone(), |near| {
                format!("did you mean \"{near}\"? {list}")
            }));
        }
        found
    }
}

impl<'a> Fields<'a> {
    /// A field, if it is written.
    #[must_use]
    #[inline(never)] // All of `read` calls it, and none of it is in a hurry.
    pub fn get(&self, name: &str) -> Option<Node<'a>> {
        let (_, value) = self.entries.iter().find(|(other, _)| other == name)?;
        Some(self.node.child(value))
    }

    /// A field that must be written.
    #[must_use]
    #[inline(never)] // As `get`.
    pub fn required(&self, name: &str) -> Option<Node<'a>> {
        let found = self.get(name);
        if found.is_none() {
            self.node.notes.add(
                &self.node.path(),
                &format!("`{name}` is missing"),
                &format!("add \"{name}\""),
            );
        }
        found
    }

    /// All fields in the order of the file.
    pub fn iter(&self) -> impl Iterator<Item = (&'a str, Node<'a>)> + '_ {
        self.entries
            .iter()
            .map(|(name, value)| (name.as_str(), self.node.child(value)))
    }
}

/// Finds a value, itself and no other that is equal, and adds what leads there, the last step first; if it is nowhere, nothing.
///
/// Nothing is written on the way there: a policy may have thousands of faults, each of which is looked for.
fn find(within: &Json, value: &Json, steps: &mut Vec<String>) -> bool {
    if ptr::eq(within, value) {
        return true;
    }
    let step = match within {
        Json::Object(entries) => entries
            .iter()
            .find(|(_, child)| find(child, value, steps))
            .map(|(name, _)| name.replace('~', "~0").replace('/', "~1")),
        Json::List(items) => items
            .iter()
            .position(|child| find(child, value, steps))
            .map(|index| index.to_string()),
        _ => None,
    };
    let found = step.is_some();
    steps.extend(step);
    found
}

/// A float that is a whole number: what becomes of `60` in a protobuf `Struct`.
fn whole_float(number: f64) -> Option<u64> {
    let exact = number.fract() == 0.0 && (0.0..=9_007_199_254_740_992.0).contains(&number);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a whole number from 0 to 2^53"
    )]
    exact.then_some(number as u64)
}

/// The known name that a misspelt one most likely meant: at most a third of its letters differ.
#[must_use]
pub fn nearest<'n>(name: &str, known: &[&'n str]) -> Option<&'n str> {
    let near = known
        .iter()
        .map(|&other| (strsim::osa_distance(name, other), other))
        .min()?;
    (near.0 <= near.1.len().div_ceil(3) && near.0 < near.1.len()).then_some(near.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn misspelt_names_find_the_name_that_was_meant() {
        let known = ["version", "identity", "quotas", "limits", "mode"];
        for (name, meant) in [
            ("quota", Some("quotas")),
            ("qoutas", Some("quotas")),
            ("Version", Some("version")),
            ("identiy", Some("identity")),
            ("limit", Some("limits")),
            ("moed", Some("mode")),
            ("campaigns", None),
            ("", None),
            ("zzz", None),
        ] {
            assert_eq!(nearest(name, &known), meant, "{name}");
        }
    }

    #[test]
    fn whole_numbers_come_as_integers_floats_and_text() {
        for (text, number) in [
            ("60", Some(60)),
            ("60.0", Some(60)),
            ("\"60\"", Some(60)),
            ("6e1", Some(60)),
            ("60.5", None),
            ("-1", None),
            ("0", None),
            ("1e300", None),
            ("18446744073709551616", None),
            ("\"\"", None),
            ("true", None),
            ("null", None),
        ] {
            let json: Json = serde_json::from_str(text).unwrap();
            let notes = Notes::new(&json);
            assert_eq!(Node::root(&notes).whole(1..=1_000), number, "{text}");
            assert_eq!(
                notes.into_faults().len(),
                usize::from(number.is_none()),
                "{text}"
            );
        }
    }
}
