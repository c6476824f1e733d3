//! Admission to a page: every counter is looked at, then all are charged or none. Pure functions of page and time.

pub mod window;

use crate::exchange::Millis;
use crate::store::{Change, Page, page::SLOTS};
use window::{Kept, Window};

/// One counter that a request is to be charged to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Charge {
    /// Keyed hash of subject and rule.
    pub tag: u64,
    /// The tag under which the newcomers to a full page share this rule.
    pub newcomers: u64,
    /// Length of the window in milliseconds; of the lease, if what is counted is in flight.
    pub length: Millis,
    /// The most units in a window, at least 1.
    pub limit: u32,
    /// Units that this request takes.
    pub units: u32,
    /// Whether a refusal is only noted.
    pub shadow: bool,
}

/// How one counter stands after a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// Whether the request fits under the limit.
    pub fits: bool,
    /// Units left in the window, this request's own taken off if it was charged.
    pub remaining: u32,
    /// If it fits, when some of what is used is replenished next; if not, the earliest moment at which it would fit.
    pub frees: Millis,
    /// When all of it is replenished, if nothing more is charged.
    pub replenished: Millis,
    /// The tag that was charged: the charge's own, or the one that newcomers share.
    pub tag: u64,
    /// The moment under which the charge is filed, which a refund names; `None` if nothing was charged.
    pub filed: Option<Millis>,
}

/// What a visit to a page came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Admission {
    /// One for every charge, in their order.
    pub standings: Vec<Standing>,
    /// Whether any rule that is enforced refuses: then nothing was charged.
    pub refused: bool,
    /// Whether any rule at all refuses: then nothing was charged to rules in shadow.
    pub shadow_refused: bool,
    /// Replenished counters that made room.
    pub evicted: u32,
    /// Whether a counter was the one that newcomers share.
    pub shared: bool,
}

/// Looks at every charge, and charges them all unless a rule that is enforced refuses.
///
/// Rules in shadow are charged as they would be if all rules were enforced, so what they show is what enforcement
/// would do; `shadow_refused` says that a rule on another page has refused already. `newcomers` are the tags under
/// which newcomers share any rule of the policy: a page keeps room for them.
pub fn admit(
    page: &mut Page,
    charges: &[Charge],
    newcomers: &[u64],
    shadow_refused: bool,
    now: Millis,
) -> (Admission, Change) {
    let mut views = assess(page, charges, newcomers, now);
    let mut admission = sum_up(&views, charges);
    admission.shadow_refused |= shadow_refused;
    let mut change = Change::Keep;
    if !admission.refused
        && page
            .len()
            .saturating_add(charges.len())
            .saturating_add(newcomers.len())
            > SLOTS
    {
        admission.evicted = page.evict(now);
    }
    for (view, charge) in views.iter_mut().zip(charges) {
        let mut filed = None;
        let held_back = if charge.shadow {
            admission.shadow_refused
        } else {
            admission.refused
        };
        if !admission.refused && !held_back {
            filed = Some(view.window.charge(charge.units));
            write(page, view.tag, view.window.keep());
            change = Change::Replace;
        }
        admission.standings.push(standing(view, charge, filed, now));
    }
    (admission, change)
}

/// Looks at every charge and changes nothing.
#[must_use]
pub fn peek(page: &Page, charges: &[Charge], newcomers: &[u64], now: Millis) -> Admission {
    let views = assess(page, charges, newcomers, now);
    let mut admission = sum_up(&views, charges);
    admission.standings.extend(
        views
            .iter()
            .zip(charges)
            .map(|(view, charge)| standing(view, charge, None, now)),
    );
    admission
}

/// Gives back `units` that were charged under `tag` and filed at the moment `filed`.
pub fn refund(
    page: &mut Page,
    tag: u64,
    length: Millis,
    limit: u32,
    units: u32,
    filed: Millis,
    now: Millis,
) -> Change {
    let Some(place) = page.find(tag) else {
        return Change::Keep;
    };
    let Some(mut window) = page
        .kept(place)
        .map(|kept| Window::read(kept, length, limit, now))
    else {
        return Change::Keep;
    };
    let before = window;
    window.refund(filed, units);
    if window == before {
        return Change::Keep;
    }
    page.put(place, window.keep());
    Change::Replace
}

/// Moves `units` that were filed at `filed` to now, and says where they are filed then: a lease that goes on.
pub fn renew(
    page: &mut Page,
    tag: u64,
    length: Millis,
    limit: u32,
    filed: Millis,
    now: Millis,
) -> (Millis, Change) {
    let held = page.find(tag).and_then(|place| page.kept(place));
    let mut window = held.map_or_else(
        || Window::new(length, limit, now),
        |kept| Window::read(kept, length, limit, now),
    );
    window.refund(filed, 1);
    let filed = window.charge(1);
    write(page, tag, window.keep());
    (filed, Change::Replace)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// In a slot of its own, there or to be made.
    Own,
    /// In the slot that newcomers share.
    Newcomers,
    /// Nowhere: not even the newcomers' slot has room.
    None,
}

