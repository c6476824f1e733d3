//! TLS in front of a listener, with its fingerprints where the filter looks for them, as `envoy/envoy.yaml` has it.

use std::path::Path;

use serde_json::{Value, json};

use super::config::{CERTIFICATE, PRIVATE_KEY};

/// Has a listener end TLS, and write down what its clients' handshakes look like.
pub(super) fn put_on(listener: &mut Value, directory: &Path) {
    listener["listener_filters"] = json!([{
        "name": "envoy.filters.listener.tls_inspector",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector",
            "enable_ja3_fingerprinting": true,
            "enable_ja4_fingerprinting": true,
        },
    }]);
    let chain = &mut listener["filter_chains"][0];
    let filters = chain["filters"].as_array_mut().expect("filters are a list");
    filters.insert(0, fingerprints());
    chain["transport_socket"] = json!({
        "name": "envoy.transport_sockets.tls",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext",
            "common_tls_context": {
                "alpn_protocols": ["h2", "http/1.1"],
                "tls_certificates": [{
                    "certificate_chain": {"filename": directory.join(CERTIFICATE)},
                    "private_key": {"filename": directory.join(PRIVATE_KEY)},
                }],
            },
        },
    });
}

fn fingerprints() -> Value {
    let state = |name: &str, format: &str| {
        json!({
            "object_key": name,
            "factory_key": "envoy.string",
            "skip_if_empty": true,
            "format_string": {"omit_empty_values": true, "text_format_source": {"inline_string": format}},
        })
    };
    json!({
        "name": "fingerprints",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.network.set_filter_state.v3.Config",
            "on_new_connection": [
                state("fp.ja3", "%TLS_JA3_FINGERPRINT%"),
                state("fp.ja4", "%TLS_JA4_FINGERPRINT%"),
            ],
        },
    })
}
