//! `stillgate schema`: the JSON Schema of a policy, as it is committed in `envoy/policy.schema.json`.

use std::io::{self, Write as _};

use crate::policy::schema;

/// Prints it.
pub(super) fn run() -> anyhow::Result<()> {
    io::stdout().write_all(schema::schema().as_bytes())?;
    Ok(())
}
