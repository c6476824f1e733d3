//! Usage in each dialect's own terms, true and spoiled.

use serde_json::{Value, json};

use crate::harness::{Demo, Way, ways};

/// All usages that a part tells, wherever they are.
fn usages(part: &Value) -> Vec<&Value> {
    let Some(members) = part.as_object() else {
        return Vec::new();
    };
    members
        .iter()
        .flat_map(|(name, value)| match name.as_str() {
            "usage" | "usageMetadata" if !value.is_null() => vec![value],
            _ => usages(value),
        })
        .collect()
}

/// All numbers in it.
fn numbers(value: &Value) -> Vec<&Value> {
    match value {
        Value::Object(members) => members.values().flat_map(numbers).collect(),
        Value::Array(items) => items.iter().flat_map(numbers).collect(),
        Value::String(text) if text.parse::<u64>().is_err() => Vec::new(),
        number => vec![number],
    }
}

async fn told(demo: &Demo, way: &Way, headers: &[(&str, &str)]) -> (String, Vec<Value>) {
    let reply = demo.ask(way.path, &way.body, headers).await;
    assert_eq!(reply.status, 200, "{}: {}", way.path, reply.text());
    let usages = reply.parts().iter().flat_map(usages).cloned().collect();
    (reply.text().to_owned(), usages)
}

/// The counts that a dialect is expected to tell last, whatever else it tells.
fn expected(path: &str, [input, output, cached, reasoning]: [u64; 4]) -> Value {
    let (total, visible) = (input + output, output - reasoning);
    if path.contains("embeddings") {
        json!({"prompt_tokens": input, "total_tokens": input})
    } else if path.contains("responses") {
        json!({
            "input_tokens": input, "output_tokens": output, "total_tokens": total,
            "input_tokens_details": {"cached_tokens": cached},
            "output_tokens_details": {"reasoning_tokens": reasoning},
        })
    } else if path.contains("completions") {
        json!({
            "prompt_tokens": input, "completion_tokens": output, "total_tokens": total,
            "prompt_tokens_details": {"cached_tokens": cached},
            "completion_tokens_details": {"reasoning_tokens": reasoning},
        })
    } else if path.contains("messages") {
        json!({
            "input_tokens": input - cached, "cache_read_input_tokens": cached,
            "cache_creation_input_tokens": 0, "output_tokens": output,
            "output_tokens_details": {"thinking_tokens": reasoning},
        })
    } else {
        let mut usage = json!({"promptTokenCount": input, "candidatesTokenCount": visible, "totalTokenCount": total});
        if cached > 0 {
            usage["cachedContentTokenCount"] = json!(cached);
        }
        if reasoning > 0 {
            usage["thoughtsTokenCount"] = json!(reasoning);
        }
        usage
    }
}

/// Whether all that is expected is there.
fn includes(told: &Value, expected: &Value) -> bool {
    match expected {
        Value::Object(members) => members
            .iter()
            .all(|(name, value)| told.get(name).is_some_and(|told| includes(told, value))),
        value => told == value,
    }
}

#[tokio::test]
async fn words_are_counted_unless_other_counts_are_asked_for() {
    let demo = Demo::start().await;
    for way in ways() {
        let words = match way.path {
            "/v1/embeddings" => [3, 0, 0, 0],
            "/v1/completions" => [3, 3, 0, 0],
            _ => [6, 3, 0, 0],
        };
        for (headers, truth) in [
            (&[][..], words),
            (&[("x-demo-tokens", "90,40,30,10")], [90, 40, 30, 10]),
            (&[("x-demo-tokens", "0,0")], [0, 0, 0, 0]),
        ] {
            let (text, usages) = told(&demo, &way, headers).await;
            let last = usages.last().expect("a usage");
            let expected = expected(way.path, truth);
            assert!(includes(last, &expected), "{} {expected}: {text}", way.path);
        }
    }
}

#[tokio::test]
async fn an_anthropic_stream_tells_its_input_first_and_a_gemini_stream_all_so_far() {
    let demo = Demo::start().await;
    let asked = [("x-demo-tokens", "90,40,30,10")];
    for way in ways().iter().filter(|way| way.streams) {
        let (_, usages) = told(&demo, way, &asked).await;
        if way.path == "/v1/messages" {
            let first = &usages[0];
            assert_eq!(usages.len(), 2);
            assert!(
                includes(first, &expected(way.path, [90, 1, 30, 0])),
                "{first}"
            );
        } else if way.path.contains(":stream") {
            // Thoughts come before the words, and the words of 30 tokens by thirds.
            for (usage, output) in usages.iter().zip([20, 30, 40]) {
                let expected = expected(way.path, [90, output, 30, 10]);
                assert!(includes(usage, &expected), "{usage}");
            }
            assert_eq!(usages.len(), 3);
        } else {
            assert_eq!(usages.len(), 1, "{}", way.path);
        }
    }
}

