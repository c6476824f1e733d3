//! Which requests a rule is about.

use super::pattern::Pattern;
use super::{Trait, list::List};
use crate::exchange::{Exchange, Model};

/// Which requests a rule is about: those that fit all that is written, but for those that are excepted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Scope {
    /// Patterns of the path; `None` matches all.
    pub path: Option<Vec<Pattern>>,
    /// Patterns of the model; `None` matches all, also requests without one.
    pub model: Option<Vec<Pattern>>,
    /// Methods; `None` matches all.
    pub method: Option<Vec<Pattern>>,
    /// Lists that excuse who is on one of them.
    pub except: Vec<Membership>,
}

/// Whether a trait is on a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Membership {
    /// The trait.
    pub of: Trait,
    /// The list's place in [`Policy::lists`](super::Policy::lists).
    pub list: usize,
}

impl Scope {
    /// Whether the rule is about this request, whoever may be excepted.
    #[must_use]
    pub fn covers(&self, exchange: &Exchange<'_>) -> bool {
        self.may_cover(exchange)
            && match exchange.model {
                Model::Named(name) => fits(self.model.as_ref(), name),
                Model::Absent => self.model.is_none(),
                // Whoever hides the model is held to every model's limit.
                Model::Unreadable => true,
            }
    }

    /// Whether the rule is about this request, depending on its model.
    #[must_use]
    pub fn may_cover(&self, exchange: &Exchange<'_>) -> bool {
        fits(self.path.as_ref(), exchange.path) && fits(self.method.as_ref(), exchange.method)
    }

    /// Whether it takes the model to say whether the rule is about a request.
    #[must_use]
    pub fn reads_model(&self) -> bool {
        self.model.is_some() || self.except.iter().any(|member| member.of == Trait::Model)
    }

    /// Whether it is about every request.
    pub(super) fn is_everything(&self) -> bool {
        *self == Self::default()
    }
}

impl Membership {
    /// The list.
    #[must_use]
    pub fn list<'p>(&self, lists: &'p [List]) -> Option<&'p List> {
        lists.get(self.list)
    }
}

fn fits(patterns: Option<&Vec<Pattern>>, text: &[u8]) -> bool {
    patterns.is_none_or(|patterns| patterns.iter().any(|pattern| pattern.matches(text)))
}
