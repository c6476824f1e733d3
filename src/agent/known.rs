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

mod sent;
mod stacks;

use super::Agent;
use super::fingerprint::Ja4;
use crate::exchange::Exchange;
use crate::scan::Names;
use sent::{Header, Sent};
use stacks::Stacks;

/// Whether a request comes from other software than its agent: by the fingerprint of its TLS. `ja4` may be anything; what
/// is no JA4, or an unknown one, contradicts nothing.
#[must_use]
pub fn contradicts_ja4(agent: &Agent, ja4: &[u8]) -> bool {
    let (Some(client), Some(ja4)) = (Client::of(agent), Ja4::read(ja4)) else {
        return false;
    };
    stacks::shown_by(&ja4).is_some_and(|shown| !client.stacks.meets(shown))
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

#[cfg(test)]
mod tests;
