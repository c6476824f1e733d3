//! What is said in a body: by a system text and by a user.

use super::Ask;
use crate::simulate::population::Kind;
use crate::simulate::random::Random;
use crate::simulate::scenario::Wording;
use crate::simulate::write;

impl Ask<'_> {
    /// The system text; nothing for none.
    pub(super) fn system(&self, out: &mut Vec<u8>) {
        let writer = self.writer;
        if self.kind == Kind::Agents || self.kind == Kind::Campaign && writer.campaign.cloaked {
            if let Some(agent) = self.agent() {
                out.extend_from_slice(&agent.system);
            }
            self.surroundings(out);
        }
        match self.kind {
            Kind::Ordinary | Kind::Aggregator => {
                // A person's own; a stock phrase; mostly none.
                let key = u64::from(self.from.slot);
                let mut random = Random::keyed(writer.seed, key, 0x0073_7973);
                match random.below(8) {
                    0 => writer.texts.product(out, 1, &mut random),
                    1 | 2 => out.extend_from_slice(b"You are a helpful assistant."),
                    _ => {}
                }
            }
            Kind::Campaign if writer.campaign.wording != Wording::Templates => {}
            _ => {
                if let Some(template) = self.template {
                    out.extend_from_slice(&template.system);
                }
            }
        }
    }

    /// What an agent says of the machine that it runs on.
    fn surroundings(&self, out: &mut Vec<u8>) {
        let texts = &self.writer.texts;
        let key = u64::from(self.from.slot);
        let mut random = Random::keyed(self.writer.seed, key, 0x0063_7764);
        out.extend_from_slice(b"\\nWorking directory: /home/");
        texts.identifier(out, &mut random);
        out.push(b'/');
        texts.identifier(out, &mut random);
        out.extend_from_slice(match random.below(3) {
            0 => b"\\nPlatform: darwin\\nToday: ",
            1 => b"\\nPlatform: windows\\nToday: ",
            _ => b"\\nPlatform: linux\\nToday: ",
        });
        write::date(out, self.writer.day.saturating_add(u64::from(self.day)));
        out.extend_from_slice(b"\\n");
    }

    /// What the user says, with all that is around it.
    pub(super) fn user(&self, out: &mut Vec<u8>, turn: u8) {
        let wrapper = match self.kind {
            Kind::Agents => self.writer.texts.wrapper(u32::from(self.sender.group)),
            Kind::Campaign if self.writer.campaign.cloaked => self.writer.texts.wrapper(0),
            _ => ("", ""),
        };
        out.extend_from_slice(wrapper.0.as_bytes());
        if self.kind == Kind::Campaign {
            self.interaction(out, turn);
        } else {
            self.around(out, turn);
        }
        out.extend_from_slice(wrapper.1.as_bytes());
    }

    /// A template and what it is around.
    fn around(&self, out: &mut Vec<u8>, turn: u8) {
        let Some(template) = self.template.filter(|_| self.kind != Kind::Ordinary) else {
            return self.rest(out, turn, 0);
        };
        out.extend_from_slice(&template.head);
        self.rest(out, turn, 0);
        if !template.middle.is_empty() {
            out.extend_from_slice(&template.middle);
            self.rest(out, turn, 1);
        }
        out.extend_from_slice(&template.tail);
    }

    /// What a user says himself; of two parts the first or the second.
    fn rest(&self, out: &mut Vec<u8>, turn: u8, part: u64) {
        let texts = &self.writer.texts;
        let mut random = self.random(turn, part);
        let group = u64::from(self.sender.group);
        let shared = |common: u32, of: u64| {
            let thing = (of << 20 | group << 8) ^ u64::from(common);
            Random::keyed(self.writer.seed, thing, part.wrapping_add(0x7368_6172))
        };
        match self.kind {
            Kind::Clockwork => {
                // Some read the same news in the same hour.
                if random.below(3) == 0 {
                    let news = random.early(60);
                    random = shared(news, u64::from(self.from.conversation));
                }
                let count = random.below(5).saturating_add(2);
                texts.prattle(out, count, &mut random);
            }
            Kind::Batch => {
                let lines = random.below(4);
                texts.listing(out, lines, &mut random);
                let count = random.below(4).saturating_add(1);
                texts.prattle(out, count, &mut random);
            }
            Kind::Evaluation => {
                let bank = shared(0, 0).bits();
                texts.question(out, bank, self.from.conversation % 1_500);
            }
            Kind::Heavy => {
                let count = random.below(5).saturating_add(1);
                texts.prattle(out, count, &mut random);
            }
            // All do the same exercises.
            Kind::Flash if random.below(2) == 0 => {
                let exercise = random.early(60);
                texts.ordinary(out, &mut shared(exercise, 0));
            }
            _ if turn > 0 => texts.follow_up(out, &mut random),
            _ => texts.ordinary(out, &mut random),
        }
    }

    /// What a campaign sends: its instructions and a question.
    fn interaction(&self, out: &mut Vec<u8>, turn: u8) {
        let campaign = &self.writer.campaign;
        let texts = &self.writer.texts;
        let number = self.from.conversation;
        if turn > 0 {
            return texts.follow_up(out, &mut self.random(turn, 0));
        }
        let bank = match (campaign.templates > 1, self.number % 5) {
            (true, 4) => campaign.bank.min(20_000),
            _ => campaign.bank,
        };
        // All of a bank's, one after the other, in a mixed order.
        let mixed = u64::from(number).wrapping_mul(2_654_435_761);
        let bank_of = u64::from(self.number.wrapping_add(1));
        let question = |out: &mut Vec<u8>, part: u64| {
            let place = mixed.checked_rem(u64::from(bank)).unwrap_or_default() as u32;
            texts.question(out, bank_of ^ part << 40, place);
        };
        let mut random = self.random(turn, 1);
        match campaign.wording {
            Wording::Bare => question(out, 0),
            Wording::Rewritten => {
                let before = random.below(2) == 0;
                if before {
                    texts.rewritten(out, &mut random);
                }
                question(out, 0);
                if !before {
                    out.push(b' ');
                    texts.rewritten(out, &mut random);
                }
            }
            Wording::Slots => {
                for (place, phrases) in self
                    .writer
                    .slots
                    .iter()
                    .flat_map(|slots| slots.iter())
                    .enumerate()
                {
                    if place == 5 {
                        question(out, 0);
                        out.push(b' ');
                    }
                    if let Some(phrase) = random.of(phrases) {
                        out.extend_from_slice(phrase);
                    }
                }
            }
            Wording::Templates => {
                let Some(template) = self.template else {
                    return question(out, 0);
                };
                out.extend_from_slice(&template.head);
                question(out, 0);
                if !template.middle.is_empty() {
                    out.extend_from_slice(&template.middle);
                    question(out, 1);
                }
                out.extend_from_slice(&template.tail);
            }
        }
    }
}
