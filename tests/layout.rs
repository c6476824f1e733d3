//! The layout of the source, as the design promises it: `use` points one way, and only hosts meet the world.

#![expect(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    reason = "a test that meets the unexpected should stop and say so"
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Which modules of the crate a module may use; none of them may use it back.
const USES: &[(&str, &[&str])] = &[
    ("exchange", &[]),
    ("estimate", &[]),
    ("json", &[]),
    ("sample", &[]),
    ("scan", &[]),
    ("simulate", &["exchange"]),
    ("verdict", &[]),
    ("agent", &["exchange", "scan"]),
    ("shape", &["exchange", "scan"]),
    ("window", &["exchange"]),
    ("store", &["exchange", "window"]),
    ("distinct", &["exchange", "store", "window"]),
    ("metrics", &["verdict"]),
    ("dialect", &["exchange", "scan"]),
    ("usage", &["scan"]),
    (
        "policy",
        &["agent", "dialect", "exchange", "usage", "verdict", "window"],
    ),
    ("identity", &["exchange", "policy"]),
    ("template", &["dialect", "identity", "scan"]),
    (
        "traits",
        &["agent", "exchange", "identity", "policy", "shape"],
    ),
    (
        "campaign",
        &[
            "distinct", "exchange", "identity", "policy", "template", "traits",
        ],
    ),
    ("quota", &["exchange", "store", "window"]),
    (
        "engine",
        &[
            "agent", "campaign", "dialect", "distinct", "estimate", "exchange", "identity",
            "policy", "quota", "store", "template", "traits", "usage", "verdict", "window",
        ],
    ),
    (
        "record",
        &[
            "campaign", "distinct", "engine", "exchange", "json", "policy", "verdict",
        ],
    ),
    ("trace", &["exchange", "usage"]),
    (
        "learn",
        &[
            "agent", "campaign", "dialect", "distinct", "engine", "estimate", "exchange",
            "identity", "policy", "sample", "store", "trace", "traits", "usage", "verdict",
            "window",
        ],
    ),
    (
        "replay",
        &[
            "campaign", "dialect", "distinct", "engine", "estimate", "exchange", "identity",
            "json", "policy", "sample", "simulate", "store", "trace", "traits", "usage", "verdict",
        ],
    ),
    (
        "reply",
        &["dialect", "engine", "exchange", "json", "policy", "verdict"],
    ),
    (
        "edge",
        &[
            "campaign", "dialect", "engine", "estimate", "exchange", "identity", "policy",
            "record", "reply", "store", "usage", "verdict",
        ],
    ),
    (
        "page",
        &[
            "campaign", "dialect", "edge", "engine", "exchange", "identity", "policy", "record",
            "replay", "reply", "sample", "simulate", "trace", "traits", "usage", "verdict",
        ],
    ),
];

/// Modules that only the tests of a module may use beside those.
const USES_IN_TESTS: &[(&str, &[&str])] = &[
    ("sample", &["traits"]),
    ("edge", &["window"]),
    ("template", &["traits"]),
    ("reply", &["campaign", "quota"]),
    ("simulate", &["agent", "dialect"]),
];

/// What only a host may touch: SDKs, clocks, randomness, files, sockets, processes and prints.
const WORLD: &[&str] = &[
    "proxy_wasm",
    "wasm_bindgen",
    "std::time",
    "Instant",
    "SystemTime",
    "getrandom",
    "std::fs",
    "std::env",
    "std::io",
    "std::net",
    "std::process",
    "std::thread",
    "println!",
    "eprintln!",
    "print!",
    "dbg!",
    "tokio",
];

/// A source file: its path below `src/`, and its text.
struct Source {
    path: String,
    text: String,
}

impl Source {
    fn module(&self) -> &str {
        let end = self.path.find(['/', '.']).expect("a file of Rust");
        self.path.get(..end).expect("a name")
    }

    fn in_host(&self) -> bool {
        self.module() == "host"
    }

    /// Lines with their numbers and whether tests begin before them; comments and strings' contents left in, doc
    /// comments taken out.
    fn lines(&self) -> impl Iterator<Item = (usize, &str, bool)> {
        let all_tests = self.path.ends_with("/tests.rs") || self.path.contains("/tests/");
        let tests = self
            .text
            .find("\n#[cfg(test)]\nmod tests {")
            .map_or(usize::MAX, |place| {
                self.text.get(..=place).unwrap_or_default().lines().count()
            });
        let lines = self.text.lines().enumerate();
        lines
            .filter(|(_, line)| !line.trim_start().starts_with("//"))
            .map(move |(index, line)| (index + 1, line, all_tests || index >= tests))
    }
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder of sources") {
            let path: PathBuf = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).expect("UTF-8");
                let path = path
                    .strip_prefix(&root)
                    .expect("below src")
                    .to_str()
                    .expect("UTF-8")
                    .to_owned();
                found.push(Source { path, text });
            }
        }
    }
    found.sort_by(|one, other| one.path.cmp(&other.path));
    assert!(found.len() > 30, "{} sources", found.len());
    found
}

