//! Noticing that a policy, or a file that it names, has other content than before.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use notify::{RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::sync::mpsc::{self, Receiver};
use tokio::time;

use crate::host::cli::embed::{self, Embedded};

/// A watched policy and the files of its lists.
#[derive(Debug)]
pub(super) struct Watch {
    file: PathBuf,
    /// What was last handed out, or said to be wrong.
    told: String,
    folders: Vec<PathBuf>,
    touched: Receiver<()>,
    watcher: RecommendedWatcher,
}

impl Watch {
    /// Watches a policy that has been read from a file.
    ///
    /// It is folders that are watched: editors replace a file instead of writing it, and mounted files are links.
    pub(super) fn new(file: &Path, policy: &Embedded) -> anyhow::Result<Self> {
        let told = || format!("cannot watch {}", file.display());
        let (touch, touched) = mpsc::channel(1);
        let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            if !event.is_ok_and(|event| event.kind.is_access()) {
                // A full channel already says that something happened.
                let _ = touch.try_send(());
            }
        })
        .with_context(told)?;
        let file = std::path::absolute(file).with_context(told)?;
        let mut watch = Self {
            file: file.clone(),
            told: policy.text.clone(),
            folders: Vec::new(),
            touched,
            watcher,
        };
        watch.follow(&file).with_context(told)?;
        watch.follow_lists(policy);
        Ok(watch)
    }

    fn follow(&mut self, file: &Path) -> anyhow::Result<()> {
        let folder = std::path::absolute(file)?;
        let folder = folder.parent().context("it has no folder")?;
        if !self.folders.iter().any(|other| other == folder) {
            self.watcher.watch(folder, RecursiveMode::NonRecursive)?;
            self.folders.push(folder.to_owned());
        }
        Ok(())
    }

    fn follow_lists(&mut self, policy: &Embedded) {
        for file in &policy.files {
            // What cannot be watched, such as a folder that is not there, is a fault of the policy and told as that.
            let _ = self.follow(file);
        }
    }

    /// Returns when the policy or a list has other content, with the whole of it, or when it cannot be read any more or has
    /// faults.
    pub(super) async fn changed(&mut self) -> anyhow::Result<String> {
        loop {
            if self.touched.recv().await.is_none() {
                core::future::pending::<()>().await;
            }
            // A write comes as several events, and between them the file is half of itself.
            time::sleep(QUIET).await;
            let read = embed::read(&self.file).and_then(|policy| {
                self.follow_lists(&policy);
                policy.policy()?;
                Ok(policy.text)
            });
            // Other files of the folder change too: nothing is told twice.
            let told = match &read {
                Ok(text) => text.clone(),
                Err(error) => format!("{error:#}"),
            };
            if told != self.told {
                self.told = told;
                return read;
            }
        }
    }
}

/// How long after the first event a file is taken to be whole.
const QUIET: Duration = Duration::from_millis(100);
