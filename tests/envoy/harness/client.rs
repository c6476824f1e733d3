//! Clients that keep to the protocol: HTTP/1.1 and HTTP/2, in the clear and over TLS.

use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;

use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt as _, Empty, Full, StreamBody};
pub(crate) use hyper::body::Bytes;
use hyper::body::{Frame, Incoming};
use hyper::client::conn::{http1, http2};
use hyper::http::uri::Uri;
use hyper::http::{HeaderMap, HeaderName, HeaderValue, Method};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpSocket;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_stream::StreamExt as _;
use tokio_stream::wrappers::ReceiverStream;

use super::PATIENCE;

pub(crate) type Body = BoxBody<Bytes, Infallible>;
pub(crate) type Request = hyper::Request<Body>;

/// How bytes travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wire {
    H1,
    /// HTTP/2 in the clear, without an upgrade.
    H2,
    TlsH1,
    TlsH2,
}

/// A connection to Envoy. Dropping it, and all that share it, is a client that goes away.
pub(crate) struct Connection {
    sender: Sender,
    driver: Arc<Driver>,
}

struct Driver(JoinHandle<()>);

enum Sender {
    H1(http1::SendRequest<Body>),
    H2(http2::SendRequest<Body>),
}

impl Connection {
    pub(crate) async fn open(address: SocketAddr, wire: Wire, certificate: Option<&Path>) -> Self {
        Self::try_open(address, wire, certificate)
            .await
            .expect("Envoy takes connections")
    }

    pub(crate) async fn try_open(
        address: SocketAddr,
        wire: Wire,
        certificate: Option<&Path>,
    ) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Self::try_open_from(ANYWHERE, address, wire, certificate).await
    }

    /// The same from an address of this machine's: all of 127.0.0.0/8 is.
    pub(crate) async fn try_open_from(
        source: IpAddr,
        address: SocketAddr,
        wire: Wire,
        certificate: Option<&Path>,
    ) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        let socket = if address.is_ipv4() {
            TcpSocket::new_v4()?
        } else {
            TcpSocket::new_v6()?
        };
        if source != ANYWHERE {
            socket.bind(SocketAddr::new(source, 0))?;
        }
        let tcp = socket.connect(address).await?;
        tcp.set_nodelay(true)?;
        let protocol: &[u8] = match wire {
            Wire::H1 => return Self::http1(tcp).await,
            Wire::H2 => return Self::http2(tcp).await,
            Wire::TlsH1 => b"http/1.1",
            Wire::TlsH2 => b"h2",
        };
        let connector = connector(
            certificate.expect("TLS needs the certificate to trust"),
            protocol,
        );
        let tls = connector
            .connect(ServerName::try_from("localhost")?, tcp)
            .await?;
        assert_eq!(
            tls.get_ref().1.alpn_protocol(),
            Some(protocol),
            "Envoy agrees on the protocol"
        );
        if wire == Wire::TlsH2 {
            Self::http2(tls).await
        } else {
            Self::http1(tls).await
        }
    }

    async fn http1<T>(io: T) -> Result<Self, Box<dyn std::error::Error + Send + Sync>>
    where
        T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (sender, connection) = http1::handshake(TokioIo::new(io)).await?;
        Ok(Self {
            sender: Sender::H1(sender),
            driver: Driver::new(async { drop(connection.await) }),
        })
    }

    async fn http2<T>(io: T) -> Result<Self, Box<dyn std::error::Error + Send + Sync>>
    where
        T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(io)).await?;
        Ok(Self {
            sender: Sender::H2(sender),
            driver: Driver::new(async { drop(connection.await) }),
        })
    }

    /// The same connection once more, for a stream beside its others: HTTP/2.
    pub(crate) fn share(&self) -> Self {
        let Sender::H2(sender) = &self.sender else {
            panic!("HTTP/1.1 has one request at a time")
        };
        Self {
            sender: Sender::H2(sender.clone()),
            driver: Arc::clone(&self.driver),
        }
    }

    /// Sends a request and reads the whole reply.
    pub(crate) async fn send(&mut self, request: Request) -> Reply {
        self.try_send(request).await.expect("a reply")
    }

    /// Sends a request and reads the whole reply, unless the connection breaks first.
    pub(crate) async fn try_send(&mut self, request: Request) -> Result<Reply, hyper::Error> {
        let (head, body) = self.try_begin(request).await?.into_parts();
        let body = within(body.collect()).await?.to_bytes();
        Ok(Reply {
            status: head.status.as_u16(),
            headers: head.headers,
            body,
        })
    }

    /// Sends a request and returns as soon as the head of the reply is there; the body can be read as it comes.
    pub(crate) async fn begin(&mut self, request: Request) -> hyper::Response<Incoming> {
        self.try_begin(request).await.expect("the head of a reply")
    }

    /// The same, unless the connection breaks first.
    pub(crate) async fn try_begin(
        &mut self,
        mut request: Request,
    ) -> Result<hyper::Response<Incoming>, hyper::Error> {
        match &mut self.sender {
            Sender::H1(sender) => {
                within(sender.ready()).await?;
                request
                    .headers_mut()
                    .entry("host")
                    .or_insert(HeaderValue::from_static(HOST));
                within(sender.send_request(request)).await
            }
            Sender::H2(sender) => {
                within(sender.ready()).await?;
                let path = request.uri().path_and_query().cloned().expect("a path");
                let uri = Uri::builder()
                    .scheme("http")
                    .authority(HOST)
                    .path_and_query(path);
                *request.uri_mut() = uri.build().expect("an absolute URI");
                within(sender.send_request(request)).await
            }
        }
    }
}

