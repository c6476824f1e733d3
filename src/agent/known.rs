//! Known clients: what each really runs on, and what of a request does not go with what it says it is.
//!
//! Only what is known to be impossible is a contradiction. An agent, a fingerprint or a header that is not in these
//! tables contradicts nothing, and neither does a client that runs on something plausible that nobody measured.
//! `tests/clients` has measured what is here, with versions, and measures it again.
//!
//! **What looks like a contradiction and is none.** Whoever ends TLS on a client's behalf (a gateway, a virus scanner, a
//! company's proxy) shakes hands in its own way and passes on the client's headers. Most of these are unknown here, and
//! OpenSSL's default ciphers, which many of them offer, are left out of the table on purpose; one that is written in Go
//! or Java is not told from a client that lies. So `tag` or `verify` fits a contradiction better than `deny`, and a
//! gateway's network belongs into the rule's `except`.

use super::Agent;
use super::fingerprint::Ja4;
use crate::exchange::Exchange;
use crate::scan::Names;

/// Whether a request comes from other software than its agent: by the fingerprint of its TLS. `ja4` may be anything; what
/// is no JA4, or an unknown one, contradicts nothing.
#[must_use]
pub fn contradicts_ja4(agent: &Agent, ja4: &[u8]) -> bool {
    let (Some(client), Some(ja4)) = (Client::of(agent), Ja4::read(ja4)) else {
        return false;
    };
    let shown = LIBRARIES.iter().find(|library| {
        library.ciphers == ja4.ciphers
            && (library.extensions == ANY || library.extensions == ja4.extensions)
    });
    shown.is_some_and(|library| !client.stacks.meets(library.stacks))
}

/// Whether a request comes from other software than its agent: by its headers. Those must be as the client sent them,
/// with what the host added; a request whose `x-forwarded-proto` is not `https` is not held to what browsers send only
/// over TLS.
#[must_use]
pub fn contradicts_headers(agent: &Agent, exchange: &Exchange<'_>) -> bool {
    let Some(client) = Client::of(agent) else {
        return false;
    };
    let sent = Sent::read(exchange);
    let shown = sent.stacks();
    (shown != Stacks::NONE && !client.stacks.meets(shown)) || client.lacks(&sent, agent.version())
}

/// Libraries that speak TLS and HTTP, as a set.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Stacks(u16);

impl Stacks {
    const NONE: Self = Self(0);
    /// httpx, aiohttp and urllib, on Python's `ssl`.
    const PYTHON: Self = Self(1);
    /// requests, on Python's `ssl` too.
    const REQUESTS: Self = Self(1 << 1);
    /// Node's `fetch`.
    const UNDICI: Self = Self(1 << 2);
    /// Node's `https`.
    const NODE: Self = Self(1 << 3);
    /// BoringSSL as it comes, as in Bun.
    const BORING: Self = Self(1 << 4);
    /// Deno, on rustls.
    const DENO: Self = Self(1 << 5);
    /// Whatever else is on rustls.
    const RUSTLS: Self = Self(1 << 6);
    /// Go's `net/http`.
    const GO: Self = Self(1 << 7);
    /// Java's own TLS.
    const JAVA: Self = Self(1 << 8);
    /// Chromium and what is built on it; OkHttp on Android offers the same ciphers.
    const CHROMIUM: Self = Self(1 << 9);
    const FIREFOX: Self = Self(1 << 10);
    /// Safari and all else on Apple's own TLS.
    const APPLE: Self = Self(1 << 11);
    /// libcurl.
    const CURL: Self = Self(1 << 12);

    /// What runs JavaScript on a server.
    const SERVER_JAVASCRIPT: Self = Self::UNDICI.or(Self::NODE).or(Self::BORING).or(Self::DENO);

    /// Whatever runs JavaScript, also in browsers, desktop shells and phones.
    const JAVASCRIPT: Self = Self::SERVER_JAVASCRIPT
        .or(Self::RUSTLS)
        .or(Self::CHROMIUM)
        .or(Self::FIREFOX)
        .or(Self::APPLE);

    const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    const fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}

/// What of a JA4 stays the same from version to version of a library: the ciphers. Where several share them, the
/// extensions tell; elsewhere they are [`ANY`].
struct Library {
    ciphers: u64,
    extensions: u64,
    stacks: Stacks,
}

/// More than twelve digits.
const ANY: u64 = u64::MAX;

const fn library(ciphers: u64, stacks: Stacks) -> Library {
    library_with(ciphers, ANY, stacks)
}

const fn library_with(ciphers: u64, extensions: u64, stacks: Stacks) -> Library {
    Library {
        ciphers,
        extensions,
        stacks,
    }
}

