//! The edge worker in workerd, an origin behind it, and everything gone when it ends.

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use tempfile::TempDir;
use tokio::io::AsyncWrite;
use tokio::process::Command;
use tokio::task::JoinSet;
use tokio::time;

use super::live::{Hello, Live};
use super::process::{self, Heard, Process};
use super::stack;
use crate::host::cli::origin::Target;
use crate::host::cli::{wasm, workerd};
use crate::policy::Policy;

/// What an edge is started with.
#[derive(Debug, Clone)]
pub struct EdgeOptions {
    /// Where requests go; the demo origin without it.
    pub origin: Option<Target>,
    /// The text of the policy, with the files of its lists in it.
    pub policy: String,
    /// Where HTTP is accepted. Port 0: any free one.
    pub listen: SocketAddr,
    /// The worker's folder; `www/worker` of this package without it.
    pub worker: Option<PathBuf>,
    /// The folder of the Durable Objects' files, which must be there; one that goes with the edge without it.
    pub storage: Option<PathBuf>,
    /// The file to which the worker's decisions are added; this program's standard output without it.
    pub access_log: Option<PathBuf>,
    /// Whether what workerd prints is kept from the terminal.
    pub quiet: bool,
    /// Who is told what happens.
    pub live: Option<Live>,
    /// The folder of the page, which the worker then serves at [`PAGE`].
    pub page: Option<PathBuf>,
    /// Variables of the worker beside those that this program has, such as `STILLGATE_SECRET`. They come before the latter, and
    /// before what this says of the policy and of the origin.
    pub environment: Vec<(String, String)>,
}

impl EdgeOptions {
    /// An edge with this policy on a free port of the loopback interface, which prints nothing and has a secret of its own.
    #[must_use]
    pub fn quiet(policy: impl Into<String>) -> Self {
        Self {
            origin: None,
            policy: policy.into(),
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            worker: None,
            storage: None,
            access_log: None,
            quiet: true,
            live: None,
            page: None,
            environment: vec![(String::from(SECRET), String::from("16 or more bytes"))],
        }
    }
}

/// A running edge. Dropping it kills workerd; [`Edge::stop`] lets it end by itself.
#[derive(Debug)]
pub struct Edge {
    /// Where HTTP is accepted.
    pub listen: SocketAddr,
    /// Where requests go.
    pub origin: Target,
    process: Process,
    /// What is in force.
    policy: String,
    launcher: Launcher,
    // Held for its end only: the origin's task.
    _tasks: JoinSet<anyhow::Result<()>>,
}

impl Edge {
    /// Starts the origin, if none is named, and workerd with the worker that is in `www/worker`; returns when both serve.
    ///
    /// # Errors
    /// [`Faults`](crate::policy::Faults) when the policy has any; else what is missing, taken or broken, with what workerd said.
    pub async fn start(options: EdgeOptions) -> anyhow::Result<Self> {
        Policy::parse(options.policy.as_bytes())?;
        let binary = workerd::locate()?;
        let listener = stack::take("--listen", options.listen)?;
        let listen = listener.local_addr().context("cannot listen")?;
        let mut tasks = JoinSet::new();
        let origin = stack::behind(options.origin.clone(), &mut tasks).await?;
        let folder = tempfile::Builder::new()
            .prefix("stillgate-")
            .tempdir()
            .context("cannot make a temporary folder")?;
        let policy = options.policy.clone();
        let launcher = Launcher {
            binary,
            listener,
            origin: origin.to_string(),
            folder,
            options,
        };
        let process = launcher.launch(&policy).await?;
        if let Some(live) = &launcher.options.live {
            live.hello(Hello {
                program: "workerd",
                listen: format!("http://{listen}"),
                tls: None,
                admin: None,
                origin: launcher.origin.clone(),
                policy: policy.clone(),
            });
        }
        Ok(Self {
            listen,
            origin,
            process,
            policy,
            launcher,
            _tasks: tasks,
        })
    }

