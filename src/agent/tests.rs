use core::net::IpAddr;

use proptest::prelude::*;

use super::*;
use crate::exchange::{Attributes, Foreseen, Model};

pub(super) struct Nowhere;

impl Attributes for Nowhere {
    fn source(&self) -> Option<IpAddr> {
        None
    }

    fn property(&self, _: &[String]) -> Option<Vec<u8>> {
        None
    }
}

/// A request with these headers.
pub(super) fn exchange<'a>(headers: &'a [(&'a [u8], &'a [u8])]) -> Exchange<'a> {
    Exchange {
        method: b"POST",
        path: b"/v1/chat/completions",
        query: b"",
        headers,
        model: Model::Absent,
        foreseen: Foreseen::default(),
        attributes: &Nowhere,
    }
}

fn said_by(headers: &[(&str, &[u8])]) -> Option<String> {
    let headers: Vec<(&[u8], &[u8])> = headers
        .iter()
        .map(|&(name, value)| (name.as_bytes(), value))
        .collect();
    of(&exchange(&headers)).map(|agent| agent.text().to_owned())
}

fn said(user_agent: &str) -> String {
    said_by(&[("user-agent", user_agent.as_bytes())]).unwrap_or_default()
}

#[test]
fn user_agents_as_they_were_captured() {
    for (user_agent, agent) in [
        ("OpenAI/Python 3.54.0", "openai-python/3.54.0"),
        ("AsyncOpenAI/Python 1.40.0", "openai-python/1.40.0"),
        ("Anthropic/Python 2.12.0", "anthropic-python/2.12.0"),
        ("AsyncAnthropic/Python 0.74.1", "anthropic-python/0.74.1"),
        ("OpenAI/JS 7.57.0", "openai-js/7.57.0"),
        ("Anthropic/JS 0.71.1", "anthropic-js/0.71.1"),
        (
            "google-genai-sdk/1.2.0 gl-python/3.9.18",
            "google-genai-python/1.2.0",
        ),
        (
            "google-genai-sdk/3.1.0 gl-node/v20.20.2",
            "google-genai-js/3.1.0",
        ),
        ("python-requests/2.31.0", "python-requests/2.31.0"),
        ("Python/3.11 aiohttp/3.13.2", "aiohttp/3.13.2"),
        ("python-httpx/0.28.1", "python-httpx/0.28.1"),
        ("Python-urllib/3.13", "python-urllib/3.13"),
        ("axios/1.21.1", "axios/1.21.1"),
        ("node", "node"),
        ("node-fetch", "node-fetch"),
        ("Bun/1.4.5", "bun/1.4.5"),
        ("Deno/2.9.6", "deno/2.9.6"),
        ("curl/7.88.1", "curl/7.88.1"),
        ("Go-http-client/2.0", "go-http-client/2.0"),
        ("reqwest/0.12.24", "reqwest/0.12.24"),
        ("Java-http-client/17.0.15", "java-http-client/17.0.15"),
        ("Java/17.0.15", "java/17.0.15"),
        (
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/156.0.0.0 Safari/537.36",
            "headless-chrome/156",
        ),
        (
            "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Mobile Safari/537.36",
            "chrome/131",
        ),
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/101.0.4951.64 Safari/537.36 Edg/101.0.1210.47",
            "edge/101",
        ),
        (
            "Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Firefox/153.0",
            "firefox/153",
        ),
        (
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Safari/605.1.15",
            "safari/18",
        ),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 26_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 Mobile/15E148 Safari/604.1",
            "safari/26",
        ),
    ] {
        assert_eq!(said(user_agent), agent, "{user_agent}");
    }
}

#[test]
fn user_agents_as_their_makers_document_them() {
    for (user_agent, agent) in [
        ("claude-cli/2.0.1 (external, cli)", "claude-cli/2.0.1"),
        (
            "GeminiCLI/0.61.0/gemini-2.5-pro (linux; x64)",
            "geminicli/0.61.0",
        ),
        ("AsyncGroq/Python 0.9.0", "groq-python/0.9.0"),
        ("OpenAI/Go 1.12.0", "openai-go/1.12.0"),
        ("got (https://github.com/sindresorhus/got)", "got"),
        ("OpenAI/v1 PythonBindings/0.28.0", "openai/v1"),
        (
            "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.2; +https://openai.com/gptbot)",
            "gptbot/1.2",
        ),
        (
            "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
            "googlebot/2.1",
        ),
        (
            "Mozilla/5.0 (Linux; Android 6.0.1; Nexus 5X Build/MMB29P) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.1.2 Mobile Safari/537.36 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
            "googlebot/2.1",
        ),
        (
            "Mozilla/5.0 (Linux; Android 14; Pixel 8; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/131.0.1.2 Mobile Safari/537.36",
            "android-webview/131",
        ),
        (
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Code/1.95.0 Chrome/128.0.1.2 Electron/32.2.1 Safari/537.36",
            "electron/32",
        ),
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36 OPR/115.0.0.0",
            "opera/115",
        ),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/131.0.1.2 Mobile/15E148 Safari/604.1",
            "chrome-ios/131",
        ),
        ("Mozilla/5.0", "mozilla/5"),
    ] {
        assert_eq!(said(user_agent), agent, "{user_agent}");
    }
}

