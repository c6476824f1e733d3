//! What of a request's headers tells who sent it.

use super::stacks::Stacks;
use crate::exchange::Exchange;
use crate::scan::Names;

/// A header that tells something of who sent it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Header {
    AcceptEncoding,
    AcceptLanguage,
    FetchMode,
    FetchSite,
    ClientHints,
    WebSocket,
    Proto,
    Language,
    PackageVersion,
    GoogleClient,
}

const HEADERS: Names<Header, 10> = Names::new([
    ("sec-ch-ua", Header::ClientHints),
    ("sec-fetch-mode", Header::FetchMode),
    ("sec-fetch-site", Header::FetchSite),
    ("accept-encoding", Header::AcceptEncoding),
    ("accept-language", Header::AcceptLanguage),
    ("x-stainless-lang", Header::Language),
    ("sec-websocket-key", Header::WebSocket),
    ("x-forwarded-proto", Header::Proto),
    ("x-goog-api-client", Header::GoogleClient),
    ("x-stainless-package-version", Header::PackageVersion),
]);

/// What of a request's headers tells who sent it.
pub(super) struct Sent<'a> {
    /// The last value of each [`Header`].
    values: [Option<&'a [u8]>; 10],
    /// Whether it begins as requests does, and curl with an `accept` of its own: with `user-agent`, `accept-encoding` and
    /// `accept`. Elsewhere than at the beginning that may be chance: a gateway in Go mixes headers anew each time.
    as_requests: bool,
}

impl<'a> Sent<'a> {
    pub(super) fn read(exchange: &Exchange<'a>) -> Self {
        let mut sent = Self {
            values: [None; 10],
            as_requests: false,
        };
        let names = exchange.headers.iter().map(|(name, _)| *name);
        let mut own = names.filter(|name| *name != b"host" && name.first() != Some(&b':'));
        sent.as_requests = REQUESTS.iter().all(|name| own.next() == Some(*name));
        for &(name, value) in exchange.headers {
            let Some(header) = HEADERS.find(name) else {
                continue;
            };
            if let Some(slot) = sent.values.get_mut(header as usize) {
                *slot = Some(value);
            }
        }
        sent
    }

    pub(super) fn value(&self, header: Header) -> Option<&'a [u8]> {
        *self.values.get(header as usize)?
    }

    pub(super) fn has(&self, header: Header) -> bool {
        self.value(header).is_some()
    }

    fn says(&self, header: Header, value: &[u8]) -> bool {
        self.value(header) == Some(value)
    }

    /// The libraries of which one must have sent this; none if it could be any.
    pub(super) fn stacks(&self) -> Stacks {
        if self.has(Header::ClientHints) {
            return Stacks::CHROMIUM;
        }
        if self.says(Header::AcceptLanguage, b"*") {
            if self.says(Header::FetchMode, b"cors") && !self.has(Header::FetchSite) {
                return Stacks::UNDICI;
            }
            if self.says(Header::AcceptEncoding, b"gzip,br") {
                return Stacks::DENO;
            }
        }
        if self.as_requests && !self.has(Header::FetchMode) && !self.has(Header::AcceptLanguage) {
            return Stacks::REQUESTS.or(Stacks::CURL);
        }
        Stacks::NONE
    }

    /// The version that Google's SDK gives of itself beside its `user-agent`.
    pub(super) fn google_version(&self) -> Option<&'a [u8]> {
        let mut words = self
            .value(Header::GoogleClient)?
            .split(|&byte| byte == b' ');
        words.find_map(|word| word.strip_prefix(b"google-genai-sdk/"))
    }

    /// Whether what a request is for is not said, which browsers of the last years do over TLS.
    pub(super) fn lacks_metadata(&self, version: &str) -> bool {
        !self.has(Header::FetchMode)
            && !self.has(Header::WebSocket)
            && self.says(Header::Proto, b"https")
            && version.parse().is_ok_and(|major: u32| major >= 90)
    }
}

/// The order in which requests sends what it always sends.
const REQUESTS: [&[u8]; 3] = [b"user-agent", b"accept-encoding", b"accept"];
