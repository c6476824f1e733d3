//! The worker in a real workerd: one process for each case, with its counters in a Durable Object.

use std::path::Path;

use serde_json::Value;
use stillgate::host::cli::up::edge::{Edge, Options};
use stillgate::host::cli::{build, workerd};

use super::case::Case;
use super::harness::skip;
use super::host::{Host, Ran};
use super::live::Gateway;
use super::origin::Origin;
use super::wire::SECRET;

/// The host.
pub(crate) struct Workerd;

/// What the worker prints before a record.
const RECORD: &str = "stillgate {";

impl Workerd {
    /// Builds the worker; `None` where there is no workerd.
    pub(crate) fn start() -> Option<Self> {
        if let Err(error) = workerd::locate(None) {
            skip("no case runs in workerd", &error);
            return None;
        }
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("www/worker/pkg");
        build::worker(&folder).expect("the worker builds");
        Some(Self)
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
            told: |request| vec![(String::from("cf-connecting-ip"), request.from.to_string())],
            desk,
            records: lines,
        };
        let ran = gateway.run(case).await;
        for complaint in edge.log() {
            eprintln!("{}: workerd says: {complaint}", case.name);
        }
        edge.stop().await.expect("workerd ends");
        ran
    }
}
