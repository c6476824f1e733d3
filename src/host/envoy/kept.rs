//! Copies of bodies that pass under a policy in shadow: what templates are read from when a body has ended.

use core::cell::Cell;

/// How many bytes all streams of a VM may keep: what is more passes without being evidence.
const MOST: usize = 16 << 20;

thread_local! {
    /// How many they keep.
    static HELD: Cell<usize> = const { Cell::new(0) };
}

/// What a stream keeps of its body: all that has passed, or nothing once that is too much.
#[derive(Default)]
pub(super) struct Kept {
    bytes: Vec<u8>,
    /// Whether it was too much.
    over: bool,
}

impl Kept {
    /// Keeps bytes that follow, of a body that matters up to this length.
    pub(super) fn add(&mut self, bytes: &[u8], longest: u64) {
        let held = HELD.get().saturating_add(bytes.len());
        let length = self.bytes.len().saturating_add(bytes.len());
        if self.over || held > MOST || length as u64 > longest {
            self.over = true;
            self.take();
            return;
        }
        HELD.set(held);
        self.bytes.extend_from_slice(bytes);
    }

    /// Hands over what is kept.
    pub(super) fn take(&mut self) -> Vec<u8> {
        HELD.set(HELD.get().saturating_sub(self.bytes.len()));
        core::mem::take(&mut self.bytes)
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.take();
    }
}
