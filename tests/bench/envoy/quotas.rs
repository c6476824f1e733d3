//! The quotas that Stillgate is measured with.

use serde_json::{Value, json};

use crate::load::mix;

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

/// Four checks, of which none finds anything: a list of 10,000, a contradiction, and two that count.
pub(crate) fn checks() -> [Value; 4] {
    let list: Vec<String> = (0..10_000)
        .map(|number: u64| format!("t13d1516h2_{:012x}_02713d6af862", mix(number) >> 16))
        .collect();
    [
        json!({"name": "known-scraper", "trait": "ja4", "in": list, "then": "deny"}),
        json!({"name": "impostor", "contradiction": ["agent", "ja4"], "then": "tag"}),
        json!({"name": "shared-key", "per": ["key"], "distinct": "network", "limit": 20, "window": "1d", "then": "tag"}),
        json!({"name": "key-farm", "per": ["network", "shape", "ja4"], "distinct": "key", "limit": MANY, "window": "1d", "then": "verify"}),
    ]
}

/// More keys than take part.
const MANY: u64 = 100_000_000;

/// The JA4 that all clients have: that of Python, as they say they are.
pub(crate) const JA4: &str = "t13d1812h1_85036bcba153_d41ae481755e";

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
