//! The fields of all APIs' answers: what tells the usage, and what is text of the answer.

use super::Told;
use crate::scan::{Kind, Names, Sink, Text, Word};

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

impl At {
    /// Whether a string here is what the model wrote.
    const fn is_text(self) -> bool {
        matches!(self, Self::Piece | Self::Content | Self::Delta)
    }
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
            // What came from the cache says nothing of the rest.
            count(Count::Input).map(|input| {
                sum_of(Some(input), count(Count::CacheWritten))
                    .saturating_add(count(Count::CacheRead).unwrap_or(0))
            }),
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

    /// A string that did not end.
    pub(super) fn broken_off(&mut self, at: At, bytes: u64) {
        if at.is_text() {
            self.piece(bytes);
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
        let name = NAMES.find(key)?;
        Some(match (at, name) {
            (At::Root, Name::Type) => At::Type,
            (At::Root | At::Around | At::Choice, Name::Usage) => At::Usage,
            (At::Root, Name::Around | Name::Message) => At::Around,
            (At::Root, Name::Choices) => At::Choices,
            (At::Root | At::Choice, Name::Delta) | (At::Choice, Name::Message) => At::Delta,
            (At::Root | At::Delta | At::OutputItem | At::Candidate, Name::Content)
            | (At::Content, Name::Parts)
            // A string with Anthropic, parts with Mistral.
            | (At::Part, Name::Thinking) => At::Content,
            (At::Root, Name::Output) => At::Output,
            (At::Root, Name::Candidates) => At::Candidates,
            (At::Usage, Name::Count(count)) => At::Count(count),
            (At::Usage, Name::Details) => At::Details,
            (At::Details, Name::Count(count @ (Count::Cached | Count::Reasoning))) => {
                At::Count(count)
            }
            (At::Choice | At::Delta | At::Part, Name::Text)
            | (At::Delta, Name::Thinking | Name::Piece)
            | (At::Part, Name::Refusal)
            | (At::Delta, Name::Refusal)
            | (At::Root, Name::Completion)
            | (At::Function, Name::Called)
            | (At::Function | At::OutputItem, Name::Arguments) => At::Piece,
            (At::Delta, Name::Calls) => At::Calls,
            (At::Delta | At::Part | At::Call, Name::Function) => At::Function,
            (At::Part, Name::Input) | (At::Function, Name::Args) => At::Data,
            (At::Candidate, Name::Finish) => At::Finish,
            _ => return None,
        })
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
            at if at.is_text() => self.piece(text.bytes),
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

/// A key that matters somewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Name {
    Type,
    Usage,
    /// Of Responses, and of Groq.
    Around,
    /// Of Anthropic's first event, and of OpenAI's choices.
    Message,
    Choices,
    Delta,
    Content,
    Parts,
    Thinking,
    Output,
    Candidates,
    Count(Count),
    Details,
    Text,
    Refusal,
    /// A text by a name that nothing else has.
    Piece,
    Completion,
    /// `name`
    Called,
    Arguments,
    Args,
    Calls,
    Function,
    Input,
    Finish,
}

/// All keys that matter.
const NAMES: Names<Name, 51> = Names::new([
    ("type", Name::Type),
    ("text", Name::Text),
    ("name", Name::Called),
    ("args", Name::Args),
    ("usage", Name::Usage),
    ("delta", Name::Delta),
    ("parts", Name::Parts),
    ("input", Name::Input),
    ("x_groq", Name::Around),
    ("output", Name::Output),
    ("choices", Name::Choices),
    ("content", Name::Content),
    ("message", Name::Message),
    ("refusal", Name::Refusal),
    ("response", Name::Around),
    ("thinking", Name::Thinking),
    ("function", Name::Function),
    ("arguments", Name::Arguments),
    ("reasoning", Name::Piece),
    ("candidates", Name::Candidates),
    // Of Anthropic's first API, which tells no usage.
    ("completion", Name::Completion),
    ("tool_calls", Name::Calls),
    ("partial_json", Name::Piece),
    ("finishReason", Name::Finish),
    ("functionCall", Name::Function),
    ("total_tokens", Name::Count(Count::Total)),
    ("input_tokens", Name::Count(Count::Input)),
    ("finish_reason", Name::Finish),
    ("function_call", Name::Function),
    ("usageMetadata", Name::Usage),
    ("prompt_tokens", Name::Count(Count::Prompt)),
    ("output_tokens", Name::Count(Count::Output)),
    ("cached_tokens", Name::Count(Count::Cached)),
    ("usage_metadata", Name::Usage),
    ("totalTokenCount", Name::Count(Count::Total)),
    ("thinking_tokens", Name::Count(Count::Reasoning)),
    ("promptTokenCount", Name::Count(Count::GeminiPrompt)),
    ("reasoning_tokens", Name::Count(Count::Reasoning)),
    ("completion_tokens", Name::Count(Count::Output)),
    ("reasoning_content", Name::Piece),
    ("thoughtsTokenCount", Name::Count(Count::GeminiThoughts)),
    ("input_tokens_details", Name::Details),
    ("candidatesTokenCount", Name::Count(Count::GeminiCandidates)),
    ("prompt_tokens_details", Name::Details),
    ("output_tokens_details", Name::Details),
    // Where Moonshot, DeepSeek and Gemini tell it.
    ("prompt_cache_hit_tokens", Name::Count(Count::Cached)),
    ("cachedContentTokenCount", Name::Count(Count::Cached)),
    ("toolUsePromptTokenCount", Name::Count(Count::GeminiToolUse)),
    ("cache_read_input_tokens", Name::Count(Count::CacheRead)),
    ("completion_tokens_details", Name::Details),
    (
        "cache_creation_input_tokens",
        Name::Count(Count::CacheWritten),
    ),
]);
