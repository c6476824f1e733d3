//! Starting workerd with a policy: once at first, and once more for each that comes after it.

use std::fs;
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, bail};
use tempfile::TempDir;
use tokio::process::Command;
use tokio::time;

use super::{EdgeOptions, PAGE};
use crate::host::cli::up::process::{self, Heard, Onward, Process};
use crate::host::cli::wasm;

/// What every workerd of an edge is started with.
#[derive(Debug)]
pub(super) struct Launcher {
    pub(super) binary: PathBuf,
    /// Bound here and handed down, so that connections wait while one workerd takes the place of another.
    pub(super) listener: TcpListener,
    pub(super) origin: String,
    pub(super) folder: TempDir,
    pub(super) options: EdgeOptions,
}

impl Launcher {
    /// Starts workerd with a policy; returns when it serves.
    pub(super) async fn launch(&self, policy: &str) -> anyhow::Result<Process> {
        let heard = match &self.options.live {
            Some(live) => Some(Heard {
                live: live.clone(),
                onward: self.onward()?,
            }),
            None => None,
        };
        let mut process = Process::spawn(self.command(policy)?, self.options.quiet, heard)?;
        let failed = tokio::select! {
            () = process.said(process::CONTROL) => return Ok(process),
            status = process.ended() => format!("workerd ended before it was ready ({status})"),
            () = time::sleep(PATIENCE) => format!("workerd was not ready after {PATIENCE:?}"),
        };
        bail!("{failed}:\n{}", process.log().join("\n"))
    }

    fn command(&self, policy: &str) -> anyhow::Result<Command> {
        let worker = self.options.worker.clone();
        let worker = worker.unwrap_or_else(|| wasm::package().join("www/worker"));
        let short = policy.len() < LONGEST_VARIABLE;
        let worker = if short {
            worker
        } else {
            self.with_policy(&worker, policy)?
        };
        let storage = self.storage()?;
        let listener = self.listener.try_clone().context("cannot listen")?;
        let mut command = process::tied(&self.binary);
        command
            .arg("serve")
            .arg(worker.join("workerd.capnp"))
            // Its standard input is the socket: the one descriptor that can be handed down without unsafe code.
            .arg("--socket-fd=http=0")
            .arg(format!("--directory-path=storage={}", storage.display()))
            // It says there when it serves.
            .arg("--control-fd=2")
            .env("STILLGATE_ORIGIN", &self.origin)
            .stdin(Stdio::from(OwnedFd::from(listener)))
            .stdout(self.stdout()?);
        if short {
            command.env(POLICY, policy);
        } else {
            command.env_remove(POLICY);
        }
        if let Some(page) = &self.options.page {
            command
                .arg(format!("--directory-path=page={}", page.display()))
                .env("STILLGATE_PAGE", PAGE);
        }
        let variables = self.options.environment.iter();
        command.envs(variables.map(|(name, value)| (name, value)));
        Ok(command)
    }

    /// The worker's folder once more, with this policy for its own: how a policy is deployed that is too long for a variable.
    fn with_policy(&self, worker: &Path, policy: &str) -> anyhow::Result<PathBuf> {
        let copy = self.folder.path().join("worker");
        let told = || format!("cannot write {}", copy.display());
        fs::create_dir_all(&copy).with_context(told)?;
        let files = fs::read_dir(worker)
            .with_context(|| format!("there is no worker at {}", worker.display()))?;
        for file in files {
            let file = file.with_context(told)?;
            let link = copy.join(file.file_name());
            if file.file_name() != "policy.json" && !link.exists() {
                symlink(file.path(), link).with_context(told)?;
            }
        }
        fs::write(copy.join("policy.json"), policy).with_context(told)?;
        Ok(copy)
    }

    fn storage(&self) -> anyhow::Result<PathBuf> {
        if let Some(named) = &self.options.storage {
            return Ok(named.clone());
        }
        let own = self.folder.path().join("storage");
        fs::create_dir_all(&own).with_context(|| format!("cannot write {}", own.display()))?;
        Ok(own)
    }

    /// Where the worker tells its decisions.
    fn stdout(&self) -> anyhow::Result<Stdio> {
        Ok(match &self.options.access_log {
            Some(file) => open(file)?.into(),
            None if self.options.quiet => Stdio::null(),
            None => Stdio::inherit(),
        })
    }

    /// The same, for who hands them on.
    fn onward(&self) -> anyhow::Result<Onward> {
        Ok(match &self.options.access_log {
            Some(file) => Onward::file(open(file)?, file.clone()),
            None if self.options.quiet => Onward::Nobody,
            None => Onward::stdout(),
        })
    }
}

/// Opens a file to add to it.
fn open(file: &Path) -> anyhow::Result<fs::File> {
    let opened = fs::OpenOptions::new().create(true).append(true).open(file);
    opened.with_context(|| {
        format!(
            "cannot write {}; name another file with --access-log",
            file.display()
        )
    })
}

/// How long workerd may take to start.
const PATIENCE: Duration = Duration::from_mins(1);
const POLICY: &str = "STILLGATE_POLICY";
/// Linux takes 131,072 bytes for a variable with its name.
const LONGEST_VARIABLE: usize = 130_000;
