//! What a request is recognised by: its traits, each read at most once, and only when a rule asks for it.

use core::fmt::Write as _;
use core::hash::Hasher;
use core::net::IpAddr;

use smallvec::SmallVec;

use crate::agent::{self, Agent, known};
use crate::exchange::{Exchange, Model};
use crate::identity::{Key, Network, Secret};
use crate::policy::check::{Against, Check, Distinct};
use crate::policy::fact::Text;
use crate::policy::list::List;
use crate::policy::{Fact, Kind, Limit, Membership, Place, Policy, Quota, Scope, Subject, Trait};
use crate::shape;

/// The traits of one request.
pub struct Traits<'e> {
    exchange: &'e Exchange<'e>,
    policy: &'e Policy,
    secret: Secret,
    key: Key,
    source: Option<Option<IpAddr>>,
    network: Option<Network>,
    shape: Option<u64>,
    agent: Option<Option<Agent>>,
    /// Facts that were read, by their places.
    facts: SmallVec<[(usize, Option<Text>); 2]>,
    campaign: Option<u64>,
}

impl<'e> Traits<'e> {
    /// The traits of a request that is this key's.
    #[must_use]
    pub fn new(exchange: &'e Exchange<'e>, policy: &'e Policy, secret: Secret, key: Key) -> Self {
        Self {
            exchange,
            policy,
            secret,
            key,
            source: None,
            network: None,
            shape: None,
            agent: None,
            facts: SmallVec::new(),
            campaign: None,
        }
    }

    /// Takes note of the campaign that the request is part of.
    pub fn note_campaign(&mut self, campaign: Option<u64>) {
        self.campaign = campaign;
    }

    /// The request.
    #[must_use]
    pub const fn exchange(&self) -> &'e Exchange<'e> {
        self.exchange
    }

    /// Whose the request is.
    #[must_use]
    pub const fn key(&self) -> Key {
        self.key
    }

    /// The client's address.
    pub fn source(&mut self) -> Option<IpAddr> {
        let exchange = self.exchange;
        *self
            .source
            .get_or_insert_with(|| exchange.attributes.source())
    }

    /// What the client says it is.
    pub fn agent(&mut self) -> Option<&Agent> {
        let exchange = self.exchange;
        self.agent
            .get_or_insert_with(|| agent::of(exchange))
            .as_ref()
    }

    /// Keyed hash of the order and set of header names.
    pub fn shape(&mut self) -> u64 {
        let (exchange, secret) = (self.exchange, self.secret);
        *self
            .shape
            .get_or_insert_with(|| shape::of(exchange, secret.hasher()))
    }

    /// A fact, by its place in the policy: what the host vouches for, or what stands where the policy says.
    pub fn fact(&mut self, place: usize) -> Option<&[u8]> {
        let known = self.facts.iter().position(|&(other, _)| other == place);
        let known = match known {
            Some(known) => known,
            None => {
                let fact = self.policy.facts.get(place)?;
                let text = read(fact, self.exchange);
                let text = text.and_then(|text| spelt(fact.kind, text));
                self.facts.push((place, text));
                self.facts.len().saturating_sub(1)
            }
        };
        self.facts.get(known)?.1.as_deref()
    }

    /// Keyed hash of a request's traits, and whether it has all of them. A trait that is absent is a value like any other, and no
    /// trait's value runs into the next one's.
    pub fn hash(&mut self, subject: &Subject) -> (u64, bool) {
        if subject.traits.as_slice() == [Trait::Key] {
            // The commonest subject, and a keyed hash already.
            return (mix(self.key.0 ^ subject.id), true);
        }
        let mut hasher = self.secret.hasher();
        hasher.write_u64(subject.id);
        let mut complete = true;
        for &part in &subject.traits {
            complete &= self.visit(part, |value| write(&mut hasher, value));
        }
        (hasher.finish(), complete)
    }

    /// Keyed hash of one trait's value; `None` if it is absent.
    pub fn hash_of(&mut self, of: Trait) -> Option<u64> {
        if of == Trait::Key {
            return Some(self.key.0);
        }
        let mut hasher = self.secret.hasher();
        let there = self.visit(of, |value| write(&mut hasher, value));
        there.then(|| hasher.finish())
    }

    /// Whether a rule is about the request.
    pub fn fit(&mut self, scope: &Scope) -> bool {
        scope.covers(self.exchange)
            && !scope
                .except
                .iter()
                .any(|member| self.listed(member) == Some(true))
    }

    /// The limit of a quota for this request, and which of them that is: the place of its fact's value, or the one after the
    /// last.
    pub fn limit(&mut self, quota: &Quota) -> (u32, usize) {
        match &quota.limit {
            Limit::Fixed(limit, _) => (*limit, 0),
            Limit::ByFact {
                fact,
                values,
                otherwise,
            } => {
                let value = self.fact(*fact);
                let place = value.and_then(|value| {
                    values
                        .binary_search_by(|(other, _)| other.as_slice().cmp(value))
                        .ok()
                });
                let place = place.unwrap_or(values.len());
                let limit = values.get(place).map_or(*otherwise, |&(_, limit)| limit);
                (limit, place)
            }
        }
    }

    /// What a check that counts distinct values is to look for: the subject, and the value, both as keyed hashes. `None` if
    /// the request lacks a trait of it and the check skips such; or if it is a preflight, which origins answer whatever its key,
    /// so that anybody could have any number of keys counted.
    pub fn sight(&mut self, check: &Check, distinct: &Distinct) -> Option<(u64, u32)> {
        if self.exchange.method == b"OPTIONS" {
            return None;
        }
        let subject = self.policy.subjects.get(distinct.subject)?;
        let (subject, complete) = self.hash(subject);
        let value = self.hash_of(distinct.of);
        if !(check.absent_matches || complete && value.is_some()) {
            return None;
        }
        let element = mix(value.unwrap_or_default() ^ distinct.id);
        Some((subject, (element >> 32) as u32))
    }

