//! The page that people read of what was measured.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use crate::captured::{Row, read};

#[test]
fn the_page_tells_what_was_measured() {
    let page = fs::read_to_string(file()).expect("the page");
    assert!(
        page == text(&read()),
        "cargo test --test clients -- --ignored measure writes tests/clients/README.md"
    );
}

/// Writes the page anew.
pub(crate) fn write() {
    fs::write(file(), text(&read())).expect("a file");
}

fn text(rows: &[Row]) -> String {
    // By the ciphers, which a library keeps; below them by what its versions and settings make of it.
    let mut by_print: BTreeMap<(&str, &str), BTreeMap<&str, BTreeSet<&str>>> = BTreeMap::new();
    for row in rows {
        let ciphers = row.ja4.split('_').nth(1).unwrap_or_default();
        let made_of = by_print.entry((ciphers, &row.ja4)).or_default();
        let names = made_of.entry(&row.made_of).or_default();
        names.insert(row.name.split('@').next().unwrap_or_default());
    }
    let mut page = String::from(HEAD);
    for ((_, ja4), made_of) in by_print {
        for (made_of, names) in made_of {
            let names: Vec<&str> = names.into_iter().collect();
            writeln!(page, "| `{ja4}` | {made_of} | {} |", names.join(", ")).expect("a string");
        }
    }
    page
}

fn file() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients/README.md")
}

const HEAD: &str = "# What clients send

`src/agent/known.rs` claims that some clients cannot be what they say they are. This is what it stands on: each client was
run against a real Envoy with a TLS listener, which wrote down the fingerprint of its TLS and its headers in their order,
to `captured.jsonl`. To do it again, which rewrites that file and this page:

```sh
cargo test --test clients -- --ignored measure --nocapture          # two minutes, once all is installed
ONLY=go cargo test --test clients -- --ignored measure --nocapture  # only clients with this in their name
```

Packages come from PyPI, npm and crates.io by themselves, to `target/clients`; `apt-get install curl golang-go chromium
firefox-esr libnss3-tools default-jdk-headless` brings the rest. What a machine lacks is skipped by name, and what was
measured of it before stays.

The parts of a JA4 are counts, ciphers and extensions. The table in `known.rs` goes by the ciphers: they are what a library
keeps when it, or what is built on it, changes. Chromium's extensions are not the same from one connection to the next.
Where it says `as`, it is curl_cffi's imitation of a browser that does not run here.

| JA4 | client | measured as |
| - | - | - |
";
