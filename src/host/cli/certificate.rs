//! `stillgate certificate`: a self-signed certificate, good enough to try TLS on this machine.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

/// What `certificate` is told.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The folder for certificate.pem and key.pem
    #[arg(long, value_name = "DIR", default_value = "target/certificate")]
    out: PathBuf,
}

/// Makes the certificate and says where it is.
pub(super) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let pair = write(&arguments.out)?;
    println!("{}", pair.certificate.display());
    println!("{}", pair.key.display());
    Ok(())
}

/// A certificate and its private key, as PEM files.
#[derive(Debug)]
pub(super) struct Pair {
    pub(super) certificate: PathBuf,
    pub(super) key: PathBuf,
}

/// Writes a fresh pair for localhost into a folder, which is made if it is not there.
pub(super) fn write(folder: &Path) -> anyhow::Result<Pair> {
    fs::create_dir_all(folder)
        .with_context(|| format!("cannot make the folder {}", folder.display()))?;
    let names = NAMES.map(String::from);
    let made = rcgen::generate_simple_self_signed(names).context("cannot make a certificate")?;
    let pair = Pair {
        certificate: folder.join("certificate.pem"),
        key: folder.join("key.pem"),
    };
    write_file(&pair.certificate, &made.cert.pem(), 0o644)?;
    write_file(&pair.key, &made.signing_key.serialize_pem(), 0o600)?;
    Ok(pair)
}

/// Replaces a file by rename, so that nobody reads half of it, with the permissions it needs from its first byte on.
fn write_file(path: &Path, text: &str, mode: u32) -> anyhow::Result<()> {
    use std::io::Write as _;
    use std::os::unix::fs::PermissionsExt as _;

    let told = || format!("cannot write {}", path.display());
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::Builder::new()
        .permissions(fs::Permissions::from_mode(mode))
        .tempfile_in(folder)
        .with_context(told)?;
    file.write_all(text.as_bytes()).with_context(told)?;
    file.persist(path).with_context(told)?;
    Ok(())
}

/// Whom the certificate speaks for.
const NAMES: [&str; 3] = ["localhost", "127.0.0.1", "::1"];
