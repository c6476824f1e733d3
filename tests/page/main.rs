//! The page in a real Chromium: each view as people use it, with whatever must not be heard there: errors, requests to other hosts,
//! and what the page's own security policy forbids.
//!
//! What is done there is in the scripts beside this file, which run in Node with Playwright; here is what they need.
#![expect(clippy::expect_used, reason = "a test fails by panicking")]

mod tools;

use stillgate::host::cli::up::{Edge, EdgeOptions, Live, Options, Page, Stack};
use stillgate::host::cli::{build, envoy, filter, workerd};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpListener;
use tools::{Tools, root, skip, tools};

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_is_edited_and_put_in_force() {
    run("policy.mjs", None, &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_tried() {
    run("try.mjs", None, &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_campaign_is_watched_being_found() {
    run("campaign.mjs", None, &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn files_are_read_whatever_they_are() {
    run("files.mjs", None, &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn all_views_look_right_and_are_for_everybody() {
    run("look.mjs", None, &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_missing_is_said_with_what_to_do() {
    run("shell.mjs", None, &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_worker_serves_the_same_page() {
    let Some(tools) = tools() else {
        return;
    };
    if let Err(error) = workerd::locate() {
        return skip("the page is not tried from the worker", &error);
    }
    build::worker(None).expect("the worker builds");
    let edge = Edge::start(EdgeOptions {
        page: Some(build::site()),
        ..EdgeOptions::quiet(LIVE_POLICY)
    });
    let edge = edge.await.expect("workerd listens");
    let address = format!("http://{}/stillgate/", edge.listen);
    script(tools, "try.mjs", &address, &[]).await;
    edge.stop().await.expect("workerd ends");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_envoy_does_is_seen_as_it_happens() {
    if tools().is_none() {
        return;
    }
    let envoy = match envoy::locate(None) {
        Ok(envoy) => envoy,
        Err(error) => return skip("the live view is not tried with Envoy", &error),
    };
    let live = Live::new();
    let stack = Stack::start(Options {
        envoy: Some(envoy),
        live: Some(live.clone()),
        ..Options::quiet(LIVE_POLICY, filter::build().expect("the filter builds"))
    });
    let stack = stack.await.expect("Envoy listens");
    let gate = format!("http://{}", stack.listen);
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let change = format!("http://{}", listener.local_addr().expect("an address"));
    let variables = [("LIVE", "1"), ("GATE", &*gate), ("CHANGE", &*change)];
    tokio::select! {
        () = run("live.mjs", Some(live), &variables) => {}
        () = put_in_force_when_asked(&listener, &stack) => {}
    }
    stack.stop().await.expect("Envoy ends");
}

/// Has six requests allowed instead of five, whenever somebody asks anything.
async fn put_in_force_when_asked(listener: &TcpListener, stack: &Stack) {
    let policy = LIVE_POLICY.replace(r#""limit": 5"#, r#""limit": 6"#);
    loop {
        let (asking, _) = listener.accept().await.expect("a connection");
        let mut asking = BufReader::new(asking);
        let mut head = String::new();
        // To the empty line after its headers.
        while asking.read_line(&mut head).await.expect("a request") > 2 {}
        stack.apply(&policy).await.expect("a good policy");
        let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
        asking.write_all(answer).await.expect("an answer");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_envoy_the_live_view_says_how_to_have_one() {
    run("live.mjs", None, &[]).await;
}

/// Makes the pictures of the README: `cargo test --test page -- --ignored`.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "it writes into the sources"]
async fn pictures_for_the_readme() {
    let out = root().join("www/pictures");
    run("pictures.mjs", None, &[("OUT", &out.to_string_lossy())]).await;
}

/// Five requests a minute for each key.
const LIVE_POLICY: &str = r#"{"version": 1, "record": "all", "quotas": [
    {"name": "requests-per-minute", "per": ["key"], "count": "requests", "limit": 5, "window": "1m"}]}"#;

/// Runs a script beside this file against the page, which tells of a gate if there is one to tell of.
async fn run(name: &str, live: Option<Live>, variables: &[(&str, &str)]) {
    let Some(tools) = tools() else {
        return;
    };
    let page = Page::start(&build::site(), live).expect("the page is served");
    script(tools, name, &format!("http://{}/", page.address), variables).await;
}

/// Runs a script beside this file against the page at this address.
async fn script(tools: &Tools, name: &str, page: &str, variables: &[(&str, &str)]) {
    let scratch = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
    let file = root().join("tests/page").join(name);
    let mut node = tools.script(&file, page, scratch.path());
    node.envs(variables.iter().copied());
    let output = tokio::task::spawn_blocking(move || node.output().expect("node runs"));
    let output = output.await.expect("no panic");
    let said = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}{errors}");
    assert!(said.contains("ok: "), "{name} checks something:\n{said}");
}
