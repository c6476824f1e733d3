//! The engine where requests and counters are apart, as in a CDN worker: one isolate of many has the request, and one object
//! in the world has the counters of its key.
//!
//! A [`Front`] stands where requests come in. It reads them, says what is to be done, and reads answers as they pass; all that it
//! keeps is what it is in the middle of. A [`Ledger`] has the counters, decides, and settles. A [`Bench`] judges what ledgers have
//! seen. They talk in [`message`]s, which a host carries, and knows nothing of.
//!
//! ```text
//! request ─► Front ─ ask ─► Ledger ─ mail ─► Bench
//!    origin ◄─┤  ◄ decision ─┘  ◄─── book ────┘
//!    answer ─►└─ ended ────►
//! ```
//!
//! Bodies stay with the front: what goes to a ledger are the request's headers and what its body says, with hashes for texts.

mod answer;
mod bench;
mod facts;
mod front;
mod kept;
mod ledger;
mod memo;
pub mod message;
mod stream;

pub use bench::Bench;
pub use facts::Facts;
pub use front::Front;
pub use ledger::Ledger;

use crate::identity::{SECRET_BYTES, Secret};
use crate::policy::Policy;

/// Reads a policy as an operator deployed it.
///
/// # Errors
/// Every fault of it with its place, a line each.
pub fn policy(text: &str) -> Result<Policy, String> {
    Policy::parse(text.as_bytes()).map_err(|faults| {
        let mut told = String::from("the policy has faults, and without one nothing passes:");
        for line in faults.to_string().lines() {
            told.push_str("\n  ");
            told.push_str(line);
        }
        told
    })
}

/// Takes a secret.
///
/// # Errors
/// When it can be guessed.
pub fn secret(text: &str) -> Result<Secret, String> {
    if text.len() < SECRET_BYTES {
        return Err(format!(
            "STILLGATE_SECRET has {} bytes and needs at least {SECRET_BYTES}: set it, the same for all of this deployment",
            text.len()
        ));
    }
    Ok(Secret::new(text.as_bytes()))
}

#[cfg(test)]
mod tests;
