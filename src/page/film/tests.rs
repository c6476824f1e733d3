use bytemuck::Zeroable as _;
use proptest::prelude::*;

use super::*;
use crate::policy::campaigns::Stage;

fn people() -> Vec<Person> {
    [("interactions", Kind::Campaign), ("ordinary", Kind::Honest)]
        .map(|(name, kind)| Person {
            name: name.to_owned(),
            kind,
        })
        .to_vec()
}

fn scene(t: Millis, group: usize, key: u64, fate: Fate) -> Scene<'static> {
    Scene {
        t,
        group,
        key: Some(key),
        verdict: if fate == Fate::Refused {
            Verdict::Deny
        } else {
            Verdict::Allow
        },
        fate,
        campaign: None,
        shown: None,
    }
}

fn case(id: u64, stage: Stage, requests: u64, score: i32) -> Case {
    Case {
        id,
        stage,
        first: 1_000,
        last: 2_000,
        since: 1_500,
        keys: 70,
        requests,
        features: 3,
        score,
        families: 3,
        reasons: vec![("spread", 25), ("heavy_tail", -30)],
        held_back: false,
    }
}

#[test]
fn what_was_done_goes_before_what_would_have_been() {
    for (did, would, fate) in [
        (Verdict::Allow, None, Fate::Passed),
        (Verdict::Allow, Some(Verdict::Tag), Fate::Passed),
        (Verdict::Tag, None, Fate::Tagged),
        (Verdict::Tag, Some(Verdict::Deny), Fate::Would),
        (Verdict::Allow, Some(Verdict::Throttle), Fate::Would),
        (Verdict::Throttle, Some(Verdict::Deny), Fate::Refused),
        (Verdict::Verify, None, Fate::Refused),
    ] {
        assert_eq!(Fate::from_verdicts(did, would), fate, "{did:?} {would:?}");
    }
}

#[test]
fn requests_are_counted_by_group_frame_and_fate() {
    // A day in frames of five minutes.
    let mut film = Film::new(people(), Some(86_400_000));
    let start = 1_776_816_000_000;
    assert!(film.take(&scene(start + 10, 0, 1, Fate::Passed)));
    assert!(!film.take(&scene(start + 20, 0, 2, Fate::Refused)));
    assert!(film.take(&scene(start + 600_000, 0, 2, Fate::Tagged)));
    assert!(film.take(&scene(start + 900_000, 1, 3, Fate::Would)));
    // What comes late belongs where it belongs, and what comes before the beginning to the first.
    assert!(!film.take(&scene(start + 300_000, 1, 3, Fate::Passed)));
    assert!(!film.take(&scene(start - 5_000, 1, 4, Fate::Passed)));
    let timing = film.timing();
    assert_eq!(
        (timing.start, timing.step, timing.frames),
        (start, 300_000, 4)
    );
    let series = film.series();
    assert_eq!(series[0].requests, [2, 0, 1, 0]);
    assert_eq!(series[0].refused, [1, 0, 0, 0]);
    assert_eq!(series[0].tagged, [0, 0, 1, 0]);
    assert_eq!(series[1].would, [0, 0, 0, 1]);
    assert_eq!(series[0].keys.as_deref(), Some(&[2, 2, 2, 2][..]));
    assert_eq!(series[0].keys_refused.as_deref(), Some(&[1, 1, 1, 1][..]));
    // Nobody is counted sooner because somebody came late.
    assert_eq!(series[1].keys.as_deref(), Some(&[1, 2, 2, 2][..]));
    assert_eq!(film.verdicts().deny, [1, 0, 0, 0]);
    assert_eq!(film.verdicts().allow, [2, 1, 1, 1]);
}

#[test]
fn where_keys_are_not_named_none_are_told() {
    let mut film = Film::new(people(), None);
    film.take(&Scene {
        key: None,
        ..scene(5_000, 0, 0, Fate::Passed)
    });
    assert_eq!(film.series()[0].keys, None);
    film.take(&scene(5_000, 1, 7, Fate::Passed));
    assert_eq!(film.series()[0].keys.as_deref(), Some(&[0][..]));
}

