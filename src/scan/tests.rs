use proptest::prelude::*;
use serde::de::IgnoredAny;
use serde_json::Value;

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
    assert_eq!(scan([deep(128).as_bytes()]).0, true);
    assert_eq!(scan([deep(129).as_bytes()]).0, false);
    assert_eq!(scan(["[".repeat(100_000).as_bytes()]).0, false);
    assert_eq!(scan([r#"{"a":"#.repeat(100_000).as_bytes()]).0, false);
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
        size_of::<Scan<Notes>>() < 600,
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

/// A document, and how many bytes of text it has.
type Made = (String, u64);

/// Strings with all that a string can have.
fn string() -> impl Strategy<Value = Made> {
    let piece = prop_oneof![
        4 => "[a-z .:{}\\[\\],0-9]{1,40}".prop_map(|text| (text.clone(), text.len() as u64)),
        1 => any::<char>().prop_filter("raw", |c| *c >= ' ' && *c != '"' && *c != '\\')
            .prop_map(|c| (c.to_string(), c.len_utf8() as u64)),
        1 => any::<char>().prop_map(|c| {
            let mut units = [0; 2];
            let text = c.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04X}")).collect();
            (text, c.len_utf8() as u64)
        }),
        2 => prop::sample::select(vec!["\\n", "\\\"", "\\\\", "\\/", "\\t", "\\b", "\\f", "\\r"])
            .prop_map(|text| (text.to_owned(), 1)),
    ];
    prop::collection::vec(piece, 0..8).prop_map(|pieces| {
        let bytes = pieces.iter().map(|(_, bytes)| bytes).sum();
        let text: String = pieces.into_iter().map(|(text, _)| text).collect();
        (format!("\"{text}\""), bytes)
    })
}

fn document() -> impl Strategy<Value = Made> {
    let number = "-?(0|[1-9][0-9]{0,9})(\\.[0-9]{1,9})?([eE][+-]?[0-9]{1,2})?";
    let leaf = prop_oneof![
        3 => string(),
        2 => number.prop_map(|text| (text.clone(), text.len() as u64)),
        1 => prop::sample::select(vec!["true", "false", "null"]).prop_map(|text| (text.to_owned(), text.len() as u64)),
    ];
    let space = || "[ \t\r\n]{0,2}";
    let keys = || prop_oneof![3 => string(), 1 => Just((String::from("\"skip\""), 4))];
    leaf.prop_recursive(6, 60, 6, move |inner| {
        let items = prop::collection::vec((space(), inner.clone(), space()), 0..6);
        let members = prop::collection::vec((space(), keys(), space(), inner), 0..6);
        prop_oneof![
            (items, space()).prop_map(|(items, space)| {
                let bytes = items.iter().map(|(_, (_, bytes), _)| bytes).sum();
                let items: Vec<String> = items
                    .iter()
                    .map(|(a, (b, _), c)| format!("{a}{b}{c}"))
                    .collect();
                let space = if items.is_empty() {
                    space
                } else {
                    String::new()
                };
                (format!("[{}{space}]", items.join(",")), bytes)
            }),
            (members, space()).prop_map(|(members, space)| {
                let bytes = members
                    .iter()
                    .map(|(_, (_, key), _, (_, value))| key + value)
                    .sum();
                let members: Vec<String> = members
                    .iter()
                    .map(|(a, (b, _), c, (d, _))| format!("{a}{b}{c}:{c}{d}{a}"))
                    .collect();
                (
                    format!("{space}{{{}{space}}}{space}", members.join(",")),
                    bytes,
                )
            }),
        ]
    })
}

/// Rebuilds what it hears.
#[derive(Default)]
struct Builder {
    open: Vec<Value>,
    keys: Vec<String>,
    built: Value,
}

impl Builder {
    fn add(&mut self, value: Value) {
        match self.open.last_mut() {
            None => self.built = value,
            Some(Value::Array(items)) => items.push(value),
            Some(Value::Object(members)) => {
                members.insert(self.keys.pop().unwrap(), value);
            }
            Some(_) => unreachable!("only these are open"),
        }
    }
}

impl Sink for Builder {
    type Place = ();

    const ROOT: () = ();

    fn field(&mut self, (): (), key: &[u8]) -> Option<()> {
        self.keys.push(String::from_utf8(key.to_vec()).unwrap());
        Some(())
    }

    fn item(&mut self, (): ()) -> Option<()> {
        Some(())
    }

    fn wanted(&self, (): ()) -> usize {
        HEAD
    }

    fn text(&mut self, (): (), text: Text<'_>) {
        self.add(String::from_utf8_lossy(text.head).into_owned().into());
    }

    fn number(&mut self, (): (), value: Option<u64>) {
        self.add(value.into());
    }

    fn word(&mut self, (): (), word: Word, _: u64) {
        self.add(match word {
            Word::True => true.into(),
            Word::False => false.into(),
            Word::Null => Value::Null,
        });
    }

    fn open(&mut self, (): (), kind: Kind, _: u64) {
        self.open.push(match kind {
            Kind::Object => Value::Object(serde_json::Map::new()),
            Kind::Array => Value::Array(Vec::new()),
        });
    }

    fn close(&mut self, (): (), _: Kind, _: u64) {
        let value = self.open.pop().unwrap();
        self.add(value);
    }
}

/// What a builder makes of a document that serde_json has read: long strings cut, numbers whole or none.
fn as_built(value: Value) -> Value {
    match value {
        Value::String(text) => {
            let head = text.as_bytes().get(..HEAD).unwrap_or(text.as_bytes());
            String::from_utf8_lossy(head).into_owned().into()
        }
        Value::Number(number) => {
            let whole = number
                .as_f64()
                .filter(|value| value.fract() == 0.0 && *value >= 0.0);
            // Beyond 2^53 a float is not what was written.
            let exact = whole
                .filter(|value| *value < 9e15)
                .map(|value| value as u64);
            number.as_u64().or(exact).into()
        }
        Value::Array(items) => items.into_iter().map(as_built).collect(),
        Value::Object(members) => {
            // Longer keys are not told.
            let members = members.into_iter().filter(|(key, _)| key.len() <= KEY);
            Value::Object(members.map(|(key, value)| (key, as_built(value))).collect())
        }
        other => other,
    }
}

/// No numbers beyond what floats hold.
fn has_exact_numbers(value: &Value) -> bool {
    match value {
        Value::Number(number) => number
            .as_f64()
            .is_some_and(|value| (value.abs() < 9e15 && value.abs() > 1e-15) || value == 0.0),
        Value::Array(items) => items.iter().all(has_exact_numbers),
        Value::Object(members) => members.values().all(has_exact_numbers),
        _ => true,
    }
}

/// A document with a byte changed, put in or left out, a few times.
fn spoiled() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![
        any::<u8>(),
        prop::sample::select(b"\"\\{}[]:,0123456789eE+-. \n\x1ftfnu".to_vec()),
    ];
    let change = (any::<prop::sample::Index>(), 0..3, byte);
    (document(), prop::collection::vec(change, 1..3)).prop_map(|((text, _), changes)| {
        let mut bytes = text.into_bytes();
        for (place, kind, byte) in changes {
            let place = place.index(bytes.len() + 1);
            match kind {
                0 => bytes.insert(place, byte),
                _ if place == bytes.len() => {}
                1 => bytes[place] = byte,
                _ => {
                    bytes.remove(place);
                }
            }
        }
        bytes
    })
}

/// Cuts at places that come in any order.
fn chunks<'a>(bytes: &'a [u8], cuts: &[prop::sample::Index]) -> Vec<&'a [u8]> {
    let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
    cuts.extend([0, bytes.len()]);
    cuts.sort_unstable();
    cuts.windows(2)
        .map(|pair| &bytes[pair[0]..pair[1]])
        .collect()
}

