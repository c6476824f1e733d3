//! An origin that answers as soon as it has the whole request, on a thread of its own.

use core::convert::Infallible;
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use core::time::Duration;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::thread;

use anyhow::Result;
use http_body_util::BodyExt;
use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::time::{Sleep, sleep};

/// Starts it. It ends with this process.
///
/// # Errors
/// When there is no port or no thread.
pub(crate) fn start() -> Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    thread::Builder::new()
        .name("origin".into())
        .spawn(move || runtime.block_on(serve(listener)))?;
    Ok(address)
}

async fn serve(listener: TcpListener) -> Result<()> {
    let listener = tokio::net::TcpListener::from_std(listener)?;
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        // A connection that breaks is the proxy's to report: it answers the client with a 503, and the bench stops.
        tokio::spawn(
            http1::Builder::new().serve_connection(TokioIo::new(stream), service_fn(answer)),
        );
    }
}

/// A chat completion: as a stream of [`EVENTS`] if the body begins with [`STREAMED`], otherwise whole.
async fn answer(request: Request<Incoming>) -> Result<Response<Frames>, hyper::Error> {
    let body = request.into_body().collect().await?.to_bytes();
    let frames: Vec<Bytes> = if body.starts_with(STREAMED.as_bytes()) {
        let event = |text: &str| Bytes::from(format!("data: {{{CHUNK}{text}}}\n\n"));
        let delta = event(
            r#""choices":[{"index":0,"delta":{"content":" word"},"logprobs":null,"finish_reason":null}]"#,
        );
        let last = event(
            r#""choices":[],"usage":{"prompt_tokens":900,"completion_tokens":498,"total_tokens":1398}"#,
        );
        let deltas = std::iter::repeat_n(delta, EVENTS as usize - 2);
        deltas
            .chain([last, Bytes::from_static(b"data: [DONE]\n\n")])
            .collect()
    } else {
        vec![Bytes::from(format!(
            r#"{{{CHUNK}"choices":[{{"index":0,"message":{{"role":"assistant","content":"Done."}},"finish_reason":"stop"}}],"usage":{{"prompt_tokens":900,"completion_tokens":2,"total_tokens":902}}}}"#
        ))]
    };
    Ok(Response::new(Frames {
        left: frames.iter().map(|frame| frame.len() as u64).sum(),
        frames: frames.into_iter(),
        pause: Box::pin(sleep(Duration::ZERO)),
        pace: if body.starts_with(AT_ONCE.as_bytes()) {
            Duration::ZERO
        } else {
            PACE
        },
    }))
}

/// A body that is sent frame by frame: one each millisecond, so that a proxy meets each by itself, or all at once.
struct Frames {
    frames: std::vec::IntoIter<Bytes>,
    left: u64,
    pause: Pin<Box<Sleep>>,
    pace: Duration,
}

impl Body for Frames {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let pace = self.pace;
        // The timer's shortest pause is a millisecond too.
        if !pace.is_zero() {
            ready!(self.pause.as_mut().poll(context));
            self.pause.set(sleep(pace));
        }
        let frame = self.frames.next();
        self.left -= frame.as_ref().map_or(0, |frame| frame.len() as u64);
        Poll::Ready(frame.map(|frame| Ok(Frame::data(frame))))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}

/// Between two events.
const PACE: Duration = Duration::from_millis(1);

/// How many events a streamed answer has.
pub(crate) const EVENTS: u64 = 500;

/// How the body of a request begins that wants one.
pub(crate) const STREAMED: &str = "{\"stream\":true,";

/// The same, of one that wants it all at once.
pub(crate) const AT_ONCE: &str = "{\"stream\":true,\"seed\":1,";

/// What every answer and every chunk begins with.
const CHUNK: &str = r#""id":"chatcmpl-000000000000000000000001","object":"chat.completion.chunk","created":1793491200,"model":"bench","service_tier":"default","system_fingerprint":"fp_bench","#;
