//! OpenAI: chat completions, whole and streamed, and the list of models. Azure speaks the same, with a frill of its own.

mod completions;
mod embeddings;
mod responses;

use serde_json::{Value, json};

use super::answer::{self, Answer, Asked, Framing, Heard, Part, Said};
use super::refusal::Refusal;
use super::usage::{Told, Usage};

pub(super) use completions::complete;
pub(super) use embeddings::embed;
pub(super) use responses::respond;

/// `GET /v1/models`
pub(super) fn models(_: &Asked) -> Result<Said, Refusal> {
    let models = json!({"object": "list", "data": [{"id": MODEL, "object": "model", "created": CREATED, "owned_by": "stillgate"}]});
    Ok(Said::Whole(models.to_string()))
}

/// `POST /v1/chat/completions`
pub(super) fn chat(asked: &Asked) -> Result<Said, Refusal> {
    let messages = asked.array("messages", "Missing required parameter: 'messages'.")?;
    let heard = Heard::turns(messages, "content", "", None);
    let cap = ["max_completion_tokens", "max_tokens"]
        .iter()
        .find_map(|name| asked.body.get(*name)?.as_u64());
    let answer = asked.answer(&heard, cap, asked.choices("/n"));
    Ok(if asked.streams() {
        stream(asked, &answer)
    } else {
        let choice = |index| {
            json!({
                "index": index,
                "message": {"role": "assistant", "content": answer.text(), "refusal": null, "annotations": []},
                "logprobs": null,
                "finish_reason": finish(&answer),
            })
        };
        let choices: Value = (0..answer.choices).map(choice).collect();
        let frame = frame(asked, "chatcmpl-", "chat.completion");
        let frame = answer::with(frame, [("choices", choices)]);
        asked.whole(frame, "usage", &answer.usage, usage)
    })
}

fn stream(asked: &Asked, answer: &Answer) -> Said {
    let delta = |delta: Value, finish: Value| {
        (0..answer.choices).map(move |index| {
            json!([{"index": index, "delta": delta, "logprobs": null, "finish_reason": finish}])
        })
    };
    let role = json!({"role": "assistant", "content": "", "refusal": null});
    let mut choices: Vec<Value> = delta(role, Value::Null).collect();
    for word in &answer.words {
        choices.extend(delta(json!({"content": word}), Value::Null));
    }
    choices.extend(delta(json!({}), json!(finish(answer))));
    let frame = frame(asked, "chatcmpl-", "chat.completion.chunk");
    chunks(asked, &frame, choices, &answer.usage)
}

/// A stream of chunks, one for each of `choices`, and the usage after them if the request asks for it.
fn chunks(asked: &Asked, frame: &Value, choices: Vec<Value>, used: &Usage) -> Said {
    let told = asked.switches.told;
    let wanted = asked.body.pointer("/stream_options/include_usage");
    let counted = wanted.and_then(Value::as_bool) == Some(true) && told != Told::Never;
    let all = choices.len();
    let mut parts = Vec::new();
    if asked.path.contains_key("deployment") {
        // Azure tells first what its filter made of the prompt, in a chunk that has nothing else.
        let filtered = json!([{"prompt_index": 0, "content_filter_results": {}}]);
        parts.push(Part::new(json!({
            "choices": [], "created": 0, "id": "", "model": "", "object": "", "prompt_filter_results": filtered,
        })));
    }
    for (place, choices) in choices.into_iter().enumerate() {
        let chunk = answer::with(frame.clone(), [("choices", choices)]);
        let so_far = if told == Told::Repeated {
            usage(&used.until(place, all))
        } else {
            Value::Null
        };
        parts.push(Part::new(if counted {
            answer::with(chunk, [("usage", so_far)])
        } else {
            chunk
        }));
    }
    if counted && let Some(usage) = told.form(usage(used)) {
        let members = [("choices", json!([])), ("usage", usage)];
        parts.push(Part::new(answer::with(frame.clone(), members)));
    }
    parts.push(Part::new("[DONE]"));
    Said::Stream(Framing::Events, parts)
}

/// What every response and every chunk has.
fn frame(asked: &Asked, id: &str, object: &str) -> Value {
    json!({
        "id": answer::id(id),
        "object": object,
        "created": CREATED,
        "model": model(asked),
        "service_tier": "default",
        "system_fingerprint": "fp_demo",
    })
}

/// The model that was asked for, in the body or in Azure's path.
fn model(asked: &Asked) -> &str {
    let deployment = asked.path.get("deployment").map_or(MODEL, String::as_str);
    answer::string(&asked.body, "model", deployment)
}

fn finish(answer: &Answer) -> &'static str {
    if answer.cut { "length" } else { "stop" }
}

fn usage(usage: &Usage) -> Value {
    json!({
        "prompt_tokens": usage.input,
        "completion_tokens": usage.output,
        "total_tokens": usage.total(),
        "prompt_tokens_details": {"cached_tokens": usage.cached, "cache_write_tokens": 0, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": usage.reasoning,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    })
}

/// The texts of a `prompt` or an `input`: one or several, each a string or an array of tokens.
fn texts(asked: &Asked, name: &str) -> Result<Vec<String>, Refusal> {
    let tokens = |item: &Value| match item {
        Value::String(text) => Some(text.clone()),
        Value::Array(tokens) if !tokens.is_empty() && tokens.iter().all(Value::is_number) => {
            Some(tokens.iter().map(|token| format!("{token} ")).collect())
        }
        _ => None,
    };
    let texts: Option<Vec<String>> = match asked.body.get(name) {
        Some(one) if tokens(one).is_some() => tokens(one).map(|text| vec![text]),
        Some(Value::Array(several)) => several.iter().map(tokens).collect(),
        _ => None,
    };
    texts.filter(|texts| !texts.is_empty()).ok_or_else(|| {
        let message = format!("Missing required parameter: '{name}'.");
        Refusal::new(axum::http::StatusCode::BAD_REQUEST, message).about(name)
    })
}

const MODEL: &str = "demo";
/// When the demo model was made: 1 November 2026. The answers carry the same, so that they repeat to the byte.
const CREATED: u64 = 1_793_491_200;
