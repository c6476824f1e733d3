//! From what came of an exchange to what an expectation says of it: only what is different from what the other side sent.

use std::collections::BTreeMap;

use super::case::{Arrival, Expect, told};
use super::wire::{self, Exchange, Headers, Outcome};

/// Answers' headers that are Stillgate's to send: what an expectation does not name of them is not there.
const OWN: &[&str] = &[
    "ratelimit",
    "x-ratelimit-",
    "anthropic-ratelimit-",
    "retry-after",
    "www-authenticate",
    "x-stillgate-",
];

/// Requests' headers that every hop sets itself.
const HOPS: &[&str] = &["host", "content-length", "transfer-encoding", "connection"];

/// What is expected of an exchange of which this came.
pub(crate) fn observe(exchange: &Exchange, outcome: &Outcome) -> Expect {
    let answered = outcome.arrival.is_some();
    let mut expect = Expect {
        status: None,
        headers: BTreeMap::new(),
        body: None,
        origin: None,
        record: outcome.record.clone(),
    };
    if let Some(reply) = &outcome.reply {
        expect.status = Some(reply.status);
        let sent = if answered {
            of(&exchange.response.headers)
        } else {
            Headers::new()
        };
        expect.headers = differences(&sent, &reply.headers, |name| {
            is_own(name) || (name == "content-type" && !answered)
        });
        let packed = |headers: &Headers| {
            let coding = headers.get("content-encoding");
            coding.is_some_and(|coding| coding == "gzip")
        };
        let (mut whole, mut came) = (exchange.response.body.bytes(), reply.body.clone());
        // A host may unpack an answer on its way, and pack it again.
        if packed(&sent) && packed(&reply.headers) {
            (whole, came) = (wire::unpacked(&whole), wire::unpacked(&came));
        }
        if !answered || came != whole {
            expect.body = Some(told(&came));
        }
    }
    if let Some(arrival) = &outcome.arrival {
        let mut sent = of(&exchange.request.headers);
        sent.retain(|name, _| !HOPS.contains(&name.as_str()));
        let mut differences = Arrival {
            headers: differences(&sent, &arrival.headers, |name| {
                name.replace('_', "-").starts_with("x-stillgate-")
            }),
            body: None,
        };
        if arrival.target != exchange.request.target {
            let target = Some(arrival.target.clone());
            differences.headers.insert(String::from(":path"), target);
        }
        let sent = exchange.request.body.as_deref().unwrap_or_default();
        // What a client that leaves has sent may not have come to its end.
        if arrival.body != sent {
            differences.body = Some(told(&arrival.body));
        }
        expect.origin = Some(differences);
    }
    expect
}

/// Headers that came and are not what was sent, and of those that were not sent the ones that matter.
fn differences(
    sent: &Headers,
    came: &Headers,
    matters: impl Fn(&str) -> bool,
) -> BTreeMap<String, Option<String>> {
    let mut found = BTreeMap::new();
    for (name, value) in sent {
        let other = came.get(name);
        if other != Some(value) {
            found.insert(name.clone(), other.cloned());
        }
    }
    for (name, value) in came {
        if !sent.contains_key(name) && matters(name) {
            found.insert(name.clone(), Some(value.clone()));
        }
    }
    found
}

fn is_own(name: &str) -> bool {
    OWN.iter().any(|own| name.starts_with(own))
}

fn of(pairs: &[(String, String)]) -> Headers {
    wire::headers(
        pairs
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str())),
    )
}
