//! Noticing that a file has other content than before.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use notify::{RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::sync::mpsc::{self, Receiver};
use tokio::time;

/// One watched file.
#[derive(Debug)]
pub(super) struct Watch {
    file: PathBuf,
    /// What was last handed out.
    text: String,
    touched: Receiver<()>,
    _watcher: RecommendedWatcher,
}

impl Watch {
    /// Watches a file that has had this text.
    ///
    /// It is the folder that is watched: editors replace a file instead of writing it, and mounted files are links.
    pub(super) fn new(file: &Path, text: String) -> anyhow::Result<Self> {
        let told = || format!("cannot watch {}", file.display());
        let (touch, touched) = mpsc::channel(1);
        let mut watcher =
            notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
                if !event.is_ok_and(|event| event.kind.is_access()) {
                    // A full channel already says that something happened.
                    let _ = touch.try_send(());
                }
            })
            .with_context(told)?;
        let file = std::path::absolute(file).with_context(told)?;
        let folder = file.parent().with_context(told)?;
        watcher
            .watch(folder, RecursiveMode::NonRecursive)
            .with_context(told)?;
        Ok(Self {
            file,
            text,
            touched,
            _watcher: watcher,
        })
    }

    /// Returns when the file has other content, with it, or when it cannot be read any more.
    pub(super) async fn changed(&mut self) -> anyhow::Result<String> {
        loop {
            if self.touched.recv().await.is_none() {
                core::future::pending::<()>().await;
            }
            // A write comes as several events, and between them the file is half of itself.
            time::sleep(QUIET).await;
            let read = tokio::fs::read_to_string(&self.file).await;
            let text =
                read.with_context(|| format!("cannot read the policy {}", self.file.display()))?;
            if text != self.text {
                self.text.clone_from(&text);
                return Ok(text);
            }
        }
    }
}

/// How long after the first event a file is taken to be whole.
const QUIET: Duration = Duration::from_millis(100);
