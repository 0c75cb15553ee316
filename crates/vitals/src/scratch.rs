//! A directory that goes with the command that made it, also where that is interrupted.

use anyhow::{Context, Result};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use std::{fs, io, process, thread};
use tempfile::TempDir;
use tokio::runtime::Builder;
use tokio::signal::unix::{SignalKind, signal};

/// How often it is tried to take a directory away in which somebody is still writing.
const TRIES: usize = 10;
/// How long to wait in between.
const PAUSE: Duration = Duration::from_millis(20);

/// Whether a signal is ending the process: whatever fails from then on does so for lack of its directory.
static ENDING: AtomicBool = AtomicBool::new(false);

/// Waits for the end of the process, if a signal is ending it.
pub(crate) fn yield_to_signal() {
    while ENDING.load(Ordering::SeqCst) {
        thread::park();
    }
}

/// A temporary directory. It goes with this value, or with the process if that is interrupted or terminated.
#[derive(Debug)]
pub(crate) struct Scratch(TempDir);

impl Scratch {
    /// Makes one where the system keeps such (`TMPDIR`). From now on SIGINT and SIGTERM end the process with the status
    /// that shells give them.
    pub(crate) fn new() -> Result<Self> {
        let (interrupt, terminate) = (SignalKind::interrupt(), SignalKind::terminate());
        let runtime = Builder::new_current_thread().enable_io().build()?;
        let entered = runtime.enter();
        let (mut interrupts, mut terminates) = (signal(interrupt)?, signal(terminate)?);
        drop(entered);
        let dir = tempfile::tempdir().context("a temporary directory cannot be made")?;
        let path = dir.path().to_owned();
        thread::Builder::new().name("signals".to_owned()).spawn(move || {
            let kind = runtime.block_on(async {
                tokio::select! {
                    _ = interrupts.recv() => interrupt,
                    _ = terminates.recv() => terminate,
                }
            });
            ENDING.store(true, Ordering::SeqCst);
            remove(&path);
            process::exit(128 + kind.as_raw_value());
        })?;
        Ok(Self(dir))
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }
}

fn remove(path: &Path) {
    for _ in 0..TRIES {
        match fs::remove_dir_all(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => thread::sleep(PAUSE),
            Ok(()) | Err(_) => return,
        }
    }
}
