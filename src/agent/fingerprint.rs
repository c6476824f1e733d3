//! Fingerprints of TLS, as hosts write them.

/// How long a JA4 is.
pub const JA4_BYTES: usize = 36;

/// A well-formed JA4 in lower case, as in `t13d1516h2_8daaf6152771_02713d6af862`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ja4 {
    text: [u8; JA4_BYTES],
    /// The second part: a hash of the sorted ciphers, which is what a library keeps from version to version.
    pub(super) ciphers: u64,
    /// The third part: a hash of the sorted extensions and of the signature algorithms.
    pub(super) extensions: u64,
}

impl Ja4 {
    /// Reads a JA4, in any case; `None` for anything else.
    ///
    /// `t`, `q` or `d` for the transport, two characters of the version, `d` or `i` for a name or none, twice two
    /// digits, two characters of the first protocol; then twice 12 hexadecimal digits, `_` before each.
    #[must_use]
    pub fn read(text: &[u8]) -> Option<Self> {
        let mut text: [u8; JA4_BYTES] = text.try_into().ok()?;
        text.make_ascii_lowercase();
        let (ciphers, extensions) = parts(JA4, &text)?;
        Some(Self {
            text,
            ciphers,
            extensions,
        })
    }

    /// The JA4 as text, in lower case.
    #[must_use]
    pub const fn bytes(&self) -> &[u8; JA4_BYTES] {
        &self.text
    }
}

/// Reads a JA3, 32 hexadecimal digits in any case; `None` for anything else.
#[must_use]
pub fn ja3(text: &[u8]) -> Option<u128> {
    let (high, low) = text.split_at_checked(16)?;
    let (high, low) = (parts(HALF, high)?.1, parts(HALF, low)?.1);
    Some(u128::from(high) << 64 | u128::from(low))
}

/// What stands where in a JA4, as [`Ja4::read`] says: a small letter is a kind of character.
const JA4: &[u8] = b"tv9n9999aa_ffffffffffff_ffffffffffff";

/// Half of a JA3.
const HALF: &[u8] = b"ffffffffffffffff";

/// The last two runs of hexadecimal digits of a text that has a form; `None` if it has not.
#[inline(never)]
fn parts(form: &[u8], text: &[u8]) -> Option<(u64, u64)> {
    let (mut before, mut part) = (0, 0_u64);
    for (&kind, &byte) in form.iter().zip(text) {
        let fits = match kind {
            b'f' => {
                let digit = char::from(byte).to_digit(16)?;
                part = part << 4 | u64::from(digit);
                true
            }
            b'_' => {
                (before, part) = (part, 0);
                byte == b'_'
            }
            b't' => matches!(byte, b't' | b'q' | b'd'),
            b'v' => matches!(byte, b'0'..=b'9' | b's' | b'd'),
            b'n' => matches!(byte, b'd' | b'i'),
            b'a' => byte.is_ascii_alphanumeric(),
            _ => byte.is_ascii_digit(),
        };
        if !fits {
            return None;
        }
    }
    (form.len() == text.len()).then_some((before, part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ja4_is_read_in_any_case() {
        for text in [
            "t13d1516h2_8daaf6152771_02713d6af862",
            "T13D1516H2_8DAAF6152771_02713D6AF862",
        ] {
            let ja4 = Ja4::read(text.as_bytes()).unwrap();
            assert_eq!(ja4.bytes(), b"t13d1516h2_8daaf6152771_02713d6af862");
            assert_eq!(
                (ja4.ciphers, ja4.extensions),
                (0x8daa_f615_2771, 0x0271_3d6a_f862)
            );
        }
        for text in [
            "t12i280600_d943125447b4_e7e480e5a997",
            "q13d0312h3_55b375c5d22e_06cda9e17597",
            "ts3d0900dt_000000000000_000000000000",
            "dd2i010000_000000000000_000000000000",
        ] {
            assert!(Ja4::read(text.as_bytes()).is_some(), "{text}");
        }
    }

    #[test]
    fn what_is_no_ja4_is_none() {
        for text in [
            "",
            "-",
            "t13d1516h2",
            "t13d1516h2_8daaf6152771_02713d6af86",
            "t13d1516h2_8daaf6152771_02713d6af8622",
            "t13d1516h2-8daaf6152771_02713d6af862",
            "t13d1516h2_8daaf6152771-02713d6af862",
            "t13d1516h2_8daaf615277g_02713d6af862",
            "t13d1516h2_8daaf6152771_+2713d6af862",
            "x13d1516h2_8daaf6152771_02713d6af862",
            "t13e1516h2_8daaf6152771_02713d6af862",
            "t13d15x6h2_8daaf6152771_02713d6af862",
            "t13d1516h\u{e9}_8daaf6152771_02713d6af86",
            "t1_d1516h2_8daaf6152771_02713d6af862",
        ] {
            assert_eq!(Ja4::read(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn a_ja3_is_32_digits() {
        let lower = ja3(b"0149f47eabf9a20d0893e2a44e5a6323");
        assert_eq!(lower, Some(0x0149_f47e_abf9_a20d_0893_e2a4_4e5a_6323));
        assert_eq!(ja3(b"0149F47EABF9A20D0893E2A44E5A6323"), lower);
        for text in [
            &b""[..],
            b"0149f47eabf9a20d0893e2a44e5a632",
            b"0149f47eabf9a20d0893e2a44e5a63233",
            b"0149f47eabf9a20d_893e2a44e5a6323",
            b"-149f47eabf9a20d0893e2a44e5a6323",
        ] {
            assert_eq!(ja3(text), None);
        }
    }
}
