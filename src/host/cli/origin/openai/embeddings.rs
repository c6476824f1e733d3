//! Embeddings: a vector for each text, and no output to count.

use axum::http::StatusCode;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use super::{model, texts};
use crate::host::cli::origin::answer::{Asked, Heard, Said};
use crate::host::cli::origin::refusal::Refusal;
use crate::host::cli::origin::usage::Usage;

/// `POST /v1/embeddings`
pub(in crate::host::cli::origin) fn embed(asked: &Asked) -> Result<Said, Refusal> {
    let texts = texts(asked, "input")?;
    let size = asked.body.get("dimensions").map_or(Some(8), Value::as_u64);
    let size = size.and_then(|size| usize::try_from(size).ok());
    let Some(size) = size.filter(|size| (1..=4096).contains(size)) else {
        let message = "'dimensions' is a number from 1 to 4096.";
        return Err(Refusal::new(StatusCode::BAD_REQUEST, message).about("dimensions"));
    };
    let encoded = asked.body.get("encoding_format") == Some(&json!("base64"));
    let mut said = 0_u64;
    let mut data = Vec::new();
    for (index, text) in texts.into_iter().enumerate() {
        let words = Heard::text(text).tokens;
        said = said.saturating_add(words);
        let vector = vector(words, size);
        let embedding = if encoded {
            let bytes: Vec<u8> = vector.iter().flat_map(|part| part.to_le_bytes()).collect();
            json!(BASE64_STANDARD.encode(bytes))
        } else {
            json!(vector)
        };
        data.push(json!({"object": "embedding", "index": index, "embedding": embedding}));
    }
    let input = asked.switches.tokens.map_or(said, |usage| usage.input);
    let frame = json!({"object": "list", "data": data, "model": model(asked)});
    let used = Usage {
        input,
        ..Usage::default()
    };
    Ok(asked.whole(
        frame,
        "usage",
        &used,
        |usage| json!({"prompt_tokens": usage.input, "total_tokens": usage.input}),
    ))
}

/// A vector of length 1 whose direction is the number of words.
fn vector(words: u64, size: usize) -> Vec<f32> {
    let mut vector = vec![0.0; size];
    let place = u64::try_from(size)
        .ok()
        .and_then(|size| words.checked_rem(size))
        .and_then(|place| usize::try_from(place).ok());
    if let Some(part) = place.and_then(|place| vector.get_mut(place)) {
        *part = 1.0;
    }
    vector
}
