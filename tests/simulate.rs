//! `stillgate simulate`: worlds small enough for a test, and whatever else may be handed over.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::{Value, json};
use stillgate::page::run::{Made, Options};
use tempfile::TempDir;

/// A folder for what a test writes, and the command in it.
struct Bench {
    folder: TempDir,
}

impl Bench {
    fn new() -> Self {
        Self {
            folder: TempDir::new().expect("a folder"),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        let folder = path.parent().expect("a folder");
        fs::create_dir_all(folder).expect("a folder");
        fs::write(&path, text).expect("written");
        path
    }

    fn command(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_stillgate"))
            .current_dir(&self.folder)
            .env_remove("STILLGATE_SECRET")
            .args(arguments)
            .output()
            .expect("the command runs")
    }

    /// What the command says that succeeds.
    fn said(&self, arguments: &[&str]) -> String {
        let output = self.command(arguments);
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {error}");
        assert_eq!(error, "");
        String::from_utf8(output.stdout).expect("UTF-8")
    }

    /// What it says that does not; nothing goes to standard output.
    fn fails(&self, arguments: &[&str], code: i32) -> String {
        let output = self.command(arguments);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}");
        assert_eq!(output.stdout, b"", "{arguments:?}");
        String::from_utf8(output.stderr).expect("UTF-8")
    }

    /// All runs of a simulation, as JSON.
    fn runs(&self, arguments: &[&str]) -> Vec<Value> {
        let all = [&["simulate"], arguments, &["--out", "out.json"]].concat();
        self.said(&all);
        read(&self.path("out.json"))
    }
}

fn read(file: &Path) -> Vec<Value> {
    let text = fs::read_to_string(file).expect("a report");
    let report: Value = serde_json::from_str(&text).expect("JSON");
    report["runs"].as_array().expect("runs").clone()
}

/// All but what it took.
fn without_cost(mut runs: Vec<Value>) -> Vec<Value> {
    for run in &mut runs {
        let cost = run.as_object_mut().and_then(|run| run.remove("cost"));
        assert!(cost.is_some());
    }
    runs
}

fn number(value: &Value) -> u64 {
    value.as_u64().expect("a number")
}

/// Two days of 200 honest keys and 5 of a campaign.
const SMALL: [&str; 4] = ["--scale", "5000", "--days", "2"];

/// Two days of 200 honest keys and 100 of a campaign.
const CROWDED: &str = r#"{"scale": 5000, "days": 2, "campaign": {"keys": 500000}}"#;

#[test]
fn scenarios_are_listed() {
    let listed = Bench::new().said(&["simulate", "--list"]);
    for name in ["none", "a0", "a1", "a2-1000", "a9", "quiet", "human"] {
        let line = listed
            .lines()
            .find(|line| line.split(' ').next() == Some(name));
        assert!(line.is_some_and(|line| line.len() > 20), "{name}");
    }
}

#[test]
fn all_is_told_as_json() {
    let bench = Bench::new();
    let runs = bench.runs(&[&["a0"], &SMALL[..]].concat());
    assert_eq!(runs.len(), 1);
    let run = &runs[0];
    assert_eq!(run["scenario"]["name"], "a0");
    assert_eq!(run["scenario"]["scale"], 5_000);
    assert_eq!(
        run["setting"],
        json!({"texts": "held-out", "text_files": null, "heavy_clients": 0, "policy": null, "nodes": 4, "merge_ms": 10_000})
    );
    let campaign = &run["campaign"];
    let sent = number(&campaign["interactions"]);
    // 5 keys of 25.6 a day.
    assert!((200..320).contains(&sent), "{sent}");
    assert_eq!(campaign["keys"], 5);
    let days = campaign["days"].as_array().expect("days");
    let sum = |name: &str| days.iter().map(|day| number(&day[name])).sum::<u64>();
    assert_eq!(days.len(), 2);
    assert_eq!(sum("interactions"), sent);
    assert_eq!(sum("let_through"), number(&campaign["let_through"]));
    assert_eq!(campaign["templates"]["count"], 1);
    let honest = &run["honest"];
    let populations = honest["populations"].as_array().expect("populations");
    assert!(populations.iter().any(|it| it["name"] == "clockwork"));
    for field in [
        "requests",
        "refused",
        "tagged",
        "keys",
        "keys_refused",
        "keys_tagged",
    ] {
        let sum = populations.iter().map(|it| number(&it[field])).sum::<u64>();
        assert_eq!(honest["all"][field], sum, "{field}");
    }
    let requests = number(&honest["all"]["requests"]);
    assert!((1_000..6_000).contains(&requests), "{requests}");
    let cost = &run["cost"];
    assert_eq!(cost["requests"], requests.saturating_add(sent));
    assert!(cost["seconds"].as_f64() > Some(0.0));
    assert_eq!(run["baselines"].as_array().map(Vec::len), Some(6));
    let cases = &run["cases"];
    assert_eq!(cases["honest_only"], 0);
    assert!(cases["all"].is_array());
}

