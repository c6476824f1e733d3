use serde_json::{Value, json};

use super::*;
use crate::identity::Secret;
use crate::replay::{self, Fleet};
use crate::trace::Record;

fn small(name: &str) -> String {
    let mut scenario = crate::simulate::Scenario::preset(name).unwrap();
    (scenario.scale, scenario.days) = (200, 1);
    serde_json::to_string(&scenario).unwrap()
}

fn value(report: &Report) -> Value {
    serde_json::to_value(report).unwrap()
}

fn total(film: &Value, group: usize, what: &str) -> u64 {
    let frames = film["series"][group][what].as_array().unwrap();
    frames.iter().map(|it| it.as_u64().unwrap()).sum()
}

#[test]
fn a_scenario_goes_on_as_far_as_it_is_told_to() {
    let mut run = Made::new(&small("a1"), None, &Options::default()).unwrap();
    assert_eq!(run.progress(), 0.0);
    assert!(run.step(1_000));
    let before = run.progress();
    assert!(0.0 < before && before < 1.0, "{before}");
    let film = value(&run.report(false));
    assert_eq!(
        (&film["source"], &film["requests"]),
        (&json!("scenario"), &json!(1_000))
    );
    assert_eq!(film["picture"], Value::Null);
    let reached = film["last"].as_u64().unwrap();
    assert!(film["start"].as_u64() < Some(reached) && Some(reached) < film["end"].as_u64());
    while run.step(10_000) {}
    assert!(!run.step(1));
    let film = value(&run.report(true));
    assert_eq!(film["last"], film["end"]);
    assert_eq!(
        film["groups"][0],
        json!({"name": "interactions", "kind": "campaign"})
    );
    assert_eq!(
        film["groups"][2],
        json!({"name": "ordinary", "kind": "honest"})
    );
    let groups = film["groups"].as_array().unwrap().len();
    let all: u64 = (0..groups)
        .map(|group| total(&film, group, "requests"))
        .sum();
    assert_eq!(json!(all), film["requests"]);
    // 125 keys of 25.6 a day.
    let interactions = total(&film, 0, "requests");
    assert!((2_900..3_500).contains(&interactions), "{interactions}");
    let refused = total(&film, 0, "refused");
    assert!(
        refused > interactions * 8 / 10,
        "{refused} of {interactions}"
    );
    assert_eq!(
        (2..groups)
            .map(|group| total(&film, group, "refused"))
            .sum::<u64>(),
        0
    );
    let campaign = &film["campaigns"][0];
    assert_eq!(campaign["refused"], json!(refused));
    let stages: Vec<&str> = campaign["history"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["stage"].as_str().unwrap())
        .collect();
    assert!(stages.contains(&"convicted"), "{stages:?}");
    assert_eq!(
        film["convict"],
        json!({"keys": 64, "requests": 500, "score": 10, "families": 3})
    );
    assert_eq!(film["causes"][0]["kind"], "campaign");
    let own = film["picture"]["rows"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|row| row["campaign"] == campaign["id"]);
    assert!(own.count() >= 1);
}

#[test]
fn in_shadow_it_is_told_what_would_have_been() {
    let policy = crate::page::policy::TEMPLATES
        .iter()
        .find(|it| it.name == "campaign-watch")
        .unwrap();
    let mut run = Made::new(&small("a0"), Some(policy.text), &Options::default()).unwrap();
    while run.step(10_000) {}
    let film = value(&run.report(false));
    assert_eq!(total(&film, 0, "refused"), 0);
    assert!(total(&film, 0, "would") > 1_000);
    let did = film["causes"].as_array().unwrap();
    assert!(did.iter().all(|it| it["mode"] == "shadow"), "{did:?}");
}

#[test]
fn what_cannot_be_simulated_is_said() {
    let options = Options::default();
    for (scenario, said) in [
        ("{\"days\": 99}", "days is 99; it must be 1 to 49"),
        ("{\"dais\": 1}", "unknown field `dais`"),
        ("", "this is no scenario"),
        ("[]", "no JSON object"),
    ] {
        let told = Made::new(scenario, None, &options).err().unwrap();
        assert!(
            told.starts_with("This scenario cannot be simulated: ") && told.contains(said),
            "{told}"
        );
        assert!(check_scenario(scenario)[0].contains(said));
    }
    assert_eq!(check_scenario("{}"), Vec::<String>::new());
    let told = Made::new("{}", Some("{}"), &options).err().unwrap();
    assert!(told.starts_with("The policy has a fault"), "{told}");
    assert_eq!(scenarios().len(), crate::simulate::Scenario::PRESETS.len());
}

