//! What stands around a plugin in Envoy's own configuration: the settings that decide what a policy gets to see.

use serde_json::Value;

use super::report::Finding;
use super::settings::fault;
use crate::policy::check::{Against, Test};
use crate::policy::{Fact, Kind, Membership, Place, Policy, Scope, Trait};

/// Looks at the connection manager and the listener in which the plugin at `at` stands; a fragment may have neither.
pub(super) fn inspect(document: &Value, at: &str, policy: &Policy) -> Vec<Finding> {
    let mut warnings = Vec::new();
    let manager = holder(document, at, &["http_filters", "httpFilters"]);
    if let Some((above, manager)) = manager.filter(|_| sees_paths(policy)) {
        warnings.extend(paths(above, manager));
    }
    let listener = holder(document, at, &["filter_chains", "filterChains"]);
    if let Some((above, listener)) = listener {
        warnings.extend(fingerprints(above, listener, policy));
    }
    if policy.reads_bodies() {
        let limits = [
            (listener, BUFFER, DEFAULT_BUFFER),
            (manager, WINDOW, DEFAULT_WINDOW),
        ];
        warnings.extend(limits.into_iter().filter_map(|(holder, names, default)| {
            let (above, holder) = holder?;
            bodies(above, holder, names, default, policy.body)
        }));
    }
    warnings
}

/// Whether it matters how a path is spelt: a rule matches it, looks for it in a list, counts it or per path, or takes the
/// model from it.
fn sees_paths(policy: &Policy) -> bool {
    let quotas = policy.quotas.iter().map(|quota| &quota.scope);
    let mut scopes = quotas.chain(policy.checks.iter().map(|check| &check.scope));
    policy.reads_bodies() || scopes.any(|scope| scope.path.is_some()) || uses(policy, Trait::Path)
}

/// Whether any rule looks at a trait.
fn uses(policy: &Policy, of: Trait) -> bool {
    let listed = |member: &Membership| member.of == of;
    let excepted = |scope: &Scope| scope.except.iter().any(listed);
    let tested = |test: &Test| match test {
        Test::Listed(member) => listed(member),
        Test::Contradiction(Against::Ja4(ja4)) => *ja4 == of,
        Test::Contradiction(Against::Shape) => of == Trait::Shape,
        Test::Distinct(distinct) => distinct.of == of,
    };
    let subjects = &policy.subjects;
    policy.quotas.iter().any(|quota| excepted(&quota.scope))
        || (policy.checks.iter()).any(|check| excepted(&check.scope) || tested(&check.test))
        || subjects.iter().any(|subject| subject.traits.contains(&of))
}

/// Envoy's TLS inspector tells a fingerprint to nobody but filters that ask for it; one of those puts it where it is
/// looked for.
fn fingerprints(above: &str, listener: &Value, policy: &Policy) -> Vec<Finding> {
    let chains = ["filter_chains", "filterChains"];
    let chains = chains
        .iter()
        .find_map(|name| listener.get(name)?.as_array());
    let sockets = ["transport_socket", "transportSocket"];
    let over_tls = |chain: &Value| sockets.iter().any(|name| chain.get(name).is_some());
    if !chains.is_some_and(|chains| chains.iter().any(over_tls)) {
        return Vec::new();
    }
    let text = listener.to_string();
    let facts = policy.facts.iter().enumerate();
    let unseen = facts.filter(|(place, fact)| {
        matches!(fact.kind, Kind::Ja4 | Kind::Ja3)
            && fact.place == Place::Host
            && uses(policy, Trait::Fact(*place))
            && !text.contains(&format!("\"fp.{}\"", fact.name))
    });
    let warn = |(_, fact): (usize, &Fact)| {
        let name = &fact.name;
        let found = format!(
            "nothing puts `fp.{name}` into the filter state, and a rule looks at `{name}`: it is absent from every request"
        );
        let expected = format!(
            "a tls_inspector and a set_filter_state as in envoy/envoy.yaml, or `traits.{name}`"
        );
        Finding::at(
            above,
            &fault(String::from("/filter_chains"), found, &expected),
        )
    };
    unseen.map(warn).collect()
}

