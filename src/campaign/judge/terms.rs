//! What speaks for a campaign and what against it: a sum of named terms, each capped, in tenths of a point.
//!
//! None is proof. Those that a campaign could shed for little money (where it comes from, how long its answers are) weigh
//! little, and nothing convicts unless several families speak together. What honest crowds have and a work queue has not
//! counts more than anything that speaks for guilt.

use super::keyring::{Keyed, Keyring};
use super::members::Member;
use super::row::{Row, share};

/// A family of evidence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    Content,
    Coordination,
    Infrastructure,
    Timing,
    Use,
    /// What speaks against it.
    Counter,
}

/// How many terms there are.
pub(super) const TERMS: usize = 20;

/// The place of `unique_rest`.
const UNIQUE: usize = 1;

/// The place of `breadth`.
const BREADTH: usize = 2;

/// Every term: its name, and its family.
pub(super) const NAMES: [(&str, Family); TERMS] = [
    ("spread", Family::Content),
    ("unique_rest", Family::Content),
    ("breadth", Family::Coordination),
    ("young_cohort", Family::Coordination),
    ("even_load", Family::Coordination),
    ("known_keys", Family::Coordination),
    ("churning_networks", Family::Infrastructure),
    ("crowded_networks", Family::Infrastructure),
    ("many_stacks_one_request", Family::Infrastructure),
    ("no_rhythm", Family::Timing),
    ("single_turn", Family::Use),
    ("long_answers", Family::Use),
    ("old_accounts", Family::Counter),
    ("verified_accounts", Family::Counter),
    ("conversations", Family::Counter),
    ("human_rhythm", Family::Counter),
    ("repeated_rest", Family::Counter),
    ("heavy_tail", Family::Counter),
    ("one_organisation_or_clockwork", Family::Counter),
    ("various_requests", Family::Counter),
];

/// What the terms came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Weight {
    /// Every term, in tenths of a point, in the order of [`NAMES`].
    pub(super) terms: [i16; TERMS],
    /// Whether the keys were seen long enough to say how they come.
    pub(super) enough: bool,
    /// Whether there are people among them: whatever the others are, they would be hurt.
    pub(super) people: bool,
    /// Whether enough of them came back often enough to say so for sure.
    pub(super) sure: bool,
}

impl Weight {
    /// The sum, in tenths of a point.
    pub(super) fn score(&self) -> i32 {
        self.terms.iter().map(|&term| i32::from(term)).sum()
    }

    /// How much a family says.
    pub(super) fn of(&self, family: Family) -> i32 {
        let terms = self.terms.iter().zip(NAMES);
        let terms = terms.filter(|(_, (_, other))| *other == family);
        terms.map(|(&term, _)| i32::from(term)).sum()
    }

    /// Whether its keys use so many templates that they have them from one place.
    pub(super) fn is_broad(&self) -> bool {
        self.terms.get(BREADTH).is_some_and(|&term| term >= 20)
    }

    /// Whether what is filled in is new each time.
    pub(super) fn is_unique(&self) -> bool {
        self.terms.get(UNIQUE).is_some_and(|&term| term >= 10)
    }

    /// How many families speak for it, each with a point at least.
    pub(super) fn families(&self) -> u32 {
        use Family::{Content, Coordination, Infrastructure, Timing, Use};
        let all = [Content, Coordination, Infrastructure, Timing, Use];
        all.map(|family| u32::from(self.of(family) >= 10))
            .iter()
            .sum()
    }
}

/// How the keys of a sample come back: of their requests with the template, or of all that they sent with any hot one.
#[derive(Default)]
struct Habits {
    /// Requests after a key's first.
    gaps: u32,
    /// Those soon after the one before.
    close: u32,
    /// Those after as long a pause as before.
    regular: u32,
    /// The sum over keys of how often a new network came, per further request, and how many keys that is.
    moved: f32,
    keys: u32,
    /// Keys that came back three times at least.
    often: u32,
}

