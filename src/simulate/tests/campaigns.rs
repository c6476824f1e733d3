use std::collections::{BTreeMap, BTreeSet};

use super::{last_user, run, scenario, system};
use crate::simulate::{Request, Scenario, Set, Texts, World};
use serde_json::Value;

/// The campaign's own requests: whose, which template and what body.
fn interactions(scenario: &Scenario, set: Set, most: usize) -> Vec<(u32, u32, Value)> {
    let mut all = Vec::new();
    run(scenario, set, |world, request| {
        if request.interaction {
            assert!(world.populations()[usize::from(request.population)].campaign);
            let body = serde_json::from_slice(&request.body).unwrap();
            all.push((request.key, request.template, body));
        }
        all.len() < most
    });
    all
}

/// All stretches of 24 bytes.
fn windows(text: &str) -> BTreeSet<&[u8]> {
    text.as_bytes().windows(24).collect()
}

#[test]
fn as_many_templates_as_were_asked_for_are_at_all_places() {
    let all = interactions(&scenario("a2-100", 500, 3), Set::HeldOut, 3_000);
    let mut texts = BTreeMap::<u32, Vec<(String, String)>>::new();
    for (_, template, body) in &all {
        texts
            .entry(*template)
            .or_default()
            .push((system(body), last_user(body)));
    }
    assert_eq!(texts.len(), 100);
    let mut places = [0; 4];
    for of in texts.values() {
        let (first, second) = (&of[0], &of[1]);
        let same_start = first.1.as_bytes()[..24] == second.1.as_bytes()[..24];
        let end = |text: &str| text.as_bytes()[text.len() - 24..].to_vec();
        let same_end = end(&first.1) == end(&second.1);
        let common = windows(&first.1).intersection(&windows(&second.1)).count();
        if !first.0.is_empty() {
            assert_eq!(first.0, second.0);
            places[0] += 1;
        } else {
            assert!(common > 20, "{first:?} {second:?}");
            places[1] += i32::from(same_start);
            places[2] += i32::from(same_end);
            places[3] += i32::from(!same_start && !same_end);
        }
    }
    assert!((15..35).contains(&places[0]), "{places:?}");
    assert!(places.iter().all(|&count| count > 5), "{places:?}");
}

#[test]
fn templates_share_little_with_each_other() {
    for set in [Set::Development, Set::HeldOut] {
        let all = interactions(&scenario("a2-1000", 500, 5), set, 3_000);
        let mut systems: Vec<String> = all.iter().map(|(_, _, body)| system(body)).collect();
        systems.sort();
        systems.dedup();
        systems.retain(|text| !text.is_empty());
        let mut seen = BTreeMap::<&[u8], u32>::new();
        for text in &systems {
            for window in windows(text) {
                *seen.entry(window).or_default() += 1;
            }
        }
        let common = seen.values().max().copied().unwrap();
        assert!(
            systems.len() > 100 && common <= 8,
            "{} {common}",
            systems.len()
        );
    }
}

#[test]
fn what_is_rewritten_shares_nothing() {
    let all = interactions(&scenario("a3", 500, 1), Set::HeldOut, 1_000);
    let texts: Vec<String> = all.iter().map(|(_, _, body)| last_user(body)).collect();
    let mut seen = BTreeMap::<&[u8], u32>::new();
    for text in &texts {
        for window in windows(text) {
            *seen.entry(window).or_default() += 1;
        }
    }
    let shared = seen.values().filter(|&&count| count > 2).count();
    assert!(shared * 200 < seen.len(), "{shared} of {}", seen.len());
}

#[test]
fn slots_hold_eight_phrases_each() {
    let all = interactions(&scenario("a2-slots", 500, 2), Set::Development, 2_000);
    let firsts = all
        .iter()
        .map(|(_, _, body)| last_user(body).chars().take(24).collect::<String>());
    assert_eq!(firsts.collect::<BTreeSet<String>>().len(), 8);
}

#[test]
fn a_cloaked_campaign_looks_like_an_agent() {
    let all = interactions(&scenario("a5", 500, 1), Set::Development, 200);
    for (_, _, body) in &all {
        assert!(last_user(body).starts_with("<user_query>"));
        assert!(system(body).contains("Working directory: /home/"));
        assert!(body["tools"].as_array().unwrap().len() == 4);
    }
}

#[test]
fn an_agentic_campaign_repeats_its_task_while_tools_run() {
    let all = interactions(&scenario("a8", 2_500, 5), Set::HeldOut, 800);
    let mut last = BTreeMap::<u32, String>::new();
    let mut same = 0;
    for (key, _, body) in &all {
        let said = last_user(body);
        same += usize::from(last.get(key) == Some(&said));
        last.insert(*key, said);
    }
    assert!(same * 2 > all.len(), "{same} of {}", all.len());
}

#[test]
fn a_mixed_campaign_has_its_share_of_its_keys() {
    for (name, share) in [
        ("a4-90", 0.9),
        ("a4-50", 0.5),
        ("a4-25", 0.25),
        ("a4-10", 0.1),
    ] {
        let (mut own, mut all) = (0, 0);
        let scenario = scenario(name, 2_000, 3);
        run(&scenario, Set::Development, |world, request| {
            if world.populations()[usize::from(request.population)].campaign {
                all += 1;
                own += u32::from(request.interaction);
            }
            true
        });
        let made = f64::from(own) / f64::from(all);
        assert!((made / share - 1.0).abs() < 0.25, "{name} {made}");
        let interactions = f64::from(own) / (13.0 * 25.6 * 3.0);
        assert!((0.9..1.1).contains(&interactions), "{name} {interactions}");
    }
}

#[test]
fn a_refused_key_is_replaced_and_an_honest_request_is_sent_again() {
    let scenario = scenario("a6", 2_000, 1);
    let mut world = World::new(&scenario, &Texts::grammar(Set::Development, 1), &[]);
    let before = world.keys();
    let mut request = Request::default();
    let mut refusals = BTreeMap::<u32, u32>::new();
    let mut refused = Vec::new();
    let mut again = 0;
    let mut last = 0;
    while world.next(&mut request) {
        assert!(request.t >= last);
        last = request.t;
        if request.interaction {
            *refusals.entry(request.key).or_default() += 1;
            assert!(refusals[&request.key] <= 3);
            if request.key >= before {
                assert!(request.account.age_days < 2 && !request.account.verified);
            }
        } else if request.from.tries == 1 {
            again += usize::from(refused.contains(&request.body));
        } else if refused.len() < 200 {
            refused.push(request.body.clone());
        }
        world.answered(&request, false);
    }
    assert!(world.keys() > before + 60, "{} {before}", world.keys());
    assert!(again > 50, "{again}");
}

#[test]
fn a_quiet_campaign_has_networks_of_its_own() {
    let mut networks = BTreeMap::<u32, BTreeSet<String>>::new();
    run(
        &scenario("quiet", 2_000, 3),
        Set::Development,
        |_, request| {
            if request.interaction {
                let of = networks.entry(request.key).or_default();
                of.insert(request.source.to_string());
            }
            true
        },
    );
    assert!(networks.values().all(|of| of.len() <= 2));
    let all: BTreeSet<&String> = networks.values().flatten().collect();
    assert!(all.len() >= networks.len());
}
