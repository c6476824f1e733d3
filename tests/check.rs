//! `stillgate check`: every kind of fault and warning, for people and for programs, with the exit code.
#![expect(clippy::expect_used, reason = "a test fails by panicking")]

use std::io::Write as _;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};
use stillgate::metrics::Metric;
use stillgate::page;
use stillgate::page::deploy::{Target, deploy};
use stillgate::policy::Policy;

const POLICY: &str = r#"{"version": 1, "quotas": [{"name": "q", "per": ["key"], "count": "requests", "limit": 1, "window": "1m"}]}"#;
const NEEDS_BODY: &str = r#"{"version": 1, "quotas": [
    {"name": "q", "per": ["key"], "count": "requests", "limit": 1, "window": "1m", "match": {"model": "big"}}]}"#;

#[test]
fn what_is_shipped_has_no_fault_and_no_warning() {
    for file in ["envoy/envoy.yaml", "envoy/policy.json"] {
        let report = check_file(file);
        assert!(report["ok"].as_bool().expect("ok"), "{file}: {report}");
        for policy in report["policies"].as_array().expect("policies") {
            assert_eq!(policy["warnings"], json!([]), "{file}");
        }
    }
    assert_eq!(
        check_file("envoy/envoy.yaml")["policies"]
            .as_array()
            .map(Vec::len),
        Some(2),
        "one a listener"
    );
}

#[test]
fn what_is_shipped_is_fit_for_rules_on_paths_and_bodies() {
    let mut config: Value =
        serde_saphyr::from_str(include_str!("../envoy/envoy.yaml")).expect("YAML");
    replace(&mut config, "value", &json!(NEEDS_BODY));
    let (status, report) = check("json", &config.to_string());
    assert_eq!(status, 0, "{report}");
    for policy in report["policies"].as_array().expect("policies") {
        assert_eq!(policy["warnings"], json!([]));
    }
}

#[test]
fn the_shipped_envoy_configuration_holds_the_shipped_policy() {
    let config: Value = serde_saphyr::from_str(include_str!("../envoy/envoy.yaml")).expect("YAML");
    let policy: Value = serde_json::from_str(include_str!("../envoy/policy.json")).expect("JSON");
    let mut held = Vec::new();
    visit(&config, &mut |value| {
        if let Some(any) = value.get("configuration") {
            held.push(
                serde_json::from_str::<Value>(any["value"].as_str().expect("a StringValue"))
                    .expect("JSON"),
            );
        }
    });
    assert_eq!(held, [policy.clone(), policy]);
}

#[test]
fn a_policy_by_itself_is_checked() {
    let (status, report) = check("json", POLICY);
    assert_eq!(
        (status, report),
        (
            0,
            json!({"ok": true, "policies": [{"at": "", "faults": [], "warnings": []}]})
        )
    );

    let (status, report) = check("json", r#"{"version": 1, "quotaz": []}"#);
    assert_eq!(status, 3);
    assert_eq!(report["ok"], false);
    assert_eq!(report["policies"][0]["faults"][0]["path"], "/quotaz");
}

/// What is enforced against campaigns should know what speaks against them.
#[test]
fn campaigns_that_cannot_know_enough_are_warned_of() {
    let about = |account: &str, mode: &str| {
        let policy = format!(
            r#"{{"version": 1, "verify_url": "https://example.org", "account": {account}, "campaigns": {{"mode": "{mode}"}}}}"#
        );
        let (status, report) = check("json", &policy);
        assert_eq!(status, 0, "{report}");
        let warnings = report["policies"][0]["warnings"].clone();
        let warnings = warnings.as_array().into_iter().flatten();
        let paths = warnings.map(|warning| warning["path"].as_str().map(str::to_owned));
        paths.collect::<Option<Vec<_>>>().expect("paths")
    };
    let facts = r#"{"age_days": {"header": "x-age"}, "verified": {"header": "x-verified"}}"#;
    assert_eq!(
        about("{}", "enforce"),
        ["/campaigns/facts", "/campaigns/steps"]
    );
    assert_eq!(about("{}", "shadow"), Vec::<String>::new());
    assert_eq!(about(facts, "enforce"), Vec::<String>::new());
}

#[test]
fn broken_files_are_told_with_line_and_column() {
    for (text, place) in [
        ("{\"version\": 1,\n \"quotas\": [,]}", "line 2 column 13"),
        ("a: [1\nb: 2", "line 2, column 2"),
    ] {
        let (status, report) = check("json", text);
        let found = report["policies"][0]["faults"][0]["found"]
            .as_str()
            .expect("found")
            .to_owned();
        assert_eq!(status, 3, "{text}");
        assert!(found.contains(place), "{found}");
    }
}

#[test]
fn a_file_without_a_policy_is_a_fault() {
    for text in [
        "static_resources: {clusters: []}",
        "",
        "just a string",
        "kind: Service\napiVersion: v1\nspec: {ports: []}",
    ] {
        let (status, report) = check("json", text);
        assert_eq!(status, 3, "{text}");
        assert_eq!(
            report["policies"][0]["faults"][0]["found"], "no policy was found",
            "{text}"
        );
    }
}

#[test]
fn a_file_that_cannot_be_read_is_a_failure() {
    let output = command()
        .arg("no/such/file.json")
        .output()
        .expect("stillgate runs");
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("no/such/file.json"));
}