impl Habits {
    fn add(&mut self, requests: u16, close: u16, regular: u16, networks: u16) {
        let gaps = u32::from(requests.saturating_sub(1));
        if gaps == 0 {
            return;
        }
        self.gaps = self.gaps.saturating_add(gaps);
        self.close = self.close.saturating_add(u32::from(close));
        self.regular = self.regular.saturating_add(u32::from(regular));
        let moved = share(networks.count_ones().saturating_sub(1), gaps.min(8));
        self.moved += moved.min(1.0);
        self.keys = self.keys.saturating_add(1);
        let back = gaps.saturating_sub(u32::from(close));
        self.often = self.often.saturating_add(u32::from(back >= 3));
    }

    fn of_members<'r>(members: impl Iterator<Item = &'r Member>) -> Self {
        let mut habits = Self::default();
        for member in members {
            habits.add(
                member.requests,
                member.close,
                member.regular,
                member.networks,
            );
        }
        habits
    }
}

/// As many requests after a key's first tell how keys come back.
const ENOUGH: u32 = 24;

/// So many seconds of watching, over all keys of a sample, tell that they are not at a sitting: 6 hours.
const LONG: u32 = 21_600;

/// As many keys must have come back three times before it is said for sure how they come.
const OFTEN: u32 = 12;

/// As many keys tell something about all.
pub(super) const FEW: u32 = 12;

/// Weighs the evidence of a row. `young` is the share of all keys whose accounts are young.
pub(super) fn weigh(row: &Row, ring: &Keyring, young: f32) -> Weight {
    let witnesses = Witnesses::of(row, ring);
    let members = || witnesses.of_row(row);
    let known = || {
        let known = members().filter_map(|member| ring.get(member.key));
        known.filter(|_| !witnesses.mixed)
    };
    let own = Habits::of_members(members());
    let mut wide = Habits::default();
    for keyed in known() {
        wide.add(keyed.hits, keyed.close, 0, keyed.networks);
    }
    let habits = if own.gaps >= ENOUGH { &own } else { &wide };
    let seen = habits.gaps >= ENOUGH;
    let enough = seen || waited(row) >= LONG;
    let close = share(habits.close, habits.gaps);
    // Before that machines that wake by the clock look like a work queue.
    let is_sure = habits.often >= OFTEN;
    let sure = if is_sure { 1.0 } else { 0.4 };
    let uneven = uneven(members, row.last);
    let ages = Ages::of(members);
    let keys = (row.keys() as f32 * witnesses.share) as u32;
    let again = share(row.again, row.asks);
    let number = count(members().count());
    let breadth = breadth(known(), number);
    // What few of the keys do says little of all.
    let common = ramp(share(habits.keys, number), 0.15, 0.4);
    let of_members = |what: fn(&Member) -> bool| {
        share(
            count(members().filter(|member| what(member)).count()),
            number,
        )
    };
    let talks = of_members(|member| member.talks > 0);
    let verified = of_members(|member| member.verified > 0);
    // A key's first pause has none before it to be as long as.
    let pauses = own.gaps.saturating_sub(own.close).saturating_sub(own.keys);
    let clockwork = if pauses >= ENOUGH {
        ramp(share(own.regular, pauses), 0.3, 0.6)
    } else {
        0.0
    };
    let answers = row.answer().map_or(0.0, |(mean, variance)| {
        ramp(mean, 8.2, 9.0) * ramp(variance, 1.6, 1.0)
    });
    let same = row.same_parameters();
    let stacks = if row.same_stack() < 0.5 {
        ramp(row.stacks() as f32, 8.0, 16.0)
    } else {
        0.0
    };
    let when = |so: bool, value: f32| if so { value } else { 0.0 };
    let terms = [
        10.0 * (log2(keys) - 5.0).clamp(0.0, 3.0),
        when(row.asks >= 16, 20.0 * ramp(again, 0.3, 0.15)),
        40.0 * breadth,
        when(
            ages.known >= FEW && !witnesses.mixed,
            25.0 * ramp(ages.young - young, 0.15, 0.5),
        ),
        40.0 * sure * uneven.map_or(0.0, |uneven| ramp(uneven, 1.0, 0.35)),
        known_keys(&witnesses),
        when(
            seen && habits.keys >= FEW && !witnesses.mixed,
            20.0 * common * ramp(habits.moved / habits.keys.max(1) as f32, 0.2, 0.6),
        ),
        when(
            keys >= 64 && row.networks() < 128,
            20.0 * ramp(share(keys, row.networks()), 6.0, 20.0),
        ),
        15.0 * stacks * ramp(same, 0.7, 0.9),
        when(seen, 30.0 * sure * common * ramp(close, 0.45, 0.28)),
        10.0 * ramp(share(row.turned, row.requests), 0.1, 0.03),
        10.0 * answers,
        when(ages.known >= FEW, -20.0 * ramp(ages.old, 0.3, 0.6)),
        -20.0 * ramp(verified, 0.15, 0.4),
        -40.0 * ramp(talks, 0.1, 0.35),
        when(seen, -30.0 * ramp(close, 0.4, 0.6)),
        -30.0 * ramp(again, 0.25, 0.5),
        -30.0 * sure * uneven.map_or(0.0, |uneven| ramp(uneven, 1.2, 2.5)),
        -60.0 * ramp(row.same_org(), 0.6, 0.9).max(clockwork),
        // Who shares a phrase, or keys with a campaign, asks for this and that; a template asks for the same.
        if witnesses.mixed {
            -60.0 * ramp(same, 0.75, 0.45)
        } else if row.is_phrase() {
            -60.0 * ramp(same, 0.5, 0.2)
        } else {
            0.0
        },
    ];
    Weight {
        terms: terms.map(|term| term as i16),
        enough,
        sure: is_sure,
        people: of_members(Member::is_person) > 0.12,
    }
}

