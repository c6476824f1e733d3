//! A file that goes by as it is handed over, line by line.

use core::ops::ControlFlow;

use crate::exchange::Millis;
use crate::trace::{Broken, Lines, Oddities};

/// What takes the lines of a file.
pub trait Taking {
    /// Takes a line; answers its time.
    ///
    /// # Errors
    /// When it cannot be understood.
    fn take(&mut self, line: &[u8]) -> Result<Millis, Broken>;

    /// Takes that no more come after this time; 0 if none came at all.
    fn close(&mut self, last: Millis);
}

/// A file, and what has come of it.
#[derive(Debug, Default)]
pub struct Reading<T> {
    pub(super) taken: T,
    pub(super) oddities: Oddities,
    lines: Lines,
    /// The time of the last line.
    last: Option<Millis>,
}

impl<T: Taking> Reading<T> {
    pub(super) fn of(taken: T) -> Self {
        Self {
            taken,
            oddities: Oddities::default(),
            lines: Lines::default(),
            last: None,
        }
    }

    /// Takes in what comes next of the file.
    pub fn feed(&mut self, bytes: &[u8]) {
        let mut lines = core::mem::take(&mut self.lines);
        // Nobody ever has enough of it.
        let _ = lines.feed(bytes, |number, line| {
            self.line(number, line);
            ControlFlow::Continue(())
        });
        self.lines = lines;
    }

    /// Takes in that nothing more comes.
    pub fn end(&mut self) {
        let mut lines = core::mem::take(&mut self.lines);
        lines.end(|number, line| {
            self.line(number, line);
            ControlFlow::Continue(())
        });
        self.taken.close(self.last.unwrap_or(0));
    }

    fn line(&mut self, number: u64, line: Result<&[u8], Broken>) {
        match line.and_then(|line| self.taken.take(line)) {
            Ok(t) => {
                self.oddities.follow(number, t, self.last);
                self.last = Some(t);
            }
            Err(broken) => self.oddities.leave_out(number, &broken),
        }
    }
}
