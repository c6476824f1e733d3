//! `stillgate learn`: generated traces with answers that are known, and whatever else may be handed over.
#![expect(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use tempfile::TempDir;

/// When every trace begins.
const START: u64 = 1_776_816_000_000;
const MINUTE: u64 = 60_000;
const DAY: u64 = 86_400_000;

/// One request by its moment, its key and the third and second number of its address.
fn line(t: u64, key: &str, network: [u8; 2], more: &str) -> String {
    let [high, low] = network;
    format!(
        r#"{{"t": {t}, "source": "10.{high}.{low}.7", "method": "POST", "path": "/v1/chat/completions", "headers": [["authorization", "Bearer {key}"]]{more}}}"#
    )
}

/// Ten keys, of which the n-th asks n times within a minute.
fn stairs() -> String {
    let mut lines = Vec::new();
    for key in 1..=10 {
        for request in 0..key {
            let t = START + request * 1_000;
            lines.push((t, line(t, &format!("sk-{key}"), [0, 1], "")));
        }
    }
    in_order(lines)
}

fn in_order(mut lines: Vec<(u64, String)>) -> String {
    lines.sort();
    let lines: Vec<String> = lines.into_iter().map(|(_, line)| line).collect();
    lines.join("\n") + "\n"
}

const STAIRS: &str = r#"{"version": 1, "quotas": [
    {"name": "minute", "per": ["key"], "count": "requests", "limit": 5, "window": "1m"}]}"#;

/// What is learned of the stairs.
fn of_stairs() -> Value {
    json!({
        "rule": "minute", "kind": "quota", "counts": "requests", "per": ["key"], "window": MINUTE, "limit": 5,
        "requests": 55, "subjects": 10, "sampled": 1, "exact": true,
        "peaks": {"p50": 5, "p99": 10, "p99.9": 10, "p99.99": 10, "max": 10},
        "trials": [
            // Keys 6 to 10, with 1 to 5 requests too many.
            {"at": "in force", "limit": 5, "keys": 5, "subjects": 5, "requests": 15},
            {"at": "p99.9", "limit": 10, "keys": 0, "subjects": 0, "requests": 0},
            {"at": "p99.99", "limit": 10, "keys": 0, "subjects": 0, "requests": 0},
        ],
        "notes": [
            "fewer than 1,000 subjects, so p99.9 and p99.99 are their maximum",
            "the trace covers 9 s of a window of 1 m: a longer one may show more",
        ],
    })
}

/// A folder with a policy and what else a test puts there.
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

    fn command(&self, trace: &Path) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_stillgate"));
        command
            .arg("learn")
            .arg(trace)
            .arg("--policy")
            .arg(self.path("policy.json"))
            .env("STILLGATE_SECRET", "0123456789abcdef");
        command
    }

    /// What a program reads of a trace, and what is said beside it.
    fn json(&self, trace: &Path) -> (Vec<Value>, String) {
        let output = run(self.command(trace).args(["--format", "json"]));
        let said = String::from_utf8(output.stderr).expect("UTF-8");
        assert_eq!(output.status.code(), Some(0), "{said}");
        (lines_of(&output.stdout), said)
    }

    /// What is said of a trace that cannot be read, or of a policy.
    fn failure(&self, trace: &Path, code: i32) -> String {
        let output = run(&mut self.command(trace));
        let said = String::from_utf8(output.stderr).expect("UTF-8");
        assert_eq!(output.status.code(), Some(code), "{said}");
        assert_eq!(output.stdout, b"", "{said}");
        said
    }
}

fn run(command: &mut Command) -> Output {
    command.output().expect("stillgate runs")
}

fn lines_of(text: &[u8]) -> Vec<Value> {
    let text = core::str::from_utf8(text).expect("UTF-8");
    let lines = text.lines();
    lines
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect()
}

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text).expect("memory");
    encoder.finish().expect("memory")
}

