//! The configuration that embeds a policy, for every host that can run it.

use core::fmt::Write as _;

use serde::Serialize;

use crate::policy::{Place, Policy};

/// Where a policy can be put in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// A stock Envoy.
    Envoy,
    /// Istio's ingress gateway.
    Istio,
    /// Envoy Gateway.
    EnvoyGateway,
    /// A CDN's worker.
    Worker,
}

/// What is to be put where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Deployment {
    /// The files.
    pub files: Vec<File>,
    /// What else is to be known, a sentence each.
    pub notes: Vec<String>,
}

/// One file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct File {
    /// Its name.
    pub name: &'static str,
    /// What it is written in: `yaml`, `json` or `jsonc`.
    pub language: &'static str,
    /// All of it.
    pub text: String,
}

const ENVOY: &str = include_str!("../../envoy/envoy.yaml");
const WRANGLER: &str = include_str!("../../www/worker/wrangler.jsonc");
const FILTER: &str = include_str!("deploy/filter.yaml");
const ISTIO: &str = include_str!("deploy/istio.yaml");
const ISTIO_FILTER: &str = include_str!("deploy/istio-filter.yaml");
const GATEWAY: &str = include_str!("deploy/gateway.yaml");
const GATEWAY_FILTER: &str = include_str!("deploy/gateway-filter.yaml");

impl Target {
    /// All of them, by the names that a page has for them.
    pub const ALL: [(&'static str, Self); 4] = [
        ("envoy", Self::Envoy),
        ("istio", Self::Istio),
        ("envoy-gateway", Self::EnvoyGateway),
        ("worker", Self::Worker),
    ];

    /// One by its name.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        let mut all = Self::ALL.iter();
        all.find(|(known, _)| *known == name)
            .map(|&(_, target)| target)
    }
}

/// Embeds a policy, which this text is.
#[must_use]
pub fn deploy(target: Target, text: &str, policy: &Policy) -> Deployment {
    let text = spelt(&text.trim().replace("\r\n", "\n"));
    let bodies = policy.reads_bodies();
    let (files, mut notes) = match target {
        Target::Envoy => (
            vec![yaml(
                "envoy.yaml",
                with_room(&in_place_of_value(ENVOY, &text), policy),
            )],
            vec![
                "Build the filter with `stillgate build envoy`, and name it in `code`.",
                "Set STILLGATE_SECRET in Envoy's environment: `openssl rand -hex 32` makes a good one.",
                "Let `stillgate check envoy.yaml` and `envoy --mode validate -c envoy.yaml` look at it before you deploy it.",
            ],
        ),
        Target::Istio if bodies => (
            vec![yaml(
                "istio.yaml",
                filled(ISTIO_FILTER, "FILTER", &filled(FILTER, "POLICY", &text)),
            )],
            vec![
                "A rule of this policy needs to see bodies, and Istio's WasmPlugin has no setting for that; so this is an EnvoyFilter.",
                NOT_RUN,
            ],
        ),
        Target::Istio => (
            vec![yaml("istio.yaml", filled(ISTIO, "POLICY", &plain(&text)))],
            vec![NOT_RUN],
        ),
        Target::EnvoyGateway if bodies => (
            vec![yaml(
                "envoy-gateway.yaml",
                filled(GATEWAY_FILTER, "FILTER", &filled(FILTER, "POLICY", &text)),
            )],
            vec![
                "A rule of this policy needs to see bodies, and EnvoyExtensionPolicy has no setting for that; so this is an \
                 EnvoyPatchPolicy, which `extensionApis.enableEnvoyPatchPolicy` switches on.",
                NOT_RUN,
            ],
        ),
        Target::EnvoyGateway => (
            vec![yaml(
                "envoy-gateway.yaml",
                filled(GATEWAY, "POLICY", &plain(&text)),
            )],
            vec![NOT_RUN],
        ),
        Target::Worker => (
            vec![
                file("policy.json", "json", [text.as_str(), "\n"].concat()),
                file("wrangler.jsonc", "jsonc", String::from(WRANGLER)),
            ],
            vec![
                "Both files belong into `www/worker`, beside what `stillgate build worker` makes there.",
                "`npx wrangler secret put STILLGATE_SECRET`, and then `npx wrangler deploy`.",
            ],
        ),
    };
    if policy
        .facts
        .iter()
        .any(|fact| matches!(fact.place, Place::Header(_)))
    {
        notes.push(
            "The policy believes headers about accounts or traits: something in front has to set them, and take them off what clients send.",
        );
    }
    Deployment {
        files,
        notes: notes.into_iter().map(String::from).collect(),
    }
}

const NOT_RUN: &str = "Written from the documentation and not run by us: try it before you rely on it. `stillgate check` reads it.";

fn yaml(name: &'static str, text: String) -> File {
    file(name, "yaml", text)
}

const fn file(name: &'static str, language: &'static str, text: String) -> File {
    File {
        name,
        language,
        text,
    }
}

/// A document with a text in the place of a line that holds only `mark`, as far to the right as that stands.
fn filled(document: &str, mark: &str, text: &str) -> String {
    let mut filled = String::new();
    for line in document.lines() {
        let indent = line.len().saturating_sub(line.trim_start().len());
        if line.trim() == mark {
            put(&mut filled, text, indent);
        } else {
            filled.push_str(line);
            filled.push('\n');
        }
    }
    filled
}

