//! A running Envoy: its addresses, its logs, its numbers, and its end.

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use super::client::{Reply, Wire, get};
use super::config::{ACCESS_LOG, CERTIFICATE, LISTENERS, PRIVATE_KEY, Setup};
use super::{Connection, envoy_binary, prometheus, until};

/// A running Envoy. Dropping it ends the process.
pub(crate) struct Envoy {
    admin: SocketAddr,
    directory: TempDir,
    process: Process,
}

impl Envoy {
    /// Starts Envoy and waits until it is ready; its log when it is not going to be.
    pub(crate) async fn start(setup: Setup, origin: SocketAddr) -> Option<Result<Self, String>> {
        let binary = envoy_binary()?;
        let directory = tempfile::Builder::new()
            .prefix("stillgate-")
            .tempdir()
            .expect("a temporary directory");
        let file = |name: &str| directory.path().join(name);
        write_certificate(directory.path());
        fs::write(
            file(BOOTSTRAP),
            setup.bootstrap(directory.path(), origin).to_string(),
        )
        .unwrap();
        fs::write(
            file(LISTENERS),
            setup.discovery(directory.path()).to_string(),
        )
        .unwrap();

        let mut command = Command::new("sh");
        command.args(["-c", GUARD, "guard"]).arg(binary);
        command.arg("--config-path").arg(file(BOOTSTRAP));
        command.arg("--admin-address-path").arg(file(ADMIN));
        command.arg("--log-path").arg(file(LOG));
        command.args([
            "--use-dynamic-base-id",
            "--file-flush-interval-msec",
            "20",
            "--log-level",
            "info",
        ]);
        command.args(["--concurrency", &setup.workers.to_string()]);
        command
            .env_remove(SECRET)
            .envs(setup.secret.map(|secret| (SECRET, secret)));
        let said = fs::File::create(file(STDERR)).unwrap();
        let mut process = Process::spawn(command.stderr(said));

        let admin = until("Envoy to be ready or to give up", async || {
            if process.has_ended() {
                return Some(None);
            }
            let admin = fs::read_to_string(file(ADMIN)).ok()?.parse().ok()?;
            let ready = ask(admin, "/ready").await?;
            (ready.status == 200).then_some(Some(admin))
        })
        .await;
        Some(match admin {
            Some(admin) => Ok(Self {
                admin,
                directory,
                process,
            }),
            None => Err([STDERR, LOG]
                .map(|name| fs::read_to_string(file(name)).unwrap_or_default())
                .concat()),
        })
    }

    /// Where the listener of that name takes connections.
    pub(crate) async fn address(&self, listener: &str) -> SocketAddr {
        let listeners: Value = self.admin("/listeners?format=json").await.json();
        let address = listeners["listener_statuses"]
            .as_array()
            .into_iter()
            .flatten()
            .find(|status| status["name"] == listener)
            .map(|status| &status["local_address"]["socket_address"]);
        let Some(address) = address else {
            panic!("no listener {listener} in {listeners}")
        };
        let ip = address["address"].as_str().and_then(|ip| ip.parse().ok());
        let port = address["port_value"]
            .as_u64()
            .and_then(|port| port.try_into().ok());
        SocketAddr::new(ip.expect("an address"), port.expect("a port"))
    }

    /// A new connection to the only listener.
    pub(crate) async fn connect(&self, wire: Wire) -> Connection {
        self.connect_to("main", wire).await
    }

    /// A new connection to the listener of that name.
    pub(crate) async fn connect_to(&self, listener: &str, wire: Wire) -> Connection {
        Connection::open(
            self.address(listener).await,
            wire,
            Some(&self.file(CERTIFICATE)),
        )
        .await
    }

    /// The same from an address in 127.0.0.0/8.
    pub(crate) async fn connect_from(
        &self,
        source: [u8; 4],
        listener: &str,
        wire: Wire,
    ) -> Connection {
        let (address, certificate) = (self.address(listener).await, self.file(CERTIFICATE));
        Connection::try_open_from(source.into(), address, wire, Some(&certificate))
            .await
            .expect("Envoy takes connections")
    }

    /// One request on a connection of its own.
    pub(crate) async fn send(&self, request: super::client::Request) -> Reply {
        self.connect(Wire::H1).await.send(request).await
    }

    /// Replaces the listeners of a [`Setup::dynamic`] Envoy and waits until it has taken or refused them: `true` when taken.
    pub(crate) async fn reload(&self, setup: Setup) -> bool {
        let before = self.updates().await;
        let next = self.file("listeners.next");
        fs::write(&next, setup.discovery(self.directory.path()).to_string()).unwrap();
        fs::rename(next, self.file(LISTENERS)).unwrap();
        let after = until("Envoy to look at its new listeners", async || {
            let after = self.updates().await;
            (after != before).then_some(after)
        })
        .await;
        until("new listeners to be warm", async || {
            (self.stat("listener_manager.total_listeners_warming").await == 0).then_some(())
        })
        .await;
        after.0 > before.0
    }

    async fn updates(&self) -> (u64, u64) {
        (
            self.stat("listener_manager.lds.update_success").await,
            self.stat("listener_manager.lds.update_rejected").await,
        )
    }

    /// Envoy's own statistic of exactly that name; 0 when there is none.
    pub(crate) async fn stat(&self, name: &str) -> u64 {
        let stats: Value = self
            .admin(&format!(
                "/stats?format=json&filter=^{}$",
                name.replace('.', "%5C.")
            ))
            .await
            .json();
        let found = stats["stats"]
            .as_array()
            .into_iter()
            .flatten()
            .find(|stat| stat["name"] == name);
        found.and_then(|stat| stat["value"].as_u64()).unwrap_or(0)
    }

