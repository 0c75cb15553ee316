//! What happened, for people (the tail of it) and for comparison (a hash of all of it).

use std::collections::VecDeque;
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};

/// How many lines are kept.
const KEPT: usize = 120;

/// The course of one run.
#[derive(Debug, Default)]
pub struct Trace {
    hasher: DefaultHasher,
    lines: VecDeque<String>,
}

impl Trace {
    /// Notes something of which nothing is to be read, only whether it was the same.
    pub fn same(&mut self, what: impl Hash) {
        what.hash(&mut self.hasher);
    }

    /// Notes something at an instant, for people too.
    pub fn say(&mut self, at_ms: i64, what: fmt::Arguments<'_>) {
        let line =
            format!("{:>9.3} {what}", std::time::Duration::from_millis(at_ms.unsigned_abs()).as_secs_f64());
        line.hash(&mut self.hasher);
        if self.lines.len() == KEPT {
            self.lines.pop_front();
        }
        self.lines.push_back(line);
    }

    /// The hash of all that was noted.
    #[must_use]
    pub fn hash(&self) -> u64 {
        self.hasher.finish()
    }

    /// The last lines.
    #[must_use]
    pub fn tail(&self) -> String {
        self.lines.iter().fold(String::new(), |text, line| text + line + "\n")
    }
}
