use super::*;
use crate::agent::tests::exchange;
use crate::agent::{self};

const PYTHON: &str = "t13d1812h1_85036bcba153_d41ae481755e";
const NODE: &str = "t13d5911h1_a33745022dd6_1f22a2ca17c4";
const GO: &str = "t13d1911h2_9dc949149365_e7c285222651";
const CHROME: &str = "t13d1516h2_8daaf6152771_02713d6af862";
const FIREFOX: &str = "t13d1717h2_5b57614c22b0_3cbfd9057e0d";
const BUN: &str = "t13d1713h1_5b57614c22b0_7f527383e249";
const OPENSSL: &str = "t13d3112h1_e8f1e7e78f70_b26ce05bbdd6";

const CHROME_143: &str = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0.0.0 Safari/537.36";
const FIREFOX_153: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Firefox/153.0";

fn agent_of(user_agent: &str) -> Agent {
    let headers: &[(&[u8], &[u8])] = &[(b"user-agent", user_agent.as_bytes())];
    agent::of(&exchange(headers)).unwrap()
}

#[test]
fn tls_of_another_library_contradicts() {
    for (user_agent, ja4, contradiction) in [
        ("OpenAI/Python 1.99.9", PYTHON, false),
        ("OpenAI/Python 1.99.9", GO, true),
        ("OpenAI/Python 1.99.9", CHROME, true),
        ("OpenAI/Python 1.99.9", NODE, true),
        ("OpenAI/JS 7.57.0", NODE, false),
        ("OpenAI/JS 7.57.0", BUN, false),
        ("OpenAI/JS 7.57.0", CHROME, false),
        ("OpenAI/JS 7.57.0", PYTHON, true),
        (CHROME_143, CHROME, false),
        (CHROME_143, PYTHON, true),
        (CHROME_143, FIREFOX, true),
        (FIREFOX_153, FIREFOX, false),
        (FIREFOX_153, BUN, true),
        ("Bun/1.4.5", BUN, false),
        ("Bun/1.4.5", FIREFOX, true),
        ("Go-http-client/2.0", GO, false),
        ("Go-http-client/2.0", PYTHON, true),
        ("curl/8.0", PYTHON, true),
    ] {
        let agent = agent_of(user_agent);
        assert_eq!(
            contradicts_ja4(&agent, ja4.as_bytes()),
            contradiction,
            "{user_agent} {ja4}"
        );
        let shouted = ja4.to_ascii_uppercase();
        assert_eq!(contradicts_ja4(&agent, shouted.as_bytes()), contradiction);
    }
}

#[test]
fn what_is_unknown_never_contradicts() {
    for user_agent in ["claude-cli/2.0.1", "okhttp/4.12.0", "MyApp/1.0"] {
        for ja4 in [PYTHON, NODE, GO, CHROME, FIREFOX, BUN] {
            assert!(!contradicts_ja4(&agent_of(user_agent), ja4.as_bytes()));
        }
    }
    for user_agent in ["OpenAI/Python 1.99.9", "Go-http-client/2.0", CHROME_143] {
        for ja4 in [
            "",
            "-",
            "t13d1516h2_000000000000_000000000000",
            // Firefox's ciphers, with extensions that nobody has measured.
            "t13d1717h2_5b57614c22b0_000000000000",
            // OpenSSL's default, which is anybody's.
            OPENSSL,
        ] {
            assert!(!contradicts_ja4(&agent_of(user_agent), ja4.as_bytes()));
        }
    }
}

/// Headers apart from the user-agent, as `name: value` and split by `|`.
fn contradicts(user_agent: &str, headers: &str) -> bool {
    let mut all: Vec<(&[u8], &[u8])> = Vec::new();
    for header in headers.split(" | ").filter(|header| !header.is_empty()) {
        let (name, value) = header.split_once(": ").unwrap();
        let value = if name == "user-agent" {
            user_agent
        } else {
            value
        };
        all.push((name.as_bytes(), value.as_bytes()));
    }
    if all.iter().all(|(name, _)| *name != b"user-agent") {
        all.push((b"user-agent", user_agent.as_bytes()));
    }
    contradicts_headers(&agent_of(user_agent), &exchange(&all))
}

