//! Admission to a page: every counter is looked at, then all are charged or none. Pure functions of page and time.

use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use crate::exchange::Millis;
use crate::store::{Change, Page, page::SLOTS};
use crate::window::{Kept, Scale, Window};

/// As many of something as most requests have quotas without asking for memory.
pub type Few<T> = SmallVec<[T; 4]>;

/// One counter that a request is to be charged to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Charge {
    /// The quota's place in the policy.
    pub quota: usize,
    /// Keyed hash of subject and rule.
    pub tag: u64,
    /// The tag under which the newcomers to a full page share this rule.
    pub newcomers: u64,
    /// The window; the lease, if what is counted is in flight.
    pub scale: Scale,
    /// The most units in a window, at least 1.
    pub limit: u32,
    /// Units that this request takes. One that takes none always fits, and leaves no trace.
    pub units: u32,
    /// Whether a refusal is only noted.
    pub shadow: bool,
    /// How the counter stands, once that is known.
    pub standing: Standing,
}

/// How one counter stands after a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
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
    /// The moment under which the charge is filed, which a settlement names; `None` if nothing was charged.
    pub filed: Option<Millis>,
    /// Whether the charge is all that the counter holds.
    pub fresh: bool,
}

/// What a visit to a page came to, beside how each of its charges stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Admission {
    /// Whether any rule that is enforced refuses: then nothing was charged.
    pub refused: bool,
    /// Whether any rule at all refuses: then nothing was charged to rules in shadow.
    pub shadow_refused: bool,
    /// Replenished counters, and sets, that made room.
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
    charges: &mut [Charge],
    newcomers: &[u64],
    shadow_refused: bool,
    now: Millis,
) -> (Admission, Change) {
    let mut views = Few::new();
    assess(&mut views, page, charges, newcomers, now);
    let mut admission = sum_up(&views, charges);
    admission.shadow_refused |= shadow_refused;
    let mut change = Change::Keep;
    let fresh = views.iter().any(|view| view.slot.is_none());
    if !admission.refused && fresh && crowded(page, charges.len(), newcomers) {
        let needed =
            |tag| charges.iter().any(|charge| charge.tag == tag) || newcomers.contains(&tag);
        admission.evicted = page.evict(now, &needed);
        // What `assess` took to be free may still be held by small sets.
        let absent = |view: &&View| view.place != Place::None && page.find(view.tag).is_none();
        let absent = views.iter().filter(absent).count();
        admission.evicted = admission.evicted.saturating_add(page.make_room(absent));
        for view in &mut views {
            view.slot = page.find(view.tag);
        }
    }
    for (view, charge) in views.iter_mut().zip(charges) {
        let held_back = if charge.shadow {
            admission.shadow_refused
        } else {
            admission.refused
        };
        let mut filed = None;
        if !admission.refused && !held_back && charge.units > 0 {
            filed = Some(view.window.charge(charge.units));
            write(page, view, view.window.keep());
            change = Change::Replace;
        }
        charge.standing = standing(view, charge, filed, now);
    }
    (admission, change)
}

/// Looks at every charge and changes nothing.
#[must_use]
pub fn peek(page: &Page, charges: &mut [Charge], newcomers: &[u64], now: Millis) -> Admission {
    let mut views = Few::new();
    assess(&mut views, page, charges, newcomers, now);
    let admission = sum_up(&views, charges);
    for (view, charge) in views.iter().zip(charges) {
        charge.standing = standing(view, charge, None, now);
    }
    admission
}

/// What a request was charged and may be given back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Held {
    /// The tag that was charged.
    pub tag: u64,
    /// The window.
    pub scale: Scale,
    /// The moment under which the charge is filed.
    pub filed: Millis,
    /// Units that were charged.
    pub units: u32,
}

/// Replaces what was charged by the units that were really `used`: what is too much is given back where it was filed, what
/// is missing is charged now, also beyond any limit.
///
/// A counter that is gone, since its window is over, is made anew for what is missing; if its page is full by now, that
/// goes uncounted.
pub fn settle(page: &mut Page, held: &Held, used: u32, now: Millis) -> Change {
    let (place, mut window) = held.window(page, now);
    let before = window.used();
    match used.checked_sub(held.units) {
        None => window.refund(held.filed, held.units.saturating_sub(used)),
        Some(missing) => {
            window.charge(missing);
        }
    }
    if window.used() == before {
        return Change::Keep;
    }
    held.write(page, place, &window);
    Change::Replace
}

/// Moves what was charged to now, and says where it is filed then: a lease that goes on. One whose
/// page has no room for it any more goes uncounted until its request ends.
pub fn renew(page: &mut Page, held: &Held, now: Millis) -> (Millis, Change) {
    let (place, mut window) = held.window(page, now);
    window.refund(held.filed, held.units);
    let filed = window.charge(held.units);
    held.write(page, place, &window);
    (filed, Change::Replace)
}

impl Held {
    /// The counter as it is now, and where it is; an empty one if it is gone.
    fn window(&self, page: &Page, now: Millis) -> (Option<usize>, Window) {
        let place = page.find(self.tag);
        let kept = place.and_then(|place| page.kept(place));
        let window = kept.map_or_else(
            || Window::new(self.scale, now),
            |kept| Window::read(kept, self.scale, now),
        );
        (place, window)
    }

