//! `stillgate embed`: a policy with its files in it, and every way in which a file can be wrong, with its line.
#![expect(clippy::expect_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;
use stillgate::policy::Policy;

/// A policy that names this for its list; odd in its spacing and order, which stay.
fn policy(list: &str) -> String {
    format!(
        r#"{{ "version" : 1,
  "checks": [ {{"then":"deny", "name": "known",
    "trait": "network",   "in": {list}}} ],
  "limits": {{"body": "1KiB"}} }}
"#
    )
}

struct Folder(tempfile::TempDir);

impl Folder {
    fn with(policy: &str) -> Self {
        let folder = Self(tempfile::tempdir().expect("a folder"));
        folder.write("policy.json", policy);
        folder
    }

    fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        let file = self.path().join(name);
        fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
        fs::write(file, bytes).expect("a file");
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn run(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_stillgate"))
            .args(arguments)
            .arg(self.path().join("policy.json"))
            .output()
            .expect("stillgate runs")
    }

    /// What it prints.
    fn embedded(&self) -> String {
        let output = self.run(&["embed"]);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && said.is_empty(), "{said}");
        String::from_utf8(output.stdout).expect("UTF-8")
    }

    /// What it says of a policy with faults; `check` says the same.
    fn faults(&self) -> String {
        let output = self.run(&["embed"]);
        assert_eq!(output.status.code(), Some(3), "{output:?}");
        assert!(output.stdout.is_empty());
        let said = String::from_utf8(output.stderr).expect("UTF-8");
        let faults = said
            .split_once("has faults: ")
            .expect("faults")
            .1
            .trim_end();
        let checked = self.run(&["check", "--format", "json"]);
        assert_eq!(checked.status.code(), Some(3), "{checked:?}");
        let report: Value = serde_json::from_slice(&checked.stdout).expect("a report");
        let found = report.pointer("/policies/0/faults");
        let found = found.and_then(Value::as_array).expect("faults");
        let found: Vec<String> = found
            .iter()
            .map(|fault| {
                let [path, found, expected] = ["path", "found", "expected"]
                    .map(|name| fault.get(name).and_then(Value::as_str).expect(name));
                format!("{path}: {found}; {expected}")
            })
            .collect();
        assert_eq!(faults, found.join("\n"));
        faults.to_owned()
    }
}

