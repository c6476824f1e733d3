//! `stillgate up --edge`: the worker in workerd, in front of a demo origin or a real one.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use serde::Deserialize;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::ChildStdout;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time;

use super::Arguments;
use super::process::{Process, tied};
use super::stack::require_free;
use super::watch::Watch;
use crate::host::cli::embed::Embedded;
use crate::host::cli::origin::{Origin, Target};
use crate::host::cli::{build, filter, workerd};

/// The policy where none is named.
pub(super) const POLICY: &str = include_str!("../../../../www/worker/policy.json");

/// What an edge is started with.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where requests go; the demo origin without it.
    pub origin: Option<Target>,
    /// The text of the policy.
    pub policy: String,
    /// Where HTTP is accepted. Port 0: any free one.
    pub listen: SocketAddr,
    /// The workerd to run; found as [`workerd::locate`] does without it.
    pub workerd: Option<PathBuf>,
    /// The configuration: `www/worker/workerd.capnp` without it.
    pub config: Option<PathBuf>,
    /// Where counters are kept; a folder that goes with this process without it.
    pub storage: Option<PathBuf>,
    /// Whether what workerd prints is kept from the terminal.
    pub quiet: bool,
    /// Variables of workerd's environment beside those that it inherits; they go before those that follow from the rest.
    pub environment: Vec<(String, String)>,
}

impl Options {
    /// An edge with this policy on a free port of the loopback interface, which prints nothing.
    #[must_use]
    pub fn quiet(policy: impl Into<String>) -> Self {
        Self {
            origin: None,
            policy: policy.into(),
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            workerd: None,
            config: None,
            storage: None,
            quiet: true,
            environment: Vec::new(),
        }
    }
}

/// A worker at work. Dropping it kills workerd.
#[derive(Debug)]
pub struct Edge {
    /// Where HTTP is accepted.
    pub listen: SocketAddr,
    /// Where requests go.
    pub origin: Target,
    process: Process,
    lines: watch::Receiver<Arc<Vec<String>>>,
    binary: PathBuf,
    options: Options,
    storage: PathBuf,
    // What follows is held for its end only.
    _folder: Option<TempDir>,
    _tasks: JoinSet<anyhow::Result<()>>,
}

impl Edge {
    /// Starts the origin, if none is named, and workerd; returns when it listens. The worker must have been [built](build::worker).
    ///
    /// # Errors
    /// What is missing, taken or broken, with what workerd said.
    pub async fn start(options: Options) -> anyhow::Result<Self> {
        let binary = workerd::locate(options.workerd.as_deref())?;
        require_free("--listen", options.listen)?;
        let mut tasks = JoinSet::new();
        let origin = match options.origin.clone() {
            Some(origin) => origin,
            None => {
                let demo = Origin::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await?;
                let target = Target::from(demo.address);
                tasks.spawn(demo.serve());
                target
            }
        };
        let folder = match options.storage {
            Some(_) => None,
            None => Some(
                tempfile::Builder::new()
                    .prefix("stillgate-")
                    .tempdir()
                    .context("cannot make a temporary folder")?,
            ),
        };
        let storage = options.storage.clone();
        let storage = storage.or_else(|| folder.as_ref().map(|folder| folder.path().to_owned()));
        let storage = storage.context("there is no folder for counters")?;
        let (process, lines, listen) =
            spawn(&binary, &options, options.listen, &origin, &storage).await?;
        Ok(Self {
            listen,
            origin,
            process,
            lines,
            binary,
            options,
            storage,
            _folder: folder,
            _tasks: tasks,
        })
    }

    /// Ends workerd at once and starts it again with this policy, on the same port and over the same counters.
    ///
    /// # Errors
    /// As of [`start`](Self::start); then nothing runs.
    pub async fn restart(&mut self, policy: impl Into<String>) -> anyhow::Result<()> {
        self.process.kill().await?;
        self.options.policy = policy.into();
        let again = spawn(
            &self.binary,
            &self.options,
            self.listen,
            &self.origin,
            &self.storage,
        );
        (self.process, self.lines, self.listen) = again.await?;
        Ok(())
    }

    /// Returns when workerd has ended by itself, with how.
    pub async fn ended(&mut self) -> String {
        self.process.ended().await
    }

    /// The first line that workerd has printed, or prints, which is wanted; `None` if it ends before.
    pub async fn line(&self, wanted: impl Fn(&str) -> bool) -> Option<String> {
        let mut lines = self.lines.clone();
        let printed = lines
            .wait_for(|all| all.iter().any(|line| wanted(line)))
            .await;
        let all = Arc::clone(&*printed.ok()?);
        all.iter().find(|line| wanted(line)).cloned()
    }

    /// All lines that workerd has printed.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        self.lines.borrow().to_vec()
    }

    /// What workerd and the worker complained about.
    #[must_use]
    pub fn log(&self) -> Vec<String> {
        self.process.log()
    }

    /// The process id of workerd, until it has ended.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.process.pid()
    }

    /// Ends workerd.
    ///
    /// # Errors
    /// When it could not be killed.
    pub async fn stop(mut self) -> anyhow::Result<()> {
        self.process.kill().await
    }
}

/// What workerd prints on the descriptor that it is told to be controlled by.
#[derive(Debug, Deserialize)]
struct Event {
    event: String,
    port: u16,
}

