//! What a replay came to: verdicts, rules and keys, summed up in bounded memory.

use std::collections::BTreeMap;

use crate::engine::Decision;
use crate::exchange::Millis;
use crate::policy::{Policy, Rule};
use crate::sample::Sample;
use crate::traits::mix;
use crate::verdict::{Reason, Verdict};

/// The most campaigns of which requests are counted one by one.
const CAMPAIGNS: usize = 4_096;

/// Verdicts, the mildest first.
pub const VERDICTS: [Verdict; 5] = [
    Verdict::Allow,
    Verdict::Tag,
    Verdict::Throttle,
    Verdict::Verify,
    Verdict::Deny,
];

/// What decisions came to.
pub struct Tally {
    /// Requests.
    pub requests: u64,
    /// When the first of them came, in milliseconds since 1970.
    pub first: Millis,
    /// When the latest came.
    pub last: Millis,
    /// How many there were of each of [`VERDICTS`].
    pub verdicts: [Count; 5],
    /// What rules and other causes did, in the order of the policy, then those that are no rules.
    pub causes: Vec<Cause>,
    /// Requests of campaigns, by their names: of the first few thousand.
    pub campaigns: BTreeMap<u64, Touched>,
    keys: Sample<()>,
    /// Keys that came lately, by a part of their hashes: they need not be looked for again.
    lately: Box<[u64]>,
    room: usize,
}

/// How many keys are remembered as having come lately; a power of 2.
const LATELY: usize = 1 << 16;

/// Requests, and the keys that they were of.
#[derive(Debug, Clone)]
pub struct Count {
    /// Requests.
    pub requests: u64,
    keys: Sample<()>,
}

/// What one rule did, or one reason that is none.
#[derive(Debug, Clone)]
pub struct Cause {
    /// Why.
    pub reason: Reason,
    /// Which rule, if it is one.
    pub rule: Option<Rule>,
    /// What it led to.
    pub did: Count,
    /// What it would have led to, where it is in shadow.
    pub shadow: Count,
}

/// What became of the requests of one campaign.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Touched {
    /// Requests that were known to be of it.
    pub requests: u64,
    /// Those of them that did not reach the origin.
    pub refused: u64,
}

impl Cause {
    /// What sort of rule it is, or the reason that is none.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self.rule {
            Some(Rule::Quota(_)) => "quota",
            Some(Rule::Check(_)) => "check",
            Some(Rule::Campaign) => "campaign",
            None => self.reason.label(),
        }
    }
}

impl Count {
    const fn new(room: usize) -> Self {
        Self {
            requests: 0,
            keys: Sample::new(room),
        }
    }

    fn add(&mut self, decision: &Decision) {
        self.requests = self.requests.saturating_add(1);
        if let Some(key) = decision.key {
            self.keys.with(mix(key.0), |()| ());
        }
    }

    /// Different keys; beyond some hundred thousand an estimate.
    #[must_use]
    pub fn keys(&self) -> u64 {
        self.keys.len().min(self.requests)
    }
}

impl Tally {
    /// One that has seen nothing, and that holds about `memory` bytes at most.
    #[must_use]
    pub fn new(policy: &Policy, memory: usize) -> Self {
        let quotas = policy.quotas.iter().enumerate();
        let quotas = quotas.filter(|(_, quota)| !quota.is_budget());
        let quotas = quotas.map(|(place, _)| (Reason::Quota, Rule::Quota(place)));
        let checks = 0..policy.checks.len();
        let checks = checks.map(|place| (Reason::List, Rule::Check(place)));
        let campaign = policy.campaigns.iter();
        let campaign = campaign.map(|_| (Reason::Campaign, Rule::Campaign));
        let rules: Vec<(Reason, Rule)> = quotas.chain(checks).chain(campaign).collect();
        // All keys, those of verdicts, and two of every rule and of the other reasons.
        let shares = rules.len().saturating_mul(2).saturating_add(16);
        let room = memory.checked_div(shares).unwrap_or(0);
        let cause = |(reason, rule)| Cause {
            reason,
            rule: Some(rule),
            did: Count::new(room),
            shadow: Count::new(room),
        };
        Self {
            requests: 0,
            first: 0,
            last: 0,
            verdicts: VERDICTS.map(|_| Count::new(room)),
            causes: rules.into_iter().map(cause).collect(),
            campaigns: BTreeMap::new(),
            keys: Sample::new(room),
            lately: vec![0; LATELY].into_boxed_slice(),
            room,
        }
    }

    /// Counts a decision.
    pub fn add(&mut self, decision: &Decision, at: Millis) {
        if self.requests == 0 {
            self.first = at;
        }
        self.requests = self.requests.saturating_add(1);
        self.first = self.first.min(at);
        self.last = self.last.max(at);
        if let Some(key) = decision.key {
            self.meet(mix(key.0));
        }
        let place = VERDICTS.iter().position(|it| *it == decision.verdict);
        // Of what is allowed there are about as many keys as there are at all.
        if let Some(count) = place.and_then(|place| self.verdicts.get_mut(place)) {
            if decision.verdict == Verdict::Allow {
                count.requests = count.requests.saturating_add(1);
            } else {
                count.add(decision);
            }
        }
        if decision.verdict != Verdict::Allow
            && let Some(cause) = self.cause(decision.reason, decision.rule)
        {
            cause.did.add(decision);
        }
        if let Some(intent) = decision.shadow
            && let Some(cause) = self.cause(intent.reason, intent.rule)
        {
            cause.shadow.add(decision);
        }
        if let Some(found) = decision.campaign {
            let known = self.campaigns.len() < CAMPAIGNS;
            let touched = if known {
                Some(self.campaigns.entry(found.campaign).or_default())
            } else {
                self.campaigns.get_mut(&found.campaign)
            };
            if let Some(touched) = touched {
                let refused = u64::from(!decision.verdict.passes());
                touched.requests = touched.requests.saturating_add(1);
                touched.refused = touched.refused.saturating_add(refused);
            }
        }
    }

    /// Different keys; beyond some hundred thousand an estimate.
    #[must_use]
    pub fn keys(&self) -> u64 {
        self.keys.len().min(self.requests)
    }

    fn meet(&mut self, key: u64) {
        let place = (key >> 48) as usize;
        let Some(lately) = self.lately.get_mut(place) else {
            return;
        };
        if *lately != key {
            *lately = key;
            self.keys.with(key, |()| ());
        }
    }

    fn cause(&mut self, reason: Reason, rule: Option<Rule>) -> Option<&mut Cause> {
        let same = |cause: &Cause| match rule {
            Some(_) => cause.rule == rule,
            None => cause.rule.is_none() && cause.reason == reason,
        };
        if let Some(place) = self.causes.iter().position(same) {
            return self.causes.get_mut(place);
        }
        self.causes.push(Cause {
            reason,
            rule,
            did: Count::new(self.room),
            shadow: Count::new(self.room),
        });
        self.causes.last_mut()
    }
}
