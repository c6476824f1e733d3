#![expect(
    clippy::arithmetic_side_effects,
    reason = "a test that meets the unexpected should stop and say so"
)]

use super::*;
use crate::dialect::request;

mod laws;

const SECRET: &[u8] = b"0123456789abcdef";

/// What a text folds to, character by character.
fn reference(text: &str) -> Vec<u8> {
    let mut folded = vec![b' '];
    for character in text.chars() {
        let code = u32::from(character);
        let invisible = matches!(code, 0xad | 0x34f | 0x61c | 0x180e | 0xfeff)
            || [0x200b..=0x200f, 0x202a..=0x202e, 0x2060..=0x206f]
                .iter()
                .any(|range| range.contains(&code))
            || (0xfe00..=0xfe0f).contains(&code)
            || (0xe_0000..=0xe_0fff).contains(&code);
        let character = match character {
            _ if invisible => continue,
            _ if character.is_whitespace() || character.is_control() => ' ',
            '0'..='9' => '0',
            _ => character.to_ascii_lowercase(),
        };
        let again = matches!(character, ' ' | '0') && folded.last() == Some(&(character as u8));
        if !again {
            folded.extend(character.to_string().into_bytes());
        }
    }
    if folded.len() > 1 && folded.last() == Some(&b' ') {
        folded.pop();
    }
    folded.remove(0);
    folded
}

fn folded(text: &str) -> String {
    let mut folded = Folded::default();
    folded.read_text(text.as_bytes());
    assert!(folded.tail().is_empty());
    String::from_utf8(folded.head().to_vec()).unwrap()
}

/// The template of a user's text, in a body as it is.
fn of_body(body: &str) -> Template {
    let prompt = request::read(body.as_bytes()).unwrap();
    Sampler::new(Secret::new(SECRET)).read(body.as_bytes(), &prompt, &mut Folded::default())
}

/// The template of a user's text that is written in a body as it stands here.
fn of_written(text: &str) -> Template {
    of_body(&format!(
        r#"{{"messages":[{{"role":"user","content":"{text}"}}]}}"#
    ))
}

fn bins_in_common(one: &Template, other: &Template) -> usize {
    let pairs = one.bins.iter().zip(&other.bins);
    pairs
        .filter(|(one, other)| one == other && **one != 0)
        .count()
}

/// Invented words, so many bytes of them or a few more.
fn words(seed: u64, length: usize) -> String {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut text = String::new();
    while text.len() < length {
        for _ in 0..state % 4 + 2 {
            state = crate::traits::mix(state.wrapping_add(1));
            text.push_str(["ba", "ke", "li", "mo", "nu", "sta", "tri", "ov"][state as usize % 8]);
        }
        text.push(if state & 0xf00 == 0 { '.' } else { ' ' });
    }
    text
}

#[test]
fn what_may_differ_is_folded_away() {
    for (text, expected) in [
        ("", ""),
        (" \t\r\n", ""),
        ("Hello World", "hello world"),
        ("  a  b\n\n c ", "a b c"),
        ("In 2024, 10.5 of 7", "in 0, 0.0 of 0"),
        ("1234567890123456789", "0"),
        (
            "ABCDEFGHIJKLMNOPQRSTUVWXYZ@[`{",
            "abcdefghijklmnopqrstuvwxyz@[`{",
        ),
        ("/09:", "/0:"),
        ("a\u{200b}b\u{feff}c\u{e0041}d\u{ad}e", "abcde"),
        ("a\u{a0}\u{3000}b\u{7f}c\u{85}", "a b c"),
        (
            "Stra\u{df}e \u{4e2d}\u{6587} \u{1f600}",
            "stra\u{df}e \u{4e2d}\u{6587} \u{1f600}",
        ),
        ("back\\nslash", "back\\nslash"),
    ] {
        assert_eq!(folded(text), expected, "{text:?}");
        assert_eq!(reference(text), expected.as_bytes(), "{text:?}");
    }
}

#[test]
fn every_byte_in_every_place_of_a_word_is_folded_alike() {
    for character in (0..=0x3ff_u32).filter_map(char::from_u32) {
        for place in 0..20 {
            let text = format!("{}{character}{}", "x".repeat(place), "y 1".repeat(6));
            assert_eq!(folded(&text).as_bytes(), reference(&text), "{text:?}");
            let text = format!("{}{character}{character}", "8 ".repeat(place));
            assert_eq!(folded(&text).as_bytes(), reference(&text), "{text:?}");
        }
    }
}

#[test]
fn escapes_are_decoded() {
    let plain = of_written("Say \u{e9} and / or \u{1f600} to 5 of them, \u{4e2d}\u{6587}");
    for other in [
        r"\u0053ay \u00e9 and \/ or \ud83d\ude00 to 5 of them, \u4e2d\u6587",
        r"\nSAY\t\u00e9\r\nand \u002f\u200b or \uD83D\uDE00 to\f\b99 of them,\u3000\u4E2D\u6587\n\n",
    ] {
        assert_eq!(of_written(other), plain, "{other}");
    }
    // An escape that stands for a backslash begins no other.
    assert_ne!(of_written(r"a\\n b"), of_written(r"a\n b"));
    assert_eq!(of_written(r"a\\n b"), of_written(r"a\u005cn b"));
}