    /// Puts another policy in force with another workerd, which has the same port and the same counters; returns when it serves.
    ///
    /// Requests that are being answered have [`DRAIN`] to end, and new connections wait. Open ones on which nothing is being
    /// answered are closed, as a server may at any time.
    ///
    /// # Errors
    /// [`Faults`](crate::policy::Faults) when the policy has any, or what workerd says against it. The old one then stays in force.
    pub async fn apply(&mut self, policy: &str) -> anyhow::Result<()> {
        Policy::parse(policy.as_bytes())?;
        self.end().await?;
        match self.launcher.launch(policy).await {
            Ok(process) => {
                self.process = process;
                policy.clone_into(&mut self.policy);
                if let Some(live) = &self.launcher.options.live {
                    live.policy(policy);
                }
                Ok(())
            }
            Err(error) => {
                self.process = self.launcher.launch(&self.policy).await?;
                Err(error)
            }
        }
    }

    /// Returns when workerd has ended by itself, with how.
    pub async fn ended(&mut self) -> String {
        self.process.ended().await
    }

    /// The last lines of workerd's standard error, the worker's own among them; at most a thousand.
    #[must_use]
    pub fn log(&self) -> Vec<String> {
        self.process.log()
    }

    /// The process id of workerd, until it has ended.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.process.pid()
    }

    /// Ends workerd in order; kills it where it does not end.
    ///
    /// # Errors
    /// When it could not be killed.
    pub async fn stop(mut self) -> anyhow::Result<()> {
        self.end().await
    }

    async fn end(&mut self) -> anyhow::Result<()> {
        self.process.terminate();
        self.process.finish(DRAIN).await
    }
}

/// What every workerd of an edge is started with.
#[derive(Debug)]
struct Launcher {
    binary: PathBuf,
    /// Bound here and handed down, so that connections wait while one workerd takes the place of another.
    listener: TcpListener,
    origin: String,
    folder: TempDir,
    options: EdgeOptions,
}

impl Launcher {
    /// Starts workerd with a policy; returns when it serves.
    async fn launch(&self, policy: &str) -> anyhow::Result<Process> {
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
        Ok(match self.access_log()? {
            Some(file) => file.into(),
            None if self.options.quiet => Stdio::null(),
            None => Stdio::inherit(),
        })
    }

    /// The same, for who hands them on.
    fn onward(&self) -> anyhow::Result<Box<dyn AsyncWrite + Send + Unpin>> {
        Ok(match self.access_log()? {
            Some(file) => Box::new(tokio::fs::File::from_std(file)),
            None if self.options.quiet => Box::new(tokio::io::sink()),
            None => Box::new(tokio::io::stdout()),
        })
    }

    fn access_log(&self) -> anyhow::Result<Option<fs::File>> {
        let Some(file) = &self.options.access_log else {
            return Ok(None);
        };
        let opened = fs::OpenOptions::new().create(true).append(true).open(file);
        let opened = opened.with_context(|| {
            format!(
                "cannot write {}; name another file with --access-log",
                file.display()
            )
        })?;
        Ok(Some(opened))
    }
}

/// The secret of this program's environment, if there is one.
///
/// # Errors
/// When it is shorter than the worker takes.
pub(super) fn secret() -> anyhow::Result<Option<String>> {
    let Some(secret) = std::env::var_os(SECRET).filter(|secret| !secret.is_empty()) else {
        return Ok(None);
    };
    let secret = secret
        .into_string()
        .map_err(|_| anyhow!("{SECRET} is not UTF-8, which a worker's variables are; {MAKE}"))?;
    if secret.len() < SHORTEST_SECRET {
        bail!(
            "{SECRET} has {} bytes, and the worker takes no less than {SHORTEST_SECRET}; {MAKE}",
            secret.len()
        );
    }
    Ok(Some(secret))
}

/// A secret for one run.
pub(super) fn random_secret() -> anyhow::Result<String> {
    let mut random = [0; 32];
    getrandom::fill(&mut random).map_err(|error| anyhow!("no randomness: {error}"))?;
    Ok(random.map(|byte| format!("{byte:02x}")).concat())
}

/// How long requests may go on when their workerd is to end.
pub const DRAIN: Duration = Duration::from_secs(5);
/// Where the worker serves the page, if it does.
pub const PAGE: &str = "/stillgate";
/// How long workerd may take to start.
const PATIENCE: Duration = Duration::from_mins(1);
/// What hashes keys.
pub(super) const SECRET: &str = "STILLGATE_SECRET";
const POLICY: &str = "STILLGATE_POLICY";
/// Bytes of the shortest secret that the worker takes.
const SHORTEST_SECRET: usize = 16;
const MAKE: &str = "`openssl rand -hex 32` makes a good one";
/// Linux takes 131,072 bytes for a variable with its name.
const LONGEST_VARIABLE: usize = 130_000;
