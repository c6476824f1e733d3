//! Quotas and fingerprint checks that run before a request reaches a model server.

pub mod host;
pub mod policy;
