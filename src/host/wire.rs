//! Formats in which hosts hand things over. Plain functions of bytes, tested and fuzzed on any machine.

pub mod moment;
pub mod pairs;
pub mod structure;
