mod campaigns;

use std::collections::BTreeMap;

use core::net::IpAddr;
use serde_json::Value;

use super::*;
use crate::agent::{self, known};
use crate::dialect::Api;
use crate::dialect::request::read;
use crate::exchange::{Attributes, Exchange, Foreseen, Model};

struct Unknown;

impl Attributes for Unknown {
    fn source(&self) -> Option<IpAddr> {
        None
    }

    fn property(&self, _: &[String]) -> Option<Vec<u8>> {
        None
    }
}

fn scenario(preset: &str, scale: u32, days: u32) -> Scenario {
    Scenario {
        scale,
        days,
        ..Scenario::preset(preset).unwrap()
    }
}

/// Runs a scenario to its end, or to the first request that is not wanted any more; nobody is refused.
fn run(scenario: &Scenario, set: Set, mut seen: impl FnMut(&World, &Request) -> bool) -> World {
    let mut world = World::new(scenario, &Texts::grammar(set, 5), &[]);
    let mut request = Request::default();
    while world.next(&mut request) && seen(&world, &request) {}
    world
}

/// The text of a message's content, of one piece or of blocks.
fn text(content: &Value) -> Option<String> {
    match content {
        Value::String(text) => Some(text.clone()),
        Value::Array(blocks) => {
            let texts = blocks.iter().filter(|block| block["type"] == "text");
            let texts: String = texts.filter_map(|block| block["text"].as_str()).collect();
            (!texts.is_empty()).then_some(texts)
        }
        _ => None,
    }
}

fn last_user(body: &Value) -> String {
    let messages = body["messages"].as_array().unwrap();
    let said = messages
        .iter()
        .rev()
        .filter(|message| message["role"] == "user");
    said.filter_map(|message| text(&message["content"]))
        .next()
        .unwrap()
}

fn system(body: &Value) -> String {
    text(&body["system"])
        .or_else(|| {
            let first = &body["messages"][0];
            (first["role"] == "system").then(|| text(&first["content"]).unwrap())
        })
        .unwrap_or_default()
}

#[test]
fn a_seed_gives_one_stream() {
    let stream = |seed: u64, set| {
        let mut all = Vec::new();
        let scenario = Scenario {
            seed,
            ..scenario("a2-10", 2_000, 1)
        };
        run(&scenario, set, |_, request| {
            all.push((request.t, request.key, request.body.clone(), request.output));
            all.len() < 1_000
        });
        all
    };
    let first = stream(1, Set::Development);
    assert_eq!(first.len(), 1_000);
    assert_eq!(first, stream(1, Set::Development));
    assert_ne!(first, stream(2, Set::Development));
    assert_ne!(first, stream(1, Set::HeldOut));
}

#[test]
fn requests_come_in_the_order_of_time() {
    let scenario = scenario("a4-50", 2_000, 10);
    let mut last = scenario.start;
    let mut count = 0;
    let world = run(&scenario, Set::Development, |_, request| {
        assert!(request.t >= last);
        last = request.t;
        count += 1;
        true
    });
    let end = scenario.start + 10 * 86_400_000;
    assert!(last < end && last > end - 600_000, "{last} {end}");
    assert!(count > 30_000, "{count}");
    let keys: u32 = world.populations().iter().map(|each| each.keys).sum();
    assert_eq!(world.keys(), keys);
}

#[test]
fn bodies_are_read_as_they_are_meant() {
    for (index, (name, _)) in Scenario::PRESETS.iter().enumerate() {
        let mut count = 0;
        let mut tools = 0;
        let set = if index % 2 == 0 {
            Set::HeldOut
        } else {
            Set::Development
        };
        run(&scenario(name, 1_000, 2), set, |_, request| {
            let body: Value = serde_json::from_slice(&request.body).unwrap();
            let prompt = read(&request.body).unwrap();
            let api = match request.path {
                "/v1/messages" => Api::Messages,
                _ => Api::Chat,
            };
            let spoken = |spans: &crate::dialect::request::Spans| -> String {
                let pieces = spans.iter().map(|range| {
                    let quoted = format!(
                        "\"{}\"",
                        core::str::from_utf8(&request.body[range]).unwrap()
                    );
                    serde_json::from_str::<String>(&quoted).unwrap()
                });
                pieces.collect()
            };
            assert_eq!(spoken(&prompt.user), last_user(&body), "{body}");
            assert_eq!(spoken(&prompt.system), system(&body), "{body}");
            assert!(!prompt.user.is_empty());
            assert!(prompt.model.is_some());
            assert!(prompt.shape == api || prompt.shape == Api::Other || api == Api::Messages);
            assert!(request.body.len() < 16_384, "{}", request.body.len());
            let most = prompt.output_cap(api);
            assert!(most.is_none_or(|most| u64::from(request.output) <= most));
            tools += u32::from(prompt.tool_results);
            count += 1;
            count < 1_500
        });
        assert!(count == 1_500 && tools > 20, "{name} {count} {tools}");
    }
}

