//! What came of a replay, for people and for programs.

use core::fmt::Write as _;

use serde_json::{Value as Json, json};

use crate::campaign::Case;
use crate::host::cli::text::{counted, decimal, duration, grouped, share, table};
use crate::policy::{Policy, Rule, campaigns};
use crate::replay::{Cause, Count, Fleet, Tally, Touched, VERDICTS};

/// What came of a replay.
pub(super) struct Report<'r> {
    policy: &'r Policy,
    tally: &'r Tally,
    cases: Vec<Case>,
    /// Observations for which there was no room.
    dropped: u64,
    broken: u64,
}

impl<'r> Report<'r> {
    pub(super) fn new(fleet: &'r Fleet, tally: &'r Tally, broken: u64) -> Self {
        Self {
            policy: fleet.engine().policy(),
            tally,
            cases: fleet.cases(),
            dropped: fleet.dropped(),
            broken,
        }
    }

    /// Tables, and notes below them.
    pub(super) fn text(&self) -> String {
        let mut text = self.summary();
        let _ = write!(text, "\n{}", self.verdicts());
        if !self.policy.quotas.is_empty() || self.touched().next().is_some() {
            text.push_str("\nWhat led to more than `allow`, each request by what weighed most\n\n");
            text.push_str(&self.causes());
        }
        if self.policy.campaigns.is_some() {
            text.push_str(&self.campaigns());
        }
        text
    }

    /// A line about the trace, then one about every cause, then one about every campaign.
    pub(super) fn json(&self) -> String {
        let tally = self.tally;
        let mut verdicts = serde_json::Map::new();
        for (verdict, count) in VERDICTS.iter().zip(&tally.verdicts) {
            verdicts.insert(String::from(verdict.label()), json!(count.requests));
        }
        let trace = json!({"trace": {
            "requests": tally.requests, "keys": tally.keys(), "first": tally.first, "last": tally.last,
            "broken": self.broken, "verdicts": verdicts, "unobserved": self.dropped,
        }});
        let causes = self.touched().map(|cause| {
            json!({
                "rule": cause.rule.map(|rule| self.policy.name_of(rule)), "kind": cause.kind(), "mode": self.mode(cause),
                "requests": cause.did.requests, "keys": cause.did.keys(),
                "shadow": {"requests": cause.shadow.requests, "keys": cause.shadow.keys()},
            })
        });
        let cases = self.cases.iter().map(|case| self.case(case));
        let mut text = String::new();
        for line in core::iter::once(trace).chain(causes).chain(cases) {
            let _ = writeln!(text, "{line}");
        }
        text
    }

    fn summary(&self) -> String {
        let tally = self.tally;
        let mut text = format!(
            "{} of {} in {}\n",
            counted(tally.requests, "request"),
            counted(tally.keys(), "key"),
            duration(tally.last.saturating_sub(tally.first))
        );
        if self.broken > 0 {
            let _ = writeln!(text, "{} left out", counted(self.broken, "broken line"));
        }
        if self.dropped > 0 {
            let dropped = counted(self.dropped, "request");
            let _ = writeln!(
                text,
                "{dropped} not looked at for campaigns: too many at a time"
            );
        }
        text
    }

    fn verdicts(&self) -> String {
        let rows = VERDICTS.iter().zip(&self.tally.verdicts);
        let rows = rows.map(|(verdict, count)| {
            let mut cells = vec![String::from(verdict.label())];
            cells.extend(self.counts(count));
            if *verdict == VERDICTS[0] {
                // Whose requests are allowed is nobody's question.
                cells.truncate(3);
            }
            cells
        });
        let heads = ["verdict", "requests", "of all", "keys", "of all"];
        table(&heads, 1, &rows.collect::<Vec<_>>())
    }

