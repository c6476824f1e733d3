//! From the file's types to a policy: names become places, patterns become matchers, and rules are held against each
//! other.

mod campaigns;
mod checks;
mod quotas;

use core::hash::Hasher;

use siphasher::sip::SipHasher13;

use super::check::Check;
use super::file::{
    self, Except, File, Headers, Match, Missing, Mode, OnError, OnUnreadable, Record, Source,
};
use super::node::Notes;
use super::pattern::Pattern;
use super::price::{Price, Rates};
use super::read::Rules;
use super::{Fact, Kind, Membership, Place, Policy, Quota, Scope, Subject, Trait};

/// Compiles a file; what does not go together is noted.
#[must_use]
pub(super) fn compile(file: File, rules: Rules, notes: &Notes<'_>) -> Policy {
    let prefixes = file.traits.network;
    let facts = facts(file.account, file.traits);
    let mut compiler = Compiler::new(&facts, notes);
    for (path, quota) in rules.quotas {
        compiler.quota(&path, quota, None);
    }
    for (path, check) in rules.checks {
        compiler.check(&path, check);
    }
    let mut campaigns = file
        .campaigns
        .map(|campaigns| compiler.campaigns(campaigns));
    let Compiler {
        subjects,
        mut quotas,
        mut checks,
        ..
    } = compiler;
    // Only now, so that a policy which may run in shadow may also be enforced.
    let shadow = file.mode == Mode::Shadow;
    quotas.iter_mut().for_each(|quota| quota.shadow |= shadow);
    checks.iter_mut().for_each(|check| check.shadow |= shadow);
    if let Some(campaigns) = &mut campaigns {
        campaigns.shadow |= shadow;
    }
    let prices: Vec<Price> = file.prices.into_iter().map(price).collect();
    Policy {
        shadow,
        sources: file.identity.from.into_iter().map(source).collect(),
        by_network: file.identity.missing == Missing::ByNetwork,
        prefixes,
        checks,
        lists: file.lists,
        campaigns,
        verify_url: file.verify_url.unwrap_or_default(),
        newcomers: quotas.iter().map(|quota| quota.newcomers).collect(),
        facts,
        subjects,
        quotas,
        memory: file.limits.memory.0,
        body: file.limits.body.0,
        tells_always: file.headers == Headers::Always,
        records_all: file.record == Record::All,
        allow_on_error: file.on_error == OnError::Allow,
        denies_unreadable: file.on_unreadable == OnUnreadable::Deny,
        dearest: prices
            .iter()
            .fold(Rates::default(), |dearest, price| dearest.max(price.rates)),
        prices,
        dialects: file
            .dialects
            .into_iter()
            .map(|speech| {
                (
                    patterns(Some(speech.path.into_vec())).unwrap_or_default(),
                    speech.dialect,
                )
            })
            .collect(),
        output: file.tokens.output,
        media: file.tokens.media,
        asks_for_usage: file.tokens.ask_for_usage,
    }
}

/// Rules as they are compiled one after the other.
struct Compiler<'c> {
    facts: &'c [Fact],
    notes: &'c Notes<'c>,
    subjects: Vec<Subject>,
    quotas: Vec<Quota>,
    checks: Vec<Check>,
}

impl<'c> Compiler<'c> {
    const fn new(facts: &'c [Fact], notes: &'c Notes<'c>) -> Self {
        Self {
            facts,
            notes,
            subjects: Vec::new(),
            quotas: Vec::new(),
            checks: Vec::new(),
        }
    }

    /// Notes a name that another rule has.
    fn claim(&self, path: &str, name: &str) {
        let mut names = self
            .quotas
            .iter()
            .map(|quota| &quota.name)
            .chain(self.checks.iter().map(|check| &check.name));
        if names.any(|other| other == name) {
            self.notes.add(
                &format!("{path}/name"),
                &format!("another rule is named \"{name}\" already"),
                "every rule has a name of its own",
            );
        }
    }

    /// What a name in a rule stands for.
    fn named(&self, name: &str) -> Trait {
        match name {
            "key" => Trait::Key,
            "network" => Trait::Network,
            "path" => Trait::Path,
            "method" => Trait::Method,
            "model" => Trait::Model,
            "shape" => Trait::Shape,
            "agent" => Trait::Agent,
            name => Trait::Fact(self.fact(name)),
        }
    }