#[test]
fn headers_are_those_of_one_client() {
    let mut count = 0;
    let mut agents = BTreeMap::<String, u32>::new();
    run(&scenario("a1", 1_000, 2), Set::Development, |_, request| {
        let headers = request.headers();
        let exchange = Exchange {
            method: b"POST",
            path: request.path.as_bytes(),
            query: b"",
            headers: &headers,
            model: Model::Absent,
            foreseen: Foreseen::default(),
            attributes: &Unknown,
        };
        let length = exchange.values(b"content-length").next().unwrap();
        assert_eq!(length, request.body.len().to_string().as_bytes());
        let bearer = exchange.values(b"authorization").next();
        let secret = exchange.values(b"x-api-key").next().or(bearer).unwrap();
        assert!(secret.len() >= 35);
        let agent = agent::of(&exchange).unwrap();
        assert!(!known::contradicts_headers(&agent, &exchange), "{agent:?}");
        assert!(
            !known::contradicts_ja4(&agent, request.ja4.as_bytes()),
            "{agent:?}"
        );
        *agents.entry(agent.family().to_owned()).or_default() += 1;
        count += 1;
        count < 5_000
    });
    assert!(agents.len() > 10, "{agents:?}");
}

#[test]
fn populations_are_as_busy_as_they_should_be() {
    let scenario = scenario("a0", 400, 5);
    let mut requests = BTreeMap::<u16, BTreeMap<u32, u32>>::new();
    let world = run(&scenario, Set::Development, |_, request| {
        let keys = requests.entry(request.population).or_default();
        *keys.entry(request.key).or_default() += 1;
        true
    });
    let plans = population::honest(&scenario);
    let total = |place: usize| -> u32 {
        let place = u16::try_from(place).unwrap();
        requests.get(&place).map_or(0, |keys| keys.values().sum())
    };
    for (place, plan) in plans.iter().enumerate() {
        let wanted = plan.per_day * 5.0;
        let made = f64::from(total(place)) / wanted;
        let few = matches!(plan.kind, Kind::Batch | Kind::Evaluation | Kind::Flash);
        let (least, most) = if few { (0.0, 5.0) } else { (0.6, 1.4) };
        assert!((least..most).contains(&made), "{} {made}", plan.name);
    }
    let made = f64::from(total(plans.len())) / (63.0 * 25.6 * 5.0);
    assert!((0.95..1.05).contains(&made), "{made}");
    let honest: u32 = (0..plans.len()).map(total).sum();
    let ratio = f64::from(honest) / f64::from(total(plans.len()));
    assert!((8.0..12.0).contains(&ratio), "{ratio}");
    assert!(
        (0.6..0.9).contains(&gini(&requests[&0])),
        "{}",
        gini(&requests[&0])
    );
    let campaign = u16::try_from(plans.len()).unwrap();
    assert!(gini(&requests[&campaign]) < 0.1);
    assert_eq!(world.populations().len(), 12);
    assert!(world.populations()[11].campaign);
}

fn gini(keys: &BTreeMap<u32, u32>) -> f64 {
    let mut counts: Vec<f64> = keys.values().map(|&count| f64::from(count)).collect();
    counts.sort_by(f64::total_cmp);
    let length = counts.len() as f64;
    let ranked = counts.iter().enumerate();
    let ranked = ranked.map(|(rank, count)| (2.0 * (rank as f64 + 1.0) - length - 1.0) * count);
    ranked.sum::<f64>() / (length * counts.iter().sum::<f64>())
}

