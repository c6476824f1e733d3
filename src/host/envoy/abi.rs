//! Raw host calls of proxy-wasm 0.2.1 and WASI.
//!
//! The SDK's own wrappers panic on header values that are not UTF-8 and on any status that they do not list (a host
//! that withholds shared data answers 10), and a panic kills the VM for every client. These return what they are told.
#![expect(
    unsafe_code,
    reason = "the one file that hands pointers to the host; each call says why that is sound"
)]

use core::ptr;

/// A status of the ABI; 0 is success.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Status(u32);

impl Status {
    const OK: Self = Self(0);
    /// There is no such header, key or property.
    const NOT_FOUND: Self = Self(1);
    /// The value was changed by another thread.
    pub(super) const CAS_MISMATCH: Self = Self(8);

    fn ok(self) -> Result<(), Self> {
        if self == Self::OK { Ok(()) } else { Err(self) }
    }
}

/// Which headers.
#[derive(Debug, Clone, Copy)]
#[repr(u32)]
pub(super) enum Map {
    /// Those of the request.
    Request = 0,
    /// Those of the response.
    Response = 2,
}

/// Which bytes.
#[derive(Debug, Clone, Copy)]
#[repr(u32)]
pub(super) enum Buffer {
    /// The request's body: what has come and not gone on.
    RequestBody = 0,
    /// The response's body: what has come and not gone on.
    ResponseBody = 1,
    /// The filter's configuration.
    PluginConfiguration = 7,
}

/// How loud a line in the host's log is.
#[derive(Debug, Clone, Copy)]
#[repr(u32)]
pub(super) enum Level {
    /// What an operator may want to know.
    Info = 2,
    /// What an operator should look at.
    Warn = 3,
    /// What does not work.
    Error = 4,
}

/// Which clock of WASI's.
#[derive(Debug, Clone, Copy)]
#[repr(u32)]
pub(super) enum Clock {
    /// Nanoseconds since 1970.
    Wall = 0,
    /// Nanoseconds since some moment, never set; the same for all threads of a process.
    Steady = 1,
}

#[link(wasm_import_module = "env")]
unsafe extern "C" {
    fn proxy_log(level: u32, text: *const u8, size: usize) -> u32;
    fn proxy_get_buffer_bytes(
        buffer: u32,
        start: usize,
        length: usize,
        data: *mut *mut u8,
        size: *mut usize,
    ) -> u32;
    fn proxy_set_buffer_bytes(
        buffer: u32,
        start: usize,
        length: usize,
        data: *const u8,
        size: usize,
    ) -> u32;
    fn proxy_get_header_map_pairs(map: u32, data: *mut *mut u8, size: *mut usize) -> u32;
    fn proxy_get_header_map_value(
        map: u32,
        name: *const u8,
        name_size: usize,
        data: *mut *mut u8,
        size: *mut usize,
    ) -> u32;
    fn proxy_add_header_map_value(
        map: u32,
        name: *const u8,
        name_size: usize,
        value: *const u8,
        value_size: usize,
    ) -> u32;
    fn proxy_replace_header_map_value(
        map: u32,
        name: *const u8,
        name_size: usize,
        value: *const u8,
        value_size: usize,
    ) -> u32;
    fn proxy_remove_header_map_value(map: u32, name: *const u8, name_size: usize) -> u32;
    fn proxy_get_property(
        path: *const u8,
        path_size: usize,
        data: *mut *mut u8,
        size: *mut usize,
    ) -> u32;
    fn proxy_set_property(
        path: *const u8,
        path_size: usize,
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
        value: *const u8,
        value_size: usize,
        cas: u32,
    ) -> u32;
    fn proxy_send_local_response(
        status: u32,
        details: *const u8,
        details_size: usize,
        body: *const u8,
        body_size: usize,
        headers: *const u8,
        headers_size: usize,
        grpc_status: i32,
    ) -> u32;
    fn proxy_define_metric(kind: u32, name: *const u8, name_size: usize, id: *mut u32) -> u32;
    fn proxy_increment_metric(id: u32, offset: i64) -> u32;
    fn proxy_set_tick_period_milliseconds(period: u32) -> u32;
}

