//! The fields of all APIs' requests. They do not collide, so one table reads them all.

use super::ask::Told;
use super::{Prompt, Spans};
use crate::dialect::Api;
use crate::scan::{Kind, Sink, Text, Word};

/// The longest name of a model that is kept, in bytes. A longer one is kept cut, one byte longer than this, so that it
/// equals no shorter one.
pub(super) const MAX_NAME: usize = 256;

/// A place in a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum At {
    Root,
    Model,
    Stream,
    StreamOptions,
    IncludeUsage,
    Number(Number),
    /// Gemini's settings, in which numbers are.
    Settings,
    Tools,
    /// The system text: a string, parts, or an object that holds parts.
    System,
    /// All messages, or a text alone, or a list of texts.
    Messages,
    Message,
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
enum Form {
    #[default]
    None,
    Content,
    Prompt,
    Input,
    Contents,
    Messages,
}

/// Who says a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Role {
    #[default]
    None,
    User,
    System,
    Model,
    Other,
}

/// What was read so far.
#[derive(Default)]
pub(super) struct Fields {
    prompt: Prompt,
    /// Parsers read this body differently, or it is no request.
    unreadable: bool,
    model_told: bool,
    form: Form,
    /// Fields that only Anthropic has.
    anthropic: bool,
    /// Which fields for system text were there.
    systems: u8,
    /// The system text among the messages.
    messages_system: Spans,
    /// The text of the message that is being read.
    spans: Spans,
    /// How many pieces it had before the part that is being read.
    before_part: u8,
    role: Role,
    /// The item is something else than a message.
    other_item: bool,
    /// The part that is being read is media already.
    media_part: bool,
    /// The bytes of the media that is being read, and whether they are text after all.
    media_bytes: u64,
    media_text: bool,
    /// The bytes of all media.
    all_media_bytes: u64,
}

impl Fields {
    /// What was read of a whole body with this many bytes of text.
    pub(super) fn finish(self, text_bytes: u64) -> Option<Prompt> {
        if self.unreadable {
            return None;
        }
        let mut prompt = self.prompt;
        prompt.model = prompt.model.filter(|name| !name.is_empty());
        prompt.text_bytes = text_bytes.saturating_sub(self.all_media_bytes);
        prompt.system.append(&self.messages_system);
        prompt.shape = match self.form {
            Form::Messages if self.anthropic || self.systems & SYSTEM != 0 => Api::Messages,
            Form::Messages => Api::Chat,
            Form::Contents => Api::Generate,
            Form::Input => Api::Responses,
            Form::Prompt => Api::Completions,
            Form::Content | Form::None => Api::Other,
        };
        Some(prompt)
    }

    /// A field of the body itself.
    fn root(&mut self, key: &[u8]) -> Option<At> {
        Some(match key {
            b"model" => At::Model,
            b"stream" => {
                self.prompt.ask.streams = self.prompt.ask.streams.saturating_add(1);
                self.prompt.stream = false;
                At::Stream
            }
            b"stream_options" => {
                self.prompt.ask.options = self.prompt.ask.options.saturating_add(1);
                self.prompt.ask.told = Told::Nothing;
                At::StreamOptions
            }
            b"messages" => return self.conversation(Form::Messages),
            b"contents" => return self.conversation(Form::Contents),
            b"input" => return self.conversation(Form::Input),
            b"prompt" => return self.conversation(Form::Prompt),
            // Gemini's embeddings.
            b"content" | b"requests" => return self.conversation(Form::Content),
            b"system" => return self.system(SYSTEM),
            b"instructions" => return self.system(INSTRUCTIONS),
            b"systemInstruction" | b"system_instruction" => {
                return self.system(SYSTEM_INSTRUCTION);
            }
            b"tools" | b"functions" => At::Tools,
            b"generationConfig" | b"generation_config" => {
                self.prompt.numbers.settings_max = None;
                self.prompt.numbers.settings_count = None;
                At::Settings
            }
            b"max_tokens" => self.number_field(Number::MaxTokens),
            b"max_completion_tokens" => self.number_field(Number::MaxCompletionTokens),
            b"max_output_tokens" => self.number_field(Number::MaxOutputTokens),
            b"max_tokens_to_sample" => self.number_field(Number::MaxTokensToSample),
            b"n" => self.number_field(Number::N),
            b"best_of" => self.number_field(Number::BestOf),
            b"anthropic_version" => {
                self.anthropic = true;
                return None;
            }
            _ => {
                // What some parsers take for this field and others do not.
                self.unreadable |= key.eq_ignore_ascii_case(b"model");
                self.prompt.ask.doubtful |= key.eq_ignore_ascii_case(b"stream")
                    || key.eq_ignore_ascii_case(b"stream_options");
                return None;
            }
        })
    }

