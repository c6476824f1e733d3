//! The wasm module from outside: small, asking its host for no more than a filter needs, offering what Envoy calls.

use std::collections::BTreeSet;
use std::fs;

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
