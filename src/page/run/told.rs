//! Traffic that was decided about before: a file of verdicts, as `stillgate replay --verdicts` writes them.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Deserialize;

use super::reading::{Reading, Taking};
use super::{Did, Report};
use crate::exchange::Millis;
use crate::page::film::{Fate, Film, Scene};
use crate::trace::{Broken, check_moment};
use crate::verdict::Verdict;

/// The most rules that are told apart.
const MOST: usize = 256;

/// A file of verdicts that goes by as it is handed over.
pub type Told = Reading<Before>;

/// Requests that were decided about before.
pub struct Before {
    film: Film,
    requests: u64,
    /// The latest moment of a request.
    latest: Option<Millis>,
    /// What rules did, by their names, kinds and modes.
    did: BTreeMap<(String, &'static str, &'static str), u64>,
}

/// A line, as far as it is of interest.
#[derive(Debug, Deserialize)]
struct Line<'a> {
    t: Millis,
    verdict: Verdicts,
    #[serde(borrow, default)]
    reasons: Vec<Cause<'a>>,
    #[serde(borrow, default)]
    shadow: Vec<Cause<'a>>,
    #[serde(borrow, default)]
    campaign: Option<Cow<'a, str>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Verdicts {
    Allow,
    Tag,
    Throttle,
    Verify,
    Deny,
}

/// A rule that spoke, or a reason that is none's.
#[derive(Debug, Deserialize)]
struct Cause<'a> {
    #[serde(borrow, default)]
    rule: Option<Cow<'a, str>>,
    #[serde(borrow)]
    kind: Cow<'a, str>,
    #[serde(default)]
    verdict: Option<Verdicts>,
}

impl Cause<'_> {
    /// What a rule in shadow would have done. A check that says `throttle` lets pass what fits under its quota; of what does not
    /// fit there is another cause, of the quota.
    fn would(&self) -> Option<Verdict> {
        match self.verdict? {
            Verdicts::Throttle if self.kind == "check" => Some(Verdict::Tag),
            verdict => Some(verdict.into()),
        }
    }
}

/// The longest name that a rule of a policy has, in bytes.
const NAME: usize = 64;

/// The kinds of causes that there are.
const KINDS: [&str; 9] = [
    "quota",
    "check",
    "campaign",
    "missing_credential",
    "ambiguous_credential",
    "body_too_large",
    "unreadable",
    "store",
    "none",
];

impl From<Verdicts> for Verdict {
    fn from(word: Verdicts) -> Self {
        match word {
            Verdicts::Allow => Self::Allow,
            Verdicts::Tag => Self::Tag,
            Verdicts::Throttle => Self::Throttle,
            Verdicts::Verify => Self::Verify,
            Verdicts::Deny => Self::Deny,
        }
    }
}

impl Default for Before {
    fn default() -> Self {
        Self {
            film: Film::new(super::recorded::people(), None),
            requests: 0,
            latest: None,
            did: BTreeMap::new(),
        }
    }
}

impl Told {
    /// All of it so far.
    #[must_use]
    pub fn report(&self) -> Report {
        let seen = &self.taken;
        let mut report = Report::of("verdicts", &seen.film).with_oddities(&self.oddities);
        report.requests = seen.requests;
        report.last = seen.latest;
        let did = seen.did.iter();
        report.causes = did
            .map(|((rule, kind, mode), requests)| Did {
                rule: (!rule.is_empty()).then(|| rule.clone()),
                kind,
                mode,
                requests: *requests,
                keys: None,
            })
            .collect();
        report
    }
}

impl Taking for Before {
    fn take(&mut self, line: &[u8]) -> Result<Millis, Broken> {
        let line = read(line)?;
        self.requests = self.requests.saturating_add(1);
        self.latest = self.latest.max(Some(line.t));
        let verdict = Verdict::from(line.verdict);
        let would = line.shadow.iter().filter_map(Cause::would).max();
        let campaign = line.campaign.as_deref().and_then(number);
        self.film.take(&Scene {
            t: line.t,
            group: usize::from(campaign.is_none()),
            key: None,
            verdict,
            fate: Fate::from_verdicts(verdict, would),
            campaign,
            shown: None,
        });
        if let Some(campaign) = campaign {
            self.film.name(campaign, line.t);
        }
        for (mode, causes) in [("enforce", &line.reasons), ("shadow", &line.shadow)] {
            for cause in causes {
                self.count(cause, mode);
            }
        }
        Ok(line.t)
    }

    fn close(&mut self, _: Millis) {}
}

impl Before {
    fn count(&mut self, cause: &Cause<'_>, mode: &'static str) {
        let Some(kind) = KINDS.iter().find(|kind| **kind == cause.kind) else {
            return;
        };
        let rule = cause.rule.as_deref().unwrap_or_default();
        // No rule of a policy has a longer name.
        let rule = rule.get(..rule.floor_char_boundary(NAME));
        let rule = rule.unwrap_or_default().to_owned();
        let place = (rule, *kind, mode);
        if self.did.len() < MOST || self.did.contains_key(&place) {
            let count = self.did.entry(place).or_default();
            *count = count.saturating_add(1);
        }
    }
}

fn read(line: &[u8]) -> Result<Line<'_>, Broken> {
    // Serde would take a list for the fields in their order.
    if !line.trim_ascii_start().starts_with(b"{") {
        return Err(Broken::new("not a JSON object"));
    }
    let line: Line<'_> = serde_json::from_slice(line).map_err(|error| Broken::of(&error))?;
    check_moment(line.t)?;
    Ok(line)
}

/// Whether a line is a verdict.
///
/// # Errors
/// Why it is none.
pub(in crate::page) fn probe(line: &[u8]) -> Result<(), Broken> {
    read(line).map(|_| ())
}

/// The number in a campaign's name.
fn number(name: &str) -> Option<u64> {
    let digits = name.strip_prefix("c-")?;
    let plain = digits.len() == 16 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    u64::from_str_radix(digits, 16).ok().filter(|_| plain)
}
