#![expect(
    clippy::arithmetic_side_effects,
    reason = "a test that meets the unexpected should stop and say so"
)]

use proptest::prelude::*;

use std::borrow::Cow;

use super::*;

fn read(answer: &[u8]) -> Seen {
    let mut reader = Reader::new();
    reader.feed(answer);
    let whole = reader.finish();
    let mut reader = Reader::new();
    answer.chunks(1).for_each(|byte| reader.feed(byte));
    assert_eq!(reader.finish(), whole, "{}", answer.escape_ascii());
    whole
}

/// What one event, or one document, tells of these counts.
fn told(usage: &str) -> (Option<u64>, u64, Option<u64>, u64, u32) {
    let document = format!("{{\"usage\":{usage}}}");
    let Seen { told, odd, .. } = read(document.as_bytes());
    let gemini = read(format!("[{{\"usageMetadata\":{usage}}}]").as_bytes());
    assert_eq!((told, odd), (gemini.told, gemini.odd));
    let event = read(format!("data: {document}\n\n").as_bytes());
    assert_eq!((told, odd), (event.told, event.odd));
    (told.input, told.cached, told.output, told.reasoning, odd)
}

#[test]
fn counts_are_read_by_every_name_they_have() {
    for (usage, expected) in [
        ("{}", (None, 0, None, 0, 0)),
        ("null", (None, 0, None, 0, 0)),
        (
            r#"{"prompt_tokens":5,"completion_tokens":3,"total_tokens":8}"#,
            (Some(5), 0, Some(3), 0, 0),
        ),
        // The total tells what the others leave out.
        (
            r#"{"prompt_tokens":5,"completion_tokens":3,"total_tokens":20,"completion_tokens_details":{"reasoning_tokens":12}}"#,
            (Some(5), 0, Some(15), 12, 0),
        ),
        (r#"{"total_tokens":9}"#, (Some(9), 0, None, 0, 0)),
        (
            r#"{"completion_tokens":2,"total_tokens":9}"#,
            (Some(7), 0, Some(2), 0, 0),
        ),
        (
            r#"{"prompt_tokens":9,"total_tokens":9}"#,
            (Some(9), 0, None, 0, 0),
        ),
        (
            r#"{"prompt_tokens":9,"completion_tokens":1,"total_tokens":3}"#,
            (Some(9), 0, Some(1), 0, 0),
        ),
        (
            r#"{"input_tokens":1,"cache_creation_input_tokens":10,"cache_read_input_tokens":100,"output_tokens":7}"#,
            (Some(111), 100, Some(7), 0, 0),
        ),
        (
            // What came from the cache says nothing of the rest.
            r#"{"cache_read_input_tokens":100}"#,
            (None, 0, None, 0, 0),
        ),
        (
            r#"{"output_tokens":9,"output_tokens_details":{"thinking_tokens":4}}"#,
            (None, 0, Some(9), 4, 0),
        ),
        (
            r#"{"input_tokens":9,"cache_creation_input_tokens":null,"cache_read_input_tokens":null,"output_tokens":null}"#,
            (Some(9), 0, None, 0, 0),
        ),
        (
            r#"{"promptTokenCount":1,"toolUsePromptTokenCount":2,"candidatesTokenCount":4,"thoughtsTokenCount":8,"totalTokenCount":15}"#,
            (Some(3), 0, Some(12), 8, 0),
        ),
        // No part is larger than the whole.
        (
            r#"{"prompt_tokens":5,"completion_tokens":3,"prompt_tokens_details":{"cached_tokens":9},"completion_tokens_details":{"reasoning_tokens":9}}"#,
            (Some(5), 5, Some(3), 3, 0),
        ),
        (
            r#"{"prompt_tokens":1e3,"completion_tokens":2.0}"#,
            (Some(1000), 0, Some(2), 0, 0),
        ),
    ] {
        assert_eq!(told(usage), expected, "{usage}");
    }
}

#[test]
fn odd_counts_are_passed_over_and_counted() {
    for (usage, expected) in [
        (r#"{"prompt_tokens":-5}"#, (None, 0, None, 0, 1)),
        (r#"{"prompt_tokens":0.5}"#, (None, 0, None, 0, 1)),
        (r#"{"prompt_tokens":"5"}"#, (None, 0, None, 0, 1)),
        (r#"{"prompt_tokens":true}"#, (None, 0, None, 0, 1)),
        (r#"{"prompt_tokens":[5]}"#, (None, 0, None, 0, 1)),
        (r#"{"prompt_tokens":{"a":5}}"#, (None, 0, None, 0, 1)),
        (
            r#"{"prompt_tokens":1099511627776}"#,
            (Some(1 << 40), 0, None, 0, 0),
        ),
        (r#"{"prompt_tokens":1099511627777}"#, (None, 0, None, 0, 1)),
        (
            r#"{"prompt_tokens":1e308,"completion_tokens":4}"#,
            (None, 0, Some(4), 0, 1),
        ),
        (
            r#"{"prompt_tokens":5,"prompt_tokens":-1,"prompt_tokens":3}"#,
            (Some(5), 0, None, 0, 1),
        ),
        ("[]", (None, 0, None, 0, 1)),
        ("12", (None, 0, None, 0, 1)),
        ("\"x\"", (None, 0, None, 0, 1)),
        ("false", (None, 0, None, 0, 1)),
    ] {
        assert_eq!(told(usage), expected, "{usage}");
    }
}

#[test]
fn what_is_told_again_counts_once() {
    let event = |output: u32| {
        format!("data: {{\"usage\":{{\"prompt_tokens\":9,\"completion_tokens\":{output}}}}}\n\n")
    };
    let stream = [event(1), event(5), event(3)].concat();
    let seen = read(stream.as_bytes());
    assert_eq!((seen.told.input, seen.told.output), (Some(9), Some(5)));
    // Of Anthropic's two events the first alone may tell the cache, and the second alone the rest.
    let stream = concat!(
        "data: {\"message\":{\"usage\":{\"input_tokens\":5,\"cache_read_input_tokens\":50,\"output_tokens\":1}}}\n\n",
        "data: {\"usage\":{\"output_tokens\":70}}\n\n",
    );
    let seen = read(stream.as_bytes());
    assert_eq!(
        (seen.told.input, seen.told.cached, seen.told.output),
        (Some(55), 50, Some(70))
    );
}

#[test]
fn lines_are_read_as_the_standard_says() {
    const DATA: &str = r#"{"choices":[{"delta":{"content":"abc"}}]}"#;
    let (before, after) = DATA.split_at(20);
    for (stream, pieces, understood) in [
        (format!("data: {DATA}\n\n"), 1, true),
        (format!("data:{DATA}\n\n"), 1, true),
        (format!("data:  {DATA}\n\n"), 1, true),
        (format!("data: {DATA}\n\ndata: {DATA}\n\n"), 2, true),
        (format!("data: {DATA}"), 1, true),
        (format!("data: {DATA}\n"), 1, true),
        (format!(": comment\ndata: {DATA}\n:\n\n"), 1, true),
        (
            format!("event: x\nid: 1\nretry: 5\ndata: {DATA}\n\n"),
            1,
            true,
        ),
        (
            format!("data: {DATA}\r\rdata: {DATA}\r\n\r\ndata: {DATA}\n\n"),
            3,
            true,
        ),
        (format!("data\ndata: {DATA}\ndata\n\n"), 1, true),
        (format!("data: {before}\ndata: {after}\n\n"), 1, true),
        (format!("\n\n\ndata: {DATA}\n\n\n\n"), 1, true),
        (format!("\u{feff}data: {DATA}\n\n"), 1, true),
        (format!("\0\ndata: {DATA}\n\n"), 1, true),
        // Not data.
        (format!("date: {DATA}\n\n"), 0, false),
        (format!("datax: {DATA}\n\n"), 0, false),
        (format!("dat: {DATA}\n\n"), 0, false),
        (format!("Data: {DATA}\n\n"), 0, false),
        (format!(":data: {DATA}\n\n"), 0, false),
        // Not JSON: what is around it counts.
        (format!("data: oops\n\ndata: {DATA}\n\n"), 1, false),
        (format!("data: {DATA}\n\ndata: {{\"a\":\n\n"), 1, false),
        (format!("data: {DATA}{DATA}\n\n"), 1, false),
        (String::from("data\n\n"), 0, false),
        (String::from("<html>502 Bad Gateway</html>"), 0, false),
        (String::from("\u{feff}"), 0, false),
        (String::from(" \r\n"), 0, false),
        (String::new(), 0, false),
    ] {
        let seen = read(stream.as_bytes());
        assert_eq!(
            (seen.pieces, seen.understood),
            (pieces, understood),
            "{stream:?}"
        );
        assert!(!seen.complete, "{stream:?}");
    }
    let half_a_mark = [
        b"\xef\xbbdata: ",
        DATA.as_bytes(),
        b"\n\ndata: ",
        DATA.as_bytes(),
    ]
    .concat();
    assert_eq!(read(&half_a_mark).pieces, 1);
}

#[test]
fn the_end_of_a_stream_is_told_from_its_breaking_off() {
    for (stream, complete) in [
        ("data: [DONE]\n\n", true),
        ("data: [DONE]", true),
        ("data:[DONE]\r\n\r\n", true),
        ("data: [DON", false),
        ("data: [DONE] \n\n", false),
        ("data: {\"type\":\"message_stop\"}\n\n", true),
        ("data: {\"type\":\"response.completed\"}\n\n", true),
        ("data: {\"type\":\"response.incomplete\"}\n\n", true),
        ("data: {\"type\":\"response.failed\"}\n\n", true),
        ("data: {\"type\":\"response.created\"}\n\n", false),
        ("data: {\"choices\":[],\"usage\":{}}\n\n", true),
        ("data: {\"choices\":[],\"usage\":null}\n\n", false),
        (
            "data: {\"candidates\":[{\"finishReason\":\"STOP\"}]}\n\n",
            true,
        ),
        (
            "data: {\"candidates\":[{\"finishReason\":null}]}\n\n",
            false,
        ),
        ("{\"type\":\"message\"}", true),
        ("{\"type\":\"message\"", false),
        ("[{}]", true),
        ("[{},", false),
        ("[{}]]", false),
    ] {
        assert_eq!(read(stream.as_bytes()).complete, complete, "{stream}");
    }
}

#[test]
fn what_is_charged_is_what_was_told_or_what_passed() {
    let whole = br#"{"choices":[{"message":{"content":"abcdefghi"}}],"usage":{"prompt_tokens":7,"completion_tokens":2}}"#;
    let usage = |answer: &[u8]| read(answer).settled(100);
    let exact = Usage {
        input: 7,
        cached: 0,
        output: 2,
        reasoning: 0,
    };
    assert_eq!(usage(whole), exact);
    // Nine bytes are three tokens, roughly; and the input is what it was taken for.
    let silent = Usage {
        input: 100,
        output: 3,
        ..exact
    };
    assert_eq!(
        usage(br#"{"choices":[{"message":{"content":"abcdefghi"}}]}"#),
        silent
    );
    assert_eq!(usage(&whole[..50]), silent);
    // A text that breaks off said what passed of it, a text that is skipped nothing.
    for (cut, output) in [
        (
            "data: {\"choices\":[{\"delta\":{\"content\":\"abcd\\u00e9fgh",
            3,
        ),
        ("{\"choices\":[{\"message\":{\"content\":\"abcd", 1),
        ("{\"choices\":[{\"message\":{\"role\":\"abcd", 0),
        ("{\"choices\":[{\"message\":{\"cont", 0),
    ] {
        assert_eq!(usage(cut.as_bytes()).output, output, "{cut}");
    }
    // Anthropic's first API never tells it.
    assert_eq!(
        usage(br#"{"type":"completion","completion":"abcdefghi","stop_reason":"max_tokens"}"#),
        silent
    );
    // Pieces of a byte each are a token each.
    let piece = "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n";
    assert_eq!(usage(piece.repeat(5).as_bytes()).output, 5);
    // What a stream told before it broke off is a beginning.
    let begun = concat!(
        "data: {\"type\":\"message_start\",\"message\":{\"usage\":{\"input_tokens\":9,\"output_tokens\":1}}}\n\n",
        "data: {\"delta\":{\"text\":\"abcdefghijkl\"}}\n\n",
    );
    let settled = usage(begun.as_bytes());
    assert_eq!((settled.input, settled.output), (9, 3));
    assert_eq!(
        usage(b""),
        Usage {
            input: 100,
            ..Usage::default()
        }
    );
}

#[test]
fn nothing_makes_a_reader_grow() {
    assert!(size_of::<Reader>() < 1024, "{}", size_of::<Reader>());
    let long = "x".repeat(200_000);
    let line = format!("data: {{\"choices\":[{{\"delta\":{{\"content\":\"{long}\"}}}}]}}\n\n");
    let mut reader = Reader::new();
    reader.feed(line.as_bytes());
    let seen = reader.finish();
    assert_eq!(
        (seen.pieces, seen.text_bytes, seen.understood),
        (1, 200_000, true)
    );
    for endless in [
        "data: ",
        "x",
        "data",
        "\r",
        "\n",
        ":",
        "{",
        "[",
        "data: {\"a\":[",
        " ",
        "\0",
        "\u{feff}",
    ] {
        let mut reader = Reader::new();
        reader.feed(endless.repeat(50_000).as_bytes());
        let seen = reader.finish();
        assert_eq!((seen.pieces, seen.understood), (0, false), "{endless:?}");
    }
    let deep = format!(
        "data: {}\n\ndata: {{\"delta\":\"a\"}}\n\n",
        "[".repeat(100_000)
    );
    assert_eq!(read(deep.as_bytes()).pieces, 1);
}

#[test]
fn bytes_that_are_no_text_are_bytes() {
    let seen =
        read(b"data: {\"choices\":[{\"delta\":{\"content\":\"\xff\xfe\xed\xa0\x80\"}}]}\n\n");
    assert_eq!(
        (seen.pieces, seen.text_bytes, seen.understood),
        (1, 5, true)
    );
    let seen = read(b"data: {\"choices\":[{\"delta\":{\"content\":\"a\0b\"}}]}\n\n");
    assert_eq!((seen.pieces, seen.understood), (0, false));
    let seen = read(b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\n\n");
    assert_eq!((seen.pieces, seen.understood), (0, false));
}

const EXTRA: &str =
    "event: x\ndata: {\"id\":\"1\",\"choices\":[],\"usage\":{\"prompt_tokens\":1}}\n\n";

/// What a client gets, and how much of it before the stream's end.
fn hide(chunks: &[&str]) -> (String, usize) {
    let mut hider = Hider::new();
    let mut out = Vec::new();
    for chunk in chunks {
        out.extend_from_slice(&hider.feed(chunk.as_bytes()));
    }
    let before = out.len();
    out.extend(hider.finish().0);
    (String::from_utf8(out).unwrap(), before)
}

#[test]
fn the_extra_chunk_goes_with_all_its_lines() {
    for (event, hidden) in [
        (EXTRA.to_owned(), true),
        (EXTRA.replace('\n', "\r\n"), true),
        (EXTRA.replace('\n', "\r"), true),
        (EXTRA.replace("[]", "[ ]"), true),
        (EXTRA.replace("\"choices\":[],", "\"choices\":[1],"), false),
        (EXTRA.replace("\"choices\":[],", ""), false),
        (EXTRA.replace("{\"prompt_tokens\":1}", "null"), false),
        (EXTRA.replace("}}", "}"), false),
        (
            EXTRA
                .replace("\"choices\"", "\"a\":{\"choices\"")
                .replace("}}", "}}}"),
            false,
        ),
        (String::from("data: [DONE]\n\n"), false),
        (String::from(": comment\n\n"), false),
        (String::from("\n"), false),
    ] {
        let piece = "data: {\"choices\":[{}],\"usage\":null}\n\n";
        let stream = format!("{piece}{event}{piece}");
        let passed = if hidden {
            piece.repeat(2)
        } else {
            stream.clone()
        };
        for cut in 0..=stream.len() {
            let (one, other) = stream.split_at(cut);
            assert_eq!(
                hide(&[one, other]),
                (passed.clone(), passed.len()),
                "cut at {cut}: {stream:?}"
            );
        }
    }
    // An extra chunk without its empty line is held to the end, and passes: it is not whole.
    let (out, before) = hide(&["data: {\"a\":1}\n\n", EXTRA.trim_end()]);
    assert_eq!((out.len(), before), (15 + EXTRA.len() - 2, 15));
}

#[test]
fn chunks_that_need_no_change_are_not_copied() {
    let mut hider = Hider::new();
    assert!(matches!(
        hider.feed(b"data: {}\n\ndata: {}\n\n"),
        Cow::Borrowed(b"data: {}\n\ndata: {}\n\n")
    ));
    assert!(matches!(
        hider.feed(b"data: {}\n\ndata"),
        Cow::Borrowed(b"data: {}\n\n")
    ));
    assert!(matches!(hider.feed(b": {}\n\n"), Cow::Owned(out) if out == b"data: {}\n\n"));
    assert!(matches!(hider.feed(EXTRA.as_bytes()), Cow::Owned(out) if out.is_empty()));
}

#[test]
fn no_more_is_held_than_an_extra_chunk_can_be() {
    let long = "x".repeat(2 * MAX_HELD);
    let stream = format!("data: {{\"choices\":[],\"a\":\"{long}\",\"usage\":{{}}}}\n\n");
    // In one chunk it is seen whole, and nothing is held.
    assert_eq!(hide(&[&stream]).0, "");
    let mut hider = Hider::new();
    let (mut came, mut out) = (0, Vec::new());
    for chunk in stream.as_bytes().chunks(1000) {
        out.extend_from_slice(&hider.feed(chunk));
        came += chunk.len();
        assert!(came - out.len() <= MAX_HELD);
    }
    out.extend_from_slice(&hider.feed(EXTRA.as_bytes()));
    assert_eq!(out, stream.as_bytes());
    // JSON is no stream, and passes as it comes.
    let mut hider = Hider::new();
    assert_eq!(
        hider.feed(b" {\"choices\":[],").as_ref(),
        b" {\"choices\":[],"
    );
    assert_eq!(hider.feed(b"\"usage\":{}}").as_ref(), b"\"usage\":{}}");
}

/// Bytes of which streams are made, and some that they are not.
fn stream() -> impl Strategy<Value = Vec<u8>> {
    let part = prop_oneof![
        4 => prop::sample::select(vec![
            "data: ", "data:", "\n", "\n\n", "\r", "\r\n", "{", "}", "[", "]", "\"", ":", ",", "[DONE]", "\"choices\":[]",
            "\"usage\":{\"prompt_tokens\":1}", "{\"choices\":[],\"usage\":{}}", "{\"delta\":\"a\"}", ": x", "event: y",
        ]).prop_map(|text| text.as_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..4),
    ];
    prop::collection::vec(part, 0..30).prop_map(|parts| parts.concat())
}

proptest! {
    #[test]
    fn chunks_change_nothing(stream in stream(), cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..9)) {
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(stream.len() + 1)).collect();
        cuts.extend([0, stream.len()]);
        cuts.sort_unstable();
        let chunks: Vec<&[u8]> = cuts.windows(2).map(|pair| &stream[pair[0]..pair[1]]).collect();
        let whole = read(&stream);
        let (mut reader, mut hider, mut one) = (Reader::new(), Hider::new(), Hider::new());
        let mut out = Vec::new();
        for chunk in &chunks {
            reader.feed(chunk);
            out.extend_from_slice(&hider.feed(chunk));
        }
        prop_assert_eq!(reader.finish(), whole);
        let (rest, seen) = hider.finish();
        out.extend(rest);
        prop_assert_eq!(seen, whole);
        let mut at_once = one.feed(&stream).into_owned();
        at_once.extend(one.finish().0);
        prop_assert_eq!(&out, &at_once);
        if !stream.windows(7).any(|part| part == b"choices") {
            prop_assert_eq!(out, stream);
        }
    }
}
