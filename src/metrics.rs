//! Every metric, once: its name, and the closed set of its labels.
//!
//! Names follow Prometheus; labels are written into the name as Envoy's `stats_tags` take them out again.

use crate::verdict::{Reason, Verdict};

/// A counter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Metric {
    /// Requests decided, by what was done and why.
    Requests(Verdict, Reason),
    /// Requests for which rules in shadow would have done something else, by what and why.
    Shadow(Verdict, Reason),
    /// Counters that were fully replenished and made room for others.
    Evictions,
    /// Requests that were counted among the newcomers to a full page.
    SharedNewcomers,
    /// Pages that another thread had changed in the meantime, so that a decision was made again.
    StoreConflicts,
    /// Decisions for which the counters could not be read or written.
    StoreFailures,
    /// Stored pages that were of another version or corrupted, and were taken as empty.
    PagesDiscarded,
    /// Policies put in force or refused; once per change, however many workers there are.
    PolicyLoads(Load),
}

/// What became of a policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Load {
    /// It is in force.
    Accepted,
    /// It has faults; the one before stays in force.
    Rejected,
}

const VERDICTS: [Verdict; 3] = [Verdict::Allow, Verdict::Throttle, Verdict::Deny];
const REASONS: [Reason; 6] = [
    Reason::None,
    Reason::Quota,
    Reason::MissingCredential,
    Reason::AmbiguousCredential,
    Reason::BodyTooLarge,
    Reason::Store,
];

/// How many metrics there are: every one has an index below this.
pub const COUNT: usize = 2 * VERDICTS.len() * REASONS.len() + 7;

impl Metric {
    /// Every metric, in the order of their indices.
    pub fn all() -> impl Iterator<Item = Self> {
        let pairs = || {
            VERDICTS
                .into_iter()
                .flat_map(|verdict| REASONS.map(|reason| (verdict, reason)))
        };
        let plain = [
            Self::Evictions,
            Self::SharedNewcomers,
            Self::StoreConflicts,
            Self::StoreFailures,
            Self::PagesDiscarded,
            Self::PolicyLoads(Load::Accepted),
            Self::PolicyLoads(Load::Rejected),
        ];
        let requests = pairs().map(|(verdict, reason)| Self::Requests(verdict, reason));
        requests
            .chain(pairs().map(|(verdict, reason)| Self::Shadow(verdict, reason)))
            .chain(plain)
    }

    /// Its place among all.
    #[must_use]
    pub fn index(self) -> usize {
        Self::all().position(|other| other == self).unwrap_or(0)
    }

    /// Its name with its labels: `stillgate_requests.verdict=.=allow;.reason=.=none;.total`.
    #[must_use]
    pub fn name(self) -> String {
        let labelled = |name: &str, verdict: Verdict, reason: Reason| {
            format!(
                "stillgate_{name}.verdict=.={};.reason=.={};.total",
                verdict.label(),
                reason.label()
            )
        };
        match self {
            Self::Requests(verdict, reason) => labelled("requests", verdict, reason),
            Self::Shadow(verdict, reason) => labelled("shadow", verdict, reason),
            Self::Evictions => String::from("stillgate_evictions_total"),
            Self::SharedNewcomers => String::from("stillgate_shared_newcomers_total"),
            Self::StoreConflicts => String::from("stillgate_store_conflicts_total"),
            Self::StoreFailures => String::from("stillgate_store_failures_total"),
            Self::PagesDiscarded => String::from("stillgate_pages_discarded_total"),
            Self::PolicyLoads(Load::Accepted) => {
                String::from("stillgate_policy_loads.result=.=accepted;.total")
            }
            Self::PolicyLoads(Load::Rejected) => {
                String::from("stillgate_policy_loads.result=.=rejected;.total")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_metric_has_a_name_and_a_place_of_its_own() {
        let all: Vec<Metric> = Metric::all().collect();
        assert_eq!(all.len(), COUNT);
        let names: BTreeSet<String> = all.iter().map(|metric| metric.name()).collect();
        assert_eq!(names.len(), COUNT);
        for (index, metric) in all.iter().enumerate() {
            assert_eq!(metric.index(), index);
        }
    }
}
