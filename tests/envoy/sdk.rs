//! Promise: the official SDKs understand what Stillgate says: their own exceptions, and a retry that waits as told.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use axum::body::Body;
use axum::http::Response;
use serde_json::{Value, json};

use crate::harness::config::CERTIFICATE;
use crate::harness::origin::{Seen, json_answer};
use crate::harness::{Envoy, Origin, Setup, skip};

/// What every SDK makes of a request over its limit, and of one without a key.
fn raises_its_own_errors(told: &Value) {
    let refused = &told["refused"];
    assert_eq!(
        (&refused["raised"], &refused["status"]),
        (&json!("RateLimitError"), &json!(429))
    );
    assert!(
        refused["message"].as_str().unwrap().contains("requests"),
        "{refused}"
    );
    assert!(
        refused["retry_after"]
            .as_str()
            .unwrap()
            .parse::<u64>()
            .unwrap()
            >= 1
    );
    assert_eq!(
        (&told["unknown"]["raised"], &told["unknown"]["status"]),
        (&json!("AuthenticationError"), &json!(401))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn openai_raises_its_own_errors() {
    let Some(told) = talk("openai_client.py").await else {
        return;
    };
    assert_eq!(told["call"], "Hello.");
    assert_eq!(told["stream"], json!(["Hel", "lo."]));
    assert_eq!(told["headers"]["x-ratelimit-remaining-requests"], "2");

    assert_eq!(told["refused"]["code"], "rate_limit_exceeded");
    raises_its_own_errors(&told);
}

#[tokio::test(flavor = "multi_thread")]
async fn anthropic_raises_its_own_errors() {
    let Some(told) = talk("anthropic_client.py").await else {
        return;
    };
    assert_eq!(told["call"], "Hello.");
    assert_eq!(told["stream"], json!(["Hel", "lo."]));
    assert_eq!(
        told["headers"]["anthropic-ratelimit-requests-remaining"],
        "2"
    );

    assert_eq!(told["refused"]["type"], "rate_limit_error");
    raises_its_own_errors(&told);
    assert_eq!(told["unknown"]["type"], "authentication_error");
}

#[tokio::test(flavor = "multi_thread")]
async fn openai_waits_as_told_and_then_passes() {
    waits_as_told("openai_client.py").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn anthropic_waits_as_told_and_then_passes() {
    waits_as_told("anthropic_client.py").await;
}

/// A call, a streamed call, one too many, and one without credential.
async fn talk(script: &str) -> Option<Value> {
    let origin = Origin::answering(answer).await;
    let envoy = Setup::new(limited(3, "1h")).start(&origin).await?;
    run(&envoy, script, "talk").await
}

/// Two calls in a row where one is allowed in two seconds: the SDK retries by itself, once, not before it was told.
async fn waits_as_told(script: &str) {
    let origin = Origin::answering(answer).await;
    let Some(envoy) = Setup::new(limited(1, "2s")).start(&origin).await else {
        return;
    };
    let Some(told) = run(&envoy, script, "retry").await else {
        return;
    };

    assert_eq!(told["answers"], json!(["Hello.", "Hello."]));
    let log = envoy.access_log(3).await;
    let codes: Vec<&Value> = log.iter().map(|line| &line["code"]).collect();
    assert_eq!(
        codes,
        [&json!(200), &json!(429), &json!(200)],
        "one refusal, then one retry that passes"
    );

    let waited = origin.seen()[1].at - origin.seen()[0].at;
    let asked = Duration::from_secs(told["retry_after"].as_str().unwrap().parse().unwrap());
    assert!(!asked.is_zero());
    assert!(
        waited >= asked,
        "told to wait {asked:?}, came back after {waited:?}"
    );
}

fn limited(limit: u64, window: &str) -> Value {
    json!({
        "version": 1,
        "quotas": [{"name": "requests", "per": ["key"], "count": "requests", "limit": limit, "window": window}],
    })
}

/// Runs a client through Envoy and returns what it printed; `None` on a machine without Python.
pub(crate) async fn run(envoy: &Envoy, script: &str, scene: &str) -> Option<Value> {
    let url = format!("http://{}", envoy.address("main").await);
    run_at(envoy, &url, script, scene).await
}

/// The same over TLS, through the listener `tls`.
pub(crate) async fn run_over_tls(envoy: &Envoy, script: &str, scene: &str) -> Option<Value> {
    let url = format!("https://localhost:{}", envoy.address("tls").await.port());
    run_at(envoy, &url, script, scene).await
}

async fn run_at(envoy: &Envoy, url: &str, script: &str, scene: &str) -> Option<Value> {
    let python = tokio::task::spawn_blocking(python)
        .await
        .expect("an environment")?;
    let script = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/envoy/sdk")
        .join(script);
    let mut client = tokio::process::Command::new(python);
    let output = client
        .arg(script)
        .arg(url)
        .arg(scene)
        .env("SSL_CERT_FILE", envoy.file(CERTIFICATE))
        .kill_on_drop(true)
        .output()
        .await
        .expect("Python runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}\n{}", envoy.log());
    Some(serde_json::from_slice(&output.stdout).expect("JSON from the client"))
}

/// The Python of an environment that has the SDKs, made on first use and shared by all tests and test runs.
fn python() -> Option<PathBuf> {
    let home = Path::new(env!("CARGO_TARGET_TMPDIR")).join("sdk");
    fs::create_dir_all(&home).unwrap();
    let lock = File::create(home.join("lock")).unwrap();
    lock.lock().unwrap();

    let environment = home.join("environment");
    let python = environment.join("bin/python");
    let made = home.join("made");
    if fs::read_to_string(&made).is_ok_and(|packages| packages == PACKAGES.join(" ")) {
        return Some(python);
    }
    if let Err(error) = Command::new("python3").arg("--version").output() {
        skip("the SDKs are not tried, for want of python3", &error);
        return None;
    }
    succeed(
        Command::new("python3")
            .args(["-m", "venv", "--clear"])
            .arg(&environment),
    );
    succeed(
        Command::new(&python)
            .args([
                "-m",
                "pip",
                "install",
                "--quiet",
                "--disable-pip-version-check",
            ])
            .args(PACKAGES),
    );
    fs::write(made, PACKAGES.join(" ")).unwrap();
    Some(python)
}

fn succeed(command: &mut Command) {
    let output = command.output().expect("Python runs");
    assert!(
        output.status.success(),
        "{command:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// As the providers answer, as far as the SDKs look.
fn answer(seen: &Seen) -> Response<Body> {
    let request: Value = serde_json::from_slice(&seen.body).unwrap_or_default();
    let stream = request["stream"] == true;
    match (seen.path.as_str(), stream) {
        ("/v1/chat/completions", false) => json_answer(OPENAI),
        ("/v1/chat/completions", true) => events(OPENAI_STREAM),
        ("/v1/messages", false) => json_answer(ANTHROPIC),
        ("/v1/messages", true) => events(ANTHROPIC_STREAM),
        (path, _) => panic!("no answer for {path}"),
    }
}

fn events(text: &'static str) -> Response<Body> {
    Response::builder()
        .header("content-type", "text/event-stream")
        .body(Body::from(text))
        .expect("a response")
}

const PACKAGES: [&str; 3] = ["openai==3.54.0", "anthropic==2.12.0", "google-genai==3.4.0"];

const OPENAI: &str = r#"{"id":"c1","object":"chat.completion","created":1,"model":"m","choices":[
{"index":0,"message":{"role":"assistant","content":"Hello."},"finish_reason":"stop"}],
"usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}}"#;

const OPENAI_STREAM: &str = r#"data: {"id":"c1","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"role":"assistant","content":"Hel"}}]}

data: {"id":"c1","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"content":"lo."},"finish_reason":"stop"}]}

data: [DONE]

"#;

const ANTHROPIC: &str = r#"{"id":"m1","type":"message","role":"assistant","model":"m","stop_reason":"end_turn",
"stop_sequence":null,"content":[{"type":"text","text":"Hello."}],"usage":{"input_tokens":1,"output_tokens":2}}"#;

const ANTHROPIC_STREAM: &str = r#"event: message_start
data: {"type":"message_start","message":{"id":"m1","type":"message","role":"assistant","model":"m","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":1,"output_tokens":1}}}

event: content_block_start
data: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}

event: content_block_delta
data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hel"}}

event: content_block_delta
data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"lo."}}

event: content_block_stop
data: {"type":"content_block_stop","index":0}

event: message_delta
data: {"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"output_tokens":2}}

event: message_stop
data: {"type":"message_stop"}

"#;
