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

/// So many tokens of a key in a window that no burst uses them up.
pub(crate) fn metered(count: &str, window: &str) -> Value {
    json!({"name": format!("{count}-per-{window}"), "per": ["key"], "count": count, "limit": ROOMY * 1_000_000, "window": window})
}

/// A chat of so many KiB: a system text, turns with line ends and quotes in them, and a cap.
pub(crate) fn chat(kib: usize) -> String {
    const TURN: &str = "Explain why \"borrowed\" data may not outlive its owner.\nThen show it in ten lines of code, with a test, and say what the compiler answers.\n";
    let turn = |(index, role): (usize, &str)| {
        let text = format!("{index}. {TURN}{TURN}");
        json!({"role": role, "content": text})
    };
    let roles = ["system", "user", "assistant"]
        .into_iter()
        .chain(["user", "assistant"].into_iter().cycle());
    let mut messages: Vec<Value> = Vec::new();
    for (index, role) in roles.enumerate() {
        messages.push(turn((index, role)));
        let body = json!({"model": "bench", "max_tokens": 512, "messages": messages}).to_string();
        if body.len() >= kib * 1024 - 64 {
            return body;
        }
    }
    String::new()
}
