//! Bytes looked at eight at a time.
//!
//! A `u64` holds eight bytes, and a few sums and masks test them all. That is portable, and as fast in wasm without its
//! vector extension, which not every host of filters has, as it is natively, where the compiler makes vectors of it.

/// The first place from `at` on that holds a quote, a backslash or a control byte; the end of `chunk` if none does.
#[inline(always)]
pub(super) fn plain(chunk: &[u8], at: usize) -> usize {
    let Some(rest) = chunk.get(at..) else {
        return at;
    };
    let (words, _) = rest.as_chunks();
    let mut at = at;
    let near = at.wrapping_add(NEAR);
    for word in words {
        let hits = special(u64::from_le_bytes(*word));
        if hits != 0 {
            return at.wrapping_add(first(hits));
        }
        at = at.wrapping_add(8);
        if at == near {
            return plain_long(chunk, at);
        }
    }
    plain_tail(chunk, at)
}

/// The first place from `at` on that holds no decimal digit; the end of `chunk` if all do.
#[inline(always)]
pub(super) fn digits(chunk: &[u8], at: usize) -> usize {
    let mut at = at;
    while let Some(word) = word(chunk, at) {
        let value = word ^ repeat(b'0');
        let hits = (((value & !HIGH).wrapping_add(repeat(0x76))) | value) & HIGH;
        if hits != 0 {
            return at.wrapping_add(first(hits));
        }
        at = at.wrapping_add(8);
    }
    while chunk.get(at).is_some_and(u8::is_ascii_digit) {
        at = at.wrapping_add(1);
    }
    at
}

/// The first place from `at` on that holds a line feed or a carriage return; the end of `chunk` if none does.
pub(crate) fn line(chunk: &[u8], at: usize) -> usize {
    let ends = |word: u64| {
        let (feed, carriage) = (word ^ repeat(b'\n'), word ^ repeat(b'\r'));
        (feed.wrapping_sub(LOW) | carriage.wrapping_sub(LOW)) & !word & HIGH
    };
    let mut at = at;
    while let Some(words) = words::<4>(chunk, at) {
        let hits = words.map(ends);
        if hits.iter().fold(0, |all, hits| all | hits) != 0 {
            return at.wrapping_add(first_of(hits));
        }
        at = at.wrapping_add(32);
    }
    while chunk
        .get(at)
        .is_some_and(|&byte| byte != b'\n' && byte != b'\r')
    {
        at = at.wrapping_add(1);
    }
    at
}

/// What four hexadecimal digits stand for.
#[inline(always)]
pub(crate) fn hex(digits: [u8; 4]) -> Option<u16> {
    let value = |digit: u8| {
        HEX.get(usize::from(digit))
            .map_or(NO_HEX, |value| u16::from(*value))
    };
    let [one, two, three, four] = digits.map(value);
    if (one | two | three | four) & NO_HEX != 0 {
        return None;
    }
    Some(one << 12 | two << 8 | three << 4 | four)
}

/// The same as [`plain`], for a string's long middle, where one test of 32 bytes has to do.
#[inline(never)]
pub(super) fn plain_long(chunk: &[u8], at: usize) -> usize {
    let mut at = at;
    while let Some(words) = words::<4>(chunk, at) {
        let hits = words.map(special);
        if hits.iter().fold(0, |all, hits| all | hits) != 0 {
            break;
        }
        at = at.wrapping_add(32);
    }
    while let Some([word]) = words(chunk, at) {
        let hits = special(word);
        if hits != 0 {
            return at.wrapping_add(first(hits));
        }
        at = at.wrapping_add(8);
    }
    plain_tail(chunk, at)
}

#[inline(never)]
fn plain_tail(chunk: &[u8], at: usize) -> usize {
    let mut at = at;
    while chunk
        .get(at)
        .is_some_and(|&byte| byte >= 0x20 && byte != b'"' && byte != b'\\')
    {
        at = at.wrapping_add(1);
    }
    at
}

/// Bit 7 of each byte that is a quote, a backslash or below 0x20, up to the first of them; above it bits may lie.
#[inline(always)]
fn special(word: u64) -> u64 {
    // With bit 1 turned over the quote is 0x20, next to the control bytes, which stay among themselves.
    let (low, backslash) = (word ^ repeat(0x02), word ^ repeat(b'\\'));
    (low.wrapping_sub(repeat(0x21)) | backslash.wrapping_sub(LOW)) & !word & HIGH
}

