use super::*;
use crate::campaign::Match;
use crate::engine::QuotaState;
use crate::policy::Rule;
use crate::policy::campaigns::Stage;
use crate::quota::Standing;
use serde_json::Value;

const POLICY: &str = r#"{"version": 1, "quotas": [
    {"name": "per-minute", "per": ["key"], "count": "requests", "limit": 60, "window": "1m"},
    {"name": "per-day", "per": ["key"], "count": "requests", "limit": 1000, "window": "1d"},
    {"name": "in-flight", "per": ["key"], "count": "concurrent", "limit": 8}
]}"#;

const NOW: Now = Now {
    steady: 10_000,
    wall: 1_776_816_000_500,
};

fn state(
    quota: usize,
    limit: u32,
    remaining: u32,
    frees: Millis,
    replenished: Millis,
) -> QuotaState {
    let standing = Standing {
        fits: remaining > 0,
        remaining,
        frees,
        replenished,
        tag: 0,
        filed: None,
        fresh: false,
    };
    QuotaState {
        quota,
        limit,
        standing,
    }
}

fn decision(verdict: Verdict, reason: Reason, rule: Option<usize>) -> Decision {
    Decision {
        verdict,
        rule: rule.map(Rule::Quota),
        ..Decision::allow(reason)
    }
}

fn throttled() -> Decision {
    Decision {
        quotas: vec![
            state(0, 60, 0, 43_001, 70_000),
            state(1, 1_000, 940, 90_000, 86_400_000),
            state(2, 8, 7, 70_000, 70_000),
        ],
        retry_at: Some(43_001),
        ..decision(Verdict::Throttle, Reason::Quota, Some(0))
    }
}

fn reply(decision: &Decision, dialect: Dialect) -> (Reply, Value) {
    let policy = Policy::parse(POLICY.as_bytes()).unwrap();
    let reply = refusal(decision, dialect, &policy, NOW);
    let body = serde_json::from_str(&reply.body).unwrap();
    (reply, body)
}

fn header<'r>(reply: &'r Reply, name: &str) -> Option<&'r str> {
    reply
        .headers
        .iter()
        .find(|(other, _)| *other == name)
        .map(|(_, value)| value.as_str())
}

