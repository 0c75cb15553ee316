//! What tests could not look at on this machine: said when it happens, and named once more at the end of the run.
//!
//! A test that lacks something calls [`skip`] and ends. The notes of a run lie in a file of its own under the target
//! folder. A run is one process that starts test binaries (cargo), so what an earlier one noted is never told as of
//! this one. This package's own test, the last but for the doc-tests, tells and removes the notes. A run that ends
//! before it, as after a failure, has only what was said on the way.
//!
//! With `CI=true` nothing is skipped: the test fails.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a library of tests: a failure is a panic")]

use std::fmt::Write as _;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

/// Says that this test, or a part of it, is skipped, and what is missing.
///
/// # Panics
/// If `CI` is `true`; or if it cannot be noted.
pub fn skip(missing: &str) {
    assert!(std::env::var_os("CI").is_none_or(|ci| ci != "true"), "{missing}");
    let test = test();
    say(&format!("SKIPPED: {test}: {missing}\n"));
    Notes::of_this_run().add(&test, missing);
}

/// Writes to standard error. Not as `eprintln!` does, which the test harness keeps to itself where a test passes.
///
/// # Panics
/// If that is not possible.
pub fn say(text: &str) {
    std::io::stderr().write_all(text.as_bytes()).unwrap();
}

/// Where cargo builds: it marks the folder as a cache.
///
/// # Panics
/// If this program does not know where it lies.
#[must_use]
pub fn target() -> PathBuf {
    let exe = std::env::current_exe().unwrap();
    let marked = exe.ancestors().find(|dir| dir.join("CACHEDIR.TAG").exists());
    marked.map_or_else(std::env::temp_dir, Path::to_path_buf)
}

/// The binary and the test that this thread runs. The harness names a thread after its test.
fn test() -> String {
    let exe = std::env::current_exe().unwrap();
    let stem = exe.file_stem().unwrap().to_string_lossy();
    // Behind the name stands a hash.
    let binary = stem.rsplit_once('-').map_or(&*stem, |(name, _)| name);
    match std::thread::current().name() {
        // Where there is one thread only it runs all tests.
        None | Some("main") => format!("a test of {binary}"),
        Some(test) => format!("{test} of {binary}"),
    }
}

/// What was skipped in one run.
#[derive(Debug)]
pub struct Notes(PathBuf);

impl Notes {
    /// Those of the run that started this binary.
    ///
    /// # Panics
    /// If there is no folder for them.
    #[must_use]
    pub fn of_this_run() -> Self {
        let parent = std::os::unix::process::parent_id();
        // A number of a process is used again; when it began tells it from the one before.
        let stat = fs::read_to_string(format!("/proc/{parent}/stat")).unwrap_or_default();
        let began =
            stat.rsplit_once(')').and_then(|(_, rest)| rest.split_whitespace().nth(19)).unwrap_or("0");
        Self::at(&target().join("skipped"), &format!("{parent}-{began}"))
    }

    fn at(dir: &Path, run: &str) -> Self {
        fs::create_dir_all(dir).unwrap();
        Self(dir.join(run))
    }

    fn add(&self, test: &str, missing: &str) {
        let mut file = OpenOptions::new().create(true).append(true).open(&self.0).unwrap();
        // In one write, since tests of one binary are skipped side by side.
        file.write_all(format!("{test}: {}\n", missing.replace('\n', " ")).as_bytes()).unwrap();
    }

    /// What was skipped so far, for people; it is not told again.
    ///
    /// # Panics
    /// If it cannot be read or removed.
    #[must_use]
    pub fn take(&self) -> String {
        let notes = fs::read_to_string(&self.0).unwrap_or_default();
        if self.0.exists() {
            fs::remove_file(&self.0).unwrap();
        }
        let mut notes: Vec<&str> = notes.lines().collect();
        notes.sort_unstable();
        notes.dedup();
        let mut told = match notes.len() {
            0 => "no test was skipped\n".to_owned(),
            count => format!("SKIPPED, {count} in all:\n"),
        };
        for note in notes {
            writeln!(told, "  {note}").unwrap();
        }
        told
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_told_what_was_skipped_in_it_once() {
        let dir = tempfile::tempdir().unwrap();
        let (earlier, run) = (Notes::at(dir.path(), "1-1"), Notes::at(dir.path(), "1-2"));
        earlier.add("old of broker", "java");
        assert_eq!(run.take(), "no test was skipped\n");
        run.add("b of broker", "java\nis needed");
        run.add("a of disk", "the right to mount");
        run.add("b of broker", "java\nis needed");
        assert_eq!(
            run.take(),
            "SKIPPED, 2 in all:\n  a of disk: the right to mount\n  b of broker: java is needed\n"
        );
        assert_eq!(run.take(), "no test was skipped\n");
    }

    #[test]
    fn a_test_is_named_by_its_thread() {
        assert_eq!(test(), "tests::a_test_is_named_by_its_thread of witness");
    }
}
