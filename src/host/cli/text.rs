//! Numbers and tables for people.

use core::fmt::Write as _;

/// `86400` as `86,400`.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && digits.len().saturating_sub(place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 request`, `86,400 requests`.
pub(super) fn counted(count: u64, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{} {what}{plural}", grouped(count))
}

/// Millionths as a decimal without needless zeros.
pub(super) fn decimal(millionths: u64) -> String {
    let (whole, fraction) = (millionths / 1_000_000, millionths % 1_000_000);
    let whole = grouped(whole);
    if fraction == 0 {
        return whole;
    }
    let fraction = format!("{fraction:06}");
    format!("{whole}.{}", fraction.trim_end_matches('0'))
}

/// What share a part is, to hundredths of a percent; never 0 or 100 for what is not.
pub(super) fn share(part: u64, whole: u64) -> String {
    if part == 0 {
        return String::from("0 %");
    }
    if part >= whole {
        return String::from("100 %");
    }
    let parts = u128::from(part).saturating_mul(10_000);
    match parts.checked_div(u128::from(whole)).unwrap_or(0) {
        0 => String::from("<0.01 %"),
        parts => format!("{}.{:02} %", parts / 100, parts % 100),
    }
}

/// A length of time in the two largest units that it has.
pub(super) fn duration(millis: u64) -> String {
    let units = [
        (86_400_000, "d"),
        (3_600_000, "h"),
        (60_000, "m"),
        (1_000, "s"),
        (1, "ms"),
    ];
    let mut rest = millis;
    let mut parts = Vec::new();
    for (unit, name) in units {
        let count = rest.checked_div(unit).unwrap_or(0);
        rest = rest.checked_rem(unit).unwrap_or(0);
        if count > 0 {
            parts.push(format!("{count} {name}"));
        } else if !parts.is_empty() {
            break;
        }
    }
    parts.truncate(2);
    if parts.is_empty() {
        return String::from("0 s");
    }
    parts.join(" ")
}

/// Rows of cells, of which the first `left` columns begin at the left and all others end at the right, below one line
/// of heads.
pub(super) fn table(heads: &[&str], left: usize, rows: &[Vec<String>]) -> String {
    let mut widths: Vec<usize> = heads.iter().map(|head| head.chars().count()).collect();
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.chars().count().max(*width);
        }
    }
    let heads = heads.iter().map(|head| String::from(*head)).collect();
    let mut text = String::new();
    for row in core::iter::once(&heads).chain(rows) {
        let mut line = String::new();
        for (place, (cell, &width)) in row.iter().zip(&widths).enumerate() {
            if place > 0 {
                line.push_str("  ");
            }
            let _ = if place < left {
                write!(line, "{cell:<width$}")
            } else {
                write!(line, "{cell:>width$}")
            };
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        assert_eq!(
            [0, 999, 1_000, 86_400, 1_234_567].map(grouped),
            ["0", "999", "1,000", "86,400", "1,234,567"]
        );
        assert_eq!(
            [0, 1, 2_500_000, 1_000_000_000].map(decimal),
            ["0", "0.000001", "2.5", "1,000"]
        );
        for (part, whole, expected) in [
            (0, 10, "0 %"),
            (10, 10, "100 %"),
            (1, 3, "33.33 %"),
            (9_999_999, 10_000_000, "99.99 %"),
            (1, 1_000_000, "<0.01 %"),
            (1, 0, "100 %"),
        ] {
            assert_eq!(share(part, whole), expected);
        }
        for (millis, expected) in [
            (0, "0 s"),
            (1, "1 ms"),
            (60_000, "1 m"),
            (90_000, "1 m 30 s"),
            (86_400_000, "1 d"),
            (86_400_001, "1 d"),
            (100_000_000, "1 d 3 h"),
        ] {
            assert_eq!(duration(millis), expected);
        }
    }

    #[test]
    fn columns_are_aligned() {
        let rows = [
            vec![String::from("a"), String::from("1")],
            vec![String::from("longer"), String::from("1,000")],
        ];
        assert_eq!(
            table(&["rule", "n"], 1, &rows),
            "rule        n\na           1\nlonger  1,000\n"
        );
    }
}