/// How long the keys of a sample were watched, in seconds; each an hour at most.
fn waited(row: &Row) -> u32 {
    let watched = |member: &Member| row.last.saturating_sub(member.since).min(3_600);
    row.members.iter().map(watched).fold(0, u32::saturating_add)
}

/// How often a key came back after a pause: what it does in one sitting says nothing of how it is loaded.
fn returns(member: &Member) -> f32 {
    f32::from(
        member
            .requests
            .saturating_sub(1)
            .saturating_sub(member.close),
    )
}

/// How uneven keys are loaded: the square of the coefficient of variation of their rates, of which chance is taken off.
/// 0 where a balancer deals requests out; 1.7 and more where people come as they like. `None` if that is not known.
fn uneven<'r, I: Iterator<Item = &'r Member>>(members: impl Fn() -> I, last: u32) -> Option<f32> {
    let exposure = |member: &Member| last.saturating_sub(member.since);
    let longest = members().map(exposure).max()?;
    let long = |member: &&Member| exposure(member) >= longest / 2;
    let (mut gaps, mut time, mut keys) = (0.0, 0.0, 0_u32);
    for member in members().filter(long) {
        gaps += returns(member);
        time += exposure(member) as f32;
        keys = keys.saturating_add(1);
    }
    if keys < FEW || gaps < ENOUGH as f32 || time <= 0.0 {
        return None;
    }
    let rate = gaps / time;
    let (mut spread, mut squares) = (0.0, 0.0);
    for member in members().filter(long) {
        let expected = rate * exposure(member) as f32;
        let off = returns(member) - expected;
        spread += off * off - expected;
        squares += expected * expected;
    }
    Some(spread / squares)
}

/// Which keys of a sample say something about what they share. Those of a campaign that is known already are explained by
/// that one; only where they are most of all do they speak.
struct Witnesses<'r> {
    ring: &'r Keyring,
    campaign: u16,
    all: bool,
    /// Whether they do much else beside, so that only what they do with the template counts, and not what they are.
    mixed: bool,
    /// The share of keys that are a known campaign's.
    guilty: f32,
    /// The share of keys that were seen with a known campaign, whatever else they do.
    explained: f32,
    /// The share of keys that speak.
    share: f32,
}

