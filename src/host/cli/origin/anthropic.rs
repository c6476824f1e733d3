//! Anthropic: messages, whole and streamed.

use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode};
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse as _, Response};
use serde_json::{Value, json};
use tokio_stream::StreamExt as _;

use super::answer::{self, Answer};

/// `POST /v1/messages`
pub(super) async fn messages(headers: HeaderMap, body: Bytes) -> Response {
    let Ok(request) = serde_json::from_slice::<Value>(&body) else {
        return refuse("The request body is not valid JSON");
    };
    let Some(messages) = request
        .get("messages")
        .and_then(Value::as_array)
        .filter(|messages| !messages.is_empty())
    else {
        return refuse("messages: Field required");
    };
    let Some(cap) = request.get("max_tokens").and_then(Value::as_u64) else {
        return refuse("max_tokens: Field required");
    };
    let mut texts: Vec<String> = messages
        .iter()
        .filter_map(|message| message.get("content"))
        .map(answer::text)
        .collect();
    texts.extend(request.get("system").map(answer::text));
    let user = messages
        .iter()
        .rev()
        .find(|message| answer::string(message, "role", "") == "user");
    let last = user
        .and_then(|message| message.get("content"))
        .map(answer::text)
        .unwrap_or_default();
    let answer = Answer::new(texts.iter().map(String::as_str), &last, Some(cap));
    if request.get("stream").and_then(Value::as_bool) == Some(true) {
        stream(&request, &answer, super::delay(&headers))
    } else {
        let content = json!([{"type": "text", "text": answer.text()}]);
        let frame = frame(&request, answer.asked, answer.said());
        super::reply(
            StatusCode::OK,
            &answer::with(
                frame,
                [("content", content), ("stop_reason", json!(stop(&answer)))],
            ),
        )
    }
}

fn stream(request: &Value, answer: &Answer, delay: core::time::Duration) -> Response {
    let start = frame(request, answer.asked, 1);
    let mut events = vec![
        json!({"type": "message_start", "message": start}),
        json!({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}),
        json!({"type": "ping"}),
    ];
    let delta = |word| json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": word}});
    events.extend(answer.words.iter().map(delta));
    events.extend([
        json!({"type": "content_block_stop", "index": 0}),
        json!({
            "type": "message_delta",
            "delta": {"stop_reason": stop(answer), "stop_sequence": null},
            "usage": {"output_tokens": answer.said()},
        }),
        json!({"type": "message_stop"}),
    ]);
    let events = tokio_stream::iter(events).throttle(delay).map(|data| {
        let event = Event::default().event(answer::string(&data, "type", "error"));
        Ok::<_, core::convert::Infallible>(event.data(data.to_string()))
    });
    Sse::new(events).into_response()
}

/// A message that has said nothing yet.
fn frame(request: &Value, asked: u64, said: u64) -> Value {
    json!({
        "id": answer::id("msg_"),
        "type": "message",
        "role": "assistant",
        "model": answer::string(request, "model", "demo"),
        "content": [],
        "stop_reason": null,
        "stop_sequence": null,
        "usage": {
            "input_tokens": asked,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 0,
            "output_tokens": said,
        },
    })
}

fn stop(answer: &Answer) -> &'static str {
    if answer.cut { "max_tokens" } else { "end_turn" }
}

fn refuse(message: &str) -> Response {
    let error = json!({"type": "error", "error": {"type": "invalid_request_error", "message": message}, "request_id": answer::id("req_")});
    super::reply(StatusCode::BAD_REQUEST, &error)
}
