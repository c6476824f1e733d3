//! The fields of all APIs' answers: what tells the usage, and what is text of the answer.

use super::Told;
use crate::scan::{Kind, Sink, Text, Word};

/// The largest count of tokens that is believed: more than any model reads or writes in a year.
const MOST: u64 = 1 << 40;

/// A place in an answer, or in one event of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum At {
    Root,
    /// What kind of event this is.
    Type,
    /// An object that holds the usage of the whole answer.
    Around,
    Usage,
    /// Usage in more detail.
    Details,
    Count(Count),
    Choices,
    Choice,
    /// Anthropic's and OpenAI's delta, or OpenAI's message. A string is a delta of Responses.
    Delta,
    /// What an answer says: a string, parts, or an object that holds parts.
    Content,
    Part,
    Calls,
    Call,
    Function,
    /// A string that the model wrote.
    Piece,
    /// An object that the model wrote.
    Data,
    /// The items of Responses.
    Output,
    OutputItem,
    Candidates,
    Candidate,
    /// Why Gemini stopped.
    Finish,
}

/// A count of tokens, by the name that it has in an API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Count {
    /// `prompt_tokens`
    Prompt,
    /// `input_tokens`; with Anthropic without what comes from its cache or goes to it.
    Input,
    CacheWritten,
    CacheRead,
    /// `promptTokenCount`
    GeminiPrompt,
    GeminiToolUse,
    Cached,
    /// `completion_tokens` and `output_tokens`, thoughts included.
    Output,
    /// `candidatesTokenCount`
    GeminiCandidates,
    GeminiThoughts,
    Reasoning,
    Total,
}

/// How many counts there are.
const COUNTS: usize = Count::Total as usize + 1;

/// What was read so far.
pub(super) struct Tally {
    /// The largest of each count: they are told again and again, and grow.
    counts: [Option<u64>; COUNTS],
    pub(super) pieces: u64,
    pub(super) text_bytes: u64,
    pub(super) odd: u32,
    /// The last event of a stream came.
    pub(super) ended: bool,
    /// This event has an empty list of choices.
    no_choices: bool,
    /// This event has usage.
    usage: bool,
    data_from: u64,
}

impl Tally {
    pub(super) const fn new() -> Self {
        Self {
            counts: [None; COUNTS],
            pieces: 0,
            text_bytes: 0,
            odd: 0,
            ended: false,
            no_choices: false,
            usage: false,
            data_from: 0,
        }
    }

    /// Whether this event is the one that OpenAI sends only to tell the usage.
    pub(super) const fn tells_only_usage(&self) -> bool {
        self.no_choices && self.usage
    }

    /// Begins with another event.
    pub(super) fn next_event(&mut self) {
        self.no_choices = false;
        self.usage = false;
    }

    /// What the counts say together.
    pub(super) fn told(&self) -> Told {
        let count = |count: Count| self.counts.get(count as usize).copied().flatten();
        // An answer has the counts of one API; of the others' there are none.
        let input = [
            count(Count::Prompt),
            sum(
                sum(count(Count::Input), count(Count::CacheWritten)),
                count(Count::CacheRead),
            ),
            sum(count(Count::GeminiPrompt), count(Count::GeminiToolUse)),
        ];
        let output = [
            count(Count::Output),
            sum(count(Count::GeminiCandidates), count(Count::GeminiThoughts)),
        ];
        let mut input = input.into_iter().flatten().max();
        let mut output = output.into_iter().flatten().max();
        // Where a model's thoughts are not counted as output, the total tells them.
        if let Some(total) = count(Count::Total) {
            match (input, output) {
                (Some(read), _) if total > sum_of(input, output) => {
                    output = Some(total.saturating_sub(read));
                }
                (None, written) => input = Some(total.saturating_sub(written.unwrap_or(0))),
                _ => {}
            }
        }
        let cached = count(Count::Cached).max(count(Count::CacheRead));
        let reasoning = count(Count::Reasoning).max(count(Count::GeminiThoughts));
        Told {
            input,
            cached: cached.min(input).unwrap_or(0),
            output,
            reasoning: reasoning.min(output).unwrap_or(0),
        }
    }

    fn count(&mut self, count: Count, value: Option<u64>) {
        match value.filter(|value| *value <= MOST) {
            Some(value) => {
                if let Some(kept) = self.counts.get_mut(count as usize) {
                    *kept = (*kept).max(Some(value));
                }
            }
            None => self.odd = self.odd.saturating_add(1),
        }
    }

    fn piece(&mut self, bytes: u64) {
        if bytes > 0 {
            self.pieces = self.pieces.saturating_add(1);
            self.text_bytes = self.text_bytes.saturating_add(bytes);
        }
    }

    /// A value of another type than a usage has.
    fn wrong(&mut self, at: At) {
        if matches!(at, At::Usage | At::Count(_)) {
            self.odd = self.odd.saturating_add(1);
        }
    }
}

impl Sink for Tally {
    type Place = At;

    const ROOT: At = At::Root;

