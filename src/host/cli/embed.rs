//! `stillgate embed`: a policy with the files of its lists in it, since a filter reads none.

mod entries;
mod splice;

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::policy::{Fault, Faults, Policy};
use entries::Entry;

/// What `embed` is told.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// A policy whose lists may stand in files beside it
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

/// Prints the policy with all that its filter needs, if it has no faults.
pub(super) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let embedded = read(&arguments.file)?;
    embedded
        .policy()
        .with_context(|| format!("the policy {} has faults", arguments.file.display()))?;
    io::stdout().write_all(embedded.text.as_bytes())?;
    Ok(())
}

/// Reads a policy and the files that it names.
pub(super) fn read(file: &Path) -> anyhow::Result<Embedded> {
    let text = fs::read_to_string(file)
        .with_context(|| format!("cannot read the policy {}", file.display()))?;
    Ok(Embedded::new(text, file.parent().unwrap_or(Path::new(""))))
}

/// Reads a policy and the files that it names, and compiles it.
pub(super) fn policy(file: &Path) -> anyhow::Result<Policy> {
    let policy = read(file)?.policy();
    policy.with_context(|| format!("the policy {} has faults", file.display()))
}

/// A policy with its files in it.
#[derive(Debug)]
pub(super) struct Embedded {
    /// The policy: what was written, but for the files.
    pub(super) text: String,
    /// The files that it names, also those that cannot be read.
    pub(super) files: Vec<PathBuf>,
    lists: Vec<List>,
    faults: Vec<Fault>,
}

/// A list that came from a file.
#[derive(Debug)]
struct List {
    /// Where it stands in the policy.
    pointer: String,
    /// The file as the policy names it.
    name: String,
    /// On which line each entry is, from 1.
    lines: Vec<usize>,
}

impl Embedded {
    /// Puts the files that stand in a folder into a policy. What is no policy stays as it is.
    pub(super) fn new(text: String, folder: &Path) -> Self {
        let mut embedded = Self {
            text: String::with_capacity(text.len()),
            files: Vec::new(),
            lists: Vec::new(),
            faults: Vec::new(),
        };
        let mut done = 0;
        for reference in splice::references(&text) {
            let file = folder.join(&reference.name);
            let entries = entries::read(&file);
            embedded.files.push(file);
            match entries {
                Ok(entries) => {
                    let before = text.get(done..reference.place.start);
                    embedded.text.push_str(before.unwrap_or_default());
                    embedded.text.push_str(&as_list(&entries));
                    done = reference.place.end;
                    embedded.lists.push(List {
                        pointer: reference.pointer,
                        name: reference.name,
                        lines: entries.into_iter().map(|entry| entry.line).collect(),
                    });
                }
                Err(wrong) => embedded.faults.push(Fault {
                    path: format!("{}/file", reference.pointer),
                    found: format!("{}{}", reference.name, wrong.found),
                    expected: wrong.expected.to_owned(),
                }),
            }
        }
        embedded.text.push_str(text.get(done..).unwrap_or_default());
        embedded
    }

    /// The policy, or what is wrong with it or its files: each with the place in the file that was written.
    pub(super) fn policy(&self) -> Result<Policy, Faults> {
        if !self.faults.is_empty() {
            return Err(Faults::from(self.faults.clone()));
        }
        Policy::parse(self.text.as_bytes()).map_err(|faults| {
            let told: Vec<Fault> = faults.iter().map(|fault| self.told(fault)).collect();
            Faults::from(told)
        })
    }

    /// A fault with its place in a file, if it came from one.
    fn told(&self, fault: &Fault) -> Fault {
        let within = self.lists.iter().find_map(|list| {
            let rest = fault.path.strip_prefix(&list.pointer)?;
            (rest.is_empty() || rest.starts_with('/')).then_some((list, rest))
        });
        let Some((list, rest)) = within else {
            return fault.clone();
        };
        let entry: Option<usize> = rest.get(1..).and_then(|entry| entry.parse().ok());
        let line = entry
            .and_then(|entry| list.lines.get(entry))
            .map(|line| format!(", line {line}"));
        Fault {
            path: format!("{}/file", list.pointer),
            found: format!("{}{}: {}", list.name, line.unwrap_or_default(), fault.found),
            expected: fault.expected.clone(),
        }
    }
}

/// Entries as a list of JSON.
fn as_list(entries: &[Entry]) -> String {
    let texts: Vec<&str> = entries.iter().map(|entry| entry.text.as_str()).collect();
    serde_json::to_string(&texts).unwrap_or_default()
}
