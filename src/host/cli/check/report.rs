//! What `check` found, for people and for programs.

use core::fmt;
use std::path::Path;

use serde::Serialize;

use crate::policy::Fault;

/// What was found in one file.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    /// Whether there are no faults; warnings do not count.
    pub(super) ok: bool,
    policies: Vec<Findings>,
    #[serde(skip)]
    file: String,
}

/// What was found about one policy and the settings around it.
#[derive(Debug, Default, Serialize)]
pub(super) struct Findings {
    /// Which document of the file, from 1, where there are several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) document: Option<usize>,
    /// The plugin's settings, as an RFC 6901 pointer into the document; `""` for a policy by itself.
    pub(super) at: String,
    /// What keeps it from working.
    pub(super) faults: Vec<Finding>,
    /// What works, and will be regretted.
    pub(super) warnings: Vec<Finding>,
}

/// One thing that was found.
#[derive(Debug, Serialize)]
pub(super) struct Finding {
    /// Where in the document, as an RFC 6901 pointer: a setting, or what holds the policy.
    at: String,
    /// Where in the policy, as an RFC 6901 pointer, if it is about the policy.
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<String>,
    found: String,
    expected: String,
}

impl Report {
    pub(super) fn new(file: &Path, policies: Vec<Findings>) -> Self {
        let ok = policies.iter().all(|policy| policy.faults.is_empty());
        let file = if file == Path::new("-") {
            String::from("standard input")
        } else {
            file.display().to_string()
        };
        Self { ok, policies, file }
    }
}

impl Findings {
    /// One fault and nothing else.
    pub(super) fn of(fault: Finding) -> Self {
        Self {
            faults: vec![fault],
            ..Self::default()
        }
    }
}

impl Finding {
    /// About the document, at a pointer below `at`.
    pub(super) fn at(at: &str, fault: &Fault) -> Self {
        Self {
            at: format!("{at}{}", fault.path),
            path: None,
            found: fault.found.clone(),
            expected: fault.expected.clone(),
        }
    }

    /// About the policy that stands at `at`.
    pub(super) fn in_policy(at: &str, fault: &Fault) -> Self {
        Self {
            at: at.to_owned(),
            path: Some(fault.path.clone()),
            found: fault.found.clone(),
            expected: fault.expected.clone(),
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for policy in &self.policies {
            f.write_str(&self.file)?;
            if let Some(document) = policy.document {
                write!(f, ", document {document}")?;
            }
            if !policy.at.is_empty() {
                write!(f, ", {}", policy.at)?;
            }
            if policy.faults.is_empty() && policy.warnings.is_empty() {
                f.write_str(": no fault")?;
            }
            f.write_str("\n")?;
            for (kind, findings) in [("fault", &policy.faults), ("warning", &policy.warnings)] {
                for finding in findings {
                    write!(f, "  {kind:<7}  {}", finding.place(&policy.at))?;
                    writeln!(f, ": {}; {}", finding.found, finding.expected)?;
                }
            }
        }
        Ok(())
    }
}

impl Finding {
    /// Where it is, without what the headline has said.
    fn place(&self, above: &str) -> String {
        let below = self.at.strip_prefix(above).unwrap_or(&self.at);
        match &self.path {
            Some(path) if below.is_empty() => if path.is_empty() { "/" } else { path }.to_owned(),
            Some(path) if path.is_empty() => below.to_owned(),
            Some(path) => format!("{below}, {path}"),
            None if below.is_empty() => String::from("/"),
            None => below.to_owned(),
        }
    }
}