#[test]
fn the_same_seed_gives_the_same_report() {
    let bench = Bench::new();
    let both = [&["a6", "a4-50", "--jobs", "2"], &SMALL[..]].concat();
    let one = without_cost(bench.runs(&both));
    let names: Vec<&Value> = one.iter().map(|run| &run["scenario"]["name"]).collect();
    assert_eq!(names, ["a6", "a4-50"]);
    let again = [&["a6", "a4-50", "--jobs", "1"], &SMALL[..]].concat();
    let again = without_cost(bench.runs(&again));
    assert_eq!(
        serde_json::to_string(&one).expect("JSON"),
        serde_json::to_string(&again).expect("JSON")
    );
    let other = [&["a6", "a4-50", "--seed", "2"], &SMALL[..]].concat();
    let other = without_cost(bench.runs(&other));
    assert_ne!(one[0]["honest"], other[0]["honest"]);
    // What simpler rules would have done is nobody's affair.
    let bare = [&["a6", "a4-50", "--no-baselines"], &SMALL[..]].concat();
    let mut bare = without_cost(bench.runs(&bare));
    for (run, bare) in one.iter().zip(&mut bare) {
        assert_eq!(bare["baselines"], json!([]));
        bare["baselines"] = run["baselines"].clone();
        assert_eq!(run, bare);
    }
}

#[test]
fn simpler_rules_do_what_they_say() {
    let bench = Bench::new();
    bench.write("crowded.json", CROWDED);
    let runs = bench.runs(&["crowded.json"]);
    assert_eq!(runs[0]["scenario"]["name"], "crowded");
    assert_eq!(runs[0]["campaign"]["keys"], 100);
    let rule = |name: &str| {
        let rules = runs[0]["baselines"].as_array().expect("baselines");
        let rule = rules.iter().find(|rule| rule["name"] == name).expect(name);
        rule["share_let_through"].as_f64().expect("a share")
    };
    // 25.6 requests a day are within any limit on a key, and no JA4 has a thousand keys here.
    for name in ["60/min", "100/day", "ja4"] {
        assert!(rule(name) > 0.999, "{name}: {}", rule(name));
    }
    // The template is known once 64 of the 100 keys have used it.
    let passed = rule("template");
    assert!((0.01..0.2).contains(&passed), "{passed}");
    for rule in runs[0]["baselines"].as_array().expect("baselines") {
        for share in [
            "share_let_through",
            "share_honest_refused",
            "share_honest_keys_refused",
        ] {
            let share = rule[share].as_f64().expect("a share");
            assert!((0.0..=1.0).contains(&share));
        }
    }
}

#[test]
fn without_a_campaign_there_is_none() {
    let bench = Bench::new();
    let runs = bench.runs(&[&["none"], &SMALL[..]].concat());
    assert_eq!(runs[0]["campaign"], Value::Null);
    assert!(number(&runs[0]["honest"]["all"]["requests"]) > 1_000);
}

