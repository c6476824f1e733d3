//! The command line.

use std::process::ExitCode;

/// Runs the command line and says how it went: 0 fine, 1 failure, 2 refused, 3 invalid policy.
#[must_use]
pub fn run() -> ExitCode {
    ExitCode::SUCCESS
}
