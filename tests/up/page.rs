//! The page of `stillgate up`: who gets it, how, and what there is where it cannot be.

#[path = "../page/security.rs"]
mod security;

use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use http_body_util::{BodyExt as _, Empty};
use hyper::body::Bytes;
use hyper::{Method, Request, Response};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use stillgate::host::cli::up::Page;
use tempfile::TempDir;

use crate::run::{Run, build, get, within};
use crate::{policy, with_envoy};

#[tokio::test(flavor = "multi_thread")]
async fn files_come_as_what_they_are_and_every_answer_guards_the_page() {
    let (_folder, page) = made_up();
    let at = page.address;
    for (path, status, kind, text) in [
        ("/", 200, "text/html; charset=utf-8", "<!doctype html>"),
        (
            "/index.html",
            200,
            "text/html; charset=utf-8",
            "<!doctype html>",
        ),
        ("/page.js", 200, "text/javascript; charset=utf-8", "import"),
        ("/style.css", 200, "text/css; charset=utf-8", "a {}"),
        ("/policy.schema.json", 200, "application/json", "{}"),
        ("/stillgate_bg.wasm", 200, "application/wasm", "\0asm"),
        ("/licences.txt", 200, "text/plain; charset=utf-8", "also"),
        (
            "/page.js?v=1",
            200,
            "text/javascript; charset=utf-8",
            "import",
        ),
        // Nobody is told here what happens.
        ("/live", 404, "text/plain; charset=utf-8", "nothing here"),
        (
            "/nothing.js",
            404,
            "text/plain; charset=utf-8",
            "nothing here",
        ),
        (
            "/secret.key",
            404,
            "text/plain; charset=utf-8",
            "nothing here",
        ),
        (
            "/below/page.js",
            404,
            "text/plain; charset=utf-8",
            "nothing here",
        ),
        (
            "/../outside.js",
            404,
            "text/plain; charset=utf-8",
            "nothing here",
        ),
        (
            "/%2e%2e/outside.js",
            404,
            "text/plain; charset=utf-8",
            "nothing here",
        ),
        (
            "//outside.js",
            404,
            "text/plain; charset=utf-8",
            "nothing here",
        ),
        (
            "/below/..%2fpage.js",
            404,
            "text/plain; charset=utf-8",
            "nothing here",
        ),
    ] {
        let response = ask(at, Method::GET, path, &[]).await;
        assert_eq!(response.status(), status, "{path}");
        assert_eq!(header(&response, "content-type"), kind, "{path}");
        guarded(&response, path);
        let body = response.into_body();
        assert!(
            String::from_utf8_lossy(&body).contains(text),
            "{path}: {body:?}"
        );
        let head = ask(at, Method::HEAD, path, &[]).await;
        assert_eq!(head.status(), status, "{path}");
        assert_eq!(
            header(&head, "content-length"),
            body.len().to_string(),
            "{path}"
        );
        guarded(&head, path);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn files_are_packed_for_whom_it_suits_and_sent_once() {
    let (_folder, page) = made_up();
    let path = "/stillgate_bg.wasm";
    for (welcome, packed) in [
        ("gzip, deflate, br", true),
        ("br;q=1.0, gzip;q=0.5", true),
        ("gzip;q=0, br", false),
        ("br", false),
    ] {
        let asked = [("accept-encoding", welcome)];
        let response = ask(page.address, Method::GET, path, &asked).await;
        assert_eq!(header(&response, "vary"), "accept-encoding");
        assert_eq!(
            header(&response, "content-encoding") == "gzip",
            packed,
            "{welcome}"
        );
        let tag = header(&response, "etag").to_owned();
        let body = response.into_body();
        assert_eq!(body.len() < 1000, packed, "{welcome}");
        let asked = [
            ("accept-encoding", welcome),
            ("if-none-match", &format!("\"x\", {tag}")),
        ];
        let again = ask(page.address, Method::GET, path, &asked).await;
        assert_eq!(
            (again.status().as_u16(), header(&again, "etag")),
            (304, &*tag)
        );
        assert!(again.body().is_empty());
        guarded(&again, welcome);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_only_read_and_only_by_its_address() {
    let (_folder, page) = made_up();
    for method in [Method::POST, Method::PUT, Method::DELETE, Method::OPTIONS] {
        let response = ask(page.address, method.clone(), "/", &[]).await;
        assert_eq!(response.status(), 405, "{method}");
        assert_eq!(header(&response, "allow"), "GET, HEAD");
        guarded(&response, "405");
    }
    let port = page.address.port();
    for (host, status) in [
        (format!("127.0.0.1:{port}"), 200),
        (format!("localhost:{port}"), 200),
        (format!("LOCALHOST:{port}"), 200),
        (format!("[::1]:{port}"), 200),
        (format!("[::ffff:127.0.0.1]:{port}"), 200),
        // Something forwards from another port to this one.
        (format!("127.0.0.1:{}", port ^ 1), 200),
        (format!("localhost:{}", port ^ 1), 200),
        (String::from("localhost"), 200),
        // A name that somebody has made mean this machine, and what looks like none.
        (format!("rebound.example:{port}"), 421),
        (format!("localhost.example:{port}"), 421),
        (format!("192.0.2.1:{port}"), 421),
        (String::from("rebound.example"), 421),
        (String::from("no host"), 421),
        (String::new(), 421),
    ] {
        let response = ask(page.address, Method::GET, "/", &[("host", &host)]).await;
        assert_eq!(response.status(), status, "{host}");
        guarded(&response, &host);
        if status == 421 {
            let said = String::from_utf8_lossy(response.body()).into_owned();
            assert!(said.contains(&format!("http://{}", page.address)), "{said}");
        }
    }
}

#[test]
fn a_folder_without_a_page_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let error = Page::start(folder.path(), None).expect_err("no page");
    assert!(
        format!("{error:#}").contains("stillgate build page"),
        "{error:#}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn up_builds_it_and_says_where_it_is_and_need_not() {
    build("page").await;
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("policy.json");
    fs::write(&file, policy(1)).expect("a policy");
    let mut command = with_envoy(&file);
    command.args(["--page", "127.0.0.1:0"]);
    let run = Run::start(command).await;
    let page = run.page.expect("a page");
    for path in ["/", "/page.js", "/stillgate_bg.wasm", "/policy.schema.json"] {
        assert_eq!(
            get(page, path, &[]).await.expect("an answer"),
            200,
            "{path}"
        );
    }
    let ended = run.end("TERM").await;
    assert!(ended.success(), "{ended}");
    assert!(get(page, "/", &[]).await.is_err());

    let run = crate::start(&file).await;
    assert_eq!(run.page, None);
    run.end("TERM").await;
}

/// A socket for IPv6 that takes IPv4 too tells the addresses of the latter in the form of the former.
#[tokio::test(flavor = "multi_thread")]
async fn it_is_for_either_protocol_and_more_than_this_machine_where_that_is_asked_which_is_told() {
    build("page").await;
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("policy.json");
    fs::write(&file, policy(1)).expect("a policy");
    let mut command = with_envoy(&file);
    command.args(["--page", "[::]:0"]);
    let mut run = Run::start(command).await;
    run.wait_for("tells whoever reaches it the policy").await;
    let port = run.page.expect("a page").port();
    let there = SocketAddr::from(([127, 0, 0, 2], port));
    let response = ask(there, Method::GET, "/", &[]).await;
    assert_eq!(response.status(), 200);
    let response = ask(there, Method::GET, "/", &[("host", "rebound.example")]).await;
    assert_eq!(response.status(), 421);
    let said = String::from_utf8_lossy(response.body()).into_owned();
    assert!(said.contains(&format!("http://{there}\n")), "{said}");
    run.end("TERM").await;
}

/// Who reads the page while it is built gets that of the build.
#[tokio::test(flavor = "multi_thread")]
async fn it_is_not_read_while_it_is_built() {
    let folder = tempfile::tempdir().expect("a folder");
    let build = fs::File::create(folder.path().join(".lock")).expect("a file");
    build.lock().expect("a lock");
    let site = folder.path().to_owned();
    let reading = tokio::task::spawn_blocking(move || Page::start(&site, None).map(drop));
    fs::write(folder.path().join("index.html"), "").expect("a file");
    drop(build);
    within(reading).await.expect("an end").expect("a page");
}

/// A page of a few files, with others around them that are none of its own.
pub(crate) fn made_up() -> (TempDir, Page) {
    let folder = tempfile::tempdir().expect("a folder");
    let site = folder.path().join("site");
    fs::create_dir_all(site.join("below")).expect("a folder");
    let write = |path: &str, bytes: &[u8]| fs::write(site.join(path), bytes).expect("a file");
    write("index.html", b"<!doctype html>");
    write("page.js", b"import");
    write("style.css", b"a {}");
    write("policy.schema.json", b"{}");
    write(
        "stillgate_bg.wasm",
        &[b"\0asm".as_slice(), &[0; 4000]].concat(),
    );
    write("licences.txt", b"also");
    write("secret.key", b"secret");
    write("below/page.js", b"secret");
    fs::create_dir(site.join("folder.js")).expect("a folder");
    write("../outside.js", b"secret");
    let page = serve(&site);
    (folder, page)
}

fn serve(site: &Path) -> Page {
    Page::start(site, None).expect("a page")
}

fn header<'a, T>(response: &'a Response<T>, name: &str) -> &'a str {
    let value = response.headers().get(name);
    value.map_or("", |value| value.to_str().expect("ASCII"))
}

fn guarded<T>(response: &Response<T>, what: &str) {
    for (name, value) in security::SECURITY {
        assert_eq!(header(response, name), value, "{what}");
    }
}

async fn ask(
    to: SocketAddr,
    method: Method,
    path: &str,
    headers: &[(&str, &str)],
) -> Response<Bytes> {
    let client = Client::builder(TokioExecutor::new()).build_http();
    let mut request = Request::builder()
        .method(method)
        .uri(format!("http://{to}{path}"));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Empty::<Bytes>::new()).expect("a request");
    let (head, body) = within(client.request(request))
        .await
        .expect("a response")
        .into_parts();
    let body = within(body.collect()).await.expect("a body").to_bytes();
    Response::from_parts(head, body)
}
