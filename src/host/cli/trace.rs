//! Reading recorded traffic: a file, gzip by its name, or standard input; line by line, and twice if need be. Beside it what
//! those who do so tell on their way.

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, IsTerminal as _, Read, Seek as _, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use flate2::bufread::MultiGzDecoder;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::exchange::Millis;
use crate::trace::Record;

/// The longest line that is read, in bytes. Of a longer one nothing is kept.
const LONGEST: usize = 64 << 20;

/// How much is read at once, in bytes.
const CHUNK: usize = 256 << 10;

/// As many broken lines are told one by one.
const TOLD: usize = 10;

/// A trace that is read from its beginning as often as is wanted. What cannot be read twice (standard input, a pipe) is
/// kept in a temporary file when it is read first.
#[derive(Debug)]
pub(super) struct Trace {
    path: PathBuf,
    /// Whether it is to be read more than once.
    again: bool,
    /// What was kept of what cannot be read twice.
    kept: Option<File>,
    /// How many lines there were when it was read first: a log may have grown since.
    lines: Option<u64>,
}

/// What was odd about a trace.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Oddities {
    /// Lines that are no records, and were left out.
    pub(super) broken: u64,
    /// The first of them, with their numbers from 1 and what is wrong with them.
    pub(super) told: Vec<(u64, String)>,
    /// The first line whose time is before that of the line before it.
    pub(super) backwards: Option<u64>,
}

impl Trace {
    /// A trace by its path; `-` is standard input.
    pub(super) fn new(path: &Path) -> Self {
        Self {
            again: true,
            ..Self::once(path)
        }
    }

    /// The same if it is read once only, so that nothing of it is kept.
    pub(super) fn once(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            again: false,
            kept: None,
            lines: None,
        }
    }

    /// What it is called.
    pub(super) fn name(&self) -> String {
        if self.path == Path::new("-") {
            String::from("standard input")
        } else {
            self.path.display().to_string()
        }
    }

    /// Reads all of it, as often as is wanted, and the same each time, or until `visit` has enough; `progress` goes by the
    /// bytes of the file.
    pub(super) fn read(
        &mut self,
        progress: &ProgressBar,
        visit: impl FnMut(&Record<'_>) -> ControlFlow<()>,
    ) -> anyhow::Result<Oddities> {
        let cannot = format!("cannot read {}", self.name());
        if let Some(kept) = &self.kept {
            let mut kept = kept.try_clone().context(cannot.clone())?;
            progress.set_length(kept.metadata().map_or(0, |data| data.len()));
            kept.rewind().context(cannot.clone())?;
            let input = BufReader::with_capacity(CHUNK, progress.wrap_read(kept));
            let mut lines = Lines::new(visit, None, None);
            lines.read(input).context(cannot)?;
            return Ok(lines.oddities);
        }
        let (input, lasts): (Box<dyn Read>, bool) = if self.path == Path::new("-") {
            (Box::new(io::stdin().lock()), false)
        } else {
            let file = File::open(&self.path).with_context(|| cannot.clone())?;
            let data = file.metadata().with_context(|| cannot.clone())?;
            if data.is_file() {
                progress.set_length(data.len());
            }
            (Box::new(file), data.is_file())
        };
        let input = BufReader::with_capacity(CHUNK, progress.wrap_read(input));
        let gzip = self.path.extension().is_some_and(|end| end == "gz");
        let kept = (self.again && !lasts)
            .then(tempfile::tempfile)
            .transpose()
            .context("cannot make a temporary file")?;
        let copy = kept
            .as_ref()
            .map(File::try_clone)
            .transpose()
            .context("cannot make a temporary file")?
            .map(|file| BufWriter::with_capacity(CHUNK, file));
        let mut lines = Lines::new(visit, self.lines, copy);
        let result = if gzip {
            let input = BufReader::with_capacity(CHUNK, MultiGzDecoder::new(input));
            lines.read(input)
        } else {
            lines.read(input)
        };
        if let Err(error) = result {
            let told = match error.kind() {
                io::ErrorKind::UnexpectedEof if gzip => format!(
                    "{} breaks off in the middle of its gzip data, after line {}",
                    self.name(),
                    lines.number
                ),
                io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData if gzip => {
                    format!(
                        "{} is no gzip data, or is damaged after line {}",
                        self.name(),
                        lines.number
                    )
                }
                _ => cannot,
            };
            return Err(anyhow::Error::new(error).context(told));
        }
        self.lines = Some(lines.number);
        self.kept = kept;
        Ok(lines.oddities)
    }
}