/// All libraries whose handshake is known. `e8f1e7e78f70`, OpenSSL's default, is not among them: curl, Python before 3.10,
/// nginx, squid and half the world have it.
const LIBRARIES: [Library; 15] = [
    // Python 3.11 and 3.13; 3.9 with httpx, and with urllib3 1.26.
    library(0x8503_6bcb_a153, Stacks::PYTHON.or(Stacks::REQUESTS)),
    library(0xc788_6603_b240, Stacks::PYTHON.or(Stacks::REQUESTS)),
    // Node 18 and 20; 22, 24 and 26.
    library(0xa337_4502_2dd6, Stacks::UNDICI.or(Stacks::NODE)),
    library(0xb262_b365_8495, Stacks::UNDICI.or(Stacks::NODE)),
    // Deno 2.9; reqwest 0.12 with ring and 0.13 with aws-lc-rs.
    library(0x61a7_ad8a_a9b6, Stacks::RUSTLS.or(Stacks::DENO)),
    // Go 1.19 to 1.26; 1.27.
    library(0x9dc9_4914_9365, Stacks::GO),
    library(0xf57a_46bb_acb6, Stacks::GO),
    // OpenJDK 17.
    library(0xdb35_923f_8641, Stacks::JAVA),
    // Chromium 156, and 101 to 146 as curl_cffi imitates them.
    library(0x8daa_f615_2771, Stacks::CHROMIUM),
    // Firefox 153.
    library(0x86a2_7835_4501, Stacks::FIREFOX),
    // Firefox 133 and 147 as curl_cffi imitates them, and Bun 1.4: the same ciphers.
    library_with(0x5b57_614c_22b0, 0xeeee_a656_2960, Stacks::FIREFOX),
    library_with(0x5b57_614c_22b0, 0x3cbf_d905_7e0d, Stacks::FIREFOX),
    library_with(0x5b57_614c_22b0, 0x7f52_7383_e249, Stacks::BORING),
    // Safari 18 and 26, and 15.3, as curl_cffi imitates them.
    library(0xa09f_3c65_6075, Stacks::APPLE),
    library(0x2802_a3db_6c62, Stacks::APPLE),
];

