//! What is stored, pinned: the files in `tests/golden` are still read, and still written byte for byte.
//!
//! A file of a released version is never changed; a new version of a format gets a file of its own.
//! `UPDATE_GOLDEN=1` writes the files anew.

use std::path::PathBuf;

/// The text of a golden file, after it was found equal to `now` (or written).
pub(crate) fn golden(name: &str, now: &str) -> String {
    let path: PathBuf = [env!("CARGO_MANIFEST_DIR"), "tests", "golden", name].iter().collect();
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, now).unwrap();
    }
    let stored = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(stored == now, "{name} differs\nstored:\n{stored}\nnow:\n{now}");
    stored
}
