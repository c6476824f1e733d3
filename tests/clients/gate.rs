//! An Envoy that writes down what every client sends it: the fingerprints of its TLS and its headers in their order.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use serde::Deserialize;
use serde_json::{Value, json};
use tempfile::TempDir;

/// One request as it arrived.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Seen {
    pub(crate) ja4: String,
    pub(crate) ja3: String,
    pub(crate) http: String,
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) headers: String,
}

/// A running Envoy. Dropping it ends the process.
pub(crate) struct Gate {
    folder: TempDir,
    process: Child,
    port: u16,
}

impl Gate {
    /// Starts Envoy with a TLS listener that speaks HTTP/1.1 and HTTP/2, and answers as the APIs do.
    pub(crate) fn open(envoy: &Path) -> Self {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let file = |name: &str| folder.path().join(name);
        write_certificates(folder.path());
        let port = free_port();
        fs::write(file(CONFIG), config(folder.path(), port).to_string()).expect("a file");
        let process = Command::new(envoy)
            .arg("--config-path")
            .arg(file(CONFIG))
            .args(["--use-dynamic-base-id", "--concurrency", "1"])
            .args(["--file-flush-interval-msec", "20", "--log-level", "error"])
            .stdin(Stdio::null())
            .spawn()
            .expect("Envoy starts");
        let gate = Self {
            folder,
            process,
            port,
        };
        gate.until("Envoy to listen", || {
            std::net::TcpStream::connect(("127.0.0.1", port)).ok()
        });
        gate
    }

    /// What a client asks; its requests are known again by `name` in the path.
    pub(crate) fn url(&self, name: &str) -> String {
        format!("https://localhost:{}/c/{name}", self.port)
    }

    /// The certificate of the authority that signed the listener's.
    pub(crate) fn authority(&self) -> PathBuf {
        self.folder.path().join(AUTHORITY)
    }

    /// The first request below the URL of `name` for `end`, once it is in the log; `None` if none ever comes.
    pub(crate) fn seen(&self, name: &str, end: &str) -> Option<Seen> {
        let path = format!("/c/{name}/");
        let deadline = Instant::now() + Duration::from_secs(3);
        loop {
            let log = fs::read_to_string(self.folder.path().join(LOG)).unwrap_or_default();
            let found = log
                .lines()
                .filter_map(|line| serde_json::from_str::<Seen>(line).ok())
                .find(|seen| seen.path.starts_with(&path) && seen.path.contains(end));
            if found.is_some() || Instant::now() > deadline {
                return found;
            }
            sleep(Duration::from_millis(20));
        }
    }

    fn until<T>(&self, what: &str, mut probe: impl FnMut() -> Option<T>) -> T {
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            if let Some(found) = probe() {
                return found;
            }
            assert!(Instant::now() < deadline, "waited in vain for {what}");
            sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("an address").port()
}

/// An authority, and a certificate for localhost that it signs: what clients in all languages can be told to trust.
fn write_certificates(folder: &Path) {
    let write = |name: &str, text: &str| fs::write(folder.join(name), text).expect("a file");
    let key = KeyPair::generate().expect("a key");
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    // Python demands it since 3.13.
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    // OpenSSL takes a certificate whose issuer has its own name for one that signed itself.
    params.distinguished_name.push(DnType::CommonName, "gate");
    let authority = params.self_signed(&key).expect("a certificate");
    write(AUTHORITY, &authority.pem());
    let issuer = Issuer::new(params, key);
    let key = KeyPair::generate().expect("a key");
    let mut params = CertificateParams::new([String::from("localhost")]).expect("a name");
    // This, too, Python demands since 3.13.
    params.use_authority_key_identifier_extension = true;
    let leaf = params.signed_by(&key, &issuer).expect("a certificate");
    write(CERTIFICATE, &leaf.pem());
    write(PRIVATE_KEY, &key.serialize_pem());
}

fn config(folder: &Path, port: u16) -> Value {
    let file = |name: &str| folder.join(name);
    json!({"static_resources": {"listeners": [{
        "name": "gate",
        "address": {"socket_address": {"address": "127.0.0.1", "port_value": port}},
        "listener_filters": [{
            "name": "envoy.filters.listener.tls_inspector",
            "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector",
                "enable_ja3_fingerprinting": true,
                "enable_ja4_fingerprinting": true,
            },
        }],
        "filter_chains": [{
            "transport_socket": {
                "name": "envoy.transport_sockets.tls",
                "typed_config": {
                    "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext",
                    "common_tls_context": {
                        "alpn_protocols": ["h2", "http/1.1"],
                        "tls_certificates": [{
                            "certificate_chain": {"filename": file(CERTIFICATE)},
                            "private_key": {"filename": file(PRIVATE_KEY)},
                        }],
                    },
                },
            },
            "filters": [{
                "name": "envoy.filters.network.http_connection_manager",
                "typed_config": {
                    "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
                    "stat_prefix": "gate",
                    "generate_request_id": false,
                    "skip_xff_append": true,
                    "access_log": [{
                        "name": "envoy.access_loggers.file",
                        "typed_config": {
                            "@type": "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog",
                            "path": file(LOG),
                            "log_format": {"json_format": {
                                "ja4": "%TLS_JA4_FINGERPRINT%",
                                "ja3": "%TLS_JA3_FINGERPRINT%",
                                "http": "%PROTOCOL%",
                                "method": "%REQ(:METHOD)%",
                                "path": "%REQ(:PATH)%",
                                "headers": "%DYNAMIC_METADATA(gate:headers)%",
                            }},
                        },
                    }],
                    "route_config": {"virtual_hosts": [{
                        "name": "all", "domains": ["*"],
                        "routes": [{"match": {"prefix": "/"}, "direct_response": {"status": 404}}],
                    }]},
                    "http_filters": [{
                        "name": "envoy.filters.http.lua",
                        "typed_config": {
                            "@type": "type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua",
                            "default_source_code": {"inline_string": LUA},
                        },
                    }, {
                        "name": "envoy.filters.http.router",
                        "typed_config": {"@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"},
                    }],
                },
            }],
        }],
    }]}})
}

/// Writes down the headers, one a line, and answers so that every SDK is content.
const LUA: &str = include_str!("gate.lua");

const CONFIG: &str = "envoy.json";
const LOG: &str = "seen.log";
const AUTHORITY: &str = "authority.pem";
const CERTIFICATE: &str = "certificate.pem";
const PRIVATE_KEY: &str = "private-key.pem";
