//! Quotas: what their counters are found by, in what units they count, and whether one can ever fire.

use super::{Compiler, hash, meaning_of, sorted};
use crate::policy::file::{self, Mode};
use crate::policy::{After, Limit, Quota, Trait, scale};

impl Compiler<'_> {
    /// Compiles a quota, of the check at this place if there is one.
    pub(super) fn quota(&mut self, path: &str, quota: file::Quota, after: Option<After>) {
        self.claim(path, &quota.name);
        let subject = self.subject(&quota.per);
        let quota = self.compiled(quota, subject, after);
        if let Some(before) = self.quotas.iter().find(|other| other.hides(&quota)) {
            self.notes.add(
                path,
                &format!(
                    "\"{}\" can never fire: \"{}\" refuses the same requests earlier",
                    quota.name, before.name
                ),
                "lower its limit, lengthen its window, or take it out",
            );
        } else if let Some(hidden) = self.quotas.iter().find(|other| quota.hides(other)) {
            self.notes.add(
                path,
                &format!(
                    "\"{}\" refuses the same requests earlier, so \"{}\" can never fire",
                    quota.name, hidden.name
                ),
                &format!("take \"{}\" out, or lower its limit", hidden.name),
            );
        }
        self.quotas.push(quota);
    }

    fn compiled(&self, quota: file::Quota, subject: usize, after: Option<After>) -> Quota {
        let length = quota
            .window
            .or(quota.lease)
            .map_or(60_000, |length| length.0);
        let (count, unit) = (quota.count, unit(&quota.limit));
        // What a counter is found by: a rule whose meaning changes gets new counters, one whose limit changes keeps them, and so
        // does one whose exceptions change: they grow by the day. A counter in other units is another counter.
        let mut meaning = vec![quota.name.clone(), format!("{count:?} {length}")];
        if unit > 1 {
            meaning.push(unit.to_string());
        }
        meaning.extend(sorted(quota.per));
        meaning.extend(meaning_of(&quota.matches));
        let id = hash(&meaning);
        meaning.push(String::from("newcomers"));
        let scope = self.scope(quota.matches, &quota.except);
        let limit = |amount: u64| limit_in_units(amount, unit);
        let per_model = self
            .subjects
            .get(subject)
            .is_some_and(|subject| subject.traits.contains(&Trait::Model));
        let check = match after {
            Some(After::Check(place)) => self.checks.get(place),
            _ => None,
        };
        Quota {
            id,
            newcomers: hash(&meaning),
            subject,
            // Nobody knows whom a check finds before it has found them.
            reads_model: per_model
                || scope.reads_model()
                || check.is_some_and(|check| check.reads_model),
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
                    fact: self.fact(&by),
                    values: values
                        .into_iter()
                        .map(|(value, amount)| (value.into_bytes(), limit(amount)))
                        .collect(),
                    otherwise: limit(otherwise),
                },
            },
            length,
            scope,
            after,
            shadow: quota.mode == Mode::Shadow || check.is_some_and(|check| check.shadow),
            name: quota.name,
        }
    }
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