#[tokio::test]
async fn openai_streams_tell_nothing_without_being_asked() {
    let demo = Demo::start().await;
    for mut way in ways() {
        if way.streams && way.path.ends_with("completions") {
            for options in [json!(null), json!({}), json!({"include_usage": false})] {
                way.body["stream_options"] = options;
                for spoiled in ["negative", "repeated", "none"] {
                    let (text, _) = told(&demo, &way, &[("x-demo-usage", spoiled)]).await;
                    assert!(!text.contains("usage"), "{text}");
                }
            }
        }
    }
}

#[tokio::test]
async fn spoiled_usage_is_spoiled_everywhere() {
    let demo = Demo::start().await;
    for way in ways() {
        let spoiled = async |how| {
            let headers = [("x-demo-tokens", "90,40,30,10"), ("x-demo-usage", how)];
            told(&demo, &way, &headers).await
        };
        let (text, _) = spoiled("none").await;
        assert!(!text.contains("usage"), "{text}");

        let holds = |how: &str, number: &Value| match how {
            "negative" => number.as_i64().is_some_and(|count| count <= 0),
            "absurd" => number == &json!(1e300) || number == &json!(1_u64 << 63),
            _ => number.is_string(),
        };
        for how in ["negative", "absurd", "text"] {
            let (text, usages) = spoiled(how).await;
            assert!(!usages.is_empty(), "{text}");
            for number in usages.iter().flat_map(numbers) {
                assert!(holds(how, number), "{how}: {number} in {text}");
            }
        }
        let (text, usages) = spoiled("absurd").await;
        let numbers: Vec<&Value> = usages.iter().flat_map(numbers).collect();
        assert!(numbers.contains(&&json!(1e300)), "{text}");
        assert!(numbers.contains(&&json!(1_u64 << 63)), "{text}");
    }
}

#[tokio::test]
async fn repeated_usage_grows_up_to_the_truth() {
    let demo = Demo::start().await;
    for way in ways() {
        let headers = [
            ("x-demo-tokens", "90,40,30,10"),
            ("x-demo-usage", "repeated"),
        ];
        let (text, usages) = told(&demo, &way, &headers).await;
        let output = |usage: &Value| {
            let names = ["output_tokens", "completion_tokens", "totalTokenCount"];
            names.iter().find_map(|name| usage[*name].as_u64())
        };
        let last = usages.last().expect("a usage");
        let truth = if way.path.contains("embeddings") {
            [90, 0, 0, 0]
        } else {
            [90, 40, 30, 10]
        };
        assert!(includes(last, &expected(way.path, truth)), "{text}");
        if way.streams {
            assert!(usages.len() > 2, "{text}");
            assert!(usages.is_sorted_by_key(output), "{text}");
        } else {
            let name = if way.path.contains("generate") {
                "\"usageMetadata\":"
            } else {
                "\"usage\":"
            };
            let parts: Vec<&str> = text.split(name).collect();
            assert_eq!(parts.len(), 3, "{text}");
            assert!(
                parts[1].contains(":45") || parts[1].contains(":20"),
                "half comes first: {text}"
            );
        }
    }
}

#[tokio::test]
async fn input_is_counted_without_an_answer() {
    let demo = Demo::start().await;
    let messages = json!({"model": "m", "system": "be kind", "messages": [{"role": "user", "content": "hello big world"}]});
    let contents = json!({"contents": [{"parts": [{"text": "hello big world of five"}]}]});
    let request = json!({"generateContentRequest": contents});
    let vertex = "/v1/projects/p/locations/l/publishers/google/models/g:countTokens";
    for (path, body, member) in [
        ("/v1/messages/count_tokens", &messages, "input_tokens"),
        ("/v1beta/models/g:countTokens", &contents, "totalTokens"),
        ("/v1beta/models/g:countTokens", &request, "totalTokens"),
        (vertex, &contents, "totalTokens"),
    ] {
        assert_eq!(demo.post(path, body).await.json()[member], 5, "{path}");
        let other = demo.ask(path, body, &[("x-demo-tokens", "90,0")]).await;
        assert_eq!(other.json()[member], 90, "{path}");
    }
}
