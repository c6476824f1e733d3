//! The fields of all APIs' requests. They do not collide, so one table names them all.

use crate::scan::Names;

/// A place in a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum At {
    Root,
    Model,
    Stream,
    StreamOptions,
    IncludeUsage,
    Background,
    /// What the origin is to read beside the body.
    Recalled,
    Number(Number),
    /// Gemini's settings, in which numbers are.
    Settings,
    Tools,
    /// The system text: a string, parts, or an object that holds parts.
    System,
    /// All messages, or a text alone, or a list of texts.
    Messages,
    Message,
    /// Prompts beside messages that rank before them, which are only counted.
    Prompts,
    Prompt,
    Role,
    /// The type of a message, which Responses calls an item.
    Item,
    /// What a message says: a string, parts, or an object that holds parts.
    Content,
    Part,
    PartType,
    PartText,
    /// What a tool answered: a string, or parts.
    Answer,
    AnswerPart,
    /// An image, a file or a sound: a string, or an object that holds strings.
    Media,
    MediaType,
    MediaField,
}

/// A key that matters somewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Name {
    Unknown,
    Model,
    Stream,
    StreamOptions,
    IncludeUsage,
    Background,
    Recalled,
    Messages(Form),
    /// A system text, by which field.
    System(u8),
    Tools,
    Settings,
    /// Of Gemini's settings, which also have the name that Responses has.
    MaxOutputTokens,
    CandidateCount,
    Number(Number),
    AnthropicVersion,
    Role,
    Content,
    Parts,
    Type,
    Text,
    FunctionResponse,
    /// An image, a file, a sound or a film.
    Media,
}

/// All keys that matter.
pub(super) const NAMES: Names<Name, 51> = Names::new([
    ("n", Name::Number(Number::N)),
    ("role", Name::Role),
    ("type", Name::Type),
    ("text", Name::Text),
    ("file", Name::Media),
    ("model", Name::Model),
    ("parts", Name::Parts),
    ("input", Name::Messages(Form::Input)),
    ("tools", Name::Tools),
    ("stream", Name::Stream),
    ("system", Name::System(SYSTEM)),
    ("prompt", Name::Messages(Form::Prompt)),
    ("source", Name::Media),
    ("content", Name::Content),
    ("best_of", Name::Number(Number::BestOf)),
    ("file_id", Name::Media),
    ("messages", Name::Messages(Form::Messages)),
    ("contents", Name::Messages(Form::Contents)),
    ("requests", Name::Messages(Form::Content)),
    ("fileData", Name::Media),
    ("file_url", Name::Media),
    ("functions", Name::Tools),
    ("image_url", Name::Media),
    ("file_data", Name::Media),
    ("video_url", Name::Media),
    ("audio_url", Name::Media),
    ("background", Name::Background),
    ("max_tokens", Name::Number(Number::MaxTokens)),
    ("inlineData", Name::Media),
    ("inline_data", Name::Media),
    ("input_audio", Name::Media),
    ("instructions", Name::System(INSTRUCTIONS)),
    ("conversation", Name::Recalled),
    ("include_usage", Name::IncludeUsage),
    ("cachedContent", Name::Recalled),
    ("stream_options", Name::StreamOptions),
    ("candidateCount", Name::CandidateCount),
    ("cached_content", Name::Recalled),
    ("candidate_count", Name::CandidateCount),
    ("maxOutputTokens", Name::MaxOutputTokens),
    ("functionResponse", Name::FunctionResponse),
    ("generationConfig", Name::Settings),
    ("anthropic_version", Name::AnthropicVersion),
    ("function_response", Name::FunctionResponse),
    ("generation_config", Name::Settings),
    ("max_output_tokens", Name::Number(Number::MaxOutputTokens)),
    ("systemInstruction", Name::System(SYSTEM_INSTRUCTION)),
    ("system_instruction", Name::System(SYSTEM_INSTRUCTION)),
    (
        "max_tokens_to_sample",
        Name::Number(Number::MaxTokensToSample),
    ),
    ("previous_response_id", Name::Recalled),
    (
        "max_completion_tokens",
        Name::Number(Number::MaxCompletionTokens),
    ),
]);

/// A number that matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Number {
    MaxTokens,
    MaxCompletionTokens,
    MaxOutputTokens,
    MaxTokensToSample,
    SettingsMax,
    N,
    BestOf,
    SettingsCount,
}

/// How a text is asked for, by rank: an API's own field comes before those that others ignore.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(super) enum Form {
    #[default]
    None,
    Content,
    Prompt,
    Input,
    Contents,
    Messages,
}

/// Which field holds a system text, as a bit.
pub(super) const SYSTEM: u8 = 1;
const INSTRUCTIONS: u8 = 2;
const SYSTEM_INSTRUCTION: u8 = 4;
