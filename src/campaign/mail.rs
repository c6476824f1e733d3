//! How observations get from a node to the judge: as bytes in a box that the one fills and the other empties.

use core::mem::size_of;

use super::{Batch, Observation};

/// How many observations a box takes: 256 KiB.
const ROOM: usize = 1_365;

/// How long an observation is.
const SIZE: usize = size_of::<Observation>();

/// How a box begins: which version this is, and how long an observation.
const HEAD: [u8; 8] = {
    let [one, two, three, four] = (SIZE as u32).to_le_bytes();
    [b's', b'g', b'o', b'1', one, two, three, four]
};

/// Puts a batch into a box that holds these bytes; answers how many of its observations there was no room for. What is no
/// box makes room.
pub fn put(held: &mut Vec<u8>, batch: &Batch) -> u32 {
    let known = held.strip_prefix(&HEAD).map(|all| all.chunks_exact(SIZE));
    let inside = match known.filter(|all| all.remainder().is_empty()) {
        Some(all) => all.len(),
        None => {
            held.clear();
            held.extend_from_slice(&HEAD);
            0
        }
    };
    let room = ROOM.saturating_sub(inside);
    let observations = batch.observations();
    let taken = observations.get(..room).unwrap_or(observations);
    held.extend_from_slice(bytemuck::cast_slice(taken));
    let lost = observations.len().saturating_sub(taken.len());
    u32::try_from(lost).unwrap_or(u32::MAX)
}

/// Takes out what a box holds; `None` if it is none, or of another version.
#[must_use]
pub fn open(held: &[u8]) -> Option<Batch> {
    let all = held.strip_prefix(&HEAD)?.chunks_exact(SIZE);
    let whole = all.remainder().is_empty() && all.len() <= ROOM;
    whole.then(|| Batch::of(all.map(bytemuck::pod_read_unaligned).collect()))
}

#[cfg(test)]
mod tests {
    #![expect(
        clippy::arithmetic_side_effects,
        reason = "a test that overflows has failed"
    )]

    use super::*;
    use crate::traits::mix;
    use bytemuck::Zeroable as _;

    fn batch(from: u64, count: u64) -> Batch {
        let mut batch = Batch::default();
        for key in from..from + count {
            let mut seen = Observation::zeroed();
            (seen.key, seen.at) = (mix(key), 7);
            batch.push(seen);
        }
        batch
    }

    #[test]
    fn what_is_put_in_comes_out() {
        let mut held = Vec::new();
        assert_eq!(put(&mut held, &batch(0, 3)), 0);
        assert_eq!(put(&mut held, &batch(3, 2)), 0);
        let all = open(&held).expect("a box");
        assert_eq!(all.observations(), batch(0, 5).observations());
    }

    #[test]
    fn a_box_is_bounded_and_what_does_not_fit_is_counted() {
        let (mut held, mut lost) = (Vec::new(), 0);
        for round in 0..3 {
            lost += put(&mut held, &batch(round * 1_000, 1_000));
        }
        assert_eq!(lost, 3_000 - 1_365);
        assert!(held.len() <= 256 << 10, "{}", held.len());
        assert_eq!(open(&held).map(|all| all.observations().len()), Some(1_365));
    }

    #[test]
    fn what_is_no_box_is_nothing_and_makes_room() {
        let mut whole = Vec::new();
        put(&mut whole, &batch(0, 2));
        let mut other = whole.clone();
        other[3] = b'2';
        let long = [whole.as_slice(), &vec![0; 2_000 * SIZE]].concat();
        for bytes in [&b""[..], b"sg", &whole[..whole.len() - 1], &other, &long] {
            assert!(open(bytes).is_none(), "{} bytes", bytes.len());
        }
        let mut held = other;
        put(&mut held, &batch(0, 2));
        assert_eq!(held, whole);
    }
}