#[test]
fn tables_are_for_people() {
    let bench = Bench::new();
    let said = bench.said(&[&["simulate", "a0", "none"], &SMALL[..]].concat());
    for part in [
        "level  let through  first conviction",
        "\na0 ",
        "\nnone ",
        "What simpler rules would have let through",
        " requests in ",
    ] {
        assert!(said.contains(part), "{part} is not in:\n{said}");
    }
}

#[test]
fn what_was_let_through_is_drawn() {
    let bench = Bench::new();
    bench.said(&[&["simulate", "a0", "a9", "--plot", "plot.svg"], &SMALL[..]].concat());
    let drawn = fs::read_to_string(bench.path("plot.svg")).expect("a plot");
    assert!(drawn.starts_with("<svg") && drawn.contains("a0 ") && drawn.contains("a9 "));
}

#[test]
fn texts_and_clients_come_from_files() {
    let bench = Bench::new();
    let texts = |kind: &str| -> String {
        let line =
            |n: u32| json!({"text": format!("{kind} {n}: how does one mend a net?")}).to_string();
        (0..200).map(|n| line(n) + "\n").collect()
    };
    bench.write("texts/prompts/mine.jsonl", &texts("a prompt"));
    bench.write("texts/questions.jsonl", &texts("a question"));
    bench.write(
        "texts/agents/system_prompts.jsonl",
        &texts("a system prompt"),
    );
    bench.write("texts/other.jsonl", "no JSON at all");
    bench.write(
        "data/chunk-1-trace.csv",
        "0,0.01,1,Gamma,1,1\n600,0,0,,0,0\n",
    );
    bench.write("data/chunk-2-trace.csv", "0,0,0,,0,0\n");
    bench.write("data/other.csv", "a,b\n");
    let from = ["--text-files", "texts", "--data", "data"];
    let set = |set| bench.runs(&[&["a0", "--texts", set], &from[..], &SMALL[..]].concat());
    let (one, other) = (set("development"), set("held-out"));
    let counts = |runs: &[Value]| -> Vec<u64> {
        let counts = runs[0]["setting"]["text_files"].as_array();
        counts.expect("counts").iter().map(number).collect()
    };
    // Each text goes with one of the two.
    for (one, other) in counts(&one).into_iter().zip(counts(&other)) {
        assert_eq!(one.saturating_add(other), 200);
        assert!(one.min(other) > 60, "{one} and {other}");
    }
    assert_eq!(one[0]["setting"]["heavy_clients"], 1);
    assert_eq!(one[0]["setting"]["texts"], "development");
}

