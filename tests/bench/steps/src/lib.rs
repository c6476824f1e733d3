//! A filter that decides nothing and does what a filter must do to decide: one step more with each feature.
//!
//! It speaks proxy-wasm's ABI 0.2.1 itself. The Rust SDK exports every callback there is, and Envoy calls what is
//! exported: most of what an empty filter costs is callbacks that return at once.

#![allow(dead_code, reason = "the lower steps use less of it")]

use std::ptr::null_mut;

unsafe extern "C" {
    fn proxy_get_header_map_pairs(map: u32, data: *mut *mut u8, size: *mut usize) -> u32;
    fn proxy_add_header_map_value(
        map: u32,
        name: *const u8,
        name_size: usize,
        value: *const u8,
        value_size: usize,
    ) -> u32;
    fn proxy_get_shared_data(
        key: *const u8,
        key_size: usize,
        data: *mut *mut u8,
        size: *mut usize,
        cas: *mut u32,
    ) -> u32;
    fn proxy_set_shared_data(
        key: *const u8,
        key_size: usize,
        data: *const u8,
        size: usize,
        cas: u32,
    ) -> u32;
    fn proxy_set_property(
        path: *const u8,
        path_size: usize,
        value: *const u8,
        value_size: usize,
    ) -> u32;
}

#[unsafe(no_mangle)]
pub extern "C" fn proxy_abi_version_0_2_1() {}

/// Envoy calls this whenever a hostcall returns bytes, and writes them there.
#[unsafe(no_mangle)]
pub extern "C" fn proxy_on_memory_allocate(size: usize) -> *mut u8 {
    let mut memory = std::mem::ManuallyDrop::new(Vec::<u8>::with_capacity(size));
    memory.as_mut_ptr()
}

#[cfg(feature = "callbacks")]
#[unsafe(no_mangle)]
pub extern "C" fn proxy_on_request_headers(
    _stream: u32,
    _headers: u32,
    _end_of_stream: u32,
) -> u32 {
    if cfg!(feature = "headers") {
        read_headers();
    }
    if cfg!(feature = "page") {
        swap_page();
    }
    if cfg!(feature = "property") {
        let text = [b'x'; 100];
        unsafe { proxy_set_property(PROPERTY.as_ptr(), PROPERTY.len(), text.as_ptr(), text.len()) };
    }
    CONTINUE
}

#[cfg(feature = "callbacks")]
#[unsafe(no_mangle)]
pub extern "C" fn proxy_on_response_headers(
    _stream: u32,
    _headers: u32,
    _end_of_stream: u32,
) -> u32 {
    if cfg!(feature = "reply") {
        for (name, value) in REPLY {
            unsafe {
                proxy_add_header_map_value(
                    RESPONSE,
                    name.as_ptr(),
                    name.len(),
                    value.as_ptr(),
                    value.len(),
                )
            };
        }
    }
    CONTINUE
}

fn read_headers() {
    let (mut data, mut size) = (null_mut(), 0);
    unsafe { proxy_get_header_map_pairs(REQUEST, &mut data, &mut size) };
    free(data, size);
}

/// Reads the page and writes it back unchanged, if nobody has written it since.
fn swap_page() {
    let (mut data, mut size, mut cas) = (null_mut(), 0, 0);
    unsafe { proxy_get_shared_data(KEY.as_ptr(), KEY.len(), &mut data, &mut size, &mut cas) };
    if data.is_null() {
        let page = [0; PAGE];
        unsafe { proxy_set_shared_data(KEY.as_ptr(), KEY.len(), page.as_ptr(), page.len(), 0) };
    } else {
        unsafe { proxy_set_shared_data(KEY.as_ptr(), KEY.len(), data, size, cas) };
    }
    free(data, size);
}

fn free(data: *mut u8, size: usize) {
    if !data.is_null() {
        // SAFETY: the host got this memory from `proxy_on_memory_allocate`, with this capacity, and has filled it.
        drop(unsafe { Vec::from_raw_parts(data, size, size) });
    }
}

const CONTINUE: u32 = 0;
const REQUEST: u32 = 0;
const RESPONSE: u32 = 2;
const PAGE: usize = 4096;
const KEY: &str = "page";
const PROPERTY: &str = "steps";
const REPLY: [(&str, &str); 5] = [
    ("ratelimit", "\"requests-per-minute\";r=59;t=60"),
    ("ratelimit-policy", "\"requests-per-minute\";q=60;w=60"),
    ("x-ratelimit-limit-requests", "60"),
    ("x-ratelimit-remaining-requests", "59"),
    ("x-ratelimit-reset-requests", "1s"),
];
