//! An answer as bytes: in chunks, compressed, at its pace, and broken off, as the request's switches have it.

use std::io::{self, Write as _};
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use flate2::Compression;
use flate2::write::GzEncoder;
use tokio_stream::StreamExt as _;

use super::answer::{Framing, Part};
use super::seen::Entry;
use super::switches::Switches;

/// A response that is sent at once.
pub(super) fn whole(status: StatusCode, text: String, switches: &Switches) -> Response {
    let bytes = if switches.gzip {
        compressed([text]).concat()
    } else {
        text.into_bytes()
    };
    let length = bytes.len();
    let mut response = if switches.cut.is_some() {
        let half = bytes.get(..length >> 1).unwrap_or_default();
        pieces(vec![half.to_vec()], true, switches, None).into_response()
    } else {
        Body::from(bytes).into_response()
    };
    *response.status_mut() = status;
    let headers = response.headers_mut();
    // Of the whole, even where half of it follows.
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    dress(response, "application/json", switches)
}

/// A response that is sent part by part, and `failure` where the request asks for one.
pub(super) fn stream(
    framing: Framing,
    mut parts: Vec<Part>,
    failure: impl Fn(usize) -> Part,
    switches: &Switches,
    entry: Option<Arc<Entry>>,
) -> Response {
    if let Some(place) = switches.error {
        parts.truncate(place);
        parts.push(failure(parts.len()));
    }
    let last = parts.len().saturating_sub(1);
    let end = switches.line_end.unwrap_or("\n");
    let texts = parts
        .into_iter()
        .enumerate()
        .map(|(place, part)| match framing {
            Framing::Events => {
                let name = part.event.map(|name| format!("event: {name}{end}"));
                format!("{}data: {}{end}{end}", name.unwrap_or_default(), part.data)
            }
            Framing::Array => {
                let before = if place == 0 { "[" } else { ",\r\n" };
                let after = if place == last { "]" } else { "" };
                format!("{before}{}{after}", part.data)
            }
        });
    let mut chunks: Vec<Vec<u8>> = if switches.gzip {
        compressed(texts)
    } else {
        texts.map(String::into_bytes).collect()
    };
    chunks.truncate(switches.cut.unwrap_or(usize::MAX));
    let entry = entry.filter(|_| switches.step);
    let mut response = pieces(chunks, switches.cut.is_some(), switches, entry).into_response();
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    let kind = match framing {
        Framing::Events => "text/event-stream; charset=utf-8",
        Framing::Array => "application/json",
    };
    dress(response, kind, switches)
}

/// Headers that tell of the body.
fn dress(mut response: Response, kind: &'static str, switches: &Switches) -> Response {
    let other = switches.kind.clone();
    let kind = other.unwrap_or(HeaderValue::from_static(kind));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, kind);
    if switches.gzip {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    }
    response
}

/// A body of these chunks, each sent on its own, the connection broken after them if it `breaks`.
fn pieces(
    chunks: Vec<Vec<u8>>,
    breaks: bool,
    switches: &Switches,
    entry: Option<Arc<Entry>>,
) -> Body {
    let end = breaks.then(|| Err(io::Error::from(io::ErrorKind::ConnectionReset)));
    let pieces = chunks.into_iter().map(|chunk| Ok(Bytes::from(chunk)));
    let pieces: Vec<io::Result<Bytes>> = pieces.chain(end).collect();
    let delay = switches.delay;
    let paced = tokio_stream::iter(pieces.into_iter().enumerate()).then(move |(place, piece)| {
        let entry = entry.clone();
        async move {
            // The connection flushes what it has when there is no more for the moment, and only then.
            tokio::task::yield_now().await;
            if place > 0 {
                super::pause(delay).await;
                if let (Some(entry), Ok(_)) = (entry, &piece) {
                    entry.released(place).await;
                }
            }
            piece
        }
    });
    Body::from_stream(paced)
}

/// One gzip stream, flushed after each of the texts so that each can be read when it comes.
fn compressed(texts: impl IntoIterator<Item = String>) -> Vec<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    let mut chunks: Vec<Vec<u8>> = Vec::new();
    for text in texts {
        // A `Vec` takes every write.
        if encoder
            .write_all(text.as_bytes())
            .and_then(|()| encoder.flush())
            .is_ok()
        {
            chunks.push(core::mem::take(encoder.get_mut()));
        }
    }
    if let (Ok(rest), Some(last)) = (encoder.finish(), chunks.last_mut()) {
        last.extend(rest);
    }
    chunks
}
