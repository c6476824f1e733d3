//! Durations and sizes as an operator writes them: `"90s"`, `"7d"`, `"1MiB"`.

use crate::exchange::Millis;

/// Reads a duration: a whole number and one of `ms s m h d`. `None` if it is anything else or overflows.
#[must_use]
pub fn duration(text: &str) -> Option<Millis> {
    let (number, unit) = split(text)?;
    let scale = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    number.checked_mul(scale)
}

/// Reads a size in bytes: a whole number and one of `B KiB MiB GiB`. `None` if it is anything else or overflows.
#[must_use]
pub fn size(text: &str) -> Option<u64> {
    let (number, unit) = split(text)?;
    let scale = match unit {
        "B" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => return None,
    };
    number.checked_mul(scale)
}

/// Reads a decimal as JSON and its printers write it (`2.5`, `1e-6`), in millionths. `None` if it is anything else, is
/// negative, has more than six decimals, or overflows.
#[must_use]
pub fn millionths(text: &str) -> Option<u64> {
    let (number, exponent) = match text.split_once(['e', 'E']) {
        Some((number, exponent)) => (
            number,
            exponent.trim_start_matches('+').parse::<i32>().ok()?,
        ),
        None => (text, 0),
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let mut places = exponent.checked_add(6)?;
    let mut value: u64 = 0;
    let mut digits: u32 = 0;
    for (digit, after_point) in whole
        .bytes()
        .map(|byte| (byte, false))
        .chain(fraction.bytes().map(|byte| (byte, true)))
    {
        let digit = char::from(digit).to_digit(10)?;
        value = value.checked_mul(10)?.checked_add(u64::from(digit))?;
        places = places.checked_sub(i32::from(after_point))?;
        digits = digits.checked_add(1)?;
    }
    if digits == 0 {
        return None;
    }
    while places > 0 && value > 0 {
        value = value.checked_mul(10)?;
        places = places.checked_sub(1)?;
    }
    while places < 0 && value > 0 {
        if !value.is_multiple_of(10) {
            return None;
        }
        value = value.checked_div(10)?;
        places = places.checked_add(1)?;
    }
    Some(value)
}

fn split(text: &str) -> Option<(u64, &str)> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at_checked(digits)?;
    Some((number.parse().ok()?, unit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        for (text, millis) in [
            ("250ms", Some(250)),
            ("90s", Some(90_000)),
            ("1m", Some(60_000)),
            ("5h", Some(18_000_000)),
            ("7d", Some(604_800_000)),
            ("0s", Some(0)),
            ("1.5h", None),
            ("-1s", None),
            (" 1s", None),
            ("1 s", None),
            ("1w", None),
            ("60", None),
            ("s", None),
            ("", None),
            ("١s", None),
            ("99999999999999999999s", None),
            ("9999999999999999d", None),
        ] {
            assert_eq!(duration(text), millis, "{text:?}");
        }
    }

    #[test]
    fn decimals() {
        for (text, found) in [
            ("0", Some(0)),
            ("2.5", Some(2_500_000)),
            ("500", Some(500_000_000)),
            ("0.000001", Some(1)),
            ("1e-6", Some(1)),
            ("1e-7", None),
            ("2.50", Some(2_500_000)),
            ("0.1234567", None),
            ("0.1234560", Some(123_456)),
            ("1e3", Some(1_000_000_000)),
            ("1E+3", Some(1_000_000_000)),
            ("-1", None),
            ("", None),
            (".", None),
            ("1.2.3", None),
            ("1e", None),
            ("1e99", None),
            ("0e99", Some(0)),
            ("1e-2147483648", None),
            ("99999999999999999999", None),
        ] {
            assert_eq!(millionths(text), found, "{text:?}");
        }
    }

    #[test]
    fn sizes() {
        for (text, bytes) in [
            ("512B", Some(512)),
            ("64KiB", Some(65_536)),
            ("1MiB", Some(1_048_576)),
            ("2GiB", Some(2_147_483_648)),
            ("1MB", None),
            ("1", None),
            ("99999999999999GiB", None),
        ] {
            assert_eq!(size(text), bytes, "{text:?}");
        }
    }
}
