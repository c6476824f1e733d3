//! The page that `up` serves, and beside it what happens.

mod site;

use std::net::{IpAddr, SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request, State, connect_info::Connected};
use axum::http::header::{
    ACCEPT_ENCODING, ALLOW, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, HOST,
    IF_NONE_MATCH, VARY,
};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::serve::IncomingStream;
use tokio::task::JoinSet;

use super::live::Live;
use site::{Asset, Site};

/// A page that is being served. Dropping it ends that.
#[derive(Debug)]
pub struct Page {
    /// Where it listens.
    pub address: SocketAddr,
    // Held for its end only.
    _server: JoinSet<()>,
}

impl Page {
    /// Serves the page that `build page` has made in a folder, on a free port of the loopback interface. Without something to
    /// listen to nothing is at `/live`.
    ///
    /// # Errors
    /// When there is no page in the folder, or no port.
    pub fn start(folder: &Path, live: Option<Live>) -> anyhow::Result<Self> {
        let listener = TcpListener::bind((IpAddr::from([127, 0, 0, 1]), 0))?;
        Ready::new(listener, folder)?.serve(live)
    }
}

/// A page that could be served.
#[derive(Debug)]
pub(super) struct Ready {
    listener: TcpListener,
    site: Site,
}

impl Ready {
    pub(super) fn new(listener: TcpListener, folder: &Path) -> anyhow::Result<Self> {
        let site = Site::read(folder)?;
        Ok(Self { listener, site })
    }

    /// Who else than this machine may reach it, in a sentence, if anybody may.
    pub(super) fn warning(&self) -> Option<String> {
        let address = self.listener.local_addr().ok()?;
        (!address.ip().to_canonical().is_loopback()).then(|| {
            format!(
                "The page at {address} tells whoever reaches it the policy, the addresses of this gate and its origin, and what is asked; \
                 --page 127.0.0.1:{} keeps it to this machine.",
                address.port()
            )
        })
    }

    pub(super) fn serve(self, live: Option<Live>) -> anyhow::Result<Page> {
        let told = "the page cannot be served";
        self.listener.set_nonblocking(true).context(told)?;
        let listener = tokio::net::TcpListener::from_std(self.listener).context(told)?;
        let address = listener.local_addr().context(told)?;
        let shared = Arc::new(Shared {
            site: self.site,
            live,
            address,
        });
        let router = Router::new().fallback(answer).with_state(shared);
        let service = router.into_make_service_with_connect_info::<Local>();
        let mut server = JoinSet::new();
        server.spawn(async move {
            // It takes connections for as long as there is a socket.
            let _ = axum::serve(listener, service).await;
        });
        Ok(Page {
            address,
            _server: server,
        })
    }
}

/// What every answer is made of.
struct Shared {
    site: Site,
    live: Option<Live>,
    address: SocketAddr,
}

/// The address at which a connection came in, if it is known.
#[derive(Clone, Copy)]
struct Local(Option<SocketAddr>);

impl Connected<IncomingStream<'_, tokio::net::TcpListener>> for Local {
    fn connect_info(stream: IncomingStream<'_, tokio::net::TcpListener>) -> Self {
        Self(stream.io().local_addr().ok())
    }
}

async fn answer(
    State(shared): State<Arc<Shared>>,
    ConnectInfo(Local(local)): ConnectInfo<Local>,
    request: Request,
) -> Response {
    let mut response = shared.answer(local.unwrap_or(shared.address), &request);
    let headers = response.headers_mut();
    for (name, value) in SECURITY {
        headers.insert(
            HeaderName::from_static(name),
            HeaderValue::from_static(value),
        );
    }
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}