/// The nearest object above `at` that has one of these fields, with its pointer.
fn holder<'d, 'a>(
    document: &'d Value,
    at: &'a str,
    fields: &[&str],
) -> Option<(&'a str, &'d Value)> {
    let above = core::iter::successors(Some(at), |at| at.rsplit_once('/').map(|(above, _)| above));
    above
        .filter_map(|above| Some((above, document.pointer(above)?)))
        .find(|(_, value)| fields.iter().any(|field| value.get(field).is_some()))
}

/// Envoy hands paths over as they came unless it is told to tidy them.
fn paths(above: &str, manager: &Value) -> impl Iterator<Item = Finding> {
    let in_camel_case = manager.get("httpFilters").is_some();
    let untidy = TIDY.iter().filter(|setting| {
        let value = setting.names.iter().find_map(|name| manager.get(name));
        !value.is_some_and(setting.tidies)
    });
    untidy.map(move |setting| {
        let [snake, camel] = setting.names;
        let name = if in_camel_case { camel } else { snake };
        let found = "not set, and a rule looks at the path: a client that spells it differently escapes that rule";
        Finding::at(above, &fault(format!("/{name}"), found, setting.expected))
    })
}

/// A setting of the connection manager that leaves fewer spellings of a path.
struct Tidy {
    names: [&'static str; 2],
    expected: &'static str,
    tidies: fn(&Value) -> bool,
}

const TIDY: [Tidy; 3] = [
    Tidy {
        names: ["normalize_path", "normalizePath"],
        expected: "true",
        tidies: is_true,
    },
    Tidy {
        names: ["merge_slashes", "mergeSlashes"],
        expected: "true",
        tidies: is_true,
    },
    Tidy {
        names: [
            "path_with_escaped_slashes_action",
            "pathWithEscapedSlashesAction",
        ],
        expected: "UNESCAPE_AND_FORWARD",
        tidies: |value| {
            let idle = ["KEEP_UNCHANGED", "IMPLEMENTATION_SPECIFIC_DEFAULT"];
            value.as_str().is_some_and(|action| !idle.contains(&action))
        },
    },
];

fn is_true(value: &Value) -> bool {
    value == &Value::Bool(true)
}

/// Envoy refuses by itself what it cannot hold for a rule that waits for the body: over HTTP/1.1 beyond the listener's
/// buffer, over HTTP/2 beyond the stream's window, which is its buffer too. 0 is no limit.
fn bodies(
    above: &str,
    holder: &Value,
    [snake, camel]: [&str; 2],
    default: u64,
    cap: u64,
) -> Option<Finding> {
    let (name, value) = match (holder.pointer(snake), holder.pointer(camel)) {
        (None, Some(value)) => (camel, Some(value)),
        (value, _) => (snake, value),
    };
    let held = value.and_then(Value::as_u64).unwrap_or(default);
    let found = format!(
        "{held} bytes, less than the policy's `limits.body` of {cap}: Envoy answers 413 to bodies that the policy takes"
    );
    (held > 0 && held < cap).then(|| {
        let expected = format!("at least {cap}, or a smaller `limits.body`");
        Finding::at(above, &fault(name, found, expected))
    })
}

const BUFFER: [&str; 2] = [
    "/per_connection_buffer_limit_bytes",
    "/perConnectionBufferLimitBytes",
];
/// What a listener holds of a request where it does not say.
const DEFAULT_BUFFER: u64 = 1 << 20;

const WINDOW: [&str; 2] = [
    "/http2_protocol_options/initial_stream_window_size",
    "/http2ProtocolOptions/initialStreamWindowSize",
];
/// The window of a stream where it is not set.
const DEFAULT_WINDOW: u64 = 16 << 20;
