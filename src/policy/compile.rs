//! From the file's types to a policy: names become places, patterns become matchers, and rules are held against each
//! other.

use core::hash::Hasher;

use siphasher::sip::SipHasher13;

use super::file::{self, Count, File, Headers, Missing, Mode, OnError, Record, Source};
use super::node::Notes;
use super::pattern::Pattern;
use super::read::Placed;
use super::{Fact, Limit, Policy, Quota, Subject, Trait};
use crate::window::Scale;

/// Compiles a file; what does not go together is noted.
#[must_use]
pub(super) fn compile(file: File, quotas: Vec<Placed>, notes: &Notes) -> Policy {
    let names: Vec<String> = file.account.keys().cloned().collect();
    let facts: Vec<Fact> = file.account.into_values().map(fact).collect();
    let mut subjects: Vec<Subject> = Vec::new();
    let mut compiled: Vec<Quota> = Vec::new();
    for (path, quota) in quotas {
        if compiled.iter().any(|other| other.name == quota.name) {
            notes.add(
                format!("{path}/name"),
                format!("another rule is named \"{}\" already", quota.name),
                "every rule has a name of its own",
            );
        }
        let subject = subject(&mut subjects, &quota.per, &names);
        let quota = self::quota(quota, subject, &names);
        if let Some(before) = compiled.iter().find(|other| other.hides(&quota)) {
            notes.add(
                path,
                format!(
                    "\"{}\" can never fire: \"{}\" refuses the same requests earlier",
                    quota.name, before.name
                ),
                "lower its limit, lengthen its window, or take it out",
            );
        } else if let Some(hidden) = compiled.iter().find(|other| quota.hides(other)) {
            notes.add(
                path,
                format!(
                    "\"{}\" refuses the same requests earlier, so \"{}\" can never fire",
                    quota.name, hidden.name
                ),
                format!("take \"{}\" out, or lower its limit", hidden.name),
            );
        }
        compiled.push(quota);
    }
    // Only now, so that a policy which may run in shadow may also be enforced.
    compiled
        .iter_mut()
        .for_each(|quota| quota.shadow |= file.mode == Mode::Shadow);
    Policy {
        shadow: file.mode == Mode::Shadow,
        sources: file.identity.from.into_iter().map(source).collect(),
        by_network: file.identity.missing == Missing::ByNetwork,
        newcomers: compiled.iter().map(|quota| quota.newcomers).collect(),
        facts,
        subjects,
        quotas: compiled,
        memory: file.limits.memory.0,
        body: file.limits.body.0,
        tells_always: file.headers == Headers::Always,
        records_all: file.record == Record::All,
        allow_on_error: file.on_error == OnError::Allow,
    }
}

fn fact(fact: file::Fact) -> Fact {
    match fact {
        file::Fact::Header { header } => Fact::Header(header.into_bytes()),
        file::Fact::Property {
            property: file::OneOrMany::One(path),
        } => Fact::Property(path.split('.').map(str::to_owned).collect()),
        file::Fact::Property { property } => Fact::Property(property.into_vec()),
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
    let mut traits: Vec<Trait> = per
        .iter()
        .map(|name| match name.as_str() {
            "key" => Trait::Key,
            "network" => Trait::Network,
            "path" => Trait::Path,
            "method" => Trait::Method,
            "model" => Trait::Model,
            name => Trait::Fact(
                facts
                    .iter()
                    .position(|fact| fact == name)
                    .unwrap_or(usize::MAX),
            ),
        })
        .collect();
    traits.sort_unstable();
    if let Some(place) = subjects.iter().position(|subject| subject.traits == traits) {
        return place;
    }
    let mut names = per.to_vec();
    names.sort_unstable();
    subjects.push(Subject {
        id: hash(&names),
        traits,
    });
    subjects.len().saturating_sub(1)
}

fn quota(quota: file::Quota, subject: usize, facts: &[String]) -> Quota {
    let length = quota
        .window
        .or(quota.lease)
        .map_or(60_000, |length| length.0);
    let mut per = quota.per;
    per.sort_unstable();
    let lists = [
        &quota.matches.path,
        &quota.matches.model,
        &quota.matches.method,
    ];
    let [path, model, method] = lists.map(|list| list.clone().map(file::OneOrMany::into_vec));
    // What a counter is found by: a rule whose meaning changes gets new counters, one whose limit changes keeps them.
    let mut meaning = vec![quota.name.clone(), format!("{:?} {length}", quota.count)];
    meaning.extend(per.iter().cloned());
    for list in [&path, &model, &method] {
        meaning.push(format!("{list:?}"));
    }
    let id = hash(&meaning);
    meaning.push(String::from("newcomers"));
    let patterns = |list: Option<Vec<String>>| {
        list.map(|list| list.iter().map(|text| Pattern::new(text)).collect())
    };
    Quota {
        id,
        newcomers: hash(&meaning),
        subject,
        reads_model: model.is_some() || per.iter().any(|name| name == "model"),
        concurrent: quota.count == Count::Concurrent,
        limit: match quota.limit {
            file::Limit::Number(limit) => Limit::Fixed(limit, Scale::new(length, limit)),
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
                    .map(|(value, limit)| (value.into_bytes(), limit))
                    .collect(),
                otherwise,
            },
        },
        length,
        path: patterns(path),
        model: patterns(model),
        method: patterns(method),
        shadow: quota.mode == Mode::Shadow,
        name: quota.name,
    }
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
