//! What the fields of a request say.

use super::ask::Told;
use super::names::{At, Form, NAMES, Name, Number, SYSTEM};
use super::{Prompt, Spans};
use crate::dialect::Api;
use crate::scan::{Kind, Sink, Text, Word};

/// The longest name of a model that is kept, in bytes. A longer one is kept cut, one byte longer than this, so that it
/// equals no shorter one.
pub(super) const MAX_NAME: usize = 256;

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
    before_part: usize,
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
    fn root(&mut self, name: Name) -> Option<At> {
        Some(match name {
            Name::Model => At::Model,
            Name::Stream => {
                self.prompt.ask.streams = self.prompt.ask.streams.saturating_add(1);
                self.prompt.stream = false;
                At::Stream
            }
            Name::StreamOptions => {
                self.prompt.ask.options = self.prompt.ask.options.saturating_add(1);
                self.prompt.ask.told = Told::Nothing;
                At::StreamOptions
            }
            Name::Messages(Form::Prompt) => {
                self.prompt.prompts = 0;
                self.conversation(Form::Prompt).unwrap_or(At::Prompts)
            }
            Name::Messages(form) => return self.conversation(form),
            // Gemini's embeddings.
            Name::Content => return self.conversation(Form::Content),
            Name::System(name) => {
                // Afresh, if the field was there.
                if self.systems & name != 0 {
                    self.prompt.system.clear();
                }
                self.systems |= name;
                At::System
            }
            Name::Background => At::Background,
            Name::Recalled => At::Recalled,
            Name::Tools => At::Tools,
            Name::Settings => {
                self.prompt.numbers.settings_max = None;
                self.prompt.numbers.settings_count = None;
                At::Settings
            }
            Name::Number(number) => self.number_field(number),
            Name::AnthropicVersion => {
                self.anthropic = true;
                return None;
            }
            _ => return None,
        })
    }

    /// Looks at a key that some parsers take for one that matters and others do not.
    fn doubt(&mut self, key: &[u8]) {
        self.unreadable |= key.eq_ignore_ascii_case(b"model");
        self.prompt.ask.doubtful |=
            key.eq_ignore_ascii_case(b"stream") || key.eq_ignore_ascii_case(b"stream_options");
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
        self.prompt.opening.clear();
        self.messages_system.clear();
        Some(At::Messages)
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

    fn message(&mut self, name: Name) -> Option<At> {
        Some(match name {
            Name::Role => {
                self.role = Role::None;
                At::Role
            }
            Name::Content | Name::Parts => {
                self.spans.clear();
                At::Content
            }
            Name::Type => At::Item,
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
                    core::mem::swap(&mut self.prompt.user, &mut self.spans);
                    if self.prompt.opening.is_empty() {
                        core::mem::swap(&mut self.prompt.opening, &mut self.spans);
                    }
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

    /// One of several prompts begins.
    fn prompt(&mut self, at: At) {
        if at == At::Prompt || at == At::Message && self.form == Form::Prompt {
            self.prompt.prompts = self.prompt.prompts.saturating_add(1);
        }
    }

    /// A text that stands where messages do.
    fn bare(&mut self, text: Text<'_>) {
        self.prompt.user.push(text.start, text.end);
        self.prompt.turns = 1;
    }

    fn part(&mut self, name: Name) -> Option<At> {
        Some(match name {
            Name::Type => At::PartType,
            Name::Text => {
                self.spans.truncate(self.before_part);
                At::PartText
            }
            Name::Content => At::Answer,
            Name::FunctionResponse => {
                self.prompt.tool_results = true;
                return None;
            }
            Name::Media => At::Media,
            _ => return None,
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
        let name = NAMES.find(key).unwrap_or(Name::Unknown);
        match at {
            At::Root => {
                if name == Name::Unknown {
                    self.doubt(key);
                }
                self.root(name)
            }
            At::Messages | At::Message => self.message(name),
            At::Part => self.part(name),
            At::Content | At::System if name == Name::Parts => Some(At::Content),
            At::Content | At::System => self.part(name),
            At::AnswerPart if name == Name::Media => Some(At::Media),
            At::Media if name == Name::Type => Some(At::MediaType),
            At::Media => Some(At::MediaField),
            At::StreamOptions if name == Name::IncludeUsage => {
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
            At::Settings => match name {
                Name::MaxOutputTokens | Name::Number(Number::MaxOutputTokens) => {
                    Some(self.number_field(Number::SettingsMax))
                }
                Name::CandidateCount => Some(self.number_field(Number::SettingsCount)),
                _ => None,
            },
            _ => None,
        }
    }

    fn item(&mut self, at: At) -> Option<At> {
        match at {
            At::Messages => Some(At::Message),
            At::Prompts => Some(At::Prompt),
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
        self.prompt(at);
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
            At::Recalled => self.prompt.recalls = true,
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
            At::Background => self.prompt.background = word == Word::True,
            At::StreamOptions => self.prompt.ask.told = Told::Options(word, end),
            At::IncludeUsage => self.prompt.ask.told = Told::Include(word, end),
            _ => {}
        }
    }

    fn open(&mut self, at: At, kind: Kind, start: u64) {
        self.prompt(at);
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
            (At::Recalled, _) => self.prompt.recalls = true,
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
