//! `stillgate up` as a process, and a client.

use std::fs;
use std::net::SocketAddr;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use http_body_util::Empty;
use hyper::body::Bytes;
use hyper_util::client::legacy::{Client, Error};
use hyper_util::rt::TokioExecutor;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

/// `stillgate up` as a process.
pub(crate) struct Run {
    child: Child,
    out: Lines<BufReader<ChildStdout>>,
    err: tokio::sync::mpsc::UnboundedReceiver<String>,
    /// The addresses in the welcome: of the gate, and of the page if there is one.
    pub(crate) listen: SocketAddr,
    pub(crate) page: Option<SocketAddr>,
    /// The process id of its only child: Envoy or workerd.
    gate: String,
}

impl Run {
    /// Starts it on a free port; returns when it welcomes.
    pub(crate) async fn start(mut command: Command) -> Self {
        let mut child = command
            .args(["--listen", "127.0.0.1:0"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("stillgate runs");
        let mut out = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        let mut err = lines(child.stderr.take().expect("a pipe"));
        let mut page = None;
        let listen = loop {
            let line = match within(out.next_line()).await.expect("output") {
                Some(line) => line,
                None => panic!("no welcome, but {:?}", everything(&mut err).await),
            };
            let address = |rest: &str| {
                let address = rest.split([' ', ',']).next();
                address
                    .and_then(|address| address.parse().ok())
                    .expect("an address")
            };
            if let Some(rest) = line.trim().strip_prefix("page        http://") {
                page = Some(address(rest));
            }
            if let Some(rest) = line.trim().strip_prefix("listens on  http://") {
                break address(rest);
            }
        };
        let pid = child.id().expect("a process");
        let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"))
            .expect("the process id of its child");
        Self {
            child,
            out,
            err,
            listen,
            page,
            gate: children.trim().to_owned(),
        }
    }

    pub(crate) async fn ask(&self, key: &str) -> u16 {
        status(self.listen, key).await
    }

    /// Waits for a line of standard error.
    pub(crate) async fn wait_for(&mut self, words: &str) {
        let told = async { while !self.err.recv().await.expect(words).contains(words) {} };
        within(told).await;
    }

    /// Ends it by a signal; returns when its child has ended, too.
    pub(crate) async fn end(self, signal: &str) -> ExitStatus {
        self.end_with_words(signal).await.0
    }

    /// The same, with the lines of standard error that nobody has waited for.
    pub(crate) async fn end_with_words(mut self, signal: &str) -> (ExitStatus, Vec<String>) {
        let pid = self.child.id().expect("a process").to_string();
        let sent = Command::new("kill")
            .args([&format!("-{signal}"), &pid])
            .status()
            .await
            .expect("kill runs");
        assert!(sent.success());
        let status = within(self.child.wait()).await.expect("an end");
        // Its child holds the other end of this pipe: it closes when the child is gone.
        while within(self.out.next_line())
            .await
            .expect("output")
            .is_some()
        {}
        let gone = async {
            // A process that is not our child cannot be waited for, only looked at.
            while !is_gone(&self.gate) {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        within(gone).await;
        (status, within(everything(&mut self.err)).await)
    }
}

/// Whether a process has ended, be it that nobody has asked how.
fn is_gone(pid: &str) -> bool {
    let state = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    state.is_empty() || state.contains(") Z ")
}

/// Builds something, which may take longer than anything that is waited for.
pub(crate) async fn build(what: &str) {
    let built = stillgate(["build", what])
        .stdout(Stdio::null())
        .status()
        .await
        .expect("stillgate runs");
    assert!(built.success(), "{built}");
}

pub(crate) fn stillgate<const N: usize>(arguments: [&str; N]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_stillgate"));
    command.args(arguments).kill_on_drop(true);
    command
}

pub(crate) async fn status(address: SocketAddr, key: &str) -> u16 {
    get(
        address,
        "/v1/models",
        &[("authorization", &format!("Bearer {key}"))],
    )
    .await
    .expect("a response")
}

/// Asks on a connection of its own.
pub(crate) async fn get(
    address: SocketAddr,
    path: &str,
    headers: &[(&str, &str)],
) -> Result<u16, Error> {
    let client = Client::builder(TokioExecutor::new()).build_http();
    let mut request = hyper::Request::get(format!("http://{address}{path}"));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Empty::<Bytes>::new()).expect("a request");
    Ok(client.request(request).await?.status().as_u16())
}

/// The lines of a stream, read as they come so that its writer never waits.
fn lines(
    stream: impl AsyncRead + Unpin + Send + 'static,
) -> tokio::sync::mpsc::UnboundedReceiver<String> {
    let (sender, receiver) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move {
        let mut lines = BufReader::new(stream).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    receiver
}

/// What was said before the end.
async fn everything(lines: &mut tokio::sync::mpsc::UnboundedReceiver<String>) -> Vec<String> {
    let mut said = Vec::new();
    while let Some(line) = lines.recv().await {
        said.push(line);
    }
    said
}

/// What should have happened long before; a hang fails here instead of in the harness.
pub(crate) async fn within<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(60), what)
        .await
        .expect("it hangs")
}
