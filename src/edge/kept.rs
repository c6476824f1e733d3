//! Counters in memory that are also kept elsewhere: which pages have changed since they were last written down.

use core::cell::RefCell;
use std::collections::BTreeSet;

use crate::exchange::Millis;
use crate::store::{Change, MemoryStore, Page, Store, StoreError};

/// Pages, and the numbers of those that changed.
#[derive(Debug)]
pub(super) struct Kept {
    pages: MemoryStore,
    changed: RefCell<BTreeSet<u32>>,
}

impl Kept {
    /// As many pages as fit into so many bytes, all empty.
    pub(super) fn new(memory: u64) -> Self {
        Self {
            pages: MemoryStore::new(memory),
            changed: RefCell::default(),
        }
    }

    /// Takes a page that was written down; `false` if it is none of this version, or of a place that there is not.
    pub(super) fn load(&self, number: u32, bytes: &[u8]) -> bool {
        // The bytes must begin where numbers may.
        let mut aligned = vec![0_u64; bytes.len().div_ceil(8)];
        let place: &mut [u8] = bytemuck::cast_slice_mut(&mut aligned);
        let Some(place) = place.get_mut(..bytes.len()) else {
            return false;
        };
        place.copy_from_slice(bytes);
        let Some(page) = Page::from_bytes(place) else {
            return false;
        };
        let taken = self.pages.update(number, |held| {
            *held = *page;
            ((), Change::Replace)
        });
        taken.is_ok()
    }

    /// The bytes of a page; `None` if there is nothing on it that anybody would miss.
    pub(super) fn bytes(&self, number: u32) -> Option<Vec<u8>> {
        let bytes = |page: &mut Page| {
            let used = !page.is_empty();
            (used.then(|| page.as_bytes().to_vec()), Change::Keep)
        };
        self.pages.update(number, bytes).ok().flatten()
    }

    /// The pages that changed since this was last asked.
    pub(super) fn take_changed(&self) -> Vec<u32> {
        let changed = self.changed.try_borrow_mut();
        changed
            .map(|mut changed| core::mem::take(&mut *changed).into_iter().collect())
            .unwrap_or_default()
    }

    /// Forgets on these pages what is replenished; those count as changed of which something was forgotten.
    pub(super) fn tidy(&self, pages: &[u32], now: Millis) {
        for &number in pages {
            let _ = self.update(number, |page| {
                let evicted = page.evict(now, &|_| false);
                let change = if evicted > 0 {
                    Change::Replace
                } else {
                    Change::Keep
                };
                ((), change)
            });
        }
    }
}

impl Store for Kept {
    fn pages(&self) -> u32 {
        self.pages.pages()
    }

    fn update<T>(
        &self,
        number: u32,
        mut visit: impl FnMut(&mut Page) -> (T, Change),
    ) -> Result<T, StoreError> {
        self.pages.update(number, |page| {
            let (result, change) = visit(page);
            if change == Change::Replace
                && let Ok(mut changed) = self.changed.try_borrow_mut()
            {
                changed.insert(number);
            }
            (result, change)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::window::Kept as Window;
    use bytemuck::Zeroable as _;

    #[test]
    fn what_changed_is_written_down_and_read_again() {
        let (one, other) = (Kept::new(1 << 20), Kept::new(1 << 20));
        one.update(3, |page| (page.push(77, Window::zeroed()), Change::Replace))
            .unwrap();
        one.update(4, |_| ((), Change::Keep)).unwrap();
        assert_eq!(one.take_changed(), [3]);
        assert!(one.take_changed().is_empty());
        let bytes = one.bytes(3).unwrap();
        assert_eq!(one.bytes(4), None);
        assert!(other.load(3, &bytes));
        assert_eq!(other.bytes(3).unwrap(), bytes);
        assert!(!other.load(3, bytes.get(1..).unwrap()));
        assert!(!other.load(u32::MAX, &bytes));
        // A counter that never counted is replenished.
        other.tidy(&[3], 1);
        assert_eq!(other.bytes(3), None);
        assert_eq!(other.take_changed(), [3]);
    }
}