impl Shared {
    fn answer(&self, local: SocketAddr, request: &Request) -> Response {
        if !is_asked([local, self.address], request) {
            let local = SocketAddr::new(local.ip().to_canonical(), local.port());
            let told = format!("This page is for who asks for it by its address: http://{local}\n");
            return (StatusCode::MISDIRECTED_REQUEST, told).into_response();
        }
        let method = request.method();
        if method != Method::GET && method != Method::HEAD {
            let told = "This page is only read: ask with GET.\n";
            return (StatusCode::METHOD_NOT_ALLOWED, [(ALLOW, "GET, HEAD")], told).into_response();
        }
        match (request.uri().path(), &self.live) {
            ("/live", Some(live)) => {
                let body = if method == Method::HEAD {
                    Body::empty()
                } else {
                    Body::from_stream(live.listen())
                };
                ([(CONTENT_TYPE, "text/event-stream")], body).into_response()
            }
            (path, _) => match self.site.at(path) {
                Some(asset) => asset.answer(request.headers()),
                None => {
                    let told = "There is nothing here; the page is at /\n";
                    (StatusCode::NOT_FOUND, told).into_response()
                }
            },
        }
    }
}

/// Whether a request is for this server by an address of this machine's. One by a name is a page of that name's, which has made
/// the name mean this machine: its scripts would read what is told here. The port may be another one, of what forwards to here.
fn is_asked(own: [SocketAddr; 2], request: &Request) -> bool {
    // Over HTTP/2 it is in the request's line.
    let authority = request.uri().authority().cloned().or_else(|| {
        let host = request.headers().get(HOST)?.to_str().ok()?;
        host.parse::<Authority>().ok()
    });
    let Some(authority) = authority else {
        return false;
    };
    let host = authority.host();
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || bare.parse::<IpAddr>().is_ok_and(|named| {
            let named = named.to_canonical();
            named.is_loopback() || own.iter().any(|own| own.ip().to_canonical() == named)
        })
}

impl Asset {
    fn answer(&self, asked: &HeaderMap) -> Response {
        let mut headers = HeaderMap::new();
        headers.insert(VARY, HeaderValue::from_name(ACCEPT_ENCODING));
        if let Ok(tag) = HeaderValue::from_str(&self.tag) {
            headers.insert(ETAG, tag);
        }
        let says = |name: &HeaderName, wanted: &dyn Fn(&str) -> bool| {
            let values = asked
                .get_all(name)
                .iter()
                .filter_map(|value| value.to_str().ok());
            values
                .flat_map(|value| value.split(','))
                .any(|part| wanted(part.trim()))
        };
        if says(&IF_NONE_MATCH, &|tag| tag == self.tag) {
            return (StatusCode::NOT_MODIFIED, headers).into_response();
        }
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(self.kind));
        let body = if says(&ACCEPT_ENCODING, &takes_gzip) {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            self.packed.clone()
        } else {
            self.bytes.clone()
        };
        (headers, body).into_response()
    }
}

/// Whether a part of `accept-encoding` says that gzip is welcome.
fn takes_gzip(part: &str) -> bool {
    let (name, weight) = part.split_once(';').unwrap_or((part, "q=1"));
    let refused = weight
        .trim()
        .strip_prefix("q=")
        .is_some_and(|weight| weight.parse() == Ok(0.0));
    name.trim().eq_ignore_ascii_case("gzip") && !refused
}

/// What every answer says of what the page may do. `www/worker/page.js` says the same.
const SECURITY: [(&str, &str); 5] = [
    (
        "content-security-policy",
        "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
         worker-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_asked_by_the_address_of_a_connection_in_either_form() {
        let own = ["[::ffff:192.0.2.7]:9902", "[::]:9902"].map(|own| own.parse().expect("one"));
        for (host, asked) in [
            ("192.0.2.7:9902", true),
            ("[::ffff:192.0.2.7]:9902", true),
            ("192.0.2.7", true),
            ("192.0.2.8:9902", false),
            ("rebound.example:9902", false),
        ] {
            let request = Request::builder().header(HOST, host).body(Body::empty());
            assert_eq!(is_asked(own, &request.expect("a request")), asked, "{host}");
        }
    }
}