    /// The sum of a Prometheus metric over the series that carry these labels.
    pub(crate) async fn metric(&self, name: &str, labels: &[(&str, &str)]) -> u64 {
        prometheus::sum(&self.admin("/stats/prometheus").await.text(), name, labels)
    }

    /// Waits until a metric has a value: the filter adds to its metrics once a second.
    pub(crate) async fn metric_reaches(&self, name: &str, labels: &[(&str, &str)], value: u64) {
        until(&format!("{name}{labels:?} to reach {value}"), async || {
            let now = self.metric(name, labels).await;
            assert!(now <= value, "{name}{labels:?} is {now}, beyond {value}");
            (now == value).then_some(())
        })
        .await;
    }

    /// All of Envoy's statistics, as a reader of `/stats` and as Prometheus would see them.
    pub(crate) async fn all_stats(&self) -> String {
        self.admin("/stats").await.text() + &self.admin("/stats/prometheus").await.text()
    }

    /// Envoy's log so far.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.file(LOG)).unwrap_or_default()
    }

    /// The lines of the access log, once there are at least `count`.
    pub(crate) async fn access_log(&self, count: usize) -> Vec<Value> {
        until(&format!("{count} lines of access log"), async || {
            let text = fs::read_to_string(self.file(ACCESS_LOG)).unwrap_or_default();
            let whole = text.rfind('\n').map_or("", |end| &text[..end]);
            let lines: Vec<Value> = whole
                .lines()
                .map(|line| serde_json::from_str(line).unwrap())
                .collect();
            (lines.len() >= count).then_some(lines)
        })
        .await
    }

    /// What Envoy and the filter have allocated, in bytes.
    pub(crate) async fn memory(&self) -> u64 {
        let memory: Value = self.admin("/memory").await.json();
        memory["allocated"]
            .as_str()
            .and_then(|bytes| bytes.parse().ok())
            .expect("Envoy knows its memory")
    }

    /// The memory that the process has, in bytes: also what virtual machines hold, of which Envoy's own numbers say nothing.
    pub(crate) fn resident(&self) -> u64 {
        let guard = self.process.0.id();
        let children = fs::read_to_string(format!("/proc/{guard}/task/{guard}/children")).unwrap();
        let of = |child: &str| {
            let status = fs::read_to_string(format!("/proc/{child}/status")).ok()?;
            let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
            line.split_whitespace().nth(1)?.parse::<u64>().ok()
        };
        // Beside Envoy there is only the shell that waits for its end.
        let largest = children.split_whitespace().filter_map(of).max();
        largest.expect("Envoy runs") << 10
    }

    /// No virtual machine died: none was reloaded, none panicked, no request met a dead one.
    pub(crate) async fn assert_never_died(&self) {
        let stats = self.admin("/stats?filter=vm_reload").await.text();
        let reloaded: Vec<&str> = stats
            .lines()
            .filter(|line| !line.ends_with(": 0"))
            .collect();
        assert!(
            reloaded.is_empty(),
            "a virtual machine died: {reloaded:?}\n{}",
            self.log()
        );
        let log = self.log();
        for sign in [
            "panicked",
            "RuntimeError",
            "Proxy-Wasm plugin in-VM",
            "wasm_fail_stream",
            "Plugin VM failed",
        ] {
            assert!(
                !log.contains(sign),
                "a virtual machine died: {sign} in\n{log}"
            );
        }
    }

    /// Where Envoy keeps a file of that name.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    async fn admin(&self, path: &str) -> Reply {
        ask(self.admin, path)
            .await
            .unwrap_or_else(|| panic!("Envoy's admin did not answer {path}:\n{}", self.log()))
    }
}

async fn ask(admin: SocketAddr, path: &str) -> Option<Reply> {
    Connection::try_open(admin, Wire::H1, None)
        .await
        .ok()?
        .try_send(get(path))
        .await
        .ok()
}

fn write_certificate(directory: &std::path::Path) {
    let certified =
        rcgen::generate_simple_self_signed([String::from("localhost")]).expect("a certificate");
    fs::write(directory.join(CERTIFICATE), certified.cert.pem()).unwrap();
    fs::write(
        directory.join(PRIVATE_KEY),
        certified.signing_key.serialize_pem(),
    )
    .unwrap();
}

/// Envoy under a guard.
struct Process(Child);

impl Process {
    fn spawn(command: &mut Command) -> Self {
        command.stdin(Stdio::piped()).stdout(Stdio::null());
        Self(command.spawn().expect("a shell starts"))
    }

    fn has_ended(&mut self) -> bool {
        self.0.try_wait().expect("a child can be asked").is_some()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

/// Runs Envoy until standard input closes, which it also does when the test process is killed: no Envoy outlives its test.
const GUARD: &str = r#"
exec 3<&0
"$@" </dev/null 3<&- &
envoy=$!
{ read -r _ <&3; kill -9 $envoy; } 2>/dev/null &
exec 3<&-
wait $envoy
"#;

const ADMIN: &str = "admin.address";
const BOOTSTRAP: &str = "bootstrap.json";
const LOG: &str = "envoy.log";
/// What Envoy says before it has a log.
const STDERR: &str = "envoy.stderr";
const SECRET: &str = "STILLGATE_SECRET";