/// The shipped configuration, whose policy stands in a block of its own, with another one there.
fn in_place_of_value(document: &str, text: &str) -> String {
    let mut filled = String::new();
    // How far to the right the block stands whose lines are left out.
    let mut block: Option<usize> = None;
    for line in document.lines() {
        let indent = line.len().saturating_sub(line.trim_start().len());
        if block.is_some_and(|above| indent > above || line.trim().is_empty()) {
            continue;
        }
        block = None;
        if line.trim() == "# The same as policy.json." {
            continue;
        }
        filled.push_str(line);
        filled.push('\n');
        if line.trim() == "value: |" {
            put(&mut filled, text, indent.saturating_add(2));
            block = Some(indent);
        }
    }
    filled
}

/// Adds lines that begin so far to the right.
fn put(document: &mut String, text: &str, indent: usize) {
    for line in text.lines() {
        if !line.trim().is_empty() {
            document.extend(core::iter::repeat_n(' ', indent));
            document.push_str(line);
        }
        document.push('\n');
    }
}

/// JSON without the characters that JSON takes and YAML does not, which can only stand in its texts.
fn spelt(text: &str) -> String {
    let mut spelt = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '\u{7f}'..='\u{9f}'
            | '\u{2028}'
            | '\u{2029}'
            | '\u{feff}'
            | '\u{fffe}'
            | '\u{ffff}' => {
                let _ = write!(spelt, "\\u{:04x}", u32::from(letter));
            }
            _ => spelt.push(letter),
        }
    }
    spelt
}

/// JSON in the spelling that YAML reads too: no escapes but those that both have, and no tabs before a line.
fn plain(text: &str) -> String {
    let value: Option<serde_json::Value> = serde_json::from_str(text).ok();
    let plain = value.and_then(|value| serde_json::to_string_pretty(&value).ok());
    plain.map_or_else(|| text.to_owned(), |plain| spelt(&plain))
}

/// The shipped buffers, raised where the policy reads longer bodies than they hold: Envoy would answer those by itself.
fn with_room(document: &str, policy: &Policy) -> String {
    let mut text = document.to_owned();
    for (name, bytes) in [
        ("per_connection_buffer_limit_bytes", 4_194_304),
        ("initial_stream_window_size", 2_097_152),
    ] {
        if policy.reads_bodies() && policy.body >= bytes {
            // Some more, since Envoy counts what it has read before it hands it over.
            let enough = policy.body.saturating_mul(2).min(0x7fff_ffff);
            text = text.replace(&format!("{name}: {bytes}"), &format!("{name}: {enough}"));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deployed(target: Target, text: &str) -> Deployment {
        deploy(target, text, &Policy::parse(text.as_bytes()).unwrap())
    }

    const PLAIN: &str = "{\"version\": 1,\r\n\r\n  \"quotas\": [\n    {\"name\": \"a\", \"per\": [], \"count\": \"requests\", \"limit\": 1, \"window\": \"1s\"}]}\n";
    const METERED: &str = r#"{"version": 1, "quotas": [{"name": "a", "per": [], "count": "tokens", "limit": 1000, "window": "1s"}]}"#;

    #[test]
    fn a_block_of_the_shipped_configuration_is_replaced_and_nothing_else() {
        let text = &deployed(Target::Envoy, PLAIN).files[0].text;
        assert!(text.contains(
            "value: |\n                    {\"version\": 1,\n\n                      \"quotas\": ["
        ));
        assert!(!text.contains("requests-per-minute") && !text.contains('\r'));
        // What comes after the block is still there.
        let after = ENVOY
            .find("          - name: envoy.filters.http.router")
            .unwrap();
        assert!(text.ends_with(ENVOY.split_at(after).1));
        let before = ENVOY.find("                  # The same as").unwrap();
        assert!(text.starts_with(ENVOY.split_at(before).0));
    }

    #[test]
    fn who_needs_bodies_gets_a_filter_of_envoy() {
        for (target, plainly, with_bodies) in [
            (Target::Istio, "kind: WasmPlugin", "kind: EnvoyFilter"),
            (
                Target::EnvoyGateway,
                "kind: EnvoyExtensionPolicy",
                "kind: EnvoyPatchPolicy",
            ),
        ] {
            let text = &deployed(target, PLAIN).files[0].text;
            assert!(text.contains(plainly), "{text}");
            let text = &deployed(target, METERED).files[0].text;
            assert!(text.contains(with_bodies), "{text}");
            assert!(text.contains("allow_on_headers_stop_iteration: true"));
        }
    }

    #[test]
    fn longer_bodies_get_larger_buffers() {
        let policy = METERED.replace(
            "{\"version\": 1",
            "{\"version\": 1, \"limits\": {\"body\": \"8MiB\"}",
        );
        let text = &deployed(Target::Envoy, &policy).files[0].text;
        assert_eq!(
            text.matches("per_connection_buffer_limit_bytes: 16777216")
                .count(),
            2
        );
        assert!(text.contains("initial_stream_window_size: 16777216"));
    }

    #[test]
    fn the_worker_gets_the_policy_as_it_is() {
        let worker = deployed(Target::Worker, METERED);
        assert_eq!(worker.files[0].text.trim_end(), METERED);
        assert_eq!(Target::of("worker"), Some(Target::Worker));
        assert_eq!(Target::of("cgi"), None);
    }
}