#[test]
fn files_take_their_places_and_all_else_stays_as_it_was_written() {
    let folder = Folder::with(&policy(r#"{"file": "lists/tor.txt"}"#));
    // A byte-order mark, lines as Windows ends them, comments, and one address twice.
    folder.write(
        "lists/tor.txt",
        "\u{feff}# Exits\r\n192.0.2.1\r\n\r\n198.51.100.0/24 # a network\r\n192.0.2.1\r\n",
    );
    let embedded = folder.embedded();
    assert_eq!(
        embedded,
        policy(r#"["192.0.2.1","198.51.100.0/24","192.0.2.1"]"#)
    );
    assert!(Policy::parse(embedded.as_bytes()).is_ok());
    assert!(folder.run(&["check"]).status.success());
}

#[test]
fn a_list_of_json_is_a_file_too() {
    let folder = Folder::with(&policy(r#"{"file": "tor.json"}"#));
    folder.write("tor.json", "[\n \"192.0.2.1\",\n \"2001:db8::/32\"\n]\n");
    assert_eq!(
        folder.embedded(),
        policy(r#"["192.0.2.1","2001:db8::/32"]"#)
    );
}

#[test]
fn files_are_found_wherever_lists_stand() {
    let quota = |name: &str| {
        format!(
            r#"{{"name": "{name}", "per": [], "count": "requests", "limit": 1, "window": "1m", "except": [{{"trait": "key", "in": {{"file": "keys"}}}}]}}"#
        )
    };
    let folder = Folder::with(&format!(
        r#"{{"version": 1, "account": {{"in": {{"header": "x"}}, "org": {{"header": "y"}}}},
        "lists": {{"a/b": {{"file": "keys"}}}},
        "quotas": [{}],
        "checks": [{{"name": "c", "trait": "key", "in": {{"list": "a/b"}}, "then": "throttle", "quota": {},
            "except": [{{"trait": "org", "in": "acme"}}, {{"trait": "key", "in": {{"file": "keys"}}}}]}}]}}"#,
        quota("q"),
        quota("lane")
    ));
    folder.write("keys", "d34fa73bd47084e8\n");
    let embedded = folder.embedded();
    assert!(!embedded.contains("\"file\""), "{embedded}");
    assert_eq!(
        embedded.matches(r#"["d34fa73bd47084e8"]"#).count(),
        4,
        "{embedded}"
    );
}

#[test]
fn what_is_wrong_with_a_file_is_told_with_its_line() {
    const EXPECTED: &str =
        "expected a file with one entry a line, or a list of strings if it is named .json";
    const BLOCK: &str = "expected an address or a block of them, such as \"192.0.2.7\", \"203.0.113.0/24\" or \"2001:db8::/32\"";
    let huge = "1\n".repeat(9 << 20);
    let many = "192.0.2.1\n".repeat(100_001);
    for (name, bytes, found) in [
        (
            "a.txt",
            "# none\n\n".as_bytes(),
            format!("a.txt has no entry; {EXPECTED}"),
        ),
        (
            "a.txt",
            b"192.0.2.1\n# x\n\xff\n",
            format!("a.txt, line 3: not UTF-8; {EXPECTED}"),
        ),
        (
            "a.txt",
            b"# x\n192.0.2.1\n192.0.2.300\n",
            format!("a.txt, line 3: found \"192.0.2.300\"; {BLOCK}"),
        ),
        (
            "a.txt",
            b"203.0.113.7/24",
            String::from(
                "a.txt, line 1: found \"203.0.113.7/24\"; has host bits: write 203.0.113.0/24, or 203.0.113.7/32",
            ),
        ),
        (
            "a.txt",
            huge.as_bytes(),
            String::from(
                "a.txt is longer than 16 MiB; expected at most 100000 entries in all lists together",
            ),
        ),
        (
            "a.txt",
            many.as_bytes(),
            String::from(
                "a.txt: found a list of 100001; expected at most 100000 entries in all lists together",
            ),
        ),
        (
            "a.JSON",
            b"[\"192.0.2.1\",\n\n\"x\"]",
            format!("a.JSON, line 3: found \"x\"; {BLOCK}"),
        ),
        (
            "a.json",
            b"[\"192.0.2.1\",\n7]",
            format!("a.json, line 2: no string; {EXPECTED}"),
        ),
        (
            "a.json",
            b"{}",
            format!(
                "a.json: invalid type: map, expected a sequence at line 1 column 0; {EXPECTED}"
            ),
        ),
        ("a.json", b"[]", format!("a.json has no entry; {EXPECTED}")),
        (
            "a.json",
            b"[\"192.0.2.1\"",
            format!("a.json: EOF while parsing a list at line 1 column 12; {EXPECTED}"),
        ),
    ] {
        let folder = Folder::with(&policy(&format!(r#"{{"file": "{name}"}}"#)));
        folder.write(name, bytes);
        assert_eq!(
            folder.faults(),
            format!("/checks/0/in/file: {found}"),
            "{found}"
        );
    }
}

#[test]
fn a_file_that_cannot_be_read_is_a_fault() {
    let folder = Folder::with(&policy(r#"{"file": "no/such.txt"}"#));
    let said = folder.faults();
    assert!(
        said.starts_with("/checks/0/in/file: no/such.txt: No such file"),
        "{said}"
    );
    let folder = Folder::with(&policy(r#"{"file": "."}"#));
    let said = folder.faults();
    assert!(
        said.starts_with("/checks/0/in/file: .: Is a directory"),
        "{said}"
    );
}

#[test]
fn faults_elsewhere_keep_their_places() {
    let folder = Folder::with(&policy(r#"{"file": "a"}"#).replace("1KiB", "1KB"));
    folder.write("a", "192.0.2.1\n");
    assert_eq!(
        folder.faults(),
        "/limits/body: found \"1KB\"; expected a size from \"1KiB\" to \"256MiB\", such as \"512KiB\" \"1MiB\""
    );
    // What names no file alone is the reader's to judge.
    let folder = Folder::with(&policy(r#"{"file": "a", "list": "b"}"#));
    assert!(folder.faults().contains("a filter reads no files"));
}

#[test]
fn a_policy_that_cannot_be_read_is_a_failure() {
    let folder = tempfile::tempdir().expect("a folder");
    let output = Command::new(env!("CARGO_BIN_EXE_stillgate"))
        .arg("embed")
        .arg(folder.path().join("none.json"))
        .output()
        .expect("stillgate runs");
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("none.json"));
}
