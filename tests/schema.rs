//! The JSON Schema of a policy, the reader and the documents say the same.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that meets the unexpected should stop and say so"
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use stillgate::policy::{Policy, schema};

/// A policy that uses every field at least once.
fn every_field() -> Value {
    json!({
        "version": 1,
        "mode": "shadow",
        "identity": {
            "from": [{"header": "authorization", "scheme": "Bearer"}, {"query": "key"}],
            "missing": "by_network"
        },
        "account": {"tier": {"header": "x-tier"}, "org": {"property": ["metadata", "filter_metadata", "auth.v1", "org"]}},
        "traits": {
            "ja4": {"header": "x-ja4"}, "ja3": {"header": "x-ja3"}, "country": {"header": "cf-ipcountry"},
            "asn": {"property": "filter_state.asn"}, "network": {"ipv4": 20, "ipv6": 56}
        },
        "lists": {"partners": ["203.0.113.0/24", "2001:db8::/32"]},
        "verify_url": "https://example.org/verify",
        "checks": [
            {"name": "known", "trait": "network", "in": {"list": "partners"}, "then": "deny"},
            {"name": "impostor", "contradiction": ["agent", "ja4"], "then": "verify", "mode": "shadow"},
            {"name": "farm", "per": ["network", "shape"], "distinct": "key", "limit": 50, "window": "1d", "then": "throttle",
             "quota": {"name": "lane", "per": ["network"], "count": "requests", "limit": 10, "window": "1m"},
             "match": {"path": "/v1/*"}, "except": [{"trait": "org", "in": "acme"}], "absent": "match"}
        ],
        "quotas": [
            {"name": "a", "per": ["key"], "count": "requests", "window": "1m", "mode": "enforce",
             "limit": {"by": "tier", "values": {"free": 1}, "else": 2},
             "match": {"path": "/v1/*", "model": ["a", "b*"], "method": ["POST"]},
             "except": [{"trait": "agent", "in": ["curl/*"]}]},
            {"name": "b", "per": [], "count": "concurrent", "limit": 3, "lease": "30s"},
            {"name": "c", "per": ["key"], "count": "cost", "limit": 2.5, "window": "30d"}
        ],
        "campaigns": {
            "mode": "enforce", "match": {"path": "/v1/*", "model": "m*", "method": "POST"},
            "except": [{"trait": "org", "in": "acme"}], "window": "14d",
            "convict": {"keys": 100, "requests": 1000, "score": 12, "families": 4},
            "steps": [{"at": "suspect", "then": "tag"},
                      {"at": "convicted", "budget": {"requests": 100, "window": "1d"}, "over": "verify"}],
            "facts": {"age": "tier", "org": "org", "verified": "tier", "contract": "tier"},
            "excuse": [{"text": "You are a poet."}, {"template": "0123456789ABCDEF"}],
            "acquit": ["c-0123456789abcdef"],
            "jitter": "1m", "cap": 0.25
        },
        "tokens": {"output": 512, "media": 800, "ask_for_usage": true},
        "prices": [{"model": ["gpt-*"], "input": 2.5, "cached": 0.25, "output": 10, "reasoning": 12},
                   {"model": "*", "input": 1, "output": 2}],
        "dialects": [{"path": "/llm/*", "dialect": "anthropic"}],
        "limits": {"memory": "1MiB", "body": "64KiB"},
        "headers": "refusals",
        "record": "all",
        "on_error": "allow",
        "on_unreadable": "deny"
    })
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn faults(policy: &Value) -> Vec<String> {
    let parsed = Policy::parse(policy.to_string().as_bytes());
    parsed.map_or_else(
        |faults| faults.iter().map(ToString::to_string).collect(),
        |_| Vec::new(),
    )
}

/// The schemas that may hold for a value: itself, what it refers to, and what it is one of.
fn alternatives<'a>(root: &'a Value, schema: &'a Value) -> Vec<&'a Value> {
    let mut found = vec![schema];
    if let Some(place) = schema["$ref"].as_str() {
        let target = root
            .pointer(place.trim_start_matches('#'))
            .expect("a definition");
        found.extend(alternatives(root, target));
    }
    for one in schema["anyOf"].as_array().into_iter().flatten() {
        found.extend(alternatives(root, one));
    }
    found
}

/// What the schema says of the value at a path of an example.
fn at<'a>(root: &'a Value, pointer: &str) -> Vec<&'a Value> {
    let parts = pointer.split('/').skip(1);
    parts.fold(alternatives(root, root), |schemas, part| {
        let below = schemas.into_iter().flat_map(|schema| {
            let kinds = [
                &schema["properties"][part],
                &schema["items"],
                &schema["additionalProperties"],
            ];
            kinds.into_iter().find(|kind| kind.is_object())
        });
        below
            .flat_map(|schema| alternatives(root, schema))
            .collect()
    })
}

