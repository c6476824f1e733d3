//! Whether a request is a campaign's, what follows from that, and what it showed that may be evidence.

use core::hash::Hasher as _;

use serde::{Deserialize, Serialize};

use super::findings::Findings;
use super::{Content, Decision, Engine, Text};
use crate::campaign::{Book, Flags, Match, Observation};
use crate::dialect::Api;
use crate::dialect::request::Prompt;
use crate::exchange::{Exchange, Now};
use crate::policy::Trait;
use crate::policy::campaigns::Campaigns;
use crate::template::{Folded, Template};
use crate::traits::Traits;
use crate::verdict::{Reason, Verdict};

/// What is known of a request whose prompt was read.
#[derive(Default)]
pub(super) struct Known<'a> {
    /// The prompt, and what it is made of.
    prompt: Option<(&'a Prompt, Template)>,
    /// The feature of the conversation's beginning by which that is known, if it is not by what is asked now; 0 for none.
    opening: u64,
    /// The campaign that it is part of.
    pub(super) found: Option<Match>,
}

/// What a prompt is made of: hashes, of which nobody without the secret can make anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sample {
    /// What is asked now.
    pub template: Template,
    /// What the conversation began with, if it goes on.
    pub opening: Option<Template>,
}

impl Engine {
    /// Whether campaigns may be found in a request like this: one that has a prompt, and asks for an answer to it.
    pub(super) fn watches(&self, exchange: &Exchange<'_>) -> bool {
        let watched = |campaigns: &Campaigns| campaigns.scope.may_cover(exchange);
        if exchange.method != b"POST" || !self.policy.campaigns.as_ref().is_some_and(watched) {
            return false;
        }
        let dialect = self.policy.dialect_of(exchange);
        !matches!(Api::of(dialect, exchange.path), Api::Free | Api::Embeddings)
    }

    /// What the prompt of a request is made of, for a host that decides where its body is not; `None` if nobody wants to know.
    #[must_use]
    pub fn sample(&self, exchange: &Exchange<'_>, prompt: &Prompt, body: &[u8]) -> Option<Sample> {
        let sampler = self.sampler.as_ref().filter(|_| self.watches(exchange))?;
        let mut folded = Folded::default();
        Some(Sample {
            template: sampler.read(body, prompt, &mut folded),
            opening: sampler.read_opening(body, prompt, &mut folded),
        })
    }

