//! What a simulation is made from, as it stands in files.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow, bail};
use serde::Deserialize;

use crate::simulate::{HeavyClient, Scenario, Set};

/// Texts from files, beside what grammars make.
#[derive(Debug, Default)]
pub(super) struct Files {
    /// What campaigns ask.
    pub(super) questions: Vec<String>,
    /// What people write.
    pub(super) prompts: Vec<String>,
    /// System texts that many use.
    pub(super) systems: Vec<String>,
}

/// A scenario by its name, or from a file.
pub(super) fn scenario(name: &str) -> anyhow::Result<Scenario> {
    if let Some(scenario) = Scenario::preset(name) {
        return Ok(scenario);
    }
    let file = Path::new(name);
    if !file.exists() && !name.contains(['/', '.']) {
        bail!(
            "no scenario is called {name}, and there is no such file; `stillgate simulate --list` tells the names"
        );
    }
    let text = fs::read_to_string(file)
        .with_context(|| format!("cannot read the scenario {}", file.display()))?;
    let mut scenario = Scenario::parse(&text)
        .map_err(|why| anyhow!("{} is no scenario: {why}", file.display()))?;
    // One without a name is called as its file is.
    if scenario.name == Scenario::default().name
        && let Some(stem) = file.file_stem()
    {
        scenario.name = stem.to_string_lossy().into_owned();
    }
    Ok(scenario)
}

/// A line of a file of texts.
#[derive(Deserialize)]
struct Line {
    text: Option<String>,
    prompt: Option<String>,
}

impl Files {
    /// All texts in a folder and below that go with this set: each text goes with one of the two.
    pub(super) fn read(folder: &Path, set: Set) -> anyhow::Result<Self> {
        let mut files = Self::default();
        for path in below(folder)? {
            let name = path.strip_prefix(folder).unwrap_or(&path);
            let name = name.to_string_lossy().to_ascii_lowercase();
            if !name.ends_with(".jsonl") {
                continue;
            }
            // A file of system prompts is none of prompts.
            let texts = if name.contains("system") {
                &mut files.systems
            } else if name.contains("question") {
                &mut files.questions
            } else if name.contains("prompt") {
                &mut files.prompts
            } else {
                continue;
            };
            read_texts(&path, set, texts)?;
        }
        if files.count() == [0; 3] {
            bail!(
                "{} holds no .jsonl file with question, system or prompt in its name and a text in it",
                folder.display()
            );
        }
        Ok(files)
    }

    /// How many questions, prompts and system texts there are.
    pub(super) const fn count(&self) -> [usize; 3] {
        [self.questions.len(), self.prompts.len(), self.systems.len()]
    }
}

fn read_texts(path: &Path, set: Set, texts: &mut Vec<String>) -> anyhow::Result<()> {
    let cannot = || format!("cannot read {}", path.display());
    let whole = fs::read_to_string(path).with_context(cannot)?;
    for (number, line) in whole.lines().enumerate() {
        if line.trim().is_empty() {
            continue;
        }
        let line: Line = serde_json::from_str(line).with_context(|| {
            format!(
                "line {} of {} is no object with a text",
                number.saturating_add(1),
                path.display()
            )
        })?;
        let text = line.text.or(line.prompt).unwrap_or_default();
        if !text.trim().is_empty() && set_of(&text) == set {
            texts.push(text);
        }
    }
    Ok(())
}

/// With which set of texts one goes: by a hash of it, so that the same text in two files goes with one.
fn set_of(text: &str) -> Set {
    let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    if (hash >> 32).is_multiple_of(2) {
        Set::Development
    } else {
        Set::HeldOut
    }
}

/// Clients by their windows: every CSV file of ServeGen in a folder and below.
pub(super) fn heavy(folder: &Path) -> anyhow::Result<Vec<HeavyClient>> {
    let mut clients = Vec::new();
    for path in below(folder)? {
        // Other traces stand in the same folders.
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if !(name.starts_with("chunk-") && name.ends_with("-trace.csv")) {
            continue;
        }
        let client = windows(&path)?;
        if client.rates.iter().any(|rate| *rate > 0.0) {
            clients.push(client);
        }
    }
    if clients.is_empty() {
        bail!(
            "{} holds no ServeGen client: no chunk-*-trace.csv in which anything is asked",
            folder.display()
        );
    }
    Ok(clients)
}

/// One client: a window a line, of which the second column is its rate.
fn windows(path: &Path) -> anyhow::Result<HeavyClient> {
    let text =
        fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let rate = |(number, line): (usize, &str)| {
        let rate = line
            .split(',')
            .nth(1)
            .and_then(|rate| rate.trim().parse::<f32>().ok());
        rate.filter(|rate| rate.is_finite() && *rate >= 0.0)
            .with_context(|| {
                format!(
                    "line {} of {} has no rate in its second column",
                    number.saturating_add(1),
                    path.display()
                )
            })
    };
    let lines = text.lines().enumerate();
    let rates: anyhow::Result<Vec<f32>> = lines
        .filter(|(_, line)| !line.trim().is_empty())
        .map(rate)
        .collect();
    Ok(HeavyClient { rates: rates? })
}

/// All files in a folder and below, in the order of their names.
fn below(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        let cannot = || format!("cannot read the folder {}", folder.display());
        for entry in fs::read_dir(&folder).with_context(cannot)? {
            let path = entry.with_context(cannot)?.path();
            // A link could lead back up.
            if path.is_symlink() && path.is_dir() {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
            } else {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}
