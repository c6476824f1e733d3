//! Prometheus' text format, as far as counters and gauges need it.

use serde::Serialize;
use serde_json::{Map, Number, Value};

/// One number of a page of metrics.
#[derive(Debug, PartialEq, Serialize)]
pub(super) struct Metric {
    pub(super) name: String,
    pub(super) labels: Map<String, Value>,
    pub(super) value: Number,
}

/// The metrics whose names begin so. What is no metric, or has no finite value, is left out.
pub(super) fn read(text: &str, beginning: &str) -> Vec<Metric> {
    let lines = text.lines().map(str::trim_start);
    lines
        .filter(|line| line.starts_with(beginning))
        .filter_map(metric)
        .collect()
}

fn metric(line: &str) -> Option<Metric> {
    let end = line.find(['{', ' ', '\t'])?;
    let (name, rest) = line.split_at(end);
    let (labels, rest) = match rest.strip_prefix('{') {
        Some(rest) => labels(rest)?,
        None => (Map::new(), rest),
    };
    // A moment may follow the value.
    let value = rest.split_ascii_whitespace().next()?;
    Some(Metric {
        name: name.to_owned(),
        labels,
        value: number(value)?,
    })
}

/// Labels from behind the opening brace on, and what comes after the closing one.
fn labels(mut rest: &str) -> Option<(Map<String, Value>, &str)> {
    let mut labels = Map::new();
    loop {
        rest = rest.trim_start_matches([' ', '\t', ',']);
        if let Some(after) = rest.strip_prefix('}') {
            return Some((labels, after));
        }
        let (name, after) = rest.split_once('=')?;
        let (value, after) = quoted(after.trim_start().strip_prefix('"')?)?;
        labels.insert(name.trim_end().to_owned(), Value::String(value));
        rest = after;
    }
}

/// A text from behind its opening quote on, and what comes after the closing one.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut letters = text.chars();
    loop {
        match letters.next()? {
            '"' => return Some((value, letters.as_str())),
            '\\' => match letters.next()? {
                'n' => value.push('\n'),
                // A backslash or a quote; anything else stands for itself, with its backslash.
                letter @ ('\\' | '"') => value.push(letter),
                letter => value.extend(['\\', letter]),
            },
            letter => value.push(letter),
        }
    }
}

/// A whole number as one, and any other that is finite.
fn number(text: &str) -> Option<Number> {
    let whole = text.parse::<u64>().ok().map(Number::from);
    whole.or_else(|| Number::from_f64(text.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read_all(text: &str) -> Value {
        serde_json::to_value(read(text, "stillgate_")).expect("JSON")
    }

    #[test]
    fn counters_come_with_their_labels() {
        let text = "# TYPE stillgate_requests_total counter\n\
            stillgate_requests_total{verdict=\"allow\",reason=\"none\"} 5\n\
            stillgate_requests_total{ verdict = \"deny\" , reason=\"list\",} 18446744073709551615 1700000000000\n\
            stillgate_evictions_total{} 0\n\
            stillgate_campaign_sittings_total 12.5\n\
            \n\
            envoy_cluster_upstream_rq{verdict=\"allow\"} 5\n\
            not_stillgate_requests_total 5\n";
        assert_eq!(
            read_all(text),
            json!([
                {"name": "stillgate_requests_total", "labels": {"verdict": "allow", "reason": "none"}, "value": 5},
                {"name": "stillgate_requests_total", "labels": {"verdict": "deny", "reason": "list"}, "value": u64::MAX},
                {"name": "stillgate_evictions_total", "labels": {}, "value": 0},
                {"name": "stillgate_campaign_sittings_total", "labels": {}, "value": 12.5},
            ])
        );
    }

    #[test]
    fn what_is_escaped_in_a_label_is_what_was_meant() {
        let text = r#"stillgate_x{a="q\"uo\\te\n}, b=\"",b="{ \t é"} 1"#;
        assert_eq!(
            read_all(text),
            json!([{"name": "stillgate_x", "labels": {"a": "q\"uo\\te\n}, b=\"", "b": "{ \\t é"}, "value": 1}])
        );
    }

    #[test]
    fn what_is_no_metric_is_left_out() {
        for line in [
            "stillgate_x",
            "stillgate_x ",
            "stillgate_x NaN",
            "stillgate_x +Inf",
            "stillgate_x many",
            "stillgate_x{a=\"b} 1",
            "stillgate_x{a=\"b\" 1",
            "stillgate_x{a} 1",
            "stillgate_x{a=b} 1",
            "stillgate_x{a=\"\\",
            "stillgate_x{",
        ] {
            assert_eq!(read_all(line), json!([]), "{line}");
        }
    }
}
