//! A policy that was handed over as a `google.protobuf.Struct`.
//!
//! Envoy's documentation says that such a configuration arrives as JSON; Envoy 1.40 hands over the protobuf bytes.
//! Only what a `Struct` can hold is read; whatever else the bytes are, they are no `Struct`.

use crate::policy::json::Json;

/// The deepest nesting that is followed.
const MAX_DEPTH: u32 = 32;

/// Reads a `Struct` as JSON.
#[must_use]
pub fn read(bytes: &[u8]) -> Option<Json> {
    object(bytes, MAX_DEPTH)
}

/// A field of a message: its number, and its value as far as a `Struct` has such.
enum Value<'b> {
    Varint(u64),
    Double(f64),
    Bytes(&'b [u8]),
}

/// `message Struct { map<string, Value> fields = 1; }`
fn object(mut bytes: &[u8], depth: u32) -> Option<Json> {
    // A map has no order; a policy's faults should have one.
    let mut entries: Vec<(String, Json)> = Vec::new();
    while !bytes.is_empty() {
        let (1, Value::Bytes(mut entry)) = field(&mut bytes)? else {
            return None;
        };
        let (mut name, mut value) = (String::new(), Json::Null);
        while !entry.is_empty() {
            match field(&mut entry)? {
                (1, Value::Bytes(text)) => name = String::from_utf8(text.to_vec()).ok()?,
                (2, Value::Bytes(bytes)) => value = self::value(bytes, depth.checked_sub(1)?)?,
                _ => return None,
            }
        }
        let place = entries.partition_point(|(other, _)| *other <= name);
        entries.insert(place, (name, value));
    }
    Some(Json::Object(entries))
}

/// `message Value { null = 1; double = 2; string = 3; bool = 4; Struct = 5; ListValue = 6; }`
fn value(mut bytes: &[u8], depth: u32) -> Option<Json> {
    let mut value = Json::Null;
    while !bytes.is_empty() {
        value = match field(&mut bytes)? {
            (1, Value::Varint(_)) => Json::Null,
            (2, Value::Double(number)) => Json::Number(serde_json::Number::from_f64(number)?),
            (3, Value::Bytes(text)) => Json::Text(String::from_utf8(text.to_vec()).ok()?),
            (4, Value::Varint(truth)) => Json::Bool(truth != 0),
            (5, Value::Bytes(bytes)) => object(bytes, depth)?,
            (6, Value::Bytes(bytes)) => list(bytes, depth)?,
            _ => return None,
        };
    }
    Some(value)
}

/// `message ListValue { repeated Value values = 1; }`
fn list(mut bytes: &[u8], depth: u32) -> Option<Json> {
    let mut items = Vec::new();
    while !bytes.is_empty() {
        let (1, Value::Bytes(item)) = field(&mut bytes)? else {
            return None;
        };
        items.push(value(item, depth.checked_sub(1)?)?);
    }
    Some(Json::List(items))
}

fn field<'b>(bytes: &mut &'b [u8]) -> Option<(u64, Value<'b>)> {
    let tag = varint(bytes)?;
    let value = match tag & 7 {
        0 => Value::Varint(varint(bytes)?),
        1 => {
            let (number, rest) = bytes.split_first_chunk()?;
            *bytes = rest;
            Value::Double(f64::from_le_bytes(*number))
        }
        2 => {
            let length = usize::try_from(varint(bytes)?).ok()?;
            let (value, rest) = bytes.split_at_checked(length)?;
            *bytes = rest;
            Value::Bytes(value)
        }
        _ => return None,
    };
    Some((tag >> 3, value))
}

fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for place in (0..64).step_by(7) {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u64::from(byte & 0x7f).checked_shl(place)?;
        if byte < 0x80 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A field with bytes for its value.
    fn bytes(number: u8, value: &[u8]) -> Vec<u8> {
        let mut field = vec![(number << 3) | 2, u8::try_from(value.len()).unwrap()];
        field.extend_from_slice(value);
        field
    }

    fn entry(name: &str, value: &[u8]) -> Vec<u8> {
        bytes(1, &[bytes(1, name.as_bytes()), bytes(2, value)].concat())
    }

    fn double(number: f64) -> Vec<u8> {
        [&[0x11], number.to_le_bytes().as_slice()].concat()
    }

    #[test]
    fn a_struct_is_read_as_the_json_it_was() {
        let list = bytes(
            6,
            &[bytes(1, &bytes(3, b"x")), bytes(1, &[0x20, 1])].concat(),
        );
        let inner = bytes(5, &entry("n", &[0x08, 0]));
        let message = [
            entry("version", &double(1.0)),
            entry("list", &list),
            entry("inner", &inner),
        ]
        .concat();
        let expected: Json =
            serde_json::from_str(r#"{"inner": {"n": null}, "list": ["x", true], "version": 1.0}"#)
                .unwrap();
        assert_eq!(read(&message), Some(expected));
        assert_eq!(read(&[]), Some(Json::Object(Vec::new())));
    }

    #[test]
    fn what_is_no_struct_is_none() {
        let mut deep = double(1.0);
        for _ in 0..40 {
            deep = bytes(6, &bytes(1, &deep));
            if deep.len() > 100 {
                break;
            }
        }
        for message in [
            b"{\"version\": 1}".to_vec(),
            vec![0x0a],
            vec![0x0a, 5, 1],
            vec![0x08, 1],
            vec![0xff; 12],
            entry("a", &[0x11, 1, 2]),
            entry("a", &bytes(3, &[0xff])),
            entry("a", &double(f64::NAN)),
        ] {
            assert_eq!(read(&message), None, "{message:?}");
        }
    }

    #[test]
    fn depth_is_bounded() {
        let mut value = Vec::new();
        for _ in 0..100_000u32 {
            let length = value.len() + 2;
            if length > 30_000 {
                break;
            }
            let field = |number: u8, inner: &[u8]| {
                let length = inner.len();
                let mut field = vec![
                    (number << 3) | 2,
                    (length & 0x7f) as u8 | 0x80,
                    ((length >> 7) & 0x7f) as u8 | 0x80,
                    (length >> 14) as u8,
                ];
                field.extend_from_slice(inner);
                field
            };
            value = field(6, &field(1, &value));
        }
        let entry = [
            &[
                0x12,
                0x80 | (value.len() & 0x7f) as u8,
                0x80 | ((value.len() >> 7) & 0x7f) as u8,
                (value.len() >> 14) as u8,
            ],
            value.as_slice(),
        ]
        .concat();
        let message = [
            &[
                0x0a,
                0x80 | (entry.len() & 0x7f) as u8,
                0x80 | ((entry.len() >> 7) & 0x7f) as u8,
                (entry.len() >> 14) as u8,
            ],
            entry.as_slice(),
        ]
        .concat();
        assert_eq!(read(&message), None);
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = read(&bytes);
        }
    }
}
