//! What people, programs and campaigns write. All is put together of fragments that stand as within a string of JSON, and
//! all follows from a [`Random`], so that a text that is sent again is the same.

mod development;
mod grammar;
mod heldout;
#[cfg(test)]
mod tests;

use super::random::{Random, within};
use super::write;
use grammar::{Sentences, Source, Words};

/// Which of two sets of texts that have nothing in common: one to choose a detector's numbers by, one to measure it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Set {
    /// To choose by.
    Development,
    /// To measure by.
    HeldOut,
}

impl Set {
    const fn source(self) -> &'static Source {
        match self {
            Self::Development => &development::DEVELOPMENT,
            Self::HeldOut => &heldout::HELD_OUT,
        }
    }
}

/// All that texts are made of.
#[derive(Debug, Clone)]
pub struct Texts {
    seed: u64,
    words: Words,
    openings: Sentences,
    sentences: Sentences,
    questions: Sentences,
    follow_ups: Sentences,
    instructions: Sentences,
    formats: Sentences,
    marks: Sentences,
    rules: Sentences,
    products: Sentences,
    rewritten: Sentences,
    code: Sentences,
    wrappers: &'static [(&'static str, &'static str)],
    /// Sentences one after the other, where answers are cut from.
    prose: Vec<u8>,
    /// Where each of them begins.
    cuts: Vec<u32>,
    given: Given,
}

/// Texts of files, escaped.
#[derive(Debug, Clone, Default)]
struct Given {
    questions: Vec<Box<[u8]>>,
    prompts: Vec<Box<[u8]>>,
    systems: Vec<Box<[u8]>>,
}

/// How many bytes of sentences there are to cut answers from.
const PROSE: usize = 1 << 17;

/// How many texts are so popular that people send them word by word.
const POPULAR: u32 = 4_000;

/// Instructions that are written anew share no more than a word or two by chance.
const REWRITTEN: [&str; 6] = [
    "{w} {y} {a} {n}, {v} {n}; {w} {v} {i}.",
    "{y} {w}: {a} {n} / {n}, {a} {i}.",
    "{v} {n}, {y} {a} {i} {w}, {v} {n}.",
    "{a} {n} {w}; {y} {n}, {i}, {n}.",
    "{i}-{a} {n}: {w} {v}, {y} {n}.",
    "{y} {n} {w} & {v} {a} {n}, {i} {w}.",
];

impl Texts {
    /// Texts by our own grammars.
    #[must_use]
    pub fn grammar(set: Set, seed: u64) -> Self {
        let source = set.source();
        let seed = match set {
            Set::Development => seed,
            Set::HeldOut => !seed,
        };
        let mut texts = Self {
            seed,
            words: Words::new(source),
            openings: Sentences::new(source.openings),
            sentences: Sentences::new(source.sentences),
            questions: Sentences::new(source.questions),
            follow_ups: Sentences::new(source.follow_ups),
            instructions: Sentences::new(source.instructions),
            formats: Sentences::new(source.formats),
            marks: Sentences::new(source.marks),
            rules: Sentences::new(source.rules),
            products: Sentences::new(source.products),
            rewritten: Sentences::new(&REWRITTEN),
            code: Sentences::new(source.code),
            wrappers: source.wrappers,
            prose: Vec::with_capacity(PROSE.saturating_add(1_024)),
            cuts: Vec::new(),
            given: Given::default(),
        };
        let mut random = Random::keyed(seed, 0, 0x7072_6f73);
        let mut prose = Vec::new();
        while prose.len() < PROSE {
            let begin = u32::try_from(prose.len()).unwrap_or(u32::MAX);
            texts.cuts.push(begin);
            texts.sentences.any(&mut prose, &texts.words, &mut random);
            prose.extend_from_slice(match random.below(5) {
                0 => b".\\n",
                _ => b". ",
            });
        }
        texts.prose = prose;
        texts
    }