#[test]
fn options_are_in_range() {
    assert_eq!(Options::read(" ").unwrap().nodes, 4);
    let read = Options::read(r#"{"nodes": 2, "merge": 5000, "texts": "development"}"#).unwrap();
    assert_eq!((read.nodes, read.merge), (2, 5_000));
    for (text, said) in [
        ("{\"nodes\": 0}", "1 to 1,000"),
        ("{\"merge\": 1}", "every second"),
        ("7", "are none"),
        ("{\"x\": 1}", "unknown field"),
    ] {
        let told = Options::read(text).err().unwrap();
        assert!(told.contains(said), "{told}");
    }
}

const POLICY: &str = r#"{"version": 1, "quotas": [{"name": "burst", "per": ["key"], "count": "requests", "limit": 2, "window": "1m"},
    {"name": "watch", "per": [], "count": "requests", "limit": 1, "window": "1m", "mode": "shadow"}]}"#;

fn line(t: u64, key: &str) -> String {
    format!(
        r#"{{"t": {t}, "method": "GET", "path": "/v1/models", "headers": [["authorization", "Bearer {key}"]]}}"#
    )
}

#[test]
fn a_trace_is_the_same_however_it_is_cut() {
    let text = format!(
        "{}\n{}\nnonsense\n{}\r\n\n{}",
        line(1_776_816_000_000, "a"),
        line(1_776_816_001_000, "a"),
        line(1_776_816_002_000, "a"),
        line(1_776_816_001_500, "b"),
    );
    let whole = {
        let mut run = Recorded::new(POLICY, &Options::default()).unwrap();
        run.feed(text.as_bytes());
        run.end();
        value(&run.report(true))
    };
    assert_eq!(
        (&whole["requests"], &whole["keys"], &whole["broken"]),
        (&json!(4), &json!(2), &json!(1))
    );
    assert_eq!(whole["told"], json!([[3, "not a JSON object"]]));
    assert_eq!(whole["backwards"], 6);
    assert_eq!(whole["last"], 1_776_816_002_000_u64);
    assert_eq!(whole["verdicts"]["throttle"], json!([0, 0, 1]));
    assert_eq!(whole["series"][1]["would"], json!([0, 2, 0]));
    assert_eq!(
        whole["causes"],
        json!([{"rule": "burst", "kind": "quota", "mode": "enforce", "requests": 1, "keys": 1},
               {"rule": "watch", "kind": "quota", "mode": "shadow", "requests": 2, "keys": 2}])
    );
    for cut in 0..=text.len() {
        let mut run = Recorded::new(POLICY, &Options::default()).unwrap();
        let (one, other) = text.as_bytes().split_at(cut);
        run.feed(one);
        run.feed(other);
        run.end();
        assert_eq!(value(&run.report(true)), whole, "{cut}");
    }
}

