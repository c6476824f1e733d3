use serde_json::{Value, json};

use super::*;

const POLICY: &str = r#"{"version": 1, "record": "all",
    "account": {"tier": {"header": "x-tier"}, "plan": {"property": "cf.plan"}},
    "prices": [{"model": "*", "input": 1, "output": 2}],
    "quotas": [
        {"name": "burst", "per": ["key"], "count": "requests", "limit": 3, "window": "1m"},
        {"name": "tokens", "per": ["key", "model"], "count": "tokens", "limit": 10000, "window": "1d"},
        {"name": "spend", "per": [], "count": "cost", "limit": 0.5, "window": "1d"},
        {"name": "flight", "per": ["key"], "count": "concurrent", "limit": 2},
        {"name": "watch", "per": ["network"], "count": "requests", "limit": 2, "window": "1h", "mode": "shadow"}],
    "checks": [
        {"name": "farm", "per": ["network"], "distinct": "key", "limit": 2, "window": "1d", "then": "tag"}]}"#;

const NOW: Millis = 1_776_816_000_000;

fn desk(policy: &str) -> Desk {
    Desk::new(policy, NOW).unwrap()
}

fn chat() -> Value {
    json!({"method": "POST", "target": "/v1/chat/completions",
        "headers": [["Authorization", "Bearer sk-one"], ["content-type", "application/json"], ["accept-encoding", "gzip"],
            ["x-stillgate-verdict", "forged"]],
        "body": "{\"model\": \"m\", \"max_tokens\": 100, \"messages\": [{\"role\": \"user\", \"content\": \"hello\"}]}",
        "facts": {"source": "203.0.113.7"},
        "answer": {"status": 200, "input": 20, "output": 30}})
}

fn with(mut ask: Value, changes: &[(&str, Value)]) -> Value {
    for (name, value) in changes {
        ask[name] = value.clone();
    }
    ask
}

fn ask(desk: &mut Desk, ask: &Value) -> Value {
    let outcome = desk
        .ask(&ask.to_string())
        .unwrap_or_else(|why| panic!("{why}"));
    serde_json::to_value(outcome).unwrap()
}

fn quota<'v>(outcome: &'v Value, name: &str) -> &'v Value {
    let mut quotas = outcome["quotas"].as_array().unwrap().iter();
    quotas.find(|quota| quota["name"] == name).unwrap()
}

#[test]
fn what_came_of_requests_is_told_in_runs() {
    let mut desk = desk(POLICY);
    let outcome = ask(&mut desk, &with(chat(), &[("times", json!(5))]));
    let runs = outcome["runs"].as_array().unwrap();
    let told: Vec<(u64, u64, &str, u64)> = runs
        .iter()
        .map(|run| {
            let number = |name: &str| run[name].as_u64().unwrap();
            let verdict = run["verdict"].as_str().unwrap();
            (number("from"), number("to"), verdict, number("status"))
        })
        .collect();
    let expected = [
        (1, 2, "allow", 200),
        (3, 3, "allow", 200),
        (4, 5, "throttle", 429),
    ];
    assert_eq!(told, expected);
    assert_eq!(
        runs[1]["shadow"],
        json!({"verdict": "throttle", "reason": "quota", "rule": "watch"})
    );
    assert_eq!(runs[2]["rule"], "burst");
    let shown = outcome["shown"].as_array().unwrap();
    assert_eq!(
        shown
            .iter()
            .map(|it| it["n"].as_u64().unwrap())
            .collect::<Vec<_>>(),
        [1, 3, 4]
    );
    // Of one that passes what is added and taken away; of a refusal all that the client reads.
    let header = |shown: &Value, name: &str| {
        let headers = shown["reply"]["headers"].as_array().unwrap();
        let mut found = headers.iter().filter(|pair| pair[0] == name);
        found
            .next()
            .map(|pair| pair[1].as_str().unwrap().to_owned())
    };
    assert_eq!(
        header(&shown[0], "x-ratelimit-remaining-requests").unwrap(),
        "2"
    );
    assert_eq!(shown[0]["reply"]["body"], Value::Null);
    assert_eq!(
        shown[0]["request"]["remove"],
        json!(["x-stillgate-verdict", "accept-encoding"])
    );
    assert_eq!(shown[0]["record"]["usage"]["output"], 30);
    assert_eq!(header(&shown[2], "retry-after").unwrap(), "60");
    assert!(
        shown[2]["reply"]["body"]
            .as_str()
            .unwrap()
            .contains("rate_limit_exceeded")
    );
    assert_eq!(
        shown[2]["reasons"][0],
        json!({"rule": "burst", "kind": "quota", "limit": 3, "used": 4})
    );
    assert_eq!(shown[1]["shadow"][0]["rule"], "watch");
}

