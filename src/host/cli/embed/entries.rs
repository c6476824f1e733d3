//! The entries of a list in a file: one a line, or a list of strings in a `.json`.

use std::ffi::OsStr;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use serde_json::value::RawValue;

/// An entry, and its line from 1.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) text: String,
    pub(super) line: usize,
}

/// What is wrong with a file.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Wrong {
    /// What follows the file's name in a sentence.
    pub(super) found: String,
    /// What would be right.
    pub(super) expected: &'static str,
}

/// The longest file, in bytes: 100,000 entries of 1 KiB would be longer, and take each VM that much memory.
const LONGEST: u64 = 16 << 20;

const EXPECTED: &str =
    "expected a file with one entry a line, or a list of strings if it is named .json";

/// Reads a file.
pub(super) fn read(file: &Path) -> Result<Vec<Entry>, Wrong> {
    let bytes = bytes(file)?;
    let text = str::from_utf8(&bytes).map_err(|error| {
        let sound = bytes.get(..error.valid_up_to()).unwrap_or_default();
        wrong(format!(", line {}: not UTF-8", line_after(sound)))
    })?;
    // What some editors begin a file with.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let is_json = file
        .extension()
        .and_then(OsStr::to_str)
        .is_some_and(|extension| extension.eq_ignore_ascii_case("json"));
    let entries = if is_json { json(text)? } else { lines(text) };
    if entries.is_empty() {
        return Err(wrong(String::from(" has no entry")));
    }
    Ok(entries)
}

fn bytes(file: &Path) -> Result<Vec<u8>, Wrong> {
    let failed = |error: std::io::Error| wrong(format!(": {error}"));
    let mut bytes = Vec::new();
    let reader = File::open(file).map_err(failed)?;
    let length = reader
        .take(LONGEST.saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    if length as u64 > LONGEST {
        return Err(Wrong {
            found: format!(" is longer than {} MiB", LONGEST >> 20),
            expected: "expected at most 100000 entries in all lists together",
        });
    }
    Ok(bytes)
}

fn lines(text: &str) -> Vec<Entry> {
    let entries = (1..).zip(text.lines()).map(|(line, text)| Entry {
        text: without_comment(text).trim().to_owned(),
        line,
    });
    entries.filter(|entry| !entry.text.is_empty()).collect()
}

/// What stands before a `#` that begins the line or follows white space.
fn without_comment(line: &str) -> &str {
    let mut before = ' ';
    for (place, letter) in line.char_indices() {
        if letter == '#' && before.is_whitespace() {
            return line.get(..place).unwrap_or_default();
        }
        before = letter;
    }
    line
}

fn json(text: &str) -> Result<Vec<Entry>, Wrong> {
    let broken = |error: serde_json::Error| wrong(format!(": {error}"));
    let items: Vec<&RawValue> = serde_json::from_str(text).map_err(broken)?;
    let entries = items.into_iter().map(|item| {
        let place = item.get().as_ptr().addr();
        let before = text.get(..place.saturating_sub(text.as_ptr().addr()));
        let line = line_after(before.unwrap_or_default().as_bytes());
        let text = serde_json::from_str(item.get())
            .map_err(|_| wrong(format!(", line {line}: no string")))?;
        Ok(Entry { text, line })
    });
    entries.collect()
}

/// The line, from 1, on which what follows these bytes begins.
fn line_after(bytes: &[u8]) -> usize {
    let ends = bytes.iter().filter(|&&byte| byte == b'\n').count();
    ends.saturating_add(1)
}

const fn wrong(found: String) -> Wrong {
    Wrong {
        found,
        expected: EXPECTED,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_an_entry_without_its_comment() {
        let text =
            "# Tor\r\n\r\n192.0.2.1\r\n  198.51.100.0/24   # since May\n#\na#b\n\tx y\t#\nlast";
        let found: Vec<(String, usize)> = lines(text)
            .into_iter()
            .map(|entry| (entry.text, entry.line))
            .collect();
        let expected = [
            ("192.0.2.1", 3),
            ("198.51.100.0/24", 4),
            ("a#b", 6),
            ("x y", 7),
            ("last", 8),
        ];
        assert_eq!(found, expected.map(|(text, line)| (text.to_owned(), line)));
    }

    #[test]
    fn a_list_of_json_knows_its_lines() {
        let found = json("[\n  \"a\", \"b\\u0063\",\n\n  \"d\"]").unwrap();
        let found: Vec<(&str, usize)> = found
            .iter()
            .map(|entry| (entry.text.as_str(), entry.line))
            .collect();
        assert_eq!(found, [("a", 2), ("bc", 2), ("d", 4)]);
        assert_eq!(
            json("[\"a\",\n1]").unwrap_err().found,
            ", line 2: no string"
        );
        assert!(json("{}").is_err() && json("").is_err());
    }
}
