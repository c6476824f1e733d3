//! Bodies as clients and origins write them, of any size, with invented words.

use std::fmt::Write as _;

/// A kind of body: its name, and how one of about so many bytes is made.
pub(crate) type Kind = (&'static str, fn(usize) -> String);

/// All kinds of bodies of requests.
pub(crate) const KINDS: [Kind; 6] = [
    ("chat", chat),
    ("agent with tools", agent),
    ("chat in \\u escapes", escaped),
    ("image in base64", image),
    ("texts to embed", texts),
    ("numbers", numbers),
];

/// Numbers that repeat.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(0x5851_f42d_4c95_7f2d)
            .wrapping_add(0x1405_7b7e_f767_814f);
        (self.0 >> 33) % bound
    }

    fn pick<T: Copy>(&mut self, from: &[T], otherwise: T) -> T {
        let place = self.below(from.len() as u64) as usize;
        from.get(place).copied().unwrap_or(otherwise)
    }
}

/// Words with what prose and programs have between them: every 15th gap is an escape or two.
fn prose(dice: &mut Dice, text: &mut String, length: usize) {
    let end = text.len() + length;
    while text.len() < end {
        text.push_str(dice.pick(&WORDS, "a"));
        text.push_str(match dice.below(60) {
            0 => ".\\n\\n",
            1 => " \\\"so\\\" ",
            2 | 3 => ",\\n",
            4 => "\u{2019}s ",
            _ => " ",
        });
    }
}

/// Prose alone, so many bytes of it or a few more.
pub(crate) fn words(seed: u64, length: usize) -> String {
    let mut text = String::new();
    prose(&mut Dice(seed), &mut text, length);
    text
}

/// Turns of 100 to `longest` bytes, until the text has the size.
fn turns(dice: &mut Dice, text: &mut String, size: usize, longest: u64) {
    text.push_str(r#""messages": [{"role": "system", "content": "You are a helpful assistant."}"#);
    for turn in 0_u32.. {
        let left = size.saturating_sub(text.len());
        if left == 0 {
            break;
        }
        let role = if turn % 2 == 0 { "user" } else { "assistant" };
        let _ = write!(text, r#", {{"role": "{role}", "content": ""#);
        let length = 100 + dice.below(longest - 100) as usize;
        prose(dice, text, length.min(left));
        text.push_str("\"}");
    }
    text.push(']');
}

fn chat(size: usize) -> String {
    let mut text =
        String::from(r#"{"model": "gpt-4o-mini", "temperature": 0.7, "max_tokens": 1024, "#);
    turns(&mut Dice(1), &mut text, size.saturating_sub(40), 2000);
    text + r#", "stream": true}"#
}

fn agent(size: usize) -> String {
    let mut dice = Dice(2);
    let mut text = String::from(r#"{"model":"gpt-4o","tool_choice":"auto","tools":["#);
    for tool in 0.. {
        if text.len() > size * 7 / 10 {
            break;
        }
        let comma = if tool > 0 { "," } else { "" };
        let _ = write!(
            text,
            r#"{comma}{{"type":"function","function":{{"name":"tool_{tool}","description":""#
        );
        prose(&mut dice, &mut text, 60);
        text.push_str(
            r#"","strict":true,"parameters":{"type":"object","properties":{"id":{"type":"integer"}"#,
        );
        for field in 0..4 {
            let _ = write!(
                text,
                r#","field_{field}":{{"type":"string","description":""#
            );
            prose(&mut dice, &mut text, 30);
            text.push_str(r#"","enum":["one","two","three"],"minLength":1,"nullable":false}"#);
        }
        text.push_str(r#"},"required":["id","field_0"],"additionalProperties":false}}}"#);
    }
    text.push_str("],");
    turns(&mut dice, &mut text, size.saturating_sub(20), 400);
    text + r#","stream":false}"#
}

fn escaped(size: usize) -> String {
    let mut dice = Dice(3);
    let mut text = String::from(r#"{"model":"gpt-4o","messages":[{"role":"user","content":""#);
    while text.len() + 10 < size {
        match dice.below(12) {
            0 => text.push_str("\\n"),
            1 => text.push_str("\\ud83d\\ude00"),
            2 => text.push_str(", "),
            _ => {
                let _ = write!(text, "\\u{:04x}", 0x4e00 + dice.below(0x5000));
            }
        }
    }
    text + r#""}]}"#
}

fn image(size: usize) -> String {
    let mut dice = Dice(4);
    let mut text = String::from(
        r#"{"model":"gpt-4o","messages":[{"role":"user","content":[{"type":"text","text":"What is this?"},{"type":"image_url","image_url":{"url":"data:image/png;base64,"#,
    );
    while text.len() + 10 < size {
        text.push(char::from(dice.pick(LETTERS, b'A')));
    }
    text + r#""}}]}]}"#
}

fn texts(size: usize) -> String {
    let mut dice = Dice(5);
    let mut text = String::from(r#"{"model":"text-embedding-3-small","input":["first""#);
    while text.len() + 200 < size {
        text.push_str(",\"");
        prose(&mut dice, &mut text, 150);
        text.push('"');
    }
    text + "]}"
}

fn numbers(size: usize) -> String {
    let mut dice = Dice(6);
    let mut text = String::from(r#"{"model":"m","embedding":[0.5"#);
    while text.len() + 10 < size {
        let sign = dice.pick(&["", "-"], "");
        let _ = write!(
            text,
            ", {sign}0.0{}",
            10_u64.pow(7) + dice.below(900_000_000)
        );
    }
    text + "]}"
}

/// A stream of OpenAI's with so many pieces, an event each.
pub(crate) fn stream(events: usize) -> Vec<String> {
    let event = |piece: usize| {
        format!(
            r#"data: {{"id":"chatcmpl-B9MBs8CjcvOU2jLn4n570S5qMJKcT","object":"chat.completion.chunk","created":1793491200,"model":"gpt-4o-mini-2024-07-18","service_tier":"default","system_fingerprint":"fp_44709d6fcb","choices":[{{"index":0,"delta":{{"content":" word{}"}},"logprobs":null,"finish_reason":null}}],"usage":null}}"#,
            piece % 10
        ) + "\n\n"
    };
    (0..events).map(event).collect()
}

const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

const WORDS: [&str; 40] = [
    "the",
    "harbour",
    "of",
    "and",
    "to",
    "ship",
    "in",
    "is",
    "that",
    "for",
    "it",
    "as",
    "was",
    "with",
    "be",
    "morning",
    "on",
    "not",
    "he",
    "but",
    "at",
    "are",
    "this",
    "have",
    "from",
    "or",
    "had",
    "an",
    "they",
    "which",
    "one",
    "you",
    "were",
    "all",
    "her",
    "would",
    "there",
    "their",
    "lighthouse",
    "we",
];
