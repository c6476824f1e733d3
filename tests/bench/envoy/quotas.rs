//! The quotas that Stillgate is measured with.

use serde_json::{Value, json};

/// Five quotas: the first, the first three or all are used. The windows grow and the limits with them, since a rule that
/// another one always forestalls is a fault.
pub(crate) fn quotas(limit: u64, windows: [&str; 3]) -> [Value; 5] {
    let [short, middle, long] = windows.map(|window| move |limit: u64| requests(limit, window));
    [
        short(limit),
        middle(limit * 2),
        long(limit * 4),
        json!({"name": "in-flight", "per": ["key"], "count": "concurrent", "limit": 1000}),
        json!({"name": "network", "per": ["network"], "count": "requests", "limit": ROOMY, "window": "1m"}),
    ]
}

/// So many requests of a key in a window.
pub(crate) fn requests(limit: u64, window: &str) -> Value {
    json!({"name": format!("requests-per-{window}"), "per": ["key"], "count": "requests", "limit": limit, "window": window})
}

/// A limit that no burst reaches.
pub(crate) const ROOMY: u64 = 500_000_000;
