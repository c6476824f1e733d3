//! The files of the page, read once: what is built meanwhile is for who starts next.

use std::collections::BTreeMap;
use std::fs;
use std::hash::Hasher as _;
use std::io::Write as _;
use std::path::Path;

use anyhow::{Context as _, bail};
use axum::body::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use siphasher::sip::SipHasher13;

use crate::host::cli::scratch;

/// A file, ready to be sent.
#[derive(Debug)]
pub(super) struct Asset {
    pub(super) kind: &'static str,
    /// As `etag` has it. It is of what the file says, however it is packed.
    pub(super) tag: String,
    pub(super) bytes: Bytes,
    pub(super) packed: Bytes,
}

/// All of them, by their names.
#[derive(Debug)]
pub(super) struct Site(BTreeMap<String, Asset>);

impl Site {
    /// Reads a folder that `build page` has made.
    ///
    /// # Errors
    /// When it cannot be read, or there is no page in it.
    pub(super) fn read(folder: &Path) -> anyhow::Result<Self> {
        let told = || format!("cannot read the page in {}", folder.display());
        let _settled = scratch::settled(folder);
        let mut assets = BTreeMap::new();
        for entry in fs::read_dir(folder).with_context(told)? {
            let entry = entry.with_context(told)?;
            let Ok(name) = entry.file_name().into_string() else {
                continue;
            };
            let Some(kind) = kind(&name).filter(|_| entry.path().is_file()) else {
                continue;
            };
            let bytes = fs::read(entry.path()).with_context(told)?;
            assets.insert(name, asset(kind, bytes).with_context(told)?);
        }
        if !assets.contains_key(INDEX) {
            bail!(
                "there is no page in {}; `stillgate build page` makes it",
                folder.display()
            );
        }
        Ok(Self(assets))
    }

    /// What is at a path. A path names a file or nothing: there are no folders to leave.
    pub(super) fn at(&self, path: &str) -> Option<&Asset> {
        let name = path.strip_prefix('/')?;
        self.0.get(if name.is_empty() { INDEX } else { name })
    }
}

fn asset(kind: &'static str, bytes: Vec<u8>) -> anyhow::Result<Asset> {
    let mut hasher = SipHasher13::new();
    hasher.write(&bytes);
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    gzip.write_all(&bytes)?;
    Ok(Asset {
        kind,
        tag: format!("W/\"{:016x}\"", hasher.finish()),
        packed: gzip.finish()?.into(),
        bytes: bytes.into(),
    })
}

/// The type of a file's content, by its name; nothing for what is no part of a page.
fn kind(name: &str) -> Option<&'static str> {
    let (_, extension) = name.rsplit_once('.')?;
    Some(match extension {
        "html" => "text/html; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "json" => "application/json",
        "wasm" => "application/wasm",
        "txt" => "text/plain; charset=utf-8",
        _ => return None,
    })
}

/// What is at the root.
const INDEX: &str = "index.html";