#[test]
fn people_sleep_and_plugins_do_not() {
    let mut hours = BTreeMap::<&str, [u32; 24]>::new();
    run(
        &scenario("none", 400, 4),
        Set::Development,
        |world, request| {
            let name = world.populations()[usize::from(request.population)].name;
            let hour = request.t / 3_600_000 % 24;
            hours.entry(name).or_default()[hour as usize] += 1;
            true
        },
    );
    let swing = |name: &str| {
        let hours = hours[name];
        f64::from(*hours.iter().max().unwrap()) / f64::from(*hours.iter().min().unwrap())
    };
    assert!(swing("ordinary") > 1.3, "{}", swing("ordinary"));
    assert!(swing("clockwork") < 1.3, "{}", swing("clockwork"));
}

#[test]
fn a_conversation_grows() {
    let mut last = BTreeMap::<u32, Value>::new();
    let (mut grown, mut count) = (0, 0);
    run(
        &scenario("none", 2_000, 3),
        Set::Development,
        |world, request| {
            let name = world.populations()[usize::from(request.population)].name;
            if name == "ordinary" {
                let body: Value = serde_json::from_slice(&request.body).unwrap();
                count += 1;
                if let Some(before) = last.get(&request.key)
                    && body["messages"].as_array().unwrap().len() > 2
                {
                    let said = last_user(before);
                    let messages = body["messages"].as_array().unwrap();
                    grown +=
                        u32::from(messages.iter().any(|each| each["content"] == said.as_str()));
                }
                last.insert(request.key, body);
            }
            true
        },
    );
    assert!(grown * 5 > count && grown < count, "{grown} {count}");
}

#[test]
fn keys_have_ages_and_some_come_later() {
    let scenario = Scenario {
        ratio: 1.0,
        ..scenario("quiet", 1_000, 40)
    };
    let mut ages = BTreeMap::<(bool, u32), i64>::new();
    let start = scenario.start;
    run(&scenario, Set::Development, |world, request| {
        let population = world.populations()[usize::from(request.population)];
        if population.campaign || population.name == "ordinary" {
            let day = (request.t - start) / 86_400_000;
            let born = i64::try_from(day).unwrap() - i64::from(request.account.age_days);
            let before = ages.insert((population.campaign, request.key), born);
            assert!(before.is_none_or(|before| before == born));
        }
        true
    });
    let share = |campaign, least: i64, most: i64| {
        let of: Vec<i64> = ages
            .iter()
            .filter_map(|(key, &born)| (key.0 == campaign).then_some(born))
            .collect();
        let within = of
            .iter()
            .filter(|born| (least..most).contains(born))
            .count();
        within as f64 / of.len() as f64
    };
    assert!((0.1..0.3).contains(&share(false, -30, 0)));
    assert!((0.1..0.3).contains(&share(false, 0, 40)));
    assert!((0.05..0.4).contains(&share(true, -31, 0)));
    assert!(share(true, -10_000, -30) > 0.6);
}

#[test]
fn heavy_clients_are_followed() {
    let scenario = Scenario {
        honest: BTreeMap::from([(
            String::from("heavy"),
            Crowd {
                keys: Some(200),
                ..Crowd::default()
            },
        )]),
        ..scenario("none", 100, 1)
    };
    // One sleeps in the second half of each hour, the other always, but for a wrong number.
    let heavy = [
        HeavyClient {
            rates: vec![1.0, 1.0, 1.0, 0.0, 0.0, 0.0],
        },
        HeavyClient {
            rates: vec![0.0, f32::NAN],
        },
    ];
    let mut world = World::new(&scenario, &Texts::grammar(Set::Development, 1), &heavy);
    let mut request = Request::default();
    let mut count = 0;
    while world.next(&mut request) {
        if world.populations()[usize::from(request.population)].name == "heavy"
            && request.from.tries == 0
        {
            assert!(request.t / 600_000 % 6 < 3 || count > 0);
            count += 1;
        }
    }
    assert!(count > 10_000, "{count}");
}

#[test]
fn a_wrong_scenario_is_simulated_as_well_as_can_be() {
    let mut wrong = scenario("a0", 0, 900);
    wrong.scale = u32::MAX;
    wrong.ratio = f64::NAN;
    wrong.campaign.templates = 0;
    wrong.campaign.stacks = 0;
    wrong.campaign.bank = 0;
    wrong.campaign.share = -1.0;
    wrong.campaign.per_day = f64::INFINITY;
    wrong.campaign.begins = u32::MAX;
    assert!(!wrong.validate().is_empty());
    let mut count = 0;
    run(&wrong, Set::Development, |_, _| {
        count += 1;
        count < 1_000
    });
}
