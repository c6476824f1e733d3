//! Random checks, random requests to hold against them, and a model that knows all that was ever seen.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Value, json};
use stillgate::policy::Policy;

use crate::gate::{Request, START};
use crate::traffic::{Ask, Rule, policy_of, rules};

/// A check, of those that laws are tried with.
#[derive(Debug, Clone)]
pub(crate) struct Check {
    pub(crate) test: Test,
    pub(crate) then: &'static str,
    /// What it holds to if it throttles: requests an hour, of the network.
    pub(crate) lane: u32,
    /// Whether it is only about POST requests.
    pub(crate) posts: bool,
    /// Whether it excuses the organisation `org-0`.
    pub(crate) excuses: bool,
    /// Whether what is absent is found.
    pub(crate) absent: bool,
    pub(crate) shadow: bool,
}

/// What a check looks for.
#[derive(Debug, Clone)]
pub(crate) enum Test {
    /// The organisation or the network on a list.
    Listed(&'static str),
    /// An agent that goes with neither Chrome's handshake nor its headers.
    Contradiction(&'static str),
    Distinct {
        per: &'static [&'static str],
        of: &'static str,
        limit: u32,
        minutes: u64,
    },
}

/// A request: who asks, what else it shows, and what the origin says to it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Visit {
    pub(crate) ask: Ask,
    /// No network where the host knows no address.
    pub(crate) is_known: bool,
    /// No organisation, one, or one and another beside it.
    pub(crate) org: u8,
    pub(crate) agent: u8,
    pub(crate) ja4: u8,
    pub(crate) status: u16,
}

const AGENTS: [&str; 3] = ["OpenAI/Python 1.40.0", "Nobody/1.0", ""];
/// Chrome's; nobody's; and none.
const JA4: [&str; 3] = [
    "t13d1516h2_8daaf6152771_02713d6af862",
    "t13d9999h2_000000000000_000000000000",
    "t13d1516h2_8daaf6152771",
];

impl Visit {
    pub(crate) fn request(&self) -> Request {
        let mut request = self.ask.request();
        request.source = request.source.filter(|_| self.is_known);
        for org in [self.org].into_iter().filter(|&org| org < 3) {
            request = request.with("x-org", &format!("org-{org}"));
        }
        if self.org > 3 {
            request = request.with("x-org", "org-0").with("x-org", "org-1");
        }
        request
            .with("user-agent", AGENTS[usize::from(self.agent % 3)])
            .with("x-ja4", JA4[usize::from(self.ja4 % 3)])
    }

    /// What a trait is for this request; `None` if it lacks it.
    fn value(&self, of: &str) -> Option<u16> {
        match of {
            "key" => Some(self.ask.key),
            "network" => self.is_known.then_some(self.ask.network.into()),
            "method" => Some(self.ask.post.into()),
            "model" => Some(self.ask.model.into()),
            "org" => Some(self.org.into()).filter(|&org| org < 3),
            "agent" => Some(u16::from(self.agent % 3)).filter(|&agent| agent < 2),
            "ja4" => Some(u16::from(self.ja4 % 3)).filter(|&ja4| ja4 < 2),
            _ => panic!("{of}"),
        }
    }
}

impl Check {
    /// It as it is written, under this name.
    pub(crate) fn json(&self, name: &str) -> Value {
        let mut check = match &self.test {
            Test::Listed("network") => json!({"trait": "network", "in": ["198.51.1.0/24"]}),
            Test::Listed(of) => json!({"trait": of, "in": ["org-1", "org-2*"]}),
            Test::Contradiction(witness) => json!({"contradiction": ["agent", witness]}),
            Test::Distinct {
                per,
                of,
                limit,
                minutes,
            } => {
                json!({"per": per, "distinct": of, "limit": limit, "window": format!("{minutes}m")})
            }
        };
        check["name"] = json!(name);
        check["then"] = json!(self.then);
        check["mode"] = json!(if self.shadow { "shadow" } else { "enforce" });
        if self.posts {
            check["match"] = json!({"method": "POST"});
        }
        if self.excuses {
            check["except"] = json!([{"trait": "org", "in": ["org-0"]}]);
        }
        if self.absent && !matches!(self.test, Test::Contradiction(_)) {
            check["absent"] = json!("match");
        }
        if self.then == "throttle" {
            check["quota"] = json!({"name": format!("{name}-lane"), "per": ["network"], "count": "requests",
                "limit": self.lane, "window": "1h"});
        }
        check
    }

