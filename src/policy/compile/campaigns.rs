//! Campaigns: their budgets become quotas, which nobody but they are counted by.

use super::{Compiler, hash};
use crate::policy::campaigns::{Campaigns, Facts, Step};
use crate::policy::file::{self, Count, Excuse, Mode};
use crate::policy::{After, Limit, Quota, Scope, Subject, Trait, scale};

impl Compiler<'_> {
    /// Compiles how campaigns are found and answered, and their budgets after all quotas that there are.
    pub(super) fn campaigns(&mut self, written: file::Campaigns) -> Campaigns {
        let shadow = written.mode == Mode::Shadow;
        let steps = written.steps.into_iter().enumerate();
        let steps = steps
            .map(|(place, step)| match step {
                file::Step::Then { at, then } => Step {
                    at,
                    then,
                    budget: None,
                },
                file::Step::Budget { at, budget, over } => Step {
                    at,
                    then: over,
                    budget: Some(self.budget(place, &budget, shadow)),
                },
            })
            .collect();
        let fact = |name: Option<String>| name.map(|name| self.fact(&name));
        let facts = Facts {
            age: fact(written.facts.age),
            org: fact(written.facts.org),
            verified: fact(written.facts.verified),
            contract: fact(written.facts.contract),
        };
        let (mut excused, mut excused_texts) = (Vec::new(), Vec::new());
        for excuse in written.excuse {
            match excuse {
                Excuse::Text { text } => excused_texts.push(text),
                Excuse::Template { template } => excused.push(template),
            }
        }
        Campaigns {
            shadow,
            scope: self.scope(written.matches, &written.except),
            window: written.window.0,
            convict: written.convict,
            steps,
            facts,
            excused,
            excused_texts,
            acquitted: written.acquit,
            jitter: written.jitter.0,
            cap: u32::try_from(written.cap.0).unwrap_or(u32::MAX),
        }
    }

    /// Compiles the budget of a step, and answers its place. Its name is no rule's: records and replies do not have it.
    fn budget(&mut self, step: usize, budget: &file::Budget, shadow: bool) -> usize {
        let subject = self.campaign();
        let (count, length, limit) = (Count::Requests, budget.window.0, budget.requests);
        let name = format!("campaign-{}", step.saturating_add(1));
        let mut meaning = vec![name.clone(), length.to_string()];
        let id = hash(&meaning);
        meaning.push(String::from("newcomers"));
        self.quotas.push(Quota {
            name,
            id,
            newcomers: hash(&meaning),
            subject,
            reads_model: false,
            count,
            unit: 1,
            limit: Limit::Fixed(limit, scale(count, length, limit)),
            length,
            scope: Scope::default(),
            after: Some(After::Step(step)),
            shadow,
        });
        self.quotas.len().saturating_sub(1)
    }

    /// The place of the subject that a campaign is. No rule can name it.
    fn campaign(&mut self) -> usize {
        let traits = vec![Trait::Campaign];
        let known = self.subjects.iter();
        let known = known.map(|subject| &subject.traits);
        if let Some(place) = known.into_iter().position(|other| *other == traits) {
            return place;
        }
        // Names of facts do not begin with a zero byte, so no other subject has this hash.
        let id = hash(&[String::from("\0campaign")]);
        self.subjects.push(Subject { id, traits });
        self.subjects.len().saturating_sub(1)
    }
}

impl file::Campaigns {
    /// How many steps have budgets.
    pub(in crate::policy) fn budgets(&self) -> usize {
        let steps = self.steps.iter();
        steps
            .filter(|step| matches!(step, file::Step::Budget { .. }))
            .count()
    }
}
