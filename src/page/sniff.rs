//! What a file is, by how it begins.

use core::ops::ControlFlow;

use super::run;
use crate::trace::{Broken, Lines, Record};

/// As many lines are looked at. The first ones may be broken.
const LINES: u64 = 20;

/// What a file can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum File {
    /// Recorded traffic.
    Trace,
    /// What was decided about traffic.
    Verdicts,
}

impl File {
    /// Its word.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Trace => "trace",
            Self::Verdicts => "verdicts",
        }
    }
}

/// Says what a file is that begins so, after it was unpacked.
///
/// # Errors
/// What it is not, and what would be right, in a sentence.
pub fn sniff(bytes: &[u8]) -> Result<File, String> {
    let mut found = None;
    let mut first: Option<(u64, Broken)> = None;
    let mut look = |number: u64, line: Result<&[u8], Broken>| {
        let read = line.and_then(|line| {
            if Record::parse(line).is_ok() {
                return Ok(File::Trace);
            }
            run::is_verdict(line).map(|()| File::Verdicts)
        });
        match read {
            Ok(file) => found = Some(file),
            Err(broken) => {
                // What a record lacks says more than what a verdict does.
                let why = line_of(bytes, number).and_then(|line| Record::parse(line).err());
                first.get_or_insert((number, why.unwrap_or(broken)));
            }
        }
        if found.is_some() || number >= LINES {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    };
    let mut lines = Lines::default();
    if lines.feed(bytes, &mut look).is_continue() {
        lines.end(&mut look);
    }
    match (found, first) {
        (Some(file), _) => Ok(file),
        (None, None) => Err(String::from(
            "This file is empty: there is no request in it.",
        )),
        (None, Some((number, why))) => Err(format!(
            "This file is neither a trace nor a file of verdicts (line {number}: {why}). A trace has a request a line, as JSON with t, \
             method and path; verdicts are what `stillgate replay --verdicts` writes."
        )),
    }
}

/// A line by its number from 1.
fn line_of(bytes: &[u8], number: u64) -> Option<&[u8]> {
    let place = usize::try_from(number).ok()?.checked_sub(1)?;
    bytes.split(|byte| *byte == b'\n').nth(place)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_known_by_its_lines() {
        let trace = br#"{"t": 1, "method": "GET", "path": "/"}"#;
        let verdict = br#"{"id":"","t":1,"verdict":"allow","reasons":[],"shadow":[]}"#;
        assert_eq!(sniff(trace), Ok(File::Trace));
        assert_eq!(sniff(verdict), Ok(File::Verdicts));
        let broken = [b"nonsense\n\n".as_slice(), trace, b"\n"].concat();
        assert_eq!(sniff(&broken), Ok(File::Trace));
        assert_eq!(File::Trace.label(), "trace");
    }

    #[test]
    fn what_a_file_is_not_is_said() {
        for (bytes, said) in [
            (b"".as_slice(), "empty"),
            (b"\n \n", "empty"),
            (b"\x7fELF\x02", "line 1: not a JSON object"),
            (b"{\"version\": 1}", "line 1: missing field `t`"),
            (b"[1, 2]", "line 1: not a JSON object"),
            (b"{\"t\": 1}\n{\"t\": 2}", "line 1: missing field `method`"),
            (b"\xff\xfe", "line 1: not UTF-8"),
        ] {
            let told = sniff(bytes).unwrap_err();
            assert!(told.contains(said), "{told}");
        }
    }
}
