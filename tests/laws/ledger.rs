//! What was admitted, and whether it was ever too much.

use std::collections::BTreeMap;

use stillgate::exchange::Millis;

use crate::traffic::{Ask, Rule};

/// Admitted requests by rule and subject.
#[derive(Debug, Default)]
pub(crate) struct Ledger(BTreeMap<(usize, Vec<u16>), Vec<Millis>>);

impl Ledger {
    /// Enters an admitted request.
    pub(crate) fn enter(&mut self, rules: &[Rule], ask: &Ask) {
        for (place, rule) in rules.iter().enumerate() {
            if rule.covers(ask) && !rule.shadow {
                let subject = (place, ask.subject(rule.per));
                self.0.entry(subject).or_default().push(ask.at);
            }
        }
    }

    /// Rules, subjects and moments from which on more than the limit was admitted in one window.
    pub(crate) fn excesses(&self, rules: &[Rule]) -> Vec<String> {
        let mut found = Vec::new();
        for ((place, subject), times) in &self.0 {
            let rule = &rules[*place];
            let mut times = times.clone();
            times.sort_unstable();
            for span in times.windows(rule.limit as usize + 1) {
                let (first, last) = (span[0], span[span.len() - 1]);
                if last < first + rule.window() {
                    found.push(format!("{rule:?} {subject:?}: {first} to {last}"));
                }
            }
        }
        found
    }
}
