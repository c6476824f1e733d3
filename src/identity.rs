//! Who asks: a keyed hash of the credential. The credential itself does not leave this file.

use core::fmt;
use core::hash::Hasher;
use core::net::IpAddr;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

use siphasher::sip::SipHasher13;
use siphasher::sip128::{Hasher128, SipHasher24};

use crate::exchange::{Exchange, percent_decode};
use crate::policy::{Policy, Prefixes, Source};

/// Shorter secrets than this many bytes can be guessed.
pub const SECRET_BYTES: usize = 16;

/// What all identifiers are hashed with, so that nobody who reads a log or a page can turn one back, and nobody who
/// sends requests can choose where they fall.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Secret(u64, u64);

impl Secret {
    /// Takes a secret of any length; below [`SECRET_BYTES`] it is worth no more than its length.
    #[must_use]
    pub fn new(bytes: &[u8]) -> Self {
        let mut hasher = SipHasher24::new();
        hasher.write(bytes);
        let hash = hasher.finish128();
        Self(hash.h1, hash.h2)
    }

    /// A hasher for identifiers: SipHash-1-3, of which nobody without the secret can find collisions.
    #[must_use]
    pub fn hasher(self) -> SipHasher13 {
        SipHasher13::new_with_keys(self.0, self.1)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Who asks: the pseudonym of a credential, or of a network where the policy says so. Written as 16 hex digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Key(pub u64);

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// A request whose key is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unknown {
    /// It carries no credential.
    Missing,
    /// It carries several, and only the origin knows which one it would take. To count it under either would let a
    /// client escape the limits of the other.
    Ambiguous,
}

/// Finds whose a request is.
///
/// # Errors
/// When that cannot be said; see [`Unknown`].
pub fn identify(exchange: &Exchange<'_>, policy: &Policy, secret: Secret) -> Result<Key, Unknown> {
    let mut found: Option<Cow<'_, [u8]>> = None;
    for source in &policy.sources {
        let Some(credential) = credential(exchange, source)? else {
            continue;
        };
        match &found {
            Some(other) if *other != credential => return Err(Unknown::Ambiguous),
            Some(_) => {}
            None => found = Some(credential),
        }
    }
    let (kind, bytes) = match found {
        Some(credential) => (0, credential),
        None if policy.by_network => {
            let source = exchange.attributes.source();
            let network = source.map_or_else(Vec::new, |source| {
                Network::of(source, policy.prefixes).as_bytes().to_vec()
            });
            (1, Cow::Owned(network))
        }
        None => return Err(Unknown::Missing),
    };
    let mut hasher = secret.hasher();
    hasher.write_u8(kind);
    hasher.write(&bytes);
    Ok(Key(hasher.finish()))
}

/// The network of an address: its first bits. IPv4 in IPv6 is IPv4.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network([u8; 17]);

impl Network {
    /// The network that an address is in.
    #[must_use]
    pub fn of(address: IpAddr, prefixes: Prefixes) -> Self {
        let (family, bits, address) = match address.to_canonical() {
            IpAddr::V4(address) => (4, prefixes.ipv4, u128::from(address.to_bits()) << 96),
            IpAddr::V6(address) => (6, prefixes.ipv6, address.to_bits()),
        };
        let rest = u128::MAX.checked_shr(u32::from(bits)).unwrap_or(0);
        let mut bytes = [family; 17];
        bytes
            .iter_mut()
            .skip(1)
            .zip((address & !rest).to_be_bytes())
            .for_each(|(place, byte)| *place = byte);
        Self(bytes)
    }

    /// The family, 4 or 6, and the address with all other bits 0.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8] {
        self.0.as_slice()
    }
}

fn credential<'a>(
    exchange: &Exchange<'a>,
    source: &Source,
) -> Result<Option<Cow<'a, [u8]>>, Unknown> {
    match source {
        Source::Header { name, scheme } => {
            let mut values = exchange.values(name);
            let Some(value) = values.next() else {
                return Ok(None);
            };
            // Envoy joins some repeated headers with a comma and leaves others apart.
            if values.next().is_some() || value.contains(&b',') {
                return Err(Unknown::Ambiguous);
            }
            let value = match scheme {
                Some(scheme) => after_scheme(value.trim_ascii(), scheme),
                None => Some(value),
            };
            value.map_or(Ok(None), |value| single(Cow::Borrowed(value)))
        }
        Source::Query(name) => parameter(exchange.query, name)?.map_or(Ok(None), single),
    }
}

