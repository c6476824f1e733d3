//! Checks: what they look for, by places.

use super::{Compiler, hash, meaning_of, sorted};
use crate::policy::check::{Against, Check, Distinct, Test};
use crate::policy::file::{self, Absent, Mode, Witness};
use crate::policy::{After, Subject, Trait};

impl Compiler<'_> {
    /// Compiles a check, and its quota after those that there are.
    pub(super) fn check(&mut self, path: &str, check: file::Check) {
        self.claim(path, &check.name);
        let test = match check.test {
            file::Test::Listed(listed) => Test::Listed(self.member(&listed)),
            file::Test::Contradiction(Witness::Ja4) => {
                Test::Contradiction(Against::Ja4(self.named("ja4")))
            }
            file::Test::Contradiction(Witness::Shape) => Test::Contradiction(Against::Shape),
            file::Test::Distinct {
                per,
                of,
                limit,
                window,
            } => {
                // As of a quota: what was seen is found again as long as the meaning is the same.
                let mut meaning = vec![
                    check.name.clone(),
                    format!("distinct {}", window.0),
                    of.clone(),
                ];
                let subject = self.subject(&per);
                meaning.extend(sorted(per));
                meaning.extend(meaning_of(&check.matches));
                Test::Distinct(Distinct {
                    id: hash(&meaning),
                    subject,
                    of: self.named(&of),
                    limit,
                    window: window.0,
                })
            }
        };
        let scope = self.scope(check.matches, &check.except);
        self.checks.push(Check {
            name: check.name,
            reads_model: scope.reads_model() || reads_model(&test, &self.subjects),
            scope,
            test,
            then: check.then,
            absent_matches: check.absent == Absent::Match,
            shadow: check.mode == Mode::Shadow,
        });
        if let Some(quota) = check.quota {
            let after = self.checks.len().checked_sub(1).map(After::Check);
            self.quota(&format!("{path}/quota"), quota, after);
        }
    }
}

/// Whether it takes the model to say what a test finds.
fn reads_model(test: &Test, subjects: &[Subject]) -> bool {
    match test {
        Test::Listed(member) => member.of == Trait::Model,
        Test::Contradiction(_) => false,
        Test::Distinct(distinct) => {
            let subject = subjects.get(distinct.subject);
            distinct.of == Trait::Model
                || subject.is_some_and(|subject| subject.traits.contains(&Trait::Model))
        }
    }
}