#[test]
fn a_text_is_long_by_what_it_folds_to() {
    for length in [CAP - 1, CAP, CAP + 1, CAP + 2, 2 * CAP + 20] {
        let text = words(3, length);
        let text = text.get(..length).unwrap().replace(' ', "-");
        let mut folded = Folded::default();
        for behind in ["", "  ", "\n \u{200b}", &" ".repeat(3_000)] {
            folded.read_text(format!(" {text}{behind}").as_bytes());
            assert_eq!(folded.head(), &text.as_bytes()[..length.min(CAP)]);
            let tail = if length > CAP { length - CAP } else { length };
            assert_eq!(folded.tail(), &text.as_bytes()[tail..], "{length}");
        }
    }
}

#[test]
fn a_long_text_is_known_by_how_it_begins_and_ends() {
    let (head, tail) = (words(1, 3_000), words(2, 3_000));
    let one = of_written(&format!("{head}{}{tail}", words(3, 4_000)));
    let other = of_written(&format!("{head}{}{tail}", words(4, 5_000)));
    assert_eq!((one.anchors, one.bins), (other.anchors, other.bins));
    assert_ne!(one.whole, other.whole);
    assert!(!one.anchors.contains(&0) && !one.bins.contains(&0));
}

#[test]
fn a_long_end_in_escapes_is_read_far_enough() {
    let text: String = (0..4_000_u32)
        .filter_map(|at| char::from_u32(0x4e00 + at * 7 % 0x5000))
        .collect();
    let escaped: String = text
        .chars()
        .map(|character| format!("\\u{:04x}", u32::from(character)))
        .collect();
    let (plain, escaped) = (of_written(&text), of_written(&escaped));
    assert_eq!((plain.anchors, plain.bins), (escaped.anchors, escaped.bins));
}

#[test]
fn short_texts_have_the_anchors_that_they_are_long_enough_for() {
    for (length, anchors) in [
        (0, 0),
        (23, 0),
        (24, 1),
        (47, 1),
        (48, 2),
        (95, 2),
        (96, 3),
        (300, 3),
    ] {
        let text = "x".repeat(length);
        let template = of_written(&text);
        for side in template.anchors.chunks(3) {
            assert_eq!(side.iter().filter(|anchor| **anchor != 0).count(), anchors);
        }
        assert_eq!(template.whole != 0, length > 0);
        assert_eq!(template.bins.iter().any(|bin| *bin != 0), length >= 32);
    }
    // How a text begins is no end, and none is the whole.
    let [a, b, c, d, e, f] = of_written(&"x".repeat(96)).anchors;
    let mut all = vec![a, b, c, d, e, f, of_written(&"x".repeat(96)).whole];
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), 7);
}

#[test]
fn the_system_text_is_apart() {
    let body = |system: &str, user: &str| {
        of_body(&format!(
            r#"{{"messages":[{{"role":"system","content":"{system}"}},{{"role":"user","content":"{user}"}}]}}"#
        ))
    };
    let (text, other) = (words(1, 300), words(2, 300));
    let both = body(&text, &other);
    assert_eq!(both.system, body(&text, "a").system);
    assert_eq!(both.system_anchors, body(&text, "a").system_anchors);
    assert_eq!(both.anchors, of_written(&other).anchors);
    assert_ne!(both.system, body(&other, &text).whole);
    let written_down = Sampler::new(Secret::new(SECRET)).of_text(text.as_bytes());
    assert_eq!(written_down.system, both.system);
}

#[test]
fn a_template_is_known_whatever_is_filled_in() {
    const ROUNDS: u64 = 1_000;
    // A bin is shared if the least of the windows of both texts is the template.s.
    for (length, least_bins, share) in [(330, 3, 950), (130, 1, 900), (1_000, 6, 990)] {
        let template = words(7, length);
        let mut known = 0;
        for round in 0..ROUNDS {
            let ask = |seed| of_written(&format!("{template}{}", words(seed, 230)));
            let (one, other) = (ask(round * 2 + 100), ask(round * 2 + 101));
            assert_eq!(one.anchors[..3], other.anchors[..3]);
            assert_ne!(one.anchors[3..], other.anchors[3..]);
            known += u64::from(bins_in_common(&one, &other) >= least_bins);
        }
        assert!(known >= share, "{length}: {known} of {ROUNDS}");
    }
    let strangers = (0..ROUNDS).filter(|round| {
        let one = of_written(&words(round * 2 + 5_000, 500));
        bins_in_common(&one, &of_written(&words(round * 2 + 5_001, 500))) > 0
    });
    assert_eq!(strangers.count(), 0);
}