#[test]
fn peaks_and_touched_are_exact() {
    let bench = Bench::new(STAIRS);
    let trace = bench.write("trace.jsonl", stairs().as_bytes());
    let (told, said) = bench.json(&trace);
    let expected = json!({"trace": {
        "requests": 55, "keys": 10, "missing_credential": 0, "ambiguous_credential": 0, "without_body": 0, "broken": 0,
        "first": START, "last": START + 9_000,
    }});
    assert_eq!(told, [expected, of_stairs()]);
    assert_eq!(said, "");
}

#[test]
fn a_trace_is_the_same_however_it_comes() {
    let bench = Bench::new(STAIRS);
    let text = stairs();
    // Two gzip members, one after the other, are one file.
    let (first, second) = text.split_at(text.find('\n').expect("a line") + 1);
    let packed = [gzip(first.as_bytes()), gzip(second.as_bytes())].concat();
    let (told, _) = bench.json(&bench.write("trace.jsonl.gz", &packed));
    assert_eq!(told.last(), Some(&of_stairs()));

    let plain = bench.write("trace.jsonl", text.as_bytes());
    for name in ["-", "/dev/stdin"] {
        let mut command = bench.command(Path::new(name));
        command.args(["--format", "json"]).stdin(Stdio::piped());
        let mut child = command.stdout(Stdio::piped()).spawn().expect("it runs");
        let mut pipe = child.stdin.take().expect("a pipe");
        pipe.write_all(&fs::read(&plain).expect("a file"))
            .expect("it is read");
        drop(pipe);
        let output = child.wait_with_output().expect("it ends");
        assert_eq!(output.status.code(), Some(0), "{name}");
        assert_eq!(
            lines_of(&output.stdout).last(),
            Some(&of_stairs()),
            "{name}"
        );
    }
}

#[test]
fn tokens_and_cost_are_what_was_used() {
    let bench = Bench::new(
        r#"{"version": 1, "prices": [{"model": "*", "input": 2, "output": 10}], "quotas": [
            {"name": "tokens", "per": ["key"], "count": "tokens", "limit": 1000, "window": "1d"},
            {"name": "cost", "per": [], "count": "cost", "limit": 1, "window": "1d"}]}"#,
    );
    let ask = |minute: u64, more: &str| {
        let body = r#", "body": {"model": "m", "max_tokens": 10, "messages": []}"#;
        line(
            START + minute * MINUTE,
            "sk-1",
            [0, 1],
            &format!("{body}{more}"),
        )
    };
    let trace = [
        ask(0, r#", "usage": {"input": 400, "output": 100}"#),
        // Fits: what it says that it may use at most is what is reserved. It used more.
        ask(1, r#", "usage": {"input": 100, "output": 500}"#),
        // Refused under 1,000; without that it would have been given back.
        ask(2, r#", "status": 500"#),
        ask(3, r#", "usage": {"input": 400, "output": 0}"#),
    ];
    let trace = bench.write("trace.jsonl", trace.join("\n").as_bytes());
    let (told, _) = bench.json(&trace);
    let numbers = |row: &Value| {
        let trials = row["trials"].as_array().expect("trials");
        let touched: Vec<Value> = trials
            .iter()
            .map(|trial| trial["requests"].clone())
            .collect();
        (row["peaks"]["max"].clone(), Value::from(touched))
    };
    assert_eq!(numbers(&told[1]), (json!(1_500), json!([2, 0, 0])));
    // 900 tokens at 2 and 600 at 10 for a million.
    assert_eq!(numbers(&told[2]), (json!(0.0078), json!([0, 0, 0])));
}

#[test]
fn distinct_values_are_counted_as_the_check_counts_them() {
    let bench = Bench::new(
        r#"{"version": 1, "verify_url": "https://example.com/verify", "checks": [
            {"name": "farm", "per": ["network"], "distinct": "key", "limit": 50, "window": "1d", "then": "verify"},
            {"name": "shared", "per": ["key"], "distinct": "network", "limit": 2, "window": "1d", "then": "tag",
             "except": [{"trait": "network", "in": ["10.9.0.0/16"]}]}]}"#,
    );
    let mut lines = Vec::new();
    for key in 0..60_u64 {
        // Twice: when all were seen, each is found.
        for round in 0..2 {
            let t = START + round * MINUTE + key;
            lines.push((t, line(t, &format!("sk-{key}"), [1, 1], "")));
        }
        // None of these is a key: the origin said so.
        let t = START + key;
        lines.push((
            t,
            line(t, &format!("no-{key}"), [1, 2], r#", "status": 401"#),
        ));
    }
    for network in 0..4 {
        let t = START + 2 * MINUTE + u64::from(network);
        lines.push((t, line(t, "sk-roams", [2, network], "")));
        lines.push((t, line(t, "sk-excused", [9, network], "")));
    }
    let trace = bench.write("trace.jsonl", in_order(lines).as_bytes());
    let (told, _) = bench.json(&trace);
    let [_, farm, shared] = told.as_slice() else {
        panic!("{told:?}")
    };
    assert_eq!(farm["counts"], "distinct key");
    assert_eq!(farm["peaks"]["max"], 60);
    // The 51st key was served, since nobody knew of it before; after it everybody is asked to verify.
    assert_eq!(farm["trials"][0]["keys"], 60);
    assert_eq!(farm["trials"][0]["requests"], 9 + 60);
    assert_eq!(
        farm["trials"][1],
        json!({"at": "p99.9", "limit": 60, "keys": 0, "subjects": 0, "requests": 0})
    );
    assert_eq!(shared["peaks"]["max"], 4);
    assert_eq!(
        shared["trials"][0],
        json!({"at": "in force", "limit": 2, "keys": 1, "subjects": 1, "requests": 1})
    );
}

#[test]
fn many_distinct_values_are_an_estimate_and_it_is_said() {
    let bench = Bench::new(
        r#"{"version": 1, "checks": [
            {"name": "farm", "per": ["network"], "distinct": "key", "limit": 50, "window": "1d", "then": "tag"}]}"#,
    );
    let lines: Vec<String> = (0..5_000)
        .map(|key| line(START + key, &format!("sk-{key}"), [1, 1], ""))
        .collect();
    let trace = bench.write("trace.jsonl", lines.join("\n").as_bytes());
    let (told, _) = bench.json(&trace);
    let most = told[1]["peaks"]["max"].as_u64().expect("a number");
    assert!((4_250..=5_750).contains(&most), "{most}");
    assert_eq!(told[1]["exact"], false);
    let notes = told[1]["notes"].to_string();
    assert!(
        notes.contains("estimates, within 10 % (two standard deviations)"),
        "{notes}"
    );
}