proptest! {
    #[test]
    fn documents_are_understood_and_their_text_is_counted((text, bytes) in document()) {
        let (whole, counted, _) = scan([text.as_bytes()]);
        prop_assert!(whole, "{}", text);
        prop_assert_eq!(counted, bytes, "{}", text);
        let (_, counted, _) = scan([b"{\"skip\":", text.as_bytes(), b"}"]);
        prop_assert_eq!(counted, bytes + 4, "{}", text);
    }

    #[test]
    fn hears_what_serde_json_reads((text, _) in document()) {
        let value: Value = serde_json::from_str(&text).unwrap();
        let mut scan = Scan::new(Builder::default());
        prop_assert!(scan.feed(text.as_bytes()) && scan.finish());
        if has_exact_numbers(&value) {
            prop_assert_eq!(scan.into_sink().built, as_built(value), "{}", text);
        }
    }

    #[test]
    fn accepts_what_serde_json_accepts(bytes in spoiled()) {
        let expected = serde_json::from_slice::<IgnoredAny>(&bytes).is_ok();
        prop_assert_eq!(is_whole(&bytes), expected, "{}", bytes.escape_ascii());
    }

    #[test]
    fn chunks_change_nothing(bytes in spoiled(), cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..9)) {
        let (whole, text, lines) = scan([bytes.as_slice()]);
        let cut = scan(chunks(&bytes, &cuts));
        prop_assert_eq!(whole, cut.0);
        if whole {
            prop_assert_eq!((text, lines), (cut.1, cut.2));
        }
    }

    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..300), cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..9)) {
        scan(chunks(&bytes, &cuts));
    }
}
