//! Which API a request speaks: what its refusals look like, and where it names its model.

pub mod request;

use serde::{Deserialize, Serialize};
use std::borrow::Cow;

use crate::exchange::{Exchange, find, percent_decode};

/// The API that a path belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// OpenAI, and the many that speak like it, Azure's deployments among them.
    OpenAi,
    /// Anthropic.
    Anthropic,
    /// Google's Gemini, also on Vertex.
    Gemini,
    /// None that is known here.
    Other,
}

impl Dialect {
    /// Recognises the API by the path, without its query. `/v1/models` and its like belong to two of them; there the
    /// `anthropic-version` header, which that API demands, decides.
    #[must_use]
    pub fn of(path: &[u8], anthropic_version: impl FnOnce() -> bool) -> Self {
        let Some(rest) = find(path, b"/v1").and_then(|place| path.get(place.saturating_add(3)..))
        else {
            return if find(path, b"/openai/deployments/").is_some() {
                Self::OpenAi
            } else {
                Self::Other
            };
        };
        let openai = [&b"/openai/"[..], b"/openapi/"];
        if openai.iter().any(|part| find(rest, part).is_some()) {
            // The face that Google's APIs have for OpenAI's clients.
            Self::OpenAi
        } else if find(rest, VERTEX_ANTHROPIC).is_some()
            || rest.starts_with(b"/messages")
            || rest.starts_with(b"/complete") && !rest.starts_with(b"/completions")
        {
            Self::Anthropic
        } else if rest.starts_with(b"beta")
            || rest.starts_with(b"alpha")
            || rest.starts_with(b"/projects/")
            || gemini_method(rest)
        {
            Self::Gemini
        } else if OPENAI_ALONE.iter().any(|end| rest.ends_with(end)) {
            Self::OpenAi
        } else if anthropic_version() {
            Self::Anthropic
        } else if rest.is_empty() || rest.starts_with(b"/") {
            Self::OpenAi
        } else {
            Self::Other
        }
    }

    /// Recognises the API that a request is for.
    #[must_use]
    pub fn of_exchange(exchange: &Exchange<'_>) -> Self {
        let anthropic = || exchange.values(b"anthropic-version").next().is_some();
        Self::of(exchange.path, anthropic)
    }

    /// The model that the path names, if this API's paths do, with its percent codes decoded: one model must not become
    /// many by spelling it differently.
    #[must_use]
    pub fn model_in_path(self, path: &[u8]) -> Option<Cow<'_, [u8]>> {
        let (marker, end): (&[u8], u8) = match self {
            Self::Gemini => (b"/models/", b':'),
            Self::OpenAi => (b"/openai/deployments/", b'/'),
            Self::Anthropic => (VERTEX_ANTHROPIC, b':'),
            Self::Other => return None,
        };
        let rest = path.get(find(path, marker)?.saturating_add(marker.len())..)?;
        let name = rest.split(|&byte| byte == end || byte == b'/').next()?;
        (!name.is_empty()).then(|| percent_decode(name, false))
    }
}

/// What a request wants of an API: where its answer tells what it used, and which of its fields bound it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Api {
    /// OpenAI's chat completions.
    Chat,
    /// OpenAI's first completions.
    Completions,
    /// OpenAI's responses.
    Responses,
    /// Embeddings, OpenAI's and Gemini's.
    Embeddings,
    /// Anthropic's messages, and what came before them.
    Messages,
    /// Gemini's generated content, streamed or not.
    Generate,
    /// The counting of tokens, which costs none.
    Free,
    /// Anything else.
    #[default]
    Other,
}

