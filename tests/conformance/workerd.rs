//! The worker in a real workerd: one process for each case, with its counters in a Durable Object.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use serde_json::Value;
use stillgate::host::cli::up::edge::{Edge, Options};
use stillgate::host::cli::{build, workerd};

use tempfile::TempDir;

use super::case::Case;
use super::harness::skip;
use super::host::{Host, Ran};
use super::live::Gateway;
use super::origin::Origin;
use super::wire::SECRET;

/// The host.
pub(crate) struct Workerd {
    /// The worker's files beside a configuration of its own.
    folder: TempDir,
}

/// The configuration.
const CONFIGURATION: &str = "workerd.capnp";

/// By this header workerd is told what Cloudflare would know of a request.
const CF: &str = "x-test-cf";

/// What the worker prints before a record.
const RECORD: &str = "stillgate {";

impl Workerd {
    /// Builds the worker; `None` where there is no workerd.
    pub(crate) fn start() -> Option<Self> {
        if let Err(error) = workerd::locate(None) {
            skip("no case runs in workerd", &error);
            return None;
        }
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("www/worker");
        build::worker(&source.join("pkg")).expect("the worker builds");
        let folder = tempfile::tempdir().expect("a temporary folder");
        for entry in fs::read_dir(&source).expect("the worker's folder") {
            let entry = entry.expect("an entry");
            if entry.file_name() != CONFIGURATION {
                symlink(entry.path(), folder.path().join(entry.file_name())).expect("a link");
            }
        }
        let text = fs::read_to_string(source.join(CONFIGURATION)).expect("the configuration");
        let told = text.replace("http = ()", &format!("http = (cfBlobHeader = \"{CF}\")"));
        assert_ne!(text, told, "the configuration has one socket for HTTP");
        fs::write(folder.path().join(CONFIGURATION), told).expect("the folder can be written");
        Some(Self { folder })
    }
}

impl Host for Workerd {
    fn name(&self) -> &'static str {
        "workerd"
    }

    async fn run(&self, case: &Case) -> Ran {
        let origin = Origin::start().await;
        let desk = origin.desk("");
        let options = Options {
            origin: Some(origin.address.into()),
            config: Some(self.folder.path().join(CONFIGURATION)),
            environment: vec![(String::from("STILLGATE_SECRET"), String::from(SECRET))],
            ..Options::quiet(case.policy().to_string())
        };
        let edge = Edge::start(options).await.expect("workerd starts");
        let lines = || {
            let lines = edge.lines().into_iter();
            let records = lines.filter(|line| line.starts_with(RECORD));
            let record = |line: String| -> Value {
                serde_json::from_str(&line[RECORD.len() - 1..]).expect("a record in JSON")
            };
            records.map(record).collect()
        };
        let gateway = Gateway {
            address: edge.listen,
            // The client's address, as Cloudflare tells it.
            told: |request| {
                let source = ("cf-connecting-ip", request.from.to_string());
                let cf = (CF, String::from(r#"{"colo": "XXX"}"#));
                [source, cf].map(|(name, value)| (name.to_owned(), value)).into()
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
