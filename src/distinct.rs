//! stub
use crate::exchange::Millis;
use crate::store::{Change, Page};
/// w
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Watch {
    /// t
    pub tag: u64,
    /// e
    pub element: u32,
    /// w
    pub window: Millis,
}
/// s
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sight {
    /// c
    pub count: u32,
    /// e
    pub exact: bool,
    /// m
    pub member: bool,
}
/// l
pub fn look(page: &mut Page, watch: &Watch, now: Millis) -> (Sight, Change) {
    (peek(page, watch, now), Change::Keep)
}
/// p
#[must_use]
pub fn peek(_page: &Page, _watch: &Watch, _now: Millis) -> Sight {
    Sight {
        count: 0,
        exact: true,
        member: false,
    }
}
/// a
pub fn add(
    _page: &mut Page,
    _watch: &Watch,
    _reserved: usize,
    _now: Millis,
) -> (Option<u32>, Change) {
    (None, Change::Keep)
}
/// The error
pub const ERROR: &str = "10%";