    /// The same with questions for campaigns, prompts of people and system texts that others share, where these lists are
    /// not empty; templates and programs' texts stay as the grammars make them. A prompt is mostly mixed of two, since
    /// no list is as long as people are many.
    #[must_use]
    pub fn from_parts(
        questions: &[String],
        prompts: &[String],
        systems: &[String],
        set: Set,
        seed: u64,
    ) -> Self {
        let escaped = |texts: &[String]| -> Vec<Box<[u8]>> {
            let texts = texts.iter().map(|text| {
                let mut out = Vec::with_capacity(text.len());
                write::escaped(&mut out, text);
                out.into()
            });
            texts.collect()
        };
        Self {
            given: Given {
                questions: escaped(questions),
                prompts: escaped(prompts),
                systems: escaped(systems),
            },
            ..Self::grammar(set, seed)
        }
    }

    /// What a person writes who begins a conversation.
    pub(super) fn ordinary(&self, out: &mut Vec<u8>, random: &mut Random) {
        if random.below(50) == 0 {
            let popular = u64::from(random.early(POPULAR));
            self.fresh(out, &mut Random::keyed(self.seed, popular, 0x706f_7075));
        } else {
            self.fresh(out, random);
        }
    }

    fn fresh(&self, out: &mut Vec<u8>, random: &mut Random) {
        if !self.given.prompts.is_empty() {
            return self.mixed(out, random);
        }
        if random.below(3) == 0 {
            let number = random.early(self.openings.len());
            self.openings.push(out, &self.words, number, random);
        }
        let count = random.early(6).saturating_add(1);
        self.prattle(out, count, random);
        if random.below(7) == 0 {
            out.extend_from_slice(b"\\n```\\n");
            let lines = random.below(7).saturating_add(2);
            self.listing(out, lines, random);
            out.extend_from_slice(b"```");
        }
    }

    /// Half of a prompt that was given and half of another; seldom a whole one.
    fn mixed(&self, out: &mut Vec<u8>, random: &mut Random) {
        let prompts = &self.given.prompts;
        let whole = random.below(20) == 0;
        let first = random.of(prompts).map(AsRef::as_ref).unwrap_or_default();
        if whole {
            out.extend_from_slice(first);
            return;
        }
        let second = random.of(prompts).map(AsRef::as_ref).unwrap_or_default();
        out.extend_from_slice(first.get(..space(first, random)).unwrap_or_default());
        out.push(b' ');
        self.words.identifier(out, random);
        out.extend_from_slice(second.get(space(second, random)..).unwrap_or_default());
    }

    /// So many sentences of people.
    pub(super) fn prattle(&self, out: &mut Vec<u8>, count: u32, random: &mut Random) {
        for _ in 0..count {
            self.sentences.any(out, &self.words, random);
            out.extend_from_slice(match random.below(8) {
                0 => b"\\n",
                1 => b", ",
                _ => b". ",
            });
        }
    }

    /// Lines of code, of a log or of a table.
    pub(super) fn listing(&self, out: &mut Vec<u8>, lines: u32, random: &mut Random) {
        for _ in 0..lines {
            self.code.any(out, &self.words, random);
            out.extend_from_slice(b"\\n");
        }
    }

    /// What a person writes who goes on with a conversation.
    pub(super) fn follow_up(&self, out: &mut Vec<u8>, random: &mut Random) {
        if random.below(3) == 0 {
            self.follow_ups.any(out, &self.words, random);
        } else {
            let count = random.early(4).saturating_add(1);
            self.prattle(out, count, random);
        }
    }

