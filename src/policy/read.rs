//! From JSON to the file's types: every field read, every fault noted, nothing dropped silently.

mod metering;

use super::file::{
    Count, Duration, Fact, File, Headers, Identity, Limit, Limits, Match, Missing, Mode, OnError,
    OneOrMany, Quota, Record, Size, Source,
};
use super::node::{Fields, Node, nearest};

/// The most quotas that a policy has: what bounds the work per request, and the room that a page keeps for newcomers.
pub const MAX_QUOTAS: usize = 24;

/// Traits that every request has without `account`.
pub const TRAITS: [&str; 11] = [
    "key", "network", "path", "method", "model", "shape", "agent", "ja4", "ja3", "country", "asn",
];

/// A quota that could be read, and where it stands.
pub(super) type Placed = (String, Quota);

/// Reads the file. What has a fault is left out and noted; quotas come with their paths.
#[must_use]
pub(super) fn file(root: &Node<'_>) -> Option<(File, Vec<Placed>)> {
    let fields = root.fields(&[
        "version",
        "mode",
        "identity",
        "account",
        "quotas",
        "tokens",
        "prices",
        "dialects",
        "limits",
        "headers",
        "record",
        "on_error",
        "on_unreadable",
    ])?;
    let version = fields
        .required("version")
        .and_then(|node| node.whole(1..=1));
    let account = fields
        .get("account")
        .and_then(|node| self::account(&node))
        .unwrap_or_default();
    let facts: Vec<&str> = account.iter().map(|(name, _)| name.as_str()).collect();
    let quotas = fields
        .get("quotas")
        .map(|node| self::quotas(&node, &facts))
        .unwrap_or_default();
    let file = File {
        version: version.unwrap_or(1),
        mode: mode(&fields),
        identity: fields
            .get("identity")
            .and_then(|node| identity(&node))
            .unwrap_or_default(),
        quotas: Vec::new(),
        tokens: fields
            .get("tokens")
            .and_then(|node| metering::tokens(&node))
            .unwrap_or_default(),
        prices: fields
            .get("prices")
            .map(|node| metering::prices(&node))
            .unwrap_or_default(),
        dialects: fields
            .get("dialects")
            .map(|node| metering::dialects(&node))
            .unwrap_or_default(),
        limits: fields
            .get("limits")
            .and_then(|node| limits(&node))
            .unwrap_or_default(),
        headers: fields
            .get("headers")
            .and_then(|node| node.word(&HEADERS))
            .unwrap_or_default(),
        record: fields
            .get("record")
            .and_then(|node| node.word(&RECORD))
            .unwrap_or_default(),
        on_error: fields
            .get("on_error")
            .and_then(|node| node.word(&ON_ERROR))
            .unwrap_or_default(),
        on_unreadable: metering::on_unreadable(&fields),
        account,
    };
    let priced = fields.get("prices").is_some();
    for (path, quota) in &quotas {
        if quota.count == Count::Cost && !priced {
            root.fault_at(
                &format!("{path}/count"),
                "\"cost\" needs `prices`",
                "add \"prices\": [{\"model\": \"*\", \"input\": 2.5, \"output\": 10}], per million tokens",
            );
        }
    }
    Some((file, quotas))
}

const RECORD: [(&str, Record); 2] = [
    ("interventions", Record::Interventions),
    ("all", Record::All),
];
const HEADERS: [(&str, Headers); 2] =
    [("always", Headers::Always), ("refusals", Headers::Refusals)];
const ON_ERROR: [(&str, OnError); 2] = [("allow", OnError::Allow), ("deny", OnError::Deny)];

fn mode(fields: &Fields<'_>) -> Mode {
    let words = [("enforce", Mode::Enforce), ("shadow", Mode::Shadow)];
    fields
        .get("mode")
        .and_then(|node| node.word(&words))
        .unwrap_or_default()
}

