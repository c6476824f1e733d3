//! Quotas and fingerprint checks that run before a request reaches a model server.

pub mod dialect;
pub mod exchange;
pub mod host;
pub mod identity;
pub mod policy;
pub mod quota;
pub mod store;
pub mod verdict;
