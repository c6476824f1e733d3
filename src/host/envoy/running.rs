//! A policy in force in one VM, with what its streams share.

use core::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use super::abi::{self, Clock, Level};
use super::campaigns::Watch;
use super::counters;
use super::shared::{SharedStore, fingerprint};
use crate::campaign::{Book, Observation};
use crate::engine::{Decision, Ending, Engine, Lease, Reservation, Settlement};
use crate::estimate::Estimator;
use crate::exchange::{Millis, Now};
use crate::identity::{SECRET_BYTES, Secret};
use crate::metrics::{Kind, Load, Metric, Part, Plain};
use crate::policy::Policy;
use crate::usage::Usage;
use crate::verdict::{Reason, Source};

/// The environment variable of the VM that holds the secret.
const SECRET: &str = "STILLGATE_SECRET";

/// As many requests in flight are renewed in one tick at any rate, and half of all if that is more: so every slot that is
/// due is renewed within two ticks, and many that began together do not hold a worker up together. A renewal takes a few
/// microseconds, and is due when a third of the lease is over.
const RENEWALS: usize = 2_048;

/// A policy in force.
pub(super) struct Running {
    /// The policy at work.
    pub(super) engine: Engine,
    /// The counters.
    pub(super) store: SharedStore,
    in_flight: RefCell<BTreeMap<u32, InFlight>>,
    /// Campaigns, if they are looked for.
    watch: Option<Watch>,
}

/// The slots of one stream.
struct InFlight {
    leases: Vec<Lease>,
    renewed: Millis,
}

impl Running {
    /// Puts a policy in force. `configuration` is what it was read from.
    pub(super) fn start(policy: Policy, configuration: &[u8]) -> Self {
        let name = abi::property("plugin_name").unwrap_or_default();
        let root = abi::property("plugin_root_id").unwrap_or_default();
        let store = SharedStore::new(&[name, root].join(&0), policy.memory);
        counters::define();
        // Every VM of every worker comes by here; the first one to write the note speaks for all.
        if store.note("policy", &fingerprint(configuration)) {
            counters::count(Metric::PolicyLoads(Load::Accepted), 1);
            let mode = if policy.shadow { "shadow" } else { "enforce" };
            let quotas = policy.quotas.len();
            abi::log(
                Level::Info,
                &format!("stillgate: a policy is in force: mode {mode}, {quotas} quotas"),
            );
        }
        set_clock();
        let secret = secret();
        let rules = policy.campaigns.clone();
        let watch = rules.map(|rules| Watch::new(rules, secret, configuration, &store));
        Self {
            engine: Engine::new(policy, secret),
            store,
            in_flight: RefCell::default(),
            watch,
        }
    }

    /// What is known of campaigns.
    pub(super) fn book(&self) -> Rc<Book> {
        self.watch.as_ref().map(Watch::book).unwrap_or_default()
    }

    /// Whether campaigns are looked for.
    pub(super) const fn watches(&self) -> bool {
        self.watch.is_some()
    }

    /// Takes down what a request showed, if it did.
    pub(super) fn observe(&self, observation: Option<Observation>) {
        if let (Some(watch), Some(observation)) = (&self.watch, observation) {
            watch.observe(observation);
        }
    }

    /// Counts a decision and what it cost.
    pub(super) fn count(&self, decision: &Decision) {
        counters::count(Metric::Requests(decision.verdict, decision.reason), 1);
        if let Some(intent) = decision.shadow {
            counters::count(Metric::Shadow(intent.verdict, intent.reason), 1);
        }
        let failed = decision.reason == Reason::Store
            || decision
                .shadow
                .is_some_and(|intent| intent.reason == Reason::Store);
        self.count_store(failed);
        for (plain, by) in [
            (Plain::Evictions, decision.effort.evicted),
            (Plain::SharedNewcomers, u32::from(decision.effort.shared)),
        ] {
            add(Metric::Plain(plain), u64::from(by));
        }
    }

    /// Counts what the store went through since this was last called, and whether it failed in the end.
    fn count_store(&self, failed: bool) {
        let (conflicts, discarded) = self.store.take_events();
        for (plain, by) in [
            (Plain::StoreFailures, u32::from(failed)),
            (Plain::StoreConflicts, conflicts),
            (Plain::PagesDiscarded, discarded),
        ] {
            add(Metric::Plain(plain), u64::from(by));
        }
    }

    /// Counts what a request showed that has this answer.
    pub(super) fn remember(&self, reservation: &mut Reservation, status: u16) {
        let result = self
            .engine
            .remember(reservation, status, now(), &self.store);
        self.count_store(result.is_err());
        let memory = result.unwrap_or_default();
        for (plain, by) in [
            (Plain::DistinctUncounted, memory.uncounted),
            (Plain::Evictions, memory.evicted),
        ] {
            add(Metric::Plain(plain), u64::from(by));
        }
    }

