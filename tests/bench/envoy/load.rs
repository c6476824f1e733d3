//! The load: keep-alive HTTP/1.1 connections, one request in flight on each.

use std::net::SocketAddr;
use std::ops::Range;

use anyhow::{Context, Result, bail};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

/// What is sent: the bytes of one request, and where in them the key's digits are.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    bytes: Vec<u8>,
    key: Range<usize>,
}

impl Request {
    /// A request like those of the official OpenAI client: eight headers, a key of 51 characters.
    pub(crate) fn new(method: &str, body: &[u8]) -> Self {
        let mut text = format!(
            "{method} /v1/chat/completions HTTP/1.1\r\nhost: api.example.com\r\naccept: application/json\r\n\
             user-agent: OpenAI/Python 2.8.1\r\nx-stainless-lang: python\r\nauthorization: Bearer sk-"
        );
        let key = text.len()..text.len() + KEY_DIGITS;
        text.extend(std::iter::repeat_n('0', KEY_DIGITS));
        text.push_str("\r\n");
        if !body.is_empty() {
            text.push_str(&format!(
                "content-type: application/json\r\ncontent-length: {}\r\n",
                body.len()
            ));
        }
        text.push_str("\r\n");
        let mut bytes = text.into_bytes();
        bytes.extend_from_slice(body);
        Self { bytes, key }
    }

    /// The request's bytes with the key of this number.
    fn with_key(&mut self, number: u64) -> &[u8] {
        if let Some(digits) = self.bytes.get_mut(self.key.clone()) {
            let mut state = number;
            for chunk in digits.chunks_exact_mut(16) {
                state = mix(state);
                for (place, digit) in chunk.iter_mut().enumerate() {
                    let nibble = (state >> (place * 4)) & 0xf;
                    *digit = char::from_digit(nibble as u32, 16).map_or(b'0', |c| c as u8);
                }
            }
        }
        &self.bytes
    }
}

/// Spreads a number over 64 bits, so that numbers in order give keys in no order (the finaliser of SplitMix64).
pub(crate) fn mix(number: u64) -> u64 {
    let mut z = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// How many replies had which status.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Replies with status 200.
    pub(crate) passed: u64,
    /// Replies with status 429.
    pub(crate) refused: u64,
}

/// Open connections to one Envoy.
#[derive(Debug)]
pub(crate) struct Client {
    connections: Vec<Connection>,
}

impl Client {
    /// Opens `count` connections.
    ///
    /// # Errors
    /// When one cannot be opened.
    pub(crate) async fn connect(to: SocketAddr, count: usize) -> Result<Self> {
        let mut connections = Vec::with_capacity(count);
        for _ in 0..count {
            let stream = TcpStream::connect(to)
                .await
                .with_context(|| format!("connecting to {to}"))?;
            stream.set_nodelay(true)?;
            connections.push(Connection {
                stream,
                buffer: vec![0; BUFFER],
                filled: 0,
            });
        }
        Ok(Self { connections })
    }

    /// Sends one request for each key number, spread evenly over the connections, and counts the replies.
    ///
    /// # Errors
    /// When a connection breaks, or a reply is neither a 200 nor a 429.
    pub(crate) async fn burst(
        &mut self,
        request: &Request,
        keys: impl Fn(u64) -> u64 + Copy + Send + 'static,
        count: u64,
    ) -> Result<Tally> {
        let lanes = self.connections.len() as u64;
        let mut lane_tasks = JoinSet::new();
        for (lane, mut connection) in self.connections.drain(..).enumerate() {
            let mut request = request.clone();
            lane_tasks.spawn(async move {
                let mut tally = Tally::default();
                for number in (lane as u64..count).step_by(lanes as usize) {
                    match connection.exchange(request.with_key(keys(number))).await? {
                        200 => tally.passed += 1,
                        429 => tally.refused += 1,
                        status => bail!("a reply with status {status}"),
                    }
                }
                anyhow::Ok((connection, tally))
            });
        }
        let mut sum = Tally::default();
        while let Some(lane) = lane_tasks.join_next().await {
            let (connection, tally) = lane??;
            self.connections.push(connection);
            sum.passed += tally.passed;
            sum.refused += tally.refused;
        }
        Ok(sum)
    }
}

#[derive(Debug)]
struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
    filled: usize,
}

impl Connection {
    /// Sends a request and reads its whole reply: the status.
    async fn exchange(&mut self, request: &[u8]) -> Result<u16> {
        self.stream.write_all(request).await?;
        self.filled = 0;
        loop {
            let free = self
                .buffer
                .get_mut(self.filled..)
                .context("a reply longer than the buffer")?;
            let read = self.stream.read(free).await?;
            if read == 0 {
                bail!(
                    "the connection was closed after {} bytes of a reply",
                    self.filled
                );
            }
            self.filled += read;
            let seen = self.buffer.get(..self.filled).unwrap_or_default();
            if let Some((status, length)) = reply(seen)?
                && self.filled >= length
            {
                return Ok(status);
            }
        }
    }
}

/// The status of a reply and its length with body, once its head is complete.
fn reply(bytes: &[u8]) -> Result<Option<(u16, usize)>> {
    let Some(head) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else {
        return Ok(None);
    };
    let text = str::from_utf8(bytes.get(..head).unwrap_or_default())?;
    let mut lines = text.split("\r\n");
    let status = lines
        .next()
        .and_then(|line| line.split(' ').nth(1))
        .context("a reply without a status line")?;
    let length = lines
        .find_map(|line| line.strip_prefix("content-length: "))
        .context("a reply without a length")?;
    Ok(Some((status.parse()?, head + 4 + length.parse::<usize>()?)))
}

/// Hexadecimal digits of a key, after its `sk-`.
const KEY_DIGITS: usize = 48;

/// Room for one reply, in bytes. A stream of 500 events has 120 KiB.
const BUFFER: usize = 256 * 1024;
