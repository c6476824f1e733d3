//! `stillgate up`: Envoy with the filter in it, or the edge worker, in front of a demo origin or a real one, in one command.

pub mod edge;
pub mod live;
pub mod page;
mod process;
pub mod stack;
mod watch;
mod welcome;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use tokio::signal::unix::{SignalKind, signal};

pub use edge::{Edge, EdgeOptions};
pub use live::{Hello, Live};
pub use page::Page;
pub use stack::{Options, Stack};

use super::embed::{self, Embedded};
use super::origin::Target;
use super::{build, filter, wasm};
use crate::policy::Faults;
use watch::Watch;

/// What `up` is told.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Where requests go, such as https://api.openai.com [default: a demo origin that echoes]
    #[arg(long, value_name = "URL", value_parser = Target::parse)]
    origin: Option<Target>,
    /// Start the edge worker in workerd instead of Envoy
    #[arg(
        long,
        conflicts_with_all = ["tls_listen", "admin", "workers", "envoy", "filter", "log_level"]
    )]
    edge: bool,
    /// The policy, which is put in force again whenever its file or a list's changes [default: envoy/policy.json, built in, or
    /// www/worker/policy.json with --edge]
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// Where plaintext HTTP is accepted; port 0 takes any free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:10000")]
    listen: SocketAddr,
    /// Where TLS is accepted, with a certificate that is made for the occasion
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:10443")]
    tls_listen: SocketAddr,
    /// Where Envoy's admin interface is
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:9901")]
    admin: SocketAddr,
    /// Where the page is served, with what happens here in it [default: 127.0.0.1:9902]
    #[arg(long, value_name = "ADDR")]
    page: Option<SocketAddr>,
    /// Serve no page
    #[arg(long, conflicts_with = "page")]
    no_page: bool,
    /// Envoy's worker threads [default: one a processor]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1024))]
    workers: Option<u32>,
    /// The Envoy to run [default: the one on PATH, or the official one from PyPI]
    #[arg(long, value_name = "PATH")]
    envoy: Option<PathBuf>,
    /// A filter that is already built [default: cargo builds it]
    #[arg(long, value_name = "PATH")]
    filter: Option<PathBuf>,
    /// A file for the access log, or for what the edge worker decides [default: standard output]
    #[arg(long, value_name = "FILE")]
    access_log: Option<PathBuf>,
    /// How much Envoy says about itself
    #[arg(long, value_name = "LEVEL", default_value = "warning",
        value_parser = ["trace", "debug", "info", "warning", "error", "critical", "off"])]
    log_level: String,
}

/// What is kept running: Envoy or workerd, with all that belongs to it.
trait Gate: Sized {
    /// The program, in messages.
    const PROGRAM: &str;

    /// Puts another policy in force, or leaves the old one so.
    async fn apply(&mut self, policy: &str) -> anyhow::Result<()>;

    /// Returns when the program has ended by itself, with how.
    async fn ended(&mut self) -> String;

    /// Ends the program in order.
    async fn stop(self) -> anyhow::Result<()>;

    /// What to try, with the addresses as they are.
    fn welcome(&self, arguments: &Arguments, page: Option<SocketAddr>) -> String;
}

impl Gate for Stack {
    const PROGRAM: &str = "Envoy";

    async fn apply(&mut self, policy: &str) -> anyhow::Result<()> {
        Self::apply(self, policy).await
    }

    async fn ended(&mut self) -> String {
        self.ended().await
    }

    async fn stop(self) -> anyhow::Result<()> {
        self.stop().await
    }

    fn welcome(&self, arguments: &Arguments, page: Option<SocketAddr>) -> String {
        welcome::envoy(self, arguments, page)
    }
}

impl Gate for Edge {
    const PROGRAM: &str = "workerd";

    async fn apply(&mut self, policy: &str) -> anyhow::Result<()> {
        self.apply(policy).await
    }

    async fn ended(&mut self) -> String {
        self.ended().await
    }

    async fn stop(self) -> anyhow::Result<()> {
        self.stop().await
    }

    fn welcome(&self, arguments: &Arguments, page: Option<SocketAddr>) -> String {
        welcome::edge(self, arguments, page)
    }
}

/// Starts everything, keeps the policy up to date, and ends everything on a signal.
pub(super) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let file = match &arguments.policy {
        // The edge runs what would be deployed.
        None if arguments.edge => Some(wasm::package().join("www/worker/policy.json")),
        named => named.clone(),
    };
    let policy = match &file {
        Some(file) => embed::read(file)?,
        None => Embedded::new(DEFAULT_POLICY.to_owned(), Path::new("")),
    };
    // Before anything is built, which may take minutes.
    policy.policy().with_context(|| {
        let file = file.as_deref().unwrap_or(Path::new("built in"));
        format!("the policy {} has faults", file.display())
    })?;
    let file = file.as_deref();
    let runtime = tokio::runtime::Runtime::new().context("cannot start the runtime")?;
    let ended = if arguments.edge {
        let mut options = edge_options(arguments, &policy)?;
        build::worker(None)?;
        let page = page(arguments)?;
        options.live = page.as_ref().map(|(_, live)| live.clone());
        options.page = page.as_ref().map(|_| build::site());
        let starting = Edge::start(options);
        runtime.block_on(serve(arguments, file, &policy, page, starting))
    } else {
        let mut options = options(arguments, &policy)?;
        let page = page(arguments)?;
        options.live = page.as_ref().map(|(_, live)| live.clone());
        let starting = Stack::start(options);
        runtime.block_on(serve(arguments, file, &policy, page, starting))
    };
    // A write to a terminal that takes nothing lasts for ever, and has a thread of the runtime's.
    runtime.shutdown_background();
    ended
}