    /// Begins with the messages, afresh if there were some; `None` if there are better ones.
    fn conversation(&mut self, form: Form) -> Option<At> {
        if form < self.form {
            return None;
        }
        self.form = form;
        self.prompt.turns = 0;
        self.prompt.media = 0;
        self.prompt.tool_results = false;
        self.prompt.user.clear();
        self.messages_system.clear();
        Some(At::Messages)
    }

    /// Begins with a system text, afresh if the field was there.
    fn system(&mut self, name: u8) -> Option<At> {
        if self.systems & name != 0 {
            self.prompt.system.clear();
        }
        self.systems |= name;
        Some(At::System)
    }

    fn number_field(&mut self, number: Number) -> At {
        *self.slot(number) = None;
        At::Number(number)
    }

    fn slot(&mut self, number: Number) -> &mut Option<u64> {
        let numbers = &mut self.prompt.numbers;
        match number {
            Number::MaxTokens => &mut numbers.max_tokens,
            Number::MaxCompletionTokens => &mut numbers.max_completion_tokens,
            Number::MaxOutputTokens => &mut numbers.max_output_tokens,
            Number::MaxTokensToSample => &mut numbers.max_tokens_to_sample,
            Number::SettingsMax => &mut numbers.settings_max,
            Number::N => &mut numbers.n,
            Number::BestOf => &mut numbers.best_of,
            Number::SettingsCount => &mut numbers.settings_count,
        }
    }

    fn model(&mut self, name: &[u8]) {
        // Some parsers take the first and others the last.
        self.unreadable |= self.model_told && self.prompt.model.as_deref() != Some(name);
        self.model_told = true;
        self.prompt.model = Some(name.to_vec());
    }

    fn message(&mut self, key: &[u8]) -> Option<At> {
        Some(match key {
            b"role" => {
                self.role = Role::None;
                At::Role
            }
            b"content" | b"parts" => {
                self.spans.clear();
                At::Content
            }
            b"type" => At::Item,
            _ => return None,
        })
    }

    fn begin_message(&mut self) {
        self.spans.clear();
        self.role = Role::None;
        self.other_item = false;
    }

    /// Files a message's text under who says it, which may be told last.
    fn end_message(&mut self) {
        match self.role {
            Role::None if self.other_item => return,
            // Gemini's user need not say so.
            Role::None | Role::User => {
                if !self.spans.is_empty() {
                    self.prompt.user = self.spans;
                }
            }
            Role::Model => {}
            Role::System => {
                self.messages_system.append(&self.spans);
                return;
            }
            Role::Other => return,
        }
        self.prompt.turns = self.prompt.turns.saturating_add(1);
    }

    /// A text that stands where messages do.
    fn bare(&mut self, text: Text<'_>) {
        self.prompt.user.push(text.start, text.end);
        self.prompt.turns = 1;
    }

    fn part(&mut self, key: &[u8]) -> Option<At> {
        Some(match key {
            b"type" => At::PartType,
            b"text" => {
                self.spans.truncate(self.before_part);
                At::PartText
            }
            // What a tool answered, or, in an object that stands for a message, what it says.
            b"content" => At::Answer,
            b"functionResponse" | b"function_response" => {
                self.prompt.tool_results = true;
                return None;
            }
            _ => return media(key),
        })
    }

    fn begin_part(&mut self) {
        self.before_part = self.spans.count();
        self.media_part = false;
    }

    /// Something that is no text begins.
    fn begin_media(&mut self) {
        if !self.media_part {
            self.prompt.media = self.prompt.media.saturating_add(1);
        }
        self.media_part = true;
        self.media_bytes = 0;
        self.media_text = false;
    }
}

impl Sink for Fields {
    type Place = At;

    const ROOT: At = At::Root;

    fn field(&mut self, at: At, key: &[u8]) -> Option<At> {
        match at {
            At::Root => self.root(key),
            At::Messages | At::Message => self.message(key),
            At::Part => self.part(key),
            At::Content | At::System if key == b"parts" => Some(At::Content),
            At::Content | At::System => self.part(key),
            At::AnswerPart => media(key),
            At::Media if key == b"type" => Some(At::MediaType),
            At::Media => Some(At::MediaField),
            At::StreamOptions if key == b"include_usage" => {
                let ask = &mut self.prompt.ask;
                ask.includes = ask.includes.saturating_add(1);
                ask.told = Told::Nothing;
                Some(At::IncludeUsage)
            }
            At::StreamOptions => {
                let ask = &mut self.prompt.ask;
                ask.doubtful |= key.eq_ignore_ascii_case(b"include_usage");
                if let Told::Object { empty, .. } = &mut ask.told {
                    *empty = false;
                }
                None
            }
            At::Settings => match key {
                b"maxOutputTokens" | b"max_output_tokens" => {
                    Some(self.number_field(Number::SettingsMax))
                }
                b"candidateCount" | b"candidate_count" => {
                    Some(self.number_field(Number::SettingsCount))
                }
                _ => None,
            },
            _ => None,
        }
    }

