//! What runs cases.

use std::rc::Rc;

use tokio::sync::Semaphore;
use tokio::task::{JoinSet, LocalSet};

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
const PUNCTUAL: u64 = 250;

/// How often a case is run until it is in time. If it never is, the last run counts.
const TRIES: u32 = 5;

/// Holds a host to all cases, so many `at_once`; answers everything that is wrong, a line each, and how many cases there were.
pub(crate) async fn hold<H>(host: Rc<H>, at_once: usize) -> (Vec<String>, usize)
where
    H: Host + 'static,
{
    let (here, mut running) = (LocalSet::new(), JoinSet::new());
    let room = Rc::new(Semaphore::new(at_once));
    for File { path, cases, .. } in files() {
        let file = path.file_name().unwrap_or_default().to_string_lossy();
        for (place, case) in cases.into_iter().enumerate() {
            if !is_chosen(&case) || case.not_on.contains_key(host.name()) {
                continue;
            }
            let name = format!("{file}, {}", case.name);
            let order = (file.clone().into_owned(), place);
            let (host, room) = (Rc::clone(&host), Rc::clone(&room));
            let held = async move {
                let _turn = room.acquire().await;
                let lines = hold_to(&*host, &case).await.into_iter();
                (order, lines.map(|line| format!("{name}, {line}")).collect())
            };
            running.spawn_local_on(held, &here);
        }
    }
    let mut held: Vec<((String, usize), Vec<String>)> = here.run_until(running.join_all()).await;
    held.sort();
    let count = held.len();
    (
        held.into_iter().flat_map(|(_, lines)| lines).collect(),
        count,
    )
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
