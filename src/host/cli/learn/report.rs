//! What was learned, for people and for programs.

use core::fmt::Write as _;

use serde_json::{Value as Json, json};

use crate::distinct;
use crate::exchange::Millis;
use crate::host::cli::text::{counted, decimal, duration, grouped, share, table};
use crate::learn::{Row, TRIALS, Totals, Trial, Value};
use crate::policy::check::Test;
use crate::policy::{Count, Limit, Policy, Rule, Trait};

/// What each limit that was tried stands for.
const TRIED: [&str; TRIALS] = ["in force", "p99.9", "p99.99"];

/// What was learned.
pub(super) struct Report<'p> {
    policy: &'p Policy,
    totals: Totals,
    broken: u64,
    rows: Vec<Row>,
}

/// What a rule counts, and for whom.
struct Meaning<'p> {
    counts: String,
    per: Vec<&'p str>,
    window: Millis,
    /// How much a unit of its counter stands for.
    unit: u64,
    /// Whether that is millionths.
    cost: bool,
}

impl<'p> Report<'p> {
    pub(super) const fn new(
        policy: &'p Policy,
        totals: Totals,
        broken: u64,
        rows: Vec<Row>,
    ) -> Self {
        Self {
            policy,
            totals,
            broken,
            rows,
        }
    }

    /// Tables, and notes below them.
    pub(super) fn text(&self) -> String {
        let mut text = self.summary();
        if !self.rows.is_empty() {
            text.push_str(
                "\nWhat subjects used at most within a window (p99: 99 % of them used no more)\n\n",
            );
            text.push_str(&self.peaks());
            text.push_str("\nWhat a limit would have touched, each rule by itself\n\n");
            text.push_str(&self.trials());
        }
        for (place, (names, note)) in self.grouped_notes().into_iter().enumerate() {
            let space = if place == 0 { "\n" } else { "" };
            let _ = writeln!(text, "{space}* {}: {note}", names.join(", "));
        }
        text
    }

    /// A line about the trace, then one about every limit.
    pub(super) fn json(&self) -> String {
        let Totals {
            requests,
            missing,
            ambiguous,
            bodiless,
            keys,
            first,
            last,
        } = self.totals;
        let trace = json!({"trace": {
            "requests": requests, "keys": keys, "missing_credential": missing, "ambiguous_credential": ambiguous,
            "without_body": bodiless, "broken": self.broken, "first": first, "last": last,
        }});
        let rows = self.rows.iter().map(|row| self.row(row));
        let skipped = self
            .skipped()
            .map(|(name, why)| json!({"rule": name, "skipped": why}));
        let mut text = String::new();
        for line in core::iter::once(trace).chain(rows).chain(skipped) {
            let _ = writeln!(text, "{line}");
        }
        text
    }

    /// Every note with the rules that it is about.
    fn grouped_notes(&self) -> Vec<(Vec<String>, String)> {
        let of_rows = self.rows.iter().flat_map(|row| {
            let notes = self.notes(row).into_iter();
            notes.map(|note| (self.name(row), note))
        });
        let skipped = self.skipped();
        let skipped = skipped.map(|(name, why)| (String::from(name), String::from(why)));
        let mut grouped: Vec<(Vec<String>, String)> = Vec::new();
        for (name, note) in of_rows.chain(skipped) {
            match grouped.iter_mut().find(|(_, other)| *other == note) {
                Some((names, _)) => names.push(name),
                None => grouped.push((vec![name], note)),
            }
        }
        grouped
    }

    fn summary(&self) -> String {
        let totals = &self.totals;
        let mut text = format!(
            "{} of {} in {}\n",
            counted(totals.requests, "request"),
            counted(totals.keys, "key"),
            duration(totals.last.saturating_sub(totals.first))
        );
        for (count, what, note) in [
            (
                totals.missing,
                "request",
                "without a credential: no rule is asked",
            ),
            (
                totals.ambiguous,
                "request",
                "with more than one credential: no rule is asked",
            ),
            (
                totals.bodiless,
                "request",
                "with a usage and no body: every rule on a model is asked",
            ),
            (self.broken, "broken line", "left out"),
        ] {
            if count > 0 {
                let _ = writeln!(text, "{} {note}", counted(count, what));
            }
        }
        text
    }