    fn covers(&self, visit: &Visit) -> bool {
        (visit.ask.post || !self.posts) && !(self.excuses && visit.org == 0)
    }
}

/// Everything that a policy's checks have seen: when each value was last seen, by check and subject.
#[derive(Debug, Clone, Default)]
pub(crate) struct Memory(BTreeMap<(usize, Vec<Option<u16>>), Seen>);

/// In which half of its window each value was last seen.
type Seen = BTreeMap<Option<u16>, u64>;

/// A check that counts, with the number that it should see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) check: usize,
    pub(crate) count: Option<u32>,
}

impl Memory {
    /// What should be found, in the order of the policy; who is known there stays known.
    pub(crate) fn look(&mut self, checks: &[Check], visit: &Visit) -> Vec<Found> {
        let mut found = Vec::new();
        for (place, check) in checks
            .iter()
            .enumerate()
            .filter(|(_, check)| check.covers(visit))
        {
            let finds = match &check.test {
                Test::Listed("network") => visit
                    .value("network")
                    .map_or(check.absent, |network| network == 1),
                Test::Listed(of) => visit.value(of).map_or(check.absent, |org| org > 0),
                Test::Contradiction("ja4") => {
                    visit.agent.is_multiple_of(3) && visit.ja4.is_multiple_of(3)
                }
                // It does not say its language.
                Test::Contradiction(_) => visit.agent.is_multiple_of(3),
                Test::Distinct { .. } => false,
            };
            if finds {
                found.push(Found {
                    check: place,
                    count: None,
                });
            }
        }
        // Where a request is denied already no counter is looked at; in shadow not where it would be.
        let denied = |found: &Found| checks[found.check].then == "deny";
        let in_shadow = found.iter().any(denied);
        let denied = |found: &Found| denied(found) && !checks[found.check].shadow;
        if found.iter().any(denied) {
            return found;
        }
        for (place, check) in checks.iter().enumerate() {
            if check.shadow && in_shadow {
                continue;
            }
            let Some((limit, half, held, value)) = self.held(place, check, visit) else {
                continue;
            };
            held.retain(|_, last| *last + 1 >= half);
            if let Some(last) = held.get_mut(&value) {
                *last = half;
            }
            if held.len() > limit as usize {
                found.push(Found {
                    check: place,
                    count: Some(held.len() as u32),
                });
            }
        }
        found.sort_by_key(|found| found.check);
        found
    }

    /// The origin has served a request: what it showed is counted.
    /// By checks in shadow only if those would have let it pass.
    pub(crate) fn serve(&mut self, checks: &[Check], visit: &Visit, in_shadow: bool) {
        let checks = checks.iter().enumerate();
        for (place, check) in checks.filter(|(_, check)| in_shadow || !check.shadow) {
            if let Some((_, half, held, value)) = self.held(place, check, visit) {
                held.insert(value, half);
            }
        }
    }

    /// What a check holds of the subject of a request, with its limit, which half of its window it is, and what it counts.
    fn held(
        &mut self,
        place: usize,
        check: &Check,
        visit: &Visit,
    ) -> Option<(u32, u64, &mut Seen, Option<u16>)> {
        let Test::Distinct {
            per,
            of,
            limit,
            minutes,
        } = check.test
        else {
            return None;
        };
        let subject: Vec<Option<u16>> = per.iter().map(|of| visit.value(of)).collect();
        let value = visit.value(of);
        let complete = value.is_some() && subject.iter().all(Option::is_some);
        (check.covers(visit) && (check.absent || complete)).then(|| {
            let held = self.0.entry((place, subject)).or_default();
            (limit, visit.ask.at / (minutes * 30_000), held, value)
        })
    }
}