/// The names that the reader takes at a path, as it lists them when it meets another.
fn known_to_the_reader(pointer: &str) -> BTreeSet<String> {
    let mut policy = every_field();
    let object = policy
        .pointer_mut(pointer)
        .and_then(Value::as_object_mut)
        .expect("an object");
    object.insert(String::from("zzzzzzzz"), json!(1));
    let parsed = Policy::parse(policy.to_string().as_bytes()).expect_err("an unknown field");
    let fault = parsed
        .iter()
        .find(|fault| fault.path == format!("{pointer}/zzzzzzzz"))
        .expect("a fault at the field");
    let names = fault
        .expected
        .split("nown here: ")
        .nth(1)
        .expect("a list of names");
    names.split(", ").map(str::to_owned).collect()
}

#[test]
fn the_committed_schema_is_the_types() {
    let committed = fs::read_to_string(root().join("envoy/policy.schema.json")).unwrap_or_default();
    assert!(
        committed == schema::schema(),
        "run: cargo run -- schema > envoy/policy.schema.json"
    );
}

#[test]
fn the_command_prints_the_schema() {
    let output = Command::new(env!("CARGO_BIN_EXE_stillgate"))
        .arg("schema")
        .output()
        .expect("the command");
    assert!(output.status.success() && output.stderr.is_empty());
    assert_eq!(String::from_utf8_lossy(&output.stdout), schema::schema());
}

#[test]
fn the_reader_takes_a_policy_with_every_field() {
    assert_eq!(faults(&every_field()), Vec::<String>::new());
}

/// Every object of the format: the same names in the schema, for the reader, and in the example with every field.
#[test]
fn schema_and_reader_know_the_same_fields() {
    let schema: Value = serde_json::from_str(&schema::schema()).expect("JSON");
    let mut met = BTreeSet::new();
    for objects in [
        &[""][..],
        &["/identity"],
        &["/identity/from/0", "/identity/from/1"],
        &["/account/tier", "/account/org"],
        &["/traits"],
        &["/traits/ja4", "/traits/asn"],
        &["/traits/network"],
        &["/checks/0", "/checks/1", "/checks/2"],
        &["/checks/0/in"],
        &["/checks/2/quota", "/quotas/0", "/quotas/1"],
        &["/checks/2/except/0"],
        &["/quotas/0", "/quotas/1"],
        &["/quotas/0/limit"],
        &["/quotas/0/match"],
        &["/campaigns"],
        &["/campaigns/match"],
        &["/campaigns/except/0"],
        &["/campaigns/convict"],
        &["/campaigns/steps/0", "/campaigns/steps/1"],
        &["/campaigns/steps/1/budget"],
        &["/campaigns/facts"],
        &["/campaigns/excuse/0", "/campaigns/excuse/1"],
        &["/tokens"],
        &["/prices/0"],
        &["/dialects/0"],
        &["/limits"],
    ] {
        // Only `embed` takes a file, before the reader sees it.
        let mut used: BTreeSet<String> = known_to_the_reader(objects[0])
            .into_iter()
            .filter(|name| name == "file")
            .collect();
        let example = every_field();
        for pointer in objects {
            let schemas = at(&schema, pointer)
                .into_iter()
                .filter(|schema| schema["properties"].is_object());
            let properties = schemas.flat_map(|schema| {
                assert_eq!(schema["additionalProperties"], false, "{pointer}");
                schema["properties"]
                    .as_object()
                    .expect("an object")
                    .keys()
                    .cloned()
            });
            let properties: BTreeSet<String> = properties.collect();
            assert_eq!(properties, known_to_the_reader(pointer), "{pointer}");
            let object = example
                .pointer(pointer)
                .and_then(Value::as_object)
                .expect("an object");
            used.extend(object.keys().cloned());
            met.extend(properties);
        }
        assert_eq!(
            used,
            known_to_the_reader(objects[0]),
            "every_field() leaves something out at {objects:?}"
        );
    }
    assert_eq!(
        met,
        properties(&schema),
        "the schema has objects that this test does not look at"
    );
}

