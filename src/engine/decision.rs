//! What was decided about a request, as plain data.

use super::settle::Reservation;
use crate::campaign::Match;
use crate::exchange::Millis;
use crate::identity::Key;
use crate::policy::{Rule, Trait};
use crate::quota::{Charge, Held, Standing};
use crate::verdict::{Reason, Verdict};
use serde::{Deserialize, Serialize};

/// What was decided about a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// What is done with it.
    pub verdict: Verdict,
    /// Why.
    pub reason: Reason,
    /// The rule that spoke loudest: the quota that refused, or the strictest check that found something.
    pub rule: Option<Rule>,
    /// What checks found, in the order of the policy; those in shadow too.
    pub findings: Vec<Finding>,
    /// The traits that those checks looked at, as they are written in lists; a network as its pseudonym. The key is
    /// [`key`](Self::key).
    pub traits: Vec<(Trait, String)>,
    /// Who asked, if that is known.
    pub key: Option<Key>,
    /// The campaign that the request is part of.
    pub campaign: Option<Match>,
    /// What rules in shadow would have done, if that is more than was done.
    pub shadow: Option<Intent>,
    /// How every enforced quota that covers the request stands now, in the order of the policy.
    pub quotas: Vec<QuotaState>,
    /// When the request would be admitted, if a quota refused it.
    pub retry_at: Option<Millis>,
    /// Slots in flight that are to be released when the request ends.
    #[serde(skip)]
    pub leases: Vec<Lease>,
    /// What is to be settled when the request has been answered, or has ended otherwise.
    #[serde(skip)]
    pub reservation: Reservation,
    /// What the store was put to.
    pub effort: Effort,
}

/// What a rule in shadow would have done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intent {
    /// What.
    pub verdict: Verdict,
    /// Why.
    pub reason: Reason,
    /// Which rule.
    pub rule: Option<Rule>,
}

/// What a check found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// The check, by its place in the policy.
    pub check: usize,
    /// How many distinct values there were, and whether that is exact; for a check that counts them.
    pub count: Option<(u32, bool)>,
}

/// How one quota stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuotaState {
    /// Its place in the policy.
    pub quota: usize,
    /// The limit that held for this request.
    pub limit: u32,
    /// How its counter stands.
    pub standing: Standing,
}

/// A slot in flight. It runs out by itself unless it is renewed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lease {
    pub(super) page: u32,
    pub(super) held: Held,
}

/// What a decision cost the store, for metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Effort {
    /// Replenished counters that made room for new ones.
    pub evicted: u32,
    /// Whether the request was counted among the newcomers to a full page.
    pub shared: bool,
}

impl Decision {
    /// A request that passes, of which nothing else is known yet.
    #[must_use]
    pub const fn allow(reason: Reason) -> Self {
        Self {
            verdict: Verdict::Allow,
            reason,
            rule: None,
            findings: Vec::new(),
            traits: Vec::new(),
            key: None,
            campaign: None,
            shadow: None,
            quotas: Vec::new(),
            retry_at: None,
            leases: Vec::new(),
            reservation: Reservation::NONE,
            effort: Effort {
                evicted: 0,
                shared: false,
            },
        }
    }

    /// The quota that refused, by its place in the policy.
    #[must_use]
    pub const fn quota(&self) -> Option<usize> {
        match self.rule {
            Some(Rule::Quota(place)) => Some(place),
            _ => None,
        }
    }

    /// A refusal, or under a policy in `shadow` a note of one.
    #[must_use]
    pub const fn deny(reason: Reason, shadow: bool) -> Self {
        let mut decision = Self::allow(Reason::None);
        if shadow {
            decision.shadow = Some(Intent {
                verdict: Verdict::Deny,
                reason,
                rule: None,
            });
        } else {
            (decision.verdict, decision.reason) = (Verdict::Deny, reason);
        }
        decision
    }
}

impl Lease {
    /// The slot that a charge took; `None` if it took none.
    pub(super) fn of(page: u32, charge: &Charge) -> Option<Self> {
        let held = Held {
            tag: charge.standing.tag,
            scale: charge.scale,
            filed: charge.standing.filed?,
            units: charge.units,
        };
        Some(Self { page, held })
    }

    /// After how many milliseconds it runs out unless it is renewed.
    #[must_use]
    pub const fn length(&self) -> Millis {
        self.held.scale.length()
    }
}
