//! The older completions: a prompt, or several, and a text for each.

use serde_json::{Value, json};

use super::{chunks, finish, frame, texts, usage};
use crate::host::cli::origin::answer::{self, Answer, Asked, Heard, Said};
use crate::host::cli::origin::refusal::Refusal;
use crate::host::cli::origin::usage::Usage;

/// `POST /v1/completions`
pub(in crate::host::cli::origin) fn complete(asked: &Asked) -> Result<Said, Refusal> {
    let cap = asked.body.get("max_tokens").and_then(Value::as_u64);
    let prompts = texts(asked, "prompt")?;
    let answers: Vec<Answer> = prompts
        .into_iter()
        .map(|prompt| asked.answer(&Heard::text(prompt), cap, asked.choices("/n")))
        .collect();
    let used = asked.switches.tokens.unwrap_or_else(|| sum(&answers));
    // Every prompt has its answers one after the other.
    let each = || {
        let copies = answers
            .iter()
            .flat_map(|answer| core::iter::repeat_n(answer, answer.choices));
        copies.enumerate()
    };
    let frame = frame(asked, "cmpl-", "text_completion");
    Ok(if asked.streams() {
        let mut choices = Vec::new();
        for (index, answer) in each() {
            choices.extend(
                answer
                    .words
                    .iter()
                    .map(|word| json!([choice(index, word, None)])),
            );
            choices.push(json!([choice(index, "", Some(finish(answer)))]));
        }
        chunks(asked, &frame, choices, &used)
    } else {
        let choices: Value = each()
            .map(|(index, answer)| choice(index, &answer.text(), Some(finish(answer))))
            .collect();
        let frame = answer::with(frame, [("choices", choices)]);
        asked.whole(frame, "usage", &used, usage)
    })
}

fn choice(index: usize, text: &str, finish: Option<&str>) -> Value {
    json!({"text": text, "index": index, "logprobs": null, "finish_reason": finish})
}

fn sum(answers: &[Answer]) -> Usage {
    let sum = Usage::default();
    answers.iter().fold(sum, |sum, answer| Usage {
        input: sum.input.saturating_add(answer.usage.input),
        output: sum.output.saturating_add(answer.usage.output),
        ..sum
    })
}
