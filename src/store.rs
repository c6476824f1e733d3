//! Where counters live: a fixed number of small pages, swapped by the host's own means.

pub mod memory;
pub mod page;

pub use memory::MemoryStore;
pub use page::Page;

use core::fmt;

use crate::exchange::Millis;

/// What a page costs in memory, in bytes: in Envoy, the allocator's next size above its own, and 128 for the key and
/// the map node beside it.
pub const PAGE_COST: u64 = 4_096 + 128;

/// How many pages fit into `memory` bytes. At least 1.
#[must_use]
pub fn pages_in(memory: u64) -> u32 {
    u32::try_from(memory.checked_div(PAGE_COST).unwrap_or(1))
        .unwrap_or(u32::MAX)
        .max(1)
}

/// Whether a page is to be written back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// The page is as it was, or was only looked at.
    Keep,
    /// The page has changed and is to be written.
    Replace,
}

/// A store could not do what it is for. The policy's `on_error` says what happens to the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreError {
    /// Others changed the page on every one of the attempts that the store allows itself.
    Contended,
    /// The host refuses to hand out or to take pages.
    Unavailable,
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Contended => "the page was changed by others on every attempt",
            Self::Unavailable => "the host refused access to its shared data",
        })
    }
}

impl core::error::Error for StoreError {}

/// Pages that all threads of a host share.
///
/// A store decides nothing: it hands a page to a closure and swaps in what the closure made of it. `governor`'s
/// `measure_and_replace` is the model. A page that was never written is empty.
pub trait Store {
    /// How many pages there are, at least 1. Pages are numbered from 0.
    fn pages(&self) -> u32;

    /// Runs `visit` on a page and swaps it if the closure says so; no other thread's change is lost. The closure may
    /// run several times and must depend on nothing but the page; the result of its last run is returned.
    ///
    /// # Errors
    /// When the page could not be read or swapped; then nothing has changed.
    fn update<T>(
        &self,
        page: u32,
        visit: impl FnMut(&mut Page) -> (T, Change),
    ) -> Result<T, StoreError>;

    /// Looks at a page as it was at most `age` before `now`, on the steady clock, if that is cheaper than to look at it as it
    /// is. Of any age it is good enough to let a request go on to a decision, and not to refuse it.
    ///
    /// # Errors
    /// When the page could not be read.
    fn glance<T>(
        &self,
        page: u32,
        _now: Millis,
        _age: Millis,
        mut visit: impl FnMut(&Page) -> T,
    ) -> Result<T, StoreError> {
        self.update(page, |page| (visit(page), Change::Keep))
    }
}
