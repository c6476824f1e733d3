//! The command line: arguments in, an exit code out.

mod admin;
pub mod build;
mod certificate;
mod check;
pub mod config;
mod embed;
pub mod envoy;
pub mod filter;
mod learn;
mod npm;
pub mod origin;
mod plugin;
mod replay;
mod schema;
mod scratch;
mod simulate;
mod text;
mod trace;
pub mod up;
mod wasm;
pub mod workerd;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::policy::Faults;

/// Quotas and fingerprint checks in front of model servers.
#[derive(Debug, Parser)]
#[command(name = "stillgate", version, max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Start Envoy with the filter in it, or the edge worker, in front of a demo origin or your own
    Up(Box<up::Arguments>),
    /// Look for faults in a policy, or in an Envoy configuration that holds one
    Check(check::Arguments),
    /// Print a policy with the files of its lists in it, as a filter needs it
    Embed(embed::Arguments),
    /// Propose limits for a policy from recorded traffic
    Learn(learn::Arguments),
    /// Decide about recorded traffic as a policy would have, and find the campaigns in it
    Replay(replay::Arguments),
    /// Make up the traffic of a whole provider with a campaign in it, and tell what is stopped and who is hurt
    Simulate(simulate::Arguments),
    /// Build the module for workers, pages or Envoy, and the JavaScript around it
    Build(build::Arguments),
    /// Make a self-signed certificate for localhost, for envoy.yaml's TLS listener
    Certificate(certificate::Arguments),
    /// Print the JSON Schema of a policy, for editors
    Schema,
}

/// Runs the command line and says how it went: 0 fine, 1 failure, 2 refused, 3 invalid policy.
///
/// A wrong argument is a failure like any other: clap's own 2 would read as a refusal.
#[must_use]
pub fn run() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // Where even the message cannot be written, the exit code is all that is left.
            let _ = error.print();
            return if error.use_stderr() {
                FAILURE.into()
            } else {
                ExitCode::SUCCESS
            };
        }
    };
    let result = match arguments.command {
        Command::Up(arguments) => up::run(&arguments).map(|()| ExitCode::SUCCESS),
        Command::Check(arguments) => check::run(&arguments),
        Command::Embed(arguments) => embed::run(&arguments).map(|()| ExitCode::SUCCESS),
        Command::Learn(arguments) => learn::run(&arguments).map(|()| ExitCode::SUCCESS),
        Command::Replay(arguments) => replay::run(&arguments).map(|()| ExitCode::SUCCESS),
        Command::Simulate(arguments) => simulate::run(&arguments).map(|()| ExitCode::SUCCESS),
        Command::Build(arguments) => build::run(&arguments).map(|()| ExitCode::SUCCESS),
        Command::Certificate(arguments) => certificate::run(&arguments).map(|()| ExitCode::SUCCESS),
        Command::Schema => schema::run().map(|()| ExitCode::SUCCESS),
    };
    result.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        if error.downcast_ref::<Faults>().is_some() {
            INVALID_POLICY
        } else {
            FAILURE
        }
        .into()
    })
}

/// The command could not do its work.
const FAILURE: u8 = 1;
/// The policy has faults.
const INVALID_POLICY: u8 = 3;
