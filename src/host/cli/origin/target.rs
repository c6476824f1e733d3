//! A real origin, as its URL names it.

use core::fmt;
use std::net::SocketAddr;

use anyhow::{Context as _, bail};
use axum::http::Uri;

/// An origin by its URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// Its name or address, as TLS and the `host` header know it.
    pub host: String,
    /// Its port; 80 or 443 where the URL has none.
    pub port: u16,
    /// Whether it is spoken to through TLS.
    pub tls: bool,
    /// What comes before every path: `/`, or a folder with a slash at its end.
    pub prefix: String,
}

impl Target {
    /// Reads `http://host[:port][/path]` or the same with `https`.
    ///
    /// # Errors
    /// When it is no such URL.
    pub fn parse(url: &str) -> anyhow::Result<Self> {
        let uri: Uri = url
            .parse()
            .with_context(|| format!("{url:?} is no URL; {EXAMPLE}"))?;
        let tls = match uri.scheme_str() {
            Some("http") => false,
            Some("https") => true,
            _ => bail!("{url:?} is neither http nor https; {EXAMPLE}"),
        };
        if uri.query().is_some() {
            bail!("{url:?} has a query, which an origin cannot have; {EXAMPLE}");
        }
        let host = uri
            .host()
            .unwrap_or_default()
            .trim_matches(['[', ']'])
            .to_owned();
        let port = uri.port_u16().unwrap_or(if tls { 443 } else { 80 });
        Ok(Self {
            host,
            port,
            tls,
            prefix: format!("{}/", uri.path().trim_end_matches('/')),
        })
    }
}

/// The URL, with its port.
impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.tls { "https" } else { "http" };
        let Self {
            host, port, prefix, ..
        } = self;
        if host.contains(':') {
            write!(f, "{scheme}://[{host}]:{port}{prefix}")
        } else {
            write!(f, "{scheme}://{host}:{port}{prefix}")
        }
    }
}

impl From<SocketAddr> for Target {
    fn from(address: SocketAddr) -> Self {
        Self {
            host: address.ip().to_string(),
            port: address.port(),
            tls: false,
            prefix: String::from("/"),
        }
    }
}

const EXAMPLE: &str = "an origin looks like https://api.openai.com or http://127.0.0.1:8000";

#[cfg(test)]
mod tests {
    use super::Target;

    #[test]
    fn urls_become_targets() {
        for (url, host, port, tls, prefix) in [
            ("http://127.0.0.1:8000", "127.0.0.1", 8000, false, "/"),
            ("https://api.openai.com", "api.openai.com", 443, true, "/"),
            (
                "https://openrouter.ai/api/",
                "openrouter.ai",
                443,
                true,
                "/api/",
            ),
            ("http://[::1]", "::1", 80, false, "/"),
        ] {
            let target = Target::parse(url).expect(url);
            assert_eq!(
                target,
                Target {
                    host: host.to_owned(),
                    port,
                    tls,
                    prefix: prefix.to_owned()
                },
                "{url}"
            );
            assert_eq!(Target::parse(&target.to_string()).ok(), Some(target));
        }
    }

    #[test]
    fn what_is_no_url_is_told_an_example() {
        for url in [
            "",
            "localhost",
            "ftp://host",
            "http://host/?key=1",
            "http://",
        ] {
            let error = Target::parse(url).expect_err(url);
            assert!(
                error.to_string().contains("https://api.openai.com"),
                "{url}: {error}"
            );
        }
    }
}
