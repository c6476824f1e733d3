//! What is measured: Envoy with nothing, with its own means, and with a wasm filter.

use std::path::PathBuf;

use serde_json::{Value, json};

/// One set-up of Envoy.
#[derive(Debug, Clone)]
pub(crate) struct Contender {
    /// Its row in the tables.
    pub(crate) name: String,
    /// Its filters before the router.
    pub(crate) filters: Vec<Value>,
    /// Whether it ever refuses.
    pub(crate) limits: bool,
}

/// What each key may do, written for whatever enforces it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limit {
    /// Requests a day.
    pub(crate) requests: u64,
    /// How many keys the native limiter is to remember.
    pub(crate) keys: u32,
}

impl Contender {
    /// Envoy and its router.
    pub(crate) fn no_filter() -> Self {
        Self {
            name: "no filter".into(),
            filters: Vec::new(),
            limits: false,
        }
    }

    /// A wasm filter that does nothing.
    pub(crate) fn empty(module: PathBuf) -> Self {
        Self {
            name: "empty wasm filter".into(),
            filters: vec![wasm("empty", module, "")],
            limits: false,
        }
    }

    /// Envoy's own limiter with one descriptor for each key.
    ///
    /// A token bucket of a day that refills all at once; an entry with no value matches each value of its own.
    pub(crate) fn local_ratelimit(limit: Limit) -> Self {
        let bucket = json!({"max_tokens": limit.requests, "tokens_per_fill": limit.requests, "fill_interval": "86400s"});
        let everyone =
            json!({"max_tokens": u32::MAX, "tokens_per_fill": u32::MAX, "fill_interval": "1s"});
        let all = json!({"default_value": {"numerator": 100, "denominator": "HUNDRED"}});
        let filter = json!({
            "name": "envoy.filters.http.local_ratelimit",
            "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit",
                "stat_prefix": "limit",
                "token_bucket": everyone,
                "filter_enabled": all,
                "filter_enforced": all,
                "rate_limits": [{"actions": [{"request_headers": {
                    "header_name": "authorization", "descriptor_key": "key",
                }}]}],
                "descriptors": [{"entries": [{"key": "key"}], "token_bucket": bucket}],
                "max_dynamic_descriptors": limit.keys,
                "always_consume_default_token_bucket": false,
            },
        });
        Self {
            name: "local_ratelimit, a descriptor per key".into(),
            filters: vec![filter],
            limits: true,
        }
    }

    /// A token bucket per key as one would write it in Lua: a table of each worker.
    pub(crate) fn lua(limit: Limit) -> Self {
        let filter = json!({
            "name": "envoy.filters.http.lua",
            "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua",
                "default_source_code": {"inline_string": format!("local limit = {}\n{LUA}", limit.requests)},
            },
        });
        Self {
            name: "Lua token bucket per key".into(),
            filters: vec![filter],
            limits: true,
        }
    }

    /// Stillgate with a policy of these quotas.
    pub(crate) fn stillgate(name: &str, module: PathBuf, quotas: &[Value]) -> Self {
        Self::telling(name, module, quotas, "always")
    }

    /// The same, with rate-limit headers on refusals only.
    pub(crate) fn terse(name: &str, module: PathBuf, quotas: &[Value]) -> Self {
        Self::telling(name, module, quotas, "refusals")
    }

    /// Stillgate with a policy of these checks, and quotas beside them.
    pub(crate) fn checked(name: &str, module: PathBuf, checks: &[Value], quotas: &[Value]) -> Self {
        let mut policy = policy(quotas, "refusals");
        if let Some(fields) = policy.as_object_mut() {
            fields.insert("checks".into(), checks.into());
            fields.insert("verify_url".into(), json!("https://example.com/verify"));
        }
        Self::with(name, module, &policy)
    }

    fn telling(name: &str, module: PathBuf, quotas: &[Value], headers: &str) -> Self {
        Self::with(name, module, &policy(quotas, headers))
    }

    fn with(name: &str, module: PathBuf, policy: &Value) -> Self {
        Self {
            name: name.into(),
            filters: vec![wasm("stillgate", module, &policy.to_string())],
            limits: true,
        }
    }

    /// Any other wasm filter, with no configuration, that refuses nothing.
    pub(crate) fn module(name: &str, module: PathBuf) -> Self {
        Self {
            name: name.into(),
            filters: vec![wasm(name, module, "")],
            limits: false,
        }
    }
}

fn policy(quotas: &[Value], headers: &str) -> Value {
    json!({
        "version": 1,
        "headers": headers,
        "identity": {"from": [{"header": "authorization", "scheme": "Bearer"}]},
        "quotas": quotas,
    })
}

/// A wasm filter, set up as `envoy/envoy.yaml` does it.
fn wasm(name: &str, module: PathBuf, configuration: &str) -> Value {
    json!({
        "name": name,
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm",
            "config": {
                "name": name,
                "root_id": name,
                "configuration": {"@type": "type.googleapis.com/google.protobuf.StringValue", "value": configuration},
                "failure_policy": "FAIL_RELOAD",
                "allow_on_headers_stop_iteration": true,
                "vm_config": {
                    "vm_id": name,
                    "runtime": "envoy.wasm.runtime.v8",
                    "code": {"local": {"filename": module}},
                    "environment_variables": {"host_env_keys": ["STILLGATE_SECRET"]},
                },
            },
        },
    })
}

/// Refills evenly over a day, as a token bucket does.
const LUA: &str = r#"
local day = 86400000
local buckets = {}
function envoy_on_request(request)
  local key = request:headers():get("authorization")
  local now = request:timestamp()
  local bucket = buckets[key]
  if bucket == nil then
    bucket = {tokens = limit, at = now}
    buckets[key] = bucket
  end
  bucket.tokens = math.min(limit, bucket.tokens + (now - bucket.at) * limit / day)
  bucket.at = now
  if bucket.tokens < 1 then
    request:respond({[":status"] = "429"}, "over the limit")
    return
  end
  bucket.tokens = bucket.tokens - 1
end
"#;
