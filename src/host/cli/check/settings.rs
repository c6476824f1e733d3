//! The settings around a policy: what would keep the filter from working, and what is risky.

use serde_json::Value;

use super::around;
use super::report::{Finding, Findings};
use crate::host::cli::plugin::{Dialect, Plugin};
use crate::policy::{Fault, Policy};

/// Looks at a plugin whose settings stand at `at` of a document, at the policy in it, and at what is around it.
pub(super) fn inspect(document: &Value, at: &str, plugin: Plugin<'_>) -> Findings {
    let mut findings = Findings {
        at: at.to_owned(),
        ..Findings::default()
    };
    let policy = match plugin.dialect {
        Dialect::Envoy => in_any(at, plugin.settings, &mut findings),
        Dialect::Istio | Dialect::Gateway => as_written(at, plugin, &mut findings),
    };
    let needs_body = policy.as_ref().is_some_and(Policy::reads_bodies);
    let (faults, warnings) = match plugin.dialect {
        Dialect::Envoy => envoy(plugin.settings, needs_body),
        Dialect::Istio => istio(plugin.settings, needs_body),
        Dialect::Gateway => gateway(plugin.settings, needs_body),
    };
    findings
        .faults
        .extend(faults.iter().map(|fault| Finding::at(at, fault)));
    findings
        .warnings
        .extend(warnings.iter().map(|fault| Finding::at(at, fault)));
    if let (Dialect::Envoy, Some(policy)) = (plugin.dialect, policy) {
        findings
            .warnings
            .extend(around::inspect(document, at, &policy));
    }
    findings
}

/// Envoy: the policy is packed into an `Any`, and only some types of it arrive as they were written.
fn in_any(at: &str, settings: &Value, findings: &mut Findings) -> Option<Policy> {
    let Some(any) = settings.get("configuration") else {
        let fault = fault(
            "/configuration",
            "missing",
            "the policy in a google.protobuf.StringValue",
        );
        findings.faults.push(Finding::at(at, &fault));
        return None;
    };
    let name = any
        .get("@type")
        .and_then(Value::as_str)
        .and_then(|name| name.rsplit('/').next());
    match (name, any.get("value")) {
        (Some("google.protobuf.StringValue"), Some(Value::String(text))) => {
            let value = serde_json::from_str(text).unwrap_or_default();
            super::policy(
                Policy::parse(text.as_bytes()),
                &value,
                &format!("{at}/configuration/value"),
                findings,
            )
        }
        (Some("google.protobuf.StringValue"), _) => {
            let fault = fault(
                "/configuration/value",
                "no string",
                "the policy as a string of JSON",
            );
            findings.faults.push(Finding::at(at, &fault));
            None
        }
        (Some("google.protobuf.BytesValue"), _) => {
            let told = "a google.protobuf.StringValue, which can be checked here";
            findings.warnings.push(Finding::at(
                at,
                &fault(
                    "/configuration",
                    "a BytesValue, which was not looked into",
                    told,
                ),
            ));
            None
        }
        (name, _) => {
            let found = match name {
                Some(name) => {
                    format!("{name}, which reaches the filter as binary protobuf and not as JSON")
                }
                None => String::from("no @type"),
            };
            let told =
                "a google.protobuf.StringValue whose value is the policy as a string of JSON";
            findings
                .faults
                .push(Finding::at(at, &fault("/configuration", found, told)));
            None
        }
    }
}

/// Istio and Envoy Gateway: the policy stands there as YAML, and they make JSON of it.
fn as_written(at: &str, plugin: Plugin<'_>, findings: &mut Findings) -> Option<Policy> {
    let name = plugin.dialect.policy();
    let Some(value) = plugin.settings.get(name) else {
        findings.faults.push(Finding::at(
            at,
            &fault(format!("/{name}"), "missing", "the policy"),
        ));
        return None;
    };
    super::policy(
        Policy::parse(value.to_string().as_bytes()),
        value,
        &format!("{at}/{name}"),
        findings,
    )
}

type Faults = Vec<Fault>;