    fn field(&mut self, at: At, key: &[u8]) -> Option<At> {
        match at {
            At::Root => root(key),
            At::Around if key == b"usage" => Some(At::Usage),
            At::Usage => usage(key),
            At::Details => match key {
                b"cached_tokens" => Some(At::Count(Count::Cached)),
                b"reasoning_tokens" => Some(At::Count(Count::Reasoning)),
                _ => None,
            },
            At::Choice => match key {
                b"delta" | b"message" => Some(At::Delta),
                b"text" => Some(At::Piece),
                b"usage" => Some(At::Usage),
                _ => None,
            },
            At::Delta => match key {
                b"content" => Some(At::Content),
                b"text" | b"reasoning_content" | b"reasoning" | b"refusal" | b"thinking"
                | b"partial_json" => Some(At::Piece),
                b"tool_calls" => Some(At::Calls),
                b"function_call" => Some(At::Function),
                _ => None,
            },
            At::Content if key == b"parts" => Some(At::Content),
            At::Part => match key {
                b"text" | b"refusal" => Some(At::Piece),
                // A string with Anthropic, parts with Mistral.
                b"thinking" => Some(At::Content),
                b"input" => Some(At::Data),
                b"functionCall" => Some(At::Function),
                _ => None,
            },
            At::Call if key == b"function" => Some(At::Function),
            At::Function => match key {
                b"name" | b"arguments" => Some(At::Piece),
                b"args" => Some(At::Data),
                _ => None,
            },
            At::OutputItem => match key {
                b"content" => Some(At::Content),
                b"arguments" => Some(At::Piece),
                _ => None,
            },
            At::Candidate => match key {
                b"content" => Some(At::Content),
                b"finishReason" | b"finish_reason" => Some(At::Finish),
                _ => None,
            },
            _ => None,
        }
    }

    fn item(&mut self, at: At) -> Option<At> {
        match at {
            // Without `alt=sse` a stream of Gemini's is a list of answers.
            At::Root => Some(At::Root),
            At::Choices => {
                self.no_choices = false;
                Some(At::Choice)
            }
            At::Content => Some(At::Part),
            At::Calls => Some(At::Call),
            At::Output => Some(At::OutputItem),
            At::Candidates => Some(At::Candidate),
            _ => None,
        }
    }

    fn wanted(&self, at: At) -> usize {
        if at == At::Type { 32 } else { 0 }
    }

    fn text(&mut self, at: At, text: Text<'_>) {
        match at {
            At::Piece | At::Content | At::Delta => self.piece(text.bytes),
            At::Type => {
                self.ended |= matches!(
                    text.head,
                    b"message_stop"
                        | b"response.completed"
                        | b"response.incomplete"
                        | b"response.failed"
                );
            }
            At::Finish => self.ended |= text.bytes > 0,
            _ => self.wrong(at),
        }
    }

    fn number(&mut self, at: At, value: Option<u64>) {
        match at {
            At::Count(count) => self.count(count, value),
            _ => self.wrong(at),
        }
    }

    fn word(&mut self, at: At, word: Word, _: u64) {
        if word != Word::Null {
            self.wrong(at);
        }
    }

    fn open(&mut self, at: At, kind: Kind, start: u64) {
        match (at, kind) {
            (At::Usage, Kind::Object) => self.usage = true,
            (At::Choices, Kind::Array) => self.no_choices = true,
            (At::Data, _) => self.data_from = start,
            _ => self.wrong(at),
        }
    }

    fn close(&mut self, at: At, _: Kind, end: u64) {
        if at == At::Data {
            // Without its braces.
            self.piece(end.saturating_sub(self.data_from).saturating_sub(1));
        }
    }
}

/// The sum of two counts, if there is one of them.
fn sum(one: Option<u64>, other: Option<u64>) -> Option<u64> {
    one.or(other).map(|_| sum_of(one, other))
}

fn sum_of(one: Option<u64>, other: Option<u64>) -> u64 {
    one.unwrap_or(0).saturating_add(other.unwrap_or(0))
}

fn root(key: &[u8]) -> Option<At> {
    Some(match key {
        b"type" => At::Type,
        b"usage" | b"usageMetadata" | b"usage_metadata" => At::Usage,
        // Responses, Anthropic's first event, and Groq's last chunk.
        b"response" | b"message" | b"x_groq" => At::Around,
        b"choices" => At::Choices,
        b"delta" => At::Delta,
        b"content" => At::Content,
        b"output" => At::Output,
        b"candidates" => At::Candidates,
        _ => return None,
    })
}

fn usage(key: &[u8]) -> Option<At> {
    Some(At::Count(match key {
        b"prompt_tokens" => Count::Prompt,
        b"completion_tokens" | b"output_tokens" => Count::Output,
        b"input_tokens" => Count::Input,
        b"total_tokens" | b"totalTokenCount" => Count::Total,
        b"cache_creation_input_tokens" => Count::CacheWritten,
        b"cache_read_input_tokens" => Count::CacheRead,
        b"promptTokenCount" => Count::GeminiPrompt,
        b"toolUsePromptTokenCount" => Count::GeminiToolUse,
        b"candidatesTokenCount" => Count::GeminiCandidates,
        b"thoughtsTokenCount" => Count::GeminiThoughts,
        // Moonshot, DeepSeek and Gemini tell it here.
        b"cached_tokens" | b"prompt_cache_hit_tokens" | b"cachedContentTokenCount" => Count::Cached,
        b"prompt_tokens_details"
        | b"input_tokens_details"
        | b"completion_tokens_details"
        | b"output_tokens_details" => return Some(At::Details),
        _ => return None,
    }))
}
