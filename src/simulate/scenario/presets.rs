//! The scenarios that have names.

use super::{Addresses, Answers, Campaign, Load, Rhythm, Scenario, Wording};

impl Scenario {
    /// The policy that decides where nobody names another: who is suspected is tagged, and who is convicted is denied.
    pub const POLICY: &'static str = include_str!("policy.json");

    /// All names that [`Scenario::preset`] knows, and what each is, in a line.
    pub const PRESETS: &'static [(&'static str, &'static str)] = &[
        ("none", "honest traffic alone"),
        (
            "a0",
            "one template, one kind of client, forty networks, an even load",
        ),
        (
            "a1",
            "as a0, with twelve kinds of client and another person's address each time",
        ),
        ("a2-10", "as a1, with 10 templates"),
        ("a2-100", "as a1, with 100 templates"),
        ("a2-1000", "as a1, with 1,000 templates"),
        ("a2-10000", "as a1, with 10,000 templates"),
        (
            "a2-slots",
            "as a1, with a template of seven slots of eight phrases",
        ),
        (
            "a3",
            "as a1, with instructions that are written anew each time",
        ),
        (
            "a4-90",
            "as a1, with 10 templates; 90 % of what its keys send is its own",
        ),
        (
            "a4-50",
            "as a1, with 10 templates; 50 % of what its keys send is its own",
        ),
        (
            "a4-25",
            "as a1, with 10 templates; 25 % of what its keys send is its own",
        ),
        (
            "a4-10",
            "as a1, with 10 templates; 10 % of what its keys send is its own",
        ),
        (
            "a5",
            "as a1, with 10 templates, in the prompt and tags of a popular agent",
        ),
        (
            "a6",
            "as a1, with 10 templates; a key that was refused three times is replaced",
        ),
        (
            "a7",
            "as a1, with 10 templates; 130,000 keys of 5 interactions a day",
        ),
        (
            "a8",
            "as a1, asking for trajectories with tools by 100 templates",
        ),
        ("a9", "as a1, with bare questions"),
        (
            "quiet",
            "one template, and networks, ages, parameters and answers as people's",
        ),
        ("human", "as quiet, with sessions and a load as people's"),
    ];

    /// A scenario by its name: see [`Scenario::PRESETS`].
    #[must_use]
    pub fn preset(name: &str) -> Option<Self> {
        let (name, _) = Self::PRESETS.iter().find(|(known, _)| *known == name)?;
        Some(Self {
            name: (*name).to_owned(),
            campaign: campaign(name),
            ..Self::default()
        })
    }
}

fn campaign(name: &str) -> Campaign {
    let naive = Campaign::default();
    let rotating = Campaign {
        stacks: 12,
        addresses: Addresses::Rotating,
        ..Campaign::default()
    };
    let quiet = Campaign {
        stacks: 12,
        addresses: Addresses::Own,
        young: 0.0,
        verified: 0.1,
        answers: Answers::Ordinary,
        ..Campaign::default()
    };
    let templates = |templates| Campaign {
        templates,
        ..rotating.clone()
    };
    let worded = |wording| Campaign {
        wording,
        ..rotating.clone()
    };
    let mixed = |share| Campaign {
        share,
        ..templates(10)
    };
    match name {
        "none" => Campaign { keys: 0, ..naive },
        "a1" => rotating,
        "a2-10" => templates(10),
        "a2-100" => templates(100),
        "a2-1000" => templates(1_000),
        "a2-10000" => templates(10_000),
        "a2-slots" => worded(Wording::Slots),
        "a3" => worded(Wording::Rewritten),
        "a4-90" => mixed(0.9),
        "a4-50" => mixed(0.5),
        "a4-25" => mixed(0.25),
        "a4-10" => mixed(0.1),
        "a5" => Campaign {
            cloaked: true,
            ..templates(10)
        },
        "a6" => Campaign {
            replaced_after: 3,
            ..templates(10)
        },
        "a7" => Campaign {
            keys: 130_000,
            per_day: 5.0,
            ..templates(10)
        },
        "a8" => Campaign {
            agentic: true,
            ..templates(100)
        },
        "a9" => worded(Wording::Bare),
        "quiet" => quiet,
        "human" => Campaign {
            load: Load::HeavyTailed,
            rhythm: Rhythm::Human,
            ..quiet
        },
        _ => naive,
    }
}
