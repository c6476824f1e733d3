//! OpenAI: chat completions, whole and streamed, and the list of models.

use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode};
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse as _, Response};
use serde_json::{Value, json};
use tokio_stream::StreamExt as _;

use super::answer::{self, Answer};

/// `GET /v1/models`
pub(super) async fn models() -> Response {
    let models = json!({"object": "list", "data": [{"id": MODEL, "object": "model", "created": CREATED, "owned_by": "stillgate"}]});
    super::reply(StatusCode::OK, &models)
}

/// `POST /v1/chat/completions`
pub(super) async fn chat(headers: HeaderMap, body: Bytes) -> Response {
    let Ok(request) = serde_json::from_slice::<Value>(&body) else {
        return refuse("We could not parse the JSON body of your request.", None);
    };
    let Some(messages) = request
        .get("messages")
        .and_then(Value::as_array)
        .filter(|messages| !messages.is_empty())
    else {
        return refuse("Missing required parameter: 'messages'.", Some("messages"));
    };
    let texts: Vec<String> = messages
        .iter()
        .filter_map(|message| message.get("content"))
        .map(answer::text)
        .collect();
    let user = messages
        .iter()
        .rev()
        .find(|message| answer::string(message, "role", "") == "user");
    let last = user
        .and_then(|message| message.get("content"))
        .map(answer::text)
        .unwrap_or_default();
    let cap = ["max_completion_tokens", "max_tokens"]
        .iter()
        .find_map(|name| request.get(*name)?.as_u64());
    let answer = Answer::new(texts.iter().map(String::as_str), &last, cap);
    if request.get("stream").and_then(Value::as_bool) == Some(true) {
        stream(&request, &answer, super::delay(&headers))
    } else {
        whole(&request, &answer)
    }
}

fn whole(request: &Value, answer: &Answer) -> Response {
    let choices = json!([{
        "index": 0,
        "message": {"role": "assistant", "content": answer.text(), "refusal": null},
        "logprobs": null,
        "finish_reason": finish(answer),
    }]);
    let frame = frame(request, "chat.completion");
    super::reply(
        StatusCode::OK,
        &answer::with(frame, [("choices", choices), ("usage", usage(answer))]),
    )
}

fn stream(request: &Value, answer: &Answer, delay: core::time::Duration) -> Response {
    let frame = frame(request, "chat.completion.chunk");
    let counted = request
        .pointer("/stream_options/include_usage")
        .and_then(Value::as_bool)
        == Some(true);
    let chunk = |choices: Value, used: Option<Value>| {
        let chunk = answer::with(frame.clone(), [("choices", choices)]);
        if counted {
            answer::with(chunk, [("usage", used.unwrap_or(Value::Null))])
        } else {
            chunk
        }
        .to_string()
    };
    let delta = |delta: Value, finish: Value| {
        chunk(
            json!([{"index": 0, "delta": delta, "logprobs": null, "finish_reason": finish}]),
            None,
        )
    };
    let mut events = vec![delta(
        json!({"role": "assistant", "content": "", "refusal": null}),
        Value::Null,
    )];
    events.extend(
        answer
            .words
            .iter()
            .map(|word| delta(json!({"content": word}), Value::Null)),
    );
    events.push(delta(json!({}), json!(finish(answer))));
    if counted {
        events.push(chunk(json!([]), Some(usage(answer))));
    }
    events.push(String::from("[DONE]"));
    let events = tokio_stream::iter(events)
        .throttle(delay)
        .map(|data| Ok::<_, core::convert::Infallible>(Event::default().data(data)));
    Sse::new(events).into_response()
}

/// What every response and every chunk has.
fn frame(request: &Value, object: &str) -> Value {
    json!({
        "id": answer::id("chatcmpl-"),
        "object": object,
        "created": CREATED,
        "model": answer::string(request, "model", MODEL),
        "service_tier": "default",
        "system_fingerprint": "fp_demo",
    })
}

fn finish(answer: &Answer) -> &'static str {
    if answer.cut { "length" } else { "stop" }
}

fn usage(answer: &Answer) -> Value {
    json!({
        "prompt_tokens": answer.asked,
        "completion_tokens": answer.said(),
        "total_tokens": answer.asked.saturating_add(answer.said()),
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0},
    })
}

fn refuse(message: &str, parameter: Option<&str>) -> Response {
    let error = json!({"error": {"message": message, "type": "invalid_request_error", "param": parameter, "code": null}});
    super::reply(StatusCode::BAD_REQUEST, &error)
}

const MODEL: &str = "demo";
/// When the demo model was made: 1 November 2026. The answers carry the same, so that they repeat to the byte.
const CREATED: u64 = 1_793_491_200;
