//! Sentences with gaps, and the words that fill them.

use crate::simulate::random::Random;
use crate::simulate::write;

/// A grammar as it is written. Words stand apart by white space, and an underscore in one is a space. In sentences `{n}`
/// is a noun, `{v}` a verb, `{a}` an adjective, `{d}` a topic, `{p}` a person's name, `{r}` a role, `{f}` a foreign word,
/// `{w}` an adverb, `{y}` an imperative, `{c}` a connective, `{m}` a modal, `{o}` how a role begins, `{i}` an identifier that is made up, `{#}` a number, and `{{` and `}}` are
/// braces. All is written as within a string of JSON.
pub(super) struct Source {
    pub(super) nouns: &'static str,
    pub(super) verbs: &'static str,
    pub(super) adjectives: &'static str,
    pub(super) topics: &'static str,
    pub(super) names: &'static str,
    pub(super) roles: &'static str,
    pub(super) syllables: &'static str,
    pub(super) foreign: &'static str,
    pub(super) adverbs: &'static str,
    pub(super) imperatives: &'static str,
    pub(super) connectives: &'static str,
    pub(super) modals: &'static str,
    pub(super) beginnings: &'static str,
    /// How people like to begin, the most popular first.
    pub(super) openings: &'static [&'static str],
    /// What people go on with; little of it is fixed, so that two of them share no long stretch by chance.
    pub(super) sentences: &'static [&'static str],
    /// What campaigns and evaluations ask.
    pub(super) questions: &'static [&'static str],
    /// What people say in the middle of a conversation.
    pub(super) follow_ups: &'static [&'static str],
    /// Sentences of templates; little of these is fixed too, or all templates would be one.
    pub(super) instructions: &'static [&'static str],
    /// Last sentences of templates.
    pub(super) formats: &'static [&'static str],
    /// What divides a template from what it is about.
    pub(super) marks: &'static [&'static str],
    /// Lines of agents' system texts.
    pub(super) rules: &'static [&'static str],
    /// Sentences of products' templates.
    pub(super) products: &'static [&'static str],
    /// What agents put around a user's text.
    pub(super) wrappers: &'static [(&'static str, &'static str)],
    /// Lines of code, logs and tables.
    pub(super) code: &'static [&'static str],
}

/// A kind of words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    Noun,
    Verb,
    Adjective,
    Topic,
    Name,
    Role,
    Syllable,
    Foreign,
    Adverb,
    Imperative,
    Connective,
    Modal,
    Beginning,
    Identifier,
    Number,
}

/// How many classes are lists of words.
const LISTS: usize = 13;

/// A part of a sentence.
#[derive(Debug, Clone)]
enum Piece {
    Fixed(Box<[u8]>),
    Gap(Class),
}

/// Sentences of one kind.
#[derive(Debug, Clone)]
pub(super) struct Sentences(Vec<Vec<Piece>>);

/// Words of all kinds: a length each, and then the letters.
#[derive(Debug, Clone)]
pub(super) struct Words([Vec<Word>; LISTS]);

/// A word of up to 30 bytes, in a place of its own, so that none needs a second look-up.
#[derive(Debug, Clone, Copy)]
struct Word {
    length: u8,
    letters: [u8; 31],
}

impl Words {
    pub(super) fn new(source: &Source) -> Self {
        let lists = [
            source.nouns,
            source.verbs,
            source.adjectives,
            source.topics,
            source.names,
            source.roles,
            source.syllables,
            source.foreign,
            source.adverbs,
            source.imperatives,
            source.connectives,
            source.modals,
            source.beginnings,
        ];
        Self(lists.map(|list| list.split_ascii_whitespace().map(Word::new).collect()))
    }

    fn push(&self, out: &mut Vec<u8>, class: Class, random: &mut Random) {
        let list = self.0.get(class as usize).map(Vec::as_slice);
        if let Some(word) = random.of(list.unwrap_or_default()) {
            let letters = word.letters.get(..usize::from(word.length));
            out.extend_from_slice(letters.unwrap_or_default());
        }
    }

