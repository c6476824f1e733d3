//! Reads where it is found whose a request is, and what is known of it beside its bytes.

use super::TRAITS;
use crate::policy::Prefixes;
use crate::policy::file::{Fact, Identity, Missing, OneOrMany, Source, Traits};
use crate::policy::json::Json;
use crate::policy::node::Node;

pub(super) fn identity(node: &Node<'_>) -> Option<Identity> {
    let fields = node.fields(&["from", "missing"])?;
    let mut identity = Identity::default();
    if let Some(from) = fields.get("from") {
        let items = from.items()?;
        if items.is_empty() || items.len() > 16 {
            from.fault(
                "expected 1 to 16 places; leave `from` out for the headers that the model APIs use",
            );
        }
        identity.from = items.iter().filter_map(source).collect();
    }
    let words = [("deny", Missing::Deny), ("by_network", Missing::ByNetwork)];
    identity.missing = fields
        .get("missing")
        .and_then(|node| node.word(&words))
        .unwrap_or_default();
    Some(identity)
}

fn source(node: &Node<'_>) -> Option<Source> {
    let fields = node.fields(&["header", "scheme", "query"])?;
    match (fields.get("header"), fields.get("query")) {
        (Some(header), None) => {
            let scheme = match fields.get("scheme") {
                Some(scheme) => Some(token(&scheme)?),
                None => None,
            };
            Some(Source::Header {
                header: header_name(&header)?,
                scheme,
            })
        }
        (None, Some(query)) if fields.get("scheme").is_none() => Some(Source::Query {
            query: query.text()?.to_owned(),
        }),
        _ => {
            node.fault(
                "expected {\"header\": …}, {\"header\": …, \"scheme\": …} or {\"query\": …}",
            );
            None
        }
    }
}

/// A token of RFC 9110 §5.6.2.
fn token(node: &Node<'_>) -> Option<String> {
    let text = node.text()?;
    let letters = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if text.bytes().all(letters) {
        return Some(text.to_owned());
    }
    node.fault("expected a token: letters, digits and !#$%&'*+-.^_`|~");
    None
}

fn header_name(node: &Node<'_>) -> Option<String> {
    token(node).map(|name| name.to_ascii_lowercase())
}

pub(super) fn account(node: &Node<'_>) -> Option<Vec<(String, Fact)>> {
    let mut facts = Vec::new();
    for (name, node) in node.entries()?.iter() {
        if TRAITS.contains(&name) {
            node.fault(&format!(
                "expected another name: `{name}` is a trait that every request has"
            ));
        } else if let Some(fact) = fact(&node) {
            put(&mut facts, name, fact, &node);
        }
    }
    Some(facts)
}

/// Puts a value under its name, in the order of the names, each of which may come once.
pub(super) fn put<T>(values: &mut Vec<(String, T)>, name: &str, value: T, node: &Node<'_>) {
    match values.binary_search_by(|(other, _)| other.as_str().cmp(name)) {
        Ok(_) => node.fault(&format!("`{name}` is written twice; write it once")),
        Err(place) => values.insert(place, (name.to_owned(), value)),
    }
}

fn fact(node: &Node<'_>) -> Option<Fact> {
    let fields = node.fields(&["header", "property"])?;
    match (fields.get("header"), fields.get("property")) {
        (Some(header), None) => Some(Fact::Header {
            header: header_name(&header)?,
        }),
        (None, Some(property)) => {
            let texts: Vec<String> = property
                .texts()?
                .into_iter()
                .map(|(_, text)| text.to_owned())
                .collect();
            let one = matches!(property.value(), Json::Text(_));
            let parts = match (one, texts) {
                (true, texts) => OneOrMany::One(texts.concat()),
                (false, texts) => OneOrMany::Many(texts),
            };
            Some(Fact::Property { property: parts })
        }
        _ => {
            node.fault("expected {\"header\": …} or {\"property\": …}");
            None
        }
    }
}

/// Where traits are found, and what a network is.
pub(super) fn traits(node: &Node<'_>) -> Option<Traits> {
    let fields = node.fields(&["ja4", "ja3", "country", "asn", "network"])?;
    let place = |name: &str| fields.get(name).and_then(|node| fact(&node));
    Some(Traits {
        ja4: place("ja4"),
        ja3: place("ja3"),
        country: place("country"),
        asn: place("asn"),
        network: fields
            .get("network")
            .and_then(|node| prefixes(&node))
            .unwrap_or_default(),
    })
}

fn prefixes(node: &Node<'_>) -> Option<Prefixes> {
    let fields = node.fields(&["ipv4", "ipv6"])?;
    let mut prefixes = Prefixes::default();
    for (name, range, bits) in [
        ("ipv4", 8..=32, &mut prefixes.ipv4),
        ("ipv6", 16..=128, &mut prefixes.ipv6),
    ] {
        let found = fields.get(name).and_then(|node| node.whole(range));
        if let Some(found) = found.and_then(|found| u8::try_from(found).ok()) {
            *bits = found;
        }
    }
    Some(prefixes)
}
