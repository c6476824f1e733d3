//! Checks, lists, exceptions and the places of traits.

mod faults;

use core::net::IpAddr;

use super::faults;
use crate::policy::check::{Against, Test};
use crate::policy::list::List;
use crate::policy::*;
use crate::verdict::Verdict;

/// A policy around one check.
fn with(check: &str) -> String {
    around(check, "")
}

/// A policy around one check, with more fields.
fn around(check: &str, more: &str) -> String {
    format!(
        r#"{{"version": 1, "account": {{"org": {{"header": "x-org"}}}}{more}, "checks": [{check}]}}"#
    )
}

fn policy(text: &str) -> Policy {
    Policy::parse(text.as_bytes()).unwrap_or_else(|faults| panic!("{text}: {faults}"))
}

const LISTED: &str =
    r#"{"name": "a", "trait": "ja3", "in": ["e7d705a3286e19ea42f587b344ee6865"], "then": "deny"}"#;
const DISTINCT: &str = r#"{"name": "a", "per": ["key"], "distinct": "network", "limit": 20, "window": "1d", "then": "tag"}"#;
const LANE: &str = r#"{"name": "a", "trait": "country", "in": "nl", "then": "throttle",
    "quota": {"name": "lane", "per": ["network"], "count": "requests", "limit": 10, "window": "1m"}}"#;

