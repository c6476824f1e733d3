//! The rolling hash of all windows of a text, and the least of them in each bin.

use core::hash::Hasher as _;

use super::BINS;
use crate::identity::Secret;

/// How long a window is: 2 bits of a 64-bit hash are shifted out with every byte.
const WINDOW: usize = 32;

/// What each byte adds to the hash.
#[derive(Debug, Clone)]
pub(super) struct Gear([u64; 256]);

impl Gear {
    pub(super) fn new(secret: Secret) -> Self {
        let mut table = [0; 256];
        for (byte, place) in (0_u64..).zip(&mut table) {
            let mut hasher = secret.hasher();
            hasher.write_u64(5);
            hasher.write_u64(byte);
            *place = hasher.finish();
        }
        Self(table)
    }

    /// Lowers the bins to the least hashes of the windows of a text, whose highest bits name their bin.
    pub(super) fn sample(&self, text: &[u8], bins: &mut [u64; BINS]) {
        let mut hash = 0_u64;
        let (first, rest) = text
            .split_at_checked(WINDOW.wrapping_sub(1))
            .unwrap_or((&[], &[]));
        for &byte in first {
            hash = self.roll(hash, byte);
        }
        for &byte in rest {
            hash = self.roll(hash, byte);
            // The lower bits know only the last bytes, the upper ones all of them.
            let mixed = (hash ^ (hash >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            if let Some(bin) = bins.get_mut((mixed >> 60) as usize) {
                // No processor foresees which is less.
                *bin = mixed.min(*bin);
            }
        }
    }

    #[inline(always)]
    fn roll(&self, hash: u64, byte: u8) -> u64 {
        let add = self.0.get(usize::from(byte)).copied().unwrap_or_default();
        (hash << 2).wrapping_add(add)
    }
}