/// Starts workerd; returns when it listens.
async fn spawn(
    binary: &Path,
    options: &Options,
    listen: SocketAddr,
    origin: &Target,
    storage: &Path,
) -> anyhow::Result<(Process, watch::Receiver<Arc<Vec<String>>>, SocketAddr)> {
    let config = options.config.clone();
    let config =
        config.unwrap_or_else(|| Path::new(filter::PACKAGE).join("www/worker/workerd.capnp"));
    let mut command = tied(binary);
    command
        .arg("serve")
        .arg(config)
        .arg(format!("--socket-addr=http={listen}"))
        .arg(format!("--directory-path=storage={}", storage.display()))
        // Where it listens is told as a line of what it prints.
        .arg("--control-fd=1")
        .env("STILLGATE_POLICY", &options.policy)
        .env("STILLGATE_ORIGIN", origin.url())
        .envs(
            options
                .environment
                .iter()
                .map(|(name, value)| (name, value)),
        )
        .stdout(Stdio::piped());
    let mut process = Process::start(command, binary, options.quiet)?;
    let stdout = process.take_stdout().context("workerd has no output")?;
    let (told, lines) = watch::channel(Arc::default());
    let (port, mut ports) = watch::channel(None);
    tokio::spawn(follow(stdout, told, port, options.quiet));
    let ready = async {
        let port = ports.wait_for(Option::is_some).await.ok()?;
        *port
    };
    let port = tokio::select! {
        Some(port) = ready => port,
        status = process.ended() => bail!("workerd ended before it listened ({status}):\n{}", process.log().join("\n")),
        () = time::sleep(PATIENCE) => bail!("workerd did not listen after {PATIENCE:?}:\n{}", process.log().join("\n")),
    };
    Ok((process, lines, SocketAddr::new(listen.ip(), port)))
}

/// Hands on what workerd prints, and finds where it listens.
async fn follow(
    stdout: ChildStdout,
    told: watch::Sender<Arc<Vec<String>>>,
    port: watch::Sender<Option<u16>>,
    quiet: bool,
) {
    let mut lines = BufReader::new(stdout).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        if let Ok(event) = serde_json::from_str::<Event>(&line)
            && event.event == "listen"
        {
            port.send_replace(Some(event.port));
            continue;
        }
        if quiet {
            told.send_modify(|lines| Arc::make_mut(lines).push(line));
        } else {
            println!("{line}");
        }
    }
}

/// Starts everything, keeps the policy up to date, and ends everything on a signal.
pub(super) async fn run(arguments: &Arguments, policy: &Embedded) -> anyhow::Result<()> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut watch = arguments.policy.as_deref();
    let mut watch = watch
        .take()
        .map(|file| Watch::new(file, policy))
        .transpose()?;
    tokio::task::spawn_blocking(|| build::worker(&build::pkg())).await??;
    let mut environment = Vec::new();
    if std::env::var_os(SECRET).is_none_or(|secret| secret.is_empty()) {
        let mut random = [0; 16];
        getrandom::fill(&mut random).context("this system has no randomness")?;
        let secret: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
        environment.push((SECRET.to_owned(), secret));
        eprintln!(
            "{SECRET} is not set, so this run makes one of its own: pseudonyms in logs change with every start"
        );
    }
    let options = Options {
        origin: arguments.origin.clone(),
        policy: policy.text.clone(),
        listen: arguments.listen,
        workerd: arguments.workerd.clone(),
        config: None,
        storage: None,
        quiet: false,
        environment,
    };
    let mut edge = tokio::select! {
        edge = Edge::start(options) => edge?,
        _ = interrupt.recv() => return Ok(()),
        _ = terminate.recv() => return Ok(()),
    };
    print!("{}", welcome(&edge, arguments));
    loop {
        let changed = async {
            match &mut watch {
                Some(watch) => watch.changed().await,
                None => core::future::pending().await,
            }
        };
        tokio::select! {
            policy = changed => match policy {
                Ok(policy) => {
                    edge.restart(policy).await?;
                    eprintln!("The changed policy is in force.");
                }
                Err(error) => eprintln!("The old policy stays in force: {error:#}"),
            },
            how = edge.ended() => bail!("workerd ended by itself ({how})"),
            _ = interrupt.recv() => break,
            _ = terminate.recv() => break,
        }
    }
    edge.stop().await
}

/// What to try, with the address as it is.
fn welcome(edge: &Edge, arguments: &Arguments) -> String {
    let listen = edge.listen;
    let (asks, key) = match arguments.origin {
        Some(_) => (edge.origin.url(), "YOUR_KEY"),
        None => (
            format!("a demo origin that echoes ({})", edge.origin.url()),
            "sk-one",
        ),
    };
    let policy = match &arguments.policy {
        Some(file) => format!("{}, put in force again whenever it changes", file.display()),
        None => String::from(
            "www/worker/policy.json: 60 requests a minute, 100,000 tokens a day and 8 requests in flight for each key; \
             --policy FILE for your own",
        ),
    };
    format!(
        "
Stillgate is up, at the edge.

  listens on  http://{listen}
  asks        {asks}
  policy      {policy}

Try, in another terminal:

  ask() {{ curl -s \"$@\" http://{listen}/v1/chat/completions \\
    -H 'authorization: Bearer {key}' -H 'content-type: application/json' \\
    -d '{{\"model\": \"demo\", \"messages\": [{{\"role\": \"user\", \"content\": \"hello there\"}}]}}'; }}

  # One request
  ask -i

  # 61 of them: more than the built-in policy lets through in a minute
  for i in $(seq 61); do ask -o /dev/null -w '%{{http_code}}\\n'; done | sort | uniq -c

What was decided is told below. Ctrl-C ends everything.

"
    )
}

/// How long workerd may take to listen.
const PATIENCE: Duration = Duration::from_mins(1);

/// The variable with the secret.
const SECRET: &str = "STILLGATE_SECRET";
