//! Pages in Envoy's shared data, which all workers of a process see.
//!
//! Shared data never forgets a key, so the number of pages is fixed and no client can choose a key's name.

use core::cell::{Cell, RefCell};
use core::hash::Hasher;

use siphasher::sip::SipHasher13;

use super::abi::{self, Status};
use crate::store::{Change, Page, Store, StoreError, pages_in};

/// How often a page that others keep changing is read again. With as many workers as this, one of them has changed
/// the page each time; each attempt takes about a microsecond.
const ATTEMPTS: u32 = 256;

/// The pages of one filter. Filters of the same name and root id share them, others do not.
pub(super) struct SharedStore {
    /// Begins every key of this filter's, also where several filters share one namespace, as they do in Istio.
    prefix: [u8; 10],
    pages: u32,
    scratch: RefCell<Scratch>,
    /// Attempts that met another thread's change, since last asked.
    conflicts: Cell<u32>,
    /// Pages that were no pages, since last asked.
    discarded: Cell<u32>,
}

/// Room for one page, kept between requests.
#[derive(Default)]
struct Scratch {
    page: Page,
    bytes: Vec<u8>,
}

impl SharedStore {
    /// The store of the filter with this identity, of as many pages as fit into `memory` bytes.
    pub(super) fn new(identity: &[u8], memory: u64) -> Self {
        let mut hasher = SipHasher13::new();
        hasher.write(identity);
        let mut prefix = *b"sg........";
        for (place, byte) in prefix.iter_mut().skip(2).zip(hasher.finish().to_le_bytes()) {
            *place = byte;
        }
        Self {
            prefix,
            pages: pages_in(memory),
            scratch: RefCell::default(),
            conflicts: Cell::new(0),
            discarded: Cell::new(0),
        }
    }

    /// Conflicts and discarded pages since this was last asked.
    pub(super) fn take_events(&self) -> (u32, u32) {
        (self.conflicts.take(), self.discarded.take())
    }

    /// Replaces a note of this filter's, and says whether it was another before and this thread was the one to do it.
    pub(super) fn note(&self, name: &str, value: &[u8]) -> bool {
        let key = [self.prefix.as_slice(), name.as_bytes()].concat();
        let before = abi::shared(&key);
        let cas = match &before {
            Ok(Some((held, _))) if held == value => return false,
            Ok(Some((_, cas))) => Some(*cas),
            _ => None,
        };
        abi::swap_shared(&key, value, cas).is_ok()
    }

    /// Empties pages that a policy with more memory has left behind: shared data cannot be removed, but made short.
    pub(super) fn trim(&self) {
        let key = [self.prefix.as_slice(), b"pages"].concat();
        let held = abi::shared(&key).ok().flatten();
        let before = held
            .as_ref()
            .and_then(|(held, _)| held.as_slice().try_into().ok())
            .map_or(0, u32::from_le_bytes);
        if before == self.pages
            || abi::swap_shared(&key, &self.pages.to_le_bytes(), held.map(|(_, cas)| cas)).is_err()
        {
            return;
        }
        for page in self.pages..before {
            if let Ok(Some((_, cas))) = abi::shared(&self.key(page)) {
                // Whoever writes to it now still follows the policy before; its pages go with it.
                let _ = abi::swap_shared(&self.key(page), &[], Some(cas));
            }
        }
    }

    fn key(&self, page: u32) -> [u8; 14] {
        let mut key = [0; 14];
        let bytes = self.prefix.iter().copied().chain(page.to_le_bytes());
        key.iter_mut()
            .zip(bytes)
            .for_each(|(place, byte)| *place = byte);
        key
    }
}

impl Store for SharedStore {
    fn pages(&self) -> u32 {
        self.pages
    }

    fn update<T>(
        &self,
        page: u32,
        mut visit: impl FnMut(&mut Page) -> (T, Change),
    ) -> Result<T, StoreError> {
        let key = self.key(page);
        let mut scratch = self
            .scratch
            .try_borrow_mut()
            .map_err(|_| StoreError::Unavailable)?;
        let Scratch { page, bytes } = &mut *scratch;
        for _ in 0..ATTEMPTS {
            let held = abi::shared(&key).map_err(|_| StoreError::Unavailable)?;
            let cas = held.as_ref().map(|&(_, cas)| cas);
            // An empty value is a page that `trim` has emptied.
            let held = held.map(|(held, _)| held).filter(|held| !held.is_empty());
            match held.map(|held| page.decode(&held)) {
                Some(Ok(())) => {}
                Some(Err(_)) => self.discarded.set(self.discarded.get().saturating_add(1)),
                None => page.clear(),
            }
            let (result, change) = visit(page);
            if change == Change::Keep {
                return Ok(result);
            }
            page.encode(bytes);
            match abi::swap_shared(&key, bytes, cas) {
                Ok(()) => return Ok(result),
                Err(Status::CAS_MISMATCH) => {
                    self.conflicts.set(self.conflicts.get().saturating_add(1))
                }
                Err(_) => return Err(StoreError::Unavailable),
            }
        }
        Err(StoreError::Contended)
    }
}