    /// Whether what the client says it is and what it looks like are two things.
    pub fn contradict(&mut self, against: Against) -> bool {
        let Some(agent) = self.agent().copied() else {
            return false;
        };
        match against {
            Against::Shape => known::contradicts_headers(&agent, self.exchange),
            Against::Ja4(Trait::Fact(place)) => self
                .fact(place)
                .is_some_and(|ja4| known::contradicts_ja4(&agent, ja4)),
            Against::Ja4(_) => false,
        }
    }

    /// Whether a check finds a trait on its list. Whoever hides the model is held to be on every list of models.
    pub fn is_found(&mut self, check: &Check, member: &Membership) -> bool {
        let hidden = member.of == Trait::Model && self.exchange.model == Model::Unreadable;
        hidden || self.listed(member).unwrap_or(check.absent_matches)
    }

    /// Whether a trait is on a list; `None` if it is absent.
    pub fn listed(&mut self, member: &Membership) -> Option<bool> {
        match member.list(&self.policy.lists)? {
            List::Blocks(blocks) => self.source().map(|address| blocks.has(address)),
            List::Texts(texts) => {
                let mut found = None;
                self.text(member.of, |text| found = Some(texts.has(text)));
                found
            }
        }
    }

    /// Hands a trait as it is written in lists and logs to `visit`, unless it is absent.
    pub fn text(&mut self, of: Trait, visit: impl FnOnce(&[u8])) {
        match of {
            Trait::Key => visit(hex(self.key.0).as_bytes()),
            Trait::Shape => visit(hex(self.shape()).as_bytes()),
            // An address is told to nobody.
            Trait::Network => {
                if let Some(hash) = self.hash_of(of) {
                    visit(hex(hash).as_bytes());
                }
            }
            Trait::Model => {
                if let Model::Named(name) = self.exchange.model {
                    visit(name);
                }
            }
            Trait::Campaign => {
                if let Some(campaign) = self.campaign {
                    visit(hex(campaign).as_bytes());
                }
            }
            Trait::Path | Trait::Method | Trait::Agent | Trait::Fact(_) => {
                self.visit(of, |value| {
                    if let Some(value) = value {
                        visit(value);
                    }
                });
            }
        }
    }

    /// Hands a trait's value to `visit`, and says whether it is there.
    fn visit(&mut self, of: Trait, visit: impl FnOnce(Option<&[u8]>)) -> bool {
        let mut there = false;
        let visit = |value: Option<&[u8]>| {
            there = value.is_some();
            visit(value);
        };
        match of {
            Trait::Key => visit(Some(&self.key.0.to_le_bytes())),
            Trait::Shape => visit(Some(&self.shape().to_le_bytes())),
            Trait::Path => visit(Some(self.exchange.path)),
            Trait::Method => visit(Some(self.exchange.method)),
            Trait::Model => match self.exchange.model {
                Model::Named(name) => visit(Some(name)),
                Model::Absent => visit(None),
                Model::Unreadable => visit(Some(b"\0unreadable")),
            },
            Trait::Network => {
                let source = self.source();
                let prefixes = self.policy.prefixes;
                if let (None, Some(source)) = (self.network, source) {
                    self.network = Some(Network::of(source, prefixes));
                }
                visit(self.network.as_ref().map(Network::as_bytes));
            }
            Trait::Agent => match self.agent() {
                Some(agent) => visit(Some(agent.text().as_bytes())),
                None => visit(None),
            },
            Trait::Campaign => visit(
                self.campaign
                    .map(u64::to_le_bytes)
                    .as_ref()
                    .map(<[u8; 8]>::as_slice),
            ),
            Trait::Fact(place) => visit(self.fact(place)),
        }
        there
    }
}

/// Reads a fact from where it is found.
fn read(fact: &Fact, exchange: &Exchange<'_>) -> Option<Text> {
    let attributes = exchange.attributes;
    if let Some(recorded) = attributes.recorded(&fact.name) {
        return Some(Text::from_vec(recorded));
    }
    match &fact.place {
        Place::Host => attributes.vouched(&fact.name).map(Text::from_vec),
        // One that is there twice may be half a client's: it is as good as none.
        Place::Header(name) => {
            let mut values = exchange.values(name);
            values
                .next()
                .filter(|_| values.next().is_none())
                .map(Text::from_slice)
        }
        Place::Property(path) => attributes.property(path).map(Text::from_vec),
    }
}

/// A fact in the one way in which it is spelt, without white space around it; `None` if it is malformed.
fn spelt(kind: Kind, text: Text) -> Option<Text> {
    match kind {
        Kind::Text => Some(text),
        _ => kind.normal(text.trim_ascii()),
    }
}

fn write(hasher: &mut impl Hasher, value: Option<&[u8]>) {
    hasher.write_u64(value.map_or(u64::MAX, |value| value.len() as u64));
    hasher.write(value.unwrap_or_default());
}

/// A pseudonym as it is written.
fn hex(hash: u64) -> String {
    let mut text = String::new();
    let _ = write!(text, "{hash:016x}");
    text
}

/// Spreads a hash that is secret already: the finisher of MurmurHash3. A tag is half the subject's hash, whose other
/// half has chosen the page, and half this.
#[must_use]
pub const fn mix(hash: u64) -> u64 {
    let hash = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    let hash = (hash ^ (hash >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    hash ^ (hash >> 33)
}
