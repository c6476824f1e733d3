//! Bodies as SDKs write them, of texts that stand as within a string of JSON already.

mod said;

use super::key::Sender;
use super::population::{Kind, Plan};
use super::random::{Random, spread, within};
use super::request::{From, Request};
use super::scenario::{Answers, Campaign, Wording};
use super::template::{self, Author, Slots, Template};
use super::texts::Texts;
use super::write;

/// Writes the bodies of all requests.
#[derive(Debug)]
pub(super) struct Writer {
    texts: Texts,
    seed: u64,
    campaign: Campaign,
    plans: Vec<Plan>,
    /// The templates of each population, and the number of its first one for reports.
    templates: Vec<(u32, Vec<Template>)>,
    agents: Vec<Agent>,
    slots: Option<Box<Slots>>,
    /// The day from 1970 on which all begins.
    day: u64,
}

/// A popular agent.
#[derive(Debug)]
struct Agent {
    system: Vec<u8>,
    /// Its tools, as OpenAI's API takes them and as Anthropic's does.
    tools: [Vec<u8>; 2],
}

/// What else a request says.
#[derive(Debug, Clone, Copy)]
struct Parameters {
    model: &'static str,
    /// 0 for none.
    most: u32,
    /// In tenths; 11 or more for none.
    temperature: u32,
    stream: bool,
}

const MODELS: [&str; 4] = ["lumen-4-mini", "lumen-4", "lumen-4-code", "lumen-3.5"];

/// Earlier turns that a body brings along, and answers of tools.
const TURNS: u8 = 4;

impl Writer {
    pub(super) fn new(
        texts: Texts,
        seed: u64,
        campaign: Campaign,
        plans: &[Plan],
        day: u64,
    ) -> Self {
        let mut first = 1_u32;
        let mut templates = Vec::with_capacity(plans.len());
        for plan in plans {
            let author = match plan.kind {
                Kind::Products | Kind::Flash => Some(Author::Product),
                Kind::Heavy | Kind::Batch => Some(Author::Customer),
                Kind::Clockwork => Some(Author::Plugin),
                Kind::Collections => Some(Author::Collector),
                Kind::Evaluation => Some(Author::Evaluator),
                Kind::Corporate => Some(Author::Company),
                Kind::Campaign => Some(Author::Campaign),
                Kind::Ordinary | Kind::Agents | Kind::Aggregator => None,
            };
            // Those that one kind of author writes for two populations are not the same.
            let seed = spread(seed ^ plan.kind as u64);
            let made = author.map(|author| {
                (0..plan.groups)
                    .map(|number| Template::new(&texts, author, seed, number))
                    .collect()
            });
            templates.push((first, made.unwrap_or_default()));
            first = first.saturating_add(plan.groups);
        }
        let agents = plans
            .iter()
            .find(|plan| plan.kind == Kind::Agents)
            .map_or(1, |plan| plan.groups);
        // One more is nobody's but an agentic campaign's.
        let agents = (0..=agents).map(|number| Agent {
            system: template::agent(&texts, seed, number),
            tools: [false, true].map(|messages| template::tools(&texts, seed, number, messages)),
        });
        let agents = agents.collect();
        let slots =
            (campaign.wording == Wording::Slots).then(|| Box::new(template::slots(&texts, seed)));
        Self {
            texts,
            seed,
            campaign,
            plans: plans.to_vec(),
            templates,
            agents,
            slots,
            day,
        }
    }

    /// Which kind a sender acts as: who uses a campaign's key for himself is an ordinary person.
    pub(super) fn kind(&self, sender: &Sender) -> Kind {
        if sender.is_guest() {
            return Kind::Ordinary;
        }
        let plan = self.plans.get(usize::from(sender.population));
        plan.map_or(Kind::Ordinary, |plan| plan.kind)
    }