fn identity(node: &Node<'_>) -> Option<Identity> {
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

fn account(node: &Node<'_>) -> Option<Vec<(String, Fact)>> {
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
fn put<T>(values: &mut Vec<(String, T)>, name: &str, value: T, node: &Node<'_>) {
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
            let one = matches!(property.value(), super::json::Json::Text(_));
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

fn quotas(node: &Node<'_>, facts: &[&str]) -> Vec<Placed> {
    let items = node.items().unwrap_or_default();
    if items.len() > MAX_QUOTAS {
        node.fault(&format!("expected at most {MAX_QUOTAS} quotas"));
    }
    items
        .iter()
        .filter_map(|item| Some((item.path(), quota(item, facts)?)))
        .collect()
}

fn quota(node: &Node<'_>, facts: &[&str]) -> Option<Quota> {
    let fields = node.fields(&[
        "name", "per", "count", "limit", "window", "lease", "match", "mode",
    ])?;
    let counts = [
        ("requests", Count::Requests),
        ("concurrent", Count::Concurrent),
        ("tokens", Count::Tokens),
        ("input_tokens", Count::InputTokens),
        ("output_tokens", Count::OutputTokens),
        ("cost", Count::Cost),
    ];
    // Each is read before any is asked for, so that all faults of a rule are told at once.
    let name = fields.required("name").and_then(|node| rule_name(&node));
    let per = fields.required("per").and_then(|node| per(&node, facts));
    let count = fields.required("count").and_then(|node| node.word(&counts));
    let limit = fields
        .required("limit")
        .and_then(|node| self::limit(&node, facts, count));
    let matches = fields
        .get("match")
        .map_or(Some(Match::default()), |node| self::matches(&node));
    let mode = mode(&fields);
    let (window, lease) = lengths(&fields, count);
    Some(Quota {
        name: name?,
        per: per?,
        count: count?,
        limit: limit?,
        window,
        lease,
        matches: matches?,
        mode,
    })
}

/// A window for what is counted over time, a lease for what is in flight, and neither with the other.
fn lengths(fields: &Fields<'_>, count: Option<Count>) -> (Option<Duration>, Option<Duration>) {
    let (window, lease) = (fields.get("window"), fields.get("lease"));
    match count {
        Some(count) if count != Count::Concurrent => {
            if let Some(lease) = lease {
                lease.fault("expected no `lease`: only `\"count\": \"concurrent\"` has one");
            }
            let window = fields
                .required("window")
                .and_then(|node| node.duration("1s"..="366d"));
            (Some(Duration(window.unwrap_or(60_000))), None)
        }
        Some(_) => {
            if let Some(window) = window {
                window.fault("expected no `window`: requests in flight have a `lease`");
            }
            let lease = lease.map_or(Some(60_000), |node| node.duration("5s"..="1h"));
            (None, Some(Duration(lease.unwrap_or(60_000))))
        }
        None => (None, None),
    }
}

fn rule_name(node: &Node<'_>) -> Option<String> {
    let text = node.text()?;
    let letters =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-".contains(&byte);
    if text.len() <= 64 && text.bytes().all(letters) {
        return Some(text.to_owned());
    }
    node.fault("expected a name of 1 to 64 of: a-z 0-9 . _ -");
    None
}

fn per(node: &Node<'_>, facts: &[&str]) -> Option<Vec<String>> {
    let known: Vec<&str> = TRAITS.iter().chain(facts).copied().collect();
    let mut traits: Vec<String> = Vec::new();
    let mut sound = true;
    for item in node.items()? {
        let Some(name) = item.text() else {
            sound = false;
            continue;
        };
        if !known.contains(&name) {
            let list = format!("known: {} (more under `account`)", known.join(", "));
            item.fault(&nearest(name, &known).map_or(list.clone(), |near| {
                format!("did you mean \"{near}\"? {list}")
            }));
            sound = false;
        } else if traits.iter().any(|other| other == name) {
            item.fault("is written twice; write it once");
            sound = false;
        } else {
            traits.push(name.to_owned());
        }
    }
    sound.then_some(traits)
}

/// The most tokens, and the most units of cost, that a limit may allow.
const MOST_TOKENS: u64 = 1_000_000_000_000_000;
const MOST_COST: u64 = 1_000_000_000;

fn limit(node: &Node<'_>, facts: &[&str], count: Option<Count>) -> Option<Limit> {
    let number = |node: &Node<'_>| match count {
        Some(Count::Requests | Count::Concurrent) | None => node.whole(1..=u64::from(u32::MAX)),
        Some(Count::Tokens | Count::InputTokens | Count::OutputTokens) => {
            node.whole(1..=MOST_TOKENS)
        }
        Some(Count::Cost) => {
            let limit = node.decimal(MOST_COST)?;
            if limit == 0 {
                node.fault("expected more than 0");
            }
            Some(limit)
        }
    };
    if !matches!(node.value(), super::json::Json::Object(_)) {
        return number(node).map(Limit::Number);
    }
    let fields = node.fields(&["by", "values", "else"])?;
    let by = fields.required("by").and_then(|node| {
        let name = node.text()?;
        if facts.contains(&name) {
            return Some(name.to_owned());
        }
        node.fault(&match nearest(name, facts) {
            Some(near) => format!("did you mean \"{near}\"? It must be named under `account`"),
            None => String::from("expected a name from `account`"),
        });
        None
    });
    let otherwise = fields.required("else").and_then(|node| number(&node));
    let mut values = Vec::new();
    for (name, node) in fields.required("values")?.entries()?.iter() {
        if let Some(limit) = number(&node) {
            put(&mut values, name, limit, &node);
        }
    }
    Some(Limit::By {
        by: by?,
        values,
        otherwise: otherwise?,
    })
}

fn matches(node: &Node<'_>) -> Option<Match> {
    let fields = node.fields(&["path", "model", "method"])?;
    Some(Match {
        path: rooted_patterns(&fields),
        model: patterns(&fields, "model", |_| true, ""),
        method: patterns(
            &fields,
            "method",
            |text| {
                text.bytes()
                    .all(|byte| byte.is_ascii_uppercase() || byte == b'-')
            },
            "can never match: methods are in capitals, such as POST",
        ),
    })
}

fn patterns(
    fields: &Fields<'_>,
    name: &str,
    fits: fn(&str) -> bool,
    expected: &str,
) -> Option<OneOrMany> {
    let texts = fields.get(name)?.texts()?;
    for (item, text) in &texts {
        if !fits(text) {
            item.fault(expected);
        }
    }
    Some(OneOrMany::Many(
        texts.into_iter().map(|(_, text)| text.to_owned()).collect(),
    ))
}

/// Patterns of a path.
fn rooted_patterns(fields: &Fields<'_>) -> Option<OneOrMany> {
    let rooted =
        |text: &str| (text.starts_with('/') || text.starts_with('*')) && !text.contains('?');
    let expected = "can never match: every path begins with `/` and ends before `?`; expected such a pattern, or one that begins with `*`";
    patterns(fields, "path", rooted, expected)
}

fn limits(node: &Node<'_>) -> Option<Limits> {
    let fields = node.fields(&["memory", "body"])?;
    let mut limits = Limits::default();
    if let Some(memory) = fields
        .get("memory")
        .and_then(|node| node.size("64KiB"..="4GiB"))
    {
        limits.memory = Size(memory);
    }
    if let Some(body) = fields
        .get("body")
        .and_then(|node| node.size("1KiB"..="256MiB"))
    {
        limits.body = Size(body);
    }
    Some(limits)
}
