//! What one node has seen since it was last asked: as many observations as there is room for.

use super::Observation;
use crate::traits::mix;

/// How many observations a batch holds at most: 416 KiB.
pub const MOST: usize = 2_048;

/// How many of them one share of the keys may take, so that no key crowds out the others.
const EACH: u16 = 64;

/// Shares of the keys.
const SHARES: usize = 256;

/// Observations of one node.
#[derive(Debug, Clone)]
pub struct Batch {
    observations: Vec<Observation>,
    shares: Box<[u16; SHARES]>,
    dropped: u32,
}

impl Default for Batch {
    fn default() -> Self {
        Self {
            observations: Vec::new(),
            shares: Box::new([0; SHARES]),
            dropped: 0,
        }
    }
}

impl Batch {
    /// Observations that were in batches before, and are only handed on.
    #[must_use]
    pub(super) fn of(observations: Vec<Observation>) -> Self {
        Self {
            observations,
            ..Self::default()
        }
    }

    /// Adds an observation, or counts it as dropped where there is no room for it.
    pub fn push(&mut self, observation: Observation) {
        let share = (mix(observation.key) >> 56) as usize;
        let taken = self.shares.get_mut(share);
        let room = taken.filter(|taken| **taken < EACH && self.observations.len() < MOST);
        let Some(taken) = room else {
            self.dropped = self.dropped.saturating_add(1);
            return;
        };
        *taken = taken.saturating_add(1);
        self.observations.push(observation);
    }

    /// The observations.
    #[must_use]
    pub fn observations(&self) -> &[Observation] {
        &self.observations
    }

    /// How many there was no room for.
    #[must_use]
    pub const fn dropped(&self) -> u32 {
        self.dropped
    }

    /// Forgets all of them, and keeps the memory.
    pub fn clear(&mut self) {
        self.observations.clear();
        self.shares.fill(0);
        self.dropped = 0;
    }
}