#[test]
fn values_are_compared_as_requests_have_them() {
    let found = |of: &str, list: &str, value: &[u8]| {
        let check = format!(r#"{{"name": "a", "trait": "{of}", "in": {list}, "then": "deny"}}"#);
        let policy = policy(&with(&check));
        let Test::Listed(member) = &policy.checks[0].test else {
            panic!("{check}");
        };
        match member.list(&policy.lists).unwrap() {
            List::Texts(texts) => texts.has(value),
            List::Blocks(blocks) => {
                blocks.has(core::str::from_utf8(value).unwrap().parse().unwrap())
            }
        }
    };
    for (of, list, value, expected) in [
        (
            "ja4",
            r#"["T13D1516H2_8DAAF6152771_02713D6AF862"]"#,
            "t13d1516h2_8daaf6152771_02713d6af862",
            true,
        ),
        (
            "ja4",
            r#"["t13d*_8daaf6152771_*"]"#,
            "t13d1516h2_8daaf6152771_02713d6af862",
            true,
        ),
        (
            "ja4",
            r#""t13d*""#,
            "t12d1516h2_8daaf6152771_02713d6af862",
            false,
        ),
        (
            "ja3",
            r#""E7D705A3286E19EA42F587B344EE6865""#,
            "e7d705a3286e19ea42f587b344ee6865",
            true,
        ),
        ("country", r#"["nl", "be"]"#, "BE", true),
        ("country", r#"["nl", "be"]"#, "DE", false),
        ("asn", r#"["AS64512", "64513"]"#, "64512", true),
        ("asn", r#"["AS64512", "64513"]"#, "64513", true),
        ("key", r#""D34FA73BD47084E8""#, "d34fa73bd47084e8", true),
        ("shape", r#""d34fa73bd47084e8""#, "d34fa73bd47084e8", true),
        (
            "agent",
            r#""OpenAI-Python/1.*""#,
            "openai-python/1.40.0",
            true,
        ),
        ("model", r#"["GPT-*"]"#, "gpt-4", false),
        ("model", r#"["gpt-*"]"#, "gpt-4", true),
        ("org", r#"["Acme*"]"#, "Acme Ltd", true),
        ("org", r#"["Acme*"]"#, "acme ltd", false),
        ("path", r#"["/v1/*", "*/models"]"#, "/v2/models", true),
        ("method", r#"["POST"]"#, "POST", true),
        ("network", r#"["203.0.113.0/24"]"#, "203.0.113.77", true),
        (
            "network",
            r#"["203.0.113.0/24"]"#,
            "::ffff:203.0.113.77",
            true,
        ),
        (
            "network",
            r#"["::ffff:203.0.113.0/120"]"#,
            "203.0.113.77",
            true,
        ),
        (
            "network",
            r#"["203.0.113.0/25", "203.0.113.128/25", "203.0.113.0/24"]"#,
            "203.0.113.200",
            true,
        ),
        ("network", r#"["2001:DB8::/32"]"#, "2001:db8:ffff::1", true),
        ("network", r#"["2001:db8::/32"]"#, "2001:db9::1", false),
        ("network", r#""0.0.0.0/0""#, "2001:db9::1", false),
        ("network", r#""::/0""#, "192.0.2.1", false),
    ] {
        assert_eq!(
            found(of, list, value.as_bytes()),
            expected,
            "{of} {list} {value}"
        );
    }
}

#[test]
fn a_check_is_compiled_to_places() {
    let policy = policy(
        r#"{"version": 1, "verify_url": "https://example.org/verify?a=b",
        "traits": {"ja4": {"header": "X-JA4"}, "asn": {"property": "a.b"}, "network": {"ipv4": 20}},
        "account": {"org": {"header": "x-org"}},
        "lists": {"partners": ["203.0.113.0/24"], "names": ["a", "b*"]},
        "quotas": [{"name": "q", "per": ["ja4", "agent"], "count": "requests", "limit": 5, "window": "1m",
            "except": [{"trait": "network", "in": {"list": "partners"}}, {"trait": "org", "in": {"list": "names"}}]}],
        "checks": [
            {"name": "c0", "trait": "network", "in": {"list": "partners"}, "then": "verify"},
            {"name": "c1", "contradiction": ["ja4", "agent"], "then": "tag", "mode": "shadow"},
            {"name": "c2", "contradiction": ["agent", "shape"], "then": "tag"},
            {"name": "c3", "per": ["agent", "ja4"], "distinct": "key", "limit": 50, "window": "1d", "absent": "match",
             "then": "throttle", "mode": "shadow",
             "quota": {"name": "lane", "per": ["ja4"], "count": "requests", "limit": 1, "window": "1m"}},
            {"name": "c4", "trait": "model", "in": {"list": "names"}, "then": "deny", "match": {"method": "POST"}},
            {"name": "c5", "trait": "agent", "in": {"list": "names"}, "then": "deny"}
        ]}"#,
    );
    assert_eq!(policy.prefixes, Prefixes { ipv4: 20, ipv6: 48 });
    assert_eq!(policy.verify_url, "https://example.org/verify?a=b");
    let places: Vec<(&str, &Place)> = policy
        .facts
        .iter()
        .map(|fact| (fact.name.as_str(), &fact.place))
        .collect();
    assert_eq!(
        places,
        [
            (
                "asn",
                &Place::Property(vec![String::from("a"), String::from("b")])
            ),
            ("country", &Place::Host),
            ("ja3", &Place::Host),
            ("ja4", &Place::Header(b"x-ja4".to_vec())),
            ("org", &Place::Header(b"x-org".to_vec())),
        ]
    );
    let [c0, c1, c2, c3, c4, c5] = policy.checks.as_slice() else {
        panic!("{policy:?}");
    };
    let [q, lane] = policy.quotas.as_slice() else {
        panic!("{policy:?}");
    };
    // One list for what is spelt alike, and one for each other way.
    let Test::Listed(by_network) = &c0.test else {
        panic!("{c0:?}");
    };
    assert_eq!(q.scope.except[0], *by_network);
    let Test::Listed(by_model) = &c4.test else {
        panic!("{c4:?}");
    };
    assert_eq!(q.scope.except[1].list, by_model.list);
    let Test::Listed(by_agent) = &c5.test else {
        panic!("{c5:?}");
    };
    assert_ne!(by_agent.list, by_model.list);
    assert_eq!(policy.lists.len(), 3);
    assert_eq!(c1.test, Test::Contradiction(Against::Ja4(Trait::Fact(3))));
    assert_eq!(c2.test, Test::Contradiction(Against::Shape));
    let Test::Distinct(distinct) = &c3.test else {
        panic!("{c3:?}");
    };
    assert_eq!(
        (
            distinct.subject,
            distinct.of,
            distinct.limit,
            distinct.window
        ),
        (q.subject, Trait::Key, 50, 86_400_000)
    );
    assert_eq!(
        policy
            .checks
            .iter()
            .map(|check| check.then)
            .collect::<Vec<_>>(),
        [
            Verdict::Verify,
            Verdict::Tag,
            Verdict::Tag,
            Verdict::Throttle,
            Verdict::Deny,
            Verdict::Deny
        ]
    );
    let of_each = |what: fn(&check::Check) -> bool| -> Vec<usize> {
        let checks = policy.checks.iter().enumerate();
        checks
            .filter(|(_, check)| what(check))
            .map(|(place, _)| place)
            .collect()
    };
    assert_eq!(of_each(|check| check.absent_matches), [3]);
    assert_eq!(of_each(|check| check.reads_model), [4]);
    assert_eq!(of_each(|check| check.shadow), [1, 3]);
    assert_eq!((q.after, q.shadow, q.reads_model), (None, false, false));
    assert_eq!(
        (lane.after, lane.shadow, lane.name.as_str()),
        (Some(After::Check(3)), true, "lane")
    );
    assert_eq!(policy.name_of(Rule::Check(4)), "c4");
    assert_eq!(policy.newcomers.len(), 2);
    assert!(policy.reads_bodies());
}

#[test]
fn what_needs_the_model_is_known() {
    for (check, of_check, of_quota) in [
        (LANE.to_owned(), false, false),
        (
            LANE.replace("\"country\", \"in\": \"nl\"", "\"model\", \"in\": \"x\""),
            true,
            true,
        ),
        (LANE.replace("[\"network\"]", "[\"model\"]"), false, true),
        (
            LANE.replace("\"then\"", "\"match\": {\"model\": \"x\"}, \"then\""),
            true,
            true,
        ),
        (
            LANE.replace(
                "\"then\"",
                "\"except\": [{\"trait\": \"model\", \"in\": \"x\"}], \"then\"",
            ),
            true,
            true,
        ),
        (
            LANE.replace(
                "\"count\"",
                "\"except\": [{\"trait\": \"model\", \"in\": \"x\"}], \"count\"",
            ),
            false,
            true,
        ),
        (
            LANE.replace(
                "\"trait\": \"country\", \"in\": \"nl\"",
                "\"per\": [\"key\"], \"distinct\": \"model\", \"limit\": 1, \"window\": \"1m\"",
            ),
            true,
            true,
        ),
    ] {
        let policy = policy(&with(&check));
        assert_eq!(
            (policy.checks[0].reads_model, policy.quotas[0].reads_model),
            (of_check, of_quota),
            "{check}"
        );
    }
}

#[test]
fn a_policy_in_shadow_has_all_its_rules_in_shadow() {
    let policy = policy(&around(LANE, r#", "mode": "shadow""#));
    assert!(policy.shadow && policy.checks[0].shadow && policy.quotas[0].shadow);
}

/// What was seen is found again after a change of policy, as long as it means the same.
#[test]
fn a_check_keeps_what_it_has_seen_as_long_as_its_meaning_is_the_same() {
    let id = |check: &str| match policy(&around(check, r#", "verify_url": "http://x""#)).checks[0]
        .test
    {
        Test::Distinct(distinct) => distinct.id,
        _ => panic!("{check}"),
    };
    let first = id(DISTINCT);
    for (from, to, same) in [
        ("20", "70", true),
        ("\"1d\"", "\"24h\"", true),
        ("\"tag\"", "\"verify\"", true),
        ("\"tag\"", "\"tag\", \"mode\": \"shadow\"", true),
        ("\"tag\"", "\"tag\", \"absent\": \"match\"", true),
        (
            "\"tag\"",
            "\"tag\", \"except\": [{\"trait\": \"org\", \"in\": \"x\"}]",
            true,
        ),
        ("\"1d\"", "\"2d\"", false),
        ("\"a\"", "\"b\"", false),
        ("[\"key\"]", "[\"key\", \"org\"]", false),
        ("\"network\"", "\"asn\"", false),
        ("\"tag\"", "\"tag\", \"match\": {\"path\": \"/x\"}", false),
    ] {
        assert_eq!(
            id(&DISTINCT.replace(from, to)) == first,
            same,
            "{from} to {to}"
        );
    }
    let lane = |check: &str| policy(&with(check)).quotas[0].id;
    let excepted = LANE.replace(
        "\"count\"",
        "\"except\": [{\"trait\": \"org\", \"in\": \"x\"}], \"count\"",
    );
    assert_eq!(lane(LANE), lane(&excepted));
}

/// The ids of quotas are in the pages of running hosts: a release that changed them would forget all counters.
#[test]
fn the_id_of_a_quota_is_what_it_was_in_the_last_release() {
    let quota = r#"{"version": 1, "quotas": [{"name": "a", "per": ["network", "key"], "count": "tokens", "limit": 60,
        "window": "1m", "match": {"path": "/v1/*", "model": ["a", "b\"c"]}}]}"#;
    assert_eq!(policy(quota).quotas[0].id, 10_935_262_482_144_498_128);
}

/// Whatever stands in a field, the reader ends with a policy or with faults.
#[test]
fn no_value_in_any_field_is_too_much_for_the_reader() {
    let whole: serde_json::Value = serde_json::from_str(&around(
        &format!("{LANE}, {}", DISTINCT.replace("\"a\"", "\"b\"")),
        r#", "traits": {"ja4": {"header": "x"}, "network": {"ipv4": 24}}, "verify_url": "http://x",
           "lists": {"l": ["x"]}, "quotas": [{"name": "q", "per": ["ja4"], "count": "requests", "limit": 1, "window": "1m",
           "except": [{"trait": "org", "in": {"list": "l"}}]}]"#,
    ))
    .unwrap();
    assert_eq!(faults(&whole.to_string()), Vec::<String>::new());
    let odd = [
        "null",
        "true",
        "-1",
        "1e300",
        "\"\"",
        "\"*\"",
        "\"\\u0000\"",
        "\"/\"",
        "\"::/0\"",
        "[]",
        "[[]]",
        "[null]",
        "[\"\"]",
        "[\"a\", 1]",
        "{}",
        "{\"\": {}}",
        "{\"list\": null}",
        "{\"list\": \"l\"}",
        "{\"file\": 1}",
        "[{}]",
        "[\"key\", \"key\"]",
    ];
    for pointer in pointers(&whole, "") {
        for odd in odd {
            let mut policy = whole.clone();
            *policy.pointer_mut(&pointer).unwrap() = serde_json::from_str(odd).unwrap();
            let _ = Policy::parse(policy.to_string().as_bytes());
        }
    }
}

/// The places of all values.
fn pointers(value: &serde_json::Value, at: &str) -> Vec<String> {
    let below: Vec<String> = match value {
        serde_json::Value::Object(fields) => fields
            .iter()
            .flat_map(|(name, value)| pointers(value, &format!("{at}/{name}")))
            .collect(),
        serde_json::Value::Array(items) => items
            .iter()
            .enumerate()
            .flat_map(|(place, value)| pointers(value, &format!("{at}/{place}")))
            .collect(),
        _ => Vec::new(),
    };
    below.into_iter().chain([at.to_owned()]).collect()
}

#[test]
fn a_list_of_ten_thousand_is_compiled_and_looked_through() {
    let entries: Vec<String> = (0..10_000_u32)
        .map(|number| format!("\"{}/28\"", core::net::Ipv4Addr::from_bits(number << 6)))
        .collect();
    let check = format!(
        r#"{{"name": "a", "trait": "network", "in": [{}], "then": "deny"}}"#,
        entries.join(", ")
    );
    let policy = policy(&with(&check));
    let [List::Blocks(blocks)] = policy.lists.as_slice() else {
        panic!("no blocks");
    };
    let has = |address: u32| blocks.has(IpAddr::V4(core::net::Ipv4Addr::from_bits(address)));
    assert!((0..10_000).all(|number| has((number << 6) | 15) && !has((number << 6) | 16)));
}
