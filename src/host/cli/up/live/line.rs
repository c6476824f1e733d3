//! What Envoy and the worker print, as the page is told of it.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// What the page is told of a request, of what Envoy's access log says: not who asked. Of the worker's it is not known what was asked,
/// only what was decided.
#[derive(Debug, Default, Deserialize, Serialize)]
pub(super) struct Request {
    #[serde(deserialize_with = "moment")]
    time: u64,
    #[serde(default, deserialize_with = "short")]
    method: Option<String>,
    #[serde(default, deserialize_with = "short")]
    path: Option<String>,
    status: Option<u16>,
    #[serde(default, deserialize_with = "short")]
    details: Option<String>,
    #[serde(default, deserialize_with = "short")]
    ja4: Option<String>,
    milliseconds: Option<u64>,
    #[serde(default, deserialize_with = "decision")]
    decision: Option<Value>,
}

impl Request {
    /// What a line of standard output says of a request; nothing if it is about something else.
    pub(super) fn printed(line: &str, now: u64) -> Option<Self> {
        let Some(record) = line.strip_prefix("stillgate ") else {
            return serde_json::from_str(line).ok();
        };
        Some(Self {
            time: now,
            decision: Some(object(record)?),
            ..Self::default()
        })
    }
}

/// What a line says of a campaign, with the time: Envoy's filter has it in the log, the worker on standard output.
pub(super) fn campaign(line: &str, now: u64) -> Option<Value> {
    let (_, told) = line.split_once("stillgate: campaign ")?;
    let mut told = object(told)?;
    told.get("campaign")?;
    told.as_object_mut()?
        .insert(String::from("time"), now.into());
    Some(told)
}

fn object(text: &str) -> Option<Value> {
    let value: Value = serde_json::from_str(text).ok()?;
    value.is_object().then_some(value)
}

/// Milliseconds since 1970 of what Envoy writes as `2026-11-24T12:34:56.789Z`.
fn moment<'de, D: Deserializer<'de>>(from: D) -> Result<u64, D::Error> {
    let text = String::deserialize(from)?;
    let moment = OffsetDateTime::parse(&text, &Rfc3339).ok();
    let wrong = || D::Error::custom("no moment since 1970");
    moment.and_then(millis).ok_or_else(wrong)
}

/// A decision; filter state is text to Envoy.
fn decision<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Value>, D::Error> {
    Ok(match Option::<Value>::deserialize(from)? {
        Some(Value::String(text)) => object(&text),
        decision => decision.filter(Value::is_object),
    })
}

/// Now, in milliseconds since 1970.
pub(super) fn now() -> u64 {
    millis(OffsetDateTime::now_utc()).unwrap_or(0)
}

fn millis(moment: OffsetDateTime) -> Option<u64> {
    u64::try_from(moment.unix_timestamp_nanos() / 1_000_000).ok()
}

/// A text that is cut: clients choose how long these are, and the page remembers a thousand of them.
fn short<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    let mut text = Option::<String>::deserialize(from)?;
    if let Some(long) = text.as_mut().filter(|text| text.len() > LONGEST) {
        long.truncate(long.floor_char_boundary(LONGEST));
        long.push('…');
    }
    Ok(text)
}

/// Bytes of the longest text that is told whole.
const LONGEST: usize = 1024;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn printed(line: &str) -> Value {
        serde_json::to_value(Request::printed(line, 7)).expect("JSON")
    }

    #[test]
    fn a_line_of_the_access_log_is_told_without_who_asked() {
        let line = r#"{"time":"2026-11-24T12:34:56.789Z","client":"192.0.2.7","protocol":"HTTP/1.1","method":"POST",
            "path":"/v1/embeddings","status":429,"details":"stillgate:throttle:quota:a","flags":"-","ja4":null,
            "milliseconds":3,"sent":120,"request_id":"0e5c","decision":{"verdict":"throttle","reason":"quota"}}"#;
        let told = json!({"time": 1_795_523_696_789_u64, "method": "POST", "path": "/v1/embeddings", "status": 429,
            "details": "stillgate:throttle:quota:a", "ja4": null, "milliseconds": 3,
            "decision": {"verdict": "throttle", "reason": "quota"}});
        assert_eq!(printed(line), told);
    }

    #[test]
    fn a_decision_may_be_text_and_may_be_missing() {
        let decided = |decision: &str| {
            let line = format!(r#"{{"time":"1970-01-01T00:00:01Z","decision":{decision}}}"#);
            printed(&line)["decision"].take()
        };
        assert_eq!(
            decided(r#""{\"verdict\":\"deny\"}""#),
            json!({"verdict": "deny"})
        );
        assert_eq!(decided("null"), json!(null));
        assert_eq!(decided(r#""-""#), json!(null));
        assert_eq!(decided("7"), json!(null));
    }

    #[test]
    fn a_record_of_the_worker_has_the_time_at_which_it_was_read() {
        let told = printed(r#"stillgate {"verdict":"deny","reason":"list"}"#);
        assert_eq!(
            told,
            json!({"time": 7, "method": null, "path": null, "status": null, "details": null, "ja4": null,
                "milliseconds": null, "decision": {"verdict": "deny", "reason": "list"}})
        );
    }

    #[test]
    fn what_is_no_request_is_left_out() {
        for line in [
            "",
            "hello",
            "{",
            "[]",
            "{}",
            r#"{"time":"today"}"#,
            r#"{"time":"1969-12-31T23:59:59Z"}"#,
            "stillgate 7",
            "stillgate {",
            r#"stillgate: campaign {"campaign":"c-1"}"#,
        ] {
            assert_eq!(printed(line), json!(null), "{line}");
        }
    }

    #[test]
    fn long_texts_are_cut_between_letters() {
        let path = "/é".repeat(600);
        let line = json!({"time": "1970-01-01T00:00:01Z", "path": path}).to_string();
        let told = printed(&line)["path"].take();
        let told = told
            .as_str()
            .expect("a path")
            .strip_suffix('…')
            .expect("a cut");
        assert!(path.starts_with(told));
        assert!((1020..=1024).contains(&told.len()), "{}", told.len());
    }

    #[test]
    fn campaigns_are_found_in_either_log() {
        let known = r#"{"campaign":"c-c9126a4c82d64857","event":"convicted","keys":1889,"terms":{"spread":3.0}}"#;
        let told = json!({"campaign": "c-c9126a4c82d64857", "event": "convicted", "keys": 1889, "terms": {"spread": 3.0}, "time": 7});
        for before in ["[warning][wasm] wasm log stillgate stillgate: ", ""] {
            let line = format!("{before}stillgate: campaign {known}");
            assert_eq!(campaign(&line, 7).as_ref(), Some(&told), "{line}");
        }
        for line in [
            known.to_owned(),
            format!("stillgate: campaign {known}x"),
            String::from("stillgate: campaign 7"),
            String::from("stillgate: campaign {}"),
        ] {
            assert_eq!(campaign(&line, 7), None, "{line}");
        }
    }
}
