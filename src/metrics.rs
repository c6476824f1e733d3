//! Every metric, once: its name, and the closed set of its labels.
//!
//! Names follow Prometheus; labels are written into the name as Envoy's `stats_tags` take them out again.

use crate::verdict::{Reason, Source, Verdict};

/// A counter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Metric {
    /// Requests decided, by what was done and why.
    Requests(Verdict, Reason),
    /// Requests for which rules in shadow would have done something else, by what and why.
    Shadow(Verdict, Reason),
    /// Reservations settled, by where the truth came from.
    Settlements(Source),
    /// Tokens settled, by kind.
    Tokens(Kind),
    /// Bodies that a rule needed, and numbers of tokens, that could not be read.
    Unreadable(Part),
    /// Policies put in force or refused; once per change, however many workers there are.
    PolicyLoads(Load),
    /// Something without labels.
    Plain(Plain),
}

/// A counter without labels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plain {
    /// Counters that were fully replenished and made room for others.
    Evictions,
    /// Requests that were counted among the newcomers to a full page.
    SharedNewcomers,
    /// Pages that another thread had changed in the meantime, so that a decision was made again.
    StoreConflicts,
    /// Decisions and settlements for which the counters could not be read or written.
    StoreFailures,
    /// Stored pages that were of another version or corrupted, and were taken as empty.
    PagesDiscarded,
    /// Distinct values that were not counted, since there was no room for them beside the counters.
    DistinctUncounted,
    /// Requests of keys nobody had seen, and which the origin did not know.
    UnknownKeys,
    /// Input tokens as they were estimated, of requests of which the origin told the truth.
    EstimatedTokens,
    /// By how many tokens those estimates were off, up or down.
    EstimateError,
    /// Times that what all workers had seen was judged: about once a second.
    CampaignSittings,
    /// Requests that showed what may be evidence of a campaign, and for which there was no room.
    CampaignUnobserved,
    /// Campaigns that came to be suspected.
    CampaignsSuspected,
    /// Campaigns that were convicted.
    CampaignsConvicted,
    /// Campaigns that are none any more, since nobody carries them on or too much speaks against it, or parts of others.
    CampaignsClosed,
    /// Campaigns that were convicted and are only noted, since too many keys would be acted on: a matter for a human.
    CampaignsHeldBack,
}

/// What kind of tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// All of the input.
    Input,
    /// The part of the input that came from a cache.
    Cached,
    /// All of the output.
    Output,
    /// The part of the output that was reasoning.
    Reasoning,
}

/// What could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// A request's body.
    Request,
    /// An answer's body.
    Answer,
    /// A number of tokens in an answer that was none.
    Number,
}

/// What became of a policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Load {
    /// It is in force.
    Accepted,
    /// It has faults; the one before stays in force.
    Rejected,
}

const VERDICTS: [Verdict; 5] = [
    Verdict::Allow,
    Verdict::Tag,
    Verdict::Throttle,
    Verdict::Verify,
    Verdict::Deny,
];
const REASONS: [Reason; 11] = [
    Reason::None,
    Reason::Quota,
    Reason::MissingCredential,
    Reason::AmbiguousCredential,
    Reason::BodyTooLarge,
    Reason::Unreadable,
    Reason::Store,
    Reason::List,
    Reason::Contradiction,
    Reason::Distinct,
    Reason::Campaign,
];
const SOURCES: [Source; 4] = [
    Source::Usage,
    Source::Counted,
    Source::Reserved,
    Source::Refunded,
];
const KINDS: [Kind; 4] = [Kind::Input, Kind::Cached, Kind::Output, Kind::Reasoning];
const PARTS: [Part; 3] = [Part::Request, Part::Answer, Part::Number];
const LOADS: [Load; 2] = [Load::Accepted, Load::Rejected];

/// All that have no labels.
pub const PLAIN: [Plain; 15] = [
    Plain::Evictions,
    Plain::SharedNewcomers,
    Plain::StoreConflicts,
    Plain::StoreFailures,
    Plain::PagesDiscarded,
    Plain::DistinctUncounted,
    Plain::UnknownKeys,
    Plain::EstimatedTokens,
    Plain::EstimateError,
    Plain::CampaignSittings,
    Plain::CampaignUnobserved,
    Plain::CampaignsSuspected,
    Plain::CampaignsConvicted,
    Plain::CampaignsClosed,
    Plain::CampaignsHeldBack,
];

/// Pairs of a verdict and a reason.
const PAIRS: usize = VERDICTS.len() * REASONS.len();
const SETTLEMENTS: usize = 2 * PAIRS;
const TOKENS: usize = SETTLEMENTS + SOURCES.len();
const UNREADABLE: usize = TOKENS + KINDS.len();
const POLICY_LOADS: usize = UNREADABLE + PARTS.len();
const PLAINS: usize = POLICY_LOADS + LOADS.len();

/// How many metrics there are: every one has an index below this.
pub const COUNT: usize = PLAINS + PLAIN.len();

