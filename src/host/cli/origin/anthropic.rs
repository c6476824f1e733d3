//! Anthropic: messages, whole and streamed, and the count of their tokens.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::answer::{self, Answer, Asked, Framing, Heard, Part, Said};
use super::refusal::Refusal;
use super::usage::{Told, Usage};

/// `POST /v1/messages`
pub(super) fn messages(asked: &Asked) -> Result<Said, Refusal> {
    let heard = heard(asked)?;
    let Some(cap) = asked.body.get("max_tokens").and_then(Value::as_u64) else {
        let message = "max_tokens: Field required";
        return Err(Refusal::new(StatusCode::BAD_REQUEST, message));
    };
    let answer = asked.answer(&heard, Some(cap), 1);
    let frame = frame(asked);
    Ok(if asked.streams() {
        stream(asked, &answer, frame)
    } else {
        let content = json!([{"type": "text", "text": answer.text()}]);
        let members = [("content", content), ("stop_reason", json!(stop(&answer)))];
        let frame = answer::with(frame, members);
        asked.whole(frame, "usage", &answer.usage, full)
    })
}

/// `POST /v1/messages/count_tokens`
pub(super) fn count(asked: &Asked) -> Result<Said, Refusal> {
    let tokens = asked.input(&heard(asked)?);
    Ok(Said::Whole(json!({"input_tokens": tokens}).to_string()))
}

fn heard(asked: &Asked) -> Result<Heard, Refusal> {
    let messages = asked.array("messages", "messages: Field required")?;
    let system = asked.body.get("system");
    Ok(Heard::turns(messages, "content", "", system))
}

fn stream(asked: &Asked, answer: &Answer, frame: Value) -> Said {
    let told = asked.switches.told;
    let first = Usage {
        output: answer.usage.output.min(1),
        reasoning: 0,
        ..answer.usage
    };
    let start = match told.form(full(&first)) {
        Some(usage) => answer::with(frame, [("usage", usage)]),
        None => frame,
    };
    let mut events = vec![
        json!({"type": "message_start", "message": start}),
        json!({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}),
        json!({"type": "ping"}),
    ];
    let word = |word| json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": word}});
    events.extend(answer.words.iter().map(word));
    events.push(json!({"type": "content_block_stop", "index": 0}));
    let delta = |reason: Value, used: &Usage| {
        let delta = json!({"type": "message_delta", "delta": {"stop_reason": reason, "stop_sequence": null}});
        match told.form(usage(used)) {
            Some(usage) => answer::with(delta, [("usage", usage)]),
            None => delta,
        }
    };
    if told == Told::Repeated {
        let growing = |third| delta(Value::Null, &answer.usage.until(third, 3));
        events.extend([growing(1), growing(2)]);
    }
    events.push(delta(json!(stop(answer)), &answer.usage));
    events.push(json!({"type": "message_stop"}));
    let parts = events.iter().map(Part::typed).collect();
    Said::Stream(Framing::Events, parts)
}

/// A message that has said nothing yet.
fn frame(asked: &Asked) -> Value {
    json!({
        "id": answer::id("msg_"),
        "type": "message",
        "role": "assistant",
        "model": answer::string(&asked.body, "model", "demo"),
        "content": [],
        "stop_reason": null,
        "stop_sequence": null,
    })
}

/// Input that came from a cache is told apart from the rest, not as part of it.
fn usage(usage: &Usage) -> Value {
    json!({
        "input_tokens": usage.fresh(),
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": usage.cached,
        "output_tokens": usage.output,
        "output_tokens_details": {"thinking_tokens": usage.reasoning},
    })
}

/// What is told of a message and not of its end.
fn full(used: &Usage) -> Value {
    let created = json!({"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0});
    let members = [
        ("cache_creation", created),
        ("service_tier", json!("standard")),
    ];
    answer::with(usage(used), members)
}

fn stop(answer: &Answer) -> &'static str {
    if answer.cut { "max_tokens" } else { "end_turn" }
}
