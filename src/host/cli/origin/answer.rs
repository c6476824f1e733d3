//! What the demo origin is asked and says, before a dialect puts it into its own form.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::refusal::Refusal;
use super::switches::Switches;
use super::usage::{Told, Usage};

/// A request that a dialect is to answer.
#[derive(Debug)]
pub(super) struct Asked {
    /// The variable parts of its path, by their names in the route.
    pub(super) path: BTreeMap<String, String>,
    /// What follows the `?`, or nothing.
    pub(super) query: String,
    /// Its body; null for a GET.
    pub(super) body: Value,
    /// What its headers ask for.
    pub(super) switches: Switches,
}

impl Asked {
    /// The answer to this, up to `cap` words, in `choices` copies.
    pub(super) fn answer(&self, heard: &Heard, cap: Option<u64>, choices: usize) -> Answer {
        let mut words: Vec<String> = match self.switches.words {
            Some(words) => (1..=words).map(|place| format!(" w{place}")).collect(),
            None => heard
                .last
                .split_whitespace()
                .map(|word| format!(" {word}"))
                .collect(),
        };
        if let Some(first) = words.first_mut() {
            first.remove(0);
        }
        let cap = cap
            .and_then(|cap| usize::try_from(cap).ok())
            .unwrap_or(usize::MAX);
        let cut = words.len() > cap;
        words.truncate(cap);
        let usage = self.switches.tokens.unwrap_or(Usage {
            input: heard.tokens,
            output: number(words.len().saturating_mul(choices)),
            ..Usage::default()
        });
        Answer {
            words,
            cut,
            choices,
            usage,
        }
    }

    /// The input tokens to report for what was said.
    pub(super) fn input(&self, heard: &Heard) -> u64 {
        self.switches
            .tokens
            .map_or(heard.tokens, |usage| usage.input)
    }

    /// Whether the body asks for a stream, as all but Gemini do it.
    pub(super) fn streams(&self) -> bool {
        self.body.get("stream").and_then(Value::as_bool) == Some(true)
    }

    /// How many answers the body asks for; 1 where it does not say, at most 128 as OpenAI has it.
    pub(super) fn choices(&self, pointer: &str) -> usize {
        let choices = self.body.pointer(pointer).and_then(Value::as_u64);
        choices
            .and_then(|choices| usize::try_from(choices).ok())
            .unwrap_or(1)
            .clamp(1, 128)
    }

    /// A member of the body that has to be an array with something in it.
    pub(super) fn array(&self, name: &str, missing: &str) -> Result<&[Value], Refusal> {
        match self.body.get(name) {
            Some(Value::Array(items)) if !items.is_empty() => Ok(items),
            _ => Err(Refusal::new(StatusCode::BAD_REQUEST, missing).about(name)),
        }
    }

    /// A whole answer with its usage below `name`, in the dialect's `shape`.
    pub(super) fn whole(
        &self,
        frame: Value,
        name: &str,
        usage: &Usage,
        shape: impl Fn(&Usage) -> Value,
    ) -> Said {
        let told = self.switches.told;
        let frame = match told.form(shape(usage)) {
            Some(usage) => with(frame, [(name, usage)]),
            None => frame,
        };
        let text = frame.to_string();
        if told != Told::Repeated {
            return Said::Whole(text);
        }
        // A member that is there twice can only be written by hand.
        let before = with(json!({}), [(name, shape(&usage.half()))]).to_string();
        let before = before.strip_suffix('}').unwrap_or_default();
        let rest = text.strip_prefix('{').unwrap_or_default();
        Said::Whole(format!("{before},{rest}"))
    }
}

/// What a request said.
#[derive(Debug, Default)]
pub(super) struct Heard {
    /// Words in all of it.
    pub(super) tokens: u64,
    /// What the user said last.
    pub(super) last: String,
}

impl Heard {
    /// All `turns`, whose text is below `member` and whose role is `role` where they have none, and the system's text.
    pub(super) fn turns(turns: &[Value], member: &str, role: &str, system: Option<&Value>) -> Self {
        let said = |turn: &Value| turn.get(member).map(text).unwrap_or_default();
        let user = turns
            .iter()
            .rev()
            .find(|turn| string(turn, "role", role) == "user");
        let texts = turns.iter().map(said).chain(system.map(text));
        Self {
            tokens: texts.map(|text| words(&text)).sum(),
            last: user.map(said).unwrap_or_default(),
        }
    }

    /// One text, from the user.
    pub(super) fn text(text: String) -> Self {
        Self {
            tokens: words(&text),
            last: text,
        }
    }
}

/// An answer in words, each a token.
#[derive(Debug)]
pub(super) struct Answer {
    /// It, word by word; all but the first begin with their space.
    pub(super) words: Vec<String>,
    /// Whether the caller's cap cut it short.
    pub(super) cut: bool,
    /// How many copies of it are sent.
    pub(super) choices: usize,
    /// What it is said to have used.
    pub(super) usage: Usage,
}

impl Answer {
    /// The whole answer.
    pub(super) fn text(&self) -> String {
        self.words.concat()
    }
}

/// An answer in a dialect's form.
#[derive(Debug)]
pub(super) enum Said {
    /// At once, as JSON.
    Whole(String),
    /// Part by part.
    Stream(Framing, Vec<Part>),
}

/// How the parts of a stream are kept apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Framing {
    /// As server-sent events.
    Events,
    /// As items of a JSON array.
    Array,
}

/// A part of a streamed answer.
#[derive(Debug)]
pub(super) struct Part {
    /// The event's name, where the dialect names events.
    pub(super) event: Option<String>,
    /// Its data.
    pub(super) data: String,
}

impl Part {
    /// An event without a name.
    pub(super) fn new(data: impl ToString) -> Self {
        Self {
            event: None,
            data: data.to_string(),
        }
    }

    /// An event named by the `type` of its data.
    pub(super) fn typed(data: &Value) -> Self {
        Self {
            event: Some(string(data, "type", "error").to_owned()),
            data: data.to_string(),
        }
    }
}

/// The text of a message's content: a string, or parts with a `text`, or `content` of their own, each.
pub(super) fn text(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(parts) => {
            let texts = parts
                .iter()
                .filter_map(|part| part.get("text").or_else(|| part.get("content")));
            texts.map(text).collect::<Vec<_>>().join(" ")
        }
        _ => String::new(),
    }
}

/// A string member of an object, or what stands for it.
pub(super) fn string<'a>(value: &'a Value, name: &str, otherwise: &'a str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or(otherwise)
}

/// An identifier that no other answer of this process has.
pub(super) fn id(prefix: &str) -> String {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    format!("{prefix}{:024}", NEXT.fetch_add(1, Ordering::Relaxed))
}

/// An object with these members beside, or instead of, its own.
pub(super) fn with<const N: usize>(mut object: Value, members: [(&str, Value); N]) -> Value {
    if let Some(own) = object.as_object_mut() {
        own.extend(members.map(|(name, value)| (name.to_owned(), value)));
    }
    object
}

fn words(text: &str) -> u64 {
    number(text.split_whitespace().count())
}

fn number(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}