impl Api {
    /// Recognises what is wanted by the path, without its query. Where the path does not tell, the
    /// [shape](request::Prompt::shape) of the body may.
    #[must_use]
    pub fn of(dialect: Dialect, path: &[u8]) -> Self {
        let path = percent_decode(path, false);
        let path = without_parameters(path.trim_ascii_end());
        let ends = |end: &[u8]| path.ends_with(end);
        if ends(b"/chat/completions") {
            Self::Chat
        } else if ends(b"/completions") {
            Self::Completions
        } else if ends(b"/responses") {
            Self::Responses
        } else if ends(b"/responses/input_tokens") {
            Self::Free
        } else if ends(b"/embeddings") {
            Self::Embeddings
        } else if dialect == Dialect::OpenAi {
            // Its threads have messages too, which are no model's business.
            Self::Other
        } else if ends(b":embedContent") || ends(b":batchEmbedContents") {
            Self::Embeddings
        } else if ends(b"/messages/count_tokens") || ends(b":countTokens") {
            Self::Free
        } else if ends(b"/messages")
            || ends(b"/complete")
            || ends(b":rawPredict")
            || ends(b":streamRawPredict")
        {
            Self::Messages
        } else if ends(b":generateContent") || ends(b":streamGenerateContent") {
            Self::Generate
        } else {
            Self::Other
        }
    }

    /// Whether its answers are made of tokens that are charged as output.
    #[must_use]
    pub const fn generates(self) -> bool {
        !matches!(self, Self::Embeddings | Self::Free)
    }
}

/// What no other API has, whatever a client's headers say.
const OPENAI_ALONE: [&[u8]; 3] = [b"/completions", b"/responses", b"/embeddings"];

/// Where Vertex has Anthropic's models.
const VERTEX_ANTHROPIC: &[u8] = b"/publishers/anthropic/models/";

/// A path without the slash at its end, and without the parameters (`;a=b`) of its last part, which some origins cut off:
/// what stands in them must not make a request cheaper.
fn without_parameters(path: &[u8]) -> &[u8] {
    let path = path.strip_suffix(b"/").unwrap_or(path);
    let after = path.rsplit(|&byte| byte == b'/').next().unwrap_or_default();
    let parameters = after.iter().skip_while(|&&byte| byte != b';').count();
    let end = path.len().saturating_sub(parameters);
    path.get(..end).unwrap_or_default()
}

