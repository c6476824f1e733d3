//! Lines that come in pieces: of a file as it is read, or as a browser hands it over.

use core::ops::ControlFlow;

use super::Broken;
use crate::exchange::Millis;

/// The longest line that is read, in bytes. Of a longer one nothing is kept.
pub const LONGEST: usize = 64 << 20;

/// As many broken lines are told one by one.
pub const TOLD: usize = 10;

/// What is told of every line that is not empty: its bytes without its end, or why there are none.
pub type Told<'a> = Result<&'a [u8], Broken>;

/// Lines on their way. What is held of them is at most one line.
#[derive(Debug, Default)]
pub struct Lines {
    number: u64,
    /// The beginning of a line that is not all there yet.
    begun: Vec<u8>,
    /// Whether that line is too long to be read.
    long: bool,
}

/// What was odd about a file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Oddities {
    /// Lines that could not be understood, and were left out.
    pub broken: u64,
    /// The first of them, with their numbers from 1 and what is wrong with them.
    pub told: Vec<(u64, String)>,
    /// The first line whose time is before that of the line before it.
    pub backwards: Option<u64>,
    /// The first line that comes so many milliseconds after the one before it that one of both is wrong.
    pub leap: Option<(u64, Millis)>,
}

/// After a pause of so many milliseconds, a year, a time is more likely wrong than late.
const LEAP: Millis = 366 * 86_400_000;

impl Oddities {
    /// Looks at a line's time, and at that of the line before it, if there was one.
    pub fn follow(&mut self, number: u64, t: Millis, before: Option<Millis>) {
        let Some(before) = before else {
            return;
        };
        if t < before {
            self.backwards.get_or_insert(number);
        } else if t.saturating_sub(before) > LEAP {
            self.leap.get_or_insert((number, t.saturating_sub(before)));
        }
    }

    /// Notes a line that is left out.
    pub fn leave_out(&mut self, number: u64, why: &Broken) {
        self.broken = self.broken.saturating_add(1);
        if self.told.len() < TOLD {
            self.told.push((number, why.to_string()));
        }
    }
}

impl Lines {
    /// How many lines there were until now.
    #[must_use]
    pub const fn number(&self) -> u64 {
        self.number
    }

    /// Takes in what comes next, and tells each line that ends in it, with its number from 1, until `tell` has enough.
    pub fn feed(
        &mut self,
        bytes: &[u8],
        mut tell: impl FnMut(u64, Told<'_>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let mut rest = bytes;
        while let Some(end) = memchr::memchr(b'\n', rest) {
            let (line, after) = rest.split_at_checked(end).unwrap_or((rest, &[]));
            self.end_line(line, &mut tell)?;
            rest = after.get(1..).unwrap_or_default();
        }
        self.go_on(rest);
        ControlFlow::Continue(())
    }

    /// Tells what stands behind the last line's end.
    pub fn end(&mut self, mut tell: impl FnMut(u64, Told<'_>) -> ControlFlow<()>) {
        if !self.begun.is_empty() || self.long {
            // Nothing comes after it.
            let _ = self.end_line(&[], &mut tell);
        }
    }

    fn go_on(&mut self, part: &[u8]) {
        self.long |= self.begun.len().saturating_add(part.len()) > LONGEST;
        if self.long {
            self.begun.clear();
        } else {
            self.begun.extend_from_slice(part);
        }
    }

    fn end_line(
        &mut self,
        rest: &[u8],
        tell: &mut impl FnMut(u64, Told<'_>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        self.number = self.number.saturating_add(1);
        if self.begun.is_empty() && !self.long && rest.len() <= LONGEST {
            return self.line(rest, tell);
        }
        self.go_on(rest);
        if core::mem::take(&mut self.long) {
            let broken = Broken::new(format!("longer than {} MiB", LONGEST >> 20));
            return tell(self.number, Err(broken));
        }
        let mut line = core::mem::take(&mut self.begun);
        let result = self.line(&line, tell);
        line.clear();
        self.begun = line;
        result
    }

    fn line(
        &self,
        line: &[u8],
        tell: &mut impl FnMut(u64, Told<'_>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let line = match self.number {
            1 => line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line),
            _ => line,
        };
        if line.trim_ascii().is_empty() {
            return ControlFlow::Continue(());
        }
        tell(self.number, Ok(line))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lines by their numbers; those that are too long are `None`.
    fn told(pieces: &[&[u8]]) -> Vec<(u64, Option<String>)> {
        let mut told = Vec::new();
        let mut lines = Lines::default();
        let mut tell = |number, line: Told<'_>| {
            let line = line
                .ok()
                .map(|line| String::from_utf8(line.to_vec()).unwrap());
            told.push((number, line));
            ControlFlow::Continue(())
        };
        for piece in pieces {
            assert!(lines.feed(piece, &mut tell).is_continue());
        }
        lines.end(&mut tell);
        told
    }

    #[test]
    fn lines_are_lines_however_they_are_cut() {
        let text = "\u{feff}one\r\n\ntwo\n  \nthree".as_bytes();
        let expected = [(1, "one\r"), (3, "two"), (5, "three")]
            .map(|(number, line)| (number, Some(line.to_owned())));
        for cut in 0..=text.len() {
            assert_eq!(told(&[&text[..cut], &text[cut..]]), expected, "{cut}");
        }
        let bytes: Vec<&[u8]> = text.chunks(1).collect();
        assert_eq!(told(&bytes), expected);
        assert_eq!(told(&[]), []);
    }

    #[test]
    fn of_a_line_that_is_too_long_nothing_is_kept() {
        let long = vec![b'x'; LONGEST / 2 + 1];
        let mut lines = Lines::default();
        let mut told = Vec::new();
        let mut tell = |number, line: Told<'_>| {
            told.push((number, line.map(<[u8]>::len)));
            ControlFlow::Continue(())
        };
        for _ in 0..2 {
            assert!(lines.feed(&long, &mut tell).is_continue());
        }
        assert!(lines.begun.is_empty());
        assert!(lines.feed(b"x\nnext\n", &mut tell).is_continue());
        let broken = Broken::new("longer than 64 MiB");
        assert_eq!(told, [(1, Err(broken)), (2, Ok(4))]);
    }

    #[test]
    fn whoever_has_enough_is_told_no_more() {
        let mut lines = Lines::default();
        let mut told = 0;
        let flow = lines.feed(b"a\nb\nc\n", |number, _| {
            told += 1;
            if number == 2 {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        });
        assert!(flow.is_break());
        assert_eq!((told, lines.number()), (2, 2));
    }

    #[test]
    fn times_that_go_backwards_or_leap_are_noted_once() {
        let mut oddities = Oddities::default();
        let year = 366 * 86_400_000;
        let mut before = None;
        let times = [0, year, 2 * year + 1, 5, 4, 9 * year];
        for (number, t) in (1..).zip(times) {
            oddities.follow(number, t, before);
            before = Some(t);
        }
        assert_eq!(oddities.leap, Some((3, year + 1)));
        assert_eq!(oddities.backwards, Some(4));
    }

    #[test]
    fn only_the_first_broken_lines_are_told() {
        let mut oddities = Oddities::default();
        for number in 1..=1_000 {
            oddities.leave_out(number, &Broken::new("none"));
        }
        let told: Vec<u64> = oddities.told.iter().map(|(number, _)| *number).collect();
        assert_eq!((oddities.broken, told), (1_000, (1..=10).collect()));
    }
}
