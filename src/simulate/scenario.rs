//! What is to be simulated, as a file says it. All that is left out has a default, so `{}` is a scenario.

mod presets;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::population::HONEST;

/// The most days; moments are milliseconds of 32 bits.
const MAX_DAYS: u32 = 49;

/// The most times the traffic can be made smaller.
const MAX_SCALE: u32 = 10_000;

/// Honest traffic with a campaign in it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Scenario {
    /// What it is called in reports. `a0` by default.
    pub name: String,
    /// All chance follows from it. 1 by default.
    pub seed: u64,
    /// By how much the numbers of keys are divided, honest or not; what one key does stays as it is. From 1 to 10,000;
    /// 100 by default.
    pub scale: u32,
    /// How long it goes on. From 1 to 49 days; 45 by default.
    pub days: u32,
    /// When it begins, in milliseconds since 1970-01-01T00:00Z. 2026-04-22, a Wednesday, by default.
    pub start: u64,
    /// Honest requests for each of the 640,000 interactions a day that were reported, whatever the campaign here does. 10
    /// by default.
    pub ratio: f64,
    /// What is to be different with honest populations, by their names.
    pub honest: BTreeMap<String, Crowd>,
    /// The campaign.
    pub campaign: Campaign,
}

/// Changes to a population of honest keys; what is absent stays as it is.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Crowd {
    /// How many keys there are at scale 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keys: Option<u32>,
    /// How much of the honest traffic it has; shares that do not add up to 1 are made to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub share: Option<f64>,
    /// How many templates, agents, products, companies or events it consists of, at least 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub groups: Option<u32>,
    /// Which share of the keys that are there at first is younger than 30 days; as many come later.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub young: Option<f64>,
    /// Which share of keys is verified.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verified: Option<f64>,
    /// Which share of keys belongs to an organisation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub organised: Option<f64>,
    /// Which share of keys is under contract.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contract: Option<f64>,
    /// How often a request of a session goes on with the conversation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conversations: Option<f64>,
}

/// Many keys that act as one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Campaign {
    /// How many keys it has at scale 1; 0 for no campaign. 25,000 by default.
    pub keys: u32,
    /// Interactions that it has with one key in a day. 25.6 by default.
    pub per_day: f64,
    /// The day on which it begins. 0 by default, the first.
    pub begins: u32,
    /// Which share of its keys' requests is its own; the rest are other people's. From 0.01 to 1, the default.
    pub share: f64,
    /// How its requests are worded. By templates, by default.
    pub wording: Wording,
    /// How many templates it has, at least 1, the default.
    pub templates: u32,
    /// Whether its requests pretend to be a popular agent's. No by default.
    pub cloaked: bool,
    /// Whether it asks for trajectories of many turns with tools. No by default.
    pub agentic: bool,
    /// How many questions it has. 1,000,000 by default; every fifth of several templates has 20,000.
    pub bank: u32,
    /// How many kinds of client software it shows, at least 1, the default.
    pub stacks: u32,
    /// Where its requests come from. A few networks by default.
    pub addresses: Addresses,
    /// Which share of its keys is younger than 30 days when it begins. 0.95 by default; 0 is as old as ordinary keys.
    pub young: f64,
    /// Which share of its keys is verified. 0.02 by default.
    pub verified: f64,
    /// What answers it asks for. Long ones by default.
    pub answers: Answers,
    /// How its interactions are spread over its keys. Evenly by default.
    pub load: Load,
    /// When its interactions come. As a balancer sends them, by default.
    pub rhythm: Rhythm,
    /// After how many refusals a key is given up for a new one; 0, the default, for never.
    pub replaced_after: u8,
}

/// How a campaign's requests are worded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wording {
    /// A template, at one place or several, and a question.
    Templates,
    /// A template of seven slots, each with eight phrases, and a question.
    Slots,
    /// Instructions that are written anew each time, and a question.
    Rewritten,
    /// A question alone.
    Bare,
}

/// Where a campaign's requests come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Addresses {
    /// Forty networks of data centres.
    Few,
    /// Another person's network with each request.
    Rotating,
    /// One network a key, as people have.
    Own,
}

/// What answers a campaign asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answers {
    /// Long ones of like length, with one set of parameters.
    Long,
    /// As ordinary people's, and their parameters.
    Ordinary,
}

/// How a campaign's interactions are spread over its keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Load {
    /// Evenly.
    Even,
    /// A few keys have most of them, as with people.
    HeavyTailed,
}

/// When a campaign's interactions come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rhythm {
    /// At any time, one by one.
    Balanced,
    /// In sessions, by day, less at weekends.
    Human,
}

impl Default for Scenario {
    fn default() -> Self {
        Self {
            name: String::from("a0"),
            seed: 1,
            scale: 100,
            days: 45,
            start: 1_776_816_000_000,
            ratio: 10.0,
            honest: BTreeMap::new(),
            campaign: Campaign::default(),
        }
    }
}