/// A policy of these quotas and checks, named `check-0` and so on.
pub(crate) fn guarded(quotas: &[Rule], checks: &[Check], memory: &str) -> Value {
    let mut policy = policy_of(quotas, memory);
    let checks = checks.iter().enumerate();
    policy["checks"] = checks
        .map(|(place, check)| check.json(&format!("check-{place}")))
        .collect();
    policy["account"] = json!({"org": {"header": "x-org"}});
    policy["traits"] = json!({"ja4": {"header": "x-ja4"}});
    policy["verify_url"] = json!("https://example.org/verify");
    policy
}

fn check(shadow: f64) -> impl Strategy<Value = Check> {
    let distinct = (
        prop::sample::select(vec![
            (&["network"] as &'static [_], "key"),
            (&["network", "ja4"], "key"),
            (&["org"], "key"),
            (&["key"], "network"),
            (&["key", "method"], "ja4"),
            (&[], "org"),
        ]),
        1u32..5,
        prop::sample::select(vec![1u64, 3, 60, 1_440]),
    );
    let test = prop_oneof![
        1 => prop::sample::select(vec!["org", "network"]).prop_map(Test::Listed),
        1 => prop::sample::select(vec!["ja4", "shape"]).prop_map(Test::Contradiction),
        4 => distinct.prop_map(|((per, of), limit, minutes)| Test::Distinct { per, of, limit, minutes }),
    ];
    let then = prop::sample::select(vec!["tag", "tag", "throttle", "verify", "deny"]);
    let rare = || prop::bool::weighted(0.3);
    (
        test,
        then,
        1u32..6,
        rare(),
        rare(),
        rare(),
        prop::bool::weighted(shadow),
    )
        .prop_map(|(test, then, lane, posts, excuses, absent, shadow)| Check {
            test,
            then,
            lane,
            posts,
            excuses,
            absent,
            shadow,
        })
}

/// Quotas and checks that make a policy, with these shares of them in shadow. No body is read for them if `blind`.
pub(crate) fn policies(shadow: f64, blind: bool) -> impl Strategy<Value = (Vec<Rule>, Vec<Check>)> {
    let checks = prop::collection::vec(check(shadow), 1..=4);
    let sound = |(quotas, checks): &(Vec<Rule>, Vec<Check>)| {
        Policy::parse(guarded(quotas, checks, "1MiB").to_string().as_bytes()).is_ok()
    };
    (rules(shadow), checks)
        .prop_map(move |(mut quotas, checks)| {
            quotas.retain(|rule| !(blind && rule.per.contains(&"model")));
            (quotas, checks)
        })
        .prop_filter("a rule can never fire", sound)
}

/// Requests whose pace fits windows of minutes to a day: bursts, trickles and pauses.
pub(crate) fn visits(most: usize) -> impl Strategy<Value = Vec<Visit>> {
    let gap =
        prop_oneof![5 => Just(0u64), 5 => 0u64..5_000, 2 => 0u64..100_000, 1 => 0u64..40_000_000];
    let status = prop_oneof![6 => Just(200u16), 1 => prop::sample::select(vec![201, 101, 301, 400, 401, 429, 500])];
    let ask = (0u16..9, 0u8..3, 0u8..2, prop::bool::weighted(0.8));
    let shown = (prop::bool::weighted(0.9), 0u8..5, any::<u8>(), any::<u8>());
    prop::collection::vec((ask, shown, status, gap), 1..most).prop_map(|steps| {
        let mut at = START;
        let visit = |((key, network, model, post), (is_known, org, agent, ja4), status, gap)| {
            at += gap;
            let ask = Ask {
                key,
                network,
                model,
                post,
                at,
            };
            Visit {
                ask,
                is_known,
                org,
                agent,
                ja4,
                status,
            }
        };
        steps.into_iter().map(visit).collect()
    })
}