/// `/models/{model}:{method}`, which only Gemini has.
fn gemini_method(rest: &[u8]) -> bool {
    rest.strip_prefix(b"/models/")
        .is_some_and(|rest| rest.contains(&b':'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_tell_the_dialect() {
        for (path, dialect, model) in [
            ("/v1/chat/completions", Dialect::OpenAi, None),
            ("/v1/completions", Dialect::OpenAi, None),
            ("/v1/responses", Dialect::OpenAi, None),
            ("/v1/embeddings", Dialect::OpenAi, None),
            ("/v1/models", Dialect::OpenAi, None),
            ("/gateway/v1/chat/completions", Dialect::OpenAi, None),
            (
                "/openai/deployments/gpt-x/chat/completions",
                Dialect::OpenAi,
                Some("gpt-x"),
            ),
            ("/openai/v1/responses", Dialect::OpenAi, None),
            ("/v1/messages", Dialect::Anthropic, None),
            ("/v1/messages/count_tokens", Dialect::Anthropic, None),
            ("/anthropic/v1/messages", Dialect::Anthropic, None),
            ("/v1/complete", Dialect::Anthropic, None),
            (
                "/v1beta/models/gemini-x:generateContent",
                Dialect::Gemini,
                Some("gemini-x"),
            ),
            (
                "/v1/models/gemini-x:streamGenerateContent",
                Dialect::Gemini,
                Some("gemini-x"),
            ),
            (
                "/v1/projects/p/locations/l/publishers/google/models/gemini-x:generateContent",
                Dialect::Gemini,
                Some("gemini-x"),
            ),
            (
                "/v1/projects/p/locations/l/publishers/anthropic/models/claude-x@1:streamRawPredict",
                Dialect::Anthropic,
                Some("claude-x@1"),
            ),
            ("/v1beta/openai/chat/completions", Dialect::OpenAi, None),
            (
                "/v1/projects/p/locations/l/endpoints/openapi/chat/completions",
                Dialect::OpenAi,
                None,
            ),
            (
                "/v1alpha/models/gemini-x:generateContent",
                Dialect::Gemini,
                Some("gemini-x"),
            ),
            (
                "/v1beta/models/gem%69ni-x:generateContent",
                Dialect::Gemini,
                Some("gemini-x"),
            ),
            ("/v1beta/models", Dialect::Gemini, None),
            ("/v1beta/models/", Dialect::Gemini, None),
            ("/v2/chat", Dialect::Other, None),
            ("/v10/chat", Dialect::Other, None),
            ("/", Dialect::Other, None),
            ("", Dialect::Other, None),
        ] {
            let found = Dialect::of(path.as_bytes(), || false);
            assert_eq!(found, dialect, "{path}");
            assert_eq!(
                found.model_in_path(path.as_bytes()).as_deref(),
                model.map(str::as_bytes),
                "{path}"
            );
        }
        assert_eq!(Dialect::of(b"/v1/models", || true), Dialect::Anthropic);
        for path in ["/v1/chat/completions", "/v1/responses", "/v1/embeddings"] {
            let dialect = Dialect::of(path.as_bytes(), || true);
            assert_eq!(dialect, Dialect::OpenAi, "{path}");
        }
    }

    #[test]
    fn paths_tell_what_is_wanted() {
        for (path, api) in [
            ("/v1/chat/completions", Api::Chat),
            ("/v1/chat/completions/", Api::Chat),
            ("/v1/chat%2Fcompletion%73", Api::Chat),
            ("/gateway/v1/chat/completions", Api::Chat),
            ("/openai/deployments/gpt-x/chat/completions", Api::Chat),
            ("/v1beta/openai/chat/completions", Api::Chat),
            ("/v1/completions", Api::Completions),
            ("/v1/responses", Api::Responses),
            ("/v1/embeddings", Api::Embeddings),
            ("/v1/messages", Api::Messages),
            ("/v1/complete", Api::Messages),
            ("/v1/messages/count_tokens", Api::Free),
            ("/v1/responses/input_tokens", Api::Free),
            (
                "/v1/projects/p/locations/l/publishers/anthropic/models/c:rawPredict",
                Api::Messages,
            ),
            (
                "/v1/projects/p/locations/l/publishers/anthropic/models/c:streamRawPredict",
                Api::Messages,
            ),
            ("/v1beta/models/g:generateContent", Api::Generate),
            ("/v1beta/models/g:streamGenerateContent", Api::Generate),
            ("/v1beta/models/g%3AstreamGenerateContent", Api::Generate),
            ("/v1beta/models/g:countTokens", Api::Free),
            ("/v1beta/models/g:embedContent", Api::Embeddings),
            ("/v1beta/models/g:batchEmbedContents", Api::Embeddings),
            // Some origins cut parameters off, and nobody's are a method.
            ("/v1/chat/completions;:countTokens", Api::Chat),
            ("/v1/chat/completions;a=b;:embedContent/", Api::Chat),
            ("/v1/chat/completions:countTokens", Api::Other),
            ("/v1/messages/count_tokens;a", Api::Free),
            ("/v1/messages;/count_tokens", Api::Other),
            (
                "/v1beta/models/g:generateContent;:countTokens",
                Api::Generate,
            ),
            ("/v1/threads/t/messages", Api::Other),
            ("/v1/models", Api::Other),
            ("/", Api::Other),
            ("", Api::Other),
        ] {
            let dialect = Dialect::of(path.as_bytes(), || false);
            assert_eq!(Api::of(dialect, path.as_bytes()), api, "{path}");
            assert_eq!(api.generates(), api != Api::Free && api != Api::Embeddings);
        }
    }
}
