//! How the values of each trait are spelt in lists: in the one way in which requests are read, or not at all.

use core::net::IpAddr;
use std::borrow::Cow;

use crate::agent;

/// How the values of a trait are spelt. Traits that are spelt alike share what is compiled of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Spelling {
    /// Addresses and blocks of them.
    Address,
    Ja4,
    Ja3,
    /// A hash as logs show it.
    Pseudonym,
    Country,
    Asn,
    /// Text in lower case.
    Agent,
    Method,
    Path,
    Text,
}

/// First and last address of a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Block {
    V4(u32, u32),
    V6(u128, u128),
}

impl Spelling {
    /// How a trait is spelt, by its name in rules.
    pub(super) fn of(name: &str) -> Self {
        match name {
            "network" => Self::Address,
            "ja4" => Self::Ja4,
            "ja3" => Self::Ja3,
            "key" | "shape" => Self::Pseudonym,
            "country" => Self::Country,
            "asn" => Self::Asn,
            "agent" => Self::Agent,
            "method" => Self::Method,
            "path" => Self::Path,
            _ => Self::Text,
        }
    }

    /// A text as requests have it; `None` if no request can.
    pub(super) fn normal(self, text: &str) -> Option<Cow<'_, str>> {
        let of_hash = |length: usize| {
            let fits = text.len() == length && text.bytes().all(|byte| byte.is_ascii_hexdigit());
            fits.then(|| lower(text))
        };
        match self {
            Self::Address => None,
            Self::Ja4 if text.contains('*') => {
                let letter = |byte: u8| byte.is_ascii_alphanumeric() || b"_*".contains(&byte);
                text.bytes().all(letter).then(|| lower(text))
            }
            Self::Ja4 => owned(&agent::ja4(text.as_bytes())?),
            Self::Ja3 => owned(&agent::ja3(text.as_bytes())?),
            Self::Pseudonym => of_hash(16),
            Self::Country => {
                let fits = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_alphabetic());
                fits.then(|| Cow::Owned(text.to_ascii_uppercase()))
            }
            Self::Asn => {
                let digits = match text.as_bytes() {
                    [b'A' | b'a', b'S' | b's', ..] => text.get(2..)?,
                    _ => text,
                };
                let number: u32 = digits.parse().ok().filter(|_| !digits.starts_with('+'))?;
                Some(Cow::Owned(number.to_string()))
            }
            Self::Agent => Some(lower(text)),
            Self::Method => {
                let letter = |byte: u8| byte.is_ascii_uppercase() || b"-*".contains(&byte);
                text.bytes().all(letter).then_some(Cow::Borrowed(text))
            }
            Self::Path => {
                let rooted = text.starts_with(['/', '*']) && !text.contains('?');
                rooted.then_some(Cow::Borrowed(text))
            }
            Self::Text => Some(Cow::Borrowed(text)),
        }
    }

    /// What should stand where [`normal`](Self::normal) or [`block`] finds nothing.
    pub(super) const fn expected(self) -> &'static str {
        match self {
            Self::Address => {
                "expected an address or a block of them, such as \"192.0.2.7\", \"203.0.113.0/24\" or \"2001:db8::/32\""
            }
            Self::Ja4 => {
                "expected a JA4, such as \"t13d1516h2_8daaf6152771_02713d6af862\", or a pattern of some, such as \"t13d*_8daaf6152771_*\""
            }
            Self::Ja3 => "expected a JA3: 32 hex digits",
            Self::Pseudonym => "expected 16 hex digits, as logs show them",
            Self::Country => "expected a country in two letters, such as \"NL\"",
            Self::Asn => {
                "expected the number of an autonomous system in quotes, such as \"64512\" or \"AS64512\""
            }
            Self::Method => "can never match: methods are in capitals, such as POST",
            Self::Path => {
                "can never match: every path begins with `/` and ends before `?`; expected such a pattern, or one that begins with `*`"
            }
            Self::Agent | Self::Text => "expected a string that is not empty",
        }
    }
}

/// Reads an address or a block of them. What stands for IPv4 in IPv6 is IPv4.
///
/// # Errors
/// What should stand there.
pub(super) fn block(text: &str) -> Result<Block, Cow<'static, str>> {
    let malformed = || Cow::Borrowed(Spelling::Address.expected());
    let (address, bits) = match text.split_once('/') {
        Some((address, bits)) => (address, Some(bits)),
        None => (text, None),
    };
    let written: IpAddr = address.parse().map_err(|_| malformed())?;
    let whole = if written.is_ipv4() { 32 } else { 128 };
    let bits = match bits {
        None => whole,
        Some(bits) => bits
            .parse()
            .ok()
            .filter(|&number: &u8| number <= whole && !bits.starts_with('+'))
            .ok_or_else(malformed)?,
    };
    let (address, bits) = match (written.to_canonical(), bits.checked_sub(96)) {
        (address @ IpAddr::V4(_), Some(bits)) if written.is_ipv6() => (address, bits),
        _ => (written, bits),
    };
    let (network, block) = match address {
        IpAddr::V4(address) => {
            let hosts = u32::MAX.checked_shr(u32::from(bits)).unwrap_or(0);
            let first = address.to_bits() & !hosts;
            (IpAddr::V4(first.into()), Block::V4(first, first | hosts))
        }
        IpAddr::V6(address) => {
            let hosts = u128::MAX.checked_shr(u32::from(bits)).unwrap_or(0);
            let first = address.to_bits() & !hosts;
            (IpAddr::V6(first.into()), Block::V6(first, first | hosts))
        }
    };
    if network != address {
        let whole = if address.is_ipv4() { 32 } else { 128 };
        return Err(Cow::Owned(format!(
            "has host bits: write {network}/{bits}, or {address}/{whole}"
        )));
    }
    Ok(block)
}

