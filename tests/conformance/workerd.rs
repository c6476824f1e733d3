//! The worker in a real workerd: one process for each case, with its counters in a Durable Object.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use stillgate::host::cli::up::{Edge, EdgeOptions};
use stillgate::host::cli::{build, workerd};
use tempfile::TempDir;

use super::case::Case;
use super::harness::skip;
use super::host::{Host, Ran};
use super::live::Gateway;
use super::origin::Origin;
use super::wire::SECRET;

/// The host: the worker's files, but that what Cloudflare knows of a request comes in a header, as workerd has it.
pub(crate) struct Workerd {
    files: TempDir,
}

/// What the worker prints before a record.
const RECORD: &str = "stillgate {";

/// The files of a worker, and by what its configuration says that nobody stands between it and its clients.
const FILES: [&str; 5] = ["worker.js", "gate.js", "local.js", "page.js", "policy.json"];
const PLAIN: &str = "http = (), service";
const TOLD: &str = "http = (cfBlobHeader = \"x-test-cf\"), service";

impl Workerd {
    /// Builds the worker; `None` where there is no workerd.
    pub(crate) fn start() -> Option<Self> {
        if let Err(error) = workerd::locate() {
            skip("no case runs in workerd", &error);
            return None;
        }
        let files = tempfile::tempdir().expect("a folder");
        build::worker(Some(&files.path().join("pkg"))).expect("the worker builds");
        let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("www/worker");
        for file in FILES {
            fs::copy(from.join(file), files.path().join(file)).expect("a copy");
        }
        let config = fs::read_to_string(from.join("workerd.capnp")).expect("a configuration");
        assert!(config.contains(PLAIN), "{PLAIN:?} is in workerd.capnp");
        let config = config.replace(PLAIN, TOLD);
        fs::write(files.path().join("workerd.capnp"), config).expect("a configuration");
        Some(Self { files })
    }
}

impl Host for Workerd {
    fn name(&self) -> &'static str {
        "workerd"
    }

    async fn run(&self, case: &Case) -> Ran {
        let origin = Origin::start().await;
        let desk = origin.desk("");
        let folder = tempfile::tempdir().expect("a folder");
        let log: PathBuf = folder.path().join("records");
        let options = EdgeOptions {
            origin: Some(origin.address.into()),
            worker: Some(self.files.path().to_owned()),
            access_log: Some(log.clone()),
            environment: vec![(String::from("STILLGATE_SECRET"), String::from(SECRET))],
            ..EdgeOptions::quiet(case.policy().to_string())
        };
        let edge = Edge::start(options).await.expect("workerd starts");
        let lines = || {
            let text = fs::read_to_string(&log).unwrap_or_default();
            // The last line may be half written.
            let (whole, _) = text.rsplit_once('\n').unwrap_or_default();
            let records = whole.lines().filter(|line| line.starts_with(RECORD));
            let record = |line: &str| -> Value {
                serde_json::from_str(&line[RECORD.len() - 1..]).expect("a record in JSON")
            };
            records.map(record).collect()
        };
        let gateway = Gateway {
            address: edge.listen,
            // What Cloudflare knows: that it is Cloudflare, and the client's address.
            told: |request| {
                vec![
                    (String::from("x-test-cf"), String::from(r#"{"colo":"ZRH"}"#)),
                    (String::from("cf-connecting-ip"), request.from.to_string()),
                ]
            },
            desk,
            records: lines,
        };
        let ran = gateway.run(case).await;
        for complaint in edge.log() {
            eprintln!("{}: workerd says: {complaint}", case.name);
        }
        if edge.pid().is_none() {
            eprintln!("{}: workerd has ended by itself", case.name);
        }
        edge.stop().await.expect("workerd ends");
        ran
    }
}