#[test]
fn verdicts_are_read_as_replay_writes_them() {
    let text = r#"{"id":"r1","t":1776816000000,"verdict":"allow","reasons":[],"shadow":[]}
{"id":"r2","t":1776816000500,"verdict":"throttle","reasons":[{"rule":"burst","kind":"quota","limit":2,"used":3}],"shadow":[]}
{"id":"r3","t":1776816001000,"verdict":"deny","reasons":[{"rule":"campaign","kind":"campaign","stage":"convicted"}],"campaign":"c-00000000000000ff","shadow":[]}
{"id":"r4","t":1776816002000,"verdict":"tag","reasons":[],"shadow":[{"rule":"farm","kind":"check","limit":5,"used":9,"verdict":"verify"}]}
{"id":"r5","t":1776816002000,"verdict":"perhaps"}
{"t":1776816003000,"verdict":"deny","reasons":[{"kind":"missing_credential"},{"kind":"invented"}],"campaign":"c-+00000000000000f"}
"#;
    let mut whole = None;
    for cut in 0..=text.len() {
        let mut run = Told::default();
        let (one, other) = text.as_bytes().split_at(cut);
        run.feed(one);
        run.feed(other);
        run.end();
        let film = value(&run.report());
        assert_eq!(*whole.get_or_insert(film.clone()), film, "{cut}");
    }
    let film = whole.unwrap();
    assert_eq!(
        (&film["requests"], &film["broken"], &film["keys"]),
        (&json!(5), &json!(1), &Value::Null)
    );
    assert_eq!(film["series"][0]["refused"], json!([0, 1, 0, 0]));
    assert_eq!(film["series"][1]["refused"], json!([1, 0, 0, 1]));
    assert_eq!(film["series"][1]["would"], json!([0, 0, 1, 0]));
    assert_eq!(film["series"][0]["keys"], Value::Null);
    assert_eq!(film["campaigns"][0]["id"], "c-00000000000000ff");
    assert_eq!(film["campaigns"][0]["whose"], json!([1, 0]));
    let causes = film["causes"].as_array().unwrap();
    assert_eq!(causes.len(), 4, "{causes:?}");
    assert!(causes.contains(
        &json!({"rule": "farm", "kind": "check", "mode": "shadow", "requests": 1, "keys": null})
    ));
    assert!(causes.contains(&json!({"rule": null, "kind": "missing_credential", "mode": "enforce", "requests": 1, "keys": null})));
}

#[test]
fn what_odd_verdicts_say_is_bounded() {
    let long = "x".repeat(100_000);
    let lines = [
        String::from(r#"{"t":18446744073709551615,"verdict":"deny"}"#),
        String::from(r#"[5,"deny"]"#),
        format!(r#"{{"t":1,"verdict":"{long}"}}"#),
        format!(r#"{{"t":1,"verdict":"deny","reasons":[{{"rule":"{long}","kind":"quota"}}]}}"#),
        String::from(r#"{"t":99999999999,"verdict":"deny"}"#),
    ];
    let mut run = Told::default();
    run.feed(lines.join("\n").as_bytes());
    run.end();
    let film = value(&run.report());
    assert_eq!((&film["requests"], &film["broken"]), (&json!(2), &json!(3)));
    let first = film["told"][0][1].as_str().unwrap();
    assert!(first.contains("after the year 9999"), "{first}");
    assert!(film["told"].to_string().len() < 1_000);
    assert_eq!(film["causes"][0]["rule"].as_str().unwrap().len(), 64);
    assert_eq!(film["leap"], json!([5, 99_999_999_998_u64]));
    assert_eq!(film["last"], 99_999_999_999_u64);
}

/// A check in shadow whose own quota has room would have refused nobody, in a trace as in the file of its verdicts.
#[test]
fn a_lane_with_room_refuses_nobody() {
    let policy = r#"{"version": 1, "checks": [{"name": "lane", "per": [], "distinct": "key", "limit": 1, "window": "1d", "mode": "shadow",
        "then": "throttle", "quota": {"name": "q", "per": [], "count": "requests", "limit": 2, "window": "1d"}}]}"#;
    let lines = (0..6_u64).map(|n| line(1_776_816_000_000 + n * 1_000, &format!("k{n}")));
    let lines: Vec<String> = lines.collect();
    let mut recorded = Recorded::new(policy, &Options::default()).unwrap();
    recorded.feed(lines.join("\n").as_bytes());
    recorded.end();
    let policy = Policy::parse(policy.as_bytes()).unwrap();
    let mut fleet = Fleet::new(policy, Secret::new(replay::SECRET), 1, None);
    let mut told = Told::default();
    for line in &lines {
        let record = Record::parse(line.as_bytes()).unwrap();
        let decision = fleet.recorded(&record);
        let verdict = replay::line("", record.t, &decision, fleet.engine().policy());
        told.feed(format!("{verdict}\n").as_bytes());
    }
    let (one, other) = (value(&recorded.report(false)), value(&told.report()));
    assert_eq!(total(&one, 1, "would"), 2);
    assert_eq!(one["series"][1]["would"], other["series"][1]["would"]);
}
