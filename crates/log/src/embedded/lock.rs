//! Whose directory it is: one process at a time, one layout, and never somebody else's files.
//!
//! The lock is the operating system's, so that it ends with the process whatever happens; the holder's pid in the
//! file only serves the message. The marker is written before anything else of the log.

use crate::{Error, Result};
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};

const MARKER: &str = "VITALS";
const MARKER_DRAFT: &str = "VITALS.draft";
const LOCK: &str = "lock";
const TITLE: &str = "vitals embedded log";
const LAYOUT: u32 = 1;

/// A directory that this process holds for as long as this value lives.
#[derive(Debug)]
pub(super) struct Holding {
    pub(super) dir: PathBuf,
    file: File,
}

impl Drop for Holding {
    fn drop(&mut self) {
        // Not left to the closing of the file: a child process that is just being made has it open, too.
        if let Err(error) = self.file.unlock() {
            tracing::warn!(dir = %self.dir.display(), %error, "the directory's lock was not given back");
        }
    }
}

/// Takes `dir`, which is made if it does not exist.
pub(super) fn take(dir: &Path) -> Result<Holding> {
    fs::create_dir_all(dir).map_err(|error| failed(dir, "cannot be created", &error))?;
    let dir = dir.canonicalize().map_err(|error| failed(dir, "cannot be resolved", &error))?;
    check_ours(&dir)?;
    let file = lock(&dir)?;
    if !check_ours(&dir)? {
        mark(&dir).map_err(|error| failed(&dir, "cannot be written", &error))?;
    }
    Ok(Holding { dir, file })
}

/// Whether the marker is there; an error if the directory is of another layout or not ours.
fn check_ours(dir: &Path) -> Result<bool> {
    match fs::read_to_string(dir.join(MARKER)) {
        Ok(text) => check_layout(dir, &text).map(|()| true),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let entries = fs::read_dir(dir).map_err(|error| failed(dir, "cannot be read", &error))?;
            for entry in entries {
                let name = entry.map_err(|error| failed(dir, "cannot be read", &error))?.file_name();
                if name != LOCK && name != MARKER_DRAFT && name != "lost+found" {
                    return Err(Error::Refused(format!(
                        "directory {} holds {} and is not an embedded log; name an empty or a new directory",
                        dir.display(),
                        name.display()
                    )));
                }
            }
            Ok(false)
        }
        Err(error) => Err(failed(dir, "cannot be read", &error)),
    }
}

fn check_layout(dir: &Path, text: &str) -> Result<()> {
    let mut lines = text.lines();
    let layout = match (lines.next(), lines.next().and_then(|line| line.strip_prefix("layout "))) {
        (Some(TITLE), Some(layout)) => layout.parse::<u32>().ok(),
        _ => None,
    };
    match layout {
        Some(LAYOUT) => Ok(()),
        Some(layout) => Err(Error::Refused(format!(
            "directory {} has layout {layout}, this version reads and writes layout {LAYOUT}; use the version of \
             vitals that wrote it, or a new directory",
            dir.display()
        ))),
        None => Err(Error::Refused(format!(
            "directory {} has a file {MARKER} that is not one of ours; name another directory",
            dir.display()
        ))),
    }
}

fn mark(dir: &Path) -> std::io::Result<()> {
    let draft = dir.join(MARKER_DRAFT);
    let mut file = File::create(&draft)?;
    write!(file, "{TITLE}\nlayout {LAYOUT}\n")?;
    file.sync_all()?;
    fs::rename(&draft, dir.join(MARKER))?;
    sync(dir)
}

fn lock(dir: &Path) -> Result<File> {
    let path = dir.join(LOCK);
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(&path)
        .map_err(|error| failed(dir, "cannot be locked", &error))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut pid = String::new();
            // The holder may be about to write it; the message only says less then.
            let holder = match file.read_to_string(&mut pid) {
                Ok(size) if size > 0 => format!("process {}", pid.trim()),
                Ok(_) | Err(_) => "another process".to_owned(),
            };
            return Err(Error::Refused(format!(
                "directory {} is in use by {holder}; only one process can hold it: ask that process through its \
                 admin server, or stop it",
                dir.display()
            )));
        }
        Err(TryLockError::Error(error)) => return Err(failed(dir, "cannot be locked", &error)),
    }
    let written =
        file.set_len(0).and_then(|()| file.rewind()).and_then(|()| writeln!(file, "{}", std::process::id()));
    written.map_err(|error| failed(dir, "cannot be written", &error))?;
    Ok(file)
}

/// Makes a rename or a new file in `dir` durable.
pub(super) fn sync(dir: &Path) -> std::io::Result<()> {
    File::open(dir)?.sync_all()
}

pub(super) fn failed(dir: &Path, what: &str, error: &std::io::Error) -> Error {
    Error::Fatal(format!("directory {} {what}: {error}", dir.display()))
}
