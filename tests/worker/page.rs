//! Promise: where the page is, everybody gets its files and nothing else; all the rest is gated.

#[path = "../page/security.rs"]
mod security;

use std::fs;
use std::path::Path;

use hyper::Method;

use crate::harness::client::{Headers as _, Reply};
use crate::harness::{Origin, Setup, get, of, requests};

#[tokio::test(flavor = "multi_thread")]
async fn the_page_is_for_everybody_and_the_rest_is_gated() {
    let folder = site();
    let origin = Origin::start().await;
    let setup = Setup::new(&requests(1, "1h")).with_page(folder.path());
    let Some(worker) = setup.start(&origin).await else {
        return;
    };
    let mut connection = worker.connect().await;
    for (path, kind, text) in [
        ("/stillgate/", "text/html; charset=utf-8", "<!doctype html>"),
        (
            "/stillgate/index.html",
            "text/html; charset=utf-8",
            "<!doctype html>",
        ),
        (
            "/stillgate/page.js",
            "text/javascript; charset=utf-8",
            "import",
        ),
        (
            "/stillgate/chunk-5N6YRKXQ.js?v=1",
            "text/javascript; charset=utf-8",
            "export",
        ),
        ("/stillgate/style.css", "text/css; charset=utf-8", "a {}"),
        ("/stillgate/policy.schema.json", "application/json", "{}"),
        ("/stillgate/stillgate_bg.wasm", "application/wasm", "\0asm"),
    ] {
        let reply = connection.send(get(path)).await;
        assert_eq!(reply.status, 200, "{path}");
        assert_eq!(reply.header("content-type"), Some(kind), "{path}");
        assert_eq!(reply.text(), text, "{path}");
        guarded(&reply, path);
        let modified = reply.header("last-modified").expect("a date").to_owned();
        let again = connection
            .send(get(path).with("if-modified-since", modified))
            .await;
        assert_eq!((again.status, &*again.text()), (304, ""), "{path}");
        guarded(&again, path);
        let head = connection.send(by(Method::HEAD, path)).await;
        assert_eq!(
            (head.status, head.header("content-type"), &*head.text()),
            (200, Some(kind), ""),
            "{path}"
        );
    }
    let moved = connection.send(get("/stillgate")).await;
    assert_eq!(
        (moved.status, moved.header("location")),
        (308, Some("/stillgate/"))
    );
    guarded(&moved, "/stillgate");
    for path in [
        "/stillgate/live",
        "/stillgate/nothing.js",
        "/stillgate/secret.key",
        "/stillgate/.hidden.js",
        "/stillgate/below",
        "/stillgate/below/",
        "/stillgate/below/page.js",
        "/stillgate//page.js",
        "/stillgate/..%2foutside.js",
        "/stillgate/%70age.js",
    ] {
        let reply = connection.send(get(path)).await;
        assert_eq!(
            (reply.status, &*reply.text()),
            (404, "There is nothing here.\n"),
            "{path}"
        );
        guarded(&reply, path);
    }
    assert!(origin.seen().is_empty());

    for request in [
        get("/"),
        get("/stillgates/page.js"),
        get("/v1/stillgate/page.js"),
        get("/stillgate/../page.js"),
        by(Method::POST, "/stillgate/"),
        by(Method::PUT, "/stillgate/page.js"),
        by(Method::DELETE, "/stillgate"),
    ] {
        let what = format!("{} {}", request.method(), request.uri());
        assert_eq!(connection.send(request).await.status, 401, "{what}");
    }
    for expected in [200, 429] {
        let reply = connection.send(of("sk-one", get("/v1/models"))).await;
        assert_eq!(reply.status, expected);
        assert_eq!(reply.header("content-security-policy"), None);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_being_told_there_is_no_page() {
    let origin = Origin::start().await;
    let Some(worker) = Setup::new(&requests(1, "1h")).start(&origin).await else {
        return;
    };
    let mut connection = worker.connect().await;
    for path in ["/stillgate", "/stillgate/", "/stillgate/page.js"] {
        assert_eq!(connection.send(get(path)).await.status, 401, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_may_be_anywhere_and_one_that_is_not_there_is_told() {
    let origin = Origin::start().await;
    let setup = Setup::new(&requests(1, "1h")).with("STILLGATE_PAGE", "/tools/gate_1");
    let Some(worker) = setup.start(&origin).await else {
        return;
    };
    let mut connection = worker.connect().await;
    let reply = connection.send(get("/tools/gate_1/")).await;
    assert_eq!(reply.status, 404);
    assert!(
        reply.text().contains("`stillgate build page`"),
        "{}",
        reply.text()
    );
    assert_eq!(connection.send(get("/tools/")).await.status, 401);
    assert_eq!(connection.send(get("/stillgate/")).await.status, 401);
}

/// A page of a few files, with others around them that are none of its own.
fn site() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |path: &str, text: &str| {
        let file = folder.path().join(path);
        fs::create_dir_all(file.parent().unwrap_or(Path::new("."))).expect("a folder");
        fs::write(file, text).expect("a file");
    };
    write("index.html", "<!doctype html>");
    write("page.js", "import");
    write("chunk-5N6YRKXQ.js", "export");
    write("style.css", "a {}");
    write("policy.schema.json", "{}");
    write("stillgate_bg.wasm", "\0asm");
    write("secret.key", "secret");
    write(".hidden.js", "secret");
    write("below/page.js", "secret");
    folder
}

fn by(method: Method, path: &str) -> crate::harness::Request {
    let mut request = get(path);
    *request.method_mut() = method;
    request
}

fn guarded(reply: &Reply, what: &str) {
    for (name, value) in security::SECURITY {
        assert_eq!(reply.header(name), Some(value), "{what}: {name}");
    }
}
