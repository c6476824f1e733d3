//! The `stillgate` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    stillgate::host::cli::run()
}
