//! Responses: one message, whole or as typed events.

use serde_json::{Value, json};

use super::{CREATED, model};
use crate::host::cli::origin::answer::{self, Answer, Asked, Framing, Heard, Part, Said};
use crate::host::cli::origin::refusal::Refusal;
use crate::host::cli::origin::usage::{Told, Usage};
use axum::http::StatusCode;

/// `POST /v1/responses`
pub(in crate::host::cli::origin) fn respond(asked: &Asked) -> Result<Said, Refusal> {
    let instructions = asked.body.get("instructions");
    let heard = match asked.body.get("input") {
        Some(Value::String(text)) => {
            let turn = json!({"role": "user", "content": text});
            Heard::turns(&[turn], "content", "", instructions)
        }
        Some(Value::Array(items)) if !items.is_empty() => {
            Heard::turns(items, "content", "", instructions)
        }
        _ => {
            let message = "Missing required parameter: 'input'.";
            return Err(Refusal::new(StatusCode::BAD_REQUEST, message).about("input"));
        }
    };
    let cap = asked.body.get("max_output_tokens").and_then(Value::as_u64);
    let answer = asked.answer(&heard, cap, 1);
    let message = answer::id("msg_");
    let frame = frame(asked);
    Ok(if asked.streams() {
        stream(asked, &answer, &frame, &message)
    } else {
        let frame = end(frame, &answer, &message);
        asked.whole(frame, "usage", &answer.usage, usage)
    })
}

fn stream(asked: &Asked, answer: &Answer, frame: &Value, message: &str) -> Said {
    let told = asked.switches.told;
    let so_far = |done| match told {
        Told::Never => frame.clone(),
        Told::Repeated => answer::with(
            frame.clone(),
            [("usage", usage(&answer.usage.until(done, 2)))],
        ),
        _ => answer::with(frame.clone(), [("usage", Value::Null)]),
    };
    let text = answer.text();
    let part = json!({"type": "output_text", "text": "", "annotations": [], "logprobs": []});
    let whole = answer::with(part.clone(), [("text", json!(text))]);
    let item = |status: &str, content: Value| json!({"id": message, "type": "message", "status": status, "role": "assistant", "content": content});
    let at = |event: Value| {
        let place = [("item_id", json!(message)), ("content_index", json!(0))];
        answer::with(answer::with(event, place), [("output_index", json!(0))])
    };
    let mut events = vec![
        json!({"type": "response.created", "response": so_far(0)}),
        json!({"type": "response.in_progress", "response": so_far(1)}),
        json!({"type": "response.output_item.added", "output_index": 0, "item": item("in_progress", json!([]))}),
        at(json!({"type": "response.content_part.added", "part": part})),
    ];
    for word in &answer.words {
        let delta = json!({"type": "response.output_text.delta", "delta": word, "logprobs": []});
        events.push(at(delta));
    }
    let ended = end(frame.clone(), answer, message);
    let ended = match told.form(usage(&answer.usage)) {
        Some(usage) => answer::with(ended, [("usage", usage)]),
        None => ended,
    };
    let status = status(answer);
    events.extend([
        at(json!({"type": "response.output_text.done", "text": text, "logprobs": []})),
        at(json!({"type": "response.content_part.done", "part": whole})),
        json!({"type": "response.output_item.done", "output_index": 0, "item": item(status, json!([whole]))}),
        json!({"type": format!("response.{status}"), "response": ended}),
    ]);
    let numbered = events.into_iter().enumerate().map(|(number, event)| {
        Part::typed(&answer::with(event, [("sequence_number", json!(number))]))
    });
    Said::Stream(Framing::Events, numbered.collect())
}

/// A response that has said nothing yet.
fn frame(asked: &Asked) -> Value {
    let given = |name: &str| asked.body.get(name).cloned().unwrap_or_default();
    json!({
        "id": answer::id("resp_"),
        "object": "response",
        "created_at": CREATED,
        "status": "in_progress",
        "background": false,
        "error": null,
        "incomplete_details": null,
        "instructions": given("instructions"),
        "max_output_tokens": given("max_output_tokens"),
        "model": model(asked),
        "output": [],
        "parallel_tool_calls": true,
        "previous_response_id": null,
        "reasoning": {"effort": null, "summary": null},
        "service_tier": "default",
        "store": true,
        "temperature": 1.0,
        "text": {"format": {"type": "text"}},
        "tool_choice": "auto",
        "tools": [],
        "top_p": 1.0,
        "truncation": "disabled",
        "user": null,
        "metadata": {},
    })
}

/// The same when all is said.
fn end(frame: Value, answer: &Answer, message: &str) -> Value {
    let content =
        json!([{"type": "output_text", "text": answer.text(), "annotations": [], "logprobs": []}]);
    let why = if answer.cut {
        json!({"reason": "max_output_tokens"})
    } else {
        Value::Null
    };
    let status = status(answer);
    let item = json!({"id": message, "type": "message", "status": status, "role": "assistant", "content": content});
    answer::with(
        frame,
        [
            ("status", json!(status)),
            ("incomplete_details", why),
            ("output", json!([item])),
        ],
    )
}

fn status(answer: &Answer) -> &'static str {
    if answer.cut {
        "incomplete"
    } else {
        "completed"
    }
}

fn usage(usage: &Usage) -> Value {
    json!({
        "input_tokens": usage.input,
        "input_tokens_details": {"cached_tokens": usage.cached, "cache_write_tokens": 0},
        "output_tokens": usage.output,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning},
        "total_tokens": usage.total(),
    })
}
