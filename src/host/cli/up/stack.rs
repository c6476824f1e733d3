//! Envoy with the filter in it, an origin behind it, and everything gone when it ends.

mod options;

use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use tempfile::TempDir;
use tokio::task::JoinSet;
use tokio::time;

use super::live::{Hello, Live};
use super::process::Process;
use crate::host::cli::admin::Admin;
use crate::host::cli::config::{Config, Settings};
use crate::host::cli::origin::{Origin, Target};
use crate::host::cli::{certificate, envoy};
use crate::policy::Policy;
pub use options::Options;

/// A running stack. Dropping it kills Envoy; [`Stack::stop`] lets it end by itself.
#[derive(Debug)]
pub struct Stack {
    /// Where plaintext HTTP is accepted.
    pub listen: SocketAddr,
    /// Where TLS is accepted.
    pub tls_listen: SocketAddr,
    /// Where Envoy's admin interface is.
    pub admin_address: SocketAddr,
    /// Where requests go.
    pub origin: Target,
    process: Process,
    admin: Admin,
    config: Config,
    live: Option<Live>,
    // What follows is held for its end only: the origin's task, and the folder of the files.
    _tasks: JoinSet<anyhow::Result<()>>,
    folder: TempDir,
}

impl Stack {
    /// Starts the origin, if none is named, and Envoy; returns when both serve.
    ///
    /// # Errors
    /// [`Faults`](crate::policy::Faults) when the policy has any; else what is missing, taken or broken, with what Envoy said.
    pub async fn start(options: Options) -> anyhow::Result<Self> {
        Policy::parse(options.policy.as_bytes())?;
        let binary = envoy::locate(options.envoy.as_deref())?;
        for (argument, address) in [
            ("--listen", options.listen),
            ("--tls-listen", options.tls_listen),
            ("--admin", options.admin),
        ] {
            // Envoy would share a taken port with another Envoy, which then answers half of the requests.
            drop(take(argument, address)?);
        }
        let mut tasks = JoinSet::new();
        let origin = behind(options.origin.clone(), &mut tasks).await?;
        let folder = tempfile::Builder::new()
            .prefix("stillgate-")
            .tempdir()
            .context("cannot make a temporary folder")?;
        let pair = certificate::write(folder.path())?;
        let config = Config::new(&Settings {
            listen: options.listen,
            tls_listen: options.tls_listen,
            admin: options.admin,
            origin: &origin,
            filter: &options
                .filter
                .canonicalize()
                .with_context(|| format!("there is no filter at {}", options.filter.display()))?,
            certificate: &pair.certificate,
            key: &pair.key,
            listeners: &folder.path().join(LISTENERS),
            access_log: options.access_log.as_deref(),
            printed: options.live.is_some(),
        })?;
        deliver(&folder, LISTENERS, &config.listeners(&options.policy)?)?;
        deliver(&folder, BOOTSTRAP, &config.bootstrap())?;

        let admin_file = folder.path().join("admin");
        let command = options.command(&binary, &folder.path().join(BOOTSTRAP), &admin_file);
        let mut process = Process::spawn(command, options.quiet, options.heard())?;
        let ready = async {
            let admin = Admin::new(
                poll(async || {
                    tokio::fs::read_to_string(&admin_file)
                        .await
                        .ok()?
                        .parse()
                        .ok()
                })
                .await,
            );
            poll(async || admin.is_live().await.then_some(())).await;
            admin
        };
        let admin = tokio::select! {
            admin = ready => admin,
            status = process.ended() => bail!("Envoy ended before it was ready ({status}):\n{}", process.log().join("\n")),
            () = time::sleep(PATIENCE) => bail!("Envoy was not ready after {PATIENCE:?}:\n{}", process.log().join("\n")),
        };
        let (Some(listen), Some(tls_listen)) =
            (admin.listener("plain").await?, admin.listener("tls").await?)
        else {
            bail!(
                "Envoy refused its listeners:\n{}",
                refusals(&admin, &process).await
            );
        };
        if let Some(live) = &options.live {
            live.hello(Hello {
                program: "Envoy",
                listen: format!("http://{listen}"),
                tls: Some(format!("https://{tls_listen}")),
                admin: Some(format!("http://{}", admin.address)),
                origin: origin.to_string(),
                policy: options.policy.clone(),
            });
            tasks.spawn(count(admin.clone(), live.clone()));
        }
        Ok(Self {
            listen,
            tls_listen,
            admin_address: admin.address,
            origin,
            process,
            admin,
            config,
            live: options.live,
            _tasks: tasks,
            folder,
        })
    }

