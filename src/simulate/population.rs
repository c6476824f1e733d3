//! The populations: who there is besides a campaign, how many and how busy.

use super::scenario::{Crowd, Scenario};

/// Keys of one kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Population {
    /// What they are.
    pub name: &'static str,
    /// Whether they are a campaign's; all others are honest.
    pub campaign: bool,
    /// How many there are, those that a campaign buys later not counted.
    pub keys: u32,
}

/// Who acts, and so how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Ordinary,
    Heavy,
    Agents,
    Products,
    Clockwork,
    Collections,
    Batch,
    Evaluation,
    Corporate,
    Aggregator,
    Flash,
    Campaign,
}

/// A population as it is unless a scenario changes it. The fields are those of [`Crowd`].
pub(super) struct Usual {
    pub(super) kind: Kind,
    pub(super) name: &'static str,
    keys: u32,
    share: f64,
    groups: u32,
    young: f64,
    verified: f64,
    organised: f64,
    contract: f64,
    conversations: f64,
}

/// One after the other as in [`Usual`].
type Numbers = (u32, f64, u32, f64, f64, f64, f64, f64);

const fn usual(kind: Kind, name: &'static str, numbers: Numbers) -> Usual {
    let (keys, share, groups, young, verified, organised, contract, conversations) = numbers;
    Usual {
        kind,
        name,
        keys,
        share,
        groups,
        young,
        verified,
        organised,
        contract,
        conversations,
    }
}

/// All honest populations: a million keys, most of them people's, and most requests of a few.
pub(super) const HONEST: [Usual; 11] = [
    usual(
        Kind::Ordinary,
        "ordinary",
        (538_000, 0.16, 1, 0.2, 0.1, 0.15, 0.0, 0.45),
    ),
    usual(
        Kind::Heavy,
        "heavy",
        (400, 0.42, 400, 0.05, 0.6, 0.9, 0.02, 0.2),
    ),
    usual(
        Kind::Agents,
        "agents",
        (150_000, 0.14, 4, 0.25, 0.12, 0.2, 0.0, 0.85),
    ),
    usual(
        Kind::Products,
        "products",
        (120_000, 0.07, 60, 0.25, 0.08, 0.1, 0.0, 0.3),
    ),
    usual(
        Kind::Clockwork,
        "clockwork",
        (40_000, 0.07, 6, 0.15, 0.06, 0.05, 0.0, 0.0),
    ),
    usual(
        Kind::Collections,
        "collections",
        (40_000, 0.02, 300, 0.2, 0.06, 0.05, 0.0, 0.4),
    ),
    usual(
        Kind::Batch,
        "batch",
        (1_500, 0.05, 900, 0.2, 0.3, 0.7, 0.1, 0.0),
    ),
    usual(
        Kind::Evaluation,
        "evaluation",
        (1_600, 0.01, 12, 0.3, 0.15, 0.5, 0.0, 0.0),
    ),
    usual(
        Kind::Corporate,
        "corporate",
        (12_000, 0.02, 20, 0.15, 0.5, 1.0, 0.0, 0.4),
    ),
    usual(
        Kind::Aggregator,
        "aggregator",
        (82_000, 0.035, 5, 0.3, 0.03, 0.02, 0.0, 0.4),
    ),
    usual(
        Kind::Flash,
        "flash",
        (15_000, 0.005, 3, 1.0, 0.03, 0.02, 0.0, 0.5),
    ),
];

/// A population as a scenario has it, scaled.
#[derive(Debug, Clone, Copy)]
pub(super) struct Plan {
    pub(super) kind: Kind,
    pub(super) name: &'static str,
    pub(super) keys: u32,
    /// Requests of all its keys in a day.
    pub(super) per_day: f64,
    pub(super) groups: u32,
    pub(super) young: f64,
    pub(super) verified: f64,
    pub(super) organised: f64,
    pub(super) contract: f64,
    pub(super) conversations: f64,
}

/// Interactions a day of the campaign that was reported.
const REPORTED: f64 = 640_000.0;

/// All honest populations of a scenario.
pub(super) fn honest(scenario: &Scenario) -> Vec<Plan> {
    let changes = |usual: &Usual| scenario.honest.get(usual.name).copied().unwrap_or_default();
    let share = |usual: &Usual, change: &Crowd| match change.keys.unwrap_or(usual.keys) {
        0 => 0.0,
        _ => change.share.unwrap_or(usual.share),
    };
    let total: f64 = HONEST
        .iter()
        .map(|usual| share(usual, &changes(usual)))
        .sum();
    let requests = scenario.ratio * REPORTED / f64::from(scenario.scale.max(1));
    let plan = |usual: &Usual| {
        let change = changes(usual);
        Plan {
            kind: usual.kind,
            name: usual.name,
            keys: scaled(change.keys.unwrap_or(usual.keys), scenario.scale),
            per_day: requests * share(usual, &change) / total.max(f64::MIN_POSITIVE),
            groups: change.groups.unwrap_or(usual.groups).max(1),
            young: change.young.unwrap_or(usual.young),
            verified: change.verified.unwrap_or(usual.verified),
            organised: change.organised.unwrap_or(usual.organised),
            contract: change.contract.unwrap_or(usual.contract),
            conversations: change.conversations.unwrap_or(usual.conversations),
        }
    };
    HONEST.iter().map(plan).collect()
}

/// The campaign of a scenario, if it has one.
pub(super) fn campaign(scenario: &Scenario) -> Option<Plan> {
    let campaign = &scenario.campaign;
    let keys = scaled(campaign.keys, scenario.scale);
    let quiet = campaign.young <= 0.0;
    (keys > 0).then(|| Plan {
        kind: Kind::Campaign,
        name: "campaign",
        keys,
        per_day: f64::from(keys) * campaign.per_day,
        groups: campaign.templates,
        // As old as ordinary people's.
        young: if quiet { 0.2 } else { campaign.young },
        verified: campaign.verified,
        organised: if quiet { 0.15 } else { 0.05 },
        contract: 0.0,
        conversations: 0.45,
    })
}

/// A number of keys at a smaller scale: at least one, if there was one.
pub(super) fn scaled(keys: u32, scale: u32) -> u32 {
    let rounded = keys.saturating_add(scale / 2).checked_div(scale);
    rounded.unwrap_or(keys).max(keys.min(1))
}
