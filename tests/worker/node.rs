//! Promise: the official OpenAI SDK for Node understands what the worker says, and the gate runs in Node itself.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

use crate::harness::origin::json_answer;
use crate::harness::{Origin, SECRET, Setup, requests, skip};

/// The version of the SDK, which has no dependencies, so that its package alone is enough.
const OPENAI: &str = "6.10.0";

#[tokio::test(flavor = "multi_thread")]
async fn the_openai_sdk_raises_its_own_errors() {
    let (Some(()), Some(sdk)) = (node(), openai()) else {
        return;
    };
    let origin = Origin::answering(|seen| {
        let body: Value = serde_json::from_slice(&seen.body).unwrap_or_default();
        if body["stream"] == true {
            let event = |text: &str| format!("data: {{\"id\":\"1\",\"object\":\"chat.completion.chunk\",\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"{text}\"}}}}]}}\n\n");
            return axum::http::Response::builder()
                .header("content-type", "text/event-stream")
                .body([event("Hel"), event("lo."), String::from("data: [DONE]\n\n")].concat().into())
                .unwrap();
        }
        let answer = json!({"id": "1", "object": "chat.completion", "choices": [
            {"index": 0, "message": {"role": "assistant", "content": "Hello."}, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7}});
        json_answer(answer.to_string())
    })
    .await;
    let Some(worker) = Setup::new(&requests(2, "1h")).start(&origin).await else {
        return;
    };
    let url = format!("http://{}/v1", worker.edge.listen);
    let told = run("openai.mjs", vec![sdk.to_str().unwrap().to_owned(), url]).await;
    assert_eq!(told["call"], "Hello.");
    assert_eq!(told["stream"], json!(["Hel", "lo."]));
    assert_eq!(
        (&told["refused"]["name"], &told["refused"]["status"]),
        (&json!("RateLimitError"), &json!(429))
    );
    assert_eq!(told["refused"]["code"], "rate_limit_exceeded");
    assert_eq!(
        (&told["unknown"]["name"], &told["unknown"]["status"]),
        (&json!("AuthenticationError"), &json!(401))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_gate_runs_in_node_with_counters_of_its_own() {
    if node().is_none() {
        return;
    }
    let origin = Origin::answering(|seen| {
        let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
        write!(packed, "{{\"got\":{}}}", seen.body.len()).unwrap();
        axum::http::Response::builder()
            .header("content-type", "application/json")
            .header("content-encoding", "gzip")
            .body(packed.finish().unwrap().into())
            .unwrap()
    })
    .await;
    // Whoever starts a worker builds it.
    let Some(_worker) = Setup::new(&requests(1, "1h")).start(&origin).await else {
        return;
    };
    let files = Path::new(env!("CARGO_MANIFEST_DIR")).join("www/worker");
    let policy = json!({"version": 1, "record": "all", "quotas": [
        {"name": "tokens", "per": ["key"], "count": "tokens", "limit": 100_000, "window": "1h"},
        {"name": "burst", "per": ["network"], "count": "requests", "limit": 2, "window": "1h"}]});
    let arguments = vec![
        files.to_str().unwrap().to_owned(),
        policy.to_string(),
        SECRET.to_owned(),
        format!("http://{}", origin.address),
    ];
    let told = run("runtime.mjs", arguments).await;
    assert_eq!(told["statuses"], json!([200, 200, 429, 200]));
    assert_eq!(told["bodies"][0], json!({"got": 49}));
    assert_eq!(told["packed"], json!([null, null, null, null]));
    let records = told["records"].as_array().unwrap();
    assert!(
        records
            .iter()
            .any(|record| record.as_str().unwrap().contains("\"rule\":\"burst\""))
    );
}

/// Runs a script beside this file, and reads what it prints.
async fn run(script: &str, arguments: Vec<String>) -> Value {
    let script = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/worker")
        .join(script);
    let node = tokio::task::spawn_blocking(move || {
        Command::new("node")
            .arg(script)
            .args(arguments)
            .output()
            .expect("node runs")
    });
    let Output {
        status,
        stdout,
        stderr,
    } = node.await.unwrap();
    assert!(status.success(), "{}", String::from_utf8_lossy(&stderr));
    serde_json::from_slice(&stdout).expect("a script prints JSON")
}

fn node() -> Option<()> {
    match Command::new("node").arg("--version").output() {
        Ok(output) if output.status.success() => Some(()),
        _ => {
            skip("nothing is tried with Node", &"there is no node on PATH");
            None
        }
    }
}

/// The SDK's folder, fetched once.
fn openai() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("target/openai-node")
        .join(OPENAI);
    let package = folder.join("package");
    if package.join("package.json").is_file() {
        return Some(package);
    }
    let fetch = || -> std::io::Result<Output> {
        std::fs::create_dir_all(&folder)?;
        let scratch = tempfile::tempdir_in(&folder)?;
        let url = format!("https://registry.npmjs.org/openai/-/openai-{OPENAI}.tgz");
        let script = "curl -fsSL --retry 3 -o \"$0/openai.tgz\" \"$1\" && tar -xzf \"$0/openai.tgz\" -C \"$0\"";
        let output = Command::new("sh")
            .args(["-c", script])
            .arg(scratch.path())
            .arg(url)
            .output()?;
        if output.status.success() && !package.exists() {
            std::fs::rename(scratch.path().join("package"), &package)?;
        }
        Ok(output)
    };
    match fetch() {
        Ok(output) if output.status.success() => Some(package),
        Ok(output) => {
            skip(
                "the OpenAI SDK for Node is not tried",
                &String::from_utf8_lossy(&output.stderr),
            );
            None
        }
        Err(error) => {
            skip("the OpenAI SDK for Node is not tried", &error);
            None
        }
    }
}
