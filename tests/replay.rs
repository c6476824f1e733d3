//! `stillgate replay`: what it decides, what it tells, and that both are the same every time.
#![expect(clippy::expect_used, reason = "a test fails by panicking")]

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use stillgate::page::run::{Options, Recorded, Told};
use tempfile::TempDir;

/// When every trace begins.
const START: u64 = 1_776_816_000_000;

/// A quota, and one in shadow; a check, and one in shadow.
const POLICY: &str = r#"{"version": 1, "limits": {"memory": "1MiB"}, "quotas": [
        {"name": "minute", "per": ["key"], "count": "requests", "limit": 3, "window": "1m"},
        {"name": "tokens", "per": ["key"], "count": "tokens", "limit": 1000, "window": "1h"},
        {"name": "tight", "per": ["key"], "count": "requests", "limit": 2, "window": "1m", "mode": "shadow"}],
    "checks": [
        {"name": "known", "trait": "agent", "in": ["curl/*"], "then": "tag"},
        {"name": "shared", "per": ["key"], "distinct": "network", "limit": 1, "window": "1d", "then": "deny", "mode": "shadow"}],
    "campaigns": {}}"#;

/// One request of a key, so many seconds after the beginning.
fn line(second: u64, id: &str, key: &str, more: &str) -> String {
    let t = START.saturating_add(second.saturating_mul(1_000));
    format!(
        r#"{{"t": {t}, "id": "{id}", "method": "POST", "path": "/v1/chat/completions", "headers": [["authorization", "Bearer {key}"], ["user-agent", "x/1"]]{more}}}"#
    )
}

const BODY: &str = r#", "body": {"model": "m", "messages": [{"role": "user", "content": "Say it."}], "max_tokens": 10}"#;

/// Requests that are decided in as many ways as there are.
fn trace() -> String {
    let used = |input: u64| format!(r#"{BODY}, "usage": {{"input": {input}, "output": 0}}"#);
    let from = |network: u64| format!(r#"{BODY}, "source": "10.0.{network}.7""#);
    [
        line(0, "a0", "sk-a", BODY),
        line(1, "a1", "sk-a", BODY),
        line(2, "a2", "sk-a", BODY),
        line(3, "a3 \\\"quoted\\\"", "sk-a", BODY),
        line(4, "b0", "sk-b", &used(995)),
        line(5, "b1", "sk-b", &used(995)),
        line(6, "c0", "sk-c", &from(1)),
        line(7, "c1", "sk-c", &from(2)),
        line(7, "c2", "sk-c", &from(2)),
        line(8, "d0", "sk-d", BODY).replace("x/1", "curl/8.5"),
        line(9, "e0", "", BODY),
    ]
    .join("\n")
}

struct Bench {
    folder: TempDir,
}

impl Bench {
    fn new(policy: &str) -> Self {
        let bench = Self {
            folder: TempDir::new().expect("a folder"),
        };
        bench.write("policy.json", policy.as_bytes());
        bench
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &[u8]) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, text).expect("a file");
        path
    }

    fn command(&self, trace: &Path, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_stillgate"));
        command
            .current_dir(self.folder.path())
            .arg("replay")
            .arg(trace)
            .args(["--policy", "policy.json"])
            .args(arguments)
            .env_remove("STILLGATE_SECRET");
        command
    }

    fn run(&self, trace: &Path, arguments: &[&str]) -> Output {
        let output = self.command(trace, arguments).output();
        output.expect("stillgate runs")
    }

    /// What is told where all goes well.
    fn told(&self, trace: &Path, arguments: &[&str]) -> String {
        let output = self.run(trace, arguments);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{said}");
        String::from_utf8(output.stdout).expect("UTF-8")
    }
}

fn lines_of(text: &str) -> Vec<Value> {
    let lines = text.lines();
    lines
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect()
}

