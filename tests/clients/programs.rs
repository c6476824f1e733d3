//! The clients that are measured: what each runs on, and what it must be recognised as.

use std::fmt;

/// One client.
pub(crate) struct Client {
    /// What the program in `programs/` is asked to be.
    pub(crate) scene: &'static str,
    /// What it runs on.
    pub(crate) via: Via,
    /// The family that it must be recognised as; empty where it says nothing that could be recognised.
    pub(crate) family: &'static str,
    /// What it pretends to be something else with.
    pub(crate) spoof: bool,
}

/// What a client runs on.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Via {
    /// A Python with packages, by the name of the folder.
    Python(&'static str),
    /// Node's packages and the Node that runs them.
    Node(&'static str, &'static str),
    /// Bun, with Node's packages.
    Bun(&'static str),
    /// Deno, with Node's packages.
    Deno(&'static str),
    /// The system's curl.
    Curl,
    /// A Go.
    Go(&'static str),
    /// Rust's reqwest.
    Rust,
    /// The system's Java.
    Java,
    /// The system's Chromium.
    Chromium,
    /// The system's Firefox.
    Firefox,
}

impl fmt::Display for Via {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Python(packages) => write!(f, "{packages}"),
            Self::Node(packages, node) => write!(f, "{packages}-on-{node}"),
            Self::Bun(packages) => write!(f, "{packages}-on-bun"),
            Self::Deno(packages) => write!(f, "{packages}-on-deno"),
            Self::Go(version) => write!(f, "{version}"),
            Self::Curl => write!(f, "curl"),
            Self::Rust => write!(f, "rust"),
            Self::Java => write!(f, "java"),
            Self::Chromium => write!(f, "chromium"),
            Self::Firefox => write!(f, "firefox"),
        }
    }
}

impl Client {
    /// Its name, of which there is one, and which may stand in a URL.
    pub(crate) fn name(&self) -> String {
        format!("{}@{}", self.scene.replace(':', "-"), self.via)
    }
}

/// All clients.
pub(crate) fn clients() -> Vec<Client> {
    let mut all = Vec::new();
    let mut add = |via, scenes: &[(&'static str, &'static str)], spoof| {
        all.extend(scenes.iter().map(|&(scene, family)| Client {
            scene,
            via,
            family,
            spoof,
        }));
    };
    for packages in ["python-new", "python-313", "python-year", "python-old"] {
        add(Via::Python(packages), PYTHON, false);
    }
    for (packages, node) in NODES {
        add(Via::Node(packages, node), NODE, false);
        if *packages == "js-old" {
            continue;
        }
        add(Via::Node(packages, node), NODE_SINCE_2025, false);
    }
    add(Via::Node("js-new", "node"), NODE_FETCH, false);
    add(Via::Bun("js-new"), BUN, false);
    add(Via::Deno("js-new"), DENO, false);
    add(Via::Curl, &[("http1", "curl"), ("http2", "curl")], false);
    for version in ["go", "go-122", "go-124", "go-126", "go-new"] {
        add(Via::Go(version), GO, false);
    }
    add(Via::Rust, RUST, false);
    add(Via::Java, JAVA, false);
    let browsed = |family| [("page", family), ("fetch", family)];
    add(Via::Chromium, &browsed("headless-chrome"), false);
    add(Via::Firefox, &browsed("firefox"), false);
    add(Via::Python("curl-cffi"), IMPERSONATED, false);

    add(
        Via::Python("python-new"),
        &[("requests-as-chrome", "chrome")],
        true,
    );
    add(
        Via::Python("curl-cffi"),
        &[("impersonate-as-openai", "openai-python")],
        true,
    );
    add(
        Via::Node("js-new", "node"),
        &[("fetch-as-chrome", "chrome")],
        true,
    );
    add(Via::Go("go-new"), &[("relay", "openai-python")], true);
    add(Via::Curl, &[("as-chrome", "chrome")], true);
    all
}

const PYTHON: &[(&str, &str)] = &[
    ("openai", "openai-python"),
    ("openai-async", "openai-python"),
    ("openai-http2", "openai-python"),
    ("anthropic", "anthropic-python"),
    ("anthropic-async", "anthropic-python"),
    ("anthropic-stream", "anthropic-python"),
    ("google", "google-genai-python"),
    ("google-async", "google-genai-python"),
    ("requests", "python-requests"),
    ("aiohttp", "aiohttp"),
    ("httpx", "python-httpx"),
    ("httpx-http2", "python-httpx"),
    ("urllib", "python-urllib"),
];

/// Which packages run on which Node.
const NODES: &[(&str, &str)] = &[
    ("js-new", "node"),
    ("js-new", "node-22"),
    ("js-new", "node-24"),
    ("js-new", "node-26"),
    ("js-year", "node"),
    ("js-year", "node-24"),
    ("js-old", "node-18"),
];

const NODE: &[(&str, &str)] = &[
    ("openai", "openai-js"),
    ("anthropic", "anthropic-js"),
    ("fetch", "node"),
    ("https", ""),
];

const NODE_SINCE_2025: &[(&str, &str)] = &[("google", "google-genai-js"), ("axios", "axios")];

const NODE_FETCH: &[(&str, &str)] = &[("node-fetch", "node-fetch")];

const BUN: &[(&str, &str)] = &[
    ("openai", "openai-js"),
    ("anthropic", "anthropic-js"),
    ("google", "google-genai-js"),
    ("fetch", "bun"),
];

const DENO: &[(&str, &str)] = &[
    ("openai", "openai-js"),
    ("anthropic", "anthropic-js"),
    ("google", "google-genai-js"),
    ("fetch", "deno"),
];

const GO: &[(&str, &str)] = &[("http1", "go-http-client"), ("http2", "go-http-client")];

const RUST: &[(&str, &str)] = &[
    ("rustls", "reqwest"),
    ("http1", "reqwest"),
    ("native", "reqwest"),
    ("year", "reqwest"),
];

const JAVA: &[(&str, &str)] = &[
    ("http1", "java-http-client"),
    ("http2", "java-http-client"),
    ("connection", "java"),
];

/// Imitations as good as their makers could make them, in place of clients that do not run here.
const IMPERSONATED: &[(&str, &str)] = &[
    ("impersonate:chrome110", "chrome"),
    ("impersonate:chrome124", "chrome"),
    ("impersonate:chrome131", "chrome"),
    ("impersonate:chrome", "chrome"),
    ("impersonate:chrome131_android", "chrome"),
    ("impersonate:edge101", "edge"),
    ("impersonate:firefox133", "firefox"),
    ("impersonate:firefox", "firefox"),
    ("impersonate:safari153", "safari"),
    ("impersonate:safari180", "safari"),
    ("impersonate:safari", "safari"),
    ("impersonate:safari_ios", "safari"),
];
