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

/// Whether a request comes from other software than its agent: by the fingerprint of its TLS. `ja4` may be anything; what
/// is no JA4, or an unknown one, contradicts nothing.
#[must_use]
pub fn contradicts_ja4(agent: &Agent, ja4: &[u8]) -> bool {
    let (Some(client), Some(ja4)) = (Client::of(agent), Ja4::read(ja4)) else {
        return false;
    };
    let shown = LIBRARIES.iter().find(|library| {
        library.ciphers == ja4.ciphers && (library.extensions.is_none_or(|it| it == ja4.extensions))
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

    /// Whatever runs JavaScript, also in browsers, desktop shells and phones.
    const JAVASCRIPT: Self = Self::UNDICI
        .or(Self::NODE)
        .or(Self::BORING)
        .or(Self::DENO)
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
/// extensions tell.
struct Library {
    ciphers: u64,
    extensions: Option<u64>,
    stacks: Stacks,
}

const fn library(ciphers: u64, stacks: Stacks) -> Library {
    Library {
        ciphers,
        extensions: None,
        stacks,
    }
}

const fn library_with(ciphers: u64, extensions: u64, stacks: Stacks) -> Library {
    Library {
        ciphers,
        extensions: Some(extensions),
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
struct Client {
    family: &'static str,
    stacks: Stacks,
    habit: Habit,
}

const fn client(family: &'static str, stacks: Stacks, habit: Habit) -> Client {
    Client {
        family,
        stacks,
        habit,
    }
}

const PYTHON_SDK: Habit = Habit::Language(b"python");
const JS_SDK: Habit = Habit::LanguageIfAny(b"js");
const GO_SDK: Habit = Habit::LanguageIfAny(b"go");

/// All known families. Who brings their own TLS (a `requests` with another adapter, an app in a browser's clothes) says
/// two things, and is found out.
const CLIENTS: [Client; 24] = [
    client("openai-python", Stacks::PYTHON, PYTHON_SDK),
    client("anthropic-python", Stacks::PYTHON, PYTHON_SDK),
    client(
        "google-genai-python",
        Stacks::PYTHON.or(Stacks::REQUESTS),
        Habit::GoogleClient,
    ),
    client("openai-js", Stacks::JAVASCRIPT, JS_SDK),
    client("anthropic-js", Stacks::JAVASCRIPT, JS_SDK),
    client("google-genai-js", Stacks::JAVASCRIPT, Habit::GoogleClient),
    client("openai-go", Stacks::GO, GO_SDK),
    client("anthropic-go", Stacks::GO, GO_SDK),
    client(
        "python-requests",
        Stacks::REQUESTS,
        Habit::LanguageIfAny(b"python"),
    ),
    client(
        "python-httpx",
        Stacks::PYTHON,
        Habit::LanguageIfAny(b"python"),
    ),
    client(
        "python-urllib",
        Stacks::PYTHON,
        Habit::LanguageIfAny(b"python"),
    ),
    client("aiohttp", Stacks::PYTHON, Habit::LanguageIfAny(b"python")),
    client("node", Stacks::UNDICI.or(Stacks::NODE), JS_SDK),
    client(
        "node-fetch",
        Stacks::NODE.or(Stacks::BORING).or(Stacks::DENO),
        JS_SDK,
    ),
    client(
        "axios",
        Stacks::NODE
            .or(Stacks::UNDICI)
            .or(Stacks::BORING)
            .or(Stacks::DENO),
        JS_SDK,
    ),
    client("bun", Stacks::BORING, JS_SDK),
    client("deno", Stacks::DENO, JS_SDK),
    client("go-http-client", Stacks::GO, GO_SDK),
    client("reqwest", Stacks::RUSTLS, Habit::None),
    client(
        "curl",
        // It can be built on any of these.
        Stacks::CURL
            .or(Stacks::RUSTLS)
            .or(Stacks::BORING)
            .or(Stacks::APPLE),
        Habit::None,
    ),
    client("chrome", Stacks::CHROMIUM, Habit::Chromium),
    client("edge", Stacks::CHROMIUM, Habit::Chromium),
    client("firefox", Stacks::FIREFOX, Habit::Firefox),
    client("safari", Stacks::APPLE, Habit::None),
];

impl Client {
    fn of(agent: &Agent) -> Option<&'static Self> {
        let family = agent.family();
        CLIENTS.iter().find(|client| client.family == family)
    }

    /// Whether something is not there that this client always sends, or says another thing.
    fn lacks(&self, sent: &Sent<'_>, version: &str) -> bool {
        // What an agent's text can hold is all that can be compared.
        let other = |said: &[u8]| {
            said.len() < 32 && !said.eq_ignore_ascii_case(version.as_bytes()) && !version.is_empty()
        };
        match self.habit {
            Habit::None => false,
            Habit::Language(language) => {
                sent.language
                    .is_none_or(|said| !said.eq_ignore_ascii_case(language))
                    || sent.package_version.is_some_and(other)
            }
            Habit::LanguageIfAny(language) => sent
                .language
                .is_some_and(|said| !said.eq_ignore_ascii_case(language)),
            Habit::GoogleClient => sent.google_version().is_none_or(other),
            Habit::Chromium => {
                sent.is_page_traffic(version, 90) && sent.fetch_mode.is_none() && !sent.client_hints
            }
            Habit::Firefox => sent.is_page_traffic(version, 90) && sent.fetch_mode.is_none(),
        }
    }
}

/// What of a request's headers tells who sent it.
#[derive(Default)]
struct Sent<'a> {
    language: Option<&'a [u8]>,
    package_version: Option<&'a [u8]>,
    google_client: Option<&'a [u8]>,
    accept_language: Option<&'a [u8]>,
    accept_encoding: Option<&'a [u8]>,
    fetch_mode: Option<&'a [u8]>,
    fetch_site: bool,
    client_hints: bool,
    web_socket: bool,
    tls: bool,
    /// How far the headers have followed the order in which requests, and curl with an `accept` of its own, sends
    /// `user-agent`, `accept-encoding` and `accept`: 3 if they have to the end.
    order: u8,
}

impl<'a> Sent<'a> {
    fn read(exchange: &Exchange<'a>) -> Self {
        let mut sent = Self::default();
        for &(name, value) in exchange.headers {
            match name {
                b"user-agent" => sent.step(0),
                b"accept-encoding" => {
                    sent.step(1);
                    sent.accept_encoding = Some(value);
                }
                b"accept" => sent.step(2),
                b"accept-language" => sent.accept_language = Some(value),
                b"sec-fetch-mode" => sent.fetch_mode = Some(value),
                b"sec-fetch-site" => sent.fetch_site = true,
                b"sec-ch-ua" => sent.client_hints = true,
                b"sec-websocket-key" => sent.web_socket = true,
                b"x-forwarded-proto" => sent.tls = value == b"https",
                b"x-stainless-lang" => sent.language = Some(value),
                b"x-stainless-package-version" => sent.package_version = Some(value),
                b"x-goog-api-client" => sent.google_client = Some(value),
                _ => {}
            }
        }
        sent
    }

    /// Goes on in the order, or leaves it for good.
    const fn step(&mut self, place: u8) {
        self.order = if self.order == place {
            place.saturating_add(1)
        } else {
            u8::MAX
        };
    }

    /// The libraries of which one must have sent this.
    fn stacks(&self) -> Stacks {
        if self.client_hints {
            return Stacks::CHROMIUM;
        }
        if self.accept_language == Some(b"*") {
            if self.fetch_mode == Some(b"cors") && !self.fetch_site {
                return Stacks::UNDICI;
            }
            if self.accept_encoding == Some(b"gzip,br") {
                return Stacks::DENO;
            }
        }
        if self.order == 3 && self.fetch_mode.is_none() && self.accept_language.is_none() {
            return Stacks::REQUESTS.or(Stacks::CURL);
        }
        Stacks::NONE
    }

    /// The version that Google's SDK gives of itself beside its `user-agent`.
    fn google_version(&self) -> Option<&'a [u8]> {
        let mut words = self.google_client?.split(|&byte| byte == b' ');
        words.find_map(|word| word.strip_prefix(b"google-genai-sdk/"))
    }

    /// Whether a browser, if it is at least this new, adds to this request what it adds for pages over TLS.
    fn is_page_traffic(&self, version: &str, since: u32) -> bool {
        self.tls && !self.web_socket && version.parse().is_ok_and(|major: u32| major >= since)
    }
}

#[cfg(test)]
mod tests;
