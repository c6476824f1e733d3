//! From the file's types to a policy: names become places, patterns become matchers, and rules are held against each
//! other.

use core::hash::Hasher;

use siphasher::sip::SipHasher13;

use super::file::{self, File, Headers, Missing, Mode, OnError, OnUnreadable, Record, Source};
use super::node::Notes;
use super::pattern::Pattern;
use super::price::{Price, Rates};
use super::read::Placed;
use super::{Fact, Kind, Limit, Place, Policy, Prefixes, Quota, Scope, Subject, Trait, scale};

/// Compiles a file; what does not go together is noted.
#[must_use]
pub(super) fn compile(file: File, quotas: Vec<Placed>, notes: &Notes<'_>) -> Policy {
    let facts = facts(file.account);
    let names: Vec<String> = facts.iter().map(|fact| fact.name.clone()).collect();
    let mut subjects: Vec<Subject> = Vec::new();
    let mut compiled: Vec<Quota> = Vec::new();
    for (path, quota) in quotas {
        if compiled.iter().any(|other| other.name == quota.name) {
            notes.add(
                &format!("{path}/name"),
                &format!("another rule is named \"{}\" already", quota.name),
                "every rule has a name of its own",
            );
        }
        let subject = subject(&mut subjects, &quota.per, &names);
        let quota = self::quota(quota, subject, &names);
        if let Some(before) = compiled.iter().find(|other| other.hides(&quota)) {
            notes.add(
                &path,
                &format!(
                    "\"{}\" can never fire: \"{}\" refuses the same requests earlier",
                    quota.name, before.name
                ),
                "lower its limit, lengthen its window, or take it out",
            );
        } else if let Some(hidden) = compiled.iter().find(|other| quota.hides(other)) {
            notes.add(
                &path,
                &format!(
                    "\"{}\" refuses the same requests earlier, so \"{}\" can never fire",
                    quota.name, hidden.name
                ),
                &format!("take \"{}\" out, or lower its limit", hidden.name),
            );
        }
        compiled.push(quota);
    }
    // Only now, so that a policy which may run in shadow may also be enforced.
    compiled
        .iter_mut()
        .for_each(|quota| quota.shadow |= file.mode == Mode::Shadow);
    let prices: Vec<Price> = file.prices.into_iter().map(price).collect();
    Policy {
        shadow: file.mode == Mode::Shadow,
        sources: file.identity.from.into_iter().map(source).collect(),
        by_network: file.identity.missing == Missing::ByNetwork,
        prefixes: Prefixes::default(),
        checks: Vec::new(),
        lists: Vec::new(),
        verify_url: String::new(),
        newcomers: compiled.iter().map(|quota| quota.newcomers).collect(),
        facts,
        subjects,
        quotas: compiled,
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

/// What the host vouches for by itself, beside what the operator has named; in the order of the names.
fn facts(account: Vec<(String, file::Fact)>) -> Vec<Fact> {
    let known = [
        ("asn", Kind::Asn),
        ("country", Kind::Country),
        ("ja3", Kind::Ja3),
        ("ja4", Kind::Ja4),
    ];
    let mut facts: Vec<Fact> = account
        .into_iter()
        .map(|(name, fact)| Fact {
            name,
            kind: Kind::Text,
            place: place(fact),
        })
        .collect();
    for (name, kind) in known {
        let at = facts.partition_point(|fact| fact.name.as_str() < name);
        let fact = Fact {
            name: name.to_owned(),
            kind,
            place: Place::Host,
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

/// The place of the subject with these traits, in whatever order they are written.
fn subject(subjects: &mut Vec<Subject>, per: &[String], facts: &[String]) -> usize {
    let traits = per.iter().map(|name| match name.as_str() {
        "key" => Trait::Key,
        "network" => Trait::Network,
        "path" => Trait::Path,
        "method" => Trait::Method,
        "model" => Trait::Model,
        "shape" => Trait::Shape,
        "agent" => Trait::Agent,
        name => Trait::Fact(
            facts
                .iter()
                .position(|fact| fact == name)
                .unwrap_or(usize::MAX),
        ),
    });
    let traits = sorted(traits);
    if let Some(place) = subjects.iter().position(|subject| subject.traits == traits) {
        return place;
    }
    subjects.push(Subject {
        id: hash(&sorted(per.iter().cloned())),
        traits,
    });
    subjects.len().saturating_sub(1)
}

fn quota(quota: file::Quota, subject: usize, facts: &[String]) -> Quota {
    let length = quota
        .window
        .or(quota.lease)
        .map_or(60_000, |length| length.0);
    let per = sorted(quota.per);
    let lists = [
        &quota.matches.path,
        &quota.matches.model,
        &quota.matches.method,
    ];
    let [path, model, method] = lists.map(|list| list.clone().map(file::OneOrMany::into_vec));
    // What a counter is found by: a rule whose meaning changes gets new counters, one whose limit changes keeps them.
    // A counter in other units is another counter.
    let mut meaning = vec![quota.name.clone(), format!("{:?} {length}", quota.count)];
    if unit(&quota.limit) > 1 {
        meaning.push(unit(&quota.limit).to_string());
    }
    meaning.extend(per.iter().cloned());
    for list in [&path, &model, &method] {
        meaning.push(format!("{list:?}"));
    }
    let id = hash(&meaning);
    meaning.push(String::from("newcomers"));
    let (count, unit) = (quota.count, unit(&quota.limit));
    let limit = |amount: u64| limit_in_units(amount, unit);
    Quota {
        id,
        newcomers: hash(&meaning),
        subject,
        reads_model: model.is_some() || per.iter().any(|name| name == "model"),
        count,
        unit,
        limit: match quota.limit {
            file::Limit::Number(amount) => {
                Limit::Fixed(limit(amount), scale(count, length, limit(amount)))
            }
            file::Limit::By {
                by,
                values,
                otherwise,
            } => Limit::ByFact {
                fact: facts
                    .iter()
                    .position(|fact| *fact == by)
                    .unwrap_or(usize::MAX),
                values: values
                    .into_iter()
                    .map(|(value, amount)| (value.into_bytes(), limit(amount)))
                    .collect(),
                otherwise: limit(otherwise),
            },
        },
        length,
        scope: Scope {
            path: patterns(path),
            model: patterns(model),
            method: patterns(method),
            except: Vec::new(),
        },
        after: None,
        shadow: quota.mode == Mode::Shadow,
        name: quota.name,
    }
}

fn patterns(list: Option<Vec<String>>) -> Option<Vec<Pattern>> {
    list.map(|list| list.iter().map(|text| Pattern::new(text)).collect())
}

/// What one unit of a counter stands for: 1 where the largest limit fits into 32 bits, otherwise so much that it fits into
/// half of them; the other half is for what requests use beyond their reservations. A power of two, so that it seldom changes
/// with the limit.
fn unit(limit: &file::Limit) -> u64 {
    let most = match limit {
        file::Limit::Number(limit) => *limit,
        file::Limit::By {
            values, otherwise, ..
        } => values
            .iter()
            .fold(*otherwise, |most, &(_, limit)| most.max(limit)),
    };
    if most <= u64::from(u32::MAX) {
        return 1;
    }
    most.div_ceil(1 << 31).next_power_of_two()
}

/// A limit in units, rounded down, so that rounding never admits more.
fn limit_in_units(amount: u64, unit: u64) -> u32 {
    let whole = amount.checked_div(unit).unwrap_or(amount);
    u32::try_from(whole).unwrap_or(u32::MAX).max(1)
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
