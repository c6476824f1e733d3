//! The filter in a real Envoy: one for all cases, with a listener and a virtual machine for each.

use std::collections::BTreeSet;
use std::fs;
use std::sync::Mutex;

use serde_json::{Value, json};

use super::case::{Case, files};
use super::harness::config::{Listener, Setup, manager, route};
use super::harness::{Envoy, envoy_binary};
use super::host::{Host, Ran};
use super::live::Gateway;
use super::origin::{CASE, Origin};
use super::wire::SECRET;

/// The host.
pub(crate) struct Envoys {
    origin: Origin,
    /// With a listener for every case.
    all: Envoy,
    /// The cases that have happened there: what happens again needs counters that are new.
    used: Mutex<BTreeSet<String>>,
}

impl Envoys {
    /// Starts it; `None` where there is no Envoy.
    pub(crate) async fn start() -> Option<Self> {
        envoy_binary()?;
        let origin = Origin::start().await;
        let files = files();
        let cases = files.iter().flat_map(|file| &file.cases);
        let all = start(
            cases.filter(|case| !case.not_on.contains_key("envoy")),
            &origin,
        )
        .await?;
        Some(Self {
            origin,
            all,
            used: Mutex::default(),
        })
    }
}

impl Host for Envoys {
    fn name(&self) -> &'static str {
        "envoy"
    }

    async fn run(&self, case: &Case) -> Ran {
        let first = self
            .used
            .lock()
            .expect("no panic")
            .insert(case.name.clone());
        let again = if first {
            None
        } else {
            start([case], &self.origin).await
        };
        let envoy = again.as_ref().unwrap_or(&self.all);
        let log = envoy.file(&log_of(case));
        let records = move || {
            let text = fs::read_to_string(&log).unwrap_or_default();
            let whole = text.rfind('\n').map_or("", |end| &text[..end]);
            let lines = whole.lines().map(|line| {
                let line: Value = serde_json::from_str(line).expect("a line in JSON");
                let record = line["decision"].as_str()?;
                Some(serde_json::from_str(record).expect("a record in JSON"))
            });
            lines.flatten().collect()
        };
        let gateway = Gateway {
            address: envoy.address(&case.name).await,
            told: |_| Vec::new(),
            desk: self.origin.desk(&case.name),
            records,
        };
        gateway.run(case).await
    }
}

async fn start(cases: impl IntoIterator<Item = &Case>, origin: &Origin) -> Option<Envoy> {
    let listeners = cases.into_iter().map(|case| {
        // Names live as long as the process, which is short.
        let name: &'static str = Box::leak(case.name.clone().into_boxed_str());
        let log = log_of(case);
        let mut listener = Listener::new(name, case.policy());
        // In a virtual machine of its own, with counters of its own.
        listener.vm_id = name;
        listener.changes.push(Box::new(move |listener| {
            // Behind the filter, which does not see it.
            route(listener)["request_headers_to_add"] =
                json!([{"header": {"key": CASE, "value": name}}]);
            let path = &mut manager(listener)["access_log"][0]["typed_config"]["path"];
            let shared = path.as_str().expect("a path");
            let folder = shared.rsplit_once('/').expect("a folder").0;
            *path = json!(format!("{folder}/{log}"));
        }));
        listener
    });
    let mut setup = Setup::of(listeners);
    setup.secret = Some(SECRET);
    setup.start_before(origin.address).await
}

/// The file that a case's records are in.
fn log_of(case: &Case) -> String {
    let name = case.name.chars();
    let plain: String = name
        .map(|letter| {
            if letter.is_ascii_alphanumeric() {
                letter
            } else {
                '-'
            }
        })
        .collect();
    format!("{plain}.log")
}