/// The modules that a line names after `crate::`, one or several in braces.
fn uses(line: &str) -> Vec<&str> {
    let parts = line.split("crate::").skip(1);
    parts
        .flat_map(|rest| {
            let many = rest
                .strip_prefix('{')
                .and_then(|rest| rest.split('}').next());
            let names = many.map_or_else(|| vec![rest], |many| many.split(',').collect());
            names.into_iter().map(|name| {
                let name = name.trim_start();
                let end = name.find(|letter: char| !letter.is_ascii_lowercase() && letter != '_');
                end.and_then(|end| name.get(..end)).unwrap_or(name)
            })
        })
        .collect()
}

fn allowed(table: &[(&str, &'static [&'static str])], module: &str) -> &'static [&'static str] {
    table
        .iter()
        .find(|(name, _)| *name == module)
        .map_or(&[], |(_, uses)| uses)
}

#[test]
fn use_points_one_way() {
    let mut wrong = Vec::new();
    let mut modules = BTreeSet::new();
    for source in sources() {
        let module = source.module().to_owned();
        if source.in_host() || module == "lib" || module == "main" {
            continue;
        }
        for (number, line, in_tests) in source.lines() {
            assert!(
                !line.contains("super::super"),
                "src/{}:{number} leaves its module by `super`",
                source.path
            );
            for used in uses(line) {
                let known = allowed(USES, &module).contains(&used)
                    || in_tests && allowed(USES_IN_TESTS, &module).contains(&used);
                if used != module && !known {
                    wrong.push(format!(
                        "src/{}:{number}: {module} uses {used}",
                        source.path
                    ));
                }
            }
        }
        modules.insert(module);
    }
    assert_eq!(
        wrong,
        Vec::<String>::new(),
        "USES in tests/layout.rs says which way is right"
    );
    assert_eq!(USES.len(), modules.len(), "USES names a module twice");
    let named: BTreeSet<String> = USES.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(
        named, modules,
        "USES in tests/layout.rs names every module once"
    );
    assert_eq!(named.len(), USES.len(), "none of them twice");
    // The table itself has an order in which each module uses only those before it.
    for (place, (module, uses)) in USES.iter().enumerate() {
        let before: Vec<&str> = USES.iter().take(place).map(|(name, _)| *name).collect();
        assert!(
            uses.iter().all(|used| before.contains(used)),
            "{module} uses what comes after it"
        );
    }
}

#[test]
fn only_hosts_meet_the_world() {
    let mut found = Vec::new();
    for source in sources().iter().filter(|source| !source.in_host()) {
        for (number, line, _) in source.lines() {
            for word in WORLD {
                if line.contains(word) && !(*word == "std::process" && source.path == "main.rs") {
                    found.push(format!("src/{}:{number}: {word}", source.path));
                }
            }
        }
    }
    assert_eq!(found, Vec::<String>::new());
}

#[test]
fn only_one_file_knows_the_target() {
    let mut found = Vec::new();
    for source in sources().iter().filter(|source| source.path != "host.rs") {
        for (number, line, _) in source.lines() {
            let target = [
                "cfg(target",
                "cfg!(target",
                "cfg(not(target",
                "target_family",
                "target_os",
                "target_arch",
            ]
            .iter()
            .any(|word| line.contains(word));
            if target && !(source.path == "store/page.rs" && line.contains("target_endian")) {
                found.push(format!("src/{}:{number}: {line}", source.path));
            }
        }
    }
    assert_eq!(found, Vec::<String>::new());
}

#[test]
fn only_one_file_is_unsafe() {
    let mut found = BTreeSet::new();
    for source in sources() {
        // With its hyphens: what browsers call `wasm-unsafe-eval` is another word.
        let in_use = |line: &str| {
            line.split(|letter: char| !letter.is_alphanumeric() && !"_-".contains(letter))
                .any(|word| word == "unsafe")
        };
        if source.lines().any(|(_, line, _)| in_use(line)) {
            found.insert(source.path);
        }
    }
    assert_eq!(found, BTreeSet::from([String::from("host/envoy/abi.rs")]));
}

#[test]
fn every_file_is_a_room() {
    let long: Vec<String> = sources()
        .iter()
        .map(|source| (source.text.lines().count(), &source.path))
        .filter(|(lines, _)| *lines > 500)
        .map(|(lines, path)| format!("src/{path}: {lines} lines"))
        .collect();
    assert_eq!(long, Vec::<String>::new(), "expected at most 500");
}
