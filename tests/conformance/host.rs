//! What runs cases.

use super::case::{Case, File, files};
use super::compare::{Tolerance, compare};
use super::observe::observe;
use super::wire::Outcome;

/// Something that requests go through.
pub(crate) trait Host {
    /// How cases name it.
    fn name(&self) -> &'static str;

    /// Has a case happen. Cases share nothing.
    async fn run(&self, case: &Case) -> Ran;
}

/// A case that has happened.
pub(crate) struct Ran {
    /// When it began, in milliseconds since 1970; nothing where time is moved by hand.
    pub(crate) began: Option<u64>,
    /// What came of every exchange, in the order of the file.
    pub(crate) outcomes: Vec<Outcome>,
}

/// A host that is later than this proves nothing, and the case is run again.
const PUNCTUAL: u64 = 400;

/// How often a case is run until it is in time. If it never is, the last run counts.
const TRIES: u32 = 4;

/// Holds a host to all cases; answers everything that is wrong, a line each, and how many cases there were.
pub(crate) async fn hold(host: &impl Host) -> (Vec<String>, usize) {
    let (mut wrong, mut count) = (Vec::new(), 0);
    for File { path, cases, .. } in files() {
        for case in cases.iter().filter(|case| is_chosen(case)) {
            if case.not_on.contains_key(host.name()) {
                continue;
            }
            count += 1;
            let file = path.file_name().unwrap_or_default().to_string_lossy();
            let all = hold_to(host, case).await.into_iter();
            wrong.extend(all.map(|line| format!("{file}, {}, {line}", case.name)));
        }
    }
    (wrong, count)
}

async fn hold_to(host: &impl Host, case: &Case) -> Vec<String> {
    let mut tries = 0;
    let (ran, exchanges) = loop {
        let ran = host.run(case).await;
        let exchanges = case.moments();
        let ats = exchanges
            .iter()
            .flat_map(|(at, all)| all.iter().map(|_| *at));
        let late = |(at, outcome): (u64, &Outcome)| outcome.between.1.saturating_sub(at);
        let latest = ats.zip(&ran.outcomes).map(late).max().unwrap_or(0);
        tries += 1;
        if latest <= PUNCTUAL || tries >= TRIES || ran.began.is_none() {
            break (ran, exchanges);
        }
    };
    let all = exchanges
        .iter()
        .flat_map(|(at, exchanges)| exchanges.iter().map(move |exchange| (*at, exchange)));
    let (mut wrong, mut latest) = (Vec::new(), 0);
    for (number, ((at, exchange), outcome)) in all.zip(&ran.outcomes).enumerate() {
        latest = outcome.between.1.saturating_sub(at).max(latest);
        let tolerance = match ran.began {
            Some(began) => Tolerance::of(&case.policy(), began, latest),
            None => Tolerance::EXACT,
        };
        let told = |line| format!("exchange {} at {at} ms: {line}", number + 1);
        match &exchange.expect {
            Some(expect) => {
                let lines = compare(expect, &observe(exchange, outcome), tolerance);
                wrong.extend(lines.into_iter().map(told));
            }
            None => wrong.push(told(String::from("nothing is expected of it"))),
        }
    }
    wrong
}

/// Whether a case is to be run: all are, or those with this word in their names.
pub(crate) fn is_chosen(case: &Case) -> bool {
    std::env::var("STILLGATE_CASE").map_or(true, |word| case.name.contains(&word))
}