#[test]
fn an_sdk_sends_what_its_code_sends() {
    for (user_agent, headers, contradiction) in [
        (
            "OpenAI/Python 1.40.0",
            "x-stainless-lang: python | x-stainless-package-version: 1.40.0",
            false,
        ),
        (
            "OpenAI/Python 1.40.0",
            "x-stainless-lang: python | x-stainless-package-version: 1.39.0",
            true,
        ),
        (
            "OpenAI/Python 1.40.0",
            "x-stainless-lang: js | x-stainless-package-version: 1.40.0",
            true,
        ),
        ("OpenAI/Python 1.40.0", "", true),
        ("OpenAI/Python 1.40.0", "x-stainless-lang: python", false),
        ("OpenAI/JS 4.0.0", "", false),
        ("OpenAI/JS 4.0.0", "x-stainless-lang: python", true),
        ("Go-http-client/1.1", "x-stainless-lang: python", true),
        ("Go-http-client/1.1", "x-stainless-lang: go", false),
        (CHROME_143, "x-stainless-lang: js", false),
        (
            "google-genai-sdk/1.2.0 gl-python/3.9.18",
            "x-goog-api-client: google-genai-sdk/1.2.0 gl-python/3.9.18",
            false,
        ),
        (
            "google-genai-sdk/1.2.0 gl-python/3.9.18",
            "x-goog-api-client: more/1.0 google-genai-sdk/1.2.0",
            false,
        ),
        (
            "google-genai-sdk/1.2.0 gl-python/3.9.18",
            "x-goog-api-client: google-genai-sdk/1.3.0",
            true,
        ),
        ("google-genai-sdk/1.2.0 gl-python/3.9.18", "", true),
        ("MyApp/1.0", "x-stainless-lang: python", false),
    ] {
        assert_eq!(
            contradicts(user_agent, headers),
            contradiction,
            "{user_agent} | {headers}"
        );
    }
}

#[test]
fn a_browser_sends_what_browsers_send() {
    for (user_agent, headers, contradiction) in [
        (CHROME_143, "x-forwarded-proto: https", true),
        (CHROME_143, "x-forwarded-proto: http", false),
        (CHROME_143, "", false),
        (
            CHROME_143,
            "x-forwarded-proto: https | sec-websocket-key: a",
            false,
        ),
        (
            CHROME_143,
            "x-forwarded-proto: https | sec-fetch-mode: cors | sec-fetch-site: none",
            false,
        ),
        (CHROME_143, "x-forwarded-proto: https | sec-ch-ua: x", false),
        (FIREFOX_153, "x-forwarded-proto: https", true),
        (
            FIREFOX_153,
            "x-forwarded-proto: https | sec-fetch-mode: cors | sec-fetch-site: none",
            false,
        ),
        (
            FIREFOX_153,
            "x-forwarded-proto: https | sec-fetch-mode: cors | sec-fetch-site: none | sec-ch-ua: x",
            true,
        ),
        (
            "Mozilla/5.0 (Windows NT 6.1; rv:60.0) Gecko/20100101 Firefox/60.0",
            "x-forwarded-proto: https",
            false,
        ),
        // Chromium's words in another's mouth.
        (
            "OpenAI/Python 1.40.0",
            "x-stainless-lang: python | sec-ch-ua: x",
            true,
        ),
        // Node's fetch in a browser's clothes.
        (
            CHROME_143,
            "accept: */* | accept-language: * | sec-fetch-mode: cors | accept-encoding: br, gzip, deflate",
            true,
        ),
        // The order of requests.
        (
            CHROME_143,
            "user-agent: ? | accept-encoding: gzip, deflate | accept: */*",
            true,
        ),
        (
            "python-requests/2.31.0",
            "user-agent: ? | accept-encoding: gzip, deflate | accept: */*",
            false,
        ),
        (
            CHROME_143,
            ":method: GET | host: a | user-agent: ? | accept-encoding: gzip, deflate | accept: */*",
            true,
        ),
        // Elsewhere it may be chance.
        (
            CHROME_143,
            "via: a | user-agent: ? | accept-encoding: gzip, deflate | accept: */*",
            false,
        ),
        (
            "curl/8.0",
            "user-agent: ? | accept-encoding: gzip, deflate | accept: application/json",
            false,
        ),
        (
            "python-httpx/0.28.1",
            "accept: */* | accept-encoding: gzip, deflate | user-agent: ?",
            false,
        ),
        // An order that came about by sorting tells nothing.
        (
            "python-requests/2.31.0",
            "accept: */* | accept-encoding: gzip, deflate | user-agent: ?",
            false,
        ),
    ] {
        assert_eq!(
            contradicts(user_agent, headers),
            contradiction,
            "{user_agent} | {headers}"
        );
    }
}

#[test]
fn a_version_that_was_cut_off_is_not_compared() {
    let version = format!("1.40.0+{}", "a".repeat(90));
    let headers = format!("x-stainless-lang: python | x-stainless-package-version: {version}");
    assert!(!contradicts(&format!("OpenAI/Python {version}"), &headers));
}

#[test]
fn many_and_odd_headers_are_read_to_the_end() {
    let mut headers: Vec<(&[u8], &[u8])> = vec![(b"accept-encoding", b"gzip"); 500];
    headers.push((b"", b""));
    headers.push((b"\xff\x00", b"\xff"));
    headers.push((b"x-stainless-lang", b"go"));
    assert!(contradicts_headers(
        &agent_of("OpenAI/Python 1.40.0"),
        &exchange(&headers)
    ));
}
