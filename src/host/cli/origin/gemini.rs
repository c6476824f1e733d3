//! Gemini: generateContent, whole and streamed, as server-sent events or as a JSON array.

use axum::body::{Body, Bytes};
use axum::extract::{Path, RawQuery};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse as _, Response};
use serde_json::{Value, json};
use tokio_stream::StreamExt as _;

use super::answer::{self, Answer};

/// `POST /v1beta/models/{model}:generateContent` and `:streamGenerateContent`
pub(super) async fn generate(
    Path(call): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let (model, method) = call.rsplit_once(':').unwrap_or((&call, ""));
    if !matches!(method, "generateContent" | "streamGenerateContent") {
        return refuse(
            StatusCode::NOT_FOUND,
            "NOT_FOUND",
            &format!("models/{call} is not found for API version v1beta"),
        );
    }
    let Ok(request) = serde_json::from_slice::<Value>(&body) else {
        return refuse(
            StatusCode::BAD_REQUEST,
            "INVALID_ARGUMENT",
            "Invalid JSON payload received.",
        );
    };
    let Some(contents) = request
        .get("contents")
        .and_then(Value::as_array)
        .filter(|contents| !contents.is_empty())
    else {
        return refuse(
            StatusCode::BAD_REQUEST,
            "INVALID_ARGUMENT",
            "* GenerateContentRequest.contents: contents is not specified",
        );
    };
    let mut texts: Vec<String> = contents
        .iter()
        .filter_map(|content| content.get("parts"))
        .map(answer::text)
        .collect();
    texts.extend(
        request
            .pointer("/systemInstruction/parts")
            .map(answer::text),
    );
    // A content without a role is the user's.
    let user = contents
        .iter()
        .rev()
        .find(|content| answer::string(content, "role", "user") == "user");
    let last = user
        .and_then(|content| content.get("parts"))
        .map(answer::text)
        .unwrap_or_default();
    let cap = request
        .pointer("/generationConfig/maxOutputTokens")
        .and_then(Value::as_u64);
    let answer = Answer::new(texts.iter().map(String::as_str), &last, cap);
    if method == "generateContent" {
        return super::reply(
            StatusCode::OK,
            &part(&frame(model, &answer), &answer, &answer.text(), true),
        );
    }
    let events = query
        .unwrap_or_default()
        .split('&')
        .any(|pair| pair == "alt=sse");
    stream(model, &answer, events, super::delay(&headers))
}

fn stream(model: &str, answer: &Answer, events: bool, delay: core::time::Duration) -> Response {
    let frame = frame(model, answer);
    let last = answer.words.len().saturating_sub(1);
    let mut parts: Vec<String> = answer
        .words
        .iter()
        .enumerate()
        .map(|(index, word)| part(&frame, answer, word, index == last).to_string())
        .collect();
    if parts.is_empty() {
        parts.push(part(&frame, answer, "", true).to_string());
    }
    if events {
        let events = tokio_stream::iter(parts)
            .throttle(delay)
            .map(|data| Ok::<_, core::convert::Infallible>(Event::default().data(data)));
        return Sse::new(events).into_response();
    }
    let separated = parts
        .into_iter()
        .enumerate()
        .map(|(index, part)| format!("{}{part}", if index == 0 { "[" } else { ",\r\n" }));
    let array = separated.chain([String::from("]")]);
    let chunks = tokio_stream::iter(array)
        .throttle(delay)
        .map(Ok::<_, core::convert::Infallible>);
    (
        [(header::CONTENT_TYPE, "application/json")],
        Body::from_stream(chunks),
    )
        .into_response()
}

/// What a response and every part of a streamed one has.
fn frame(model: &str, answer: &Answer) -> Value {
    json!({
        "candidates": [],
        "usageMetadata": {
            "promptTokenCount": answer.asked,
            "candidatesTokenCount": answer.said(),
            "totalTokenCount": answer.asked.saturating_add(answer.said()),
        },
        "modelVersion": model,
        "responseId": answer::id("resp-"),
    })
}

/// A response, or a part of a streamed one.
fn part(frame: &Value, answer: &Answer, text: &str, last: bool) -> Value {
    let mut candidate =
        json!({"content": {"parts": [{"text": text}], "role": "model"}, "index": 0});
    if last {
        let reason = if answer.cut { "MAX_TOKENS" } else { "STOP" };
        candidate = answer::with(candidate, [("finishReason", json!(reason))]);
    }
    answer::with(frame.clone(), [("candidates", json!([candidate]))])
}

fn refuse(status: StatusCode, name: &str, message: &str) -> Response {
    super::reply(
        status,
        &json!({"error": {"code": status.as_u16(), "message": message, "status": name}}),
    )
}