    /// A question of a bank, by its number.
    pub(super) fn question(&self, out: &mut Vec<u8>, bank: u64, number: u32) {
        let given = u32::try_from(self.given.questions.len()).unwrap_or(u32::MAX);
        if given > 0 {
            let place = within(u64::from(number), given) as usize;
            let text = self.given.questions.get(place).map(AsRef::as_ref);
            out.extend_from_slice(text.unwrap_or_default());
            return;
        }
        let mut random = Random::keyed(self.seed ^ bank, u64::from(number), 0x7175_6573);
        self.questions.any(out, &self.words, &mut random);
        for _ in 0..random.below(4) {
            out.push(b' ');
            self.sentences.any(out, &self.words, &mut random);
            out.push(b'.');
        }
        if random.below(4) == 0 {
            out.extend_from_slice(b"\\n");
            let lines = random.below(5).saturating_add(1);
            self.listing(out, lines, &mut random);
        }
    }

    /// What a model answers: about so many bytes of sentences.
    pub(super) fn answer(&self, out: &mut Vec<u8>, bytes: u32, random: &mut Random) {
        let begin = random.of(&self.cuts).copied().unwrap_or_default();
        let after = begin.saturating_add(bytes);
        let place = self.cuts.partition_point(|&cut| cut < after);
        let last = u32::try_from(self.prose.len()).unwrap_or(u32::MAX);
        let end = self.cuts.get(place).copied().unwrap_or(last);
        let text = self.prose.get(begin as usize..end as usize);
        out.extend_from_slice(text.unwrap_or_default());
    }

    /// So many sentences of a campaign's or a customer's template.
    pub(super) fn instructions(&self, out: &mut Vec<u8>, count: u32, random: &mut Random) {
        for _ in 0..count {
            self.instructions.any(out, &self.words, random);
            out.push(b' ');
        }
    }

    /// The last sentence of a template.
    pub(super) fn format(&self, out: &mut Vec<u8>, random: &mut Random) {
        self.formats.any(out, &self.words, random);
    }

    /// A line that divides.
    pub(super) fn mark(&self, out: &mut Vec<u8>, random: &mut Random) {
        self.marks.any(out, &self.words, random);
    }

    /// So many lines of an agent's system text.
    pub(super) fn rules(&self, out: &mut Vec<u8>, count: u32, random: &mut Random) {
        for _ in 0..count {
            self.rules.any(out, &self.words, random);
            out.extend_from_slice(b"\\n");
        }
    }

    /// So many sentences of a product's template.
    pub(super) fn product(&self, out: &mut Vec<u8>, count: u32, random: &mut Random) {
        for _ in 0..count {
            self.products.any(out, &self.words, random);
            out.push(b' ');
        }
    }

    /// Instructions that nobody has written before.
    pub(super) fn rewritten(&self, out: &mut Vec<u8>, random: &mut Random) {
        for _ in 0..random.below(4).saturating_add(3) {
            self.rewritten.any(out, &self.words, random);
            out.push(b' ');
        }
    }

    /// A name such as programs have.
    pub(super) fn identifier(&self, out: &mut Vec<u8>, random: &mut Random) {
        self.words.identifier(out, random);
    }

    /// What an agent puts around a user's text.
    pub(super) fn wrapper(&self, number: u32) -> (&'static str, &'static str) {
        let count = u32::try_from(self.wrappers.len()).unwrap_or(u32::MAX);
        let wrapper = self.wrappers.get(within(u64::from(number), count) as usize);
        wrapper.copied().unwrap_or_default()
    }

    /// A system text that was given, by its number.
    pub(super) fn system(&self, number: u32) -> Option<&[u8]> {
        let systems = &self.given.systems;
        let text = systems.get((number as usize).checked_rem(systems.len())?)?;
        Some(text)
    }
}

/// A place in a text, mostly where a word ends: never within a letter or its escape.
fn space(text: &[u8], random: &mut Random) -> usize {
    let from = random.below(u32::try_from(text.len()).unwrap_or(u32::MAX)) as usize;
    let found = memchr::memchr(b' ', text.get(from..).unwrap_or_default());
    found.map_or(text.len(), |place| from.saturating_add(place))
}
