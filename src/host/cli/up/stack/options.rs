//! What Envoy is started with, and how that is said to it.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::process::Command;

use crate::host::cli::origin::Target;
use crate::host::cli::up::live::Live;
use crate::host::cli::up::process::{self, Heard, Onward};

/// What a stack is started with.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where requests go; the demo origin without it.
    pub origin: Option<Target>,
    /// The text of the policy.
    pub policy: String,
    /// Where plaintext HTTP is accepted. Port 0: any free one.
    pub listen: SocketAddr,
    /// Where TLS is accepted. Port 0: any free one.
    pub tls_listen: SocketAddr,
    /// Where Envoy's admin interface is. Port 0: any free one.
    pub admin: SocketAddr,
    /// Envoy's worker threads; as many as there are processors without it.
    pub workers: Option<u32>,
    /// The Envoy to run; found as [`locate`](crate::host::cli::envoy::locate) does without it.
    pub envoy: Option<PathBuf>,
    /// The filter's wasm module.
    pub filter: PathBuf,
    /// Envoy's log level, but for the filter's own lines, which come from `info` on.
    pub log_level: String,
    /// The file for the access log; Envoy's standard output without it.
    pub access_log: Option<PathBuf>,
    /// Whether what Envoy prints is kept from the terminal.
    pub quiet: bool,
    /// Who is told what happens.
    pub live: Option<Live>,
    /// Variables of Envoy's environment beside those that it inherits.
    pub environment: Vec<(String, String)>,
}

impl Options {
    /// A stack with this policy and module on free ports of the loopback interface, which prints nothing.
    #[must_use]
    pub fn quiet(policy: impl Into<String>, filter: PathBuf) -> Self {
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        Self {
            origin: None,
            policy: policy.into(),
            listen: any,
            tls_listen: any,
            admin: any,
            workers: None,
            envoy: None,
            filter,
            log_level: String::from("warning"),
            access_log: None,
            quiet: true,
            live: None,
            environment: Vec::new(),
        }
    }

    /// Envoy with its arguments. It writes the address of its admin interface to a file.
    pub(super) fn command(&self, binary: &Path, bootstrap: &Path, admin_file: &Path) -> Command {
        let variables = self.environment.iter();
        let mut command = process::tied(binary);
        command
            .arg("--config-path")
            .arg(bootstrap)
            .arg("--admin-address-path")
            .arg(admin_file)
            // Several Envoys on one machine share nothing.
            .arg("--use-dynamic-base-id")
            // What the access log holds is seen while it is news; the default is ten seconds.
            .args(["--file-flush-interval-msec", "200"])
            // Open connections move to a new policy with their next request.
            .args(["--drain-strategy", "immediate"])
            .args(["--log-level", &self.log_level])
            .args(["--component-log-level", "wasm:info"])
            .args(["--log-format", "[%l][%n] %v"])
            .envs(variables.map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(if self.quiet {
                Stdio::null()
            } else {
                Stdio::inherit()
            });
        if let Some(workers) = self.workers {
            command.args(["--concurrency", &workers.to_string()]);
        }
        command
    }

    /// Who is told what Envoy prints, if anybody is.
    pub(super) fn heard(&self) -> Option<Heard> {
        let live = self.live.clone()?;
        // With a file for the log, what is printed is for us alone.
        let shown = !self.quiet && self.access_log.is_none();
        Some(Heard {
            live,
            onward: if shown {
                Onward::stdout()
            } else {
                Onward::Nobody
            },
        })
    }
}
