//! The distinct values that one subject shows, counted as [`distinct`] counts them, in as few bytes as they take.
//!
//! A page for each subject would be 4 KiB. Nearly all subjects show a handful of values, and those are a list here; what is
//! too long to be exact moves to a page of its own, and is estimated as it would be in the store.

use crate::distinct::{self, Sight, Watch};
use crate::exchange::Millis;
use crate::sample::Held;
use crate::store::Page;

/// The most values that [`distinct`] counts exactly.
const EXACT: usize = 179;

/// The bit of a value that says that it was seen in this generation; if not, it was in the one before.
const SEEN: u32 = 0x8000_0000;

/// The values of one subject.
#[derive(Debug, Clone, Default)]
pub(super) struct Values {
    generation: u64,
    list: Vec<u32>,
    page: Option<Box<Page>>,
}

impl Held for Values {
    fn bytes(&self) -> usize {
        let page = self.page.as_ref().map_or(0, |_| size_of::<Page>());
        self.list
            .capacity()
            .saturating_mul(size_of::<u32>())
            .saturating_add(page)
    }
}

impl Values {
    /// Looks for a value, which stays for longer if it is among them.
    pub(super) fn look(&mut self, element: u32, window: Millis, now: Millis) -> Sight {
        if let Some(page) = &mut self.page {
            return distinct::look(page, &watch(element, window), now).0;
        }
        self.turn(window, now);
        let value = element | SEEN;
        let place = self.list.iter().position(|&other| other | SEEN == value);
        if let Some(held) = place.and_then(|place| self.list.get_mut(place)) {
            *held = value;
        }
        Sight {
            count: u32::try_from(self.list.len()).unwrap_or(u32::MAX),
            exact: true,
            member: place.is_some(),
            news: place.is_none(),
        }
    }

    /// Adds a value that was looked for, and was news; says how many there are now, and whether exactly.
    pub(super) fn add(&mut self, element: u32, window: Millis, now: Millis) -> (u32, bool) {
        if self.page.is_none() && self.list.len() < EXACT {
            self.list.push(element | SEEN);
            return (u32::try_from(self.list.len()).unwrap_or(u32::MAX), true);
        }
        let list = core::mem::take(&mut self.list);
        let page = self.page.get_or_insert_with(|| moved(&list, window, now));
        let sight = distinct::add(page, &watch(element, window), 0, now).0.sight;
        (sight.count, sight.exact)
    }

    /// Forgets what was seen neither in this generation nor in the one before.
    fn turn(&mut self, window: Millis, now: Millis) {
        let generation = now.checked_div(half(window)).unwrap_or(0);
        match generation.saturating_sub(self.generation) {
            0 => return,
            1 => self.list.retain(|value| value & SEEN != 0),
            _ => self.list.clear(),
        }
        self.list.iter_mut().for_each(|value| *value &= !SEEN);
        self.generation = generation;
    }
}

/// A page with these values, each in its generation.
fn moved(list: &[u32], window: Millis, now: Millis) -> Box<Page> {
    let mut page = Box::<Page>::default();
    for (seen, at) in [(0, now.saturating_sub(half(window))), (SEEN, now)] {
        for value in list.iter().filter(|&&value| value & SEEN == seen) {
            distinct::add(&mut page, &watch(*value, window), 0, at);
        }
    }
    page
}

/// On a page of its own a set needs no name.
const fn watch(element: u32, window: Millis) -> Watch {
    Watch {
        tag: 0,
        element,
        window,
    }
}

const fn half(window: Millis) -> Millis {
    if window < 2 { 1 } else { window / 2 }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::traits::mix;

    fn hash(value: u32) -> u32 {
        (mix(u64::from(value)) >> 33) as u32 | 0x100
    }

    proptest! {
        #[test]
        fn a_list_and_a_page_say_the_same(steps in prop::collection::vec((0..400_u32, 0..4_000_u64), 1..600), gaps in 0..6_u32) {
            const WINDOW: Millis = 60_000;
            let (mut values, mut page) = (Values::default(), Page::default());
            let mut now: Millis = 1_776_816_000_000;
            for (value, wait) in steps {
                now = now.saturating_add(wait.wrapping_shr(gaps));
                let element = hash(value);
                let seen = values.look(element, WINDOW, now);
                let expected = distinct::look(&mut page, &watch(element, WINDOW), now).0;
                prop_assert_eq!(seen, expected);
                if seen.news {
                    let added = values.add(element, WINDOW, now);
                    let expected = distinct::add(&mut page, &watch(element, WINDOW), 0, now).0.sight;
                    prop_assert_eq!(added, (expected.count, expected.exact));
                }
            }
        }
    }

    #[test]
    fn many_are_an_estimate() {
        let mut values = Values::default();
        let mut last = (0, true);
        for value in 0..20_000 {
            let element = hash(value);
            if values.look(element, 60_000, 1_000).news {
                last = values.add(element, 60_000, 1_000);
            }
        }
        assert!(!last.1 && (17_000..=23_000).contains(&last.0), "{last:?}");
        assert!(values.bytes() <= 8_192);
    }
}
