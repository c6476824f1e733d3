use super::*;

#[test]
fn every_preset_is_valid_and_survives_json() {
    for (name, line) in Scenario::PRESETS {
        let scenario = Scenario::preset(name).unwrap();
        assert_eq!(&scenario.name, name);
        assert_eq!(scenario.validate(), Vec::<String>::new(), "{name}");
        assert!(line.len() < 80, "{line}");
        let text = serde_json::to_string(&scenario).unwrap();
        let read: Scenario = serde_json::from_str(&text).unwrap();
        assert_eq!(read, scenario);
    }
    assert_eq!(Scenario::preset("a0"), Some(Scenario::default()));
    assert_eq!(Scenario::preset("b0"), None);
}

#[test]
fn what_a_file_leaves_out_has_a_default() {
    let read: Scenario = serde_json::from_str("{}").unwrap();
    assert_eq!(read, Scenario::default());
    let text =
        r#"{"scale": 1, "honest": {"flash": {"keys": 5}}, "campaign": {"wording": "slots"}}"#;
    let read: Scenario = serde_json::from_str(text).unwrap();
    assert_eq!(read.scale, 1);
    assert_eq!(read.honest["flash"].keys, Some(5));
    assert_eq!(read.campaign.wording, Wording::Slots);
    assert_eq!(read.validate(), Vec::<String>::new());
    for text in [r#"{"scales": 1}"#, r#"{"campaign": {"wording": "loud"}}"#] {
        assert!(serde_json::from_str::<Scenario>(text).is_err());
    }
}

#[test]
fn a_wrong_scenario_gives_sentences() {
    let text = r#"{"scale": 0, "days": 50, "ratio": -1,
        "honest": {"nobody": {}, "heavy": {"groups": 0, "young": 2}},
        "campaign": {"per_day": 0, "share": 0, "templates": 0, "begins": 60, "agentic": true, "wording": "bare"}}"#;
    let scenario: Scenario = serde_json::from_str(text).unwrap();
    let faults = scenario.validate();
    let all = faults.join("\n");
    for part in [
        "scale is 0; it must be 1 to 10000",
        "days is 50",
        "ratio is -1",
        "honest.nobody is no population; there are ordinary, ",
        "honest.heavy.groups is 0",
        "honest.heavy.young is 2",
        "campaign.per_day",
        "campaign.share",
        "campaign.templates",
        "campaign.begins",
        "go with templates only",
    ] {
        assert!(all.contains(part), "{part} is not in:\n{all}");
    }
    assert_eq!(faults.len(), 11, "{all}");
    let infinite = Scenario {
        ratio: f64::NAN,
        ..Scenario::default()
    };
    assert_eq!(infinite.validate().len(), 1);
}