fn envoy(settings: &Value, needs_body: bool) -> (Faults, Faults) {
    let (mut faults, mut warnings) = (Vec::new(), Vec::new());
    let member = |path: &str| settings.pointer(&spell(settings, path));
    let fault =
        |path: &str, found: &str, expected: &str| fault(spell(settings, path), found, expected);

    if needs_body && member("/allow_on_headers_stop_iteration") != Some(&Value::Bool(true)) {
        let found = "not true, and a rule needs the body: requests with one would hang";
        faults.push(fault("/allow_on_headers_stop_iteration", found, "true"));
    }
    let opens = member("/fail_open") == Some(&Value::Bool(true));
    let failure = member("/failure_policy").and_then(Value::as_str);
    if opens && failure.is_some() {
        faults.push(fault(
            "/fail_open",
            "set beside a failure policy, which Envoy refuses",
            "the failure policy alone",
        ));
    } else if opens {
        warnings.push(fault(
            "/fail_open",
            "true: when the filter fails, every request passes",
            "a failure policy of FAIL_RELOAD",
        ));
    }
    if !opens && failure != Some(RELOAD) {
        warnings.push(fault(
            "/failure_policy",
            &consequence(failure, "FAIL_CLOSED", "FAIL_OPEN"),
            RELOAD,
        ));
    }
    if member("/vm_config/vm_id")
        .and_then(Value::as_str)
        .unwrap_or_default()
        .is_empty()
    {
        let found = "empty: the counters share their space with every other plugin that has none";
        warnings.push(fault(
            "/vm_config/vm_id",
            found,
            "a name of its own, such as stillgate",
        ));
    }
    let written = "/vm_config/environment_variables/key_values/STILLGATE_SECRET";
    if member(written).is_some() {
        let found = "the secret stands in the configuration, for all who may read that";
        warnings.push(fault(
            written,
            found,
            "the secret in Envoy's own environment, named in host_env_keys",
        ));
    } else if !names(member("/vm_config/environment_variables/host_env_keys"))
        .any(|name| name == SECRET)
    {
        warnings.push(fault(
            "/vm_config/environment_variables",
            NO_SECRET,
            "host_env_keys: [STILLGATE_SECRET]",
        ));
    }
    (faults, warnings)
}

/// A pointer in the spelling of the document: JSON that programs wrote for Envoy often has `vmConfig` for `vm_config`.
fn spell(settings: &Value, pointer: &str) -> String {
    if settings.get("vmConfig").is_none() {
        return pointer.to_owned();
    }
    let mut words = pointer.split('_');
    let mut spelled = words.next().unwrap_or_default().to_owned();
    for word in words {
        match word.chars().next() {
            Some(first) if first.is_ascii_lowercase() => {
                spelled.push(first.to_ascii_uppercase());
                spelled.extend(word.chars().skip(1));
            }
            // A name in capitals is no setting's.
            _ => spelled.extend(["_", word]),
        }
    }
    spelled
}

fn istio(settings: &Value, needs_body: bool) -> (Faults, Faults) {
    let (mut faults, mut warnings) = (Vec::new(), Vec::new());
    if needs_body {
        faults.push(no_place_for_bodies("a WasmPlugin"));
    }
    let strategy = settings.get("failStrategy").and_then(Value::as_str);
    if strategy != Some(RELOAD) {
        warnings.push(fault(
            "/failStrategy",
            consequence(strategy, "FAIL_CLOSE", "FAIL_OPEN"),
            RELOAD,
        ));
    }
    let variables = settings
        .pointer("/vmConfig/env")
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    if !variables
        .filter_map(|variable| variable.get("name")?.as_str())
        .any(|name| name == SECRET)
    {
        warnings.push(fault(
            "/vmConfig/env",
            NO_SECRET,
            "{name: STILLGATE_SECRET, valueFrom: HOST}",
        ));
    }
    (faults, warnings)
}

fn gateway(settings: &Value, needs_body: bool) -> (Faults, Faults) {
    let (mut faults, mut warnings) = (Vec::new(), Vec::new());
    if needs_body {
        faults.push(no_place_for_bodies("an EnvoyExtensionPolicy"));
    }
    if settings.get("failOpen") == Some(&Value::Bool(true)) {
        warnings.push(fault(
            "/failOpen",
            "true: when the filter fails, every request passes",
            "false",
        ));
    }
    if !names(settings.pointer("/env/hostKeys")).any(|name| name == SECRET) {
        warnings.push(fault("/env/hostKeys", NO_SECRET, "[STILLGATE_SECRET]"));
    }
    (faults, warnings)
}

/// What a failure policy other than a reload comes to.
fn consequence(policy: Option<&str>, closed: &str, open: &str) -> String {
    match policy {
        Some(policy) if policy == open => {
            format!("{policy}: once the filter has failed, every request passes")
        }
        policy => format!(
            "{}: once the filter has failed, a worker answers 503 until Envoy is restarted",
            policy.unwrap_or(closed)
        ),
    }
}

fn no_place_for_bodies(what: &str) -> Fault {
    let found = format!(
        "a rule needs the body, and {what} has no setting for that: requests with one would hang"
    );
    fault(
        "",
        found,
        "rules without a model, or the filter in Envoy's own configuration with allow_on_headers_stop_iteration: true",
    )
}

fn names(list: Option<&Value>) -> impl Iterator<Item = &str> {
    list.and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
}

/// Something that was found where something else is expected.
pub(super) fn fault(
    path: impl Into<String>,
    found: impl Into<String>,
    expected: impl Into<String>,
) -> Fault {
    Fault {
        path: path.into(),
        found: found.into(),
        expected: format!("expected {}", expected.into()),
    }
}

const SECRET: &str = "STILLGATE_SECRET";
const RELOAD: &str = "FAIL_RELOAD";
const NO_SECRET: &str = "no STILLGATE_SECRET: keys are hashed with a secret of each start, and no two Envoys know a key by the same hash";
