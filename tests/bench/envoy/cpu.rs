//! Processor time and memory of a process, as the kernel counts them.

use std::fs;

use anyhow::{Context, Result};

/// Processor time that all threads of a process have used so far, in nanoseconds.
///
/// The first field of each thread's `schedstat`: exact run time, not ticks, and blind to who else had the machine.
///
/// # Errors
/// When the process is gone, or the kernel keeps no `schedstat`.
pub(crate) fn nanoseconds(pid: u32) -> Result<u64> {
    let tasks = format!("/proc/{pid}/task");
    let mut sum = 0;
    for task in fs::read_dir(&tasks).with_context(|| format!("reading {tasks}"))? {
        let path = task?.path().join("schedstat");
        let line =
            fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
        let run = line
            .split_ascii_whitespace()
            .next()
            .context("schedstat is empty")?;
        sum += run
            .parse::<u64>()
            .with_context(|| format!("{} begins with {run:?}", path.display()))?;
    }
    Ok(sum)
}

/// Resident memory of a process.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Memory {
    /// Now, in bytes.
    pub(crate) resident: u64,
    /// At its highest, in bytes.
    pub(crate) peak: u64,
}

/// Resident memory of a process, from its `status`.
///
/// # Errors
/// When the process is gone.
pub(crate) fn memory(pid: u32) -> Result<Memory> {
    let path = format!("/proc/{pid}/status");
    let status = fs::read_to_string(&path).with_context(|| format!("reading {path}"))?;
    let bytes = |field: &str| -> Result<u64> {
        let line = status.lines().find_map(|line| line.strip_prefix(field));
        let kib = line.and_then(|rest| rest.split_ascii_whitespace().next());
        Ok(kib
            .with_context(|| format!("{path} has no {field}"))?
            .parse::<u64>()?
            * 1024)
    };
    Ok(Memory {
        resident: bytes("VmRSS:")?,
        peak: bytes("VmHWM:")?,
    })
}