#[test]
fn every_quota_that_covers_a_request_is_told_as_it_stands() {
    let mut desk = desk(POLICY);
    let outcome = ask(&mut desk, &with(chat(), &[("times", json!(2))]));
    let told: Vec<(&str, f64, f64, f64)> = outcome["quotas"]
        .as_array()
        .unwrap()
        .iter()
        .map(|quota| {
            let number = |name: &str| quota[name].as_f64().unwrap();
            let name = quota["name"].as_str().unwrap();
            (name, number("limit"), number("used"), number("remaining"))
        })
        .collect();
    // What was used, not what was reserved; and nothing is in flight.
    assert_eq!(
        told,
        [
            ("burst", 3.0, 2.0, 1.0),
            ("tokens", 10_000.0, 100.0, 9_900.0),
            ("spend", 0.5, 0.000_16, 0.499_84),
            ("flight", 2.0, 0.0, 2.0),
            ("watch", 2.0, 2.0, 0.0)
        ]
    );
    let burst = quota(&outcome, "burst");
    assert_eq!(
        (&burst["per"], &burst["count"], &burst["window"]),
        (&json!(["key"]), &json!("requests"), &json!(60_000))
    );
    assert_eq!(quota(&outcome, "watch")["mode"], "shadow");
    assert_eq!(quota(&outcome, "flight")["window"], Value::Null);
    assert!(quota(&outcome, "tokens")["reset"].as_u64().unwrap() >= 86_400_000);
    assert_eq!(quota(&outcome, "flight")["reset"], Value::Null);
    // To look changes nothing.
    let again = desk.quotas(&Ask::read(&chat().to_string()).unwrap().one(1).unwrap());
    assert_eq!(serde_json::to_value(&again).unwrap(), outcome["quotas"]);
}

#[test]
fn time_passes_when_it_is_told_to() {
    let mut desk = desk(POLICY);
    let ten = with(chat(), &[("times", json!(4)), ("every", json!(21_000))]);
    let outcome = ask(&mut desk, &ten);
    assert!(
        outcome["runs"]
            .as_array()
            .unwrap()
            .iter()
            .all(|run| run["verdict"] == "allow")
    );
    assert_eq!(desk.now(), NOW + 63_000);
    let outcome = ask(&mut desk, &with(chat(), &[("times", json!(3))]));
    assert_eq!(
        outcome["runs"].as_array().unwrap().last().unwrap()["verdict"],
        "throttle"
    );
    desk.advance(63_000);
    assert_eq!(ask(&mut desk, &chat())["runs"][0]["verdict"], "allow");
}

#[test]
fn numbers_stand_for_keys_and_addresses() {
    let mut desk = desk(POLICY);
    let many = with(
        chat(),
        &[
            ("headers", json!([["x-api-key", "sk-#"]])),
            ("numbered", json!(true)),
            ("times", json!(4)),
        ],
    );
    let outcome = ask(&mut desk, &many);
    assert_eq!(
        outcome["runs"].as_array().unwrap().last().unwrap()["verdict"],
        "tag"
    );
    assert_eq!(
        outcome["checks"],
        json!([{"name": "farm", "then": "tag", "mode": "enforce", "count": 3, "exact": true, "limit": 2}])
    );
    let tagged = &outcome["shown"].as_array().unwrap().last().unwrap()["request"]["add"];
    assert_eq!(tagged[1], json!(["x-stillgate-checks", "farm"]));
    // 300 is no byte of an address.
    let spread = with(
        many,
        &[
            ("facts", json!({"source": "198.51.#.7"})),
            ("times", json!(300)),
        ],
    );
    assert!(
        ask(&mut desk, &spread)["runs"]
            .as_array()
            .unwrap()
            .iter()
            .all(|run| run["verdict"] == "allow")
    );
}