impl Default for Campaign {
    fn default() -> Self {
        Self {
            keys: 25_000,
            per_day: 25.6,
            begins: 0,
            share: 1.0,
            wording: Wording::Templates,
            templates: 1,
            cloaked: false,
            agentic: false,
            bank: 1_000_000,
            stacks: 1,
            addresses: Addresses::Few,
            young: 0.95,
            verified: 0.02,
            answers: Answers::Long,
            load: Load::Even,
            rhythm: Rhythm::Balanced,
            replaced_after: 0,
        }
    }
}

impl Scenario {
    /// Reads a scenario from JSON.
    ///
    /// # Errors
    /// When it is none; whether it can be simulated [`validate`](Self::validate) says.
    pub fn parse(text: &str) -> Result<Self, String> {
        // Serde would take a list for the fields in their order.
        if !text.trim_start().starts_with('{') {
            return Err(String::from("it is no JSON object"));
        }
        serde_json::from_str(text).map_err(|error| error.to_string())
    }

    /// How long it goes on, in milliseconds.
    #[must_use]
    pub const fn length(&self) -> u64 {
        (self.days as u64).saturating_mul(86_400_000)
    }

    /// What is wrong with it, a sentence each; nothing if it can be simulated.
    #[must_use]
    pub fn validate(&self) -> Vec<String> {
        let mut faults = Faults::default();
        faults.whole("scale", self.scale, 1, MAX_SCALE);
        faults.whole("days", self.days, 1, MAX_DAYS);
        faults.number("ratio", self.ratio, 0.0, 1_000.0);
        if self.start > 1 << 52 {
            faults.add("start is milliseconds since 1970, and this is no time near ours");
        }
        for (name, crowd) in &self.honest {
            if !HONEST.iter().any(|known| known.name == name) {
                let known: Vec<&str> = HONEST.iter().map(|known| known.name).collect();
                faults.add(&format!(
                    "honest.{name} is no population; there are {}",
                    known.join(", ")
                ));
            }
            crowd.validate(name, &mut faults);
        }
        self.campaign.validate(&mut faults);
        if self.campaign.begins >= self.days {
            faults.add("campaign.begins is not one of the days, which count from 0");
        }
        faults.0
    }
}

impl Crowd {
    fn validate(&self, name: &str, faults: &mut Faults) {
        let mut whole = |field: &str, value: Option<u32>, least, most| {
            if let Some(value) = value {
                faults.whole(&format!("honest.{name}.{field}"), value, least, most);
            }
        };
        whole("keys", self.keys, 0, 10_000_000);
        whole("groups", self.groups, 1, 10_000);
        for (field, value) in [
            ("share", self.share),
            ("young", self.young),
            ("verified", self.verified),
            ("organised", self.organised),
            ("contract", self.contract),
            ("conversations", self.conversations),
        ] {
            if let Some(value) = value {
                faults.number(&format!("honest.{name}.{field}"), value, 0.0, 1.0);
            }
        }
    }
}

impl Campaign {
    fn validate(&self, faults: &mut Faults) {
        faults.whole("campaign.keys", self.keys, 0, 1_000_000);
        faults.whole("campaign.templates", self.templates, 1, 100_000);
        faults.whole("campaign.bank", self.bank, 1, u32::MAX);
        faults.whole("campaign.stacks", self.stacks, 1, 1_000);
        faults.number("campaign.per_day", self.per_day, 0.01, 100_000.0);
        faults.number("campaign.share", self.share, 0.01, 1.0);
        faults.number("campaign.young", self.young, 0.0, 1.0);
        faults.number("campaign.verified", self.verified, 0.0, 1.0);
        if self.wording != Wording::Templates && (self.cloaked || self.agentic) {
            faults.add("campaign.cloaked and campaign.agentic go with templates only");
        }
        if self.cloaked && self.agentic {
            faults.add("campaign.cloaked and campaign.agentic do not go together");
        }
    }
}

/// Sentences about what is wrong.
#[derive(Default)]
struct Faults(Vec<String>);

impl Faults {
    fn add(&mut self, sentence: &str) {
        self.0.push(sentence.to_owned());
    }

    fn whole(&mut self, field: &str, value: u32, least: u32, most: u32) {
        if !(least..=most).contains(&value) {
            self.0
                .push(format!("{field} is {value}; it must be {least} to {most}"));
        }
    }

    fn number(&mut self, field: &str, value: f64, least: f64, most: f64) {
        // What is no number is in no range.
        if !(least..=most).contains(&value) {
            self.0
                .push(format!("{field} is {value}; it must be {least} to {most}"));
        }
    }
}

#[cfg(test)]
mod tests;
