//! Packages of npm, as a lock names them.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, bail};

use super::scratch::Scratch;

/// What npm is to install, and the program among it that is wanted.
#[derive(Debug)]
pub(super) struct Packages<'a> {
    /// The text of `package.json`.
    pub(super) list: &'a str,
    /// The text of `package-lock.json`, with the hash of every package.
    pub(super) lock: &'a str,
    /// Where the program is, seen from the folder.
    pub(super) program: &'a Path,
}

impl Packages<'_> {
    /// Lets npm install them in a folder of their own, unless they are in `home`, and moves that to `home`.
    ///
    /// Of several processes one does it: the others wait, and the folder appears whole or not at all.
    ///
    /// # Errors
    /// When there is no npm, or npm fails, with what it said; when the program is not among what it installed, or nothing can
    /// be written.
    pub(super) fn install(&self, home: &Path) -> anyhow::Result<()> {
        if home.join(self.program).is_file() {
            return Ok(());
        }
        let parent = home
            .parent()
            .context("the folder of the packages has no parent")?;
        let told = || format!("cannot write to {}", parent.display());
        let scratch = Scratch::below(parent).with_context(told)?;
        if home.join(self.program).is_file() {
            // Another process was faster.
            return Ok(());
        }
        for (name, text) in [
            ("package.json", self.list),
            ("package-lock.json", self.lock),
        ] {
            fs::write(scratch.path().join(name), text).with_context(told)?;
        }
        // `ci` takes what the lock says and nothing else, and refuses it when its bytes are others. The registry is the user's.
        let output = Command::new("npm")
            .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
            .args(["--no-update-notifier", "--loglevel=error"])
            .current_dir(scratch.path())
            .output()
            .context("there is no npm here")?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            bail!("npm failed:\n{}", said.trim());
        }
        if !scratch.path().join(self.program).is_file() {
            bail!(
                "npm installed packages without {} among them",
                self.program.display()
            );
        }
        fs::rename(scratch.path(), home).with_context(|| format!("cannot write {}", home.display()))
    }
}
