//! Reads the parts that are about tokens, cost and dialects.

use super::quotas::rooted_patterns;
use crate::dialect::Dialect;
use crate::policy::file::{OnUnreadable, OneOrMany, Price, Speech, Tokens};
use crate::policy::node::{Fields, Node};

/// The most that a price may be, per million tokens, and the most tokens that are reserved by default.
const MOST: u64 = 1_000_000;

pub(super) fn on_unreadable(fields: &Fields<'_>) -> OnUnreadable {
    let words = [
        ("charge_by_bytes", OnUnreadable::ChargeByBytes),
        ("deny", OnUnreadable::Deny),
    ];
    fields
        .get("on_unreadable")
        .and_then(|node| node.word(&words))
        .unwrap_or_default()
}

pub(super) fn tokens(node: &Node<'_>) -> Option<Tokens> {
    let fields = node.fields(&["output", "media", "ask_for_usage"])?;
    let mut tokens = Tokens::default();
    if let Some(output) = fields.get("output").and_then(|node| node.whole(1..=MOST)) {
        tokens.output = output;
    }
    if let Some(media) = fields.get("media").and_then(|node| node.whole(0..=MOST)) {
        tokens.media = media;
    }
    if let Some(asks) = fields.get("ask_for_usage").and_then(|node| node.flag()) {
        tokens.ask_for_usage = asks;
    }
    Some(tokens)
}

/// The most prices: each request may look at all of them.
const MOST_PRICES: usize = 256;

/// Reads the prices. Without a last one for all models, a model that nobody has priced would be free; and one that stands
/// earlier would speak for those after it.
pub(super) fn prices(node: &Node<'_>) -> Vec<Price> {
    let items = node.items().unwrap_or_default();
    if items.len() > MOST_PRICES {
        node.fault("expected at most 256 entries");
    }
    let prices: Vec<Price> = items.iter().filter_map(price).collect();
    if prices.len() != items.len() {
        return prices;
    }
    let all = prices.iter().position(|price| {
        let OneOrMany::Many(models) = &price.model else {
            return false;
        };
        models.iter().any(|model| model == "*")
    });
    match all.and_then(|all| items.get(all.saturating_add(1))) {
        _ if all.is_none() => {
            node.fault("expected a last price for all other models, with \"model\": \"*\"");
        }
        Some(hidden) => hidden.fault("can never hold: the price before it is for all models"),
        None => {}
    }
    prices
}

fn price(node: &Node<'_>) -> Option<Price> {
    let fields = node.fields(&["model", "input", "cached", "output", "reasoning"])?;
    let model = fields.required("model").and_then(|node| node.texts());
    let [input, output] = ["input", "output"].map(|name| {
        let node = fields.required(name)?;
        node.decimal(MOST)
    });
    let [cached, reasoning] =
        ["cached", "reasoning"].map(|name| fields.get(name).and_then(|node| node.decimal(MOST)));
    let model = model?.into_iter().map(|(_, text)| text.to_owned());
    Some(Price {
        model: OneOrMany::Many(model.collect()),
        input: input?,
        cached,
        output: output?,
        reasoning,
    })
}

pub(super) fn dialects(node: &Node<'_>) -> Vec<Speech> {
    let items = node.items().unwrap_or_default();
    if items.len() > 64 {
        node.fault("expected at most 64 entries");
    }
    items.iter().filter_map(speech).collect()
}

fn speech(node: &Node<'_>) -> Option<Speech> {
    let words = [
        ("openai", Dialect::OpenAi),
        ("anthropic", Dialect::Anthropic),
        ("gemini", Dialect::Gemini),
        ("other", Dialect::Other),
    ];
    let fields = node.fields(&["path", "dialect"])?;
    let path = fields
        .required("path")
        .and_then(|_| rooted_patterns(&fields));
    let dialect = fields
        .required("dialect")
        .and_then(|node| node.word(&words));
    Some(Speech {
        path: path?,
        dialect: dialect?,
    })
}
