//! What the scripts need beside the page: Chromium, Playwright and Node.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use stillgate::host::cli::build;

/// What scripts need beside the page.
pub(crate) struct Tools {
    /// The folder whose `node_modules` has Playwright and axe.
    modules: PathBuf,
    chromium: PathBuf,
}

impl Tools {
    /// A script in Node, with the page at this address.
    pub(crate) fn script(&self, script: &Path, page: &str, scratch: &Path) -> Command {
        let mut node = Command::new("node");
        node.arg(script)
            .env("PAGE", page)
            .env("MODULES", &self.modules)
            .env("CHROMIUM", &self.chromium)
            .env("SCRATCH", scratch);
        node
    }
}

/// Builds the page and finds the tools, once for all tests; `None` on a machine without one of them.
pub(crate) fn tools() -> Option<&'static Tools> {
    static TOOLS: OnceLock<Option<Tools>> = OnceLock::new();
    let find = || {
        let Some(chromium) = chromium() else {
            skip(
                "the page is not tried",
                &"there is no Chromium; install Debian's package chromium, or name one in CHROMIUM",
            );
            return None;
        };
        if let Err(error) = build::page(None) {
            skip("the page is not tried", &error);
            return None;
        }
        match modules() {
            Ok(modules) => Some(Tools { modules, chromium }),
            Err(why) => {
                skip("the page is not tried", &why);
                None
            }
        }
    };
    TOOLS.get_or_init(find).as_ref()
}

fn chromium() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os("CHROMIUM") {
        return Some(PathBuf::from(named));
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    let names = ["chromium", "chromium-browser", "google-chrome"];
    let mut places = names
        .iter()
        .flat_map(|name| folders.iter().map(move |folder| folder.join(name)));
    places.find(|place| place.is_file())
}

/// Installs what the lock beside this file names, once, in a folder of the lock's own.
fn modules() -> Result<PathBuf, String> {
    let here = root().join("tests/page");
    let lists = ["package.json", "package-lock.json"];
    let target = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let home = target.join("page-modules");
    let read = |folder: &Path| lists.map(|name| fs::read(folder.join(name)).ok());
    // It was moved there whole.
    if read(&home) == read(&here) {
        return Ok(home);
    }
    let scratch = tempfile::tempdir_in(target).map_err(|error| error.to_string())?;
    for name in lists {
        fs::copy(here.join(name), scratch.path().join(name)).map_err(|error| error.to_string())?;
    }
    let npm = Command::new("npm")
        .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
        .current_dir(scratch.path())
        .output()
        .map_err(|error| format!("there is no npm here to fetch Playwright with: {error}"))?;
    if !npm.status.success() {
        let said = String::from_utf8_lossy(&npm.stderr);
        return Err(format!("npm could not fetch Playwright: {said}"));
    }
    // What an older lock left there; where there is nothing, nothing has to go.
    let _ = fs::remove_dir_all(&home);
    fs::rename(scratch.path(), &home).map_err(|error| error.to_string())?;
    Ok(home)
}

pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Says in one loud sentence what is not tested here, and why.
pub(crate) fn skip(what: &str, why: &dyn core::fmt::Display) {
    assert!(std::env::var_os("CI").is_none(), "in CI, {what}: {why:#}");
    // Not `eprintln!`: the test harness swallows that for tests that pass.
    let _ = writeln!(std::io::stderr(), "\nSKIPPED: {what}: {why:#}\n");
}
