#![expect(
    clippy::arithmetic_side_effects,
    reason = "a test that overflows should stop and say so"
)]

use super::*;

use core::net::Ipv4Addr;

const START: Millis = 20_000 * DAY;

fn request(t: Millis, key: u32) -> Request {
    let mut request = Request::default();
    request.t = START + t;
    request.key = key;
    request.source = IpAddr::V4(Ipv4Addr::from_bits(key << 8));
    request.ja4 = if key.is_multiple_of(2) { "even" } else { "odd" };
    request
}

fn asking(key: u32, system: &str, text: &str) -> Request {
    let body = serde_json::json!({"messages": [
        {"role": "system", "content": system}, {"role": "user", "content": text}]});
    let mut request = request(0, key);
    request.body = body.to_string().into_bytes();
    request
}

/// Which of the first requests a rule refuses.
fn refused(rule: &str, requests: impl IntoIterator<Item = Request>) -> Vec<usize> {
    let bit = RULES.iter().position(|(name, _)| *name == rule).unwrap();
    let mut baselines = Baselines::new(10_000, Secret::new(b"any"));
    let verdicts = requests
        .into_iter()
        .map(|request| baselines.judge(&request, None));
    let verdicts: Vec<u16> = verdicts.collect();
    let refused = verdicts.iter().enumerate();
    refused
        .filter(|(_, bits)| **bits & (1 << bit) != 0)
        .map(|(place, _)| place)
        .collect()
}

#[test]
fn a_key_has_a_number_for_each_minute_and_day() {
    let burst = (0..62).map(|_| request(0, 1)).chain([request(MINUTE, 1)]);
    assert_eq!(refused("60/min", burst), [60, 61]);
    let slow = (0..102).map(|n| request(n * MINUTE, 1));
    let slow = slow.chain([request(200 * MINUTE, 2), request(DAY, 1)]);
    assert_eq!(refused("100/day", slow), [100, 101]);
}

#[test]
fn a_network_has_a_number_for_each_day() {
    let near = |n: u32| {
        let mut request = request(0, n);
        request.source = IpAddr::V4(Ipv4Addr::new(192, 0, 2, (n % 256) as u8));
        request
    };
    let requests = (0..1_002).map(near).chain([request(DAY, 0)]);
    assert_eq!(refused("/24", requests), [1_000, 1_001]);
}

#[test]
fn a_ja4_of_many_keys_is_refused_until_the_day_is_over() {
    let even = (0..1_001).map(|n| request(0, n * 2));
    let requests = even.chain([request(0, 0), request(0, 1), request(DAY, 0)]);
    assert_eq!(refused("ja4", requests), [1_000, 1_001]);
}

#[test]
fn a_system_text_of_many_keys_is_refused() {
    let long = "You are a patient gardener. ".repeat(100);
    let shared = (0..65).map(|key| asking(key, &long, "hello"));
    let requests = shared.chain([asking(3, &long, "x"), asking(4, "Another", "x")]);
    assert_eq!(refused("system", requests), [64, 65]);
    let one = (0..80).map(|_| asking(1, &long, "hello"));
    assert_eq!(refused("system", one), [] as [usize; 0]);
}

#[test]
fn a_template_is_refused_from_then_on() {
    let frame = "Solve the following exercise with great care, and show all steps:";
    let at_head = |key: u32| asking(key, "", &format!("{frame} {}", "ab ".repeat(key as usize)));
    let at_tail = |key: u32| asking(key, "", &format!("{} {frame}", "ab ".repeat(key as usize)));
    let tomorrow = |key| {
        let mut request = at_head(key);
        request.t += DAY;
        request
    };
    let requests = (0..66).map(at_head).chain([tomorrow(1)]);
    assert_eq!(refused("template", requests), [63, 64, 65, 66]);
    assert_eq!(refused("template", (0..64).map(at_tail)), [63]);
    assert_eq!(
        refused("template", (0..64).map(|n| asking(n, "", "short"))),
        [] as [usize; 0]
    );
}

#[test]
fn what_an_engine_has_seen_is_what_would_be_read() {
    let secret = Secret::new(b"any");
    let system = "You are a patient gardener.";
    let text =
        "Which of these bulbs may I plant before the first frost, and how deep should they go?";
    let request = asking(1, system, text);
    let prompt = request::read(&request.body).unwrap();
    let template = Sampler::new(secret).read(&request.body, &prompt, &mut Folded::default());
    let seen = Observation::of(&template);
    let mut baselines = Baselines::new(100, secret);
    let read = baselines.know(&request.body);
    assert_eq!(read, Known::of(seen.system, &seen.anchors));
    assert!(read.system != 0 && read.ends.iter().all(|&end| end != 0));
}
