//! Reading a file of JSON or YAML, in one or several documents.

use std::ffi::OsStr;
use std::path::Path;

use serde_json::Value;

use crate::policy::Fault;

/// One document of a file.
#[derive(Debug)]
pub(super) struct Document {
    /// Its place in the file, from 1.
    pub(super) number: usize,
    pub(super) value: Value,
}

/// Reads a file, by its name as YAML or JSON, or else by how it begins.
pub(super) fn parse(file: &Path, text: &[u8]) -> Result<Vec<Document>, Fault> {
    let yaml = match file.extension().and_then(OsStr::to_str) {
        Some("yaml" | "yml") => true,
        Some("json") => false,
        _ => !matches!(text.trim_ascii_start().first(), Some(b'{' | b'[')),
    };
    let values = if yaml {
        yaml_documents(text)?
    } else {
        vec![json_document(text)?]
    };
    Ok((1..)
        .zip(values)
        .map(|(number, value)| Document { number, value })
        .collect())
}

/// Whether a document is a policy, or meant as one, rather than a configuration that may hold one.
pub(super) fn is_policy(value: &Value) -> bool {
    let foreign = [
        "@type",
        "admin",
        "apiVersion",
        "config",
        "configuration",
        "listeners",
        "node",
        "resources",
        "static_resources",
        "typed_config",
        "vm_config",
    ];
    let configures = ["filter_chains", "http_filters", "filters", "name", "spec"];
    value.is_object()
        && !foreign
            .iter()
            .chain(&configures)
            .any(|name| value.get(name).is_some())
}

fn json_document(text: &[u8]) -> Result<Value, Fault> {
    serde_json::from_slice(text).map_err(|error| Fault {
        path: String::new(),
        // The error ends with its line and column.
        found: format!("broken JSON: {error}"),
        expected: String::from("expected JSON, or YAML in a file named .yaml"),
    })
}

fn yaml_documents(text: &[u8]) -> Result<Vec<Value>, Fault> {
    let broken = |found: String| Fault {
        path: String::new(),
        found,
        expected: String::from("expected YAML, or JSON in a file named .json"),
    };
    let text = str::from_utf8(text).map_err(|error| broken(format!("broken YAML: {error}")))?;
    serde_saphyr::from_multiple(text).map_err(|error| {
        // Its first line ends with line and column; what follows is an excerpt of the file.
        let said = error.without_snippet().to_string();
        broken(format!(
            "broken YAML: {}",
            said.lines().next().unwrap_or_default()
        ))
    })
}
