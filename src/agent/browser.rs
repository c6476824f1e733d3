//! What calls itself `Mozilla/5.0`: browsers, crawlers, and what is built on browsers.

use super::{Agent, product};

/// Tokens that tell what a `Mozilla/5.0` is, the more telling before those that others carry along.
const TOKENS: [(&[u8], &[u8]); 13] = [
    (b"Electron", b"electron"),
    (b"Edg", b"edge"),
    (b"EdgA", b"edge"),
    (b"EdgiOS", b"edge-ios"),
    (b"OPR", b"opera"),
    (b"SamsungBrowser", b"samsung-browser"),
    (b"CriOS", b"chrome-ios"),
    (b"FxiOS", b"firefox-ios"),
    (b"HeadlessChrome", b"headless-chrome"),
    (b"Firefox", b"firefox"),
    (b"Chrome", b"chrome"),
    // Safari's own version is under this name; what it puts under `Safari` is WebKit's.
    (b"Version", b"safari"),
    (b"Mozilla", b"mozilla"),
];

/// Android's view of the web inside an app, of which apps borrow the user-agent for requests of their own.
const WEBVIEW: &[u8] = b"android-webview";

/// Reads a `user-agent` that begins with `Mozilla`.
pub(super) fn read(text: &[u8]) -> Option<Agent> {
    let mut best: Option<(usize, &[u8])> = None;
    let mut webview = false;
    let mut compatible = false;
    let mut old = false;
    for word in text.split(|&byte| byte == b' ') {
        if compatible {
            // A crawler, or a browser of the last century: what stands here is what it is.
            let (name, version) = product(word);
            return Agent::build(&[name], version);
        }
        compatible = matches!(word, b"(compatible;" | b"compatible;");
        webview |= word == b"wv)";
        let (name, version) = product(word);
        old |= name == b"Version" && version == b"4.0";
        let Some(rank) = TOKENS.iter().position(|(token, _)| *token == name) else {
            continue;
        };
        if !version.is_empty() && best.is_none_or(|(least, _)| rank < least) {
            best = Some((rank, version));
        }
    }
    let (rank, version) = best?;
    let &(token, family) = TOKENS.get(rank)?;
    // Before there was `wv`, such a view called itself the fourth version.
    let family = if token == b"Chrome" && (webview || old) {
        WEBVIEW
    } else {
        family
    };
    let major = version.split(|&byte| byte == b'.').next()?;
    Agent::build(&[family], major)
}
