//! The model that a JSON body names: one pass over its bytes, no tree, nothing kept but the name.
//!
//! It reads what an origin reads or says that it cannot: escapes in names are decoded, and what parsers read
//! differently makes the body unreadable: two models, or a field that some take for `model` and others do not (`Model`).

use crate::exchange::Model;

/// The deepest nesting that is followed. serde_json and Go stop at 128 and 10,000; real requests stay below 20.
const MAX_DEPTH: u32 = 128;

/// The longest name of a model that is kept, in bytes.
const MAX_NAME: usize = 256;

/// What a body says of its model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// An object without a model.
    Nothing,
    /// An object that names one.
    Name(Vec<u8>),
    /// Not one JSON object, or one that parsers read differently.
    Unreadable,
}

impl Found {
    /// The same, borrowed.
    #[must_use]
    pub fn model(&self) -> Model<'_> {
        match self {
            Self::Name(name) => Model::Named(name),
            // An origin that is not told a model takes its own default, which may be any.
            Self::Nothing | Self::Unreadable => Model::Unreadable,
        }
    }
}

/// Reads the top-level field `model` of a body.
#[must_use]
pub fn find(body: &[u8]) -> Found {
    let mut scan = Scan { rest: body };
    match scan.document() {
        Some(Some(name)) if !name.is_empty() => Found::Name(name),
        Some(_) => Found::Nothing,
        None => Found::Unreadable,
    }
}

/// What is left to read. Every step that meets something else than JSON answers `None`, and the scan is over.
struct Scan<'a> {
    rest: &'a [u8],
}

impl Scan<'_> {
    fn document(&mut self) -> Option<Option<Vec<u8>>> {
        let mut model = None;
        self.expect(b'{')?;
        if self.peek()? == b'}' {
            self.next()?;
        } else {
            loop {
                self.expect(b'"')?;
                let name = self.string()?;
                self.expect(b':')?;
                if name == b"model" {
                    self.expect(b'"')?;
                    let name = Some(self.string()?);
                    if model.is_some() && model != name {
                        // Some parsers take the first and others the last.
                        return None;
                    }
                    model = name;
                } else if name.eq_ignore_ascii_case(b"model") {
                    return None;
                } else {
                    self.value()?;
                }
                match self.token()? {
                    b',' => {}
                    b'}' => break,
                    _ => return None,
                }
            }
        }
        // Nothing but white space may follow.
        self.peek().is_none().then_some(model)
    }

    fn next(&mut self) -> Option<u8> {
        let (&byte, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(byte)
    }

    /// The next byte that is not white space, left where it is.
    fn peek(&mut self) -> Option<u8> {
        while let Some((b' ' | b'\t' | b'\n' | b'\r', rest)) = self.rest.split_first() {
            self.rest = rest;
        }
        self.rest.first().copied()
    }

    fn token(&mut self) -> Option<u8> {
        self.peek()?;
        self.next()
    }

    fn expect(&mut self, byte: u8) -> Option<()> {
        (self.token()? == byte).then_some(())
    }

    /// The rest of a string, decoded and cut at [`MAX_NAME`] and one byte, so that no longer name equals a shorter.
    fn string(&mut self) -> Option<Vec<u8>> {
        let mut text = Vec::new();
        loop {
            let plain = self
                .rest
                .iter()
                .position(|&byte| byte == b'"' || byte == b'\\' || byte < 0x20)?;
            let (before, after) = self.rest.split_at_checked(plain)?;
            keep(&mut text, before);
            self.rest = after;
            match self.next()? {
                b'"' => return Some(text),
                b'\\' => {
                    let mut utf8 = [0; 4];
                    keep(&mut text, self.escape()?.encode_utf8(&mut utf8).as_bytes());
                }
                _ => return None,
            }
        }
    }

    fn escape(&mut self) -> Option<char> {
        Some(match self.next()? {
            byte @ (b'"' | b'\\' | b'/') => char::from(byte),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let first = self.hex()?;
                if !(0xd800..0xdc00).contains(&first) || !self.rest.starts_with(b"\\u") {
                    // A lone surrogate: what origins make of it differs, and no model's name has one.
                    return Some(char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER));
                }
                self.rest = self.rest.get(2..)?;
                let second = self.hex()?;
                char::decode_utf16([u16::try_from(first).ok()?, u16::try_from(second).ok()?])
                    .next()?
                    .unwrap_or(char::REPLACEMENT_CHARACTER)
            }
            _ => return None,
        })
    }

    fn hex(&mut self) -> Option<u32> {
        let (digits, rest) = self.rest.split_first_chunk::<4>()?;
        self.rest = rest;
        digits.iter().try_fold(0, |number, &digit| {
            Some((number << 4) | char::from(digit).to_digit(16)?)
        })
    }

    fn skip_string(&mut self) -> Option<()> {
        loop {
            let plain = self
                .rest
                .iter()
                .position(|&byte| byte == b'"' || byte == b'\\' || byte < 0x20)?;
            self.rest = self.rest.get(plain..)?;
            match self.next()? {
                b'"' => return Some(()),
                b'\\' => self.escape().map(|_| ())?,
                _ => return None,
            }
        }
    }

    /// Skips a value without recursion.
    fn value(&mut self) -> Option<()> {
        let mut open = Open::default();
        loop {
            let closed = match self.token()? {
                b'"' => {
                    self.skip_string()?;
                    true
                }
                byte @ (b'{' | b'[') => {
                    let empty = self.peek()? == if byte == b'{' { b'}' } else { b']' };
                    if empty {
                        self.next()?;
                    } else {
                        open.push(byte == b'{')?;
                    }
                    empty
                }
                b't' | b'f' | b'n' | b'-' | b'0'..=b'9' => {
                    self.scalar();
                    true
                }
                _ => return None,
            };
            if closed && self.close(&mut open)? {
                return Some(());
            }
            if open.in_object() {
                self.expect(b'"')?;
                self.skip_string()?;
                self.expect(b':')?;
            }
        }
    }

    /// After a value: closes what closes here. `true` at the end of the outermost, `false` where another follows.
    fn close(&mut self, open: &mut Open) -> Option<bool> {
        while open.depth > 0 {
            match (self.token()?, open.in_object()) {
                (b',', _) => return Some(false),
                (b'}', true) | (b']', false) => open.pop(),
                _ => return None,
            }
        }
        Some(true)
    }

    /// Skips a number or a word; whether it is a right one is the origin's to say.
    fn scalar(&mut self) {
        let letters =
            |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
        let end = self.rest.iter().take_while(letters).count();
        self.rest = self.rest.get(end..).unwrap_or_default();
    }
}

