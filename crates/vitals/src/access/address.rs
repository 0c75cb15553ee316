//! The file in a held directory that says where its holder's admin server listens.
//!
//! It holds the token that the server asks for, so only its owner may read it. It is written whole or not at
//! all, and removed when the holder ends; one that a killed holder left behind is recognised since its process
//! does not hold the directory any more.

use crate::settings::Secret;
use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

const FILE: &str = "admin";
const DRAFT: &str = "admin.draft";

/// Where and how to ask.
#[derive(Clone, Debug)]
pub(crate) struct Address {
    /// Where the server listens.
    pub(crate) listen: SocketAddr,
    /// The process.
    pub(crate) pid: u32,
    /// What to show.
    pub(crate) token: Secret,
}

#[derive(Serialize, Deserialize)]
struct Form {
    address: SocketAddr,
    pid: u32,
    token: String,
}

impl Address {
    /// Reads the file of a directory, if there is one that can be read.
    pub(crate) fn read(dir: &Path) -> Option<Self> {
        let text = fs::read_to_string(dir.join(FILE)).ok()?;
        let Form { address, pid, token } = serde_json::from_str(&text).ok()?;
        Some(Self { listen: address, pid, token: Secret::new(token) })
    }

    /// Writes it; it is removed with what is returned.
    pub(crate) fn write(&self, dir: &Path) -> Result<Written> {
        let form = Form { address: self.listen, pid: self.pid, token: self.token.reveal().to_owned() };
        let draft = dir.join(DRAFT);
        let path = dir.join(FILE);
        let write = || -> std::io::Result<()> {
            let mut options = OpenOptions::new();
            options.write(true).create(true).truncate(true);
            #[cfg(unix)]
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
            let mut file = options.open(&draft)?;
            serde_json::to_writer(&mut file, &form)?;
            file.write_all(b"\n")?;
            fs::rename(&draft, &path)
        };
        write().with_context(|| format!("file {} cannot be written", path.display()))?;
        Ok(Written { path })
    }
}

/// The file, for as long as its server answers.
#[derive(Debug)]
pub(crate) struct Written {
    path: PathBuf,
}

impl Drop for Written {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_file(&self.path) {
            tracing::warn!(path = %self.path.display(), %error, "the file with the server's address stays behind");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_there_for_its_owner_as_long_as_it_is_held() {
        let dir = tempfile::tempdir().unwrap();
        assert!(Address::read(dir.path()).is_none());
        let address =
            Address { listen: ([127, 0, 0, 1], 9464).into(), pid: 7, token: Secret::new("t".to_owned()) };
        let written = address.write(dir.path()).unwrap();
        let read = Address::read(dir.path()).unwrap();
        assert_eq!((read.listen, read.pid, read.token.reveal()), (address.listen, 7, "t"));
        #[cfg(unix)]
        {
            let mode =
                std::os::unix::fs::PermissionsExt::mode(&fs::metadata(&written.path).unwrap().permissions());
            assert_eq!(mode & 0o777, 0o600);
        }
        drop(written);
        assert!(Address::read(dir.path()).is_none());
    }
}
