//! How the values of each trait are spelt in lists: in the one way in which requests are read, or not at all.

use core::fmt::Write as _;
use core::net::IpAddr;
use std::borrow::Cow;

use crate::policy::Kind;
use crate::policy::list::Block;

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
        let bytes = text.as_bytes();
        let sound = match self {
            Self::Address => false,
            Self::Ja4 if bytes.contains(&b'*') => {
                all(bytes, |byte| letter(byte) || b"_*".contains(&byte))
            }
            Self::Ja4 => return fact(Kind::Ja4, bytes),
            Self::Ja3 => return fact(Kind::Ja3, bytes),
            Self::Country => return fact(Kind::Country, bytes),
            Self::Asn => return fact(Kind::Asn, bytes),
            Self::Pseudonym => bytes.len() == 16 && all(bytes, |byte| byte.is_ascii_hexdigit()),
            Self::Method => all(bytes, |byte| {
                byte.is_ascii_uppercase() || b"-*".contains(&byte)
            }),
            Self::Path => matches!(bytes, [b'/' | b'*', ..]) && !bytes.contains(&b'?'),
            Self::Agent | Self::Text => true,
        };
        let folded = match self {
            Self::Ja4 | Self::Pseudonym | Self::Agent => text.to_ascii_lowercase(),
            _ => return sound.then_some(Cow::Borrowed(text)),
        };
        sound.then_some(Cow::Owned(folded))
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

fn letter(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
}

/// Whether all bytes are of a kind. Not made anew for each kind.
#[inline(never)]
fn all(bytes: &[u8], kind: fn(u8) -> bool) -> bool {
    bytes.iter().all(|&byte| kind(byte))
}

/// A fact as it is read from requests.
fn fact(kind: Kind, bytes: &[u8]) -> Option<Cow<'static, str>> {
    let text = kind.normal(bytes)?;
    String::from_utf8(text.into_vec()).ok().map(Cow::Owned)
}

/// Digits and nothing else.
#[inline(never)]
fn decimal(digits: &[u8]) -> Option<u32> {
    let value = |value: u32, &digit: &u8| {
        let digit = char::from(digit).to_digit(10)?;
        value.checked_mul(10)?.checked_add(digit)
    };
    digits.first()?;
    digits.iter().try_fold(0, value)
}

/// Reads an address or a block of them. What stands for IPv4 in IPv6 is IPv4.
///
/// # Errors
/// What should stand there.
pub(super) fn block(text: &str) -> Result<Block, Cow<'static, str>> {
    let slash = text.bytes().position(|byte| byte == b'/');
    let (written, bits) = match slash.and_then(|place| text.split_at_checked(place)) {
        Some((address, bits)) => (address, bits.as_bytes().get(1..)),
        None => (text, None),
    };
    let malformed = || Cow::Borrowed(Spelling::Address.expected());
    let address: IpAddr = written.parse().map_err(|_| malformed())?;
    let whole = if address.is_ipv4() { 32 } else { 128 };
    let bits = match bits {
        None => whole,
        Some(bits) => decimal(bits)
            .filter(|&bits| bits <= whole)
            .ok_or_else(malformed)?,
    };
    let (address, bits) = match (address.to_canonical(), bits.checked_sub(96)) {
        (canonical @ IpAddr::V4(_), Some(bits)) if address.is_ipv6() => (canonical, bits),
        _ => (address, bits),
    };
    let (value, most) = match address {
        IpAddr::V4(address) => (u128::from(address.to_bits()), u128::from(u32::MAX)),
        IpAddr::V6(address) => (address.to_bits(), u128::MAX),
    };
    let hosts = most.checked_shr(bits).unwrap_or(0);
    let block = Block {
        is_ipv4: address.is_ipv4(),
        first: value & !hosts,
        last: value | hosts,
    };
    if block.first != value {
        return Err(Cow::Owned(format!(
            "has host bits: write {}/{bits}, or {written}/{whole}",
            name(&block)
        )));
    }
    Ok(block)
}

/// How the first address of a block is written. The library's way with IPv6 is 3 KB of the module.
fn name(block: &Block) -> String {
    let mut name = String::new();
    let (width, groups) = if block.is_ipv4 {
        (8, 4)
    } else {
        (16, 8_u32.saturating_sub(block.first.trailing_zeros() / 16))
    };
    for group in 0..groups {
        let most: u32 = if block.is_ipv4 { 24 } else { 112 };
        let value = block.first >> most.saturating_sub(group.saturating_mul(width));
        // All of it that is looked at, in the width that is written elsewhere too.
        let value = u64::try_from(value & 0xffff).unwrap_or(0);
        let _ = if block.is_ipv4 {
            let dot = if group > 0 { "." } else { "" };
            write!(name, "{dot}{}", value & 0xff)
        } else {
            let colon = if group > 0 { ":" } else { "" };
            write!(name, "{colon}{value:x}")
        };
    }
    if !block.is_ipv4 && groups < 8 {
        name.push_str("::");
    }
    name
}

#[cfg(test)]
mod tests {
    use core::net::Ipv6Addr;

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
        let v4 = |first: u32, last: u32| Block {
            is_ipv4: true,
            first: first.into(),
            last: last.into(),
        };
        let v6 = |first: &str, last: &str| {
            let [first, last] =
                [first, last].map(|text| text.parse::<Ipv6Addr>().unwrap().to_bits());
            Block {
                is_ipv4: false,
                first,
                last,
            }
        };
        for (text, expected) in [
            ("192.0.2.7", v4(0xc000_0207, 0xc000_0207)),
            ("192.0.2.7/32", v4(0xc000_0207, 0xc000_0207)),
            ("203.0.113.0/24", v4(0xcb00_7100, 0xcb00_71ff)),
            ("0.0.0.0/0", v4(0, u32::MAX)),
            ("128.0.0.0/1", v4(1 << 31, u32::MAX)),
            ("::ffff:192.0.2.0/120", v4(0xc000_0200, 0xc000_02ff)),
            ("::ffff:192.0.2.7", v4(0xc000_0207, 0xc000_0207)),
            ("::FFFF:c000:0207/128", v4(0xc000_0207, 0xc000_0207)),
            ("::ffff:0:0/96", v4(0, u32::MAX)),
            ("::/0", v6("::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff")),
            (
                "2001:db8::/32",
                v6("2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"),
            ),
            ("2001:db8::1", v6("2001:db8::1", "2001:db8::1")),
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
                "has host bits: write 192.0.2.0/24, or ::ffff:192.0.2.1/128",
            ),
            (
                "::ffff:192.0.2.0/64",
                "has host bits: write ::/64, or ::ffff:192.0.2.0/128",
            ),
            (
                "2001:0db8:a:b:c:d:e:1/112",
                "has host bits: write 2001:db8:a:b:c:d:e::/112, or 2001:0db8:a:b:c:d:e:1/128",
            ),
            (
                "1:0:0:2::1/64",
                "has host bits: write 1:0:0:2::/64, or 1:0:0:2::1/128",
            ),
            (
                "1::1:1/127",
                "has host bits: write 1:0:0:0:0:0:1::/127, or 1::1:1/128",
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
