//! Envoy or workerd as a child process that never outlives this one.

mod onward;

use std::collections::VecDeque;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::Context as _;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time;

use super::live::Live;
use crate::host::cli::envoy;
pub(super) use onward::Onward;

/// A running program and the end of its log. Dropping it kills it.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    log: watch::Receiver<VecDeque<String>>,
    /// What hands on what it prints and logs.
    heard: JoinSet<()>,
}

/// Who is told what a program prints.
pub(super) struct Heard {
    pub(super) live: Live,
    /// Where its standard output goes after that.
    pub(super) onward: Onward,
}

impl Process {
    /// Starts a command that [`tied`] began, with its standard error for its log, which is shown unless `quiet`. What it prints goes
    /// where the command has it, unless somebody is to be told.
    ///
    /// To be called from a thread that lives as long as this process: its end would be the program's end.
    pub(super) fn spawn(
        mut command: Command,
        quiet: bool,
        heard: Option<Heard>,
    ) -> anyhow::Result<Self> {
        if heard.is_some() {
            command.stdout(Stdio::piped());
        }
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
        let mut tasks = JoinSet::new();
        if let Some(stderr) = child.stderr.take() {
            let live = heard.as_ref().map(|heard| heard.live.clone());
            let onward = if quiet {
                Onward::Nobody
            } else {
                Onward::stderr()
            };
            tasks.spawn(follow(stderr, sender, live, onward));
        }
        if let Some((heard, stdout)) = heard.zip(child.stdout.take()) {
            tasks.spawn(hand_on(stdout, heard));
        }
        Ok(Self {
            child,
            log,
            heard: tasks,
        })
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
        let ended = self.child.wait().await;
        self.last_lines().await;
        match ended {
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
        self.last_lines().await;
        Ok(())
    }

    /// Returns when what it printed last is handed on, or takes too long.
    async fn last_lines(&mut self) {
        let last = async { while self.heard.join_next().await.is_some() {} };
        let _ = time::timeout(LAST, last).await;
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

/// Tells what a program prints, line by line, and hands it on.
async fn hand_on(mut stdout: impl AsyncRead + Unpin, heard: Heard) {
    let Heard { live, mut onward } = heard;
    let mut read = Vec::with_capacity(READ);
    loop {
        let ended = !matches!(stdout.read_buf(&mut read).await, Ok(1..));
        let whole = match read.iter().rposition(|byte| *byte == b'\n') {
            Some(last) if !ended => last.saturating_add(1),
            None if !ended && read.len() < LONGEST => continue,
            _ => read.len(),
        };
        let lines: Vec<u8> = read.drain(..whole).collect();
        for line in lines.split(|byte| *byte == b'\n') {
            live.printed(&String::from_utf8_lossy(line));
        }
        onward.put(lines).await;
        if ended {
            return onward.end().await;
        }
    }
}

/// Keeps the end of a program's log, tells what is in it, and hands it on.
async fn follow(
    stderr: impl AsyncRead + Unpin,
    log: watch::Sender<VecDeque<String>>,
    live: Option<Live>,
    mut onward: Onward,
) {
    let mut lines = BufReader::new(stderr).split(b'\n');
    while let Ok(Some(line)) = lines.next_segment().await {
        let line = String::from_utf8_lossy(&line).into_owned();
        if !line.starts_with(CONTROL) {
            onward.put(format!("{line}\n").into_bytes()).await;
        }
        if let Some(live) = &live {
            live.logged(&line);
        }
        log.send_modify(|log| {
            if log.len() == KEPT {
                log.pop_front();
            }
            log.push_back(line);
        });
    }
    onward.end().await;
}

/// What begins workerd's control messages, which are for us and for nobody else.
pub(super) const CONTROL: &str = r#"{"event":"#;
/// Lines of the log that are kept.
const KEPT: usize = 1000;
/// How long the last lines may take to be where they belong.
const LAST: Duration = Duration::from_secs(5);
/// Bytes that are read at once.
const READ: usize = 64 << 10;
/// Bytes after which a line that does not end is taken for whole.
const LONGEST: usize = 1 << 20;
