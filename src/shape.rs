//! The shape of a request: a keyed hash of the names of its headers in the client's order.
//!
//! Software sends the same headers in the same order with every request, whatever key it carries; a thousand keys with
//! one shape, from one network, are likely one program. The names' case is folded, because Envoy and HTTP/2 fold it too.
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

/// How many names are told apart; of more it is only hashed that there are more.
pub const NAMES: usize = 64;

/// Hashes the shape of a request. `hasher` is keyed, and fresh.
///
/// A name that follows itself counts once, so that a header in several lines is one header.
#[must_use]
pub fn of(exchange: &Exchange<'_>, mut hasher: impl Hasher) -> u64 {
    let mut last: &[u8] = &[];
    let mut count = 0_usize;
    for &(name, _) in exchange.headers {
        if name.eq_ignore_ascii_case(last) || is_left_out(name) {
            continue;
        }
        last = name;
        if count == NAMES {
            hasher.write(&u32::MAX.to_le_bytes());
            break;
        }
        count = count.saturating_add(1);
        // The length before the name: no name runs into the next.
        let length = u32::try_from(name.len()).unwrap_or(u32::MAX);
        hasher.write(&length.to_le_bytes());
        write_folded(name, &mut hasher);
    }
    hasher.finish()
}

/// Writes a name in lower case.
fn write_folded(name: &[u8], hasher: &mut impl Hasher) {
    if !name.iter().any(u8::is_ascii_uppercase) {
        hasher.write(name);
        return;
    }
    for &byte in name {
        hasher.write(&[byte.to_ascii_lowercase()]);
    }
}

/// Whether a header tells nothing of its client. Also knows names that a host left in upper case.
fn is_left_out(name: &[u8]) -> bool {
    let mut folded = [0; LONGEST];
    let Some(place) = folded.get_mut(..name.len()) else {
        // Longer than any name that is left out whole; what begins like one is long enough without its end.
        let start = name.get(..LONGEST).unwrap_or_default();
        folded.copy_from_slice(start);
        folded.make_ascii_lowercase();
        return begins_as_left_out(&folded);
    };
    place.copy_from_slice(name);
    place.make_ascii_lowercase();
    is_left_out_whole(place) || begins_as_left_out(place)
}

/// Nothing that is left out whole is longer.
const LONGEST: usize = 32;

fn is_left_out_whole(name: &[u8]) -> bool {
    matches!(
        name,
        b"host"
            | b"connection"
            | b"keep-alive"
            | b"te"
            | b"trailer"
            | b"transfer-encoding"
            | b"upgrade"
            | b"content-length"
            | b"expect"
            | b"forwarded"
            | b"via"
            | b"x-real-ip"
            | b"x-client-ip"
            | b"x-cluster-client-ip"
            | b"true-client-ip"
            | b"early-data"
            | b"priority"
            | b"x-request-id"
            | b"x-correlation-id"
            | b"x-amz-cf-id"
            | b"traceparent"
            | b"tracestate"
            | b"baggage"
            | b"b3"
            | b"x-cloud-trace-context"
            | b"sentry-trace"
            | b"uber-trace-id"
            | b"grpc-trace-bin"
            | b"cookie"
            | b"range"
            | b"cache-control"
            | b"pragma"
            | b"idempotency-key"
            | b"x-stainless-retry-count"
            | b"x-stainless-read-timeout"
            | b"x-stainless-timeout"
            | b"x-stainless-helper-method"
            | b"x-stainless-stream-helper"
    )
}

fn begins_as_left_out(name: &[u8]) -> bool {
    let begins = |starts: &[&[u8]]| starts.iter().any(|start| name.starts_with(start));
    match name.first() {
        Some(b':') => true,
        Some(b'x') => begins(&[
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
        ]),
        Some(b'a' | b'c' | b'f' | b'i' | b'p') => begins(&[
            b"cf-",
            b"cdn-",
            b"cloudfront-",
            b"fastly-",
            b"fly-",
            b"akamai-",
            b"if-",
            b"proxy-",
        ]),
        _ => false,
    }
}

#[cfg(test)]
mod tests;
