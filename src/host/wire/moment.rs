//! Moments as JavaScript has them: milliseconds as a floating-point number.

use crate::exchange::Millis;

/// The nearest moment that the engine knows; 0 of what is no number.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "what is out of range or no number becomes the nearest moment, which is what is wanted"
)]
#[must_use]
pub const fn millis(now: f64) -> Millis {
    now as Millis
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_moment_is_the_nearest_one() {
        for (now, expected) in [
            (1_776_816_000_123.9, 1_776_816_000_123),
            (-5.0, 0),
            (f64::NAN, 0),
            (f64::INFINITY, Millis::MAX),
        ] {
            assert_eq!(millis(now), expected, "{now}");
        }
    }
}
