use proptest::prelude::*;

use super::*;

#[test]
fn what_is_said_of_a_line_is_short() {
    let long = "ä".repeat(5_000);
    let said = Broken::new(long.clone()).to_string();
    assert!(said.len() <= 203 && said.ends_with('…'), "{said}");
    for line in [
        format!(r#"{{"t": 1, "method": "GET", "path": "/", "source": "{long}"}}"#),
        format!(r#"{{"t": "{long}"}}"#),
    ] {
        let said = Record::parse(line.as_bytes()).unwrap_err().to_string();
        assert!(said.len() < 250 && said.contains('ä'), "{said}");
    }
}

const FULL: &str = r#"{"t": 1776816000123, "id": "r1", "source": "203.0.113.7", "tls": {"ja4": "t13d1516h2_8daaf6152771_02713d6af862", "ja3": "0123"},
 "http": "2", "method": "POST", "path": "/v1/chat/completions?alt=sse",
 "headers": [[":authority", "x"], ["Host", "api.example.com"], ["X-Odd", "a\u00e9\n"], ["host", "two"]],
 "account": {"age_days": 12, "tier": "free", "ratio": 1.50, "verified": false, "none": null, "more": {"a": 1}, "list": [1], "quoted": "a\"b"},
 "body": {"model": "m",  "max_tokens": 512}, "status": 200, "usage": {"input": 812, "output": 640}, "unknown": [{"t": 1}]}"#;

fn parse(line: &str) -> Result<Record<'_>, String> {
    Record::parse(line.as_bytes()).map_err(|broken| broken.to_string())
}