/// A credential without the white space around it; `None` if nothing else is there. No credential of RFC 6750 has white
/// space or a comma inside, and origins differ in where they would cut it there, also at a Latin-1 no-break space.
fn single(value: Cow<'_, [u8]>) -> Result<Option<Cow<'_, [u8]>>, Unknown> {
    let trimmed = value.trim_ascii();
    let odd = |byte: u8| {
        byte == b' ' || (0x09..=0x0d).contains(&byte) || matches!(byte, 0x85 | 0xa0 | b',')
    };
    // All bytes, without a way out in between, so that they are looked at sixteen at a time.
    if trimmed.iter().fold(false, |found, &byte| found | odd(byte)) {
        return Err(Unknown::Ambiguous);
    }
    let trimmed = if trimmed.len() == value.len() {
        value
    } else {
        Cow::Owned(trimmed.to_vec())
    };
    Ok(Some(trimmed).filter(|value| !value.is_empty()))
}

/// What follows the scheme of RFC 9110 §11.4, which is compared in any case.
fn after_scheme<'a>(value: &'a [u8], scheme: &[u8]) -> Option<&'a [u8]> {
    let (word, rest) = value.split_at_checked(scheme.len())?;
    let separated = rest
        .first()
        .is_some_and(|&byte| byte == b' ' || byte == b'\t');
    (separated && word.eq_ignore_ascii_case(scheme)).then(|| rest.trim_ascii())
}