/// The objects (1) and lists (0) that are open, as the bits of a number, the innermost lowest.
#[derive(Default)]
struct Open {
    kinds: u128,
    depth: u32,
}

impl Open {
    fn push(&mut self, object: bool) -> Option<()> {
        if self.depth >= MAX_DEPTH {
            return None;
        }
        self.kinds = (self.kinds << 1) | u128::from(object);
        self.depth = self.depth.saturating_add(1);
        Some(())
    }

    fn pop(&mut self) {
        self.kinds >>= 1;
        self.depth = self.depth.saturating_sub(1);
    }

    fn in_object(&self) -> bool {
        self.depth > 0 && self.kinds & 1 == 1
    }
}

fn keep(text: &mut Vec<u8>, bytes: &[u8]) {
    let room = MAX_NAME.saturating_add(1).saturating_sub(text.len());
    text.extend(bytes.iter().take(room));
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn bodies_and_their_models() {
        let name = |name: &str| Found::Name(name.as_bytes().to_vec());
        for (body, found) in [
            (r#"{"model":"gpt-x"}"#, name("gpt-x")),
            (
                " {\n\"messages\" : [ {\"role\":\"user\",\"model\":\"inner\"} ] , \"model\" : \"gpt-x\"\t}\n",
                name("gpt-x"),
            ),
            (r#"{"model":"a","model":"a"}"#, name("a")),
            (r#"{"model":"a","model":"b"}"#, Found::Unreadable),
            (r#"{"model":"a","model":""}"#, Found::Unreadable),
            (r#"{"mod\u0065l":"gpt\u002dx"}"#, name("gpt-x")),
            (r#"{"model":"\ud83d\ude00\n\/"}"#, name("😀\n/")),
            (r#"{"model":"\ud83dx"}"#, name("\u{fffd}x")),
            (
                r#"{"a":{"b":[1,2,{"c":[]}],"d":{}},"e":-1.5e+3,"f":true,"g":null,"model":"m"}"#,
                name("m"),
            ),
            (r#"{"a":"}{\"]\\","model":"m"}"#, name("m")),
            (r#"{}"#, Found::Nothing),
            (r#"{"model":""}"#, Found::Nothing),
            (r#"{"messages":[{"model":"inner"}]}"#, Found::Nothing),
            ("", Found::Unreadable),
            ("null", Found::Unreadable),
            (r#"[{"model":"m"}]"#, Found::Unreadable),
            (r#""model""#, Found::Unreadable),
            (r#"{"model":1}"#, Found::Unreadable),
            (r#"{"model":null}"#, Found::Unreadable),
            (r#"{"Model":"m"}"#, Found::Unreadable),
            (r#"{"model":"m"} {}"#, Found::Unreadable),
            (r#"{"model":"m""#, Found::Unreadable),
            (r#"{"model":"m",}"#, Found::Unreadable),
            (r#"{"model" "m"}"#, Found::Unreadable),
            (r#"{"a":[1,2},"model":"m"}"#, Found::Unreadable),
            (r#"{"a":[1 2],"model":"m"}"#, Found::Unreadable),
            (r#"{"a":"\x","model":"m"}"#, Found::Unreadable),
            (r#"{"a":"\u00g0","model":"m"}"#, Found::Unreadable),
            ("{\"a\":\"\n\",\"model\":\"m\"}", Found::Unreadable),
            ("\u{feff}{\"model\":\"m\"}", Found::Unreadable),
        ] {
            assert_eq!(find(body.as_bytes()), found, "{body}");
        }
        assert_eq!(
            find(b"{\"a\":\"\xff\xfe\",\"model\":\"\xff\"}"),
            Found::Name(vec![0xff])
        );
    }

    #[test]
    fn depth_and_length_are_bounded() {
        let deep = |depth: usize| {
            format!(
                r#"{{"a":{}1{},"model":"m"}}"#,
                "[".repeat(depth),
                "]".repeat(depth)
            )
        };
        assert_eq!(find(deep(128).as_bytes()), Found::Name(b"m".to_vec()));
        assert_eq!(find(deep(129).as_bytes()), Found::Unreadable);
        let long =
            |length: usize| find(format!(r#"{{"model":"{}"}}"#, "m".repeat(length)).as_bytes());
        assert_eq!(long(MAX_NAME), Found::Name(vec![b'm'; MAX_NAME]));
        assert_ne!(long(MAX_NAME + 1), long(MAX_NAME));
        assert_eq!(long(MAX_NAME + 1), long(100_000));
    }

    #[test]
    fn a_body_cut_anywhere_is_unreadable() {
        let body = r#"{"messages":[{"role":"user","content":"a \"b\" \u00e9"}],"n":12,"model":"gpt-x","stream":true}"#;
        for end in 0..body.len() {
            assert_eq!(
                find(&body.as_bytes()[..end]),
                Found::Unreadable,
                "cut at {end}"
            );
        }
    }

    proptest! {
        #[test]
        fn no_bytes_panic(body in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = find(&body);
        }

        /// Where serde_json reads an object, this reads the same model from it.
        #[test]
        fn agrees_with_serde_json(
            body in r#"[ \t]?\{("(a|model|mod\\u0065l|b)":("[a-z\\n]{0,3}"|[1-9][0-9]{0,2}|\[1,\{"model":"x"\}\]|null|\{\}),?){0,4}\}"#,
        ) {
            let expected = serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(&body);
            match (find(body.as_bytes()), expected) {
                (Found::Name(name), Ok(object)) => {
                    prop_assert_eq!(object.get("model").and_then(|model| model.as_str()).map(str::as_bytes), Some(name.as_slice()));
                }
                (Found::Nothing, Ok(object)) => {
                    prop_assert!(object.get("model").is_none_or(|model| model == ""), "{}", body);
                }
                (Found::Unreadable, Ok(object)) => {
                    // `model` was, at least once, something else than a string.
                    prop_assert!(object.contains_key("model"), "{}", body);
                }
                (found, Err(_)) => prop_assert_eq!(found, Found::Unreadable, "{}", body),
            }
        }
    }
}