/// What a client's own code always sends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Habit {
    None,
    /// Its language in `x-stainless-lang`.
    Language(&'static [u8]),
    /// The same, unless an application took it away, as those in browsers must to ask across origins.
    LanguageIfAny(&'static [u8]),
    /// Its `user-agent` once more in `x-goog-api-client`.
    GoogleClient,
    /// What Chromium says about itself and about what a request is for, at least one of the two.
    Chromium,
    /// What a request is for.
    Firefox,
}

/// A family of agents.
#[derive(Clone, Copy)]
struct Client {
    stacks: Stacks,
    habit: Habit,
}

const fn client(stacks: Stacks, habit: Habit) -> Client {
    Client { stacks, habit }
}

const BROWSER: Client = client(Stacks::CHROMIUM, Habit::Chromium);
const PYTHON: Client = client(Stacks::PYTHON, Habit::LanguageIfAny(b"python"));
const PYTHON_SDK: Client = client(Stacks::PYTHON, Habit::Language(b"python"));
const JS: Habit = Habit::LanguageIfAny(b"js");
const JS_SDK: Client = client(Stacks::JAVASCRIPT, JS);
const GO: Client = client(Stacks::GO, Habit::LanguageIfAny(b"go"));

/// All known families. Who brings their own TLS (a `requests` with another adapter, an app in a browser's clothes) says
/// two things, and is found out.
const CLIENTS: Names<Client, 25> = Names::new([
    ("bun", client(Stacks::BORING, JS)),
    ("node", client(Stacks::UNDICI.or(Stacks::NODE), JS)),
    ("deno", client(Stacks::DENO, JS)),
    (
        "curl",
        // It can be built on any of these.
        client(
            Stacks::CURL
                .or(Stacks::RUSTLS)
                .or(Stacks::BORING)
                .or(Stacks::APPLE),
            Habit::None,
        ),
    ),
    ("edge", BROWSER),
    ("axios", client(Stacks::SERVER_JAVASCRIPT, JS)),
    ("chrome", BROWSER),
    ("safari", client(Stacks::APPLE, Habit::None)),
    ("aiohttp", PYTHON),
    ("reqwest", client(Stacks::RUSTLS, Habit::None)),
    ("firefox", client(Stacks::FIREFOX, Habit::Firefox)),
    ("openai-js", JS_SDK),
    ("openai-go", GO),
    ("node-fetch", client(Stacks::SERVER_JAVASCRIPT, JS)),
    ("anthropic-js", JS_SDK),
    ("anthropic-go", GO),
    ("python-httpx", PYTHON),
    ("openai-python", PYTHON_SDK),
    ("python-urllib", PYTHON),
    ("go-http-client", GO),
    (
        "google-genai-js",
        client(Stacks::JAVASCRIPT, Habit::GoogleClient),
    ),
    ("python-requests", client(Stacks::REQUESTS, PYTHON.habit)),
    ("headless-chrome", BROWSER),
    ("anthropic-python", PYTHON_SDK),
    (
        "google-genai-python",
        client(Stacks::PYTHON.or(Stacks::REQUESTS), Habit::GoogleClient),
    ),
]);

impl Client {
    fn of(agent: &Agent) -> Option<Self> {
        CLIENTS.find(agent.family().as_bytes())
    }

    /// Whether something is not there that this client always sends, or says another thing.
    fn lacks(self, sent: &Sent<'_>, version: &str) -> bool {
        let said = sent.value(Header::Language);
        match self.habit {
            Habit::None => false,
            Habit::Language(language) => {
                said != Some(language)
                    || sent
                        .value(Header::PackageVersion)
                        .is_some_and(|said| differ(said, version))
            }
            Habit::LanguageIfAny(language) => said.is_some_and(|said| said != language),
            Habit::GoogleClient => sent
                .google_version()
                .is_none_or(|said| differ(said, version)),
            Habit::Chromium => !sent.has(Header::ClientHints) && sent.lacks_metadata(version),
            Habit::Firefox => sent.lacks_metadata(version),
        }
    }
}

/// Whether two versions of a client are not one. What an agent cannot hold whole is not compared.
fn differ(said: &[u8], version: &str) -> bool {
    said.len() < 32 && !version.is_empty() && !said.eq_ignore_ascii_case(version.as_bytes())
}

/// A header that tells something of who sent it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Header {
    UserAgent,
    AcceptEncoding,
    Accept,
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

const HEADERS: Names<Header, 12> = Names::new([
    ("accept", Header::Accept),
    ("sec-ch-ua", Header::ClientHints),
    ("user-agent", Header::UserAgent),
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
struct Sent<'a> {
    /// The last value of each [`Header`].
    values: [Option<&'a [u8]>; 12],
    /// The first three of `user-agent`, `accept-encoding` and `accept`, in their order.
    order: [Option<Header>; 3],
}

impl<'a> Sent<'a> {
    fn read(exchange: &Exchange<'a>) -> Self {
        let mut sent = Self {
            values: [None; 12],
            order: [None; 3],
        };
        let mut places = sent.order.iter_mut();
        for &(name, value) in exchange.headers {
            let Some(header) = HEADERS.find(name) else {
                continue;
            };
            if let Some(slot) = sent.values.get_mut(header as usize) {
                *slot = Some(value);
            }
            if header as usize <= Header::Accept as usize
                && let Some(place) = places.next()
            {
                *place = Some(header);
            }
        }
        sent
    }

    fn value(&self, header: Header) -> Option<&'a [u8]> {
        *self.values.get(header as usize)?
    }

    fn has(&self, header: Header) -> bool {
        self.value(header).is_some()
    }

    fn says(&self, header: Header, value: &[u8]) -> bool {
        self.value(header) == Some(value)
    }

    /// The libraries of which one must have sent this; none if it could be any.
    fn stacks(&self) -> Stacks {
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
        // So does curl, if it is given an `accept` of its own.
        if self.order == REQUESTS
            && !self.has(Header::FetchMode)
            && !self.has(Header::AcceptLanguage)
        {
            return Stacks::REQUESTS.or(Stacks::CURL);
        }
        Stacks::NONE
    }

    /// The version that Google's SDK gives of itself beside its `user-agent`.
    fn google_version(&self) -> Option<&'a [u8]> {
        let mut words = self
            .value(Header::GoogleClient)?
            .split(|&byte| byte == b' ');
        words.find_map(|word| word.strip_prefix(b"google-genai-sdk/"))
    }

    /// Whether what a request is for is not said, which browsers of the last years do over TLS.
    fn lacks_metadata(&self, version: &str) -> bool {
        !self.has(Header::FetchMode)
            && !self.has(Header::WebSocket)
            && self.says(Header::Proto, b"https")
            && version.parse().is_ok_and(|major: u32| major >= 90)
    }
}

/// The order in which requests sends what it always sends.
const REQUESTS: [Option<Header>; 3] = [
    Some(Header::UserAgent),
    Some(Header::AcceptEncoding),
    Some(Header::Accept),
];

#[cfg(test)]
mod tests;