    /// Puts another policy in force, for new and for open connections; returns when Envoy has taken or refused it.
    ///
    /// # Errors
    /// [`Faults`](crate::policy::Faults) when the policy has any, or what Envoy says against it. The old one then stays in force.
    pub async fn apply(&self, policy: &str) -> anyhow::Result<()> {
        Policy::parse(policy.as_bytes())?;
        let before = self.admin.deliveries().await?;
        deliver(&self.folder, LISTENERS, &self.config.listeners(policy)?)?;
        let taken = poll(async || {
            let now = self.admin.deliveries().await.ok()?;
            if now.refused_since(&before) {
                return Some(false);
            }
            now.in_force_since(&before).then_some(true)
        });
        match time::timeout(PATIENCE, taken).await {
            Ok(true) => {
                if let Some(live) = &self.live {
                    live.policy(policy);
                }
                Ok(())
            }
            Ok(false) => Err(anyhow!(
                "Envoy refused the policy:\n{}",
                refusals(&self.admin, &self.process).await
            )),
            Err(_) => Err(anyhow!(
                "Envoy neither took nor refused the policy within {PATIENCE:?}"
            )),
        }
    }

    /// Returns when Envoy has ended by itself, with how.
    pub async fn ended(&mut self) -> String {
        self.process.ended().await
    }

    /// The last lines of Envoy's own log, the filter's among them; at most a thousand.
    #[must_use]
    pub fn log(&self) -> Vec<String> {
        self.process.log()
    }

    /// The process id of Envoy, until it has ended.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.process.pid()
    }

    /// Ends Envoy in order, so that its logs are whole; kills it where it does not end.
    ///
    /// # Errors
    /// When it could not be killed.
    pub async fn stop(mut self) -> anyhow::Result<()> {
        // An Envoy that does not answer is one to kill.
        let _ = self.admin.quit().await;
        self.process.finish(Duration::from_secs(5)).await
    }
}

/// The origin that is named, or a demo origin as one of the tasks.
pub(super) async fn behind(
    named: Option<Target>,
    tasks: &mut JoinSet<anyhow::Result<()>>,
) -> anyhow::Result<Target> {
    if let Some(origin) = named {
        return Ok(origin);
    }
    let demo = Origin::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await?;
    let target = Target::from(demo.address);
    tasks.spawn(demo.serve());
    Ok(target)
}

/// Tells what Envoy has counted, once a second while somebody listens.
async fn count(admin: Admin, live: Live) -> anyhow::Result<()> {
    loop {
        live.somebody().await;
        // An Envoy that is about to end may not answer.
        if let Ok(metrics) = admin.metrics().await {
            live.metrics(&metrics);
        }
        time::sleep(Duration::from_secs(1)).await;
    }
}

/// Asks again and again, ever less often, until there is an answer.
async fn poll<T>(ask: impl AsyncFn() -> Option<T>) -> T {
    let mut pause = Duration::from_millis(5);
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        time::sleep(pause).await;
        pause = pause.saturating_mul(2).min(Duration::from_millis(100));
    }
}

/// What Envoy has against its listeners: from the admin interface, or else the end of its log.
async fn refusals(admin: &Admin, process: &Process) -> String {
    match admin.refusals().await {
        Ok(said) if !said.is_empty() => said.join("\n"),
        _ => process.log().join("\n"),
    }
}

/// Puts a file of Envoy's in place by rename, which is what Envoy watches for.
fn deliver(folder: &TempDir, name: &str, text: &str) -> anyhow::Result<()> {
    use std::io::Write as _;
    let path = folder.path().join(name);
    let told = || format!("cannot write {}", path.display());
    let mut file = tempfile::NamedTempFile::new_in(folder.path()).with_context(told)?;
    file.write_all(text.as_bytes()).with_context(told)?;
    file.persist(&path).with_context(told)?;
    Ok(())
}

/// Takes an address, or says how to come by another.
pub(super) fn take(argument: &str, address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).map_err(|error| {
        let any = SocketAddr::new(address.ip(), 0);
        anyhow!("cannot listen on {address}: {error}; end what listens there or choose another port: {argument} {any} takes a free one")
    })
}

/// How long Envoy may take to start, or to take a policy.
const PATIENCE: Duration = Duration::from_mins(1);
const BOOTSTRAP: &str = "bootstrap.json";
const LISTENERS: &str = "listeners.json";
