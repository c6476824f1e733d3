//! What a file is, by how it begins.

use core::ops::ControlFlow;

use super::run;
use crate::trace::{Broken, LONGEST, Lines, Record};

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

/// Says what a file is that begins so, after it was unpacked; whether that is the `whole` of it, or its last line may be cut.
///
/// # Errors
/// What it is not, and what would be right, in a sentence.
pub fn sniff(bytes: &[u8], whole: bool) -> Result<File, String> {
    let mut found = None;
    let mut first: Option<(u64, Broken)> = None;
    let mut look = |number: u64, line: Result<&[u8], Broken>| {
        // What a record lacks says more than what a verdict does.
        let read = line.and_then(|line| match Record::parse(line) {
            Ok(_) => Ok(File::Trace),
            Err(why) => match run::is_verdict(line) {
                Ok(()) => Ok(File::Verdicts),
                Err(_) => Err(why),
            },
        });
        match read {
            Ok(file) => found = Some(file),
            Err(why) => {
                first.get_or_insert((number, why));
            }
        }
        if found.is_some() || number >= LINES {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    };
    let mut lines = Lines::default();
    if lines.feed(bytes, &mut look).is_continue() && whole {
        lines.end(&mut look);
    }
    match (found, first) {
        (Some(file), _) => Ok(file),
        (None, None) if !whole => Err(format!(
            "The first line of this file is longer than {} MiB, so it is neither a trace nor a file of verdicts.",
            LONGEST >> 20
        )),
        (None, None) => Err(String::from(
            "This file is empty: there is no request in it.",
        )),
        (None, Some((number, why))) => Err(format!(
            "This file is neither a trace nor a file of verdicts (line {number}: {why}). A trace has a request a line, as JSON with t, \
             method and path; verdicts are what `stillgate replay --verdicts` writes."
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_known_by_its_lines() {
        let trace = br#"{"t": 1, "method": "GET", "path": "/"}"#;
        let verdict = br#"{"id":"","t":1,"verdict":"allow","reasons":[],"shadow":[]}"#;
        assert_eq!(sniff(trace, true), Ok(File::Trace));
        assert_eq!(sniff(verdict, true), Ok(File::Verdicts));
        let broken = [b"nonsense\n\n".as_slice(), trace, b"\n"].concat();
        assert_eq!(sniff(&broken, true), Ok(File::Trace));
        assert_eq!(File::Trace.label(), "trace");
        // A line that is cut says nothing.
        let cut = [trace.as_slice(), b"\n", verdict.split_at(20).0].concat();
        assert_eq!(sniff(&cut, false), Ok(File::Trace));
        let told = sniff(trace.split_at(20).0, false).unwrap_err();
        assert!(
            told.starts_with("The first line of this file is longer than 64 MiB"),
            "{told}"
        );
    }

    #[test]
    fn what_a_file_is_not_is_said() {
        for (bytes, said) in [
            (b"".as_slice(), "empty"),
            (b"\n \n", "empty"),
            (b"\x7fELF\x02", "line 1: not a JSON object"),
            (b"{\"version\": 1}", "line 1: missing field `t`"),
            (b"[1, 2]", "line 1: not a JSON object"),
            (b"[5, \"deny\"]", "line 1: not a JSON object"),
            (b"\xef\xbb\xbf{\"t\": 1}", "line 1: missing field `method`"),
            (b"{\"t\": 1}\n{\"t\": 2}", "line 1: missing field `method`"),
            (b"\xff\xfe", "line 1: not UTF-8"),
        ] {
            let told = sniff(bytes, true).unwrap_err();
            assert!(told.contains(said), "{told}");
        }
    }
}
