//! A fair sample of the keys that share something: those whose hashes are least (bottom-k; E. Cohen, H. Kaplan, PODC 2007).
//! What is said of a campaign's keys is said of these, each key once, so that a busy key speaks no louder than a quiet one.

use bytemuck::{Pod, Zeroable};

use super::keyring::CLOSE;
use crate::campaign::{Flags, Observation};
use crate::traits::mix;

/// How many keys a sample holds.
pub(super) const SAMPLE: usize = 40;

/// One key of a sample, as far as the template goes of which it is a sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub(super) struct Member {
    /// The key; 0 for a free place.
    pub(super) key: u64,
    /// When it came into the sample, in seconds.
    pub(super) since: u32,
    /// When it last came.
    pub(super) last: u32,
    /// Requests that asked something new.
    pub(super) requests: u16,
    /// Requests within a quarter of an hour of the one before.
    pub(super) close: u16,
    /// Requests after a pause that goes with the one before, which machines make that wake by the clock.
    pub(super) regular: u16,
    /// Networks, as bits.
    pub(super) networks: u16,
    /// The last pause between two sittings, in ticks.
    pause: u16,
    /// The account's age in days, plus 1; 0 if that is not known.
    pub(super) age: u16,
    /// New texts of the user in a conversation that had begun.
    pub(super) talks: u16,
    /// 1 if the account is verified.
    pub(super) verified: u16,
}

/// The unit of pauses, in seconds: so the longest that is told is three days.
const TICK: u32 = 4;

/// A pause may be so many times another: of what wakes by the clock not every request is seen here.
const TIMES: u16 = 12;

/// Whether one pause is a multiple of the other, within a minute or a twentieth of the shorter one. Of pauses that have nothing
/// to do with each other about one in ten is.
fn are_regular(one: u16, other: u16) -> bool {
    let (short, long) = (one.min(other), one.max(other));
    let times = long.saturating_add(short / 2).checked_div(short);
    let slack = (short / 20).max(15);
    times.is_some_and(|times| times <= TIMES && long.abs_diff(short.saturating_mul(times)) <= slack)
}

/// A sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Pod, Zeroable)]
#[repr(transparent)]
pub(super) struct Members([Member; SAMPLE]);

impl Members {
    /// Takes in a request; `asks` if its text is new.
    pub(super) fn see(&mut self, observation: &Observation, asks: bool) {
        let key = observation.key;
        let rank = mix(key);
        let mut largest = (0_u64, 0_usize);
        let mut found = None;
        for (place, member) in self.0.iter().enumerate() {
            if member.key == key {
                found = Some(place);
                break;
            }
            let other = if member.key == 0 {
                u64::MAX
            } else {
                mix(member.key)
            };
            if other > largest.0 || place == 0 {
                largest = (other, place);
            }
        }
        let place = match found {
            Some(place) => place,
            None if rank < largest.0 => largest.1,
            None => return,
        };
        let Some(member) = self.0.get_mut(place) else {
            return;
        };
        if found.is_none() {
            *member = Member {
                key,
                since: observation.at,
                last: observation.at,
                ..Member::zeroed()
            };
        }
        member.note(observation, asks);
    }

    /// The keys.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Member> {
        self.0.iter().filter(|member| member.key != 0)
    }
}

impl Member {
    /// Whether somebody sits there, for sure: who talks, or comes back at once more often than not.
    pub(super) const fn is_person(&self) -> bool {
        self.talks > 0 || self.requests >= 4 && self.close.saturating_mul(2) > self.requests
    }

    fn note(&mut self, observation: &Observation, asks: bool) {
        let add = |count: &mut u16, so: bool| *count = count.saturating_add(u16::from(so));
        self.age = self.age.max(observation.age);
        self.verified |= u16::from(observation.flags.has(Flags::VERIFIED));
        if !asks {
            // What goes on by itself, as where tools run, says nothing of when somebody comes.
            self.last = observation.at;
            return;
        }
        let gap = observation.at.saturating_sub(self.last);
        if self.requests > 0 {
            add(&mut self.close, gap < CLOSE);
            if gap >= CLOSE {
                let pause = u16::try_from(gap / TICK).unwrap_or(u16::MAX);
                add(&mut self.regular, are_regular(self.pause, pause));
                self.pause = pause;
            }
        }
        self.last = observation.at;
        add(&mut self.requests, true);
        add(&mut self.talks, observation.turns >= 3);
        self.networks |= 1_u16.wrapping_shl(observation.network >> 28);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_are_regular_if_one_is_a_multiple_of_the_other() {
        let minutes = |minutes: u16| minutes * 15;
        for (one, other, expected) in [
            (minutes(60), minutes(60), true),
            (minutes(60), minutes(63), true),
            (minutes(60), minutes(64), false),
            (minutes(60), minutes(30), true),
            (minutes(60), minutes(181), true),
            (minutes(180), minutes(60), true),
            (minutes(60), minutes(90), false),
            (minutes(16), minutes(16 * 12), true),
            (minutes(16), minutes(16 * 13), false),
            (0, minutes(60), false),
            (0, 0, false),
            (u16::MAX, u16::MAX, true),
        ] {
            assert_eq!(are_regular(one, other), expected, "{one} and {other}");
        }
    }
}
