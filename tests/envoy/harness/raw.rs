//! A client that sends whatever bytes it is given.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::client::within;

/// Sends bytes as they are and returns the reply to them, or whatever came before Envoy closed.
pub(crate) async fn raw(address: SocketAddr, bytes: &[u8]) -> RawReply {
    let (mut reading, mut writing) = TcpStream::connect(address)
        .await
        .expect("Envoy takes connections")
        .into_split();
    let bytes = bytes.to_vec();
    // Envoy may answer and close before it has read everything, so a failure to write is no failure. The half that
    // writes stays open until the reply is there: closing it would be hanging up.
    let written = tokio::spawn(async move {
        drop(writing.write_all(&bytes).await);
        std::future::pending::<()>().await;
        drop(writing);
    });
    let mut reply = RawReply(Vec::new());
    while !reply.is_whole()
        && within(reading.read_buf(&mut reply.0))
            .await
            .is_ok_and(|read| read > 0)
    {}
    written.abort();
    reply
}

/// Bytes that came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RawReply(pub(crate) Vec<u8>);

impl RawReply {
    /// The status of the first reply; 0 when Envoy closed without one.
    pub(crate) fn status(&self) -> u16 {
        let line = self
            .0
            .split(|byte| *byte == b'\n')
            .next()
            .unwrap_or_default();
        String::from_utf8_lossy(line)
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok())
            .unwrap_or(0)
    }

    /// Whether all is there that its head announces. Envoy keeps a connection open for a while after a last reply.
    fn is_whole(&self) -> bool {
        let Some(head) = self
            .0
            .windows(4)
            .position(|four| four == b"\r\n\r\n")
            .map(|end| end + 4)
        else {
            return false;
        };
        let text = String::from_utf8_lossy(&self.0[..head]).to_ascii_lowercase();
        let length = text
            .lines()
            .find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
        length.is_some_and(|length: usize| self.0.len() >= head + length)
            || self.0[head..].ends_with(b"0\r\n\r\n")
    }
}
