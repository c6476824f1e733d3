//! `RESULTS.md`: tables between markers, the words around them written by hand.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

/// Puts `text` where the results of `part` belong.
///
/// # Errors
/// When the file is not there or has no place for this part.
pub(crate) fn write(part: &str, text: &str) -> Result<()> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bench/RESULTS.md");
    let old = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
    let (begin, end) = (format!("<!-- {part} -->\n"), format!("<!-- /{part} -->"));
    let place = || format!("{} has no place {} ... {end}", path.display(), begin.trim());
    let (head, rest) = old.split_once(&begin).with_context(place)?;
    let (_, tail) = rest.split_once(&end).with_context(place)?;
    fs::write(
        &path,
        format!("{head}{begin}\n{}\n\n{end}{tail}", text.trim()),
    )
    .with_context(|| format!("writing {}", path.display()))
}

/// When and on what this was measured: a sentence to go above a table.
///
/// # Errors
/// When this is no Linux, or `date` is not there.
pub(crate) fn provenance() -> Result<String> {
    let date = Command::new("date")
        .args(["-u", "+%F"])
        .output()
        .context("asking `date` for the date")?;
    let cpus = fs::read_to_string("/proc/cpuinfo").context("reading /proc/cpuinfo")?;
    let models: Vec<&str> = cpus
        .lines()
        .filter_map(|line| line.strip_prefix("model name"))
        .collect();
    let model = models
        .first()
        .context("/proc/cpuinfo names no model")?
        .trim_start_matches([' ', '\t', ':']);
    Ok(format!(
        "Measured {} on {} cores of {model}.",
        String::from_utf8(date.stdout)?.trim(),
        models.len()
    ))
}
