//! A filter that measures its readers when it is configured, and logs a line for each figure.
//!
//! It speaks proxy-wasm's ABI 0.2.1 itself, and holds the sources that it measures, not the package: that would bring all
//! callbacks of the real filter along.

#![allow(dead_code, reason = "of the sources only the readers are used")]

mod bodies;
mod rounds;

/// Stillgate's sources, as far as the readers go.
#[path = "../../../../src"]
pub mod stillgate {
    pub mod dialect;
    pub mod exchange;
    pub mod scan;
    pub mod usage;
}

// The sources name each other from the root.
pub use stillgate::{dialect, exchange, scan, usage};

unsafe extern "C" {
    fn proxy_log(level: u32, text: *const u8, size: usize) -> u32;
}

#[unsafe(no_mangle)]
pub extern "C" fn proxy_abi_version_0_2_1() {}

/// Envoy calls this whenever it hands over bytes, and writes them there. Nothing here reads them.
#[unsafe(no_mangle)]
pub extern "C" fn proxy_on_memory_allocate(size: usize) -> *mut u8 {
    Vec::leak(vec![0; size]).as_mut_ptr()
}

#[unsafe(no_mangle)]
pub extern "C" fn proxy_on_context_create(_context: u32, _parent: u32) {}

#[unsafe(no_mangle)]
pub extern "C" fn proxy_on_configure(_context: u32, _size: u32) -> u32 {
    // Once for the engine, which compiles well what is used much, in its own time.
    rounds::measure(|_| ());
    rounds::measure(|figure| {
        let kind = figure.kind.map_or(-1, |kind| kind as i64);
        log(&format!(
            "figure {kind} {} {} {}",
            figure.size, figure.reader, figure.nanoseconds
        ));
    });
    log("figures end");
    1
}

fn log(text: &str) {
    const CRITICAL: u32 = 5;
    // SAFETY: the host reads as many bytes as there are.
    unsafe { proxy_log(CRITICAL, text.as_ptr(), text.len()) };
}
