//! The policy: what an operator wrote, read once, and always valid afterwards.

pub mod fault;

pub use fault::{Fault, Faults};

/// A compiled policy: every value in range, every name resolved.
#[derive(Debug)]
pub struct Policy;

impl Policy {
    /// Reads a policy from JSON.
    ///
    /// # Errors
    /// Every fault found, each with its path; never only the first.
    pub fn parse(json: &[u8]) -> Result<Self, Faults> {
        match serde_json::from_slice::<serde_json::Value>(json) {
            Ok(_) => Ok(Self),
            Err(error) => Err(Faults::from(vec![Fault {
                path: String::new(),
                found: error.to_string(),
                expected: String::from("a policy in JSON"),
            }])),
        }
    }
}