    /// Settles a request, and counts what came of it.
    pub(super) fn settle(&self, reservation: &Reservation, ending: &Ending) -> Settlement {
        let (settlement, result) =
            self.engine
                .settle(reservation, ending, &ESTIMATOR, now(), &self.store);
        self.count_store(result.is_err());
        let unknown = u64::from(settlement.unknown_key);
        add(Metric::Plain(Plain::UnknownKeys), unknown);
        self.observe(reservation.served(ending, &settlement));
        if !reservation.is_metered() {
            return settlement;
        }
        let Usage {
            input,
            cached,
            output,
            reasoning,
        } = settlement.usage;
        counters::count(Metric::Settlements(settlement.source), 1);
        let unread = settlement.source == Source::Reserved;
        for (metric, by) in [
            (Metric::Tokens(Kind::Input), input),
            (Metric::Tokens(Kind::Cached), cached),
            (Metric::Tokens(Kind::Output), output),
            (Metric::Tokens(Kind::Reasoning), reasoning),
            (Metric::Unreadable(Part::Answer), u64::from(unread)),
            (Metric::Unreadable(Part::Number), u64::from(settlement.odd)),
        ] {
            add(metric, by);
        }
        if let Some(estimated) = settlement.estimated {
            add(Metric::Plain(Plain::EstimatedTokens), estimated);
            let error = estimated.abs_diff(input);
            add(Metric::Plain(Plain::EstimateError), error);
        }
        settlement
    }

    /// Holds a stream's slots until [`release`](Self::release).
    pub(super) fn hold(&self, stream: u32, leases: Vec<Lease>, now: Now) {
        if let Ok(mut in_flight) = self.in_flight.try_borrow_mut() {
            in_flight.insert(
                stream,
                InFlight {
                    leases,
                    renewed: now.steady,
                },
            );
        }
    }

    /// Gives a stream's slots back.
    pub(super) fn release(&self, stream: u32) {
        let held = self
            .in_flight
            .try_borrow_mut()
            .ok()
            .and_then(|mut in_flight| in_flight.remove(&stream));
        if let Some(held) = held
            && self
                .engine
                .release(&held.leases, now(), &self.store)
                .is_err()
        {
            counters::count(Metric::Plain(Plain::StoreFailures), 1);
        }
    }

    /// What is done every second in every VM that is in force.
    pub(super) fn tick(&self) {
        set_clock();
        // Not when the policy is read: Envoy reads it once for trial, and may then reject what came with it.
        if self.store.trim() {
            let text = "stillgate: limits.memory has changed, and with it where counters lie: all counters start afresh";
            abi::log(Level::Warn, text);
        }
        self.renew_leases();
        if let Some(watch) = &self.watch {
            watch.tick(&self.store, now().steady);
        }
    }

    /// Renews the slots of streams that have been in flight for a third of their lease.
    fn renew_leases(&self) {
        let now = now();
        let Ok(mut in_flight) = self.in_flight.try_borrow_mut() else {
            return;
        };
        let most = in_flight.len().div_ceil(2).max(RENEWALS);
        let due = |held: &&mut InFlight| {
            let age = now.steady.saturating_sub(held.renewed);
            held.leases
                .iter()
                .any(|lease| age >= lease.length().checked_div(3).unwrap_or(0))
        };
        for held in in_flight.values_mut().filter(due).take(most) {
            if self
                .engine
                .renew(&mut held.leases, now, &self.store)
                .is_err()
            {
                counters::count(Metric::Plain(Plain::StoreFailures), 1);
            } else {
                held.renewed = now.steady;
            }
        }
    }
}

/// What every stream of this VM learns from and estimates by. It outlives a policy.
pub(super) static ESTIMATOR: Estimator = Estimator::new();

/// Counts something that may be nothing, which is not told to the host.
pub(super) fn add(metric: Metric, by: u64) {
    if by > 0 {
        counters::count(metric, by);
    }
}

/// Counts a policy that was refused.
pub(super) fn count_rejection() {
    counters::count(Metric::PolicyLoads(Load::Rejected), 1);
}

thread_local! {
    /// How far the wall clock is ahead of the steady one, as of the last tick: so a request reads one clock.
    static AHEAD: Cell<u64> = const { Cell::new(0) };
}

/// The moment, on both clocks.
pub(super) fn now() -> Now {
    let steady = millis(Clock::Steady);
    Now {
        steady,
        wall: steady.wrapping_add(AHEAD.with(Cell::get)),
    }
}

/// Compares the clocks.
fn set_clock() {
    let ahead = millis(Clock::Wall).wrapping_sub(millis(Clock::Steady));
    AHEAD.with(|cell| cell.set(ahead));
}

fn millis(clock: Clock) -> Millis {
    abi::clock(clock).checked_div(1_000_000).unwrap_or(0)
}

/// The secret of the VM's environment, or a random one that all workers of this process share.
fn secret() -> Secret {
    match std::env::var_os(SECRET).map(std::ffi::OsString::into_encoded_bytes) {
        Some(secret) if !secret.is_empty() => {
            if secret.len() < SECRET_BYTES {
                let text = format!(
                    "stillgate: {SECRET} is shorter than {SECRET_BYTES} bytes and can be guessed"
                );
                abi::log(Level::Warn, &text);
            }
            Secret::new(&secret)
        }
        _ => random_secret(),
    }
}

fn random_secret() -> Secret {
    const KEY: &[u8] = b"sg secret";
    let mut random = [0; 32];
    if getrandom::fill(&mut random).is_err() {
        abi::log(
            Level::Error,
            "stillgate: the host has no randomness, so pseudonyms can be guessed; set STILLGATE_SECRET",
        );
    }
    if let Ok(None) = abi::shared(KEY)
        && abi::swap_shared(KEY, &random, None).is_ok()
    {
        let text = format!(
            "stillgate: {SECRET} is not set, so this process made a secret of its own: pseudonyms in logs change with \
             every start, and other Envoys have other ones"
        );
        abi::log(Level::Warn, &text);
    }
    match abi::shared(KEY) {
        Ok(Some((secret, _))) => Secret::new(&secret),
        _ => Secret::new(&random),
    }
}
