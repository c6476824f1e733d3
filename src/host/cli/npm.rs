//! Packages of npm, as a lock names them.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, anyhow, bail};

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
    pub(super) effort: Effort,
}

/// How long npm tries where the network does not answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Effort {
    /// As long as it is told by its user, which is minutes otherwise: nothing goes on without the packages.
    Patient,
    /// Once: all else goes on without them.
    Brief,
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
        let mut npm = Command::new("npm");
        npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
            .args(["--no-update-notifier", "--loglevel=error"])
            .current_dir(scratch.path());
        if self.effort == Effort::Brief {
            npm.args(["--fetch-retries=0", "--fetch-timeout=30000"]);
        }
        let output = npm.output().map_err(|error| match error.kind() {
            ErrorKind::NotFound => {
                anyhow!("there is no npm here; install Node.js with npm (https://nodejs.org)")
            }
            _ => anyhow!("cannot run npm: {error}"),
        })?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            bail!(
                "npm failed: {}",
                reason(&said).unwrap_or_else(|| output.status.to_string())
            );
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

/// The last of what npm said that tells why it failed, and not where in its own code, or where more is told.
fn reason(said: &str) -> Option<String> {
    let lines = said.lines().map(|line| {
        let line = line.strip_prefix("npm error").unwrap_or(line);
        let line = line.strip_prefix("npm ERR!").unwrap_or(line);
        let line = line.strip_prefix(' ').unwrap_or(line);
        line.strip_prefix("network ").unwrap_or(line).trim_end()
    });
    let wanted =
        |line: &&str| !line.is_empty() && !NOISE.iter().any(|noise| line.starts_with(noise));
    let mut wanted: Vec<&str> = lines.filter(wanted).collect();
    let last = wanted.split_off(wanted.len().saturating_sub(LINES));
    (!last.is_empty()).then(|| last.join("; "))
}

/// How lines begin that tell nobody anything who has not written npm.
const NOISE: [&str; 11] = [
    " ",
    "}",
    "code ",
    "errno ",
    "syscall ",
    "path ",
    "network",
    "If you are behind a proxy",
    "This is a problem related to network",
    "In most cases you are behind a proxy",
    "A complete log of this run",
];
/// Lines of npm's that are told.
const LINES: usize = 3;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_what_npm_says_the_reason_is_told() {
        let refused = "npm error code ECONNREFUSED\nnpm error syscall connect\nnpm error errno ECONNREFUSED\n\
            npm error FetchError: request to http://127.0.0.1:1/uplot failed, reason: connect ECONNREFUSED 127.0.0.1:1\n\
            npm error     at ClientRequest.<anonymous> (/usr/lib/node_modules/npm/lib/index.js:130:14) {\n\
            npm error   code: 'ECONNREFUSED',\nnpm error }\nnpm error\n\
            npm error If you are behind a proxy, please make sure that the 'proxy' config is set properly.\n\
            npm error A complete log of this run can be found in: /root/.npm/_logs/debug-0.log\n";
        let offline = "npm ERR! code ENOTFOUND\nnpm ERR! syscall getaddrinfo\n\
            npm ERR! network request to https://registry.npmjs.org/uplot failed, reason: getaddrinfo ENOTFOUND\n\
            npm ERR! network This is a problem related to network connectivity.\nnpm ERR! network\n";
        for (said, told) in [
            (
                refused,
                Some(
                    "FetchError: request to http://127.0.0.1:1/uplot failed, reason: connect ECONNREFUSED 127.0.0.1:1",
                ),
            ),
            (
                offline,
                Some(
                    "request to https://registry.npmjs.org/uplot failed, reason: getaddrinfo ENOTFOUND",
                ),
            ),
            ("one\ntwo\nthree\nfour\n", Some("two; three; four")),
            ("npm error code 1\n", None),
        ] {
            assert_eq!(reason(said).as_deref(), told, "{said}");
        }
    }
}