impl Metric {
    /// Every metric, in the order of their indices.
    pub fn all() -> impl Iterator<Item = Self> {
        let pairs = || {
            VERDICTS
                .into_iter()
                .flat_map(|verdict| REASONS.map(|reason| (verdict, reason)))
        };
        let requests = pairs().map(|(verdict, reason)| Self::Requests(verdict, reason));
        requests
            .chain(pairs().map(|(verdict, reason)| Self::Shadow(verdict, reason)))
            .chain(SOURCES.map(Self::Settlements))
            .chain(KINDS.map(Self::Tokens))
            .chain(PARTS.map(Self::Unreadable))
            .chain(LOADS.map(Self::PolicyLoads))
            .chain(PLAIN.map(Self::Plain))
    }

    /// Its place among all.
    #[must_use]
    pub const fn index(self) -> usize {
        match self {
            Self::Requests(verdict, reason) => pair_index(verdict, reason),
            Self::Shadow(verdict, reason) => PAIRS.saturating_add(pair_index(verdict, reason)),
            Self::Settlements(source) => SETTLEMENTS.saturating_add(source as usize),
            Self::Tokens(kind) => TOKENS.saturating_add(kind as usize),
            Self::Unreadable(part) => UNREADABLE.saturating_add(part as usize),
            Self::PolicyLoads(load) => POLICY_LOADS.saturating_add(load as usize),
            Self::Plain(plain) => PLAINS.saturating_add(plain as usize),
        }
    }

    /// Its name with its labels: `stillgate_requests.verdict=.=allow;.reason=.=none;.total`.
    #[must_use]
    pub fn name(self) -> String {
        let pair = |name: &str, verdict: Verdict, reason: Reason| {
            let reason = ["reason", reason.label()];
            name_of(name, &[["verdict", verdict.label()], reason])
        };
        match self {
            Self::Requests(verdict, reason) => pair("requests", verdict, reason),
            Self::Shadow(verdict, reason) => pair("shadow", verdict, reason),
            Self::Settlements(source) => name_of("settlements", &[["source", source.label()]]),
            Self::Tokens(kind) => name_of("tokens", &[["kind", kind.label()]]),
            Self::Unreadable(part) => name_of("unreadable", &[["part", part.label()]]),
            Self::PolicyLoads(load) => name_of("policy_loads", &[["result", load.label()]]),
            Self::Plain(plain) => name_of(plain.label(), &[]),
        }
    }
}

const fn pair_index(verdict: Verdict, reason: Reason) -> usize {
    (verdict as usize)
        .saturating_mul(REASONS.len())
        .saturating_add(reason as usize)
}

fn name_of(name: &str, labels: &[[&str; 2]]) -> String {
    let mut text = ["stillgate_", name].concat();
    if labels.is_empty() {
        text.push_str("_total");
        return text;
    }
    for [label, value] in labels {
        for part in [".", label, "=.=", value, ";"] {
            text.push_str(part);
        }
    }
    text.push_str(".total");
    text
}

impl Kind {
    const fn label(self) -> &'static str {
        match self {
            Self::Input => "input",
            Self::Cached => "cached",
            Self::Output => "output",
            Self::Reasoning => "reasoning",
        }
    }
}

impl Part {
    const fn label(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Answer => "answer",
            Self::Number => "number",
        }
    }
}

impl Load {
    const fn label(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Rejected => "rejected",
        }
    }
}

impl Plain {
    const fn label(self) -> &'static str {
        match self {
            Self::Evictions => "evictions",
            Self::SharedNewcomers => "shared_newcomers",
            Self::StoreConflicts => "store_conflicts",
            Self::StoreFailures => "store_failures",
            Self::PagesDiscarded => "pages_discarded",
            Self::DistinctUncounted => "distinct_uncounted",
            Self::UnknownKeys => "unknown_keys",
            Self::EstimatedTokens => "estimated_tokens",
            Self::EstimateError => "estimate_error_tokens",
            Self::CampaignSittings => "campaign_sittings",
            Self::CampaignUnobserved => "campaign_unobserved",
            Self::CampaignsSuspected => "campaigns_suspected",
            Self::CampaignsConvicted => "campaigns_convicted",
            Self::CampaignsClosed => "campaigns_closed",
            Self::CampaignsHeldBack => "campaigns_held_back",
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
        for (index, metric) in all.iter().enumerate() {
            assert_eq!(metric.index(), index, "{metric:?}");
        }
        let names: BTreeSet<String> = all.iter().map(|metric| metric.name()).collect();
        assert_eq!(names.len(), COUNT);
        for name in [
            "stillgate_requests.verdict=.=throttle;.reason=.=quota;.total",
            "stillgate_settlements.source=.=counted;.total",
            "stillgate_tokens.kind=.=reasoning;.total",
            "stillgate_evictions_total",
        ] {
            assert!(names.contains(name), "{name}");
        }
    }
}