#[test]
fn what_is_wrong_is_told_in_a_sentence() {
    let bench = Bench::new();
    bench.write("empty/readme", "");
    bench.write("rates/chunk-0-trace.csv", "0,1\n600,fast\n");
    bench.write("silent/chunk-0-trace.csv", "0,0\n600,0\n");
    bench.write("texts/prompts.jsonl", "{\"text\": \"a\"}\nno JSON\n");
    bench.write("fields.json", r#"{"scales": 1}"#);
    bench.write("cut.json", r#"{"scale": 1"#);
    bench.write("list.json", "[]");
    bench.write("values.json", r#"{"scale": 0, "campaign": {"share": 7}}"#);
    let table: &[(&[&str], &str)] = &[
        (&["b0"], "no scenario is called b0"),
        (&["none.json"], "cannot read the scenario none.json"),
        (&["fields.json"], "unknown field `scales`"),
        (&["cut.json"], "cut.json is no scenario"),
        (
            &["list.json"],
            "list.json is no scenario: it is no JSON object",
        ),
        (&["values.json"], "scale is 0; it must be 1 to 10000"),
        (&["values.json"], "campaign.share is 7"),
        (&["a0", "--days", "0"], "days is 0"),
        (&["a0", "--nodes", "0"], "0 is not in 1..=1000"),
        (
            &["a0", "--merge", "soon"],
            "expected a duration from 1s to 1h, or off",
        ),
        (
            &["a0", "--text-files", "nowhere"],
            "cannot read the folder nowhere",
        ),
        (
            &["a0", "--text-files", "empty"],
            "empty holds no .jsonl file",
        ),
        (
            &["a0", "--text-files", "texts"],
            "line 2 of texts/prompts.jsonl is no object with a text",
        ),
        (&["a0", "--data", "empty"], "empty holds no ServeGen client"),
        (
            &["a0", "--data", "silent"],
            "silent holds no ServeGen client",
        ),
        (
            &["a0", "--data", "rates"],
            "line 2 of rates/chunk-0-trace.csv has no rate",
        ),
        (
            &["a0", "--policy", "nowhere.json"],
            "cannot read the policy nowhere.json",
        ),
        (
            &["a0", "--out", "nowhere/out.json"],
            "cannot write nowhere/out.json",
        ),
        (
            &["a0", "--plot", "plot.png"],
            "plot.png does not end in .svg",
        ),
        (
            &["a0", "a1", "--trace", "t.jsonl"],
            "--trace takes one scenario at a time",
        ),
        (&["a0", "--list"], "cannot be used with"),
    ];
    for (arguments, expected) in table {
        let told = bench.fails(&[&["simulate"], *arguments].concat(), 1);
        assert!(told.starts_with("error: "), "{told}");
        assert!(told.contains(expected), "{expected} is not in:\n{told}");
    }
    bench.write("policy.json", r#"{"version": 2}"#);
    let told = bench.fails(&["simulate", "a0", "--policy", "policy.json"], 3);
    assert!(told.contains("the policy policy.json has faults"), "{told}");
}

#[test]
fn recorded_traffic_is_decided_about_in_the_same_way() {
    let bench = Bench::new();
    bench.write(
        "policy.json",
        r#"{"version": 1, "account": {"tier": {"header": "x-tier"}}, "campaigns": {"mode": "enforce"}, "quotas": [
            {"name": "day", "per": ["key"], "count": "requests", "window": "1d",
             "limit": {"by": "tier", "values": {"free": 5}, "else": 20}},
            {"name": "tokens", "per": ["network"], "count": "tokens", "limit": 60000, "window": "1d"}]}"#,
    );
    let ways = ["--policy", "policy.json", "--nodes", "3", "--merge", "20s"];
    let runs = |trace| bench.runs(&[&["a4-50", "--trace", trace], &ways[..], &SMALL[..]].concat());
    let (plain, zipped) = (runs("trace.jsonl"), runs("trace.jsonl.gz"));
    let requests = number(&plain[0]["cost"]["requests"]);
    let refused = number(&plain[0]["honest"]["all"]["refused"])
        .saturating_add(number(&plain[0]["campaign"]["other_refused"]))
        .saturating_add(number(&plain[0]["campaign"]["interactions"]))
        .saturating_sub(number(&plain[0]["campaign"]["let_through"]));
    assert!(refused > 50, "{refused}");
    assert_eq!(without_cost(plain), without_cost(zipped));
    let mut told = Vec::new();
    for trace in ["trace.jsonl", "trace.jsonl.gz"] {
        bench.said(
            &[
                &["replay", trace, "--verdicts", "verdicts.jsonl"],
                &ways[..],
            ]
            .concat(),
        );
        told.push(fs::read_to_string(bench.path("verdicts.jsonl")).expect("verdicts"));
    }
    assert_eq!(told[0], told[1]);
    let verdicts: Vec<Value> = told[0]
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    assert_eq!(verdicts.len() as u64, requests);
    assert_eq!(verdicts[0]["id"], "r1");
    let passes = |verdict: &&Value| verdict["verdict"] == "allow" || verdict["verdict"] == "tag";
    let passed = verdicts.iter().filter(passes).count() as u64;
    assert_eq!(passed, requests.saturating_sub(refused));
}

/// Whoever changes the judge sees here first whom it hurts and whom it lets go. Small worlds and few days: the bounds are wide,
/// and what is let through is mostly what came before the conviction.
#[test]
fn campaigns_are_stopped_and_nobody_else_is() {
    let bench = Bench::new();
    let out = bench.path("out.json");
    let out_name = out.to_str().expect("UTF-8");
    bench.said(&[
        "simulate",
        "none",
        "a0",
        "a2-10",
        "a2-slots",
        "a5",
        "quiet",
        "--texts",
        "development",
        "--days",
        "2",
        "--no-baselines",
        "--jobs",
        "2",
        "--out",
        out_name,
    ]);
    let text = fs::read(&out).expect("figures");
    let figures: Value = serde_json::from_slice(&text).expect("JSON");
    for (run, most) in figures["runs"].as_array().expect("runs").iter().zip([
        None,
        Some(0.06),
        Some(0.15),
        Some(0.7),
        Some(0.15),
        Some(0.2),
    ]) {
        let name = &run["scenario"]["name"];
        let honest = &run["honest"]["all"];
        assert_eq!(honest["refused"], 0, "{name}");
        assert_eq!(honest["tagged"], 0, "{name}");
        assert_eq!(run["cases"]["honest_only"], 0, "{name}");
        let through = run["campaign"]["share_let_through"].as_f64();
        assert_eq!(through.is_some(), most.is_some(), "{name}");
        assert!(through <= most, "{name}: {through:?}");
    }
}

/// The page's run and the command's are one: the same scenario comes to the same numbers.
#[test]
fn the_page_tells_what_the_command_tells() {
    let bench = Bench::new();
    let runs = bench.runs(&[
        "a4-50",
        "--scale",
        "250",
        "--days",
        "2",
        "--seed",
        "3",
        "--no-baselines",
    ]);
    let command = &runs[0];
    let scenario = command["scenario"].to_string();
    let mut run = Made::new(&scenario, None, &Options::default()).expect("a scenario");
    while run.step(10_000) {}
    let film = serde_json::to_value(run.report(false)).expect("JSON");
    let sum = |group: usize, what: &str| -> u64 {
        let frames = film["series"][group][what].as_array().expect("frames");
        frames.iter().map(|it| it.as_u64().expect("a number")).sum()
    };
    let last = |group: usize, what: &str| {
        &film["series"][group][what].as_array().expect("keys")
            [film["frames"].as_u64().expect("frames") as usize - 1]
    };
    let campaign = &command["campaign"];
    assert_eq!(campaign["interactions"], sum(0, "requests"));
    assert_eq!(
        campaign["let_through"],
        sum(0, "requests") - sum(0, "refused")
    );
    assert_eq!(campaign["tagged"], sum(0, "tagged"));
    assert_eq!(
        (&campaign["other_requests"], &campaign["other_refused"]),
        (&json!(sum(1, "requests")), &json!(sum(1, "refused")))
    );
    assert!(sum(0, "refused") > 0, "{campaign}");
    let populations = command["honest"]["populations"]
        .as_array()
        .expect("populations");
    for (place, population) in populations.iter().enumerate() {
        let group = place + 2;
        assert_eq!(film["groups"][group]["name"], population["name"]);
        assert_eq!(
            population["requests"],
            sum(group, "requests"),
            "{population}"
        );
        assert_eq!(population["refused"], sum(group, "refused"), "{population}");
        assert_eq!(&population["keys"], last(group, "keys"), "{population}");
    }
    let found = command["cases"]["all"].as_array().expect("cases");
    let standing = found
        .iter()
        .find(|case| case["standing"]["stage"] == "convicted")
        .expect("a campaign");
    let mut campaigns = film["campaigns"].as_array().expect("campaigns").iter();
    let shown = campaigns
        .find(|it| it["id"] == standing["id"])
        .expect("the same campaign");
    let now = shown["history"]
        .as_array()
        .expect("a history")
        .last()
        .expect("a moment");
    assert_eq!(now["stage"], "convicted");
    assert_eq!(shown["whose"][0], standing["interactions"]);
}
