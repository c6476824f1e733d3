//! Numbers, secrets and escaped texts, written without any machinery of formats.

use super::random::Random;
use super::request::CREDENTIAL;

/// The decimal digits of a number, from the first on, and how many there are.
pub(super) fn digits(number: u32) -> ([u8; 10], u8) {
    let mut reversed = [b'0'; 10];
    let mut rest = number;
    let mut length = 0_u8;
    for place in &mut reversed {
        *place = b'0'.saturating_add((rest % 10) as u8);
        rest /= 10;
        length = length.saturating_add(1);
        if rest == 0 {
            break;
        }
    }
    if let Some(used) = reversed.get_mut(..usize::from(length)) {
        used.reverse();
    }
    (reversed, length)
}

/// Appends a number.
pub(super) fn number(out: &mut Vec<u8>, number: u32) {
    let (digits, length) = digits(number);
    out.extend_from_slice(digits.get(..usize::from(length)).unwrap_or_default());
}

/// Appends a date, by the days since 1970-01-01.
pub(super) fn date(out: &mut Vec<u8>, days: u64) {
    // Howard Hinnant's algorithm, with years that begin in March.
    let days = days.saturating_add(719_468);
    let era_day = days % 146_097;
    let leaps = (era_day / 1_460).saturating_sub(era_day / 36_524);
    let leaps = leaps.saturating_add(era_day / 146_096);
    let year_of_era = era_day.saturating_sub(leaps) / 365;
    let before = year_of_era
        .saturating_mul(365)
        .saturating_add(year_of_era / 4)
        .saturating_sub(year_of_era / 100);
    let year_day = era_day.saturating_sub(before);
    let march = year_day.saturating_mul(5).saturating_add(2) / 153;
    let day = year_day.saturating_sub(march.saturating_mul(153).saturating_add(2) / 5);
    let month = if march < 10 {
        march.saturating_add(3)
    } else {
        march.saturating_sub(9)
    };
    let year = (days / 146_097)
        .saturating_mul(400)
        .saturating_add(year_of_era)
        .saturating_add(u64::from(month <= 2));
    number(out, year as u32);
    for part in [month, day.saturating_add(1)] {
        out.extend_from_slice(if part < 10 { b"-0" } else { b"-" });
        number(out, part as u32);
    }
}

/// The value of a key's `authorization`.
pub(super) fn credential(seed: u64, key: u32) -> [u8; CREDENTIAL] {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789xQ";
    let mut text = *b"Bearer sk-00000000000000000000000000000000";
    let mut random = Random::keyed(seed, u64::from(key), 0x6b65);
    let mut bits = 0;
    for (index, place) in text.iter_mut().enumerate().skip(10) {
        if index % 10 == 0 {
            bits = random.bits();
        }
        let letter = LETTERS.get((bits & 63) as usize);
        *place = letter.copied().unwrap_or(b'0');
        bits >>= 6;
    }
    text
}

/// Appends a text as it stands within a string of JSON.
pub(super) fn escaped(out: &mut Vec<u8>, text: &str) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for &byte in text.as_bytes() {
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            0..0x20 => {
                let digit = |place: u8| DIGITS.get(usize::from(place)).copied().unwrap_or(b'0');
                out.extend_from_slice(b"\\u00");
                out.extend_from_slice(&[digit(byte >> 4), digit(byte & 15)]);
            }
            _ => out.push(byte),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_in_decimal() {
        for value in [0, 1, 9, 10, 640, 99_999, u32::MAX] {
            let mut out = Vec::new();
            number(&mut out, value);
            assert_eq!(out, value.to_string().as_bytes());
        }
    }

    #[test]
    fn an_escaped_text_is_read_back() {
        let text = "a \"b\" \\ c\nd\te\r\u{1}\u{1f} é 語 \u{7f}";
        let mut out = vec![b'"'];
        escaped(&mut out, text);
        out.push(b'"');
        assert_eq!(serde_json::from_slice::<String>(&out).unwrap(), text);
    }

    #[test]
    fn days_have_dates() {
        for (days, text) in [
            (0, "1970-01-01"),
            (59, "1970-03-01"),
            (11_016, "2000-02-29"),
            (20_565, "2026-04-22"),
            (20_818, "2026-12-31"),
        ] {
            let mut out = Vec::new();
            date(&mut out, days);
            assert_eq!(String::from_utf8(out).unwrap(), text);
        }
    }

    #[test]
    fn secrets_differ() {
        assert_eq!(credential(1, 2), credential(1, 2));
        assert_ne!(credential(1, 2), credential(1, 3));
        assert_ne!(credential(1, 2), credential(2, 2));
        assert!(credential(1, 2).starts_with(b"Bearer sk-"));
    }
}