#[test]
fn broken_lines_are_told_and_left_out() {
    let bench = Bench::new(STAIRS);
    let early = line(START - DAY, "sk-1", [0, 1], "");
    let text = format!(
        "nonsense\n{}\n\n{{\"t\": 1}}\n{early}\n{}",
        stairs(),
        r#"{"t": 1776816000000, "method": "GE"#
    );
    let (told, said) = bench.json(&bench.write("trace.jsonl", text.as_bytes()));
    assert_eq!(told[0]["trace"]["broken"], 3);
    assert_eq!(told[0]["trace"]["requests"], 56);
    for expected in [
        "warning: line 1 of ",
        "is left out: not a JSON object",
        "warning: line 59 of ",
        "missing field `method`",
        "warning: line 60 of ",
        "is earlier than the one before it",
        "warning: line 61 of ",
        "EOF while parsing a string",
    ] {
        assert!(said.contains(expected), "{expected}: {said}");
    }
}

#[test]
fn what_cannot_be_read_is_a_failure() {
    let bench = Bench::new(STAIRS);
    let text = stairs();
    let packed = gzip(text.as_bytes());
    for (name, content, expected) in [
        ("empty.jsonl", &b""[..], "holds no request"),
        ("blank.jsonl", b"\n\n", "holds no request"),
        ("nonsense.jsonl", b"\xff\n{}\n", "holds no request"),
        (
            "cut.jsonl.gz",
            packed.get(..packed.len() - 20).expect("bytes"),
            "breaks off in the middle of its gzip data",
        ),
        ("plain.jsonl.gz", text.as_bytes(), "is no gzip data"),
    ] {
        let said = bench.failure(&bench.write(name, content), 1);
        assert!(
            said.contains(expected) && said.contains(name),
            "{name}: {said}"
        );
    }
    for name in ["missing.jsonl", "missing.jsonl.gz", "."] {
        let said = bench.failure(&bench.path(name), 1);
        assert!(said.contains("cannot read"), "{name}: {said}");
    }
}