impl Oddities {
    /// Says it, beside the report.
    pub(super) fn warn(&self, name: &str) {
        for (number, why) in &self.told {
            eprintln!("warning: line {number} of {name} is left out: {why}");
        }
        let told = self.told.len() as u64;
        if let Some(more) = self.broken.checked_sub(told).filter(|&more| more > 0) {
            eprintln!("warning: {more} more lines of {name} are left out");
        }
        if let Some(number) = self.backwards {
            eprintln!(
                "warning: line {number} of {name} is earlier than the one before it; a trace is expected in order"
            );
        }
    }
}

/// A bar on a terminal, and nothing elsewhere.
pub(super) fn progress(doing: &'static str) -> ProgressBar {
    if !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::no_length().with_message(doing);
    bar.set_draw_target(ProgressDrawTarget::stderr_with_hz(5));
    let style = "{msg} [{bar:40}] {bytes} of {total_bytes}, {bytes_per_sec}, {eta} left";
    if let Ok(style) = ProgressStyle::with_template(style) {
        bar.set_style(style.progress_chars("=> "));
    }
    bar
}

/// Lines on their way to being records.
struct Lines<F> {
    visit: F,
    /// As many lines are read at most.
    most: Option<u64>,
    /// Where a copy of every record goes.
    copy: Option<BufWriter<File>>,
    number: u64,
    /// The beginning of a line that is not all there yet.
    begun: Vec<u8>,
    /// Whether that line is too long to be read.
    long: bool,
    /// Whether nobody wants to see more.
    done: bool,
    last: Millis,
    oddities: Oddities,
}

