//! The `x-demo-*` request headers, read once.

use std::time::Duration;

use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};

use super::refusal::Refusal;
use super::usage::{Told, Usage};

/// What a request's headers ask of its answer. By default: nothing out of the way.
#[derive(Debug, Clone, Default)]
pub(super) struct Switches {
    /// Whether the response tells the request's headers.
    pub(super) echo_headers: bool,
    /// Whether the response tells the request's body.
    pub(super) echo_body: bool,
    /// Whether the response has rate-limit headers of the origin's own.
    pub(super) ratelimit: bool,
    /// How long to wait before the response and between the parts of a stream.
    pub(super) delay: Duration,
    /// The usage to report; counts of words without it.
    pub(super) tokens: Option<Usage>,
    /// How usage is told.
    pub(super) told: Told,
    /// After how many parts the connection breaks.
    pub(super) cut: Option<usize>,
    /// After how many parts an error takes the place of the rest.
    pub(super) error: Option<usize>,
    /// The error to answer with.
    pub(super) status: Option<StatusCode>,
    /// Whether the answer is compressed.
    pub(super) gzip: bool,
    /// The content type instead of the right one.
    pub(super) kind: Option<HeaderValue>,
    /// What ends the lines of server-sent events; a line feed without it.
    pub(super) line_end: Option<&'static str>,
    /// How many words the answer has instead of the echo.
    pub(super) words: Option<usize>,
    /// What the request is called at `/demo/seen/` and `/demo/step/`.
    pub(super) name: Option<String>,
    /// Whether each part of a stream but the first waits until it is released.
    pub(super) step: bool,
}

impl Switches {
    /// Reads them all.
    ///
    /// # Errors
    /// When one is unknown, there twice, or not of its form.
    pub(super) fn read(headers: &HeaderMap) -> Result<Self, Refusal> {
        if let Some(unknown) = headers.keys().find(|name| unknown(name)) {
            let message = format!("{unknown} is no switch of the demo origin.");
            return Err(Refusal::new(StatusCode::BAD_REQUEST, message).about(unknown.as_str()));
        }
        let mut switches = Self::default();
        for (name, form, set) in SWITCHES {
            let mut values = headers.get_all(*name).iter();
            let Some(value) = values.next() else { continue };
            let once = values.next().is_none();
            let value = value.to_str().ok().filter(|_| once);
            if value
                .and_then(|value| set(&mut switches, value.trim()))
                .is_none()
            {
                let message = format!("{name} takes {form}, once.");
                return Err(Refusal::new(StatusCode::BAD_REQUEST, message).about(name));
            }
        }
        if headers
            .get("x-demo-encoding")
            .is_some_and(|value| value == "gzip")
        {
            switches.gzip = accepts_gzip(headers);
        }
        Ok(switches)
    }
}

/// A header, what it takes, and what it sets; nothing where the value is not of that form.
type Switch = (
    &'static str,
    &'static str,
    fn(&mut Switches, &str) -> Option<()>,
);

const SWITCHES: &[Switch] = &[
    (
        "x-demo-echo",
        "headers, body, or both with a comma",
        |switches, value| {
            value.split(',').try_for_each(|what| match what.trim() {
                "headers" => {
                    switches.echo_headers = true;
                    Some(())
                }
                "body" => {
                    switches.echo_body = true;
                    Some(())
                }
                _ => None,
            })
        },
    ),
    ("x-demo-ratelimit", "1", |switches, value| {
        switches.ratelimit = true;
        (value == "1").then_some(())
    }),
    (
        "x-demo-delay",
        "milliseconds, at most 60000",
        |switches, value| {
            let delay = u64::try_from(number(value, 60_000)?).ok()?;
            switches.delay = Duration::from_millis(delay);
            Some(())
        },
    ),
    (
        "x-demo-tokens",
        "INPUT,OUTPUT[,CACHED[,REASONING]], where CACHED is part of INPUT and REASONING of OUTPUT",
        |switches, value| {
            switches.tokens = Some(Usage::parse(value)?);
            Some(())
        },
    ),
    (
        "x-demo-usage",
        "none, negative, absurd, repeated or text",
        |switches, value| {
            switches.told = Told::parse(value)?;
            Some(())
        },
    ),
    (
        "x-demo-cut",
        "a number of parts, at most 1000000",
        |switches, value| {
            switches.cut = Some(number(value, 1_000_000)?);
            Some(())
        },
    ),
    (
        "x-demo-error",
        "a number of parts, at most 1000000",
        |switches, value| {
            switches.error = Some(number(value, 1_000_000)?);
            Some(())
        },
    ),
    (
        "x-demo-status",
        "a status from 400 to 599",
        |switches, value| {
            let status = u16::try_from(number(value, 599)?).ok()?;
            let status = StatusCode::from_u16(status).ok()?;
            switches.status = Some(status);
            (status.is_client_error() || status.is_server_error()).then_some(())
        },
    ),
    ("x-demo-encoding", "gzip or gzip!", |switches, value| {
        switches.gzip = true;
        matches!(value, "gzip" | "gzip!").then_some(())
    }),
    ("x-demo-type", "a content type", |switches, value| {
        switches.kind = HeaderValue::from_str(value).ok();
        (!value.is_empty()).then_some(())
    }),
    ("x-demo-line-end", "lf, crlf or cr", |switches, value| {
        switches.line_end = Some(match value {
            "lf" => "\n",
            "crlf" => "\r\n",
            "cr" => "\r",
            _ => return None,
        });
        Some(())
    }),
    (
        "x-demo-words",
        "a number of words, at most 100000",
        |switches, value| {
            switches.words = Some(number(value, 100_000)?);
            Some(())
        },
    ),
    ("x-demo-name", NAME, |switches, value| {
        switches.name = Some(named(value)?);
        Some(())
    }),
    // After x-demo-name: a stream's steps are found by this.
    ("x-demo-step", NAME, |switches, value| {
        switches.name = Some(named(value)?);
        switches.step = true;
        Some(())
    }),
];