impl<'r> Witnesses<'r> {
    fn of(row: &Row, ring: &'r Keyring) -> Self {
        let mut witnesses = Self {
            ring,
            campaign: row.campaign,
            all: true,
            mixed: false,
            guilty: 0.0,
            explained: 0.0,
            share: 1.0,
        };
        let all = count(row.members.iter().count());
        let explained = row
            .members
            .iter()
            .filter(|member| witnesses.explains(member));
        let explained = share(count(explained.count()), all);
        let watched = row
            .members
            .iter()
            .filter(|member| witnesses.explains(member) && ring.is_watched(member.key));
        let watched = share(count(watched.count()), all);
        witnesses.guilty = if all < FEW { 0.0 } else { watched };
        witnesses.all = explained >= 0.6;
        witnesses.mixed = witnesses.all && watched < 0.6;
        witnesses.explained = explained;
        witnesses.share = if witnesses.all { 1.0 } else { 1.0 - explained };
        witnesses
    }

    /// Whether a key is known for another campaign than the row's own.
    fn explains(&self, member: &Member) -> bool {
        let known = self.ring.get(member.key);
        known.is_some_and(|keyed| keyed.guilty >= 2 && keyed.campaign != self.campaign)
    }

    fn of_row<'w>(&'w self, row: &'w Row) -> impl Iterator<Item = &'w Member> {
        let speaks = |member: &&Member| self.all || !self.explains(member);
        row.members.iter().filter(speaks)
    }
}

/// What it says that keys are known for a campaign. If they do much else, then only what they share with nobody else.
fn known_keys(witnesses: &Witnesses<'_>) -> f32 {
    let watched = ramp(witnesses.guilty, 0.6, 0.8);
    40.0 * watched.max(ramp(witnesses.explained, 0.8, 0.95))
}

/// How many hot templates keys use, for what they ask: from 0 to 1.
fn breadth<'r>(known: impl Iterator<Item = &'r Keyed>, members: u32) -> f32 {
    let (mut keys, mut templates, mut ratio) = (0_u32, 0_u32, 0.0);
    for keyed in known.filter(|keyed| keyed.hits >= 3) {
        let used = keyed.templates.count_ones();
        keys = keys.saturating_add(1);
        templates = templates.saturating_add(used);
        ratio += share(used, u32::from(keyed.hits.min(24)));
    }
    if keys < FEW.min(10) {
        return 0.0;
    }
    let common = ramp(share(keys, members), 0.2, 0.6);
    common * ramp(share(templates, keys), 2.5, 5.0) * ramp(ratio / keys as f32, 0.15, 0.35)
}

/// How old accounts are.
struct Ages {
    known: u32,
    /// The share of 30 days at most.
    young: f32,
    /// The share of more than 90.
    old: f32,
}

impl Ages {
    fn of<'r, I: Iterator<Item = &'r Member>>(members: impl Fn() -> I) -> Self {
        let known = || members().filter(|member| member.age > 0);
        let whole = count(known().count());
        Self {
            known: whole,
            young: share(
                count(known().filter(|member| member.age <= 31).count()),
                whole,
            ),
            old: share(
                count(known().filter(|member| member.age > 91).count()),
                whole,
            ),
        }
    }
}

/// 0 at `from` and before, 1 at `to` and beyond, in either direction.
fn ramp(value: f32, from: f32, to: f32) -> f32 {
    ((value - from) / (to - from)).clamp(0.0, 1.0)
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// The logarithm to the base 2, linear between powers: the same on every machine.
fn log2(number: u32) -> f32 {
    let number = number.max(1);
    let whole = number.ilog2();
    let power = 1_u32.wrapping_shl(whole);
    whole as f32 + share(number.wrapping_sub(power), power)
}
