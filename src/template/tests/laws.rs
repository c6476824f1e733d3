//! What holds for any text, right or wrong, and any way of writing it.

use proptest::prelude::*;

use super::*;

/// Text with all that is folded: short or long.
fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        6 => "[a-zA-Z ,.]{1,60}",
        2 => "[0-9 \t\n]{1,12}",
        1 => prop::sample::select(vec!["\\", "\"", "/", "\\n", "\u{200b}", "\u{a0}", "\u{3000}", "\u{7f}"])
            .prop_map(String::from),
        1 => any::<char>().prop_map(String::from),
        1 => "[\u{e0}-\u{4ff}\u{4e00}-\u{4fff}]{1,20}",
    ];
    prop_oneof![
        prop::collection::vec(piece.clone(), 0..20),
        prop::collection::vec(piece, 50..250),
    ]
    .prop_map(|pieces| pieces.concat())
}

/// A text as it stands between quotes: each character is escaped if it must be, or if this says so.
fn written(text: &str, mut choose: impl FnMut() -> u8) -> String {
    let mut written = String::new();
    for character in text.chars() {
        let choice = choose() % 8;
        let must = character < ' ' || matches!(character, '"' | '\\');
        let short = match character {
            '"' => Some("\\\""),
            '\\' => Some("\\\\"),
            '/' => Some("\\/"),
            '\n' => Some("\\n"),
            '\t' => Some("\\t"),
            '\r' => Some("\\r"),
            _ => None,
        };
        match short {
            Some(short) if must && choice > 0 || choice == 1 => written.push_str(short),
            _ if must || choice == 0 => {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    written.push_str(&format!("\\u{unit:04x}"));
                }
            }
            _ => written.push(character),
        }
    }
    written
}

/// A source of choices that repeats.
fn choices(seed: u64) -> impl FnMut() -> u8 {
    let mut state = seed;
    move || {
        state = crate::traits::mix(state.wrapping_add(1));
        state as u8
    }
}

/// A text whose escapes, white space and case differ, in one piece or several.
fn in_pieces(text: &str, pieces: usize, seed: u64) -> String {
    let characters: Vec<char> = text.chars().collect();
    let mut choose = choices(seed);
    let parts = characters.chunks(characters.len().div_ceil(pieces).max(1));
    let parts: Vec<String> = parts
        .map(|part| {
            let part: String = part.iter().collect();
            format!(
                r#"{{"type":"text","text":"{}"}}"#,
                written(&part, &mut choose)
            )
        })
        .collect();
    format!(
        r#"{{"messages":[{{"role":"user","content":[{}]}}]}}"#,
        parts.join(",")
    )
}

/// The same template with another case, other digits, other white space, and characters that nobody sees.
fn disguised(text: &str, seed: u64) -> String {
    let mut choose = choices(seed);
    let mut disguised = String::new();
    for character in text.chars() {
        let choice = choose();
        match character {
            'a'..='z' if choice & 1 == 0 => disguised.push(character.to_ascii_uppercase()),
            '0'..='9' => disguised.push(char::from(b'0' + choice % 10)),
            ' ' if choice & 1 == 0 => disguised.push_str(" \n"),
            _ => disguised.push(character),
        }
        if choice & 0xf0 == 0 {
            disguised.push('\u{200b}');
        }
    }
    disguised
}

/// All of a template but what says how long it is as written, which is kept of long texts.
fn but_whole(template: Template) -> Template {
    Template {
        whole: 0,
        ..template
    }
}

proptest! {
    #[test]
    fn texts_fold_as_they_do_character_by_character(text in text()) {
        let expected = reference(&text);
        let mut folded = Folded::default();
        folded.read_text(text.as_bytes());
        prop_assert_eq!(folded.head(), &expected[..expected.len().min(CAP)]);
        let tail = if expected.len() > CAP { &expected[expected.len() - CAP..] } else { &[] };
        prop_assert_eq!(folded.tail(), tail);
    }

    #[test]
    fn a_template_is_the_same_however_it_is_written(text in text(), pieces in 1_usize..12, seed: u64) {
        let plain = Sampler::new(Secret::new(SECRET)).of_text(text.as_bytes());
        let other = of_body(&in_pieces(&text, pieces, seed));
        prop_assert_eq!((other.anchors, other.bins), (plain.anchors, plain.bins));
        if reference(&text).len() <= CAP {
            prop_assert_eq!(other.whole, plain.whole);
        }
        let disguised = of_body(&in_pieces(&disguised(&text, seed), pieces, seed ^ 1));
        prop_assert_eq!(but_whole(disguised), but_whole(other));
    }

    #[test]
    fn nothing_that_is_read_makes_it_stop(
        bytes in prop::collection::vec(prop_oneof![
            3 => any::<u8>(),
            2 => prop::sample::select(b"\\u0dD8c \"\xe2\x80\x8b\xf3\xa0\xc2\xef".to_vec()),
        ], 0..4_000),
        cut in 0_usize..4_000,
    ) {
        let sampler = Sampler::new(Secret::new(SECRET));
        let mut folded = Folded::default();
        let one = sampler.of_text(&bytes);
        folded.read_text(&bytes);
        prop_assert!(folded.head().len() <= CAP && folded.tail().len() <= CAP);
        folded.read_text(bytes.get(cut..).unwrap_or_default());
        // What was read before leaves nothing behind.
        folded.read_text(&bytes);
        let mut again = Template::default();
        sampler.note_system(&folded, &mut again);
        sampler.note_user(&folded, &mut again);
        prop_assert_eq!(again, one);
    }

    #[test]
    fn broken_escapes_are_read_somehow(text in "(\\\\(u[0-9dD]{0,4}|[a-z\"]?)|[a-z ]|\u{200b}){0,400}", cut in 0_usize..800) {
        // A scan lets no such text pass; whoever hands over spans may.
        let body = format!(r#"{{"messages":[{{"role":"user","content":"{}"}}]}}"#, "x".repeat(text.len()));
        let prompt = request::read(body.as_bytes()).unwrap();
        let hostile = body.replace(&"x".repeat(text.len().max(1)), &text);
        let hostile = hostile.as_bytes().get(..cut).unwrap_or(hostile.as_bytes());
        let sampler = Sampler::new(Secret::new(SECRET));
        let one = sampler.read(hostile, &prompt, &mut Folded::default());
        prop_assert_eq!(sampler.read(hostile, &prompt, &mut Folded::default()), one);
    }
}
