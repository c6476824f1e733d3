//! The shape of a request: a keyed hash of the names of its headers in the client's order.
//!
//! Software sends the same headers in the same order with every request, whatever key it carries; a thousand keys with
//! one shape, from one network, are likely one program. Their case is not seen: Envoy and HTTP/2 have none but the lower.
//! Go's HTTP/2 sends a request's own headers in an order of chance, so that one client of Go's has several shapes.
//!
//! Left out is whatever is not the client's, or not always:
//!
//! | left out | why |
//! | - | - |
//! | `:method` and its like, `host`, `connection`, `keep-alive`, `proxy-…`, `te`, `trailer`, `transfer-encoding`, `upgrade`, `content-length`, `expect` | they follow from the version of HTTP, and each hop sets its own |
//! | `x-forwarded-…`, `forwarded`, `via`, `x-real-ip`, `x-client-ip`, `x-cluster-client-ip`, `x-original-…`, `true-client-ip`, `early-data`, `priority` | proxies set them |
//! | `x-envoy-…`, `x-stillgate-…`, `x-request-id`, `x-correlation-id`, `x-amzn-…`, `x-amz-cf-id`, `cloudfront-…`, `cf-…`, `cdn-…`, `fastly-…`, `akamai-…`, `x-akamai-…`, `x-azure-…`, `x-fd-…`, `x-arr-…`, `x-appengine-…`, `x-vercel-…`, `fly-…` | gateways and networks of caches set them |
//! | `traceparent`, `tracestate`, `baggage`, `b3`, `x-b3-…`, `x-cloud-trace-context`, `x-datadog-…`, `sentry-trace`, `uber-trace-id`, `grpc-trace-bin` | tracing samples some requests |
//! | `cookie`, `if-…`, `range`, `cache-control`, `pragma`, `idempotency-key`, `x-stainless-retry-count`, `x-stainless-read-timeout`, `x-stainless-timeout`, `x-stainless-helper-method`, `x-stainless-stream-helper` | they come and go between requests of one client |

use core::hash::Hasher;

use crate::exchange::Exchange;
use crate::scan::Names;

/// How many names are told apart; of more it is only hashed that there are more.
pub const NAMES: usize = 64;

/// Hashes the shape of a request. `hasher` is keyed, and fresh.
///
/// A name that follows itself counts once, so that a header in several lines is one header.
#[must_use]
pub fn of(exchange: &Exchange<'_>, mut hasher: impl Hasher) -> u64 {
    let mut names = Vec::with_capacity(512);
    let mut last: &[u8] = b"";
    let mut count = 0_usize;
    for &(name, _) in exchange.headers {
        if name == last || is_left_out(name) {
            continue;
        }
        // The length before the name: no name runs into the next.
        let length = u32::try_from(name.len()).unwrap_or(u32::MAX);
        if count == NAMES {
            names.extend_from_slice(&u32::MAX.to_le_bytes());
            break;
        }
        count = count.saturating_add(1);
        names.extend_from_slice(&length.to_le_bytes());
        names.extend_from_slice(name);
        last = name;
    }
    hasher.write(&names);
    hasher.finish()
}

/// Whether a header tells nothing of its client.
fn is_left_out(name: &[u8]) -> bool {
    if WHOLE.find(name).is_some() {
        return true;
    }
    match name.first() {
        Some(b':') => true,
        Some(b'x') => begins_with_one_of(name, &AFTER_X),
        Some(b'a' | b'c' | b'f' | b'i' | b'p') => begins_with_one_of(name, &OTHERS),
        _ => false,
    }
}

#[inline(never)]
fn begins_with_one_of(name: &[u8], starts: &[&[u8]]) -> bool {
    // Most names are told apart from all of these by one letter.
    let letter = name.get(2);
    starts
        .iter()
        .any(|start| start.get(2) == letter && name.starts_with(start))
}

const WHOLE: Names<(), 38> = Names::new([
    ("te", ()),
    ("b3", ()),
    ("via", ()),
    ("host", ()),
    ("range", ()),
    ("expect", ()),
    ("cookie", ()),
    ("pragma", ()),
    ("trailer", ()),
    ("upgrade", ()),
    ("baggage", ()),
    ("priority", ()),
    ("forwarded", ()),
    ("x-real-ip", ()),
    ("connection", ()),
    ("keep-alive", ()),
    ("early-data", ()),
    ("tracestate", ()),
    ("x-client-ip", ()),
    ("x-amz-cf-id", ()),
    ("traceparent", ()),
    ("x-request-id", ()),
    ("sentry-trace", ()),
    ("cache-control", ()),
    ("uber-trace-id", ()),
    ("content-length", ()),
    ("true-client-ip", ()),
    ("grpc-trace-bin", ()),
    ("idempotency-key", ()),
    ("x-correlation-id", ()),
    ("transfer-encoding", ()),
    ("x-cluster-client-ip", ()),
    ("x-stainless-timeout", ()),
    ("x-cloud-trace-context", ()),
    ("x-stainless-retry-count", ()),
    ("x-stainless-read-timeout", ()),
    ("x-stainless-helper-method", ()),
    ("x-stainless-stream-helper", ()),
]);

const AFTER_X: [&[u8]; 13] = [
    b"x-forwarded",
    b"x-original-",
    b"x-envoy-",
    b"x-stillgate-",
    b"x-amzn-",
    b"x-akamai-",
    b"x-azure-",
    b"x-fd-",
    b"x-arr-",
    b"x-appengine-",
    b"x-vercel-",
    b"x-b3-",
    b"x-datadog-",
];

const OTHERS: [&[u8]; 8] = [
    b"cf-",
    b"cdn-",
    b"cloudfront-",
    b"fastly-",
    b"fly-",
    b"akamai-",
    b"if-",
    b"proxy-",
];

#[cfg(test)]
mod tests;
