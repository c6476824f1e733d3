//! What has changed among campaigns since a log was last told.

use super::Case;
use crate::policy::campaigns::Stage;

/// The campaigns that a log knows.
#[derive(Debug, Default)]
pub struct News {
    known: Vec<Case>,
}

/// What happened to a campaign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// It is more keys than the policy lets be acted on.
    HeldBack,
    /// There is enough evidence to suspect it.
    Suspected,
    /// There is enough to act on.
    Convicted,
    /// It is none any more.
    Closed,
}

impl Event {
    /// Its name in logs.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::HeldBack => "held back",
            Self::Suspected => "suspected",
            Self::Convicted => "convicted",
            Self::Closed => "closed",
        }
    }
}

impl News {
    /// What is new about these campaigns, which are all that there are; from now on they are known.
    pub fn take(&mut self, cases: Vec<Case>) -> Vec<(Event, Case)> {
        let mut news = Vec::new();
        for case in &cases {
            let before = self.known.iter().find(|known| known.id == case.id);
            let was = before.map(|known| (known.stage, known.held_back));
            if was == Some((case.stage, case.held_back)) {
                continue;
            }
            let event = match (case.stage, case.held_back) {
                (_, true) => Event::HeldBack,
                (Stage::Suspect, _) => Event::Suspected,
                (Stage::Convicted, _) => Event::Convicted,
            };
            news.push((event, case.clone()));
        }
        let known = core::mem::replace(&mut self.known, cases);
        let is_gone = |known: &Case| !self.known.iter().any(|case| case.id == known.id);
        let gone = known.into_iter().filter(is_gone);
        news.extend(gone.map(|case| (Event::Closed, case)));
        news
    }
}