fn lower(text: &str) -> Cow<'_, str> {
    if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        Cow::Owned(text.to_ascii_lowercase())
    } else {
        Cow::Borrowed(text)
    }
}

fn owned<'t>(text: &[u8]) -> Option<Cow<'t, str>> {
    core::str::from_utf8(text)
        .ok()
        .map(|text| Cow::Owned(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_spelt_as_requests_have_them() {
        use Spelling::{Agent, Asn, Country, Ja3, Ja4, Method, Path, Pseudonym, Text};
        for (spelling, text, normal) in [
            (
                Ja4,
                "T13D1516H2_8DAAF6152771_02713D6AF862",
                Some("t13d1516h2_8daaf6152771_02713d6af862"),
            ),
            (Ja4, "t13d*_8DAAF6152771_*", Some("t13d*_8daaf6152771_*")),
            (Ja4, "*", Some("*")),
            (Ja4, "t13d1516h2_8daaf6152771", None),
            (Ja4, "t13d1516h2-8daaf6152771-*", None),
            (Ja4, "", None),
            (
                Ja3,
                "E7D705A3286E19EA42F587B344EE6865",
                Some("e7d705a3286e19ea42f587b344ee6865"),
            ),
            (Ja3, "e7d705a3286e19ea42f587b344ee686", None),
            (Ja3, "e7d7*", None),
            (Pseudonym, "D34FA73BD47084E8", Some("d34fa73bd47084e8")),
            (Pseudonym, "d34fa73bd47084e", None),
            (Pseudonym, "sk-one", None),
            (Country, "nl", Some("NL")),
            (Country, "NL", Some("NL")),
            (Country, "NLD", None),
            (Country, "n1", None),
            (Country, "é", None),
            (Asn, "64512", Some("64512")),
            (Asn, "AS64512", Some("64512")),
            (Asn, "as0064512", Some("64512")),
            (Asn, "4294967295", Some("4294967295")),
            (Asn, "4294967296", None),
            (Asn, "+1", None),
            (Asn, "AS", None),
            (Asn, "ASAS1", None),
            (Asn, "éé", None),
            (Agent, "OpenAI-Python/1.*", Some("openai-python/1.*")),
            (Method, "POST", Some("POST")),
            (Method, "post", None),
            (Path, "/v1/*", Some("/v1/*")),
            (Path, "*/chat", Some("*/chat")),
            (Path, "v1", None),
            (Path, "/v1?x", None),
            (Text, "Any thing*", Some("Any thing*")),
        ] {
            assert_eq!(
                spelling.normal(text).as_deref(),
                normal,
                "{spelling:?} {text}"
            );
        }
    }

    #[test]
    fn blocks_are_ranges() {
        let v6 = |text: &str| text.parse::<core::net::Ipv6Addr>().unwrap().to_bits();
        for (text, expected) in [
            ("192.0.2.7", Block::V4(0xc000_0207, 0xc000_0207)),
            ("192.0.2.7/32", Block::V4(0xc000_0207, 0xc000_0207)),
            ("203.0.113.0/24", Block::V4(0xcb00_7100, 0xcb00_71ff)),
            ("0.0.0.0/0", Block::V4(0, u32::MAX)),
            ("128.0.0.0/1", Block::V4(1 << 31, u32::MAX)),
            ("::ffff:192.0.2.0/120", Block::V4(0xc000_0200, 0xc000_02ff)),
            ("::ffff:192.0.2.7", Block::V4(0xc000_0207, 0xc000_0207)),
            ("::FFFF:c000:0207/128", Block::V4(0xc000_0207, 0xc000_0207)),
            ("::ffff:0:0/96", Block::V4(0, u32::MAX)),
            ("::/0", Block::V6(0, u128::MAX)),
            (
                "2001:db8::/32",
                Block::V6(
                    v6("2001:db8::"),
                    v6("2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"),
                ),
            ),
            (
                "2001:db8::1",
                Block::V6(v6("2001:db8::1"), v6("2001:db8::1")),
            ),
        ] {
            assert_eq!(block(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_block_is_told_what_would_be_one() {
        let no_block = Spelling::Address.expected();
        for (text, expected) in [
            (
                "203.0.113.7/24",
                "has host bits: write 203.0.113.0/24, or 203.0.113.7/32",
            ),
            (
                "2001:db8::1/32",
                "has host bits: write 2001:db8::/32, or 2001:db8::1/128",
            ),
            (
                "::ffff:192.0.2.1/120",
                "has host bits: write 192.0.2.0/24, or 192.0.2.1/32",
            ),
            (
                "::ffff:192.0.2.0/64",
                "has host bits: write ::/64, or ::ffff:192.0.2.0/128",
            ),
            ("10.0.0.0/33", no_block),
            ("10.0.0.0/+8", no_block),
            ("10.0.0.0/-8", no_block),
            ("10.0.0.0/", no_block),
            ("10.0.0.0/8/8", no_block),
            ("10.0.0.0 /8", no_block),
            ("10.0.0/8", no_block),
            ("010.0.0.1", no_block),
            ("10.0.0.1:80", no_block),
            ("[::1]", no_block),
            ("fe80::1%eth0", no_block),
            ("::/129", no_block),
            ("example.org", no_block),
            ("", no_block),
            ("/8", no_block),
        ] {
            assert_eq!(block(text).unwrap_err(), expected, "{text}");
        }
    }
}