proptest! {
    /// However long it goes on: no more frames than there is room for, and nobody is lost when they are joined.
    #[test]
    fn frames_are_few_and_nobody_is_lost(moments in prop::collection::vec((0_u64..4_000_000_000, 0_u64..50), 1..300), length in prop::option::of(1_u64..4_000_000_000)) {
        let mut film = Film::new(people(), length);
        for (t, key) in &moments {
            film.take(&scene(*t, (key % 2) as usize, *key, if key % 3 == 0 { Fate::Refused } else { Fate::Passed }));
        }
        let timing = film.timing();
        prop_assert!(timing.frames <= 480);
        let latest = moments.iter().map(|(t, _)| *t).max().unwrap();
        let span = timing.step.saturating_mul(timing.frames as u64);
        prop_assert!(timing.start.saturating_add(span) > latest);
        let sum = |list: &[u32]| list.iter().map(|it| u64::from(*it)).sum::<u64>();
        let series = film.series();
        prop_assert_eq!(series.iter().map(|it| sum(&it.requests)).sum::<u64>(), moments.len() as u64);
        let refused = moments.iter().filter(|(_, key)| key % 3 == 0).count() as u64;
        prop_assert_eq!(series.iter().map(|it| sum(&it.refused)).sum::<u64>(), refused);
        prop_assert_eq!(sum(&film.verdicts().deny), refused);
        for of in &series {
            let keys = of.keys.as_ref().unwrap();
            prop_assert_eq!(keys.len(), timing.frames);
            prop_assert!(keys.is_sorted());
        }
        let keys: std::collections::BTreeSet<u64> = moments.iter().map(|(_, key)| *key).collect();
        let told: u64 = series.iter().map(|it| *it.keys.as_ref().unwrap().last().unwrap()).sum();
        prop_assert_eq!(told, keys.len() as u64);
    }
}

#[test]
fn a_campaign_has_a_history_from_its_suspicion_to_its_end() {
    let mut film = Film::new(people(), Some(3_600_000));
    let templates = |_| vec![255];
    film.look(&[case(7, Stage::Suspect, 100, 80)], 10_000, templates);
    // Nobody would see the difference.
    film.look(&[case(7, Stage::Suspect, 101, 80)], 20_000, templates);
    film.look(&[case(7, Stage::Convicted, 200, 110)], 30_000, templates);
    film.take(&Scene {
        campaign: Some(7),
        ..scene(35_000, 0, 1, Fate::Refused)
    });
    film.look(&[], 40_000, templates);
    film.look(&[], 50_000, templates);
    let campaigns = film.campaigns();
    assert_eq!(campaigns.len(), 1);
    let campaign = &campaigns[0];
    assert_eq!(
        (campaign.id.as_str(), campaign.templates.as_slice()),
        (
            "c-0000000000000007",
            &[String::from("00000000000000ff")][..]
        )
    );
    assert_eq!(
        (
            campaign.requests_known,
            campaign.refused,
            campaign.whose.as_slice()
        ),
        (1, 1, &[1, 0][..])
    );
    let moments: Vec<(Millis, &str, f64)> = campaign
        .history
        .iter()
        .map(|it| (it.t, it.stage, it.score))
        .collect();
    assert_eq!(
        moments,
        [
            (10_000, "suspect", 8.0),
            (30_000, "convicted", 11.0),
            (40_000, "closed", 11.0)
        ]
    );
    let written = serde_json::to_value(&campaign.history[1]).unwrap();
    assert_eq!(
        written["terms"],
        serde_json::json!({"spread": 2.5, "heavy_tail": -3.0})
    );
    assert_eq!(written["first"], 1_000);
}

#[test]
fn a_campaign_that_changes_all_the_time_has_a_history_of_bounded_length() {
    let mut film = Film::new(people(), None);
    for step in 0..5_000_u64 {
        let stage = if step % 2 == 0 {
            Stage::Suspect
        } else {
            Stage::Convicted
        };
        film.look(&[case(1, stage, 10, 80)], step * 1_000, |_| Vec::new());
    }
    let history = &film.campaigns()[0].history;
    assert!(history.len() <= 512, "{}", history.len());
    assert_eq!(
        (history[0].t, history.last().map(|it| it.t)),
        (0, Some(4_999_000))
    );
    assert!(history.is_sorted_by_key(|it| it.t));
}

#[test]
fn histories_are_bounded() {
    let mut film = Film::new(people(), None);
    for step in 0..3_000_u64 {
        let requests = 1 << (step % 40);
        film.look(
            &[case(1, Stage::Suspect, requests, 80)],
            step * 1_000,
            |_| Vec::new(),
        );
    }
    for id in 2..3_000 {
        film.look(&[case(id, Stage::Suspect, 1, 80)], 3_000_000, |_| {
            Vec::new()
        });
    }
    let campaigns = film.campaigns();
    assert!(campaigns.len() <= 1_024);
    let first = campaigns.iter().find(|it| it.id.ends_with('1')).unwrap();
    assert!(first.history.len() <= 513, "{}", first.history.len());
    assert_eq!(first.history[0].t, 0);
    assert!(first.history.is_sorted_by_key(|it| it.t));
}

