//! Reads lists: those that have a name, and those that stand in a rule. Each is compiled once for each way in which its
//! values are spelt.

use std::borrow::Cow;

use super::spelling::{Spelling, block};
use crate::policy::json::Json;
use crate::policy::list::{Blocks, List, MAX_PATTERNS, Texts};
use crate::policy::node::{Node, nearest};

/// The most entries of all lists together: what bounds the memory of each VM and its time to start.
const MAX_ENTRIES: usize = 100_000;
/// The longest entry, in bytes.
const MAX_LENGTH: usize = 1_024;
const NO_FILES: &str =
    "a filter reads no files: `stillgate embed` writes a policy with its files in it";
const TOO_LONG: &str = "expected at most 1024 bytes";
/// How many wrong entries of a list are told one by one.
const TOLD: usize = 16;

/// The lists of a policy.
pub(super) struct Lists<'a> {
    named: Vec<Named<'a>>,
    compiled: Vec<List>,
    /// How many entries there are so far.
    entries: usize,
}

/// A list with a name.
struct Named<'a> {
    name: &'a str,
    node: Node<'a>,
    /// `None` if it is none, which has been noted.
    entries: Option<&'a [Json]>,
    /// Whether a rule names it.
    is_used: bool,
    /// Where it has been compiled to.
    compiled: Vec<(Spelling, Option<usize>)>,
}

impl<'a> Lists<'a> {
    /// Reads the names, and whether lists stand behind them.
    pub(super) fn new(node: Option<Node<'a>>) -> Self {
        let mut lists = Self {
            named: Vec::new(),
            compiled: Vec::new(),
            entries: 0,
        };
        let entries = node.and_then(|node| node.entries());
        for (name, node) in entries.iter().flat_map(|entries| entries.iter()) {
            if lists.named.iter().any(|other| other.name == name) {
                node.fault(&format!("`{name}` is written twice; write it once"));
                continue;
            }
            let entries = lists.entries_of(&node);
            lists.named.push(Named {
                name,
                node,
                entries,
                is_used: false,
                compiled: Vec::new(),
            });
        }
        lists
    }

    /// Reads what stands behind an `in`, for a trait that is spelt like this, if it is one: the place of the list.
    pub(super) fn place(&mut self, node: &Node<'a>, spelling: Option<Spelling>) -> Option<usize> {
        if !matches!(node.value(), Json::Object(_)) {
            let entries = self.entries_of(node)?;
            return self.add(node, entries, spelling?);
        }
        let fields = node.fields(&["list", "file"])?;
        if let Some(file) = fields.get("file") {
            file.fault(NO_FILES);
            return None;
        }
        let name = fields.required("list")?;
        let text = name.text()?;
        let Some(place) = self.named.iter().position(|list| list.name == text) else {
            let known: Vec<&str> = self.named.iter().map(|list| list.name).collect();
            name.fault(&match nearest(text, &known) {
                Some(near) => format!("did you mean \"{near}\"? It must be named under `lists`"),
                None => String::from("expected a name from `lists`"),
            });
            return None;
        };
        let list = self.named.get_mut(place)?;
        list.is_used = true;
        let spelling = spelling?;
        if let Some((_, compiled)) = list.compiled.iter().find(|(other, _)| *other == spelling) {
            return *compiled;
        }
        let (node, entries) = (list.node, list.entries);
        let compiled = entries.and_then(|entries| self.add(&node, entries, spelling));
        let list = self.named.get_mut(place)?;
        list.compiled.push((spelling, compiled));
        compiled
    }

    /// All that were compiled. A list that no rule uses is a mistake: a rule is missing, or its name is another.
    pub(super) fn finish(self) -> Vec<List> {
        for list in &self.named {
            if !list.is_used {
                list.node.fault(&format!(
                    "no rule uses it: write {{\"list\": \"{}\"}} in one, or take it out",
                    list.name
                ));
            }
        }
        self.compiled
    }

    fn add(&mut self, node: &Node<'a>, entries: &[Json], spelling: Spelling) -> Option<usize> {
        let list = compile(node, entries, spelling)?;
        self.compiled.push(list);
        self.compiled.len().checked_sub(1)
    }

    /// The entries of a list as they are written, counted.
    fn entries_of(&mut self, node: &Node<'a>) -> Option<&'a [Json]> {
        let entries = match node.value() {
            Json::List(entries) => entries.as_slice(),
            text @ Json::Text(_) => core::slice::from_ref(text),
            Json::Object(_) => {
                if let Some(file) = node.fields(&["file"])?.required("file") {
                    file.fault(NO_FILES);
                }
                return None;
            }
            _ => {
                node.fault("expected a list of strings");
                return None;
            }
        };
        if entries.is_empty() {
            node.fault("nobody is on an empty list; put somebody on it, or take it out");
            return None;
        }
        self.entries = self.entries.saturating_add(entries.len());
        if self.entries > MAX_ENTRIES {
            node.fault(&format!(
                "expected at most {MAX_ENTRIES} entries in all lists together"
            ));
            return None;
        }
        Some(entries)
    }
}

/// Compiles entries that stand at a node.
fn compile(node: &Node<'_>, entries: &[Json], spelling: Spelling) -> Option<List> {
    let (mut texts, mut blocks) = (Vec::new(), Vec::new());
    let mut wrong = 0_usize;
    for (place, entry) in entries.iter().enumerate() {
        let read = match entry {
            Json::Text(text) if text.len() > MAX_LENGTH => Err(Cow::Borrowed(TOO_LONG)),
            Json::Text(text) if text.is_empty() => Err(Cow::Borrowed(spelling.expected())),
            Json::Text(text) if spelling == Spelling::Address => {
                block(text).map(|block| blocks.push(block))
            }
            Json::Text(text) => {
                let normal = spelling.normal(text).map(|text| texts.push(text));
                normal.ok_or(Cow::Borrowed(spelling.expected()))
            }
            _ => Err(Cow::Borrowed(spelling.expected())),
        };
        if let Err(expected) = read {
            wrong = wrong.saturating_add(1);
            if wrong <= TOLD {
                entry_fault(node, place, entry, &expected);
            }
        }
    }
    if wrong > TOLD {
        let more = wrong.saturating_sub(TOLD);
        let found = format!("{more} more of its entries are wrong");
        node.fault_at(&node.path(), &found, "mend those that are told first");
    }
    if wrong > 0 {
        return None;
    }
    if spelling == Spelling::Address {
        return Some(List::Blocks(Blocks::new(&blocks)));
    }
    let texts = Texts::new(texts.iter().map(AsRef::as_ref));
    if texts.patterns() > MAX_PATTERNS {
        node.fault(&format!(
            "expected at most {MAX_PATTERNS} entries with a `*` that is not their end: a request may have to try all of them"
        ));
        return None;
    }
    Some(List::Texts(texts))
}

/// A value that has no node of its own: making one for each entry would take longer than reading them.
fn entry_fault(node: &Node<'_>, place: usize, entry: &Json, expected: &str) {
    let mut path = node.path();
    if matches!(node.value(), Json::List(_)) {
        path = format!("{path}/{place}");
    }
    let found = ["found ", &entry.describe()].concat();
    node.fault_at(&path, &found, expected);
}