    /// Looks at the prompt of a request, if campaigns are looked for and there is one.
    pub(super) fn recognise<'a>(
        &self,
        exchange: &Exchange<'_>,
        content: Content<'a>,
        book: &Book,
        now: Now,
    ) -> Known<'a> {
        let (Content::Read(prompt, text), Some(sampler)) = (content, &self.sampler) else {
            return Known::default();
        };
        let campaigns = self.policy.campaigns.as_ref();
        if !self.watches(exchange) || !campaigns.is_some_and(|it| it.scope.covers(exchange)) {
            return Known::default();
        }
        let mut folded = Folded::default();
        let template = match text {
            Text::Bytes(body) => sampler.read(body, prompt, &mut folded),
            Text::Sampled(Some(sample)) => sample.template,
            Text::Sampled(None) => return Known::default(),
        };
        let mut found = book.find(&template, now.steady);
        let mut opening = 0;
        if found.is_none() && !book.is_empty() {
            let begun = match text {
                Text::Bytes(body) => sampler.read_opening(body, prompt, &mut folded),
                Text::Sampled(sample) => sample.and_then(|sample| sample.opening),
            };
            found = begun.and_then(|template| book.find(&template, now.steady));
            opening = found.map_or(0, |found| found.feature);
        }
        Known {
            prompt: Some((prompt, template)),
            opening,
            found: found.filter(|found| {
                campaigns.is_none_or(|campaigns| !campaigns.acquitted.contains(&found.campaign))
            }),
        }
    }

    /// Holds the campaign that a request is part of against it; answers which that is. An account under contract is part of
    /// none.
    pub(super) fn answer(
        &self,
        known: &Known<'_>,
        traits: &mut Traits<'_>,
        findings: &mut Findings,
    ) -> Option<Match> {
        let (found, campaigns) = (known.found?, self.policy.campaigns.as_ref()?);
        if says(traits, campaigns.facts.contract) {
            return None;
        }
        traits.note_campaign(Some(found.campaign));
        let verified = says(traits, campaigns.facts.verified);
        for (place, step) in campaigns.steps.iter().enumerate() {
            // Who is verified has done what he is asked for.
            if step.at > found.stage || verified && step.then == Verdict::Verify {
                continue;
            }
            // A budget that is held back would be charged, and refuse.
            if step.budget.is_none() || !found.held_back {
                findings.campaign(place, step, campaigns.shadow || found.held_back);
            }
        }
        Some(found)
    }

    /// Takes down what a request showed, for when it is known how it ended.
    pub(super) fn observe(
        &self,
        known: &Known<'_>,
        traits: &mut Traits<'_>,
        decision: &mut Decision,
        now: Now,
    ) {
        let (Some((prompt, template)), Some(campaigns)) = (&known.prompt, &self.policy.campaigns)
        else {
            return;
        };
        let refused = decision.reason == Reason::Campaign && !decision.verdict.passes();
        if !refused && !decision.verdict.passes() || *template == Template::default() {
            return;
        }
        if says(traits, campaigns.facts.contract) {
            return;
        }
        let mut observation = Observation::of(template);
        observation.opening = known.opening;
        observation.key = traits.key().0;
        observation.at = u32::try_from(now.steady / 1_000).unwrap_or(u32::MAX);
        observation.network = short(traits.hash_of(Trait::Network));
        observation.stack = self.stack(traits);
        observation.parameters = self.parameters(traits.exchange(), prompt);
        observation.org = campaigns
            .facts
            .org
            .map_or(0, |fact| short(traits.hash_of(Trait::Fact(fact))));
        observation.age = campaigns
            .facts
            .age
            .and_then(|fact| days(traits.fact(fact)))
            .unwrap_or(0);
        observation.turns = u16::try_from(prompt.turns).unwrap_or(u16::MAX);
        let verified = says(traits, campaigns.facts.verified);
        observation.flags = Flags::default()
            .with(Flags::VERIFIED, verified)
            .with(Flags::REFUSED, refused);
        decision.reservation.observation = Some(Box::new(observation));
    }

    /// What the client is, all in one.
    fn stack(&self, traits: &mut Traits<'_>) -> u32 {
        let mut hasher = self.secret.hasher();
        hasher.write_u64(traits.shape());
        hasher.write_u64(traits.hash_of(Trait::Agent).unwrap_or_default());
        let ja4 = self.policy.facts.iter().position(|fact| fact.name == "ja4");
        let ja4 = ja4.and_then(|place| traits.hash_of(Trait::Fact(place)));
        hasher.write_u64(ja4.unwrap_or_default());
        short(Some(hasher.finish()))
    }

    /// What the request asks for beside its text.
    fn parameters(&self, exchange: &Exchange<'_>, prompt: &Prompt) -> u32 {
        let mut hasher = self.secret.hasher();
        hasher.write(exchange.path);
        if let crate::exchange::Model::Named(name) = exchange.model {
            hasher.write(name);
        }
        let numbers = &prompt.numbers;
        for number in [
            numbers.max_tokens,
            numbers.max_completion_tokens,
            numbers.max_output_tokens,
            numbers.settings_max,
            numbers.n,
        ] {
            hasher.write_u64(number.map_or(0, |number| number.saturating_add(1)));
        }
        hasher.write_u8(u8::from(prompt.stream) | (u8::from(prompt.tools) << 1));
        short(Some(hasher.finish()))
    }
}

/// Whether a fact says yes.
fn says(traits: &mut Traits<'_>, fact: Option<usize>) -> bool {
    let said = fact.and_then(|fact| traits.fact(fact));
    said.is_some_and(|said| {
        [&b"true"[..], b"1", b"yes"]
            .iter()
            .any(|yes| said.eq_ignore_ascii_case(yes))
    })
}

/// An age in whole days, plus 1; `None` if it is no number.
fn days(text: Option<&[u8]>) -> Option<u16> {
    let text = core::str::from_utf8(text?).ok()?;
    let whole = text.split('.').next()?;
    let days: u32 = whole.trim().parse().ok()?;
    Some(u16::try_from(days).unwrap_or(u16::MAX).saturating_add(1))
}

/// Half of a hash, and never 0; 0 for none.
fn short(hash: Option<u64>) -> u32 {
    hash.map_or(0, |hash| ((hash >> 32) as u32).max(1))
}
