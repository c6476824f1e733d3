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
