//! One Envoy process: its configuration, its start, its end.

use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{fs, thread};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::contender::Contender;
use crate::quotas::JA4;

/// Where the requests that pass go.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Route {
    /// Envoy answers by itself: the least that a request can cost it.
    Direct,
    /// To an origin at this address.
    Origin(SocketAddr),
}

/// A running Envoy. It ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Proxy {
    child: Child,
    /// Where it takes requests.
    pub(crate) address: SocketAddr,
    /// From the start of the process until its main loop ran, all filters being loaded.
    pub(crate) start: Duration,
}

impl Proxy {
    /// Starts an Envoy and waits until it serves.
    ///
    /// # Errors
    /// When it does not start: with what it said.
    pub(crate) fn start(
        envoy: &Path,
        contender: &Contender,
        route: Route,
        workers: usize,
    ) -> Result<Self> {
        let address = free_address()?;
        let directory = tempfile::tempdir()?;
        let config = directory.path().join("envoy.json");
        fs::write(&config, bootstrap(contender, route, address).to_string())?;
        let began = Instant::now();
        let mut child = Command::new(envoy)
            .arg("--config-path")
            .arg(&config)
            .args(["--concurrency", &workers.to_string()])
            .args([
                "--use-dynamic-base-id",
                "--log-level",
                "info",
                "--component-log-level",
                "wasm:warn",
            ])
            .env("STILLGATE_SECRET", "0123456789abcdef0123456789abcdef")
            .stderr(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .with_context(|| format!("starting {}", envoy.display()))?;
        let mut lines = BufReader::new(child.stderr.take().context("Envoy has no stderr")?).lines();
        let mut said = Vec::new();
        for line in lines.by_ref() {
            let line = line?;
            if line.contains("starting main dispatch loop") {
                let start = began.elapsed();
                // The pipe is read on, so that Envoy never waits for us; what the filter warns of is shown.
                thread::spawn(move || {
                    for line in lines
                        .map_while(Result::ok)
                        .filter(|line| line.contains("[wasm]"))
                    {
                        eprintln!("{line}");
                    }
                });
                return Ok(Self {
                    child,
                    address,
                    start,
                });
            }
            said.push(line);
        }
        child.wait()?;
        let last = said.split_off(said.len().saturating_sub(12)).join("\n");
        bail!("Envoy with {} did not start:\n{last}", contender.name)
    }

    /// The process.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        // It may have ended by itself; then there is nothing to end.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The whole configuration of an Envoy: one listener, one route, no admin interface, no access log.
fn bootstrap(contender: &Contender, route: Route, address: SocketAddr) -> Value {
    let (action, clusters) = match route {
        Route::Direct => (
            json!({"direct_response": {"status": 200, "body": {"inline_string": "ok"}}}),
            json!([]),
        ),
        Route::Origin(origin) => (
            json!({"route": {"cluster": "origin"}}),
            json!([cluster(origin)]),
        ),
    };
    let mut filters = contender.filters.clone();
    filters.push(json!({
        "name": "envoy.filters.http.router",
        "typed_config": {"@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"},
    }));
    let mut route = json!({"match": {"prefix": "/"}});
    if let (Some(route), Some(action)) = (route.as_object_mut(), action.as_object()) {
        route.extend(action.clone());
    }
    let manager = json!({
        "name": "envoy.filters.network.http_connection_manager",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
            "stat_prefix": "in",
            "http_filters": filters,
            "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [route]}]},
        },
    });
    // Once per connection, where a TLS inspector's fingerprint would be.
    let fingerprint = json!({
        "name": "fingerprint",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.network.set_filter_state.v3.Config",
            "on_new_connection": [{
                "object_key": "fp.ja4",
                "factory_key": "envoy.string",
                "format_string": {"text_format_source": {"inline_string": JA4}},
            }],
        },
    });
    json!({
        "static_resources": {
            "listeners": [{"address": socket(address), "filter_chains": [{"filters": [fingerprint, manager]}]}],
            "clusters": clusters,
        },
        "stats_config": {"stats_tags": [
            {"tag_name": "verdict", "regex": r"(\.verdict=\.=([^;]+);)"},
            {"tag_name": "reason", "regex": r"(\.reason=\.=([^;]+);)"},
            {"tag_name": "result", "regex": r"(\.result=\.=([^;]+);)"},
        ]},
    })
}

fn cluster(origin: SocketAddr) -> Value {
    json!({
        "name": "origin",
        "type": "STATIC",
        "load_assignment": {"cluster_name": "origin", "endpoints": [
            {"lb_endpoints": [{"endpoint": {"address": socket(origin)}}]},
        ]},
    })
}

fn socket(address: SocketAddr) -> Value {
    json!({"socket_address": {"address": address.ip().to_string(), "port_value": address.port()}})
}

/// An address that was free a moment ago.
fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?)
}

/// What an Envoy says of itself, as a sentence.
///
/// # Errors
/// When it cannot be run.
pub(crate) fn version(envoy: &Path) -> Result<String> {
    let output = Command::new(envoy)
        .arg("--version")
        .output()
        .with_context(|| format!("starting {}", envoy.display()))?;
    // `envoy  version: <commit>/<version>/<state>/<build>/<tls library>`
    let line = String::from_utf8(output.stdout)?;
    let mut parts = line.trim().rsplit('/').skip(1);
    let (build, version) = (parts.next(), parts.nth(1));
    Ok(format!(
        "Envoy {} ({}).",
        version.context("Envoy tells no version")?,
        build.context("Envoy tells no build")?
    ))
}
