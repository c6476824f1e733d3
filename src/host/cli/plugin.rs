//! Finding the plugin in a configuration: where an Envoy, Istio or Envoy Gateway document holds a policy.

use serde_json::Value;

/// A place that configures a proxy-wasm plugin.
#[derive(Debug, Clone, Copy)]
pub(super) struct Plugin<'a> {
    /// The settings: Envoy's `PluginConfig`, Istio's `spec`, or an entry of Envoy Gateway's `spec.wasm`.
    pub(super) settings: &'a Value,
    /// In whose words the settings are written.
    pub(super) dialect: Dialect,
}

/// Who reads the document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    /// Envoy's own API, in a bootstrap, a listener or any fragment of one.
    Envoy,
    /// Istio's `WasmPlugin`.
    Istio,
    /// Envoy Gateway's `EnvoyExtensionPolicy`.
    Gateway,
}

impl Dialect {
    /// Where the settings hold the policy, below themselves.
    pub(super) fn policy(self) -> &'static str {
        match self {
            Self::Envoy => "configuration",
            Self::Istio => "pluginConfig",
            Self::Gateway => "config",
        }
    }
}

impl Plugin<'_> {
    /// Whether any of the plugin's names says that it is Stillgate.
    fn is_ours(&self) -> bool {
        let names = [
            "/name",
            "/root_id",
            "/rootId",
            "/vm_config/vm_id",
            "/vmConfig/vmId",
            "/vm_config/code/local/filename",
            "/vmConfig/code/local/filename",
            "/pluginName",
            "/url",
            "/rootID",
            "/code/image/url",
            "/code/http/url",
        ];
        names
            .iter()
            .filter_map(|name| self.settings.pointer(name)?.as_str())
            .any(|name| name.to_ascii_lowercase().contains("stillgate"))
    }
}

/// Every plugin of ours in a document, each with its RFC 6901 pointer, in the order of the document.
///
/// Where there is only one proxy-wasm plugin it is taken to be ours, whatever its name.
pub(super) fn find(document: &Value) -> Vec<(String, Plugin<'_>)> {
    let mut found = Vec::new();
    walk(document, &mut String::new(), &mut found);
    if found.len() > 1 {
        found.retain(|(_, plugin)| plugin.is_ours());
    }
    found
}

/// Adds one reference token to an RFC 6901 pointer.
pub(super) fn push(pointer: &mut String, token: &str) {
    pointer.push('/');
    pointer.push_str(&token.replace('~', "~0").replace('/', "~1"));
}

fn walk<'a>(value: &'a Value, at: &mut String, found: &mut Vec<(String, Plugin<'a>)>) {
    match dialect(value, at) {
        Some(dialect) => found.push((
            at.clone(),
            Plugin {
                settings: value,
                dialect,
            },
        )),
        None => each(value, at, &mut |child, at| walk(child, at, found)),
    }
}

/// Calls for every child of an object or an array, with the child's pointer.
fn each<'a>(value: &'a Value, at: &mut String, call: &mut impl FnMut(&'a Value, &mut String)) {
    let length = at.len();
    let mut visit = |token: &str, child: &'a Value| {
        push(at, token);
        call(child, at);
        at.truncate(length);
    };
    match value {
        Value::Object(members) => members.iter().for_each(|(name, child)| visit(name, child)),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .for_each(|(index, child)| visit(&index.to_string(), child)),
        _ => {}
    }
}

/// Recognises the settings of a plugin by what only they have.
fn dialect(value: &Value, at: &str) -> Option<Dialect> {
    let has = |name: &str| value.get(name).is_some();
    if has("vm_config") || (has("vmConfig") && (has("configuration") || has("rootId"))) {
        return Some(Dialect::Envoy);
    }
    let last = at.rsplit('/').next();
    if last == Some("spec") && has("pluginConfig") {
        return Some(Dialect::Istio);
    }
    (at.contains("/spec/wasm/") && has("code")).then_some(Dialect::Gateway)
}
