//! The configuration that `up` runs Envoy with: the shipped `envoy/envoy.yaml` with other addresses, paths and policy.
//!
//! Nothing of it is written down a second time, so what `up` shows is what the file does.

use std::net::SocketAddr;
use std::path::Path;

use anyhow::{Context as _, bail};
use serde_json::{Value, json};

use super::{origin::Target, plugin};

/// What differs from the shipped file.
#[derive(Debug)]
pub struct Settings<'a> {
    /// Where plaintext HTTP is accepted. Port 0: any free one.
    pub listen: SocketAddr,
    /// Where TLS is accepted. Port 0: any free one.
    pub tls_listen: SocketAddr,
    /// Where Envoy's admin interface is. Port 0: any free one.
    pub admin: SocketAddr,
    /// Where requests go.
    pub origin: &'a Target,
    /// The filter's wasm module.
    pub filter: &'a Path,
    /// PEM file of the TLS listener's certificate.
    pub certificate: &'a Path,
    /// PEM file of its private key.
    pub key: &'a Path,
    /// The file that Envoy watches for listeners.
    pub listeners: &'a Path,
    /// Where the access log goes; Envoy's standard output without it.
    pub access_log: Option<&'a Path>,
    /// Whether it goes to the standard output in any case.
    pub printed: bool,
}

/// Envoy's configuration in the two files that it reads.
#[derive(Debug)]
pub struct Config {
    bootstrap: Value,
    listeners: Vec<Value>,
}

impl Config {
    /// Makes the configuration from the shipped one.
    ///
    /// # Errors
    /// When the shipped file has not the places that are to be set; a test holds that it has.
    pub fn new(settings: &Settings<'_>) -> anyhow::Result<Self> {
        let mut bootstrap: Value =
            serde_saphyr::from_str(SHIPPED).context("envoy/envoy.yaml does not parse")?;
        let shipped = bootstrap
            .pointer_mut("/static_resources")
            .and_then(Value::as_object_mut)
            .and_then(|resources| resources.remove("listeners"));
        let Some(Value::Array(mut listeners)) = shipped else {
            bail!("envoy/envoy.yaml has no static listeners")
        };
        for listener in &mut listeners {
            adapt(listener, settings)?;
        }
        set(
            &mut bootstrap,
            "/admin/address/socket_address",
            socket(settings.admin),
        )?;
        route(&mut bootstrap, settings.origin)?;
        let dynamic = json!({"lds_config": {"resource_api_version": "V3", "path_config_source": {"path": settings.listeners}}});
        bootstrap
            .as_object_mut()
            .context("envoy/envoy.yaml is no object")?
            .insert(String::from("dynamic_resources"), dynamic);
        Ok(Self {
            bootstrap,
            listeners,
        })
    }

    /// The bootstrap: everything but the listeners.
    #[must_use]
    pub fn bootstrap(&self) -> String {
        self.bootstrap.to_string()
    }

    /// The listeners with this policy in them, as a file for Envoy's listener discovery.
    ///
    /// # Errors
    /// When the shipped listeners hold no plugin.
    pub fn listeners(&self, policy: &str) -> anyhow::Result<String> {
        let mut resources = self.listeners.clone();
        for listener in &mut resources {
            for at in plugins(listener)? {
                set(
                    listener,
                    &format!("{at}/configuration/value"),
                    json!(policy),
                )?;
            }
            listener
                .as_object_mut()
                .context("a listener is no object")?
                .insert(String::from("@type"), json!(LISTENER));
        }
        Ok(json!({ "resources": resources }).to_string())
    }
}