/// All names of properties, wherever in the schema.
fn properties(schema: &Value) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    match schema {
        Value::Object(fields) => {
            let own = fields.get("properties").and_then(Value::as_object);
            found.extend(own.into_iter().flat_map(|own| own.keys().cloned()));
            fields
                .values()
                .for_each(|field| found.extend(properties(field)));
        }
        Value::Array(items) => items.iter().for_each(|item| found.extend(properties(item))),
        _ => {}
    }
    found
}

/// What the reader refuses by its kind, the schema refuses too: it never offers `null`, and no limit of 0.
#[test]
fn the_schema_allows_no_null_and_no_limit_of_zero() {
    let schema: Value = serde_json::from_str(&schema::schema()).expect("JSON");
    assert!(
        !schema.to_string().contains("null"),
        "null is in the schema"
    );
    for pointer in [
        "/quotas/0/limit",
        "/quotas/0/limit/else",
        "/quotas/0/limit/values/free",
    ] {
        let numbers: Vec<_> = at(&schema, pointer)
            .into_iter()
            .filter(|schema| schema["type"] == "number")
            .collect();
        assert_eq!(numbers.len(), 1, "{pointer}");
        assert_eq!(
            (&numbers[0]["exclusiveMinimum"], &numbers[0]["maximum"]),
            (&json!(0), &json!(1e15)),
            "{pointer}"
        );
        let mut policy = every_field();
        for refused in [json!(null), json!(0), json!(u64::from(u32::MAX) + 1)] {
            *policy.pointer_mut(pointer).expect("a limit") = refused;
            assert_ne!(faults(&policy), Vec::<String>::new(), "{pointer}");
        }
    }
}

/// Documents in which policies stand.
fn documents() -> Vec<(PathBuf, String)> {
    let folder = fs::read_dir(root().join("envoy")).expect("the folder envoy");
    let beside = folder.map(|entry| entry.expect("an entry").path());
    let mut paths: Vec<PathBuf> = beside.chain([root().join("README.md")]).collect();
    paths.retain(|path| {
        path.extension().is_some_and(|extension| extension == "md") && path.exists()
    });
    let read = |path: PathBuf| {
        let text = fs::read_to_string(&path).expect("UTF-8");
        (path, text)
    };
    paths.into_iter().map(read).collect()
}

/// Whatever looks like a policy in a tree.
fn policies(value: &Value) -> Vec<&Value> {
    let below: Vec<&Value> = match value {
        Value::Object(fields) => fields.values().collect(),
        Value::Array(items) => items.iter().collect(),
        _ => Vec::new(),
    };
    let mut found: Vec<&Value> = below.into_iter().flat_map(policies).collect();
    if value.get("version").is_some() && value.get("quotas").is_some() {
        found.push(value);
    }
    found
}

#[test]
fn every_policy_in_a_document_is_right() {
    let mut count = 0;
    for (path, text) in documents() {
        // Between two fences is code, and its first line is its language.
        for block in text.split("```").skip(1).step_by(2) {
            let (language, code) = block.split_once('\n').unwrap_or_default();
            let value: Value = match language.trim() {
                "json" => serde_json::from_str(code)
                    .unwrap_or_else(|error| panic!("{}: {error}\n{code}", path.display())),
                "yaml" => serde_saphyr::from_str(code)
                    .unwrap_or_else(|error| panic!("{}: {error}\n{code}", path.display())),
                _ => continue,
            };
            for policy in policies(&value) {
                assert_eq!(
                    faults(policy),
                    Vec::<String>::new(),
                    "{}: {policy}",
                    path.display()
                );
                count += 1;
            }
        }
    }
    assert!(count > 1, "{count} policies found");
    let shipped = fs::read(root().join("envoy/policy.json")).expect("envoy/policy.json");
    assert!(Policy::parse(&shipped).is_ok());
}

#[test]
fn the_readme_names_every_field() {
    let readme = fs::read_to_string(root().join("README.md")).expect("README.md at the top");
    let schema: Value = serde_json::from_str(&schema::schema()).expect("JSON");
    let named = |name: &String| {
        // By itself, or as the last part of its path, such as `limits.memory`.
        [
            format!("`{name}`"),
            format!(".{name}`"),
            format!("\"{name}\""),
        ]
        .iter()
        .any(|written| readme.contains(written))
    };
    let missing: Vec<String> = properties(&schema)
        .into_iter()
        .filter(|name| !named(name))
        .collect();
    assert_eq!(
        missing,
        Vec::<String>::new(),
        "the README says nothing of these fields"
    );
}
