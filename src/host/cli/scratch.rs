//! A folder in which something is made before it is put in its place, by one program at a time.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::Path;

use tempfile::TempDir;

/// A folder below another one. Dropping it removes it, and lets the next program begin.
#[derive(Debug)]
pub(super) struct Scratch {
    folder: TempDir,
    _lock: File,
}

impl Scratch {
    /// Waits until nobody else makes something in `parent`, which is made if it is missing, and removes what those have left there who
    /// were ended while they did.
    pub(super) fn below(parent: &Path) -> io::Result<Self> {
        fs::create_dir_all(parent)?;
        let mut options = File::options();
        options.create(true).truncate(false).write(true);
        let lock = options.open(parent.join(LOCK))?;
        match lock.try_lock() {
            Err(TryLockError::WouldBlock) => {
                eprintln!("Waiting for another build in {}", parent.display());
                lock.lock()?;
            }
            Err(TryLockError::Error(error)) => return Err(error),
            Ok(()) => {}
        }
        for entry in fs::read_dir(parent)? {
            let entry = entry?;
            let name = entry.file_name();
            if name.as_encoded_bytes().starts_with(PREFIX.as_bytes()) {
                fs::remove_dir_all(entry.path())?;
            }
        }
        Ok(Self {
            folder: tempfile::Builder::new().prefix(PREFIX).tempdir_in(parent)?,
            _lock: lock,
        })
    }

    pub(super) fn path(&self) -> &Path {
        self.folder.path()
    }
}

/// Waits until nobody makes anything in a folder; nobody begins until what is returned is dropped. A folder in which nothing was ever
/// made, or that can have no lock, is as it is.
pub(super) fn settled(folder: &Path) -> Option<File> {
    let lock = File::open(folder.join(LOCK)).ok()?;
    lock.lock_shared().ok()?;
    Some(lock)
}

/// What whoever makes something holds.
const LOCK: &str = ".lock";
/// How the names of scratch folders begin.
const PREFIX: &str = ".stillgate-";