/// Gives one listener its address, module, certificate, route and access log.
fn adapt(listener: &mut Value, settings: &Settings<'_>) -> anyhow::Result<()> {
    let address = match listener.get("name").and_then(Value::as_str) {
        Some("plain") => settings.listen,
        Some("tls") => settings.tls_listen,
        name => bail!("envoy/envoy.yaml has a listener that is neither plain nor tls: {name:?}"),
    };
    set(listener, "/address/socket_address", socket(address))?;
    for at in plugins(listener)? {
        set(
            listener,
            &format!("{at}/vm_config/code/local/filename"),
            json!(settings.filter),
        )?;
    }
    let chain = "/filter_chains/0";
    let tls =
        format!("{chain}/transport_socket/typed_config/common_tls_context/tls_certificates/0");
    if listener.pointer(&tls).is_some() {
        set(
            listener,
            &format!("{tls}/certificate_chain/filename"),
            json!(settings.certificate),
        )?;
        set(
            listener,
            &format!("{tls}/private_key/filename"),
            json!(settings.key),
        )?;
    }
    let filters = listener
        .pointer_mut(&format!("{chain}/filters"))
        .and_then(Value::as_array_mut);
    let manager = filters
        .and_then(|filters| filters.last_mut())
        .context("a listener of envoy/envoy.yaml has no filters")?;
    let route = "/typed_config/route_config/virtual_hosts/0/routes/0/route";
    let action = manager
        .pointer_mut(route)
        .and_then(Value::as_object_mut)
        .context("envoy/envoy.yaml has no route")?;
    // A foreign origin wants its own name in the request, and may live below a path.
    action.insert(String::from("auto_host_rewrite"), json!(true));
    if settings.origin.prefix != "/" {
        action.insert(
            String::from("prefix_rewrite"),
            json!(settings.origin.prefix),
        );
    }
    if let Some(path) = settings.access_log {
        let logs = manager
            .pointer_mut("/typed_config/access_log")
            .and_then(Value::as_array_mut)
            .context("envoy/envoy.yaml has no access log")?;
        if settings.printed {
            logs.extend_from_within(..);
        }
        let log = logs
            .first_mut()
            .context("envoy/envoy.yaml has no access log")?;
        set(log, "/name", json!("envoy.access_loggers.file"))?;
        set(log, "/typed_config/@type", json!(FILE_LOG))?;
        log.pointer_mut("/typed_config")
            .and_then(Value::as_object_mut)
            .context("the access log has no settings")?
            .insert(String::from("path"), json!(path));
    }
    Ok(())
}

/// Points the cluster at the origin.
fn route(bootstrap: &mut Value, origin: &Target) -> anyhow::Result<()> {
    let cluster = bootstrap
        .pointer_mut("/static_resources/clusters/0")
        .context("envoy/envoy.yaml has no cluster")?;
    let endpoint = "/load_assignment/endpoints/0/lb_endpoints/0/endpoint/address/socket_address";
    set(
        cluster,
        endpoint,
        json!({"address": origin.host, "port_value": origin.port}),
    )?;
    if !origin.tls {
        return Ok(());
    }
    let authorities = AUTHORITIES
        .iter()
        .find(|path| Path::new(path).is_file())
        .context("an https origin needs the system's certificate authorities; install the package ca-certificates")?;
    let members = cluster
        .as_object_mut()
        .context("the cluster is no object")?;
    members.insert(
        String::from("transport_socket"),
        json!({
            "name": "envoy.transport_sockets.tls",
            "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext",
                "sni": origin.host,
                "auto_sni_san_validation": true,
                "common_tls_context": {"validation_context": {"trusted_ca": {"filename": authorities}}}
            }
        }),
    );
    // HTTP/2 where the origin offers it, HTTP/1.1 elsewhere.
    members.insert(
        String::from("typed_extension_protocol_options"),
        json!({
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
                "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
                "auto_config": {}
            }
        }),
    );
    Ok(())
}

/// The pointers of the plugins in a listener; at least one.
fn plugins(listener: &Value) -> anyhow::Result<Vec<String>> {
    let found: Vec<String> = plugin::find(listener)
        .into_iter()
        .map(|(at, _)| at)
        .collect();
    if found.is_empty() {
        bail!("a listener of envoy/envoy.yaml has no plugin");
    }
    Ok(found)
}

/// Replaces a value that must be there.
fn set(root: &mut Value, pointer: &str, value: Value) -> anyhow::Result<()> {
    let place = root
        .pointer_mut(pointer)
        .with_context(|| format!("envoy/envoy.yaml has nothing at {pointer}"))?;
    *place = value;
    Ok(())
}

fn socket(address: SocketAddr) -> Value {
    json!({"address": address.ip(), "port_value": address.port()})
}

const SHIPPED: &str = include_str!("../../../envoy/envoy.yaml");
const LISTENER: &str = "type.googleapis.com/envoy.config.listener.v3.Listener";
const FILE_LOG: &str = "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog";
/// Where systems keep the certificate authorities that they trust.
const AUTHORITIES: [&str; 4] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];