    fn item(&mut self, at: At) -> Option<At> {
        match at {
            At::Messages => Some(At::Message),
            At::Content | At::System => Some(At::Part),
            At::Answer => Some(At::AnswerPart),
            At::Tools => {
                self.prompt.tools = true;
                None
            }
            _ => None,
        }
    }

    fn wanted(&self, at: At) -> usize {
        match at {
            At::Model => MAX_NAME.saturating_add(1),
            At::Role | At::Item | At::PartType | At::MediaType => 32,
            _ => 0,
        }
    }

    fn text(&mut self, at: At, text: Text<'_>) {
        match at {
            At::Model => self.model(text.head),
            At::Messages | At::Message => self.bare(text),
            At::Role => {
                self.role = match text.head {
                    b"user" => Role::User,
                    b"system" | b"developer" => Role::System,
                    b"assistant" | b"model" => Role::Model,
                    b"tool" | b"function" => {
                        self.prompt.tool_results = true;
                        Role::Other
                    }
                    _ => Role::Other,
                };
            }
            At::Item => {
                self.other_item = text.head != b"message";
                self.prompt.tool_results |= text.head.ends_with(b"_call_output");
            }
            At::PartType => self.prompt.tool_results |= text.head == b"tool_result",
            At::Content | At::Part | At::PartText => self.spans.push(text.start, text.end),
            At::System => self.prompt.system.push(text.start, text.end),
            At::Media => {
                self.begin_media();
                self.all_media_bytes = self.all_media_bytes.saturating_add(text.bytes);
            }
            At::MediaType => self.media_text = matches!(text.head, b"text" | b"content"),
            At::MediaField => self.media_bytes = self.media_bytes.saturating_add(text.bytes),
            _ => {}
        }
        self.unreadable |= at == At::Root;
    }

    fn number(&mut self, at: At, value: Option<u64>) {
        match at {
            At::Number(number) => *self.slot(number) = value,
            At::Root | At::Model => self.unreadable = true,
            _ => {}
        }
    }

    fn word(&mut self, at: At, word: Word, end: u64) {
        match at {
            At::Root | At::Model => self.unreadable = true,
            At::Stream => self.prompt.stream = word == Word::True,
            At::StreamOptions => self.prompt.ask.told = Told::Options(word, end),
            At::IncludeUsage => self.prompt.ask.told = Told::Include(word, end),
            _ => {}
        }
    }

    fn open(&mut self, at: At, kind: Kind, start: u64) {
        match (at, kind) {
            (At::Root, Kind::Object) => self.prompt.ask.begin = start,
            (At::Root, Kind::Array) | (At::Model, _) => self.unreadable = true,
            (At::Message | At::Messages, Kind::Object) => self.begin_message(),
            (At::System, _) => {
                self.spans.clear();
                self.begin_part();
            }
            (At::Part | At::Content | At::AnswerPart, Kind::Object) => self.begin_part(),
            (At::Media, _) => self.begin_media(),
            (At::Tools, Kind::Array) => self.prompt.tools = false,
            (At::StreamOptions, Kind::Object) => {
                self.prompt.ask.told = Told::Object { start, empty: true };
            }
            _ => {}
        }
    }

    fn close(&mut self, at: At, kind: Kind, _: u64) {
        match (at, kind) {
            (At::Message | At::Messages, Kind::Object) => self.end_message(),
            (At::System, _) => self.prompt.system.append(&self.spans),
            (At::Media, _) if !self.media_text => {
                self.all_media_bytes = self.all_media_bytes.saturating_add(self.media_bytes);
            }
            _ => {}
        }
    }
}

/// The fields of a part that hold an image, a file, a sound or a film.
fn media(key: &[u8]) -> Option<At> {
    match key {
        b"image_url" | b"input_audio" | b"file" | b"source" | b"inlineData" | b"inline_data"
        | b"fileData" | b"file_data" | b"file_url" | b"file_id" | b"video_url" | b"audio_url" => {
            Some(At::Media)
        }
        _ => None,
    }
}

const SYSTEM: u8 = 1;
const INSTRUCTIONS: u8 = 2;
const SYSTEM_INSTRUCTION: u8 = 4;
