//! The edge worker in workerd, an origin behind it, and everything gone when it ends.

mod launcher;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use tokio::task::JoinSet;

use super::live::{Hello, Live};
use super::process::Process;
use super::stack;
use crate::host::cli::origin::Target;
use crate::host::cli::workerd;
use crate::policy::Policy;
use launcher::Launcher;

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
/// What hashes keys.
pub(super) const SECRET: &str = "STILLGATE_SECRET";
/// Bytes of the shortest secret that the worker takes.
const SHORTEST_SECRET: usize = 16;
const MAKE: &str = "`openssl rand -hex 32` makes a good one";
