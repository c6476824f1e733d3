//! The parts of a written policy that are about tokens, cost and dialects.

use schemars::JsonSchema;

use super::file::OneOrMany;
use super::schema::Decimal;
use crate::dialect::Dialect;

/// How tokens are foreseen before a request is answered. All of it is replaced by what the origin says was used.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema)]
#[schemars(deny_unknown_fields, default)]
pub struct Tokens {
    /// Output tokens that are reserved for a request that sets no cap of its own, from 1 to 1,000,000. Default: 1024.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub output: u64,
    /// Input tokens that are reserved for each image, file or recording in a request, up to 1,000,000. Default: 1000.
    #[schemars(range(max = 1_000_000))]
    pub media: u64,
    /// Whether OpenAI streams whose client did not ask for their usage are made to tell it: `stream_options` is added to the
    /// request, and the one chunk that comes of it is kept from the client. Without it such streams are counted by
    /// their deltas. Default: false.
    pub ask_for_usage: bool,
}

impl Default for Tokens {
    fn default() -> Self {
        Self {
            output: 1_024,
            media: 1_000,
            ask_for_usage: false,
        }
    }
}

/// What the tokens of some models cost, in units of the policy's own choice (dollars, say) per million tokens: up to
/// 1,000,000, with up to six decimals.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Price {
    /// Patterns of the model's name.
    pub model: OneOrMany,
    /// Input that was not cached.
    #[schemars(with = "Decimal")]
    pub input: u64,
    /// Input that was read from a cache. Default: as `input`.
    #[schemars(default, with = "Decimal", skip_serializing_if = "Option::is_none")]
    pub cached: Option<u64>,
    /// Output.
    #[schemars(with = "Decimal")]
    pub output: u64,
    /// Output that was reasoning. Default: as `output`.
    #[schemars(default, with = "Decimal", skip_serializing_if = "Option::is_none")]
    pub reasoning: Option<u64>,
}

/// The API that is spoken on some paths.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Speech {
    /// Patterns of the path, without its query.
    pub path: OneOrMany,
    /// The API.
    #[schemars(with = "Spoken")]
    pub dialect: Dialect,
}

/// The names of the dialects.
#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
#[expect(
    dead_code,
    reason = "the schema of Dialect, which knows nothing of schemas"
)]
enum Spoken {
    /// OpenAI's, and what speaks like it.
    OpenAi,
    /// Anthropic's.
    Anthropic,
    /// Gemini's, also on Vertex.
    Gemini,
    /// None that is known here: refusals are problems of RFC 9457.
    Other,
}

/// What happens to a request whose tokens cannot be read from its body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, JsonSchema)]
#[schemars(rename_all = "snake_case")]
pub enum OnUnreadable {
    /// Its input is estimated from the body's length, its output is what `tokens.output` says.
    #[default]
    ChargeByBytes,
    /// It is refused with status 400.
    Deny,
}