    /// Writes the body, and what of the truth follows from it. `day` counts from the first.
    pub(super) fn fill(&self, sender: &Sender, from: From, day: u32, request: &mut Request) {
        let kind = self.kind(sender);
        let number = self.number(kind, sender, from.conversation);
        let (first, templates) = self
            .templates
            .get(usize::from(sender.population))
            .map_or((0, [].as_slice()), |(first, list)| {
                (*first, list.as_slice())
            });
        let ask = Ask {
            writer: self,
            sender,
            from,
            kind,
            number,
            template: templates.get(number as usize),
            day,
        };
        request.interaction = kind == Kind::Campaign;
        request.template = match kind {
            Kind::Ordinary | Kind::Aggregator => 0,
            _ => first.saturating_add(number),
        };
        request.body.clear();
        let parameters = ask.parameters();
        ask.body(&mut request.body, request.stack.messages, parameters);
        request.output = ask.output(parameters.most);
        request.measure();
    }

    /// The number of the template among its population's.
    fn number(&self, kind: Kind, sender: &Sender, conversation: u32) -> u32 {
        match kind {
            Kind::Campaign => within(spread(u64::from(conversation)), self.campaign.templates),
            Kind::Collections => {
                // Everybody likes a few of them.
                let plan = self.plans.get(usize::from(sender.population));
                let groups = plan.map_or(1, |plan| plan.groups);
                let liked = within(spread(u64::from(conversation)), 4).saturating_mul(7);
                within(u64::from(sender.group).saturating_add(liked.into()), groups)
            }
            _ => u32::from(sender.group),
        }
    }
}

/// One request that is being written.
struct Ask<'a> {
    writer: &'a Writer,
    sender: &'a Sender,
    from: From,
    kind: Kind,
    number: u32,
    template: Option<&'a Template>,
    day: u32,
}

impl<'a> Ask<'a> {
    /// Chance that is the same whenever this is written.
    fn random(&self, turn: u8, purpose: u64) -> Random {
        let who = u64::from(self.from.slot) << 32 | u64::from(self.from.conversation);
        Random::keyed(self.writer.seed, who, u64::from(turn) << 32 | purpose)
    }

