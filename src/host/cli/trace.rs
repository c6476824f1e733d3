//! Reading recorded traffic: a file, gzip by its name, or standard input; line by line, and twice if need be. Beside it what
//! those who do so tell on their way.

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, IsTerminal as _, Read, Seek as _, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use flate2::bufread::MultiGzDecoder;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::text::duration;
use crate::exchange::Millis;
use crate::trace::{LineTold, Lines, Oddities, Record};

/// How much is read at once, in bytes.
const CHUNK: usize = 256 << 10;

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
            let mut records = Records::new(visit, None, None);
            records.read(input).context(cannot)?;
            return Ok(records.oddities);
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
        let mut records = Records::new(visit, self.lines, copy);
        let result = if gzip {
            let input = BufReader::with_capacity(CHUNK, MultiGzDecoder::new(input));
            records.read(input)
        } else {
            records.read(input)
        };
        if let Err(error) = result {
            let told = match error.kind() {
                io::ErrorKind::UnexpectedEof if gzip => format!(
                    "{} breaks off in the middle of its gzip data, after line {}",
                    self.name(),
                    records.lines.number()
                ),
                io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData if gzip => {
                    format!(
                        "{} is no gzip data, or is damaged after line {}",
                        self.name(),
                        records.lines.number()
                    )
                }
                _ => cannot,
            };
            return Err(anyhow::Error::new(error).context(told));
        }
        self.lines.get_or_insert(records.lines.number());
        self.kept = kept;
        Ok(records.oddities)
    }
}

/// Says what was odd, beside the report.
pub(super) fn warn(oddities: &Oddities, name: &str) {
    for (number, why) in &oddities.told {
        eprintln!("warning: line {number} of {name} is left out: {why}");
    }
    let told = oddities.told.len() as u64;
    if let Some(more) = oddities.broken.checked_sub(told).filter(|&more| more > 0) {
        eprintln!("warning: {more} more lines of {name} are left out");
    }
    if let Some(number) = oddities.backwards {
        eprintln!(
            "warning: line {number} of {name} is earlier than the one before it; a trace is expected in order"
        );
    }
    if let Some((number, leap)) = oddities.leap {
        eprintln!(
            "warning: line {number} of {name} comes {} after the one before it; are its times in milliseconds?",
            duration(leap)
        );
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

/// Records on their way to whoever asks for them.
struct Records<F> {
    visit: F,
    /// As many lines are read at most.
    most: Option<u64>,
    /// Where a copy of every record goes.
    copy: Option<BufWriter<File>>,
    /// Why the copy could not be written.
    failed: Option<io::Error>,
    lines: Lines,
    last: Option<Millis>,
    oddities: Oddities,
}

impl<F: FnMut(&Record<'_>) -> ControlFlow<()>> Records<F> {
    fn new(visit: F, most: Option<u64>, copy: Option<BufWriter<File>>) -> Self {
        Self {
            visit,
            most,
            copy,
            failed: None,
            lines: Lines::default(),
            last: None,
            oddities: Oddities::default(),
        }
    }

    fn read(&mut self, mut input: impl BufRead) -> io::Result<()> {
        let mut lines = core::mem::take(&mut self.lines);
        let result = loop {
            let chunk = match input.fill_buf() {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => break Err(error),
                Ok(chunk) => chunk,
            };
            if chunk.is_empty() {
                lines.end(|number, line| self.line(number, line));
                break Ok(());
            }
            let used = chunk.len();
            if lines
                .feed(chunk, |number, line| self.line(number, line))
                .is_break()
            {
                break Ok(());
            }
            input.consume(used);
        };
        self.lines = lines;
        result?;
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        match &mut self.copy {
            Some(copy) => copy.flush(),
            None => Ok(()),
        }
    }

    fn line(&mut self, number: u64, line: LineTold<'_>) -> ControlFlow<()> {
        if self.most.is_some_and(|most| number > most) {
            return ControlFlow::Break(());
        }
        let read = line.and_then(|line| Ok((line, Record::parse(line)?)));
        let (line, record) = match read {
            Ok(read) => read,
            Err(broken) => {
                self.oddities.leave_out(number, &broken);
                return ControlFlow::Continue(());
            }
        };
        self.oddities.follow(number, record.t, self.last);
        self.last = Some(record.t);
        let flow = (self.visit)(&record);
        if let Some(copy) = &mut self.copy
            && let Err(error) = copy.write_all(line).and_then(|()| copy.write_all(b"\n"))
        {
            self.failed = Some(error);
            return ControlFlow::Break(());
        }
        flow
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(t: u64) -> String {
        format!(r#"{{"t": {t}, "method": "GET", "path": "/"}}"#)
    }

    fn read(text: &[u8], capacity: usize, most: Option<u64>) -> (Vec<Millis>, Oddities) {
        let mut seen = Vec::new();
        let visit = |record: &Record<'_>| {
            seen.push(record.t);
            ControlFlow::Continue(())
        };
        let mut records = Records::new(visit, most, None);
        records
            .read(BufReader::with_capacity(capacity, text))
            .unwrap();
        let oddities = core::mem::take(&mut records.oddities);
        drop(records);
        (seen, oddities)
    }

    #[test]
    fn records_are_read_however_their_bytes_come() {
        let text = format!(
            "\u{feff}{}\r\n\n{}\nnonsense\n  \n{}\n{}",
            record(1),
            record(2),
            record(1),
            record(3)
        );
        for capacity in [1, 2, 7, 40, 64, 1_000] {
            let (seen, oddities) = read(text.as_bytes(), capacity, None);
            assert_eq!(seen, [1, 2, 1, 3], "{capacity}");
            assert_eq!(oddities.broken, 1);
            assert_eq!(oddities.told, [(4, String::from("not a JSON object"))]);
            assert_eq!(oddities.backwards, Some(6));
        }
        assert_eq!(read(b"", 10, None), (Vec::new(), Oddities::default()));
    }

    #[test]
    fn a_log_that_has_grown_is_read_as_far_as_before() {
        let text = format!("{}\n\n{}\n{}\n", record(1), record(2), record(3));
        assert_eq!(read(text.as_bytes(), 1_000, Some(3)).0, [1, 2]);
    }
}
