//! Templates: what stays the same around a question or a user's text.

use super::random::Random;
use super::texts::Texts;

/// A template. Any of its parts may be empty.
#[derive(Debug, Clone, Default)]
pub(super) struct Template {
    /// The system text.
    pub(super) system: Vec<u8>,
    /// What stands before the rest.
    pub(super) head: Vec<u8>,
    /// What stands between the two parts of the rest.
    pub(super) middle: Vec<u8>,
    /// What stands after the rest.
    pub(super) tail: Vec<u8>,
}

/// Who writes templates, and so how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Author {
    Campaign,
    Product,
    Plugin,
    Collector,
    Customer,
    Evaluator,
    Company,
}

/// Seven places, and eight phrases for each.
pub(super) type Slots = [[Vec<u8>; 8]; 7];

impl Template {
    /// A template by its number. Of every four of a campaign one is a system text.
    pub(super) fn new(texts: &Texts, author: Author, seed: u64, number: u32) -> Self {
        let mut random = Random::keyed(seed, u64::from(number), author as u64);
        let mut template = Self::default();
        let few = random.below(3).saturating_add(2);
        match author {
            Author::Campaign | Author::Customer => {
                let place = random.below(20);
                template.placed(texts, place, few, &mut random);
            }
            Author::Evaluator => {
                // Benchmarks are told to the user, before, after, or both.
                let place = random.below(15);
                template.placed(texts, place, few / 2, &mut random);
            }
            Author::Product | Author::Company => {
                let out = match random.below(5) {
                    0..3 => &mut template.system,
                    3 => &mut template.head,
                    _ => &mut template.tail,
                };
                texts.product(out, few, &mut random);
                if random.below(3) == 0 {
                    texts.format(&mut template.tail, &mut random);
                }
                template.divided(texts, &mut random);
            }
            Author::Plugin => {
                texts.product(&mut template.head, few, &mut random);
                texts.format(&mut template.head, &mut random);
                template.divided(texts, &mut random);
            }
            Author::Collector => {
                if let Some(given) = texts.system(number) {
                    template.system.extend_from_slice(given);
                } else {
                    texts.product(&mut template.system, 1, &mut random);
                    texts.instructions(&mut template.system, few, &mut random);
                }
            }
        }
        template
    }

    /// A template of a fifth each before, after, around and amidst the rest, and else in the system text: `place` is of 20.
    fn placed(&mut self, texts: &Texts, place: u32, sentences: u32, random: &mut Random) {
        let sentences = sentences.max(1);
        match place {
            0..5 => {
                texts.instructions(&mut self.head, sentences, random);
            }
            5..9 => texts.instructions(&mut self.tail, sentences, random),
            9..12 => {
                texts.instructions(&mut self.head, sentences, random);
                texts.format(&mut self.tail, random);
            }
            12..15 => texts.instructions(&mut self.middle, sentences, random),
            _ => {
                texts.instructions(&mut self.system, sentences.saturating_add(1), random);
                texts.format(&mut self.system, random);
            }
        }
        self.divided(texts, random);
    }

    /// Divides what is said from what it is said about.
    fn divided(&mut self, texts: &Texts, random: &mut Random) {
        if !self.head.is_empty() {
            self.head.extend_from_slice(b"\\n\\n");
            if random.below(2) == 0 {
                texts.mark(&mut self.head, random);
                self.head.extend_from_slice(b"\\n");
            }
        }
        for part in [&mut self.middle, &mut self.tail] {
            if !part.is_empty() {
                part.splice(..0, *b"\\n\\n");
            }
        }
        if !self.middle.is_empty() {
            self.middle.extend_from_slice(b"\\n\\n");
        }
    }
}

/// What a slot grammar's places hold.
pub(super) fn slots(texts: &Texts, seed: u64) -> Slots {
    let mut random = Random::keyed(seed, 7, 0x736c_6f74);
    core::array::from_fn(|place| {
        core::array::from_fn(|_| {
            let mut phrase = Vec::new();
            if place == 6 {
                texts.format(&mut phrase, &mut random);
            } else {
                texts.instructions(&mut phrase, 1, &mut random);
            }
            phrase
        })
    })
}

/// The system text of an agent: the same for all who run it, but for what [`super::body`] puts after it.
pub(super) fn agent(texts: &Texts, seed: u64, number: u32) -> Vec<u8> {
    let mut random = Random::keyed(seed, u64::from(number), 0x6167_656e);
    let mut out = Vec::new();
    texts.product(&mut out, 2, &mut random);
    out.extend_from_slice(b"\\n\\n");
    let count = random.below(12).saturating_add(10);
    texts.rules(&mut out, count, &mut random);
    out
}

/// The tools of an agent, as the two kinds of APIs are told them.
pub(super) fn tools(texts: &Texts, seed: u64, number: u32, messages: bool) -> Vec<u8> {
    let mut random = Random::keyed(seed, u64::from(number), 0x746f_6f6c);
    let mut out = b",\"tools\":[".to_vec();
    for index in 0..4 {
        if index > 0 {
            out.push(b',');
        }
        let (open, between, schema, shut): (&[u8], &[u8], &[u8], &[u8]) = if messages {
            (
                b"{\"name\":\"",
                b"\",\"description\":\"",
                b"\",\"input_schema\":",
                b"}",
            )
        } else {
            (
                b"{\"type\":\"function\",\"function\":{\"name\":\"",
                b"\",\"description\":\"",
                b"\",\"parameters\":",
                b"}}",
            )
        };
        out.extend_from_slice(open);
        texts.identifier(&mut out, &mut random);
        out.extend_from_slice(between);
        texts.product(&mut out, 1, &mut random);
        out.extend_from_slice(schema);
        out.extend_from_slice(
            b"{\"type\":\"object\",\"properties\":{\"path\":{\"type\":\"string\"}},\"required\":[\"path\"]}",
        );
        out.extend_from_slice(shut);
    }
    out.push(b']');
    out
}
