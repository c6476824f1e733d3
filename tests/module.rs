//! The wasm modules from outside. The filter: small, asking its host for no more than a filter needs, offering what Envoy calls.
//! The worker's and the page's: small, and asking for nothing but what the JavaScript around them brings.

#![expect(
    clippy::expect_used,
    reason = "a test that meets the unexpected should stop and say so"
)]

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use wasmparser::{ExternalKind, Parser, Payload, TypeRef};

/// The largest module that is shipped, in bytes.
const MAX_BYTES: usize = 620 * 1024;

/// What a command-less WASI library in Rust uses: a clock, randomness, variables, and standard error for panics. No
/// files, no network.
const WASI: [&str; 6] = [
    "clock_time_get",
    "environ_get",
    "environ_sizes_get",
    "fd_write",
    "proc_exit",
    "random_get",
];

/// What Envoy 1.40 looks for: the ABI's version, a start, memory to hand values over in, and the callbacks in use.
const EXPORTS: [&str; 15] = [
    "_initialize",
    "memory",
    "proxy_abi_version_0_2_1",
    "proxy_on_configure",
    "proxy_on_context_create",
    "proxy_on_delete",
    "proxy_on_done",
    "proxy_on_log",
    "proxy_on_memory_allocate",
    "proxy_on_request_body",
    "proxy_on_request_headers",
    "proxy_on_request_trailers",
    "proxy_on_response_headers",
    "proxy_on_tick",
    "proxy_on_vm_start",
];

#[test]
fn the_module_is_small_and_asks_for_little() {
    let module = stillgate::host::cli::filter::build().expect("the filter builds");
    let bytes = fs::read(&module).expect("the module");
    assert!(
        bytes.len() < MAX_BYTES,
        "{} has {} bytes, of {MAX_BYTES} allowed",
        module.display(),
        bytes.len()
    );

    let (mut imports, mut exports) = (BTreeSet::new(), BTreeSet::new());
    for payload in Parser::new(0).parse_all(&bytes) {
        match payload.expect("a wasm module") {
            Payload::ImportSection(section) => {
                for import in section.into_imports() {
                    let import = import.expect("an import");
                    assert!(
                        matches!(import.ty, TypeRef::Func(_)),
                        "{} is no function",
                        import.name
                    );
                    imports.insert((import.module, import.name));
                }
            }
            Payload::ExportSection(section) => {
                for export in section {
                    let export = export.expect("an export");
                    let kind = match export.name {
                        "memory" => ExternalKind::Memory,
                        _ => ExternalKind::Func,
                    };
                    assert_eq!(export.kind, kind, "{}", export.name);
                    exports.insert(export.name);
                }
            }
            _ => {}
        }
    }
    let foreign: Vec<_> = imports
        .iter()
        .filter(|(module, name)| match *module {
            "env" => !name.starts_with("proxy_"),
            "wasi_snapshot_preview1" => !WASI.contains(name),
            _ => true,
        })
        .collect();
    assert!(foreign.is_empty(), "the module asks for {foreign:?}");
    let missing: Vec<_> = EXPORTS
        .iter()
        .filter(|name| !exports.contains(*name))
        .collect();
    assert!(missing.is_empty(), "the module does not offer {missing:?}");
}

/// The largest module for JavaScript, in bytes of gzip.
const MAX_PACKED: usize = 500 * 1024;

#[test]
fn the_worker_is_small_and_asks_for_its_glue_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("new/pkg");
    let made = build("worker", &out);
    let expected = [
        "stillgate.d.ts",
        "stillgate.js",
        "stillgate_bg.wasm",
        "stillgate_bg.wasm.d.ts",
    ];
    assert_eq!(made, expected.map(str::to_owned).into());
    is_small_and_asks_for_its_glue_alone(&out.join("stillgate_bg.wasm"));
}

#[test]
fn the_page_is_one_folder_and_its_module_is_small_too() {
    let folder = tempfile::tempdir().expect("a folder");
    // What an earlier build has left goes away, and what is somebody's own stays.
    let at = |name: &str| folder.path().join(name);
    for name in ["chunk-5N6YRKXQ.js", "chunk-ABCDEFGH.js", "notes.txt"] {
        fs::write(at(name), "").expect("a file");
    }
    let age = |name: &str| {
        let file = fs::File::options().write(true).open(at(name))?;
        let now = file.metadata()?.modified()?;
        file.set_modified(now - Duration::from_hours(2))
    };
    age("chunk-5N6YRKXQ.js").expect("an old file");
    fs::create_dir(at(".stillgate-left")).expect("a folder");
    fs::write(at(".stillgate-left/page.js"), "").expect("a file");
    let mut made = build("page", folder.path());
    assert!(made.remove("notes.txt"));
    // A page that is open may still ask for a piece of the last hour.
    assert!(made.remove("chunk-ABCDEFGH.js"));
    for gone in ["chunk-5N6YRKXQ.js", ".stillgate-left"] {
        assert!(!at(gone).exists(), "{gone}");
    }
    let (pieces, named): (BTreeSet<String>, _) =
        made.into_iter().partition(|name| name.contains('-'));
    let expected = [
        "index.html",
        "licences.txt",
        "page.js",
        "policy.schema.json",
        "run.js",
        "stillgate.js",
        "stillgate_bg.wasm",
        "style.css",
    ];
    assert_eq!(named, expected.map(str::to_owned).into());
    is_small_and_asks_for_its_glue_alone(&folder.path().join("stillgate_bg.wasm"));
    let licences = fs::read_to_string(folder.path().join("licences.txt")).expect("the licences");
    for bundled in ["\nuplot\n", "\n@codemirror/view\n", "MIT License"] {
        assert!(licences.contains(bundled), "{bundled}");
    }
    // Once more it is the same: who reads it meanwhile notices nothing.
    let again = build("page", folder.path());
    assert_eq!(again.len(), pieces.len() + expected.len() + 2);
}