impl Driver {
    fn new(connection: impl Future<Output = ()> + Send + 'static) -> Arc<Self> {
        Arc::new(Self(tokio::spawn(connection)))
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Reply {
    /// A header's only value; `None` when it is absent.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.get_all(name).iter();
        let value = values.next()?;
        assert!(
            values.next().is_none(),
            "{name} occurs twice in {:?}",
            self.headers
        );
        Some(value.to_str().expect("a header in ASCII"))
    }

    /// A header that is a whole number.
    pub(crate) fn number(&self, name: &str) -> u64 {
        let value = self
            .header(name)
            .unwrap_or_else(|| panic!("no {name} in {:?}", self.headers));
        value
            .parse()
            .unwrap_or_else(|_| panic!("{name}: {value} is not a whole number"))
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error} in {}", self.text()))
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// `GET path`.
pub(crate) fn get(path: &str) -> Request {
    request(Method::GET, path, Empty::new().boxed())
}

/// `POST path` with a body and its `content-length`.
pub(crate) fn post(path: &str, body: impl Into<Bytes>) -> Request {
    request(Method::POST, path, Full::new(body.into()).boxed())
        .with("content-type", "application/json")
}

/// `POST path` with a body that has no length: it arrives chunk by chunk as the test sends it, and ends when the sender is dropped.
pub(crate) fn post_chunks(path: &str) -> (mpsc::Sender<Bytes>, Request) {
    let (sender, chunks) = mpsc::channel(1);
    let frames =
        ReceiverStream::new(chunks).map(|chunk: Bytes| Ok::<_, Infallible>(Frame::data(chunk)));
    let request = request(Method::POST, path, StreamBody::new(frames).boxed());
    (sender, request.with("content-type", "application/json"))
}

/// `POST path` with a body that trailers follow, which HTTP/2 allows.
pub(crate) fn post_with_trailers(path: &str, body: &'static str) -> Request {
    let mut trailers = HeaderMap::new();
    trailers.insert("x-checksum", HeaderValue::from_static("1"));
    let frames = [
        Frame::data(Bytes::from_static(body.as_bytes())),
        Frame::trailers(trailers),
    ];
    let body = StreamBody::new(tokio_stream::iter(frames.map(Ok::<_, Infallible>))).boxed();
    request(Method::POST, path, body).with("content-type", "application/json")
}

fn request(method: Method, path: &str, body: Body) -> Request {
    let mut request = hyper::Request::new(body);
    *request.method_mut() = method;
    *request.uri_mut() = path.parse().expect("a path");
    request
}

/// Headers, added in the order of the calls.
pub(crate) trait Headers: Sized {
    /// Adds a header; a second one of the same name stays beside the first.
    fn with(self, name: &str, value: impl AsRef<[u8]>) -> Self;

    /// Adds the credential as OpenAI's clients send it.
    fn bearer(self, key: &str) -> Self {
        self.with("authorization", format!("Bearer {key}"))
    }
}

impl Headers for Request {
    fn with(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        let name = HeaderName::from_bytes(name.as_bytes()).expect("a header name");
        self.headers_mut().append(
            name,
            HeaderValue::from_bytes(value.as_ref()).expect("a header value"),
        );
        self
    }
}

/// The next bytes of a body that is still on its way; `None` at its end.
pub(crate) async fn next_chunk(body: &mut Incoming) -> Option<Result<Bytes, hyper::Error>> {
    loop {
        match within(body.frame()).await? {
            Ok(frame) => {
                // HTTP/2 may end a stream with a frame without bytes.
                if let Some(data) = frame.into_data().ok().filter(|data| !data.is_empty()) {
                    return Some(Ok(data));
                }
            }
            Err(error) => return Some(Err(error)),
        }
    }
}

/// A reply that does not come must fail the test, not hang it.
pub(crate) async fn within<F: Future>(event: F) -> F::Output {
    timeout(PATIENCE, event).await.expect("an answer in time")
}

fn connector(certificate: &Path, protocol: &[u8]) -> tokio_rustls::TlsConnector {
    let mut roots = rustls::RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_file(certificate).expect("a certificate"))
        .expect("a root");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let versions =
        rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let mut config = versions
        .expect("TLS versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![protocol.to_vec()];
    tokio_rustls::TlsConnector::from(Arc::new(config))
}

const HOST: &str = "gate.test";

/// Wherever the machine likes.
const ANYWHERE: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
