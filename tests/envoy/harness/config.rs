//! Envoy's configuration, generated: a bootstrap around one or more listeners, each with an instance of the filter.

use std::net::SocketAddr;
use std::path::Path;

use serde_json::{Value, json};

use super::{Envoy, Origin, filter_module, tls};

/// An Envoy to be started.
pub(crate) struct Setup {
    pub(crate) listeners: Vec<Listener>,
    pub(crate) workers: u32,
    pub(crate) secret: Option<&'static str>,
    pub(crate) dynamic: bool,
}

impl Setup {
    /// One listener, one worker, the filter with this policy.
    pub(crate) fn new(policy: Value) -> Self {
        Self::of([Listener::new("main", policy)])
    }

    /// One listener without the filter: what traffic looks like when Stillgate is not there.
    pub(crate) fn without_filter() -> Self {
        let mut listener = Listener::new("main", Value::Null);
        listener.filter = false;
        Self::of([listener])
    }

    /// Several listeners in one Envoy.
    pub(crate) fn of(listeners: impl IntoIterator<Item = Listener>) -> Self {
        Self {
            listeners: listeners.into_iter().collect(),
            workers: 1,
            secret: Some("a secret for tests only"),
            dynamic: false,
        }
    }

    /// How many worker threads, and so how many virtual machines that share the counters.
    pub(crate) fn workers(mut self, workers: u32) -> Self {
        self.workers = workers;
        self
    }

    /// Without `STILLGATE_SECRET` in Envoy's environment.
    pub(crate) fn without_secret(mut self) -> Self {
        self.secret = None;
        self
    }

    /// Listeners come from a file that [`Envoy::reload`] can replace.
    pub(crate) fn dynamic(mut self) -> Self {
        self.dynamic = true;
        self
    }

    /// A last word on the JSON of every listener.
    pub(crate) fn adapt(
        mut self,
        change: impl Fn(&mut Value) + Clone + Send + Sync + 'static,
    ) -> Self {
        for listener in &mut self.listeners {
            listener.changes.push(Box::new(change.clone()));
        }
        self
    }

    /// Starts it in front of `origin` and waits until it takes requests; `None` where there is no Envoy.
    ///
    /// # Panics
    /// With Envoy's log, when it does not start.
    pub(crate) async fn start(self, origin: &Origin) -> Option<Envoy> {
        self.start_before(origin.address).await
    }

    /// The same in front of an address where nobody may be listening.
    pub(crate) async fn start_before(self, origin: SocketAddr) -> Option<Envoy> {
        Some(
            Envoy::start(self, origin)
                .await?
                .unwrap_or_else(|log| panic!("Envoy did not start:\n{log}")),
        )
    }

    /// The log of an Envoy that must refuse to start.
    pub(crate) async fn refused(self, origin: &Origin) -> Option<String> {
        match Envoy::start(self, origin.address).await? {
            Ok(_) => panic!("Envoy started with a configuration that it should have refused"),
            Err(log) => Some(log),
        }
    }

    pub(crate) fn bootstrap(&self, directory: &Path, origin: SocketAddr) -> Value {
        let mut bootstrap = json!({
            "node": {"id": "test", "cluster": "test"},
            "admin": {"address": socket(SocketAddr::from(([127, 0, 0, 1], 0)))},
            "stats_config": {"stats_tags": LABELS.map(|label| {
                json!({"tag_name": label, "regex": format!(r"(\.{label}=\.=([^;]+);)")})
            })},
            "static_resources": {"clusters": [{
                "name": "origin",
                "connect_timeout": "1s",
                "load_assignment": {
                    "cluster_name": "origin",
                    "endpoints": [{"lb_endpoints": [{"endpoint": {"address": socket(origin)}}]}],
                },
            }]},
        });
        if self.dynamic {
            bootstrap["dynamic_resources"] =
                json!({"lds_config": {"path_config_source": {"path": directory.join(LISTENERS)}}});
        } else {
            bootstrap["static_resources"]["listeners"] = self.listeners(directory);
        }
        bootstrap
    }

    /// The answer of a listener discovery service, as a file.
    pub(crate) fn discovery(&self, directory: &Path) -> Value {
        let mut resources = self.listeners(directory);
        for listener in resources.as_array_mut().into_iter().flatten() {
            listener["@type"] = json!("type.googleapis.com/envoy.config.listener.v3.Listener");
        }
        json!({"resources": resources})
    }

    fn listeners(&self, directory: &Path) -> Value {
        self.listeners
            .iter()
            .map(|listener| listener.json(directory))
            .collect()
    }
}

/// One listener with one instance of the filter.
pub(crate) struct Listener {
    name: &'static str,
    pub(crate) filter: bool,
    root_id: &'static str,
    pub(crate) vm_id: &'static str,
    policy: Value,
    tls: bool,
    pub(crate) changes: Vec<Change>,
}