/// The page, built, and what it will be told. Where nobody has asked for it, up to do without it is better than not to be up.
fn page(arguments: &Arguments) -> anyhow::Result<Option<(page::Ready, Live)>> {
    if arguments.no_page {
        return Ok(None);
    }
    let address = arguments.page.unwrap_or(PAGE);
    let made = || {
        let listener = stack::take("--page", address)?;
        match arguments.page {
            Some(_) => build::page(None)?,
            None => build::optional_page()?,
        };
        page::Ready::new(listener, &build::site())
    };
    match made() {
        Ok(page) => {
            if let Some(warning) = page.warning() {
                eprintln!("{warning}");
            }
            Ok(Some((page, Live::new())))
        }
        Err(error) if arguments.page.is_some() => Err(error.context("there is no page to serve")),
        Err(error) => {
            eprintln!(
                "THERE IS NO PAGE: {error:#}. Everything else works; --no-page does without it."
            );
            Ok(None)
        }
    }
}

fn options(arguments: &Arguments, policy: &Embedded) -> anyhow::Result<Options> {
    Ok(Options {
        origin: arguments.origin.clone(),
        policy: policy.text.clone(),
        listen: arguments.listen,
        tls_listen: arguments.tls_listen,
        admin: arguments.admin,
        workers: arguments.workers,
        envoy: arguments.envoy.clone(),
        filter: arguments.filter.clone().map_or_else(filter::build, Ok)?,
        log_level: arguments.log_level.clone(),
        access_log: arguments.access_log.clone(),
        quiet: false,
        live: None,
        environment: Vec::new(),
    })
}

fn edge_options(arguments: &Arguments, policy: &Embedded) -> anyhow::Result<EdgeOptions> {
    let secret = if let Some(secret) = edge::secret()? {
        secret
    } else {
        eprintln!(
            "{} is not set: keys are hashed with a random one, so the next run calls them by other names in its log",
            edge::SECRET
        );
        edge::random_secret()?
    };
    Ok(EdgeOptions {
        origin: arguments.origin.clone(),
        policy: policy.text.clone(),
        listen: arguments.listen,
        worker: None,
        storage: None,
        access_log: arguments.access_log.clone(),
        quiet: false,
        live: None,
        page: None,
        environment: vec![(String::from(edge::SECRET), secret)],
    })
}

async fn serve<G: Gate>(
    arguments: &Arguments,
    file: Option<&Path>,
    policy: &Embedded,
    page: Option<(page::Ready, Live)>,
    starting: impl Future<Output = anyhow::Result<G>>,
) -> anyhow::Result<()> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hang_up = signal(SignalKind::hangup())?;
    let mut watch = file.map(|file| Watch::new(file, policy)).transpose()?;
    let mut gate = tokio::select! {
        gate = starting => gate?,
        _ = interrupt.recv() => return Ok(()),
        _ = terminate.recv() => return Ok(()),
    };
    let page = page.map(|(ready, live)| ready.serve(Some(live)));
    let page = page.transpose()?;
    let address = page.as_ref().map(|page| page.address);
    print!("{}", gate.welcome(arguments, address));
    loop {
        let changed = async {
            match &mut watch {
                Some(watch) => watch.changed().await,
                None => core::future::pending().await,
            }
        };
        tokio::select! {
            policy = changed => put_in_force(&mut gate, policy).await,
            how = gate.ended() => anyhow::bail!("{} ended by itself ({how})", G::PROGRAM),
            _ = interrupt.recv() => break,
            _ = terminate.recv() => break,
            _ = hang_up.recv() => break,
        }
    }
    gate.stop().await
}

/// Tries a changed policy and says what became of it. A bad one changes nothing.
async fn put_in_force(gate: &mut impl Gate, policy: anyhow::Result<String>) {
    let result = match policy {
        Ok(policy) => gate.apply(&policy).await,
        Err(error) => Err(error),
    };
    match result {
        Ok(()) => eprintln!("The changed policy is in force."),
        Err(error) => match error.downcast_ref::<Faults>() {
            Some(faults) => {
                eprintln!("The changed policy has faults; the old one stays in force:\n{faults}")
            }
            None => eprintln!("The old policy stays in force: {error:#}"),
        },
    }
}

/// Where the page is, unless told otherwise: beside Envoy's admin interface.
const PAGE: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 9902);
const DEFAULT_POLICY: &str = include_str!("../../../envoy/policy.json");