#[inline(always)]
fn word(chunk: &[u8], at: usize) -> Option<u64> {
    let bytes = chunk.get(at..)?.first_chunk()?;
    Some(u64::from_le_bytes(*bytes))
}

#[inline(always)]
fn words<const COUNT: usize>(chunk: &[u8], at: usize) -> Option<[u64; COUNT]> {
    let (words, _) = chunk.get(at..)?.as_chunks();
    let words: &[[u8; 8]; COUNT] = words.first_chunk()?;
    Some(words.map(u64::from_le_bytes))
}

/// Which byte of a word the lowest hit is in.
#[inline(always)]
pub(crate) fn first(hits: u64) -> usize {
    (hits.trailing_zeros() / 8) as usize
}

/// Which byte of four words the lowest hit is in. Without a branch: where a string ends, no processor foresees.
#[inline(always)]
fn first_of(hits: [u64; 4]) -> usize {
    // The product gathers bit 7 of each byte in the highest byte.
    let bits = hits.map(|hits| ((hits & HIGH) >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56);
    let [one, two, three, four] = bits;
    (one | two << 8 | three << 16 | four << 24).trailing_zeros() as usize
}

/// What each byte is worth as a hexadecimal digit.
const HEX: [u8; 256] = {
    let mut values = [NO_HEX as u8; 256];
    let mut byte = 0_usize;
    while byte < 256 {
        if let Some(value) = (byte as u8 as char).to_digit(16) {
            #[expect(
                clippy::indexing_slicing,
                reason = "this runs when it is compiled, and stays below 256"
            )]
            {
                values[byte] = value as u8;
            }
        }
        byte = byte.wrapping_add(1);
    }
    values
};
const NO_HEX: u16 = 0x80;

/// A byte in all places of a word.
pub(crate) const fn repeat(byte: u8) -> u64 {
    u64::from_le_bytes([byte; 8])
}

/// After so many bytes without a hit a string is taken for a long one.
const NEAR: usize = 64;
const LOW: u64 = repeat(0x01);
/// Bit 7 of each byte.
pub(crate) const HIGH: u64 = repeat(0x80);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_in_every_place_is_told_from_plain_ones() {
        for length in [1, 7, 8, 9, 16, 17, 40, 63, 64, 100] {
            for place in 0..length {
                for byte in 0..=255 {
                    let mut text = vec![b'a'; length];
                    text[place] = byte;
                    let special = byte < 0x20 || byte == b'"' || byte == b'\\';
                    let expected = if special { place } else { length };
                    assert_eq!(plain(&text, 0), expected, "{byte} at {place} of {length}");
                    let ends = byte == b'\n' || byte == b'\r';
                    assert_eq!(line(&text, 0), if ends { place } else { length });
                    let mut text = vec![b'7'; length];
                    text[place] = byte;
                    let digit = byte.is_ascii_digit();
                    assert_eq!(digits(&text, 0), if digit { length } else { place });
                }
            }
        }
    }

    #[test]
    fn what_comes_before_does_not_count_and_the_first_of_many_does() {
        let text = b"\"\"\"\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\xff\x80\x22\x21\x20\x1f";
        assert_eq!(plain(text, 4), 38);
        assert_eq!(plain(text, 39), 41);
        assert_eq!(plain(text, 100), 100);
    }

    #[test]
    fn hexadecimal_digits_and_nothing_else() {
        for code in 0..=u16::MAX {
            let text = format!("{code:04x}");
            let digits: [u8; 4] = text.as_bytes().try_into().unwrap();
            assert_eq!(hex(digits), Some(code));
            assert_eq!(
                hex(digits.map(|digit| digit.to_ascii_uppercase())),
                Some(code)
            );
        }
        for byte in (0..=255_u8).filter(|byte| !byte.is_ascii_hexdigit()) {
            for place in 0..4 {
                let mut digits = *b"0aF9";
                digits[place] = byte;
                assert_eq!(hex(digits), None, "{byte} at {place}");
            }
        }
    }
}
