#![expect(
    clippy::arithmetic_side_effects,
    clippy::string_slice,
    reason = "a test that meets the unexpected should stop and say so"
)]

mod laws;

use serde::de::IgnoredAny;

use super::*;

/// Writes down all that it hears, but nothing of what a key that begins with `skip` leads to.
#[derive(Default)]
struct Notes {
    lines: Vec<String>,
}

impl Sink for Notes {
    type Place = u32;

    const ROOT: u32 = 0;

    fn field(&mut self, at: u32, key: &[u8]) -> Option<u32> {
        self.lines
            .push(format!("{at} {:?}", key.escape_ascii().to_string()));
        (!key.starts_with(b"skip")).then_some(at + 1)
    }

    fn item(&mut self, at: u32) -> Option<u32> {
        self.lines.push(format!("{at} item"));
        Some(at + 1)
    }

    fn wanted(&self, _: u32) -> usize {
        HEAD
    }

    fn text(&mut self, at: u32, text: Text<'_>) {
        let Text {
            head,
            bytes,
            start,
            end,
        } = text;
        let head = head.escape_ascii();
        self.lines
            .push(format!("{at} \"{head}\" {bytes} {start}..{end}"));
    }

    fn number(&mut self, at: u32, value: Option<u64>) {
        self.lines.push(format!("{at} {value:?}"));
    }

    fn word(&mut self, at: u32, word: Word, end: u64) {
        self.lines.push(format!("{at} {word:?} ..{end}"));
    }

    fn open(&mut self, at: u32, kind: Kind, start: u64) {
        self.lines.push(format!("{at} {kind:?} {start}"));
    }

    fn close(&mut self, at: u32, kind: Kind, end: u64) {
        self.lines.push(format!("{at} end of {kind:?} {end}"));
    }
}

/// What a document gives when it comes in these chunks: whether it is one, its text, and what was heard.
fn scan<'a>(chunks: impl IntoIterator<Item = &'a [u8]>) -> (bool, u64, Vec<String>) {
    let mut scan = Scan::new(Notes::default());
    let mut fine = true;
    for chunk in chunks {
        fine = scan.feed(chunk);
    }
    let whole = scan.finish();
    assert!(fine || !whole);
    assert_eq!(scan.is_broken(), !fine);
    (whole, scan.text_bytes(), scan.into_sink().lines)
}

fn notes(document: &str) -> Vec<String> {
    let (whole, _, lines) = scan([document.as_bytes()]);
    assert!(whole, "{document}");
    lines
}

fn is_whole(document: &[u8]) -> bool {
    let (whole, ..) = scan([document]);
    // The same below a key that is skipped, where a scan takes another way.
    let (skipped, ..) = scan([b"{\"skip\":", document, b"}"]);
    assert_eq!(whole, skipped, "{}", document.escape_ascii());
    whole
}

