//! Where a program's lines go when they have been told: nobody who takes them late may hold the program up, or this one's end.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::fs::File;
use tokio::io::{AsyncWrite, AsyncWriteExt as _};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time;

/// Who takes lines.
pub(in super::super) enum Onward {
    Nobody,
    /// A file gets every line; what writes them waits for it.
    File(Kept),
    /// A terminal, or whatever stands in its place, gets what it takes.
    Screen(Screen),
}

impl Onward {
    /// A file that was opened, and its name in messages.
    pub(in super::super) fn file(file: std::fs::File, name: PathBuf) -> Self {
        Self::File(Kept {
            file: File::from_std(file),
            name,
            failed: false,
        })
    }

    /// Standard output.
    pub(in super::super) fn stdout() -> Self {
        Self::Screen(Screen::new(tokio::io::stdout()))
    }

    /// Standard error.
    pub(in super::super) fn stderr() -> Self {
        Self::Screen(Screen::new(tokio::io::stderr()))
    }

    /// Hands whole lines on.
    pub(super) async fn put(&mut self, lines: Vec<u8>) {
        match self {
            Self::Nobody => {}
            Self::File(kept) => kept.put(&lines).await,
            Self::Screen(screen) => screen.put(lines),
        }
    }

    /// Returns when the last lines are where they belong, or nobody takes them.
    pub(super) async fn end(self) {
        if let Self::Screen(screen) = self {
            screen.end().await;
        }
    }
}

/// A file to which lines are added.
pub(in super::super) struct Kept {
    file: File,
    name: PathBuf,
    failed: bool,
}

impl Kept {
    async fn put(&mut self, lines: &[u8]) {
        let written = async {
            self.file.write_all(lines).await?;
            self.file.flush().await
        };
        if let Err(error) = written.await
            && !self.failed
        {
            self.failed = true;
            eprintln!(
                "What is decided is missing in {}: {error}. Everything else goes on.",
                self.name.display()
            );
        }
    }
}

/// A writer with a task of its own, and what that has not written yet.
pub(in super::super) struct Screen {
    queue: Arc<Queue>,
    writing: JoinHandle<()>,
}

#[derive(Default)]
struct Queue {
    waiting: Mutex<Waiting>,
    changed: Notify,
}

#[derive(Default)]
struct Waiting {
    chunks: VecDeque<Vec<u8>>,
    bytes: usize,
    /// Lines that came when there was no room, after all of `chunks`.
    left_out: usize,
    ended: bool,
}

impl Screen {
    fn new(writer: impl AsyncWrite + Send + Unpin + 'static) -> Self {
        let queue = Arc::new(Queue::default());
        let writing = tokio::spawn(write(Arc::clone(&queue), writer));
        Self { queue, writing }
    }

    fn put(&self, lines: Vec<u8>) {
        let mut waiting = self.queue.waiting();
        let bytes = waiting.bytes.saturating_add(lines.len());
        // A gap ends where there is nothing before it any more: it is told once, and in its place.
        if waiting.left_out > 0 || (bytes > MOST && !waiting.chunks.is_empty()) {
            let count = lines.iter().filter(|byte| **byte == b'\n').count();
            waiting.left_out = waiting.left_out.saturating_add(count);
            return;
        }
        waiting.bytes = bytes;
        waiting.chunks.push_back(lines);
        drop(waiting);
        self.queue.changed.notify_one();
    }

    async fn end(self) {
        self.queue.waiting().ended = true;
        self.queue.changed.notify_one();
        // Who does not take them now has had his time.
        let _ = time::timeout(LAST, self.writing).await;
    }
}

impl Queue {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is to be written next; nothing at the end.
    async fn next(&self) -> Option<Vec<u8>> {
        loop {
            {
                let mut waiting = self.waiting();
                if let Some(chunk) = waiting.chunks.pop_front() {
                    waiting.bytes = waiting.bytes.saturating_sub(chunk.len());
                    return Some(chunk);
                }
                match std::mem::take(&mut waiting.left_out) {
                    0 if waiting.ended => return None,
                    0 => {}
                    lines => {
                        let told = format!("({lines} lines are left out: nobody took them)\n");
                        return Some(told.into());
                    }
                }
            }
            self.changed.notified().await;
        }
    }
}

async fn write(queue: Arc<Queue>, mut writer: impl AsyncWrite + Unpin) {
    while let Some(chunk) = queue.next().await {
        // Where nobody takes it any more, as of `up | head`, the program goes on all the same.
        let _ = writer.write_all(&chunk).await;
        let _ = writer.flush().await;
    }
}

/// Bytes that may wait for a terminal.
const MOST: usize = 1 << 20;
/// How long a terminal may take for the last lines.
const LAST: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt as _;

    use super::*;

    #[tokio::test]
    async fn lines_that_nobody_takes_are_counted_where_they_are_missing() {
        let (near, mut far) = tokio::io::duplex(64);
        let screen = Screen::new(near);
        let line = [&[b'x'; 999][..], b"\n"].concat();
        for _ in 0..5000 {
            screen.put(line.clone());
        }
        // Nothing has been written yet: this task has not waited for anything.
        let left_out = screen.queue.waiting().left_out;
        let whole = 5000 - left_out;
        assert!((1000..2000).contains(&whole), "{whole}");
        let mut read = vec![0; line.len()];
        for _ in 0..whole {
            far.read_exact(&mut read).await.expect("a line");
            assert_eq!(read, line);
        }
        let told = format!("({left_out} lines are left out: nobody took them)\n");
        let mut read = vec![0; told.len()];
        far.read_exact(&mut read).await.expect("the gap");
        assert_eq!(String::from_utf8_lossy(&read), told);

        screen.put(b"and on\n".to_vec());
        screen.end().await;
        let mut rest = String::new();
        far.read_to_string(&mut rest).await.expect("an end");
        assert_eq!(rest, "and on\n");
    }

    #[tokio::test]
    async fn the_end_waits_for_nobody_who_does_not_take_it() {
        let (near, _far) = tokio::io::duplex(4);
        let screen = Screen::new(near);
        screen.put(b"never taken\n".to_vec());
        screen.end().await;
    }
}
