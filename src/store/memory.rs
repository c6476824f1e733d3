//! Pages in this process's own memory, for any number of threads: the command line, tests and replays.

use std::sync::{Mutex, PoisonError};

use super::{Change, Page, Store, StoreError, pages_in};

/// How many locks there are. They stay in a processor's cache, where a lock beside each page would be fetched from
/// memory with every decision; and among so many, two threads seldom want the same.
const SHARDS: u32 = 256;

/// Pages in shards behind a lock each.
#[derive(Debug)]
pub struct MemoryStore {
    shards: Box<[Mutex<Box<[Aligned]>>]>,
    pages: u32,
}

/// A page of which every slot is a cache line, and which no two pages of the processor's memory share.
#[derive(Debug, Default)]
#[repr(align(4096))]
struct Aligned(Page);

impl MemoryStore {
    /// A store of as many empty pages as fit into `memory` bytes; all of it is taken at once.
    #[must_use]
    pub fn new(memory: u64) -> Self {
        let pages = pages_in(memory);
        let shard = |index: u32| {
            Mutex::new(
                (index..pages)
                    .step_by(256)
                    .map(|_| Aligned::default())
                    .collect(),
            )
        };
        Self {
            shards: (0..SHARDS).map(shard).collect(),
            pages,
        }
    }
}

impl Store for MemoryStore {
    fn pages(&self) -> u32 {
        self.pages
    }

    fn update<T>(
        &self,
        page: u32,
        mut visit: impl FnMut(&mut Page) -> (T, Change),
    ) -> Result<T, StoreError> {
        let (shard, place) = ((page & 0xff) as usize, (page >> 8) as usize);
        let shard = self.shards.get(shard).ok_or(StoreError::Unavailable)?;
        // A page is valid whatever a panicking thread left of it: every field of every slot may hold any value.
        let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
        let Aligned(page) = shard.get_mut(place).ok_or(StoreError::Unavailable)?;
        Ok(visit(page).0)
    }
}