#[test]
fn pages_are_built_into_a_folder_one_after_the_other() {
    let folder = tempfile::tempdir().expect("a folder");
    let first = fs::File::create(folder.path().join(".lock")).expect("a file");
    first.lock().expect("a lock");
    let mut second = Command::new(env!("CARGO_BIN_EXE_stillgate"))
        .args(["build", "page", "--out"])
        .arg(folder.path())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("stillgate runs");
    let mut said = BufReader::new(second.stderr.take().expect("a pipe")).lines();
    let waits = |line: &std::io::Result<String>| {
        let line = line.as_ref().expect("a line");
        line.starts_with("Waiting for another build in ")
    };
    assert!(said.any(|line| waits(&line)));
    assert_eq!(fs::read_dir(folder.path()).expect("the folder").count(), 1);
    drop(first);
    said.for_each(drop);
    assert!(second.wait().expect("an end").success());
    assert!(folder.path().join("index.html").exists());
}

/// Builds something into a folder; returns what is in it then.
fn build(what: &str, out: &Path) -> BTreeSet<String> {
    let output = Command::new(env!("CARGO_BIN_EXE_stillgate"))
        .args(["build", what, "--out"])
        .arg(out)
        .output()
        .expect("stillgate runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let names = fs::read_dir(out).expect("the folder").map(|file| {
        let name = file.expect("a file").file_name().into_string();
        name.expect("UTF-8")
    });
    let names: BTreeSet<String> = names.filter(|name| name != ".lock").collect();
    // The command told each with its size.
    let told = String::from_utf8_lossy(&output.stdout);
    let others = ["notes.txt", "chunk-ABCDEFGH.js"];
    for name in names.iter().filter(|name| !others.contains(&name.as_str())) {
        let line = told
            .lines()
            .find(|line| line.contains(&format!("/{name} (")));
        assert!(
            line.is_some_and(|line| line.ends_with(" KiB gzip)")),
            "{told}"
        );
    }
    names
}

fn is_small_and_asks_for_its_glue_alone(module: &Path) {
    let bytes = fs::read(module).expect("the module");
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    gzip.write_all(&bytes).expect("memory");
    let packed = gzip.finish().expect("memory").len();
    assert!(
        packed < MAX_PACKED,
        "{packed} bytes of gzip, of {MAX_PACKED} allowed"
    );
    let foreign: Vec<String> = Parser::new(0)
        .parse_all(&bytes)
        .filter_map(|payload| match payload.expect("a wasm module") {
            Payload::ImportSection(section) => Some(section),
            _ => None,
        })
        .flat_map(|section| section.into_imports())
        .map(|import| import.expect("an import").module.to_owned())
        .filter(|module| module != "./stillgate_bg.js")
        .collect();
    assert!(foreign.is_empty(), "the module asks for {foreign:?}");
}

#[test]
fn where_a_worker_cannot_be_written_that_is_told() {
    let file = tempfile::NamedTempFile::new().expect("a file");
    let output = Command::new(env!("CARGO_BIN_EXE_stillgate"))
        .args(["build", "worker", "--out"])
        .arg(file.path())
        .output()
        .expect("stillgate runs");
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains(&*file.path().to_string_lossy()), "{said}");
    assert!(said.contains("--out"), "{said}");
}

/// The glue's maker reads the modules of its own version only, and would say so at the first build and not before.
#[test]
fn what_makes_the_glue_has_the_version_of_what_is_in_the_module() {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
    let manifest = fs::read_to_string(manifest).expect("Cargo.toml");
    let version = |name: &str| {
        let line = manifest
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(" = "));
        let version = line.expect(name).trim_matches('"');
        version
            .strip_prefix('=')
            .expect("one version and no other")
            .to_owned()
    };
    assert_eq!(version("wasm-bindgen"), version("wasm-bindgen-cli-support"));
}
