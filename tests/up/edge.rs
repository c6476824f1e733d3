//! `stillgate up --edge`: the worker in a real workerd.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use stillgate::host::cli::{up, workerd};
use stillgate::policy::Faults;

use crate::policy;
use crate::run::{Run, build, get, status, stillgate, within};

#[tokio::test(flavor = "multi_thread")]
async fn workerd_serves_and_ends_with_it_however_it_ends() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("policy.json");
    fs::write(&file, policy(1000)).expect("a policy");
    for signal in ["INT", "TERM", "HUP"] {
        let run = start(&file).await;
        assert_eq!(run.ask("a").await, 200);
        let ended = run.end(signal).await;
        assert!(ended.success(), "{signal}: {ended}");
    }
    // Without setpriv nothing can be promised against SIGKILL.
    if cfg!(target_os = "linux") && Path::new("/usr/bin/setpriv").is_file() {
        let run = start(&file).await;
        assert_eq!(run.ask("a").await, 200);
        assert!(!run.end("KILL").await.success());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_file_is_followed_and_connections_are_always_taken() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("policy.json");
    fs::write(&file, policy(1000)).expect("a policy");
    let mut run = start(&file).await;
    assert_eq!(run.ask("a").await, 200);

    fs::write(&file, r#"{"version": 1, "quotaz": []}"#).expect("a policy");
    run.wait_for("the old one stays in force").await;
    run.wait_for("/quotaz").await;
    assert_eq!(run.ask("a").await, 200);

    // A connection for each request, so that each needs somebody who takes it.
    let (listen, (stop, mut stopped)) = (run.listen, tokio::sync::oneshot::channel::<()>());
    let asking = tokio::spawn(async move {
        let mut answers = Vec::new();
        while stopped.try_recv().is_err() {
            let key = [("authorization", "Bearer a")];
            answers.push(get(listen, "/v1/models", &key).await);
        }
        answers
    });
    fs::write(&file, policy(2000)).expect("a policy");
    run.wait_for("The changed policy is in force").await;
    assert_eq!(run.ask("a").await, 200);
    stop.send(()).expect("somebody who asks");
    let answers = within(asking).await.expect("an end");
    assert!(!answers.is_empty());
    for answer in answers {
        match answer {
            Ok(status) => assert_eq!(status, 200),
            // A workerd that is to end closes connections on which nothing was asked yet.
            Err(error) => assert!(!error.is_connect(), "{error:?}"),
        }
    }
    let ended = run.end("TERM").await;
    assert!(ended.success(), "{ended}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_being_answered_when_a_policy_comes_is_answered_to_its_end() {
    workerd::locate().expect("workerd");
    build("worker").await;
    let edge = up::Edge::start(up::EdgeOptions::quiet(policy(1000)));
    let mut edge = within(edge).await.expect("an edge");
    let (listen, before) = (edge.listen, edge.pid());
    let slow = tokio::spawn(async move {
        let headers = [
            ("authorization", "Bearer a"),
            ("x-demo-name", "slow"),
            ("x-demo-delay", "1000"),
        ];
        get(listen, "/v1/models", &headers).await
    });
    let origin = SocketAddr::new(
        edge.origin.host.parse().expect("an address"),
        edge.origin.port,
    );
    let seen = within(get(origin, "/demo/seen/slow?now", &[])).await;
    assert_eq!(seen.expect("an answer"), 200);
    edge.apply(&policy(2000)).await.expect("a good policy");
    assert_ne!(edge.pid(), before);
    let status = within(slow).await.expect("an end").expect("an answer");
    assert_eq!(status, 200);
    edge.stop().await.expect("workerd ends");
}

/// One variable of Linux is too short for the longest policies.
#[tokio::test(flavor = "multi_thread")]
async fn a_policy_with_long_lists_is_put_in_force() {
    workerd::locate().expect("workerd");
    build("worker").await;
    let edge = up::Edge::start(up::EdgeOptions::quiet(policy(1000)));
    let mut edge = within(edge).await.expect("an edge");
    assert_eq!(status(edge.listen, "a").await, 200);
    let networks: Vec<String> = (0..20_000_u32)
        .map(|place| format!("{:016x}", u64::from(place)))
        .collect();
    let list = format!("{networks:?}");
    let long = format!(
        r#"{{"version": 1, "checks": [{{"name": "c", "trait": "key", "in": {list}, "then": "deny"}}]}}"#
    );
    assert!(long.len() > 131_072, "{}", long.len());
    for text in [&long, &policy(1000), &long] {
        edge.apply(text).await.expect("a good policy");
        assert_eq!(status(edge.listen, "a").await, 200);
    }
    let error = edge
        .apply(r#"{"version": 1, "quotaz": []}"#)
        .await
        .expect_err("a bad policy");
    assert!(error.is::<Faults>(), "{error:#}");
    assert_eq!(status(edge.listen, "a").await, 200);
    edge.stop().await.expect("workerd ends");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_keeps_it_from_starting_is_told() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let taken = taken.local_addr().expect("an address").to_string();
    let folder = tempfile::tempdir().expect("a folder");
    let bad = folder.path().join("bad.json");
    fs::write(&bad, r#"{"version": 1, "quotaz": []}"#).expect("a policy");
    let bad = bad.to_str().expect("UTF-8");
    let secret = "STILLGATE_SECRET";
    for (arguments, variable, code, told) in [
        (["--listen", &taken], (secret, ""), 1, "choose another port"),
        (["--policy", bad], (secret, ""), 3, "/quotaz"),
        (
            ["--policy", "no/such/file"],
            (secret, ""),
            1,
            "no/such/file",
        ),
        (["--admin", "127.0.0.1:0"], (secret, ""), 1, "--edge"),
        (["--workers", "2"], (secret, ""), 1, "--edge"),
        (
            ["--origin", "ftp://host"],
            (secret, ""),
            1,
            "neither http nor https",
        ),
        (
            ["--listen", "127.0.0.1:0"],
            (secret, "too short"),
            1,
            "no less than 16",
        ),
        (
            ["--listen", "127.0.0.1:0"],
            ("STILLGATE_WORKERD", "/no/such/workerd"),
            1,
            "give the path of a workerd binary",
        ),
        (
            ["--listen", "127.0.0.1:0"],
            ("STILLGATE_WORKERD", "/bin/false"),
            1,
            "workerd ended before it was ready",
        ),
    ] {
        let mut command = stillgate(["up", "--edge", "--no-page"]);
        command.args(arguments).env(variable.0, variable.1);
        let output = within(command.output()).await.expect("stillgate runs");
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
        assert!(said.contains(told), "{arguments:?}: {said}");
    }
}

/// `stillgate up --edge` with a policy.
async fn start(policy: &Path) -> Run {
    workerd::locate().expect("workerd");
    build("worker").await;
    let mut command = stillgate(["up", "--edge", "--no-page"]);
    command.arg("--policy").arg(policy);
    Run::start(command).await
}
