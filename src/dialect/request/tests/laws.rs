//! What holds for any body.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

/// Values of any type, many of them such as requests have.
fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        "[a-z\"\\\\\n中]{0,6}".prop_map(Value::from),
        prop::sample::select(vec!["user", "system", "tool_result", "text"]).prop_map(Value::from),
    ];
    let names = vec![
        "model",
        "messages",
        "role",
        "content",
        "text",
        "type",
        "parts",
        "system",
        "image_url",
        "source",
        "data",
        "stream_options",
        "include_usage",
        "tools",
        "input",
        "max_tokens",
        "generationConfig",
        "maxOutputTokens",
    ];
    leaf.prop_recursive(5, 40, 5, move |inner| {
        let members =
            prop::collection::vec((prop::sample::select(names.clone()), inner.clone()), 0..5);
        prop_oneof![
            prop::collection::vec(inner, 0..4).prop_map(Value::from),
            members.prop_map(|members| {
                members
                    .into_iter()
                    .map(|(name, value)| (name.to_owned(), value))
                    .collect::<Value>()
            }),
        ]
    })
}

proptest! {
    #[test]
    fn no_bytes_panic(body in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = read(&body);
    }

    /// Where serde_json reads an object, this reads the same model and the same bound from it.
    #[test]
    fn agrees_with_serde_json(mut members in prop::collection::vec(
        (prop::sample::select(vec!["a", "model", "mod\\u0065l", "max_tokens", "messages"]), value()), 0..4,
    )) {
        members.truncate(4);
        let written: Vec<String> = members.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
        let body = format!("{{{}}}", written.join(", "));
        let expected: serde_json::Map<String, Value> = serde_json::from_str(&body).unwrap();
        let Some(prompt) = read(body.as_bytes()) else {
            let models = members.iter().filter(|(name, _)| name.starts_with("mod"));
            prop_assert!(models.clone().count() > 1 || models.clone().any(|(_, value)| !value.is_string()), "{}", body);
            return Ok(());
        };
        let model = expected.get("model").and_then(Value::as_str).filter(|name| !name.is_empty());
        prop_assert_eq!(prompt.model.as_deref(), model.map(str::as_bytes), "{}", body);
        prop_assert_eq!(prompt.output_cap(Api::Chat), expected.get("max_tokens").and_then(Value::as_u64), "{}", body);
    }

    /// Whatever a body holds, its texts lie between quotes, and a change leaves it the body that is meant.
    #[test]
    fn spans_are_strings_and_edits_do_what_they_say(
        members in prop::collection::btree_map("messages|contents|input|prompt|system|stream_options|a", value(), 0..4),
    ) {
        let mut body = json!(members);
        body["stream"] = true.into();
        let text = body.to_string();
        let prompt = read(text.as_bytes()).unwrap();
        for range in [&prompt.user, &prompt.system, &prompt.opening].into_iter().flat_map(Spans::iter) {
            let quoted = &text[range.start - 1..=range.end];
            prop_assert!(serde_json::from_str::<String>(quoted).is_ok(), "{} in {}", quoted, text);
        }
        if let Some(edit) = prompt.usage_edit() {
            let changed = format!("{}{}{}", &text[..edit.at], edit.insert, &text[edit.at + edit.remove..]);
            let changed: Value = serde_json::from_str(&changed).unwrap();
            if !body["stream_options"].is_object() {
                body["stream_options"] = json!({});
            }
            body["stream_options"]["include_usage"] = true.into();
            prop_assert_eq!(changed, body);
        }
    }
}
