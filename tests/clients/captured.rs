//! What clients were seen to send, one client a line.

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// One client as it was measured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Row {
    /// Its name in the table of clients.
    pub(crate) name: String,
    /// What it said that it is made of, its own version first.
    pub(crate) made_of: String,
    /// The fingerprints of its TLS.
    pub(crate) ja4: String,
    /// The older kind of it.
    pub(crate) ja3: String,
    /// `HTTP/1.1` or `HTTP/2`.
    pub(crate) http: String,
    /// The method of its request.
    pub(crate) method: String,
    /// The headers in their order.
    pub(crate) headers: Vec<(String, String)>,
}

impl Row {
    /// The headers as an exchange has them.
    pub(crate) fn borrowed(&self) -> Vec<(&[u8], &[u8])> {
        let headers = self.headers.iter();
        headers
            .map(|(name, value)| (name.as_bytes(), value.as_bytes()))
            .collect()
    }

    /// The version that it gives of itself.
    pub(crate) fn version(&self) -> &str {
        let first = self.made_of.split(';').next().unwrap_or_default();
        first.split(' ').nth(1).unwrap_or_default()
    }
}

/// All rows, by name.
pub(crate) fn read() -> Vec<Row> {
    let text = fs::read_to_string(file()).expect("the captured clients");
    text.lines()
        .map(|line| serde_json::from_str(line).expect("a row"))
        .collect()
}

/// Replaces the rows that were measured again and keeps the others.
pub(crate) fn write(mut rows: Vec<Row>) {
    if file().exists() {
        let old = read();
        rows.extend(
            old.into_iter()
                .filter(|old| rows.iter().all(|row| row.name != old.name))
                .collect::<Vec<_>>(),
        );
    }
    rows.sort_by(|one, other| one.name.cmp(&other.name));
    let lines = rows
        .iter()
        .map(|row| serde_json::to_string(row).expect("JSON") + "\n");
    fs::write(file(), lines.collect::<String>()).expect("a file");
}

fn file() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients/captured.jsonl")
}