#[test]
fn a_policy_with_faults_is_told_by_its_exit_code() {
    let trace = |bench: &Bench| bench.write("trace.jsonl", stairs().as_bytes());
    let bench = Bench::new(r#"{"version": 1, "quotas": [{"name": "q"}], "colour": 1}"#);
    let said = bench.failure(&trace(&bench), 3);
    assert!(
        said.contains("/colour") && said.contains("/quotas/0"),
        "{said}"
    );

    let bench = Bench::new("");
    assert!(bench.failure(&trace(&bench), 3).contains("found nothing"));

    fs::remove_file(bench.path("policy.json")).expect("it was there");
    let said = bench.failure(&trace(&bench), 1);
    assert!(said.contains("cannot read"), "{said}");

    let output = run(Command::new(env!("CARGO_BIN_EXE_stillgate")).args(["learn", "trace.jsonl"]));
    assert_eq!(output.status.code(), Some(1), "a policy is required");
}

#[test]
fn what_a_trace_says_nothing_about_is_said() {
    let bench = Bench::new(
        r#"{"version": 1, "quotas": [
            {"name": "flight", "per": ["key"], "count": "concurrent", "limit": 5},
            {"name": "other", "per": ["key"], "count": "requests", "limit": 5, "window": "1m", "match": {"path": "/v2/*"}}]}"#,
    );
    let nobody = r#"{"t": 1776816000000, "method": "GET", "path": "/v1/models"}"#;
    let text = stairs() + nobody + "\n";
    let trace = bench.write("trace.jsonl", text.as_bytes());
    let (told, _) = bench.json(&trace);
    assert_eq!(told[0]["trace"]["missing_credential"], 1);
    assert_eq!(told[1]["peaks"], Value::Null);
    assert_eq!(told[1]["trials"].as_array().map(Vec::len), Some(1));
    assert_eq!(
        told[1]["notes"],
        json!(["no request of the trace is its business"])
    );
    assert_eq!(told[2]["rule"], "flight");

    let output = run(&mut bench.command(&trace));
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    for expected in [
        "56 requests of 10 keys in 9 s\n",
        "1 request without a credential: no rule is asked\n",
        "* flight: requests in flight are not learned: a trace does not say when a request ended",
        "* other: no request of the trace is its business",
    ] {
        assert!(text.contains(expected), "{expected}: {text}");
    }
}

#[test]
fn a_report_goes_where_it_is_wanted() {
    let bench = Bench::new(STAIRS);
    let trace = bench.write("trace.jsonl", stairs().as_bytes());
    let out = bench.path("limits.jsonl");
    let output = run(bench
        .command(&trace)
        .args(["--format", "json", "--out"])
        .arg(&out));
    assert_eq!((output.status.code(), output.stdout.len()), (Some(0), 0));
    let told = lines_of(&fs::read(&out).expect("it is there"));
    assert_eq!(told.last(), Some(&of_stairs()));

    let output = run(bench
        .command(&trace)
        .arg("--out")
        .arg(bench.path("no/such")));
    assert_eq!(output.status.code(), Some(1));
}

