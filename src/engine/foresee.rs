//! What a request will use, before it is answered: from its body, or from what can be said without reading it.

use core::hash::Hasher;

use siphasher::sip::SipHasher13;

use super::{Decision, Engine};
use crate::campaign::Book;
use crate::dialect::request::Prompt;
use crate::dialect::{Api, Dialect};
use crate::estimate::Estimator;
use crate::exchange::{Exchange, Foreseen, Model, Now};
use crate::policy::Quota;
use crate::store::Store;
use crate::verdict::Reason;

use super::campaigns::Sample;
use super::settle::Lesson;

/// The most media of one request that are charged: no API takes more, and a body of empty ones must not lock out whoever
/// shares a limit with it.
const MOST_MEDIA: u32 = 4_096;

/// What is known of a request's body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content<'a> {
    /// There is none, or no rule wants to know it.
    None,
    /// It was read, and this is what templates are read from.
    Read(&'a Prompt, Text<'a>),
    /// It could not be read; so many bytes long, or 0 where that is not known.
    Unreadable(u64),
}

/// What the templates of a prompt are read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Text<'a> {
    /// The bytes of its body.
    Bytes(&'a [u8]),
    /// They were read where the body is, and this is what came of it; `None` if nobody wants to know.
    Sampled(Option<&'a Sample>),
}

impl<'a> Content<'a> {
    /// The model that is asked for, if the path does not name one.
    pub(super) fn model(self, in_path: Option<&'a [u8]>) -> Model<'a> {
        match (in_path, self) {
            (Some(name), _) => Model::Named(name),
            (None, Self::None) => Model::Absent,
            (None, Self::Unreadable(_)) => Model::Unreadable,
            (None, Self::Read(prompt, _)) => prompt.model(),
        }
    }
}

impl Engine {
    /// Decides about a request, of whose body this is known: finds its model, foresees its tokens, and
    /// [admits](Self::admit) it.
    pub fn decide<S: Store>(
        &self,
        exchange: &Exchange<'_>,
        content: Content<'_>,
        estimator: &Estimator,
        book: &Book,
        now: Now,
        store: &S,
    ) -> Decision {
        if !self.policy.reads_bodies() {
            return self.admit(exchange, now, store);
        }
        let dialect = self.policy.dialect_of(exchange);
        let in_path = dialect.model_in_path(exchange.path);
        let mut exchange = *exchange;
        exchange.model = content.model(in_path.as_deref());
        let known = self.recognise(&exchange, content, book, now);
        if !self.policy.may_cover(&exchange, Quota::is_metered) {
            return self.admit_known(&exchange, &known, now, store);
        }
        let unreadable = matches!(content, Content::Unreadable(_));
        if unreadable && self.policy.denies_unreadable {
            let found = self.found(&exchange, now, store);
            let shadow = self.policy.shadow;
            let enforced = |quota: &Quota| {
                quota.is_metered() && (shadow || !quota.shadow) && found.activate(quota)
            };
            if self.policy.may_cover(&exchange, enforced) {
                return Decision::deny(Reason::Unreadable, self.policy.shadow);
            }
        }
        let api = api(dialect, exchange.path, content);
        let lesson = lesson(exchange.model, content);
        exchange.foreseen = self.foresee(api, content, lesson, estimator);
        let mut decision = self.admit_known(&exchange, &known, now, store);
        let reservation = &mut decision.reservation;
        if reservation.is_metered() {
            reservation.foreseen = exchange.foreseen;
            reservation.lesson = lesson;
            reservation.background =
                matches!(content, Content::Read(prompt, _) if prompt.background);
        }
        decision
    }

    /// What a request will use. Nothing that may be charged is foreseen as none, for what takes no reservation is not
    /// settled, and fits into what is used up.
    fn foresee(
        &self,
        api: Api,
        content: Content<'_>,
        lesson: Option<Lesson>,
        estimator: &Estimator,
    ) -> Foreseen {
        if api == Api::Free {
            return Foreseen::default();
        }
        let text = lesson.map_or(0, |lesson| estimator.tokens(lesson.model, lesson.bytes));
        match content {
            Content::None => Foreseen::default(),
            Content::Read(prompt, _) => {
                let media = u64::from(prompt.media.min(MOST_MEDIA));
                let media = media.saturating_mul(self.policy.media);
                let output = prompt.output_cap(api).unwrap_or(self.policy.output);
                Foreseen {
                    input: text.saturating_add(media).max(1),
                    output: if api.generates() {
                        output.max(1).saturating_mul(prompt.candidates(api))
                    } else {
                        0
                    },
                }
            }
            // What cannot be read may ask for an answer, whatever its path says.
            Content::Unreadable(_) => Foreseen {
                input: text.max(1),
                output: if api == Api::Embeddings {
                    0
                } else {
                    self.policy.output
                },
            },
        }
    }
}

/// What is asked of the origin: the path says it, or else the shape of the body.
#[must_use]
pub fn api(dialect: Dialect, path: &[u8], content: Content<'_>) -> Api {
    match (Api::of(dialect, path), content) {
        (Api::Other, Content::Read(prompt, _)) => prompt.shape,
        (api, _) => api,
    }
}

fn lesson(model: Model<'_>, content: Content<'_>) -> Option<Lesson> {
    let (bytes, teaches) = match content {
        Content::None => return None,
        Content::Read(prompt, _) => (prompt.text_bytes, prompt.media == 0 && !prompt.recalls),
        Content::Unreadable(bytes) => (bytes, false),
    };
    let mut hasher = SipHasher13::new();
    if let Model::Named(name) = model {
        hasher.write(name);
    }
    Some(Lesson {
        model: hasher.finish(),
        bytes,
        teaches,
    })
}
