//! `GET /live`: what happens in front of the page, as it happens.

use std::collections::{BTreeSet, VecDeque};
use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use http_body_util::{BodyExt as _, Empty};
use hyper::Request;
use hyper::body::{Bytes, Incoming};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use stillgate::host::cli::up::{Edge, EdgeOptions, Live, Options, Page, Stack};
use stillgate::host::cli::workerd;

use crate::run::{Run, build, get, status, stillgate, within};
use crate::{policy, tools, with_envoy};

#[tokio::test(flavor = "multi_thread")]
async fn requests_and_counters_of_envoy_are_told_and_a_changed_policy() {
    let folder = tempfile::tempdir().expect("a folder");
    let log = folder.path().join("access.log");
    let (live, page) = page(folder.path());
    let (envoy, filter) = tools();
    let stack = Stack::start(Options {
        envoy: Some(envoy),
        workers: Some(1),
        access_log: Some(log.clone()),
        live: Some(live),
        ..Options::quiet(policy(1), filter)
    });
    let stack = stack.await.expect("a stack");
    assert_eq!(status(stack.listen, "a").await, 200);

    let mut heard = Heard::at(page.address).await;
    let (name, hello) = heard.next().await;
    assert_eq!(name, "hello");
    assert!(hello["now"].as_u64() > Some(1_700_000_000_000));
    let expected = json!({
        "program": "Envoy", "listen": format!("http://{}", stack.listen), "tls": format!("https://{}", stack.tls_listen),
        "admin": format!("http://{}", stack.admin_address), "origin": stack.origin.to_string(), "policy": policy(1),
        "now": hello["now"]});
    assert_eq!(hello, expected);

    assert_eq!(status(stack.listen, "a").await, 429);
    let refused = heard.until("request", |event| event["status"] == 429).await;
    assert!(refused["time"].as_u64() >= hello["now"].as_u64().map(|now| now - 60_000));
    let fields: BTreeSet<&str> = refused
        .as_object()
        .expect("an object")
        .keys()
        .map(String::as_str)
        .collect();
    assert_eq!(fields, BTreeSet::from(FIELDS));
    assert_eq!(refused["details"], "stillgate:throttle:quota:daily");
    assert_eq!(
        (&refused["method"], &refused["path"], &refused["ja4"]),
        (&json!("GET"), &json!("/v1/models"), &json!(null))
    );
    assert_eq!(
        (
            &refused["decision"]["verdict"],
            &refused["decision"]["rule"]
        ),
        (&json!("throttle"), &json!("daily"))
    );
    assert!(!refused.to_string().contains("127.0.0.1"), "{refused}");

    let throttled = json!({"name": "stillgate_requests_total", "labels": {"verdict": "throttle", "reason": "quota"}, "value": 1});
    let counted = |event: &Value| {
        event["metrics"]
            .as_array()
            .is_some_and(|metrics| metrics.contains(&throttled))
    };
    let stats = heard.until("stats", counted).await;
    let of_ours = |metric: &Value| {
        metric["name"]
            .as_str()
            .is_some_and(|name| name.starts_with("stillgate_"))
    };
    assert!(
        stats["metrics"]
            .as_array()
            .expect("a list")
            .iter()
            .all(of_ours)
    );

    stack.apply(&policy(3)).await.expect("a good policy");
    heard
        .until("hello", |hello| hello["policy"] == policy(3))
        .await;
    stack.apply("{}").await.expect_err("a bad policy");

    // Who comes later is told what was.
    let mut late = Heard::at(page.address).await;
    let (name, hello) = late.next().await;
    assert_eq!((&*name, &hello["policy"]), ("hello", &json!(policy(3))));
    let statuses = [
        late.next().await.1["status"].clone(),
        late.next().await.1["status"].clone(),
    ];
    assert_eq!(
        statuses.map(|status| status.as_u64()),
        [Some(200), Some(429)]
    );
    // The file has what it always had.
    stack.stop().await.expect("Envoy ends");
    let log = fs::read_to_string(log).expect("the access log");
    let lines: Vec<Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    assert_eq!(lines.len(), 2, "{log}");
    assert!(
        lines.iter().all(|line| line["client"] == "127.0.0.1"),
        "{log}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_worker_decides_is_told_and_is_in_its_file() {
    workerd::locate().expect("workerd");
    build("worker").await;
    let folder = tempfile::tempdir().expect("a folder");
    let log = folder.path().join("records");
    let (live, page) = page(folder.path());
    let edge = Edge::start(EdgeOptions {
        access_log: Some(log.clone()),
        live: Some(live),
        page: Some(folder.path().to_owned()),
        ..EdgeOptions::quiet(policy(1))
    });
    let mut edge = within(edge).await.expect("an edge");
    let mut heard = Heard::at(page.address).await;
    let (name, hello) = heard.next().await;
    assert_eq!(name, "hello");
    let told = (&hello["program"], &hello["admin"], &hello["tls"]);
    assert_eq!(told, (&json!("workerd"), &json!(null), &json!(null)));
    // The worker has the page too, and nothing to listen to.
    let own = get(edge.listen, "/stillgate/", &[]).await;
    assert_eq!(own.expect("an answer"), 200);
    let own = get(edge.listen, "/stillgate/live", &[]).await;
    assert_eq!(own.expect("an answer"), 404);

    for expected in [200, 429] {
        assert_eq!(status(edge.listen, "a").await, expected);
    }
    let refused = heard
        .until("request", |event| {
            event["decision"]["verdict"] == "throttle"
        })
        .await;
    assert_eq!(
        (&refused["status"], &refused["path"]),
        (&json!(null), &json!(null))
    );
    edge.apply(&policy(3)).await.expect("a good policy");
    heard
        .until("hello", |hello| hello["policy"] == policy(3))
        .await;
    edge.stop().await.expect("workerd ends");
    let log = fs::read_to_string(log).expect("the records");
    assert!(
        log.lines()
            .any(|line| line.starts_with("stillgate {") && line.contains("\"rule\":\"daily\"")),
        "{log}"
    );
}

/// More than a pipe and whatever reads it hold: a program whose output nobody reads goes on, tells the page, and ends.
#[tokio::test(flavor = "multi_thread")]
async fn output_that_nobody_reads_holds_up_neither_what_is_told_nor_the_end() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("policy.json");
    fs::write(&file, policy(1_000_000)).expect("a policy");
    build("page").await;
    let mut command = with_envoy(&file);
    command.args(["--page", "127.0.0.1:0"]);
    let run = Run::start(command).await;
    let mut heard = Heard::at(run.page.expect("a page")).await;
    let long = "x".repeat(4000);
    for number in 0..200 {
        let path = format!("/{number}/{long}");
        let answer = get(run.listen, &path, &[("authorization", "Bearer a")]).await;
        answer.expect("an answer");
    }
    let told = |event: &Value| {
        let path = event["path"].as_str();
        path.is_some_and(|path| path.starts_with("/199/"))
    };
    heard.until("request", told).await;
    let ended = run.end("INT").await;
    assert!(ended.success(), "{ended}");
}