/// The policy and the trace of the README's example: a day of 12,000 customers, of which 2,100 sit in 100 offices, and of a
/// farm of 150 keys behind one network.
fn example() -> (&'static str, String) {
    const POLICY: &str = r#"{
  "version": 1,
  "verify_url": "https://example.com/verify",
  "quotas": [
    {"name": "requests-per-minute", "per": ["key"], "count": "requests", "limit": 60, "window": "1m"},
    {"name": "tokens-per-day", "per": ["key"], "count": "tokens", "limit": 10000, "window": "1d"}
  ],
  "checks": [
    {"name": "key-farm", "per": ["network"], "distinct": "key", "limit": 10, "window": "1d", "then": "verify"}
  ]
}
"#;
    let place = |network: u64| {
        [network >> 8, network & 0xff]
            .map(|part| u8::try_from(part).expect("a number of an address"))
    };
    let mut lines = Vec::new();
    let mut ask = |t: u64, key: u64, network: u64| {
        let usage = format!(
            r#", "body": {{"model": "m", "max_tokens": 500}}, "usage": {{"input": {}, "output": {}}}"#,
            100 + key % 700,
            50 + key % 450
        );
        lines.push((t, line(t, &format!("sk-{key}"), place(network), &usage)));
    };
    for key in 0..12_000 {
        let network = if key < 9_900 {
            key
        } else {
            9_900 + (key - 9_900) / 21
        };
        for request in 0..1 + key % 5 {
            ask(
                START + (key * 7_919 + request * 17_000_003) % DAY,
                key,
                network,
            );
        }
        // One in a hundred sends bursts, one in a thousand large ones.
        let burst = match key {
            _ if key % 1_000 == 0 => 40,
            _ if key % 100 == 0 => 12,
            _ => 0,
        };
        for request in 0..burst {
            ask(START + key * 7_000 + request * 1_000, key, network);
        }
    }
    for key in 12_000..12_150 {
        for request in 0..25 {
            let t = START + (key - 12_000) * 10_007 + request * DAY / 25;
            ask(t, key, 10_000);
        }
    }
    (POLICY, in_order(lines))
}

#[test]
fn the_readme_shows_what_the_example_gives() {
    let (policy, trace) = example();
    let bench = Bench::new(policy);
    let trace = bench.write("trace.jsonl", trace.as_bytes());
    let output = run(&mut bench.command(&trace));
    assert_eq!(output.status.code(), Some(0));
    let told = String::from_utf8(output.stdout).expect("UTF-8");
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = fs::read_to_string(readme).expect("README.md");
    assert!(readme.contains(&told), "the README should show:\n{told}");
}

#[test]
#[ignore = "a million records, for figures: cargo test --release --test learn -- --ignored --nocapture"]
fn a_million_records_take_little_memory() {
    let bench = Bench::new(
        r#"{"version": 1, "quotas": [
            {"name": "requests", "per": ["key"], "count": "requests", "limit": 60, "window": "1m"},
            {"name": "tokens", "per": ["key"], "count": "tokens", "limit": 100000, "window": "1d"}],
         "checks": [
            {"name": "shared", "per": ["key"], "distinct": "network", "limit": 5, "window": "1d", "then": "tag"},
            {"name": "farm", "per": ["network"], "distinct": "key", "limit": 50, "window": "1d", "then": "tag"}]}"#,
    );
    for keys in [25_000, 1_000_000] {
        let path = bench.path("trace.jsonl");
        let mut file = std::io::BufWriter::new(File::create(&path).expect("a file"));
        for request in 0..1_000_000_u64 {
            let key = request.wrapping_mul(0x9e37_79b9_7f4a_7c15) % keys;
            let [.., high, low] = key.to_be_bytes();
            let body = r#", "body": {"model": "m", "messages": [{"role": "user", "content": "one two three"}], "max_tokens": 100}, "usage": {"input": 20, "output": 50}"#;
            let line = line(
                START + request * 80,
                &format!("sk-{key}"),
                [high, low],
                body,
            );
            writeln!(file, "{line}").expect("room");
        }
        file.flush().expect("room");
        drop(file);
        // More address space than this is refused by the system, and the command would fail.
        let mut command = Command::new("bash");
        command.args(["-c", "ulimit -v 1000000; time \"$0\" \"$@\""]);
        let learn = bench.command(&path);
        command.arg(learn.get_program()).args(learn.get_args());
        let output = run(&mut command);
        let said = String::from_utf8_lossy(&output.stderr);
        println!(
            "{keys} keys: {said}\n{}",
            String::from_utf8_lossy(&output.stdout)
        );
        assert_eq!(output.status.code(), Some(0), "{said}");
    }
}