    /// Fills a gap.
    fn fill(&self, out: &mut Vec<u8>, class: Class, random: &mut Random) {
        match class {
            Class::Identifier => self.identifier(out, random),
            Class::Number => {
                let bound = match random.below(4) {
                    0 => 10,
                    1 => 100,
                    2 => 1_000,
                    _ => 50_000,
                };
                write::number(out, random.below(bound).saturating_add(2));
            }
            Class::Noun => {
                // Many nouns are two.
                if random.below(6) == 0 {
                    self.push(out, Class::Noun, random);
                    out.push(b' ');
                }
                self.push(out, Class::Noun, random);
            }
            _ => self.push(out, class, random),
        }
    }

    /// A name such as programs have: three to five syllables, and sometimes a number.
    pub(super) fn identifier(&self, out: &mut Vec<u8>, random: &mut Random) {
        let count = random.below(3).saturating_add(3);
        for place in 0..count {
            if place == 2 && count > 3 {
                out.push(b'_');
            }
            self.push(out, Class::Syllable, random);
        }
        if random.below(4) == 0 {
            write::number(out, random.below(100));
        }
    }
}

impl Word {
    fn new(text: &str) -> Self {
        let mut letters = [0; 31];
        let mut length = 0_u8;
        for (place, byte) in letters.iter_mut().zip(text.bytes()) {
            *place = if byte == b'_' { b' ' } else { byte };
            length = length.saturating_add(1);
        }
        Self { length, letters }
    }
}

impl Sentences {
    pub(super) fn new(texts: &[&str]) -> Self {
        Self(texts.iter().map(|text| pieces(text)).collect())
    }

    /// How many there are.
    pub(super) fn len(&self) -> u32 {
        u32::try_from(self.0.len()).unwrap_or(u32::MAX)
    }

    /// Appends the sentence of this number, its gaps filled at random.
    pub(super) fn push(&self, out: &mut Vec<u8>, words: &Words, number: u32, random: &mut Random) {
        for piece in self.0.get(number as usize).into_iter().flatten() {
            match piece {
                Piece::Fixed(text) => out.extend_from_slice(text),
                Piece::Gap(class) => words.fill(out, *class, random),
            }
        }
    }

    /// Appends any of them.
    pub(super) fn any(&self, out: &mut Vec<u8>, words: &Words, random: &mut Random) {
        let number = random.below(self.len());
        self.push(out, words, number, random);
    }
}

fn pieces(text: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut fixed = Vec::new();
    let mut bytes = text.as_bytes();
    while let Some((&byte, rest)) = bytes.split_first() {
        bytes = rest;
        match (byte, rest) {
            (b'{', [b'{', after @ ..]) | (b'}', [b'}', after @ ..]) => {
                fixed.push(byte);
                bytes = after;
            }
            (b'{', [letter, b'}', after @ ..]) => {
                if let Some(class) = class(*letter) {
                    if !fixed.is_empty() {
                        pieces.push(Piece::Fixed(core::mem::take(&mut fixed).into()));
                    }
                    pieces.push(Piece::Gap(class));
                }
                bytes = after;
            }
            _ => fixed.push(byte),
        }
    }
    if !fixed.is_empty() {
        pieces.push(Piece::Fixed(fixed.into()));
    }
    pieces
}

fn class(letter: u8) -> Option<Class> {
    Some(match letter {
        b'n' => Class::Noun,
        b'v' => Class::Verb,
        b'a' => Class::Adjective,
        b'd' => Class::Topic,
        b'p' => Class::Name,
        b'r' => Class::Role,
        b'f' => Class::Foreign,
        b'w' => Class::Adverb,
        b'y' => Class::Imperative,
        b'c' => Class::Connective,
        b'm' => Class::Modal,
        b'o' => Class::Beginning,
        b'i' => Class::Identifier,
        b'#' => Class::Number,
        _ => return None,
    })
}
