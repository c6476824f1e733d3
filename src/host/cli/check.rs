//! `stillgate check`: what is wrong with a policy, and with the configuration around it, before Envoy sees either.

mod around;
mod document;
mod report;
mod settings;

use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use serde_json::Value;

use super::embed::Embedded;
use super::plugin;
use crate::policy::{Fault, Faults, Policy};
use document::Document;
use report::{Finding, Findings, Report};

/// What `check` is told.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// A policy, or an Envoy, Istio or Envoy Gateway configuration that holds one; - reads standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// How to tell what was found
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
}

/// Who reads the report.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Format {
    Human,
    Json,
}

/// Checks the file, prints the report, and says by the exit code whether there were faults.
pub(super) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let text = read(&arguments.file)?;
    let report = inspect(&arguments.file, &text);
    match arguments.format {
        Format::Human => print!("{report}"),
        Format::Json => println!("{}", serde_json::to_string(&report)?),
    }
    Ok(if report.ok {
        ExitCode::SUCCESS
    } else {
        super::INVALID_POLICY.into()
    })
}

fn read(file: &Path) -> anyhow::Result<Vec<u8>> {
    if file == Path::new("-") {
        let mut text = Vec::new();
        io::stdin()
            .read_to_end(&mut text)
            .context("cannot read standard input")?;
        return Ok(text);
    }
    fs::read(file).with_context(|| format!("cannot read {}", file.display()))
}

/// Looks at the whole file: a policy by itself, or every plugin in every document.
fn inspect(file: &Path, text: &[u8]) -> Report {
    let documents = match document::parse(file, text) {
        Ok(documents) => documents,
        Err(fault) => return Report::new(file, vec![Findings::of(Finding::at("", &fault))]),
    };
    if let [Document { value, .. }] = documents.as_slice()
        && plugin::find(value).is_empty()
        && document::is_policy(value)
    {
        let mut findings = Findings::default();
        let read = match str::from_utf8(text) {
            Ok(text) => {
                let folder = file.parent().unwrap_or(Path::new(""));
                Embedded::new(text.to_owned(), folder).policy()
            }
            Err(_) => Policy::parse(text),
        };
        policy(read, value, "", &mut findings);
        return Report::new(file, vec![findings]);
    }
    let several = documents.len() > 1;
    let found = documents.iter().flat_map(|document| {
        plugin::find(&document.value)
            .into_iter()
            .map(move |(at, plugin)| Findings {
                document: several.then_some(document.number),
                ..settings::inspect(&document.value, &at, plugin)
            })
    });
    let mut found: Vec<Findings> = found.collect();
    if found.is_empty() {
        found.push(Findings::of(Finding::at("", &nothing())));
    }
    Report::new(file, found)
}

/// Looks at one policy, which stands at `at`; says what it is when it is one.
fn policy(
    read: Result<Policy, Faults>,
    value: &Value,
    at: &str,
    findings: &mut Findings,
) -> Option<Policy> {
    findings
        .warnings
        .extend(legacy_attributes(value).map(|fault| Finding::in_policy(at, &fault)));
    match read {
        Ok(policy) => {
            let warnings = policy.warnings().into_iter();
            findings
                .warnings
                .extend(warnings.map(|fault| Finding::in_policy(at, &fault)));
            Some(policy)
        }
        Err(faults) => {
            findings
                .faults
                .extend(faults.iter().map(|fault| Finding::in_policy(at, fault)));
            None
        }
    }
}

/// Facts and traits from attributes that Envoy no longer fills in: they are absent for every request.
fn legacy_attributes(policy: &Value) -> impl Iterator<Item = Fault> {
    let places = ["account", "traits"].into_iter().flat_map(|field| {
        let facts = policy.get(field).and_then(Value::as_object);
        let facts = facts.into_iter().flatten();
        facts.map(move |(name, fact)| (field, name, fact))
    });
    places.filter_map(|(field, name, fact)| {
        // A path, dotted or in parts.
        let property = fact.get("property")?;
        let first = property
            .get(0)
            .unwrap_or(property)
            .as_str()?
            .split('.')
            .next()?;
        if !LEGACY.contains(&first) {
            return None;
        }
        let mut path = format!("/{field}");
        plugin::push(&mut path, name);
        Some(Fault {
            path: format!("{path}/property"),
            found: format!("found {first}, an attribute that Envoy 1.40 leaves empty"),
            expected: format!("expected xds.{first}"),
        })
    })
}

/// A file without anything to check.
fn nothing() -> Fault {
    Fault {
        path: String::new(),
        found: String::from("no policy was found"),
        expected: String::from(
            "expected a policy in JSON, an Envoy configuration with a proxy-wasm plugin (one of several says stillgate in its name, \
             root_id, vm_id or filename), an Istio WasmPlugin or an EnvoyExtensionPolicy",
        ),
    }
}

/// Attributes that moved below `xds.`.
const LEGACY: [&str; 8] = [
    "node",
    "cluster_name",
    "cluster_metadata",
    "route_name",
    "route_metadata",
    "listener_direction",
    "listener_metadata",
    "virtual_host_metadata",
];
