//! The shape of a request's headers.
use crate::exchange::Exchange;
use core::hash::Hasher;

/// Hash of the names.
#[must_use]
pub fn of(exchange: &Exchange<'_>, mut hasher: impl Hasher) -> u64 {
    for (name, _) in exchange.headers {
        hasher.write(name);
    }
    hasher.finish()
}
