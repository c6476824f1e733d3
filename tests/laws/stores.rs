//! The stores that exist natively, and one that behaves as Envoy's shared data does.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use stillgate::store::{Change, MemoryStore, Page, Store, StoreError, pages_in};

/// Runs each law on every store.
macro_rules! on_every_store {
    ($($law:ident),+ $(,)?) => {
        mod memory {
            $(#[test]
            fn $law() {
                super::$law::<stillgate::store::MemoryStore>();
            })+
        }

        mod swap {
            $(#[test]
            fn $law() {
                super::$law::<crate::stores::SwapStore>();
            })+
        }
    };
}
pub(crate) use on_every_store;

/// A store that laws can make.
pub(crate) trait Fresh: Store + Sync {
    fn fresh(memory: u64) -> Self;
}

impl Fresh for MemoryStore {
    fn fresh(memory: u64) -> Self {
        Self::new(memory)
    }
}

impl Fresh for SwapStore {
    /// Every third attempt meets another thread's change, so that closures run again.
    fn fresh(memory: u64) -> Self {
        Self::scripted(memory, &[Luck::Good, Luck::Good, Luck::Conflict])
    }
}

/// All that is stored, page after page.
pub(crate) fn bytes<S: Store>(store: &S) -> Vec<u8> {
    let read = |page: &mut Page| (page.as_bytes().to_vec(), Change::Keep);
    (0..store.pages())
        .flat_map(|number| store.update(number, read).unwrap())
        .collect()
}

/// Whether any page holds a counter under this tag.
pub(crate) fn holds<S: Store>(store: &S, tag: u64) -> bool {
    (0..store.pages()).any(|number| {
        let find = |page: &mut Page| (page.find(tag).is_some(), Change::Keep);
        store.update(number, find).unwrap()
    })
}

/// What one attempt to update a page meets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Luck {
    Good,
    /// Another thread has written the page in between.
    Conflict,
    /// The page cannot be read.
    NoRead,
    /// The page cannot be written.
    NoWrite,
}

/// Pages as Envoy's shared data keeps them: bytes with a number that rises with every write, swapped if the number is
/// still the one that was read. What goes wrong follows a script that is read round and round.
#[derive(Debug)]
pub(crate) struct SwapStore {
    shared: Mutex<Shared>,
    pages: u32,
    script: Vec<Luck>,
    attempts: AtomicUsize,
}

#[derive(Debug, Default)]
struct Shared {
    /// By page: what was written last, if anything was, and its number.
    values: Vec<Option<(Vec<u8>, u32)>>,
    latest: u32,
}

/// How often a page that others keep changing is read again.
const ATTEMPTS: usize = 256;

impl SwapStore {
    pub(crate) fn scripted(memory: u64, script: &[Luck]) -> Self {
        let pages = pages_in(memory);
        let values = (0..pages).map(|_| None).collect();
        Self {
            shared: Mutex::new(Shared { values, latest: 0 }),
            pages,
            script: script.to_vec(),
            attempts: AtomicUsize::new(0),
        }
    }

    /// Attempts to update a page, so far.
    pub(crate) fn attempts(&self) -> usize {
        self.attempts.load(Ordering::Relaxed)
    }

    /// Writes any bytes in the place of a page.
    pub(crate) fn corrupt(&self, page: u32, bytes: Vec<u8>) {
        let shared = &mut *self.shared.lock().unwrap();
        shared.latest += 1;
        shared.values[page as usize] = Some((bytes, shared.latest));
    }

    /// Bytes held, and by how many values.
    pub(crate) fn size(&self) -> (usize, usize) {
        let shared = self.shared.lock().unwrap();
        let held = shared.values.iter().flatten();
        (
            held.clone().map(|(bytes, _)| bytes.len()).sum(),
            held.count(),
        )
    }

    fn luck(&self) -> Luck {
        let attempt = self.attempts.fetch_add(1, Ordering::Relaxed);
        match self.script.as_slice() {
            [] => Luck::Good,
            script => script[attempt % script.len()],
        }
    }
}

impl Store for SwapStore {
    fn pages(&self) -> u32 {
        self.pages
    }

    fn update<T>(
        &self,
        page: u32,
        mut visit: impl FnMut(&mut Page) -> (T, Change),
    ) -> Result<T, StoreError> {
        for _ in 0..ATTEMPTS {
            let luck = self.luck();
            if luck == Luck::NoRead {
                return Err(StoreError::Unavailable);
            }
            let held = self.shared.lock().unwrap().values[page as usize].clone();
            let (mut bytes, number) = match held {
                Some((bytes, number)) => (bytes, Some(number)),
                None => (Vec::new(), None),
            };
            let mut empty = Page::default();
            let page_now = match Page::from_bytes(&mut bytes) {
                Some(page) => page,
                None => &mut empty,
            };
            let (result, change) = visit(page_now);
            match (change, luck) {
                (Change::Keep, _) => return Ok(result),
                (Change::Replace, Luck::NoWrite) => return Err(StoreError::Unavailable),
                (Change::Replace, Luck::Conflict) => continue,
                (Change::Replace, _) => {}
            }
            let shared = &mut *self.shared.lock().unwrap();
            let value = &mut shared.values[page as usize];
            if value.as_ref().map(|(_, number)| *number) == number {
                shared.latest += 1;
                *value = Some((page_now.as_bytes().to_vec(), shared.latest));
                return Ok(result);
            }
        }
        Err(StoreError::Contended)
    }
}
