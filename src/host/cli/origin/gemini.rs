//! Gemini and Vertex: generateContent, whole and streamed, as server-sent events or as a JSON array, and countTokens.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::answer::{self, Answer, Asked, Framing, Heard, Part, Said};
use super::refusal::Refusal;
use super::usage::Usage;

/// `POST /v1beta/models/{model}:{method}`
pub(super) fn call(asked: &Asked) -> Result<Said, Refusal> {
    let call = asked.path.get("call").map_or("", String::as_str);
    let (model, method) = call.rsplit_once(':').unwrap_or((call, ""));
    match method {
        "generateContent" => generate(asked, model),
        "streamGenerateContent" => stream(asked, model),
        "countTokens" => count(asked),
        _ => {
            let message = format!("models/{call} is not found, or has no such method");
            Err(Refusal::new(StatusCode::NOT_FOUND, message))
        }
    }
}

fn generate(asked: &Asked, model: &str) -> Result<Said, Refusal> {
    let answer = answer(asked)?;
    let said = part(&frame(model), &answer, &answer.text(), true);
    Ok(asked.whole(said, "usageMetadata", &answer.usage, usage))
}

fn stream(asked: &Asked, model: &str) -> Result<Said, Refusal> {
    let answer = answer(asked)?;
    let frame = frame(model);
    // Even an empty answer has a part, for the reason of its end.
    let all = answer.words.len().max(1);
    let parts = (1..=all).zip(answer.words.iter().map(String::as_str).chain([""]));
    let parts = parts.map(|(done, word)| {
        let part = part(&frame, &answer, word, done == all);
        let used = usage(&answer.usage.until(done, all));
        Part::new(match asked.switches.told.form(used) {
            Some(usage) => answer::with(part, [("usageMetadata", usage)]),
            None => part,
        })
    });
    let framing = if asked.query.split('&').any(|pair| pair == "alt=sse") {
        Framing::Events
    } else {
        Framing::Array
    };
    Ok(Said::Stream(framing, parts.collect()))
}

fn count(asked: &Asked) -> Result<Said, Refusal> {
    // The contents, or the whole request that they are to be part of.
    let request = asked.body.get("generateContentRequest");
    let tokens = asked.input(&heard(request.unwrap_or(&asked.body))?);
    let count = json!({"totalTokens": tokens, "promptTokensDetails": [{"modality": "TEXT", "tokenCount": tokens}]});
    Ok(Said::Whole(count.to_string()))
}

fn answer(asked: &Asked) -> Result<Answer, Refusal> {
    let cap = asked.body.pointer("/generationConfig/maxOutputTokens");
    let choices = asked.choices("/generationConfig/candidateCount");
    let heard = heard(&asked.body)?;
    Ok(asked.answer(&heard, cap.and_then(Value::as_u64), choices))
}

fn heard(request: &Value) -> Result<Heard, Refusal> {
    let contents = request.get("contents").and_then(Value::as_array);
    let contents = contents.filter(|contents| !contents.is_empty());
    let contents = contents.ok_or_else(|| {
        let message = "* GenerateContentRequest.contents: contents is not specified";
        Refusal::new(StatusCode::BAD_REQUEST, message)
    })?;
    let system = request.pointer("/systemInstruction/parts");
    // A content without a role is the user's.
    Ok(Heard::turns(contents, "parts", "user", system))
}

/// What a response and every part of a streamed one has.
fn frame(model: &str) -> Value {
    json!({"candidates": [], "modelVersion": model, "responseId": answer::id("resp-")})
}

/// A response, or a part of a streamed one.
fn part(frame: &Value, answer: &Answer, text: &str, last: bool) -> Value {
    let candidate = |index| {
        let said = json!({"content": {"parts": [{"text": text}], "role": "model"}, "index": index});
        if last {
            let reason = if answer.cut { "MAX_TOKENS" } else { "STOP" };
            answer::with(said, [("finishReason", json!(reason))])
        } else {
            said
        }
    };
    let candidates: Value = (0..answer.choices).map(candidate).collect();
    answer::with(frame.clone(), [("candidates", candidates)])
}

/// Thoughts are told apart from the candidates, cached input as part of the prompt; both only where there are any.
fn usage(usage: &Usage) -> Value {
    let mut told = json!({
        "promptTokenCount": usage.input,
        "candidatesTokenCount": usage.visible(),
        "totalTokenCount": usage.total(),
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": usage.input}],
    });
    if usage.cached > 0 {
        let details = json!([{"modality": "TEXT", "tokenCount": usage.cached}]);
        let members = [
            ("cachedContentTokenCount", json!(usage.cached)),
            ("cacheTokensDetails", details),
        ];
        told = answer::with(told, members);
    }
    if usage.reasoning > 0 {
        told = answer::with(told, [("thoughtsTokenCount", json!(usage.reasoning))]);
    }
    told
}
