//! A demo origin over a real socket, every way to ask it for an answer, and what came of it.

use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::{HeaderMap, Request, Response, StatusCode, Version};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use stillgate::host::cli::origin::Origin;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// A demo origin that serves until the test ends.
pub(crate) struct Demo {
    pub(crate) address: std::net::SocketAddr,
}

/// An answer that came whole.
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) version: Version,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// A way to get an answer of three words, `hello big world`, from six of input.
pub(crate) struct Way {
    pub(crate) path: &'static str,
    pub(crate) body: Value,
    /// Whether the answer is streamed.
    pub(crate) streams: bool,
}

/// Every dialect's ways: OpenAI's four, Azure's, Anthropic's and Gemini's, streamed where there is a stream.
pub(crate) fn ways() -> Vec<Way> {
    let system = json!({"role": "system", "content": "please be kind"});
    let user = json!({"role": "user", "content": "hello big world"});
    let said = json!({"role": "user", "parts": [{"text": "hello big world"}]});
    let chat = json!({"messages": [system, user], "stream_options": {"include_usage": true}});
    let prompt = json!({"prompt": "hello big world", "stream_options": {"include_usage": true}});
    let anthropic = json!({"max_tokens": 9, "system": "please be kind", "messages": [user]});
    let responses = json!({"instructions": "please be kind", "input": "hello big world"});
    let gemini =
        json!({"contents": [said], "systemInstruction": {"parts": [{"text": "please be kind"}]}});
    let way = |path, body: &Value, streams| {
        let mut body = body.clone();
        if streams && !path_streams(path) {
            body["stream"] = json!(true);
        }
        Way {
            path,
            body,
            streams,
        }
    };
    let mut ways = vec![
        way(
            "/v1/embeddings",
            &json!({"input": ["hello big", "world"]}),
            false,
        ),
        way("/v1beta/models/g:generateContent", &gemini, false),
        way("/v1/models/g:streamGenerateContent?alt=sse", &gemini, true),
        way("/v1beta/models/g:streamGenerateContent", &gemini, true),
    ];
    for streams in [false, true] {
        ways.extend([
            way("/v1/chat/completions", &chat, streams),
            way("/openai/deployments/d/chat/completions", &chat, streams),
            way("/v1/completions", &prompt, streams),
            way("/v1/responses", &responses, streams),
            way("/v1/messages", &anthropic, streams),
        ]);
    }
    ways
}

fn path_streams(path: &str) -> bool {
    path.contains(":stream")
}

impl Demo {
    pub(crate) async fn start() -> Self {
        let origin = Origin::bind(([127, 0, 0, 1], 0).into())
            .await
            .expect("a free port");
        let address = origin.address;
        tokio::spawn(origin.serve());
        Self { address }
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Reply {
        self.ask(path, body, &[]).await
    }

    pub(crate) async fn ask(&self, path: &str, body: &Value, headers: &[(&str, &str)]) -> Reply {
        self.send("POST", path, headers, &body.to_string(), Version::HTTP_11)
            .await
    }

    pub(crate) async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
        version: Version,
    ) -> Reply {
        let response = self.open(method, path, headers, body, version).await;
        let (parts, body) = response.into_parts();
        let body = body.collect().await.expect("a whole body").to_bytes();
        Reply {
            status: parts.status,
            version: parts.version,
            headers: parts.headers,
            body,
        }
    }

    /// The response when its headers are there.
    pub(crate) async fn open(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
        version: Version,
    ) -> Response<Incoming> {
        let client = Client::builder(TokioExecutor::new())
            .http2_only(version == Version::HTTP_2)
            .build_http();
        let mut request = Request::builder()
            .method(method)
            .uri(format!("http://{}{path}", self.address));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request
            .body(Full::new(Bytes::copy_from_slice(body.as_bytes())))
            .expect("a request");
        client.request(request).await.expect("a response")
    }

    /// All that comes over the connection until it is closed: the head, and the body with the marks of its chunks.
    pub(crate) async fn raw(&self, way: &Way, headers: &[(&str, &str)]) -> (String, Vec<u8>) {
        let mut stream = TcpStream::connect(self.address)
            .await
            .expect("a connection");
        let body = way.body.to_string();
        let mut head = format!(
            "POST {} HTTP/1.1\r\nhost: demo\r\nconnection: close\r\ncontent-length: {}\r\n",
            way.path,
            body.len()
        );
        for (name, value) in headers {
            head += &format!("{name}: {value}\r\n");
        }
        let request = format!("{head}\r\n{body}");
        stream
            .write_all(request.as_bytes())
            .await
            .expect("a request");
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).await.expect("bytes");
        let end = bytes
            .windows(4)
            .position(|window| window == b"\r\n\r\n")
            .expect("a head");
        let body = bytes.split_off(end + 4);
        (String::from_utf8(bytes).expect("a head in UTF-8"), body)
    }

    /// `GET /demo/seen/{name}`
    pub(crate) async fn seen(&self, name: &str) -> Value {
        let path = format!("/demo/seen/{name}");
        let reply = self.send("GET", &path, &[], "", Version::HTTP_11).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        reply.json()
    }

    /// `POST /demo/step/{name}`
    pub(crate) async fn step(&self, name: &str) -> Reply {
        let path = format!("/demo/step/{name}");
        self.send("POST", &path, &[], "", Version::HTTP_11).await
    }
}

impl Reply {
    pub(crate) fn text(&self) -> &str {
        str::from_utf8(&self.body).expect("UTF-8")
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("JSON")
    }

    /// The data of its server-sent events.
    pub(crate) fn events(&self) -> Vec<String> {
        assert_eq!(
            self.headers["content-type"],
            "text/event-stream; charset=utf-8"
        );
        self.text()
            .lines()
            .filter_map(|line| line.strip_prefix("data: "))
            .map(String::from)
            .collect()
    }

    /// The parts of a stream, or the one whole.
    pub(crate) fn parts(&self) -> Vec<Value> {
        if self.headers["content-type"] != "application/json" {
            return parsed(&self.events());
        }
        match self.json() {
            Value::Array(parts) => parts,
            whole => vec![whole],
        }
    }
}

/// Events as JSON, but for OpenAI's last.
pub(crate) fn parsed(events: &[String]) -> Vec<Value> {
    events
        .iter()
        .filter(|event| *event != "[DONE]")
        .map(|event| serde_json::from_str(event).expect("JSON"))
        .collect()
}

pub(crate) fn counts<const N: usize>(usage: &Value, names: [&str; N]) -> [u64; N] {
    names.map(|name| usage[name].as_u64().expect(name))
}

/// The chunks of a body, and whether it came to its end.
pub(crate) fn chunks(mut body: &[u8]) -> (Vec<Vec<u8>>, bool) {
    let mut chunks = Vec::new();
    while let Some(end) = body.windows(2).position(|window| window == b"\r\n") {
        let size = str::from_utf8(&body[..end]).expect("a size");
        let size = usize::from_str_radix(size, 16).expect("a size");
        if size == 0 {
            return (chunks, true);
        }
        chunks.push(body[end + 2..end + 2 + size].to_vec());
        body = &body[end + 4 + size..];
    }
    assert_eq!(body, b"");
    (chunks, false)
}