    fn causes(&self) -> String {
        let rows = self.tally.causes.iter().map(|cause| {
            let mode = self.mode(cause);
            let count = if mode == "shadow" {
                &cause.shadow
            } else {
                &cause.did
            };
            let name = cause.rule.map_or("-", |rule| self.policy.name_of(rule));
            let mut cells = [name, cause.kind(), mode].map(String::from).to_vec();
            cells.extend(self.counts(count));
            cells
        });
        let heads = [
            "rule", "kind", "mode", "requests", "of all", "keys", "of all",
        ];
        table(&heads, 3, &rows.collect::<Vec<_>>())
    }

    /// Requests and keys, each with their share.
    fn counts(&self, count: &Count) -> [String; 4] {
        [
            grouped(count.requests),
            share(count.requests, self.tally.requests),
            grouped(count.keys()),
            share(count.keys(), self.tally.keys()),
        ]
    }

    fn campaigns(&self) -> String {
        if self.cases.is_empty() {
            return String::from("\nNo campaign was found\n");
        }
        let found = counted(self.cases.len() as u64, "campaign");
        let mut text =
            format!("\n{found}, by when they were first seen after the trace's beginning\n\n");
        let rows = self.cases.iter().map(|case| {
            let after = |at: u64| duration(at.saturating_sub(self.tally.first));
            let touched = self.known(case);
            let held = if case.held_back { " (held back)" } else { "" };
            vec![
                campaigns::name(case.id),
                format!("{}{held}", case.stage.label()),
                grouped(u64::from(case.keys)),
                grouped(case.requests),
                grouped(touched.requests),
                grouped(touched.refused),
                after(case.first),
                after(case.since),
                case.score.to_string(),
                case.families.to_string(),
            ]
        });
        let heads = [
            "campaign", "stage", "keys", "requests", "known", "refused", "first", "since", "score",
            "families",
        ];
        text.push_str(&table(&heads, 2, &rows.collect::<Vec<_>>()));
        for case in &self.cases {
            let terms = case.reasons.iter();
            let terms = terms.map(|(name, tenths)| format!("{name} {}", points(*tenths)));
            let terms = terms.collect::<Vec<_>>().join(", ");
            let _ = writeln!(text, "\n{}: {terms}", campaigns::name(case.id));
        }
        text
    }

    fn case(&self, case: &Case) -> Json {
        let touched = self.known(case);
        let mut reasons = serde_json::Map::new();
        for (name, tenths) in &case.reasons {
            reasons.insert(String::from(*name), json!(f64::from(*tenths) / 10.0));
        }
        json!({
            "campaign": campaigns::name(case.id), "stage": case.stage.label(), "held_back": case.held_back,
            "keys": case.keys, "requests": case.requests, "known": touched.requests, "refused": touched.refused,
            "first": case.first, "since": case.since, "score": case.score, "families": case.families,
            "reasons": reasons,
        })
    }

    /// What became of the requests that were known to be a campaign's.
    fn known(&self, case: &Case) -> Touched {
        let known = self.tally.campaigns.get(&case.id);
        known.copied().unwrap_or_default()
    }

    /// Causes that led to anything.
    fn touched(&self) -> impl Iterator<Item = &'r Cause> {
        let causes = self.tally.causes.iter();
        causes.filter(|cause| cause.did.requests > 0 || cause.shadow.requests > 0)
    }

    /// Whether a cause is only noted.
    fn mode(&self, cause: &Cause) -> &'static str {
        let policy = self.policy;
        let shadow = match cause.rule {
            Some(Rule::Quota(place)) => policy.quotas.get(place).map(|quota| quota.shadow),
            Some(Rule::Check(place)) => policy.checks.get(place).map(|check| check.shadow),
            Some(Rule::Campaign) => policy.campaigns.as_ref().map(|it| it.shadow),
            None => None,
        };
        if shadow.unwrap_or(policy.shadow) {
            "shadow"
        } else {
            "enforce"
        }
    }
}

/// Tenths of a point with their sign.
fn points(tenths: i32) -> String {
    let sign = if tenths < 0 { '-' } else { '+' };
    let millionths = u64::from(tenths.unsigned_abs()).saturating_mul(100_000);
    format!("{sign}{}", decimal(millionths))
}