impl<F: FnMut(&Record<'_>) -> ControlFlow<()>> Lines<F> {
    fn new(visit: F, most: Option<u64>, copy: Option<BufWriter<File>>) -> Self {
        Self {
            visit,
            most,
            copy,
            number: 0,
            begun: Vec::new(),
            long: false,
            done: false,
            last: 0,
            oddities: Oddities::default(),
        }
    }

    fn read(&mut self, mut input: impl BufRead) -> io::Result<()> {
        while !self.done && self.most.is_none_or(|most| self.number < most) {
            let chunk = match input.fill_buf() {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                chunk => chunk?,
            };
            if chunk.is_empty() {
                if !self.begun.is_empty() || self.long {
                    self.end_line(&[])?;
                }
                break;
            }
            let used = match memchr::memchr(b'\n', chunk) {
                Some(end) => {
                    self.end_line(chunk.get(..end).unwrap_or_default())?;
                    end.saturating_add(1)
                }
                None => {
                    self.go_on(chunk);
                    chunk.len()
                }
            };
            input.consume(used);
        }
        match &mut self.copy {
            Some(copy) => copy.flush(),
            None => Ok(()),
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

    fn end_line(&mut self, rest: &[u8]) -> io::Result<()> {
        if self.begun.is_empty() && !self.long && rest.len() <= LONGEST {
            return self.line(rest);
        }
        self.go_on(rest);
        if core::mem::take(&mut self.long) {
            self.number = self.number.saturating_add(1);
            self.broken(format!("longer than {} MiB", LONGEST >> 20));
            return Ok(());
        }
        let mut line = core::mem::take(&mut self.begun);
        let result = self.line(&line);
        line.clear();
        self.begun = line;
        result
    }

    fn line(&mut self, line: &[u8]) -> io::Result<()> {
        self.number = self.number.saturating_add(1);
        let line = match self.number {
            1 => line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line),
            _ => line,
        };
        if line.trim_ascii().is_empty() {
            return Ok(());
        }
        let record = match Record::parse(line) {
            Ok(record) => record,
            Err(broken) => {
                self.broken(broken.to_string());
                return Ok(());
            }
        };
        if record.t < self.last && self.oddities.backwards.is_none() {
            self.oddities.backwards = Some(self.number);
        }
        self.last = record.t;
        self.done = (self.visit)(&record).is_break();
        if let Some(copy) = &mut self.copy {
            copy.write_all(line)?;
            copy.write_all(b"\n")?;
        }
        Ok(())
    }

    fn broken(&mut self, why: String) {
        let oddities = &mut self.oddities;
        oddities.broken = oddities.broken.saturating_add(1);
        if oddities.told.len() < TOLD {
            oddities.told.push((self.number, why));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &[u8], capacity: usize) -> (Vec<Millis>, Oddities) {
        let mut seen = Vec::new();
        let visit = |record: &Record<'_>| {
            seen.push(record.t);
            ControlFlow::Continue(())
        };
        let mut lines = Lines::new(visit, None, None);
        lines
            .read(BufReader::with_capacity(capacity, text))
            .unwrap();
        let oddities = core::mem::take(&mut lines.oddities);
        drop(lines);
        (seen, oddities)
    }

    fn record(t: u64) -> String {
        format!(r#"{{"t": {t}, "method": "GET", "path": "/"}}"#)
    }

    #[test]
    fn lines_are_lines_however_they_are_cut() {
        let text = format!(
            "\u{feff}{}\r\n\n{}\nnonsense\n  \n{}\n{}",
            record(1),
            record(2),
            record(1),
            record(3)
        );
        for capacity in [1, 2, 7, 40, 64, 1_000] {
            let (seen, oddities) = read(text.as_bytes(), capacity);
            assert_eq!(seen, [1, 2, 1, 3], "{capacity}");
            assert_eq!(oddities.broken, 1);
            assert_eq!(oddities.told, [(4, String::from("not a JSON object"))]);
            assert_eq!(oddities.backwards, Some(6));
        }
        assert_eq!(read(b"", 10), (Vec::new(), Oddities::default()));
    }

    #[test]
    fn a_log_that_has_grown_is_read_as_far_as_before() {
        let text = format!("{}\n\n{}\n{}\n", record(1), record(2), record(3));
        let mut seen = Vec::new();
        let visit = |record: &Record<'_>| {
            seen.push(record.t);
            ControlFlow::Continue(())
        };
        let mut lines = Lines::new(visit, Some(3), None);
        lines.read(text.as_bytes()).unwrap();
        drop(lines);
        assert_eq!(seen, [1, 2]);
    }

    #[test]
    fn a_line_without_end_is_left_out() {
        let mut text = format!("{}\n", record(1)).into_bytes();
        let long = text.len() + LONGEST + 1;
        text.resize(long, b'x');
        text.extend_from_slice(format!("\n{}\n", record(2)).as_bytes());
        let (seen, oddities) = read(&text, CHUNK);
        assert_eq!(seen, [1, 2]);
        assert_eq!(oddities.told, [(2, String::from("longer than 64 MiB"))]);
    }

    #[test]
    fn only_the_first_broken_lines_are_told() {
        let (seen, oddities) = read("x\n".repeat(1_000).as_bytes(), CHUNK);
        assert_eq!((seen.len(), oddities.broken), (0, 1_000));
        let told: Vec<u64> = oddities.told.iter().map(|(number, _)| *number).collect();
        assert_eq!(told, (1..=10).collect::<Vec<u64>>());
    }
}
