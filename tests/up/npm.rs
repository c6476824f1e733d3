//! The page of `stillgate up` where what it is made with cannot be had.

use std::fs;

use tokio::process::Command;
use tokio::sync::Mutex;

use crate::run::{Run, stillgate, within};
use crate::{policy, with_envoy};

/// Held by who starts it at the port that it takes when nobody names one.
static PORT: Mutex<()> = Mutex::const_new(());

#[tokio::test(flavor = "multi_thread")]
async fn without_npm_up_goes_on_and_says_so_unless_the_page_was_asked_for() {
    let _port = PORT.lock().await;
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("policy.json");
    fs::write(&file, policy(1)).expect("a policy");
    let nothing = folder.path().join("nothing");
    fs::create_dir(&nothing).expect("a folder");
    let without_npm = || {
        let mut command = with_envoy(&file);
        command
            .env("PATH", &nothing)
            .env("CARGO_TARGET_DIR", folder.path().join("target"));
        command
    };
    let mut run = Run::start(without_npm()).await;
    assert_eq!(run.page, None);
    run.wait_for(
        "THERE IS NO PAGE: cannot fetch what the page is made with: there is no npm here; install Node.js with npm",
    )
    .await;
    assert_eq!(run.ask("a").await, 200);
    run.end("TERM").await;

    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let taken = taken.local_addr().expect("an address").to_string();
    for (page, told) in [
        ("127.0.0.1:0", "install Node.js with npm"),
        (&taken, "choose another port: --page"),
    ] {
        let mut command = without_npm();
        command.args(["--listen", "127.0.0.1:0", "--page", page]);
        let output = within(command.output()).await.expect("stillgate runs");
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(
            said.contains("there is no page to serve") && said.contains(told),
            "{said}"
        );
    }
    let mut both = stillgate(["up", "--page", "127.0.0.1:0", "--no-page"]);
    let output = within(both.output()).await.expect("stillgate runs");
    assert_eq!(output.status.code(), Some(1));
}

/// Where nothing answers, npm tries for more than a minute unless it is told otherwise.
#[tokio::test(flavor = "multi_thread")]
async fn nobody_waits_for_npm_to_try_again_who_has_not_asked_for_the_page() {
    let _port = PORT.lock().await;
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("policy.json");
    fs::write(&file, policy(1)).expect("a policy");
    let text = folder.path().join("text");
    fs::write(
        &text,
        "#!/bin/sh\necho \"$@\" > \"$HEARD\"\necho 'npm error code ENOTFOUND\nnpm error network request failed' >&2\nexit 1\n",
    )
    .expect("a file");
    // By a process of its own: whatever is started here meanwhile would hold a file open that this one writes, which then cannot be run.
    let installed = Command::new("install")
        .args(["-m", "755"])
        .arg(&text)
        .arg(folder.path().join("npm"))
        .status();
    assert!(installed.await.expect("install runs").success());
    let heard = folder.path().join("heard");
    let left = folder.path().join("target/npm/.stillgate-left");
    fs::create_dir_all(&left).expect("a folder");
    let offline = || {
        let mut command = with_envoy(&file);
        command
            .env("PATH", folder.path())
            .env("CARGO_TARGET_DIR", folder.path().join("target"))
            .env("HEARD", &heard);
        command
    };
    let mut run = Run::start(offline()).await;
    run.wait_for("THERE IS NO PAGE: cannot fetch what the page is made with: npm failed: request failed. Everything else works")
        .await;
    run.end("TERM").await;
    let arguments = fs::read_to_string(&heard).expect("arguments");
    assert!(
        arguments.contains("--fetch-retries=0 --fetch-timeout=30000"),
        "{arguments}"
    );
    // Of a build that was ended in its midst.
    assert!(!left.exists());

    let mut command = offline();
    command.args(["--listen", "127.0.0.1:0", "--page", "127.0.0.1:0"]);
    let output = within(command.output()).await.expect("stillgate runs");
    assert_eq!(output.status.code(), Some(1));
    let arguments = fs::read_to_string(&heard).expect("arguments");
    assert!(!arguments.contains("--fetch"), "{arguments}");
}