/// A parameter's value, decoded as an origin decodes it: one key must not become many by spelling it differently.
fn parameter<'a>(query: &'a [u8], name: &[u8]) -> Result<Option<Cow<'a, [u8]>>, Unknown> {
    let mut found = None;
    for pair in query.split(|&byte| byte == b'&') {
        let mut halves = pair.splitn(2, |&byte| byte == b'=');
        let (this, value) = (
            halves.next().unwrap_or_default(),
            halves.next().unwrap_or_default(),
        );
        if percent_decode(this, true).as_ref() != name || value.is_empty() {
            continue;
        }
        if found.replace(percent_decode(value, true)).is_some() {
            return Err(Unknown::Ambiguous);
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::{Attributes, Foreseen, Model, split_target};

    struct From(&'static str);

    impl Attributes for From {
        fn source(&self) -> Option<IpAddr> {
            self.0.parse().ok()
        }

        fn property(&self, _: &[String]) -> Option<Vec<u8>> {
            None
        }
    }

    fn ask(
        policy: &str,
        target: &str,
        headers: &[(&str, &[u8])],
        source: &'static str,
    ) -> Result<Key, Unknown> {
        let policy = Policy::parse(policy.as_bytes()).unwrap();
        let headers: Vec<(&[u8], &[u8])> = headers
            .iter()
            .map(|&(name, value)| (name.as_bytes(), value))
            .collect();
        let (path, query) = split_target(target.as_bytes());
        let exchange = Exchange {
            method: b"POST",
            path,
            query,
            headers: &headers,
            model: Model::Absent,
            foreseen: Foreseen::default(),
            attributes: &From(source),
        };
        identify(&exchange, &policy, Secret::new(b"0123456789abcdef"))
    }

    const DEFAULT: &str = r#"{"version": 1}"#;

    fn key(target: &str, headers: &[(&str, &[u8])]) -> Result<Key, Unknown> {
        ask(DEFAULT, target, headers, "192.0.2.1")
    }

    #[test]
    fn one_credential_is_one_key_wherever_it_stands() {
        let one = key("/", &[("authorization", b"Bearer sk-one")]);
        assert!(one.is_ok());
        for (target, headers) in [
            ("/", vec![("authorization", b"bearer   sk-one ".as_slice())]),
            ("/", vec![("authorization", b"BEARER\tsk-one")]),
            ("/", vec![("x-api-key", b"sk-one")]),
            (
                "/",
                vec![
                    ("x-api-key", b"sk-one"),
                    ("authorization", b"Bearer sk-one"),
                ],
            ),
            ("/?key=sk-one", vec![]),
            ("/?alt=sse&key=sk%2Done", vec![]),
            ("/?%6bey=%73k-one&key=", vec![]),
            ("/?key=sk-one%20", vec![]),
            ("/?key=+sk-one", vec![]),
            (
                "/",
                vec![
                    ("authorization", b"Bearer sk-one"),
                    ("x-other", b"a"),
                    ("x-other", b"b"),
                ],
            ),
        ] {
            assert_eq!(key(target, &headers), one, "{target} {headers:?}");
        }
        assert_ne!(key("/", &[("authorization", b"Bearer sk-two")]), one);
        assert_ne!(key("/", &[("x-api-key", b"Sk-one")]), one);
    }

    #[test]
    fn what_is_no_credential_is_missing() {
        for (target, headers) in [
            ("/", vec![]),
            ("/?key", vec![]),
            ("/?key=", vec![]),
            ("/?keys=a", vec![]),
            ("/", vec![("authorization", b"".as_slice())]),
            ("/", vec![("authorization", b"Bearer")]),
            ("/", vec![("authorization", b"Bearer  ")]),
            ("/", vec![("authorization", b"Bearersk-one")]),
            ("/", vec![("authorization", b"Basic dXNlcg==")]),
            ("/", vec![("x-api-key", b"  ")]),
            ("/?key=%20", vec![]),
        ] {
            assert_eq!(
                key(target, &headers),
                Err(Unknown::Missing),
                "{target} {headers:?}"
            );
        }
    }

    #[test]
    fn what_could_be_two_credentials_is_ambiguous() {
        for (target, headers) in [
            (
                "/",
                vec![("authorization", b"Bearer one,Bearer two".as_slice())],
            ),
            ("/", vec![("authorization", b"Basic one,Bearer two")]),
            (
                "/",
                vec![
                    ("authorization", b"Bearer one"),
                    ("authorization", b"Bearer two"),
                ],
            ),
            ("/", vec![("x-api-key", b"one"), ("x-api-key", b"one")]),
            ("/", vec![("x-api-key", b"one, two")]),
            (
                "/",
                vec![("authorization", b"Bearer one"), ("x-api-key", b"two")],
            ),
            ("/?key=one&key=two", vec![]),
            ("/?key=one&%6Bey=one", vec![]),
            ("/?key=one", vec![("x-goog-api-key", b"two")]),
            ("/", vec![("authorization", b"Bearer one x1")]),
            ("/", vec![("authorization", b"Bearer one\xa0")]),
            ("/", vec![("x-api-key", b"one\x85")]),
            ("/", vec![("x-api-key", b"one\ttwo")]),
            ("/?key=one%20two", vec![]),
            ("/?key=one%2Ctwo", vec![]),
        ] {
            assert_eq!(
                key(target, &headers),
                Err(Unknown::Ambiguous),
                "{target} {headers:?}"
            );
        }
    }

    #[test]
    fn without_a_credential_a_network_may_be_the_key() {
        const POLICY: &str = r#"{"version": 1, "identity": {"missing": "by_network"}}"#;
        let from = |source| ask(POLICY, "/", &[], source).unwrap();
        assert_eq!(from("192.0.2.1"), from("192.0.2.254"));
        assert_eq!(from("192.0.2.1"), from("::ffff:192.0.2.9"));
        assert_ne!(from("192.0.2.1"), from("192.0.3.1"));
        assert_eq!(from("2001:db8:1::1"), from("2001:db8:1:ffff::9"));
        assert_ne!(from("2001:db8:1::1"), from("2001:db8:2::1"));
        assert_ne!(from("192.0.2.1"), from("unknown"));
        assert_eq!(
            ask(POLICY, "/?key=a&key=b", &[], "192.0.2.1"),
            Err(Unknown::Ambiguous)
        );
    }

    #[test]
    fn any_bytes_are_a_credential() {
        let long = vec![b'k'; 1 << 20];
        assert!(key("/", &[("x-api-key", &[0xff, 0xfe, 0x00])]).is_ok());
        assert!(key("/", &[("x-api-key", &long)]).is_ok());
        for query in [
            "/?%",
            "/?key=%",
            "/?key=%f",
            "/?key=%zz",
            "/?&&=&=%00",
            "/?key=%ff%00+",
        ] {
            let _ = key(query, &[]);
        }
    }

    #[test]
    fn a_secret_is_not_printed() {
        assert_eq!(format!("{:?}", Secret::new(b"hunter2")), "Secret(…)");
    }
}
