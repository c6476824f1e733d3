//! What every test stands on: a worker in workerd, an origin, clients, and waiting for events.

#[expect(dead_code, reason = "the tests of Envoy need more of it")]
#[path = "../envoy/harness/client.rs"]
pub(crate) mod client;
#[expect(dead_code, reason = "the tests of Envoy need more of it")]
#[path = "../envoy/harness/origin.rs"]
pub(crate) mod origin;

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

use serde_json::{Value, json};
use stillgate::host::cli::origin::Target;
use stillgate::host::cli::up::{Edge, EdgeOptions};
use stillgate::host::cli::{build, workerd};
use tempfile::TempDir;
use tokio::time::{Instant, sleep};

pub(crate) use client::{Connection, Request, Wire, get, post};
pub(crate) use origin::Origin;

/// How long an event may take on a busy machine before the test gives up on it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// The secret of all workers.
pub(crate) const SECRET: &str = "0123456789abcdef";

/// A worker before an origin. Dropping it kills workerd.
pub(crate) struct Worker {
    pub(crate) edge: Edge,
    pub(crate) storage: PathBuf,
    records: PathBuf,
    // Held for its end only.
    _folder: TempDir,
}

/// How a worker is set up.
pub(crate) struct Setup {
    pub(crate) policy: String,
    pub(crate) environment: Vec<(String, String)>,
    /// The folder of the page, if there is to be one.
    pub(crate) page: Option<PathBuf>,
    /// Texts of the worker's files that are replaced: the file, what, and by what.
    pub(crate) changes: Vec<(&'static str, &'static str, &'static str)>,
}

impl Setup {
    pub(crate) fn new(policy: &Value) -> Self {
        Self {
            policy: policy.to_string(),
            environment: vec![(String::from("STILLGATE_SECRET"), SECRET.to_owned())],
            page: None,
            changes: Vec::new(),
        }
    }

    pub(crate) fn with_page(mut self, folder: &Path) -> Self {
        self.page = Some(folder.to_owned());
        self
    }

    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn changed(
        mut self,
        file: &'static str,
        what: &'static str,
        by: &'static str,
    ) -> Self {
        self.changes.push((file, what, by));
        self
    }

    /// Starts workerd before this origin; `None` on a machine that has none.
    pub(crate) async fn start(self, origin: &Origin) -> Option<Worker> {
        let mut files = built()?;
        let folder = tempfile::tempdir().expect("a folder");
        let storage = folder.path().join("storage");
        fs::create_dir(&storage).expect("a folder");
        if !self.changes.is_empty() {
            let copy = folder.path().join("worker");
            copy_all(&files, &copy);
            for (file, what, by) in &self.changes {
                let text = fs::read_to_string(copy.join(file)).expect("a file of the worker's");
                assert!(text.contains(what), "{what:?} is in {file}");
                fs::write(copy.join(file), text.replace(what, by)).expect("a changed file");
            }
            files = copy;
        }
        let records = folder.path().join("records");
        let edge = Edge::start(EdgeOptions {
            origin: Some(Target::from(origin.address)),
            worker: Some(files),
            storage: Some(storage.clone()),
            access_log: Some(records.clone()),
            page: self.page,
            environment: self.environment,
            ..EdgeOptions::quiet(self.policy)
        });
        Some(Worker {
            edge: edge.await.expect("workerd listens"),
            storage,
            records,
            _folder: folder,
        })
    }
}

impl Worker {
    pub(crate) async fn connect(&self) -> Connection {
        Connection::open(self.edge.listen, Wire::H1, None).await
    }

    /// The decision that was recorded of a request which `wanted` knows.
    pub(crate) async fn record(&self, wanted: impl Fn(&Value) -> bool) -> Value {
        let find = async || {
            let all = fs::read_to_string(&self.records).unwrap_or_default();
            let mut records = all.lines().filter_map(|line| {
                serde_json::from_str::<Value>(line.strip_prefix("stillgate ")?).ok()
            });
            records.find(|record| wanted(record))
        };
        until("a record", find).await
    }

    /// How many objects have counters.
    pub(crate) fn ledgers(&self) -> usize {
        let files = fs::read_dir(self.storage.join("stillgate-ledger"));
        let names = files.into_iter().flatten().filter_map(Result::ok);
        let names = names.map(|entry| entry.file_name().to_string_lossy().into_owned());
        names
            .filter(|name| name.ends_with(".sqlite") && !name.starts_with("metadata"))
            .count()
    }

    /// Returns when counters that changed before have been written down.
    pub(crate) async fn written(&self) {
        let before = bytes_in(&self.storage.join("stillgate-ledger")).len();
        let grown = async || {
            let now = bytes_in(&self.storage.join("stillgate-ledger")).len();
            (now > before + 4_000).then_some(())
        };
        until("counters to be written down", grown).await;
    }
}

/// All that is in the files of a folder, one after the other.
pub(crate) fn bytes_in(folder: &Path) -> Vec<u8> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let files = entries.filter_map(Result::ok).map(|entry| entry.path());
    let mut all = Vec::new();
    for path in files {
        if path.is_dir() {
            all.extend(bytes_in(&path));
        } else {
            all.extend(fs::read(path).unwrap_or_default());
        }
    }
    all
}

/// Asks again and again until there is an answer; a test that waits in vain says what for.
pub(crate) async fn until<T>(what: &str, mut probe: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(answer) = probe().await {
            return answer;
        }
        assert!(
            Instant::now() < deadline,
            "waited {PATIENCE:?} in vain for {what}"
        );
        sleep(Duration::from_millis(20)).await;
    }
}

/// A request with a key.
pub(crate) fn of(key: &str, request: Request) -> Request {
    use client::Headers as _;
    request.with("authorization", format!("Bearer {key}"))
}

/// A quota for each key.
pub(crate) fn requests(limit: u32, window: &str) -> Value {
    json!({"version": 1, "record": "all", "quotas": [
        {"name": "burst", "per": ["key"], "count": "requests", "limit": limit, "window": window}]})
}

/// A chat with the model.
pub(crate) fn chat(body: impl Into<client::Bytes>) -> Request {
    post("/v1/chat/completions", body)
}

/// Says in one loud sentence what is not tested here, and why.
pub(crate) fn skip(what: &str, why: &dyn core::fmt::Display) {
    assert!(std::env::var_os("CI").is_none(), "in CI, {what}: {why:#}");
    // Not `eprintln!`: the test harness swallows that for tests that pass.
    let _ = writeln!(std::io::stderr(), "\nSKIPPED: {what}: {why:#}\n");
}

/// The worker's files, built once for all tests of this process; `None` on a machine without workerd.
fn built() -> Option<PathBuf> {
    static FILES: OnceLock<Option<PathBuf>> = OnceLock::new();
    let make = || {
        if let Err(error) = workerd::locate() {
            skip("no test of the edge runs", &error);
            return None;
        }
        build::worker(None).expect("the worker builds");
        Some(Path::new(env!("CARGO_MANIFEST_DIR")).join("www/worker"))
    };
    FILES.get_or_init(make).clone()
}

fn copy_all(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("the worker's files") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().expect("a name");
        if path.is_dir() {
            copy_all(&path, &to.join(name));
        } else {
            fs::copy(&path, to.join(name)).expect("a copy");
        }
    }
}
