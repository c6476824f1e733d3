//! Random policies, and random requests to hold against them.

use proptest::prelude::*;
use proptest::test_runner::Config;
use serde_json::{Value, json};
use stillgate::exchange::Millis;
use stillgate::policy::Policy;

use crate::gate::{Request, START};

/// A quota over requests, of those that laws are tried with.
#[derive(Debug, Clone)]
pub(crate) struct Rule {
    pub(crate) per: &'static [&'static str],
    pub(crate) seconds: u64,
    pub(crate) limit: u32,
    /// Whether only POST requests are counted.
    pub(crate) posts: bool,
    pub(crate) shadow: bool,
}

impl Rule {
    pub(crate) fn window(&self) -> Millis {
        self.seconds * 1_000
    }

    pub(crate) fn covers(&self, ask: &Ask) -> bool {
        ask.post || !self.posts
    }
}

/// Who asks for what: small numbers, so that many requests share a counter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ask {
    pub(crate) key: u16,
    pub(crate) network: u8,
    pub(crate) model: u8,
    pub(crate) post: bool,
    pub(crate) at: Millis,
}

impl Ask {
    pub(crate) fn request(&self) -> Request {
        let mut request = Request::of(&format!("sk-{}", self.key));
        request.method = if self.post { "POST" } else { "PUT" }.into();
        request.body = format!(r#"{{"model": "model-{}"}}"#, self.model).into_bytes();
        request.source = Some([198, 51, self.network, 7].into());
        request
    }

    /// What a rule counts this request by.
    pub(crate) fn subject(&self, per: &[&str]) -> Vec<u16> {
        let value = |part: &&str| match *part {
            "key" => self.key,
            "network" => self.network.into(),
            _ => self.model.into(),
        };
        per.iter().map(value).collect()
    }
}

/// A policy of these rules, named `rule-0` and so on.
pub(crate) fn policy_of(rules: &[Rule], memory: &str) -> Value {
    let quotas = rules.iter().enumerate().map(|(place, rule)| {
        let mut quota = json!({
            "name": format!("rule-{place}"), "per": rule.per, "count": "requests",
            "limit": rule.limit, "window": format!("{}s", rule.seconds),
            "mode": if rule.shadow { "shadow" } else { "enforce" },
        });
        if rule.posts {
            quota["match"] = json!({"method": "POST"});
        }
        quota
    });
    json!({"version": 1, "limits": {"memory": memory}, "quotas": quotas.collect::<Vec<_>>()})
}

fn rule(shadow: f64) -> impl Strategy<Value = Rule> {
    let per = prop::sample::select(vec![
        &["key"] as &'static [_],
        &["network"],
        &["key", "model"],
    ]);
    let seconds = prop_oneof![Just(1), 1u64..100, Just(3_600), Just(86_400)];
    let limit = prop_oneof![1u32..13, 13u32..=200];
    (
        per,
        seconds,
        limit,
        prop::bool::weighted(0.3),
        prop::bool::weighted(shadow),
    )
        .prop_map(|(per, seconds, limit, posts, shadow)| Rule {
            per,
            seconds,
            limit,
            posts,
            shadow,
        })
}

/// One to three rules that make a policy, with this share of them in shadow.
pub(crate) fn rules(shadow: f64) -> impl Strategy<Value = Vec<Rule>> {
    let sound = |rules: &Vec<Rule>| {
        let text = policy_of(rules, "1MiB").to_string();
        Policy::parse(text.as_bytes()).is_ok()
    };
    prop::collection::vec(rule(shadow), 1..=3).prop_filter("a rule can never fire", sound)
}

/// Three rules over a key, whose counters are replenished in a minute, in an hour and in a day.
pub(crate) fn of_all_lengths() -> [Rule; 3] {
    let rule = |seconds, limit, posts| Rule {
        per: &["key"],
        seconds,
        limit,
        posts,
        shadow: false,
    };
    [
        rule(60, 3, false),
        rule(3_600, 10, true),
        rule(86_400, 40, false),
    ]
}

/// Rules, and requests whose pace fits their windows: bursts, trickles and pauses.
pub(crate) fn traffic(
    shadow: f64,
    keys: u16,
    requests: core::ops::Range<usize>,
) -> impl Strategy<Value = (Vec<Rule>, Vec<Ask>)> {
    let permille = prop_oneof![3 => Just(0u64), 6 => 0u64..20, 2 => 0u64..1_100];
    let ask = (
        0..keys,
        0u8..2,
        0u8..2,
        prop::bool::weighted(0.7),
        permille,
        any::<u8>(),
    );
    (rules(shadow), prop::collection::vec(ask, requests)).prop_map(|(rules, steps)| {
        let mut at = START;
        let asks = steps
            .into_iter()
            .map(|(key, network, model, post, permille, pace)| {
                let window = rules[usize::from(pace) % rules.len()].window();
                at += window * permille / 1_000;
                Ask {
                    key,
                    network,
                    model,
                    post,
                    at,
                }
            })
            .collect();
        (rules, asks)
    })
}

/// How many cases a law is tried with. What fails is written into the law's own table, not into a file beside it.
pub(crate) fn cases(cases: u32) -> Config {
    Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    }
}