    fn write(&self, page: &mut Page, place: Option<usize>, window: &Window) {
        match place {
            Some(place) => page.put(place, window.keep()),
            None => {
                page.make_room(1);
                page.push(self.tag, window.keep());
            }
        }
    }
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
    /// The tag that is to be charged, and its slot if there is one.
    tag: u64,
    slot: Option<usize>,
    fits: bool,
    /// Units that must be replenished before it fits.
    missing: u64,
    remaining: u32,
}

fn sum_up(views: &[View], charges: &[Charge]) -> Admission {
    Admission {
        refused: views
            .iter()
            .zip(charges)
            .any(|(view, charge)| !view.fits && !charge.shadow),
        shadow_refused: views.iter().any(|view| !view.fits),
        evicted: 0,
        shared: views.iter().any(|view| view.place == Place::Newcomers),
    }
}

fn assess(views: &mut Few<View>, page: &Page, charges: &[Charge], newcomers: &[u64], now: Millis) {
    let mut slots: Few<Option<usize>> = Few::new();
    for charge in charges {
        slots.push(page.find(charge.tag));
    }
    let fresh = slots.iter().filter(|slot| slot.is_none()).count();
    let mut room = Room::All;
    if fresh > 0 && crowded(page, fresh, newcomers) {
        room = room_for(page, fresh, charges, newcomers, now);
    }
    for (charge, slot) in charges.iter().zip(&slots) {
        views.push(view(page, charge, *slot, &mut room, now));
    }
}

/// Whether a page is too full to take `fresh` counters as it is, beside room for all that newcomers share.
fn crowded(page: &Page, fresh: usize, newcomers: &[u64]) -> bool {
    page.len()
        .saturating_add(fresh)
        .saturating_add(newcomers.len())
        > SLOTS
}

/// Who may still get a slot in a page.
enum Room {
    /// Every counter of this request.
    All,
    /// Only so many of those that newcomers share.
    Newcomers(usize),
}

/// Looks whether `fresh` counters fit beside room for all that newcomers share, once everything is evicted that no
/// longer matters and is not of this request. Small sets never do.
fn room_for(page: &Page, fresh: usize, charges: &[Charge], newcomers: &[u64], now: Millis) -> Room {
    let own = charges
        .iter()
        .map(|charge| charge.tag)
        .chain(newcomers.iter().copied());
    let spared = own
        .filter(|&tag| {
            page.find(tag)
                .is_some_and(|place| !page.matters(place, now))
        })
        .count();
    let held = (0..page.len())
        .filter(|&place| page.matters(place, now))
        .count()
        .saturating_add(spared);
    let absent = newcomers
        .iter()
        .filter(|&&tag| page.find(tag).is_none())
        .count();
    if held.saturating_add(fresh).saturating_add(absent) <= SLOTS {
        Room::All
    } else {
        Room::Newcomers(SLOTS.saturating_sub(held))
    }
}

fn view(page: &Page, charge: &Charge, own: Option<usize>, room: &mut Room, now: Millis) -> View {
    let read = |place: usize| {
        page.kept(place)
            .map(|kept| Window::read(kept, charge.scale, now))
    };
    let empty = || Window::new(charge.scale, now);
    let (window, place, slot) = match (own.and_then(read), room) {
        (Some(window), _) => (window, Place::Own, own),
        // Whoever gets a slot now may have been among the newcomers before: what those used counts against it.
        (None, Room::All) => (
            page.find(charge.newcomers)
                .and_then(read)
                .unwrap_or_else(empty),
            Place::Own,
            None,
        ),
        (None, Room::Newcomers(spare)) => {
            let shared = page.find(charge.newcomers);
            match shared.and_then(read) {
                Some(window) => (window, Place::Newcomers, shared),
                None if *spare > 0 => {
                    *spare = spare.saturating_sub(1);
                    (empty(), Place::Newcomers, None)
                }
                None => (empty(), Place::None, None),
            }
        }
    };
    let wanted = u64::from(window.used()).saturating_add(u64::from(charge.units));
    let limit = u64::from(charge.limit);
    View {
        fits: charge.units == 0 || (wanted <= limit && place != Place::None),
        missing: wanted.saturating_sub(limit),
        remaining: charge.limit.saturating_sub(window.used()),
        tag: if place == Place::Own {
            charge.tag
        } else {
            charge.newcomers
        },
        window,
        place,
        slot,
    }
}

fn standing(view: &View, charge: &Charge, filed: Option<Millis>, now: Millis) -> Standing {
    let charged = filed.map_or(0, |_| charge.units);
    let mut standing = Standing {
        fits: view.fits,
        remaining: view.remaining.saturating_sub(charged),
        frees: view
            .window
            .frees(if view.fits { 1 } else { view.missing })
            .max(now),
        replenished: view.window.replenished().max(now),
        tag: view.tag,
        filed,
        fresh: filed.is_some() && view.place == Place::Own && view.window.used() == charge.units,
    };
    if view.place == Place::None {
        // Nobody can say when somebody else's counter makes room; after a window's length all of today's have.
        standing.remaining = 0;
        standing.frees = now.saturating_add(charge.scale.length());
        standing.replenished = standing.frees;
    }
    standing
}

fn write(page: &mut Page, view: &View, kept: Kept) {
    match view.slot {
        Some(place) => page.put(place, kept),
        None => {
            // `assess` has seen that there is room.
            page.push(view.tag, kept);
        }
    }
}

#[cfg(test)]
mod tests;