#[link(wasm_import_module = "wasi_snapshot_preview1")]
unsafe extern "C" {
    fn clock_time_get(clock: u32, precision: u64, time: *mut u64) -> u16;
}

/// Bytes that the host has written into memory that it got from this module's allocator.
struct Handed {
    data: *mut u8,
    size: usize,
}

impl Handed {
    const NOTHING: Self = Self {
        data: ptr::null_mut(),
        size: 0,
    };

    fn take(self) -> Vec<u8> {
        if self.data.is_null() {
            return Vec::new();
        }
        // SAFETY: the host asked `proxy_on_memory_allocate` for exactly `size` bytes, which answers with a boxed slice
        // of that length, wrote all of them, and hands them over.
        unsafe { Vec::from_raw_parts(self.data, self.size, self.size) }
    }
}

/// Writes a line to the host's log.
pub(super) fn log(level: Level, text: &str) {
    // SAFETY: the host reads `text` before it returns.
    let _ = unsafe { proxy_log(level as u32, text.as_ptr(), text.len()) };
}

/// Reads a part of a buffer, as much of it as there is.
pub(super) fn buffer(buffer: Buffer, start: usize, length: usize) -> Vec<u8> {
    let mut handed = Handed::NOTHING;
    // SAFETY: the host writes to both pointers before it returns, if it succeeds.
    let _ = unsafe {
        proxy_get_buffer_bytes(
            buffer as u32,
            start,
            length,
            &raw mut handed.data,
            &raw mut handed.size,
        )
    };
    handed.take()
}

/// Puts other bytes in the place of a whole buffer, which holds `length` of them.
pub(super) fn set_buffer(buffer: Buffer, length: usize, data: &[u8]) -> Result<(), Status> {
    // SAFETY: the host copies `data` before it returns.
    let status =
        unsafe { proxy_set_buffer_bytes(buffer as u32, 0, length, data.as_ptr(), data.len()) };
    Status(status).ok()
}

/// All headers as one block of bytes, which [`super::pairs`] reads. Empty outside the phase that the map belongs to.
pub(super) fn headers(map: Map) -> Vec<u8> {
    let mut handed = Handed::NOTHING;
    // SAFETY: the host writes to both pointers before it returns, if it succeeds.
    let _ = unsafe {
        proxy_get_header_map_pairs(map as u32, &raw mut handed.data, &raw mut handed.size)
    };
    handed.take()
}

/// Whether there is a header of this name. Far cheaper than reading it when there is none.
pub(super) fn has_header(map: Map, name: &str) -> bool {
    let mut handed = Handed::NOTHING;
    // SAFETY: the host reads `name`, and writes to both pointers if it succeeds, before it returns.
    let status = unsafe {
        proxy_get_header_map_value(
            map as u32,
            name.as_ptr(),
            name.len(),
            &raw mut handed.data,
            &raw mut handed.size,
        )
    };
    let found = Status(status) == Status::OK && !handed.data.is_null();
    drop(handed.take());
    found
}

/// Replaces all headers of a name by one.
pub(super) fn replace_header(map: Map, name: &str, value: &str) {
    // SAFETY: the host copies both before it returns.
    let _ = unsafe {
        proxy_replace_header_map_value(
            map as u32,
            name.as_ptr(),
            name.len(),
            value.as_ptr(),
            value.len(),
        )
    };
}

/// Adds a header.
pub(super) fn add_header(map: Map, name: &str, value: &str) {
    // SAFETY: the host copies both before it returns.
    let _ = unsafe {
        proxy_add_header_map_value(
            map as u32,
            name.as_ptr(),
            name.len(),
            value.as_ptr(),
            value.len(),
        )
    };
}

/// Removes all headers of a name.
pub(super) fn remove_header(map: Map, name: &[u8]) {
    // SAFETY: the host reads `name` before it returns.
    let _ = unsafe { proxy_remove_header_map_value(map as u32, name.as_ptr(), name.len()) };
}

