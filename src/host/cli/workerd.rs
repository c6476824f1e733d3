//! Finding a workerd to run: the one that was named, the one on PATH, or Cloudflare's binary from npm.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use serde_json::json;

use super::envoy::{is_program, on_path};
use super::npm::{self, Effort};
use super::wasm;

/// The version that is fetched when there is no workerd here.
pub const VERSION: &str = "1.20261117.1";

/// Finds workerd: `STILLGATE_WORKERD`, then `workerd` on PATH, then an earlier download, then a download.
///
/// The download is the package of npm for this machine, fetched with `npm` to `target/workerd/<version>` and held to the
/// checksum below.
///
/// # Errors
/// When `STILLGATE_WORKERD` names no program, or when there is no workerd and none could be fetched; the message says what
/// to install.
pub fn locate() -> anyhow::Result<PathBuf> {
    if let Some(path) = std::env::var_os("STILLGATE_WORKERD").filter(|path| !path.is_empty()) {
        let path = PathBuf::from(path);
        if !is_program(&path) {
            bail!(
                "STILLGATE_WORKERD={}: there is no program of that name; give the path of a workerd binary",
                path.display()
            );
        }
        return Ok(path);
    }
    if let Some(path) = on_path("workerd") {
        return Ok(path);
    }
    let Some(package) = Package::of(std::env::consts::OS, std::env::consts::ARCH) else {
        bail!("there is no workerd here, and npm has none for this machine; {INSTALL}");
    };
    let home = wasm::folder().join("workerd").join(VERSION);
    let binary = home.join(package.binary());
    if !is_program(&binary) {
        fetch(package, &home)?;
    }
    Ok(binary)
}

/// One of the packages that hold workerd.
struct Package {
    system: &'static str,
    processor: &'static str,
    name: &'static str,
    /// As npm writes it: the hash of the package's archive in base64.
    integrity: &'static str,
}

impl Package {
    fn of(system: &str, processor: &str) -> Option<&'static Self> {
        PACKAGES
            .iter()
            .find(|package| package.system == system && package.processor == processor)
    }

    /// The program, in the folder that npm was told to install to.
    fn binary(&self) -> PathBuf {
        Path::new("node_modules")
            .join(self.name)
            .join("bin/workerd")
    }

    /// What npm reads: that it is to install this package, and which bytes it is.
    fn lists(&self) -> [String; 2] {
        let wanted = json!({self.name: VERSION});
        let locked = json!({"version": VERSION, "integrity": self.integrity});
        let lock = json!({
            "name": "stillgate-workerd",
            "lockfileVersion": 3,
            "packages": {
                "": {"name": "stillgate-workerd", "dependencies": wanted},
                format!("node_modules/{}", self.name): locked,
            },
        });
        let list = json!({"name": "stillgate-workerd", "private": true, "dependencies": wanted});
        [list.to_string(), lock.to_string()]
    }
}

/// Lets npm install the package in `home`.
fn fetch(package: &Package, home: &Path) -> anyhow::Result<()> {
    eprintln!(
        "No workerd on PATH: fetching {VERSION} from npm (47 MB) to {}",
        home.display()
    );
    let [list, lock] = package.lists();
    let packages = npm::Packages {
        list: &list,
        lock: &lock,
        program: &package.binary(),
        effort: Effort::Patient,
    };
    packages.install(home).with_context(|| {
        format!("there is no workerd here, and it could not be fetched; {INSTALL}")
    })
}

/// Where npm has workerd, and what its archives hash to.
const PACKAGES: [Package; 4] = [
    Package {
        system: "linux",
        processor: "x86_64",
        name: "@cloudflare/workerd-linux-64",
        integrity: "sha512-gZLA8X11m/luZwn+YA3+mDu61vdxNJzpksP/QZqjydKTQ+VUCulsK5gtn9Bqst1p3KJu2kafQpJ1nDQv4B23jA==",
    },
    Package {
        system: "linux",
        processor: "aarch64",
        name: "@cloudflare/workerd-linux-arm64",
        integrity: "sha512-gxWngFojq41ULKNKb9rpWYvKotN5hT2I/xot+Bpy31cXzrwcTgtDLSMb2t75sW5BJxH7hihFvikgYb577kB3Zg==",
    },
    Package {
        system: "macos",
        processor: "x86_64",
        name: "@cloudflare/workerd-darwin-64",
        integrity: "sha512-qfAYw6iPoey0BmPsp4z5ARWOa+XSBD3gQzmcBI2ql9pKTSA5eEC8F1oI6BIk/FVguhomfSn5gS4RzbWhTd/EpQ==",
    },
    Package {
        system: "macos",
        processor: "aarch64",
        name: "@cloudflare/workerd-darwin-arm64",
        integrity: "sha512-cInx5Cr9O27oW+ujyI49lTRQZra/lMgWUFiKmGY3jxDncATSxzfQ6udXHkVvK4//1/PfxQTDyMjdQUIN8m6Aqg==",
    },
];

/// What to do where no workerd can be had.
const INSTALL: &str = "install workerd itself (https://github.com/cloudflare/workerd/releases), and put it on PATH or name it in \
    STILLGATE_WORKERD";
