//! Pages in Envoy's shared data, which all workers of a process see.
//!
//! Shared data never forgets a key, so the number of pages is fixed and no client can choose a key's name.
//!
//! To read a page costs more than to write it: for every value that it hands over, the host has to call back for memory.
//! So a VM keeps the pages that it wrote last, and first tries to write without reading. The host numbers its values
//! one after the other, all keys together: after a write the number is the last known one and one more, unless
//! another thread has written anything in between. A guess is never too high, and numbers only rise (until 2^32 of them,
//! after which guesses miss for a while); so a guess that the host takes is right, and one that is wrong costs a tenth
//! of a microsecond and is followed by a reading.

use core::cell::{Cell, RefCell, RefMut};
use core::hash::Hasher;

use siphasher::sip::SipHasher13;

use super::abi::{self, Status};
use crate::exchange::Millis;
use crate::store::{Change, Page, Store, StoreError, pages_in};

/// How often a page that others keep changing is read again. With as many workers as this, one of them has changed
/// the page each time; each attempt takes about a microsecond.
const ATTEMPTS: u32 = 256;

/// How many pages a VM keeps beside the host's: 4 KiB each.
const RECENT: usize = 32;

/// What a wrong guess costs in trust, of which a right one earns 1 up to as much, and each time that none is made too.
const DISTRUST: i8 = 4;

thread_local! {
    /// The highest number of a value that this VM knows of.
    static LATEST: Cell<u32> = const { Cell::new(0) };
}

/// The pages of one filter. Filters of the same name and root id share them, others do not.
pub(super) struct SharedStore {
    /// Begins every key of this filter's, also where several filters share one namespace, as they do in Istio.
    prefix: [u8; 10],
    pages: u32,
    recent: RefCell<[Recent; RECENT]>,
    /// Whether pages beyond the last one have been looked for.
    trimmed: Cell<bool>,
    /// Whether guesses have been right of late: from 0 on they are tried.
    trust: Cell<i8>,
    /// Attempts that met another thread's change, since last asked.
    conflicts: Cell<u32>,
    /// Pages that were no pages, since last asked.
    discarded: Cell<u32>,
}

/// A page as this VM last saw it.
#[derive(Default)]
struct Recent {
    page: u32,
    /// Its bytes; not a page where it was never read.
    bytes: Vec<u8>,
    /// The number that it had, or should have now.
    cas: Option<u32>,
    /// When it was last read, on the steady clock.
    seen: Millis,
}

impl SharedStore {
    /// The store of the filter with this identity, of as many pages as fit into `memory` bytes.
    pub(super) fn new(identity: &[u8], memory: u64) -> Self {
        let mut prefix = *b"sg........";
        for (place, byte) in prefix.iter_mut().skip(2).zip(fingerprint(identity)) {
            *place = byte;
        }
        Self {
            prefix,
            pages: pages_in(memory),
            recent: RefCell::default(),
            trimmed: Cell::new(false),
            trust: Cell::new(if numbers_rise(&prefix) { 0 } else { i8::MIN }),
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
        swap(&key, value, cas).is_ok()
    }

    /// Reads a value of this filter's, and the number under which it may be replaced; nothing if there is none.
    pub(super) fn value(&self, name: &str) -> (Vec<u8>, Option<u32>) {
        let held = abi::shared(&[self.prefix.as_slice(), name.as_bytes()].concat());
        match held.ok().flatten() {
            Some((value, cas)) => (value, Some(cas)),
            None => (Vec::new(), None),
        }
    }

    /// Replaces a value of this filter's, unless another thread has; says whether it did.
    pub(super) fn replace(&self, name: &str, value: &[u8], cas: Option<u32>) -> bool {
        let key = [self.prefix.as_slice(), name.as_bytes()].concat();
        swap(&key, value, cas).is_ok()
    }

    /// Writes a value of this filter's, whatever it was.
    pub(super) fn write(&self, name: &str, value: &[u8]) {
        let (_, cas) = self.value(name);
        self.replace(name, value, cas);
    }

    /// Empties pages that a policy with more memory has left behind: shared data cannot be removed, but made short.
    /// Answers whether the number of pages was another before, to the first thread that sees it.
    pub(super) fn trim(&self) -> bool {
        if self.trimmed.replace(true) {
            return false;
        }
        let key = [self.prefix.as_slice(), b"pages"].concat();
        let held = abi::shared(&key).ok().flatten();
        let before = held
            .as_ref()
            .and_then(|(held, _)| held.as_slice().try_into().ok())
            .map(u32::from_le_bytes);
        let cas = held.as_ref().map(|&(_, cas)| cas);
        if before == Some(self.pages) || swap(&key, &self.pages.to_le_bytes(), cas).is_err() {
            return false;
        }
        for page in self.pages..before.unwrap_or(0) {
            if let Ok(Some((_, cas))) = abi::shared(&self.key(page)) {
                // Whoever writes to it now still follows the policy before; its pages go with it.
                let _ = swap(&self.key(page), &[], Some(cas));
            }
        }
        before.is_some()
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
        let mut recent = self.recent(page)?;
        let recent = &mut *recent;
        if recent.page == page
            && recent.cas.is_some()
            && self.trusts()
            && let Some(content) = Page::from_bytes(&mut recent.bytes)
        {
            let (result, change) = visit(content);
            // Only a write tells whether the page was still the same: what was not written is looked at again.
            if change == Change::Replace {
                let swapped = swap(&key, &recent.bytes, recent.cas);
                self.learn(swapped.is_ok());
                if let Ok(cas) = swapped {
                    recent.cas = Some(cas);
                    return Ok(result);
                }
            }
        }
        (recent.page, recent.cas, recent.seen) = (page, None, 0);
        for _ in 0..ATTEMPTS {
            recent.cas = self.load(&key, &mut recent.bytes)?;
            let content = Page::from_bytes(&mut recent.bytes).ok_or(StoreError::Unavailable)?;
            let (result, change) = visit(content);
            if change == Change::Keep {
                return Ok(result);
            }
            match swap(&key, &recent.bytes, recent.cas.take()) {
                Ok(cas) => {
                    recent.cas = Some(cas);
                    return Ok(result);
                }
                Err(Status::CAS_MISMATCH) => {
                    self.conflicts.set(self.conflicts.get().saturating_add(1))
                }
                Err(_) => return Err(StoreError::Unavailable),
            }
        }
        Err(StoreError::Contended)
    }

    fn glance<T>(
        &self,
        page: u32,
        now: Millis,
        age: Millis,
        mut visit: impl FnMut(&Page) -> T,
    ) -> Result<T, StoreError> {
        let mut recent = self.recent(page)?;
        let recent = &mut *recent;
        if recent.page != page || recent.cas.is_none() || now.saturating_sub(recent.seen) > age {
            (recent.page, recent.cas) = (page, None);
            recent.cas = self.load(&self.key(page), &mut recent.bytes)?;
            recent.seen = now;
        }
        let content = Page::from_bytes(&mut recent.bytes).ok_or(StoreError::Unavailable)?;
        Ok(visit(content))
    }
}

impl SharedStore {
    /// The place for this VM's copy of a page, where another page's may be.
    fn recent(&self, page: u32) -> Result<RefMut<'_, Recent>, StoreError> {
        let recent = self.recent.try_borrow_mut();
        let recent = recent.map_err(|_| StoreError::Unavailable)?;
        let place = page as usize & (RECENT - 1);
        RefMut::filter_map(recent, |recent| recent.get_mut(place))
            .map_err(|_| StoreError::Unavailable)
    }

