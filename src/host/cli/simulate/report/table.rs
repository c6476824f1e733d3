//! Tables of reports, for people.

use core::fmt::Write as _;

use super::{Report, share};
use crate::exchange::Millis;
use crate::host::cli::text::{duration, grouped, table};

/// What became of all scenarios, then what simpler rules would have done, and what was found that should not have been.
pub(in crate::host::cli::simulate) fn text(reports: &[Report]) -> String {
    let mut text = summary(reports);
    if let Some(compared) = compared(reports) {
        text.push_str(
            "\nWhat simpler rules would have let through of the campaign, and refused of honest requests\n\n",
        );
        text.push_str(&compared);
    }
    let touched = touched(reports);
    if !touched.is_empty() {
        text.push_str("\nWho was touched without being the campaign\n\n");
        let heads = [
            "level",
            "population",
            "requests",
            "refused",
            "tagged",
            "keys refused",
        ];
        text.push_str(&table(&heads, 2, &touched));
    }
    text.push('\n');
    for report in reports {
        let cost = &report.cost;
        let _ = write!(
            text,
            "{}: {} requests in {}, {} a second",
            report.scenario.name,
            grouped(cost.requests),
            time(cost.seconds),
            grouped(cost.requests_per_second as u64)
        );
        if let Some(bytes) = cost.peak_bytes {
            let _ = write!(text, ", at most {} MiB", grouped(bytes >> 20));
        }
        text.push('\n');
    }
    text
}

fn summary(reports: &[Report]) -> String {
    let heads = [
        "level",
        "let through",
        "first conviction",
        "honest refused",
        "keys acted on",
        "requests tagged",
        "convicted",
        "honest only",
    ];
    let rows: Vec<Vec<String>> = reports.iter().map(row).collect();
    table(&heads, 1, &rows)
}

fn row(report: &Report) -> Vec<String> {
    let none = || String::from("-");
    let campaign = report.campaign.as_ref();
    let honest = &report.honest.all;
    vec![
        report.scenario.name.clone(),
        campaign.map_or_else(none, |campaign| percent(campaign.share_let_through)),
        campaign
            .and_then(|campaign| campaign.convicted_after_ms)
            .map_or_else(none, duration),
        percent(share(honest.refused, honest.requests)),
        percent(share(honest.keys_refused, honest.keys)),
        percent(share(honest.tagged, honest.requests)),
        report.cases.convicted.to_string(),
        report.cases.honest_only.to_string(),
    ]
}

/// One row a scenario and one column a rule; `None` if nobody asked.
fn compared(reports: &[Report]) -> Option<String> {
    let rules = &reports.iter().find(|report| !report.baselines.is_empty())?;
    let names = rules.baselines.iter().map(|rule| rule.name);
    let heads: Vec<&str> = ["level", "stillgate"].into_iter().chain(names).collect();
    let rows = reports.iter().map(|report| {
        let campaign = report.campaign.as_ref();
        let cell = |passed: f64, refused: f64| match campaign {
            Some(_) => format!("{} / {}", percent(passed), percent(refused)),
            None => format!("- / {}", percent(refused)),
        };
        let honest = &report.honest.all;
        let mut row = vec![
            report.scenario.name.clone(),
            cell(
                campaign.map_or(0.0, |campaign| campaign.share_let_through),
                share(honest.refused, honest.requests),
            ),
        ];
        row.extend(
            report
                .baselines
                .iter()
                .map(|rule| cell(rule.share_let_through, rule.share_honest_refused)),
        );
        row
    });
    Some(table(&heads, 1, &rows.collect::<Vec<_>>()))
}

/// Rows of those populations in which anybody was refused or tagged, and of other requests of campaigns' keys.
fn touched(reports: &[Report]) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    for report in reports {
        let cell = |part: u64, whole: u64| match part {
            0 => String::from("0"),
            _ => format!("{} ({})", grouped(part), percent(share(part, whole))),
        };
        for population in &report.honest.populations {
            if population.refused > 0 || population.tagged > 0 {
                rows.push(vec![
                    report.scenario.name.clone(),
                    population.name.to_owned(),
                    grouped(population.requests),
                    cell(population.refused, population.requests),
                    cell(population.tagged, population.requests),
                    cell(population.keys_refused, population.keys),
                ]);
            }
        }
        if let Some(campaign) = &report.campaign
            && campaign.other_refused > 0
        {
            rows.push(vec![
                report.scenario.name.clone(),
                String::from("others of its keys"),
                grouped(campaign.other_requests),
                cell(campaign.other_refused, campaign.other_requests),
                String::from("-"),
                String::from("-"),
            ]);
        }
    }
    rows
}

/// A share to two digits that say something, or to a tenth of a percent if it is large.
fn percent(share: f64) -> String {
    let percent = share * 100.0;
    if percent <= 0.0 {
        return String::from("0 %");
    }
    let decimals: usize = match percent {
        10.0.. => 1,
        1.0.. => 2,
        0.1.. => 2,
        0.01.. => 3,
        0.001.. => 4,
        _ => 5,
    };
    format!("{percent:.decimals$} %")
}

/// A length of time as a clock beside it tells it.
fn time(seconds: f64) -> String {
    if seconds < 10.0 {
        return format!("{seconds:.1} s");
    }
    duration((seconds as Millis).saturating_mul(1_000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_shares_keep_their_digits() {
        for (share, expected) in [
            (0.0, "0 %"),
            (1.0, "100.0 %"),
            (0.2512, "25.1 %"),
            (0.0123, "1.23 %"),
            (0.00123, "0.12 %"),
            (0.000_123, "0.012 %"),
            (0.000_003, "0.00030 %"),
        ] {
            assert_eq!(percent(share), expected);
        }
    }

    #[test]
    fn times_are_told_to_the_second() {
        assert_eq!(time(1.26), "1.3 s");
        assert_eq!(time(125.9), "2 m 5 s");
    }
}
