//! Numbers that look like chance and come again with the same seed: splitmix64.

/// A stream of numbers; eight bytes, so that each key has its own.
#[derive(Debug, Clone, Copy)]
pub(super) struct Random(pub(super) u64);

const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

/// One round of splitmix64, which spreads every bit of a number over all.
pub(super) const fn spread(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(STEP);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// A number of any size, as one of the first so many; 0 if these are none.
pub(super) const fn within(number: u64, bound: u32) -> u32 {
    match number.checked_rem(bound as u64) {
        Some(rest) => rest as u32,
        None => 0,
    }
}

impl Random {
    /// A stream of its own for each thing and purpose.
    pub(super) const fn keyed(seed: u64, thing: u64, purpose: u64) -> Self {
        Self(spread(spread(seed ^ spread(purpose)) ^ thing))
    }

    /// 64 random bits.
    pub(super) const fn bits(&mut self) -> u64 {
        let bits = spread(self.0);
        self.0 = self.0.wrapping_add(STEP);
        bits
    }

    /// From 0 up to, and without, `bound`; 0 if that is 0.
    pub(super) const fn below(&mut self, bound: u32) -> u32 {
        ((self.bits() >> 32).wrapping_mul(bound as u64) >> 32) as u32
    }

    /// From 0 up to, and without, 1.
    pub(super) fn unit(&mut self) -> f64 {
        const SCALE: f64 = 1.0 / (1_u64 << 53) as f64;
        (self.bits() >> 11) as f64 * SCALE
    }

    /// True so often.
    pub(super) fn chance(&mut self, share: f64) -> bool {
        self.unit() < share
    }

    /// Exponentially distributed, with mean 1.
    pub(super) fn waiting(&mut self) -> f64 {
        -(1.0 - self.unit()).ln()
    }

    /// Normally distributed, with mean 0 and deviation 1.
    pub(super) fn normal(&mut self) -> f64 {
        let radius = (2.0 * self.waiting()).sqrt();
        radius * (core::f64::consts::TAU * self.unit()).cos()
    }

    /// One of a list; `None` of an empty one.
    pub(super) fn of<'a, T>(&mut self, list: &'a [T]) -> Option<&'a T> {
        let bound = u32::try_from(list.len()).unwrap_or(u32::MAX);
        list.get(self.below(bound) as usize)
    }

    /// One of the first so many, the early ones more often: about as 1/n, as with words and phrases of people.
    pub(super) fn early(&mut self, bound: u32) -> u32 {
        let most = f64::from(bound.max(1));
        let drawn = ((most + 1.0).ln() * self.unit()).exp() - 1.0;
        (drawn as u32).min(bound.saturating_sub(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_comes_again_and_streams_differ() {
        let draw = |seed, thing| {
            let mut random = Random::keyed(seed, thing, 7);
            [random.bits(), random.bits(), random.bits()]
        };
        assert_eq!(draw(1, 2), draw(1, 2));
        assert_ne!(draw(1, 2), draw(1, 3));
        assert_ne!(draw(1, 2), draw(2, 2));
        assert_eq!(Random(1).below(0), 0);
        assert_eq!((within(17, 5), within(17, 0)), (2, 0));
        assert_eq!(Random(1).of::<u8>(&[]), None);
    }

    #[test]
    fn distributions_have_their_moments() {
        let mut random = Random::keyed(1, 1, 1);
        let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
        let waits: Vec<f64> = (0..20_000).map(|_| random.waiting()).collect();
        assert!((mean(&waits) - 1.0).abs() < 0.05);
        let normals: Vec<f64> = (0..20_000).map(|_| random.normal()).collect();
        let squares: Vec<f64> = normals.iter().map(|value| value * value).collect();
        assert!(mean(&normals).abs() < 0.05);
        assert!((mean(&squares) - 1.0).abs() < 0.05);
        let below: Vec<f64> = (0..20_000).map(|_| f64::from(random.below(10))).collect();
        assert!((mean(&below) - 4.5).abs() < 0.1);
        let firsts = (0..20_000).filter(|_| random.early(100) == 0).count();
        assert!((2_000..4_500).contains(&firsts), "{firsts}");
        assert!((0..20_000).all(|_| random.early(3) < 3));
    }
}