#[test]
fn a_sink_hears_what_it_asked_for() {
    assert_eq!(
        notes(r#" {"a": "x\ny", "skip": [1, {"b": "c"}], "n":[ -1.5e3 , 12,true], "o":{}} "#),
        [
            "0 Object 2",
            "0 \"a\"",
            "1 \"x\\ny\" 3 8..12",
            "0 \"skip\"",
            "0 \"n\"",
            "1 Array 45",
            "1 item",
            "2 None",
            "1 item",
            "2 Some(12)",
            "1 item",
            "2 True ..62",
            "1 end of Array 63",
            "0 \"o\"",
            "1 Object 70",
            "1 end of Object 71",
            "0 end of Object 72",
        ]
    );
    assert_eq!(notes("12"), ["0 Some(12)"]);
    assert_eq!(notes("[]"), ["0 Array 1", "0 end of Array 2"]);
    assert_eq!(notes(r#""a""#), ["0 \"a\" 1 1..2"]);
}

#[test]
fn escapes_are_decoded_in_keys_and_strings() {
    for (written, decoded) in [
        (r#"\"\\\/\b\f\n\r\t"#, "\"\\/\u{8}\u{c}\n\r\t"),
        (r"\u0041\u00e9\u4e2d\uD83D\ude00", "Aé中😀"),
        (r"\ud83d", "\u{fffd}"),
        (r"\ud83dx", "\u{fffd}x"),
        (r"\ude00", "\u{fffd}"),
        (r"\ud83d\n", "\u{fffd}\n"),
        (r"\ud83d\u0041", "\u{fffd}A"),
        (r"\ud83d\ud83d\ude00", "\u{fffd}😀"),
        (r"\ude00\ud83d", "\u{fffd}\u{fffd}"),
        (r"\u0000", "\0"),
    ] {
        let text = decoded.as_bytes().escape_ascii();
        let length = decoded.len();
        let document = format!("{{\"{written}\":\"{written}\"}}");
        let heard = notes(&document);
        assert_eq!(heard[1], format!("0 {:?}", text.to_string()), "{written}");
        let (start, end) = (5 + written.len(), 5 + 2 * written.len());
        assert_eq!(heard[2], format!("1 \"{text}\" {length} {start}..{end}"));
        let (_, bytes, _) = scan([document.as_bytes()]);
        assert_eq!(bytes, 2 * length as u64, "{written}");
    }
}

#[test]
fn what_is_no_document_is_told_from_what_is() {
    for (document, whole) in [
        ("", false),
        (" ", false),
        ("null", true),
        ("true", true),
        ("false", true),
        ("nul", false),
        ("nulll", false),
        ("True", false),
        ("trux", false),
        ("0", true),
        ("-0", true),
        ("-", false),
        ("01", false),
        ("-01", false),
        ("1.", false),
        (".1", false),
        ("1.0", true),
        ("1.0.0", false),
        ("1e", false),
        ("1e+", false),
        ("1e+5", true),
        ("1E-05", true),
        ("0e1", true),
        ("1e5.0", false),
        ("1e999", true),
        ("+1", false),
        ("1 2", false),
        ("1,2", false),
        ("NaN", false),
        ("[1,]", false),
        ("[,1]", false),
        ("[1 2]", false),
        ("[1}", false),
        ("[", false),
        ("]", false),
        ("[]]", false),
        ("{}{}", false),
        ("{,}", false),
        (r#"{"a"}"#, false),
        (r#"{"a":}"#, false),
        (r#"{"a":1,}"#, false),
        (r#"{"a":1 "b":2}"#, false),
        (r#"{"a" 1}"#, false),
        (r#"{"a"::1}"#, false),
        (r#"{"a":1]"#, false),
        (r"{a:1}", false),
        (r"{1:1}", false),
        ("{'a':1}", false),
        (r#""a"#, false),
        (r#""\"#, false),
        (r#""\""#, false),
        (r#""\x""#, false),
        (r#""\u12""#, false),
        (r#""\u12g4""#, false),
        (r#""\ud83d\u""#, false),
        ("\"\n\"", false),
        ("\"\0\"", false),
        ("\"\u{7f}\"", true),
        ("\u{feff}1", false),
        ("\u{a0}1", false),
        ("[1]\u{c}", false),
        (
            " \t\r\n[ \t\r\n1 \t\r\n, \t\r\n{ \t\r\n\"a\" \t\r\n: \t\r\n1 \t\r\n} \t\r\n] \t\r\n",
            true,
        ),
        ("// no\n1", false),
    ] {
        assert_eq!(is_whole(document.as_bytes()), whole, "{document:?}");
        let expected = serde_json::from_str::<IgnoredAny>(document).is_ok();
        assert_eq!(whole, expected, "{document:?}");
    }
    assert!(is_whole(b"[\"\xff\xfe\x80\", \"\xed\xa0\x80\"]"));
}

#[test]
fn depth_is_bounded_and_so_are_the_places_that_are_told() {
    let deep = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
    assert!(scan([deep(128).as_bytes()]).0);
    assert!(!scan([deep(129).as_bytes()]).0);
    assert!(!scan(["[".repeat(100_000).as_bytes()]).0);
    assert!(!scan([r#"{"a":"#.repeat(100_000).as_bytes()]).0);
    let heard = notes(&deep(128));
    assert_eq!(
        heard.iter().filter(|line| line.contains(" end of")).count(),
        PLACES
    );
    let skipped = format!(r#"{{"skip":{}}}"#, deep(127));
    assert!(scan([skipped.as_bytes()]).0);
    let skipped = format!(r#"{{"skip":{}}}"#, deep(128));
    assert!(!scan([skipped.as_bytes()]).0);
}

#[test]
fn heads_keys_and_numbers_are_bounded() {
    let long = "k".repeat(KEY + 1);
    let heard = notes(&format!(
        r#"{{"{long}":1,"\u006b{long}":1,"{}":1}}"#,
        &long[1..]
    ));
    assert_eq!(heard.len(), 4, "{heard:?}");
    for escape in ["", r"\n"] {
        let heard = notes(&format!("\"{}{escape}\"", "é".repeat(1000)));
        assert_eq!(heard[0].matches(r"\xc3").count(), HEAD / 2);
    }
    let digits = |count: usize| notes(&"1".repeat(count));
    assert_eq!(digits(NUMBER - 1), [format!("0 {:?}", Some(u64::MAX))]);
    assert_eq!(digits(NUMBER), ["0 None"]);
    assert_eq!(digits(100_000), ["0 None"]);
    assert!(
        size_of::<Scan<Notes>>() < 512,
        "{}",
        size_of::<Scan<Notes>>()
    );
}

#[test]
fn a_scan_begins_again_after_anything() {
    let mut scan = Scan::new(Notes::default());
    for beginning in [
        "{\"a\":[1,",
        "\"\\ud83d",
        "12",
        "nu",
        "x",
        "{\"skip\":[[",
        "[[1]]",
        "",
    ] {
        scan.feed(beginning.as_bytes());
        scan.restart();
        scan.sink_mut().lines.clear();
        assert!(
            scan.feed(b"{\"b\":\"\\u0041\"}") && scan.finish(),
            "{beginning}"
        );
        assert_eq!(scan.text_bytes(), 2);
        assert_eq!(
            scan.sink().lines,
            [
                "0 Object 1",
                "0 \"b\"",
                "1 \"A\" 1 6..12",
                "0 end of Object 14"
            ]
        );
    }
}

#[test]
fn a_document_cut_anywhere_gives_the_same() {
    let document = concat!(
        r#"{"model":"gpt\u002dx","skip":{"a":["\ud83d\ude00\n",-1.50e+3,null,{}],"b":{"c":false}},"#,
        r#""messages":[{"role":"user","content":"say \"\ud83d\u00e9\\\" 中\ud83d\ude00 to them all, will you?"},[],{"#,
        r#""n":[0,-0,1.0,12e2,0.5e-1],"words":[true,false,null]}],"a rather long \u006bey":"","skip2":"x\ty", "t":12}  "#
    );
    let whole = scan([document.as_bytes()]);
    assert!(whole.0);
    for cut in 0..=document.len() {
        let (one, other) = document.as_bytes().split_at(cut);
        assert_eq!(scan([one, other]), whole, "cut at {cut}");
        assert_eq!(scan([one]).0, one.len() >= document.trim_end().len());
    }
    assert_eq!(scan(document.as_bytes().chunks(1)), whole);
}
