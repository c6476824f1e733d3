//! Quotas and fingerprint checks that run before a request reaches a model server.

pub mod dialect;
pub mod engine;
pub mod exchange;
pub mod host;
pub mod identity;
pub mod metrics;
pub mod policy;
pub mod quota;
pub mod record;
pub mod reply;
pub mod store;
pub mod verdict;
pub mod window;