pub(crate) type Change = Box<dyn Fn(&mut Value) + Send + Sync>;

impl Listener {
    pub(crate) fn new(name: &'static str, policy: Value) -> Self {
        Self {
            name,
            filter: true,
            root_id: "stillgate",
            vm_id: "stillgate",
            policy,
            tls: false,
            changes: Vec::new(),
        }
    }

    /// Under which `root_id` this instance of the filter runs.
    pub(crate) fn root_id(mut self, root_id: &'static str) -> Self {
        self.root_id = root_id;
        self
    }

    /// With the certificate of [`CERTIFICATE`], HTTP/2 and HTTP/1.1 by ALPN, and the fingerprints of every connection.
    pub(crate) fn tls(mut self) -> Self {
        self.tls = true;
        self
    }

    fn json(&self, directory: &Path) -> Value {
        let mut filters = Vec::new();
        if self.filter {
            filters.push(self.wasm());
        }
        filters.push(json!({
            "name": "envoy.filters.http.router",
            "typed_config": {"@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"},
        }));
        let chain = json!({"filters": [{
            "name": "envoy.filters.network.http_connection_manager",
            "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
                "stat_prefix": self.name,
                "use_remote_address": true,
                "access_log": [access_log(directory)],
                "http_filters": filters,
                "route_config": {"virtual_hosts": [{
                    "name": "all",
                    "domains": ["*"],
                    "routes": [{"match": {"prefix": "/"}, "route": {"cluster": "origin", "timeout": "0s"}}],
                }]},
            },
        }]});
        let mut listener = json!({
            "name": self.name,
            "address": socket(SocketAddr::from(([127, 0, 0, 1], 0))),
            "filter_chains": [chain],
        });
        if self.tls {
            tls::put_on(&mut listener, directory);
        }
        for change in &self.changes {
            change(&mut listener);
        }
        listener
    }

    fn wasm(&self) -> Value {
        json!({
            "name": "stillgate",
            "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm",
                "config": {
                    "name": "stillgate",
                    "root_id": self.root_id,
                    "failure_policy": "FAIL_RELOAD",
                    "allow_on_headers_stop_iteration": true,
                    "configuration": {
                        "@type": "type.googleapis.com/google.protobuf.StringValue",
                        "value": self.policy.to_string(),
                    },
                    "vm_config": {
                        "vm_id": self.vm_id,
                        "runtime": "envoy.wasm.runtime.v8",
                        "code": {"local": {"filename": filter_module()}},
                        "environment_variables": {"host_env_keys": ["STILLGATE_SECRET"]},
                    },
                },
            },
        })
    }
}

/// The HTTP connection manager of a listener's JSON.
pub(crate) fn manager(listener: &mut Value) -> &mut Value {
    let filters = listener["filter_chains"][0]["filters"].as_array_mut();
    let last = filters.and_then(|filters| filters.last_mut());
    &mut last.expect("a connection manager")["typed_config"]
}

/// The one route of a listener's JSON.
pub(crate) fn route(listener: &mut Value) -> &mut Value {
    &mut manager(listener)["route_config"]["virtual_hosts"][0]["routes"][0]
}

/// The plugin configuration of the filter in a listener's JSON.
pub(crate) fn plugin(listener: &mut Value) -> &mut Value {
    &mut manager(listener)["http_filters"][0]["typed_config"]["config"]
}

/// Puts an HTTP filter before Stillgate.
pub(crate) fn put_before(listener: &mut Value, filter: Value) {
    let filters = manager(listener)["http_filters"]
        .as_array_mut()
        .expect("filters are a list");
    filters.insert(0, filter);
}

fn access_log(directory: &Path) -> Value {
    json!({
        "name": "envoy.access_loggers.file",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog",
            "path": directory.join(ACCESS_LOG),
            "log_format": {"json_format": {
                "code": "%RESPONSE_CODE%",
                "details": "%RESPONSE_CODE_DETAILS%",
                "decision": "%FILTER_STATE(wasm.stillgate:PLAIN)%",
                "tag": "%REQ(X-TEST-TAG)%",
                "ja4": "%TLS_JA4_FINGERPRINT%",
            }},
        },
    })
}

fn socket(address: SocketAddr) -> Value {
    json!({"socket_address": {"address": address.ip().to_string(), "port_value": address.port()}})
}

/// The labels that the filter's metric names carry.
const LABELS: [&str; 6] = ["verdict", "reason", "result", "source", "kind", "part"];

/// Files in the directory of one Envoy.
pub(crate) const LISTENERS: &str = "listeners.json";
pub(crate) const ACCESS_LOG: &str = "access.log";
pub(crate) const CERTIFICATE: &str = "certificate.pem";
pub(crate) const PRIVATE_KEY: &str = "private-key.pem";
