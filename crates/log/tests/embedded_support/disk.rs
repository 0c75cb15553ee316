//! A small disk of its own, to be filled.

use std::path::{Path, PathBuf};
use std::process::Command;

/// A file system in memory, for as long as this lives.
#[derive(Debug)]
pub(crate) struct Disk(PathBuf, Option<tempfile::TempDir>);

impl Disk {
    /// Mounts one; `None`, and it is said what is missing, where that is not allowed. With `CI=true` it must be.
    pub(crate) fn mount(size: &str) -> Option<Self> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().to_owned();
        let mounted =
            Command::new("mount").args(["-t", "tmpfs", "-o", size, "vitals-test"]).arg(&path).output();
        match mounted {
            Ok(output) if output.status.success() => Some(Self(path, Some(dir))),
            other => {
                let needed = "mounting a small tmpfs needs the right to mount (CAP_SYS_ADMIN)";
                witness::skip(&format!("{needed}: {other:?}"));
                None
            }
        }
    }

    /// Where it is mounted.
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// Makes it smaller or larger.
    pub(crate) fn resize(&self, size: &str) {
        let options = format!("remount,{size}");
        assert!(Command::new("mount").args(["-o", &options]).arg(&self.0).status().unwrap().success());
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let unmounted = Command::new("umount").arg("-l").arg(&self.0).status();
        assert!(unmounted.is_ok_and(|status| status.success()), "{} stays mounted", self.0.display());
        drop(self.1.take());
    }
}