#[tokio::test(flavor = "multi_thread")]
async fn records_that_cannot_be_written_are_told_of_once() {
    workerd::locate().expect("workerd");
    build("worker").await;
    build("page").await;
    let mut command = stillgate([
        "up",
        "--edge",
        "--page",
        "127.0.0.1:0",
        "--access-log",
        "/dev/full",
    ]);
    command.env("STILLGATE_SECRET", "16 or more bytes");
    let mut run = Run::start(command).await;
    // Keys that were never seen are told of, and so are refusals.
    for _ in 0..3 {
        get(run.listen, "/v1/models", &[]).await.expect("an answer");
    }
    run.wait_for("What is decided is missing in /dev/full: No space left on device")
        .await;
    get(run.listen, "/v1/models", &[]).await.expect("an answer");
    let (_, words) = run.end_with_words("TERM").await;
    assert!(
        !words.iter().any(|line| line.contains("missing")),
        "{words:?}"
    );
}

/// What is told of a request, and no more: not the client's address.
const FIELDS: [&str; 8] = [
    "time",
    "method",
    "path",
    "status",
    "details",
    "ja4",
    "milliseconds",
    "decision",
];

/// A page with nothing on it, and what it is told.
fn page(folder: &Path) -> (Live, Page) {
    fs::write(folder.join("index.html"), "<!doctype html>").expect("a file");
    let live = Live::new();
    let page = Page::start(folder, Some(live.clone())).expect("a page");
    (live, page)
}

/// A browser that listens.
struct Heard {
    body: Incoming,
    read: Vec<u8>,
    events: VecDeque<(String, Value)>,
}

impl Heard {
    async fn at(page: SocketAddr) -> Self {
        let client = Client::builder(TokioExecutor::new()).build_http();
        let request = Request::get(format!("http://{page}/live")).body(Empty::<Bytes>::new());
        let request = client.request(request.expect("a request"));
        let response = within(request).await.expect("a response");
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        assert_eq!(response.headers()["x-content-type-options"], "nosniff");
        Self {
            body: response.into_body(),
            read: Vec::new(),
            events: VecDeque::new(),
        }
    }

    async fn next(&mut self) -> (String, Value) {
        loop {
            if let Some(event) = self.events.pop_front() {
                return event;
            }
            let frame = within(self.body.frame()).await;
            let frame = frame.expect("no end").expect("no error");
            self.read
                .extend_from_slice(&frame.into_data().expect("data"));
            while let Some(end) = self.read.windows(2).position(|pair| pair == b"\n\n") {
                let event: Vec<u8> = self.read.drain(..=end).collect();
                let event = String::from_utf8(event).expect("UTF-8");
                let event = event.trim();
                if let Some(event) = event.strip_prefix("event: ") {
                    let (name, data) = event.split_once("\ndata: ").expect("data");
                    let data = serde_json::from_str(data).expect("JSON");
                    self.events.push_back((name.to_owned(), data));
                }
            }
        }
    }

    /// The next event of this name that is wanted.
    async fn until(&mut self, name: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let found = async {
            loop {
                let (what, data) = self.next().await;
                if what == name && wanted(&data) {
                    return data;
                }
            }
        };
        // Each event alone may come in time, and the one that is wanted never.
        within(found).await
    }
}
