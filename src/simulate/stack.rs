//! Client software: what each kind sends beside the body, in its own order, and how it shakes hands. `tests/clients` has
//! measured these.

use super::random::{Random, within};

/// A value of a header.
#[derive(Debug, Clone, Copy)]
pub(super) enum Value {
    Is(&'static str),
    /// `Bearer` and the secret.
    Bearer,
    /// The secret alone.
    Secret,
    /// The length of the body.
    Length,
}

/// A kind of client software.
#[derive(Debug)]
pub(super) struct Stack {
    pub(super) ja4: &'static str,
    /// Whether it speaks Anthropic's API, not OpenAI's.
    pub(super) messages: bool,
    pub(super) headers: &'static [(&'static str, Value)],
}

const PYTHON_TLS: &str = "t13d1812h1_85036bcba153_d41ae481755e";
const OLD_PYTHON_TLS: &str = "t13d4313h1_c7886603b240_d339722ba4af";
const REQUESTS_TLS: &str = "t13d1812h1_85036bcba153_b26ce05bbdd6";
const NODE_20_TLS: &str = "t13d5911h1_a33745022dd6_1f22a2ca17c4";
const NODE_TLS: &str = "t13d5212h1_b262b3658495_8e6e362c5eac";
const BUN_TLS: &str = "t13d1713h1_5b57614c22b0_7f527383e249";
const GO_TLS: &str = "t13d1312h2_f57a46bbacb6_a089bac06eae";
const RUST_TLS: &str = "t13d1011h2_61a7ad8aa9b6_0d308c48d2a3";
const CHROMIUM_TLS: &str = "t13d1517h2_8daaf6152771_61307d0e143d";

const HOST: (&str, Value) = ("host", Value::Is("api.example.com"));
const PROTO: (&str, Value) = ("x-forwarded-proto", Value::Is("https"));
const BEARER: (&str, Value) = ("authorization", Value::Bearer);
const API_KEY: (&str, Value) = ("x-api-key", Value::Secret);
const LENGTH: (&str, Value) = ("content-length", Value::Length);
const JSON: (&str, Value) = is("content-type", "application/json");

const fn is(name: &'static str, value: &'static str) -> (&'static str, Value) {
    (name, Value::Is(value))
}

/// What OpenAI's SDK for Python sends.
macro_rules! openai_python {
    ($tls:expr, $agent:literal, $version:literal, $python:literal, $os:literal) => {
        Stack {
            ja4: $tls,
            messages: false,
            headers: &[
                HOST,
                is("accept-encoding", "gzip, deflate"),
                is("accept", "application/json"),
                JSON,
                is("user-agent", $agent),
                is("x-stainless-lang", "python"),
                is("x-stainless-package-version", $version),
                is("x-stainless-os", $os),
                is("x-stainless-arch", "x64"),
                is("x-stainless-runtime", "CPython"),
                is("x-stainless-runtime-version", $python),
                BEARER,
                is("x-stainless-async", "false"),
                is("x-stainless-retry-count", "0"),
                is("x-stainless-read-timeout", "600"),
                LENGTH,
                PROTO,
            ],
        }
    };
}

/// What OpenAI's SDK for JavaScript sends from Node.
macro_rules! openai_js {
    ($tls:expr, $agent:literal, $version:literal, $node:literal, $os:literal) => {
        Stack {
            ja4: $tls,
            messages: false,
            headers: &[
                HOST,
                is("accept", "application/json"),
                is("user-agent", $agent),
                is("x-stainless-retry-count", "0"),
                is("x-stainless-lang", "js"),
                is("x-stainless-package-version", $version),
                is("x-stainless-os", $os),
                is("x-stainless-arch", "x64"),
                is("x-stainless-runtime", "node"),
                is("x-stainless-runtime-version", $node),
                BEARER,
                JSON,
                is("accept-language", "*"),
                is("sec-fetch-mode", "cors"),
                is("accept-encoding", "br, gzip, deflate"),
                LENGTH,
                PROTO,
            ],
        }
    };
}

/// What Anthropic's SDK for Python sends.
macro_rules! anthropic_python {
    ($tls:expr, $agent:literal, $version:literal, $python:literal) => {
        Stack {
            ja4: $tls,
            messages: true,
            headers: &[
                HOST,
                is("accept-encoding", "gzip, deflate"),
                is("x-stainless-timeout", "600"),
                is("accept", "application/json"),
                JSON,
                is("user-agent", $agent),
                is("x-stainless-lang", "python"),
                is("x-stainless-package-version", $version),
                is("x-stainless-os", "Linux"),
                is("x-stainless-arch", "x64"),
                is("x-stainless-runtime", "CPython"),
                is("x-stainless-runtime-version", $python),
                API_KEY,
                is("x-stainless-async", "false"),
                is("anthropic-version", "2023-06-01"),
                is("x-stainless-retry-count", "0"),
                is("x-stainless-read-timeout", "600"),
                LENGTH,
                PROTO,
            ],
        }
    };
}

/// What an agent of its own name sends over Node, Bun, Go or Rust.
macro_rules! agent {
    ($tls:expr, $messages:literal, $agent:literal) => {
        Stack {
            ja4: $tls,
            messages: $messages,
            headers: &[
                HOST,
                is("accept", "application/json"),
                JSON,
                BEARER,
                is("user-agent", $agent),
                is("accept-encoding", "gzip, deflate, br"),
                LENGTH,
                PROTO,
            ],
        }
    };
}