/// A line that is a record but for this field.
fn with(field: &str) -> String {
    format!(r#"{{"t": 1, "method": "GET", "path": "/"{field}}}"#)
}

#[test]
fn a_record_is_read_whole() {
    let line = FULL.replace('\n', "");
    let record = parse(&line).unwrap();
    let headers = record.headers();
    let exchange = record.exchange(&headers);
    assert_eq!((record.t, record.id.as_ref()), (1_776_816_000_123, "r1"));
    assert_eq!(record.now(), Now::at(1_776_816_000_123));
    assert_eq!(exchange.method, b"POST");
    assert_eq!(exchange.path, b"/v1/chat/completions");
    assert_eq!(exchange.query, b"alt=sse");
    assert_eq!(
        exchange.headers,
        [
            (&b"host"[..], &b"api.example.com"[..]),
            (b"x-odd", "a\u{e9}\n".as_bytes()),
            (b"host", b"two")
        ]
    );
    assert_eq!(exchange.attributes.source(), Some([203, 0, 113, 7].into()));
    let body = record.body.as_deref().unwrap();
    assert_eq!(body, br#"{"model": "m",  "max_tokens": 512}"#);
    assert_eq!(record.status, Some(200));
    let told = Told {
        input: Some(812),
        output: Some(640),
        ..Told::default()
    };
    assert_eq!(record.usage, Some(told));
}

#[test]
fn what_was_recorded_is_found_by_its_name() {
    let line = FULL.replace('\n', "");
    let record = parse(&line).unwrap();
    for (name, expected) in [
        ("ja4", Some("t13d1516h2_8daaf6152771_02713d6af862")),
        ("ja3", Some("0123")),
        ("age_days", Some("12")),
        ("ratio", Some("1.50")),
        ("tier", Some("free")),
        ("verified", Some("false")),
        ("quoted", Some("a\"b")),
        ("none", None),
        ("more", None),
        ("list", None),
        ("country", None),
    ] {
        let found = record.recorded(name);
        assert_eq!(found.as_deref(), expected.map(str::as_bytes), "{name}");
    }
    let twice = with(r#", "account": {"country": "de", "country": "at", "asn": 64512, "org": ""}"#);
    let record = parse(&twice).unwrap();
    assert_eq!(record.recorded("country").as_deref(), Some(&b"at"[..]));
    assert_eq!(record.recorded("asn").as_deref(), Some(&b"64512"[..]));
    assert_eq!(record.recorded("org"), None);
    assert_eq!(record.recorded("ja4"), None);
    assert_eq!(record.property(&[String::from("org")]), None);
}

#[test]
fn little_is_needed() {
    let line = with("");
    let record = parse(&line).unwrap();
    assert_eq!(record.headers(), []);
    assert_eq!((record.source, record.body.as_deref()), (None, None));
    assert_eq!((record.status, record.usage), (None, None));
    let nothing = r#", "id": null, "source": null, "tls": null, "headers": null, "account": null, "body": null, "status": null, "usage": null"#;
    assert_eq!(parse(&with(nothing)).unwrap(), record);
}

#[test]
fn addresses_come_with_and_without_ports() {
    for (text, expected) in [
        ("203.0.113.7", Some("203.0.113.7")),
        ("203.0.113.7:443", Some("203.0.113.7")),
        ("2001:db8::1", Some("2001:db8::1")),
        ("[2001:db8::1]", Some("2001:db8::1")),
        ("[2001:db8::1]:443", Some("2001:db8::1")),
        ("::ffff:192.0.2.1", Some("::ffff:192.0.2.1")),
        ("", None),
    ] {
        let line = with(&format!(r#", "source": "{text}""#));
        let expected = expected.map(|text| text.parse::<IpAddr>().unwrap());
        assert_eq!(parse(&line).unwrap().source, expected, "{text}");
    }
}

#[test]
fn bodies_are_bytes() {
    for (body, expected) in [
        (r#"{"a":[1, 2 ]}"#, r#"{"a":[1, 2 ]}"#),
        ("[1]", "[1]"),
        ("12", "12"),
        ("false", "false"),
        (r#""plain""#, "plain"),
        (r#""a\u00e9\n\"b\"""#, "a\u{e9}\n\"b\""),
        (r#""""#, ""),
    ] {
        let line = with(&format!(r#", "body": {body}"#));
        let record = parse(&line).unwrap();
        assert_eq!(record.body.as_deref(), Some(expected.as_bytes()), "{body}");
    }
}

#[test]
fn what_is_no_record_says_why() {
    for (line, expected) in [
        ("", "not a JSON object"),
        ("[1, \"GET\", \"/\"]", "not a JSON object"),
        ("{", "EOF while parsing an object, at column 1"),
        (
            r#"{"t": 1, "method": "GET"}"#,
            "missing field `path`, at column 25",
        ),
        (
            r#"{"t": 1} trailing"#,
            "missing field `method`, at column 8",
        ),
        (
            r#"{"t": 1.5, "method": "GET", "path": "/"}"#,
            "invalid type: floating point `1.5`, expected u64, at column 9",
        ),
    ] {
        assert_eq!(parse(line).unwrap_err(), expected, "{line}");
    }
    for (field, expected) in [
        (r#", "t": 2"#, "duplicate field `t`"),
        (r#", "status": 70000"#, "70000"),
        (r#", "headers": [["a"]]"#, "invalid length 1"),
        (r#", "headers": {"a": "b"}"#, "expected a sequence"),
        (
            r#", "source": "localhost""#,
            "`source` is no address: \"localhost\"",
        ),
        (r#", "source": "203.0.113.7.8""#, "`source` is no address"),
        (r#", "account": 1"#, "expected an object of facts"),
        (r#", "usage": {"input": -1}"#, "integer `-1`"),
    ] {
        let told = parse(&with(field)).unwrap_err();
        assert!(told.contains(expected), "{field}: {told}");
    }
    let late = r#"{"t": 1776816000123000, "method": "GET", "path": "/"}"#;
    let expected = "`t` is 1776816000123000, which in milliseconds is after the year 9999";
    assert_eq!(parse(late).unwrap_err(), expected);
    let odd = Record::parse(b"{\"t\": 1, \"method\": \"\xff\", \"path\": \"/\"}");
    assert_eq!(odd.unwrap_err().to_string(), "not UTF-8");
}

proptest! {
    #[test]
    fn any_bytes_are_a_record_or_none(mut line in prop::collection::vec(any::<u8>(), 0..200), at in 0..500_usize) {
        let _ = Record::parse(&line);
        // And a record with bytes in it that were not there.
        let mut whole = FULL.replace('\n', "").into_bytes();
        let at = at.min(whole.len());
        let tail = whole.split_off(at);
        whole.append(&mut line);
        whole.extend(tail);
        let _ = Record::parse(&whole);
    }
}