/// A charge seen beside what the page holds.
struct View {
    window: Window,
    place: Place,
    tag: u64,
    fits: bool,
    /// Units that must be replenished before it fits.
    missing: u64,
    remaining: u64,
}

fn sum_up(views: &[View], charges: &[Charge]) -> Admission {
    Admission {
        standings: Vec::with_capacity(charges.len()),
        refused: views
            .iter()
            .zip(charges)
            .any(|(view, charge)| !view.fits && !charge.shadow),
        shadow_refused: views.iter().any(|view| !view.fits),
        evicted: 0,
        shared: views.iter().any(|view| view.place == Place::Newcomers),
    }
}

fn assess(page: &Page, charges: &[Charge], newcomers: &[u64], now: Millis) -> Vec<View> {
    let fresh = charges
        .iter()
        .filter(|charge| page.find(charge.tag).is_none())
        .count();
    let mut room = Room::All;
    if fresh > 0
        && page
            .len()
            .saturating_add(fresh)
            .saturating_add(newcomers.len())
            > SLOTS
    {
        room = room_for(page, fresh, newcomers, now);
    }
    charges
        .iter()
        .map(|charge| view(page, charge, &mut room, now))
        .collect()
}

/// Who may still get a slot in a page.
enum Room {
    /// Every counter of this request.
    All,
    /// Only so many of those that newcomers share.
    Newcomers(usize),
}

/// Looks whether `fresh` counters fit beside room for all that newcomers share, once what is replenished is evicted.
fn room_for(page: &Page, fresh: usize, newcomers: &[u64], now: Millis) -> Room {
    let live = |place: &usize| {
        page.kept(*place)
            .is_some_and(|kept| kept.replenished() > now)
    };
    let held = (0..page.len()).filter(live).count();
    let absent = newcomers
        .iter()
        .filter(|&&tag| !page.find(tag).is_some_and(|place| live(&place)))
        .count();
    if held.saturating_add(fresh).saturating_add(absent) <= SLOTS {
        Room::All
    } else {
        Room::Newcomers(SLOTS.saturating_sub(held))
    }
}

fn view(page: &Page, charge: &Charge, room: &mut Room, now: Millis) -> View {
    let read = |place: usize| {
        page.kept(place)
            .map(|kept| Window::read(kept, charge.length, charge.limit, now))
    };
    let own = page.find(charge.tag).and_then(read);
    let shared = || page.find(charge.newcomers).and_then(read);
    let empty = || Window::new(charge.length, charge.limit, now);
    let (window, place) = match (own, room) {
        (Some(window), _) => (window, Place::Own),
        // Whoever gets a slot now may have been among the newcomers before: what those used counts against it.
        (None, Room::All) => (shared().unwrap_or_else(empty), Place::Own),
        (None, Room::Newcomers(spare)) => match shared() {
            Some(window) => (window, Place::Newcomers),
            None if *spare > 0 => {
                *spare = spare.saturating_sub(1);
                (empty(), Place::Newcomers)
            }
            None => (empty(), Place::None),
        },
    };
    let wanted = window.used().saturating_add(u64::from(charge.units));
    let limit = u64::from(charge.limit);
    View {
        fits: wanted <= limit && place != Place::None,
        missing: wanted.saturating_sub(limit),
        remaining: limit.saturating_sub(window.used()),
        tag: if place == Place::Own {
            charge.tag
        } else {
            charge.newcomers
        },
        window,
        place,
    }
}

fn standing(view: &View, charge: &Charge, filed: Option<Millis>, now: Millis) -> Standing {
    let charged = filed.map_or(0, |_| u64::from(charge.units));
    let frees = match (view.fits, view.place) {
        (true, _) => view.window.frees(1),
        // Nobody can say when somebody else's counter makes room; after a window's length all of today's have.
        (false, Place::None) => now.saturating_add(charge.length),
        (false, _) => view.window.frees(view.missing),
    };
    Standing {
        fits: view.fits,
        remaining: u32::try_from(view.remaining.saturating_sub(charged)).unwrap_or(u32::MAX),
        frees: frees.max(now),
        replenished: view.window.replenished().max(now),
        tag: view.tag,
        filed,
    }
}

fn write(page: &mut Page, tag: u64, kept: Kept) {
    match page.find(tag) {
        Some(place) => page.put(place, kept),
        None => {
            // `assess` has seen that there is room.
            page.push(tag, kept);
        }
    }
}

#[cfg(test)]
mod tests;
