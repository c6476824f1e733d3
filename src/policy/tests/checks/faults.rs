//! Every fault of a check and around it, with its sentence.

use super::{DISTINCT, LANE, LISTED, around, with};
use crate::policy::tests::faults;

#[test]
fn every_fault_of_a_check_has_a_sentence_of_its_own() {
    let listed = |from: &str, to: &str| LISTED.replace(from, to);
    let distinct = |from: &str, to: &str| DISTINCT.replace(from, to);
    let contradiction =
        |sides: &str| format!(r#"{{"name": "a", "contradiction": {sides}, "then": "tag"}}"#);
    let network = |entry: &str| {
        format!(r#"{{"name": "a", "trait": "network", "in": [{entry}], "then": "deny"}}"#)
    };
    const ADDRESS: &str = "expected an address or a block of them, such as \"192.0.2.7\", \"203.0.113.0/24\" or \"2001:db8::/32\"";
    const TESTS: &str = "expected `trait` and `in`, or `contradiction`, or `per`, `distinct`, `limit` and `window`: make a check of each";
    for (check, expected) in [
        (
            listed(r#""name": "a", "#, ""),
            "/checks/0: `name` is missing; add \"name\"".to_owned(),
        ),
        (
            listed(r#", "then": "deny""#, ""),
            "/checks/0: `then` is missing; add \"then\"".to_owned(),
        ),
        (
            listed("\"deny\"", "\"allow\""),
            "/checks/0/then: found \"allow\"; expected one of: tag, throttle, verify, deny".to_owned(),
        ),
        (
            listed("\"deny\"", "\"verify\""),
            "/checks/0/then: \"verify\" needs `verify_url`; add \"verify_url\": \"https://…\", where a client can have its account verified".to_owned(),
        ),
        (
            listed("\"then\"", "\"thne\": 1, \"then\""),
            "/checks/0/thne: unknown field `thne`; did you mean `then`? Known here: name, trait, in, contradiction, per, distinct, limit, window, then, quota, match, except, absent, mode".to_owned(),
        ),
        (
            r#"{"name": "a", "then": "tag"}"#.to_owned(),
            "/checks/0: no test; add `trait` and `in`, or `contradiction`, or `per`, `distinct`, `limit` and `window`".to_owned(),
        ),
        (
            listed("\"then\"", "\"contradiction\": [\"agent\", \"ja4\"], \"then\""),
            format!("/checks/0: more than one test: `trait`, `contradiction`; {TESTS}"),
        ),
        (
            listed("\"then\"", "\"limit\": 2, \"then\""),
            format!("/checks/0: more than one test: `trait`, `limit`; {TESTS}"),
        ),
        (
            distinct("\"then\"", "\"in\": [\"x\"], \"then\""),
            format!("/checks/0: more than one test: `in`, `per`; {TESTS}"),
        ),
        (
            distinct("\"then\"", "\"contradiction\": [], \"then\""),
            format!("/checks/0: more than one test: `contradiction`, `per`; {TESTS}"),
        ),
        (
            listed(r#""trait": "ja3", "#, ""),
            "/checks/0: `trait` is missing; add \"trait\"".to_owned(),
        ),
        (
            listed(r#""in": ["e7d705a3286e19ea42f587b344ee6865"], "#, ""),
            "/checks/0: `in` is missing; add \"in\"".to_owned(),
        ),
        (
            listed("\"ja3\"", "\"ja5\""),
            "/checks/0/trait: found \"ja5\"; did you mean \"ja3\"? known: key, network, path, method, model, shape, agent, ja4, ja3, country, asn, org (more under `account`)".to_owned(),
        ),
        (
            listed("e7d705a3286e19ea42f587b344ee6865", "e7d7"),
            "/checks/0/in/0: found \"e7d7\"; expected a JA3: 32 hex digits".to_owned(),
        ),
        (
            listed("\"e7d705a3286e19ea42f587b344ee6865\"", "7"),
            "/checks/0/in/0: found 7; expected a JA3: 32 hex digits".to_owned(),
        ),
        (
            listed("[\"e7d705a3286e19ea42f587b344ee6865\"]", "\"e7d7\""),
            "/checks/0/in: found \"e7d7\"; expected a JA3: 32 hex digits".to_owned(),
        ),
        (
            listed("[\"e7d705a3286e19ea42f587b344ee6865\"]", "[]"),
            "/checks/0/in: found a list of 0; nobody is on an empty list; put somebody on it, or take it out".to_owned(),
        ),
        (
            listed("[\"e7d705a3286e19ea42f587b344ee6865\"]", "null"),
            "/checks/0/in: found null; expected a list of strings".to_owned(),
        ),
        (
            listed("[\"e7d705a3286e19ea42f587b344ee6865\"]", r#"{"file": "x.txt"}"#),
            "/checks/0/in/file: found \"x.txt\"; a filter reads no files: `stillgate embed` writes a policy with its files in it".to_owned(),
        ),
        (
            listed("[\"e7d705a3286e19ea42f587b344ee6865\"]", "{}"),
            "/checks/0/in: `list` is missing; add \"list\"".to_owned(),
        ),
        (
            listed("[\"e7d705a3286e19ea42f587b344ee6865\"]", r#"{"list": "x", "file": "x.txt"}"#),
            "/checks/0/in/file: found \"x.txt\"; a filter reads no files: `stillgate embed` writes a policy with its files in it".to_owned(),
        ),
        (
            listed("[\"e7d705a3286e19ea42f587b344ee6865\"]", r#"{"list": "x"}"#),
            "/checks/0/in/list: found \"x\"; expected a name from `lists`".to_owned(),
        ),
        (
            network("\"203.0.113.7/24\""),
            "/checks/0/in/0: found \"203.0.113.7/24\"; has host bits: write 203.0.113.0/24, or 203.0.113.7/32".to_owned(),
        ),
        (
            network("\"192.0.2.0/24\", \"2001:db8::/129\""),
            format!("/checks/0/in/1: found \"2001:db8::/129\"; {ADDRESS}"),
        ),
        (
            network("\"\""),
            format!("/checks/0/in/0: found \"\"; {ADDRESS}"),
        ),
        (
            network(&format!("\"{}\"", "1".repeat(1025))),
            "/checks/0/in/0: found a string of 1025 bytes; expected at most 1024 bytes".to_owned(),
        ),
        (
            listed("\"ja3\"", "\"ja4\""),
            "/checks/0/in/0: found \"e7d705a3286e19ea42f587b344ee6865\"; expected a JA4, such as \"t13d1516h2_8daaf6152771_02713d6af862\", or a pattern of some, such as \"t13d*_8daaf6152771_*\"".to_owned(),
        ),
        (
            listed("\"ja3\"", "\"key\""),
            "/checks/0/in/0: found \"e7d705a3286e19ea42f587b344ee6865\"; expected 16 hex digits, as logs show them".to_owned(),
        ),
        (
            listed("\"ja3\"", "\"country\""),
            "/checks/0/in/0: found \"e7d705a3286e19ea42f587b344ee6865\"; expected a country in two letters, such as \"NL\"".to_owned(),
        ),
        (
            listed("\"ja3\"", "\"asn\""),
            "/checks/0/in/0: found \"e7d705a3286e19ea42f587b344ee6865\"; expected the number of an autonomous system in quotes, such as \"64512\" or \"AS64512\"".to_owned(),
        ),
        (
            listed("\"ja3\"", "\"method\""),
            "/checks/0/in/0: found \"e7d705a3286e19ea42f587b344ee6865\"; can never match: methods are in capitals, such as POST".to_owned(),
        ),
        (
            listed("\"ja3\"", "\"path\""),
            "/checks/0/in/0: found \"e7d705a3286e19ea42f587b344ee6865\"; can never match: every path begins with `/` and ends before `?`; expected such a pattern, or one that begins with `*`".to_owned(),
        ),
        (
            contradiction("\"agent\""),
            "/checks/0/contradiction: found \"agent\"; expected [\"agent\", \"ja4\"] or [\"agent\", \"shape\"]".to_owned(),
        ),
        (
            contradiction("[\"ja4\", \"shape\"]"),
            "/checks/0/contradiction: found a list of 2; expected [\"agent\", \"ja4\"] or [\"agent\", \"shape\"]".to_owned(),
        ),
        (
            contradiction("[\"agent\", \"agent\"]"),
            "/checks/0/contradiction: found a list of 2; expected [\"agent\", \"ja4\"] or [\"agent\", \"shape\"]".to_owned(),
        ),
        (
            contradiction("[\"agent\", \"ja4\"], \"absent\": \"match\""),
            "/checks/0/absent: found \"match\"; expected no `absent`: what is not there contradicts nothing".to_owned(),
        ),
        (
            distinct(r#""per": ["key"], "#, ""),
            "/checks/0: `per` is missing; add \"per\"".to_owned(),
        ),
        (
            distinct(r#""distinct": "network", "#, ""),
            "/checks/0: `distinct` is missing; add \"distinct\"".to_owned(),
        ),
        (
            distinct(r#""limit": 20, "#, ""),
            "/checks/0: `limit` is missing; add \"limit\"".to_owned(),
        ),
        (
            distinct(r#""window": "1d", "#, ""),
            "/checks/0: `window` is missing; add \"window\"".to_owned(),
        ),
        (
            distinct("\"network\"", "\"key\""),
            "/checks/0/distinct: found \"key\"; is in `per` too, so there is never more than one; count another trait".to_owned(),
        ),
        (
            distinct("20", "0"),
            "/checks/0/limit: found 0; expected a whole number from 1 to 100000000".to_owned(),
        ),
        (
            distinct("20", "100000001"),
            "/checks/0/limit: found 100000001; expected a whole number from 1 to 100000000".to_owned(),
        ),
        (
            distinct("1d", "999ms"),
            "/checks/0/window: found \"999ms\"; expected a duration from \"1s\" to \"366d\", such as \"90s\" \"1m\" \"5h\" \"7d\"".to_owned(),
        ),
        (
            distinct("\"tag\"", "\"tag\", \"absent\": \"count\""),
            "/checks/0/absent: found \"count\"; expected one of: skip, match".to_owned(),
        ),
        (
            distinct("\"tag\"", "\"throttle\""),
            "/checks/0: `quota` is missing; add \"quota\"".to_owned(),
        ),
        (
            LANE.replace("throttle", "deny"),
            "/checks/0/quota: found an object; expected no `quota`: only `\"then\": \"throttle\"` has one".to_owned(),
        ),
        (
            LANE.replace("\"limit\": 10", "\"limit\": 0"),
            "/checks/0/quota/limit: found 0; expected a whole number from 1 to 4294967295".to_owned(),
        ),
        (
            LANE.replace("\"requests\"", "\"cost\""),
            "/checks/0/quota/count: \"cost\" needs `prices`; add \"prices\": [{\"model\": \"*\", \"input\": 2.5, \"output\": 10}], per million tokens".to_owned(),
        ),
        (
            LANE.replace("\"lane\"", "\"a\""),
            "/checks/0/quota/name: another rule is named \"a\" already; every rule has a name of its own".to_owned(),
        ),
        (
            distinct("\"tag\"", "\"tag\", \"match\": {\"path\": \"v1\"}"),
            "/checks/0/match/path: found \"v1\"; can never match: every path begins with `/` and ends before `?`; expected such a pattern, or one that begins with `*`".to_owned(),
        ),
        (
            distinct("\"tag\"", "\"tag\", \"except\": {\"trait\": \"org\", \"in\": [\"a\"]}"),
            "/checks/0/except: found an object; expected a list […]".to_owned(),
        ),
        (
            distinct("\"tag\"", "\"tag\", \"except\": [{\"trait\": \"orh\", \"in\": [\"a\"]}]"),
            "/checks/0/except/0/trait: found \"orh\"; did you mean \"org\"? known: key, network, path, method, model, shape, agent, ja4, ja3, country, asn, org (more under `account`)".to_owned(),
        ),
        (
            distinct(
                "\"tag\"",
                &format!("\"tag\", \"except\": [{}]", [r#"{"trait": "org", "in": ["a"]}"#; 17].join(", ")),
            ),
            "/checks/0/except: found a list of 17; expected at most 16 lists".to_owned(),
        ),
    ] {
        assert_eq!(faults(&with(&check)), [expected], "{check}");
    }
}

#[test]
fn every_fault_around_checks_has_a_sentence_of_its_own() {
    let by_list = |name: &str| {
        format!(
            r#"{{"name": "a", "trait": "network", "in": {{"list": "{name}"}}, "then": "deny"}}"#
        )
    };
    let lists = |lists: &str| around(&by_list("tor"), &format!(r#", "lists": {{{lists}}}"#));
    let url = |url: &str| around(LISTED, &format!(r#", "verify_url": "{url}""#));
    let traits = |traits: &str| around(LISTED, &format!(r#", "traits": {traits}"#));
    const URL: &str = "expected a URL that begins with https:// or http://, in ASCII without spaces, of at most 2048 bytes";
    let many = vec!["\"192.0.2.1\""; 100_001].join(", ");
    let patterns: Vec<String> = (0..257).map(|number| format!("\"*{number}\"")).collect();
    let checks: Vec<String> = (0..33)
        .map(|number| DISTINCT.replace("\"a\"", &format!("\"a{number}\"")))
        .collect();
    let lanes: Vec<String> = (0..25)
        .map(|number| {
            LANE.replace("\"a\"", &format!("\"a{number}\""))
                .replace("\"lane\"", &format!("\"lane{number}\""))
        })
        .collect();
    for (policy, expected) in [
        (
            lists(r#""tro": ["192.0.2.1"]"#),
            vec![
                "/checks/0/in/list: found \"tor\"; did you mean \"tro\"? It must be named under `lists`".to_owned(),
                "/lists/tro: found a list of 1; no rule uses it: write {\"list\": \"tro\"} in one, or take it out".to_owned(),
            ],
        ),
        (
            lists(r#""tor": ["192.0.2.1"], "other": "x""#),
            vec!["/lists/other: found \"x\"; no rule uses it: write {\"list\": \"other\"} in one, or take it out".to_owned()],
        ),
        (
            lists(r#""tor": ["192.0.2.1"], "tor": ["192.0.2.2"]"#),
            vec!["/lists/tor: found a list of 1; `tor` is written twice; write it once".to_owned()],
        ),
        (
            lists(r#""tor": []"#),
            vec!["/lists/tor: found a list of 0; nobody is on an empty list; put somebody on it, or take it out".to_owned()],
        ),
        (
            lists(r#""tor": {"file": "tor.txt"}"#),
            vec!["/lists/tor/file: found \"tor.txt\"; a filter reads no files: `stillgate embed` writes a policy with its files in it".to_owned()],
        ),
        (
            lists(r#""tor": {}"#),
            vec!["/lists/tor: `file` is missing; add \"file\"".to_owned()],
        ),
        (
            lists(r#""tor": ["192.0.2.1", "x"]"#),
            vec!["/lists/tor/1: found \"x\"; expected an address or a block of them, such as \"192.0.2.7\", \"203.0.113.0/24\" or \"2001:db8::/32\"".to_owned()],
        ),
        (
            lists(&format!("\"tor\": [{many}]")),
            vec!["/lists/tor: found a list of 100001; expected at most 100000 entries in all lists together".to_owned()],
        ),
        (
            with(&format!(r#"{{"name": "a", "trait": "agent", "in": [{}], "then": "deny"}}"#, patterns.join(", "))),
            vec!["/checks/0/in: found a list of 257; expected at most 256 entries with a `*` that is not their end: a request may have to try all of them".to_owned()],
        ),
        (url("ftp://x"), vec![format!("/verify_url: found \"ftp://x\"; {URL}")]),
        (url("https://"), vec![format!("/verify_url: found \"https://\"; {URL}")]),
        (url("https:///x"), vec![format!("/verify_url: found \"https:///x\"; {URL}")]),
        (url("https://a b"), vec![format!("/verify_url: found \"https://a b\"; {URL}")]),
        (url("https://é"), vec![format!("/verify_url: found \"https://é\"; {URL}")]),
        (
            url(&format!("https://{}", "x".repeat(2041))),
            vec![format!("/verify_url: found a string of 2049 bytes; {URL}")],
        ),
        (
            traits(r#"{"ja5": {"header": "x"}}"#),
            vec!["/traits/ja5: unknown field `ja5`; did you mean `ja3`? Known here: ja4, ja3, country, asn, network".to_owned()],
        ),
        (
            traits(r#"{"ja4": "x-ja4"}"#),
            vec!["/traits/ja4: found \"x-ja4\"; expected an object {…}".to_owned()],
        ),
        (
            traits(r#"{"asn": {}}"#),
            vec!["/traits/asn: found an object; expected {\"header\": …} or {\"property\": …}".to_owned()],
        ),
        (
            traits(r#"{"network": {"ipv4": 7, "ipv6": 129}}"#),
            vec![
                "/traits/network/ipv4: found 7; expected a whole number from 8 to 32".to_owned(),
                "/traits/network/ipv6: found 129; expected a whole number from 16 to 128".to_owned(),
            ],
        ),
        (
            with(&checks.join(", ")),
            vec!["/checks: found a list of 33; expected at most 32 checks".to_owned()],
        ),
        (
            with(&lanes.join(", ")),
            vec!["/checks: makes 25 quotas with those of checks; expected at most 24".to_owned()],
        ),
        (
            with(&format!("{LISTED}, {DISTINCT}")),
            vec!["/checks/1/name: another rule is named \"a\" already; every rule has a name of its own".to_owned()],
        ),
        (
            around(LISTED, r#", "quotas": [{"name": "a", "per": [], "count": "requests", "limit": 1, "window": "1s"}]"#),
            vec!["/checks/0/name: another rule is named \"a\" already; every rule has a name of its own".to_owned()],
        ),
    ] {
        let found = faults(&policy);
        let policy = policy.get(..200).unwrap_or(&policy);
        assert_eq!(found, expected, "{policy}");
    }
}

#[test]
fn of_a_list_that_is_all_wrong_the_first_are_told() {
    let entries = vec!["\"x\""; 1_000].join(", ");
    let check = format!(r#"{{"name": "a", "trait": "asn", "in": [{entries}], "then": "deny"}}"#);
    let found = faults(&with(&check));
    assert_eq!(found.len(), 17);
    assert_eq!(
        found[16],
        "/checks/0/in: 984 more of its entries are wrong; mend those that are told first"
    );
}
