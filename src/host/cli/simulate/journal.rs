//! Simulated traffic, written down in the format that `replay` and `learn` read.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use flate2::Compression;
use flate2::write::GzEncoder;

use crate::simulate::Request;

/// A file that is written.
pub(super) struct Journal {
    path: PathBuf,
    to: To,
    count: u64,
}

/// What is written through.
enum To {
    Plain(BufWriter<File>),
    Gzip(Box<GzEncoder<BufWriter<File>>>),
}

impl Journal {
    /// A new file, or an old one emptied.
    pub(super) fn create(path: &Path) -> anyhow::Result<Self> {
        let file = super::create(path)?;
        let file = BufWriter::with_capacity(1 << 18, file);
        let gzip = path.extension().is_some_and(|end| end == "gz");
        Ok(Self {
            path: path.to_path_buf(),
            to: if gzip {
                To::Gzip(Box::new(GzEncoder::new(file, Compression::fast())))
            } else {
                To::Plain(file)
            },
            count: 0,
        })
    }

    /// Writes a request down, as if it had been answered.
    pub(super) fn write(&mut self, request: &Request) -> anyhow::Result<()> {
        self.count = self.count.saturating_add(1);
        let count = self.count;
        let written = match &mut self.to {
            To::Plain(to) => line(request, count, to),
            To::Gzip(to) => line(request, count, to),
        };
        written.with_context(|| format!("cannot write {}", self.path.display()))
    }

    /// Writes what has not been written yet.
    pub(super) fn finish(self) -> anyhow::Result<()> {
        let written = match self.to {
            To::Plain(mut to) => to.flush(),
            To::Gzip(to) => to.finish().and_then(|mut to| to.flush()),
        };
        written.with_context(|| format!("cannot write {}", self.path.display()))
    }
}

fn line(request: &Request, count: u64, to: &mut impl Write) -> io::Result<()> {
    let account = &request.account;
    write!(
        to,
        r#"{{"t": {}, "id": "r{count}", "source": "{}", "tls": {{"ja4": "{}"}}, "method": "POST", "path": "{}", "headers": ["#,
        request.t, request.source, request.ja4, request.path
    )?;
    for (place, (name, value)) in request.headers().into_iter().enumerate() {
        let comma = if place == 0 { "" } else { ", " };
        let pair = [name, value].map(String::from_utf8_lossy);
        write!(to, "{comma}{}", serde_json::to_string(&pair)?)?;
    }
    write!(
        to,
        r#"], "account": {{"age_days": {}, "tier": "{}", "verified": {}, "contract": {}"#,
        account.age_days, account.tier, account.verified, account.contract
    )?;
    if account.org != 0 {
        write!(to, r#", "org": "org_{}""#, account.org)?;
    }
    to.write_all(br#"}, "body": "#)?;
    to.write_all(&request.body)?;
    writeln!(
        to,
        r#", "status": 200, "usage": {{"input": {}, "output": {}}}}}"#,
        request.input, request.output
    )
}
