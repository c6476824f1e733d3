//! Writes into the files what the native host has answered, for a person to review, and lays their JSON out.

use std::fs;

use serde_json::Value;

use super::case::{File, files};
use super::host::{Host as _, is_chosen};
use super::native::Native;
use super::observe::observe;

/// How wide a line may be.
const WIDTH: usize = 132;

#[tokio::test]
#[ignore = "writes into the files: cargo test --test conformance -- --ignored write"]
async fn write() {
    for mut file in files() {
        for case in file.cases.iter_mut().filter(|case| is_chosen(case)) {
            let ran = Native.run(case).await;
            let moments = case.moments();
            let exchanges = moments.iter().flat_map(|(_, all)| all);
            let came: Vec<_> = exchanges
                .zip(&ran.outcomes)
                .map(|(exchange, outcome)| observe(exchange, outcome))
                .collect();
            for (place, expect) in case.expectations().into_iter().zip(came) {
                *place = Some(expect);
            }
        }
        fs::write(&file.path, lay_out(&file)).expect("the file can be written");
    }
}

/// A file as it is committed.
pub(crate) fn lay_out(file: &File) -> String {
    let mut text = String::new();
    let value = serde_json::to_value(file).expect("JSON");
    put(&mut text, &value, 0, 0);
    text.push('\n');
    text
}

/// Writes a value that begins after `column` columns: in one line if it fits, or else a line for each of its members.
fn put(text: &mut String, value: &Value, indent: usize, column: usize) {
    let line = one_line(value);
    let (open, close) = match value {
        Value::Object(members) if !members.is_empty() => ('{', '}'),
        Value::Array(items) if !items.is_empty() => ('[', ']'),
        _ => return text.push_str(&line),
    };
    // The last column is for a comma.
    if column + line.chars().count() < WIDTH {
        return text.push_str(&line);
    }
    let inner = indent + 2;
    let begin = |text: &mut String, first: bool| {
        if !first {
            text.push(',');
        }
        text.push('\n');
        text.extend(core::iter::repeat_n(' ', inner));
    };
    text.push(open);
    if let Value::Object(members) = value {
        for (place, (name, value)) in members.iter().enumerate() {
            begin(text, place == 0);
            let name = format!("{}: ", quoted(name));
            text.push_str(&name);
            put(text, value, inner, inner + name.len());
        }
    }
    if let Value::Array(items) = value {
        for (place, item) in items.iter().enumerate() {
            begin(text, place == 0);
            put(text, item, inner, inner);
        }
    }
    text.push('\n');
    text.extend(core::iter::repeat_n(' ', indent));
    text.push(close);
}

fn one_line(value: &Value) -> String {
    match value {
        Value::Object(members) => {
            let members = members
                .iter()
                .map(|(name, value)| format!("{}: {}", quoted(name), one_line(value)));
            format!("{{{}}}", members.collect::<Vec<_>>().join(", "))
        }
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(one_line).collect();
            format!("[{}]", items.join(", "))
        }
        Value::String(text) => quoted(text),
        other => other.to_string(),
    }
}

/// A string with everything escaped that cannot be seen.
fn quoted(text: &str) -> String {
    let mut quoted = String::new();
    for letter in Value::from(text).to_string().chars() {
        if letter.is_ascii() {
            quoted.push(letter);
        } else {
            let mut units = [0; 2];
            for unit in letter.encode_utf16(&mut units) {
                quoted.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
    quoted
}

#[test]
fn files_are_laid_out_as_they_are_written() {
    for file in files() {
        let text = fs::read_to_string(&file.path).expect("UTF-8");
        let told = "lay it out by: cargo test --test conformance -- --ignored write";
        assert!(text == lay_out(&file), "{}: {told}", file.path.display());
    }
}