    /// Whether there are tools to call, and whose.
    fn agent(&self) -> Option<&'a Agent> {
        let campaign = &self.writer.campaign;
        let number = match self.kind {
            Kind::Agents => u32::from(self.sender.group),
            Kind::Campaign if campaign.cloaked => 0,
            Kind::Campaign if campaign.agentic => return self.writer.agents.last(),
            _ => return None,
        };
        self.writer.agents.get(number as usize)
    }

    fn body(&self, out: &mut Vec<u8>, messages: bool, parameters: Parameters) {
        let agent = self.agent();
        out.extend_from_slice(b"{\"model\":\"");
        out.extend_from_slice(parameters.model.as_bytes());
        out.push(b'"');
        let most = match (messages, parameters.most) {
            (true, 0) => 4_096,
            (_, most) => most,
        };
        if most > 0 {
            out.extend_from_slice(b",\"max_tokens\":");
            write::number(out, most);
        }
        if parameters.temperature < 11 {
            out.extend_from_slice(b",\"temperature\":");
            write::number(out, parameters.temperature / 10);
            out.push(b'.');
            write::number(out, parameters.temperature % 10);
        }
        if parameters.stream {
            out.extend_from_slice(b",\"stream\":true");
        }
        if let Some(agent) = agent {
            let [chat, anthropic] = &agent.tools;
            out.extend_from_slice(if messages { anthropic } else { chat });
        }
        let begin = out.len();
        out.extend_from_slice(if messages {
            b",\"system\":\""
        } else {
            b",\"messages\":[{\"role\":\"system\",\"content\":\""
        });
        let empty = out.len();
        self.system(out);
        let begun = out.len() > empty;
        match (messages, begun) {
            (true, true) => out.extend_from_slice(b"\",\"messages\":["),
            (false, true) => out.extend_from_slice(b"\"},"),
            (_, false) => {
                out.truncate(begin);
                out.extend_from_slice(b",\"messages\":[");
            }
        }
        let turn = self.from.turn;
        for earlier in turn.saturating_sub(TURNS)..turn {
            self.said(out, earlier, messages && agent.is_some());
            out.extend_from_slice(b",{\"role\":\"assistant\",\"content\":\"");
            let mut random = self.random(earlier, 2);
            let bytes = random.below(350).saturating_add(40);
            self.writer.texts.answer(out, bytes, &mut random);
            out.extend_from_slice(b"\"},");
        }
        self.said(out, turn, messages && agent.is_some());
        for step in self.from.step.saturating_sub(TURNS)..self.from.step {
            self.used(out, step, messages);
        }
        out.extend_from_slice(b"]}");
    }

    /// A message of the user.
    fn said(&self, out: &mut Vec<u8>, turn: u8, blocks: bool) {
        out.extend_from_slice(if blocks {
            b"{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\""
        } else {
            b"{\"role\":\"user\",\"content\":\""
        });
        self.user(out, turn);
        out.extend_from_slice(if blocks { b"\"}]}" } else { b"\"}" });
    }

    /// A call of a tool and what came of it.
    fn used(&self, out: &mut Vec<u8>, step: u8, messages: bool) {
        let texts = &self.writer.texts;
        let mut random = self.random(self.from.turn, u64::from(step).saturating_add(16));
        let call = random.bits() as u32;
        let [open, named, path, shut, result]: [&[u8]; 5] = if messages {
            [
                b",{\"role\":\"assistant\",\"content\":[{\"type\":\"tool_use\",\"id\":\"toolu_",
                b"\",\"name\":\"",
                b"\",\"input\":{\"path\":\"/work/",
                b"\"}}]},{\"role\":\"user\",\"content\":[{\"type\":\"tool_result\",\"tool_use_id\":\"toolu_",
                b"\",\"content\":\"",
            ]
        } else {
            [
                b",{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[{\"id\":\"call_",
                b"\",\"type\":\"function\",\"function\":{\"name\":\"",
                b"\",\"arguments\":\"{\\\"path\\\": \\\"/work/",
                b"\\\"}\"}}]},{\"role\":\"tool\",\"tool_call_id\":\"call_",
                b"\",\"content\":\"",
            ]
        };
        out.extend_from_slice(open);
        write::number(out, call);
        out.extend_from_slice(named);
        texts.identifier(out, &mut random);
        out.extend_from_slice(path);
        texts.identifier(out, &mut random);
        out.extend_from_slice(shut);
        write::number(out, call);
        out.extend_from_slice(result);
        let lines = random.below(5).saturating_add(1);
        texts.listing(out, lines, &mut random);
        let bytes = random.below(500);
        texts.answer(out, bytes, &mut random);
        out.extend_from_slice(if messages { b"\"}]}" } else { b"\"}" });
    }

    /// The parameters: of one set wherever one program sends, and each person's own.
    fn parameters(&self) -> Parameters {
        let long = self.writer.campaign.answers == Answers::Long;
        let whose = match self.kind {
            // The agent's own.
            Kind::Campaign if self.writer.campaign.cloaked => program(Kind::Agents, 0),
            Kind::Campaign if long => {
                return Parameters {
                    model: "lumen-4",
                    most: 4_096,
                    temperature: 10,
                    stream: false,
                };
            }
            Kind::Ordinary | Kind::Aggregator | Kind::Collections | Kind::Campaign => {
                u64::from(self.from.slot) << 8
            }
            kind => program(kind, self.sender.group),
        };
        let mut random = Random::keyed(self.writer.seed, whose, 0x0070_6172);
        Parameters {
            model: random.of(&MODELS).copied().unwrap_or_default(),
            most: match random.below(6) {
                0 => 256,
                1 => 1_024,
                2 => 2_048,
                3 => 4_096,
                _ => 0,
            },
            temperature: match random.below(5) {
                0 => 0,
                1 => 7,
                2 => 2,
                _ => 11,
            },
            stream: random.below(2) == 0,
        }
    }

    /// Tokens of the answer.
    fn output(&self, most: u32) -> u32 {
        let long = self.writer.campaign.answers == Answers::Long;
        let (mean, deviation) = match self.kind {
            Kind::Campaign if long => (6.8, 0.55),
            Kind::Evaluation => (6.3, 0.75),
            Kind::Batch => (5.6, 0.7),
            Kind::Clockwork => (5.2, 0.5),
            Kind::Agents => (5.0, 1.0),
            _ => (5.2, 0.97),
        };
        let drawn = (mean + deviation * self.random(self.from.turn, 3).normal()).exp();
        let most = if most == 0 { 16_384 } else { most };
        (drawn as u32).clamp(1, most)
    }
}

/// What the parameters of a program follow from.
fn program(kind: Kind, group: u16) -> u64 {
    u64::from(group) << 8 | kind as u64 | 1 << 40
}
