//! What a body asks for: one pass over its bytes, no tree, nothing kept but what is charged, counted or looked at.
//!
//! It reads what an origin reads or says that it cannot. Of a field that comes twice the last one counts, as with the
//! origins; but two models that differ, and a field that some parsers take for `model` and others do not (`Model`), make
//! a body unreadable.

mod ask;
mod fields;
mod names;
mod spans;
#[cfg(test)]
mod tests;

pub use ask::Edit;
pub use spans::{SPANS, Spans};

use super::Api;
use crate::exchange::Model;
use crate::scan::Scan;
use serde::{Deserialize, Serialize};

/// The largest number of answers that one request is taken to ask for to one prompt; no API gives more.
pub const MAX_CANDIDATES: u64 = 128;

/// What a body asks for, whichever API it is for.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Prompt {
    /// The model, decoded, and cut at 257 bytes, so that a longer name equals none that is allowed. An empty name is none.
    #[serde(with = "crate::exchange::latin::maybe")]
    pub model: Option<Vec<u8>>,
    /// Whether the answer is to be a stream. Gemini says that in the path instead.
    pub stream: bool,
    /// Whether the origin is to read more than the body: a conversation or a text that it has kept.
    pub recalls: bool,
    /// Whether the answer is asked for in the background: then it may come when this exchange has ended.
    pub background: bool,
    /// The numbers that bound the answer, as they are written.
    pub numbers: Numbers,
    /// Messages of the user and of the model; 1 for a text alone.
    pub turns: u32,
    /// Texts, or lists of tokens, in a list that is `prompt`: each is answered on its own.
    pub prompts: u32,
    /// Whether there are tools to call.
    pub tools: bool,
    /// Whether a message brings what a tool answered.
    pub tool_results: bool,
    /// Images, files, sounds and films.
    pub media: u32,
    /// Bytes of all strings, decoded, and of all numbers and words, without those of media: what tokens are estimated by.
    pub text_bytes: u64,
    /// The system text.
    #[serde(skip)]
    pub system: Spans,
    /// The text of the last message of the user that has one. Of a list of texts, as embeddings have it, all of them.
    #[serde(skip)]
    pub user: Spans,
    /// The text of the first such message, if another came after it.
    #[serde(skip)]
    pub opening: Spans,
    /// The API that such fields belong to; `Other` if no field tells.
    pub shape: Api,
    #[serde(skip)]
    ask: ask::Ask,
}

/// Numbers as a body writes them; `None` for what is not there, or is no whole number, or is negative.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Numbers {
    /// `max_tokens`
    pub max_tokens: Option<u64>,
    /// `max_completion_tokens`
    pub max_completion_tokens: Option<u64>,
    /// `max_output_tokens`
    pub max_output_tokens: Option<u64>,
    /// `max_tokens_to_sample`, of Anthropic's first API.
    pub max_tokens_to_sample: Option<u64>,
    /// `generationConfig.maxOutputTokens`
    pub settings_max: Option<u64>,
    /// `n`
    pub n: Option<u64>,
    /// `best_of`
    pub best_of: Option<u64>,
    /// `generationConfig.candidateCount`
    pub settings_count: Option<u64>,
}

/// Reads a body as it passes, and keeps nothing of it but what it says: less than 2 KiB.
pub struct Reader {
    scan: Scan<fields::Fields>,
}

impl Default for Reader {
    fn default() -> Self {
        Self {
            scan: Scan::new(fields::Fields::default()),
        }
    }
}

impl Reader {
    /// Reads on.
    pub fn feed(&mut self, chunk: &[u8]) {
        self.scan.feed(chunk);
    }

    /// What was read, now that no more comes; `None` if it is not one JSON object, or one that parsers read differently.
    #[must_use]
    pub fn finish(mut self) -> Option<Prompt> {
        if !self.scan.finish() {
            return None;
        }
        let text_bytes = self.scan.text_bytes();
        self.scan.into_sink().finish(text_bytes)
    }
}

/// Reads a whole body, as a [`Reader`] does.
#[must_use]
pub fn read(body: &[u8]) -> Option<Prompt> {
    let mut reader = Reader::default();
    reader.feed(body);
    reader.finish()
}

impl Prompt {
    /// The model, for a request whose body this is.
    #[must_use]
    pub fn model(&self) -> Model<'_> {
        match &self.model {
            Some(name) => Model::Named(name),
            // An origin that is not told a model takes its own default, which may be any.
            None => Model::Unreadable,
        }
    }

    /// The most tokens that an answer can have, as far as this API heeds what the body says: a field that it ignores
    /// must not make a request look smaller than it is. `None` if the body sets no bound.
    #[must_use]
    pub fn output_cap(&self, api: Api) -> Option<u64> {
        let numbers = &self.numbers;
        match api {
            // Where both are given origins differ in which one they heed.
            Api::Chat | Api::Completions => numbers.max_tokens.max(numbers.max_completion_tokens),
            Api::Responses => numbers.max_output_tokens,
            // Each of Anthropic's two APIs demands its own.
            Api::Messages => numbers.max_tokens.max(numbers.max_tokens_to_sample),
            Api::Generate => numbers.settings_max,
            Api::Embeddings | Api::Free | Api::Other => None,
        }
    }

    /// How many answers this API is asked for: from 1 to [`MAX_CANDIDATES`], for each prompt.
    #[must_use]
    pub fn candidates(&self, api: Api) -> u64 {
        let numbers = &self.numbers;
        let asked = match api {
            Api::Chat => numbers.n,
            Api::Completions => numbers.n.max(numbers.best_of),
            Api::Generate => numbers.settings_count,
            _ => None,
        };
        let prompts = match api {
            Api::Completions => u64::from(self.prompts.max(1)),
            _ => 1,
        };
        let asked = asked.unwrap_or(1).clamp(1, MAX_CANDIDATES);
        asked.saturating_mul(prompts)
    }

    /// How the body is changed so that a stream of OpenAI's [`Chat`](Api::Chat) or [`Completions`](Api::Completions)
    /// tells its usage. `None` if it does anyway, or is no stream, or cannot be changed safely.
    #[must_use]
    pub fn usage_edit(&self) -> Option<Edit> {
        if self.stream { self.ask.edit() } else { None }
    }
}