#[test]
fn odd_user_agents_are_tamed() {
    for (user_agent, agent) in [
        ("", ""),
        ("   ", ""),
        ("/", ""),
        ("/1.0", ""),
        ("(;)", ""),
        ("\"<script>\"/1", "script/1"),
        ("My App 1.0", "my"),
        ("caf\u{e9}/1\u{2028}0", "caf/10"),
        ("a/", "a"),
        ("a/b/c", "a/b"),
        ("Python/3.11", "python/3.11"),
        ("OpenAI/Python", "openai/python"),
        ("OpenAI/Python next", "openai/python"),
        ("google-genai-sdk/1.0", "google-genai-/1.0"),
        ("Mozilla/", ""),
        ("Mozilla", ""),
        ("Mozilla/5.0 compatible;", "mozilla/5"),
        ("Mozilla/5.0 (compatible; )", ""),
        ("Mozilla/5.0 Chrome/", "mozilla/5"),
    ] {
        assert_eq!(said(user_agent), agent, "{user_agent}");
    }
    let long = "a".repeat(65_536);
    assert_eq!(said(&long), "a".repeat(TEXT_BYTES));
    assert_eq!(said(&format!("a/{long}")).len(), TEXT_BYTES);
    assert_eq!(said(&" /".repeat(32_768)), "");
    assert_eq!(said_by(&[("user-agent", b"\xff\xfe/\x001")]), None);
    assert_eq!(
        said_by(&[("user-agent", b"a\xff/\x001")]),
        Some("a/1".into())
    );
}

#[test]
fn a_family_and_a_version_are_parts_of_the_text() {
    let headers: &[(&[u8], &[u8])] = &[(b"user-agent", b"OpenAI/Python 1.40.0")];
    let agent = of(&exchange(headers)).unwrap();
    assert_eq!(
        (agent.family(), agent.version()),
        ("openai-python", "1.40.0")
    );
    let headers: &[(&[u8], &[u8])] = &[(b"user-agent", b"node")];
    let agent = of(&exchange(headers)).unwrap();
    assert_eq!((agent.family(), agent.version()), ("node", ""));
    let long = [b'a'; 100];
    let headers: &[(&[u8], &[u8])] = &[(b"user-agent", &long)];
    let agent = of(&exchange(headers)).unwrap();
    assert_eq!((agent.family().len(), agent.version()), (TEXT_BYTES, ""));
}

#[test]
fn without_a_user_agent_other_headers_tell() {
    let stainless: [(&str, &[u8]); 2] = [
        ("x-stainless-lang", b"js"),
        ("x-stainless-package-version", b"7.1.0"),
    ];
    assert_eq!(said_by(&stainless).unwrap(), "openai-js/7.1.0");
    let mut anthropic = stainless.to_vec();
    anthropic.push(("anthropic-version", b"2023-06-01"));
    assert_eq!(said_by(&anthropic).unwrap(), "anthropic-js/7.1.0");
    anthropic.push(("user-agent", b"curl/8.0"));
    assert_eq!(said_by(&anthropic).unwrap(), "curl/8.0");
    anthropic.pop();
    anthropic.push(("user-agent", b" "));
    assert_eq!(said_by(&anthropic).unwrap(), "anthropic-js/7.1.0");
    assert_eq!(said_by(&stainless[..1]), None);
    assert_eq!(
        said_by(&[
            ("x-stainless-lang", b"cobol"),
            ("x-stainless-package-version", b"1"),
            ("x-goog-api-client", b"genai-js/0.24.0"),
        ])
        .unwrap(),
        "genai-js/0.24.0"
    );
    assert_eq!(
        said_by(&[(
            "x-goog-api-client",
            b"google-genai-sdk/1.52.0 gl-python/3.11.7"
        )])
        .unwrap(),
        "google-genai-python/1.52.0"
    );
    assert_eq!(said_by(&[]), None);
    assert_eq!(said_by(&[("x-user-agent", b"curl/8.0")]), None);
}

#[test]
fn of_500_user_agents_the_first_is_heard() {
    let headers = vec![("user-agent", &b"curl/8.0"[..]); 500];
    assert_eq!(said_by(&headers).unwrap(), "curl/8.0");
}

proptest! {
    #[test]
    fn an_agent_is_short_plain_text_whatever_is_sent(
        user_agent in prop_oneof![
            proptest::collection::vec(any::<u8>(), 0..200),
            "(Mozilla/5.0|Async|OpenAI/Python|google-genai-sdk/)[ -~]{0,80}".prop_map(String::into_bytes),
        ],
        language in "python|js|go|[ -~]{0,9}",
        version in proptest::collection::vec(any::<u8>(), 0..90),
    ) {
        let headers: [(&[u8], &[u8]); 4] = [
            (b"user-agent", &user_agent),
            (b"x-stainless-lang", language.as_bytes()),
            (b"x-stainless-package-version", &version),
            (b"x-goog-api-client", &version),
        ];
        for headers in [&headers[..], &headers[1..], &headers[3..]] {
            let exchange = exchange(headers);
            let Some(agent) = of(&exchange) else { continue };
            prop_assert!(agent.text().len() <= TEXT_BYTES && !agent.family().is_empty());
            let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-._+/".contains(&byte);
            prop_assert!(agent.text().bytes().all(plain), "{agent:?}");
            prop_assert!(agent.text().starts_with(agent.family()) && agent.text().ends_with(agent.version()));
            let _ = known::contradicts_headers(&agent, &exchange);
            let _ = known::contradicts_ja4(&agent, &user_agent);
        }
    }
}