#[test]
fn what_is_wrong_with_a_request_is_said() {
    for (change, said) in [
        (("times", json!(0)), "0 requests"),
        (("times", json!(10_001)), "1 to 10,000"),
        (("every", json!(1e12 as u64)), "a year"),
        (("answer", json!({"status": 99})), "100 to 599"),
        (("target", json!("v1")), "slash"),
        (("method", json!("")), "method"),
        (
            ("facts", json!({"source": "somewhere"})),
            "somewhere is no address",
        ),
        (("colour", json!("red")), "unknown field `colour`"),
        (("headers", json!(7)), "no request"),
    ] {
        let told = desk(POLICY).ask(&with(chat(), &[change]).to_string());
        let told = told.unwrap_err();
        assert!(told.contains(said), "{told}");
    }
    assert!(desk(POLICY).ask("").is_err());
    let told = Desk::new("{}", NOW).err().unwrap();
    assert!(told.starts_with("The policy has a fault at /"), "{told}");
}

#[test]
fn odd_requests_are_answered_as_any() {
    let mut desk = desk(POLICY);
    for (change, status) in [
        (("headers", json!([])), 401),
        (
            (
                "headers",
                json!([["authorization", "Bearer a"], ["x-api-key", "b"]]),
            ),
            401,
        ),
        (
            (
                "headers",
                json!([["authorization", "Bearer \u{e9}\u{1f600}"]]),
            ),
            200,
        ),
        (("body", json!("{\"model\": ")), 200),
        (("body", Value::Null), 200),
        (("answer", json!({"status": 503})), 503),
        (
            (
                "facts",
                json!({"vouched": {"ja4": 7}, "properties": {"cf": {"plan": true}}}),
            ),
            200,
        ),
    ] {
        let outcome = ask(&mut desk, &with(chat(), core::slice::from_ref(&change)));
        desk.advance(86_400_000 * 2);
        assert_eq!(outcome["runs"][0]["status"], status, "{change:?}");
    }
}

#[test]
fn many_keys_with_one_template_become_a_campaign() {
    let mut desk = desk(
        r#"{"version": 1, "account": {"age_days": {"header": "x-age"}},
        "campaigns": {"mode": "enforce", "jitter": "0s", "convict": {"keys": 16, "requests": 64, "score": 4, "families": 2}}}"#,
    );
    // Digits are folded away, so what is filled in is letters.
    let word = |n: u64| -> String {
        let hash = crate::traits::mix(n).to_be_bytes();
        let letters = hash.map(|byte| char::from(b'a' + byte % 26));
        letters.iter().collect()
    };
    let mut outcome = Value::Null;
    for n in 0..4_000 {
        let text = format!(
            "You are to answer as a careful teacher would, step by step, with all of your reasoning: {} {} {}?",
            word(n),
            word(n + 10_000),
            word(n + 20_000)
        );
        let body = json!({"model": "m", "messages": [{"role": "user", "content": text}]});
        let one = with(
            chat(),
            &[
                (
                    "headers",
                    json!([
                        ["x-api-key", format!("sk-{}", crate::traits::mix(n) % 90)],
                        ["x-age", "2"]
                    ]),
                ),
                (
                    "facts",
                    json!({"source": format!("10.{}.{}.4", n % 250, n % 240)}),
                ),
                ("body", json!(body.to_string())),
            ],
        );
        outcome = ask(&mut desk, &one);
        // By chance, as no clockwork would.
        desk.advance(crate::traits::mix(n + 30_000) % 200_000);
    }
    let campaigns = outcome["campaigns"].as_array().unwrap();
    assert!(!campaigns.is_empty());
    assert!(campaigns[0]["id"].as_str().unwrap().starts_with("c-"));
    assert!(campaigns[0]["terms"]["spread"].as_f64().unwrap() > 0.0);
}
