//! What holds for any document, right or wrong, and any way of cutting it.

use proptest::prelude::*;
use serde_json::Value;

use super::*;

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
            Some(_) => panic!("only these are open"),
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

/// No numbers beyond what floats hold; and no large ones with a fraction, in which serde_json may be off by the last bit.
fn has_exact_numbers(value: &Value) -> bool {
    match value {
        Value::Number(number) => number.as_f64().is_some_and(|value| {
            let most = if number.is_f64() { 1e9 } else { 9e15 };
            (value.abs() < most && value.abs() > 1e-15) || value == 0.0
        }),
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