    /// The place of a fact.
    fn fact(&self, name: &str) -> usize {
        let place = self.facts.iter().position(|fact| fact.name == name);
        place.unwrap_or(usize::MAX)
    }

    /// The place of the subject with these traits, in whatever order they are written.
    fn subject(&mut self, per: &[String]) -> usize {
        let traits = sorted(per.iter().map(|name| self.named(name)));
        let mut subjects = self.subjects.iter();
        if let Some(place) = subjects.position(|subject| subject.traits == traits) {
            return place;
        }
        self.subjects.push(Subject {
            id: hash(&sorted(per.iter().cloned())),
            traits,
        });
        self.subjects.len().saturating_sub(1)
    }

    /// Which requests a rule is about.
    fn scope(&self, matches: Match, except: &[Except]) -> Scope {
        let list = |list: Option<file::OneOrMany>| patterns(list.map(file::OneOrMany::into_vec));
        Scope {
            path: list(matches.path),
            model: list(matches.model),
            method: list(matches.method),
            except: except.iter().map(|except| self.member(except)).collect(),
        }
    }

    fn member(&self, listed: &Except) -> Membership {
        Membership {
            of: self.named(&listed.of),
            list: listed.list,
        }
    }
}

/// What the host vouches for by itself, beside what the operator has named; in the order of the names.
fn facts(account: Vec<(String, file::Fact)>, traits: file::Traits) -> Vec<Fact> {
    let known = [
        ("asn", Kind::Asn, traits.asn),
        ("country", Kind::Country, traits.country),
        ("ja3", Kind::Ja3, traits.ja3),
        ("ja4", Kind::Ja4, traits.ja4),
    ];
    let mut facts: Vec<Fact> = account
        .into_iter()
        .map(|(name, fact)| Fact {
            name,
            kind: Kind::Text,
            place: place(fact),
        })
        .collect();
    for (name, kind, written) in known {
        let at = facts.partition_point(|fact| fact.name.as_str() < name);
        let fact = Fact {
            name: name.to_owned(),
            kind,
            place: written.map_or(Place::Host, place),
        };
        facts.insert(at, fact);
    }
    facts
}

fn place(fact: file::Fact) -> Place {
    match fact {
        file::Fact::Header { header } => Place::Header(header.into_bytes()),
        file::Fact::Property {
            property: file::OneOrMany::One(path),
        } => Place::Property(path.split('.').map(str::to_owned).collect()),
        file::Fact::Property { property } => Place::Property(property.into_vec()),
    }
}

fn source(source: Source) -> super::Source {
    match source {
        Source::Header { header, scheme } => super::Source::Header {
            name: header.into_bytes(),
            scheme: scheme.map(String::into_bytes),
        },
        Source::Query { query } => super::Source::Query(query.into_bytes()),
    }
}

/// What a rule is about, as a part of what it means.
fn meaning_of(matches: &Match) -> [String; 3] {
    [&matches.path, &matches.model, &matches.method].map(|list| match list {
        None => String::from("None"),
        Some(file::OneOrMany::One(text)) => format!("Some({:?})", [text]),
        Some(file::OneOrMany::Many(texts)) => format!("Some({texts:?})"),
    })
}

fn patterns(list: Option<Vec<String>>) -> Option<Vec<Pattern>> {
    list.map(|list| list.iter().map(|text| Pattern::new(text)).collect())
}

fn price(price: file::Price) -> Price {
    Price {
        model: patterns(Some(price.model.into_vec())).unwrap_or_default(),
        rates: Rates {
            input: price.input,
            cached: price.cached.unwrap_or(price.input),
            output: price.output,
            reasoning: price.reasoning.unwrap_or(price.output),
        },
    }
}

/// A few items in their order. The library's sorts are made for many, and take a fortieth of the module.
fn sorted<T: Ord>(items: impl IntoIterator<Item = T>) -> Vec<T> {
    let mut sorted = Vec::new();
    for item in items {
        let place = sorted.partition_point(|other| *other < item);
        sorted.insert(place, item);
    }
    sorted
}

/// A hash of a meaning: the same in every process, so that counters outlive a reload. Not secret, and never of
/// anything that a client sends.
fn hash(parts: &[String]) -> u64 {
    let mut hasher = SipHasher13::new();
    for part in parts {
        hasher.write_u64(part.len() as u64);
        hasher.write(part.as_bytes());
    }
    hasher.finish()
}
