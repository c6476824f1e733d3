//! Envoy or workerd as a child process that never outlives this one.

use std::collections::VecDeque;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::Context as _;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::watch;
use tokio::time;

use crate::host::cli::envoy;

/// A running program and the end of its log. Dropping it kills it.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    log: watch::Receiver<VecDeque<String>>,
}

impl Process {
    /// Starts a command that [`tied`] began, with its standard error for its log, which is shown unless `quiet`.
    ///
    /// To be called from a thread that lives as long as this process: its end would be the program's end.
    pub(super) fn spawn(mut command: Command, quiet: bool) -> anyhow::Result<Self> {
        let mut child = command
            .stderr(Stdio::piped())
            // A Ctrl-C is for us, and we end the program in order.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| {
                let program = command.as_std().get_program();
                format!("cannot run {}", program.display())
            })?;
        let (sender, log) = watch::channel(VecDeque::new());
        if let Some(stderr) = child.stderr.take() {
            tokio::spawn(follow(stderr, sender, quiet));
        }
        Ok(Self { child, log })
    }

    /// The last lines of the program's log, oldest first.
    pub(super) fn log(&self) -> Vec<String> {
        self.log.borrow().iter().cloned().collect()
    }

    /// Ends when there is a line that begins so, and never where the program says no such thing.
    pub(super) fn said(&self, beginning: &'static str) -> impl Future<Output = ()> + use<> {
        let mut log = self.log.clone();
        async move {
            let told = |log: &VecDeque<String>| log.iter().any(|line| line.starts_with(beginning));
            if log.wait_for(told).await.is_err() {
                core::future::pending::<()>().await;
            }
        }
    }

    pub(super) fn pid(&self) -> Option<u32> {
        self.child.id()
    }

    /// Returns when the program has ended, with how.
    pub(super) async fn ended(&mut self) -> String {
        match self.child.wait().await {
            Ok(status) => status.to_string(),
            Err(error) => error.to_string(),
        }
    }

    /// Asks the program to end by SIGTERM, unless it has ended.
    pub(super) fn terminate(&self) {
        let pid = self.pid().and_then(|pid| i32::try_from(pid).ok());
        if let Some(pid) = pid.and_then(rustix::process::Pid::from_raw) {
            // A program that cannot be asked is killed when its time is up.
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        }
    }

    /// Waits for the program to end, and kills it after `patience`.
    pub(super) async fn finish(&mut self, patience: Duration) -> anyhow::Result<()> {
        if time::timeout(patience, self.child.wait()).await.is_err() {
            self.child.kill().await.context("cannot end it")?;
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

/// Keeps the end of a program's log, and shows it unless `quiet`.
async fn follow(stderr: impl AsyncRead + Unpin, log: watch::Sender<VecDeque<String>>, quiet: bool) {
    let mut lines = BufReader::new(stderr).split(b'\n');
    while let Ok(Some(line)) = lines.next_segment().await {
        let line = String::from_utf8_lossy(&line).into_owned();
        if !quiet && !line.starts_with(CONTROL) {
            eprintln!("{line}");
        }
        log.send_modify(|log| {
            if log.len() == KEPT {
                log.pop_front();
            }
            log.push_back(line);
        });
    }
}

/// What begins workerd's control messages, which are for us and for nobody else.
pub(super) const CONTROL: &str = r#"{"event":"#;
/// Lines of the log that are kept.
const KEPT: usize = 1000;
