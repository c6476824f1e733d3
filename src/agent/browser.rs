//! What calls itself `Mozilla/5.0`: browsers, crawlers, and what is built on browsers.

use super::{Agent, product};
use crate::scan::Names;

/// Tokens that tell what a `Mozilla/5.0` is, and how telling they are: the least number wins over those that it carries
/// along.
const TOKENS: Names<(u8, &[u8]), 13> = Names::new([
    ("Edg", (1, b"edge")),
    ("OPR", (4, b"opera")),
    ("EdgA", (2, b"edge")),
    ("CriOS", (6, b"chrome-ios")),
    ("FxiOS", (7, b"firefox-ios")),
    ("EdgiOS", (3, b"edge-ios")),
    ("Chrome", (CHROME, b"chrome")),
    ("Firefox", (9, b"firefox")),
    // Safari's own version is under this name; what it puts under `Safari` is WebKit's.
    ("Version", (11, b"safari")),
    ("Mozilla", (12, b"mozilla")),
    ("Electron", (0, b"electron")),
    ("SamsungBrowser", (5, b"samsung-browser")),
    ("HeadlessChrome", (8, b"headless-chrome")),
]);

const CHROME: u8 = 10;

/// Android's view of the web inside an app, of which apps borrow the user-agent for requests of their own.
const WEBVIEW: &[u8] = b"android-webview";

/// Reads a `user-agent` that begins with `Mozilla`.
pub(super) fn read(text: &[u8]) -> Option<Agent> {
    let mut best = (u8::MAX, &b""[..], &b""[..]);
    let mut webview = false;
    let mut compatible = false;
    for word in text.split(|&byte| byte == b' ') {
        let (name, version) = product(word);
        if compatible {
            // A crawler, or a browser of the last century: what stands here is what it is.
            return Agent::build(&[name], version);
        }
        compatible = name == b"(compatible;" || name == b"compatible;";
        // Before there was `wv`, such a view called itself the fourth version.
        webview |= word == b"wv)" || word == b"Version/4.0";
        if let Some((rank, family)) = TOKENS.find(name)
            && rank < best.0
            && !version.is_empty()
        {
            best = (rank, family, version);
        }
    }
    let (rank, family, version) = best;
    let family = if rank == CHROME && webview {
        WEBVIEW
    } else {
        family
    };
    let major = version.split(|&byte| byte == b'.').next()?;
    Agent::build(&[family], major)
}