/// Reads a property by its path, whose parts have a NUL between each two; `None` if there is none or it is empty.
pub(super) fn property(path: &str) -> Option<Vec<u8>> {
    let mut handed = Handed::NOTHING;
    // SAFETY: the host reads `path`, and writes to both pointers if it succeeds, before it returns.
    let status = unsafe {
        proxy_get_property(
            path.as_ptr(),
            path.len(),
            &raw mut handed.data,
            &raw mut handed.size,
        )
    };
    Some(handed.take()).filter(|value| Status(status) == Status::OK && !value.is_empty())
}

/// Sets a property of the stream: in Envoy, the filter state `wasm.{name}`.
pub(super) fn set_property(name: &str, value: &[u8]) {
    // SAFETY: the host copies both before it returns.
    let _ = unsafe { proxy_set_property(name.as_ptr(), name.len(), value.as_ptr(), value.len()) };
}

/// Reads shared data and the number to hand back when replacing it; `None` if there is none.
pub(super) fn shared(key: &[u8]) -> Result<Option<(Vec<u8>, u32)>, Status> {
    let (mut handed, mut cas) = (Handed::NOTHING, 0);
    // SAFETY: the host reads `key`, and writes to all pointers if it succeeds, before it returns.
    let status = unsafe {
        proxy_get_shared_data(
            key.as_ptr(),
            key.len(),
            &raw mut handed.data,
            &raw mut handed.size,
            &raw mut cas,
        )
    };
    let value = handed.take();
    match Status(status) {
        Status::OK => Ok(Some((value, cas))),
        Status::NOT_FOUND => Ok(None),
        other => Err(other),
    }
}

/// Replaces shared data if it is still what was read under `cas`, or is still absent if that is `None`.
///
/// The host takes 0 for "whatever is there", which would lose another thread's first write. Any other number creates
/// an absent key and fails for one that has appeared in the meantime, so `None` is sent as one that was never given.
pub(super) fn swap_shared(key: &[u8], value: &[u8], cas: Option<u32>) -> Result<(), Status> {
    let cas = cas.filter(|&cas| cas != 0).unwrap_or(u32::MAX);
    // SAFETY: the host copies both before it returns.
    let status =
        unsafe { proxy_set_shared_data(key.as_ptr(), key.len(), value.as_ptr(), value.len(), cas) };
    Status(status).ok()
}

/// Answers the request in the origin's place. `headers` is a block as [`super::pairs`] writes it.
pub(super) fn reply(status: u32, details: &str, headers: &[u8], body: &str) -> Result<(), Status> {
    // SAFETY: the host copies all of them before it returns.
    let status = unsafe {
        proxy_send_local_response(
            status,
            details.as_ptr(),
            details.len(),
            body.as_ptr(),
            body.len(),
            headers.as_ptr(),
            headers.len(),
            -1,
        )
    };
    Status(status).ok()
}

/// Defines a counter by its name and answers its number; the same for all threads.
pub(super) fn counter(name: &str) -> Option<u32> {
    let mut id = 0;
    // SAFETY: the host reads `name`, and writes to `id` if it succeeds, before it returns.
    let status = unsafe { proxy_define_metric(0, name.as_ptr(), name.len(), &raw mut id) };
    Status(status).ok().ok().map(|()| id)
}

/// Adds to a counter.
pub(super) fn count(id: u32, by: u64) {
    // SAFETY: no memory is involved.
    let _ = unsafe { proxy_increment_metric(id, i64::try_from(by).unwrap_or(i64::MAX)) };
}

/// Asks for a tick every so many milliseconds.
pub(super) fn tick_every(millis: u32) {
    // SAFETY: no memory is involved.
    let _ = unsafe { proxy_set_tick_period_milliseconds(millis) };
}

/// Reads a clock, in nanoseconds; 0 if the host has none.
pub(super) fn clock(clock: Clock) -> u64 {
    let mut time = 0;
    // SAFETY: the host writes to `time` before it returns, if it succeeds.
    let _ = unsafe { clock_time_get(clock as u32, 1_000_000, &raw mut time) };
    time
}
