//! Numbers: their grammar, and the whole numbers among them.

use super::wide;

/// The part of a number that was read last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// Its minus sign.
    Minus,
    /// A zero at its beginning, after which no digit may follow.
    Zero,
    /// Digits before the point.
    Whole,
    /// The point.
    Point,
    /// Digits after the point.
    Fraction,
    /// The `e`.
    Exponent,
    /// The sign of the exponent.
    Sign,
    /// Digits of the exponent.
    Power,
}

impl Part {
    /// The part that a number begins with.
    #[inline(always)]
    pub(super) const fn of(first: u8) -> Self {
        match first {
            b'-' => Self::Minus,
            b'0' => Self::Zero,
            _ => Self::Whole,
        }
    }

    /// Whether a number may end with this part.
    #[inline(always)]
    pub(super) const fn ends(self) -> bool {
        matches!(
            self,
            Self::Zero | Self::Whole | Self::Fraction | Self::Power
        )
    }

    /// Reads on to the first byte that does not belong to the number.
    pub(super) fn read(&mut self, chunk: &[u8], at: usize) -> usize {
        let mut at = at;
        loop {
            if matches!(self, Self::Whole | Self::Fraction | Self::Power) {
                at = wide::digits(chunk, at);
            }
            let Some(&byte) = chunk.get(at) else {
                return at;
            };
            *self = match (*self, byte) {
                (Self::Minus, b'0') => Self::Zero,
                (Self::Minus, b'1'..=b'9') => Self::Whole,
                (Self::Zero | Self::Whole, b'.') => Self::Point,
                (Self::Point, b'0'..=b'9') => Self::Fraction,
                (Self::Zero | Self::Whole | Self::Fraction, b'e' | b'E') => Self::Exponent,
                (Self::Exponent, b'+' | b'-') => Self::Sign,
                (Self::Exponent | Self::Sign, b'0'..=b'9') => Self::Power,
                _ => return at,
            };
            at = at.wrapping_add(1);
        }
    }
}

/// Where a number that begins at `at` ends, if that shows in this chunk, and it is one; otherwise `at`.
#[inline(never)]
pub(super) fn end(chunk: &[u8], at: usize) -> usize {
    whole_end(chunk, at).unwrap_or(at)
}

#[inline(always)]
fn whole_end(chunk: &[u8], at: usize) -> Option<usize> {
    let some_digits = |at: usize| {
        let end = wide::digits(chunk, at);
        (end != at).then_some(end)
    };
    let mut at = at;
    if *chunk.get(at)? == b'-' {
        at = at.wrapping_add(1);
    }
    at = if *chunk.get(at)? == b'0' {
        at.wrapping_add(1)
    } else {
        some_digits(at)?
    };
    let mut byte = *chunk.get(at)?;
    if byte == b'.' {
        at = some_digits(at.wrapping_add(1))?;
        byte = *chunk.get(at)?;
    }
    if byte | 0x20 == b'e' {
        at = at.wrapping_add(1);
        if matches!(chunk.get(at)?, b'+' | b'-') {
            at = at.wrapping_add(1);
        }
        at = some_digits(at)?;
        chunk.get(at)?;
    }
    Some(at)
}

/// The value of a JSON number that is whole and not negative, or `u64::MAX` if it is larger than that. `None` for all
/// others: `4096`, `4096.0` and `4.096e3` are the same number, `-1` and `0.5` are none. `digits` is a number as JSON
/// writes it.
#[must_use]
pub fn whole(digits: &[u8]) -> Option<u64> {
    let (negative, digits) = match digits {
        [b'-', rest @ ..] => (true, rest),
        _ => (false, digits),
    };
    let exponent = digits.iter().position(|&byte| byte | 0x20 == b'e');
    let (mantissa, power) = match exponent {
        None => (digits, 0),
        Some(place) => (
            digits.get(..place)?,
            power(digits.get(place.saturating_add(1)..)?)?,
        ),
    };
    let point = mantissa.iter().position(|&byte| byte == b'.');
    let before = point.unwrap_or(mantissa.len());
    // How many of the digits stand before the point, once the exponent has moved it.
    let places = i64::try_from(before).ok()?.checked_add(power)?;
    let mut value = 0_u64;
    let mut place = 0_i64;
    for &byte in mantissa.iter().filter(|&&byte| byte != b'.') {
        let digit = u64::from(byte.checked_sub(b'0').filter(|digit| *digit < 10)?);
        if place < places {
            value = value.saturating_mul(10).saturating_add(digit);
        } else if digit != 0 {
            return None;
        }
        place = place.saturating_add(1);
    }
    // Twenty more digits of zero overflow any value but zero.
    for _ in 0..places.saturating_sub(place).clamp(0, 20) {
        value = value.saturating_mul(10);
    }
    (place > 0 && (!negative || value == 0)).then_some(value)
}

/// An exponent, kept in bounds in which sums do not overflow.
fn power(digits: &[u8]) -> Option<i64> {
    let (negative, digits) = match digits {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, digits),
    };
    let mut power = 0_i64;
    for &byte in digits {
        let digit = byte.checked_sub(b'0').filter(|digit| *digit < 10)?;
        power = power
            .saturating_mul(10)
            .saturating_add(i64::from(digit))
            .min(1 << 40);
    }
    Some(if negative {
        power.saturating_neg()
    } else {
        power
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_and_those_that_are_none() {
        for (digits, value) in [
            ("0", Some(0)),
            ("-0", Some(0)),
            ("0.0", Some(0)),
            ("-0.0e5", Some(0)),
            ("0e999999999999999999999", Some(0)),
            ("4096", Some(4096)),
            ("4096.0", Some(4096)),
            ("4.096e3", Some(4096)),
            ("4.096E+3", Some(4096)),
            ("40960e-1", Some(4096)),
            ("409600000e-00005", Some(4096)),
            ("1e3", Some(1000)),
            ("0.001e3", Some(1)),
            ("18446744073709551615", Some(u64::MAX)),
            ("18446744073709551616", Some(u64::MAX)),
            ("1e308", Some(u64::MAX)),
            ("1e400", Some(u64::MAX)),
            ("1e999999999999999999999", Some(u64::MAX)),
            ("1e-999999999999999999999", None),
            ("-1", None),
            ("-1e3", None),
            ("0.5", None),
            ("4.0965e3", None),
            ("40961e-1", None),
            ("", None),
            ("-", None),
            ("x", None),
        ] {
            assert_eq!(whole(digits.as_bytes()), value, "{digits}");
        }
    }
}