    fn peaks(&self) -> String {
        let rows = self.rows.iter().map(|row| {
            let meaning = self.meaning(row.rule);
            let per = match meaning.per.as_slice() {
                [] => String::from("all together"),
                per => format!("per {}", per.join(", ")),
            };
            let mut cells = vec![
                self.name(row),
                format!("{} {per} in {}", meaning.counts, duration(meaning.window)),
                grouped(row.subjects),
            ];
            cells.extend(match &row.peaks {
                Some(peaks) => [peaks.p50, peaks.p99, peaks.p999, peaks.p9999, peaks.max]
                    .map(|units| meaning.text(units)),
                None => [(); 5].map(|()| String::from("-")),
            });
            cells
        });
        let heads = [
            "rule", "counts", "subjects", "p50", "p99", "p99.9", "p99.99", "max",
        ];
        table(&heads, 2, &rows.collect::<Vec<_>>())
    }

    fn trials(&self) -> String {
        let mut rows = Vec::new();
        for row in &self.rows {
            let meaning = self.meaning(row.rule);
            let mut told: Vec<(&Trial, String)> = Vec::new();
            for (trial, at) in self.told(row) {
                match told.last_mut() {
                    Some((last, label)) if last.limit == trial.limit => {
                        let _ = write!(label, ", {at}");
                    }
                    _ => told.push((trial, String::from(at))),
                }
            }
            for (place, (trial, at)) in told.into_iter().enumerate() {
                let name = if place == 0 {
                    self.name(row)
                } else {
                    String::new()
                };
                rows.push(vec![
                    name,
                    at,
                    meaning.text(trial.limit),
                    grouped(trial.keys),
                    share(trial.keys, self.totals.keys),
                    grouped(trial.subjects),
                    share(trial.subjects, row.subjects),
                    grouped(trial.requests),
                    share(trial.requests, self.totals.requests),
                ]);
            }
        }
        let heads = [
            "rule", "", "limit", "keys", "of all", "subjects", "of its", "requests", "of all",
        ];
        table(&heads, 2, &rows)
    }

    fn row(&self, row: &Row) -> Json {
        let meaning = self.meaning(row.rule);
        let amount = |units| meaning.json(units);
        let peaks = row.peaks.map(|peaks| {
            json!({
                "p50": amount(peaks.p50), "p99": amount(peaks.p99), "p99.9": amount(peaks.p999),
                "p99.99": amount(peaks.p9999), "max": amount(peaks.max),
            })
        });
        let trials: Vec<Json> = self
            .told(row)
            .map(|(trial, at)| {
                json!({
                    "at": at, "limit": amount(trial.limit), "keys": trial.keys, "subjects": trial.subjects,
                    "requests": trial.requests,
                })
            })
            .collect();
        let mut told = json!({
            "rule": self.policy.name_of(row.rule),
            "kind": match row.rule { Rule::Quota(_) => "quota", Rule::Check(_) => "check", Rule::Campaign => "campaign" },
            "counts": meaning.counts, "per": meaning.per, "window": meaning.window,
            "limit": amount(row.limit), "requests": row.requests, "subjects": row.subjects,
            "sampled": row.weight, "exact": row.exact, "peaks": peaks, "trials": trials, "notes": self.notes(row),
        });
        if let (Some((by, value)), Some(fields)) = (self.value(row), told.as_object_mut()) {
            fields.insert(String::from("by"), json!(by));
            fields.insert(String::from("value"), json!(value));
        }
        told
    }