#[test]
fn a_throttled_client_reads_its_own_dialect() {
    const MESSAGE: &str = "Rate limit reached: \"per-minute\" allows 60 in 1 m. Try again in 34 s.";
    let (reply, body) = reply(&throttled(), Dialect::OpenAi);
    assert_eq!(reply.status, 429);
    assert_eq!(reply.details, "stillgate:throttle:quota:per-minute");
    assert_eq!(body["error"]["code"], "rate_limit_exceeded");
    assert_eq!(body["error"]["message"], MESSAGE);
    for (name, value) in [
        ("content-type", Some("application/json")),
        ("retry-after", Some("34")),
        (
            "ratelimit-policy",
            Some(
                r#""per-minute";q=60;w=60, "per-day";q=1000;w=86400, "in-flight";q=8;qu="concurrent-requests""#,
            ),
        ),
        ("ratelimit", Some(r#""per-minute";r=0;t=34"#)),
        ("x-ratelimit-limit-requests", Some("60")),
        ("x-ratelimit-remaining-requests", Some("0")),
        ("x-ratelimit-reset-requests", Some("1m0s")),
        ("anthropic-ratelimit-requests-limit", None),
        ("www-authenticate", None),
    ] {
        assert_eq!(header(&reply, name), value, "{name}");
    }

    let (reply, body) = self::reply(&throttled(), Dialect::Anthropic);
    assert_eq!(
        (&body["type"], &body["error"]["type"]),
        (&Value::from("error"), &Value::from("rate_limit_error"))
    );
    assert_eq!(
        header(&reply, "anthropic-ratelimit-requests-remaining"),
        Some("0")
    );
    assert_eq!(
        header(&reply, "anthropic-ratelimit-requests-reset"),
        Some("2026-04-22T00:01:01Z")
    );
    assert_eq!(header(&reply, "x-ratelimit-limit-requests"), None);

    let (_, body) = self::reply(&throttled(), Dialect::Gemini);
    assert_eq!(
        (&body["error"]["code"], &body["error"]["status"]),
        (&Value::from(429), &Value::from("RESOURCE_EXHAUSTED"))
    );
    assert_eq!(body["error"]["details"][0]["retryDelay"], "34s");

    let (reply, body) = self::reply(&throttled(), Dialect::Other);
    assert_eq!(
        header(&reply, "content-type"),
        Some("application/problem+json")
    );
    assert_eq!(body["violated-policies"], serde_json::json!(["per-minute"]));
    assert_eq!(body["status"], 429);
    assert_eq!(body["detail"], MESSAGE);
}

#[test]
fn in_flight_has_its_own_sentence_and_no_reset() {
    let refused = Decision {
        retry_at: Some(11_000),
        ..decision(Verdict::Throttle, Reason::Quota, Some(2))
    };
    let refused = Decision {
        quotas: vec![state(0, 60, 9, 0, 0), state(2, 8, 0, 70_000, 70_000)],
        ..refused
    };
    let (reply, body) = reply(&refused, Dialect::OpenAi);
    assert_eq!(header(&reply, "retry-after"), Some("1"));
    assert_eq!(header(&reply, "ratelimit"), Some(r#""in-flight";r=0"#));
    assert_eq!(
        header(&reply, "x-ratelimit-limit-requests"),
        None,
        "that family has no word for it"
    );
    assert!(
        body["error"]["message"]
            .as_str()
            .unwrap()
            .contains("8 in flight")
    );
}

#[test]
fn every_reason_has_a_status_and_a_body_in_every_dialect() {
    for (reason, status, codes, retry) in [
        (
            Reason::MissingCredential,
            401,
            ["invalid_api_key", "authentication_error", "UNAUTHENTICATED"],
            None,
        ),
        (
            Reason::AmbiguousCredential,
            401,
            ["invalid_api_key", "authentication_error", "UNAUTHENTICATED"],
            None,
        ),
        (
            Reason::BodyTooLarge,
            413,
            ["request_too_large", "request_too_large", "INVALID_ARGUMENT"],
            None,
        ),
        (
            Reason::Unreadable,
            400,
            [
                "unreadable_body",
                "invalid_request_error",
                "INVALID_ARGUMENT",
            ],
            None,
        ),
        (
            Reason::Store,
            503,
            ["service_unavailable", "api_error", "UNAVAILABLE"],
            Some("1"),
        ),
    ] {
        let refused = decision(Verdict::Deny, reason, None);
        for (dialect, path) in [
            (Dialect::OpenAi, "/error/code"),
            (Dialect::Anthropic, "/error/type"),
            (Dialect::Gemini, "/error/status"),
        ] {
            let (reply, body) = reply(&refused, dialect);
            assert_eq!(reply.status, status, "{reason:?}");
            assert_eq!(
                body.pointer(path),
                Some(&Value::from(codes[dialect as usize])),
                "{reason:?} {dialect:?}"
            );
            assert_eq!(header(&reply, "retry-after"), retry, "{reason:?}");
            assert_eq!(header(&reply, "www-authenticate").is_some(), status == 401);
            assert_eq!(reply.details, format!("stillgate:deny:{}", reason.label()));
        }
        let (_, body) = reply(&refused, Dialect::Other);
        assert_eq!(
            (&body["status"], &body["type"]),
            (&Value::from(status), &Value::from("about:blank"))
        );
    }
}

#[test]
fn of_several_quotas_the_tightest_is_told() {
    let policy = Policy::parse(POLICY.as_bytes()).unwrap();
    let allowed = Decision {
        quotas: vec![
            state(0, 60, 59, 70_000, 70_000),
            state(1, 1_000, 3, 5_000_000, 86_000_000),
            state(2, 8, 1, 0, 0),
        ],
        ..decision(Verdict::Allow, Reason::None, None)
    };
    let all = |decision: &Decision| -> Vec<Field> {
        let family = |family| fields(family, decision, Dialect::OpenAi, &policy, NOW);
        FAMILIES.into_iter().flat_map(family).collect()
    };
    let told = all(&allowed);
    assert!(
        told.contains(&("ratelimit", String::from(r#""per-day";r=3;t=4990"#))),
        "{told:?}"
    );
    assert!(told.contains(&("x-ratelimit-remaining-requests", String::from("3"))));
    let nothing = decision(Verdict::Allow, Reason::None, None);
    assert!(all(&nothing).is_empty());
}

#[test]
fn headers_are_our_own_however_an_origin_reads_them() {
    for (name, own) in [
        ("x-stillgate-verdict", true),
        ("x-stillgate-", true),
        ("x_stillgate_verdict", true),
        ("x-stillgate_checks", true),
        ("x-stillgate", false),
        ("x-stillgates-verdict", false),
        ("stillgate-verdict", false),
        ("", false),
    ] {
        assert_eq!(is_own(name.as_bytes()), own, "{name}");
    }
}

/// A policy whose campaigns are answered.
fn watched(mode: &str) -> Policy {
    let text = format!(
        r#"{{"version": 1, "verify_url": "https://example.org/verify", "campaigns": {{"mode": "{mode}", "steps": [
            {{"at": "suspect", "then": "tag"}},
            {{"at": "convicted", "budget": {{"requests": 7, "window": "1d"}}, "over": "throttle"}}]}}}}"#
    );
    Policy::parse(text.as_bytes()).unwrap()
}

fn found(verdict: Verdict, stage: Stage, held_back: bool) -> Decision {
    Decision {
        verdict,
        rule: Some(Rule::Campaign),
        campaign: Some(Match {
            campaign: 0xabad_1dea_0000_0001,
            stage,
            held_back,
            feature: 0,
        }),
        retry_at: (verdict == Verdict::Throttle).then_some(77_000),
        ..Decision::allow(Reason::Campaign)
    }
}

#[test]
fn nobody_is_told_of_a_campaign_but_the_origin() {
    let policy = watched("enforce");
    for dialect in [
        Dialect::OpenAi,
        Dialect::Anthropic,
        Dialect::Gemini,
        Dialect::Other,
    ] {
        for (verdict, status, wait) in [
            (Verdict::Throttle, 429, Some("60")),
            (Verdict::Verify, 403, None),
            (Verdict::Deny, 403, None),
        ] {
            let decision = found(verdict, Stage::Convicted, false);
            let reply = refusal(&decision, dialect, &policy, NOW);
            assert_eq!(reply.status, status, "{dialect:?} {verdict:?}");
            assert_eq!(header(&reply, "retry-after"), wait);
            let told = format!("{:?} {}", reply.headers, reply.body);
            for secret in ["campaign", "abad1dea", "budget", "suspect", "convict", "67"] {
                assert!(!told.to_lowercase().contains(secret), "{told}");
            }
            assert!(tags(&decision, &policy).is_empty());
        }
    }
}

#[test]
fn the_origin_is_told_of_a_campaign_that_is_answered() {
    let name = || ("x-stillgate-campaign", String::from("c-abad1dea00000001"));
    let verdict = || ("x-stillgate-verdict", String::from("tag"));
    for (mode, held_back, told) in [
        ("enforce", false, vec![verdict(), name()]),
        (
            "enforce",
            true,
            vec![verdict(), ("x-stillgate-checks", String::new())],
        ),
        (
            "shadow",
            false,
            vec![verdict(), ("x-stillgate-checks", String::new())],
        ),
    ] {
        let decision = found(Verdict::Tag, Stage::Suspect, held_back);
        assert_eq!(tags(&decision, &watched(mode)), told, "{mode} {held_back}");
    }
}