    /// Reads a page, and the number under which it may be replaced.
    fn load(&self, key: &[u8], bytes: &mut Vec<u8>) -> Result<Option<u32>, StoreError> {
        let held = abi::shared(key).map_err(|_| StoreError::Unavailable)?;
        let cas = held.as_ref().map(|&(_, cas)| cas);
        *bytes = held.map(|(held, _)| held).unwrap_or_default();
        if let Some(cas) = cas {
            LATEST.with(|latest| latest.set(latest.get().max(cas)));
        }
        if Page::from_bytes(bytes).is_none() {
            // An empty one was never written, or `trim` has emptied it.
            if !bytes.is_empty() {
                self.discarded.set(self.discarded.get().saturating_add(1));
            }
            *bytes = Page::default().as_bytes().to_vec();
        }
        Ok(cas)
    }

    fn trusts(&self) -> bool {
        let trust = self.trust.get();
        if trust < 0 && trust > i8::MIN {
            self.trust.set(trust.saturating_add(1));
        }
        trust >= 0
    }

    fn learn(&self, right: bool) {
        let trust = self.trust.get();
        self.trust.set(if right {
            trust.saturating_add(1).min(DISTRUST)
        } else {
            trust.saturating_sub(DISTRUST).max(i8::MIN + 1)
        });
    }
}

/// Tells bytes of the operator's from others: the same in every VM, and not secret.
pub(super) fn fingerprint(bytes: &[u8]) -> [u8; 8] {
    let mut hasher = SipHasher13::new();
    hasher.write(bytes);
    hasher.finish().to_le_bytes()
}

/// Whether this host numbers the values of all keys together, as Envoy does and the ABI does not promise. On one that
/// numbers those of each key apart a guess could be right by accident.
fn numbers_rise(prefix: &[u8]) -> bool {
    let write = |key: &[u8]| {
        let held = abi::shared(key).ok().flatten();
        swap(key, b".", held.map(|(_, cas)| cas)).ok()
    };
    let number = |name: &[u8]| {
        let key = [prefix, name].concat();
        // All workers start at once, and meet here.
        (0..ATTEMPTS).find_map(|_| write(&key))?;
        abi::shared(&key).ok().flatten().map(|(_, cas)| cas)
    };
    let numbers = [
        number(b"one"),
        number(b"other"),
        number(b"one"),
        number(b"other"),
    ];
    numbers.iter().all(Option::is_some) && numbers.is_sorted_by(|one, next| one < next)
}

/// Replaces a value, and answers the number that it should have now.
fn swap(key: &[u8], value: &[u8], cas: Option<u32>) -> Result<u32, Status> {
    abi::swap_shared(key, value, cas)?;
    Ok(LATEST.with(|latest| {
        latest.set(latest.get().wrapping_add(1).max(1));
        latest.get()
    }))
}
