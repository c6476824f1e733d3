use super::*;

mod campaigns;
mod checks;

fn faults(policy: &str) -> Vec<String> {
    match Policy::parse(policy.as_bytes()) {
        Ok(_) => Vec::new(),
        Err(faults) => faults.iter().map(ToString::to_string).collect(),
    }
}

/// A policy around one quota.
fn with(quota: &str) -> String {
    format!(
        r#"{{"version": 1, "account": {{"tier": {{"header": "x-tier"}}}}, "quotas": [{quota}]}}"#
    )
}

const QUOTA: &str =
    r#"{"name": "a", "per": ["key"], "count": "requests", "limit": 60, "window": "1m"}"#;

#[test]
fn a_minimal_policy_has_safe_defaults() {
    let policy = Policy::parse(br#"{"version": 1}"#).unwrap();
    assert!(
        !policy.shadow && !policy.by_network && !policy.allow_on_error && !policy.reads_bodies()
    );
    assert_eq!((policy.memory, policy.body), (32 << 20, 1 << 20));
    assert_eq!(policy.sources.len(), 5);
}

#[test]
fn every_fault_has_a_sentence_of_its_own() {
    for (policy, expected) in [
        (
            "",
            "/: found nothing; expected a policy, such as {\"version\": 1}",
        ),
        (
            "{",
            "/: not JSON: EOF while parsing an object at line 1 column 1; expected a policy, such as {\"version\": 1}",
        ),
        ("[]", "/: found a list of 0; expected an object {…}"),
        ("{}", "/: `version` is missing; add \"version\""),
        (
            r#"{"version": 2}"#,
            "/version: found 2; expected a whole number from 1 to 1",
        ),
        (
            r#"{"version": 1, "version": 1}"#,
            "/version: `version` is written twice; write it once",
        ),
        (
            r#"{"version": 1, "regions": []}"#,
            "/regions: unknown field `regions`; known here: version, mode, identity, account, traits, lists, verify_url, checks, quotas, campaigns, tokens, prices, dialects, limits, headers, record, on_error, on_unreadable",
        ),
        (
            r#"{"version": 1, "qoutas": []}"#,
            "/qoutas: unknown field `qoutas`; did you mean `quotas`? Known here: version, mode, identity, account, traits, lists, verify_url, checks, quotas, campaigns, tokens, prices, dialects, limits, headers, record, on_error, on_unreadable",
        ),
        (
            r#"{"version": 1, "mode": "shadwo"}"#,
            "/mode: found \"shadwo\"; did you mean \"shadow\"? expected one of: enforce, shadow",
        ),
        (
            r#"{"version": 1, "on_error": true}"#,
            "/on_error: found true; expected one of: allow, deny",
        ),
        (
            r#"{"version": 1, "identity": {"from": []}}"#,
            "/identity/from: found a list of 0; expected 1 to 16 places; leave `from` out for the headers that the model APIs use",
        ),
        (
            r#"{"version": 1, "identity": {"from": [{"query": "k", "scheme": "Bearer"}]}}"#,
            "/identity/from/0: found an object; expected {\"header\": …}, {\"header\": …, \"scheme\": …} or {\"query\": …}",
        ),
        (
            r#"{"version": 1, "identity": {"from": [{"header": "x key"}]}}"#,
            "/identity/from/0/header: found \"x key\"; expected a token: letters, digits and !#$%&'*+-.^_`|~",
        ),
        (
            r#"{"version": 1, "account": {"key": {"header": "x"}}}"#,
            "/account/key: found an object; expected another name: `key` is a trait that every request has",
        ),
        (
            r#"{"version": 1, "account": {"who": {"header": "X-Api-Key"}}}"#,
            "/account/who/header: a credential stands there, and facts are written into records; name a header that tells of the account, or use `key`",
        ),
        (
            r#"{"version": 1, "account": {"who": {"header": "X-Own"}}, "identity": {"from": [{"header": "x-own"}]}}"#,
            "/account/who/header: a credential stands there, and facts are written into records; name a header that tells of the account, or use `key`",
        ),
        (
            r#"{"version": 1, "account": {"org": {}}}"#,
            "/account/org: found an object; expected {\"header\": …} or {\"property\": …}",
        ),
        (
            r#"{"version": 1, "limits": {"memory": "32MB"}}"#,
            "/limits/memory: found \"32MB\"; expected a size from \"64KiB\" to \"4GiB\", such as \"512KiB\" \"1MiB\"",
        ),
        (
            r#"{"version": 1, "limits": {"body": "0B"}}"#,
            "/limits/body: found \"0B\"; expected a size from \"1KiB\" to \"256MiB\", such as \"512KiB\" \"1MiB\"",
        ),
        (
            r#"{"version": 1, "on_unreadable": "allow"}"#,
            "/on_unreadable: found \"allow\"; expected one of: charge_by_bytes, deny",
        ),
        (
            r#"{"version": 1, "tokens": {"output": 0}}"#,
            "/tokens/output: found 0; expected a whole number from 1 to 1000000",
        ),
        (
            r#"{"version": 1, "tokens": {"ask_for_usage": "yes"}}"#,
            "/tokens/ask_for_usage: found \"yes\"; expected true or false",
        ),
        (
            r#"{"version": 1, "prices": []}"#,
            "/prices: found a list of 0; expected a last price for all other models, with \"model\": \"*\"",
        ),
        (
            r#"{"version": 1, "prices": [{"model": "*", "input": 1, "output": 2}, {"model": "a", "input": 1, "output": 2}]}"#,
            "/prices/1: found an object; can never hold: the price before it is for all models",
        ),
        (
            r#"{"version": 1, "prices": [{"model": "*", "input": 1}]}"#,
            "/prices/0: `output` is missing; add \"output\"",
        ),
        (
            r#"{"version": 1, "prices": [{"model": "*", "input": -1, "output": 2}]}"#,
            "/prices/0/input: found -1; expected a number from 0 to 1000000 with at most six decimals",
        ),
        (
            r#"{"version": 1, "dialects": [{"path": "/llm", "dialect": "open-ai"}]}"#,
            "/dialects/0/dialect: found \"open-ai\"; did you mean \"openai\"? expected one of: openai, anthropic, gemini, other",
        ),
        (
            r#"{"version": 1, "dialects": [{"path": "llm", "dialect": "openai"}]}"#,
            "/dialects/0/path: found \"llm\"; can never match: every path begins with `/` and ends before `?`; expected such a pattern, or one that begins with `*`",
        ),
    ] {
        assert_eq!(faults(policy), [expected], "{policy}");
    }
}

#[test]
fn every_fault_of_a_quota_has_a_sentence_of_its_own() {
    let quota = |from: &str, to: &str| QUOTA.replace(from, to);
    for (quota, expected) in [
        (
            quota("60", "0"),
            "/quotas/0/limit: found 0; expected a whole number from 1 to 4294967295",
        ),
        (
            quota("60", "-1"),
            "/quotas/0/limit: found -1; expected a whole number from 1 to 4294967295",
        ),
        (
            quota("60", "4294967296"),
            "/quotas/0/limit: found 4294967296; expected a whole number from 1 to 4294967295",
        ),
        (
            quota("60", "1e99"),
            "/quotas/0/limit: found 1e+99; expected a whole number from 1 to 4294967295",
        ),
        (
            quota("60", "null"),
            "/quotas/0/limit: found null; expected a whole number from 1 to 4294967295",
        ),
        (
            quota("1m", "0s"),
            "/quotas/0/window: found \"0s\"; expected a duration from \"1s\" to \"366d\", such as \"90s\" \"1m\" \"5h\" \"7d\"",
        ),
        (
            quota("1m", "400d"),
            "/quotas/0/window: found \"400d\"; expected a duration from \"1s\" to \"366d\", such as \"90s\" \"1m\" \"5h\" \"7d\"",
        ),
        (
            quota(r#", "window": "1m""#, ""),
            "/quotas/0: `window` is missing; add \"window\"",
        ),
        (
            quota("\"requests\"", "\"concurrent\""),
            "/quotas/0/window: found \"1m\"; expected no `window`: requests in flight have a `lease`",
        ),
        (
            quota(
                "\"window\": \"1m\"",
                "\"window\": \"1m\", \"lease\": \"1m\"",
            ),
            "/quotas/0/lease: found \"1m\"; expected no `lease`: only `\"count\": \"concurrent\"` has one",
        ),
        (
            quota("\"requests\"", "\"cost\""),
            "/quotas/0/count: \"cost\" needs `prices`; add \"prices\": [{\"model\": \"*\", \"input\": 2.5, \"output\": 10}], per million tokens",
        ),
        (
            quota("60", "0.5").replace("\"requests\"", "\"tokens\""),
            "/quotas/0/limit: found 0.5; expected a whole number from 1 to 1000000000000000",
        ),
        (
            quota("\"key\"", "\"kee\""),
            "/quotas/0/per/0: found \"kee\"; did you mean \"key\"? known: key, network, path, method, model, shape, agent, ja4, ja3, country, asn, tier (more under `account`)",
        ),
        (
            quota("[\"key\"]", "[\"key\", \"key\"]"),
            "/quotas/0/per/1: found \"key\"; is written twice; write it once",
        ),
        (
            quota("\"a\"", "\"A b\""),
            "/quotas/0/name: found \"A b\"; expected a name of 1 to 64 of: a-z 0-9 . _ -",
        ),
        (
            quota("60", r#"{"by": "teir", "values": {}, "else": 1}"#),
            "/quotas/0/limit/by: found \"teir\"; did you mean \"tier\"? It must be named under `account`",
        ),
        (
            quota("60", r#"{"by": "tier", "values": {"a/b": 0}, "else": 1}"#),
            "/quotas/0/limit/values/a~1b: found 0; expected a whole number from 1 to 4294967295",
        ),
        (
            quota("60", r#"{"by": "tier", "values": {"a": 1}}"#),
            "/quotas/0/limit: `else` is missing; add \"else\"",
        ),
        (
            quota("\"1m\"", r#""1m", "match": {"path": []}"#),
            "/quotas/0/match/path: found a list of 0; nothing is in an empty list, so the rule could never fire; leave the field out to match everything",
        ),
        (
            quota("\"1m\"", r#""1m", "match": {"path": "v1"}"#),
            "/quotas/0/match/path: found \"v1\"; can never match: every path begins with `/` and ends before `?`; expected such a pattern, or one that begins with `*`",
        ),
        (
            quota("\"1m\"", r#""1m", "match": {"method": ["post"]}"#),
            "/quotas/0/match/method/0: found \"post\"; can never match: methods are in capitals, such as POST",
        ),
        (
            quota("\"1m\"", r#""1m", "match": {"modle": "x"}"#),
            "/quotas/0/match/modle: unknown field `modle`; did you mean `model`? Known here: path, model, method",
        ),
    ] {
        assert_eq!(faults(&with(&quota)), [expected], "{quota}");
    }
}

#[test]
fn rules_are_held_against_each_other() {
    let twice = format!("{QUOTA}, {QUOTA}");
    let found = faults(&with(&twice));
    assert_eq!(
        found[0],
        "/quotas/1/name: another rule is named \"a\" already; every rule has a name of its own"
    );
    let other = |limit: &str, window: &str, more: &str| {
        format!(
            r#"{{"name": "b", "per": ["key"], "count": "requests", "limit": {limit}, "window": "{window}"{more}}}"#
        )
    };
    for (other, fires) in [
        (
            other("60", "30s", ""),
            Err(
                "/quotas/1: \"b\" can never fire: \"a\" refuses the same requests earlier; lower its limit, lengthen its window, or take it out",
            ),
        ),
        (
            other("30", "1h", ""),
            Err(
                "/quotas/1: \"b\" refuses the same requests earlier, so \"a\" can never fire; take \"a\" out, or lower its limit",
            ),
        ),
        (
            other("70", "1m", r#", "match": {"path": "/v1/*"}"#),
            Err(
                "/quotas/1: \"b\" can never fire: \"a\" refuses the same requests earlier; lower its limit, lengthen its window, or take it out",
            ),
        ),
        (other("30", "30s", ""), Ok(())),
        (other("600", "1h", ""), Ok(())),
        (other("30", "1h", r#", "match": {"path": "/v1/*"}"#), Ok(())),
        (other("30", "1h", r#", "mode": "shadow""#), Ok(())),
    ] {
        let found = faults(&with(&format!("{QUOTA}, {other}")));
        let expected: Vec<&str> = fires.err().into_iter().collect();
        assert_eq!(found, expected, "{other}");
    }
}

#[test]
fn all_faults_are_told_at_once() {
    let policy = r#"{"version": 3, "mod": "shadow", "quotas": [
        {"name": "X", "per": ["kee"], "count": "request", "limit": 0, "window": "1y", "mode": "off"},
        {"per": "key"}
    ], "limits": {"memory": 5}}"#;
    let paths: Vec<String> = Policy::parse(policy.as_bytes())
        .unwrap_err()
        .iter()
        .map(|fault| fault.path.clone())
        .collect();
    assert_eq!(
        paths,
        [
            "/mod",
            "/version",
            "/quotas/0/name",
            "/quotas/0/per/0",
            "/quotas/0/count",
            "/quotas/0/limit",
            "/quotas/0/mode",
            "/quotas/1",
            "/quotas/1/per",
            "/quotas/1",
            "/quotas/1",
            "/limits/memory"
        ]
    );
}

#[test]
fn a_rule_keeps_its_counters_as_long_as_its_meaning_is_the_same() {
    let id = |quota: &str| Policy::parse(with(quota).as_bytes()).unwrap().quotas[0].id;
    let first = id(QUOTA);
    for (from, to, same) in [
        ("60", "70", true),
        (
            "60",
            r#"{"by": "tier", "values": {"free": 5}, "else": 9}"#,
            true,
        ),
        ("\"1m\"", "\"60s\"", true),
        ("\"1m\"", "\"1m\", \"mode\": \"shadow\"", true),
        ("\"1m\"", "\"2m\"", false),
        ("\"a\"", "\"b\"", false),
        ("[\"key\"]", "[\"key\", \"model\"]", false),
        ("\"1m\"", "\"1m\", \"match\": {\"path\": \"/x\"}", false),
    ] {
        assert_eq!(
            id(&QUOTA.replace(from, to)) == first,
            same,
            "{from} to {to}"
        );
    }
    assert_eq!(
        id(&QUOTA.replace("[\"key\"]", "[\"key\", \"model\"]")),
        id(&QUOTA.replace("[\"key\"]", "[\"model\", \"key\"]"))
    );
}

/// A policy whose one quota counts cost.
fn cost(limit: &str) -> Result<Policy, Faults> {
    let policy = format!(
        r#"{{"version": 1, "prices": [{{"model": ["gpt-*", "o3"], "input": 2.5, "cached": 0.25, "output": 10}},
            {{"model": "*", "input": 0.1, "output": 20, "reasoning": 30}}],
            "quotas": [{{"name": "a", "per": [], "count": "cost", "limit": {limit}, "window": "30d"}}]}}"#
    );
    Policy::parse(policy.as_bytes())
}

#[test]
fn a_price_is_that_of_the_first_pattern_and_a_hidden_model_pays_the_dearest() {
    let policy = cost("1").unwrap();
    for (model, [input, cached, output, reasoning]) in [
        (
            Model::Named(b"gpt-x"),
            [2_500_000, 250_000, 10_000_000, 10_000_000],
        ),
        (
            Model::Named(b"o3"),
            [2_500_000, 250_000, 10_000_000, 10_000_000],
        ),
        (
            Model::Named(b"o3-mini"),
            [100_000, 100_000, 20_000_000, 30_000_000],
        ),
        (
            Model::Unreadable,
            [2_500_000, 250_000, 20_000_000, 30_000_000],
        ),
    ] {
        let expected = Rates {
            input,
            cached,
            output,
            reasoning,
        };
        assert_eq!(policy.rates_of(model), expected, "{model:?}");
    }
}

#[test]
fn limits_beyond_32_bits_are_counted_in_larger_units_that_never_admit_more() {
    for (limit, unit, units) in [
        ("0.000001", 1, 1),
        ("2.5", 1, 2_500_000),
        ("4294.967295", 1, u32::MAX),
        ("5000", 4, 1_250_000_000),
        ("1000000000", 524_288, 1_907_348_632),
    ] {
        let quota = cost(limit).unwrap().quotas.remove(0);
        let Limit::Fixed(found, _) = quota.limit else {
            panic!("{limit}");
        };
        assert_eq!((quota.unit, found), (unit, units), "{limit}");
    }
    let usage = Usage {
        input: 1,
        ..Usage::default()
    };
    let quota = cost("5000").unwrap().quotas.remove(0);
    let rates = Rates {
        input: 5_000_000,
        ..Rates::default()
    };
    assert_eq!(
        quota.units(&usage, &rates),
        Some(2),
        "5 millionths in units of 4"
    );
    for limit in ["0", "-1", "1e10", "0.0000001", "null"] {
        assert!(cost(limit).is_err(), "{limit}");
    }
}

#[test]
fn an_operator_may_say_what_a_path_speaks() {
    let policy = Policy::parse(
        br#"{"version": 1, "dialects": [{"path": ["/claude/*", "/a"], "dialect": "anthropic"}, {"path": "/claude*", "dialect": "other"}]}"#,
    )
    .unwrap();
    for (path, dialect) in [
        ("/claude/x", Dialect::Anthropic),
        ("/a", Dialect::Anthropic),
        ("/claude", Dialect::Other),
        ("/v1/chat/completions", Dialect::OpenAi),
    ] {
        let exchange = Exchange {
            method: b"POST",
            path: path.as_bytes(),
            query: b"",
            headers: &[],
            model: Model::Absent,
            foreseen: crate::exchange::Foreseen::default(),
            attributes: &Nobody,
        };
        assert_eq!(policy.dialect_of(&exchange), dialect, "{path}");
    }
}

struct Nobody;

impl crate::exchange::Attributes for Nobody {
    fn source(&self) -> Option<core::net::IpAddr> {
        None
    }

    fn property(&self, _: &[String]) -> Option<Vec<u8>> {
        None
    }
}