/// A change to the good plugin, and the fault or warning that it comes to.
#[test]
fn settings_that_break_or_endanger_the_filter_are_told() {
    type Change = fn(&mut Value);
    let rows: [(&str, &str, &str, Change); 17] = [
        ("faults", "/configuration", "missing", |plugin| {
            drop(members(plugin).remove("configuration"))
        }),
        ("faults", "/configuration", "no @type", |plugin| {
            plugin["configuration"] = json!({"version": 1})
        }),
        ("faults", "/configuration", "binary protobuf", |plugin| {
            plugin["configuration"] = json!({"@type": "type.googleapis.com/google.protobuf.Struct", "value": {"version": 1}});
        }),
        ("faults", "/configuration/value", "no string", |plugin| {
            plugin["configuration"]["value"] = json!({"version": 1})
        }),
        ("warnings", "/configuration", "not looked into", |plugin| {
            plugin["configuration"] =
                json!({"@type": "type.googleapis.com/google.protobuf.BytesValue", "value": "e30="});
        }),
        (
            "faults",
            "/allow_on_headers_stop_iteration",
            "would hang",
            |plugin| {
                plugin["configuration"]["value"] = json!(NEEDS_BODY);
                drop(members(plugin).remove("allow_on_headers_stop_iteration"));
            },
        ),
        ("faults", "/fail_open", "Envoy refuses", |plugin| {
            plugin["fail_open"] = json!(true)
        }),
        ("warnings", "/fail_open", "every request passes", |plugin| {
            drop(members(plugin).remove("failure_policy"));
            plugin["fail_open"] = json!(true);
        }),
        ("warnings", "/failure_policy", "answers 503", |plugin| {
            drop(members(plugin).remove("failure_policy"))
        }),
        (
            "warnings",
            "/failure_policy",
            "every request passes",
            |plugin| plugin["failure_policy"] = json!("FAIL_OPEN"),
        ),
        ("warnings", "/vm_config/vm_id", "empty", |plugin| {
            plugin["vm_config"]["vm_id"] = json!("")
        }),
        (
            "warnings",
            "/vm_config/environment_variables",
            "no STILLGATE_SECRET",
            |plugin| {
                plugin["vm_config"]["environment_variables"] = json!({"host_env_keys": ["HOME"]});
            },
        ),
        (
            "warnings",
            "/vm_config/environment_variables/key_values/STILLGATE_SECRET",
            "stands in the configuration",
            |plugin| {
                plugin["vm_config"]["environment_variables"] =
                    json!({"key_values": {"STILLGATE_SECRET": "x"}});
            },
        ),
        (
            "warnings",
            "/configuration/value",
            "leaves empty",
            |plugin| {
                plugin["configuration"]["value"] =
                    json!(r#"{"version": 1, "account": {"route": {"property": "route_name"}}}"#);
            },
        ),
        (
            "warnings",
            "/configuration/value",
            "leaves empty",
            |plugin| {
                plugin["configuration"]["value"] =
                    json!(r#"{"version": 1, "account": {"node": {"property": ["node", "id"]}}}"#);
            },
        ),
        (
            "warnings",
            "/configuration/value",
            "leaves empty",
            |plugin| {
                plugin["configuration"]["value"] = json!(
                    r#"{"version": 1, "traits": {"asn": {"property": "node.metadata.asn"}}}"#
                );
            },
        ),
        ("faults", "/configuration/value", "not JSON", |plugin| {
            plugin["configuration"]["value"] = json!("{")
        }),
    ];
    for (kind, at, words, change) in rows {
        let mut plugin = plugin();
        change(&mut plugin);
        let (status, report) = check(
            "json",
            &json!({"http_filters": [{"typed_config": {"config": plugin}}]}).to_string(),
        );
        let policy = &report["policies"][0];
        assert_eq!(
            policy["at"], "/http_filters/0/typed_config/config",
            "{report}"
        );
        let found = policy[kind].as_array().expect(kind).iter().find(|finding| {
            finding["at"] == format!("/http_filters/0/typed_config/config{at}")
                && finding["found"]
                    .as_str()
                    .is_some_and(|found| found.contains(words))
        });
        assert!(found.is_some(), "{kind} {at} {words}: {report}");
        let faultless = policy["faults"] == json!([]);
        assert_eq!(status, if faultless { 0 } else { 3 }, "{at}");
        assert_eq!(faultless, kind == "warnings", "{at}: {report}");
    }
}

#[test]
fn settings_are_found_in_either_spelling() {
    let camel = json!({"typedConfig": {"config": {
        "name": "stillgate",
        "failurePolicy": "FAIL_RELOAD",
        "vmConfig": {"environmentVariables": {"hostEnvKeys": ["STILLGATE_SECRET"]}},
        "configuration": {"@type": "type.googleapis.com/google.protobuf.StringValue", "value": NEEDS_BODY},
    }}});
    let (_, report) = check("json", &camel.to_string());
    let policy = &report["policies"][0];
    assert_eq!(
        policy["faults"][0]["at"], "/typedConfig/config/allowOnHeadersStopIteration",
        "{report}"
    );
    assert_eq!(
        policy["warnings"][0]["at"], "/typedConfig/config/vmConfig/vmId",
        "{report}"
    );
    assert_eq!(
        policy["warnings"].as_array().map(Vec::len),
        Some(1),
        "{report}"
    );
}

/// A rule that looks at a TLS fingerprint, in a listener that ends TLS and in one that does not.
#[test]
fn a_fingerprint_that_nobody_tells_the_filter_is_told() {
    const SEEN: &str = r#"{"object_key": "fp.ja4"}"#;
    let rule = |traits: &str| {
        format!(
            r#"{{"version": 1, {traits} "checks": [{{"name": "c", "trait": "ja4", "in": "t13d*", "then": "tag"}}]}}"#
        )
    };
    let elsewhere = r#""traits": {"ja4": {"header": "x-ja4"}},"#;
    for (traits, tls, filter, warned) in [
        ("", true, "{}", true),
        ("", true, SEEN, false),
        ("", false, "{}", false),
        (elsewhere, true, "{}", false),
    ] {
        let mut plugin = plugin();
        plugin["configuration"]["value"] = json!(rule(traits));
        let filter: Value = serde_json::from_str(filter).expect("JSON");
        let http = json!({"name": "stillgate", "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm", "config": plugin}});
        let mut chain = json!({"filters": [filter, {"http_filters": [http]}]});
        if tls {
            chain["transport_socket"] = json!({"name": "envoy.transport_sockets.tls"});
        }
        let listener = json!({"filter_chains": [chain]});
        let (_, report) = check("json", &listener.to_string());
        let warnings = report["policies"][0]["warnings"].as_array().cloned();
        let found = warnings
            .iter()
            .flatten()
            .any(|warning| warning["at"] == "/filter_chains");
        assert_eq!(found, warned, "{traits} {tls}: {report}");
    }
}

/// What the listener and its connection manager say around a policy, and where a warning stands.
#[test]
fn settings_around_the_plugin_that_blind_a_rule_are_told() {
    const PATHS: [&str; 3] = [
        "normalize_path",
        "merge_slashes",
        "path_with_escaped_slashes_action",
    ];
    let rule = |extra: &str| {
        format!(
            r#"{{"version": 1, "limits": {{"body": "2MiB"}}, "quotas": [
            {{"name": "q", "count": "requests", "limit": 1, "window": "1m", {extra}}}]}}"#
        )
    };
    let tidy = json!({"normalize_path": true, "merge_slashes": true, "path_with_escaped_slashes_action": "REJECT_REQUEST"});
    let mut narrow = tidy.clone();
    narrow["http2_protocol_options"] = json!({"initial_stream_window_size": 65_536});
    let left =
        json!({"normalize_path": false, "path_with_escaped_slashes_action": "KEEP_UNCHANGED"});
    let all: Vec<String> = PATHS
        .iter()
        .map(|name| format!("/filter_chains/0/{name}"))
        .collect();
    let buffer = String::from("/per_connection_buffer_limit_bytes");
    let with_buffer: Vec<String> = [all.clone(), vec![buffer.clone()]].concat();
    let rows = [
        (r#""per": ["key"]"#, &left, Value::Null, vec![]),
        (
            r#""per": ["key"], "match": {"path": "/v1/*"}"#,
            &left,
            Value::Null,
            all.clone(),
        ),
        (r#""per": ["path"]"#, &left, Value::Null, all.clone()),
        (
            r#""per": ["key"], "except": [{"trait": "path", "in": "/health"}]"#,
            &left,
            Value::Null,
            all.clone(),
        ),
        (r#""per": ["model"]"#, &left, Value::Null, with_buffer),
        (r#""per": ["path"]"#, &tidy, Value::Null, vec![]),
        (
            r#""per": ["key"], "match": {"model": "big"}"#,
            &tidy,
            json!(2_097_151),
            vec![buffer],
        ),
        (r#""per": ["model"]"#, &tidy, json!(2_097_152), vec![]),
        (r#""per": ["model"]"#, &tidy, json!(0), vec![]),
        (
            r#""per": ["model"]"#,
            &narrow,
            json!(0),
            vec![String::from(
                "/filter_chains/0/http2_protocol_options/initial_stream_window_size",
            )],
        ),
    ];
    for (extra, settings, buffer, expected) in rows {
        let mut plugin = plugin();
        plugin["configuration"]["value"] = json!(rule(extra));
        let mut manager = settings.clone();
        manager["http_filters"] = json!([{"typed_config": {"config": plugin}}]);
        let mut listener = json!({"filter_chains": [manager]});
        if !buffer.is_null() {
            listener["per_connection_buffer_limit_bytes"] = buffer;
        }
        let (status, report) = check("json", &listener.to_string());
        assert_eq!(status, 0, "{report}");
        assert_eq!(
            pointers(&report["policies"][0]["warnings"]),
            expected,
            "{extra} {settings}"
        );
    }
}

#[test]
fn settings_around_the_plugin_are_found_in_camel_case() {
    let manager = json!({"normalizePath": true, "mergeSlashes": true, "httpFilters": [{"config": {
        "vmConfig": {"vmId": "stillgate", "environmentVariables": {"hostEnvKeys": ["STILLGATE_SECRET"]}},
        "failurePolicy": "FAIL_RELOAD",
        "allowOnHeadersStopIteration": true,
        "configuration": {"@type": "type.googleapis.com/google.protobuf.StringValue", "value": NEEDS_BODY},
    }}]});
    let listener = json!({"perConnectionBufferLimitBytes": 65_536, "filterChains": [manager]});
    let (_, report) = check("json", &listener.to_string());
    assert_eq!(
        pointers(&report["policies"][0]["warnings"]),
        [
            "/filterChains/0/pathWithEscapedSlashesAction",
            "/perConnectionBufferLimitBytes"
        ],
        "{report}"
    );
}

#[test]
fn of_several_plugins_only_ours_is_checked() {
    let mut other = plugin();
    other["name"] = json!("waf");
    other["root_id"] = json!("waf");
    other["vm_config"]["vm_id"] = json!("waf");
    other["configuration"]["value"] = json!("rules of something else");
    let (_, alone) = check("json", &json!({"filters": [{"config": other}]}).to_string());
    assert_eq!(alone["ok"], false, "the only plugin is taken to be ours");
    let (_, both) = check(
        "json",
        &json!({"filters": [{"config": other}, {"config": plugin()}]}).to_string(),
    );
    assert_eq!(
        both,
        json!({"ok": true, "policies": [{"at": "/filters/1/config", "faults": [], "warnings": []}]})
    );
}

#[test]
fn istio_and_envoy_gateway_manifests_are_checked() {
    let manifests = r"
apiVersion: v1
kind: Namespace
metadata: {name: gate}
---
apiVersion: extensions.istio.io/v1alpha1
kind: WasmPlugin
spec:
  url: oci://registry.example/stillgate:0.1
  failStrategy: FAIL_OPEN
  pluginConfig: {version: 1, quotaz: []}
---
apiVersion: gateway.envoyproxy.io/v1alpha1
kind: EnvoyExtensionPolicy
spec:
  wasm:
  - name: stillgate
    code: {type: Image, image: {url: registry.example/stillgate:0.1}}
    config: {version: 1, quotaz: []}
    failOpen: true
";
    let (status, report) = check("json", manifests);
    assert_eq!(status, 3);
    let [istio, gateway] = report["policies"].as_array().expect("policies").as_slice() else {
        panic!("{report}")
    };
    assert_eq!(
        (&istio["document"], &istio["at"]),
        (&json!(2), &json!("/spec"))
    );
    assert_eq!(
        (&istio["faults"][0]["at"], &istio["faults"][0]["path"]),
        (&json!("/spec/pluginConfig"), &json!("/quotaz"))
    );
    assert_eq!(
        pointers(&istio["warnings"]),
        ["/spec/failStrategy", "/spec/vmConfig/env"]
    );
    assert_eq!(
        (&gateway["document"], &gateway["at"]),
        (&json!(3), &json!("/spec/wasm/0"))
    );
    assert_eq!(gateway["faults"][0]["at"], "/spec/wasm/0/config");
    assert_eq!(
        pointers(&gateway["warnings"]),
        ["/spec/wasm/0/failOpen", "/spec/wasm/0/env/hostKeys"]
    );
}

#[test]
fn people_are_told_where_what_and_what_would_be_right() {
    let mut plugin = plugin();
    plugin["configuration"]["value"] = json!(r#"{"version": 1, "quotaz": []}"#);
    plugin["failure_policy"] = json!("FAIL_OPEN");
    let output = run("human", &json!({"config": plugin}).to_string());
    let said = String::from_utf8(output.stdout).expect("UTF-8");
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(output.status.code(), Some(3));
    assert_eq!(lines[0], "standard input, /config");
    assert!(
        lines[1].starts_with("  fault    /configuration/value, /quotaz: "),
        "{said}"
    );
    assert!(
        lines
            .last()
            .expect("lines")
            .starts_with("  warning  /failure_policy: FAIL_OPEN: once"),
        "{said}"
    );
}

#[test]
fn the_manifests_in_the_readme_are_in_order() {
    let readme = include_str!("../envoy/README.md");
    let manifests: Vec<&str> = readme
        .split("```yaml\n")
        .skip(1)
        .filter_map(|rest| rest.split("```").next())
        .collect();
    assert_eq!(manifests.len(), 2);
    for manifest in manifests {
        let (status, report) = check("json", manifest);
        assert_eq!(
            (status, &report["policies"][0]["warnings"]),
            (0, &json!([])),
            "{report}"
        );
    }
}

#[test]
fn the_first_page_names_every_metric() {
    let readme = include_str!("../README.md");
    for metric in Metric::all() {
        let name = metric.name();
        let name = name.split('.').next().unwrap_or_default();
        assert!(
            readme.contains(&format!("\n| `{name}")),
            "README.md has no row for {name}"
        );
    }
}

#[test]
fn people_are_told_when_there_is_nothing() {
    let output = run("human", POLICY);
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        "standard input: no fault\n"
    );
}

/// A plugin without fault or warning.
fn plugin() -> Value {
    json!({
        "name": "stillgate",
        "root_id": "stillgate",
        "failure_policy": "FAIL_RELOAD",
        "allow_on_headers_stop_iteration": true,
        "vm_config": {
            "vm_id": "stillgate",
            "runtime": "envoy.wasm.runtime.v8",
            "environment_variables": {"host_env_keys": ["STILLGATE_SECRET"]},
        },
        "configuration": {"@type": "type.googleapis.com/google.protobuf.StringValue", "value": POLICY},
    })
}

fn members(value: &mut Value) -> &mut serde_json::Map<String, Value> {
    value.as_object_mut().expect("an object")
}

fn pointers(findings: &Value) -> Vec<&str> {
    findings
        .as_array()
        .expect("findings")
        .iter()
        .map(|finding| finding["at"].as_str().expect("at"))
        .collect()
}

fn visit(value: &Value, call: &mut impl FnMut(&Value)) {
    call(value);
    match value {
        Value::Array(items) => items.iter().for_each(|item| visit(item, call)),
        Value::Object(members) => members.values().for_each(|member| visit(member, call)),
        _ => {}
    }
}

/// Gives every field of this name another value.
fn replace(value: &mut Value, field: &str, by: &Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| replace(item, field, by)),
        Value::Object(members) => members.iter_mut().for_each(|(name, member)| {
            if name == field {
                *member = by.clone();
            } else {
                replace(member, field, by);
            }
        }),
        _ => {}
    }
}

/// What the page makes of its own templates, and of a policy that needs no body.
#[test]
fn what_the_page_hands_out_is_in_order() {
    let mut kinds = Vec::new();
    let templates = page::policy::TEMPLATES.iter();
    let given = templates.map(|template| template.text.to_owned());
    // JSON takes characters that YAML does not, and YAML has words that JSON has not.
    let text = ["no: # \\\\ 'é' 😀 \\u0007", "\u{7f}\u{85}\u{2028}\u{feff}"].concat();
    let odd = [
        format!(r#"{{"version": 1, "campaigns": {{"excuse": [{{"text": "{text}"}}]}}}}"#),
        format!(
            r#"{{"version": 1, "checks": [{{"name": "a", "trait": "agent", "in": ["{text}"], "then": "tag"}}]}}"#
        ),
    ];
    for text in given.chain([POLICY.to_owned()]).chain(odd) {
        let text = text.as_str();
        let policy = Policy::parse(text.as_bytes()).expect("a policy");
        for (name, target) in Target::ALL {
            let deployment = deploy(target, text, &policy);
            let file = deployment.files.first().expect("a file");
            let (status, report) = check("json", &file.text);
            assert_eq!(status, 0, "{name}: {report}\n{}", file.text);
            let policies = report["policies"].as_array().expect("policies");
            assert!(!policies.is_empty(), "{name}");
            for policy in policies {
                assert_eq!(policy["warnings"], json!([]), "{name}: {}", file.text);
            }
            kinds.extend(
                file.text
                    .lines()
                    .filter(|line| line.starts_with("kind: "))
                    .map(String::from),
            );
        }
    }
    kinds.sort();
    kinds.dedup();
    let all = [
        "EnvoyExtensionPolicy",
        "EnvoyFilter",
        "EnvoyPatchPolicy",
        "WasmPlugin",
    ];
    assert_eq!(kinds, all.map(|kind| format!("kind: {kind}")));
}

fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_stillgate"));
    command.arg("check");
    command
}

fn check_file(file: &str) -> Value {
    let path = format!("{}/{file}", env!("CARGO_MANIFEST_DIR"));
    let output = command()
        .args(["--format", "json", &path])
        .output()
        .expect("stillgate runs");
    serde_json::from_slice(&output.stdout).expect("a report")
}

/// The exit code and the report in JSON for a text on standard input.
fn check(format: &str, text: &str) -> (i32, Value) {
    let output = run(format, text);
    let report = serde_json::from_slice(&output.stdout).expect("a report in JSON");
    (output.status.code().expect("an exit code"), report)
}

fn run(format: &str, text: &str) -> Output {
    let mut child = command()
        .args(["--format", format, "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("stillgate runs");
    child
        .stdin
        .take()
        .expect("a pipe")
        .write_all(text.as_bytes())
        .expect("stillgate reads");
    child.wait_with_output().expect("stillgate ends")
}
