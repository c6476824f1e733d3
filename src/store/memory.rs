//! Pages in this process's own memory, for any number of threads: the command line, tests and replays.

use std::sync::{Mutex, PoisonError};

use super::{Change, Page, Store, StoreError, pages_in};

/// Pages behind one lock each, so that two threads meet only where two subjects share a page.
#[derive(Debug)]
pub struct MemoryStore {
    pages: Box<[Mutex<Page>]>,
}

impl MemoryStore {
    /// A store of as many empty pages as fit into `memory` bytes; all of it is taken at once.
    #[must_use]
    pub fn new(memory: u64) -> Self {
        Self {
            pages: (0..pages_in(memory)).map(|_| Mutex::default()).collect(),
        }
    }
}

impl Store for MemoryStore {
    fn pages(&self) -> u32 {
        u32::try_from(self.pages.len()).unwrap_or(u32::MAX)
    }

    fn update<T>(
        &self,
        page: u32,
        mut visit: impl FnMut(&mut Page) -> (T, Change),
    ) -> Result<T, StoreError> {
        let index = usize::try_from(page).unwrap_or(usize::MAX);
        let page = self.pages.get(index).ok_or(StoreError::Unavailable)?;
        // A page is valid whatever a panicking thread left of it: every field of every slot may hold any value.
        let mut page = page.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(visit(&mut page).0)
    }
}