    /// The limits that were tried; without subjects there is only the one in force.
    fn told<'r>(&self, row: &'r Row) -> impl Iterator<Item = (&'r Trial, &'static str)> {
        let all = row.trials.iter().zip(TRIED);
        all.take(if row.peaks.is_some() { TRIALS } else { 1 })
    }

    /// What is to be known before one of these limits is taken over.
    fn notes(&self, row: &Row) -> Vec<String> {
        let mut notes = Vec::new();
        if row.requests == 0 {
            notes.push(String::from("no request of the trace is its business"));
        } else if row.subjects > 0 {
            if row.subjects < 1_000 {
                let few = "fewer than 1,000 subjects, so p99.9 and p99.99 are their maximum";
                notes.push(String::from(few));
            } else if row.subjects < 10_000 {
                let few = "fewer than 10,000 subjects, so p99.99 is their maximum";
                notes.push(String::from(few));
            }
            let window = self.meaning(row.rule).window;
            let covered = self.totals.last.saturating_sub(self.totals.first);
            // A day's trace ends a moment before the day does.
            if covered < window.saturating_sub(window / 100) {
                notes.push(format!(
                    "the trace covers {} of a window of {}: a longer one may show more",
                    duration(covered),
                    duration(window)
                ));
            }
        }
        if !row.exact {
            notes.push(format!(
                "counts above 179 are estimates, within {} (two standard deviations), as they are in force",
                distinct::ERROR.replace('%', " %")
            ));
        }
        if row.weight > 1 {
            notes.push(format!(
                "more subjects than there is room for: one of {} was looked at, so all numbers are estimates",
                grouped(row.weight)
            ));
        }
        notes
    }

    /// Rules about which a trace says nothing.
    fn skipped(&self) -> impl Iterator<Item = (&'p str, &'static str)> {
        let concurrent = self
            .policy
            .quotas
            .iter()
            .filter(|quota| quota.is_concurrent());
        concurrent.map(|quota| {
            let why =
                "requests in flight are not learned: a trace does not say when a request ended";
            (quota.name.as_str(), why)
        })
    }

    /// The rule, with the value for which its limit holds.
    fn name(&self, row: &Row) -> String {
        let rule = self.policy.name_of(row.rule);
        match self.value(row) {
            Some((by, Some(value))) => format!("{rule} ({by} {value})"),
            Some((by, None)) => format!("{rule} (any other {by})"),
            None => String::from(rule),
        }
    }

    /// By which fact a limit goes, and for which of its values this one holds; for no other if it is `None`.
    fn value(&self, row: &Row) -> Option<(&'p str, Option<String>)> {
        let Rule::Quota(place) = row.rule else {
            return None;
        };
        let Limit::ByFact { fact, .. } = self.policy.quotas.get(place)?.limit else {
            return None;
        };
        let by = self.policy.name_of_trait(Trait::Fact(fact));
        match row.value.as_ref()? {
            Value::Of(value) => Some((by, Some(String::from_utf8_lossy(value).into_owned()))),
            Value::Else => Some((by, None)),
        }
    }

    fn meaning(&self, rule: Rule) -> Meaning<'p> {
        let mut meaning = Meaning {
            counts: String::new(),
            per: Vec::new(),
            window: 0,
            unit: 1,
            cost: false,
        };
        let subject = match rule {
            Rule::Quota(place) => self.policy.quotas.get(place).map(|quota| {
                meaning.counts = String::from(words(quota.count));
                meaning.window = quota.length;
                meaning.unit = quota.unit;
                meaning.cost = quota.count == Count::Cost;
                quota.subject
            }),
            Rule::Campaign => None,
            Rule::Check(place) => {
                let test = self.policy.checks.get(place).map(|check| &check.test);
                if let Some(Test::Distinct(distinct)) = test {
                    let of = self.policy.name_of_trait(distinct.of);
                    meaning.counts = format!("distinct {of}");
                    meaning.window = distinct.window;
                    Some(distinct.subject)
                } else {
                    None
                }
            }
        };
        if let Some(subject) = subject.and_then(|place| self.policy.subjects.get(place)) {
            let traits = subject.traits.iter();
            meaning.per = traits.map(|&of| self.policy.name_of_trait(of)).collect();
        }
        meaning
    }
}

impl Meaning<'_> {
    fn amount(&self, units: u32) -> u64 {
        u64::from(units).saturating_mul(self.unit)
    }

    fn text(&self, units: u32) -> String {
        let amount = self.amount(units);
        if self.cost {
            decimal(amount)
        } else {
            grouped(amount)
        }
    }

    fn json(&self, units: u32) -> Json {
        let amount = self.amount(units);
        if self.cost {
            json!(amount as f64 / 1e6)
        } else {
            json!(amount)
        }
    }
}

const fn words(count: Count) -> &'static str {
    match count {
        Count::Requests => "requests",
        Count::Concurrent => "requests in flight",
        Count::Tokens => "tokens",
        Count::InputTokens => "input tokens",
        Count::OutputTokens => "output tokens",
        Count::Cost => "cost",
    }
}