fn shown(key: u64, template: u64, seed: u64) -> Observation {
    let mut shown = Observation::zeroed();
    shown.key = key;
    shown.whole = seed;
    shown.anchors[2] = template;
    shown
}

#[test]
fn the_picture_has_the_keys_of_a_campaign_together() {
    let mut film = Film::new(people(), Some(3_600_000));
    let mut take = |key, template, group, fate, t| {
        let shown = shown(key, template, t);
        film.take(&Scene {
            shown: Some(&shown),
            ..scene(t, group, key, fate)
        });
    };
    for key in 0..20 {
        take(1_000 + key, 77, 0, Fate::Refused, 1_000 + key);
        take(1_000 + key, 77, 0, Fate::Refused, 61_000 + key);
        take(2_000 + key, 88, 1, Fate::Passed, 2_000 + key);
    }
    // What only two keys share is no template.
    take(1_000, 99, 0, Fate::Passed, 3_000);
    take(2_000, 99, 1, Fate::Passed, 3_001);
    let picture = film.picture(&[(77, 5)]);
    let rows: Vec<(&str, Option<&str>, usize)> = picture
        .rows
        .iter()
        .map(|row| (row.template.as_str(), row.campaign.as_deref(), row.keys))
        .collect();
    assert_eq!(
        rows,
        [
            ("000000000000004d", Some("c-0000000000000005"), 20),
            ("0000000000000058", None, 20)
        ]
    );
    assert_eq!(picture.columns.len(), 40);
    assert!(picture.columns[..20].iter().all(|column| column.group == 0));
    let cells: Vec<&[u32]> = picture.cells.chunks(5).collect();
    assert_eq!(cells.iter().map(|cell| cell[4]).sum::<u32>(), 60);
    for cell in cells {
        let [row, column, frame, fate, _] = cell else {
            panic!("five numbers a cell")
        };
        assert_eq!(
            (*row == 0, *fate == 2),
            (*column < 20, *column < 20),
            "{cell:?}"
        );
        assert!((*frame as usize) < film.timing().frames);
    }
}

#[test]
fn the_picture_is_a_sample_of_so_much() {
    let mut film = Film::new(people(), Some(86_400_000));
    for index in 0..200_000_u64 {
        let key = crate::traits::mix(index % 5_000);
        let template = 1 + index % 300;
        let shown = shown(key, template, index);
        film.take(&Scene {
            shown: Some(&shown),
            ..scene(index * 400, usize::from(index % 10 != 0), key, Fate::Passed)
        });
    }
    let picture = film.picture(&[]);
    assert_eq!((picture.rows.len(), picture.columns.len()), (48, 240));
    let kept = film.sketch_len();
    assert!(kept <= 1 << 16, "{kept}");
}

#[test]
fn each_frame_begins_once_also_after_frames_were_joined() {
    let mut film = Film::new(people(), None);
    let mut take = |second: u64| film.take(&scene(second * 1_000, 1, 1, Fate::Passed));
    assert!((0..480).all(&mut take));
    // From here on a frame is two seconds.
    let began: Vec<bool> = (480..486).map(take).collect();
    assert_eq!(began, [true, false, true, false, true, false]);
}

#[test]
fn what_a_campaign_is_known_by_goes_before_what_more_keys_share() {
    let mut film = Film::new(people(), Some(3_600_000));
    for key in 0..40_u64 {
        // A popular agent's system text, in which some have a template.
        let mut shown = shown(1_000 + key, if key < 20 { 77 } else { 0 }, key);
        shown.system = 55;
        film.take(&Scene {
            shown: Some(&shown),
            ..scene(1_000 + key, usize::from(key >= 20), shown.key, Fate::Passed)
        });
    }
    let rows = |convicted: &[(u64, u64)]| -> Vec<(String, usize)> {
        let rows = film.picture(convicted).rows.into_iter();
        rows.map(|row| (row.template, row.keys)).collect()
    };
    let [template, system] = [77_u64, 55].map(|hash| format!("{hash:016x}"));
    assert_eq!(rows(&[]), [(system.clone(), 40)]);
    assert_eq!(rows(&[(77, 5)]), [(template, 20), (system, 20)]);
}