/// SDKs and libraries, what most use first.
const COMMON: [Stack; 16] = [
    openai_python!(
        PYTHON_TLS,
        "OpenAI/Python 2.8.1",
        "2.8.1",
        "3.11.7",
        "Linux"
    ),
    openai_js!(NODE_TLS, "OpenAI/JS 6.9.1", "6.9.1", "v24.21.0", "Linux"),
    anthropic_python!(PYTHON_TLS, "Anthropic/Python 0.74.1", "0.74.1", "3.11.7"),
    openai_python!(
        PYTHON_TLS,
        "OpenAI/Python 3.54.0",
        "3.54.0",
        "3.13.0",
        "MacOS"
    ),
    Stack {
        ja4: REQUESTS_TLS,
        messages: false,
        headers: &[
            HOST,
            is("user-agent", "python-requests/2.32.5"),
            is("accept-encoding", "gzip, deflate"),
            is("accept", "*/*"),
            BEARER,
            LENGTH,
            JSON,
            PROTO,
        ],
    },
    openai_js!(NODE_20_TLS, "OpenAI/JS 6.9.1", "6.9.1", "v20.20.2", "MacOS"),
    openai_python!(
        OLD_PYTHON_TLS,
        "OpenAI/Python 1.40.0",
        "1.40.0",
        "3.9.18",
        "Linux"
    ),
    Stack {
        ja4: NODE_TLS,
        messages: true,
        headers: &[
            HOST,
            is("accept", "application/json"),
            is("user-agent", "Anthropic/JS 1.12.0"),
            is("x-stainless-retry-count", "0"),
            is("x-stainless-timeout", "600"),
            is("x-stainless-lang", "js"),
            is("x-stainless-package-version", "1.12.0"),
            is("x-stainless-os", "Linux"),
            is("x-stainless-arch", "x64"),
            is("x-stainless-runtime", "node"),
            is("x-stainless-runtime-version", "v22.23.3"),
            is("anthropic-version", "2026-10-21"),
            BEARER,
            JSON,
            is("accept-language", "*"),
            is("sec-fetch-mode", "cors"),
            is("accept-encoding", "br, gzip, deflate"),
            LENGTH,
            PROTO,
        ],
    },
    Stack {
        ja4: GO_TLS,
        messages: false,
        headers: &[
            HOST,
            BEARER,
            JSON,
            LENGTH,
            is("accept-encoding", "gzip"),
            is("user-agent", "Go-http-client/2.0"),
            PROTO,
        ],
    },
    Stack {
        ja4: PYTHON_TLS,
        messages: false,
        headers: &[
            HOST,
            BEARER,
            is("accept", "*/*"),
            is("accept-encoding", "gzip, deflate"),
            is("user-agent", "Python/3.11 aiohttp/3.13.2"),
            LENGTH,
            JSON,
            PROTO,
        ],
    },
    Stack {
        ja4: CHROMIUM_TLS,
        messages: false,
        headers: &[
            HOST,
            LENGTH,
            is("sec-ch-ua-platform", "\"Windows\""),
            BEARER,
            is(
                "user-agent",
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36",
            ),
            is(
                "sec-ch-ua",
                "\"Not:A-Brand\";v=\"8\", \"Chromium\";v=\"156\"",
            ),
            JSON,
            is("sec-ch-ua-mobile", "?0"),
            is("accept", "*/*"),
            is("sec-fetch-site", "cross-site"),
            is("sec-fetch-mode", "cors"),
            is("sec-fetch-dest", "empty"),
            is("accept-encoding", "gzip, deflate, br, zstd"),
            is("accept-language", "en-US,en;q=0.9"),
            is("priority", "u=1, i"),
            PROTO,
        ],
    },
    agent!(NODE_20_TLS, false, "axios/1.21.1"),
    anthropic_python!(
        OLD_PYTHON_TLS,
        "Anthropic/Python 0.34.0",
        "0.34.0",
        "3.9.18"
    ),
    Stack {
        ja4: RUST_TLS,
        messages: false,
        headers: &[
            HOST,
            BEARER,
            JSON,
            is("accept", "*/*"),
            is("user-agent", "reqwest/0.13.5"),
            LENGTH,
            PROTO,
        ],
    },
    openai_python!(
        PYTHON_TLS,
        "OpenAI/Python 2.8.1",
        "2.8.1",
        "3.13.0",
        "Windows"
    ),
    openai_js!(
        NODE_TLS,
        "OpenAI/JS 7.57.0",
        "7.57.0",
        "v26.10.0",
        "Windows"
    ),
];

/// Agents that many people run.
const AGENTS: [Stack; 4] = [
    agent!(NODE_TLS, true, "treadle-cli/2.14.0 (external, cli)"),
    agent!(BUN_TLS, false, "quillshell/0.31.2"),
    agent!(RUST_TLS, false, "anvil_cli_rs/0.58.0"),
    agent!(GO_TLS, true, "harrow/1.7.5"),
];

/// How many [`common`] stacks there are.
pub(super) const COMMON_STACKS: u32 = COMMON.len() as u32;

/// The stack that most have.
pub(super) const fn any() -> &'static Stack {
    const FIRST: &Stack = &openai_python!(
        PYTHON_TLS,
        "OpenAI/Python 2.8.1",
        "2.8.1",
        "3.11.7",
        "Linux"
    );
    FIRST
}

/// A stack by its number, which begins again after the last.
pub(super) fn common(number: u32) -> &'static Stack {
    COMMON
        .get((number % COMMON_STACKS) as usize)
        .unwrap_or_else(|| any())
}

/// What an agent sends, by its number.
pub(super) fn agent(number: u32) -> &'static Stack {
    AGENTS
        .get(within(u64::from(number), AGENTS.len() as u32) as usize)
        .unwrap_or_else(|| any())
}

/// The number of a stack as people choose them.
pub(super) fn popular(random: &mut Random) -> u32 {
    random.early(COMMON_STACKS)
}
