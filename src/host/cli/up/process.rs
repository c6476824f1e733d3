//! Envoy, or workerd, as a child process that never outlives this one.

use std::collections::VecDeque;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use std::sync::{Mutex, PoisonError};
use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time;

use super::stack::Options;
use crate::host::cli::envoy;

/// A running program and the end of its log. Dropping it kills it.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    log: Arc<Mutex<VecDeque<String>>>,
}

/// What Envoy is started with.
pub(super) struct Arguments<'a> {
    pub(super) binary: &'a Path,
    pub(super) bootstrap: &'a Path,
    /// Where Envoy writes the address of its admin interface.
    pub(super) admin_file: &'a Path,
    pub(super) options: &'a Options,
}

impl Process {
    /// Starts Envoy. To be called from a thread that lives as long as this process: its end would be Envoy's end.
    pub(super) fn spawn(arguments: &Arguments<'_>) -> anyhow::Result<Self> {
        let options = arguments.options;
        let mut command = tied(arguments.binary);
        command
            .arg("--config-path")
            .arg(arguments.bootstrap)
            .arg("--admin-address-path")
            .arg(arguments.admin_file)
            // Several Envoys on one machine share nothing.
            .arg("--use-dynamic-base-id")
            // What the access log holds is seen while it is news; the default is ten seconds.
            .args(["--file-flush-interval-msec", "200"])
            // Open connections move to a new policy with their next request.
            .args(["--drain-strategy", "immediate"])
            .args([
                "--log-level",
                &options.log_level,
                "--component-log-level",
                "wasm:info",
                "--log-format",
                "[%l][%n] %v",
            ])
            .envs(
                options
                    .environment
                    .iter()
                    .map(|(name, value)| (name, value)),
            )
            .stdout(if options.quiet {
                Stdio::null()
            } else {
                Stdio::inherit()
            });
        if let Some(workers) = options.workers {
            command.args(["--concurrency", &workers.to_string()]);
        }
        Self::start(command, arguments.binary, options.quiet)
    }

    /// Starts a [`tied`] command.
    pub(super) fn start(mut command: Command, binary: &Path, quiet: bool) -> anyhow::Result<Self> {
        let mut child = command
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            // A Ctrl-C is for us, and we end what we have started in order.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("cannot run {}", binary.display()))?;
        let log = Arc::default();
        if let Some(stderr) = child.stderr.take() {
            tokio::spawn(follow(stderr, Arc::clone(&log), quiet));
        }
        Ok(Self { child, log })
    }

    /// What it prints, if that was piped; only the first time.
    pub(super) fn take_stdout(&mut self) -> Option<ChildStdout> {
        self.child.stdout.take()
    }

    /// Kills it, and returns when it is gone.
    pub(super) async fn kill(&mut self) -> anyhow::Result<()> {
        self.child.kill().await.context("cannot end it")
    }

    /// The last lines of its log, oldest first.
    pub(super) fn log(&self) -> Vec<String> {
        self.log
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .iter()
            .cloned()
            .collect()
    }

    pub(super) fn pid(&self) -> Option<u32> {
        self.child.id()
    }

    /// Returns when it has ended, with how.
    pub(super) async fn ended(&mut self) -> String {
        match self.child.wait().await {
            Ok(status) => status.to_string(),
            Err(error) => error.to_string(),
        }
    }

    /// Waits for Envoy to end, and kills it after `patience`.
    pub(super) async fn finish(&mut self, patience: Duration) -> anyhow::Result<()> {
        if time::timeout(patience, self.child.wait()).await.is_err() {
            self.child.kill().await.context("cannot end Envoy")?;
        }
        Ok(())
    }
}

/// A command that the kernel kills when this process is killed, where the system offers that (Linux, with util-linux).
///
/// Everywhere else it ends with this process unless this process is ended by SIGKILL.
pub(super) fn tied(binary: &Path) -> Command {
    let tie = ["--pdeathsig", "KILL"];
    let works = |setpriv: &Path| {
        let tried = std::process::Command::new(setpriv)
            .args(tie)
            .arg("true")
            .stderr(Stdio::null())
            .status();
        tried.is_ok_and(|status| status.success())
    };
    match envoy::on_path("setpriv").filter(|setpriv| works(setpriv)) {
        Some(setpriv) => {
            let mut command = Command::new(setpriv);
            command.args(tie).arg(binary);
            command
        }
        None => Command::new(binary),
    }
}

/// Keeps the end of a log, and shows it unless `quiet`.
async fn follow(stderr: impl AsyncRead + Unpin, log: Arc<Mutex<VecDeque<String>>>, quiet: bool) {
    let mut lines = BufReader::new(stderr).split(b'\n');
    while let Ok(Some(line)) = lines.next_segment().await {
        let line = String::from_utf8_lossy(&line).into_owned();
        if !quiet {
            eprintln!("{line}");
        }
        let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
        if log.len() == KEPT {
            log.pop_front();
        }
        log.push_back(line);
    }
}

/// Lines of the log that are kept.
const KEPT: usize = 1000;