const NAME: &str = "a name of at most 64 letters, digits, hyphens, dots and underscores";

fn unknown(name: &HeaderName) -> bool {
    name.as_str().starts_with("x-demo-")
        && !SWITCHES.iter().any(|(known, ..)| *known == name.as_str())
}

fn number(text: &str, most: usize) -> Option<usize> {
    text.parse().ok().filter(|number| *number <= most)
}

fn named(text: &str) -> Option<String> {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "-._".contains(letter);
    (matches!(text.len(), 1..=64) && text.chars().all(plain)).then(|| text.to_owned())
}

/// Whether `accept-encoding` names gzip, or everything, and does not rule it out.
fn accepts_gzip(headers: &HeaderMap) -> bool {
    let mut accepted = None;
    let values = headers.get_all(header::ACCEPT_ENCODING).iter();
    for item in values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
    {
        let (coding, weight) = item.split_once(';').unwrap_or((item, ""));
        let weight = weight.trim().trim_start_matches("q=");
        let wanted = weight.parse::<f32>().map_or(true, |weight| weight > 0.0);
        match coding.trim().to_ascii_lowercase().as_str() {
            "gzip" | "x-gzip" => return wanted,
            "*" => accepted = Some(wanted),
            _ => {}
        }
    }
    accepted.unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderMap, HeaderName, HeaderValue};

    use super::{SWITCHES, Switches};

    fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            let name: HeaderName = name.parse().unwrap();
            headers.append(name, HeaderValue::from_str(value).unwrap());
        }
        headers
    }

    #[test]
    fn what_is_not_of_its_form_is_told_the_form() {
        for (name, value) in [
            ("x-demo-echo", "all"),
            ("x-demo-ratelimit", "yes"),
            ("x-demo-delay", "-1"),
            ("x-demo-delay", "60001"),
            ("x-demo-tokens", "1"),
            ("x-demo-usage", "wrong"),
            ("x-demo-cut", "x"),
            ("x-demo-error", "1000001"),
            ("x-demo-status", "200"),
            ("x-demo-status", "600"),
            ("x-demo-encoding", "br"),
            ("x-demo-type", ""),
            ("x-demo-line-end", "lfcr"),
            ("x-demo-words", "100001"),
            ("x-demo-name", "a/b"),
            ("x-demo-step", ""),
        ] {
            let refusal = Switches::read(&headers(&[(name, value)])).unwrap_err();
            let form = SWITCHES
                .iter()
                .find(|(known, ..)| *known == name)
                .unwrap()
                .1;
            assert_eq!(refusal.message, format!("{name} takes {form}, once."));
            assert_eq!(refusal.parameter.as_deref(), Some(name));
        }
        for pairs in [
            &[("x-demo-cut", "1"), ("x-demo-cut", "1")][..],
            &[("x-demo-cutt", "1")],
        ] {
            Switches::read(&headers(pairs)).unwrap_err();
        }
    }

    #[test]
    fn gzip_is_used_as_the_client_accepts_it() {
        for (encoding, accepted, expected) in [
            ("gzip", None, false),
            ("gzip", Some("identity, br"), false),
            ("gzip", Some("deflate, GZIP"), true),
            ("gzip", Some("gzip;q=0, *"), false),
            ("gzip", Some("*;q=0.1"), true),
            ("gzip", Some("br, *; q=0"), false),
            ("gzip", Some(""), false),
            ("gzip!", Some("gzip;q=0"), true),
            ("gzip!", None, true),
        ] {
            let mut pairs = vec![("x-demo-encoding", encoding)];
            pairs.extend(accepted.map(|value| ("accept-encoding", value)));
            let switches = Switches::read(&headers(&pairs)).unwrap();
            assert_eq!(switches.gzip, expected, "{pairs:?}");
        }
        let none = Switches::read(&headers(&[("accept-encoding", "gzip")])).unwrap();
        assert!(!none.gzip);
    }
}
