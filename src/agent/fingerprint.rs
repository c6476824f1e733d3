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
        let [
            b't' | b'q' | b'd',
            b'0'..=b'9' | b's' | b'd',
            b'0'..=b'9',
            b'd' | b'i',
            numbers @ ..,
        ] = &text
        else {
            return None;
        };
        let (numbers, protocol) = numbers.split_at_checked(4)?;
        let (protocol, hashes) = protocol.split_at_checked(2)?;
        let (ciphers, extensions) = hashes.split_at_checked(13)?;
        if !numbers.iter().all(u8::is_ascii_digit)
            || !protocol.iter().all(u8::is_ascii_alphanumeric)
        {
            return None;
        }
        let (ciphers, extensions) = (
            hex(ciphers.strip_prefix(b"_")?)?,
            hex(extensions.strip_prefix(b"_")?)?,
        );
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

/// Whether this is a JA3: 32 hexadecimal digits in any case.
#[must_use]
pub fn is_ja3(text: &[u8]) -> bool {
    text.len() == 32 && text.iter().all(u8::is_ascii_hexdigit)
}

/// Reads up to 16 hexadecimal digits, all before it says whether they are: hashes are nothing that a branch could foresee.
fn hex(digits: &[u8]) -> Option<u64> {
    let (mut value, mut odd) = (0_u64, 0);
    for &digit in digits {
        let nibble = NIBBLES.get(usize::from(digit)).copied().unwrap_or(NONE);
        odd |= nibble;
        value = value << 4 | u64::from(nibble & 15);
    }
    (odd < NONE).then_some(value)
}

/// What is no hexadecimal digit.
const NONE: u8 = 16;

/// The value of every hexadecimal digit.
const NIBBLES: [u8; 256] = {
    let mut nibbles = [NONE; 256];
    let mut rest: &mut [u8] = &mut nibbles;
    let mut byte = 0;
    while let Some((nibble, after)) = rest.split_first_mut() {
        *nibble = match byte {
            b'0'..=b'9' => byte - b'0',
            b'a'..=b'f' => byte - b'a' + 10,
            b'A'..=b'F' => byte - b'A' + 10,
            _ => NONE,
        };
        byte = byte.wrapping_add(1);
        rest = after;
    }
    nibbles
};

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
        assert!(is_ja3(b"0149f47eabf9a20d0893e2a44e5a6323"));
        assert!(is_ja3(b"0149F47EABF9A20D0893E2A44E5A6323"));
        for text in [
            &b""[..],
            b"0149f47eabf9a20d0893e2a44e5a632",
            b"0149f47eabf9a20d0893e2a44e5a63233",
            b"0149f47eabf9a20d_893e2a44e5a6323",
            b"-149f47eabf9a20d0893e2a44e5a6323",
        ] {
            assert!(!is_ja3(text));
        }
    }
}
