//! Libraries that speak TLS and HTTP, and how their handshakes are known.

use crate::agent::fingerprint::Ja4;

/// Libraries that speak TLS and HTTP, as a set.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Stacks(u16);

impl Stacks {
    pub(super) const NONE: Self = Self(0);
    /// httpx, aiohttp and urllib, on Python's `ssl`.
    pub(super) const PYTHON: Self = Self(1);
    /// requests, on Python's `ssl` too.
    pub(super) const REQUESTS: Self = Self(1 << 1);
    /// Node's `fetch`.
    pub(super) const UNDICI: Self = Self(1 << 2);
    /// Node's `https`.
    pub(super) const NODE: Self = Self(1 << 3);
    /// BoringSSL as it comes, as in Bun.
    pub(super) const BORING: Self = Self(1 << 4);
    /// Deno, on rustls.
    pub(super) const DENO: Self = Self(1 << 5);
    /// Whatever else is on rustls.
    pub(super) const RUSTLS: Self = Self(1 << 6);
    /// Go's `net/http`.
    pub(super) const GO: Self = Self(1 << 7);
    /// Java's own TLS.
    pub(super) const JAVA: Self = Self(1 << 8);
    /// Chromium and what is built on it; OkHttp on Android offers the same ciphers.
    pub(super) const CHROMIUM: Self = Self(1 << 9);
    pub(super) const FIREFOX: Self = Self(1 << 10);
    /// Safari and all else on Apple's own TLS.
    pub(super) const APPLE: Self = Self(1 << 11);
    /// libcurl.
    pub(super) const CURL: Self = Self(1 << 12);

    /// What runs JavaScript on a server.
    pub(super) const SERVER_JAVASCRIPT: Self =
        Self::UNDICI.or(Self::NODE).or(Self::BORING).or(Self::DENO);

    /// Whatever runs JavaScript, also in browsers, desktop shells and phones.
    pub(super) const JAVASCRIPT: Self = Self::SERVER_JAVASCRIPT
        .or(Self::RUSTLS)
        .or(Self::CHROMIUM)
        .or(Self::FIREFOX)
        .or(Self::APPLE);

    pub(super) const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(super) const fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}

/// The libraries of which one shook hands like this; `None` if nobody knows.
pub(super) fn shown_by(ja4: &Ja4) -> Option<Stacks> {
    let library = LIBRARIES.iter().find(|library| {
        library.ciphers == ja4.ciphers
            && (library.extensions == ANY || library.extensions == ja4.extensions)
    });
    library.map(|library| library.stacks)
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