/// Word by word as the trace format has it.
#[test]
fn every_request_has_its_verdict() {
    let bench = Bench::new(POLICY);
    let trace = bench.write("trace.jsonl", trace().as_bytes());
    let told = bench.told(&trace, &["--verdicts", "-"]);
    let at = |second: u64| START.saturating_add(second.saturating_mul(1_000));
    let tight = r#"{"rule":"tight","kind":"quota","verdict":"throttle"}"#;
    let expected = [
        (0, "a0", "allow", "", ""),
        (1, "a1", "allow", "", ""),
        (2, "a2", "allow", "", tight),
        (
            3,
            "a3 \\\"quoted\\\"",
            "throttle",
            r#"{"rule":"minute","kind":"quota","limit":3,"used":4}"#,
            "",
        ),
        (4, "b0", "allow", "", ""),
        (
            5,
            "b1",
            "throttle",
            r#"{"rule":"tokens","kind":"quota","limit":1000,"used":995}"#,
            "",
        ),
        (6, "c0", "allow", "", ""),
        (7, "c1", "allow", "", ""),
        (
            7,
            "c2",
            "allow",
            "",
            r#"{"rule":"shared","kind":"check","limit":1,"used":2,"verdict":"deny"}"#,
        ),
        (8, "d0", "tag", r#"{"rule":"known","kind":"check"}"#, ""),
        (9, "e0", "deny", r#"{"kind":"missing_credential"}"#, ""),
    ];
    let expected = expected.map(|(second, id, verdict, reasons, shadow)| {
        let t = at(second);
        format!(r#"{{"id":"{id}","t":{t},"verdict":"{verdict}","reasons":[{reasons}],"shadow":[{shadow}]}}"#)
    });
    assert_eq!(told.lines().collect::<Vec<_>>(), expected);
}

#[test]
fn the_report_sums_up() {
    let bench = Bench::new(POLICY);
    let trace = bench.write("trace.jsonl", trace().as_bytes());
    let told = lines_of(&bench.told(&trace, &["--format", "json"]));
    let cause = |rule: Value, kind: &str, mode: &str, did: [u64; 2], shadow: [u64; 2]| {
        let [requests, keys] = did;
        let [noted, of] = shadow;
        json!({"rule": rule, "kind": kind, "mode": mode, "requests": requests, "keys": keys,
               "shadow": {"requests": noted, "keys": of}})
    };
    let expected = [
        json!({"trace": {
            "requests": 11, "keys": 4, "first": START, "last": START.saturating_add(9_000), "broken": 0,
            "verdicts": {"allow": 7, "tag": 1, "throttle": 2, "verify": 0, "deny": 1}, "unobserved": 0,
        }}),
        cause(json!("minute"), "quota", "enforce", [1, 1], [0, 0]),
        cause(json!("tokens"), "quota", "enforce", [1, 1], [0, 0]),
        cause(json!("tight"), "quota", "shadow", [0, 0], [1, 1]),
        cause(json!("known"), "check", "enforce", [1, 1], [0, 0]),
        cause(json!("shared"), "check", "shadow", [0, 0], [1, 1]),
        cause(json!(null), "missing_credential", "enforce", [1, 0], [0, 0]),
    ];
    assert_eq!(told, expected);

    let text = bench.told(&trace, &[]);
    for told in [
        "11 requests of 4 keys in 9 s\n",
        "throttle 2 18.18 % 2 50.00 %",
        "\nNo campaign was found\n",
    ] {
        let flat = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        let told = flat(told)
            .replace("20 %", "20.00 %")
            .replace("50 %", "50.00 %");
        assert!(flat(&text).contains(&told), "{told}: {text}");
    }
}

/// The same bytes from the same trace, whoever runs it; with another secret only where names would be.
#[test]
fn a_replay_is_the_same_every_time() {
    let bench = Bench::new(POLICY);
    let trace = bench.write("trace.jsonl", trace().as_bytes());
    for nodes in [&["--nodes", "1"], &["--nodes", "7"]] {
        let all = |name: &str, secret: Option<&str>| {
            let mut command = bench.command(&trace, &["--verdicts", name, "--format", "json"]);
            if let Some(secret) = secret {
                command.env("STILLGATE_SECRET", secret);
            }
            let output = command.args(nodes).output().expect("stillgate runs");
            assert_eq!(output.status.code(), Some(0));
            (output.stdout, fs::read(bench.path(name)).expect("verdicts"))
        };
        let first = all("one", None);
        assert_eq!(first, all("two", None));
        assert_eq!(first, all("three", Some("0123456789abcdef")));
    }
}

/// Counters are shared, so it does not matter how many nodes there are, nor how they bring together what they saw.
#[test]
fn nodes_share_their_counters() {
    let bench = Bench::new(POLICY);
    let trace = bench.write("trace.jsonl", trace().as_bytes());
    let alone = bench.told(&trace, &["--verdicts", "-"]);
    for arguments in [
        &["--nodes", "3", "--merge", "1s"][..],
        &["--nodes", "1024", "--merge", "off"],
        &["--merge", "off"],
        &["--merge", "1h"],
    ] {
        let told = bench.told(&trace, &[arguments, &["--verdicts", "-"]].concat());
        assert_eq!(told, alone, "{arguments:?}");
    }
    for wrong in [
        ["--nodes", "0"],
        ["--nodes", "1025"],
        ["--merge", "999ms"],
        ["--merge", "2h"],
        ["--merge", "on"],
    ] {
        assert_eq!(
            bench.run(&trace, &wrong).status.code(),
            Some(1),
            "{wrong:?}"
        );
    }
}

#[test]
fn a_trace_is_the_same_however_it_comes() {
    let bench = Bench::new(POLICY);
    let text = trace();
    let plain = bench.write("trace.jsonl", text.as_bytes());
    let expected = bench.told(&plain, &["--verdicts", "-"]);
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text.as_bytes()).expect("memory");
    let packed = encoder.finish().expect("memory");
    let gzip = bench.write("trace.jsonl.gz", &packed);
    assert_eq!(bench.told(&gzip, &["--verdicts", "-"]), expected);

    let mut command = bench.command(Path::new("-"), &["--verdicts", "-"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.stderr(Stdio::piped()).spawn().expect("it runs");
    let mut pipe = child.stdin.take().expect("a pipe");
    pipe.write_all(text.as_bytes()).expect("it is read");
    drop(pipe);
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(String::from_utf8_lossy(&output.stdout), expected);
    // Where verdicts take standard output, the report gives way.
    assert!(String::from_utf8_lossy(&output.stderr).starts_with("11 requests of 4 keys"));

    let cut = packed.split_at(packed.len().div_ceil(2)).0;
    let cut = bench.write("cut.jsonl.gz", cut);
    let output = bench.run(&cut, &[]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(
        said.contains("breaks off in the middle of its gzip data"),
        "{said}"
    );
}

#[test]
fn what_is_broken_is_told_and_left_out() {
    let bench = Bench::new(POLICY);
    let text = [
        line(5, "a", "sk-a", ""),
        String::from("{\"t\": 1}"),
        String::new(),
        line(3, "b", "sk-a", ""),
        String::from("nonsense"),
    ];
    let trace = bench.write("trace.jsonl", text.join("\r\n").as_bytes());
    let output = bench.run(&trace, &["--verdicts", "-"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert_eq!(output.stdout.split(|byte| *byte == b'\n').count(), 3);
    for told in [
        "warning: line 2 of ",
        "warning: line 4 of ",
        "earlier than the one before it",
        "warning: line 5 of ",
        "2 broken lines left out",
    ] {
        assert!(said.contains(told), "{told}: {said}");
    }
    let empty = bench.write("empty.jsonl", b"\n");
    for trace in [&empty, &bench.path("missing.jsonl")] {
        assert_eq!(bench.run(trace, &[]).status.code(), Some(1), "{trace:?}");
    }
}

#[test]
fn a_policy_with_faults_decides_nothing() {
    let bench = Bench::new(r#"{"version": 1, "campaigns": {"cap": 2}}"#);
    let trace = bench.write("trace.jsonl", trace().as_bytes());
    let output = bench.run(&trace, &["--verdicts", "verdicts.jsonl"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(said.contains("/campaigns/cap: found 2"), "{said}");
    assert!(output.stdout.is_empty() && !bench.path("verdicts.jsonl").exists());
}

#[test]
fn nothing_is_overwritten_that_is_read() {
    let bench = Bench::new(POLICY);
    let text = trace();
    let trace = bench.write("trace.jsonl", text.as_bytes());
    for file in ["trace.jsonl", "./trace.jsonl", "policy.json"] {
        let output = bench.run(&trace, &["--verdicts", file]);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains("--verdicts would overwrite"), "{said}");
    }
    assert_eq!(fs::read_to_string(&trace).expect("a file"), text);
    assert_eq!(bench.told(&trace, &["--verdicts", "v", "--out", "o"]), "");
    let same = bench.run(&trace, &["--verdicts", "new", "--out", "new"]);
    assert_eq!(same.status.code(), Some(1));
    assert!(fs::read_to_string(bench.path("o")).is_ok_and(|text| text.starts_with("11 requests")));
}

/// `stillgate replay … --verdicts - | head` is no failure, and does not read to the end.
#[test]
fn whoever_has_enough_may_leave() {
    let bench = Bench::new(POLICY);
    let lines: Vec<String> = (0..20_000)
        .map(|at| line(at, "some", "sk-a", BODY))
        .collect();
    let trace = bench.write("trace.jsonl", lines.join("\n").as_bytes());
    let mut command = bench.command(&trace, &["--verdicts", "-"]);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("it runs");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

/// A trace on the page comes to what the command makes of it, and so does the file of verdicts that the command writes.
#[test]
fn the_page_tells_what_the_command_tells() {
    let bench = Bench::new(POLICY);
    let trace = bench.write("trace.jsonl", trace().as_bytes());
    let lines = lines_of(&bench.told(
        &trace,
        &["--format", "json", "--verdicts", "verdicts.jsonl"],
    ));
    let command = &lines.first().expect("a line about the trace")["trace"];
    let mut recorded = Recorded::new(POLICY, &Options::default()).expect("a policy");
    recorded.feed(&fs::read(&trace).expect("the trace"));
    recorded.end();
    let mut told = Told::default();
    told.feed(&fs::read(bench.path("verdicts.jsonl")).expect("the verdicts"));
    told.end();
    for report in [recorded.report(true), told.report()] {
        let film = serde_json::to_value(report).expect("JSON");
        assert_eq!(film["requests"], command["requests"]);
        for verdict in ["allow", "tag", "throttle", "verify", "deny"] {
            let frames = film["verdicts"][verdict].as_array().expect("frames");
            let sum: u64 = frames.iter().filter_map(Value::as_u64).sum();
            assert_eq!(command["verdicts"][verdict], sum, "{verdict}: {film}");
        }
    }
    let film = serde_json::to_value(recorded.report(false)).expect("JSON");
    assert_eq!(film["keys"], command["keys"]);
    for line in lines.iter().filter(|line| line["kind"].is_string()) {
        let mut causes = film["causes"].as_array().expect("causes").iter();
        let same = |cause: &&Value| cause["rule"] == line["rule"] && cause["mode"] == line["mode"];
        let cause = causes.find(same).expect("the same cause");
        let count = match line["mode"].as_str() {
            Some("shadow") => &line["shadow"],
            _ => line,
        };
        assert_eq!(
            (&cause["requests"], &cause["keys"]),
            (&count["requests"], &count["keys"]),
            "{line}"
        );
    }
}
